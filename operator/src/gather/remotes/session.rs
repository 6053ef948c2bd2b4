//! One session with another cluster: its clients, its watches and its pulse, from the moment that
//! its identity was found right until something fails or a newer session takes its place.

use super::super::link::LinkFault;
use super::super::shared::Shared;
use super::super::watch;
use super::super::wire::{NamespaceWire, NodeWire, PodWire, QuotaWire};
use super::super::wire_scalable::DeploymentWire;
use super::backoff::Backoff;
use super::breaker::{Breaker, FAILURES_MAX};
use super::clients::{RemoteClient, SITE_CONCURRENCY};
use super::inbox::Inbox;
use super::{faults, identity};
use jiff::{SignedDuration, Timestamp};
use kube::{Api, Client, runtime::watcher};
use pinisi_crds::names::{MANAGED_BY, MANAGED_BY_LABEL};
use pinisi_crds::site::ClusterIdentity;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// Time between two looks whether the cluster is there.
pub const PULSE_EVERY: Duration = Duration::from_secs(10);
/// Time to the next look after one that failed, and least time between two.
const PULSE_AGAIN: Duration = Duration::from_secs(2);
/// Longest that the first lists may take.
const SYNC_MAX: Duration = Duration::from_secs(60);
/// Longest that a needed watch may fail while the cluster answers otherwise.
const WATCH_PATIENCE: SignedDuration = SignedDuration::from_secs(60);

/// What a session says about itself.
#[derive(Debug)]
pub(super) enum Event {
    /// Everything was listed whole.
    Synced,
    /// It is over.
    Failed(LinkFault),
    /// Something that can be done without cannot be read.
    Without(LinkFault),
}

/// What a session is made from.
pub(super) struct Opening {
    pub shared: Arc<Shared>,
    pub site: Arc<str>,
    /// For watches, and for looks at the cluster's pulse.
    pub watching: Client,
    /// For writes.
    pub writing: Client,
    pub identity: ClusterIdentity,
    pub hub_uid: Arc<str>,
    /// Digest of the kubeconfig.
    pub digest: [u8; 32],
}

/// One session. Dropping it ends its tasks.
pub(super) struct Session {
    pub client: RemoteClient,
    pub digest: [u8; 32],
    events: mpsc::UnboundedReceiver<Event>,
    token: CancellationToken,
    _tasks: JoinSet<()>,
}

impl Session {
    /// Starts its watches and its pulse.
    pub fn start(opening: Opening, stop: &CancellationToken) -> Self {
        let Opening {
            shared,
            site,
            watching,
            writing,
            identity,
            hub_uid,
            digest,
        } = opening;
        let token = stop.child_token();
        let (sender, events) = mpsc::unbounded_channel();
        let inbox = Arc::new(Inbox::new(
            shared,
            site.clone(),
            token.clone(),
            sender.clone(),
        ));
        let breaker = Breaker::default();
        let mut tasks = JoinSet::new();
        let ours = format!("{MANAGED_BY_LABEL}={MANAGED_BY}");
        macro_rules! watch {
            ($wire:ty, $config:expr) => {
                tasks.spawn(watch::run::<$wire, Inbox>(
                    inbox.clone(),
                    Api::all(watching.clone()),
                    $config,
                    token.clone(),
                ));
            };
        }
        watch!(NamespaceWire, watcher::Config::default());
        watch!(NodeWire, watcher::Config::default());
        watch!(PodWire, watcher::Config::default());
        watch!(DeploymentWire, watcher::Config::default().labels(&ours));
        watch!(QuotaWire, watcher::Config::default());
        tasks.spawn(pulse(
            watching,
            identity.uid.clone(),
            inbox,
            sender,
            Backoff::new(&site),
        ));
        Self {
            client: RemoteClient {
                client: writing,
                permits: Arc::new(Semaphore::new(SITE_CONCURRENCY)),
                breaker,
                hub_uid,
                cluster_uid: identity.uid.as_str().into(),
            },
            digest,
            events,
            token,
            _tasks: tasks,
        }
    }

    /// The next thing that it says.
    pub async fn event(&mut self) -> Event {
        tokio::select! {
            event = self.events.recv() => {
                event.unwrap_or_else(|| Event::Failed(faults::unreachable("its tasks ended")))
            }
            fault = self.client.breaker.tripped() => Event::Failed(fault),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.token.cancel();
    }
}

/// Looks again and again whether the cluster is there and still the same one; at once where a watch
/// stumbles.
async fn pulse(
    client: Client,
    uid: String,
    inbox: Arc<Inbox>,
    events: mpsc::UnboundedSender<Event>,
    pauses: Backoff,
) {
    let begun = Instant::now();
    let mut failures = 0;
    loop {
        let pause = if failures == 0 {
            PULSE_EVERY
        } else {
            PULSE_AGAIN
        };
        tokio::select! {
            () = tokio::time::sleep(pauses.around(pause)) => {}
            () = inbox.trouble() => {}
        }
        let fault = match identity::uid(&client).await {
            Ok(found) if found == uid => {
                failures = 0;
                late(&inbox, begun).or_else(|| inbox.failing(Timestamp::now(), WATCH_PATIENCE))
            }
            Ok(found) => Some(LinkFault::WrongCluster {
                expected: uid.clone(),
                found,
            }),
            Err(fault) => {
                failures += 1;
                let at_once =
                    matches!(fault, LinkFault::Unauthorized | LinkFault::Forbidden { .. });
                (at_once || failures >= FAILURES_MAX).then_some(fault)
            }
        };
        if let Some(fault) = fault {
            // Where nobody listens the session is over already.
            let _ = events.send(Event::Failed(fault));
            return;
        }
        // Watches that stumble one after the other are one trouble.
        tokio::time::sleep(PULSE_AGAIN / 2).await;
    }
}

fn late(inbox: &Inbox, begun: Instant) -> Option<LinkFault> {
    if inbox.complete() || begun.elapsed() < SYNC_MAX {
        return None;
    }
    let seconds = SYNC_MAX.as_secs();
    Some(faults::unreachable(&format!(
        "its first lists did not end within {seconds} s: {}",
        inbox.unlisted()
    )))
}
