//! When home has room again, replicas come back in steps, made before they are broken.

use crate::GROUPS;
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::DeleteParams;
use pinisi_e2e::objects::{apply, at_site, deployment, mass, namespace, replicas, siblings, site};
use pinisi_e2e::record::Recorder;
use pinisi_e2e::wait::eventually;
use pinisi_lab::load::Offered;

#[test]
fn replicas_come_home_in_steps_and_none_is_missed() {
    pinisi_e2e::run(GROUPS, async |world| {
        let (client, ns) = (&world.client, "drain");
        apply(client, site("home-drain")).await?;
        apply(client, site("cloud-drain")).await?;
        apply(client, namespace(ns, "MassTraffic")).await?;
        // Something else holds 5 of home's 8 cores: up to 80 % there is room for 2 of 500m.
        apply(client, deployment(ns, "other", "home-drain", 5, 1000)).await?;
        eventually("the other service runs", 30, async || {
            Ok(replicas(client, ns, "other").await? == Some((5, 5)))
        })
        .await?;
        apply(client, deployment(ns, "web", "home-drain", 1, 500)).await?;
        apply(
            client,
            mass(ns, "web", &["home-drain", "cloud-drain"], 1, 40),
        )
        .await?;
        world.exporter.set(ns, "web", Offered::Rps(100.0));
        eventually("2 at home, 9 in the cloud", 60, async || {
            Ok(replicas(client, ns, "web").await? == Some((2, 2))
                && at_site(client, ns, "cloud-drain").await? == (9, 9))
        })
        .await?;

        let record = Recorder::start(client, ns);
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        Api::<Deployment>::namespaced(client.clone(), ns)
            .delete("other", &DeleteParams::background())
            .await?;
        eventually("all 11 at home, no sibling", 90, async || {
            Ok(replicas(client, ns, "web").await? == Some((11, 11))
                && siblings(client, ns, "cloud-drain").await?.is_empty())
        })
        .await?;

        let moments = record.moments();
        let home: Vec<i32> = moments
            .iter()
            .filter_map(|counts| counts.get("web"))
            .map(|(spec, _)| *spec)
            .collect();
        let steps: Vec<i32> = home
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .filter(|step| *step != 0)
            .collect();
        assert!(
            steps.iter().all(|step| (1..=3).contains(step)),
            "a quarter of 11 is at most 3 a step: {steps:?}"
        );
        assert!(steps.len() >= 3, "9 replicas in steps of 3: {steps:?}");
        let serving = |counts: &pinisi_e2e::record::Counts| {
            counts
                .iter()
                .filter(|(name, _)| *name != "other")
                .map(|(_, (_, ready))| *ready)
                .sum::<i32>()
        };
        let fewest = moments.iter().map(serving).min().unwrap_or(0);
        assert!(
            fewest >= 11,
            "only {fewest} of 11 were Ready at some moment"
        );
        Ok(())
    });
}
