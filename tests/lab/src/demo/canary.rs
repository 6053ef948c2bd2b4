//! What must never reach the cloud's cluster, and the proof that it did not: words
//! that nobody else writes are planted at home, and the cloud's etcd is read whole.

use anyhow::{Context, Result};
use kube::Client;
use serde::Serialize;
use serde_json::json;

use super::example::{self, MASS, SENSITIVE};
use crate::lab::Lab;
use crate::store::{Entry, Search};

const CLASS_LABEL: &str = "pinisi.dev/class";
/// Names of what is planted.
const CANARY: &str = "canary";
const MARKER: &str = "canary-marker";

/// The words that were planted.
#[derive(Debug, Clone)]
pub struct Canary {
    /// In the Sensitive namespace: a Secret and a ConfigMap.
    sensitive: String,
    /// In the mass traffic's namespace: a Secret that nothing carries.
    kept: String,
    /// In the cloud's cluster itself: the reader must find it, or it proves nothing.
    marker: String,
}

/// What was found in the cloud's etcd.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CloudStore {
    /// Objects of the Sensitive namespace or with the Sensitive class; must be 0.
    pub sensitive_objects_in_cloud_cluster: usize,
    /// Their keys.
    pub sensitive_keys: Vec<String>,
    /// Keys that were read, so that 0 means something.
    pub cloud_etcd_keys_read: usize,
    /// Copies of ConfigMaps and Secrets that travelled with the pods.
    pub carried_objects: usize,
    /// True where the word that was planted there was found.
    pub marker_found: bool,
    /// Files of that etcd, its log included, in which a word from home stands: also what was
    /// deleted since. Must be 0.
    pub files_with_canary: usize,
}

impl Canary {
    /// Plants the words.
    ///
    /// # Errors
    /// What an API server said.
    pub async fn plant(hub: &Client, cloud: &Client) -> Result<Self> {
        let canary = Self {
            sensitive: word()?,
            kept: word()?,
            marker: word()?,
        };
        let object = |kind: &str, namespace: &str, name: &str, word: &str| {
            let field = if kind == "Secret" {
                "stringData"
            } else {
                "data"
            };
            json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace},
                field: {"word": word}})
        };
        for kind in ["Secret", "ConfigMap"] {
            let object = object(kind, SENSITIVE, CANARY, &canary.sensitive);
            example::apply(hub, &object).await?;
        }
        example::apply(hub, &object("Secret", MASS, CANARY, &canary.kept)).await?;
        example::apply(cloud, &object("Secret", "default", MARKER, &canary.marker)).await?;
        Ok(canary)
    }

    /// Reads all of the cloud's etcd.
    ///
    /// # Errors
    /// When etcd cannot be read.
    pub async fn look(&self, cloud: &Lab) -> Result<CloudStore> {
        let store = cloud.store();
        let entries = store.read(crate::store::KUBERNETES).await?;
        let mut found = sensitive_keys(&entries);
        for word in [&self.sensitive, &self.kept] {
            let Search { found: keys, .. } = store.search(word.as_bytes()).await?;
            found.extend(keys);
        }
        found.sort();
        found.dedup();
        let marker = store.search(self.marker.as_bytes()).await?;
        let (files, words) = (store.clone(), [self.sensitive.clone(), self.kept.clone()]);
        let files_with_canary = tokio::task::spawn_blocking(move || {
            let found = words.iter().map(|word| files.search_files(word.as_bytes()));
            found
                .map(|search| search.map(|s| s.found.len()))
                .sum::<Result<usize>>()
        })
        .await??;
        Ok(CloudStore {
            sensitive_objects_in_cloud_cluster: found.len(),
            sensitive_keys: found,
            cloud_etcd_keys_read: entries.len(),
            carried_objects: carried(&entries),
            marker_found: !marker.found.is_empty(),
            files_with_canary,
        })
    }
}

/// Keys in the Sensitive namespace, the namespace itself, and objects that carry the class. The
/// guard of that cluster speaks of the class and does not carry it as a label.
fn sensitive_keys(entries: &[Entry]) -> Vec<String> {
    let inside = format!("/{SENSITIVE}/");
    let itself = format!("/{SENSITIVE}");
    // In protobuf a label is its key, then a tag and a length, then its value.
    let label: Vec<u8> = [CLASS_LABEL.as_bytes(), &[0x12, 9], b"Sensitive"].concat();
    let as_json = format!("\"{CLASS_LABEL}\":\"Sensitive\"");
    let holds = |value: &[u8], word: &[u8]| value.windows(word.len()).any(|part| part == word);
    entries
        .iter()
        .filter(|entry| {
            let guard = entry.key.contains("admissionpolic");
            entry.key.contains(&inside)
                || entry.key.ends_with(&itself)
                || (!guard
                    && (holds(&entry.value, &label) || holds(&entry.value, as_json.as_bytes())))
        })
        .map(|entry| entry.key.clone())
        .collect()
}

/// ConfigMaps and Secrets of the mass traffic's namespace that are marked as ours.
fn carried(entries: &[Entry]) -> usize {
    let places = ["secrets", "configmaps"].map(|kind| format!("/registry/{kind}/{MASS}/"));
    let marked = |value: &[u8]| {
        let mark = pinisi_mark();
        value.windows(mark.len()).any(|part| part == mark)
    };
    entries
        .iter()
        .filter(|entry| places.iter().any(|place| entry.key.starts_with(place)))
        .filter(|entry| marked(&entry.value))
        .count()
}

/// The annotation that says which workload an object serves.
fn pinisi_mark() -> &'static [u8] {
    b"pinisi.dev/workload"
}

/// A word that nobody else writes.
fn word() -> Result<String> {
    use std::io::Read as _;
    let mut bytes = [0_u8; 16];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("no random bytes")?;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("canary-{digits}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str, value: &[u8]) -> Entry {
        Entry {
            key: key.into(),
            value: value.to_vec(),
        }
    }

    #[test]
    fn the_class_and_the_namespace_are_found_and_the_guard_is_not_taken_for_them() {
        let label = [
            b"\n\x10pinisi.dev/class".as_slice(),
            b"\x12\x09Sensitive\x1a",
        ]
        .concat();
        let other = [b"\n\x10pinisi.dev/class".as_slice(), b"\x12\x0bMassTraffic"].concat();
        let entries = [
            entry("/registry/secrets/citizen-records/canary", b""),
            entry("/registry/namespaces/citizen-records", b""),
            entry("/registry/pods/public-service/a", &label),
            entry(
                "/registry/x/y",
                br#"{"labels":{"pinisi.dev/class":"Sensitive"}}"#,
            ),
            entry("/registry/namespaces/public-service", &other),
            entry(
                "/registry/validatingadmissionpolicies/pinisi-guard-r01",
                br#"{"matchLabels":{"pinisi.dev/class":"Sensitive"}}"#,
            ),
        ];
        assert_eq!(
            sensitive_keys(&entries),
            entries[..4]
                .iter()
                .map(|e| e.key.clone())
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn copies_count_only_where_they_are_marked() {
        let entries = [
            entry(
                "/registry/secrets/public-service/a",
                b"..pinisi.dev/workload..",
            ),
            entry(
                "/registry/configmaps/public-service/b",
                b"..pinisi.dev/workload..",
            ),
            entry("/registry/configmaps/public-service/kube-root-ca.crt", b""),
            entry("/registry/secrets/other/c", b"..pinisi.dev/workload.."),
        ];
        assert_eq!(carried(&entries), 2);
    }
}
