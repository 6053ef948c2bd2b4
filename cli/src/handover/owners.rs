//! Who writes `spec.replicas`, from managedFields, and what each of them needs in Git before the
//! count can be dropped there. Facts of kubectl, Argo CD, Flux and Helm as their documents have them.

use super::target::{Kind, Target};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::api::ObjectMeta;
use pinisi_crds::names::FIELD_MANAGER;
use serde::Serialize;
use serde_json::Value;

/// Annotation in which client-side apply keeps what it applied last.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A field manager that owns `spec.replicas`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// Its name.
    pub manager: String,
    /// True where it owns the field by server-side apply.
    pub applied: bool,
}

/// Who owns `spec.replicas` now.
pub fn of_count(meta: &ObjectMeta) -> Vec<Owner> {
    let owns = |entry: &&ManagedFieldsEntry| {
        let fields = entry.fields_v1.as_ref().map(|fields| &fields.0);
        fields.is_some_and(|fields| fields.pointer("/f:spec/f:replicas").is_some())
    };
    let mut owners: Vec<_> = entries(meta)
        .filter(owns)
        .map(|entry| Owner {
            manager: entry.manager.clone().unwrap_or_default(),
            applied: entry.operation.as_deref() == Some("Apply"),
        })
        .collect();
    owners.sort_by(|a, b| (&a.manager, a.applied).cmp(&(&b.manager, b.applied)));
    owners.dedup();
    owners
}

fn entries(meta: &ObjectMeta) -> impl Iterator<Item = &ManagedFieldsEntry> {
    meta.managed_fields.iter().flatten()
}

/// True where the operator owns the count, alone or with others.
pub fn is_ours(meta: &ObjectMeta) -> bool {
    of_count(meta)
        .iter()
        .any(|owner| owner.manager == FIELD_MANAGER)
}

/// Who puts an object there from Git.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Source {
    /// Argo CD.
    ArgoCd,
    /// Flux, from plain manifests.
    FluxKustomize,
    /// Flux, from a chart.
    FluxHelm,
    /// Helm by hand or in a pipeline.
    Helm,
    /// `kubectl apply`, which remembers what it applied.
    KubectlClientSide,
    /// `kubectl apply --server-side`.
    KubectlServerSide,
}

/// Everybody who puts this object there, from its managers, labels and annotations.
pub fn sources(meta: &ObjectMeta) -> Vec<Source> {
    let mut found = Vec::new();
    for entry in entries(meta) {
        let applied = entry.operation.as_deref() == Some("Apply");
        found.extend(match entry.manager.as_deref().unwrap_or_default() {
            "argocd-controller" | "argocd-application-controller" | "argocd" => {
                Some(Source::ArgoCd)
            }
            "kustomize-controller" => Some(Source::FluxKustomize),
            "helm-controller" => Some(Source::FluxHelm),
            "helm" => Some(Source::Helm),
            "kubectl-client-side-apply" => Some(Source::KubectlClientSide),
            "kubectl" if applied => Some(Source::KubectlServerSide),
            _ => None,
        });
    }
    let has = |map: &Option<std::collections::BTreeMap<String, String>>, key: &str| {
        map.as_ref().is_some_and(|map| map.contains_key(key))
    };
    let marks = [
        (
            has(&meta.annotations, "argocd.argoproj.io/tracking-id"),
            Source::ArgoCd,
        ),
        (
            has(&meta.labels, "argocd.argoproj.io/instance"),
            Source::ArgoCd,
        ),
        (
            has(&meta.labels, "kustomize.toolkit.fluxcd.io/name"),
            Source::FluxKustomize,
        ),
        (
            has(&meta.labels, "helm.toolkit.fluxcd.io/name"),
            Source::FluxHelm,
        ),
        (
            has(&meta.annotations, "meta.helm.sh/release-name"),
            Source::Helm,
        ),
        (
            has(&meta.annotations, LAST_APPLIED),
            Source::KubectlClientSide,
        ),
    ];
    found.extend(
        marks
            .into_iter()
            .filter_map(|(there, source)| there.then_some(source)),
    );
    found.sort_unstable();
    found.dedup();
    // Both of these bring the next lower one with them.
    if found.contains(&Source::FluxHelm) {
        found.retain(|source| *source != Source::Helm);
    }
    if found.contains(&Source::ArgoCd) {
        found.retain(|source| *source != Source::KubectlClientSide);
    }
    found
}

/// True where `kubectl apply` remembers a count: dropping the line from the file would then take
/// the count away, whoever owns it, and the API server would make it 1.
pub fn remembers_count(meta: &ObjectMeta) -> bool {
    let annotations = meta.annotations.as_ref();
    let text = annotations.and_then(|all| all.get(LAST_APPLIED));
    let applied = text.and_then(|text| serde_json::from_str::<Value>(text).ok());
    applied.is_some_and(|applied| applied.pointer("/spec/replicas").is_some())
}

/// How `spec.replicas` leaves Git without taking a replica with it: for each source, in order.
pub fn advice(namespace: &str, target: &Target, meta: &ObjectMeta) -> Vec<String> {
    let object = format!("{}/{}", target.kind.short(), target.name);
    let kind = target.kind.word();
    let name = &target.name;
    let remembered = remembers_count(meta);
    let forget = format!(
        "kubectl apply edit-last-applied {object} --namespace {namespace}   # take the line spec.replicas out: else the next apply would remove the count, and the API server makes that 1"
    );
    let mut lines = Vec::new();
    for source in sources(meta) {
        match source {
            Source::ArgoCd => {
                lines.push(format!(
                    "Argo CD: in the Application set spec.ignoreDifferences to [{{group: apps, kind: {kind}, name: {name}, jsonPointers: [/spec/replicas]}}] and spec.syncPolicy.syncOptions to include RespectIgnoreDifferences=true, sync, and only then delete spec.replicas from the manifest"
                ));
                if remembered {
                    lines.push(forget.clone());
                }
            }
            Source::FluxKustomize => lines.push(
                "Flux (kustomize-controller): delete spec.replicas from the manifest; it applies server-side and gives the field up, Pinisi keeps it".into(),
            ),
            Source::FluxHelm | Source::Helm => lines.push(format!(
                "Helm: do not let the chart render spec.replicas (most charts leave it out with autoscaling.enabled=true and an HPA of their own switched off). Helm before 4 and three-way upgrades take the count away once when the line goes: until you can use `helm upgrade --server-side=true`, pass the present count at each upgrade instead, for example --set replicaCount=$(kubectl get {object} --namespace {namespace} -o jsonpath={{.spec.replicas}})"
            )),
            Source::KubectlClientSide => {
                if remembered {
                    lines.push(forget.clone());
                    lines.push("then delete spec.replicas from the file that you apply".into());
                }
            }
            Source::KubectlServerSide => lines.push(
                "kubectl apply --server-side: delete spec.replicas from the file; the field is given up, Pinisi keeps it".into(),
            ),
        }
    }
    lines
}

/// Whoever puts an autoscaler there puts it there again: said before it is taken away.
pub fn comes_back(meta: &ObjectMeta) -> Option<String> {
    let names: Vec<_> = sources(meta)
        .into_iter()
        .filter_map(|source| match source {
            Source::ArgoCd => Some("Argo CD"),
            Source::FluxKustomize | Source::FluxHelm => Some("Flux"),
            Source::Helm => Some("Helm"),
            // These act when a person does.
            Source::KubectlClientSide | Source::KubectlServerSide => None,
        })
        .collect();
    (!names.is_empty()).then(|| names.join(" and "))
}

/// The word for a kind that may not be several.
pub const fn splittable(kind: Kind) -> bool {
    match kind {
        Kind::Deployment => true,
        Kind::StatefulSet => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn meta(value: Value) -> ObjectMeta {
        serde_json::from_value(value).unwrap()
    }

    fn entry(manager: &str, operation: &str, replicas: bool) -> Value {
        let spec = if replicas {
            json!({"f:replicas": {}})
        } else {
            json!({"f:template": {}})
        };
        json!({"manager": manager, "operation": operation, "apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": spec}})
    }

    #[test]
    fn owners_of_the_count_are_told_from_owners_of_the_rest() {
        let meta = meta(json!({"managedFields": [
            entry("kustomize-controller", "Apply", true), entry("kube-controller-manager", "Update", true),
            entry("kubectl-edit", "Update", false), entry("pinisi", "Apply", false),
        ]}));
        let names: Vec<_> = of_count(&meta)
            .into_iter()
            .map(|owner| (owner.manager, owner.applied))
            .collect();
        assert_eq!(
            names,
            [
                ("kube-controller-manager".into(), false),
                ("kustomize-controller".into(), true)
            ]
        );
        assert!(!is_ours(&meta));
        assert_eq!(sources(&meta), [Source::FluxKustomize]);
        assert_eq!(comes_back(&meta).as_deref(), Some("Flux"));
    }

    #[test]
    fn client_side_apply_has_to_forget_the_count_first() {
        let target: Target = "deploy/web".parse().unwrap();
        let with = |spec: Value| {
            let text = json!({"spec": spec}).to_string();
            meta(
                json!({"annotations": {LAST_APPLIED: text}, "managedFields": [entry("kubectl-client-side-apply", "Update", true)]}),
            )
        };
        let remembering = advice("shop", &target, &with(json!({"replicas": 3})));
        assert!(
            remembering[0].contains("edit-last-applied deployment/web --namespace shop"),
            "{remembering:?}"
        );
        assert!(advice("shop", &target, &with(json!({}))).is_empty());
        assert_eq!(comes_back(&with(json!({}))), None);
    }

    #[test]
    fn gitops_is_known_by_its_marks_as_well() {
        let argo = meta(
            json!({"annotations": {"argocd.argoproj.io/tracking-id": "x", LAST_APPLIED: "{"}}),
        );
        assert_eq!(sources(&argo), [Source::ArgoCd]);
        let target: Target = "deploy/web".parse().unwrap();
        assert!(advice("shop", &target, &argo)[0].contains("RespectIgnoreDifferences=true"));
        let flux = meta(
            json!({"labels": {"helm.toolkit.fluxcd.io/name": "web"}, "annotations": {"meta.helm.sh/release-name": "web"}}),
        );
        assert_eq!(sources(&flux), [Source::FluxHelm]);
        assert!(advice("shop", &target, &flux)[0].contains("replicaCount"));
    }
}
