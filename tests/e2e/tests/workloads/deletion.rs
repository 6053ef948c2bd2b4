//! Deleting the mark, or its namespace, in mid-spike.

use crate::GROUPS;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::DeleteParams;
use pinisi_crds::HybridWorkload;
use pinisi_e2e::objects::{apply, at_site, deployment, mass, namespace, replicas, site};
use pinisi_e2e::wait::eventually;
use pinisi_lab::load::Offered;

#[test]
fn deletion_in_mid_spike_loses_no_service_and_a_namespace_can_go() {
    pinisi_e2e::run(GROUPS, async |world| {
        let (client, ns) = (&world.client, "gone");
        apply(client, site("home-gone")).await?;
        apply(client, site("cloud-gone")).await?;
        apply(client, namespace(ns, "MassTraffic")).await?;
        for name in ["web", "api"] {
            apply(client, deployment(ns, name, "home-gone", 1, 500)).await?;
            apply(client, mass(ns, name, &["home-gone", "cloud-gone"], 1, 12)).await?;
            world.exporter.set(ns, name, Offered::Rps(80.0));
        }
        // 4 cores at home hold 6 of 500m under the watermark; 18 are asked for.
        eventually("both overflow", 60, async || {
            Ok(at_site(client, ns, "cloud-gone").await?.1 >= 10)
        })
        .await?;
        let before = at_site(client, ns, "cloud-gone").await?.1;

        Api::<HybridWorkload>::namespaced(client.clone(), ns)
            .delete("web", &DeleteParams::default())
            .await?;
        eventually("the mark is gone", 90, async || {
            Ok(Api::<HybridWorkload>::namespaced(client.clone(), ns)
                .get_opt("web")
                .await?
                .is_none())
        })
        .await?;
        let home = replicas(client, ns, "web").await?;
        assert!(
            home.is_some_and(|(spec, _)| spec >= 1),
            "the target went with its mark: {home:?}"
        );
        let ready = home.map_or(0, |(_, ready)| ready) + at_site(client, ns, "cloud-gone").await?.1;
        assert!(
            ready >= before.min(9),
            "replicas were lost: {ready} of {before} in the cloud before"
        );

        let namespaces = Api::<Namespace>::all(client.clone());
        namespaces.delete(ns, &DeleteParams::default()).await?;
        eventually("the namespace goes, finalizers and all", 90, async || {
            Ok(namespaces.get_opt(ns).await?.is_none())
        })
        .await
    });
}
