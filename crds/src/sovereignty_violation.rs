//! `SovereigntyViolation`: evidence of something that is where it may not be, whatever was asked and
//! whoever let it through. Written by the operator alone and never changed in what was seen; closed
//! (deleted) by whoever holds the verb `close`. It holds no data of anybody: names, times and places.

// Each `printcolumn` is one column; clippy takes their like parts for a mistake.
#![allow(clippy::duplicated_attributes)]

use crate::sovereign_nodes::NodeIdentity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was seen.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "pinisi.dev",
    version = "v1alpha1",
    kind = "SovereigntyViolation",
    plural = "sovereigntyviolations",
    shortname = "sv",
    status = "SovereigntyViolationStatus",
    derive = "PartialEq",
    category = "pinisi",
    doc = "Evidence of something that is where it may not be. The operator writes it as soon as it sees it, and says when it ended; nobody changes it, and it stays until somebody who holds the verb close on sovereigntyviolations deletes it.",
    validation = Rule::new("self.spec == oldSelf.spec").message("what was seen is not changed afterwards"),
    printcolumn(name = "Rule", type_ = "string", json_path = ".spec.rule"),
    printcolumn(name = "Object", type_ = "string", json_path = ".spec.object.path"),
    printcolumn(name = "Where", type_ = "string", json_path = ".spec.place.words"),
    printcolumn(name = "Since", type_ = "date", json_path = ".spec.detectedAt"),
    printcolumn(name = "Notice-by", type_ = "string", json_path = ".spec.noticeDeadline"),
    printcolumn(name = "Ended", type_ = "date", json_path = ".status.endedAt"),
    printcolumn(name = "Why", type_ = "string", json_path = ".spec.message", priority = 1)
)]
#[serde(rename_all = "camelCase")]
pub struct SovereigntyViolationSpec {
    /// Which rule it breaks.
    pub rule: ViolationRule,
    /// Why, as a CamelCase word.
    #[schemars(length(min = 1, max = 64))]
    pub cause: String,
    /// The same for people, with the way out.
    #[schemars(length(max = 1024))]
    pub message: String,
    /// What is where it may not be.
    pub object: ViolatingObject,
    /// Where it is.
    pub place: ViolationPlace,
    /// SovereigntyPolicies that speak for its namespace, by name.
    #[schemars(length(max = 64), inner(length(max = 253)))]
    pub policies: Vec<String>,
    /// When the operator saw it first. It may have been so before.
    pub detected_at: Time,
    /// Until when notice of it must be given, where a policy says so (`spec.noticeWithinHours`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_deadline: Option<Time>,
    /// Articles of law that its policies rest this rule on. No legal advice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), inner(length(max = 256)))]
    pub law: Vec<String>,
    /// What the objects said when it was seen.
    pub evidence: Evidence,
}

/// Rules about what is, whatever was asked.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord,
)]
pub enum ViolationRule {
    /// A pod of a Sensitive namespace is bound to a node that the namespace may not use.
    V01,
    /// A pod of a namespace without a class is bound to a node of a Cloud or Edge Site, where a
    /// policy keeps it from there.
    V02,
    /// A claim of a Sensitive namespace is of a storage class, or bound to a volume, that the
    /// namespace may not use.
    V03,
    /// A Service of a Sensitive namespace leads outside.
    V04,
}

impl ViolationRule {
    /// Its id, as it stands in names, metrics and reports.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::V01 => "V01",
            Self::V02 => "V02",
            Self::V03 => "V03",
            Self::V04 => "V04",
        }
    }
}

/// An object of this cluster.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ViolatingObject {
    /// Its API version.
    #[schemars(length(max = 128))]
    pub api_version: String,
    /// Its kind.
    #[schemars(length(max = 63))]
    pub kind: String,
    /// Its namespace.
    #[schemars(length(max = 63))]
    pub namespace: String,
    /// Its name.
    #[schemars(length(max = 253))]
    pub name: String,
    /// Its uid: another object of the name is another violation.
    #[schemars(length(min = 1, max = 63))]
    pub uid: String,
    /// Kind, namespace and name in one, for tables.
    #[schemars(length(max = 400))]
    pub path: String,
}

/// A place: of a pod its node, of a claim its storage, of a Service the way in.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct ViolationPlace {
    /// All of it in one, for tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 600))]
    pub words: Option<String>,
    /// Name of the node that a pod is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub node: Option<String>,
    /// The Site that the node is in; absent where it is in none, or in more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub site: Option<String>,
    /// Country whose law applies there, as ISO 3166-1 alpha-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8))]
    pub jurisdiction: Option<String>,
    /// Storage class of a claim; empty where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub storage_class: Option<String>,
    /// The PersistentVolume that a claim is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub volume: Option<String>,
    /// What lets callers of a Service come from outside, or sends them there: LoadBalancer, NodePort,
    /// ExternalName or externalIPs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub exposed_by: Option<String>,
}

/// What the objects said. Of the object its metadata alone is read.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// `metadata.resourceVersion` of the object; absent where it was gone before it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub resource_version: Option<String>,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Time>,
    /// What made it, as `Kind/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 320))]
    pub owner: Option<String>,
    /// Who wrote it, from its managedFields: the newest first, at most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub managers: Vec<Writer>,
    /// Who the node is; absent where there is none of that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_seen: Option<NodeIdentity>,
    /// Who it was attested to be; absent where nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_attested: Option<NodeIdentity>,
}

/// Somebody who wrote an object.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Writer {
    /// Field manager: a program, as it calls itself.
    #[schemars(length(max = 128))]
    pub manager: String,
    /// Apply or Update.
    #[schemars(length(max = 16))]
    pub operation: String,
    /// Subresource that it wrote; absent for the object itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub subresource: Option<String>,
    /// When it did last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
}

/// What became of it. Renewed once an hour while it lasts.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SovereigntyViolationStatus {
    /// When it was seen last, to the hour; while it has not ended it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<Time>,
    /// When the operator saw that it is no more. Absent again where the same object is back there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
    /// When the API server took the operator's eviction of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evicted_at: Option<Time>,
    /// Why the last eviction was not taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub eviction_refused: Option<String>,
}
