//! What `check` looks at, gathered once; the checks themselves ask no server.
//! Not here: judgement.

mod facts;
mod gather;
mod preview;

#[cfg(test)]
pub use facts::SiteTaint;
pub use facts::{NodeFact, PodFact};
pub use gather::{gather, list, list_labelled};
pub use preview::{Heard, Preview, Previewed};

use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use pinisi_crds::local_names::LocalName;
use pinisi_crds::{
    CloudBudget, Declassification, HybridWorkload, SignalSource, Site, SovereignNodes,
    SovereigntyViolation,
};
use std::collections::{BTreeMap, BTreeSet};

/// What was read, or in words why it could not be.
pub type Seen<T> = Result<T, String>;

/// One look at a cluster.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// When.
    pub now: Timestamp,
    /// Where the operator should be.
    pub operator_namespace: String,
    /// Version of the server as it says it, for example major "1", minor "37".
    pub server: (String, String),
    /// Plurals that the server serves in `pinisi.dev/v1alpha1`; empty where it serves none.
    pub served_kinds: Seen<BTreeSet<String>>,
    /// Plurals that the server serves in `admissionregistration.k8s.io/v1`.
    pub served_admission: Seen<BTreeSet<String>>,
    /// By API group that another server answers for, why it is not available; `None` where it is.
    pub api_services: Seen<BTreeMap<String, Option<String>>>,
    /// Definitions of group pinisi.dev.
    pub definitions: Seen<Vec<CustomResourceDefinition>>,
    /// Deployments of the operator's namespace.
    pub deployments: Seen<Vec<Deployment>>,
    /// Pods of the operator's namespace.
    pub operator_pods: Seen<Vec<PodFact>>,
    /// Leases of the operator's namespace.
    pub leases: Seen<Vec<Lease>>,
    /// Validating policies whose name has the guard's prefix.
    pub policies: Seen<Vec<ValidatingAdmissionPolicy>>,
    /// Bindings with that prefix.
    pub bindings: Seen<Vec<ValidatingAdmissionPolicyBinding>>,
    /// Mutating policies with that prefix.
    pub stamps: Seen<Vec<MutatingAdmissionPolicy>>,
    /// Their bindings.
    pub stamp_bindings: Seen<Vec<MutatingAdmissionPolicyBinding>>,
    /// Whether the API server itself keeps somebody from taking the guard away.
    pub floor: Seen<bool>,
    /// All Sites.
    pub sites: Seen<Vec<Site>>,
    /// Names of the Secrets in the operator's namespace that Sites name and that are there.
    pub secrets: Seen<BTreeSet<String>>,
    /// HybridWorkloads of the namespaces asked for.
    pub workloads: Seen<Vec<HybridWorkload>>,
    /// By namespace and name of the Deployment, the cluster-local names in its template: of
    /// Deployments that have any, in the namespaces asked for. Not looked for where no Site is
    /// another cluster.
    pub local_names: Seen<BTreeMap<(String, String), Vec<LocalName>>>,
    /// All SignalSources.
    pub sources: Seen<Vec<SignalSource>>,
    /// All CloudBudgets.
    pub budgets: Seen<Vec<CloudBudget>>,
    /// All SovereignNodes.
    pub inventories: Seen<Vec<SovereignNodes>>,
    /// All SovereigntyViolations.
    pub violations: Seen<Vec<SovereigntyViolation>>,
    /// Declassifications of the namespaces asked for.
    pub declassifications: Seen<Vec<Declassification>>,
    /// All nodes.
    pub nodes: Seen<Vec<NodeFact>>,
    /// Labels of all namespaces by name.
    pub namespaces: Seen<BTreeMap<String, BTreeMap<String, String>>>,
    /// Pods of the Sensitive namespaces asked for.
    pub sensitive_pods: Seen<Vec<PodFact>>,
    /// What the guard says to copies of what is in the Sensitive namespaces asked for.
    pub preview: Seen<Preview>,
    /// HorizontalPodAutoscalers of the namespaces asked for.
    pub autoscalers: Seen<Vec<HorizontalPodAutoscaler>>,
}
