//! Reading one target's facts from a cluster, and the few writes that a hand-over makes there as
//! its user, each with what it must find. Not here: when they are made.

use super::autoscaler::{self, PAUSED, SCALED_OBJECT};
use super::facts::{Facts, PodSeen, Sibling};
use super::record::Record;
use super::scalable::Scalable;
use super::target::{Kind, Target};
use super::workload::Workload;
use crate::connect::{NOT_FOUND, cause};
use crate::snapshot::Seen;
use anyhow::{Result, anyhow};
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{
    ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams,
    Preconditions,
};
use kube::core::GroupVersionKind;
use kube::{Api, Client, ResourceExt as _};
use pinisi_crds::HybridWorkload;
use pinisi_crds::names::{
    ADOPTION_ANNOTATION, CLASS_LABEL, CLI_FIELD_MANAGER, FIELD_MANAGER, MANAGED_BY,
    MANAGED_BY_LABEL, SITE_LABEL, WORKLOAD_ANNOTATION,
};
use serde_json::{Value, json};
use std::fmt;

/// Code of an answer to a write whose object is not as it was.
pub const CONFLICT: u16 = 409;

/// One namespace of a cluster.
#[derive(Clone)]
pub struct Cluster {
    /// The user's client.
    pub client: Client,
    /// The namespace.
    pub namespace: String,
}

impl Cluster {
    /// Everything about one target. `name` is what a new HybridWorkload would be called.
    ///
    /// # Errors
    /// Something that a hand-over cannot do without cannot be read.
    pub async fn facts(&self, target: &Target, name: &str) -> Result<Facts> {
        let kinds = [
            hpa_resource(),
            scaled_object_resource(),
            workload_resource(),
        ];
        let [hpa, scaled_object, workload] = &kinds;
        let (labels, scalable, hpas, scaled_objects, workloads, deployments) = tokio::join!(
            self.labels(),
            self.scalable(target),
            self.list(hpa),
            self.list(scaled_object),
            self.list(workload),
            self.siblings(),
        );
        let (hpas, workloads) = (hpas?, workloads?);
        let (scaled_objects, keda_unreadable) = match scaled_objects {
            Ok(found) => (found, None),
            Err(error) if code(&error) == Some(NOT_FOUND) => (vec![], None),
            Err(error) => (vec![], Some(format!("{error:#}"))),
        };
        let workloads: Vec<_> = workloads.into_iter().map(Workload::of).collect();
        let classes = workloads
            .iter()
            .map(|found| (found.name().to_owned(), class_of(found)))
            .collect();
        let (own, others): (Vec<_>, Vec<_>) = workloads
            .into_iter()
            .partition(|found| found.target().as_ref() == Some(target));
        let workload = own.into_iter().next();
        let scalable = scalable?;
        let serves = workload.as_ref().map_or(name, Workload::name).to_owned();
        Ok(Facts {
            now: Timestamp::now(),
            namespace: self.namespace.clone(),
            labels,
            target: target.clone(),
            pods: match scalable.as_ref().and_then(Scalable::selector) {
                Some(selector) => self.pods(&selector).await.unwrap_or_default(),
                None => vec![],
            },
            scalable,
            autoscalers: autoscaler::of_target(target, hpas, scaled_objects),
            keda_unreadable,
            workload,
            namesake: others.into_iter().find(|found| found.name() == name),
            classes,
            siblings: deployments?
                .into_iter()
                .filter(|(of, _)| *of == serves)
                .map(|(_, sibling)| sibling)
                .collect(),
        })
    }

    /// A HybridWorkload by name.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn workload(&self, name: &str) -> Result<Option<Workload>> {
        let found = self.api(&workload_resource()).get_opt(name).await;
        match found {
            Ok(found) => Ok(found.map(|found| Workload::of(json!(found)))),
            Err(error) => Err(failed("read", "HybridWorkload", name, &error)),
        }
    }

    async fn labels(&self) -> Seen<std::collections::BTreeMap<String, String>> {
        let found = Api::<Namespace>::all(self.client.clone())
            .get(&self.namespace)
            .await;
        found
            .map(|found| found.metadata.labels.unwrap_or_default())
            .map_err(|error| cause(&error))
    }

    async fn scalable(&self, target: &Target) -> Result<Option<Scalable>> {
        let Target { kind, name } = target;
        let found = match kind {
            Kind::Deployment => self
                .typed::<Deployment>()
                .get_opt(name)
                .await
                .map(|found| found.map(Scalable::from)),
            Kind::StatefulSet => self
                .typed::<StatefulSet>()
                .get_opt(name)
                .await
                .map(|found| found.map(Scalable::from)),
        };
        found.map_err(|error| failed("read", kind.word(), name, &error))
    }

    async fn list(&self, resource: &ApiResource) -> Result<Vec<Value>> {
        let found = self.api(resource).list(&ListParams::default()).await;
        let ApiResource {
            api_version, kind, ..
        } = resource;
        // Elements of a list do not say what they are.
        let named = |object: DynamicObject| {
            let mut object = json!(object);
            object["apiVersion"] = json!(api_version);
            object["kind"] = json!(kind);
            object
        };
        match found {
            Ok(found) => Ok(found.items.into_iter().map(named).collect()),
            Err(error) => Err(failed("list", &resource.kind, "", &error)),
        }
    }

    async fn siblings(&self) -> Result<Vec<(String, Sibling)>> {
        let ours = format!("{MANAGED_BY_LABEL}={MANAGED_BY},{SITE_LABEL}");
        let found = self
            .typed::<Deployment>()
            .list(&ListParams::default().labels(&ours))
            .await
            .map_err(|error| failed("list", "Deployments", "", &error))?;
        let sibling = |found: Deployment| {
            let of = found.annotations().get(WORKLOAD_ANNOTATION)?.clone();
            let site = found.labels().get(SITE_LABEL)?.clone();
            let sibling = Sibling {
                name: found.name_any(),
                site,
                replicas: found.spec.replicas.unwrap_or(1),
                ready: found.status.and_then(|s| s.ready_replicas).unwrap_or(0),
            };
            Some((of, sibling))
        };
        Ok(found.items.into_iter().filter_map(sibling).collect())
    }

    async fn pods(&self, selector: &str) -> Result<Vec<PodSeen>> {
        let found = self
            .typed::<Pod>()
            .list(&ListParams::default().labels(selector))
            .await
            .map_err(|error| failed("list", "Pods", "", &error))?;
        Ok(found.items.iter().filter_map(pod_seen).collect())
    }

    fn typed<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = kube::core::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    fn api(&self, resource: &ApiResource) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.namespace, resource)
    }

    /// Says the class of the namespace.
    ///
    /// # Errors
    /// What the server said.
    pub async fn label_namespace(&self, class: &str) -> Result<()> {
        let body = json!({ "metadata": { "labels": { CLASS_LABEL: class } } });
        Api::<Namespace>::all(self.client.clone())
            .patch_metadata(&self.namespace, &merge(), &Patch::Merge(&body))
            .await
            .map_err(|error| failed("label", "Namespace", &self.namespace, &error))?;
        Ok(())
    }

    /// Makes a HybridWorkload. A field that the cluster does not know is refused, not dropped.
    ///
    /// # Errors
    /// What the server said.
    pub async fn create_workload(&self, body: &Value, try_only: bool) -> Result<()> {
        let name = super::fields::name(body);
        let mut params = PatchParams::apply(CLI_FIELD_MANAGER).validation_strict();
        params.dry_run = try_only;
        self.api(&workload_resource())
            .patch(name, &params, &Patch::Apply(body))
            .await
            .map_err(|error| failed("create", "HybridWorkload", name, &error))?;
        Ok(())
    }

    /// Changes a HybridWorkload that is as it was read: `spec` is merged, the record replaced.
    ///
    /// # Errors
    /// What the server said; code 409 where it is not as it was.
    pub async fn change_workload(
        &self,
        workload: &Workload,
        spec: Option<Value>,
        record: &Record,
    ) -> Result<()> {
        let text = record.text().map_err(|error| anyhow!("{error}"))?;
        let mut body = json!({ "metadata": {
            "uid": workload.uid(),
            "resourceVersion": workload.version(),
            "annotations": { ADOPTION_ANNOTATION: text },
        } });
        if let Some(spec) = spec {
            body["spec"] = spec;
        }
        self.api(&workload_resource())
            .patch(workload.name(), &merge(), &Patch::Merge(&body))
            .await
            .map_err(|error| failed("change", "HybridWorkload", workload.name(), &error))?;
        Ok(())
    }

    /// Deletes the HybridWorkload of this uid.
    ///
    /// # Errors
    /// What the server said.
    pub async fn delete_workload(&self, workload: &Workload) -> Result<()> {
        let params = exactly(workload.uid(), None);
        self.api(&workload_resource())
            .delete(workload.name(), &params)
            .await
            .map_err(|error| failed("delete", "HybridWorkload", workload.name(), &error))?;
        Ok(())
    }

    /// Deletes an HPA or a ScaledObject that is as it was read.
    ///
    /// # Errors
    /// What the server said; code 409 where it is not as it was.
    pub async fn delete_autoscaler(&self, object: &Value) -> Result<()> {
        let (kind, name) = (
            super::fields::text(object, "/kind"),
            super::fields::name(object),
        );
        let at = |pointer: &str| super::fields::text(object, pointer).to_owned();
        let params = exactly(&at("/metadata/uid"), Some(at("/metadata/resourceVersion")));
        self.api(&resource_of(kind))
            .delete(name, &params)
            .await
            .map_err(|error| failed("delete", kind, name, &error))?;
        Ok(())
    }

    /// Sets or takes off KEDA's annotation.
    ///
    /// # Errors
    /// What the server said.
    pub async fn pause(&self, scaled_object: &str, value: Option<&str>) -> Result<()> {
        let body = json!({ "metadata": { "annotations": { PAUSED: value } } });
        self.api(&scaled_object_resource())
            .patch(scaled_object, &merge(), &Patch::Merge(&body))
            .await
            .map_err(|error| failed("annotate", SCALED_OBJECT, scaled_object, &error))?;
        Ok(())
    }

    /// Makes an autoscaler again.
    ///
    /// # Errors
    /// What the server said.
    pub async fn create_autoscaler(&self, manifest: &Value) -> Result<()> {
        let (kind, name) = (
            super::fields::text(manifest, "/kind"),
            super::fields::name(manifest),
        );
        let object: DynamicObject = serde_json::from_value(manifest.clone())?;
        let params = PostParams {
            field_manager: Some(CLI_FIELD_MANAGER.into()),
            ..PostParams::default()
        };
        self.api(&resource_of(kind))
            .create(&params, &object)
            .await
            .map_err(|error| failed("create", kind, name, &error))?;
        Ok(())
    }

    /// Makes the operator an owner of the count without changing it: nothing is written where the
    /// target is not as it was read.
    ///
    /// # Errors
    /// What the server said; code 409 where it is not as it was.
    pub async fn own_count(&self, scalable: &Scalable) -> Result<()> {
        let Target { kind, name } = &scalable.target;
        let body = json!({
            "apiVersion": "autoscaling/v1", "kind": "Scale",
            "metadata": {
                "name": name, "namespace": self.namespace,
                "resourceVersion": scalable.meta.resource_version,
            },
            "spec": { "replicas": scalable.replicas },
        });
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let patch = Patch::Apply(&body);
        let written = match kind {
            Kind::Deployment => {
                let api = self.typed::<Deployment>();
                api.patch_scale(name, &params, &patch).await
            }
            Kind::StatefulSet => {
                let api = self.typed::<StatefulSet>();
                api.patch_scale(name, &params, &patch).await
            }
        };
        written.map_err(|error| failed("own /scale of", kind.word(), name, &error))?;
        Ok(())
    }
}

/// A request that did not succeed, in words that name the object and the way out.
#[derive(Debug)]
struct Unsuccessful {
    words: String,
    code: Option<u16>,
}

impl fmt::Display for Unsuccessful {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for Unsuccessful {}

/// The code of a refusal, where the server gave one.
pub fn code(error: &anyhow::Error) -> Option<u16> {
    error
        .chain()
        .find_map(|cause| cause.downcast_ref::<Unsuccessful>())
        .and_then(|found| found.code)
}

fn failed(verb: &str, kind: &str, name: &str, error: &kube::Error) -> anyhow::Error {
    let object = format!("{kind} {name}");
    let object = object.trim();
    let mut code = None;
    let words = match error {
        kube::Error::Api(status) => {
            code = Some(status.code);
            let said = &status.message;
            if status.code == NOT_FOUND && name.is_empty() {
                format!("the server has no {object}")
            } else if status.is_forbidden() {
                format!(
                    "no right to {verb} {object}: {said}; ask for a Role with it, or let somebody who has it run this"
                )
            } else if said.contains("unknown field")
                || said.contains("field not declared in schema")
            {
                format!(
                    "cannot {verb} {object}: {said}; the cluster's definitions are older than this program: helm upgrade pinisi charts/pinisi, or follow a load signal with --load SOURCE/QUERY"
                )
            } else {
                format!("cannot {verb} {object}: {}", cause(error))
            }
        }
        other => format!("cannot {verb} {object}: {}", cause(other)),
    };
    anyhow::Error::new(Unsuccessful { words, code })
}

fn merge() -> PatchParams {
    PatchParams {
        field_manager: Some(CLI_FIELD_MANAGER.into()),
        ..PatchParams::default()
    }
}

fn exactly(uid: &str, version: Option<String>) -> DeleteParams {
    DeleteParams {
        preconditions: Some(Preconditions {
            uid: Some(uid.to_owned()),
            resource_version: version,
        }),
        ..DeleteParams::default()
    }
}

fn class_of(workload: &Workload) -> String {
    super::fields::text(&workload.object, "/spec/class").to_owned()
}

fn pod_seen(pod: &Pod) -> Option<PodSeen> {
    let status = pod.status.as_ref();
    let phase = status.and_then(|s| s.phase.as_deref()).unwrap_or_default();
    if matches!(phase, "Succeeded" | "Failed") {
        return None;
    }
    let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone());
    Some(PodSeen {
        name: pod.name_any(),
        node: node.filter(|node| !node.is_empty()),
        site: pod.labels().get(SITE_LABEL).cloned(),
    })
}

/// HPAs, in the version that has every field.
pub fn hpa_resource() -> ApiResource {
    named(
        "autoscaling",
        "v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
    )
}

/// KEDA's ScaledObjects.
pub fn scaled_object_resource() -> ApiResource {
    named("keda.sh", "v1alpha1", SCALED_OBJECT, "scaledobjects")
}

/// HybridWorkloads, with fields that this program does not know.
pub fn workload_resource() -> ApiResource {
    ApiResource::erase::<HybridWorkload>(&())
}

fn resource_of(kind: &str) -> ApiResource {
    if kind == SCALED_OBJECT {
        scaled_object_resource()
    } else {
        hpa_resource()
    }
}

fn named(group: &str, version: &str, kind: &str, plural: &str) -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
}
