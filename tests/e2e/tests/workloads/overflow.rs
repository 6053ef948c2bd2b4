//! Mass traffic fills home to its watermark, goes on in the cloud, and comes home.

use crate::GROUPS;
use pinisi_e2e::objects::{
    apply, at_site, condition, deployment, mass, namespace, pods, replicas, siblings, site,
};
use pinisi_e2e::wait::eventually;
use pinisi_lab::load::Offered;

#[test]
fn a_spike_overflows_above_the_watermark_and_comes_home() {
    pinisi_e2e::run(GROUPS, async |world| {
        let (client, ns) = (&world.client, "spill");
        apply(client, site("home-spill")).await?;
        apply(client, site("cloud-spill")).await?;
        apply(client, namespace(ns, "MassTraffic")).await?;
        apply(client, deployment(ns, "web", "home-spill", 2, 500)).await?;
        apply(
            client,
            mass(ns, "web", &["home-spill", "cloud-spill"], 2, 40),
        )
        .await?;
        world.exporter.set(ns, "web", Offered::Rps(15.0));
        eventually("two replicas at home, none elsewhere", 30, async || {
            Ok(replicas(client, ns, "web").await? == Some((2, 2))
                && siblings(client, ns, "cloud-spill").await?.is_empty())
        })
        .await?;

        // 300 at 10 a replica with a tenth of margin is 33. Home has 8 cores: 80 % hold 12 of 500m.
        world.exporter.set(ns, "web", Offered::Rps(300.0));
        eventually(
            "12 at home and at least 21 in the cloud, all Ready",
            40,
            async || {
                let home = replicas(client, ns, "web").await?;
                let cloud = at_site(client, ns, "cloud-spill").await?;
                Ok(home == Some((12, 12)) && cloud.0 >= 21 && cloud.1 == cloud.0)
            },
        )
        .await?;
        let overflowing = condition(client, ns, "web", "Overflowing").await?;
        assert!(
            overflowing.as_ref().is_some_and(|c| c.0 == "True"),
            "{overflowing:?}"
        );
        for (pod, node) in pods(client, ns).await? {
            assert!(
                node.starts_with("home-spill") || node.starts_with("cloud-spill"),
                "{pod} is on {node}"
            );
        }

        world.exporter.set(ns, "web", Offered::Rps(20.0));
        eventually("3 at home, no sibling left", 60, async || {
            Ok(replicas(client, ns, "web").await? == Some((3, 3))
                && siblings(client, ns, "cloud-spill").await?.is_empty())
        })
        .await
    });
}
