//! Stand-ins for definitions of other projects, so that the lab's API server takes their kinds: any
//! fields, no controller. Admission looks at group, resource and fields alone, so a guard that refuses
//! here refuses the real kind; what the real definition would refuse by itself is not shown.

use anyhow::Result;
use serde_json::{Value, json};

/// Group, version, kind, plural, and whether it has a namespace.
type Kind = (&'static str, &'static str, &'static str, &'static str, bool);

/// As their projects name them.
const KINDS: [Kind; 21] = [
    (
        "gateway.networking.k8s.io",
        "v1",
        "HTTPRoute",
        "httproutes",
        true,
    ),
    (
        "gateway.networking.k8s.io",
        "v1",
        "GRPCRoute",
        "grpcroutes",
        true,
    ),
    (
        "gateway.networking.k8s.io",
        "v1",
        "TLSRoute",
        "tlsroutes",
        true,
    ),
    (
        "gateway.networking.k8s.io",
        "v1alpha2",
        "TCPRoute",
        "tcproutes",
        true,
    ),
    (
        "gateway.networking.k8s.io",
        "v1alpha2",
        "UDPRoute",
        "udproutes",
        true,
    ),
    (
        "gateway.networking.k8s.io",
        "v1beta1",
        "ReferenceGrant",
        "referencegrants",
        true,
    ),
    (
        "snapshot.storage.k8s.io",
        "v1",
        "VolumeSnapshot",
        "volumesnapshots",
        true,
    ),
    (
        "snapshot.storage.k8s.io",
        "v1",
        "VolumeSnapshotClass",
        "volumesnapshotclasses",
        false,
    ),
    (
        "snapshot.storage.k8s.io",
        "v1",
        "VolumeSnapshotContent",
        "volumesnapshotcontents",
        false,
    ),
    (
        "groupsnapshot.storage.k8s.io",
        "v1beta1",
        "VolumeGroupSnapshot",
        "volumegroupsnapshots",
        true,
    ),
    (
        "groupsnapshot.storage.k8s.io",
        "v1beta1",
        "VolumeGroupSnapshotClass",
        "volumegroupsnapshotclasses",
        false,
    ),
    (
        "groupsnapshot.storage.k8s.io",
        "v1beta1",
        "VolumeGroupSnapshotContent",
        "volumegroupsnapshotcontents",
        false,
    ),
    ("route.openshift.io", "v1", "Route", "routes", true),
    (
        "multicluster.x-k8s.io",
        "v1alpha1",
        "ServiceExport",
        "serviceexports",
        true,
    ),
    (
        "policy.karmada.io",
        "v1alpha1",
        "PropagationPolicy",
        "propagationpolicies",
        true,
    ),
    (
        "offloading.liqo.io",
        "v1beta1",
        "NamespaceOffloading",
        "namespaceoffloadings",
        true,
    ),
    (
        "external-secrets.io",
        "v1alpha1",
        "PushSecret",
        "pushsecrets",
        true,
    ),
    (
        "gateway.networking.k8s.io",
        "v1",
        "Gateway",
        "gateways",
        true,
    ),
    ("velero.io", "v1", "Backup", "backups", true),
    ("velero.io", "v1", "Schedule", "schedules", true),
    (
        "velero.io",
        "v1",
        "BackupStorageLocation",
        "backupstoragelocations",
        true,
    ),
];

/// All of them, as YAML.
///
/// # Errors
/// Never in practice.
pub fn all() -> Result<String> {
    super::yaml(&KINDS.map(definition))
}

fn definition((group, version, kind, plural, namespaced): Kind) -> Value {
    let any = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let mut metadata = json!({"name": format!("{plural}.{group}")});
    if group.ends_with(".k8s.io") {
        // The API server asks for it in groups of the project's own.
        metadata["annotations"] =
            json!({"api-approved.kubernetes.io": "unapproved, a stand-in for tests"});
    }
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()},
            "scope": if namespaced { "Namespaced" } else { "Cluster" },
            "versions": [{"name": version, "served": true, "storage": true, "schema": {"openAPIV3Schema": any}}],
        },
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_stand_in_is_yaml() {
        let text = super::all().unwrap();
        let all: Vec<serde_json::Value> = serde_saphyr::from_multiple(&text).unwrap();
        assert_eq!(all.len(), super::KINDS.len());
    }
}
