//! Objects that cases ask for, in a few words. Every one is lawful as it stands; a case adds what
//! must be refused.

use super::attempt::Target;
use super::ground::{Ground, POD};
use pinisi_crds::names::CLASS_MASS_TRAFFIC;
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

/// A name that no policy allows: a class, a scheduler, a location.
pub const ABROAD: &str = "pinisi-conformance-abroad";
/// A driver, provisioner or registry that no policy allows.
pub const ABROAD_DRIVER: &str = "abroad.example.com";

/// A claim of a class, or of none.
#[must_use]
pub fn claim(name: &str, class: Option<&str>) -> Value {
    let mut body = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    });
    if let Some(class) = class {
        body["spec"]["storageClassName"] = json!(class);
    }
    body
}

/// A volume of a class; `source` says where it lies.
#[must_use]
pub fn volume(name: &str, class: &str, source: &Value) -> Value {
    let mut body = json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Mi"},
            "persistentVolumeReclaimPolicy": "Retain", "storageClassName": class,
        },
    });
    extend(&mut body["spec"], source);
    body
}

/// A HybridWorkload that only observes a Deployment that is not there.
#[must_use]
pub fn workload(name: &str, class: &str) -> Value {
    let mut body = json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "HybridWorkload", "metadata": {"name": name},
        "spec": {
            "class": class, "mode": "Observe",
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "pinisi-conformance-nowhere"},
        },
    });
    if class == CLASS_MASS_TRAFFIC {
        body["spec"]["placement"] = json!({"tiers": [{"sites": ["home"]}]});
    }
    body
}

/// Evidence of nothing: of a pod that is not there.
#[must_use]
pub fn violation(name: &str) -> Value {
    json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "SovereigntyViolation", "metadata": {"name": name},
        "spec": {
            "rule": "V01", "cause": "Conformance", "message": "made by pinisi conformance, of no pod", "policies": [],
            "object": {
                "apiVersion": "v1", "kind": "Pod", "namespace": "pinisi-conformance", "name": "nowhere",
                "uid": "nowhere", "path": "Pod pinisi-conformance/nowhere",
            },
            "place": {"node": "pinisi-conformance-nowhere"}, "detectedAt": "2026-01-01T00:00:00Z", "evidence": {},
        },
    })
}

/// A Deployment of no replicas.
#[must_use]
pub fn deployment(name: &str, labels: &Value) -> Value {
    let app = json!({"app": "pinisi-conformance"});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": 0, "selector": {"matchLabels": app},
            "template": {"metadata": {"labels": app}, "spec": {"containers": [container(IMAGE)]}},
        },
    })
}

/// An Ingress for a host that cannot be, to a Service that is not there.
#[must_use]
pub fn ingress(name: &str, class: Option<&str>) -> Value {
    let backend =
        json!({"service": {"name": "pinisi-conformance-nowhere", "port": {"number": 80}}});
    let mut body = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name},
        "spec": {"rules": [{"host": HOST, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]},
    });
    if let Some(class) = class {
        body["spec"]["ingressClassName"] = json!(class);
    }
    body
}

/// Cannot be resolved by anybody.
pub const HOST: &str = "conformance.pinisi.invalid";

/// A Service of a type; the rest of its spec as given.
#[must_use]
pub fn service(name: &str, spec: &Value) -> Value {
    let mut body = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"selector": {"app": "pinisi-conformance-nowhere"}, "ports": [{"port": 80}]},
    });
    extend(&mut body["spec"], spec);
    body
}

/// Routes of the Gateway API that hang on a Gateway, with their resources.
#[must_use]
pub fn gateway_routes(name: &str, gateway: &Value) -> Vec<(Target, Value)> {
    [
        ("HTTPRoute", "httproutes", "v1"),
        ("GRPCRoute", "grpcroutes", "v1"),
        ("TLSRoute", "tlsroutes", "v1alpha2"),
        ("TCPRoute", "tcproutes", "v1alpha2"),
        ("UDPRoute", "udproutes", "v1alpha2"),
    ]
    .into_iter()
    .map(|(kind, resource, version)| {
        let mut body = json!({
            "apiVersion": format!("{GATEWAY}/{version}"), "kind": kind, "metadata": {"name": name},
            "spec": {
                "parentRefs": [gateway],
                "rules": [{"backendRefs": [{"name": "pinisi-conformance-nowhere", "port": 80}]}],
            },
        });
        if !matches!(kind, "TCPRoute" | "UDPRoute") {
            body["spec"]["hostnames"] = json!([HOST]);
        }
        (Target::of(GATEWAY, version, resource), body)
    })
    .collect()
}

/// Group of the Gateway API.
pub const GATEWAY: &str = "gateway.networking.k8s.io";

/// An OpenShift Route.
#[must_use]
pub fn openshift_route(name: &str, host: Option<&str>) -> Value {
    let mut body = json!({
        "apiVersion": "route.openshift.io/v1", "kind": "Route", "metadata": {"name": name},
        "spec": {"to": {"kind": "Service", "name": "pinisi-conformance-nowhere", "weight": 100}},
    });
    if let Some(host) = host {
        body["spec"]["host"] = json!(host);
    }
    body
}

/// A grant for claims of another namespace to snapshots of this one.
#[must_use]
pub fn grant(name: &str, to_namespace: &str) -> Value {
    json!({
        "apiVersion": format!("{GATEWAY}/v1beta1"), "kind": "ReferenceGrant", "metadata": {"name": name},
        "spec": {
            "from": [{"group": "", "kind": "PersistentVolumeClaim", "namespace": to_namespace}],
            "to": [{"group": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot"}],
        },
    })
}

/// A Service made known to other clusters; it is not there.
#[must_use]
pub fn service_export(name: &str) -> Value {
    json!({
        "apiVersion": "multicluster.x-k8s.io/v1alpha1", "kind": "ServiceExport", "metadata": {"name": name},
    })
}

/// A Deployment, which is not there, spread to every member cluster.
#[must_use]
pub fn propagation(name: &str) -> Value {
    json!({
        "apiVersion": "policy.karmada.io/v1alpha1", "kind": "PropagationPolicy", "metadata": {"name": name},
        "spec": {
            "resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "pinisi-conformance-nowhere"}],
            "placement": {"clusterAffinity": {"clusterNames": ["pinisi-conformance-nowhere"]}},
        },
    })
}

/// A namespace handed to Liqo.
#[must_use]
pub fn offloading(name: &str) -> Value {
    json!({
        "apiVersion": "offloading.liqo.io/v1beta1", "kind": "NamespaceOffloading", "metadata": {"name": name},
        "spec": {"podOffloadingStrategy": "Remote"},
    })
}

/// A Secret, which is not there, written to a store elsewhere by External Secrets.
#[must_use]
pub fn push_secret(name: &str) -> Value {
    json!({
        "apiVersion": "external-secrets.io/v1alpha1", "kind": "PushSecret", "metadata": {"name": name},
        "spec": {
            "secretStoreRefs": [{"name": "pinisi-conformance-nowhere", "kind": "SecretStore"}],
            "selector": {"secret": {"name": "pinisi-conformance-nowhere"}},
        },
    })
}

/// A Gateway of the namespace's own, of a class that nobody serves.
#[must_use]
pub fn gateway_of_own(name: &str) -> Value {
    json!({
        "apiVersion": format!("{GATEWAY}/v1"), "kind": "Gateway", "metadata": {"name": name},
        "spec": {
            "gatewayClassName": "pinisi-conformance-nowhere",
            "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}],
        },
    })
}

/// An empty Secret or ConfigMap.
#[must_use]
pub fn keeps(kind: &str, name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}})
}

/// A runtime that no node has.
#[must_use]
pub fn runtime_class(name: &str) -> Value {
    json!({
        "apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name},
        "handler": "pinisi-conformance-nowhere",
    })
}

/// Endpoints that lead nowhere yet.
#[must_use]
pub fn endpoints(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": name}})
}

/// The same in slices.
#[must_use]
pub fn endpoint_slice(name: &str) -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": name},
        "addressType": "IPv4", "endpoints": [],
    })
}

/// Rights of these subjects to nothing.
#[must_use]
pub fn role_binding(name: &str, subjects: &Value) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "pinisi-conformance-nowhere"},
        "subjects": subjects,
    })
}

/// A backup of nothing to a location, or a schedule of such.
#[must_use]
pub fn backup(name: &str, kind: &str, location: &str) -> Value {
    let what =
        json!({"storageLocation": location, "includedNamespaces": ["pinisi-conformance-nowhere"]});
    let spec = match kind {
        "Schedule" => json!({"schedule": "0 0 1 1 *", "paused": true, "template": what}),
        _ => what,
    };
    json!({"apiVersion": "velero.io/v1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// The names that snapshots of one claim and of a group have.
#[derive(Clone, Copy)]
pub struct SnapshotKind {
    /// API group and version.
    pub group: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Resources: snapshots, contents, classes.
    pub resources: [&'static str; 3],
    /// Kinds, in the same order.
    pub kinds: [&'static str; 3],
    /// Fields: the class, the content.
    pub fields: [&'static str; 2],
}

/// Of one claim.
pub const SNAPSHOT: SnapshotKind = SnapshotKind {
    group: "snapshot.storage.k8s.io",
    version: "v1",
    resources: [
        "volumesnapshots",
        "volumesnapshotcontents",
        "volumesnapshotclasses",
    ],
    kinds: [
        "VolumeSnapshot",
        "VolumeSnapshotContent",
        "VolumeSnapshotClass",
    ],
    fields: ["volumeSnapshotClassName", "volumeSnapshotContentName"],
};

/// Of a group of claims.
pub const GROUP_SNAPSHOT: SnapshotKind = SnapshotKind {
    group: "groupsnapshot.storage.k8s.io",
    version: "v1beta1",
    resources: [
        "volumegroupsnapshots",
        "volumegroupsnapshotcontents",
        "volumegroupsnapshotclasses",
    ],
    kinds: [
        "VolumeGroupSnapshot",
        "VolumeGroupSnapshotContent",
        "VolumeGroupSnapshotClass",
    ],
    fields: [
        "volumeGroupSnapshotClassName",
        "volumeGroupSnapshotContentName",
    ],
};

impl SnapshotKind {
    /// Where its snapshots, contents (1) or classes (2) are.
    #[must_use]
    pub fn target(&self, which: usize) -> Target {
        Target::of(
            self.group,
            self.version,
            self.resources.get(which).copied().unwrap_or_default(),
        )
    }

    fn object(&self, which: usize, name: &str) -> Value {
        json!({
            "apiVersion": format!("{}/{}", self.group, self.version),
            "kind": self.kinds.get(which), "metadata": {"name": name},
        })
    }

    /// A snapshot of claims that are not there, of a class.
    #[must_use]
    pub fn snapshot(&self, name: &str, class: Option<&str>) -> Value {
        let mut body = self.object(0, name);
        body["spec"]["source"] = match self.group {
            "snapshot.storage.k8s.io" => {
                json!({"persistentVolumeClaimName": "pinisi-conformance-nowhere"})
            }
            _ => json!({"selector": {"matchLabels": {"app": "pinisi-conformance-nowhere"}}}),
        };
        if let Some(class) = class {
            body["spec"][self.fields[0]] = json!(class);
        }
        body
    }

    /// The same, brought in from elsewhere.
    #[must_use]
    pub fn brought_in(&self, name: &str, class: &str) -> Value {
        let mut body = self.snapshot(name, Some(class));
        body["spec"]["source"] = json!({self.fields[1]: "pinisi-conformance-nowhere"});
        body
    }

    /// What was taken elsewhere, as a content of a class.
    #[must_use]
    pub fn content(&self, name: &str, class: &str, driver: &str, namespace: &str) -> Value {
        let mut body = self.object(1, name);
        body["spec"] = json!({
            "deletionPolicy": "Retain", "driver": driver, self.fields[0]: class,
        });
        let reference = json!({"name": "pinisi-conformance-nowhere", "namespace": namespace});
        if self.group == "snapshot.storage.k8s.io" {
            body["spec"]["source"] = json!({"snapshotHandle": "canary"});
            body["spec"]["volumeSnapshotRef"] = reference;
        } else {
            body["spec"]["source"] = json!({"groupSnapshotHandles": {"volumeGroupSnapshotHandle": "canary", "volumeSnapshotHandles": ["canary"]}});
            body["spec"]["volumeGroupSnapshotRef"] = reference;
        }
        body
    }

    /// A class of a driver.
    #[must_use]
    pub fn class(&self, name: &str, driver: &str) -> Value {
        let mut body = self.object(2, name);
        body["driver"] = json!(driver);
        body["deletionPolicy"] = json!("Retain");
        body
    }
}

/// A change that changes nothing.
#[must_use]
pub fn labelled() -> Value {
    json!({"metadata": {"labels": {"example.com/any": "word"}}})
}

/// A request to declassify a namespace.
#[must_use]
pub fn declassification(name: &str, by: &str) -> Value {
    json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "Declassification", "metadata": {"name": name},
        "spec": {"reason": "pinisi conformance", "requestedBy": by},
    })
}

/// An approval of one, as a change of its status.
#[must_use]
pub fn approved(by: &str) -> Value {
    json!({"status": {"approval": {"approvedBy": by}}})
}

impl Ground {
    /// A lawful pod with this in its spec.
    #[must_use]
    pub fn pod(&self, more: &Value) -> Value {
        let mut pod = lawful_pod("attempt", &self.stamp.labels, &self.image());
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

/// Objects into objects, all else in its place.
pub fn merge(into: &mut Value, from: &Value) {
    match (into.as_object_mut(), from.as_object()) {
        (Some(into), Some(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        _ => *into = from.clone(),
    }
}
