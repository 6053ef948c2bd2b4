//! Object metadata read thinly: managedFields are most of an object, and only two things in them
//! are ever asked: who wrote `spec.replicas`, and who else wrote the rest of `spec`.

use super::facts::Edit;
use crate::guard::cel::OLD_STORAGE_CLASS;
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
    annotations: Option<Asked>,
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
            annotations: self.annotations.map(|Asked(a)| a),
            finalizers: self.finalizers,
            owner_references: self.owner_references,
            creation_timestamp: self.creation_timestamp,
            deletion_timestamp: self.deletion_timestamp,
            managed_fields: self.managed_fields.map(writers),
            ..ObjectMeta::default()
        }
    }
}

/// Metadata without managedFields, and only the annotations that are asked for.
pub fn lean<'de, D: Deserializer<'de>>(d: D) -> Result<ObjectMeta, D::Error> {
    Lean::<IgnoredAny>::deserialize(d).map(|m| ObjectMeta {
        managed_fields: None,
        ..m.into_meta(|_| Vec::new())
    })
}

/// What of `spec` an entry of managedFields owns, kept in the place of its `fieldsType`.
const OWNS_COUNT: &str = "replicas";
const OWNS_REST: &str = "rest";
const OWNS_BOTH: &str = "replicas and rest";

/// As [`lean`]; of managedFields only the entries that own something of `spec`, without their
/// fields: whether that is `spec.replicas`, something else or both stands in `fieldsType`.
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
        spec: Option<BTreeMap<String, IgnoredAny>>,
    }
    let owns = |entry: &Entry| {
        let spec = entry.fields_v1.as_ref()?.spec.as_ref()?;
        let count = spec.contains_key("f:replicas");
        match (
            count,
            spec.keys().any(|key| key != "f:replicas" && key != "."),
        ) {
            (true, true) => Some(OWNS_BOTH),
            (true, false) => Some(OWNS_COUNT),
            (false, true) => Some(OWNS_REST),
            (false, false) => None,
        }
    };
    Lean::<Vec<Entry>>::deserialize(d).map(|m| {
        m.into_meta(|entries| {
            entries
                .into_iter()
                .filter_map(|entry| {
                    let owned = owns(&entry)?;
                    Some(ManagedFieldsEntry {
                        manager: entry.manager,
                        time: entry.time,
                        fields_type: Some(owned.to_owned()),
                        ..ManagedFieldsEntry::default()
                    })
                })
                .collect()
        })
    })
}

fn owners<'a>(
    meta: &'a ObjectMeta,
    of: &'a [&'a str],
) -> impl Iterator<Item = &'a ManagedFieldsEntry> {
    meta.managed_fields.iter().flatten().filter(move |e| {
        e.fields_type
            .as_deref()
            .is_some_and(|kept| of.contains(&kept))
    })
}

/// Who else wrote something of `spec` beside its count last, and when.
#[must_use]
pub fn foreign_edit(meta: &ObjectMeta) -> Option<Edit> {
    let newest = owners(meta, &[OWNS_REST, OWNS_BOTH])
        .filter(|e| e.manager.as_deref() != Some(FIELD_MANAGER))
        .max_by_key(|e| e.time.as_ref().map(|t| t.0))?;
    Some(Edit {
        by: newest
            .manager
            .clone()
            .unwrap_or_else(|| "unknown".to_owned()),
        at: newest.time.as_ref().map(|t| t.0),
    })
}

/// Who wrote `spec.replicas` last, where that is not us. A count that we own together with others
/// is ours: whoever changes it takes it from us.
#[must_use]
pub fn foreign_writer(meta: &ObjectMeta) -> Option<String> {
    let counts = [OWNS_COUNT, OWNS_BOTH];
    if owners(meta, &counts).any(|e| e.manager.as_deref() == Some(FIELD_MANAGER)) {
        return None;
    }
    let newest = owners(meta, &counts).max_by_key(|e| e.time.as_ref().map(|t| t.0))?;
    Some(
        newest
            .manager
            .clone()
            .unwrap_or_else(|| "unknown".to_owned()),
    )
}

/// Annotations of our own group, and the storage class; everything else is skipped while reading.
struct Asked(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Asked {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Keep;
        impl<'de> serde::de::Visitor<'de> for Keep {
            type Value = Asked;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("annotations")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Asked, A::Error> {
                let mut kept = BTreeMap::new();
                while let Some(key) = map.next_key::<String>()? {
                    if key.starts_with(GROUP) || key == OLD_STORAGE_CLASS {
                        kept.insert(key, map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Asked(kept))
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
    fn who_edits_beside_us_is_named_and_who_writes_only_the_count_is_not() {
        let edit = |spec: &serde_json::Value| {
            let entry = |manager: &str, time: &str, spec: &serde_json::Value| json!({"manager": manager, "time": time, "fieldsV1": {"f:spec": spec}});
            let entries = [
                entry(
                    "pinisi",
                    "2026-11-01T00:00:00Z",
                    &json!({"f:template": {}, "f:replicas": {}}),
                ),
                entry("kubectl-edit", "2026-11-02T00:00:00Z", spec),
                json!({"manager": "kube-controller-manager", "time": "2026-11-03T00:00:00Z", "fieldsV1": {"f:status": {}}}),
            ];
            foreign_edit(
                &lean_with_writers(json!({"name": "web", "managedFields": entries})).unwrap(),
            )
        };
        let found = edit(&json!({"f:template": {"f:spec": {}}})).unwrap();
        assert_eq!(found.by, "kubectl-edit");
        assert_eq!(found.at.unwrap().to_string(), "2026-11-02T00:00:00Z");
        assert!(edit(&json!({"f:replicas": {}, "f:paused": {}})).is_some());
        assert_eq!(edit(&json!({"f:replicas": {}})), None);
        assert_eq!(edit(&json!({".": {}})), None);
    }

    #[test]
    fn lean_metadata_has_no_managed_fields() {
        let m = lean(json!({"name": "p", "managedFields": [{"manager": "kubelet"}]})).unwrap();
        assert_eq!((m.name.as_deref(), m.managed_fields), (Some("p"), None));
    }
}
