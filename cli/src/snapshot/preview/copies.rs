//! Which objects are tried, and the copy of each that is: a pod of every template, and other objects
//! under a name that the server makes up. Not here: asking.

use kube::api::DynamicObject;
use pinisi_crds::names::{PREVIEW, PREVIEW_LABEL};
use serde_json::{Map, Value, json};

/// Begin of the names that the server makes up.
const NAME_BEGIN: &str = "pinisi-preview-";

/// A kind whose objects are tried.
pub struct Source {
    /// API version, with its group.
    pub version: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Plural, as in the URL.
    pub plural: &'static str,
    /// True where a server may lack it.
    pub optional: bool,
    /// What is made of one.
    makes: Makes,
}

/// What is made of an object.
#[derive(Clone, Copy)]
enum Makes {
    /// A copy.
    Itself,
    /// A pod of the template there.
    Pod(&'static str),
    /// A pod of the template, and a claim of each claim template.
    PodAndClaims,
}

const GATEWAY: &str = "gateway.networking.k8s.io/v1";
const CORE: &str = "v1";
const APPS: &str = "apps/v1";
const BATCH: &str = "batch/v1";

/// Everything that is tried.
pub const SOURCES: &[Source] = &[
    source(APPS, "Deployment", "deployments", Makes::Pod(TEMPLATE)),
    source(APPS, "StatefulSet", "statefulsets", Makes::PodAndClaims),
    source(APPS, "DaemonSet", "daemonsets", Makes::Pod(TEMPLATE)),
    source(APPS, "ReplicaSet", "replicasets", Makes::Pod(TEMPLATE)),
    source(BATCH, "Job", "jobs", Makes::Pod(TEMPLATE)),
    source(
        BATCH,
        "CronJob",
        "cronjobs",
        Makes::Pod("/spec/jobTemplate/spec/template"),
    ),
    source(CORE, "Pod", "pods", Makes::Itself),
    source(
        CORE,
        "PersistentVolumeClaim",
        "persistentvolumeclaims",
        Makes::Itself,
    ),
    source(CORE, "Service", "services", Makes::Itself),
    source(
        "networking.k8s.io/v1",
        "Ingress",
        "ingresses",
        Makes::Itself,
    ),
    source(
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        "rolebindings",
        Makes::Itself,
    ),
    optional(GATEWAY, "Gateway", "gateways"),
    optional(GATEWAY, "HTTPRoute", "httproutes"),
    optional(GATEWAY, "GRPCRoute", "grpcroutes"),
    optional("route.openshift.io/v1", "Route", "routes"),
    optional(
        "snapshot.storage.k8s.io/v1",
        "VolumeSnapshot",
        "volumesnapshots",
    ),
];

const TEMPLATE: &str = "/spec/template";

const fn source(
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
    makes: Makes,
) -> Source {
    Source {
        version,
        kind,
        plural,
        optional: false,
        makes,
    }
}

const fn optional(version: &'static str, kind: &'static str, plural: &'static str) -> Source {
    Source {
        version,
        kind,
        plural,
        optional: true,
        makes: Makes::Itself,
    }
}

/// One dry run.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The object that it is a copy of, for people.
    pub object: String,
    /// Namespace.
    pub namespace: String,
    /// API version, with its group.
    pub version: &'static str,
    /// Plural, as in the URL.
    pub plural: &'static str,
    /// What would be made.
    pub body: Value,
}

impl Source {
    /// The dry runs for one object: none where another object makes it, which is tried itself, and
    /// none for what is finished or on its way out.
    pub fn trials(&self, namespace: &str, object: &DynamicObject) -> Vec<Trial> {
        let owners = object.metadata.owner_references.iter().flatten();
        let made = owners
            .into_iter()
            .any(|owner| owner.controller == Some(true));
        if made || object.metadata.deletion_timestamp.is_some() || finished(&object.data) {
            return Vec::new();
        }
        let name = object.metadata.name.as_deref().unwrap_or_default();
        let named = format!("{} {namespace}/{name}", self.kind);
        let trial = |plural, version, body| Trial {
            object: named.clone(),
            namespace: namespace.to_owned(),
            version,
            plural,
            body,
        };
        match self.makes {
            Makes::Itself => vec![trial(self.plural, self.version, self.copy(object))],
            Makes::Pod(at) => pod(object, at)
                .map(|body| trial("pods", CORE, body))
                .into_iter()
                .collect(),
            Makes::PodAndClaims => {
                let templates = object.data.pointer("/spec/volumeClaimTemplates");
                let templates = templates.and_then(Value::as_array);
                let claims = templates.into_iter().flatten().map(|template| {
                    let body = made_up(CORE, "PersistentVolumeClaim", template);
                    trial("persistentvolumeclaims", CORE, body)
                });
                let pod = pod(object, TEMPLATE).map(|body| trial("pods", CORE, body));
                pod.into_iter().chain(claims).collect()
            }
        }
    }

    /// A copy without what the server or a controller chose for this one alone.
    fn copy(&self, object: &DynamicObject) -> Value {
        let mut from = object.data.clone();
        from["metadata"] = json!({
            "labels": object.metadata.labels,
            "annotations": object.metadata.annotations,
        });
        let mut body = made_up(self.version, self.kind, &from);
        let Some(spec) = body.get_mut("spec").and_then(Value::as_object_mut) else {
            return body;
        };
        for field in chosen_for_one(self.kind) {
            spec.remove(*field);
        }
        let ports = spec.get_mut("ports").and_then(Value::as_array_mut);
        for port in ports.into_iter().flatten() {
            port.as_object_mut().map(|port| port.remove("nodePort"));
        }
        body
    }
}

/// Fields of `spec` that two objects cannot share, or that cannot be there from the start.
fn chosen_for_one(kind: &str) -> &'static [&'static str] {
    match kind {
        "Service" => &["clusterIP", "clusterIPs", "healthCheckNodePort"],
        "PersistentVolumeClaim" => &["volumeName"],
        "Pod" => &["ephemeralContainers"],
        _ => &[],
    }
}

fn pod(object: &DynamicObject, at: &str) -> Option<Value> {
    let template = object.data.pointer(at)?;
    let mut body = made_up(CORE, "Pod", template);
    // A Job's template may carry labels that only its own controller may set; it keeps its spec.
    body["spec"].as_object()?;
    body["metadata"]["namespace"] = json!(object.metadata.namespace);
    Some(body)
}

/// Everything but `status`, under a name that the server makes up, asking for the preview.
fn made_up(version: &str, kind: &str, from: &Value) -> Value {
    let metadata = |field: &str| {
        let there = from.pointer(&format!("/metadata/{field}"));
        there
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default()
    };
    let mut labels: Map<String, Value> = metadata("labels");
    labels.insert(PREVIEW_LABEL.to_owned(), json!(PREVIEW));
    let mut body = from.clone();
    let Some(fields) = body.as_object_mut() else {
        return Value::Null;
    };
    fields.remove("status");
    fields.insert("apiVersion".to_owned(), json!(version));
    fields.insert("kind".to_owned(), json!(kind));
    fields.insert(
        "metadata".to_owned(),
        json!({"generateName": NAME_BEGIN, "labels": labels, "annotations": metadata("annotations")}),
    );
    body
}

fn finished(data: &Value) -> bool {
    let phase = data.pointer("/status/phase").and_then(Value::as_str);
    let ended = data.pointer("/status/completionTime").is_some();
    ended || phase.is_some_and(|phase| ["Succeeded", "Failed"].contains(&phase))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> DynamicObject {
        serde_json::from_value(value).unwrap()
    }

    fn source_of(kind: &str) -> &'static Source {
        SOURCES.iter().find(|source| source.kind == kind).unwrap()
    }

    fn trials(value: Value) -> Vec<Trial> {
        let kind = value["kind"].as_str().unwrap().to_owned();
        source_of(&kind).trials("records", &object(value))
    }

    #[test]
    fn a_template_becomes_a_pod_and_claim_templates_become_claims() {
        let made = trials(json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": {"name": "db", "namespace": "records"},
            "spec": {
                "template": {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": []}},
                "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"storageClassName": "gp3"}, "status": {}}],
            },
        }));
        let plurals: Vec<_> = made.iter().map(|trial| trial.plural).collect();
        assert_eq!(plurals, ["pods", "persistentvolumeclaims"]);
        assert!(
            made.iter()
                .all(|trial| trial.object == "StatefulSet records/db")
        );
        let labels = &made[0].body["metadata"]["labels"];
        assert_eq!(*labels, json!({"app": "db", PREVIEW_LABEL: PREVIEW}));
        assert_eq!(made[1].body["spec"]["storageClassName"], "gp3");
        for trial in &made {
            assert!(trial.body.get("status").is_none());
            assert!(trial.body["metadata"].get("name").is_none());
            assert_eq!(trial.body["metadata"]["generateName"], NAME_BEGIN);
        }
    }

    #[test]
    fn a_copy_leaves_out_what_only_one_can_have_and_keeps_what_the_guard_reads() {
        let made = trials(json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "web", "uid": "u", "resourceVersion": "7", "annotations": {"a": "b"}},
            "spec": {"type": "NodePort", "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "externalIPs": ["192.0.2.1"], "ports": [{"port": 80, "nodePort": 30080}]},
            "status": {"loadBalancer": {}},
        }));
        assert_eq!(
            made[0].body["spec"],
            json!({"type": "NodePort", "externalIPs": ["192.0.2.1"], "ports": [{"port": 80}]})
        );
        assert_eq!(made[0].body["metadata"]["annotations"], json!({"a": "b"}));
        assert!(made[0].body["metadata"].get("uid").is_none());
        let claim = trials(json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c"},
            "spec": {"storageClassName": "local", "volumeName": "pv-1"},
        }));
        assert_eq!(claim[0].body["spec"], json!({"storageClassName": "local"}));
    }

    #[test]
    fn what_another_object_makes_or_what_is_over_is_not_tried() {
        let pod = |more: Value| {
            let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": []}});
            json_patch(&mut pod, &more);
            trials(pod).len()
        };
        let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": "u", "controller": true});
        assert_eq!(pod(json!({})), 1);
        assert_eq!(pod(json!({"metadata": {"ownerReferences": [owner]}})), 0);
        assert_eq!(pod(json!({"status": {"phase": "Succeeded"}})), 0);
        assert_eq!(pod(json!({"status": {"phase": "Running"}})), 1);
        assert_eq!(
            pod(json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}})),
            0
        );
    }

    fn json_patch(into: &mut Value, more: &Value) {
        for (key, value) in more.as_object().unwrap() {
            match into.get_mut(key) {
                Some(there) if there.is_object() => json_patch(there, value),
                _ => into[key] = value.clone(),
            }
        }
    }

    #[test]
    fn every_kind_has_a_plural_and_a_version_of_its_own() {
        let mut seen = std::collections::BTreeSet::new();
        for source in SOURCES {
            assert!(seen.insert((source.version, source.plural)));
            assert_eq!(source.plural, source.plural.to_lowercase());
        }
    }
}
