//! What is made in another cluster, as pure functions: the namespace, the Deployment, and one pod
//! of it for a dry-run. Unlike a sibling it has the target's own name and selector, and no
//! toleration: nodes there are not ours to taint.

use super::carry;
use super::marks::Marks;
use crate::checked::DeploymentParts;
use pinisi_crds::hybrid_workload::CarryRef;
use pinisi_crds::names::{
    CARRIED_ANNOTATION, CLASS_LABEL, CLASS_MASS_TRAFFIC, SITE_LABEL, TEMPLATE_ANNOTATION,
};
use pinisi_planner::model::amounts::Replicas;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a Deployment in another cluster is made from.
#[derive(Clone, Copy, Debug)]
pub struct Recipe<'a> {
    /// Namespace of the workload, here and there.
    pub namespace: &'a str,
    /// Name of the target, here and there.
    pub name: &'a str,
    /// Whose it is.
    pub marks: Marks<'a>,
    /// The target's parts.
    pub parts: &'a DeploymentParts,
    /// Labels of the nodes where the target itself runs.
    pub home_labels: &'a BTreeMap<String, String>,
    /// What travels with it.
    pub carry: &'a [CarryRef],
    /// uid of the Deployment there; `None` where it is to be made.
    pub uid: Option<&'a str>,
    /// Its count.
    pub replicas: Replicas,
}

/// The whole Deployment for server-side apply.
#[must_use]
pub fn deployment(recipe: &Recipe<'_>) -> Value {
    let Recipe {
        namespace,
        name,
        marks,
        parts,
        home_labels,
        carry,
        uid,
        replicas,
    } = *recipe;
    let mut spec = parts.spec.clone();
    let template = entry(&mut spec, "template");
    entry(entry(template, "metadata"), "labels")[SITE_LABEL] = json!(marks.site);
    leave_home(entry(template, "spec"), home_labels);
    spec["replicas"] = json!(replicas.get());
    spec["selector"] = json!(parts.selector);
    let mut annotations = marks.annotations();
    annotations[TEMPLATE_ANNOTATION] = json!(parts.digest);
    if !carry.is_empty() {
        annotations[CARRIED_ANNOTATION] = json!(carry::list(carry));
    }
    let mut metadata = json!({
        "name": name,
        "namespace": namespace,
        "labels": marks.labels(),
        "annotations": annotations,
    });
    if let Some(uid) = uid {
        metadata["uid"] = json!(uid);
    }
    json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec })
}

/// A namespace that the operator makes there. No workload's: several may share it.
#[must_use]
pub fn namespace(name: &str, marks: Marks<'_>) -> Value {
    let mut labels = marks.labels();
    labels[CLASS_LABEL] = json!(CLASS_MASS_TRAFFIC);
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": { "name": name, "labels": labels, "annotations": marks.hub_annotation() },
    })
}

/// One pod as the Deployment in `body` would make it, to be tried by dry-run only.
#[must_use]
pub fn pod(body: &Value) -> Value {
    let template = &body["spec"]["template"];
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": "pinisi-preflight-",
            "namespace": body["metadata"]["namespace"],
            "labels": template["metadata"]["labels"],
            "annotations": template["metadata"]["annotations"],
        },
        "spec": template["spec"],
    })
}

/// Node choices and tolerations that mean home's nodes mean nothing in another cluster.
fn leave_home(pod: &mut Value, home_labels: &BTreeMap<String, String>) {
    if let Some(selector) = pod["nodeSelector"].as_object_mut() {
        for key in home_labels.keys() {
            selector.remove(key);
        }
    }
    if let Some(list) = pod["tolerations"].as_array_mut() {
        list.retain(|toleration| toleration["key"] != SITE_LABEL);
    }
    if let Some(fields) = pod.as_object_mut() {
        let empty = |field: &Value| {
            field.is_null()
                || field.as_object().is_some_and(serde_json::Map::is_empty)
                || field.as_array().is_some_and(Vec::is_empty)
        };
        for key in ["nodeSelector", "tolerations"] {
            if fields.get(key).is_some_and(empty) {
                fields.remove(key);
            }
        }
    }
}

/// The object at `key`, made where it is missing or null.
fn entry<'a>(value: &'a mut Value, key: &str) -> &'a mut Value {
    if !value.is_object() {
        *value = json!({});
    }
    let slot = &mut value[key];
    if !slot.is_object() {
        *slot = json!({});
    }
    slot
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
    use pinisi_crds::hybrid_workload::CarryKind;

    const MARKS: Marks<'_> = Marks {
        site: "cloud",
        workload: "web",
        hub: "hub-uid",
    };

    fn built(pod: &Value, uid: Option<&str>, carry: &[CarryRef]) -> Value {
        let parts = DeploymentParts {
            selector: LabelSelector {
                match_labels: Some([("app".to_owned(), "web".to_owned())].into()),
                match_expressions: None,
            },
            spec: json!({
                "strategy": { "type": "RollingUpdate" },
                "template": { "metadata": { "labels": { "app": "web" }, "annotations": { "a": "b" } }, "spec": pod },
            }),
            digest: "d1".into(),
            rolled_out: true,
        };
        deployment(&Recipe {
            namespace: "shop",
            name: "web",
            marks: MARKS,
            parts: &parts,
            home_labels: &[("place".to_owned(), "home".to_owned())].into(),
            carry,
            uid,
            replicas: Replicas::new(7),
        })
    }

    #[test]
    fn it_has_the_targets_name_and_selector_and_all_the_marks() {
        let made = built(&json!({ "containers": [] }), None, &[]);
        assert_eq!(
            made["metadata"],
            json!({
                "name": "web",
                "namespace": "shop",
                "labels": { "app.kubernetes.io/managed-by": "pinisi", "pinisi.dev/site": "cloud" },
                "annotations": { "pinisi.dev/workload": "web", "pinisi.dev/template": "d1", "pinisi.dev/hub": "hub-uid" },
            })
        );
        assert_eq!(
            made["spec"]["selector"],
            json!({ "matchLabels": { "app": "web" } })
        );
        assert_eq!(
            made["spec"]["template"]["metadata"]["labels"],
            json!({ "app": "web", "pinisi.dev/site": "cloud" })
        );
        assert_eq!(made["spec"]["replicas"], 7);
        assert_eq!(made["spec"]["strategy"]["type"], "RollingUpdate");
    }

    #[test]
    fn a_change_is_bound_to_the_uid_that_was_seen_and_a_making_is_not() {
        assert_eq!(
            built(&json!({}), Some("u1"), &[])["metadata"]["uid"],
            json!("u1")
        );
        assert!(
            built(&json!({}), None, &[])["metadata"]
                .get("uid")
                .is_none()
        );
    }

    #[test]
    fn what_means_homes_nodes_stays_at_home_and_nothing_is_added() {
        let pod = json!({
            "nodeSelector": { "place": "home", "disk": "ssd" },
            "tolerations": [
                { "key": "pinisi.dev/site", "operator": "Equal", "value": "home" },
                { "key": "gpu", "operator": "Exists" },
            ],
        });
        let made = built(&pod, None, &[]);
        assert_eq!(
            made["spec"]["template"]["spec"],
            json!({ "nodeSelector": { "disk": "ssd" }, "tolerations": [{ "key": "gpu", "operator": "Exists" }] })
        );
        let only_home = json!({ "nodeSelector": { "place": "home" } });
        assert_eq!(
            built(&only_home, None, &[])["spec"]["template"]["spec"],
            json!({})
        );
    }

    #[test]
    fn what_it_carries_stands_on_it() {
        let carry = [
            CarryRef {
                kind: CarryKind::Secret,
                name: "tls".into(),
            },
            CarryRef {
                kind: CarryKind::ConfigMap,
                name: "settings".into(),
            },
        ];
        assert_eq!(
            built(&json!({}), None, &carry)["metadata"]["annotations"]["pinisi.dev/carried"],
            "ConfigMap/settings,Secret/tls"
        );
    }

    #[test]
    fn a_namespace_says_its_class_and_its_hub_and_no_workload() {
        assert_eq!(
            namespace("shop", MARKS),
            json!({
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {
                    "name": "shop",
                    "labels": {
                        "app.kubernetes.io/managed-by": "pinisi",
                        "pinisi.dev/site": "cloud",
                        "pinisi.dev/class": "MassTraffic",
                    },
                    "annotations": { "pinisi.dev/hub": "hub-uid" },
                },
            })
        );
    }

    #[test]
    fn the_pod_to_try_is_the_templates() {
        let tried = pod(&built(
            &json!({ "containers": [{ "name": "c" }] }),
            None,
            &[],
        ));
        assert_eq!(tried["metadata"]["namespace"], "shop");
        assert_eq!(tried["metadata"]["labels"]["pinisi.dev/site"], "cloud");
        assert_eq!(tried["metadata"]["annotations"], json!({ "a": "b" }));
        assert_eq!(tried["spec"]["containers"][0]["name"], "c");
    }
}
