//! Observe says and does not act; Paused holds; an override stands above load until it ends.

use crate::GROUPS;
use jiff::{SignedDuration, Timestamp};
use kube::Api;
use kube::api::{Patch, PatchParams};
use pinisi_crds::HybridWorkload;
use pinisi_e2e::objects::{apply, deployment, mass, namespace, replicas, site, workload};
use pinisi_e2e::wait::{always, eventually};
use pinisi_lab::load::Offered;
use serde_json::json;

#[test]
fn observe_pause_and_override_do_what_they_say() {
    pinisi_e2e::run(GROUPS, async |world| {
        let (client, ns) = (&world.client, "modes");
        apply(client, site("home")).await?;
        apply(client, site("cloud")).await?;
        apply(client, namespace(ns, "MassTraffic")).await?;
        apply(client, deployment(ns, "web", "home", 2, 10)).await?;
        eventually("two run", 30, async || {
            Ok(replicas(client, ns, "web").await? == Some((2, 2)))
        })
        .await?;
        let mut observed = mass(ns, "web", &["home", "cloud"], 1, 20);
        observed["spec"]["mode"] = json!("Observe");
        apply(client, observed).await?;
        world.exporter.set(ns, "web", Offered::Rps(60.0));
        eventually("status says what it would do: 7", 30, async || {
            Ok(workload(client, ns, "web")
                .await?
                .status
                .unwrap_or_default()
                .replicas
                == 7)
        })
        .await?;
        always("and the target keeps its 2", 3, async || {
            Ok(replicas(client, ns, "web").await? == Some((2, 2)))
        })
        .await?;

        let api = Api::<HybridWorkload>::namespaced(client.clone(), ns);
        let patch = |spec: serde_json::Value| {
            let api = api.clone();
            async move {
                api.patch(
                    "web",
                    &PatchParams::default(),
                    &Patch::Merge(json!({"spec": spec})),
                )
                .await
            }
        };
        patch(json!({"mode": "Active"})).await?;
        eventually("Active acts: 7", 30, async || {
            Ok(replicas(client, ns, "web").await? == Some((7, 7)))
        })
        .await?;

        patch(json!({"mode": "Paused"})).await?;
        world.exporter.set(ns, "web", Offered::Rps(150.0));
        always("Paused holds 7", 5, async || {
            Ok(replicas(client, ns, "web").await? == Some((7, 7)))
        })
        .await?;

        let until = Timestamp::now() + SignedDuration::from_secs(12);
        patch(json!({"mode": "Active", "override": {"total": 3, "until": until.to_string()}}))
            .await?;
        eventually("the override says 3", 10, async || {
            Ok(replicas(client, ns, "web")
                .await?
                .is_some_and(|(spec, _)| spec == 3))
        })
        .await?;
        eventually("and load again when it has ended: 17", 30, async || {
            Ok(replicas(client, ns, "web").await? == Some((17, 17)))
        })
        .await
    });
}
