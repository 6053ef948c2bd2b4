//! `spec.autoscaling.metrics`: the five types of autoscaling/v2. The rules are the HPA's own, and
//! name the way out. What a metric says now is in `status`.

use crate::number::Number;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One metric. Of the five sources exactly the one that `type` names.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(self.type == 'Resource') == has(self.resource)").message("type and source must agree: type Resource needs `resource`, every other type leaves `resource` out"))]
#[x_kube(validation = Rule::new("(self.type == 'ContainerResource') == has(self.containerResource)").message("type and source must agree: type ContainerResource needs `containerResource`, every other type leaves `containerResource` out"))]
#[x_kube(validation = Rule::new("(self.type == 'Pods') == has(self.pods)").message("type and source must agree: type Pods needs `pods`, every other type leaves `pods` out"))]
#[x_kube(validation = Rule::new("(self.type == 'Object') == has(self.object)").message("type and source must agree: type Object needs `object`, every other type leaves `object` out"))]
#[x_kube(validation = Rule::new("(self.type == 'External') == has(self.external)").message("type and source must agree: type External needs `external`, every other type leaves `external` out"))]
pub struct MetricSpec {
    /// Which source it has.
    #[serde(rename = "type")]
    pub type_: MetricType,
    /// Use of CPU or memory by whole pods, from metrics.k8s.io.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceSource>,
    /// Use of CPU or memory by one container of each pod, from metrics.k8s.io.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_resource: Option<ContainerResourceSource>,
    /// A metric of each pod, from custom.metrics.k8s.io.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pods: Option<PodsSource>,
    /// A metric of one object of this namespace, from custom.metrics.k8s.io.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectSource>,
    /// A metric of something outside the cluster, from external.metrics.k8s.io.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalSource>,
}

/// Types of metrics.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricType {
    /// `resource`.
    Resource,
    /// `containerResource`.
    ContainerResource,
    /// `pods`.
    Pods,
    /// `object`.
    Object,
    /// `external`.
    External,
}

impl MetricType {
    /// Its word in the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Resource => "Resource",
            Self::ContainerResource => "ContainerResource",
            Self::Pods => "Pods",
            Self::Object => "Object",
            Self::External => "External",
        }
    }
}

/// Use of a resource by whole pods.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.target.averageUtilization) != has(self.target.averageValue)").message("give target.averageUtilization (percent of what the pods request) or target.averageValue, and not both"))]
pub struct ResourceSource {
    /// The resource, for example cpu or memory.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// What it is held to.
    pub target: MetricTarget,
}

/// Use of a resource by one container of each pod.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.target.averageUtilization) != has(self.target.averageValue)").message("give target.averageUtilization (percent of what the container requests) or target.averageValue, and not both"))]
pub struct ContainerResourceSource {
    /// The resource, for example cpu or memory.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Name of the container.
    #[schemars(length(min = 1, max = 253))]
    pub container: String,
    /// What it is held to.
    pub target: MetricTarget,
}

/// A metric of each pod.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.target.averageValue)").message("a metric of type Pods is held to an average over its pods: give target.averageValue"))]
pub struct PodsSource {
    /// The metric.
    pub metric: MetricIdentifier,
    /// What it is held to.
    pub target: MetricTarget,
}

/// A metric of one object.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.target.type == 'Value' ? has(self.target.value) : self.target.type == 'AverageValue' && has(self.target.averageValue)").message("a metric of type Object is held to target.value with target.type Value, or to target.averageValue with target.type AverageValue"))]
pub struct ObjectSource {
    /// The object, in this namespace.
    pub described_object: ObjectRef,
    /// The metric.
    pub metric: MetricIdentifier,
    /// What it is held to.
    pub target: MetricTarget,
}

/// A metric of something outside the cluster.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.target.value) != has(self.target.averageValue)").message("give target.value (for the metric itself) or target.averageValue (divided by the number of pods), and not both"))]
pub struct ExternalSource {
    /// The metric.
    pub metric: MetricIdentifier,
    /// What it is held to.
    pub target: MetricTarget,
}

/// An object of the workload's namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// For example `networking.k8s.io/v1`. Absent: `v1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 317))]
    pub api_version: Option<String>,
    /// For example `Ingress`.
    #[schemars(length(min = 1, max = 63))]
    pub kind: String,
    /// Name of the object.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self != '.' && self != '..' && !self.contains('/') && !self.contains('%')").message("the name becomes a part of a path: it may not be '.' or '..', nor contain '/' or '%'"))]
    pub name: String,
}

/// Which metric.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct MetricIdentifier {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self != '.' && self != '..' && !self.contains('/') && !self.contains('%')").message("the name becomes a part of a path: it may not be '.' or '..', nor contain '/' or '%'"))]
    pub name: String,
    /// Labels of the metric that narrow it. Absent: by its name alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

/// What a metric is held to.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct MetricTarget {
    /// Kind of target.
    #[serde(rename = "type")]
    pub type_: TargetType,
    /// The value itself. A quantity above 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Number")]
    #[x_kube(validation = Rule::new("type(self) == int ? self > 0 : isQuantity(self) && quantity(self).isGreaterThan(quantity('0'))").message("value must be a quantity above 0, for example 100 or '500m'"))]
    pub value: Option<Number>,
    /// The value divided by the number of pods. A quantity above 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Number")]
    #[x_kube(validation = Rule::new("type(self) == int ? self > 0 : isQuantity(self) && quantity(self).isGreaterThan(quantity('0'))").message("averageValue must be a quantity above 0, for example 100 or '500m'"))]
    pub average_value: Option<Number>,
    /// Percent of what the pods request, 1 or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub average_utilization: Option<i32>,
}

/// Kinds of targets.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetType {
    /// `averageUtilization`.
    Utilization,
    /// `value`.
    Value,
    /// `averageValue`.
    AverageValue,
}
