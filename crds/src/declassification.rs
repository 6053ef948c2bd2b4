//! `Declassification`: the only way from Sensitive to MassTraffic. One person asks for it in `spec`,
//! another one approves it in `status`, and after a cool-down the operator changes the namespace's
//! class. Deleting it before then cancels it. Deliberately not here: who may do what, which is the
//! guard's (rules G54 to G56) and RBAC's.

// Each `printcolumn` is one column; clippy takes their like parts for a mistake.
#![allow(clippy::duplicated_attributes)]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest reason, in characters.
pub const REASON_MAX: usize = 1024;
/// Users that begin so are parts of a cluster: service accounts, nodes, components, anonymous.
pub const NOT_A_PERSON: &str = "system:";
/// What of a status the operator alone writes: all but `approval`.
pub const OPERATORS_FIELDS: [&str; 8] = [
    "observedGeneration",
    "requestSeenAt",
    "approvalSeenAt",
    "mayChangeAt",
    "expiresAt",
    "outcome",
    "endedAt",
    "conditions",
];

/// A request that its namespace become MassTraffic.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[kube(
    group = "pinisi.dev",
    version = "v1alpha1",
    kind = "Declassification",
    plural = "declassifications",
    status = "DeclassificationStatus",
    namespaced,
    derive = "PartialEq",
    category = "pinisi",
    doc = "The only way from Sensitive to MassTraffic: one person asks for it, another one with the verb approve approves it in status, and after a cool-down the operator changes the class of the namespace. Deleting it before then cancels it. Each is used once.",
    printcolumn(
        name = "Requested-By",
        type_ = "string",
        json_path = ".spec.requestedBy"
    ),
    printcolumn(
        name = "Approved-By",
        type_ = "string",
        json_path = ".status.approval.approvedBy"
    ),
    printcolumn(
        name = "Changes-At",
        type_ = "string",
        json_path = ".status.mayChangeAt"
    ),
    printcolumn(
        name = "State",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].reason"
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".spec.reason",
        priority = 1
    )
)]
#[x_kube(validation = Rule::new("self == oldSelf").message("a request does not change after it was made, as it may have been approved: delete this Declassification and make another"))]
#[serde(rename_all = "camelCase")]
pub struct DeclassificationSpec {
    /// Why what is in this namespace may leave sovereign ground. Whoever approves reads this.
    #[schemars(length(min = 1, max = 1024))]
    pub reason: String,
    /// User name of whoever asks: his own, as the API server knows him (`kubectl auth whoami`).
    #[schemars(length(min = 1, max = 253))]
    pub requested_by: String,
}

/// What became of a request. All but `approval` is written by the operator, and every time is its own:
/// when it saw something, not when somebody says that it was.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct DeclassificationStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The second person's yes. Once given it is not changed; deleting the Declassification takes it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// When the operator saw the request first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_seen_at: Option<Time>,
    /// When it saw the approval first: the cool-down begins then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_seen_at: Option<Time>,
    /// End of the cool-down. A policy that is changed meanwhile makes it later, never earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_change_at: Option<Time>,
    /// Not used by then, the request ends: unapproved, or approved and past its cool-down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// How it ended. Whatever ended does not begin again: make another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
    /// Ready once the class has changed; Reconciling while it waits; Stalled where it ended otherwise.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

/// The second person's yes.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// User name of whoever approves: his own, and not that of whoever asked.
    #[schemars(length(min = 1, max = 253))]
    pub approved_by: String,
}

/// How a request ended.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord,
)]
pub enum Outcome {
    /// The namespace is MassTraffic.
    Changed,
    /// Nobody approved it in time, or it was not used in time.
    Expired,
    /// It may not be used; the condition Stalled says why.
    Refused,
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::CustomResourceExt as _;
    use serde_json::{Value, json};
    use std::collections::BTreeSet;

    fn schema() -> Value {
        let crd = json!(Declassification::crd());
        crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
    }

    #[test]
    fn every_field_of_a_status_but_the_approval_is_the_operators() {
        let schema = schema();
        let fields = schema["properties"]["status"]["properties"].as_object();
        let mut fields: BTreeSet<&str> = fields.unwrap().keys().map(String::as_str).collect();
        assert!(fields.remove("approval"));
        assert_eq!(fields, OPERATORS_FIELDS.into());
    }

    #[test]
    fn a_reason_is_as_long_as_is_said() {
        let spec = &schema()["properties"]["spec"];
        assert_eq!(spec["properties"]["reason"]["maxLength"], json!(REASON_MAX));
        assert_eq!(
            spec["x-kubernetes-validations"][0]["rule"],
            "self == oldSelf"
        );
    }
}
