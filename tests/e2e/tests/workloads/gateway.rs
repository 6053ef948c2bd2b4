//! Load scraped from gateways directly: decisions within a second of the load, and a gateway that
//! dies makes the sum stale and never small.

use crate::GROUPS;
use anyhow::{Context as _, Result, ensure};
use kube::{Api, Client};
use pinisi_crds::SignalSource;
use pinisi_e2e::objects::{
    apply, condition, deployment, gateway_source, mass, namespace, replicas, site,
};
use pinisi_e2e::record::Recorder;
use pinisi_e2e::wait::{always, eventually};
use pinisi_lab::exporter::Exporter;
use pinisi_lab::load::Offered;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const NS: &str = "gate";
/// Rises of the load that are timed with a gauge, whose figure is whole at once.
const GAUGE_RISES: u32 = 9;
/// Rises that are timed with a rate: between them the look-ahead over its ramp must go back.
const RATE_RISES: u32 = 3;
/// Longest that the median rise may take from the change of load to the accepted write. The age of
/// the signal at the decision is a part of it.
const MEDIAN_MAX: Duration = Duration::from_secs(1);

#[test]
fn gateways_are_followed_within_a_second_and_a_dead_one_shrinks_nothing() {
    pinisi_e2e::run(GROUPS, async |world| {
        let client = &world.client;
        apply(client, site("home-gate")).await?;
        apply(client, namespace(NS, "MassTraffic")).await?;
        let (one, two) = (Exporter::start(None).await?, Exporter::start(None).await?);
        for name in ["now", "rps"] {
            one.set(NS, name, Offered::Rps(100.0));
            two.set(NS, name, Offered::Rps(100.0));
        }
        refusals(client).await?;
        apply(
            client,
            gateway_source("gates", &[one.address(), two.address()]),
        )
        .await?;
        for name in ["now", "rps"] {
            apply(client, deployment(NS, name, "home-gate", 1, 10)).await?;
            apply(client, follows(name)).await?;
            // 200 at 100 a replica with a tenth of margin.
            eventually("the sum of both gateways is followed", 30, async || {
                Ok(replicas(client, NS, name).await?.map(|r| r.0) == Some(3))
            })
            .await?;
        }
        let record = Recorder::start(client, NS);
        let age = young(&record, &one, "now", GAUGE_RISES).await?;
        let rate = young(&record, &one, "rps", RATE_RISES).await?;
        println!(
            "from a change of load to the accepted write: gauge, median of {GAUGE_RISES}: {} ms; whole figure of a rate over 1 s, median of {RATE_RISES}: {} ms",
            age.as_millis(),
            rate.as_millis()
        );
        ensure!(
            age < MEDIAN_MAX,
            "{age:?}: the signal is older than {MEDIAN_MAX:?}"
        );
        one_dies(client, &one, &two).await
    });
}

fn follows(name: &str) -> Value {
    let mut body = mass(NS, name, &["home-gate"], 1, 60);
    body["spec"]["autoscaling"]["load"] = json!({"signal": {"source": "gates", "query": name}, "perReplica": "100", "headroomPercent": 10});
    body
}

/// Raises the load step by step; the median time until the API server has the count for it.
async fn young(record: &Recorder, exporter: &Exporter, name: &str, rises: u32) -> Result<Duration> {
    let count = || Some(record.moments().last()?.get(name)?.0);
    let mut times = Vec::new();
    for rise in 1..=rises {
        // Not in step with the scrapes.
        sleep(Duration::from_millis(1_500 + u64::from(rise) * 37)).await;
        // The other gateway's 100 are in the sum; a tenth of margin; rounded up.
        let wanted = i32::try_from((330 * rise + 110).div_ceil(100))?;
        eventually("the count is below what is timed", 20, async || {
            Ok(count().is_some_and(|count| count < wanted))
        })
        .await?;
        let begun = Instant::now();
        exporter.set(NS, name, Offered::Rps(f64::from(rise) * 300.0));
        while count() < Some(wanted) {
            ensure!(
                begun.elapsed() < Duration::from_secs(20),
                "rise {rise} of {name}: never {wanted} replicas, but {:?}",
                count()
            );
            sleep(Duration::from_millis(5)).await;
        }
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times.get(times.len() / 2).copied().context("no times")
}

/// One of two gateways goes away: the sum stands, then is stale, then whole again without it.
async fn one_dies(client: &Client, one: &Exporter, two: &Exporter) -> Result<()> {
    for name in ["now", "rps"] {
        one.set(NS, name, Offered::Rps(500.0));
        two.set(NS, name, Offered::Rps(1_500.0));
        eventually("both gateways together", 30, async || {
            Ok(replicas(client, NS, name).await?.is_some_and(|r| r.0 >= 22))
        })
        .await?;
    }
    two.stop();
    let sources = Api::<SignalSource>::all(client.clone());
    eventually(
        "status names the gateway that does not answer",
        20,
        async || {
            let status = sources.get("gates").await?.status.unwrap_or_default();
            let failing: Vec<_> = status
                .gateways
                .iter()
                .filter(|g| g.error.is_some())
                .collect();
            Ok(failing.len() == 1
                && failing[0].address.contains(two.address())
                && failing[0].failing_since.is_some()
                && failing[0]
                    .error
                    .as_ref()
                    .is_some_and(|e| e.contains("refused")))
        },
    )
    .await?;
    for name in ["now", "rps"] {
        eventually("then its workloads are stale", 20, async || {
            let active = condition(client, NS, name, "ScalingActive").await?;
            Ok(active.is_some_and(|c| c.0 == "False" && c.1 == "SignalStale"))
        })
        .await?;
    }
    // Longer than the scale-down window of 5 s.
    always("nothing shrank", 8, async || {
        let now = replicas(client, NS, "now").await?.map(|r| r.0);
        let rps = replicas(client, NS, "rps").await?.map(|r| r.0);
        Ok(now >= Some(22) && rps >= Some(22))
    })
    .await?;
    let ready = sources
        .get("gates")
        .await?
        .status
        .unwrap_or_default()
        .conditions;
    ensure!(
        ready.iter().any(|c| c.type_ == "Ready"
            && c.status == "False"
            && c.message.contains(two.address())),
        "{ready:?}"
    );
    // Who takes it out of the list says that its load is gone.
    apply(client, gateway_source("gates", &[one.address()])).await?;
    eventually("the count follows the other alone", 40, async || {
        let now = replicas(client, NS, "now").await?.map(|r| r.0);
        Ok(now == Some(6) && replicas(client, NS, "rps").await?.map(|r| r.0) == Some(6))
    })
    .await
}

/// What the API server itself refuses, in words that name the way out.
async fn refusals(client: &Client) -> Result<()> {
    type Change = fn(&mut Value);
    let cases: [(&str, Change); 9] = [
        (
            "exactly one of spec.prometheus.address and spec.gateways",
            |s| s["prometheus"] = json!({"address": "http://127.0.0.1:9"}),
        ),
        (
            "exactly one of spec.prometheus.address and spec.gateways",
            |s| {
                s.as_object_mut().and_then(|spec| spec.remove("gateways"));
            },
        ),
        ("set metric instead of query", |s| {
            s["queries"] = json!([{"name": "a", "query": "up"}])
        }),
        ("exactly one of query", |s| {
            s["queries"][0]["query"] = json!("up")
        }),
        ("timestampQuery goes with query", |s| {
            s["queries"][0]["timestampQuery"] = json!("up")
        }),
        ("scraped every intervalMilliseconds", |s| {
            s["intervalSeconds"] = json!(1)
        }),
        ("at least twice as long", |s| {
            s["intervalMilliseconds"] = json!(4_000)
        }),
        ("URL of a metrics page", |s| {
            s["gateways"][0]["address"] = json!("ftp://127.0.0.1/metrics")
        }),
        ("without a password", |s| {
            s["gateways"][0]["address"] = json!("http://a:b@127.0.0.1/metrics")
        }),
    ];
    for (words, change) in cases {
        let mut body = gateway_source("refused", &["127.0.0.1:9"]);
        change(&mut body["spec"]);
        let error = apply(client, body).await.err().map(|e| format!("{e:#}"));
        ensure!(
            error.as_deref().is_some_and(|e| e.contains(words)),
            "expected «{words}», got {error:?}"
        );
    }
    Ok(())
}
