//! What the rendered guard depends on: who the operator is, and what SovereigntyPolicies say of
//! namespaces. What they say of storage and routes stands in `SovereignNodes`, not here.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use pinisi_crds::SovereignNodesSpec;
use pinisi_crds::legal::DataCategory;
use pinisi_crds::sovereignty_policy::{Enforcement, Unclassified};
use std::collections::{BTreeMap, BTreeSet};

/// The cluster's own namespace, which no rule ever guards.
pub const KUBE_SYSTEM: &str = "kube-system";

/// What the rendered guard depends on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GuardSettings {
    /// Name of the operator's user, the only writer of `SovereignNodes`:
    /// `system:serviceaccount:NAMESPACE:NAME`.
    pub operator_user: String,
    /// The operator's namespace.
    pub operator_namespace: String,
    /// What the policies say.
    pub policies: GuardPolicies,
    /// Inventories by name, to stand in the text of rules that are asked for every pod. One that is not
    /// here is looked up.
    pub inventories: BTreeMap<String, SovereignNodesSpec>,
    /// Names of bindings that stand from SovereigntyPolicies that are gone: what they name goes on.
    pub left: BTreeSet<String>,
}

/// What SovereigntyPolicies and Sites say that the guard's objects themselves carry.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GuardPolicies {
    /// By the policy's name.
    pub bindings: BTreeMap<String, PolicyBinding>,
    /// Namespaces of the cluster's own parts, beside `kube-system` and the operator's.
    pub infrastructure: BTreeSet<String>,
    /// Sensitive namespaces of policies that do not refuse yet: what is refused without a policy is
    /// left to their bindings there.
    pub rolling_out: BTreeSet<String>,
    /// Labels that mark sovereign nodes.
    pub stamp: BTreeMap<String, String>,
    /// Categories of data that make a service Sensitive, with the article that says so. A law holds for
    /// every namespace, whichever policy names it.
    pub categories: BTreeMap<DataCategory, String>,
}

/// How far a policy reaches.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicyBinding {
    /// Namespaces that it selects.
    pub namespaces: LabelSelector,
    /// What happens to what it does not allow.
    pub enforcement: Enforcement,
    /// What namespaces without a class may do.
    pub unclassified: Unclassified,
    /// True where its nodes may be fewer than those of every OnPrem Site. Elsewhere the bindings for
    /// all say the same of nodes, and each more costs time at every pod.
    pub narrows_nodes: bool,
}

impl GuardSettings {
    /// Namespaces that no rule guards, by name.
    #[must_use]
    pub fn exempt(&self) -> BTreeSet<&str> {
        let own = [KUBE_SYSTEM, self.operator_namespace.as_str()];
        let infrastructure = self.policies.infrastructure.iter().map(String::as_str);
        own.into_iter().chain(infrastructure).collect()
    }
}
