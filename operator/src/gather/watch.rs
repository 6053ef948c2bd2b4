//! One watch a kind: events go by value straight into the index, or into the view of the cluster
//! that they come from. A re-list replaces the kind at
//! once when it is complete, so that nothing seems gone in between. Errors are counted and
//! waited out, never fatal.

use super::{
    cluster::ClusterView,
    facts::ObjectKey,
    index::Index,
    services::{ServiceFacts, ServiceWire},
    shared::{Kind, Shared, WatchHealth},
    storage::{ClaimFacts, ClaimWire, VolumeSource, VolumeWire},
    wire::{HpaWire, NamespaceWire, NodeWire, PodWire, QuotaWire, key_of},
    wire_custom::{
        BudgetWire, DeclassificationWire, PolicyWire, SiteWire, SourceWire, SovereignWire,
        ViolationWire, WorkloadWire,
    },
    wire_ledger::LedgerWire,
    wire_scalable::{DeploymentWire, StatefulSetWire},
};
use futures::StreamExt as _;
use jiff::Timestamp;
use kube::{
    Api, Resource,
    runtime::{WatchStreamExt as _, watcher},
};
use serde::de::DeserializeOwned;
use std::{fmt::Debug, sync::Arc};
use tokio_util::sync::CancellationToken;

/// Where the events of watches go: the index, or one cluster's view in it.
pub(super) trait Destination: Send + Sync + 'static {
    /// What holds the facts.
    type Store;
    /// Changes the facts; false where nothing changed, or where nobody wants them any more.
    fn change(&self, change: impl FnOnce(&mut Self::Store) -> bool) -> bool;
    /// Notes how a watch fares.
    fn with_health(&self, kind: Kind, change: impl FnOnce(&mut WatchHealth));
    /// A list of a kind is whole, for the first time or anew.
    fn listed(&self, kind: Kind);
    /// A watch failed.
    fn failed(&self, kind: Kind, error: &watcher::Error);
    /// Something of a kind changed that is asked for.
    fn touched(&self, kind: Kind);
}

impl Destination for Shared {
    type Store = Index;
    fn change(&self, change: impl FnOnce(&mut Index) -> bool) -> bool {
        change(&mut self.index.write())
    }
    fn with_health(&self, kind: Kind, change: impl FnOnce(&mut WatchHealth)) {
        Self::with_health(self, kind, change);
    }
    fn listed(&self, _: Kind) {}
    fn failed(&self, _: Kind, _: &watcher::Error) {}
    fn touched(&self, kind: Kind) {
        match kind {
            Kind::SignalSource => self.sources_changed.notify_one(),
            Kind::Site => self.sites_changed.notify_one(),
            Kind::HybridWorkload => self.workloads_changed.notify_one(),
            Kind::CloudBudget
            | Kind::SovereigntyPolicy
            | Kind::Declassification
            | Kind::Ledger
            | Kind::SovereignNodes
            | Kind::SovereigntyViolation
            | Kind::Namespace
            | Kind::Node
            | Kind::Pod
            | Kind::Deployment
            | Kind::StatefulSet
            | Kind::HorizontalPodAutoscaler
            | Kind::PersistentVolumeClaim
            | Kind::PersistentVolume
            | Kind::Service
            | Kind::ResourceQuota => {}
        }
        self.touch();
    }
}

/// A kind as it comes over the wire, and where it goes in a store.
pub(super) trait Watched<S>:
    Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug + Send + 'static
{
    /// What the index holds of one object.
    type Facts: Send;
    const KIND: Kind;
    fn facts(self) -> Self::Facts;
    fn apply(store: &mut S, facts: Self::Facts) -> bool;
    fn delete(store: &mut S, key: &ObjectKey) -> bool;
    fn replace(store: &mut S, all: Vec<Self::Facts>) -> bool;
}

macro_rules! watched {
    ($store:ty: $wire:ty, $facts:ty, $kind:ident, $apply:ident, $delete:ident($key:ident => $by:expr), $replace:ident) => {
        impl Watched<$store> for $wire {
            type Facts = $facts;
            const KIND: Kind = Kind::$kind;
            fn facts(self) -> Self::Facts {
                self.into()
            }
            fn apply(store: &mut $store, facts: Self::Facts) -> bool {
                store.$apply(facts)
            }
            fn delete(store: &mut $store, $key: &ObjectKey) -> bool {
                store.$delete($by)
            }
            fn replace(store: &mut $store, all: Vec<Self::Facts>) -> bool {
                store.$replace(all)
            }
        }
    };
}

watched!(Index: SiteWire, super::facts::SiteFacts, Site, apply_site, delete_site(k => &k.name), replace_sites);
watched!(Index: WorkloadWire, super::facts::WorkloadFacts, HybridWorkload, apply_workload, delete_workload(k => k), replace_workloads);
watched!(Index: SourceWire, super::facts::SourceFacts, SignalSource, apply_source, delete_source(k => &k.name), replace_sources);
watched!(Index: BudgetWire, super::facts::BudgetFacts, CloudBudget, apply_budget, delete_budget(k => &k.name), replace_budgets);
watched!(Index: PolicyWire, super::facts::PolicyFacts, SovereigntyPolicy, apply_policy, delete_policy(k => &k.name), replace_policies);
watched!(Index: DeclassificationWire, super::facts::DeclassificationFacts, Declassification, apply_declassification, delete_declassification(k => k), replace_declassifications);
watched!(Index: LedgerWire, super::facts::LedgerFacts, Ledger, apply_ledger, delete_ledger(k => &k.name), replace_ledgers);
watched!(Index: SovereignWire, super::facts::SovereignFacts, SovereignNodes, apply_sovereign, delete_sovereign(k => &k.name), replace_sovereign);
watched!(Index: ViolationWire, super::facts::ViolationFacts, SovereigntyViolation, apply_violation, delete_violation(k => &k.name), replace_violations);
watched!(Index: NodeWire, super::facts::NodeFacts, Node, apply_node, delete_node(k => &k.name), replace_nodes);
watched!(Index: PodWire, super::facts::PodFacts, Pod, apply_pod, delete_pod(k => k), replace_pods);
watched!(Index: DeploymentWire, super::facts::ScalableFacts, Deployment, apply_deployment, delete_deployment(k => k), replace_deployments);
watched!(Index: StatefulSetWire, super::facts::ScalableFacts, StatefulSet, apply_stateful_set, delete_stateful_set(k => k), replace_stateful_sets);
watched!(Index: HpaWire, super::facts::HpaFacts, HorizontalPodAutoscaler, apply_hpa, delete_hpa(k => k), replace_hpas);

watched!(ClusterView: NodeWire, super::facts::NodeFacts, Node, apply_node, delete_node(k => &k.name), replace_nodes);
watched!(ClusterView: PodWire, super::facts::PodFacts, Pod, apply_pod, delete_pod(k => k), replace_pods);
watched!(ClusterView: DeploymentWire, super::facts::ScalableFacts, Deployment, apply_deployment, delete_deployment(k => k), replace_deployments);
watched!(ClusterView: QuotaWire, super::facts::QuotaFacts, ResourceQuota, apply_quota, delete_quota(k => k), replace_quotas);

macro_rules! watched_namespaces {
    ($store:ty) => {
        impl Watched<$store> for NamespaceWire {
            type Facts = (String, super::facts::NamespaceFacts);
            const KIND: Kind = Kind::Namespace;
            fn facts(self) -> Self::Facts {
                (self.metadata.name.clone().unwrap_or_default(), self.into())
            }
            fn apply(store: &mut $store, (name, facts): Self::Facts) -> bool {
                store.apply_namespace(name, facts)
            }
            fn delete(store: &mut $store, key: &ObjectKey) -> bool {
                store.delete_namespace(&key.name)
            }
            fn replace(store: &mut $store, all: Vec<Self::Facts>) -> bool {
                store.replace_namespaces(all)
            }
        }
    };
}

watched_namespaces!(Index);
watched_namespaces!(ClusterView);

/// A kind of which not all is kept, or that is not waited for.
macro_rules! watched_in_part {
    ($wire:ty, $facts:ty, $kind:ident, $field:ident) => {
        impl Watched<Index> for $wire {
            type Facts = (ObjectKey, Option<$facts>);
            const KIND: Kind = Kind::$kind;
            fn facts(self) -> Self::Facts {
                self.into()
            }
            fn apply(index: &mut Index, (key, facts): Self::Facts) -> bool {
                index.$field.apply(key, facts)
            }
            fn delete(index: &mut Index, key: &ObjectKey) -> bool {
                index.$field.delete(key)
            }
            fn replace(index: &mut Index, all: Vec<Self::Facts>) -> bool {
                index.$field.replace(all)
            }
        }
    };
}

watched_in_part!(ClaimWire, ClaimFacts, PersistentVolumeClaim, claims);
watched_in_part!(VolumeWire, VolumeSource, PersistentVolume, volumes);
watched_in_part!(ServiceWire, ServiceFacts, Service, services);

/// Watches one kind until `stop`, as far as `config` selects it.
pub(super) async fn run<K, D>(
    to: Arc<D>,
    api: Api<K>,
    config: watcher::Config,
    stop: CancellationToken,
) where
    D: Destination,
    K: Watched<D::Store>,
{
    let mut stream = std::pin::pin!(watcher(api, config).default_backoff());
    let mut listed = Vec::new();
    let _ended = Ended {
        to: &*to,
        kind: K::KIND,
        stop: &stop,
    };
    loop {
        let event = tokio::select! {
            event = stream.next() => event,
            () = stop.cancelled() => return,
        };
        match event {
            Some(Ok(event)) => take_in::<K, D>(&to, event, &mut listed),
            Some(Err(error)) => failed(&*to, K::KIND, &error),
            // The watcher never ends by itself.
            None => return,
        }
    }
}

/// Says in the watch's health that its task ended though nobody asked (it panicked): readiness
/// then fails, and the facts are known to age.
struct Ended<'a, D: Destination> {
    to: &'a D,
    kind: Kind,
    stop: &'a CancellationToken,
}

impl<D: Destination> Drop for Ended<'_, D> {
    fn drop(&mut self) {
        if !self.stop.is_cancelled() {
            self.to.with_health(self.kind, |health| {
                health.synced = false;
                health.failing_since.get_or_insert_with(Timestamp::now);
                health.error =
                    Some("the watch ended unexpectedly; restart the operator".to_owned());
            });
        }
    }
}

fn take_in<K, D>(to: &D, event: watcher::Event<K>, listed: &mut Vec<K::Facts>)
where
    D: Destination,
    K: Watched<D::Store>,
{
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
            let all = std::mem::take(listed);
            to.change(|store| K::replace(store, all))
        }
        watcher::Event::Apply(object) => {
            let facts = object.facts();
            to.change(|store| K::apply(store, facts))
        }
        watcher::Event::Delete(object) => {
            let key = key_of(object.meta());
            to.change(|store| K::delete(store, &key))
        }
    };
    let mut first = false;
    to.with_health(K::KIND, |health| {
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
    if complete {
        to.listed(K::KIND);
    }
    if changed || first {
        to.touched(K::KIND);
    }
}

fn failed<D: Destination>(to: &D, kind: Kind, error: &watcher::Error) {
    let text = error.to_string();
    to.with_health(kind, |health| {
        health.errors = health.errors.saturating_add(1);
        if health.error.as_ref() != Some(&text) {
            tracing::warn!(kind = kind.name(), error = %text, "watch failed; it is tried again");
        }
        health.failing_since.get_or_insert_with(Timestamp::now);
        health.error = Some(text);
        health.unknown_kind = unknown_kind(error);
    });
    to.failed(kind, error);
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
        let mut send = |event| take_in::<PodWire, Shared>(&shared, event, &mut listed);
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
        let mut send = |event| take_in::<PodWire, Shared>(&shared, event, &mut listed);
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
    fn of_services_only_those_that_lead_outside_are_kept_and_change_anything() {
        let service = |name: &str, kind: &str| -> ServiceWire {
            serde_json::from_value(
                json!({"metadata": {"name": name, "namespace": "a"}, "spec": {"type": kind}}),
            )
            .unwrap()
        };
        let (shared, mut listed) = (Shared::new(), Vec::new());
        let mut send = |event| take_in::<ServiceWire, Shared>(&shared, event, &mut listed);
        send(Event::Init);
        send(Event::InitApply(service("inside", "ClusterIP")));
        assert!(!shared.index.read().services.is_whole());
        send(Event::InitDone);
        assert!(shared.index.read().services.is_whole());
        let before = changes(&shared);
        send(Event::Apply(service("other", "ClusterIP")));
        send(Event::Delete(service("other", "ClusterIP")));
        assert_eq!(changes(&shared), before);
        send(Event::Apply(service("inside", "NodePort")));
        assert_eq!(shared.index.read().services.all().len(), 1);
        send(Event::Apply(service("inside", "ClusterIP")));
        assert!(shared.index.read().services.all().is_empty());
        assert_eq!(changes(&shared), before + 2);
    }

    #[test]
    fn an_empty_first_list_is_a_change_too() {
        let (shared, mut listed) = (Shared::new(), Vec::new());
        take_in::<SiteWire, Shared>(&shared, Event::InitDone, &mut listed);
        assert_eq!(changes(&shared), 1);
    }

    #[test]
    fn a_missing_crd_is_said_in_words() {
        let shared = Arc::new(Shared::new());
        let mut status = kube::core::Status::failure("404 page not found", "NotFound");
        status.code = 404;
        failed(
            &*shared,
            Kind::Site,
            &watcher::Error::InitialListFailed(kube::Error::Api(Box::new(status))),
        );
        failed(&*shared, Kind::Pod, &watcher::Error::NoResourceVersion);
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
        take_in::<SiteWire, Shared>(&shared, Event::Init, &mut listed);
        assert!(
            shared.health.lock()[&Kind::Site].error.is_some(),
            "a list that has only begun proves nothing"
        );
        take_in::<SiteWire, Shared>(&shared, Event::InitDone, &mut listed);
        let health = shared.health.lock()[&Kind::Site].clone();
        assert_eq!(
            (health.error, health.failing_since, health.synced),
            (None, None, true)
        );
    }
}
