//! Built-in kinds as they come over the wire, read thinly: what is not asked later is never built.
//! Deployments and StatefulSets are in `wire_scalable`, custom resources in `wire_custom`.

use super::facts::{
    HpaFacts, NamespaceFacts, NodeFacts, ObjectKey, PodCounting, PodFacts, QuotaFacts, QuotaLimit,
};
use super::meta::lean;
use super::quantity::{QuantityError, millis, units};
use super::requests::{Amounts, ContainerShape, PodShape, Wanted};
use jiff::Timestamp;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{Namespace, Node, Pod, ResourceQuota, Taint};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{Resource, api::ObjectMeta};
use pinisi_crds::names::{DECLASSIFIED_ANNOTATION, HUB_ANNOTATION};
use pinisi_planner::hpa::{Phase, Ready, ReadyStatus};
use pinisi_planner::model::quota::QuotaResource;
use serde::{Deserialize, de::IgnoredAny};
use std::{collections::BTreeMap, sync::Arc};

/// Pods on a node that does not say how many it takes: the kubelet's own default.
const POD_SLOTS_DEFAULT: u64 = 110;

/// Namespace and name of an object.
#[must_use]
pub fn key_of(meta: &ObjectMeta) -> ObjectKey {
    ObjectKey {
        namespace: meta.namespace.clone().unwrap_or_default(),
        name: meta.name.clone().unwrap_or_default(),
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ConditionWire {
    #[serde(rename = "type")]
    type_: Option<Box<str>>,
    status: Option<Box<str>>,
    #[serde(rename = "lastTransitionTime")]
    turned: Option<Time>,
}

fn is_ready(conditions: Option<&[ConditionWire]>) -> bool {
    conditions
        .unwrap_or_default()
        .iter()
        .any(|c| c.type_.as_deref() == Some("Ready") && c.status.as_deref() == Some("True"))
}

/// When the condition PodScheduled turned True.
fn scheduled(conditions: Option<&[ConditionWire]>) -> Option<Timestamp> {
    let mut conditions = conditions.unwrap_or_default().iter();
    let found = conditions.find(|c| c.type_.as_deref() == Some("PodScheduled"))?;
    let turned = found.turned.as_ref()?;
    (found.status.as_deref() == Some("True")).then_some(turned.0)
}

/// The condition Ready with its time; one that has never turned has stood for ever.
fn readiness(conditions: Option<&[ConditionWire]>) -> Option<Ready> {
    let mut conditions = conditions.unwrap_or_default().iter();
    let found = conditions.find(|c| c.type_.as_deref() == Some("Ready"))?;
    Some(Ready {
        status: match found.status.as_deref() {
            Some("True") => ReadyStatus::True,
            Some("False") => ReadyStatus::False,
            Some(_) | None => ReadyStatus::Unknown,
        },
        since: found.turned.as_ref().map_or(Timestamp::MIN, |t| t.0),
    })
}

fn phase(text: Option<&str>) -> Phase {
    match text {
        Some("Pending") => Phase::Pending,
        Some("Running") => Phase::Running,
        Some("Succeeded") => Phase::Succeeded,
        Some("Failed") => Phase::Failed,
        Some(_) | None => Phase::Unknown,
    }
}

/// A Namespace.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = Namespace)]
pub struct NamespaceWire {
    /// Metadata.
    #[serde(deserialize_with = "lean")]
    pub metadata: ObjectMeta,
}

impl From<NamespaceWire> for NamespaceFacts {
    fn from(w: NamespaceWire) -> Self {
        let mut notes = w.metadata.annotations.unwrap_or_default();
        Self {
            terminating: w.metadata.deletion_timestamp.is_some(),
            uid: w.metadata.uid.unwrap_or_default(),
            hub: notes.remove(HUB_ANNOTATION),
            declassified_for: notes.remove(DECLASSIFIED_ANNOTATION),
            labels: w.metadata.labels.unwrap_or_default(),
        }
    }
}

/// A Node.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = Node)]
pub struct NodeWire {
    /// Metadata.
    #[serde(deserialize_with = "lean")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    spec: NodeSpecWire,
    #[serde(default)]
    status: NodeStatusWire,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
struct NodeSpecWire {
    unschedulable: Option<bool>,
    taints: Option<Vec<Taint>>,
    #[serde(rename = "providerID")]
    provider_id: Option<String>,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
struct NodeStatusWire {
    allocatable: Option<Amounts>,
    conditions: Option<Vec<ConditionWire>>,
    node_info: Option<NodeInfoWire>,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
struct NodeInfoWire {
    #[serde(rename = "machineID")]
    machine_id: Option<String>,
}

impl From<NodeWire> for NodeFacts {
    fn from(w: NodeWire) -> Self {
        let NodeWire {
            metadata,
            spec,
            status,
        } = w;
        let allocatable = status.allocatable.unwrap_or_default();
        let said = |text: Option<String>| text.filter(|t| !t.is_empty());
        Self {
            name: metadata.name.unwrap_or_default().into(),
            uid: metadata.uid.unwrap_or_default(),
            provider_id: said(spec.provider_id),
            machine_id: said(status.node_info.and_then(|i| i.machine_id)),
            labels: metadata.labels.unwrap_or_default(),
            taints: spec.taints.unwrap_or_default(),
            unschedulable: spec.unschedulable.unwrap_or(false),
            ready: is_ready(status.conditions.as_deref()),
            allocatable: allocatable.resources(),
            pod_slots: u32::try_from(allocatable.pods().unwrap_or(POD_SLOTS_DEFAULT))
                .unwrap_or(u32::MAX),
        }
    }
}

/// A Pod.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = Pod)]
pub struct PodWire {
    /// Metadata.
    #[serde(deserialize_with = "lean")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    spec: PodSpecWire,
    #[serde(default)]
    status: PodStatusWire,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
struct PodSpecWire {
    node_name: Option<Box<str>>,
    priority: Option<i32>,
    // Not flattened: that would build every other field of the pod as well.
    containers: Option<Vec<ContainerShape>>,
    init_containers: Option<Vec<ContainerShape>>,
    resources: Option<Wanted>,
    overhead: Option<Amounts>,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
struct PodStatusWire {
    phase: Option<Box<str>>,
    start_time: Option<Time>,
    conditions: Option<Vec<ConditionWire>>,
}

impl From<PodWire> for PodFacts {
    fn from(w: PodWire) -> Self {
        let PodWire {
            metadata,
            spec,
            status,
        } = w;
        let PodSpecWire {
            node_name,
            priority,
            containers,
            init_containers,
            resources,
            overhead,
        } = spec;
        let shape = PodShape {
            containers,
            init_containers,
            resources,
            overhead,
        };
        Self {
            namespace: metadata.namespace.unwrap_or_default().into(),
            name: metadata.name.unwrap_or_default().into(),
            uid: metadata.uid.unwrap_or_default().into(),
            labels: metadata.labels.unwrap_or_default(),
            node: node_name.filter(|n| !n.is_empty()).map(Arc::from),
            finished: matches!(status.phase.as_deref(), Some("Succeeded" | "Failed")),
            ready: is_ready(status.conditions.as_deref()),
            terminating: metadata.deletion_timestamp.is_some(),
            requests: shape.requests(),
            priority,
            created: metadata.creation_timestamp.map(|t| t.0),
            phase: phase(status.phase.as_deref()),
            scheduled: scheduled(status.conditions.as_deref()),
            started: status.start_time.map(|t| t.0),
            readiness: readiness(status.conditions.as_deref()),
            shape: Arc::new(shape.by_container()),
        }
    }
}

/// A HorizontalPodAutoscaler.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = HorizontalPodAutoscaler)]
pub struct HpaWire {
    /// Metadata.
    #[serde(deserialize_with = "lean")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    spec: HpaSpecWire,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
struct HpaSpecWire {
    scale_target_ref: Option<TargetWire>,
    metrics: Option<Vec<HpaMetricWire>>,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
struct HpaMetricWire {
    #[serde(rename = "type")]
    type_: Option<Box<str>>,
    object: Option<HpaSourceWire>,
    external: Option<HpaSourceWire>,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
struct HpaSourceWire {
    target: HpaTargetWire,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
struct HpaTargetWire {
    #[serde(rename = "type")]
    type_: Option<Box<str>>,
    average_value: Option<IgnoredAny>,
}

impl HpaMetricWire {
    /// Its type, where the HPA counts pods of its own cluster for it. As the controller reads it: of
    /// an Object metric the target's type counts, of an External one that an average is given.
    fn counts_pods(&self) -> Option<&'static str> {
        let average = |t: &HpaTargetWire| t.type_.as_deref() == Some("AverageValue");
        match self.type_.as_deref() {
            Some("Resource") => Some("Resource"),
            Some("ContainerResource") => Some("ContainerResource"),
            Some("Pods") => Some("Pods"),
            Some("Object") if !self.object.as_ref().is_some_and(|o| average(&o.target)) => {
                Some("Object with a target of type Value")
            }
            Some("External")
                if self
                    .external
                    .as_ref()
                    .is_none_or(|e| e.target.average_value.is_none()) =>
            {
                Some("External with a target of type Value")
            }
            Some(_) | None => None,
        }
    }
}

impl HpaSpecWire {
    /// The first metric for which it counts pods. Without any metric an HPA follows CPU.
    fn counts_pods(&self) -> Option<PodCounting> {
        let metrics = self.metrics.as_deref().unwrap_or_default();
        if metrics.is_empty() {
            return Some(PodCounting {
                field: "spec.metrics".into(),
                kind: "Resource",
            });
        }
        let mut found = metrics.iter().enumerate();
        found.find_map(|(i, metric)| {
            metric.counts_pods().map(|kind| PodCounting {
                field: format!("spec.metrics[{i}]"),
                kind,
            })
        })
    }
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
struct TargetWire {
    api_version: Option<String>,
    kind: Option<String>,
    name: Option<String>,
}

impl From<HpaWire> for HpaFacts {
    fn from(w: HpaWire) -> Self {
        let counts_pods = w.spec.counts_pods();
        let target = w.spec.scale_target_ref.unwrap_or_default();
        let owners = w.metadata.owner_references.as_deref().unwrap_or_default();
        Self {
            key: key_of(&w.metadata),
            group: group_of(target.api_version.as_deref().unwrap_or_default()).to_owned(),
            kind: target.kind.unwrap_or_default(),
            target: target.name.unwrap_or_default(),
            scaled_object: owners
                .iter()
                .find(|o| o.kind == "ScaledObject")
                .map(|o| o.name.clone()),
            counts_pods,
        }
    }
}

/// A ResourceQuota.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = ResourceQuota)]
pub struct QuotaWire {
    /// Metadata.
    #[serde(deserialize_with = "lean")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    spec: QuotaSpecWire,
    #[serde(default)]
    status: QuotaStatusWire,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
struct QuotaSpecWire {
    hard: Option<BTreeMap<String, Quantity>>,
    scopes: Option<Vec<String>>,
    scope_selector: Option<IgnoredAny>,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
struct QuotaStatusWire {
    used: Option<BTreeMap<String, Quantity>>,
}

/// How an amount is read.
type Read = fn(&str) -> Result<u64, QuantityError>;

/// What a quota's resource limits, where it limits pods, and how its amounts are read.
fn quota_resource(name: &str) -> Option<(QuotaResource, Read)> {
    Some(match name {
        "pods" | "count/pods" => (QuotaResource::Pods, units),
        "cpu" | "requests.cpu" => (QuotaResource::Cpu, millis),
        "memory" | "requests.memory" => (QuotaResource::Memory, units),
        "limits.cpu" => (QuotaResource::CpuLimits, millis),
        "limits.memory" => (QuotaResource::MemoryLimits, units),
        _ => return None,
    })
}

impl From<QuotaWire> for QuotaFacts {
    fn from(w: QuotaWire) -> Self {
        let QuotaWire {
            metadata,
            spec,
            status,
        } = w;
        let QuotaSpecWire {
            hard,
            scopes,
            scope_selector,
        } = spec;
        let used = status.used.unwrap_or_default();
        let mut limits: BTreeMap<QuotaResource, QuotaLimit> = BTreeMap::new();
        for (name, Quantity(text)) in hard.unwrap_or_default() {
            // One that cannot be read limits nothing here; the API server accepts none of that kind.
            let Some((resource, read)) = quota_resource(&name) else {
                continue;
            };
            let Ok(hard) = read(&text) else { continue };
            let used = used.get(&name).and_then(|Quantity(text)| read(text).ok());
            let new = QuotaLimit {
                hard,
                used: used.unwrap_or(0),
            };
            // Of two names for one thing the tighter counts.
            let room = |limit: &QuotaLimit| limit.hard.saturating_sub(limit.used);
            let kept = limits.entry(resource).or_insert(new);
            if room(&new) < room(kept) {
                *kept = new;
            }
        }
        // Pods of a Deployment have no deadline and, as a rule, requests.
        let counts = |scope: &String| scope == "NotTerminating" || scope == "NotBestEffort";
        Self {
            key: key_of(&metadata),
            limits,
            applies: scope_selector.is_none() && scopes.iter().flatten().all(counts),
        }
    }
}

/// `apps` of `apps/v1`; empty for the core group.
#[must_use]
pub fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}
