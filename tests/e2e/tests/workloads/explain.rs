//! What a decision is and what manifests would change, asked by a person with the plugin.

use crate::GROUPS;
use anyhow::ensure;
use pinisi_e2e::objects::{apply, at_site, deployment, mass, namespace, replicas, site};
use pinisi_e2e::plugin::plugin;
use pinisi_e2e::wait::eventually;
use pinisi_lab::load::Offered;

#[test]
fn every_number_is_explained_from_what_the_operator_wrote() {
    pinisi_e2e::run(GROUPS, async |world| {
        let (client, ns) = (&world.client, "told");
        apply(client, site("home-told")).await?;
        apply(client, site("cloud-told")).await?;
        apply(client, namespace(ns, "MassTraffic")).await?;
        apply(client, deployment(ns, "web", "home-told", 2, 500)).await?;
        let manifest = mass(ns, "web", &["home-told", "cloud-told"], 2, 40);
        apply(client, manifest).await?;
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
        Ok(())
    });
}
