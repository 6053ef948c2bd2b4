//! What `check` hands on: the planner's world, and beside it what `act` and `report` need to
//! write about each object. Plain data; nothing here reads a cluster.

mod violations;

pub use violations::{
    Held, NodePlace, Offender, OffenderKind, Place, PolicyViolations, Recorded, Violation,
    Violations,
};

use crate::check::declassification::Wait;
use crate::check::problem::Problem;
use crate::gather::cluster::GuardFacts;
use crate::gather::facts::{Edit, ObjectKey};
use crate::gather::link::{Link, LinkFault};
use crate::guard::GuardPolicies;
use crate::refusals::{Circumstances, Standing};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use pinisi_crds::hybrid_workload::{CarryRef, Class, HybridWorkloadStatus, Mode, TargetRef};
use pinisi_crds::site::ClusterIdentity;
use pinisi_crds::{
    CloudBudgetStatus, DeclassificationStatus, SignalSourceStatus, SiteStatus, SovereignNodesSpec,
    SovereigntyPolicyStatus,
};
use pinisi_planner::budget::ledger::Ledger;
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::budget::BudgetName;
use pinisi_planner::model::site::{SiteKind, SiteName};
use pinisi_planner::{Decisions, WorkloadId, World};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One consistent view, parsed.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// uid of this cluster's `kube-system`, once it was seen: the mark of what is ours elsewhere.
    pub hub: Option<String>,
    /// For the planner: sound workloads only.
    pub world: World,
    /// Every HybridWorkload, sound or not.
    pub workloads: BTreeMap<WorkloadId, WorkloadSubject>,
    /// Every Site.
    pub sites: BTreeMap<SiteName, SiteSubject>,
    /// Every SignalSource, by name.
    pub sources: BTreeMap<String, SourceSubject>,
    /// Every CloudBudget.
    pub budgets: BTreeMap<BudgetName, BudgetSubject>,
    /// What is written down of the money that was spent, in the ledger and in status.
    pub ledger: Ledger,
    /// The ledger alone as last seen; `None` where it cannot be read, so that it is not written over.
    pub ledger_seen: Option<Ledger>,
    /// What the guard's inventory should say, and what it says now (`None`: the object is not there).
    pub sovereign: SovereignSubject,
    /// The same of each SovereigntyPolicy's own inventory, by name.
    pub inventories: BTreeMap<String, SovereignSubject>,
    /// What policies make of the guard's objects.
    pub guard: GuardPolicies,
    /// Every SovereigntyPolicy.
    pub policies: BTreeMap<String, PolicySubject>,
    /// What is where it may not be, and what is written down of it.
    pub violations: Violations,
    /// Every Declassification whose namespace is known.
    pub declassifications: BTreeMap<ObjectKey, DeclassificationSubject>,
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
    /// Its legs in other clusters: every such site of its placement, and every one that holds a
    /// Deployment of it. Where the cluster has not been seen yet, it is as if nothing were there.
    pub remotes: BTreeMap<SiteName, RemoteLeg>,
    /// What may travel with it, in order, each once.
    pub carry: Vec<CarryRef>,
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

/// A workload at a site that is another cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteLeg {
    /// The Deployment of the target's name there, where one says that Pinisi manages it. One that
    /// does not say so is not seen here: the preflight looks for it.
    pub deployment: Option<RemoteDeployment>,
    /// The namespace of the workload's name there.
    pub namespace: RemoteNamespace,
    /// What the next preflight there is about.
    pub about: Circumstances,
    /// What stands against new replicas there.
    pub standing: Option<Standing>,
    /// True where no pod of it is seen there any more.
    pub empty: bool,
}

/// A Deployment in another cluster that says Pinisi manages it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteDeployment {
    /// Its uid.
    pub uid: String,
    /// `metadata.generation`.
    pub generation: i64,
    /// Replicas in its spec.
    pub spec_replicas: i32,
    /// Digest of the target's template that it was made from.
    pub digest: String,
    /// What was carried there for it, as `act::remote::carry::list` has it.
    pub carried: String,
    /// Whose it is.
    pub owner: Ownership,
    /// True while it is being deleted.
    pub deleting: bool,
    /// Who wrote its count last, where that is not us.
    pub foreign_writer: Option<String>,
    /// Who else wrote something of its spec beside the count.
    pub foreign_edit: Option<Edit>,
}

/// Whose an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// This hub's, for this workload at this site.
    Ours,
    /// Somebody else's; who, as far as it says.
    Foreign(String),
}

/// A namespace in another cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteNamespace {
    /// It is not there.
    Missing,
    /// This hub made it.
    Ours,
    /// It is there, made by its own people, and nothing speaks against using it.
    Lawful,
    /// It belongs to somebody else; why.
    Theirs(String),
    /// It says Sensitive.
    Sensitive,
    /// It is being deleted.
    Terminating,
}

impl RemoteNamespace {
    /// A CamelCase word. One word a variant.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Missing => "Missing",
            Self::Ours => "Ours",
            Self::Lawful => "Lawful",
            Self::Theirs(_) => "Theirs",
            Self::Sensitive => "Sensitive",
            Self::Terminating => "Terminating",
        }
    }
}

/// How a Site is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
// One a Site: the size of it costs nothing.
#[allow(clippy::large_enum_variant)]
pub enum Connection {
    /// It is made of nodes of this cluster.
    Nodes,
    /// It is another cluster.
    Remote(RemoteConnection),
}

/// The way to a Site that is another cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteConnection {
    /// The link as it is.
    pub link: Link,
    /// Which cluster it is, once that was seen and found right.
    pub identity: Option<ClusterIdentity>,
    /// True where the operator may make namespaces there.
    pub create_namespaces: bool,
    /// The receiving guard there.
    pub guard: GuardFacts,
    /// Age of what is known of it; `None` where it was never known whole.
    pub age: Option<SignedDuration>,
    /// What does not stop the link but should be known.
    pub warnings: Vec<LinkFault>,
    /// Faults so far in this process, by their reason.
    pub errors: BTreeMap<&'static str, u64>,
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
    /// How it is connected.
    pub connection: Connection,
    /// Labels of its nodes: what a sibling's pods select. Empty for another cluster.
    pub match_labels: BTreeMap<String, String>,
    /// Ready nodes, and the sums for status.
    pub status_now: SiteStatus,
    /// Its status as last seen.
    pub status: SiteStatus,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// A CloudBudget as `report` needs it.
#[derive(Clone, Debug)]
pub struct BudgetSubject {
    /// The object's uid.
    pub uid: String,
    /// `metadata.generation`.
    pub generation: i64,
    /// Its status as last seen.
    pub status: CloudBudgetStatus,
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

/// A SovereigntyPolicy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicySubject {
    /// uid.
    pub uid: String,
    /// `metadata.generation`.
    pub generation: i64,
    /// Its status as last seen.
    pub status: SovereigntyPolicyStatus,
    /// Sensitive namespaces that it selects.
    pub namespaces: usize,
    /// Nodes on which their pods may run.
    pub nodes: usize,
    /// What is where it does not let it be.
    pub violations: PolicyViolations,
    /// Names of the laws that it applies.
    pub laws: Vec<String>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// A Declassification, with what stands around it.
#[derive(Clone, Debug, PartialEq)]
pub struct DeclassificationSubject {
    /// uid.
    pub uid: String,
    /// `metadata.generation`.
    pub generation: i64,
    /// True while it or its namespace is being deleted.
    pub deleting: bool,
    /// Who asks, or why that cannot be read.
    pub requested_by: Result<String, String>,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// Its namespace.
    pub namespace: ClassedNamespace,
    /// How long it waits.
    pub wait: Wait,
    /// Its status as last seen, without the approval.
    pub status: DeclassificationStatus,
}

/// A namespace, by its class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassedNamespace {
    /// uid.
    pub uid: String,
    /// The class as its label has it; empty for none.
    pub class: String,
    /// uid of the Declassification that its class was changed for.
    pub declassified_for: Option<String>,
}

/// One of the guard's inventories.
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
