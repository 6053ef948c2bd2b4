//! Somebody deletes or edits in the other cluster what is ours: it is put right once, and left alone
//! and said when they insist. No fight: the writes are counted in that cluster's audit log.

use crate::cloud::{self, ACCOUNT};
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use pinisi_e2e::objects::{condition, replicas};
use pinisi_e2e::wait::{always, eventually};
use pinisi_lab::audit::AuditFilter;
use pinisi_lab::load::Offered;
use serde_json::json;
use std::time::Duration;

const NS: &str = "drift";
const IMAGE: &str = "registry.example/web:1";
const OTHER: &str = "registry.example/web:2";
/// Our writes to that Deployment from the first edit on: it is put right once by two, its count may
/// move once, and what a conflict refuses is tried again.
const WRITES_MAX: usize = 6;

#[test]
fn what_is_changed_there_is_put_right_without_a_fight() {
    cloud::run(async |clouds| {
        let there = &clouds.there;
        let api = Api::<Deployment>::namespaced(there.clone(), NS);
        let image = async || -> anyhow::Result<String> {
            let spec = api.get("web").await?.spec.template.spec;
            let first = spec.and_then(|spec| spec.containers.into_iter().next());
            Ok(first.and_then(|c| c.image).unwrap_or_default())
        };
        let edit = async || {
            let change = json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": OTHER}]}}}});
            let params = PatchParams {
                field_manager: Some("somebody".into()),
                ..PatchParams::default()
            };
            api.patch("web", &params, &Patch::Strategic(change)).await
        };
        let whole = async || -> anyhow::Result<bool> {
            let away = replicas(there, NS, "web").await?.unwrap_or_default();
            Ok(away.0 >= 5 && away.1 == away.0)
        };
        clouds.service(NS, |_, _| {}).await?;
        clouds.exporter.set(NS, "web", Offered::Rps(100.0));
        eventually("replicas in the cloud", 60, async || whole().await).await?;

        let lost = api.get("web").await?.metadata.uid;
        api.delete("web", &DeleteParams::default()).await?;
        eventually("it is made again, whole", 40, async || {
            Ok(whole().await? && api.get("web").await?.metadata.uid != lost)
        })
        .await?;

        let from = Timestamp::now();
        edit().await?;
        eventually("the image is put right", 20, async || {
            Ok(image().await? == IMAGE)
        })
        .await?;
        // The operator tells the one from the other by their times, of whole seconds.
        tokio::time::sleep(Duration::from_secs(1)).await;
        edit().await?;
        eventually("it is left alone, and said", 20, async || {
            let stalled = condition(&clouds.hub, NS, "web", "Stalled").await?;
            anyhow::ensure!(
                stalled.as_ref().is_some_and(|(_, word, text)| {
                    word == "RemoteDeploymentContested"
                        && text.contains("drift/web")
                        && text.contains("somebody")
                }),
                "{stalled:?}"
            );
            Ok(true)
        })
        .await?;
        always("it is as they want it, and serves", 8, async || {
            Ok(image().await? == OTHER
                && replicas(there, NS, "web").await?.is_some_and(|c| c.0 >= 5))
        })
        .await?;
        let (namespace, account) = ACCOUNT;
        let mut ours =
            AuditFilter::service_account(namespace, account).between(from, Timestamp::now());
        ours.namespace = Some(NS.into());
        ours.resource = Some("deployments".into());
        ours.verbs = ["create", "update", "patch", "delete"]
            .map(String::from)
            .into();
        let writes = clouds.cloud.audit_log().read(&ours)?;
        let dry = |uri: &str| uri.contains("dryRun");
        let real = writes.iter().filter(|event| !dry(&event.uri)).count();
        assert!((1..=WRITES_MAX).contains(&real), "{writes:#?}");
        Ok(())
    });
}
