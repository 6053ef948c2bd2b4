//! The demo's own watch on pods, nodes and siblings, with each cluster's admin.
//! Feeds `seen.rs`; decides nothing.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use futures::StreamExt as _;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokio::task::JoinHandle;

use super::seen::{Cluster, Seen};

/// Most time for the first look at everything.
const FIRST_LOOK: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);

/// A watch that runs. Ends when dropped.
#[derive(Debug)]
pub struct Watch {
    seen: Arc<Mutex<Seen>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Watch {
    /// Watches all pods, all nodes, and the siblings in the mass traffic's
    /// namespace. Returns when all nodes and then all pods are known, so that
    /// no pod is ever seen on a node of which nothing is known yet.
    ///
    /// # Errors
    /// When the API server does not answer in time.
    pub async fn start(client: &Client, sensitive: &str, mass: &str) -> Result<Self> {
        let mut watch = Self {
            seen: Arc::new(Mutex::new(Seen::new(sensitive))),
            tasks: Vec::new(),
        };
        watch.also(client, Cluster::Hub, mass).await?;
        Ok(watch)
    }

    /// Watches the same in one more cluster.
    ///
    /// # Errors
    /// As [`Watch::start`].
    pub async fn also(&mut self, client: &Client, cluster: Cluster, mass: &str) -> Result<()> {
        self.follow(
            Api::<Node>::all(client.clone()),
            Config::default(),
            cluster,
            Seen::node,
        );
        self.until(|seen| seen.nodes_known(cluster), "nodes")
            .await?;
        self.follow(
            Api::<Pod>::all(client.clone()),
            Config::default(),
            cluster,
            Seen::pod,
        );
        self.until(|seen| seen.pods_known(cluster), "pods").await?;
        let siblings = Config::default().labels(crate::nodes::SITE_TAINT);
        let deployments = Api::<Deployment>::namespaced(client.clone(), mass);
        self.follow(deployments, siblings, cluster, Seen::sibling);
        Ok(())
    }

    /// What was seen so far.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A handle on what is seen that outlives a borrow of the watch.
    #[must_use]
    pub fn handle(&self) -> Arc<Mutex<Seen>> {
        Arc::clone(&self.seen)
    }

    fn follow<K>(
        &mut self,
        api: Api<K>,
        config: Config,
        cluster: Cluster,
        note: fn(&mut Seen, Cluster, Event<K>, i64),
    ) where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
    {
        let seen = Arc::clone(&self.seen);
        self.tasks.push(tokio::spawn(async move {
            // One request lists and watches: none can expire between a list and its watch.
            let config = config.streaming_lists();
            let mut events = watcher(api, config).default_backoff().boxed();
            while let Some(event) = events.next().await {
                let now = Timestamp::now().as_millisecond();
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                match event {
                    Ok(event) => note(&mut seen, cluster, event, now),
                    Err(error) => seen.gap(&format!("{}: {error}", K::plural(&()))),
                }
            }
        }));
    }

    async fn until(&self, known: impl Fn(&Seen) -> bool, what: &str) -> Result<()> {
        let deadline = tokio::time::Instant::now() + FIRST_LOOK;
        while !known(&self.seen()) {
            if tokio::time::Instant::now() >= deadline {
                bail!(
                    "the demo's watch on {what} did not begin within {} s",
                    FIRST_LOOK.as_secs()
                );
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}
