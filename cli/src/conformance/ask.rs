//! Sends one request of a case and reads the answer. Everything but connecting is a dry run:
//! admission judges it just the same, and nothing can leak where a guard is missing.

use super::attempt::{Act, Cluster, Identity, Request};
use super::judge::Answer;
use anyhow::{Context as _, Result};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIGroup, APIResourceList};
use kube::Client;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long one answer is waited for.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a request is repeated that may pass yet: a conflict, or rights that are new.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two of them.
const PAUSE: Duration = Duration::from_millis(100);

/// Whoever asks, with what is known of the servers so far.
pub struct Asker {
    here: Client,
    there: Option<Client>,
    users: BTreeMap<Identity, Impersonated>,
    /// What each version of a group serves; nothing where it is not served.
    served: BTreeMap<(Cluster, String), Served>,
    /// The versions of each group.
    versions: BTreeMap<(Cluster, &'static str), Vec<String>>,
}

/// A user name with its groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impersonated {
    /// The user.
    pub user: String,
    /// Its groups, but for that of everybody who is logged in.
    pub groups: Vec<String>,
}

/// Names of resources, subresources included.
type Served = BTreeSet<String>;

/// What was asked for in the end, and the answer.
pub enum Asked {
    /// The server does not serve it.
    NotServed,
    /// There is no other cluster to ask.
    NoRemote,
    /// It answered.
    Answered(Answer),
}

impl Asker {
    /// Of one cluster, or of two.
    #[must_use]
    pub fn new(
        here: Client,
        there: Option<Client>,
        users: BTreeMap<Identity, Impersonated>,
    ) -> Self {
        Self {
            here,
            there,
            users,
            served: BTreeMap::new(),
            versions: BTreeMap::new(),
        }
    }

    /// Asks, again where the answer may be another in a moment.
    ///
    /// # Errors
    /// It cannot be found out what the server serves, or the request cannot be written.
    pub async fn ask(&mut self, request: &Request) -> Result<Asked> {
        let Some(client) = self.client(request.cluster) else {
            return Ok(Asked::NoRemote);
        };
        let Some(version) = self.version(&client, request).await? else {
            return Ok(Asked::NotServed);
        };
        let mut request = request.clone();
        request.target.version = version;
        let end = Instant::now() + PATIENCE;
        loop {
            let who = self.users.get(&request.identity);
            let answer = send(&client, &request, who, Trial::Dry).await?;
            let again = answer.may_pass() || answer.lacks_rights();
            if !again || Instant::now() >= end {
                return Ok(Asked::Answered(answer));
            }
            sleep(PAUSE).await;
        }
    }

    fn client(&self, cluster: Cluster) -> Option<Client> {
        match cluster {
            Cluster::Here => Some(self.here.clone()),
            Cluster::Remote => self.there.clone(),
        }
    }

    /// Makes it, for real, again where rights are new; none where the server does not serve it.
    ///
    /// # Errors
    /// As [`Asker::ask`].
    pub async fn make(&mut self, request: &Request) -> Result<Option<Answer>> {
        let Some(client) = self.client(request.cluster) else {
            return Ok(None);
        };
        let Some(version) = self.version(&client, request).await? else {
            return Ok(None);
        };
        let mut request = request.clone();
        request.target.version = version;
        let who = self.users.get(&request.identity);
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = send(&client, &request, who, Trial::Real).await?;
            if !answer.lacks_rights() || Instant::now() >= end {
                return Ok(Some(answer));
            }
            sleep(PAUSE).await;
        }
    }

    /// The version to ask: the one that is named, or another that serves the resource.
    async fn version(&mut self, client: &Client, request: &Request) -> Result<Option<String>> {
        let group = request.target.group;
        let wanted = request.target.full_resource();
        let mut versions = vec![request.target.version.clone()];
        versions.extend(self.versions_of(client, request.cluster, group).await?);
        for version in versions {
            let path = match group {
                "" => format!("/api/{version}"),
                group => format!("/apis/{group}/{version}"),
            };
            if self
                .resources_at(client, request.cluster, path)
                .await?
                .contains(&wanted)
            {
                return Ok(Some(version));
            }
        }
        Ok(None)
    }

    async fn versions_of(
        &mut self,
        client: &Client,
        cluster: Cluster,
        group: &'static str,
    ) -> Result<Vec<String>> {
        if group.is_empty() {
            return Ok(Vec::new());
        }
        let key = (cluster, group);
        if let Some(known) = self.versions.get(&key) {
            return Ok(known.clone());
        }
        let found = get::<APIGroup>(client, &format!("/apis/{group}")).await?;
        let found = found.map(|group| group.versions).unwrap_or_default();
        let found: Vec<String> = found.into_iter().map(|each| each.version).collect();
        self.versions.insert(key, found.clone());
        Ok(found)
    }

    async fn resources_at(
        &mut self,
        client: &Client,
        cluster: Cluster,
        path: String,
    ) -> Result<&Served> {
        let key = (cluster, path);
        if !self.served.contains_key(&key) {
            let list = get::<APIResourceList>(client, &key.1).await?;
            let list = list.map(|list| list.resources).unwrap_or_default();
            let names = list.into_iter().map(|resource| resource.name).collect();
            self.served.insert(key.clone(), names);
        }
        Ok(self.served.entry(key).or_default())
    }
}

/// What is at a path; none where there is nothing.
async fn get<T: DeserializeOwned>(client: &Client, path: &str) -> Result<Option<T>> {
    let request = http::Request::get(path).body(Vec::new())?;
    match client.request::<T>(request).await {
        Ok(found) => Ok(Some(found)),
        Err(kube::Error::Api(status)) if status.code == crate::connect::NOT_FOUND => Ok(None),
        Err(error) => Err(error).with_context(|| format!("read {path}")),
    }
}

async fn send(
    client: &Client,
    request: &Request,
    who: Option<&Impersonated>,
    trial: Trial,
) -> Result<Answer> {
    let built = written(request, who, trial)?;
    let answer = tokio::time::timeout(ANSWER_TIMEOUT, client.request::<Value>(built)).await;
    Ok(match answer {
        Ok(Ok(object)) => Answer::Yes(object),
        Ok(Err(kube::Error::Api(status))) => Answer::No {
            code: status.code,
            message: status.message.clone(),
        },
        Ok(Err(error)) => Answer::None(crate::connect::cause(&error)),
        Err(_) => Answer::None(format!("no answer in {} s", ANSWER_TIMEOUT.as_secs())),
    })
}

/// Whether a request only asks what would become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trial {
    /// A dry run.
    Dry,
    /// For real: the canaries.
    Real,
}

/// As it goes over the wire.
fn written(
    request: &Request,
    who: Option<&Impersonated>,
    trial: Trial,
) -> Result<http::Request<Vec<u8>>> {
    let Request {
        cluster: _,
        target,
        act,
        identity: _,
    } = request;
    let path = target.path();
    let (dry, options) = match trial {
        Trial::Dry => ("&dryRun=All", json!({"dryRun": ["All"]})),
        Trial::Real => ("", json!({})),
    };
    let asked = format!("{path}?fieldManager=pinisi-conformance{dry}");
    const JSON: &str = "application/json";
    let (method, path, kind, body) = match act {
        Act::Create(body) => ("POST", asked, JSON, body.clone()),
        Act::Replace(body) => ("PUT", asked, JSON, body.clone()),
        Act::Merge(body) => ("PATCH", asked, "application/merge-patch+json", body.clone()),
        Act::Patch(body) => ("PATCH", asked, "application/json-patch+json", body.clone()),
        // Where there is a body the API server reads the options of a deletion from it alone.
        Act::Delete => ("DELETE", asked, JSON, options),
        Act::Connect(query) => ("POST", format!("{path}?{query}"), JSON, Value::Null),
    };
    let mut body = body;
    // As the version that is asked was found out only now. Subresources have kinds of other groups.
    let whole = matches!(act, Act::Create(_) | Act::Replace(_)) && target.subresource.is_empty();
    if whole && body.get("apiVersion").is_some() {
        body["apiVersion"] = match target.group {
            "" => json!(target.version),
            group => json!(format!("{group}/{}", target.version)),
        };
    }
    let mut built = http::Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", kind);
    if let Some(Impersonated { user, groups }) = who {
        built = built.header("impersonate-user", user);
        for group in groups {
            built = built.header("impersonate-group", group);
        }
        built = built.header("impersonate-group", "system:authenticated");
    }
    Ok(built.body(match body {
        Value::Null => Vec::new(),
        body => serde_json::to_vec(&body)?,
    })?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::attempt::Target;

    #[test]
    fn every_trial_is_a_dry_run_for_the_server_too() {
        let target = || Target::core("pods").within("a").named("p");
        for act in [
            Act::Create(json!({})),
            Act::Replace(json!({})),
            Act::Merge(json!({})),
            Act::Patch(json!([])),
            Act::Delete,
        ] {
            let request = Request::new(target(), act.clone());
            let dry = written(&request, None, Trial::Dry).unwrap();
            assert!(dry.uri().query().unwrap().contains("dryRun=All"), "{act:?}");
            let options: Value = serde_json::from_slice(dry.body()).unwrap();
            let said = options["dryRun"] == json!(["All"]);
            assert_eq!(
                said,
                act == Act::Delete,
                "a deletion's options are its body"
            );
            let real = written(&request, None, Trial::Real).unwrap();
            assert!(!format!("{real:?}").contains("dryRun"));
        }
    }
}
