//! One watch a kind: events go by value straight into the index. A re-list replaces the kind at
//! once when it is complete, so that nothing seems gone in between. Errors are counted and
//! waited out, never fatal.

use super::{
    facts::ObjectKey,
    index::Index,
    shared::{Kind, Shared},
    wire::{HpaWire, NamespaceWire, NodeWire, PodWire, key_of},
    wire_custom::{SiteWire, SourceWire, SovereignWire, WorkloadWire},
    wire_scalable::{DeploymentWire, StatefulSetWire},
};
use futures::StreamExt as _;
use jiff::Timestamp;
use kube::{
    Api, Client, Resource,
    runtime::{WatchStreamExt as _, watcher},
};
use serde::de::DeserializeOwned;
use std::{fmt::Debug, sync::Arc};
use tokio_util::sync::CancellationToken;

/// A kind as it comes over the wire, and where it goes in the index.
pub(super) trait Watched:
    Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug + Send + 'static
{
    /// What the index holds of one object.
    type Facts: Send;
    const KIND: Kind;
    fn facts(self) -> Self::Facts;
    fn apply(index: &mut Index, facts: Self::Facts) -> bool;
    fn delete(index: &mut Index, key: &ObjectKey) -> bool;
    fn replace(index: &mut Index, all: Vec<Self::Facts>) -> bool;
}

macro_rules! watched {
    ($wire:ty, $facts:ty, $kind:ident, $apply:ident, $delete:ident($key:ident => $by:expr), $replace:ident) => {
        impl Watched for $wire {
            type Facts = $facts;
            const KIND: Kind = Kind::$kind;
            fn facts(self) -> Self::Facts {
                self.into()
            }
            fn apply(index: &mut Index, facts: Self::Facts) -> bool {
                index.$apply(facts)
            }
            fn delete(index: &mut Index, $key: &ObjectKey) -> bool {
                index.$delete($by)
            }
            fn replace(index: &mut Index, all: Vec<Self::Facts>) -> bool {
                index.$replace(all)
            }
        }
    };
}

watched!(SiteWire, super::facts::SiteFacts, Site, apply_site, delete_site(k => &k.name), replace_sites);
watched!(WorkloadWire, super::facts::WorkloadFacts, HybridWorkload, apply_workload, delete_workload(k => k), replace_workloads);
watched!(SourceWire, super::facts::SourceFacts, SignalSource, apply_source, delete_source(k => &k.name), replace_sources);
watched!(SovereignWire, super::facts::SovereignFacts, SovereignNodes, apply_sovereign, delete_sovereign(k => &k.name), replace_sovereign);
watched!(NodeWire, super::facts::NodeFacts, Node, apply_node, delete_node(k => &k.name), replace_nodes);
watched!(PodWire, super::facts::PodFacts, Pod, apply_pod, delete_pod(k => k), replace_pods);
watched!(DeploymentWire, super::facts::ScalableFacts, Deployment, apply_deployment, delete_deployment(k => k), replace_deployments);
watched!(StatefulSetWire, super::facts::ScalableFacts, StatefulSet, apply_stateful_set, delete_stateful_set(k => k), replace_stateful_sets);
watched!(HpaWire, super::facts::HpaFacts, HorizontalPodAutoscaler, apply_hpa, delete_hpa(k => k), replace_hpas);

impl Watched for NamespaceWire {
    type Facts = (String, super::facts::NamespaceFacts);
    const KIND: Kind = Kind::Namespace;
    fn facts(self) -> Self::Facts {
        (self.metadata.name.clone().unwrap_or_default(), self.into())
    }
    fn apply(index: &mut Index, (name, facts): Self::Facts) -> bool {
        index.apply_namespace(name, facts)
    }
    fn delete(index: &mut Index, key: &ObjectKey) -> bool {
        index.delete_namespace(&key.name)
    }
    fn replace(index: &mut Index, all: Vec<Self::Facts>) -> bool {
        index.replace_namespaces(all)
    }
}

/// Watches one kind in the whole cluster until `stop`.
pub(super) async fn run<K: Watched>(shared: Arc<Shared>, client: Client, stop: CancellationToken) {
    let stream = watcher(Api::<K>::all(client), watcher::Config::default()).default_backoff();
    let mut stream = std::pin::pin!(stream);
    let mut listed = Vec::new();
    let _ended = Ended {
        shared: &shared,
        kind: K::KIND,
        stop: &stop,
    };
    loop {
        let event = tokio::select! {
            event = stream.next() => event,
            () = stop.cancelled() => return,
        };
        match event {
            Some(Ok(event)) => take_in::<K>(&shared, event, &mut listed),
            Some(Err(error)) => failed(&shared, K::KIND, &error),
            // The watcher never ends by itself.
            None => return,
        }
    }
}

/// Says in the watch's health that its task ended though nobody asked (it panicked): readiness
/// then fails, and the facts are known to age.
struct Ended<'a> {
    shared: &'a Shared,
    kind: Kind,
    stop: &'a CancellationToken,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        if !self.stop.is_cancelled() {
            self.shared.with_health(self.kind, |health| {
                health.synced = false;
                health.failing_since.get_or_insert_with(Timestamp::now);
                health.error =
                    Some("the watch ended unexpectedly; restart the operator".to_owned());
            });
        }
    }
}

fn take_in<K: Watched>(shared: &Shared, event: watcher::Event<K>, listed: &mut Vec<K::Facts>) {
    let mut complete = false;
    let changed = match event {
        watcher::Event::Init => {
            listed.clear();
            false
        }
        watcher::Event::InitApply(object) => {
            listed.push(object.facts());
            false
        }
        watcher::Event::InitDone => {
            complete = true;
            K::replace(&mut shared.index.write(), std::mem::take(listed))
        }
        watcher::Event::Apply(object) => {
            let facts = object.facts();
            K::apply(&mut shared.index.write(), facts)
        }
        watcher::Event::Delete(object) => {
            K::delete(&mut shared.index.write(), &key_of(object.meta()))
        }
    };
    let mut first = false;
    shared.with_health(K::KIND, |health| {
        first = complete && !health.synced;
        health.synced |= complete;
        health.last_word = Some(Timestamp::now());
        // A list under way proves nothing yet: the next page may fail.
        if complete || health.synced {
            if health.failing_since.take().is_some() {
                tracing::info!(kind = K::KIND.name(), "watch is sound again");
            }
            health.error = None;
            health.unknown_kind = false;
        }
    });
    if changed && K::KIND == Kind::SignalSource {
        shared.sources_changed.notify_one();
    }
    if changed && K::KIND == Kind::HybridWorkload {
        shared.workloads_changed.notify_one();
    }
    if changed || first {
        shared.touch();
    }
}

fn failed(shared: &Shared, kind: Kind, error: &watcher::Error) {
    let text = error.to_string();
    shared.with_health(kind, |health| {
        health.errors = health.errors.saturating_add(1);
        if health.error.as_ref() != Some(&text) {
            tracing::warn!(kind = kind.name(), error = %text, "watch failed; it is tried again");
        }
        health.failing_since.get_or_insert_with(Timestamp::now);
        health.error = Some(text);
        health.unknown_kind = unknown_kind(error);
    });
}

/// True where the API server answers that there is no such kind.
fn unknown_kind(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status)) => status.code == 404,
        watcher::Error::WatchError(status) => status.code == 404,
        watcher::Error::InitialListFailed(_)
        | watcher::Error::WatchStartFailed(_)
        | watcher::Error::WatchFailed(_)
        | watcher::Error::NoResourceVersion => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use watcher::Event;

    fn pod(name: &str, node: Option<&str>) -> PodWire {
        serde_json::from_value(json!({"metadata": {"name": name, "namespace": "a"}, "spec": {"nodeName": node, "containers": [{"resources": {"requests": {"cpu": "1"}}}]}})).unwrap()
    }

    fn changes(shared: &Shared) -> u64 {
        *shared.changes.borrow()
    }

    #[test]
    fn a_list_replaces_the_kind_when_it_is_complete() {
        let (shared, mut listed) = (Shared::new(), Vec::new());
        let mut send = |event| take_in::<PodWire>(&shared, event, &mut listed);
        send(Event::Init);
        send(Event::InitApply(pod("one", Some("n"))));
        assert!(shared.index.read().pods.is_empty() && !shared.health.lock()[&Kind::Pod].synced);
        send(Event::InitDone);
        assert!(shared.health.lock()[&Kind::Pod].synced);
        assert_eq!(
            (shared.index.read().pods.on_node("n").1, changes(&shared)),
            (1, 1)
        );
        // A list under way hides nothing; one that is cut leaves no rest behind.
        send(Event::Init);
        send(Event::InitApply(pod("half", None)));
        assert_eq!(shared.index.read().pods.len(), 1);
        send(Event::Init);
        send(Event::InitApply(pod("two", None)));
        send(Event::InitDone);
        let names: Vec<_> = shared
            .index
            .read()
            .pods
            .of_namespace("a")
            .map(|p| p.name.to_string())
            .collect();
        assert_eq!(
            (names, shared.index.read().pods.on_node("n").1),
            (vec!["two".to_owned()], 0)
        );
    }

    #[test]
    fn only_real_changes_wake_anybody() {
        let (shared, mut listed) = (Shared::new(), Vec::new());
        let mut send = |event| take_in::<PodWire>(&shared, event, &mut listed);
        send(Event::InitDone);
        let before = changes(&shared);
        send(Event::Apply(pod("one", None)));
        send(Event::Apply(pod("one", None)));
        send(Event::Delete(pod("other", None)));
        assert_eq!(changes(&shared), before + 1);
        send(Event::Delete(pod("one", None)));
        assert_eq!(changes(&shared), before + 2);
        assert!(shared.index.read().pods.is_empty());
    }

    #[test]
    fn an_empty_first_list_is_a_change_too() {
        let (shared, mut listed) = (Shared::new(), Vec::new());
        take_in::<SiteWire>(&shared, Event::InitDone, &mut listed);
        assert_eq!(changes(&shared), 1);
    }

    #[test]
    fn a_missing_crd_is_said_in_words() {
        let shared = Arc::new(Shared::new());
        let mut status = kube::core::Status::failure("404 page not found", "NotFound");
        status.code = 404;
        failed(
            &shared,
            Kind::Site,
            &watcher::Error::InitialListFailed(kube::Error::Api(Box::new(status))),
        );
        failed(&shared, Kind::Pod, &watcher::Error::NoResourceVersion);
        let waiting = crate::gather::HealthView(shared).waiting_for();
        assert!(
            waiting
                .iter()
                .any(|w| w.starts_with("Site: ") && w.contains("install the chart's CRDs")),
            "{waiting:?}"
        );
        assert!(
            waiting
                .iter()
                .any(|w| w.starts_with("Pod: ") && !w.contains("CRDs")),
            "{waiting:?}"
        );
    }

    #[test]
    fn errors_show_until_the_watch_is_sound_again() {
        let (shared, mut listed) = (Shared::new(), Vec::new());
        failed(&shared, Kind::Site, &watcher::Error::NoResourceVersion);
        failed(&shared, Kind::Site, &watcher::Error::NoResourceVersion);
        let health = shared.health.lock()[&Kind::Site].clone();
        assert_eq!(
            (health.errors, health.synced, health.failing_since.is_some()),
            (2, false, true)
        );
        take_in::<SiteWire>(&shared, Event::Init, &mut listed);
        assert!(
            shared.health.lock()[&Kind::Site].error.is_some(),
            "a list that has only begun proves nothing"
        );
        take_in::<SiteWire>(&shared, Event::InitDone, &mut listed);
        let health = shared.health.lock()[&Kind::Site].clone();
        assert_eq!(
            (health.error, health.failing_since, health.synced),
            (None, None, true)
        );
    }
}
