//! What the index holds: one small struct a kind, with only what is asked of it later.
//! Made from the wire by `wire`; nothing here judges.

use crate::checked::DeploymentParts;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Taint;
use kube::core::Selector;
use pinisi_crds::{
    CloudBudgetSpec, CloudBudgetStatus, DeclassificationSpec, DeclassificationStatus,
    HybridWorkloadSpec, HybridWorkloadStatus, SignalSourceSpec, SignalSourceStatus, SiteSpec,
    SiteStatus, SovereignNodesSpec, SovereigntyPolicySpec, SovereigntyPolicyStatus,
    SovereigntyViolationSpec, SovereigntyViolationStatus,
};
use pinisi_planner::budget::ledger::Ledger;
use pinisi_planner::hpa::{Phase, PodRequests, Ready};
use pinisi_planner::model::{amounts::Resources, quota::QuotaResource};
use std::{collections::BTreeMap, sync::Arc};

/// Name of an object: namespace (empty for cluster-wide kinds) and name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

/// A custom resource. A spec that cannot be read is kept as JSON: it is a problem on its own
/// object and must not stop the watch of its kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Custom<S, T> {
    /// uid.
    pub uid: String,
    /// Namespace and name.
    pub key: ObjectKey,
    /// `metadata.generation`.
    pub generation: i64,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// True while it is being deleted.
    pub deleting: bool,
    /// Its finalizers.
    pub finalizers: Vec<String>,
    /// The spec, or what is wrong with it.
    pub spec: Result<S, Unreadable>,
    /// The status; empty where it cannot be read.
    pub status: T,
}

/// A spec that is not what its kind says.
#[derive(Clone, Debug, PartialEq)]
pub struct Unreadable {
    /// What the reader says.
    pub error: String,
    /// The spec as it stands.
    pub raw: serde_json::Value,
}

/// A Site.
pub type SiteFacts = Custom<SiteSpec, SiteStatus>;
/// A HybridWorkload.
pub type WorkloadFacts = Custom<HybridWorkloadSpec, HybridWorkloadStatus>;
/// A SignalSource.
pub type SourceFacts = Custom<SignalSourceSpec, SignalSourceStatus>;
/// A CloudBudget.
pub type BudgetFacts = Custom<CloudBudgetSpec, CloudBudgetStatus>;
/// A SovereigntyPolicy.
pub type PolicyFacts = Custom<SovereigntyPolicySpec, SovereigntyPolicyStatus>;
/// A Declassification.
pub type DeclassificationFacts = Custom<DeclassificationSpec, DeclassificationStatus>;
/// The guard's inventory.
pub type SovereignFacts = Custom<SovereignNodesSpec, ()>;

/// Evidence of something that is where it may not be.
pub type ViolationFacts = Custom<SovereigntyViolationSpec, SovereigntyViolationStatus>;

/// What is written down of the money that was spent.
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerFacts {
    /// Name of the ConfigMap.
    pub name: String,
    /// The accounts, or why they cannot be read. Empty where nothing was written yet.
    pub ledger: Result<Ledger, String>,
}

/// A Namespace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NamespaceFacts {
    /// uid.
    pub uid: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The hub that says it made it, as its annotation has it.
    pub hub: Option<String>,
    /// uid of the Declassification that its class was changed for, as its annotation has it.
    pub declassified_for: Option<String>,
    /// True while it is being deleted.
    pub terminating: bool,
}

/// A ResourceQuota, as far as it limits pods that run on and on. Amounts are in the resource's own
/// unit, CPU in thousandths of a core.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuotaFacts {
    /// Namespace and name.
    pub key: ObjectKey,
    /// Of each resource that it limits: the limit and what is used.
    pub limits: BTreeMap<QuotaResource, QuotaLimit>,
    /// False where its scopes leave out pods that run on and on.
    pub applies: bool,
}

/// A limit and what is used of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuotaLimit {
    /// The limit.
    pub hard: u64,
    /// Used.
    pub used: u64,
}

/// A Node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeFacts {
    /// Name.
    pub name: Arc<str>,
    /// uid.
    pub uid: String,
    /// The provider's id of the machine.
    pub provider_id: Option<String>,
    /// The machine id that the node reported.
    pub machine_id: Option<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Taints.
    pub taints: Vec<Taint>,
    /// True for a cordoned node.
    pub unschedulable: bool,
    /// Condition Ready is True.
    pub ready: bool,
    /// What pods may request here in all.
    pub allocatable: Resources,
    /// Pods that may run here in all.
    pub pod_slots: u32,
}

/// A Pod.
#[derive(Clone, Debug, PartialEq)]
pub struct PodFacts {
    /// Namespace.
    pub namespace: Arc<str>,
    /// Name.
    pub name: Arc<str>,
    /// uid.
    pub uid: Box<str>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Node that it is bound to.
    pub node: Option<Arc<str>>,
    /// Phase Succeeded or Failed: it holds nothing any more.
    pub finished: bool,
    /// Condition Ready is True.
    pub ready: bool,
    /// True while it is being deleted; it holds its room until it is gone.
    pub terminating: bool,
    /// What the scheduler sets aside for it.
    pub requests: Resources,
    /// Priority, where admission set one.
    pub priority: Option<i32>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// `status.phase`.
    pub phase: Phase,
    /// When the scheduler gave it its node.
    pub scheduled: Option<Timestamp>,
    /// `status.startTime`.
    pub started: Option<Timestamp>,
    /// Its condition Ready and when it turned so, where it has one.
    pub readiness: Option<Ready>,
    /// What its containers request, as metrics are held against it. Pods of one template share it.
    pub shape: Arc<PodRequests>,
}

/// Kinds whose count can be written here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScalableKind {
    /// apps/v1 Deployment.
    Deployment,
    /// apps/v1 StatefulSet.
    StatefulSet,
}

impl ScalableKind {
    /// The kind's name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
        }
    }
}

/// A Deployment or a StatefulSet.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalableFacts {
    /// Which of the two.
    pub kind: ScalableKind,
    /// Namespace and name.
    pub key: ObjectKey,
    /// uid.
    pub uid: String,
    /// `metadata.generation`.
    pub generation: i64,
    /// True while it is being deleted.
    pub deleting: bool,
    /// `spec.replicas`, 1 where absent.
    pub replicas: i32,
    /// `status.replicas`: pods that its controller counts.
    pub counted: i32,
    /// The pods' selector; `None` where it cannot be read.
    pub selector: Option<Selector>,
    /// `matchLabels` of the selector.
    pub match_labels: BTreeMap<String, String>,
    /// Who wrote the count last, where that is not us.
    pub foreign_writer: Option<String>,
    /// Who else wrote something of its spec beside the count.
    pub foreign_edit: Option<Edit>,
    /// True while a roll-out is under way.
    pub rolling: bool,
    /// Since when pods of it cannot be made at all (quota, admission); `None` while they can.
    pub failing_since: Option<Timestamp>,
    /// What its template says.
    pub template: TemplateFacts,
    /// What a sibling repeats (Deployments only).
    pub parts: Option<Arc<DeploymentParts>>,
    /// Set on siblings that we made.
    pub sibling: Option<SiblingMarks>,
}

/// The parts of a pod template that decide where its pods can go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TemplateFacts {
    /// What one replica requests.
    pub requests: Resources,
    /// The limits of one replica's containers; 0 where one has none.
    pub limits: Resources,
    /// Names of volumes that are claims (`persistentVolumeClaim` or `ephemeral`).
    pub claims: Vec<String>,
    /// `nodeSelector`.
    pub node_selector: BTreeMap<String, String>,
    /// Topology spreads that count tainted nodes and refuse to schedule.
    pub hard_spreads: Vec<HardSpread>,
}

/// A topology spread with `DoNotSchedule` that does not honour taints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HardSpread {
    /// `topologyKey`.
    pub key: String,
    /// False where `nodeAffinityPolicy` is Ignore: nodes outside `nodeSelector` count too.
    pub honours_selector: bool,
}

/// What marks a Deployment as a sibling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiblingMarks {
    /// Site that it serves.
    pub site: String,
    /// Workload that it serves.
    pub workload: String,
    /// Digest of the target's template that it was made from.
    pub digest: String,
    /// The hub that made it, in another cluster; empty at home.
    pub hub: String,
    /// What was carried there for it, as its annotation has it; empty at home.
    pub carried: String,
}

/// A write by somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Its field manager.
    pub by: String,
    /// When, as the server has it.
    pub at: Option<Timestamp>,
}

/// A HorizontalPodAutoscaler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HpaFacts {
    /// Namespace and name.
    pub key: ObjectKey,
    /// API group of what it scales.
    pub group: String,
    /// Kind of what it scales.
    pub kind: String,
    /// Name of what it scales.
    pub target: String,
    /// Name of the KEDA ScaledObject that owns it.
    pub scaled_object: Option<String>,
    /// The first of its metrics that it works out from the pods of its own cluster alone.
    pub counts_pods: Option<PodCounting>,
}

/// A metric of an HPA that it works out from the pods of its own cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodCounting {
    /// JSON path in the HPA, for example `spec.metrics[1]`.
    pub field: String,
    /// Its type, and for Object and External that its target is a Value.
    pub kind: &'static str,
}
