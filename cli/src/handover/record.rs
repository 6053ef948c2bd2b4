//! What an adoption remembers, in an annotation of the HybridWorkload: what was taken away, so that
//! `release` can give it back, and the floor that holds while it is taken over.

use jiff::Timestamp;
use pinisi_crds::hybrid_workload::Mode;
use pinisi_crds::names::ADOPTION_ANNOTATION;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Name of the record's shape: fields are only ever added under it.
pub const FORMAT: &str = "pinisi-adoption/v1";
/// Longest record, in bytes; an object holds 256 KiB of annotations in all.
pub const RECORD_MAX: usize = 128 * 1024;

/// What an adoption remembers.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// [`FORMAT`].
    pub format: String,
    /// The autoscaler that was taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaler: Option<Saved>,
    /// Replicas that ran when the take-over began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_replicas: Option<i32>,
    /// The floor in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Floor>,
    /// Since when the operator holds the count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_since: Option<Timestamp>,
    /// When the take-over was complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// When the release began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub releasing_since: Option<Timestamp>,
    /// The mode before the release began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode_before: Option<Mode>,
}

/// An autoscaler as it was.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Saved {
    /// What was done to it.
    pub taken: Taken,
    /// The object, without what only the server writes.
    pub manifest: Value,
}

/// How an autoscaler was taken off the count.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was deleted.
    Deleted,
    /// It was paused by its annotation and is still there.
    Paused,
}

/// `minReplicas` raised to what ran.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Floor {
    /// Fewest replicas while it holds.
    pub replicas: i32,
    /// `spec.autoscaling.minReplicas` before; absent where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_before: Option<i32>,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            format: FORMAT.into(),
            autoscaler: None,
            started_replicas: None,
            floor: None,
            held_since: None,
            finished_at: None,
            releasing_since: None,
            mode_before: None,
        }
    }
}

impl Record {
    /// Reads it from an object's annotations. `Err` says why it cannot be read.
    pub fn of(object: &Value) -> Result<Option<Self>, String> {
        let Some(text) = super::fields::annotation(object, ADOPTION_ANNOTATION) else {
            return Ok(None);
        };
        let record: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if record.format == FORMAT {
            Ok(Some(record))
        } else {
            Err(format!(
                "it has the format {:?}, this program knows {FORMAT}",
                record.format
            ))
        }
    }

    /// The text of the annotation.
    pub fn text(&self) -> Result<String, String> {
        let text = serde_json::to_string(self).map_err(|error| error.to_string())?;
        if text.len() > RECORD_MAX {
            return Err(format!(
                "the record would have {} bytes, more than {RECORD_MAX}: take long annotations off the autoscaler first",
                text.len()
            ));
        }
        Ok(text)
    }
}

/// An object without what only the server writes, so that it can be made again just so.
pub fn manifest(object: &Value) -> Value {
    let of = |pointer: &str| object.pointer(pointer).filter(|value| !value.is_null());
    let mut metadata = Map::new();
    for key in ["name", "namespace", "labels", "annotations"] {
        if let Some(value) = of(&format!("/metadata/{key}")) {
            metadata.insert(key.into(), value.clone());
        }
    }
    json!({
        "apiVersion": of("/apiVersion"),
        "kind": of("/kind"),
        "metadata": metadata,
        "spec": of("/spec"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_survives_its_annotation_and_a_foreign_one_is_told() {
        let record = Record {
            autoscaler: Some(Saved {
                taken: Taken::Deleted,
                manifest: json!({"kind": "HorizontalPodAutoscaler", "spec": {"maxReplicas": 9, "unknown": {"a": "1500m"}}}),
            }),
            floor: Some(Floor {
                replicas: 7,
                min_before: None,
            }),
            ..Record::default()
        };
        let text = record.text().unwrap();
        let object = json!({"metadata": {"annotations": {ADOPTION_ANNOTATION: text}}});
        assert_eq!(Record::of(&object), Ok(Some(record)));
        assert_eq!(Record::of(&json!({"metadata": {}})), Ok(None));
        for bad in [
            "{",
            "[]",
            r#"{"format":"pinisi-adoption/v9"}"#,
            r#"{"format":7}"#,
        ] {
            let object = json!({"metadata": {"annotations": {ADOPTION_ANNOTATION: bad}}});
            assert!(Record::of(&object).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_manifest_keeps_everything_that_people_wrote() {
        let object = json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "web", "namespace": "shop", "uid": "u", "resourceVersion": "9", "generation": 3,
                         "labels": {"app": "web"}, "annotations": {"a": "b"}, "managedFields": [{}], "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"maxReplicas": 9, "future": {"field": true}}, "status": {"desiredReplicas": 4},
        });
        let kept = manifest(&object);
        assert_eq!(
            kept,
            json!({
                "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
                "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}, "annotations": {"a": "b"}},
                "spec": {"maxReplicas": 9, "future": {"field": true}},
            })
        );
    }

    #[test]
    fn a_record_that_would_not_fit_is_refused() {
        let record = Record {
            autoscaler: Some(Saved {
                taken: Taken::Paused,
                manifest: json!("x".repeat(RECORD_MAX)),
            }),
            ..Record::default()
        };
        assert!(record.text().unwrap_err().contains("bytes"));
    }
}
