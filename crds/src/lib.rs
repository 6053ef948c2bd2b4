//! The API of Pinisi, one file a kind, and the names that everybody uses.
//!
//! The YAML in the chart is generated from these types by `cargo generate`.
//! Nothing here reads a cluster or decides anything.

pub mod autoscaling;
pub mod cloud_budget;
pub mod decision;
pub mod declassification;
pub mod dependency;
pub mod hybrid_workload;
pub mod legal;
pub mod local_names;
pub mod names;
pub mod number;
pub mod quantity;
pub mod signal_source;
pub mod site;
pub mod sovereign_nodes;
pub mod sovereignty_policy;
pub mod sovereignty_violation;

pub use cloud_budget::{CloudBudget, CloudBudgetSpec, CloudBudgetStatus};
pub use declassification::{Declassification, DeclassificationSpec, DeclassificationStatus};
pub use hybrid_workload::{HybridWorkload, HybridWorkloadSpec, HybridWorkloadStatus};
pub use signal_source::{SignalSource, SignalSourceSpec, SignalSourceStatus};
pub use site::{Site, SiteSpec, SiteStatus};
pub use sovereign_nodes::{SovereignNodes, SovereignNodesSpec};
pub use sovereignty_policy::{SovereigntyPolicy, SovereigntyPolicySpec, SovereigntyPolicyStatus};
pub use sovereignty_violation::{
    SovereigntyViolation, SovereigntyViolationSpec, SovereigntyViolationStatus,
};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt as _;

/// Every custom resource definition, in the order in which a reader meets them.
#[must_use]
pub fn all() -> Vec<CustomResourceDefinition> {
    vec![
        Site::crd(),
        HybridWorkload::crd(),
        SignalSource::crd(),
        CloudBudget::crd(),
        SovereigntyPolicy::crd(),
        SovereignNodes::crd(),
        SovereigntyViolation::crd(),
        Declassification::crd(),
    ]
}
