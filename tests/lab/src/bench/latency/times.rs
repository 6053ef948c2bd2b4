//! From one workload's moments to figures. Pure.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::bench::spread::Spread;

/// The moments of one workload in one spike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// The load changed at the source.
    pub changed: Timestamp,
    /// The first answer that showed it was given.
    pub seen: Option<Timestamp>,
    /// The API server answered the write of the count.
    pub accepted: Option<Timestamp>,
}

/// How long it took, over all workloads and spikes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// From the change to the accepted write.
    pub whole: Option<Spread>,
    /// The part of it that was waiting for the look that shows it: scrape and question.
    pub wait: Option<Spread>,
    /// The rest of it: from that answer to the accepted write.
    pub decision: Option<Spread>,
    /// Workloads that were not written in time.
    pub missing: usize,
}

/// Figures of all of these.
#[must_use]
pub fn latency<'a>(all: impl Iterator<Item = &'a Times> + Clone) -> Latency {
    let between = |from: Timestamp, to: Timestamp| {
        Duration::try_from(to.duration_since(from)).unwrap_or_default()
    };
    let whole = all
        .clone()
        .filter_map(|times| Some(between(times.changed, times.accepted?)));
    let wait = all
        .clone()
        .filter_map(|times| Some(between(times.changed, times.seen?)));
    let decision = all
        .clone()
        .filter_map(|times| Some(between(times.seen?, times.accepted?)));
    Latency {
        whole: Spread::of(whole),
        wait: Spread::of(wait),
        decision: Spread::of(decision),
        missing: all.filter(|times| times.accepted.is_none()).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_and_decision_are_the_whole_and_what_is_missing_is_told() {
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        let times = |seen, accepted: Option<i64>| Times {
            changed: at(1_000),
            seen: Some(at(seen)),
            accepted: accepted.map(at),
        };
        let all = [times(1_300, Some(1_400)), times(1_200, None)];
        let Latency {
            whole,
            wait,
            decision,
            missing,
        } = latency(all.iter());
        assert_eq!(whole.map(|s| (s.n, s.max)), Some((1, 400.0)));
        assert_eq!(wait.map(|s| (s.n, s.p50, s.max)), Some((2, 200.0, 300.0)));
        assert_eq!(decision.map(|s| s.p99), Some(100.0));
        assert_eq!(missing, 1);
    }
}
