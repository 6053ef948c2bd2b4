//! Deployments and StatefulSets as they come over the wire, with what their templates say about
//! where pods can go. The other built-in kinds are in `wire`.

use super::facts::{HardSpread, ScalableFacts, ScalableKind, SiblingMarks, TemplateFacts};
use super::meta::{foreign_edit, foreign_writer, lean_with_writers};
use super::requests::{Amounts, ContainerShape, PodShape, Wanted};
use super::wire::key_of;
use crate::checked::DeploymentParts;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, Time};
use kube::{Resource, api::ObjectMeta, core::Selector};
use pinisi_crds::names::{
    CARRIED_ANNOTATION, HUB_ANNOTATION, MANAGED_BY, MANAGED_BY_LABEL, SITE_LABEL,
    TEMPLATE_ANNOTATION, WORKLOAD_ANNOTATION,
};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

/// Status of a Deployment or a StatefulSet, as far as a roll-out can be told from it.
#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
struct RolloutWire {
    observed_generation: Option<i64>,
    replicas: Option<i32>,
    updated_replicas: Option<i32>,
    current_revision: Option<Box<str>>,
    update_revision: Option<Box<str>>,
    conditions: Option<Vec<FailureWire>>,
}

/// A condition, as far as it says that pods cannot be made.
#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
struct FailureWire {
    #[serde(rename = "type")]
    type_: Option<Box<str>>,
    status: Option<Box<str>>,
    last_transition_time: Option<Time>,
}

impl RolloutWire {
    /// Since when the controller cannot make pods; one that does not say since when says nothing.
    fn failing_since(&self) -> Option<Timestamp> {
        let failing = |c: &&FailureWire| {
            c.type_.as_deref() == Some("ReplicaFailure") && c.status.as_deref() == Some("True")
        };
        let found = self.conditions.iter().flatten().find(failing)?;
        found.last_transition_time.as_ref().map(|t| t.0)
    }

    /// True when the controller has seen the spec and every replica runs its template. A revision
    /// differs for StatefulSets only.
    fn done(&self, generation: i64) -> bool {
        let Self {
            observed_generation,
            replicas,
            updated_replicas,
            current_revision,
            update_revision,
            conditions: _,
        } = self;
        let settled = match (current_revision, update_revision) {
            (Some(current), Some(update)) => current == update,
            _ => updated_replicas.unwrap_or(0) == replicas.unwrap_or(0),
        };
        observed_generation.unwrap_or(0) >= generation && settled
    }
}

/// A Deployment.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = Deployment)]
pub struct DeploymentWire {
    /// Metadata.
    #[serde(deserialize_with = "lean_with_writers")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    spec: Value,
    #[serde(default)]
    status: RolloutWire,
}

/// A StatefulSet.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = StatefulSet)]
pub struct StatefulSetWire {
    /// Metadata.
    #[serde(deserialize_with = "lean_with_writers")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    spec: StatefulSetSpecWire,
    #[serde(default)]
    status: RolloutWire,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
struct StatefulSetSpecWire {
    replicas: Option<i32>,
    selector: Option<LabelSelector>,
    template: Option<TemplateWire>,
    volume_claim_templates: Option<Vec<NamedWire>>,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
struct NamedWire {
    metadata: Option<NameWire>,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
struct NameWire {
    name: Option<String>,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
struct TemplateWire {
    spec: Option<TemplateSpecWire>,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
struct TemplateSpecWire {
    node_selector: Option<BTreeMap<String, String>>,
    volumes: Option<Vec<VolumeWire>>,
    topology_spread_constraints: Option<Vec<SpreadWire>>,
    containers: Option<Vec<ContainerShape>>,
    init_containers: Option<Vec<ContainerShape>>,
    resources: Option<Wanted>,
    overhead: Option<Amounts>,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
struct VolumeWire {
    name: Option<String>,
    persistent_volume_claim: Option<serde::de::IgnoredAny>,
    ephemeral: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
struct SpreadWire {
    topology_key: Option<String>,
    when_unsatisfiable: Option<Box<str>>,
    node_taints_policy: Option<Box<str>>,
    node_affinity_policy: Option<Box<str>>,
}

impl From<TemplateWire> for TemplateFacts {
    fn from(w: TemplateWire) -> Self {
        let TemplateSpecWire {
            node_selector,
            volumes,
            topology_spread_constraints,
            containers,
            init_containers,
            resources,
            overhead,
        } = w.spec.unwrap_or_default();
        let is_claim =
            |v: &VolumeWire| v.persistent_volume_claim.is_some() || v.ephemeral.is_some();
        // Both policies as the API defaults them: taints are ignored, selectors are honoured.
        let freezes = |s: &SpreadWire| {
            s.when_unsatisfiable.as_deref() != Some("ScheduleAnyway")
                && s.node_taints_policy.as_deref() != Some("Honor")
        };
        let shape = PodShape {
            containers,
            init_containers,
            resources,
            overhead,
        };
        Self {
            requests: shape.requests(),
            limits: shape.limits(),
            claims: volumes
                .unwrap_or_default()
                .into_iter()
                .filter(is_claim)
                .map(|v| v.name.unwrap_or_default())
                .collect(),
            node_selector: node_selector.unwrap_or_default(),
            hard_spreads: topology_spread_constraints
                .unwrap_or_default()
                .into_iter()
                .filter(freezes)
                .map(|s| HardSpread {
                    key: s.topology_key.unwrap_or_default(),
                    honours_selector: s.node_affinity_policy.as_deref() != Some("Ignore"),
                })
                .collect(),
        }
    }
}

fn sibling_marks(meta: &ObjectMeta) -> Option<SiblingMarks> {
    let labels = meta.labels.as_ref()?;
    let site = labels.get(SITE_LABEL)?;
    if labels.get(MANAGED_BY_LABEL).map(String::as_str) != Some(MANAGED_BY) {
        return None;
    }
    let note = |key: &str| {
        meta.annotations
            .as_ref()
            .and_then(|a| a.get(key))
            .cloned()
            .unwrap_or_default()
    };
    Some(SiblingMarks {
        site: site.clone(),
        workload: note(WORKLOAD_ANNOTATION),
        digest: note(TEMPLATE_ANNOTATION),
        hub: note(HUB_ANNOTATION),
        carried: note(CARRIED_ANNOTATION),
    })
}

/// Digest of a JSON value. Keys are sorted by `serde_json`, so equal values have equal digests.
fn digest(value: &Value) -> String {
    let bytes = Sha256::digest(value.to_string().as_bytes());
    bytes
        .iter()
        .take(16)
        .fold(String::with_capacity(32), |mut text, b| {
            let _ = write!(text, "{b:02x}");
            text
        })
}

impl From<DeploymentWire> for ScalableFacts {
    fn from(w: DeploymentWire) -> Self {
        let DeploymentWire {
            metadata,
            mut spec,
            status,
        } = w;
        let generation = metadata.generation.unwrap_or(0);
        let sibling = sibling_marks(&metadata);
        let rolled_out = status.done(generation);
        let template = spec
            .get("template")
            .map(|t| TemplateWire::deserialize(t).unwrap_or_default())
            .unwrap_or_default();
        let fields = spec.as_object_mut();
        let (replicas, selector) = fields.map_or((None, None), |fields| {
            fields.remove("paused");
            (fields.remove("replicas"), fields.remove("selector"))
        });
        let selector: LabelSelector = selector
            .and_then(|s| serde_json::from_value(s).ok())
            .unwrap_or_default();
        Self {
            kind: ScalableKind::Deployment,
            key: key_of(&metadata),
            generation,
            deleting: metadata.deletion_timestamp.is_some(),
            replicas: replicas
                .and_then(|r| r.as_i64())
                .and_then(|r| i32::try_from(r).ok())
                .unwrap_or(1),
            counted: status.replicas.unwrap_or(0),
            match_labels: selector.match_labels.clone().unwrap_or_default(),
            foreign_writer: foreign_writer(&metadata),
            foreign_edit: sibling.as_ref().and_then(|_| foreign_edit(&metadata)),
            rolling: !rolled_out,
            failing_since: status.failing_since(),
            template: template.into(),
            sibling,
            uid: metadata.uid.unwrap_or_default(),
            parts: Some(Arc::new(DeploymentParts {
                selector: selector.clone(),
                digest: digest(&spec),
                spec,
                rolled_out,
            })),
            selector: readable(selector),
        }
    }
}

impl From<StatefulSetWire> for ScalableFacts {
    fn from(w: StatefulSetWire) -> Self {
        let StatefulSetWire {
            metadata,
            spec,
            status,
        } = w;
        let StatefulSetSpecWire {
            replicas,
            selector,
            template,
            volume_claim_templates,
        } = spec;
        let generation = metadata.generation.unwrap_or(0);
        let selector = selector.unwrap_or_default();
        let mut template = TemplateFacts::from(template.unwrap_or_default());
        template.claims.extend(
            volume_claim_templates
                .unwrap_or_default()
                .into_iter()
                .map(|c| c.metadata.and_then(|m| m.name).unwrap_or_default()),
        );
        Self {
            kind: ScalableKind::StatefulSet,
            key: key_of(&metadata),
            generation,
            deleting: metadata.deletion_timestamp.is_some(),
            replicas: replicas.unwrap_or(1),
            counted: status.replicas.unwrap_or(0),
            match_labels: selector.match_labels.clone().unwrap_or_default(),
            foreign_writer: foreign_writer(&metadata),
            foreign_edit: None,
            rolling: !status.done(generation),
            failing_since: status.failing_since(),
            template,
            sibling: None,
            uid: metadata.uid.unwrap_or_default(),
            parts: None,
            selector: readable(selector),
        }
    }
}

/// A selector that selects something in particular; an empty one would select every pod.
fn readable(selector: LabelSelector) -> Option<Selector> {
    Selector::try_from(selector)
        .ok()
        .filter(|s| !s.selects_all())
}
