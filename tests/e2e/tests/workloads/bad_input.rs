//! Bad input: each a refusal or a condition on that object that names field and way out, and the
//! good workload beside it goes on.

use crate::GROUPS;
use anyhow::Result;
use kube::Client;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};
use pinisi_crds::Site;
use pinisi_e2e::objects::{
    apply, condition, deployment, mass, namespace, replicas, signal_source, site,
};
use pinisi_e2e::wait::eventually;
use pinisi_lab::load::Offered;
use serde_json::{Value, json};

#[test]
fn bad_objects_say_what_is_wrong_and_disturb_nobody() {
    pinisi_e2e::run(GROUPS, async |world| {
        let (client, ns) = (&world.client, "bad");
        apply(client, site("home-bad")).await?;
        apply(client, site("cloud-bad")).await?;
        apply(client, namespace(ns, "MassTraffic")).await?;

        refusals(client, ns).await?;
        stalled(client, ns).await?;
        signals(world, ns).await?;

        // The others go on: a sound workload in the same namespace follows its load.
        apply(client, deployment(ns, "good", "home-bad", 1, 10)).await?;
        apply(client, mass(ns, "good", &["home-bad", "cloud-bad"], 1, 20)).await?;
        world.exporter.set(ns, "good", Offered::Rps(40.0));
        eventually("the good one is served", 30, async || {
            Ok(replicas(client, ns, "good").await? == Some((5, 5)))
        })
        .await?;
        overlapping_sites(client).await
    });
}

fn workload(ns: &str, name: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut body = mass(ns, name, &["home-bad", "cloud-bad"], 1, 20);
    change(&mut body["spec"]);
    body
}

/// What the API server itself refuses, in words that name the way out.
async fn refusals(client: &Client, ns: &str) -> Result<()> {
    let cases: [(&str, Value, &str); 6] = [
        (
            "negative capacity",
            workload(ns, "x", |s| {
                s["autoscaling"]["load"]["perReplica"] = json!("-5")
            }),
            "a quantity above 0",
        ),
        (
            "absurd capacity",
            workload(ns, "x", |s| {
                s["autoscaling"]["load"]["perReplica"] = json!("1e30")
            }),
            "a quantity above 0",
        ),
        (
            "text capacity",
            workload(ns, "x", |s| {
                s["autoscaling"]["load"]["perReplica"] = json!("many")
            }),
            "a quantity above 0",
        ),
        (
            "min above max",
            workload(ns, "x", |s| s["autoscaling"]["minReplicas"] = json!(50)),
            "minReplicas must not exceed maxReplicas",
        ),
        (
            "class against its namespace",
            workload(ns, "x", |s| {
                s["class"] = json!("Sensitive");
                s["placement"] = json!({"tiers": [{"sites": ["home-bad"]}]});
            }),
            "a namespace holds one class",
        ),
        (
            "negative reserve",
            {
                let mut bad = site("home-negative");
                bad["spec"]["capacity"] = json!({"reserveForSensitive": {"cpu": "-2"}});
                bad
            },
            "cpu must be a quantity of 0 or more",
        ),
    ];
    for (what, body, words) in cases {
        let error = apply(client, body).await.err().map(|e| format!("{e:#}"));
        assert!(
            error.as_deref().is_some_and(|e| e.contains(words)),
            "{what}: expected «{words}», got {error:?}"
        );
    }
    Ok(())
}

/// What only the operator can see: a condition on the object.
async fn stalled(client: &Client, ns: &str) -> Result<()> {
    apply(client, deployment(ns, "shared", "home-bad", 1, 10)).await?;
    for name in ["unknown-site", "config"] {
        apply(client, deployment(ns, name, "home-bad", 1, 10)).await?;
    }
    apply(
        client,
        workload(ns, "unknown-site", |s| {
            s["placement"]["tiers"][1]["sites"] = json!(["nowhere"])
        }),
    )
    .await?;
    apply(client, workload(ns, "no-target", |_| {})).await?;
    apply(
        client,
        workload(ns, "no-scale", |s| {
            s["targetRef"] = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "x"})
        }),
    )
    .await?;
    apply(client, workload(ns, "shared", |_| {})).await?;
    apply(
        client,
        workload(ns, "shared-too", |s| {
            s["targetRef"]["name"] = json!("shared")
        }),
    )
    .await?;
    let cases = [
        (
            "unknown-site",
            "spec.placement.tiers[1].sites[0]",
            "nowhere",
        ),
        ("no-target", "spec.targetRef", "no-target"),
        ("no-scale", "spec.targetRef", "ConfigMap"),
        ("shared-too", "spec.targetRef", "shared"),
    ];
    for (name, field, word) in cases {
        eventually(
            &format!("{name} is Stalled and says {field}"),
            20,
            async || {
                let stalled = condition(client, ns, name, "Stalled").await?;
                Ok(stalled
                    .is_some_and(|c| c.0 == "True" && c.2.contains(field) && c.2.contains(word)))
            },
        )
        .await?;
    }
    let first = condition(client, ns, "shared", "Stalled").await?;
    assert!(
        first.is_none_or(|c| c.0 == "False"),
        "the older of two on one target keeps it"
    );
    Ok(())
}

/// A signal that lies or is not there never shrinks anything.
async fn signals(world: &pinisi_e2e::World, ns: &str) -> Result<()> {
    let client = &world.client;
    for name in ["sig", "no-series", "no-query", "old", "text"] {
        apply(client, deployment(ns, name, "home-bad", 3, 10)).await?;
    }
    let address = world.lab.prometheus_url().unwrap_or_default();
    let mut talker = signal_source("talker", address);
    talker["spec"]["queries"] = json!([{"name": "text", "query": "\"many\""}]);
    apply(client, talker).await?;
    for name in ["old", "text"] {
        // A load of nothing: whoever believes it would shrink to 1.
        world.exporter.set(ns, name, Offered::Rps(0.0));
    }
    apply(
        client,
        workload(ns, "old", |s| {
            s["autoscaling"]["load"]["signal"]["query"] = json!("old")
        }),
    )
    .await?;
    apply(
        client,
        workload(ns, "text", |s| {
            s["autoscaling"]["load"]["signal"] = json!({"source": "talker", "query": "text"})
        }),
    )
    .await?;
    apply(client, workload(ns, "no-series", |_| {})).await?;
    apply(
        client,
        workload(ns, "no-query", |s| {
            s["autoscaling"]["load"]["signal"]["query"] = json!("typo")
        }),
    )
    .await?;
    apply(client, workload(ns, "sig", |_| {})).await?;
    world.exporter.set(ns, "sig", Offered::Rps(70.0));
    eventually("it follows a good signal", 30, async || {
        Ok(replicas(client, ns, "sig").await? == Some((8, 8)))
    })
    .await?;
    for (name, reason) in [
        ("no-series", "SignalHasNoSeries"),
        ("no-query", "SignalQueryNotFound"),
        ("old", "SignalStale"),
        ("text", "SignalUnreachable"),
    ] {
        eventually(
            &format!("{name}: ScalingActive is False for {reason}"),
            20,
            async || {
                let active = condition(client, ns, name, "ScalingActive").await?;
                Ok(active.is_some_and(|c| c.0 == "False" && c.1 == reason))
            },
        )
        .await?;
        assert_eq!(
            replicas(client, ns, name).await?.map(|r| r.0),
            Some(3),
            "{name} shrank"
        );
    }
    world.exporter.set(ns, "sig", Offered::Nan);
    eventually("NaN is said", 20, async || {
        let active = condition(client, ns, "sig", "ScalingActive").await?;
        Ok(active.is_some_and(|c| c.0 == "False" && c.1 == "SignalNotANumber"))
    })
    .await?;
    world.exporter.set(ns, "sig", Offered::Absent);
    eventually("silence is said", 30, async || {
        let active = condition(client, ns, "sig", "ScalingActive").await?;
        Ok(active.is_some_and(|c| c.0 == "False" && c.1 == "SignalHasNoSeries"))
    })
    .await?;
    // Longer than the scale-down window of 5 s.
    pinisi_e2e::wait::always("nothing shrank", 8, async || {
        Ok(replicas(client, ns, "sig").await? == Some((8, 8)))
    })
    .await
}

/// A node in two Sites stalls both, by name.
async fn overlapping_sites(client: &Client) -> Result<()> {
    let mut twin = site("home-twin");
    twin["spec"]["nodes"] = site("home-bad")["spec"]["nodes"].clone();
    apply(client, twin).await?;
    let sites = Api::<Site>::all(client.clone());
    for name in ["home-bad", "home-twin"] {
        eventually(
            &format!("{name} is Stalled for a node in two Sites"),
            20,
            async || {
                let found = sites.get(name).await?.status.unwrap_or_default();
                Ok(found.conditions.iter().any(|c| {
                    c.type_ == "Stalled" && c.status == "True" && c.message.contains("home-bad-0")
                }))
            },
        )
        .await?;
    }
    let list = sites.list(&ListParams::default()).await?;
    let others = list
        .iter()
        .filter(|s| s.name_any() == "home")
        .flat_map(|s| s.status.clone().unwrap_or_default().conditions);
    assert!(
        others
            .into_iter()
            .all(|c| c.type_ != "Stalled" || c.status == "False"),
        "another Site was disturbed"
    );
    Ok(())
}
