//! `SignalSource`: where load figures come from. Not here: gateways scraped directly, which
//! become a second optional member beside `prometheus`.

// Each `printcolumn` is one column; clippy takes their like parts for a mistake.
#![allow(clippy::duplicated_attributes)]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

/// Where load figures come from: named queries, each one vector for the whole fleet.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "pinisi.dev",
    version = "v1alpha1",
    kind = "SignalSource",
    status = "SignalSourceStatus",
    derive = "PartialEq",
    category = "pinisi",
    doc = "Where load figures come from: named queries, each one vector for the whole fleet.",
    printcolumn(
        name = "Address",
        type_ = "string",
        json_path = ".spec.prometheus.address"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].reason"
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
#[x_kube(validation = Rule::new("has(self.prometheus)").message("say where to ask: set spec.prometheus.address"))]
#[serde(rename_all = "camelCase")]
pub struct SignalSourceSpec {
    /// A Prometheus, or anything that answers its query API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<Prometheus>,
    /// The queries, at most 16. Workloads name one of them.
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub queries: Vec<Query>,
    /// How often to ask, in seconds, 1 to 300. Absent: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 300))]
    pub interval_seconds: Option<i32>,
    /// Age in seconds from which a figure is stale: it no longer shrinks anything. 5 to 3600. Absent: 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 5, max = 3600))]
    pub stale_after_seconds: Option<i32>,
}

/// How to reach a Prometheus.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Prometheus {
    /// Base address, for example `http://prometheus.monitoring.svc:9090`.
    #[schemars(length(min = 8, max = 512))]
    #[x_kube(validation = Rule::new("isURL(self) && (url(self).getScheme() == 'http' || url(self).getScheme() == 'https') && url(self).getHostname() != ''").message("address must be a URL with a host, for example http://prometheus.monitoring.svc:9090"))]
    pub address: String,
}

/// One named query.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Query {
    /// The name by which workloads refer to it.
    #[schemars(
        length(min = 1, max = 63),
        regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
    )]
    pub name: String,
    /// PromQL that returns an instant vector with one series for each workload: its offered load,
    /// refused requests included, in any unit that `perReplica` shares.
    #[schemars(length(min = 1, max = 4096))]
    pub query: String,
    /// PromQL with the same labels whose value is the Unix time in seconds of the newest sample
    /// behind the load, for example `max by (namespace, workload) (timestamp(requests_total))`.
    /// Without it the age of a figure is the age of the answer, and hours-old data may pass as new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4096))]
    pub timestamp_query: Option<String>,
    /// Label that holds the workload's namespace. Absent: `namespace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub namespace_label: Option<String>,
    /// Label that holds the workload's name. Absent: `workload`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub workload_label: Option<String>,
}

/// What the operator hears from the source.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SignalSourceStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Each query's last answer.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[serde(default)]
    pub queries: Vec<QueryStatus>,
    /// Ready, and Stalled where something needs a person.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

/// The last answer to one query.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct QueryStatus {
    /// Name of the query.
    pub name: String,
    /// Usable series in the last good answer.
    pub series: i32,
    /// Why the last answer was not usable, or not wholly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
