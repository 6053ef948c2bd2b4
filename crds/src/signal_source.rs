//! `SignalSource`: where load figures come from: a Prometheus that is asked, or gateways whose
//! metrics pages are scraped directly. Not here: credentials for either.

// Each `printcolumn` is one column; clippy takes their like parts for a mistake.
#![allow(clippy::duplicated_attributes)]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
        name = "Gateways",
        type_ = "string",
        json_path = ".spec.gateways[*].address",
        priority = 1
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
#[x_kube(validation = Rule::new("has(self.prometheus) != has(self.gateways)").message("say where to ask: set exactly one of spec.prometheus.address and spec.gateways; figures from both need a SignalSource each"))]
#[x_kube(validation = Rule::new("!has(self.prometheus) || self.queries.all(q, has(q.query))").message("a Prometheus is asked in PromQL: set query instead of metric in each of spec.queries, or set spec.gateways instead of spec.prometheus"))]
#[x_kube(validation = Rule::new("!has(self.gateways) || self.queries.all(q, has(q.metric))").message("gateways are not asked in PromQL: set metric instead of query in each of spec.queries, or set spec.prometheus instead of spec.gateways"))]
#[x_kube(validation = Rule::new("!has(self.prometheus) || !has(self.intervalMilliseconds)").message("intervalMilliseconds is for spec.gateways; a Prometheus is asked every intervalSeconds"))]
#[x_kube(validation = Rule::new("!has(self.gateways) || !has(self.intervalSeconds)").message("intervalSeconds is for spec.prometheus; gateways are scraped every intervalMilliseconds"))]
#[x_kube(validation = Rule::new("!has(self.intervalMilliseconds) || self.intervalMilliseconds * 2 <= (has(self.staleAfterSeconds) ? self.staleAfterSeconds : 60) * 1000").message("with this intervalMilliseconds a figure would be stale before the next one is there: make staleAfterSeconds (60 where absent) at least twice as long"))]
#[serde(rename_all = "camelCase")]
pub struct SignalSourceSpec {
    /// A Prometheus, or anything that answers its query API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<Prometheus>,
    /// Gateways whose metrics pages are scraped directly, 1 to 16, for figures younger than a
    /// second: instead of `prometheus`. A workload's load is the sum over all of them. One that does
    /// not answer keeps its last figures until `staleAfterSeconds`; after that every workload that it
    /// had figures of is stale, and nothing shrinks. Take a gateway that is gone for good out of this list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["address".into()]))]
    pub gateways: Option<Vec<Gateway>>,
    /// The queries, at most 16. Workloads name one of them.
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub queries: Vec<Query>,
    /// How often to ask a Prometheus, in seconds, 1 to 300. Absent: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 300))]
    pub interval_seconds: Option<i32>,
    /// How often to scrape the gateways, in milliseconds, 100 to 60000. Absent: 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 60000))]
    pub interval_milliseconds: Option<i32>,
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

/// One gateway.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Gateway {
    /// Address of its metrics page, in OpenMetrics or Prometheus text format, for example
    /// `http://gateway-0.gateways.ingress.svc:9100/metrics`. One process, not a Service before
    /// several: its counters would jump from one process to the next. Redirects are not followed.
    #[schemars(length(min = 8, max = 512))]
    #[x_kube(validation = Rule::new("isURL(self) && (url(self).getScheme() == 'http' || url(self).getScheme() == 'https') && url(self).getHostname() != '' && !self.matches('^[a-z]+://[^/]*@')").message("address must be the URL of a metrics page with a host and without a password, for example http://gateway-0.gateways.ingress.svc:9100/metrics"))]
    pub address: String,
}

/// One named query: `query` asks a Prometheus, `metric` picks from the gateways' pages.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.query) != has(self.metric)").message("set exactly one of query (PromQL, for spec.prometheus) and metric (its name on the page, for spec.gateways)"))]
#[x_kube(validation = Rule::new("has(self.metric) || (!has(self.matchLabels) && !has(self.figure) && !has(self.rateWindowMilliseconds))").message("matchLabels, figure and rateWindowMilliseconds go with metric; write them into the PromQL of query"))]
#[x_kube(validation = Rule::new("has(self.query) || !has(self.timestampQuery)").message("timestampQuery goes with query; a gateway's figures have the time of their scrape, or their own from the page"))]
pub struct Query {
    /// The name by which workloads refer to it.
    #[schemars(
        length(min = 1, max = 63),
        regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
    )]
    pub name: String,
    /// PromQL that returns an instant vector with one series for each workload: its offered load,
    /// refused requests included, in any unit that `perReplica` shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4096))]
    pub query: Option<String>,
    /// PromQL with the same labels whose value is the Unix time in seconds of the newest sample
    /// behind the load, for example `max by (namespace, workload) (timestamp(requests_total))`.
    /// Without it the age of a figure is the age of the answer, and hours-old data may pass as new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4096))]
    pub timestamp_query: Option<String>,
    /// Name of a metric as it stands on the gateways' pages, for example `requests_total`. Choose
    /// one that counts every request as it comes in. One that counts only what was answered, or
    /// only successes, falls just when the service is overrun and the rest is refused. Of a
    /// histogram or summary take its `_count`. All of its series that name a workload are summed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 256),
        regex(pattern = "^[a-zA-Z_:][a-zA-Z0-9_:]*$")
    )]
    pub metric: Option<String>,
    /// Labels that a series must have to be summed, all of them, at most 8; an empty value asks
    /// that the label is not there. Absent: every series of the metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 8))]
    pub match_labels: Option<BTreeMap<String, String>>,
    /// How the metric becomes a load. Absent: as the page says that it is a counter or a gauge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figure: Option<Figure>,
    /// Time in milliseconds over which a counter's rate is taken, 200 to 60000. Absent: 1000. At
    /// least two samples are used, also where these are further apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 200, max = 60000))]
    pub rate_window_milliseconds: Option<i32>,
    /// Label that holds the workload's namespace. Absent: `namespace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub namespace_label: Option<String>,
    /// Label that holds the workload's name. Absent: `workload`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub workload_label: Option<String>,
}

/// How a metric becomes a load: Rate, a counter's growth a second, or Value, a gauge as it stands.
/// Absent: Rate for a counter and Value for a gauge, as the page says in its TYPE lines.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// A counter's growth, a second.
    Rate,
    /// A gauge as it stands.
    Value,
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
    /// Each gateway's last answer, where the source scrapes gateways.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["address".into()]))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gateways: Vec<GatewayStatus>,
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

/// How one gateway fares.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct GatewayStatus {
    /// Address of its page.
    pub address: String,
    /// Series on its last good page that queries take.
    pub series: i32,
    /// Age of its newest figure in seconds, rounded up to 1, 5, 15, 60, 300 or 3600 so that status
    /// moves seldom; absent before the first, 3601 for older ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<i32>,
    /// Since when it has been failing; absent while it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Time>,
    /// Why its last page was not usable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
