//! The canary in the cloud's own cluster: one namespace of mass traffic with what the cases change.
//! Nothing Sensitive is ever made there; what stands there from before is looked for.

use super::canary::remove_all;
use super::facts::guard;
use super::ground::{Canaries, Ground, POD};
use super::objects::{IMAGE, RUN_LABEL, lawful_pod};
use crate::connect::cause;
use anyhow::{Context as _, Result, anyhow};
use k8s_openapi::api::core::v1::{Namespace, Pod, ServiceAccount};
use kube::api::{ListParams, PostParams};
use kube::{Api, Client, ResourceExt};
use pinisi_crds::names::{CLASS_LABEL, CLASS_MASS_TRAFFIC, CLASS_SENSITIVE};
use serde_json::json;
use std::collections::BTreeMap;

/// Objects asked for at once.
const PAGE: u32 = 500;

/// Removes what earlier runs left behind, and makes the namespace, its account and its pod.
///
/// # Errors
/// That server refused one of them.
pub async fn make(client: &Client, canaries: &Canaries) -> Result<()> {
    let labels = json!({RUN_LABEL: canaries.run, CLASS_LABEL: CLASS_MASS_TRAFFIC});
    let namespace: Namespace =
        serde_json::from_value(json!({"metadata": {"name": canaries.mass, "labels": labels}}))?;
    let account: ServiceAccount = serde_json::from_value(json!({"metadata": {"name": POD}}))?;
    let pod: Pod = serde_json::from_value(lawful_pod(POD, &BTreeMap::new(), IMAGE))?;
    let refused = |what: &str, error: &kube::Error| {
        anyhow!(
            "cannot make the canary {what} in the cloud's cluster: {}",
            cause(error)
        )
    };
    let params = PostParams::default();
    let born = Api::<Namespace>::all(client.clone())
        .create(&params, &namespace)
        .await
        .map(|made| made.metadata.creation_timestamp)
        .map_err(|error| refused("namespace", &error))?;
    if let Some(born) = born {
        let all = ListParams::default().labels(RUN_LABEL);
        remove_all(client, &all, Some(born.0)).await;
    }
    Api::<ServiceAccount>::namespaced(client.clone(), &canaries.mass)
        .create(&params, &account)
        .await
        .map_err(|error| refused("account", &error))?;
    Api::<Pod>::namespaced(client.clone(), &canaries.mass)
        .create(&params, &pod)
        .await
        .map_err(|error| refused("pod", &error))?;
    Ok(())
}

/// Looks for what says Sensitive there from before the guard.
///
/// # Errors
/// It cannot be read.
pub async fn look(client: &Client, ground: &mut Ground) -> Result<()> {
    let sensitive = ListParams::default()
        .labels(&format!("{CLASS_LABEL}={CLASS_SENSITIVE}"))
        .limit(PAGE);
    let namespaces = Api::<Namespace>::all(client.clone())
        .list_metadata(&sensitive)
        .await
        .context("list namespaces of the cloud's cluster")?;
    let names: Vec<String> = namespaces.iter().map(ResourceExt::name_any).collect();
    let pods = Api::<Pod>::all(client.clone())
        .list_metadata(&sensitive)
        .await
        .context("list pods of the cloud's cluster")?;
    ground.remote_pod = pods.into_iter().find_map(|pod| {
        let namespace = pod.namespace()?;
        (!names.contains(&namespace)).then(|| (namespace, pod.name_any()))
    });
    ground.remote_guard = Some(guard(client).await?.0);
    ground.remote_sensitive = names.into_iter().next();
    Ok(())
}

/// Removes it.
pub async fn remove(client: &Client, canaries: &Canaries) {
    let own = ListParams::default().labels(&format!("{RUN_LABEL}={}", canaries.run));
    remove_all(client, &own, None).await;
}
