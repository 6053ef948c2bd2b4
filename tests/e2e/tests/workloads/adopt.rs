//! From an HPA to Pinisi and back, with the real HPA controller. The lab has no metrics API here, so
//! that the HPA keeps the count that it finds and moves it by its bounds alone.

use crate::GROUPS;
use anyhow::{Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, Client, ResourceExt as _};
use pinisi_crds::HybridWorkload;
use pinisi_crds::hybrid_workload::Mode;
use pinisi_crds::names::{CLASS_LABEL, SITE_LABEL};
use pinisi_e2e::objects::{self, apply, at_site, deployment, replicas, siblings, site, workload};
use pinisi_e2e::plugin::{plugin, plugin_killed_after};
use pinisi_e2e::record::Recorder;
use pinisi_e2e::wait::{always, eventually};
use pinisi_lab::load::Offered;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

fn hpa(namespace: &str, min: i32, max: i32) -> Value {
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "old", "namespace": namespace, "labels": {"team": "shop"}, "annotations": {"note": "ours"}},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": min, "maxReplicas": max,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}],
        },
    })
}

/// A namespace without a class, a Deployment of 5, and an HPA that has looked at it.
async fn hpa_scales_five(
    client: &Client,
    ns: &str,
    home: &str,
    cloud: &str,
    cpu: u32,
) -> Result<()> {
    apply(client, site(home)).await?;
    apply(client, site(cloud)).await?;
    apply(
        client,
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ns}}),
    )
    .await?;
    apply(client, deployment(ns, "web", home, 5, cpu)).await?;
    apply(client, hpa(ns, 3, 10)).await?;
    eventually("five run, and the HPA has looked", 60, async || {
        let conditions = old_hpa(client, ns).await?.and_then(|hpa| hpa.status);
        let conditions = conditions.and_then(|status| status.conditions);
        let looked = conditions
            .iter()
            .flatten()
            .any(|c| c.type_ == "AbleToScale");
        Ok(replicas(client, ns, "web").await? == Some((5, 5)) && looked)
    })
    .await
}

async fn old_hpa(client: &Client, ns: &str) -> Result<Option<HorizontalPodAutoscaler>> {
    let api = Api::<HorizontalPodAutoscaler>::namespaced(client.clone(), ns);
    Ok(api.get_opt("old").await?)
}

/// Uids of the pods that run at home.
async fn uids(client: &Client, ns: &str) -> Result<BTreeSet<String>> {
    let api = Api::<Pod>::namespaced(client.clone(), ns);
    let home = ListParams::default().labels(&format!("app=web,!{SITE_LABEL}"));
    let pods = api.list(&home).await?;
    let alive = pods
        .iter()
        .filter(|pod| pod.metadata.deletion_timestamp.is_none());
    Ok(alive.filter_map(|pod| pod.uid()).collect())
}

/// A scale-down window of five seconds, as the owner of the workload may set it while it observes.
async fn short_window(client: &Client, ns: &str) -> Result<()> {
    let spec =
        json!({"autoscaling": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 5}}}});
    let api = Api::<HybridWorkload>::namespaced(client.clone(), ns);
    let params = PatchParams::default();
    api.patch("web", &params, &Patch::Merge(json!({ "spec": spec })))
        .await?;
    eventually("the operator has read the window", 20, async || {
        let found = workload(client, ns, "web").await?;
        let seen = found.status.and_then(|status| status.observed_generation);
        Ok(seen == found.metadata.generation)
    })
    .await
}

async fn owners(client: &Client, ns: &str) -> Result<BTreeSet<String>> {
    let found = Api::<Deployment>::namespaced(client.clone(), ns)
        .get("web")
        .await?;
    let entries = found.metadata.managed_fields.into_iter().flatten();
    let owns = entries.filter(|entry| {
        let fields = entry.fields_v1.as_ref();
        fields.is_some_and(|fields| fields.0.pointer("/f:spec/f:replicas").is_some())
    });
    Ok(owns.filter_map(|entry| entry.manager).collect())
}

fn fewest(record: &Recorder) -> i32 {
    let moments = record.moments();
    let counts = moments.iter().filter_map(|counts| counts.get("web"));
    counts.map(|(spec, _)| *spec).min().unwrap_or(0)
}

#[test]
fn the_count_changes_hands_and_comes_back_without_a_restart_or_a_shrink() {
    pinisi_e2e::run(GROUPS, async |world| {
        let (client, ns) = (&world.client, "adopt");
        hpa_scales_five(client, ns, "home-adopt", "cloud-adopt", 500).await?;
        world.exporter.set(ns, "web", Offered::Rps(20.0));
        let before = old_hpa(client, ns).await?.map(|hpa| hpa.spec);

        // The namespace has to say its class first; nothing is written.
        let make = [
            "adopt",
            "deployment/web",
            "--class",
            "MassTraffic",
            "--home",
            "home-adopt",
            "--overflow",
            "cloud-adopt",
            "--load",
            "prometheus/rps",
            "--per-replica",
            "10",
            "-n",
            ns,
            "-o",
            "json",
            "--yes",
        ];
        let (code, refused) = plugin(world, &make).await?;
        let notes = refused["notes"].as_array().cloned().unwrap_or_default();
        let way_out = notes.iter().any(|note| {
            note["weight"] == "Obstacle"
                && note["wayOut"]
                    .as_str()
                    .is_some_and(|w| w.contains("kubectl label namespace adopt"))
        });
        ensure!(code == 1 && way_out, "{code}: {refused}");

        let mut labelling = make.to_vec();
        labelling.push("--label-namespace");
        let (code, made) = plugin(world, &labelling).await?;
        ensure!(code == 0 && made["ending"] == "Done", "{code}: {made}");
        let found = workload(client, ns, "web").await?;
        ensure!(found.spec.mode == Some(Mode::Observe), "{:?}", found.spec);
        let (code, again) = plugin(world, &make).await?;
        ensure!(
            code == 0 && again["phase"] == "Observing",
            "{code}: {again}"
        );
        ensure!(
            again["steps"] == json!([]) && again["manifest"].is_null(),
            "{again}"
        );

        // For a whole window after it first looked the operator shrinks nothing, in Observe either.
        short_window(client, ns).await?;
        // 20 at 10 a replica with a tenth of margin is 3; the HPA has no figures and keeps 5.
        eventually("both counts are shown with the causes", 40, async || {
            let (code, status) = plugin(
                world,
                &["adopt", "status", "deployment/web", "-n", ns, "-o", "json"],
            )
            .await?;
            let causes: Vec<_> = status["causes"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|c| c["cause"].clone())
                .collect();
            Ok(code == 0
                && status["autoscaler"]["desired"] == 5
                && status["pinisi"]["desired"] == 3
                && status["difference"] == -2
                && causes.contains(&json!("AutoscalerHasNoFigures")))
        })
        .await?;

        let (record, pods) = (Recorder::start(client, ns), uids(client, ns).await?);
        let finish = [
            "adopt",
            "finish",
            "deployment/web",
            "-n",
            ns,
            "-o",
            "json",
            "--yes",
        ];
        let mut no_wait = finish.to_vec();
        no_wait.push("--no-wait");
        let (code, held) = plugin(world, &no_wait).await?;
        ensure!(
            code == 0 && held["phase"] == "HoldingFloor",
            "{code}: {held}"
        );
        ensure!(
            old_hpa(client, ns).await?.is_none(),
            "the HPA is still there"
        );
        ensure!(
            owners(client, ns).await?.contains("pinisi"),
            "{:?}",
            owners(client, ns).await?
        );
        ensure!(uids(client, ns).await? == pods, "pods were restarted");
        ensure!(
            fewest(&record) == 5,
            "{} ran at some moment",
            fewest(&record)
        );
        let found = workload(client, ns, "web").await?;
        ensure!(
            found
                .spec
                .autoscaling
                .as_ref()
                .is_some_and(|a| a.min_replicas == Some(5)),
            "{:?}",
            found.spec
        );

        let (code, done) = plugin(world, &finish).await?;
        ensure!(
            code == 0 && done["phase"] == "Adopted" && done["steps"] == json!([]),
            "{code}: {done}"
        );
        eventually("after the window Pinisi's own count: 3", 40, async || {
            Ok(replicas(client, ns, "web").await? == Some((3, 3)))
        })
        .await?;
        drop(record);
        // As long as the other two are ending they take room at home, as they should.
        eventually("the other two are gone", 40, async || {
            Ok(objects::pods(client, ns).await?.len() == 3)
        })
        .await?;

        // 4 cores at home: six of 500m up to the watermark, the rest overflows.
        world.exporter.set(ns, "web", Offered::Rps(90.0));
        eventually("six at home and four in the cloud", 60, async || {
            Ok(replicas(client, ns, "web").await? == Some((6, 6))
                && at_site(client, ns, "cloud-adopt").await? == (4, 4))
        })
        .await?;

        // Home holds eight: two do not fit, and nothing is taken away.
        let release = [
            "release", "hw/web", "-n", ns, "-o", "json", "--yes", "--wait", "8",
        ];
        let (code, stopped) = plugin(world, &release).await?;
        ensure!(
            code == 3 && stopped["ending"] == "Stopped",
            "{code}: {stopped}"
        );
        let found = workload(client, ns, "web").await?.spec;
        ensure!(
            found.override_.is_none() && found.mode == Some(Mode::Active),
            "{found:?}"
        );
        always("ten serve", 5, async || {
            let home = replicas(client, ns, "web").await?.unwrap_or_default();
            Ok(home.1 + at_site(client, ns, "cloud-adopt").await?.1 >= 10)
        })
        .await?;

        // With another node it does.
        world.lab.add_nodes("home-adopt", 1).await?;
        let pods = uids(client, ns).await?;
        let (code, released) = plugin(world, &release).await?;
        ensure!(
            code == 0 && released["ending"] == "Done",
            "{code}: {released}"
        );
        let gone = Api::<HybridWorkload>::namespaced(client.clone(), ns)
            .get_opt("web")
            .await?;
        ensure!(
            gone.is_none() && siblings(client, ns, "cloud-adopt").await?.is_empty(),
            "{gone:?}"
        );
        ensure!(
            replicas(client, ns, "web").await? == Some((10, 10)),
            "{:?}",
            replicas(client, ns, "web").await?
        );
        ensure!(
            uids(client, ns).await?.is_superset(&pods),
            "pods at home were restarted"
        );
        let back = old_hpa(client, ns).await?;
        ensure!(
            back.as_ref().map(|hpa| &hpa.spec) == before.as_ref(),
            "{back:?}"
        );
        ensure!(
            back.is_some_and(|hpa| hpa.annotations().contains_key("note")),
            "its annotations are gone"
        );

        apply(client, hpa(ns, 11, 12)).await?;
        eventually("the HPA scales again: its fewest are 11", 60, async || {
            Ok(replicas(client, ns, "web").await? == Some((11, 11)))
        })
        .await?;
        let now = owners(client, ns).await?;
        ensure!(
            !now.contains("pinisi"),
            "the HPA wrote the count and is its owner: {now:?}"
        );
        Ok(())
    });
}

#[test]
fn killed_anywhere_the_same_command_goes_on() {
    pinisi_e2e::run(GROUPS, async |world| {
        let (client, ns) = (&world.client, "adopt-killed");
        hpa_scales_five(client, ns, "home", "cloud", 10).await?;
        world.exporter.set(ns, "web", Offered::Rps(20.0));
        let make = [
            "adopt",
            "deployment/web",
            "--class",
            "MassTraffic",
            "--home",
            "home",
            "--overflow",
            "cloud",
            "--load",
            "prometheus/rps",
            "--per-replica",
            "10",
            "--label-namespace",
            "-n",
            ns,
            "-o",
            "json",
            "--yes",
        ];
        let (code, made) = plugin(world, &make).await?;
        ensure!(code == 0, "{code}: {made}");
        let namespace = Api::<k8s_openapi::api::core::v1::Namespace>::all(client.clone())
            .get(ns)
            .await?;
        ensure!(
            namespace
                .labels()
                .get(CLASS_LABEL)
                .is_some_and(|class| class == "MassTraffic"),
            "no label"
        );
        short_window(client, ns).await?;
        eventually("it observes with figures", 40, async || {
            Ok(workload(client, ns, "web")
                .await?
                .status
                .is_some_and(|status| status.replicas == 3))
        })
        .await?;

        let (record, pods) = (Recorder::start(client, ns), uids(client, ns).await?);
        let finish = [
            "adopt",
            "finish",
            "deployment/web",
            "-n",
            ns,
            "-o",
            "json",
            "--yes",
            "--no-wait",
        ];
        let mut killed = 0;
        let mut ended = None;
        for tries in 1..40 {
            ended = plugin_killed_after(world, &finish, Duration::from_millis(80 * tries)).await?;
            if ended.is_some() {
                break;
            }
            killed += 1;
        }
        ensure!(
            ended == Some(0) && killed >= 2,
            "ended with {ended:?} after {killed} kills"
        );
        ensure!(
            old_hpa(client, ns).await?.is_none() && owners(client, ns).await?.contains("pinisi"),
            "not taken over"
        );
        ensure!(uids(client, ns).await? == pods, "pods were restarted");
        ensure!(
            fewest(&record) == 5,
            "{} ran at some moment",
            fewest(&record)
        );

        let release = ["release", "hw/web", "-n", ns, "-o", "json", "--yes"];
        let mut ended = None;
        for tries in 1..60 {
            let gone = Api::<HybridWorkload>::namespaced(client.clone(), ns)
                .get_opt("web")
                .await?;
            if gone.is_none() {
                ended = Some(0);
                break;
            }
            ended =
                plugin_killed_after(world, &release, Duration::from_millis(300 * tries)).await?;
            if ended.is_some() {
                break;
            }
        }
        ensure!(ended == Some(0), "release ended with {ended:?}");
        ensure!(
            old_hpa(client, ns).await?.is_some(),
            "the HPA was not given back"
        );
        ensure!(
            uids(client, ns).await? == pods && fewest(&record) == 5,
            "the service was touched"
        );
        Ok(())
    });
}
