//! What `check` hands on: the planner's world, and beside it what `act` and `report` need to
//! write about each object. Plain data; nothing here reads a cluster.

use crate::check::problem::Problem;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use pinisi_crds::hybrid_workload::{Class, HybridWorkloadStatus, Mode, TargetRef};
use pinisi_crds::{SignalSourceStatus, SiteStatus, SovereignNodesSpec};
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::site::{SiteKind, SiteName};
use pinisi_planner::{Decisions, WorkloadId, World};
use std::{collections::BTreeMap, sync::Arc};

/// One consistent view, parsed.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// For the planner: sound workloads only.
    pub world: World,
    /// Every HybridWorkload, sound or not.
    pub workloads: BTreeMap<WorkloadId, WorkloadSubject>,
    /// Every Site.
    pub sites: BTreeMap<SiteName, SiteSubject>,
    /// Every SignalSource, by name.
    pub sources: BTreeMap<String, SourceSubject>,
    /// What the guard's inventory should say, and what it says now (`None`: the object is not there).
    pub sovereign: SovereignSubject,
    /// Pods of Sensitive namespaces, and how many of them are not where they may be.
    pub sensitive_pods: SensitivePods,
}

/// A HybridWorkload as `act` and `report` need it.
#[derive(Clone, Debug)]
pub struct WorkloadSubject {
    /// The object's uid: a precondition where it matters, and the Events' subject.
    pub uid: String,
    /// `metadata.generation`.
    pub generation: i64,
    /// True while it is being deleted.
    pub deleting: bool,
    /// True while its namespace is being deleted: nothing is created there any more.
    pub namespace_terminating: bool,
    /// True where it holds our finalizer.
    pub has_finalizer: bool,
    /// Its class.
    pub class: Class,
    /// Its mode.
    pub mode: Mode,
    /// What it scales.
    pub target_ref: TargetRef,
    /// The target, where it exists and can be scaled.
    pub target: Option<Target>,
    /// True where `spec.replicas` is absent and `spec.autoscaling` too: to be taken from the target once.
    pub adopt_replicas: bool,
    /// Ready pods at its home, where that is known although it may not be planned for.
    pub ready_home: Option<Replicas>,
    /// Siblings that exist, by site, marked as this workload's.
    pub siblings: BTreeMap<SiteName, Sibling>,
    /// Pods of it bound to nodes that are not sovereign (class Sensitive only; must be empty).
    pub off_lawful_nodes: Vec<(String, String)>,
    /// Its status as last seen.
    pub status: HybridWorkloadStatus,
    /// Decisions read back from its status.
    pub decisions: Decisions,
    /// What is wrong with it, most telling first. Where any of them blocks, it is not in the world.
    pub problems: Vec<Problem>,
}

/// What a workload scales.
#[derive(Clone, Debug)]
pub struct Target {
    /// uid of the target object.
    pub uid: String,
    /// Its whole template, selector and deployment strategy, for siblings (Deployments only).
    pub deployment: Option<Arc<DeploymentParts>>,
    /// The pods' selector as text, for status and /scale.
    pub selector: String,
    /// Replicas in its spec.
    pub spec_replicas: i32,
}

/// The parts of a Deployment that a sibling repeats.
#[derive(Clone, Debug, PartialEq)]
pub struct DeploymentParts {
    /// The selector.
    pub selector: LabelSelector,
    /// The `spec` as JSON without `replicas`, `selector`, `paused`; `template` in it whole.
    pub spec: serde_json::Value,
    /// Digest of `spec`.
    pub digest: String,
    /// True when every replica runs this template and no roll-out is under way.
    pub rolled_out: bool,
}

/// A sibling Deployment.
#[derive(Clone, Debug, PartialEq)]
pub struct Sibling {
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// Replicas in its spec.
    pub spec_replicas: i32,
    /// Digest of the target's template that it was made from.
    pub digest: String,
    /// True while it is being deleted.
    pub deleting: bool,
}

/// A Site as `act` and `report` need it.
#[derive(Clone, Debug)]
pub struct SiteSubject {
    /// The object's uid.
    pub uid: String,
    /// `metadata.generation`.
    pub generation: i64,
    /// Kind of place.
    pub kind: SiteKind,
    /// Labels of its nodes: what a sibling's pods select.
    pub match_labels: BTreeMap<String, String>,
    /// Ready nodes, and the sums for status.
    pub status_now: SiteStatus,
    /// Its status as last seen.
    pub status: SiteStatus,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// A SignalSource as `report` needs it.
#[derive(Clone, Debug)]
pub struct SourceSubject {
    /// The object's uid.
    pub uid: String,
    /// `metadata.generation`.
    pub generation: i64,
    /// Status that the last answers give, without conditions.
    pub status_now: SignalSourceStatus,
    /// Its status as last seen.
    pub status: SignalSourceStatus,
    /// Newest sample of the last answer.
    pub newest_sample: Option<Timestamp>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// The guard's inventory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SovereignSubject {
    /// What it should say.
    pub want: SovereignNodesSpec,
    /// What it says.
    pub have: Option<SovereignNodesSpec>,
}

/// Pods of all namespaces that say Sensitive: bound to a node and not finished.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SensitivePods {
    /// All of them.
    pub seen: u64,
    /// Those on nodes that are not in the inventory; must be 0.
    pub off: u64,
    /// The nodes of the latter, by name.
    pub off_nodes: Vec<String>,
}
