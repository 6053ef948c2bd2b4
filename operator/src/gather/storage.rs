//! Claims and volumes, read thinly: what V03 is judged by. A claim that is bound to nothing holds
//! nothing, and is not kept.

use super::facts::ObjectKey;
use super::meta::lean;
use super::wire::key_of;
use crate::guard::cel::OLD_STORAGE_CLASS;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use kube::{Resource, api::ObjectMeta};
use serde::{Deserialize, de::IgnoredAny};

/// A PersistentVolumeClaim that is bound, or was till its volume went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimFacts {
    /// uid.
    pub uid: String,
    /// Its storage class; empty for none.
    pub class: String,
    /// Name of its volume.
    pub volume: String,
}

/// What a PersistentVolume is made of, as far as rule G23 tells it apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumeSource {
    /// A CSI driver's.
    Csi {
        /// The driver.
        driver: String,
    },
    /// A share of an NFS server.
    Nfs {
        /// Its address.
        server: String,
    },
    /// A disk of a node.
    Local,
    /// Whatever else; nobody can tell where that is.
    Other,
}

/// A PersistentVolumeClaim.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = PersistentVolumeClaim)]
pub struct ClaimWire {
    /// Metadata.
    #[serde(deserialize_with = "lean")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    spec: ClaimSpecWire,
    #[serde(default)]
    status: ClaimStatusWire,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
struct ClaimSpecWire {
    storage_class_name: Option<String>,
    volume_name: Option<String>,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
struct ClaimStatusWire {
    phase: Option<Box<str>>,
}

impl From<ClaimWire> for (ObjectKey, Option<ClaimFacts>) {
    fn from(w: ClaimWire) -> Self {
        let ClaimWire {
            metadata,
            spec,
            status,
        } = w;
        let key = key_of(&metadata);
        let held = matches!(status.phase.as_deref(), Some("Bound" | "Lost"));
        // As the guard has it: where the old annotation stands the field does not count.
        let noted = metadata
            .annotations
            .and_then(|mut notes| notes.remove(OLD_STORAGE_CLASS));
        let facts = ClaimFacts {
            uid: metadata.uid.unwrap_or_default(),
            class: noted.or(spec.storage_class_name).unwrap_or_default(),
            volume: spec.volume_name.unwrap_or_default(),
        };
        (key, held.then_some(facts))
    }
}

/// A PersistentVolume.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = PersistentVolume)]
pub struct VolumeWire {
    /// Metadata.
    #[serde(deserialize_with = "lean")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    spec: VolumeSpecWire,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
struct VolumeSpecWire {
    csi: Option<CsiWire>,
    nfs: Option<NfsWire>,
    local: Option<IgnoredAny>,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
struct CsiWire {
    driver: String,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
struct NfsWire {
    server: String,
}

impl From<VolumeWire> for (ObjectKey, Option<VolumeSource>) {
    fn from(w: VolumeWire) -> Self {
        // The API server lets a volume have one of them.
        let source = match w.spec {
            VolumeSpecWire { csi: Some(csi), .. } => VolumeSource::Csi { driver: csi.driver },
            VolumeSpecWire { nfs: Some(nfs), .. } => VolumeSource::Nfs { server: nfs.server },
            VolumeSpecWire { local: Some(_), .. } => VolumeSource::Local,
            VolumeSpecWire {
                csi: None,
                nfs: None,
                local: None,
            } => VolumeSource::Other,
        };
        (key_of(&w.metadata), Some(source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn claim(v: Value) -> Option<ClaimFacts> {
        let wire: ClaimWire = serde_json::from_value(v).unwrap();
        <(ObjectKey, Option<ClaimFacts>)>::from(wire).1
    }

    #[test]
    fn the_old_annotation_wins_and_what_is_not_bound_is_not_kept() {
        let made = |notes: Value, class: Value, phase: &str| {
            claim(
                json!({"metadata": {"name": "c", "namespace": "a", "uid": "u", "annotations": notes},
                "spec": {"storageClassName": class, "volumeName": "v"}, "status": {"phase": phase}}),
            )
        };
        let class = |notes, class| made(notes, class, "Bound").unwrap().class;
        let old = json!({"volume.beta.kubernetes.io/storage-class": "old", "a": "b"});
        assert_eq!(class(old, json!("new")), "old");
        assert_eq!(class(json!({"a": "b"}), json!("new")), "new");
        assert_eq!(class(Value::Null, Value::Null), "");
        let empty = json!({"volume.beta.kubernetes.io/storage-class": ""});
        assert_eq!(class(empty, json!("new")), "");
        assert_eq!(made(json!({}), json!("new"), "Pending"), None);
        assert!(made(json!({}), json!("new"), "Lost").is_some());
        assert_eq!(claim(json!({"metadata": {"name": "c"}})), None);
    }

    #[test]
    fn a_volume_is_what_holds_it() {
        let source = |spec: Value| {
            let wire: VolumeWire =
                serde_json::from_value(json!({"metadata": {"name": "v"}, "spec": spec})).unwrap();
            <(ObjectKey, Option<VolumeSource>)>::from(wire).1.unwrap()
        };
        let driver = "rbd.csi.ceph.com".to_owned();
        assert_eq!(
            source(json!({"csi": {"driver": driver, "volumeHandle": "h"}, "capacity": {}})),
            VolumeSource::Csi { driver }
        );
        let server = "10.0.0.1".to_owned();
        assert_eq!(
            source(json!({"nfs": {"server": server, "path": "/"}})),
            VolumeSource::Nfs { server }
        );
        assert_eq!(
            source(json!({"local": {"path": "/d"}})),
            VolumeSource::Local
        );
        assert_eq!(
            source(json!({"hostPath": {"path": "/"}})),
            VolumeSource::Other
        );
    }
}
