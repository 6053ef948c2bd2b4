//! The demo's report on one topology: as JSON and as lines for people. All topologies together
//! are in `summary`.

use serde::Serialize;

use super::burst::DecisionLatency;
use super::bypass::Attempt;
use super::expect::{CloudStores, Expectation, Outage};
use super::figures::{BySite, Figures, Row, Unmet};
use super::picture;
use super::topology::Topology;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every expectation held.
    Passed,
    /// One did not, or the run broke off.
    Failed,
}

/// A whole run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Where home and cloud were.
    pub topology: Topology,
    /// How it ended.
    pub verdict: Verdict,
    /// Sensitive pods ever seen.
    pub sensitive_pods_seen: usize,
    /// Those of them that were ever on a node that is not at home.
    pub sensitive_pods_off_lawful_nodes: usize,
    /// Attempts around the guard.
    pub bypass_attempts: usize,
    /// Those of them that were refused.
    pub bypass_refused: usize,
    /// Objects of the Sensitive class in the etcd of the cloud's own cluster, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensitive_objects_in_cloud_cluster: Option<usize>,
    /// Keys of that etcd that were read for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_etcd_keys_read: Option<usize>,
    /// Copies of ConfigMaps and Secrets there at the peak.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carried_objects: Option<usize>,
    /// That etcd at the peak and at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_store: Option<CloudStores>,
    /// Most mass replicas ready at the same time.
    pub peak_replicas: BySite,
    /// Most mass replicas needed at the same time.
    pub needed_at_peak: u32,
    /// Mass replicas that home holds.
    pub home_capacity: u32,
    /// Mass pods in the cloud at the end.
    pub cloud_replicas_at_end: u32,
    /// Needed and not ready.
    pub unmet_replica_seconds: Unmet,
    /// From sample to accepted write.
    pub decision_latency_ms: DecisionLatency,
    /// What the cloud would be paid for.
    pub cloud_replica_seconds: f64,
    /// Seconds that one trace minute took.
    pub seconds_a_minute: f64,
    /// Seconds from the lab's start to the verdict, builds aside.
    pub seconds: f64,
    /// The operator's death, where it was killed.
    pub outage: Option<Outage>,
    /// Each attempt.
    pub attempts: Vec<Attempt>,
    /// Each expectation.
    pub expectations: Vec<Expectation>,
    /// One row a second.
    pub timeline: Vec<Row>,
}

/// What a report is made from.
#[derive(Debug)]
pub struct Parts {
    /// Where home and cloud were.
    pub topology: Topology,
    /// The cloud's etcd.
    pub cloud_store: Option<CloudStores>,
    /// The counts.
    pub figures: Figures,
    /// Sensitive pods ever seen, and those ever off home.
    pub sensitive: (usize, usize),
    /// Each attempt.
    pub attempts: Vec<Attempt>,
    /// The decisions' times.
    pub decisions: DecisionLatency,
    /// The outage.
    pub outage: Option<Outage>,
    /// Each expectation.
    pub expectations: Vec<Expectation>,
    /// Seconds that one trace minute took.
    pub seconds_a_minute: f64,
    /// Seconds of the run.
    pub seconds: f64,
}

impl Report {
    /// Puts it together; the verdict follows from the expectations.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts {
            topology,
            cloud_store,
            figures,
            sensitive,
            attempts,
            decisions,
            outage,
            expectations,
            seconds_a_minute,
            seconds,
        } = parts;
        let Figures {
            peak_replicas,
            needed_at_peak,
            home_capacity,
            cloud_replicas_at_end,
            unmet_replica_seconds,
            cloud_replica_seconds,
            timeline,
        } = figures;
        let passed = expectations.iter().all(|expectation| expectation.ok);
        let stores = cloud_store.as_ref();
        Self {
            topology,
            verdict: if passed {
                Verdict::Passed
            } else {
                Verdict::Failed
            },
            sensitive_pods_seen: sensitive.0,
            sensitive_pods_off_lawful_nodes: sensitive.1,
            bypass_attempts: attempts.len(),
            bypass_refused: attempts.iter().filter(|attempt| attempt.refused).count(),
            sensitive_objects_in_cloud_cluster: stores.map(|s| {
                s.at_peak.sensitive_objects_in_cloud_cluster
                    + s.at_end.sensitive_objects_in_cloud_cluster
            }),
            cloud_etcd_keys_read: stores
                .map(|s| s.at_peak.cloud_etcd_keys_read + s.at_end.cloud_etcd_keys_read),
            carried_objects: stores.map(|s| s.at_peak.carried_objects),
            cloud_store,
            peak_replicas,
            needed_at_peak,
            home_capacity,
            cloud_replicas_at_end,
            unmet_replica_seconds,
            decision_latency_ms: decisions,
            cloud_replica_seconds,
            seconds_a_minute,
            seconds,
            outage,
            attempts,
            expectations,
            timeline,
        }
    }

    /// Draws the run.
    #[must_use]
    pub fn picture(&self) -> String {
        picture::draw(&self.timeline, self.home_capacity, self.seconds_a_minute)
    }

    /// What people read at the end.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            String::new(),
            format!("{}: {}", self.topology.name(), self.topology.words()),
            "attempts around the guard".to_owned(),
        ];
        for Attempt {
            name,
            refused,
            answer,
        } in &self.attempts
        {
            let word = if *refused { "refused" } else { "NOT REFUSED" };
            lines.push(format!("  {word:<11}  {name}: {}", shorten(answer)));
        }
        let Unmet {
            pinisi,
            oracle,
            home_only,
        } = self.unmet_replica_seconds;
        let DecisionLatency {
            n,
            p50,
            p99,
            scrape_wait_p50,
        } = &self.decision_latency_ms;
        let millis =
            |value: &Option<f64>| value.map_or("-".to_owned(), |value| format!("{value} ms"));
        lines.extend([
            String::new(),
            "figures, all from the demo's own watch".to_owned(),
            format!(
                "  needed at the peak {}, home holds {}; ready at most {} at home and {} in the cloud",
                self.needed_at_peak, self.home_capacity, self.peak_replicas.home, self.peak_replicas.cloud
            ),
            format!("  unmet replica-seconds: Pinisi {pinisi}, oracle {oracle}, home alone {home_only}"),
            format!("  cloud replica-seconds: {}", self.cloud_replica_seconds),
            format!(
                "  decisions: {n} timed, half within {}, 99 of 100 within {} (and half waited up to {} for the scrape)",
                millis(p50),
                millis(p99),
                millis(scrape_wait_p50)
            ),
            String::new(),
            "expectations".to_owned(),
        ]);
        for Expectation { name, ok, detail } in &self.expectations {
            let word = if *ok { "ok" } else { "FAILED" };
            lines.push(format!("  {word:<6}  {name}: {detail}"));
        }
        lines
    }
}

/// The part of a refusal that differs: the guard's own words.
fn shorten(answer: &str) -> &str {
    answer
        .split_once("denied request: ")
        .map_or(answer, |(_, words)| words)
}
