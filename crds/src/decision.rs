//! What was decided for a HybridWorkload, with its reasons in words and as data: what `kubectl pinisi
//! explain` reads. Not here: counts by site and conditions, which stand beside it in the status.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The decision behind the counts, as of the moment when it was said last. Renewed when counts or
/// conditions move, not when figures only wobble.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct DecisionStatus {
    /// When it was said.
    pub at: Time,
    /// Replicas wanted in all; what found no place is not in `status.replicas`.
    pub want: i32,
    /// Room at the sites of the placement, and at others that still hold replicas.
    #[serde(default)]
    #[schemars(length(max = 160))]
    pub room: Vec<SiteRoom>,
    /// Why, most telling first.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub reasons: Vec<ReasonStatus>,
}

/// The room that a site has for this workload.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SiteRoom {
    /// Name of the Site.
    pub name: String,
    /// Rank of its tier from 1; 0 for a site that is in none.
    pub tier: i32,
    /// Most replicas up to its high watermark, those there included. Absent where there was no need
    /// to count to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under_high: Option<i32>,
    /// Most replicas in all, those there included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fits: Option<i32>,
}

/// One reason.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ReasonStatus {
    /// One word, as in conditions and Events.
    pub reason: String,
    /// In plain words, with its numbers.
    pub message: String,
    /// The same as data; fields are only ever added.
    #[schemars(schema_with = "anything")]
    pub data: serde_json::Value,
}

fn anything(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"x-kubernetes-preserve-unknown-fields": true})
}
