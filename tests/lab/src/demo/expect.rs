//! What the demo expects of a run. Each expectation is said with its numbers;
//! one that does not hold makes the run fail. Pure.

use serde::Serialize;

use super::burst::DecisionLatency;
use super::bypass::Attempt;
use super::canary::CloudStore;
use super::figures::Figures;

/// Fewest attempts to get around the guard.
const FEWEST_ATTEMPTS: usize = 6;
/// Fewest decisions that are timed.
const FEWEST_DECISIONS: usize = 200;
/// Part of what home cannot hold that the cloud has to take.
const CLOUD_PART: f64 = 0.9;
/// Part of what home alone would miss that may be missed.
const UNMET_PART: f64 = 0.5;

/// One expectation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Expectation {
    /// What is expected.
    pub name: &'static str,
    /// Whether it holds.
    pub ok: bool,
    /// The numbers.
    pub detail: String,
}

/// What was seen while the operator was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Outage {
    /// Mass replicas ready when it was killed.
    pub ready_at_kill: u32,
    /// Fewest that were ready until a little after it was started again.
    pub fewest_ready: u32,
    /// Milliseconds without an operator.
    pub milliseconds: i64,
}

/// What a run is judged by.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The counts.
    pub figures: &'a Figures,
    /// The attempts.
    pub attempts: &'a [Attempt],
    /// The decisions' times.
    pub decisions: &'a DecisionLatency,
    /// Sensitive pods ever seen.
    pub sensitive_seen: usize,
    /// Those that were ever off home.
    pub off_lawful: &'a [String],
    /// Sensitive pods ready at the end, and how many should be.
    pub sensitive_at_end: (u32, u32),
    /// Mass pods at home at the end, and how many should be.
    pub home_at_end: (u32, u32),
    /// Most siblings of one service at one site at the same time.
    pub most_siblings: usize,
    /// Where the demo's watch may have missed something.
    pub gaps: &'a [String],
    /// The outage, where the operator was killed.
    pub outage: Option<Outage>,
    /// What the cloud's etcd held at the peak and at the end, where it is a cluster of its own.
    pub cloud_store: Option<&'a CloudStores>,
}

/// The cloud's etcd at two moments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CloudStores {
    /// In the highest minute of the trace.
    pub at_peak: CloudStore,
    /// When all had come home.
    pub at_end: CloudStore,
}

/// Judges a run.
#[must_use]
pub fn judge(evidence: &Evidence<'_>) -> Vec<Expectation> {
    let Evidence {
        figures,
        attempts,
        decisions,
        sensitive_seen,
        off_lawful,
        sensitive_at_end,
        home_at_end,
        most_siblings,
        gaps,
        outage,
        cloud_store,
    } = evidence;
    let is = |name, ok, detail: String| Expectation { name, ok, detail };
    let let_through: Vec<&str> = attempts
        .iter()
        .filter(|attempt| !attempt.refused)
        .map(|attempt| attempt.name)
        .collect();
    let beyond_home = figures.needed_at_peak.saturating_sub(figures.home_capacity);
    let cloud_least = CLOUD_PART * f64::from(beyond_home);
    let cloud_peak = figures.peak_replicas.cloud;
    let unmet = figures.unmet_replica_seconds;
    let mut all = vec![
        is(
            "sensitive pods were seen",
            *sensitive_seen > 0,
            sensitive_seen.to_string(),
        ),
        is(
            "no sensitive pod was ever off home",
            off_lawful.is_empty(),
            format!("{} were{}", off_lawful.len(), list(off_lawful)),
        ),
        is(
            "every attempt around the guard was refused",
            attempts.len() >= FEWEST_ATTEMPTS && let_through.is_empty(),
            format!(
                "{} of {} refused (at least {FEWEST_ATTEMPTS}){}",
                attempts.len() - let_through.len(),
                attempts.len(),
                list(&let_through)
            ),
        ),
        is(
            "home was too small",
            beyond_home > 0,
            format!(
                "needed {}, home holds {}",
                figures.needed_at_peak, figures.home_capacity
            ),
        ),
        is(
            "the cloud took what home could not",
            f64::from(cloud_peak) >= cloud_least,
            format!("{cloud_peak} at the peak, at least {cloud_least:.1}"),
        ),
        is(
            "all came home",
            figures.cloud_replicas_at_end == 0,
            format!("{} left in the cloud", figures.cloud_replicas_at_end),
        ),
        is(
            "home serves the quiet load again",
            home_at_end.0 == home_at_end.1,
            format!("{} replicas, {} expected", home_at_end.0, home_at_end.1),
        ),
        is(
            "the sensitive services are whole",
            sensitive_at_end.0 == sensitive_at_end.1,
            format!(
                "{} pods ready, {} expected",
                sensitive_at_end.0, sensitive_at_end.1
            ),
        ),
        is(
            "at most half of what home alone would miss",
            unmet.home_only > 0.0 && unmet.pinisi <= UNMET_PART * unmet.home_only,
            format!(
                "{} replica-seconds; home alone {}, oracle {}",
                unmet.pinisi, unmet.home_only, unmet.oracle
            ),
        ),
        is(
            "enough decisions were timed",
            decisions.n >= FEWEST_DECISIONS,
            format!("{} of at least {FEWEST_DECISIONS}", decisions.n),
        ),
        is(
            "never two siblings of a service at a site",
            *most_siblings == 1,
            format!("at most {most_siblings}"),
        ),
        is(
            "the demo's watch missed nothing",
            gaps.is_empty(),
            format!("{} gaps{}", gaps.len(), list(gaps)),
        ),
    ];
    if let Some(Outage {
        ready_at_kill,
        fewest_ready,
        milliseconds,
    }) = outage
    {
        all.push(is(
            "no replica was lost while the operator was dead",
            *ready_at_kill > 0 && fewest_ready >= ready_at_kill,
            format!("{ready_at_kill} ready when it was killed, never fewer than {fewest_ready} in the {milliseconds} ms without it"),
        ));
    }
    all.extend(cloud_store.iter().flat_map(|stores| in_the_cloud(stores)));
    all
}

/// What must hold of the cloud's own cluster.
fn in_the_cloud(CloudStores { at_peak, at_end }: &CloudStores) -> [Expectation; 3] {
    let is = |name, ok, detail: String| Expectation { name, ok, detail };
    let both = [at_peak, at_end];
    let clean = |store: &CloudStore| {
        store.sensitive_objects_in_cloud_cluster == 0 && store.files_with_canary == 0
    };
    let read = |store: &CloudStore| store.cloud_etcd_keys_read > 0 && store.marker_found;
    let keys: Vec<&String> = both
        .iter()
        .flat_map(|store| &store.sensitive_keys)
        .collect();
    [
        is(
            "the cloud's etcd was read, and what is in it is found",
            both.into_iter().all(read),
            format!(
                "{} keys at the peak, {} at the end, the marker among them",
                at_peak.cloud_etcd_keys_read, at_end.cloud_etcd_keys_read
            ),
        ),
        is(
            "nothing sensitive was ever in the cloud's etcd",
            both.into_iter().all(clean),
            format!(
                "{} objects, {} files with a canary{}",
                at_peak.sensitive_objects_in_cloud_cluster
                    + at_end.sensitive_objects_in_cloud_cluster,
                at_peak.files_with_canary + at_end.files_with_canary,
                list(&keys)
            ),
        ),
        is(
            "what was to travel did, and is gone",
            at_peak.carried_objects > 0 && at_end.carried_objects == 0,
            format!(
                "{} copies at the peak, {} at the end",
                at_peak.carried_objects, at_end.carried_objects
            ),
        ),
    ]
}

fn list<S: AsRef<str>>(names: &[S]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    if names.is_empty() {
        String::new()
    } else {
        format!(": {}", names.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::super::figures::{BySite, Unmet};
    use super::*;

    fn figures() -> Figures {
        Figures {
            peak_replicas: BySite {
                home: 30,
                cloud: 54,
            },
            needed_at_peak: 97,
            home_capacity: 37,
            cloud_replicas_at_end: 0,
            unmet_replica_seconds: Unmet {
                pinisi: 900.0,
                oracle: 400.0,
                home_only: 1_800.0,
            },
            cloud_replica_seconds: 1.0,
            timeline: Vec::new(),
        }
    }

    type Base = (Figures, Vec<Attempt>, DecisionLatency);

    fn base() -> Base {
        let attempt = Attempt {
            name: "x",
            refused: true,
            answer: String::new(),
        };
        let decisions = DecisionLatency {
            n: 200,
            ..DecisionLatency::default()
        };
        (figures(), vec![attempt; 6], decisions)
    }

    fn failed<'a>(
        (figures, attempts, decisions): &'a Base,
        change: impl FnOnce(&mut Evidence<'a>),
    ) -> Vec<&'static str> {
        let mut evidence = Evidence {
            figures,
            attempts,
            decisions,
            sensitive_seen: 8,
            off_lawful: &[],
            sensitive_at_end: (8, 8),
            home_at_end: (4, 4),
            most_siblings: 1,
            gaps: &[],
            outage: None,
            cloud_store: None,
        };
        change(&mut evidence);
        judge(&evidence)
            .into_iter()
            .filter(|one| !one.ok)
            .map(|one| one.name)
            .collect()
    }

    #[test]
    fn the_bounds_themselves_are_good_enough() {
        assert!(failed(&base(), |_| {}).is_empty());
    }

    #[test]
    fn each_figure_out_of_bounds_fails_by_itself() {
        let changed = |change: fn(&mut Figures)| {
            let mut base = base();
            change(&mut base.0);
            failed(&base, |_| {}).len()
        };
        assert_eq!(changed(|figures| figures.peak_replicas.cloud = 53), 1);
        assert_eq!(changed(|figures| figures.cloud_replicas_at_end = 1), 1);
        assert_eq!(
            changed(|figures| figures.unmet_replica_seconds.pinisi = 900.1),
            1
        );
        assert_eq!(changed(|figures| figures.home_capacity = 97), 1);
        let mut base = base();
        base.1[3].refused = false;
        assert_eq!(failed(&base, |_| {}).len(), 1);
        base.1.truncate(5);
        base.1[3].refused = true;
        assert_eq!(failed(&base, |_| {}).len(), 1, "too few attempts");
        base.2.n = 199;
        assert_eq!(failed(&base, |_| {}).len(), 2);
    }

    #[test]
    fn each_observation_out_of_bounds_fails_by_itself() {
        let off = ["a on cloud-0".to_owned()];
        let base = base();
        let count = |names: Vec<&'static str>| names.len();
        assert_eq!(count(failed(&base, |seen| seen.off_lawful = &off)), 1);
        assert_eq!(count(failed(&base, |seen| seen.gaps = &off)), 1);
        assert_eq!(count(failed(&base, |seen| seen.sensitive_seen = 0)), 1);
        assert_eq!(count(failed(&base, |seen| seen.sensitive_at_end.0 = 7)), 1);
        assert_eq!(count(failed(&base, |seen| seen.home_at_end.0 = 5)), 1);
        assert_eq!(count(failed(&base, |seen| seen.most_siblings = 2)), 1);
        let outage = |fewest_ready| {
            Some(Outage {
                ready_at_kill: 40,
                fewest_ready,
                milliseconds: 3_000,
            })
        };
        assert_eq!(count(failed(&base, |seen| seen.outage = outage(40))), 0);
        assert_eq!(count(failed(&base, |seen| seen.outage = outage(39))), 1);
    }

    #[test]
    fn the_cloud_s_own_cluster_is_judged_by_what_its_etcd_holds() {
        let store = |carried_objects| CloudStore {
            cloud_etcd_keys_read: 9,
            marker_found: true,
            carried_objects,
            ..CloudStore::default()
        };
        let good = CloudStores {
            at_peak: store(2),
            at_end: store(0),
        };
        let base = base();
        let count = |stores: &CloudStores| {
            let wrong = in_the_cloud(stores).into_iter().filter(|one| !one.ok);
            wrong.count()
        };
        assert_eq!(
            (count(&good), failed(&base, |_| {}).len()),
            (0, 0),
            "nothing to judge where there is no such cluster"
        );
        let changed = |change: fn(&mut CloudStores)| {
            let mut stores = good.clone();
            change(&mut stores);
            count(&stores)
        };
        assert_eq!(
            changed(|s| s.at_end.sensitive_objects_in_cloud_cluster = 1),
            1
        );
        assert_eq!(changed(|s| s.at_end.files_with_canary = 1), 1);
        assert_eq!(changed(|s| s.at_peak.marker_found = false), 1);
        assert_eq!(changed(|s| s.at_end.cloud_etcd_keys_read = 0), 1);
        assert_eq!(changed(|s| s.at_peak.carried_objects = 0), 1);
        assert_eq!(changed(|s| s.at_end.carried_objects = 1), 1);
    }
}
