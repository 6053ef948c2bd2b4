//! Labels, taints and fixed names: the words by which Pinisi and a cluster know each other.

/// API group of every kind.
pub const GROUP: &str = "pinisi.dev";
/// Namespace label that says which class a namespace holds.
pub const CLASS_LABEL: &str = "pinisi.dev/class";
/// Value of [`CLASS_LABEL`] for namespaces that never leave sovereign ground.
pub const CLASS_SENSITIVE: &str = "Sensitive";
/// Value of [`CLASS_LABEL`] for namespaces that may overflow.
pub const CLASS_MASS_TRAFFIC: &str = "MassTraffic";
/// Annotation of a namespace that was declassified: uid of the `Declassification` that was used for it.
pub const DECLASSIFIED_ANNOTATION: &str = "pinisi.dev/declassification";
/// Annotation of a namespace: nothing is bound in it by an inventory that is this many seconds old, where
/// that is narrower than its policies are. `0` shows what a long absence of the operator would do.
pub const INVENTORY_MAX_AGE_ANNOTATION: &str = "pinisi.dev/inventory-max-age-seconds";
/// Label of a sibling Deployment and of its pods, and key of the taint on cloud nodes.
pub const SITE_LABEL: &str = "pinisi.dev/site";
/// Annotation of a sibling Deployment: the workload that it serves.
pub const WORKLOAD_ANNOTATION: &str = "pinisi.dev/workload";
/// Annotation of a sibling Deployment: digest of the target's template that it was made from.
pub const TEMPLATE_ANNOTATION: &str = "pinisi.dev/template";
/// Annotation of whatever the operator makes in another cluster: uid of the hub's `kube-system`.
pub const HUB_ANNOTATION: &str = "pinisi.dev/hub";
/// Annotation of a Deployment in another cluster: what was carried there for it, as `Kind/name`.
pub const CARRIED_ANNOTATION: &str = "pinisi.dev/carried";
/// Label of everything that the operator makes.
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// Value of [`MANAGED_BY_LABEL`].
pub const MANAGED_BY: &str = "pinisi";
/// Field manager of every server-side apply, and name under which counts are written.
pub const FIELD_MANAGER: &str = "pinisi";
/// Field manager of what `kubectl pinisi` writes as its user.
pub const CLI_FIELD_MANAGER: &str = "kubectl-pinisi";
/// Annotation of a `HybridWorkload`: what it was adopted from, so that `release` can give it back.
pub const ADOPTION_ANNOTATION: &str = "pinisi.dev/adoption";
/// Finalizer of a `HybridWorkload`, held only while siblings exist.
pub const FINALIZER: &str = "pinisi.dev/siblings";
/// Name of the one `SovereignNodes` object.
pub const SOVEREIGN_NODES: &str = "default";
/// ConfigMap in the operator's namespace that holds what was spent under every budget.
pub const LEDGER: &str = "pinisi-ledger";
/// Key in it.
pub const LEDGER_KEY: &str = "ledger.json";
/// Prefix of node labels that a kubelet cannot set on itself.
pub const NODE_RESTRICTION_PREFIX: &str = "node-restriction.kubernetes.io/";
/// Prefix of the names of the guard's admission policies and bindings.
pub const GUARD_PREFIX: &str = "pinisi-guard-";
/// Label of what only asks, in a dry run, whether the guard would refuse it.
pub const PREVIEW_LABEL: &str = "pinisi.dev/guard";
/// Value of [`PREVIEW_LABEL`], and end of the names of the bindings that answer.
pub const PREVIEW: &str = "preview";
/// Annotation of a copy in another cluster: digest of what it was copied from.
pub const DIGEST_ANNOTATION: &str = "pinisi.dev/digest";
