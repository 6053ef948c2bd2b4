//! The target as it stands: its count, who owns it, and what its template says about where its
//! pods can go.

use super::target::{Kind, Target};
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{PodTemplateSpec, TopologySpreadConstraint};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::api::ObjectMeta;
use kube::core::Selector;
use pinisi_crds::names::{MANAGED_BY, MANAGED_BY_LABEL, SITE_LABEL, WORKLOAD_ANNOTATION};
use std::collections::{BTreeMap, BTreeSet};

/// A Deployment or a StatefulSet.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalable {
    /// What it is.
    pub target: Target,
    /// Metadata, managedFields included.
    pub meta: ObjectMeta,
    /// The count in its spec.
    pub replicas: i32,
    /// Ready replicas of its own.
    pub ready: i32,
    selector: LabelSelector,
    template: PodTemplateSpec,
    claim_templates: Vec<String>,
}

impl From<Deployment> for Scalable {
    fn from(object: Deployment) -> Self {
        let spec = object.spec;
        let status = object.status.unwrap_or_default();
        Self {
            target: Target {
                kind: Kind::Deployment,
                name: object.metadata.name.clone().unwrap_or_default(),
            },
            replicas: spec.replicas.unwrap_or(1),
            ready: status.ready_replicas.unwrap_or(0),
            selector: spec.selector,
            template: spec.template,
            claim_templates: Vec::new(),
            meta: object.metadata,
        }
    }
}

impl From<StatefulSet> for Scalable {
    fn from(object: StatefulSet) -> Self {
        let spec = object.spec;
        let status = object.status.unwrap_or_default();
        Self {
            target: Target {
                kind: Kind::StatefulSet,
                name: object.metadata.name.clone().unwrap_or_default(),
            },
            replicas: spec.replicas.unwrap_or(1),
            ready: status.ready_replicas.unwrap_or(0),
            selector: spec.selector,
            template: spec.template,
            claim_templates: spec
                .volume_claim_templates
                .into_iter()
                .flatten()
                .map(|claim| claim.metadata.name.unwrap_or_default())
                .collect(),
            meta: object.metadata,
        }
    }
}

impl Scalable {
    /// Selector of its pods as text; `None` where it cannot be read or selects every pod.
    pub fn selector(&self) -> Option<String> {
        let selector = Selector::try_from(self.selector.clone()).ok()?;
        (!selector.selects_all()).then(|| selector.to_string())
    }

    /// True while it is being deleted.
    pub fn deleting(&self) -> bool {
        self.meta.deletion_timestamp.is_some()
    }

    /// The workload that it serves, where it is a sibling that the operator made.
    pub fn sibling_of(&self) -> Option<&str> {
        let label = |key: &str| self.meta.labels.as_ref().and_then(|all| all.get(key));
        let ours = label(MANAGED_BY_LABEL).is_some_and(|by| by == MANAGED_BY);
        let annotations = self.meta.annotations.as_ref();
        (ours && label(SITE_LABEL).is_some()).then(|| {
            annotations
                .and_then(|all| all.get(WORKLOAD_ANNOTATION))
                .map_or("", String::as_str)
        })
    }

    /// The controller that made it.
    pub fn made_by(&self) -> Option<String> {
        let owner = self
            .meta
            .owner_references
            .iter()
            .flatten()
            .find(|owner| owner.controller == Some(true))?;
        Some(format!("{} {}", owner.kind, owner.name))
    }

    /// Volumes that hold claims and cannot follow a pod to another site.
    pub fn claims(&self) -> Vec<String> {
        let volumes = self.template.spec.iter().flat_map(|spec| &spec.volumes);
        let claims = volumes.flatten().filter(|volume| {
            volume.persistent_volume_claim.is_some() || volume.ephemeral.is_some()
        });
        claims
            .map(|volume| volume.name.clone())
            .chain(self.claim_templates.iter().cloned())
            .collect()
    }

    /// The template's node selector.
    pub fn node_selector(&self) -> BTreeMap<String, String> {
        let spec = self.template.spec.as_ref();
        spec.and_then(|spec| spec.node_selector.clone())
            .unwrap_or_default()
    }

    /// Topology spreads that count tainted nodes and refuse to schedule.
    pub fn freezing_spreads(&self) -> Vec<&TopologySpreadConstraint> {
        let spec = self.template.spec.iter();
        spec.flat_map(|spec| &spec.topology_spread_constraints)
            .flatten()
            .filter(|spread| {
                spread.when_unsatisfiable != "ScheduleAnyway"
                    && spread.node_taints_policy.as_deref() != Some("Honor")
            })
            .collect()
    }

    /// ConfigMaps and Secrets that the template names, as `ConfigMap app`.
    pub fn references(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let Some(spec) = &self.template.spec else {
            return found;
        };
        let mut add = |kind: &str, name: Option<&str>| {
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                found.insert(format!("{kind} {name}"));
            }
        };
        for volume in spec.volumes.iter().flatten() {
            let map = volume.config_map.as_ref();
            add("ConfigMap", map.map(|map| map.name.as_str()));
            let secret = volume.secret.as_ref();
            add(
                "Secret",
                secret.and_then(|secret| secret.secret_name.as_deref()),
            );
            let projected = volume.projected.iter().flat_map(|all| &all.sources);
            for source in projected.flatten() {
                let map = source.config_map.as_ref();
                add("ConfigMap", map.map(|map| map.name.as_str()));
                let secret = source.secret.as_ref();
                add("Secret", secret.map(|secret| secret.name.as_str()));
            }
        }
        let containers = spec
            .containers
            .iter()
            .chain(spec.init_containers.iter().flatten());
        for container in containers {
            for from in container.env_from.iter().flatten() {
                let map = from.config_map_ref.as_ref();
                add("ConfigMap", map.map(|map| map.name.as_str()));
                let secret = from.secret_ref.as_ref();
                add("Secret", secret.map(|secret| secret.name.as_str()));
            }
            let values = container.env.iter().flatten();
            for from in values.filter_map(|env| env.value_from.as_ref()) {
                let map = from.config_map_key_ref.as_ref();
                add("ConfigMap", map.map(|map| map.name.as_str()));
                let secret = from.secret_key_ref.as_ref();
                add("Secret", secret.map(|secret| secret.name.as_str()));
            }
        }
        for secret in spec.image_pull_secrets.iter().flatten() {
            add("Secret", Some(secret.name.as_str()));
        }
        found
    }
}
