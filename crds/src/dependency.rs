//! `spec.dependsOn`: what the requests of a workload need of others, so that it is not grown past what
//! these can serve.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most dependencies of one workload.
pub const DEPENDS_MAX: usize = 8;

/// A back end or an outside quota that requests need.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.workloadRef) != has(self.quota)").message("say who answers the calls: set exactly one of workloadRef and quota"))]
pub struct DependsOn {
    /// A name that no other dependency of this workload has. Workloads of one namespace that give a
    /// quota the same name share it.
    #[schemars(
        length(min = 1, max = 63),
        regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
    )]
    pub name: String,
    /// A HybridWorkload that follows `spec.autoscaling.load`: as many replicas as it can have serve
    /// `perReplica` calls each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload_ref: Option<WorkloadRef>,
    /// Somebody outside who allows so many calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<CallQuota>,
    /// Calls that one request makes on average, for example "1" or "200m". Above 0. Absent: 1. A
    /// request is one unit of `spec.autoscaling.load`; for a quota that load is one of requests a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(min = 1, max = 32))]
    #[x_kube(validation = Rule::new("isQuantity(self) && quantity(self).isGreaterThan(quantity('0')) && quantity(self).isLessThan(quantity('1M'))").message("callsPerRequest is an average: a quantity above 0 and below 1M, for example '1' or '200m'"))]
    pub calls_per_request: Option<Quantity>,
}

/// A HybridWorkload. Its counts are said in the status of whoever depends on it, and nothing else.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadRef {
    /// Its namespace. Absent: this one. A Sensitive back end stands in another, as a namespace holds
    /// one class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
    /// Its name.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
}

/// Calls that somebody outside allows.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(self.per == 'Day') == has(self.timeZone)").message("a quota a day needs timeZone, the clock that its day begins on, for example Asia/Jakarta; one a second has none"))]
#[x_kube(validation = Rule::new("self.per == 'Day' || !has(self.spread)").message("spread is for a quota a day: remove it"))]
pub struct CallQuota {
    /// How many calls, for example "300k".
    #[schemars(with = "String", length(min = 1, max = 32))]
    #[x_kube(validation = Rule::new("isQuantity(self) && quantity(self).isGreaterThan(quantity('0')) && quantity(self).isLessThan(quantity('1Ti'))").message("limit is how many calls are allowed: a quantity above 0 and below 1Ti, for example '300k'"))]
    pub limit: Quantity,
    /// In which time.
    pub per: QuotaPeriod,
    /// On whose clock a day begins: a zone of the IANA database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: Option<String>,
    /// How what is left of a day's quota is spent. Absent: AsNeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<QuotaSpread>,
}

/// The time that a quota is for.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaPeriod {
    /// A second.
    Second,
    /// A day, from midnight to midnight.
    Day,
}

/// How what is left of a day's quota is spent.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum QuotaSpread {
    /// As it is asked for; in its last hour fewer and fewer replicas.
    #[default]
    AsNeeded,
    /// Evenly over the rest of the day, so that those who come late have their part.
    Evenly,
}
