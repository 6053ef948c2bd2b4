//! `status.currentMetrics`: what the metrics say. Shorter than an HPA's: one level, and the name of
//! the metric whatever its type.

use super::metric::MetricType;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// What one metric says.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct MetricStatus {
    /// Type of the metric.
    #[serde(rename = "type")]
    pub type_: MetricType,
    /// Name of the metric or resource.
    pub name: String,
    /// Container, for type ContainerResource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Its value, as an HPA shows it.
    pub current: MetricValue,
}

/// A metric's value.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct MetricValue {
    /// Percent of what the pods request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_utilization: Option<i32>,
    /// Average over the pods, as a quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_value: Option<String>,
    /// The value itself, as a quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}
