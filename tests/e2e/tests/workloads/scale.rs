//! Without autoscaling the workload's own /scale sets the total.

use crate::GROUPS;
use kube::Api;
use kube::api::{Patch, PatchParams};
use pinisi_crds::HybridWorkload;
use pinisi_e2e::objects::{apply, deployment, mass, namespace, replicas, site, workload};
use pinisi_e2e::wait::eventually;
use serde_json::json;

#[test]
fn scale_by_hand_goes_through_the_workload() {
    pinisi_e2e::run(GROUPS, async |world| {
        let (client, ns) = (&world.client, "by-hand");
        apply(client, site("home")).await?;
        apply(client, site("cloud")).await?;
        apply(client, namespace(ns, "MassTraffic")).await?;
        apply(client, deployment(ns, "web", "home", 3, 10)).await?;
        let mut plain = mass(ns, "web", &["home", "cloud"], 1, 20);
        plain["spec"]
            .as_object_mut()
            .and_then(|spec| spec.remove("autoscaling"));
        apply(client, plain).await?;
        eventually("the count is taken from the target once", 20, async || {
            Ok(workload(client, ns, "web").await?.spec.replicas == Some(3))
        })
        .await?;
        let api = Api::<HybridWorkload>::namespaced(client.clone(), ns);
        api.patch_scale(
            "web",
            &PatchParams::default(),
            &Patch::Merge(json!({"spec": {"replicas": 6}})),
        )
        .await?;
        eventually("the target follows", 20, async || {
            Ok(replicas(client, ns, "web").await? == Some((6, 6)))
        })
        .await?;
        eventually("/scale reports it, with a selector", 20, async || {
            let scale = api.get_scale("web").await?;
            let status = scale.status.unwrap_or_default();
            Ok(status.replicas == 6 && status.selector.is_some_and(|s| s.contains("app=web")))
        })
        .await
    });
}
