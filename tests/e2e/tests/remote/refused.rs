//! A cluster that cannot take a workload: the condition names what is missing, nothing foreign is
//! touched, home does what it can.

use crate::cloud::{self, Clouds};
use anyhow::Result;
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use pinisi_e2e::objects::{apply, condition, deployment, replicas};
use pinisi_e2e::wait::{always, eventually};
use pinisi_lab::load::Offered;
use serde_json::{Value, json};

/// Home fills up, nothing goes to the cloud, and `Stalled` says why in this word, naming `object`.
async fn refused(clouds: &Clouds, ns: &str, reason: &str, object: &str) -> Result<()> {
    clouds.exporter.set(ns, "web", Offered::Rps(150.0));
    eventually(&format!("Stalled: {reason}"), 60, async || {
        let stalled = condition(&clouds.hub, ns, "web", "Stalled").await?;
        anyhow::ensure!(
            stalled
                .as_ref()
                .is_some_and(|(_, word, text)| word == reason && text.contains(object)),
            "{stalled:?}"
        );
        // Nothing else takes them: home goes above its watermark, to all that it holds.
        Ok(replicas(&clouds.hub, ns, "web")
            .await?
            .is_some_and(|(spec, _)| spec >= 6))
    })
    .await
}

fn nothing(_: &mut Value, _: &mut Value) {}

#[test]
fn a_foreign_deployment_of_that_name_is_never_touched() {
    cloud::run(async |clouds| {
        let _quiet = clouds.quiet.read().await;
        let ns = "taken";
        let mut foreign = deployment(ns, "web", "cloud", 1, 100);
        foreign["metadata"]["labels"] = json!({"team": "somebody"});
        apply(&clouds.there, foreign).await?;
        let api = Api::<Deployment>::namespaced(clouds.there.clone(), ns);
        let before = api.get("web").await?;
        clouds.exporter.set(ns, "web", Offered::Rps(15.0));
        clouds.service(ns, nothing).await?;
        refused(clouds, ns, "RemoteDeploymentForeign", "web").await?;
        always("the foreign Deployment is as it was", 5, async || {
            let now = api.get("web").await?;
            Ok(now.metadata.uid == before.metadata.uid
                && now.metadata.generation == before.metadata.generation
                && now.metadata.labels == before.metadata.labels)
        })
        .await
    });
}

#[test]
fn a_quota_that_is_too_small_is_named() {
    cloud::run(async |clouds| {
        let _quiet = clouds.quiet.read().await;
        let ns = "small";
        apply(&clouds.there, json!({"apiVersion": "v1", "kind": "ResourceQuota",
            "metadata": {"name": "tiny", "namespace": ns}, "spec": {"hard": {"requests.cpu": "1200m"}}}))
        .await?;
        clouds.exporter.set(ns, "web", Offered::Rps(15.0));
        clouds.service(ns, nothing).await?;
        clouds.exporter.set(ns, "web", Offered::Rps(150.0));
        eventually("two of 500m fit in the quota, no more", 60, async || {
            let short = condition(&clouds.hub, ns, "web", "CapacityShort").await?;
            let away = replicas(&clouds.there, ns, "web").await?;
            anyhow::ensure!(
                short.as_ref().is_some_and(|c| c.0 == "True"),
                "{short:?}, {away:?}"
            );
            anyhow::ensure!(away.is_none_or(|(spec, _)| spec <= 2), "{away:?}");
            Ok(away.is_some_and(|(_, ready)| ready == 2))
        })
        .await?;
        always("never more than the quota holds", 5, async || {
            Ok(replicas(&clouds.there, ns, "web")
                .await?
                .is_none_or(|(spec, _)| spec <= 2))
        })
        .await
    });
}

#[test]
fn a_missing_pull_secret_is_named_and_found_once_it_is_there() {
    cloud::run(async |clouds| {
        let _quiet = clouds.quiet.read().await;
        let ns = "pull";
        clouds.exporter.set(ns, "web", Offered::Rps(15.0));
        clouds
            .service(ns, |deployment, _| {
                deployment["spec"]["template"]["spec"]["imagePullSecrets"] =
                    json!([{"name": "registry"}]);
            })
            .await?;
        refused(clouds, ns, "RemotePullSecretMissing", "registry").await?;
        assert!(replicas(&clouds.there, ns, "web").await?.is_none());
        apply(&clouds.there, json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
            "metadata": {"name": "registry", "namespace": ns}, "stringData": {".dockerconfigjson": "{\"auths\":{}}"}}))
        .await?;
        eventually("replicas there, after the next preflight", 90, async || {
            Ok(replicas(&clouds.there, ns, "web")
                .await?
                .is_some_and(|(_, ready)| ready > 0))
        })
        .await
    });
}
