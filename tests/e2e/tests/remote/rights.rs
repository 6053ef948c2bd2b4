//! The credential that a cloud cluster hands to the operator, tried against everything that the
//! cluster serves: every verb on every resource, in a namespace that workloads may come to, in one
//! that none may, in `kube-system` and on the whole cluster. What is let through must be what stands
//! in `rights.txt`, line by line.

use crate::cloud::{self, ACCOUNT, Clouds};
use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt as _, stream};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResource;
use kube::Client;
use pinisi_e2e::objects::{apply, namespace};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What it may do, as `where resource: verbs`.
const RIGHTS: &str = include_str!("rights.txt");
/// A namespace that workloads may come to, one that none may, and the cluster's own.
const PLACES: [&str; 3] = ["travel", "private", "kube-system"];
/// Requests under way at once.
const AT_ONCE: usize = 8;
const VERBS: [&str; 8] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
];
/// An object of the receiving guard, which the operator puts in place and must not take away.
const GUARDED: &str = "pinisi-guard-r01-namespace";
/// Name that no object has.
const NOBODY: &str = "pinisi-rights-nobody";

#[test]
fn the_clouds_credential_can_do_what_is_written_down_and_nothing_else() {
    cloud::run(async |clouds| {
        apply(&clouds.there, namespace("private", "MassTraffic")).await?;
        let acting = as_the_operator(clouds).await?;
        let tried = every_request(&clouds.there).await?;
        ensure!(tried.len() > 1_000, "only {} requests", tried.len());
        let answers: Vec<Result<Option<(String, &str)>>> = stream::iter(&tried)
            .map(|one| async {
                let allowed = let_through(&acting, one).await?;
                Ok(allowed.then(|| (format!("{} {}", one.place, one.resource), one.verb)))
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut found: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for answer in answers {
            if let Some((what, verb)) = answer? {
                found.entry(what).or_default().push(verb);
            }
        }
        let found: BTreeSet<String> = found
            .into_iter()
            .map(|(what, verbs)| format!("{what}: {}", verbs.join(" ")))
            .collect();
        let wanted: BTreeSet<String> = RIGHTS
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .map(ToOwned::to_owned)
            .collect();
        let more: Vec<_> = found.difference(&wanted).collect();
        let less: Vec<_> = wanted.difference(&found).collect();
        ensure!(
            more.is_empty() && less.is_empty(),
            "{} requests; beyond what is written down: {more:#?}; written down and not there: {less:#?}",
            tried.len()
        );
        Ok(())
    });
}

async fn as_the_operator(clouds: &Clouds) -> Result<Client> {
    let token = clouds.cloud.account_token(ACCOUNT.0, ACCOUNT.1).await?;
    clouds.cloud.client_for_token(&token).await
}

/// One verb on one resource in one place.
struct Trial {
    place: &'static str,
    /// With its group and subresource.
    resource: String,
    verb: &'static str,
    /// Up to the resource.
    path: String,
    /// Of the object, where the verb is about one.
    name: &'static str,
    subresource: Option<String>,
}

/// All that the server serves.
async fn every_request(admin: &Client) -> Result<Vec<Trial>> {
    let mut versions = vec!["v1".to_owned()];
    for group in admin.list_api_groups().await?.groups {
        let preferred = group
            .preferred_version
            .context("a group without a version")?;
        versions.push(preferred.group_version);
    }
    let mut trials = Vec::new();
    for version in versions {
        let (root, served) = if version == "v1" {
            ("/api", admin.list_core_api_resources(&version).await?)
        } else {
            ("/apis", admin.list_api_group_resources(&version).await?)
        };
        let group = version.split_once('/').map_or("", |(group, _)| group);
        for resource in served.resources {
            trials.extend(trials_of(&format!("{root}/{version}"), group, &resource));
        }
    }
    Ok(trials)
}

fn trials_of(root: &str, group: &str, resource: &APIResource) -> Vec<Trial> {
    let (name, subresource) = match resource.name.split_once('/') {
        Some((name, subresource)) => (name, Some(subresource.to_owned())),
        None => (resource.name.as_str(), None),
    };
    let places: Vec<(&'static str, String)> = if resource.namespaced {
        let within = |place: &'static str| (place, format!("{root}/namespaces/{place}/{name}"));
        PLACES.into_iter().map(within).collect()
    } else {
        vec![("cluster", format!("{root}/{name}"))]
    };
    let dotted = if group.is_empty() {
        resource.name.clone()
    } else {
        format!("{}.{group}", resource.name)
    };
    let served = |verb: &&str| resource.verbs.iter().any(|served| served == *verb);
    let guards = name.starts_with("validatingadmission") && subresource.is_none();
    let mut trials = Vec::new();
    for (place, path) in places {
        for verb in VERBS.into_iter().filter(served) {
            let trial = |resource: String, name| Trial {
                place,
                resource,
                verb,
                path: path.clone(),
                name,
                subresource: subresource.clone(),
            };
            trials.push(trial(dotted.clone(), NOBODY));
            if guards && ["get", "update", "patch", "delete"].contains(&verb) {
                trials.push(trial(format!("{dotted}/{GUARDED}"), GUARDED));
            }
        }
    }
    trials
}

/// Sends it as a dry run. Whatever the server finds to say of an object that is not there comes after
/// the question whether one may.
async fn let_through(acting: &Client, trial: &Trial) -> Result<bool> {
    let Trial {
        place: _,
        resource,
        verb,
        path,
        name,
        subresource,
    } = trial;
    let named = match subresource {
        Some(subresource) => format!("{path}/{name}/{subresource}"),
        None => format!("{path}/{name}"),
    };
    // A subresource is made by POST to a named object, everything else by POST to the collection.
    let made = if subresource.is_some() { &named } else { path };
    let (method, uri, body) = match *verb {
        "get" => ("GET", named.clone(), Value::Null),
        "list" => ("GET", format!("{path}?limit=1"), Value::Null),
        "watch" => (
            "GET",
            format!("{path}?watch=true&timeoutSeconds=1"),
            Value::Null,
        ),
        "create" => ("POST", format!("{made}?dryRun=All"), json!({})),
        "update" => ("PUT", format!("{named}?dryRun=All"), json!({})),
        "patch" => ("PATCH", format!("{named}?dryRun=All"), json!({})),
        "delete" => ("DELETE", named.clone(), json!({"dryRun": ["All"]})),
        _ => ("DELETE", path.clone(), json!({"dryRun": ["All"]})),
    };
    let kind = match *verb {
        "patch" => "application/merge-patch+json",
        _ => "application/json",
    };
    let body = match body {
        Value::Null => Vec::new(),
        body => serde_json::to_vec(&body)?,
    };
    let request = http::Request::builder()
        .method(method)
        .uri(uri)
        .header("content-type", kind)
        .body(body)?;
    match acting.request_text(request).await {
        Ok(_) => Ok(true),
        // Refused for want of rights, and not by a guard or a quota, which speak after that.
        Err(kube::Error::Api(status)) => {
            Ok(!(status.code == 403 && status.message.contains(" cannot ")))
        }
        Err(error) => Err(error).with_context(|| format!("{verb} {resource}")),
    }
}
