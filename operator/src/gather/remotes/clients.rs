//! The registry of clients that writes to other clusters go through. A site is in it only while its
//! link is up: who finds none has nothing to send and waits for nobody.

use super::super::cluster::GuardFacts;
use super::super::shared::Shared;
use super::breaker::Breaker;
use parking_lot::RwLock;
use std::{collections::HashMap, sync::Arc};
use tokio::sync::Semaphore;

/// Writes in flight to one cluster at most.
pub const SITE_CONCURRENCY: usize = 16;

/// How to write to one other cluster.
#[derive(Clone)]
pub struct RemoteClient {
    /// Does not retry; times out connecting.
    pub client: kube::Client,
    /// Writes in flight to it are bounded by these.
    pub permits: Arc<Semaphore>,
    /// To be told how each request ended.
    pub breaker: Breaker,
    /// uid of the hub's `kube-system`: the mark of what is ours there.
    pub hub_uid: Arc<str>,
    /// uid of its own `kube-system`.
    pub cluster_uid: Arc<str>,
}

/// Clients by name of the Site. Cheap to clone.
#[derive(Clone)]
pub struct RemoteClients {
    clients: Arc<RwLock<HashMap<String, RemoteClient>>>,
    shared: Arc<Shared>,
}

impl RemoteClients {
    pub(in crate::gather) fn new(shared: Arc<Shared>) -> Self {
        Self {
            clients: Arc::default(),
            shared,
        }
    }

    /// One client alone, without any gathering.
    #[cfg(test)]
    pub(crate) fn of(site: &str, client: RemoteClient) -> Self {
        let clients = Self::new(Arc::new(Shared::new()));
        clients.put(site, client);
        clients
    }

    /// The client of a Site; `None` while its link is not up.
    #[must_use]
    pub fn get(&self, site: &str) -> Option<RemoteClient> {
        let found = self.clients.read().get(site).cloned()?;
        (!found.breaker.is_open()).then_some(found)
    }

    /// Notes how the receiving cluster's guard fares; passed over where the site is another cluster
    /// by now.
    pub fn guarded(&self, site: &str, cluster_uid: &str, guard: GuardFacts) {
        let changed = {
            let mut index = self.shared.index.write();
            let view = index.clusters.get_mut(site);
            view.is_some_and(|view| {
                let same = view.identity.as_ref().is_some_and(|i| i.uid == cluster_uid);
                if !same || view.guard == guard {
                    return false;
                }
                view.guard = guard;
                true
            })
        };
        if changed {
            self.shared.touch();
        }
    }

    pub(in crate::gather) fn put(&self, site: &str, client: RemoteClient) {
        self.clients.write().insert(site.to_owned(), client);
    }

    pub(in crate::gather) fn drop_site(&self, site: &str) {
        self.clients.write().remove(site);
    }
}

impl std::fmt::Debug for RemoteClients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never a client: it holds a credential.
        f.debug_tuple("RemoteClients")
            .field(&self.clients.read().keys().collect::<Vec<_>>())
            .finish()
    }
}
