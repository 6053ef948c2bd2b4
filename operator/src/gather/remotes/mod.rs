//! Other clusters: one supervisor a remote Site, each with its own client, watches and breaker, none
//! waiting for another. What they see goes into `Index.clusters`; who writes there asks
//! [`RemoteClients`].

mod backoff;
pub mod breaker;
pub mod clients;
mod faults;
mod identity;
mod inbox;
pub mod kubeconfig;
pub mod secret;
pub mod session;
mod supervisor;

pub use breaker::Breaker;
pub use clients::{RemoteClient, RemoteClients};
pub(super) use identity::find_hub;

use super::cluster::ClusterView;
use super::shared::Shared;
use jiff::Timestamp;
use kube::Client;
use pinisi_crds::site::{KubeconfigSecretRef, SiteType};
use secret::{Held, Place};
use std::collections::{BTreeMap, HashMap, hash_map::Entry};
use std::sync::Arc;
use supervisor::{Dial, Supervisor};
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// What a supervisor is started for; another one is another supervisor.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    /// uid of the Site.
    uid: String,
    /// Its Secret.
    secret: KubeconfigSecretRef,
}

/// A supervisor that runs.
struct Running {
    wanted: Wanted,
    /// The cluster that the Site names, for a look when another is named.
    cluster_uid: Option<String>,
    nudge: Arc<Notify>,
    token: CancellationToken,
}

/// Clients as they are made outside of tests.
pub(super) fn dial() -> Dial {
    Arc::new(kubeconfig::client)
}

/// Keeps one supervisor a remote Site until `stop`.
pub(super) async fn supervise(
    shared: Arc<Shared>,
    clients: RemoteClients,
    hub: Client,
    namespace: String,
    dial: Dial,
    stop: CancellationToken,
) {
    let mut running: HashMap<String, Running> = HashMap::new();
    let mut tasks = JoinSet::new();
    loop {
        // Registered before the look, so that no change between the two is missed.
        let changed = shared.sites_changed.notified();
        let sites = remote_sites(&shared);
        running.retain(|name, one| {
            let keep = sites.get(name).is_some_and(|(w, _)| *w == one.wanted);
            if !keep {
                end(&shared, &clients, name, one);
            }
            keep
        });
        for (name, (wanted, cluster_uid)) in sites {
            match running.entry(name) {
                Entry::Occupied(mut there) => {
                    if there.get().cluster_uid != cluster_uid {
                        there.get().nudge.notify_one();
                        there.get_mut().cluster_uid = cluster_uid;
                    }
                }
                Entry::Vacant(free) => {
                    let token = stop.child_token();
                    let nudge = Arc::new(Notify::new());
                    begin(&shared, free.key());
                    let place = Place::of(&namespace, &wanted.secret);
                    let (held, receiver) = watch::channel(Held::default());
                    tasks.spawn(secret::watch(hub.clone(), place, held, token.clone()));
                    let supervisor = Supervisor {
                        shared: shared.clone(),
                        clients: clients.clone(),
                        site: free.key().as_str().into(),
                        dial: dial.clone(),
                        held: receiver,
                        nudge: nudge.clone(),
                        token: token.clone(),
                    };
                    tasks.spawn(supervisor.run());
                    free.insert(Running {
                        wanted,
                        cluster_uid,
                        nudge,
                        token,
                    });
                }
            }
        }
        tokio::select! {
            () = changed => {}
            // Only to drop finished tasks.
            Some(_) = tasks.join_next() => {}
            () = stop.cancelled() => break,
        }
    }
    tasks.shutdown().await;
}

/// Sites that are other clusters, with the cluster that each names. Sovereign ground is never one.
fn remote_sites(shared: &Shared) -> BTreeMap<String, (Wanted, Option<String>)> {
    let index = shared.index.read();
    let remote = index.sites.iter().filter_map(|(name, facts)| {
        let spec = facts.spec.as_ref().ok()?;
        let secret = spec.kubeconfig_secret_ref.clone()?;
        let wanted = Wanted {
            uid: facts.uid.clone(),
            secret,
        };
        let lawful = spec.nodes.is_none() && spec.type_ != SiteType::OnPrem;
        lawful.then(|| (name.clone(), (wanted, spec.cluster_uid.clone())))
    });
    remote.collect()
}

fn begin(shared: &Shared, site: &str) {
    let view = ClusterView::new(Timestamp::now());
    shared.index.write().clusters.insert(site.to_owned(), view);
    shared.touch();
}

fn end(shared: &Shared, clients: &RemoteClients, site: &str, one: &Running) {
    {
        // Under the lock in which sessions write: nothing of the old one comes after this.
        let mut index = shared.index.write();
        one.token.cancel();
        index.clusters.remove(site);
        clients.drop_site(site);
    }
    shared.touch();
}
