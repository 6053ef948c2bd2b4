//! One trigger of a ScaledObject: as a resource metric where it is one, else as the external
//! metric that KEDA's adapter serves for it.

use crate::handover::Note;
use crate::handover::autoscaler::SCALED_OBJECT;
use crate::handover::fields::{list, name, text};
use serde_json::{Value, json};

/// Label by which KEDA's adapter knows whose metric is asked for.
pub const OWNER_LABEL: &str = "scaledobject.keda.sh/name";
/// Types of triggers that are resource metrics.
const RESOURCES: [&str; 2] = ["cpu", "memory"];
/// The field of a trigger that says what one replica is held to, by type.
const TARGETS: [(&str, &str); 2] = [("prometheus", "threshold"), ("metrics-api", "targetValue")];

/// A trigger with its place.
pub struct Trigger<'a> {
    /// The ScaledObject.
    pub owner: &'a Value,
    /// Its place in `spec.triggers`.
    pub index: usize,
    /// It.
    pub trigger: &'a Value,
    /// The HPA that KEDA made.
    pub hpa: Option<&'a Value>,
}

impl Trigger<'_> {
    /// Its type.
    pub fn kind(&self) -> &str {
        text(self.trigger, "/type")
    }

    /// True where it is a resource metric and needs no KEDA.
    pub fn is_resource(&self) -> bool {
        RESOURCES.contains(&self.kind())
    }

    /// JSON path of it or of a field in it.
    pub fn field(&self, below: &str) -> String {
        format!("spec.triggers[{}]{below}", self.index)
    }

    fn object(&self) -> String {
        format!("{SCALED_OBJECT} {}", name(self.owner))
    }

    fn metadata(&self, key: &str) -> Option<&str> {
        let value = self
            .trigger
            .pointer("/metadata")
            .and_then(|all| all.get(key));
        value.and_then(Value::as_str)
    }

    /// What one replica is held to, where it can be told and is an average.
    pub fn threshold(&self) -> Option<&str> {
        let (_, key) = TARGETS.iter().find(|(kind, _)| *kind == self.kind())?;
        (self.metric_type() == "AverageValue")
            .then(|| self.metadata(key))
            .flatten()
    }

    fn metric_type(&self) -> &str {
        let said = text(self.trigger, "/metricType");
        match (said, self.metadata("type")) {
            ("", Some(old)) if self.is_resource() => old,
            ("", _) if self.is_resource() => "Utilization",
            ("", _) => "AverageValue",
            (said, _) => said,
        }
    }

    /// `cpu` and `memory`, with the container where one is named.
    pub fn resource_metric(&self, notes: &mut Vec<Note>) -> Option<Value> {
        let kind = self.metric_type();
        let value = self.metadata("value").unwrap_or_default();
        let target = match kind {
            "Utilization" => value
                .trim()
                .parse::<i32>()
                .ok()
                .map(|percent| json!({ "type": kind, "averageUtilization": percent })),
            "AverageValue" if !value.is_empty() => {
                Some(json!({ "type": kind, "averageValue": value }))
            }
            _ => None,
        };
        let Some(target) = target else {
            notes.push(
                Note::obstacle(
                    &self.object(),
                    format!("{kind} with value {value:?} is no target of a resource metric"),
                    "set metricType to Utilization with a whole number of percent, or to AverageValue with a quantity",
                )
                .at(self.field("")),
            );
            return None;
        };
        let resource = self.kind();
        Some(match self.metadata("containerName") {
            Some(container) => json!({ "type": "ContainerResource", "containerResource": {
                "name": resource, "container": container, "target": target,
            } }),
            None => {
                json!({ "type": "Resource", "resource": { "name": resource, "target": target } })
            }
        })
    }

    /// The external metric that KEDA's own HPA asks for; where that HPA is not there, made from
    /// the trigger's own words, where they say enough.
    pub fn external_metric(&self, notes: &mut Vec<Note>) -> Option<Value> {
        let prefix = format!("s{}-", self.index);
        let metrics = self.hpa.map(|hpa| list(hpa, "/spec/metrics"));
        let own = metrics
            .unwrap_or_default()
            .iter()
            .find(|metric| text(metric, "/external/metric/name").starts_with(&prefix));
        if let Some(metric) = own {
            return Some(metric.clone());
        }
        let names = list(self.owner, "/status/externalMetricNames").iter();
        let name_known = names
            .filter_map(Value::as_str)
            .find(|name| name.starts_with(&prefix));
        if let (Some(metric), Some(threshold)) = (name_known, self.threshold()) {
            return Some(json!({ "type": "External", "external": {
                "metric": { "name": metric, "selector": { "matchLabels": { OWNER_LABEL: name(self.owner) } } },
                "target": { "type": "AverageValue", "averageValue": threshold },
            } }));
        }
        notes.push(
            Note::obstacle(
                &self.object(),
                format!(
                    "what the {} trigger asks for cannot be told: KEDA has no HPA for it now",
                    self.kind()
                ),
                format!(
                    "wait until kubectl get scaledobject {} is Ready and not paused, or follow a signal with --load SOURCE/QUERY --per-replica N",
                    name(self.owner)
                ),
            )
            .at(self.field("")),
        );
        None
    }

    /// Fields that only matter between 0 and 1 replicas.
    pub fn activations(&self) -> Vec<String> {
        let all = self.trigger.pointer("/metadata").and_then(Value::as_object);
        all.into_iter()
            .flat_map(|all| all.keys())
            .filter(|key| key.starts_with("activation"))
            .map(|key| self.field(&format!(".metadata.{key}")))
            .collect()
    }

    /// How to do without KEDA, where that can be told.
    pub fn without_keda(&self, namespace: &str, workload: &str) -> String {
        let ask = "ask whoever runs the platform for a SignalSource with";
        match (
            self.kind(),
            self.metadata("query"),
            self.metadata("serverAddress"),
        ) {
            ("prometheus", Some(query), address) => format!(
                "to do without KEDA {ask} the query label_replace(label_replace({query}, \"namespace\", \"{namespace}\", \"\", \"\"), \"workload\", \"{workload}\", \"\", \"\"){}, then adopt with --load SOURCE/QUERY",
                address.map_or_else(String::new, |address| format!(" at {address}")),
            ),
            _ => format!(
                "to do without KEDA {ask} a Prometheus query for the same figure, labelled by namespace and workload, then adopt with --load SOURCE/QUERY"
            ),
        }
    }
}
