//! `spec.autoscaling`: how a workload's total follows load, metrics and schedules. `metrics` and
//! `behavior` are those of autoscaling/v2, field by field, so that an HPA moves by copy and paste.

pub mod behavior;
pub mod metric;
pub mod schedule;
pub mod status;

pub use behavior::{Behavior, ScalingPolicy, ScalingRules};
pub use metric::MetricSpec;
pub use schedule::{Forecast, Schedule};
pub use status::MetricStatus;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// How the total follows load and metrics. Where several are given, the largest need counts.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.forecast) || self.forecast == 'Off' || has(self.load)").message("forecast looks at earlier days of a load: set spec.autoscaling.load, or leave forecast out"))]
#[x_kube(validation = Rule::new("!has(self.schedules) || has(self.load) || self.schedules.all(s, !has(s.expect.load))").message("a schedule that expects load needs spec.autoscaling.load to say what one replica serves of it: set it, or expect replicas"))]
#[x_kube(validation = Rule::new("!has(self.minReplicas) || self.minReplicas <= self.maxReplicas").message("minReplicas must not exceed maxReplicas"))]
#[x_kube(validation = Rule::new("has(self.load) || has(self.metrics)").message("say what the total follows: set spec.autoscaling.load, spec.autoscaling.metrics, or both"))]
#[x_kube(validation = Rule::new("!has(self.minReplicas) || self.minReplicas > 0 || has(self.load) || !has(self.metrics) || self.metrics.exists(m, m.type in ['Object', 'External'])").message("minReplicas 0 needs something that can be read while no pod runs: a metric of type Object or External, or spec.autoscaling.load; else set minReplicas to 1 or more"))]
pub struct Autoscaling {
    /// Fewest replicas in all. Absent: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100_000))]
    pub min_replicas: Option<i32>,
    /// Most replicas in all.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_replicas: i32,
    /// One load signal and what one replica serves of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
    /// Metrics as in autoscaling/v2, at most 16. Resource, ContainerResource and Pods metrics are
    /// those of the pods of all sites together; Object and External metrics are asked of the
    /// cluster that this object is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16))]
    pub metrics: Option<Vec<MetricSpec>>,
    /// As in autoscaling/v2. `load` reads `scaleDown.stabilizationWindowSeconds` of it, `metrics`
    /// all. Absent: an HPA's own defaults for `metrics`; for `load` a little more than the time that
    /// it takes to get a replica back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behavior: Option<Behavior>,
    /// Load that is known beforehand, at most 16 windows: replicas for it are made in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub schedules: Option<Vec<Schedule>>,
    /// On lets the load of earlier days make replicas ahead of time, never fewer than the load asks
    /// for. It needs `load`. Absent: Off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast: Option<Forecast>,
}

/// One load signal and what one replica serves of it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Load {
    /// The query that gives this workload's load.
    pub signal: SignalRef,
    /// Load that one replica serves within its objective, in the signal's unit, for example "100"
    /// or "500m". Above 0.
    #[schemars(with = "String", length(min = 1, max = 32))]
    #[x_kube(validation = Rule::new("isQuantity(self) && quantity(self).isGreaterThan(quantity('0')) && quantity(self).isLessThan(quantity('1Ti'))").message("perReplica is the load that one replica serves: a quantity above 0 and below 1Ti, for example '100' or '500m'"))]
    pub per_replica: Quantity,
    /// Room above the load that is always kept, in percent of it. More is kept where the last days
    /// have shown that the load grows faster than replicas start. 0 to 100. Absent: 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub headroom_percent: Option<i32>,
}

/// A query of a SignalSource.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SignalRef {
    /// Name of the SignalSource.
    #[schemars(length(min = 1, max = 253))]
    pub source: String,
    /// Name of the query in it.
    #[schemars(length(min = 1, max = 63))]
    pub query: String,
}
