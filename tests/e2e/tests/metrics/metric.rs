//! Metrics as a spec has them, in a few words.

use serde_json::{Value, json};

fn average(value: &str) -> Value {
    json!({"type": "AverageValue", "averageValue": value})
}

/// Use of CPU, in percent of the request.
pub fn cpu(percent: u32) -> Value {
    let target = json!({"type": "Utilization", "averageUtilization": percent});
    json!({"type": "Resource", "resource": {"name": "cpu", "target": target}})
}

/// Use of CPU by one container, on average.
pub fn cpu_of(container: &str, value: &str) -> Value {
    let source = json!({"name": "cpu", "container": container, "target": average(value)});
    json!({"type": "ContainerResource", "containerResource": source})
}

/// A metric of each pod, on average.
pub fn pods(name: &str, value: &str) -> Value {
    json!({"type": "Pods", "pods": {"metric": {"name": name}, "target": average(value)}})
}

/// A metric of a Service, so much a replica.
pub fn service(service: &str, name: &str, value: &str) -> Value {
    let object = json!({"apiVersion": "v1", "kind": "Service", "name": service});
    let source =
        json!({"describedObject": object, "metric": {"name": name}, "target": average(value)});
    json!({"type": "Object", "object": source})
}

/// A metric from outside, so much a replica.
pub fn external(name: &str, value: &str) -> Value {
    json!({"type": "External", "external": {"metric": {"name": name}, "target": average(value)}})
}

/// The same, of the series with the label `of` alone.
pub fn external_of(name: &str, of: &str, value: &str) -> Value {
    let mut metric = external(name, value);
    metric["external"]["metric"]["selector"] = json!({"matchLabels": {"of": of}});
    metric
}
