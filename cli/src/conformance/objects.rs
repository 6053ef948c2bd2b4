//! Objects that cases ask for, in a few words. Every one is lawful as it stands; a case adds what
//! must be refused.

use super::ground::{Ground, POD};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Label of everything that the suite makes; its value names the run.
pub const RUN_LABEL: &str = "pinisi.dev/conformance";
/// A node label that no node has: with it in its nodeSelector nothing can schedule a pod.
pub const NOWHERE_LABEL: &str = "pinisi.dev/conformance-nowhere";
/// Never pulled: no pod of the suite runs.
pub const IMAGE: &str = "registry.k8s.io/pause:3.10";

/// A pod that every sound cluster takes, on nodes that no cluster has.
#[must_use]
pub fn lawful_pod(name: &str, stamp: &BTreeMap<String, String>, image: &str) -> Value {
    let mut selector: Map<String, Value> = stamp
        .iter()
        .map(|(key, value)| (key.clone(), json!(value)))
        .collect();
    selector.insert(NOWHERE_LABEL.into(), json!("true"));
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "labels": {RUN_LABEL: "canary"}},
        "spec": {
            "nodeSelector": selector,
            "serviceAccountName": POD,
            "automountServiceAccountToken": false,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {"runAsNonRoot": true, "runAsUser": 65_532, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container(image)],
        },
    })
}

/// A container that the restricted Pod Security Standard takes.
#[must_use]
pub fn container(image: &str) -> Value {
    json!({
        "name": "canary", "image": image,
        "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"cpu": "10m", "memory": "16Mi"}},
        "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
    })
}

impl Ground {
    /// A lawful pod with this in its spec.
    #[must_use]
    pub fn pod(&self, more: &Value) -> Value {
        let mut pod = lawful_pod("attempt", &self.stamp.labels, IMAGE);
        extend(&mut pod["spec"], more);
        pod
    }
}

/// Adds these fields to an object.
pub fn extend(object: &mut Value, more: &Value) {
    for (field, value) in more.as_object().into_iter().flatten() {
        object[field] = value.clone();
    }
}
