//! Sends a write: the requests behind each kind, each fenced by the lease and bounded in time.
//! Nothing here decides anything but whether a Deployment of a sibling's name is ours.

use super::ActError;
use super::evidence::Evicted;
use super::remote::there::There;
use super::write::{Key, ScaledKind, Write, WriteKind};
use crate::gather::remotes::RemoteClients;
use crate::lease::Leadership;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use kube::api::{
    Api, DeleteParams, Patch, PatchParams, PostParams, Preconditions, PropagationPolicy,
};
use kube::core::PartialObjectMeta;
use kube::{Client, ResourceExt as _};
use pinisi_crds::names::{FIELD_MANAGER, FINALIZER, WORKLOAD_ANNOTATION};
use pinisi_crds::{HybridWorkload, SovereignNodes};
use pinisi_planner::WorkloadId;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Longest that one request may take.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// With less than this left of the lease nothing is sent any more.
const FENCE: Duration = Duration::from_millis(200);
/// Annotation of a sibling that goes on serving after its workload was deleted.
const ORPHANED_ANNOTATION: &str = "pinisi.dev/orphaned-from";
/// `apiVersion` of our kinds.
const API_VERSION: &str = "pinisi.dev/v1alpha1";

/// Sends writes while we lead.
#[derive(Clone)]
pub struct Sender {
    client: Client,
    leadership: Leadership,
    remotes: RemoteClients,
}

impl Sender {
    /// With clients that do not retry: the loop does, with what is true by then.
    #[must_use]
    pub fn new(client: Client, leadership: Leadership, remotes: RemoteClients) -> Self {
        Self {
            client,
            leadership,
            remotes,
        }
    }

    /// A client for this cluster.
    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Clients for other clusters.
    #[must_use]
    pub fn remotes(&self) -> &RemoteClients {
        &self.remotes
    }

    /// Sends one write.
    ///
    /// # Errors
    /// What the server said, or that we are not the leader any more.
    pub async fn send(&self, write: &Write) -> Result<(), ActError> {
        match &write.key {
            Key::Scaled { workload, name } => self.scaled(workload, name, &write.kind).await,
            Key::Workload(workload) => self.workload(workload, &write.kind).await,
            Key::Sovereign(name) => match &write.kind {
                WriteKind::Sovereign { spec } => self.sovereign(name, spec).await,
                other => Err(misdirected(other)),
            },
            Key::Violation(name) => match &write.kind {
                WriteKind::ViolationOpen { spec } => self.record(name, spec).await,
                WriteKind::ViolationStatus { uid, status } => {
                    self.ended_or_seen(name, uid, status).await
                }
                WriteKind::ViolationEvict {
                    namespace,
                    pod,
                    pod_uid,
                    uid,
                    refused,
                    at,
                } => {
                    let order = Evicted {
                        namespace,
                        pod,
                        pod_uid,
                        uid,
                        refused: refused.as_deref(),
                        at: *at,
                    };
                    self.evict(name, &order).await
                }
                other => Err(misdirected(other)),
            },
            Key::Namespace(name) => match &write.kind {
                WriteKind::Declassify(order) => self.declassify(name, order).await,
                other => Err(misdirected(other)),
            },
            Key::Remote {
                site,
                workload,
                object: _,
            } => {
                let there = There::new(self, site.as_str())?;
                match &write.kind {
                    WriteKind::RemoteApply(order) => there.apply(workload, order).await,
                    WriteKind::RemoteProbe(order) => there.probe(workload, order).await,
                    WriteKind::RemoteScale { name, uid, to } => {
                        there.scale(workload, name, uid, to.get()).await
                    }
                    WriteKind::RemoteDelete(order) => there.delete(workload, order).await,
                    WriteKind::RemoteCopies(order) => there.follow(workload, order).await,
                    other => Err(misdirected(other)),
                }
            }
            Key::RemoteGuard(site) => match &write.kind {
                WriteKind::RemoteGuard { cluster } => {
                    There::new(self, site.as_str())?.guard(cluster).await
                }
                other => Err(misdirected(other)),
            },
        }
    }

    async fn scaled(&self, id: &WorkloadId, name: &str, kind: &WriteKind) -> Result<(), ActError> {
        let deployments = Api::<Deployment>::namespaced(self.client.clone(), &id.namespace);
        match kind {
            WriteKind::Scale { of, uid, to } => {
                let body = scale_patch(uid, to.get())?;
                let params = PatchParams {
                    field_manager: Some(FIELD_MANAGER.into()),
                    ..PatchParams::default()
                };
                match of {
                    ScaledKind::Deployment => self
                        .fenced(deployments.patch_scale(name, &params, &body))
                        .await
                        .map(drop),
                    ScaledKind::StatefulSet => {
                        let sets =
                            Api::<StatefulSet>::namespaced(self.client.clone(), &id.namespace);
                        self.fenced(sets.patch_scale(name, &params, &body))
                            .await
                            .map(drop)
                    }
                }
            }
            WriteKind::ApplySibling {
                body,
                create,
                finalizer_for,
            } => {
                if *create
                    && let Some(found) = self.fenced(deployments.get_metadata_opt(name)).await?
                {
                    ours(&found, id)?;
                }
                if let Some(uid) = finalizer_for {
                    self.finalizer(id, uid, &[FINALIZER]).await?;
                }
                let params = PatchParams::apply(FIELD_MANAGER).force();
                self.fenced(deployments.patch(name, &params, &Patch::Apply(body)))
                    .await
                    .map(drop)
            }
            WriteKind::DeleteSibling { uid } => {
                let params = DeleteParams {
                    propagation_policy: Some(PropagationPolicy::Foreground),
                    preconditions: Some(Preconditions {
                        uid: Some(uid.clone()),
                        resource_version: None,
                    }),
                    ..DeleteParams::default()
                };
                gone_is_fine(
                    self.fenced(deployments.delete(name, &params))
                        .await
                        .map(drop),
                )
            }
            other => Err(misdirected(other)),
        }
    }

    async fn workload(&self, id: &WorkloadId, kind: &WriteKind) -> Result<(), ActError> {
        let api = Api::<HybridWorkload>::namespaced(self.client.clone(), &id.namespace);
        match kind {
            WriteKind::DropFinalizer {
                uid,
                released,
                released_there,
                target,
            } => {
                let deployments = Api::<Deployment>::namespaced(self.client.clone(), &id.namespace);
                let mark =
                    json!({ "metadata": { "annotations": { ORPHANED_ANNOTATION: id.name } } });
                for name in released {
                    gone_is_fine(
                        self.fenced(deployments.patch_metadata(
                            name,
                            &merge(),
                            &Patch::Merge(&mark),
                        ))
                        .await
                        .map(drop),
                    )?;
                }
                for site in released_there {
                    // A cluster that cannot be reached does not hold the object up.
                    let marked = match There::new(self, site.as_str()) {
                        Ok(there) => there.release(id, target, &mark).await,
                        Err(error) => Err(error),
                    };
                    if let Err(error) = marked {
                        tracing::warn!(workload = %id, %site, %error, "what goes on serving there is not marked so");
                    }
                }
                gone_is_fine(self.finalizer(id, uid, &[]).await)
            }
            WriteKind::AdoptReplicas {
                uid,
                generation,
                to,
            } => {
                let body = json_patch(json!([
                    { "op": "test", "path": "/metadata/uid", "value": uid },
                    { "op": "test", "path": "/metadata/generation", "value": generation },
                    { "op": "add", "path": "/spec/replicas", "value": to.get() },
                ]))?;
                self.fenced(api.patch(&id.name, &merge(), &body))
                    .await
                    .map(drop)
            }
            other => Err(misdirected(other)),
        }
    }

    /// Applies exactly `finalizers` as ours. Where somebody else made ours theirs too, it would
    /// stay on removal: then it is taken off with a guarded merge.
    pub(super) async fn finalizer(
        &self,
        id: &WorkloadId,
        uid: &str,
        finalizers: &[&str],
    ) -> Result<(), ActError> {
        let api = Api::<HybridWorkload>::namespaced(self.client.clone(), &id.namespace);
        let mut metadata = json!({ "name": id.name, "namespace": id.namespace, "uid": uid });
        if !finalizers.is_empty() {
            metadata["finalizers"] = json!(finalizers);
        }
        let body =
            json!({ "apiVersion": API_VERSION, "kind": "HybridWorkload", "metadata": metadata });
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let after = self
            .fenced(api.patch_metadata(&id.name, &params, &Patch::Apply(&body)))
            .await?;
        if finalizers.is_empty() && after.finalizers().iter().any(|name| name == FINALIZER) {
            let rest: Vec<_> = after
                .finalizers()
                .iter()
                .filter(|name| *name != FINALIZER)
                .collect();
            let body = json!({ "metadata": { "resourceVersion": after.resource_version(), "finalizers": rest } });
            self.fenced(api.patch_metadata(&id.name, &merge(), &Patch::Merge(&body)))
                .await?;
        }
        Ok(())
    }

    /// Writes the whole spec. Not by server-side apply: with its last key taken away a map becomes
    /// null there, which is invalid, and the last lawful node would stay listed.
    async fn sovereign(&self, name: &str, spec: &Value) -> Result<(), ActError> {
        let api = Api::<SovereignNodes>::all(self.client.clone());
        let whole = json!([{"op": "replace", "path": "/spec", "value": spec}]);
        let patch = Patch::Json::<()>(serde_json::from_value(whole).map_err(unreadable)?);
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.into()),
            ..PatchParams::default()
        };
        match self.fenced(api.patch(name, &params, &patch)).await {
            Err(ActError::NotFound(_)) => {}
            other => return other.map(drop),
        }
        // Not there yet.
        let first = json!({
            "apiVersion": API_VERSION,
            "kind": "SovereignNodes",
            "metadata": { "name": name },
            "spec": spec,
        });
        let first = serde_json::from_value(first).map_err(unreadable)?;
        let params = PostParams {
            field_manager: Some(FIELD_MANAGER.into()),
            ..PostParams::default()
        };
        self.fenced(api.create(&params, &first)).await.map(drop)
    }

    /// Runs a request only while the lease is ours, and not past its end.
    ///
    /// # Errors
    /// What the server said, a timeout, or that we are not the leader.
    pub async fn fenced<T>(
        &self,
        request: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, ActError> {
        let left = self.leadership.left(Instant::now());
        if left < FENCE {
            return Err(ActError::NotLeader);
        }
        match tokio::time::timeout(left.min(REQUEST_TIMEOUT), request).await {
            Ok(result) => result.map_err(ActError::from),
            Err(_) => Err(ActError::Timeout),
        }
    }
}

pub(super) fn merge() -> PatchParams {
    PatchParams {
        field_manager: Some(FIELD_MANAGER.into()),
        ..PatchParams::default()
    }
}

/// A scale has one field in its spec; the whole of it is set, as an absent count is left out.
pub(super) fn scale_patch(uid: &str, replicas: u32) -> Result<Patch<Value>, ActError> {
    json_patch(json!([
        { "op": "test", "path": "/metadata/uid", "value": uid },
        { "op": "add", "path": "/spec", "value": { "replicas": replicas } },
    ]))
}

pub(super) fn json_patch(operations: Value) -> Result<Patch<Value>, ActError> {
    Ok(Patch::Json(
        serde_json::from_value(operations).map_err(|error| ActError::Api(error.to_string()))?,
    ))
}

/// A Deployment is ours where it says so and is not somebody's child.
fn ours(found: &PartialObjectMeta<Deployment>, id: &WorkloadId) -> Result<(), ActError> {
    if found
        .annotations()
        .get(WORKLOAD_ANNOTATION)
        .map(String::as_str)
        == Some(id.name.as_str())
    {
        return Ok(());
    }
    Err(ActError::SiblingNameTaken(found.name_any()))
}

pub(super) fn gone_is_fine(result: Result<(), ActError>) -> Result<(), ActError> {
    match result {
        Err(ActError::NotFound(_)) => Ok(()),
        other => other,
    }
}

/// A key and a kind that do not belong together: a defect, told and not acted on.
fn misdirected(kind: &WriteKind) -> ActError {
    ActError::Api(format!("internal: {} does not fit its object", kind.word()))
}
/// What we made is not what the API takes.
#[allow(clippy::needless_pass_by_value)] // as `map_err` hands it over
fn unreadable(error: serde_json::Error) -> ActError {
    ActError::Invalid(error.to_string())
}
