//! Facts for tests: a Deployment `web` of namespace `shop`, and changes to it.

use super::facts::Facts;
use super::{Autoscaler, Record, Scalable, Workload};
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use pinisi_crds::names::{ADOPTION_ANNOTATION, CLASS_LABEL};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The moment at which tests begin.
pub fn noon() -> Timestamp {
    "2026-11-02T12:00:00Z".parse().expect("a time")
}

/// A Deployment with this count, and managers of `spec.replicas`.
pub fn deployment(replicas: i32, owners: &[&str]) -> Value {
    let entries: Vec<_> = owners
        .iter()
        .map(|manager| json!({
            "manager": manager, "operation": "Update", "apiVersion": "apps/v1", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": {"f:replicas": {}}},
        }))
        .collect();
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "uid": "u-web", "resourceVersion": "1", "managedFields": entries},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "registry.example/web:1"}]}},
        },
        "status": {"readyReplicas": replicas, "replicas": replicas},
    })
}

/// As the facts hold it.
pub fn scalable(object: &Value) -> Scalable {
    let typed: Deployment = serde_json::from_value(object.clone()).expect("a Deployment");
    typed.into()
}

/// An HPA of autoscaling/v2 on the Deployment, with a status.
pub fn hpa(min: i32, max: i32, desired: i32) -> Value {
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web-hpa", "namespace": "shop", "uid": "u-hpa", "resourceVersion": "7"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": min, "maxReplicas": max,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}],
        },
        "status": {"desiredReplicas": desired, "currentReplicas": desired, "conditions": [
            {"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale", "message": "recommended size matches current size", "lastTransitionTime": "2026-11-02T11:00:00Z"},
            {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound", "message": "the HPA was able to calculate", "lastTransitionTime": "2026-11-02T11:00:00Z"},
        ]},
    })
}

/// A HybridWorkload on the Deployment that the operator has looked at.
pub fn workload(mode: &str, autoscaling: &Value, record: &Record) -> Value {
    let mut object = json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "HybridWorkload",
        "metadata": {
            "name": "web", "namespace": "shop", "uid": "u-hw", "resourceVersion": "3", "generation": 1,
            "annotations": {ADOPTION_ANNOTATION: record.text().expect("a short record")},
        },
        "spec": {
            "class": "MassTraffic", "mode": mode,
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "placement": {"tiers": [{"sites": ["home"]}, {"sites": ["cloud"]}]},
        },
        "status": {"observedGeneration": 1, "replicas": 4, "home": 4, "cloud": 0, "why": "as its metrics ask", "sites": [], "conditions": []},
    });
    if !autoscaling.is_null() {
        object["spec"]["autoscaling"] = autoscaling.clone();
    }
    object
}

/// A condition that speaks of generation 1.
pub fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"type": kind, "status": status, "reason": reason, "message": message, "observedGeneration": 1, "lastTransitionTime": "2026-11-02T11:00:00Z"})
}

/// A Deployment with a count, an autoscaler, and nothing else.
pub fn facts(replicas: i32, autoscaler: Option<Autoscaler>, workload: Option<Value>) -> Facts {
    Facts {
        now: noon(),
        namespace: "shop".into(),
        labels: Ok(BTreeMap::from([(CLASS_LABEL.into(), "MassTraffic".into())])),
        target: "deployment/web".parse().expect("a target"),
        scalable: Some(scalable(&deployment(
            replicas,
            &["kube-controller-manager"],
        ))),
        autoscalers: autoscaler.into_iter().collect(),
        keda_unreadable: None,
        workload: workload.map(Workload::of),
        namesake: None,
        classes: BTreeMap::new(),
        siblings: vec![],
        pods: vec![],
    }
}
