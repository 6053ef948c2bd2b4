//! What is somebody else's in the other cluster is never touched: the condition names it, and the
//! replicas go elsewhere.

use crate::cloud;
use crate::refused::refused;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{Patch, PatchParams};
use pinisi_crds::names::HUB_ANNOTATION;
use pinisi_e2e::objects::{apply, condition, deployment, namespace, replicas};
use pinisi_e2e::wait::{always, eventually};
use pinisi_lab::load::Offered;
use serde_json::json;

#[test]
fn a_foreign_deployment_of_that_name_is_never_touched() {
    cloud::run(async |clouds| {
        let ns = "taken";
        let mut foreign = deployment(ns, "web", "cloud", 1, 100);
        foreign["metadata"]["labels"] = json!({"team": "somebody"});
        apply(&clouds.there, foreign).await?;
        let api = Api::<Deployment>::namespaced(clouds.there.clone(), ns);
        let before = api.get("web").await?;
        clouds.service(ns, |_, _| {}).await?;
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
fn a_namespace_of_another_hub_is_passed_over_until_it_is_free() {
    cloud::run(async |clouds| {
        let _calm = clouds.calm.read().await;
        let (hub, there, second, ns) = (&clouds.hub, &clouds.there, &clouds.second_there, "theirs");
        let mut foreign = namespace(ns, "MassTraffic");
        foreign["metadata"]["annotations"] = json!({HUB_ANNOTATION: "another hub"});
        apply(there, foreign).await?;
        let api = Api::<Namespace>::all(there.clone());
        let before = api.get(ns).await?;
        clouds
            .named_service(ns, "web", &["cloud", "second"], |_, _| {})
            .await?;
        clouds.exporter.set(ns, "web", Offered::Rps(100.0));
        eventually("the second takes them", 60, async || {
            let stalled = condition(hub, ns, "web", "Stalled").await?;
            anyhow::ensure!(
                stalled.as_ref().is_some_and(|(status, word, text)| {
                    // They found another place: it needs nobody.
                    status == "False"
                        && word == "RemoteNamespaceForeign"
                        && text.contains(&format!("namespace {ns}"))
                        && text.contains("spec.placement")
                }),
                "{stalled:?}"
            );
            Ok(replicas(second, ns, "web")
                .await?
                .is_some_and(|(spec, ready)| spec >= 5 && ready == spec))
        })
        .await?;
        let now = api.get(ns).await?;
        assert_eq!(now.metadata.labels, before.metadata.labels);
        assert_eq!(now.metadata.annotations, before.metadata.annotations);
        assert!(replicas(there, ns, "web").await?.is_none());

        // The other hub gives it up: what comes next goes there.
        let free = json!({"metadata": {"annotations": {HUB_ANNOTATION: null}}});
        api.patch(ns, &PatchParams::default(), &Patch::Merge(free))
            .await?;
        clouds.exporter.set(ns, "web", Offered::Rps(130.0));
        eventually("growth goes to the cloud", 40, async || {
            Ok(replicas(there, ns, "web")
                .await?
                .is_some_and(|(spec, ready)| spec >= 3 && ready == spec))
        })
        .await
    });
}
