//! The sibling Deployment of a target at a further site, as a pure function of the target's parts.
//! Never an ownerReference: deleting a workload must not take serving pods with it.

use crate::checked::{DeploymentParts, SiteSubject};
use pinisi_crds::names::{
    MANAGED_BY, MANAGED_BY_LABEL, SITE_LABEL, TEMPLATE_ANNOTATION, WORKLOAD_ANNOTATION,
};
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::site::{SiteKind, SiteName};
use serde_json::{Value, json};

/// What a sibling is made from.
#[derive(Clone, Copy, Debug)]
pub struct Recipe<'a> {
    /// Namespace of the workload and its target.
    pub namespace: &'a str,
    /// Name of the HybridWorkload.
    pub workload: &'a str,
    /// Name of the sibling.
    pub name: &'a str,
    /// The target's parts.
    pub parts: &'a DeploymentParts,
    /// The site where the target itself runs.
    pub home: &'a SiteSubject,
    /// The sibling's site.
    pub site: (&'a SiteName, &'a SiteSubject),
    /// Its count.
    pub replicas: Replicas,
}

/// The whole object for server-side apply.
#[must_use]
pub fn build(recipe: &Recipe<'_>) -> Value {
    let Recipe {
        namespace,
        workload,
        name,
        parts,
        home,
        site: (site, subject),
        replicas,
    } = *recipe;
    let mut spec = parts.spec.clone();
    let mut selector = parts.selector.clone();
    selector
        .match_labels
        .get_or_insert_default()
        .insert(SITE_LABEL.into(), site.as_str().into());
    let template = entry(&mut spec, "template");
    entry(entry(template, "metadata"), "labels")[SITE_LABEL] = json!(site.as_str());
    let pod = entry(template, "spec");
    move_to_site(pod, home, subject);
    if subject.kind != SiteKind::OnPrem {
        tolerate(pod, site);
    }
    spec["replicas"] = json!(replicas.get());
    spec["selector"] = json!(selector);
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": { MANAGED_BY_LABEL: MANAGED_BY, SITE_LABEL: site.as_str() },
            "annotations": { WORKLOAD_ANNOTATION: workload, TEMPLATE_ANNOTATION: parts.digest },
        },
        "spec": spec,
    })
}

/// The template's own node choices stay, but for those that mean home.
fn move_to_site(pod: &mut Value, home: &SiteSubject, site: &SiteSubject) {
    if let Value::Object(selector) = entry(pod, "nodeSelector") {
        for key in home.match_labels.keys() {
            selector.remove(key);
        }
        for (key, value) in &site.match_labels {
            selector.insert(key.clone(), json!(value));
        }
    }
}

/// Cloud nodes are tainted with their site; no effect means every effect.
fn tolerate(pod: &mut Value, site: &SiteName) {
    let toleration = json!({ "key": SITE_LABEL, "operator": "Equal", "value": site.as_str() });
    match &mut pod["tolerations"] {
        Value::Array(list) => {
            if !list.contains(&toleration) {
                list.push(toleration);
            }
        }
        none => *none = json!([toleration]),
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
    use pinisi_crds::SiteStatus;

    fn site(kind: SiteKind, place: &str) -> SiteSubject {
        SiteSubject {
            uid: "u".into(),
            generation: 1,
            kind,
            connection: crate::checked::Connection::Nodes,
            match_labels: [("place".to_owned(), place.to_owned())].into(),
            status_now: SiteStatus::default(),
            status: SiteStatus::default(),
            problems: vec![],
        }
    }

    fn parts(pod: &Value) -> DeploymentParts {
        DeploymentParts {
            selector: LabelSelector {
                match_labels: Some([("app".to_owned(), "web".to_owned())].into()),
                match_expressions: None,
            },
            spec: json!({
                "strategy": { "type": "RollingUpdate" },
                "template": { "metadata": { "labels": { "app": "web" } }, "spec": pod },
            }),
            digest: "d1".into(),
            rolled_out: true,
        }
    }

    fn built(parts: &DeploymentParts, kind: SiteKind) -> Value {
        let (name, home, away) = (
            SiteName::new("cloud-a"),
            site(SiteKind::OnPrem, "home"),
            site(kind, "cloud"),
        );
        build(&Recipe {
            namespace: "shop",
            workload: "web",
            name: "web-cloud-a",
            parts,
            home: &home,
            site: (&name, &away),
            replicas: Replicas::new(7),
        })
    }

    #[test]
    fn the_selector_is_the_targets_plus_the_site_and_the_template_matches_it() {
        let sibling = built(&parts(&json!({ "containers": [] })), SiteKind::Cloud);
        let want = json!({ "app": "web", "pinisi.dev/site": "cloud-a" });
        assert_eq!(sibling["spec"]["selector"]["matchLabels"], want);
        assert_eq!(sibling["spec"]["template"]["metadata"]["labels"], want);
        assert_eq!(sibling["spec"]["replicas"], 7);
        assert_eq!(sibling["spec"]["strategy"]["type"], "RollingUpdate");
        assert_eq!(
            sibling["metadata"]["annotations"]["pinisi.dev/workload"],
            "web"
        );
        assert_eq!(
            sibling["metadata"]["annotations"]["pinisi.dev/template"],
            "d1"
        );
        assert!(sibling["metadata"].get("ownerReferences").is_none());
    }

    #[test]
    fn home_labels_go_and_the_sites_come_and_others_stay() {
        let parts = parts(&json!({ "nodeSelector": { "place": "home", "disk": "ssd" } }));
        let sibling = built(&parts, SiteKind::Cloud);
        assert_eq!(
            sibling["spec"]["template"]["spec"]["nodeSelector"],
            json!({ "place": "cloud", "disk": "ssd" })
        );
    }

    #[test]
    fn the_sites_taint_is_tolerated_once_and_other_tolerations_stay() {
        let own = json!({ "key": "pinisi.dev/site", "operator": "Equal", "value": "cloud-a" });
        let other = json!({ "key": "gpu", "operator": "Exists" });
        let tolerations = |pod: Value| {
            built(&parts(&pod), SiteKind::Cloud)["spec"]["template"]["spec"]["tolerations"].clone()
        };
        assert_eq!(tolerations(json!({})), json!([own]));
        assert_eq!(
            tolerations(json!({ "tolerations": [other] })),
            json!([other, own])
        );
        assert_eq!(tolerations(json!({ "tolerations": [own] })), json!([own]));
    }

    #[test]
    fn sovereign_ground_is_not_tainted_and_nothing_is_tolerated() {
        let sibling = built(&parts(&json!({})), SiteKind::OnPrem);
        assert!(
            sibling["spec"]["template"]["spec"]
                .get("tolerations")
                .is_none()
        );
    }
}
