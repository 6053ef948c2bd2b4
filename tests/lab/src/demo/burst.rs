//! Many small services whose load rises at once: how long a decision takes, from
//! the sample that shows the load to the accepted write, by the API server's own
//! audit log and Prometheus' own samples.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::example;
use super::seen::Place;
use super::setup::{Stage, get};
use super::wait::{until, until_seen};
use crate::audit::AuditFilter;
use crate::load::Offered;
use crate::operator::{NAMESPACE, SERVICE_ACCOUNT};

/// Namespace of the small services.
pub const BURST: &str = "burst";
/// How many.
pub const SERVICES: usize = 220;
const AT_ONCE: usize = 16;
const CALM_RPS: f64 = 5.0;
const BURST_RPS: f64 = 25.0;
const SETTLE_WAIT: Duration = Duration::from_secs(90);
const WRITES_WAIT: Duration = Duration::from_secs(90);
/// More than the signal's window, so that the calm rate is what it shows.
const CALM_FOR: Duration = Duration::from_secs(5);
/// Until the last answer stands in the audit log.
const AUDIT_DELAY: Duration = Duration::from_secs(2);
const QUERY_TIMEOUT: Duration = Duration::from_secs(15);

/// Times of all decisions, in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DecisionLatency {
    /// How many were timed.
    pub n: usize,
    /// Half took at most this.
    pub p50: Option<f64>,
    /// 99 of 100 took at most this.
    pub p99: Option<f64>,
    /// Half of the changes waited at most this for the sample that shows them.
    pub scrape_wait_p50: Option<f64>,
}

/// Creates the small services and waits until they are calm.
///
/// # Errors
/// What was missing.
pub async fn prepare(stage: &Stage) -> Result<()> {
    let Stage {
        lab,
        client,
        exporter,
        watch,
        ..
    } = stage;
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": BURST, "labels": {"pinisi.dev/class": "MassTraffic"}}});
    example::apply(client, &namespace).await?;
    let url = lab.prometheus_url().context("the lab has no Prometheus")?;
    example::apply(client, &source(url)).await?;
    for index in 0..SERVICES {
        exporter.set(BURST, &name(index), Offered::Rps(CALM_RPS));
    }
    stream::iter(0..SERVICES)
        .map(|index| async move {
            let [deployment, workload] = service(&name(index));
            example::apply(client, &deployment).await?;
            example::apply(client, &workload).await
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    until_seen("a ready pod of each small service", SETTLE_WAIT, || {
        let (ready, _) = watch.seen().now(BURST, Place::Home);
        ((ready as usize) < SERVICES).then(|| format!("{ready} of {SERVICES}"))
    })
    .await?;
    let path = format!("/apis/pinisi.dev/v1alpha1/namespaces/{BURST}/hybridworkloads");
    until(
        "the operator's word on each small service",
        SETTLE_WAIT,
        || async {
            let list = get(client, &path).await;
            let list = list.map_err(|status| anyhow::anyhow!("cannot list: {}", status.message))?;
            let items = list["items"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            let calm = items
                .iter()
                .filter(|workload| workload["status"]["replicas"] == 1)
                .count();
            Ok((calm < SERVICES).then(|| format!("{calm} of {SERVICES} have status.replicas 1")))
        },
    )
    .await?;
    tokio::time::sleep(CALM_FOR).await;
    Ok(())
}

/// Raises all loads at once and times each decision.
///
/// # Errors
/// When the audit log or Prometheus cannot be read. Services that were not
/// decided in time are not counted and are no error.
pub async fn measure(stage: &Stage) -> Result<DecisionLatency> {
    let Stage {
        lab,
        exporter,
        watch,
        ..
    } = stage;
    let raised: BTreeMap<String, i64> = (0..SERVICES)
        .map(|index| {
            let name = name(index);
            let at = exporter.set(BURST, &name, Offered::Rps(BURST_RPS));
            (name, at)
        })
        .collect();
    let more = until_seen("more replicas of each small service", WRITES_WAIT, || {
        let seen = watch.seen();
        let grown = raised.keys().filter(|name| {
            let places = [Place::Home, Place::Nowhere];
            places
                .iter()
                .map(|&place| seen.counts(BURST, name, place).wanted.last())
                .sum::<u32>()
                > 1
        });
        let grown = grown.count();
        (grown < SERVICES).then(|| format!("{grown} of {SERVICES} have grown"))
    });
    // Too few is judged by the number that was timed.
    let _ = more.await;
    tokio::time::sleep(AUDIT_DELAY).await;
    let url = lab.prometheus_url().context("the lab has no Prometheus")?;
    let samples = samples(url).await?;
    let log = lab.audit_log();
    let writes = tokio::task::spawn_blocking(move || {
        log.read(&AuditFilter {
            verbs: vec!["patch".into(), "update".into()],
            resource: Some("deployments".into()),
            subresource: Some("scale".into()),
            namespace: Some(BURST.into()),
            ..AuditFilter::service_account(NAMESPACE, SERVICE_ACCOUNT)
        })
    })
    .await??;
    let mut accepted: BTreeMap<String, Vec<(Timestamp, Timestamp)>> = BTreeMap::new();
    for write in writes.into_iter().filter(|write| write.code == 200) {
        accepted
            .entry(write.name)
            .or_default()
            .push((write.received, write.reached));
    }
    Ok(latencies(&raised, &samples, &accepted))
}

/// Each service's times: the sample is the first one after the change, the
/// write is the first that was sent after the sample.
fn latencies(
    raised: &BTreeMap<String, i64>,
    samples: &BTreeMap<String, Vec<i64>>,
    accepted: &BTreeMap<String, Vec<(Timestamp, Timestamp)>>,
) -> DecisionLatency {
    const MICRO: f64 = 1_000.0;
    let (mut decisions, mut waits) = (Vec::new(), Vec::new());
    for (name, &changed) in raised {
        let sample = samples
            .get(name)
            .into_iter()
            .flatten()
            .copied()
            .filter(|&at| at > changed)
            .min();
        let Some(sample) = sample else { continue };
        waits.push(milliseconds(sample - changed));
        let writes = accepted.get(name).into_iter().flatten();
        let first = writes
            .filter(|(received, _)| received.as_millisecond() >= sample)
            .min_by_key(|(received, _)| *received);
        if let Some((_, reached)) = first {
            decisions.push(milliseconds(reached.as_microsecond() - sample * 1_000) / MICRO);
        }
    }
    decisions.sort_by(f64::total_cmp);
    waits.sort_by(f64::total_cmp);
    DecisionLatency {
        n: decisions.len(),
        p50: percentile(&decisions, 50),
        p99: percentile(&decisions, 99),
        scrape_wait_p50: percentile(&waits, 50),
    }
}

#[allow(clippy::cast_precision_loss)] // the length of one run
fn milliseconds(span: i64) -> f64 {
    span as f64
}

/// The smallest value that `percent` of all are not above.
fn percentile(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted
        .get(rank - 1)
        .map(|value| (value * 10.0).round() / 10.0)
}

#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    metric: BTreeMap<String, String>,
    values: Vec<(f64, String)>,
}

/// When each small service's counter was sampled: raw samples, in milliseconds
/// since 1970.
async fn samples(url: &str) -> Result<BTreeMap<String, Vec<i64>>> {
    let http = reqwest::Client::builder()
        .no_proxy()
        .timeout(QUERY_TIMEOUT)
        .build()?;
    let query = format!("pinisi_demo_requests_total{{namespace=\"{BURST}\"}}[5m]");
    let text = http
        .get(format!("{url}/api/v1/query"))
        .query(&[("query", query.as_str())])
        .send()
        .await?
        .error_for_status()?
        .text()
        .await?;
    let Answer {
        data: Data { result },
    } = serde_json::from_str(&text).context("cannot read Prometheus' answer")?;
    ensure!(!result.is_empty(), "Prometheus has no samples of the burst");
    Ok(result
        .into_iter()
        .map(|Series { mut metric, values }| {
            let times = values
                .into_iter()
                .map(|(seconds, _)| in_milliseconds(seconds));
            (
                metric.remove("workload").unwrap_or_default(),
                times.collect(),
            )
        })
        .collect())
}

#[allow(clippy::cast_possible_truncation)] // a time of our days
fn in_milliseconds(seconds: f64) -> i64 {
    (seconds * 1_000.0).round() as i64
}

fn name(index: usize) -> String {
    format!("tiny-{index:03}")
}

/// A gauge that shows a change in the first sample after it: what is timed is the decision, not
/// how long a rate takes to fill its window.
fn source(url: &str) -> Value {
    json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "SignalSource",
        "metadata": {"name": BURST},
        "spec": {
            "prometheus": {"address": url}, "intervalSeconds": 1,
            "queries": [{
                "name": "offered",
                "query": "max by (namespace, workload) (pinisi_demo_offered_rps)",
                "timestampQuery": "max by (namespace, workload) (timestamp(pinisi_demo_offered_rps))",
            }],
        },
    })
}

fn service(name: &str) -> [Value; 2] {
    let labels = json!({"app": name});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": BURST},
        "spec": {"selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"terminationGracePeriodSeconds": 1, "containers": [{"name": "web", "image": "registry.example/burst/tiny:1",
                "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}}}]},
        }},
    });
    let workload = json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "HybridWorkload",
        "metadata": {"name": name, "namespace": BURST},
        "spec": {
            "class": "MassTraffic",
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "autoscaling": {"minReplicas": 1, "maxReplicas": 4,
                "load": {"signal": {"source": BURST, "query": "offered"}, "perReplica": "10", "headroomPercent": 10}},
            "placement": {"tiers": [{"sites": ["home"]}]},
        },
    });
    [deployment, workload]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).unwrap()
    }

    #[test]
    fn a_decision_is_from_the_first_sample_after_the_change_to_the_first_write_after_it() {
        let raised = BTreeMap::from([
            ("a".to_owned(), 1_000),
            ("b".to_owned(), 1_000),
            ("c".to_owned(), 1_000),
        ]);
        let samples = BTreeMap::from([
            ("a".to_owned(), vec![600, 1_600, 2_600]),
            ("b".to_owned(), vec![600, 1_600]),
            ("c".to_owned(), vec![600]),
        ]);
        let accepted = BTreeMap::from([
            // Before the sample: another matter. Then two: the first counts.
            (
                "a".to_owned(),
                vec![
                    (at(1_200), at(1_210)),
                    (at(1_700), at(1_750)),
                    (at(2_700), at(2_701)),
                ],
            ),
            ("c".to_owned(), vec![(at(1_700), at(1_700))]),
        ]);
        let figures = latencies(&raised, &samples, &accepted);
        assert_eq!(figures.n, 1, "b was never written, c never sampled");
        assert_eq!(figures.p50, Some(150.0));
        assert_eq!(figures.scrape_wait_p50, Some(600.0));
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!(
            (percentile(&values, 50), percentile(&values, 99)),
            (Some(100.0), Some(198.0))
        );
        assert_eq!(percentile(&[7.0], 99), Some(7.0));
        assert_eq!(percentile(&[], 50), None);
    }
}
