//! A record of every count that the Deployments of a namespace went through, from a watch and
//! not from polls, so that a moment too short for a poll is seen as well.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt as _;
use k8s_openapi::api::apps::v1::Deployment;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, ResourceExt as _};
use parking_lot::Mutex;

/// Specified and Ready replicas of each Deployment at one moment.
pub type Counts = BTreeMap<String, (i32, i32)>;

/// A record that goes on until it is dropped.
pub struct Recorder {
    moments: Arc<Mutex<Vec<Counts>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Recorder {
    /// Begins to record.
    #[must_use]
    pub fn start(client: &Client, namespace: &str) -> Self {
        let moments = Arc::new(Mutex::new(Vec::new()));
        let api = Api::<Deployment>::namespaced(client.clone(), namespace);
        let log = Arc::clone(&moments);
        let task = tokio::spawn(async move {
            let mut now = Counts::new();
            // The first list comes one by one: no moment before it is whole.
            let mut whole = false;
            let mut events = watcher(api, watcher::Config::default()).boxed();
            while let Some(event) = events.next().await {
                match event {
                    Ok(Event::Apply(found) | Event::InitApply(found)) => {
                        let ready = found
                            .status
                            .as_ref()
                            .and_then(|s| s.ready_replicas)
                            .unwrap_or(0);
                        now.insert(found.name_any(), (found.spec.replicas.unwrap_or(1), ready));
                    }
                    Ok(Event::Delete(found)) => {
                        now.remove(&found.name_any());
                    }
                    Ok(Event::Init) => whole = false,
                    Ok(Event::InitDone) => whole = true,
                    Err(_) => {}
                }
                if whole {
                    log.lock().push(now.clone());
                }
            }
        });
        Self { moments, task }
    }

    /// Every moment so far.
    #[must_use]
    pub fn moments(&self) -> Vec<Counts> {
        self.moments.lock().clone()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.task.abort();
    }
}
