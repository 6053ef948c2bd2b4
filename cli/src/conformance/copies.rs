//! A Secret and a ConfigMap of the Sensitive canary with a mark that stands nowhere else, and whether the
//! other cluster has the mark: in whatever namespace, under whatever name, whoever copied it.

use super::case::Sight;
use super::ground::Canaries;
use super::objects::RUN_LABEL;
use anyhow::{Context as _, Result};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::api::{ListParams, PostParams};
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::fmt::Debug;

/// Name of both.
const NAME: &str = "canary-marked";
/// Objects asked for at once: each may be a megabyte.
const PAGE: u32 = 50;
/// Copies that are named.
const NAMED_MAX: usize = 5;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// The Secret.
    Secret,
    /// The ConfigMap.
    ConfigMap,
}

/// What stands in the canary's data and nowhere else: made of its namespace's uid.
async fn mark(home: &Client, canaries: &Canaries) -> Result<String> {
    let namespaces = Api::<Namespace>::all(home.clone());
    let namespace = namespaces
        .get_metadata(&canaries.sensitive)
        .await
        .context("read the canary namespace")?;
    Ok(format!("canary-{}", namespace.uid().unwrap_or_default()))
}

/// Makes both at home.
///
/// # Errors
/// The server refused one of them.
pub async fn make(home: &Client, canaries: &Canaries) -> Result<()> {
    let mark = mark(home, canaries).await?;
    let metadata = json!({"name": NAME, "labels": {RUN_LABEL: canaries.run}});
    let secret: Secret =
        serde_json::from_value(json!({"metadata": metadata, "stringData": {"mark": mark}}))?;
    let config: ConfigMap =
        serde_json::from_value(json!({"metadata": metadata, "data": {"mark": mark}}))?;
    create(home, &canaries.sensitive, &secret).await?;
    create(home, &canaries.sensitive, &config).await
}

async fn create<K>(client: &Client, namespace: &str, object: &K) -> Result<()>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Serialize
        + DeserializeOwned
        + Clone
        + Debug,
{
    Api::<K>::namespaced(client.clone(), namespace)
        .create(&PostParams::default(), object)
        .await
        .map(drop)
        .with_context(|| format!("make the canary {} {NAME}", K::kind(&())))
}

/// Looks for it in the other cluster.
///
/// # Errors
/// One of the clusters cannot be read.
pub async fn look(
    home: &Client,
    there: &Client,
    canaries: &Canaries,
    copied: Copied,
) -> Result<Sight> {
    let mark = mark(home, canaries).await?;
    match copied {
        Copied::Secret => {
            seen::<Secret>(home, there, canaries, |secret| {
                let values = secret.data.iter().flatten();
                values.clone().any(|(_, value)| holds(&value.0, &mark))
                    || noted(secret.annotations(), &mark)
            })
            .await
        }
        Copied::ConfigMap => {
            seen::<ConfigMap>(home, there, canaries, |config| {
                let texts = config.data.iter().flatten();
                let bytes = config.binary_data.iter().flatten();
                texts.clone().any(|(_, value)| value.contains(&mark))
                    || bytes.clone().any(|(_, value)| holds(&value.0, &mark))
                    || noted(config.annotations(), &mark)
            })
            .await
        }
    }
}

fn holds(bytes: &[u8], mark: &str) -> bool {
    bytes
        .windows(mark.len())
        .any(|part| part == mark.as_bytes())
}

fn noted(annotations: &std::collections::BTreeMap<String, String>, mark: &str) -> bool {
    annotations.values().any(|value| value.contains(mark))
}

/// What is not found at home either would prove nothing.
async fn seen<K>(
    home: &Client,
    there: &Client,
    canaries: &Canaries,
    marked: impl Fn(&K) -> bool,
) -> Result<Sight>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + DeserializeOwned
        + Clone
        + Debug,
{
    let kind = K::kind(&());
    let at_home = Api::<K>::namespaced(home.clone(), &canaries.sensitive);
    let own = at_home.get(NAME).await;
    let own = own.with_context(|| format!("read the canary {kind} {NAME}"))?;
    let (count, copies) = search(there, &marked).await?;
    let words = if !marked(&own) {
        Err(format!("the canary {kind} does not carry its mark"))
    } else if copies.is_empty() {
        Ok(format!("none of {count} objects holds its mark"))
    } else {
        Err(format!("found in {}", copies.join(", ")))
    };
    Ok(Sight {
        rule: String::new(),
        name: format!("no {kind} of the other cluster holds what the Sensitive canary's holds"),
        seen: words,
    })
}

async fn search<K>(client: &Client, marked: impl Fn(&K) -> bool) -> Result<(usize, Vec<String>)>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + DeserializeOwned
        + Clone
        + Debug,
{
    let api = Api::<K>::all(client.clone());
    let mut params = ListParams::default().limit(PAGE);
    let (mut count, mut found) = (0, Vec::new());
    loop {
        let page = api.list(&params).await;
        let page =
            page.with_context(|| format!("list every {} of the other cluster", K::plural(&())))?;
        let next = page.metadata.continue_.clone().unwrap_or_default();
        for object in page {
            count += 1;
            if found.len() < NAMED_MAX && marked(&object) {
                let namespace = object.namespace().unwrap_or_default();
                found.push(format!("{namespace}/{}", object.name_any()));
            }
        }
        if next.is_empty() {
            return Ok((count, found));
        }
        params = params.continue_token(&next);
    }
}
