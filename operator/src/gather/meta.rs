//! Object metadata read thinly: managedFields are most of an object, and only one thing in them
//! is ever asked: who wrote `spec.replicas`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, OwnerReference, Time};
use kube::api::ObjectMeta;
use pinisi_crds::names::{FIELD_MANAGER, GROUP};
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lean<M> {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<Ours>,
    finalizers: Option<Vec<String>>,
    owner_references: Option<Vec<OwnerReference>>,
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
    managed_fields: Option<M>,
}

impl<M> Lean<M> {
    fn into_meta(self, writers: impl FnOnce(M) -> Vec<ManagedFieldsEntry>) -> ObjectMeta {
        ObjectMeta {
            name: self.name,
            namespace: self.namespace,
            uid: self.uid,
            resource_version: self.resource_version,
            generation: self.generation,
            labels: self.labels,
            annotations: self.annotations.map(|Ours(a)| a),
            finalizers: self.finalizers,
            owner_references: self.owner_references,
            creation_timestamp: self.creation_timestamp,
            deletion_timestamp: self.deletion_timestamp,
            managed_fields: self.managed_fields.map(writers),
            ..ObjectMeta::default()
        }
    }
}

/// Metadata without managedFields, and only our own annotations.
pub fn lean<'de, D: Deserializer<'de>>(d: D) -> Result<ObjectMeta, D::Error> {
    Lean::<IgnoredAny>::deserialize(d).map(|m| ObjectMeta {
        managed_fields: None,
        ..m.into_meta(|_| Vec::new())
    })
}

/// As [`lean`]; of managedFields only the entries that own `spec.replicas`, without their fields.
pub fn lean_with_writers<'de, D: Deserializer<'de>>(d: D) -> Result<ObjectMeta, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Entry {
        manager: Option<String>,
        time: Option<Time>,
        fields_v1: Option<Fields>,
    }
    #[derive(Deserialize)]
    struct Fields {
        #[serde(rename = "f:spec")]
        spec: Option<SpecFields>,
    }
    #[derive(Deserialize)]
    struct SpecFields {
        #[serde(rename = "f:replicas")]
        replicas: Option<IgnoredAny>,
    }
    let owns = |e: &Entry| {
        e.fields_v1
            .as_ref()
            .and_then(|f| f.spec.as_ref())
            .is_some_and(|s| s.replicas.is_some())
    };
    Lean::<Vec<Entry>>::deserialize(d).map(|m| {
        m.into_meta(|entries| {
            entries
                .into_iter()
                .filter(owns)
                .map(|e| ManagedFieldsEntry {
                    manager: e.manager,
                    time: e.time,
                    ..ManagedFieldsEntry::default()
                })
                .collect()
        })
    })
}

/// Who wrote `spec.replicas` last, where that is not us. A count that we own together with others
/// is ours: whoever changes it takes it from us.
#[must_use]
pub fn foreign_writer(meta: &ObjectMeta) -> Option<String> {
    let owners = meta.managed_fields.as_deref().unwrap_or_default();
    if owners
        .iter()
        .any(|e| e.manager.as_deref() == Some(FIELD_MANAGER))
    {
        return None;
    }
    let newest = owners.iter().max_by_key(|e| e.time.as_ref().map(|t| t.0))?;
    Some(
        newest
            .manager
            .clone()
            .unwrap_or_else(|| "unknown".to_owned()),
    )
}

/// Annotations of our own group; everything else is skipped while reading.
struct Ours(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Ours {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Keep;
        impl<'de> serde::de::Visitor<'de> for Keep {
            type Value = Ours;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("annotations")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Ours, A::Error> {
                let mut kept = BTreeMap::new();
                while let Some(key) = map.next_key::<String>()? {
                    if key.starts_with(GROUP) {
                        kept.insert(key, map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Ours(kept))
            }
        }
        d.deserialize_map(Keep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn meta(owners: &[(&str, &str, bool)]) -> ObjectMeta {
        let entries: Vec<_> = owners
            .iter()
            .map(|(manager, time, replicas)| {
                let spec = if *replicas { json!({"f:replicas": {}, "f:template": {"f:spec": {}}}) } else { json!({"f:template": {}}) };
                json!({"manager": manager, "operation": "Update", "time": time, "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": spec}})
            })
            .collect();
        lean_with_writers(json!({"name": "web", "managedFields": entries, "annotations": {"a": "b", "pinisi.dev/workload": "web"}})).unwrap()
    }

    #[test]
    fn the_newest_owner_of_the_count_is_named() {
        let m = meta(&[
            ("kubectl", "2026-11-01T00:00:00Z", true),
            ("argocd", "2026-11-02T00:00:00Z", true),
            ("x", "2026-11-03T00:00:00Z", false),
        ]);
        assert_eq!(foreign_writer(&m).as_deref(), Some("argocd"));
        assert_eq!(
            m.annotations.unwrap().into_keys().collect::<Vec<_>>(),
            ["pinisi.dev/workload"]
        );
    }

    #[test]
    fn a_shared_count_is_ours() {
        assert_eq!(
            foreign_writer(&meta(&[
                ("kubectl", "2026-11-02T00:00:00Z", true),
                ("pinisi", "2026-11-01T00:00:00Z", true)
            ])),
            None
        );
        assert_eq!(
            foreign_writer(&meta(&[("pinisi", "2026-11-01T00:00:00Z", false)])),
            None
        );
        assert!(
            foreign_writer(&meta(&[
                ("kubectl", "2026-11-02T00:00:00Z", true),
                ("pinisi", "2026-11-01T00:00:00Z", false)
            ]))
            .is_some()
        );
    }

    #[test]
    fn lean_metadata_has_no_managed_fields() {
        let m = lean(json!({"name": "p", "managedFields": [{"manager": "kubelet"}]})).unwrap();
        assert_eq!((m.name.as_deref(), m.managed_fields), (Some("p"), None));
    }
}
