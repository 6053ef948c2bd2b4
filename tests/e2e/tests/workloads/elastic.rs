//! A cloud that is an autoscaled pool without a node: pods are sent there, and its nodes come.

use crate::GROUPS;
use pinisi_e2e::objects::{
    apply, at_site, condition, deployment, mass, namespace, pods, replicas, site,
};
use pinisi_e2e::wait::eventually;
use pinisi_lab::load::Offered;
use serde_json::json;

#[test]
fn what_waits_for_nodes_runs_when_they_come() {
    pinisi_e2e::run(GROUPS, async |world| {
        let (client, ns) = (&world.client, "pool");
        apply(client, site("home-pool")).await?;
        let mut cloud = site("cloud-pool");
        cloud["spec"]["capacity"] = json!({"elastic": {
            "maxNodes": 2, "provisionSeconds": 300,
            "node": {"cpu": "4", "memory": "16Gi", "daemonSets": {"cpu": "100m"}},
        }});
        apply(client, cloud).await?;
        apply(client, namespace(ns, "MassTraffic")).await?;
        apply(client, deployment(ns, "web", "home-pool", 1, 500)).await?;
        apply(client, mass(ns, "web", &["home-pool", "cloud-pool"], 1, 40)).await?;
        // 100 at 10 a replica with a tenth of margin is 11; 80 % of home's 4 cores hold 6 of 500m.
        world.exporter.set(ns, "web", Offered::Rps(100.0));
        eventually("6 at home, 5 in the cloud without a node", 60, async || {
            let waiting = pods(client, ns).await?;
            let waiting = waiting.iter().filter(|(_, node)| node.is_empty()).count();
            let moves = condition(client, ns, "web", "Reconciling").await?;
            Ok(replicas(client, ns, "web").await? == Some((6, 6))
                && at_site(client, ns, "cloud-pool").await? == (5, 0)
                && waiting == 5
                && moves.is_some_and(|c| c.1 == "WaitsForNodes"))
        })
        .await?;
        world.lab.add_nodes("cloud-pool", 1).await?;
        eventually("all 11 are Ready", 60, async || {
            let moves = condition(client, ns, "web", "Reconciling").await?;
            Ok(replicas(client, ns, "web").await? == Some((6, 6))
                && at_site(client, ns, "cloud-pool").await? == (5, 5)
                && moves.is_some_and(|c| c.0 == "False"))
        })
        .await
    });
}
