//! Where what one session sees of a cluster goes: into that cluster's view, and what matters to the
//! session itself into its events. Nothing of an ended session comes after its end.

use super::super::cluster::ClusterView;
use super::super::link::LinkFault;
use super::super::shared::{Kind, Shared, WatchHealth};
use super::super::watch::Destination;
use super::faults;
use super::session::Event;
use jiff::{SignedDuration, Timestamp};
use kube::runtime::watcher;
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

/// One session's way into the view of its cluster.
#[derive(Debug)]
pub(super) struct Inbox {
    shared: Arc<Shared>,
    site: Arc<str>,
    token: CancellationToken,
    events: mpsc::UnboundedSender<Event>,
    listing: Mutex<Listing>,
    trouble: Notify,
}

#[derive(Debug)]
struct Listing {
    /// Kinds that this session has not listed whole.
    left: BTreeSet<Kind>,
    /// The last fault of each kind that fails.
    faults: BTreeMap<Kind, LinkFault>,
}

impl Inbox {
    pub fn new(
        shared: Arc<Shared>,
        site: Arc<str>,
        token: CancellationToken,
        events: mpsc::UnboundedSender<Event>,
    ) -> Self {
        Self {
            shared,
            site,
            token,
            events,
            listing: Mutex::new(Listing {
                left: Kind::REMOTE.into_iter().collect(),
                faults: BTreeMap::new(),
            }),
            trouble: Notify::new(),
        }
    }

    /// Waits until a watch has failed.
    pub async fn trouble(&self) {
        self.trouble.notified().await;
    }

    /// True once every kind was listed whole, or can be done without.
    pub fn complete(&self) -> bool {
        self.listing.lock().left.is_empty()
    }

    /// What stands against the lists that are not whole yet.
    pub fn unlisted(&self) -> String {
        let listing = self.listing.lock();
        let named = listing.left.iter().map(|kind| {
            let fault = listing.faults.get(kind);
            let why = fault.map_or_else(|| "under way".to_owned(), LinkFault::to_string);
            format!("{}: {why}", kind.name())
        });
        faults::bounded(&named.collect::<Vec<_>>().join("; "))
    }

    /// The fault of a needed kind whose watch has been failing for longer than `patience`.
    pub fn failing(&self, now: Timestamp, patience: SignedDuration) -> Option<LinkFault> {
        let index = self.shared.index.read();
        let view = index.clusters.get(&*self.site)?;
        let long = |health: &WatchHealth| {
            let since = health.failing_since;
            since.is_some_and(|since| now.duration_since(since) > patience)
        };
        let (kind, health) = view
            .health
            .iter()
            .find(|(kind, health)| !kind.is_optional() && long(health))?;
        let said = self.listing.lock().faults.get(kind).cloned();
        Some(said.unwrap_or_else(|| {
            let error = health.error.clone().unwrap_or_default();
            faults::unreachable(&format!("{}: {error}", kind.name()))
        }))
    }

    fn tell(&self, event: Event) {
        // The session is gone only when nobody listens any more.
        let _ = self.events.send(event);
    }

    fn in_view<T>(&self, look: impl FnOnce(&mut ClusterView) -> T) -> Option<T> {
        let mut index = self.shared.index.write();
        // Under the lock: whoever ended the session held it too.
        if self.token.is_cancelled() {
            return None;
        }
        index.clusters.get_mut(&*self.site).map(look)
    }
}

impl Destination for Inbox {
    type Store = ClusterView;

    fn change(&self, change: impl FnOnce(&mut ClusterView) -> bool) -> bool {
        self.in_view(change).unwrap_or(false)
    }

    fn with_health(&self, kind: Kind, change: impl FnOnce(&mut WatchHealth)) {
        self.in_view(|view| change(view.health.entry(kind).or_default()));
    }

    fn listed(&self, kind: Kind) {
        let mut listing = self.listing.lock();
        listing.faults.remove(&kind);
        let complete = listing.left.remove(&kind) && listing.left.is_empty();
        drop(listing);
        if complete {
            self.tell(Event::Synced);
        }
    }

    fn failed(&self, kind: Kind, error: &watcher::Error) {
        let fault = faults::of_watch(error, kind);
        let lasting = matches!(
            fault,
            LinkFault::Forbidden { .. } | LinkFault::KindMissing { .. }
        );
        let mut listing = self.listing.lock();
        let first = listing.faults.insert(kind, fault.clone()).as_ref() != Some(&fault);
        let unlisted = listing.left.contains(&kind);
        if kind.is_optional() && lasting {
            let complete = listing.left.remove(&kind) && listing.left.is_empty();
            drop(listing);
            if first {
                self.tell(Event::Without(fault));
            }
            if complete {
                self.tell(Event::Synced);
            }
            return;
        }
        drop(listing);
        if unlisted && (lasting || fault == LinkFault::Unauthorized) {
            self.tell(Event::Failed(fault));
        } else {
            self.trouble.notify_one();
        }
    }

    fn touched(&self, _: Kind) {
        self.shared.touch();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gather::facts::NamespaceFacts;

    fn inbox() -> (Arc<Shared>, Inbox, mpsc::UnboundedReceiver<Event>) {
        let shared = Arc::new(Shared::new());
        let view = ClusterView::default();
        shared.index.write().clusters.insert("cloud".into(), view);
        let (events, heard) = mpsc::unbounded_channel();
        let token = CancellationToken::new();
        let inbox = Inbox::new(shared.clone(), "cloud".into(), token, events);
        (shared, inbox, heard)
    }

    fn refused(code: u16) -> watcher::Error {
        let mut status = kube::core::Status::failure("no", "Reason");
        status.code = code;
        watcher::Error::InitialListFailed(kube::Error::Api(Box::new(status)))
    }

    const NEEDED: [Kind; 4] = [Kind::Namespace, Kind::Node, Kind::Pod, Kind::Deployment];

    #[test]
    fn a_session_is_synced_once_when_every_kind_is_listed() {
        let (_shared, inbox, mut heard) = inbox();
        NEEDED.iter().for_each(|kind| inbox.listed(*kind));
        assert!(!inbox.complete() && heard.try_recv().is_err());
        inbox.listed(Kind::ResourceQuota);
        inbox.listed(Kind::ResourceQuota);
        assert!(inbox.complete());
        assert!(matches!(heard.try_recv(), Ok(Event::Synced)));
        assert!(heard.try_recv().is_err());
    }

    #[test]
    fn quotas_can_be_done_without_and_nodes_cannot() {
        for code in [403, 404] {
            let (_shared, inbox, mut heard) = inbox();
            NEEDED.iter().for_each(|kind| inbox.listed(*kind));
            inbox.failed(Kind::ResourceQuota, &refused(code));
            inbox.failed(Kind::ResourceQuota, &refused(code));
            assert!(matches!(heard.try_recv(), Ok(Event::Without(_))));
            assert!(matches!(heard.try_recv(), Ok(Event::Synced)));
            assert!(heard.try_recv().is_err(), "said once");
        }
        let (_shared, inbox, mut heard) = inbox();
        inbox.failed(Kind::Node, &refused(403));
        let Ok(Event::Failed(fault)) = heard.try_recv() else {
            panic!();
        };
        assert_eq!(fault.reason(), "Forbidden");
        assert!(inbox.unlisted().contains("Node: "));
    }

    #[test]
    fn a_watch_that_only_stumbles_is_looked_into_and_one_that_lies_down_is_told() {
        let (shared, inbox, mut heard) = inbox();
        inbox.failed(Kind::Pod, &refused(500));
        assert!(heard.try_recv().is_err());
        let since = Timestamp::from_second(1000).unwrap();
        inbox.with_health(Kind::Pod, |health| health.failing_since = Some(since));
        let patience = SignedDuration::from_secs(60);
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(inbox.failing(at(1060), patience), None);
        assert!(inbox.failing(at(1061), patience).is_some());
        assert_eq!(
            inbox.failing(at(10), patience),
            None,
            "a clock that ran backwards"
        );
        drop(shared);
    }

    #[test]
    fn nothing_comes_after_the_end() {
        let (shared, inbox, _heard) = inbox();
        let add =
            |view: &mut ClusterView| view.apply_namespace("shop".into(), NamespaceFacts::default());
        assert!(inbox.change(add));
        inbox.token.cancel();
        shared
            .index
            .write()
            .clusters
            .get_mut("cloud")
            .unwrap()
            .forget();
        assert!(!inbox.change(add));
        assert!(shared.index.read().clusters["cloud"].namespaces.is_empty());
        shared.index.write().clusters.clear();
        inbox.with_health(Kind::Pod, |health| health.synced = true);
        assert!(
            shared.index.read().clusters.is_empty(),
            "a Site that is gone stays gone"
        );
    }
}
