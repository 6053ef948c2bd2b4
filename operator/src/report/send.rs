//! Sends statuses and Events. An Event is a courtesy: its failure is counted and nothing else.

use super::events::Note;
use crate::act::ActError;
use crate::act::send::Sender;
use crate::metrics::Metrics;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{ConfigMap, ObjectReference};
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use kube::core::{ClusterResourceScope, Resource};
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use pinisi_crds::names::{FIELD_MANAGER, LEDGER, LEDGER_KEY};
use pinisi_crds::sovereignty_violation::ViolatingObject;
use pinisi_crds::{CloudBudget, Declassification, HybridWorkload, Site, SovereigntyPolicy};
use pinisi_planner::WorkloadId;
use pinisi_planner::budget::ledger::Ledger;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

/// Longest that an Event may take.
const EVENT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest text of an Event, in characters; the API takes 1024 bytes.
const NOTE_MAX: usize = 500;

/// Sends what report has to say.
#[derive(Clone)]
pub struct Teller {
    client: Client,
    sender: Sender,
    recorder: Recorder,
    metrics: Arc<Metrics>,
    /// The operator's own namespace.
    namespace: String,
}

impl Teller {
    /// `identity` names this process in Events; `namespace` is the operator's own.
    #[must_use]
    pub fn new(
        client: Client,
        sender: Sender,
        identity: &str,
        namespace: &str,
        metrics: Arc<Metrics>,
    ) -> Self {
        let reporter = Reporter {
            controller: "pinisi.dev/operator".into(),
            instance: Some(identity.into()),
        };
        let recorder = Recorder::new(client.clone(), reporter);
        Self {
            client,
            sender,
            recorder,
            metrics,
            namespace: namespace.to_owned(),
        }
    }

    /// Writes the status of a namespaced object.
    ///
    /// # Errors
    /// As any write.
    pub async fn namespaced<K>(
        &self,
        id: &WorkloadId,
        uid: &str,
        status: &impl Serialize,
    ) -> Result<(), ActError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + Debug,
    {
        self.write::<K>(
            &Api::namespaced(self.client.clone(), &id.namespace),
            &id.name,
            uid,
            status,
        )
        .await
    }

    /// Writes the status of a cluster-wide object.
    ///
    /// # Errors
    /// As any write.
    pub async fn cluster<K>(
        &self,
        name: &str,
        uid: &str,
        status: &impl Serialize,
    ) -> Result<(), ActError>
    where
        K: Resource<DynamicType = (), Scope = ClusterResourceScope>
            + Clone
            + DeserializeOwned
            + Debug,
    {
        self.write::<K>(&Api::all(self.client.clone()), name, uid, status)
            .await
    }

    /// Only apiVersion, kind, name and status: a whole object would claim its spec too.
    async fn write<K>(
        &self,
        api: &Api<K>,
        name: &str,
        uid: &str,
        status: &impl Serialize,
    ) -> Result<(), ActError>
    where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
    {
        let body: Value = json!({
            "apiVersion": K::api_version(&()),
            "kind": K::kind(&()),
            "metadata": { "name": name, "uid": uid },
            "status": status,
        });
        let params = PatchParams::apply(FIELD_MANAGER).force();
        self.sender
            .fenced(api.patch_status(name, &params, &Patch::Apply(&body)))
            .await
            .map(drop)
    }

    /// Writes the ledger into its ConfigMap, which the chart has made.
    ///
    /// # Errors
    /// As any write.
    pub async fn ledger(&self, ledger: &Ledger) -> Result<(), ActError> {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), &self.namespace);
        // Numbers and names alone: it can always be said.
        let text = serde_json::to_string(ledger).unwrap_or_default();
        let body = json!({ "data": { LEDGER_KEY: text } });
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.into()),
            ..PatchParams::default()
        };
        self.sender
            .fenced(api.patch(LEDGER, &params, &Patch::Merge(&body)))
            .await
            .map(drop)
    }

    /// Publishes notes on a workload.
    pub async fn tell(&self, id: &WorkloadId, uid: &str, notes: Vec<Note>) {
        let namespace = Some(id.namespace.to_string());
        let subject = reference::<HybridWorkload>(&id.name, namespace, uid);
        self.publish(&subject, notes).await;
    }

    /// Publishes notes on a Site; they stand in the namespace `default`, as those of any
    /// cluster-wide object.
    pub async fn tell_of_site(&self, name: &str, uid: &str, notes: Vec<Note>) {
        self.publish(&reference::<Site>(name, None, uid), notes)
            .await;
    }

    /// Publishes notes on a CloudBudget, in the same place.
    pub async fn tell_of_budget(&self, name: &str, uid: &str, notes: Vec<Note>) {
        self.publish(&reference::<CloudBudget>(name, None, uid), notes)
            .await;
    }

    /// Publishes notes on a SovereigntyPolicy, in the same place.
    pub async fn tell_of_policy(&self, name: &str, uid: &str, notes: Vec<Note>) {
        self.publish(&reference::<SovereigntyPolicy>(name, None, uid), notes)
            .await;
    }

    /// Publishes notes on whatever a violation is about.
    pub async fn tell_of_object(&self, object: &ViolatingObject, notes: Vec<Note>) {
        let subject = ObjectReference {
            api_version: Some(object.api_version.clone()),
            kind: Some(object.kind.clone()),
            name: Some(object.name.clone()),
            namespace: Some(object.namespace.clone()),
            uid: Some(object.uid.clone()),
            ..ObjectReference::default()
        };
        self.publish(&subject, notes).await;
    }

    /// Publishes a note on a Declassification.
    pub async fn tell_of_declassification(&self, id: &WorkloadId, uid: &str, note: Note) {
        let namespace = Some(id.namespace.to_string());
        let subject = reference::<Declassification>(&id.name, namespace, uid);
        self.publish(&subject, vec![note]).await;
    }

    async fn publish(&self, subject: &ObjectReference, notes: Vec<Note>) {
        for Note {
            warning,
            reason,
            text,
        } in notes
        {
            let event = Event {
                type_: if warning {
                    EventType::Warning
                } else {
                    EventType::Normal
                },
                reason: reason.into(),
                note: Some(text.chars().take(NOTE_MAX).collect()),
                action: "Plan".into(),
                secondary: None,
            };
            match tokio::time::timeout(EVENT_TIMEOUT, self.recorder.publish(&event, subject)).await
            {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    self.metrics.error("event", "api");
                    tracing::debug!(%error, object = ?subject.name, "event not published");
                }
                Err(_) => self.metrics.error("event", "timeout"),
            }
        }
    }
}

fn reference<K: Resource<DynamicType = ()>>(
    name: &str,
    namespace: Option<String>,
    uid: &str,
) -> ObjectReference {
    ObjectReference {
        api_version: Some(K::api_version(&()).into_owned()),
        kind: Some(K::kind(&()).into_owned()),
        name: Some(name.to_owned()),
        namespace,
        uid: Some(uid.to_owned()),
        ..ObjectReference::default()
    }
}
