//! `HybridWorkload`: the mark on a service. How its total follows load is in `autoscaling`. Not
//! here: traffic, which becomes a further optional field.

pub use crate::autoscaling::{Autoscaling, Behavior, Load, MetricStatus, ScalingRules, SignalRef};
use crate::decision::DecisionStatus;
use crate::dependency::DependsOn;
use crate::legal::DataCategory;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The mark on a service: Sensitive stays home, MassTraffic may overflow and comes home.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "pinisi.dev",
    version = "v1alpha1",
    kind = "HybridWorkload",
    namespaced,
    status = "HybridWorkloadStatus",
    derive = "PartialEq",
    shortname = "hw",
    category = "pinisi",
    doc = "The mark on a service: Sensitive stays on sovereign ground, MassTraffic overflows and comes home.",
    scale(
        spec_replicas_path = ".spec.replicas",
        status_replicas_path = ".status.replicas",
        label_selector_path = ".status.selector"
    ),
    validation = Rule::new("self.metadata.name.size() <= 63").message("a HybridWorkload's name becomes a label value: use at most 63 characters"),
    printcolumn(name = "Class", type_ = "string", json_path = ".spec.class"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.ready"),
    printcolumn(name = "Home", type_ = "integer", json_path = ".status.home"),
    printcolumn(name = "Cloud", type_ = "integer", json_path = ".status.cloud"),
    printcolumn(name = "Cost/h", type_ = "string", json_path = ".status.costPerHour"),
    printcolumn(name = "Why", type_ = "string", json_path = ".status.why"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(validation = Rule::new("!(has(self.replicas) && has(self.autoscaling))").message("spec.replicas and spec.autoscaling exclude each other: remove spec.autoscaling to set the count by hand or by an HPA"))]
#[x_kube(validation = Rule::new("self.class != 'Sensitive' || !has(self.placement) || self.placement.tiers.size() == 1").message("a Sensitive workload never overflows: give spec.placement one tier of OnPrem sites"))]
#[x_kube(validation = Rule::new("self.class != 'Sensitive' || !has(self.carry)").message("a Sensitive workload carries nothing to other clusters: remove spec.carry"))]
#[x_kube(validation = Rule::new("self.class != 'MassTraffic' || has(self.placement)").message("a MassTraffic workload needs spec.placement.tiers: list its home first, then where it may overflow to"))]
#[x_kube(validation = Rule::new("!has(self.dependsOn) || (has(self.autoscaling) && has(self.autoscaling.load))").message("dependsOn needs spec.autoscaling.load: without it nobody knows how many calls come; set it, or remove dependsOn"))]
#[serde(rename_all = "camelCase")]
pub struct HybridWorkloadSpec {
    /// Sensitive never leaves sovereign ground; MassTraffic may overflow. The namespace's label
    /// `pinisi.dev/class` must say the same. Cannot go from Sensitive to MassTraffic.
    #[x_kube(validation = Rule::new("!(oldSelf == 'Sensitive' && self == 'MassTraffic')").message("class cannot go from Sensitive to MassTraffic here: move the service to a MassTraffic namespace"))]
    pub class: Class,
    /// Categories of personal data that it holds. Where a SovereigntyPolicy names a law that protects
    /// one of them, it must be Sensitive: `kubectl pinisi guard laws` lists them. Absent: nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub data_categories: Option<Vec<DataCategory>>,
    /// The object that is scaled. It needs a /scale subresource. Immutable.
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.targetRef is immutable: delete this HybridWorkload (the target keeps running) and make another"))]
    pub target_ref: TargetRef,
    /// Active acts; Observe says what it would do and writes only status; Paused holds every count
    /// where it is. Absent: Active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Total replicas over all sites when there is no `autoscaling`: written through this object's
    /// own /scale by hand or by an HPA. Taken from the target once where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100_000))]
    pub replicas: Option<i32>,
    /// A person's word in an incident: stands above everything but the class, until it ends.
    #[serde(rename = "override", default, skip_serializing_if = "Option::is_none")]
    pub override_: Option<Override>,
    /// How the total follows load and metrics. Absent: `replicas` is the total.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<Autoscaling>,
    /// Where replicas may run, in order. Absent, for Sensitive only: wherever it is lawful.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
    /// How replicas come home from later tiers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain_back: Option<DrainBack>,
    /// ConfigMaps and Secrets of this namespace that travel with the pods to Sites in other
    /// clusters; nothing else does. At most 16. Whoever names a Secret here needs the right to get it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["kind".into(), "name".into()]))]
    pub carry: Option<Vec<CarryRef>>,
    /// Back ends and outside quotas that its requests need, at most 8: it is not grown past what these
    /// can serve. Needs `autoscaling.load`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub depends_on: Option<Vec<DependsOn>>,
}

/// An object that travels with a workload.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "camelCase")]
pub struct CarryRef {
    /// ConfigMap or Secret.
    pub kind: CarryKind,
    /// Its name, in the workload's namespace.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
    )]
    pub name: String,
}

/// Kinds that may travel.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
pub enum CarryKind {
    /// A ConfigMap.
    ConfigMap,
    /// A Secret. The operator reads it only through a Role in its namespace.
    Secret,
}

/// The class of a service.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord,
)]
pub enum Class {
    /// Never leaves sovereign ground.
    Sensitive,
    /// Grows at home, overflows in a spike, comes home after.
    MassTraffic,
}

/// How much the operator may do.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mode {
    /// Say what it would do; write only status.
    Observe,
    /// Act.
    #[default]
    Active,
    /// Hold every count where it is.
    Paused,
}

/// The object that is scaled, in the workload's namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct TargetRef {
    /// For example `apps/v1`.
    #[schemars(length(min = 1, max = 253))]
    pub api_version: String,
    /// For example `Deployment`.
    #[schemars(length(min = 1, max = 63))]
    pub kind: String,
    /// Name of the object.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// A person's word in an incident.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.total) || has(self.sites)").message("an override says spec.override.total, spec.override.sites, or both"))]
pub struct Override {
    /// Total replicas, in place of what load asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100_000))]
    pub total: Option<i32>,
    /// Exact replicas by site. Sites that are not named follow the usual order for the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub sites: Option<Vec<SiteReplicas>>,
    /// When the override ends by itself.
    pub until: Time,
}

/// A count at one site.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SiteReplicas {
    /// Name of the Site.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Replicas there.
    #[schemars(range(min = 0, max = 100_000))]
    pub replicas: i32,
}

/// Where replicas may run, in order.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Placement {
    /// Tiers in order: the first is home, each further one takes what the earlier cannot.
    #[schemars(length(min = 1, max = 8))]
    pub tiers: Vec<Tier>,
}

/// Sites of one rank.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.minReplicas) || !has(self.maxReplicas) || self.minReplicas <= self.maxReplicas").message("a tier's minReplicas must not exceed its maxReplicas"))]
pub struct Tier {
    /// Names of Sites, filled in this order. The first site of the first tier is where the target
    /// itself runs.
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub sites: Vec<String>,
    /// Fewest replicas in this tier. Absent: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100_000))]
    pub min_replicas: Option<i32>,
    /// Most replicas in this tier. Absent: no limit of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100_000))]
    pub max_replicas: Option<i32>,
}

/// How replicas come home: make before break, in steps.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct DrainBack {
    /// Seconds for which home must have been under its low watermark, 0 to 86400. Absent: 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 86_400))]
    pub after_seconds: Option<i32>,
    /// Largest step, in percent of the total, rounded up to a whole replica, 1 to 100. Absent: 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub step_percent: Option<i32>,
    /// Seconds between two steps, 1 to 3600. Absent: 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3600))]
    pub interval_seconds: Option<i32>,
}

/// What the operator sees and has decided.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct HybridWorkloadStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Replicas decided, over all sites.
    #[serde(default)]
    pub replicas: i32,
    /// Selector of the pods of all sites, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// Ready and decided replicas, for example "12/14".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<String>,
    /// Replicas decided for OnPrem and Edge sites.
    #[serde(default)]
    pub home: i32,
    /// Replicas decided for Cloud sites.
    #[serde(default)]
    pub cloud: i32,
    /// What the replicas decided for priced Sites cost an hour, for example "12.5 IDR".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_per_hour: Option<String>,
    /// The reason behind the numbers, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The decision behind the numbers; `kubectl pinisi explain` tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionStatus>,
    /// Each site's share.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[serde(default)]
    pub sites: Vec<SiteShare>,
    /// What each of `spec.autoscaling.metrics` says, in the spec's order; without an entry for one
    /// that says nothing usable. Renewed when counts move and when a value moves by a tenth.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub current_metrics: Vec<MetricStatus>,
    /// Decisions that must outlive a restart, so that a new leader decides as the old one would have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<DecisionMemory>,
    /// Ready, Reconciling, Stalled, Overflowing, CapacityShort, BudgetLimited, Contested, Guarded,
    /// ScalingActive, with `spec.dependsOn` Bottlenecked, and with `spec.autoscaling.metrics` an HPA's
    /// own AbleToScale, ScalingLimited, ScaledToZero.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

/// One site's share of a workload.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SiteShare {
    /// Name of the Site.
    pub name: String,
    /// Replicas decided there.
    pub desired: i32,
    /// Replicas Ready there.
    pub ready: i32,
}

/// Decisions that must outlive a restart.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct DecisionMemory {
    /// Total decided last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<i32>,
    /// True where a total of 0 was decided, so that metrics may end it. Absent: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaled_to_zero: Option<bool>,
    /// The drain step under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<DrainMemory>,
    /// Writes by others to a count that the operator holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contest: Option<ContestMemory>,
    /// What quotas a day have spent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub spent: Vec<SpentMemory>,
}

/// What a quota a day has spent of this workload's doing, as worked out from its load.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SpentMemory {
    /// Name of the dependency.
    pub name: String,
    /// When the day began.
    pub day: Time,
    /// Since when it has been counted.
    pub since: Time,
    /// Calls since then.
    pub calls: i64,
    /// Counted up to then. Renewed every ten minutes.
    pub at: Time,
    /// Thousandths of calls a second at that time.
    pub rate: i64,
}

/// A drain-back episode.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct DrainMemory {
    /// Site that replicas leave.
    pub from: String,
    /// Site that they come home to.
    pub to: String,
    /// Replicas made at home whose twins have not been removed yet; 0 between two steps.
    pub moving: i32,
    /// When the last step began.
    pub since: Time,
}

/// Somebody else writes the count.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ContestMemory {
    /// Foreign writes seen in this contest.
    pub writes: i32,
    /// When the last one was seen.
    pub last: Time,
    /// The last writer's field manager.
    pub writer: String,
}
