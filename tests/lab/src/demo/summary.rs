//! All topologies of one run together: one verdict, and at the top of the JSON the worse figure of
//! each. Where the files go.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::burst::DecisionLatency;
use super::figures::{BySite, Unmet};
use super::report::{Report, Verdict};
use super::topology::Topology;

/// How one topology ended: with a report, or broken off.
pub type Ended = (Topology, Result<Report>);

/// What the whole run says. Sums where things were counted that must be 0 or equal, else the worse
/// of the topologies.
#[derive(Debug, Serialize)]
struct Summary {
    verdict: Verdict,
    sensitive_pods_seen: usize,
    sensitive_pods_off_lawful_nodes: usize,
    bypass_attempts: usize,
    bypass_refused: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    sensitive_objects_in_cloud_cluster: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud_etcd_keys_read: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    carried_objects: Option<usize>,
    peak_replicas: BySite,
    needed_at_peak: u32,
    home_capacity: u32,
    cloud_replicas_at_end: u32,
    unmet_replica_seconds: Unmet,
    decision_latency_ms: DecisionLatency,
    cloud_replica_seconds: f64,
    seconds: f64,
    topologies: Map<String, Value>,
}

/// Passed only where every topology did.
#[must_use]
pub fn verdict(ended: &[Ended]) -> Verdict {
    let passed =
        |(_, result): &Ended| matches!(result, Ok(report) if report.verdict == Verdict::Passed);
    if !ended.is_empty() && ended.iter().all(passed) {
        Verdict::Passed
    } else {
        Verdict::Failed
    }
}

/// The whole run as JSON.
///
/// # Errors
/// A figure that cannot be written as JSON.
pub fn json(ended: &[Ended]) -> Result<Value> {
    let mut topologies = Map::new();
    for (topology, result) in ended {
        let value = match result {
            Ok(report) => serde_json::to_value(report)?,
            Err(error) => {
                json!({"topology": topology, "verdict": Verdict::Failed, "error": format!("{error:#}")})
            }
        };
        topologies.insert(topology.name().to_owned(), value);
    }
    let reports: Vec<&Report> = ended.iter().filter_map(|(_, r)| r.as_ref().ok()).collect();
    let Some(first) = reports.first() else {
        return Ok(json!({"verdict": Verdict::Failed, "topologies": topologies}));
    };
    let sum = |of: fn(&Report) -> usize| reports.iter().map(|r| of(r)).sum();
    let some = |of: fn(&Report) -> Option<usize>| {
        let known: Vec<usize> = reports.iter().filter_map(|r| of(r)).collect();
        (!known.is_empty()).then(|| known.into_iter().sum::<usize>())
    };
    let lowest = |of: fn(&Report) -> u32| reports.iter().map(|r| of(r)).min().unwrap_or(0);
    let highest = |of: fn(&Report) -> u32| reports.iter().map(|r| of(r)).max().unwrap_or(0);
    let worst = |of: fn(&Report) -> f64| reports.iter().map(|r| of(r)).fold(0.0, f64::max);
    let unmet = reports
        .iter()
        .fold(first.unmet_replica_seconds, |worst, r| {
            if r.unmet_replica_seconds.pinisi > worst.pinisi {
                r.unmet_replica_seconds
            } else {
                worst
            }
        });
    let slowest = reports.iter().fold(*first, |slowest, r| {
        if r.decision_latency_ms.p99 > slowest.decision_latency_ms.p99 {
            r
        } else {
            slowest
        }
    });
    let summary = Summary {
        verdict: verdict(ended),
        sensitive_pods_seen: sum(|r| r.sensitive_pods_seen),
        sensitive_pods_off_lawful_nodes: sum(|r| r.sensitive_pods_off_lawful_nodes),
        bypass_attempts: sum(|r| r.bypass_attempts),
        bypass_refused: sum(|r| r.bypass_refused),
        sensitive_objects_in_cloud_cluster: some(|r| r.sensitive_objects_in_cloud_cluster),
        cloud_etcd_keys_read: some(|r| r.cloud_etcd_keys_read),
        carried_objects: some(|r| r.carried_objects),
        peak_replicas: BySite {
            home: lowest(|r| r.peak_replicas.home),
            cloud: lowest(|r| r.peak_replicas.cloud),
        },
        needed_at_peak: highest(|r| r.needed_at_peak),
        home_capacity: lowest(|r| r.home_capacity),
        cloud_replicas_at_end: highest(|r| r.cloud_replicas_at_end),
        unmet_replica_seconds: unmet,
        decision_latency_ms: slowest.decision_latency_ms.clone(),
        cloud_replica_seconds: worst(|r| r.cloud_replica_seconds),
        seconds: reports.iter().map(|r| r.seconds).sum(),
        topologies,
    };
    Ok(serde_json::to_value(summary)?)
}

/// Writes the JSON and a picture of each topology beside it; returns where these are.
///
/// # Errors
/// When a file cannot be written.
pub fn write(path: &Path, ended: &[Ended]) -> Result<Vec<PathBuf>> {
    write_file(path, &serde_json::to_string_pretty(&json(ended)?)?)?;
    let mut pictures = Vec::new();
    for (topology, result) in ended {
        if let Ok(report) = result {
            let svg = path.with_extension(format!("{}.svg", topology.name()));
            write_file(&svg, &report.picture())?;
            pictures.push(svg);
        }
    }
    Ok(pictures)
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, format!("{text}\n"))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The last lines that people read.
#[must_use]
pub fn lines(ended: &[Ended]) -> Vec<String> {
    let word = |verdict| match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "FAILED",
    };
    let mut lines = vec![String::new()];
    for (topology, result) in ended {
        let name = topology.name();
        lines.push(match result {
            Ok(report) => format!("{name}: {} ({:.0} s)", word(report.verdict), report.seconds),
            Err(error) => format!("{name}: FAILED, broken off: {error:#}"),
        });
    }
    lines.push(format!("verdict: {}", word(verdict(ended))));
    lines
}

#[cfg(test)]
mod tests {
    use super::super::report::Parts;
    use super::*;

    fn report(topology: Topology, pinisi: f64) -> Report {
        let figures = super::super::figures::Figures {
            peak_replicas: BySite { home: 1, cloud: 2 },
            needed_at_peak: 3,
            home_capacity: 4,
            cloud_replicas_at_end: 0,
            unmet_replica_seconds: Unmet {
                pinisi,
                ..Unmet::default()
            },
            cloud_replica_seconds: 5.0,
            timeline: Vec::new(),
        };
        Report::new(Parts {
            topology,
            cloud_store: None,
            figures,
            sensitive: (4, 0),
            attempts: Vec::new(),
            decisions: DecisionLatency::default(),
            outage: None,
            expectations: Vec::new(),
            seconds_a_minute: 10.0,
            seconds: 1.0,
        })
    }

    #[test]
    fn one_that_broke_off_fails_the_whole_and_the_worse_figure_is_told() {
        let both = [
            (Topology::Stretched, Ok(report(Topology::Stretched, 7.0))),
            (Topology::Remote, Ok(report(Topology::Remote, 9.0))),
        ];
        assert_eq!(verdict(&both), Verdict::Passed);
        let told = json(&both).unwrap();
        assert_eq!(told["unmet_replica_seconds"]["pinisi"], 9.0);
        assert_eq!(told["sensitive_pods_seen"], 8);
        assert_eq!(told["topologies"]["stretched"]["verdict"], "passed");
        assert!(told.get("sensitive_objects_in_cloud_cluster").is_none());
        let broken = [
            (Topology::Stretched, Ok(report(Topology::Stretched, 7.0))),
            (Topology::Remote, Err(anyhow::anyhow!("no cloud"))),
        ];
        assert_eq!(verdict(&broken), Verdict::Failed);
        assert_eq!(
            json(&broken).unwrap()["topologies"]["remote"]["error"],
            "no cloud"
        );
        assert_eq!(verdict(&[]), Verdict::Failed);
    }
}
