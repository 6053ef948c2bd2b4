//! What a decision is and what manifests would change, asked by a person with the plugin.

use crate::GROUPS;
use anyhow::{Result, ensure};
use pinisi_e2e::World;
use pinisi_e2e::objects::{apply, at_site, deployment, mass, namespace, replicas, site, workload};
use pinisi_e2e::plugin::{plugin, plugin_told};
use pinisi_e2e::wait::eventually;
use pinisi_lab::load::Offered;
use serde_json::{Value, json};

#[test]
fn every_number_is_explained_from_what_the_operator_wrote() {
    pinisi_e2e::run(GROUPS, async |world| {
        let (client, ns) = (&world.client, "told");
        apply(client, site("home-told")).await?;
        apply(client, site("cloud-told")).await?;
        apply(client, namespace(ns, "MassTraffic")).await?;
        apply(client, deployment(ns, "web", "home-told", 2, 500)).await?;
        let manifest = mass(ns, "web", &["home-told", "cloud-told"], 2, 40);
        apply(client, manifest.clone()).await?;
        world.exporter.set(ns, "web", Offered::Rps(70.0));
        // 70 at 10 a replica with a tenth of margin is 8, of which home holds 6 under its watermark.
        eventually("6 at home and 2 in the cloud", 40, async || {
            Ok(replicas(client, ns, "web").await? == Some((6, 6))
                && at_site(client, ns, "cloud-told").await? == (2, 2))
        })
        .await?;

        let args = ["explain", "hybridworkload", "web", "-n", ns, "-o", "json"];
        eventually("explain tells what runs, and why", 20, async || {
            let (code, told) = plugin(world, &args).await?;
            ensure!(code == 0, "{code}: {told}");
            let last = told["total"].as_array().and_then(|all| all.last());
            let places = [(0, "home-told", 6), (1, "cloud-told", 2)];
            let there = places.iter().all(|(i, name, n)| {
                let place = &told["places"][i];
                place["site"] == *name
                    && place["desired"] == *n
                    && place["ready"] == *n
                    && place["tier"] == i + 1
            });
            Ok(told["want"] == 8
                && last.is_some_and(|stage| stage["replicas"] == 8)
                && there
                && told["upToDate"] == true
                && told["places"][1]["why"][0]
                    == "home-told is at its high watermark; 2 at cloud-told")
        })
        .await?;
        let (code, _) = plugin(world, &["explain", "nobody", "-n", ns]).await?;
        ensure!(code == 2, "{code}");
        what_would_change(world, manifest).await
    });
}

/// `plan -f` on a workload that runs 8 replicas, 2 of them in the cloud.
async fn what_would_change(world: &World, manifest: Value) -> Result<()> {
    let ns = "told";
    let before = workload(&world.client, ns, "web").await?;
    let plan = async |manifest: &Value| {
        plugin_told(world, &["plan", "-f", "-", "-o", "json"], manifest).await
    };
    let (code, same) = plan(&manifest).await?;
    ensure!(
        code == 0 && same["objects"][0]["change"] == "Unchanged",
        "{code}: {same}"
    );

    let mut fewer = manifest.clone();
    fewer["spec"]["autoscaling"]["maxReplicas"] = json!(7);
    let (code, planned) = plan(&fewer).await?;
    let row = &planned["workloads"][0];
    let counts = (&row["before"]["want"], &row["after"]["want"]);
    ensure!(
        code == 1 && counts == (&json!(8), &json!(7)),
        "{code}: {planned}"
    );
    let sites = json!([{"site": "home-told", "desired": 6}, {"site": "cloud-told", "desired": 1}]);
    ensure!(row["after"]["sites"] == sites, "{row}");
    let capped = row["reasons"]["total"].as_array().into_iter().flatten();
    ensure!(
        capped
            .filter(|stage| stage["reason"] == "TooManyReplicas")
            .count()
            == 1,
        "{row}"
    );

    // What the API server refuses, and what the operator would.
    let mut wrong = manifest.clone();
    wrong["spec"]["autoscaling"]["minReplicas"] = json!(41);
    let (code, refused) = plan(&wrong).await?;
    let told = &refused["refusals"][0];
    ensure!(
        code == 2 && told["reason"] == "ApiServer",
        "{code}: {refused}"
    );
    ensure!(
        told["message"]
            .as_str()
            .is_some_and(|text| text.contains("minReplicas must not exceed maxReplicas")),
        "{told}"
    );
    let mut wrong = manifest;
    wrong["spec"]["placement"]["tiers"][1]["sites"][0] = json!("moon");
    let (code, refused) = plan(&wrong).await?;
    let told = &refused["refusals"][0];
    let text = told["message"].as_str().unwrap_or_default();
    ensure!(
        code == 2
            && told["object"] == "HybridWorkload told/web"
            && text.contains("tiers[1].sites[0]"),
        "{code}: {refused}"
    );

    let after = workload(&world.client, ns, "web").await?;
    ensure!(
        before.metadata.generation == after.metadata.generation,
        "a plan writes nothing"
    );
    Ok(())
}
