//! Somebody else writes the same count: said, never fought.

use crate::GROUPS;
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::{Patch, PatchParams};
use pinisi_e2e::objects::{apply, condition, deployment, mass, namespace, replicas, site};
use pinisi_e2e::wait::{always, eventually};
use pinisi_lab::load::Offered;
use serde_json::json;

#[test]
fn an_autoscaler_on_the_target_is_named_and_left_alone() {
    pinisi_e2e::run(GROUPS, async |world| {
        let (client, ns) = (&world.client, "contested-hpa");
        apply(client, site("home")).await?;
        apply(client, site("cloud")).await?;
        apply(client, namespace(ns, "MassTraffic")).await?;
        apply(client, deployment(ns, "web", "home", 2, 10)).await?;
        apply(
            client,
            json!({
                "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
                "metadata": {"name": "old", "namespace": ns},
                "spec": {
                    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                    "minReplicas": 1, "maxReplicas": 3,
                    "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}],
                },
            }),
        )
        .await?;
        apply(client, mass(ns, "web", &["home", "cloud"], 1, 20)).await?;
        world.exporter.set(ns, "web", Offered::Rps(100.0));
        eventually("Contested names the autoscaler", 30, async || {
            let contested = condition(client, ns, "web", "Contested").await?;
            Ok(contested
                .is_some_and(|c| c.0 == "True" && c.2.contains("HorizontalPodAutoscaler old")))
        })
        .await?;
        always("the count is the autoscaler's", 5, async || {
            Ok(replicas(client, ns, "web")
                .await?
                .is_some_and(|(spec, _)| spec <= 3))
        })
        .await
    });
}

#[test]
fn a_second_foreign_write_ends_the_argument() {
    pinisi_e2e::run(GROUPS, async |world| {
        let (client, ns) = (&world.client, "contested-hand");
        apply(client, site("home")).await?;
        apply(client, site("cloud")).await?;
        apply(client, namespace(ns, "MassTraffic")).await?;
        apply(client, deployment(ns, "web", "home", 1, 10)).await?;
        apply(client, mass(ns, "web", &["home", "cloud"], 1, 20)).await?;
        world.exporter.set(ns, "web", Offered::Rps(30.0));
        eventually("the operator holds 4", 30, async || {
            Ok(replicas(client, ns, "web").await? == Some((4, 4)))
        })
        .await?;

        let by_hand = |n: i32| async move {
            let api = Api::<Deployment>::namespaced(client.clone(), ns);
            let params = PatchParams {
                field_manager: Some("somebody".into()),
                ..PatchParams::default()
            };
            api.patch_scale(
                "web",
                &params,
                &Patch::Merge(json!({"spec": {"replicas": n}})),
            )
            .await
        };
        by_hand(7).await?;
        eventually("the first foreign write is put right", 20, async || {
            Ok(replicas(client, ns, "web")
                .await?
                .is_some_and(|(spec, _)| spec == 4))
        })
        .await?;
        by_hand(8).await?;
        eventually("Contested names the writer", 20, async || {
            let contested = condition(client, ns, "web", "Contested").await?;
            Ok(contested.is_some_and(|c| c.0 == "True" && c.2.contains("somebody")))
        })
        .await?;
        always("the second foreign write stands", 5, async || {
            Ok(replicas(client, ns, "web")
                .await?
                .is_some_and(|(spec, _)| spec == 8))
        })
        .await
    });
}
