//! A Sensitive service grows into room that mass traffic holds at home: mass traffic makes way.

use crate::GROUPS;
use anyhow::Context as _;
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::{Patch, PatchParams};
use pinisi_e2e::objects::{
    apply, at_site, deployment, mass, namespace, pods, replicas, sensitive, site,
};
use pinisi_e2e::record::Recorder;
use pinisi_e2e::wait::eventually;
use pinisi_lab::load::Offered;
use serde_json::json;

#[test]
fn mass_traffic_makes_way_and_none_of_it_is_missed() {
    pinisi_e2e::run(GROUPS, async |world| {
        let (client, ns, records) = (&world.client, "way", "way-records");
        apply(client, site("home-way")).await?;
        apply(client, site("cloud-way")).await?;
        apply(client, namespace(ns, "MassTraffic")).await?;
        apply(client, namespace(records, "Sensitive")).await?;
        apply(client, deployment(records, "records", "home-way", 1, 500)).await?;
        let mut hw = sensitive(records, "records");
        hw["spec"]["placement"] = json!({"tiers": [{"sites": ["home-way"]}]});
        apply(client, hw).await?;
        apply(client, deployment(ns, "web", "home-way", 2, 500)).await?;
        apply(client, mass(ns, "web", &["home-way", "cloud-way"], 2, 40)).await?;
        // 40 at 10 a replica with a tenth of margin is 5, which home holds: 3 of its 4 cores with one
        // of records.
        world.exporter.set(ns, "web", Offered::Rps(40.0));
        eventually("all are at home", 60, async || {
            Ok(replicas(client, ns, "web").await? == Some((5, 5))
                && replicas(client, records, "records").await? == Some((1, 1)))
        })
        .await?;

        let record = Recorder::start(client, ns);
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        Api::<Deployment>::namespaced(client.clone(), records)
            .patch_scale(
                "records",
                &PatchParams::default(),
                &Patch::Merge(json!({"spec": {"replicas": 6}})),
            )
            .await?;
        eventually(
            "6 of records at home, where 2 of web are left, and 3 are in the cloud",
            90,
            async || {
                Ok(replicas(client, records, "records").await? == Some((6, 6))
                    && replicas(client, ns, "web").await? == Some((2, 2))
                    && at_site(client, ns, "cloud-way").await? == (3, 3))
            },
        )
        .await?;
        for (pod, node) in pods(client, records).await? {
            assert!(node.starts_with("home-way"), "{pod} is on {node}");
        }
        let ready = |counts: &pinisi_e2e::record::Counts| {
            counts.values().map(|(_, ready)| *ready).sum::<i32>()
        };
        let fewest = record.moments().iter().map(ready).min();
        let fewest = fewest.context("nothing was recorded")?;
        assert!(fewest >= 5, "only {fewest} of 5 were Ready at some moment");
        Ok(())
    });
}
