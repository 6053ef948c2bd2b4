//! `SovereigntyPolicy`: what the Sensitive namespaces that it selects may use. Several policies on
//! one namespace intersect. Without any, a Sensitive namespace keeps to sovereign nodes and may use
//! no storage class, route or other thing that would have to be named.

// Each `printcolumn` is one column; clippy takes their like parts for a mistake.
#![allow(clippy::duplicated_attributes)]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the Sensitive namespaces that it selects may use.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[kube(
    group = "pinisi.dev",
    version = "v1alpha1",
    kind = "SovereigntyPolicy",
    plural = "sovereigntypolicies",
    status = "SovereigntyPolicyStatus",
    derive = "PartialEq",
    category = "pinisi",
    doc = "What the Sensitive namespaces that it selects may use: lawful Sites, storage, registries, routes; and what namespaces without a class may do. Several policies on one namespace intersect. Deleting one never unpins.",
    validation = Rule::new("self.metadata.name != 'default' && size(self.metadata.name) <= 63").message("a policy is not named default, which is the guard's own inventory, and has a name of at most 63 characters"),
    printcolumn(name = "Enforcement", type_ = "string", json_path = ".spec.enforcement"),
    printcolumn(name = "Namespaces", type_ = "integer", json_path = ".status.namespaces"),
    printcolumn(name = "Violations", type_ = "integer", json_path = ".status.violations"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct SovereigntyPolicySpec {
    /// Namespaces that it guards, by their labels. Absent selects none, `{}` selects all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<LabelSelector>,
    /// What happens to a request that it does not allow. Nodes are always kept to: this is about
    /// volumes, routes, images, access and namespaces without a class. Absent: Deny.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforcement: Option<Enforcement>,
    /// Countries whose law the Sites of its Sensitive namespaces must have, as ISO 3166-1 alpha-2.
    /// Absent: any that an OnPrem Site has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(min = 1, max = 64))]
    pub jurisdictions: Option<Vec<String>>,
    /// Laws whose presets apply beside what is said here, by name: `id-pp-71-2019`, `id-uu-27-2022`.
    /// Jurisdictions intersect, the shorter clock counts, and refusals name the article. No legal
    /// advice: `kubectl pinisi guard laws` prints them with their sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 8), inner(length(min = 1, max = 63)))]
    pub legal: Option<Vec<String>>,
    /// Volumes, snapshots and backups. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<StorageTerms>,
    /// Registries that images may come from, with or without a path, for example
    /// `registry.example.go.id` or `registry.example.go.id/health`. Absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(min = 1, max = 64))]
    pub registries: Option<Vec<String>>,
    /// Schedulers that pods may name, beside `default-scheduler`. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 64))]
    pub schedulers: Option<Vec<String>>,
    /// Runtime classes that pods may name: what runs a pod's containers in a machine of its own may do
    /// so elsewhere. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 64))]
    pub runtime_classes: Option<Vec<String>>,
    /// Ways on which its services may be reached from outside the cluster. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routes: Option<RouteTerms>,
    /// Who acts from a cloud: these open no shell, tunnel or token in its namespaces, whatever
    /// their rights. Node accounts of nodes that are not sovereign are meant as well. Absent: nobody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud_identities: Option<Identities>,
    /// What selected namespaces may do that have no class. Absent: NotAway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unclassified: Option<Unclassified>,
    /// What becomes of pods that are where this policy does not let them be, beside being told. Claims
    /// and Services are told of alone. Several policies: Evict wins. Absent: Report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_violation: Option<OnViolation>,
    /// Hours after a violation was seen in which notice of it must be given: the clock of the law that
    /// applies, at most a year. Each SovereigntyViolation then says until when. Several policies: the
    /// fewest. Absent: none is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 8760))]
    pub notice_within_hours: Option<i32>,
    /// Namespaces of the cluster's own parts, by name, whose pods run on every node (network,
    /// storage, exporters). No policy guards these. `kube-system` and the operator's are always meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 64))]
    pub infrastructure_namespaces: Option<Vec<String>>,
    /// Seconds that the inventory of nodes may go without being renewed by the operator before nothing
    /// new is bound in its Sensitive namespaces; what runs goes on. Several policies: the fewest.
    /// Absent: 604800, a week.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 604_800))]
    pub inventory_max_age_seconds: Option<i64>,
    /// How long a `Declassification` in its namespaces waits. Of several policies on a namespace the
    /// longest cool-down and the shortest expiry count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declassification: Option<DeclassificationTerms>,
}

/// How long a request to declassify a namespace waits, in seconds.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct DeclassificationTerms {
    /// Between the approval and the change, in which anybody who may delete it can still cancel.
    /// Absent: 86400, a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 31_536_000))]
    pub cool_down_seconds: Option<i64>,
    /// For the approval to come, and once more after the cool-down for it to be used. Absent: 604800,
    /// a week.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 31_536_000))]
    pub expire_seconds: Option<i64>,
}

/// What happens to a request that a policy does not allow.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord,
)]
pub enum Enforcement {
    /// It passes, and stands in the API server's audit log.
    Audit,
    /// It passes with a warning to the caller, and stands in the audit log.
    Warn,
    /// It is refused.
    #[default]
    Deny,
}

/// What namespaces without a class may do.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord,
)]
pub enum Unclassified {
    /// Run anywhere but on nodes of Cloud and Edge Sites.
    #[default]
    NotAway,
    /// Run anywhere.
    Anywhere,
}

impl Unclassified {
    /// True where namespaces without a class are kept from nodes of Cloud and Edge Sites.
    #[must_use]
    pub const fn keeps_from_away(self) -> bool {
        match self {
            Self::NotAway => true,
            Self::Anywhere => false,
        }
    }
}

/// What becomes of pods that are where they may not be.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord,
)]
pub enum OnViolation {
    /// A SovereigntyViolation says so, an Event and a metric.
    #[default]
    Report,
    /// The operator evicts them as well, a few a minute and within their PodDisruptionBudgets; nothing
    /// where no node is lawful for their namespace. The chart's `violations.evict` gives it the right.
    Evict,
}

/// Volumes, snapshots and backups.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct StorageTerms {
    /// Storage classes whose volumes lie on sovereign ground.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(max = 64))]
    pub classes: Vec<StorageClassTerm>,
    /// Addresses of NFS servers on sovereign ground, as their volumes name them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 64))]
    pub nfs_servers: Option<Vec<String>>,
    /// Snapshot classes whose snapshots lie on sovereign ground.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(max = 64))]
    pub snapshot_classes: Vec<SnapshotClassTerm>,
    /// Velero's BackupStorageLocations on sovereign ground: once any policy names one, every
    /// Backup and Schedule of the cluster must name one of them. Absent: backups are not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(min = 1, max = 64))]
    pub backup_locations: Option<Vec<String>>,
}

/// A StorageClass, and the provisioner that it must keep.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct StorageClassTerm {
    /// Name of the StorageClass.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its provisioner; volumes of the class are of this driver. `kubernetes.io/no-provisioner`
    /// stands for local volumes.
    #[schemars(length(min = 1, max = 253))]
    pub provisioner: String,
}

/// A VolumeSnapshotClass or VolumeGroupSnapshotClass, and the driver that it must keep.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotClassTerm {
    /// Name of the class.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its driver.
    #[schemars(length(min = 1, max = 253))]
    pub driver: String,
}

/// Ways from outside the cluster.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct RouteTerms {
    /// Ingress classes that are served on sovereign ground.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 64))]
    pub ingress_classes: Option<Vec<String>>,
    /// Gateways on sovereign ground, as `namespace/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 64))]
    pub gateways: Option<Vec<String>>,
    /// Classes of Services of type LoadBalancer whose balancers stand on sovereign ground.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 64))]
    pub load_balancer_classes: Option<Vec<String>>,
    /// Domains that OpenShift Routes may use: those that a router on sovereign ground serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 64))]
    pub domains: Option<Vec<String>>,
}

/// Users and groups, as the API server knows them.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct Identities {
    /// User names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 256))]
    pub users: Option<Vec<String>>,
    /// Group names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 256))]
    pub groups: Option<Vec<String>>,
}

/// What the operator sees of a policy.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SovereigntyPolicyStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Sensitive namespaces that it selects.
    #[serde(default)]
    pub namespaces: i32,
    /// Nodes on which their pods may run.
    #[serde(default)]
    pub nodes: i32,
    /// Laws whose presets it applies.
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub laws: Vec<String>,
    /// What is now where this policy does not let it be.
    #[serde(default)]
    pub violations: i32,
    /// Ready, Violated where something is where it may not be, and Stalled where something needs a person.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[serde(default)]
    pub conditions: Vec<Condition>,
}
