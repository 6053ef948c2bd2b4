//! Mass traffic stops where its back end at home does, and goes on when that may have more.

use crate::GROUPS;
use pinisi_e2e::objects::{
    apply, condition, deployment, mass, namespace, replicas, siblings, site, workload,
};
use pinisi_e2e::wait::{always, eventually};
use pinisi_lab::load::Offered;
use serde_json::{Value, json};

/// The records at home: at 10 calls a replica, up to `max` of them.
fn records(namespace: &str, max: u32) -> Value {
    let mut records = mass(namespace, "records", &["home-neck"], 1, max);
    records["spec"]["class"] = json!("Sensitive");
    records
}

#[test]
fn a_back_end_that_is_full_is_named_and_no_cloud_is_paid_for() {
    pinisi_e2e::run(GROUPS, async |world| {
        let (client, front, back) = (&world.client, "neck", "neck-records");
        apply(client, site("home-neck")).await?;
        apply(client, site("cloud-neck")).await?;
        apply(client, namespace(front, "MassTraffic")).await?;
        apply(client, namespace(back, "Sensitive")).await?;
        apply(client, deployment(back, "records", "home-neck", 1, 100)).await?;
        apply(client, records(back, 3)).await?;
        apply(client, deployment(front, "web", "home-neck", 1, 500)).await?;
        let mut web = mass(front, "web", &["home-neck", "cloud-neck"], 1, 40);
        web["spec"]["dependsOn"] = json!([
            {"name": "records", "workloadRef": {"namespace": back, "name": "records"}},
            {"name": "nik-verify", "quota": {"limit": "300k", "per": "Day", "timeZone": "Asia/Jakarta"}, "callsPerRequest": "10m"},
        ]);
        apply(client, web).await?;
        // 200 ask for 22 replicas, of which home holds 6; 3 of records serve 30, so 3 of web do.
        world.exporter.set(front, "web", Offered::Rps(200.0));
        world.exporter.set(back, "records", Offered::Rps(200.0));
        eventually("3 of each, and the bottleneck is named", 60, async || {
            let named = condition(client, front, "web", "Bottlenecked").await?;
            let says = |text: &str| {
                text.contains("records lets 30 of 200")
                    && text.contains("neck-records/records can have 3 replicas")
                    && text.contains("it would take 20")
            };
            Ok(replicas(client, back, "records").await? == Some((3, 3))
                && replicas(client, front, "web").await? == Some((3, 3))
                && named.is_some_and(|c| c.0 == "True" && c.1 == "BackEndFull" && says(&c.2)))
        })
        .await?;
        always("nothing is paid for", 5, async || {
            Ok(replicas(client, front, "web")
                .await?
                .is_some_and(|n| n.0 == 3)
                && siblings(client, front, "cloud-neck").await?.is_empty())
        })
        .await?;
        let spent = workload(client, front, "web").await?.status;
        let spent = spent
            .and_then(|status| status.memory)
            .map(|memory| memory.spent);
        assert!(
            spent
                .as_ref()
                .is_some_and(|all| all.len() == 1 && all[0].name == "nik-verify"),
            "{spent:?}"
        );

        apply(client, records(back, 12)).await?;
        eventually(
            "12 of records, 12 of web, the rest in the cloud",
            60,
            async || {
                let away = siblings(client, front, "cloud-neck").await?;
                Ok(replicas(client, back, "records").await? == Some((12, 12)) && !away.is_empty())
            },
        )
        .await?;
        // What load asks for is less than its back end serves.
        world.exporter.set(front, "web", Offered::Rps(20.0));
        eventually("nothing is a bottleneck any more", 30, async || {
            let named = condition(client, front, "web", "Bottlenecked").await?;
            anyhow::ensure!(
                named
                    .as_ref()
                    .is_some_and(|c| c.0 == "False" && c.1 == "Served"),
                "{named:?} {:?}",
                workload(client, front, "web").await?.status
            );
            Ok(true)
        })
        .await
    });
}
