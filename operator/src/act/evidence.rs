//! Sends the writes of `violations`: reads the object's own metadata for the evidence, and evicts.

use super::ActError;
use super::send::{Sender, json_patch, merge};
use crate::checked::OffenderKind;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::Api;
use kube::api::{
    ApiResource, DeleteParams, DynamicObject, EvictParams, ObjectMeta, Patch, PostParams,
    Preconditions,
};
use pinisi_crds::SovereigntyViolation;
use pinisi_crds::names::{FIELD_MANAGER, MANAGED_BY, MANAGED_BY_LABEL};
use pinisi_crds::sovereignty_violation::{
    Evidence, SovereigntyViolationSpec, SovereigntyViolationStatus, Writer,
};
use serde_json::{Value, json};

/// Writers of an object that are named.
const WRITERS_MAX: usize = 16;
/// Longest name of one, in characters.
const WRITER_MAX: usize = 128;

/// A pod to be evicted.
pub(super) struct Evicted<'a> {
    pub namespace: &'a str,
    pub pod: &'a str,
    pub pod_uid: &'a str,
    /// uid of the SovereigntyViolation.
    pub uid: &'a str,
    /// Why the last eviction was not taken.
    pub refused: Option<&'a str>,
    /// Now, in whole seconds.
    pub at: Timestamp,
}

impl Sender {
    /// Writes down what was seen. An object that is gone by now was there all the same: a kubelet may
    /// have read all that a pod names.
    pub(super) async fn record(
        &self,
        name: &str,
        spec: &SovereigntyViolationSpec,
    ) -> Result<(), ActError> {
        let object = &spec.object;
        let resource = match OffenderKind::of(spec.rule) {
            OffenderKind::Pod => ApiResource::erase::<Pod>(&()),
            OffenderKind::Claim => ApiResource::erase::<PersistentVolumeClaim>(&()),
            OffenderKind::Service => ApiResource::erase::<Service>(&()),
        };
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client(), &object.namespace, &resource);
        let found = self.fenced(api.get_metadata_opt(&object.name)).await?;
        let same = found.filter(|found| found.metadata.uid.as_deref() == Some(&object.uid));
        let mut spec = spec.clone();
        if let Some(found) = same {
            fill(&mut spec.evidence, found.metadata);
        }
        let mut whole = SovereigntyViolation::new(name, spec);
        whole.metadata.labels = Some([(MANAGED_BY_LABEL.into(), MANAGED_BY.into())].into());
        let params = PostParams {
            field_manager: Some(FIELD_MANAGER.into()),
            ..PostParams::default()
        };
        let api = Api::<SovereigntyViolation>::all(self.client());
        match self.fenced(api.create(&params, &whole)).await {
            // The leader before us wrote it.
            Ok(_) | Err(ActError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Writes the whole status. One that somebody closed meanwhile needs none.
    pub(super) async fn ended_or_seen(
        &self,
        name: &str,
        uid: &str,
        status: &SovereigntyViolationStatus,
    ) -> Result<(), ActError> {
        let status = serde_json::to_value(status).map_err(|e| ActError::Api(e.to_string()))?;
        let body = json_patch(json!([
            { "op": "test", "path": "/metadata/uid", "value": uid },
            { "op": "add", "path": "/status", "value": status },
        ]))?;
        self.violation_status(name, &body).await
    }

    /// Evicts a pod, by its uid, and says in the violation what became of that.
    pub(super) async fn evict(&self, name: &str, order: &Evicted<'_>) -> Result<(), ActError> {
        let pods = Api::<Pod>::namespaced(self.client(), order.namespace);
        let params = EvictParams {
            delete_options: Some(DeleteParams {
                preconditions: Some(Preconditions {
                    uid: Some(order.pod_uid.to_owned()),
                    resource_version: None,
                }),
                ..DeleteParams::default()
            }),
            ..EvictParams::default()
        };
        let result = self.fenced(pods.evict(order.pod, &params)).await;
        let (said, result) = match result {
            // Another pod of the name, or none: this one is gone.
            Ok(_) | Err(ActError::NotFound(_) | ActError::Conflict(_)) => {
                let said = json!({ "evictedAt": Time(order.at), "evictionRefused": null });
                (said, Ok(()))
            }
            Err(error) => (json!({ "evictionRefused": error.to_string() }), Err(error)),
        };
        let why = said["evictionRefused"].as_str();
        if why.is_none() || why != order.refused {
            let body = Patch::Merge(json!({ "metadata": { "uid": order.uid }, "status": said }));
            self.violation_status(name, &body).await?;
        }
        result
    }

    async fn violation_status(&self, name: &str, body: &Patch<Value>) -> Result<(), ActError> {
        let api = Api::<SovereigntyViolation>::all(self.client());
        super::send::gone_is_fine(
            self.fenced(api.patch_status(name, &merge(), body))
                .await
                .map(drop),
        )
    }
}

fn fill(evidence: &mut Evidence, meta: ObjectMeta) {
    let cut = |text: String, most: usize| text.chars().take(most).collect::<String>();
    let owners = meta.owner_references.unwrap_or_default();
    let mut written = meta.managed_fields.unwrap_or_default();
    written.sort_by_key(|entry| std::cmp::Reverse(entry.time.as_ref().map(|time| time.0)));
    evidence.resource_version = meta.resource_version;
    evidence.created_at = meta.creation_timestamp;
    evidence.owner = owners
        .first()
        .map(|owner| format!("{}/{}", owner.kind, owner.name));
    evidence.managers = written
        .into_iter()
        .take(WRITERS_MAX)
        .map(|entry| Writer {
            manager: cut(entry.manager.unwrap_or_default(), WRITER_MAX),
            operation: entry.operation.unwrap_or_default(),
            subresource: entry.subresource.filter(|sub| !sub.is_empty()),
            at: entry.time,
        })
        .collect();
}
