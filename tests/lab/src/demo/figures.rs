//! The figures of one run, out of the loads that were offered and the counts
//! that were seen. Pure.

use std::time::Duration;

use serde::Serialize;

use super::example::{Example, MASS, SENSITIVE};
use super::reference::{StartUp, needed, oracle, unmet, unmet_home_only};
use super::seen::{Place, Seen};
use super::setup::{CLOUD_READY_SECONDS, HOME_READY_SECONDS};
use super::steps::Steps;
use crate::load::{Change, Offered};

/// When things happened, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// The first trace minute began.
    pub begin: i64,
    /// The last trace minute was over.
    pub end: i64,
    /// Nothing was left in the cloud any more, or the wait for it was over.
    pub home_again: i64,
}

/// Counts at home and in the cloud.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct BySite {
    /// At home.
    pub home: u32,
    /// In the cloud.
    pub cloud: u32,
}

/// Replica-seconds that were needed and not ready.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Unmet {
    /// As seen.
    pub pinisi: f64,
    /// By an oracle that knows each step as it begins, but not before: a trend
    /// that is seen early can do better.
    pub oracle: f64,
    /// By an ideal service that only has home.
    pub home_only: f64,
}

/// One second of the run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Row {
    /// Seconds since the first trace minute began.
    pub second: u32,
    /// Requests a second offered.
    pub load: f64,
    /// Replicas that this needs.
    pub needed: u32,
    /// Ready at home.
    pub ready_home: u32,
    /// Ready in the cloud.
    pub ready_cloud: u32,
    /// Sensitive pods that are ready at home.
    pub sensitive: u32,
}

/// What came of the run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Most mass replicas that were ready at the same time.
    pub peak_replicas: BySite,
    /// Most mass replicas that were needed at the same time.
    pub needed_at_peak: u32,
    /// Mass replicas that fit at home beside what runs there.
    pub home_capacity: u32,
    /// Mass pods in the cloud at the end, those being deleted too.
    pub cloud_replicas_at_end: u32,
    /// What was needed and not there.
    pub unmet_replica_seconds: Unmet,
    /// What the cloud would be paid for: pods there, from binding to their end.
    pub cloud_replica_seconds: f64,
    /// One row a second.
    pub timeline: Vec<Row>,
}

/// The replicas that each mass service needed, as its load said.
#[must_use]
pub fn needs(example: &Example, changes: &[Change]) -> Vec<Steps> {
    let mut needs = vec![Steps::default(); example.mass.len()];
    for change in changes.iter().filter(|change| change.namespace == MASS) {
        for (service, need) in example.mass.iter().zip(&mut needs) {
            if let (true, Offered::Rps(rps)) = (service.name == change.workload, change.offered) {
                need.set(change.at_unix_ms, needed(rps, service.one_serves));
            }
        }
    }
    needs
}

/// All figures.
#[must_use]
pub fn figures(
    example: &Example,
    changes: &[Change],
    seen: &Seen,
    home_capacity: u32,
    times: Times,
) -> Figures {
    let Times {
        begin,
        end,
        home_again,
    } = times;
    let needs = needs(example, changes);
    let ready: Vec<Steps> = example
        .mass
        .iter()
        .map(|service| {
            let at = |place| seen.counts(MASS, &service.name, place).ready;
            Steps::sum([&at(Place::Home), &at(Place::Away)])
        })
        .collect();
    let steps = changes
        .iter()
        .filter(|change| change.namespace == MASS)
        .map(|change| change.at_unix_ms);
    let mut starts = vec![begin];
    starts.extend(steps.filter(|at| (begin..end).contains(at)));
    starts.dedup();
    let oracle = oracle(&needs, &starts, home_capacity, start_up());
    let all = Steps::sum(&needs);
    let (home, cloud) = (
        seen.namespace(MASS, Place::Home),
        seen.namespace(MASS, Place::Away),
    );
    Figures {
        peak_replicas: BySite {
            home: home.ready.peak(begin, home_again),
            cloud: cloud.ready.peak(begin, home_again),
        },
        needed_at_peak: all.peak(begin, end),
        home_capacity,
        cloud_replicas_at_end: cloud.existing.last(),
        unmet_replica_seconds: Unmet {
            pinisi: tenths(unmet(&needs, &ready, begin, end)),
            oracle: tenths(unmet(&needs, &oracle, begin, end)),
            home_only: tenths(unmet_home_only(&needs, home_capacity, begin, end)),
        },
        cloud_replica_seconds: tenths(cloud.existing.integral(begin, home_again)),
        timeline: timeline(example, changes, seen, &all, times),
    }
}

fn timeline(
    example: &Example,
    changes: &[Change],
    seen: &Seen,
    needed: &Steps,
    times: Times,
) -> Vec<Row> {
    const SECOND: i64 = 1_000;
    let (home, cloud) = (
        seen.namespace(MASS, Place::Home),
        seen.namespace(MASS, Place::Away),
    );
    let sensitive = seen.namespace(SENSITIVE, Place::Home);
    let seconds =
        u32::try_from((times.home_again.max(times.end) - times.begin) / SECOND).unwrap_or(0);
    (0..=seconds)
        .map(|second| {
            let at = times.begin + i64::from(second) * SECOND;
            Row {
                second,
                load: tenths(load_at(example, changes, at)),
                needed: needed.at(at),
                ready_home: home.ready.at(at),
                ready_cloud: cloud.ready.at(at),
                sensitive: sensitive.ready.at(at),
            }
        })
        .collect()
}

/// Requests a second offered to all mass services at a time.
fn load_at(example: &Example, changes: &[Change], at: i64) -> f64 {
    let of = |name: &str| {
        let mut before = changes
            .iter()
            .rev()
            .filter(|change| change.at_unix_ms <= at);
        before.find(|change| change.namespace == MASS && change.workload == name)
    };
    example
        .mass
        .iter()
        .filter_map(|service| of(&service.name))
        .map(|change| match change.offered {
            Offered::Rps(rps) => rps,
            Offered::Nan | Offered::Absent => 0.0,
        })
        .sum()
}

fn start_up() -> StartUp {
    let millis = |seconds: f64| {
        i64::try_from(Duration::from_secs_f64(seconds).as_millis()).unwrap_or(i64::MAX)
    };
    StartUp {
        home_ms: millis(HOME_READY_SECONDS),
        cloud_ms: millis(CLOUD_READY_SECONDS),
    }
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(at_unix_ms: i64, workload: &str, rps: f64) -> Change {
        Change {
            at_unix_ms,
            namespace: MASS.into(),
            workload: workload.into(),
            offered: Offered::Rps(rps),
        }
    }

    #[test]
    fn a_run_in_which_nothing_ever_ran_misses_everything() {
        let example = Example::read().unwrap();
        let changes = [
            change(0, "checkin-api", 20.0),
            change(0, "qr-web", 20.0),
            change(10_000, "checkin-api", 95.0),
            change(10_001, "qr-web", 5.0),
            change(30_000, "burst-of-others", 1e6),
        ];
        let times = Times {
            begin: 0,
            end: 20_000,
            home_again: 25_000,
        };
        let figures = figures(&example, &changes, &Seen::new(SENSITIVE), 6, times);
        assert_eq!(figures.needed_at_peak, 12);
        let Unmet {
            pinisi,
            oracle,
            home_only,
        } = figures.unmet_replica_seconds;
        assert!(
            (pinisi - (4.0 * 10.0 + 11.0 * 10.0)).abs() < 0.2,
            "{pinisi}"
        );
        // Eight more: two of them at home after 2 s, six after 8 s.
        assert!((oracle - (2.0 * 2.0 + 6.0 * 8.0)).abs() < 0.2, "{oracle}");
        assert!((home_only - 5.0 * 10.0).abs() < 0.2, "{home_only}");
        assert_eq!(figures.timeline.len(), 26);
        assert!((figures.timeline[11].load - 100.0).abs() < 1e-9);
        assert_eq!(figures.timeline[11].needed, 11);
    }
}
