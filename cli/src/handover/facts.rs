//! Everything about one target that a hand-over stands on, gathered once. No judgement here.

use super::autoscaler::Autoscaler;
use super::scalable::Scalable;
use super::target::Target;
use super::workload::Workload;
use crate::snapshot::Seen;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// One target and everybody who wants its count.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// When they were read.
    pub now: Timestamp,
    /// The namespace.
    pub namespace: String,
    /// Its labels.
    pub labels: Seen<BTreeMap<String, String>>,
    /// What is handed over.
    pub target: Target,
    /// The target, where it exists.
    pub scalable: Option<Scalable>,
    /// Whoever scales it besides Pinisi.
    pub autoscalers: Vec<Autoscaler>,
    /// Why ScaledObjects could not be looked at, where that is so.
    pub keda_unreadable: Option<String>,
    /// The HybridWorkload of this target.
    pub workload: Option<Workload>,
    /// A HybridWorkload of the name that a new one would get, with another target.
    pub namesake: Option<Workload>,
    /// Classes of the namespace's HybridWorkloads, by name.
    pub classes: BTreeMap<String, String>,
    /// Deployments that the operator made for the workload in this cluster.
    pub siblings: Vec<Sibling>,
    /// Pods of the target and of its siblings, where they may be read.
    pub pods: Vec<PodSeen>,
}

/// A Deployment that the operator made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sibling {
    /// Its name.
    pub name: String,
    /// The site that it serves at.
    pub site: String,
    /// The count in its spec.
    pub replicas: i32,
    /// Ready replicas.
    pub ready: i32,
}

/// A pod of the workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodSeen {
    /// Name.
    pub name: String,
    /// Node that it is bound to.
    pub node: Option<String>,
    /// The site of its sibling; `None` for a pod of the target itself.
    pub site: Option<String>,
}

impl Facts {
    /// The count in the target's spec; 0 where there is no target.
    pub fn running(&self) -> i32 {
        self.scalable.as_ref().map_or(0, |found| found.replicas)
    }

    /// Whoever may write the count now besides Pinisi.
    pub fn holder(&self) -> Option<&Autoscaler> {
        self.autoscalers.iter().find(|found| found.holds())
    }
}
