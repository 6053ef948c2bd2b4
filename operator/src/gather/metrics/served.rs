//! What one cluster serves: which of the metrics APIs, in which version, and by what name it calls a
//! kind. Looked up only when an answer makes it necessary, and remembered.

use super::ask::refused;
use super::fault::MetricsFault;
use super::question::Api;
use kube::Client;
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

/// For so long it is believed what was seen of an API. Shorter than the time between two rounds, so
/// that each round looks anew, once.
const BELIEVED_FOR: Duration = Duration::from_secs(10);
/// Versions of custom metrics that are understood, the preferred one first.
const CUSTOM: [&str; 2] = ["v1beta2", "v1beta1"];
/// Most kinds whose names are remembered.
const KINDS_MAX: usize = 1024;

/// What one cluster serves, as far as it was looked up.
#[derive(Debug, Default)]
pub struct Served {
    /// When it was looked for an API, and whether it was there.
    seen: Mutex<BTreeMap<Api, (Instant, bool)>>,
    /// Place in [`CUSTOM`] of the version that is asked.
    custom: Mutex<usize>,
    /// By group and kind: what a path calls it.
    resources: Mutex<HashMap<(String, String), String>>,
    looking: tokio::sync::Mutex<()>,
}

impl Served {
    /// True where the API was not there just now.
    #[must_use]
    pub fn lacks(&self, api: Api) -> bool {
        self.seen_lately(api) == Some(false)
    }

    fn seen_lately(&self, api: Api) -> Option<bool> {
        let (at, there) = *self.seen.lock().get(&api)?;
        (at.elapsed() < BELIEVED_FOR).then_some(there)
    }

    /// The version in which custom metrics are asked.
    #[must_use]
    pub fn custom(&self) -> &'static str {
        CUSTOM
            .get(*self.custom.lock())
            .copied()
            .unwrap_or(CUSTOM[0])
    }

    /// Looks whether an API is there after all, and in which version. Of many who want to know at
    /// once one looks.
    ///
    /// # Errors
    /// That cannot be said.
    pub async fn look(&self, client: &Client, api: Api) -> Result<(), MetricsFault> {
        let _one = self.looking.lock().await;
        if self.seen_lately(api).is_some() {
            return Ok(());
        }
        let groups = client.list_api_groups().await;
        let groups = groups.map_err(|error| refused(api, &error))?;
        let found = groups.groups.into_iter().find(|g| g.name == api.group());
        if let (Some(group), Api::Custom) = (&found, api) {
            let has = |version: &&str| group.versions.iter().any(|v| v.version == **version);
            *self.custom.lock() = CUSTOM.iter().position(has).unwrap_or(0);
        }
        let there = (Instant::now(), found.is_some());
        self.seen.lock().insert(api, there);
        Ok(())
    }

    /// What a path calls a kind, such as `ingresses.networking.k8s.io`. As an HPA: by group and kind,
    /// so that any version that is served will do.
    ///
    /// # Errors
    /// The cluster knows no such kind, or does not answer.
    pub async fn resource(
        &self,
        client: &Client,
        api_version: &str,
        kind: &str,
    ) -> Result<String, MetricsFault> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let key = (group.to_owned(), kind.to_owned());
        if let Some(known) = self.resources.lock().get(&key) {
            return Ok(known.clone());
        }
        let unknown = || MetricsFault::NoKind {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
        };
        let refused = |error: kube::Error| refused(Api::Custom, &error);
        let mut found = named(client, group, version, kind).await.map_err(refused)?;
        if found.is_none() {
            let groups = client.list_api_groups().await.map_err(refused)?;
            let served = groups.groups.into_iter().find(|g| g.name == group);
            let preferred = served.and_then(|g| g.preferred_version);
            if let Some(other) = preferred.filter(|p| p.version != version) {
                found = named(client, group, &other.version, kind)
                    .await
                    .map_err(refused)?;
            }
        }
        let plural = found.ok_or_else(unknown)?;
        let name = if group.is_empty() {
            plural
        } else {
            format!("{plural}.{group}")
        };
        let mut resources = self.resources.lock();
        if resources.len() < KINDS_MAX {
            resources.insert(key, name.clone());
        }
        Ok(name)
    }
}

/// A kind's plural in one version of a group; `None` where there is no such kind or no such version.
async fn named(
    client: &Client,
    group: &str,
    version: &str,
    kind: &str,
) -> Result<Option<String>, kube::Error> {
    let listed = if group.is_empty() {
        client.list_core_api_resources(version).await
    } else {
        let version = format!("{group}/{version}");
        client.list_api_group_resources(&version).await
    };
    match listed {
        Ok(list) => {
            let mut resources = list.resources.into_iter();
            Ok(resources
                .find(|r| r.kind == kind && !r.name.contains('/'))
                .map(|r| r.name))
        }
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        Err(error) => Err(error),
    }
}
