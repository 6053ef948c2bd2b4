//! `Site`: a place to run, in this cluster or in another, with what it holds and what it costs.

use crate::sovereign_nodes::NodeIdentity;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A place to run: some nodes of this cluster or another cluster, under one jurisdiction.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "pinisi.dev",
    version = "v1alpha1",
    kind = "Site",
    status = "SiteStatus",
    derive = "PartialEq",
    category = "pinisi",
    doc = "A place to run: some nodes of this cluster or another cluster, under one jurisdiction.",
    validation = Rule::new("self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')").message("a Site's name becomes a label value and part of Deployment names: use at most 40 lower-case letters, digits and '-', without dots"),
    printcolumn(name = "Type", type_ = "string", json_path = ".spec.type"),
    printcolumn(name = "Jurisdiction", type_ = "string", json_path = ".spec.jurisdiction"),
    printcolumn(name = "Nodes", type_ = "integer", json_path = ".status.nodes"),
    printcolumn(name = "CPU", type_ = "string", json_path = ".status.allocatable.cpu"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].reason"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(validation = Rule::new("has(self.nodes) != has(self.kubeconfigSecretRef)").message("say where the site is, in exactly one way: spec.nodes.matchLabels for nodes of this cluster, or spec.kubeconfigSecretRef for another cluster"))]
#[x_kube(validation = Rule::new("has(self.nodes) == has(oldSelf.nodes)").message("the connection of a Site is immutable: make a new Site and move the workloads to it"))]
#[x_kube(validation = Rule::new("has(self.kubeconfigSecretRef) || !(has(self.createNamespaces) || has(self.clusterUid) || has(self.unreachableGraceSeconds))").message("createNamespaces, clusterUid and unreachableGraceSeconds speak of another cluster: they need spec.kubeconfigSecretRef"))]
#[x_kube(validation = Rule::new("has(self.nodes) || self.type != 'OnPrem'").message("an OnPrem Site is made of nodes of this cluster: the guard of this version cannot prove another cluster's ground sovereign. Use type Cloud or Edge, or spec.nodes"))]
#[x_kube(validation = Rule::new("!has(self.price) || self.type != 'OnPrem'").message("own ground is paid for already: spec.price is for Sites of type Cloud and Edge"))]
#[x_kube(validation = Rule::new("!has(self.attested) || self.type == 'OnPrem'").message("only ground that can be sovereign is attested: spec.attested is for Sites of type OnPrem"))]
#[serde(rename_all = "camelCase")]
pub struct SiteSpec {
    /// What kind of place this is. Only OnPrem is sovereign ground for Sensitive workloads, on those of
    /// its nodes that are attested. Immutable.
    #[serde(rename = "type")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.type is immutable: make a new Site and move the workloads to it"))]
    pub type_: SiteType,
    /// Country whose law applies there, as ISO 3166-1 alpha-2 (for example ID). Immutable.
    #[schemars(regex(pattern = "^[A-Z]{2}$"))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.jurisdiction is immutable: make a new Site and move the workloads to it"))]
    pub jurisdiction: String,
    /// Nodes of this cluster that are the site. Immutable. A node that two Sites match stalls both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.nodes is immutable: make a new Site and move the workloads to it"))]
    pub nodes: Option<SiteNodes>,
    /// Nodes that somebody with that right vouches for, by name, each as it was then: uid, and
    /// providerID or machineID where the node has one. Only on these do Sensitive pods run, and only
    /// while they are still the same. Labels attest nothing: whoever may write nodes can set them. To
    /// be written by `kubectl pinisi attest`. OnPrem only; at most 5000. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 5000))]
    pub attested: Option<BTreeMap<String, NodeIdentity>>,
    /// Another cluster that is the site: the Secret with its kubeconfig. The reference is immutable,
    /// what the Secret holds may be rotated at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.kubeconfigSecretRef is immutable: make a new Site and move the workloads to it; a new kubeconfig goes into the same Secret"))]
    pub kubeconfig_secret_ref: Option<KubeconfigSecretRef>,
    /// True: the operator makes a workload's namespace in that cluster where it is missing. Absent:
    /// false, the namespace must be there and must not belong to somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_namespaces: Option<bool>,
    /// uid of the namespace `kube-system` of that cluster: a kubeconfig that leads to another
    /// cluster is refused. Absent: the first cluster that it leads to, as kept in status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 8, max = 63))]
    pub cluster_uid: Option<String>,
    /// Seconds for which replicas at an unreachable site are counted as serving; after that they
    /// are made up for elsewhere. 30 to 86400. Absent: 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 30, max = 86_400))]
    pub unreachable_grace_seconds: Option<i32>,
    /// Namespaces whose workloads may run here. Absent selects none, `{}` selects all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_namespaces: Option<LabelSelector>,
    /// Limits on what Pinisi may use here, on top of what the nodes hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<SiteCapacity>,
    /// When mass traffic goes on to the next tier, and when it may come back. Absent: 80 and 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermarks: Option<Watermarks>,
    /// What requested resources cost here. Mass traffic then comes here only as far as a CloudBudget
    /// in this currency covers its namespace and has the money. Absent: nothing is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<SitePrice>,
}

/// Kind of place.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord,
)]
pub enum SiteType {
    /// Own ground: lawful for Sensitive workloads, on attested nodes.
    OnPrem,
    /// A provider's ground: for MassTraffic only.
    Cloud,
    /// A small place near its users: for MassTraffic only until a policy says otherwise.
    Edge,
}

/// Nodes of this cluster, by label.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SiteNodes {
    /// Labels that every node of the site carries, all of them. Prefer keys under
    /// `node-restriction.kubernetes.io/`, which a node cannot set on itself.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 8))]
    pub match_labels: BTreeMap<String, String>,
}

/// The Secret that holds a kubeconfig, in the operator's own namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct KubeconfigSecretRef {
    /// Name of the Secret.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
    )]
    pub name: String,
    /// Key in it. Absent: `kubeconfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[-._a-zA-Z0-9]+$"))]
    pub key: Option<String>,
}

/// Limits on what may be used at a site.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SiteCapacity {
    /// The most that all Pinisi workloads together may request here. Absent: what the nodes hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<ResourceAmounts>,
    /// Room that MassTraffic leaves free for the growth of Sensitive workloads, beside what they
    /// use already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserve_for_sensitive: Option<ResourceAmounts>,
    /// An autoscaled pool (Cluster Autoscaler, Karpenter or the like) behind the site: nodes that it
    /// can still add are room too. Pods are placed here beyond the nodes that are there, and what
    /// waits makes the pool add nodes. For mass traffic only: what is to come is attested by nobody.
    /// Absent: only the nodes that are there count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elastic: Option<ElasticPool>,
}

/// An autoscaled pool.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ElasticPool {
    /// The most nodes that the site may have, those that are there included: as the pool's own
    /// maximum says. 1 to 5000.
    #[schemars(range(min = 1, max = 5000))]
    pub max_nodes: i32,
    /// One node as the pool adds it.
    pub node: PoolNode,
    /// Seconds from a pod that waits to a Ready node, at the slowest. Pods may be Pending for this
    /// long beside their own start-up before they go to another site. 1 to 3600. Absent: 180.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3600))]
    pub provision_seconds: Option<i32>,
}

/// One node as an autoscaled pool adds it. The pool must give it the labels of spec.nodes, and on a
/// Cloud or Edge site the taint `pinisi.dev/site=<site>:NoExecute`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PoolNode {
    /// Allocatable CPU as a quantity, for example "8". Above 0.
    #[schemars(with = "String", length(max = 32))]
    #[x_kube(validation = Rule::new("isQuantity(self) && quantity(self).isGreaterThan(quantity('0')) && quantity(self).isLessThan(quantity('1Gi'))").message("cpu must be a quantity above 0, for example '8'"))]
    pub cpu: Quantity,
    /// Allocatable memory as a quantity, for example "32Gi". Above 0.
    #[schemars(with = "String", length(max = 32))]
    #[x_kube(validation = Rule::new("isQuantity(self) && quantity(self).isGreaterThan(quantity('0')) && quantity(self).isLessThan(quantity('1Ei'))").message("memory must be a quantity above 0, for example '32Gi'"))]
    pub memory: Quantity,
    /// Pods that fit on it beside those of DaemonSets. 1 to 1000. Absent: 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub pods: Option<i32>,
    /// What DaemonSets request on each node: it is no room. Absent: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daemon_sets: Option<ResourceAmounts>,
}

/// Amounts of CPU and memory.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.cpu) || has(self.memory)").message("name at least one of cpu and memory"))]
pub struct ResourceAmounts {
    /// CPU as a quantity, for example "12" or "1500m". Not negative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 32))]
    #[x_kube(validation = Rule::new("isQuantity(self) && !quantity(self).isLessThan(quantity('0')) && quantity(self).isLessThan(quantity('1Gi'))").message("cpu must be a quantity of 0 or more, for example '12' or '1500m'"))]
    pub cpu: Option<Quantity>,
    /// Memory as a quantity, for example "64Gi". Not negative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 32))]
    #[x_kube(validation = Rule::new("isQuantity(self) && !quantity(self).isLessThan(quantity('0')) && quantity(self).isLessThan(quantity('1Ei'))").message("memory must be a quantity of 0 or more, for example '64Gi'"))]
    pub memory: Option<Quantity>,
}

/// What requested resources cost. A price of zero for both is no price.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SitePrice {
    /// Currency, as ISO 4217 (for example IDR).
    #[schemars(regex(pattern = "^[A-Z]{3}$"))]
    pub currency: String,
    /// For one core requested for an hour, as a decimal with at most six digits after the point, for
    /// example "0.0425".
    #[schemars(
        length(min = 1, max = 22),
        regex(pattern = "^[0-9]{1,15}([.][0-9]{1,6})?$")
    )]
    pub per_cpu_hour: String,
    /// For one GiB of memory requested for an hour, in the same way.
    #[schemars(
        length(min = 1, max = 22),
        regex(pattern = "^[0-9]{1,15}([.][0-9]{1,6})?$")
    )]
    pub per_gib_hour: String,
}

/// Shares of a site's allocatable resources, in percent.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.lowPercent < self.highPercent").message("lowPercent must be below highPercent, or overflow and drain-back would chase each other"))]
pub struct Watermarks {
    /// MassTraffic grows here up to this share of what the nodes hold; what is above it goes to
    /// the next tier first. 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub high_percent: i32,
    /// Replicas come back from later tiers only when the site's use is below this share. 0 to 99.
    #[schemars(range(min = 0, max = 99))]
    pub low_percent: i32,
}

/// What the operator sees of a site.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SiteStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Nodes that match and are Ready.
    #[serde(default)]
    pub nodes: i32,
    /// What those nodes hold in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocatable: Option<ResourceTotals>,
    /// The other cluster that the site is, as last seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterIdentity>,
    /// Ready, Stalled where something needs a person, and for another cluster Reachable and Guarded.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

/// Which cluster a kubeconfig leads to.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ClusterIdentity {
    /// uid of its namespace `kube-system`.
    pub uid: String,
    /// What its API server calls itself, for example `v1.37.2`.
    pub version: String,
}

/// Sums over a site's nodes.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ResourceTotals {
    /// CPU in cores, for example "96" or "1500m".
    pub cpu: String,
    /// Memory, for example "384Gi".
    pub memory: String,
}
