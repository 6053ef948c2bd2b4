//! Gather: one watch a kind and one asker a SignalSource feed thin facts into one [`index::Index`].
//! Nothing here judges what it sees (`check` does) and nothing here writes to a cluster.

pub mod cluster;
pub mod facts;
pub mod gateway;
mod guard;
pub mod index;
mod kept;
pub mod link;
mod link_words;
mod meta;
pub mod metrics;
mod phase;
pub mod pods;
mod prometheus;
pub mod remotes;
mod requests;
pub mod samples;
pub mod services;
mod shapes;
pub mod shared;
mod signals;
pub mod storage;
mod watch;
pub mod wire;
pub mod wire_custom;
pub mod wire_ledger;
pub mod wire_scalable;

pub use pinisi_crds::quantity;

use index::Index;
use jiff::{SignedDuration, Timestamp};
use kube::{Api, runtime::watcher};
use parking_lot::RwLockReadGuard;
use pinisi_crds::names::LEDGER;
use remotes::RemoteClients;
use shared::{Kind, Shared, WatchHealth};
use std::{collections::BTreeMap, sync::Arc};
use tokio::{sync::watch as channel, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// Why gathering cannot start.
#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    /// No HTTP client for signal sources.
    #[error("cannot make the HTTP client for signal sources: {0}")]
    Client(#[from] reqwest::Error),
}

impl GatherError {
    /// A word of bounded variety for metrics and logs.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Client(_) => "HttpClient",
        }
    }
}

/// What kind of change there was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Load figures.
    Figures,
    /// Anything else.
    Other,
}

/// The running watches and askers, and the index that they feed. Dropping it ends them.
#[derive(Debug)]
pub struct Gather {
    shared: Arc<Shared>,
    clients: RemoteClients,
    changes: channel::Receiver<u64>,
    figures: channel::Receiver<u64>,
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

impl Gather {
    /// Starts every watch and the askers. Needs a tokio runtime, and rustls' process-wide provider.
    /// Kubeconfig Secrets of other clusters are read in `namespace`, the operator's own.
    ///
    /// # Errors
    /// The HTTP client for signal sources cannot be made.
    pub fn start(
        client: &kube::Client,
        namespace: &str,
        stop: &CancellationToken,
    ) -> Result<Self, GatherError> {
        use services::ServiceWire;
        use storage::{ClaimWire, VolumeWire};
        use wire::{HpaWire, NamespaceWire, NodeWire, PodWire};
        use wire_custom::{
            BudgetWire, DeclassificationWire, PolicyWire, SiteWire, SourceWire, SovereignWire,
            ViolationWire, WorkloadWire,
        };
        use wire_scalable::{DeploymentWire, StatefulSetWire};
        let shared = Arc::new(Shared::new());
        shared.index.write().own_namespace = namespace.to_owned();
        let stop = stop.child_token();
        let clients = signals::Clients::new()?;
        let mut tasks = JoinSet::new();
        macro_rules! watch {
            ($($wire:ty),+ $(,)?) => { $( tasks.spawn(watch::run::<$wire, Shared>(
                shared.clone(),
                Api::all(client.clone()),
                watcher::Config::default(),
                stop.clone(),
            )); )+ };
        }
        watch!(
            SiteWire,
            WorkloadWire,
            SourceWire,
            BudgetWire,
            PolicyWire,
            DeclassificationWire,
            SovereignWire,
            ViolationWire,
            NamespaceWire,
            NodeWire,
            PodWire,
            DeploymentWire,
            StatefulSetWire,
            HpaWire,
            ClaimWire,
            VolumeWire,
            ServiceWire,
        );
        tasks.spawn(watch::run::<wire_ledger::LedgerWire, Shared>(
            shared.clone(),
            Api::namespaced(client.clone(), namespace),
            watcher::Config::default().fields(&format!("metadata.name={LEDGER}")),
            stop.clone(),
        ));
        for kind in guard::KINDS {
            tasks.spawn(guard::watch(
                shared.clone(),
                client.clone(),
                kind,
                stop.clone(),
            ));
        }
        tasks.spawn(signals::supervise(shared.clone(), clients, stop.clone()));
        tasks.spawn(remotes::find_hub(
            shared.clone(),
            client.clone(),
            stop.clone(),
        ));
        let remote_clients = RemoteClients::new(shared.clone());
        tasks.spawn(remotes::supervise(
            shared.clone(),
            remote_clients.clone(),
            client.clone(),
            namespace.to_owned(),
            remotes::dial(),
            stop.clone(),
        ));
        let asked = metrics::Clients {
            hub: client.clone(),
            remotes: remote_clients.clone(),
        };
        tasks.spawn(metrics::supervise(shared.clone(), asked, stop.clone()));
        Ok(Self {
            changes: shared.changes.subscribe(),
            figures: shared.figures.subscribe(),
            clients: remote_clients,
            shared,
            tasks,
            stop,
        })
    }

    /// The index. Hold it briefly: the watches wait meanwhile.
    pub fn read(&self) -> RwLockReadGuard<'_, Index> {
        self.shared.index.read()
    }

    /// Clients for writes to other clusters.
    #[must_use]
    pub fn remote_clients(&self) -> RemoteClients {
        self.clients.clone()
    }

    /// Waits until something has changed that [`Gather::seen`] was not told of, and takes note of it.
    pub async fn news(&mut self) -> News {
        // Figures are changes too: they are looked at first, and then count as seen.
        let news = tokio::select! {
            biased;
            sound = self.figures.changed() => sound.map(|()| News::Figures),
            sound = self.changes.changed() => sound.map(|()| News::Other),
        };
        match news {
            Ok(news) => news,
            // Cannot be: `shared` holds the senders. Waiting is better than spinning.
            Err(_) => std::future::pending().await,
        }
    }

    /// All that the index holds by now is taken as seen. To be called before it is read.
    pub fn seen(&mut self) {
        self.figures.mark_unchanged();
        self.changes.mark_unchanged();
    }

    /// True once the initial list of every kind was complete here. Until then nothing may be judged.
    /// Other clusters are not waited for, nor a kind that can be done without once its list failed.
    #[must_use]
    pub fn synced(&self) -> bool {
        synced(&self.shared.health.lock())
    }

    /// True while the watches of all these kinds are sound.
    #[must_use]
    pub fn sees(&self, kinds: &[Kind]) -> bool {
        let health = self.shared.health.lock();
        let sound = |kind| health.get(kind).is_some_and(|h| h.failing_since.is_none());
        kinds.iter().all(sound)
    }

    /// How each watch fares.
    #[must_use]
    pub fn health(&self) -> BTreeMap<Kind, WatchHealth> {
        self.shared.health.lock().clone()
    }

    /// A view of the watches' health that outlives the borrow, for probes and metrics.
    #[must_use]
    pub fn health_view(&self) -> HealthView {
        HealthView(self.shared.clone())
    }

    /// How old each kind's facts may be: zero while its watch is sound, else for how long it has
    /// been failing; `None` where it was never complete.
    #[must_use]
    pub fn ages(&self, now: Timestamp) -> BTreeMap<Kind, Option<SignedDuration>> {
        ages(&self.shared.health.lock(), now)
    }

    /// Ends every task and waits for them.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

impl Drop for Gather {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The watches' health, to be read from anywhere.
#[derive(Clone, Debug)]
pub struct HealthView(Arc<Shared>);

impl HealthView {
    /// How each watch fares.
    #[must_use]
    pub fn health(&self) -> BTreeMap<Kind, WatchHealth> {
        self.0.health.lock().clone()
    }

    /// Kinds whose initial list is not complete, each with its last error: one line for a probe.
    #[must_use]
    pub fn waiting_for(&self) -> Vec<String> {
        let health = self.0.health.lock();
        let unsynced = health.iter().filter(|(_, h)| !h.synced);
        unsynced
            .map(|(kind, h)| match &h.error {
                Some(error) if h.unknown_kind => {
                    format!("{}: the API server does not know this kind; install the chart's CRDs ({error})", kind.name())
                }
                Some(error) => format!("{}: {error}", kind.name()),
                None => format!("{}: first list under way", kind.name()),
            })
            .collect()
    }

    /// As [`Gather::ages`].
    #[must_use]
    pub fn ages(&self, now: Timestamp) -> BTreeMap<Kind, Option<SignedDuration>> {
        ages(&self.0.health.lock(), now)
    }
}

fn synced(health: &BTreeMap<Kind, WatchHealth>) -> bool {
    let done = |(kind, h): (&Kind, &WatchHealth)| {
        h.synced || (kind.is_optional() && h.failing_since.is_some())
    };
    health.iter().all(done)
}

fn ages(
    health: &BTreeMap<Kind, WatchHealth>,
    now: Timestamp,
) -> BTreeMap<Kind, Option<SignedDuration>> {
    let age = |h: &WatchHealth| {
        h.failing_since.map_or(SignedDuration::ZERO, |since| {
            now.duration_since(since).max(SignedDuration::ZERO)
        })
    };
    health
        .iter()
        .map(|(kind, h)| (*kind, h.synced.then(|| age(h))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_done_without_is_waited_for_till_it_fails() {
        let shared = Shared::new();
        for kind in Kind::ALL {
            assert!(!synced(&shared.health.lock()), "{kind:?}");
            shared.with_health(kind, |health| health.synced = true);
        }
        assert!(synced(&shared.health.lock()));
        for kind in Kind::ALL {
            shared.with_health(kind, |health| health.synced = false);
            assert!(!synced(&shared.health.lock()), "{kind:?}");
            shared.with_health(kind, |health| health.failing_since = Some(Timestamp::now()));
            let claims_or_so = matches!(
                kind,
                Kind::PersistentVolumeClaim | Kind::PersistentVolume | Kind::Service
            );
            assert_eq!(synced(&shared.health.lock()), claims_or_so, "{kind:?}");
            shared.with_health(kind, |health| health.synced = true);
        }
    }
}
