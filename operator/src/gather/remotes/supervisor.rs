//! One site's supervisor: reads the Secret, judges the kubeconfig and the cluster behind it, and
//! keeps a session with it. A new kubeconfig takes over from the old one without a gap. Whatever
//! happens here, no other site and no loop waits for it.

use super::super::cluster::{ClusterView, GuardFacts};
use super::super::link::{Link, LinkFault};
use super::super::shared::Shared;
use super::backoff::Backoff;
use super::clients::RemoteClients;
use super::secret::{Content, Held};
use super::session::{Event, Opening, Session};
use super::{identity, kubeconfig};
use jiff::Timestamp;
use kube::{Client, Config};
use pinisi_crds::site::ClusterIdentity;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, watch as channel},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// How soon it is looked again what was refused: the address may lead elsewhere by then.
const REFUSED_AGAIN: Duration = Duration::from_secs(60);
/// How soon it is looked again whether the hub knows itself.
const HUB_AGAIN: Duration = Duration::from_secs(1);

/// Makes a client from a kubeconfig that was found sound.
pub(super) type Dial = Arc<dyn Fn(Config) -> Result<Client, LinkFault> + Send + Sync>;

/// What a supervisor is made from.
pub(super) struct Supervisor {
    pub shared: Arc<Shared>,
    pub clients: RemoteClients,
    pub site: Arc<str>,
    /// How clients are made.
    pub dial: Dial,
    /// The Secret's content as it comes.
    pub held: channel::Receiver<Held>,
    /// Says that the cluster which the Site expects may be another one.
    pub nudge: Arc<Notify>,
    /// Ends it.
    pub token: CancellationToken,
}

/// Sessions of one site: the one that serves, and the one that is to take over.
#[derive(Default)]
struct Sessions {
    current: Option<Session>,
    next: Option<Session>,
}

/// Why an attempt came to nothing.
enum Nothing {
    /// What is needed is not known yet; `Some` says when to look again.
    NotYet(Option<Duration>),
    /// The sessions have this kubeconfig already.
    Same,
    /// The sessions speak with another cluster than the one that is right by now.
    Moved,
    /// A fault.
    Fault(LinkFault),
}

impl Supervisor {
    /// Runs until its token is cancelled.
    pub async fn run(mut self) {
        let mut sessions = Sessions::default();
        let mut pauses = Backoff::new(&self.site);
        let mut attempt_at = Some(Instant::now());
        loop {
            tokio::select! {
                () = self.token.cancelled() => return,
                changed = self.held.changed() => match changed {
                    Ok(()) => attempt_at = Some(Instant::now()),
                    Err(_) => return,
                },
                () = self.nudge.notified() => {
                    if sessions.strangers(self.expected().as_deref()) {
                        sessions = Sessions::default();
                        self.clients.drop_site(&self.site);
                    }
                    attempt_at = Some(Instant::now());
                }
                () = until(attempt_at) => {
                    let made = tokio::select! {
                        made = self.attempt(&sessions) => made,
                        () = self.token.cancelled() => return,
                    };
                    attempt_at = self.attempted(made, &mut sessions, &mut pauses);
                }
                event = event(&mut sessions.next) => match event {
                    Event::Synced => {
                        pauses.reset();
                        sessions.current = sessions.next.take();
                        self.up(sessions.current.as_ref());
                    }
                    Event::Without(fault) => self.warn(fault),
                    Event::Failed(fault) => {
                        sessions.next = None;
                        attempt_at = self.failed(fault, &mut sessions, &mut pauses);
                    }
                },
                event = event(&mut sessions.current) => match event {
                    Event::Synced => {}
                    Event::Without(fault) => self.warn(fault),
                    Event::Failed(fault) => {
                        sessions.current = None;
                        self.clients.drop_site(&self.site);
                        // A new kubeconfig that is on its way in makes up for it, or fails by itself.
                        if sessions.next.is_none() {
                            attempt_at = self.failed(fault, &mut sessions, &mut pauses);
                        }
                    }
                },
            }
        }
    }

    async fn attempt(&self, sessions: &Sessions) -> Result<Session, Nothing> {
        let held = self.held.borrow().clone();
        let Content { digest, bytes } = match held {
            Held::Unread => return Err(Nothing::NotYet(None)),
            Held::Fault(fault) => return Err(Nothing::Fault(fault)),
            Held::Content(content) => content,
        };
        if sessions.have(&digest) {
            return Err(Nothing::Same);
        }
        let Some(hub) = self.shared.index.read().hub.clone() else {
            return Err(Nothing::NotYet(Some(HUB_AGAIN)));
        };
        let config = kubeconfig::read(&bytes)?;
        let watching = (self.dial)(config.clone())?;
        let writing = (self.dial)(config)?;
        let found = identity::ask(&watching).await?;
        identity::judge(&found, &hub, self.expected().as_deref())?;
        if sessions.strangers(Some(&found.uid)) {
            // They would go on putting the other cluster's facts into the view.
            return Err(Nothing::Moved);
        }
        self.believe(&found);
        let opening = Opening {
            shared: self.shared.clone(),
            site: self.site.clone(),
            watching,
            writing,
            identity: found,
            hub_uid: hub.uid.as_str().into(),
            digest,
        };
        Ok(Session::start(opening, &self.token))
    }

    /// When the next attempt is due.
    fn attempted(
        &self,
        made: Result<Session, Nothing>,
        sessions: &mut Sessions,
        pauses: &mut Backoff,
    ) -> Option<Instant> {
        match made {
            Ok(session) => {
                sessions.next = Some(session);
                None
            }
            Err(Nothing::Same) => None,
            Err(Nothing::Moved) => {
                *sessions = Sessions::default();
                self.clients.drop_site(&self.site);
                Some(Instant::now())
            }
            Err(Nothing::NotYet(pause)) => pause.map(|pause| Instant::now() + pause),
            Err(Nothing::Fault(fault)) => self.failed(fault, sessions, pauses),
        }
    }

    /// Says a fault on the view, and when the next attempt is due.
    fn failed(
        &self,
        fault: LinkFault,
        sessions: &mut Sessions,
        pauses: &mut Backoff,
    ) -> Option<Instant> {
        let pause = if fault.refuses() {
            *sessions = Sessions::default();
            REFUSED_AGAIN
        } else {
            pauses.next_pause()
        };
        if sessions.current.is_some() {
            // The old kubeconfig still serves.
            self.warn(fault);
        } else {
            self.clients.drop_site(&self.site);
            self.down(fault);
        }
        Some(Instant::now() + pause)
    }

    /// uid of the cluster that it must be, as far as that is known.
    fn expected(&self) -> Option<String> {
        let index = self.shared.index.read();
        let site = index.sites.get(&*self.site)?;
        let said = site.spec.as_ref().ok().and_then(|s| s.cluster_uid.clone());
        let seen = index.clusters.get(&*self.site);
        let seen = seen.and_then(|view| view.identity.as_ref());
        let kept = site.status.cluster.as_ref();
        said.or_else(|| seen.or(kept).map(|identity| identity.uid.clone()))
    }

    /// The cluster was found right. Facts of another one go.
    fn believe(&self, found: &ClusterIdentity) {
        self.in_view(|view| {
            if view.identity.as_ref().is_none_or(|i| i.uid != found.uid) {
                view.forget();
            }
            view.identity = Some(found.clone());
            // What the new session cannot do it will say anew.
            view.warnings.clear();
        });
    }

    fn up(&self, session: Option<&Session>) {
        let Some(session) = session else { return };
        self.in_view(|view| {
            if !view.link.is_up() {
                // What happened to the guard meanwhile nobody has seen.
                view.guard = GuardFacts::Unknown;
                tracing::info!(
                    site = &*self.site,
                    cluster = &*session.client.cluster_uid,
                    "site is reachable"
                );
            }
            view.link = Link::Up;
            view.seen = true;
            self.clients.put(&self.site, session.client.clone());
        });
    }

    fn down(&self, fault: LinkFault) {
        self.in_view(|view| {
            *view.errors.entry(fault.reason()).or_default() += 1;
            if view.link.fault().map(|(_, old)| old) != Some(&fault) {
                tracing::warn!(site = &*self.site, reason = fault.reason(), %fault, "site is not reachable");
            }
            let now = Timestamp::now();
            // A clock that ran backwards must not put off the end of the grace.
            let since = view.link.fault().map_or(now, |(since, _)| since.min(now));
            view.link = if fault.refuses() {
                Link::Refused { since, fault }
            } else {
                Link::Down { since, fault }
            };
        });
    }

    fn warn(&self, fault: LinkFault) {
        self.in_view(|view| {
            *view.errors.entry(fault.reason()).or_default() += 1;
            if !view.warnings.contains(&fault) {
                tracing::warn!(site = &*self.site, reason = fault.reason(), %fault, "site is served with a limitation");
                view.warnings.retain(|w| w.reason() != fault.reason());
                view.warnings.push(fault);
            }
        });
    }

    fn in_view(&self, change: impl FnOnce(&mut ClusterView)) {
        {
            let mut index = self.shared.index.write();
            // Under the lock: the parent cancels and removes the view under it.
            if self.token.is_cancelled() {
                return;
            }
            if let Some(view) = index.clusters.get_mut(&*self.site) {
                change(view);
            }
        }
        self.shared.touch();
    }
}

impl Sessions {
    /// True where a session has this kubeconfig already.
    fn have(&self, digest: &[u8; 32]) -> bool {
        let newest = self.next.as_ref().or(self.current.as_ref());
        newest.is_some_and(|session| session.digest == *digest)
    }

    /// True where a session speaks with another cluster than expected.
    fn strangers(&self, expected: Option<&str>) -> bool {
        let other = |session: &Session| expected.is_some_and(|e| *session.client.cluster_uid != *e);
        self.current.iter().chain(&self.next).any(other)
    }
}

impl From<LinkFault> for Nothing {
    fn from(fault: LinkFault) -> Self {
        Self::Fault(fault)
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn event(session: &mut Option<Session>) -> Event {
    match session {
        Some(session) => session.event().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
