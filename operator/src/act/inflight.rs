//! Which objects may be written now: never two writes for one at a time, none again before the
//! result of the last was seen, and with growing pauses after failures. Plain data; time comes in.

use super::{ActError, Key};
use pinisi_planner::WorkloadId;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How long the index may take to show a result before the write is made again.
pub const SEEN_WITHIN: Duration = Duration::from_secs(5);
/// Pause after the first failure; doubles with each further one.
pub const BACKOFF_FIRST: Duration = Duration::from_secs(1);
/// Longest pause.
pub const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// Failures after which even a passing error is shown.
const LASTING: u32 = 3;

/// Writes under way, settling or backing off, by object.
#[derive(Debug, Default)]
pub struct InFlight {
    objects: BTreeMap<Key, Flight>,
}

#[derive(Debug)]
struct Flight {
    state: State,
    before: String,
    failures: u32,
    error: Option<ActError>,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Sending,
    Settling { until: Instant },
    Resting { until: Instant },
}

impl InFlight {
    /// True where a write of `key`, decided when it looked like `before`, may be sent now.
    #[must_use]
    pub fn may_start(&self, key: &Key, before: &str, now: Instant) -> bool {
        let Some(flight) = self.objects.get(key) else {
            return true;
        };
        match flight.state {
            State::Sending => false,
            State::Settling { until } => flight.before != before || now >= until,
            State::Resting { until } => now >= until,
        }
    }

    /// Notes that a write is being sent.
    pub fn start(&mut self, key: Key, before: String) {
        let flight = self.objects.entry(key).or_insert(Flight {
            state: State::Sending,
            before: String::new(),
            failures: 0,
            error: None,
        });
        flight.state = State::Sending;
        flight.before = before;
    }

    /// Notes its end.
    pub fn finish(&mut self, key: &Key, result: Result<(), ActError>, now: Instant) {
        let Some(flight) = self.objects.get_mut(key) else {
            return;
        };
        match result {
            Ok(()) => {
                flight.state = State::Settling {
                    until: now + SEEN_WITHIN,
                };
                flight.failures = 0;
                flight.error = None;
            }
            // Nothing was sent: nothing to learn about the object.
            Err(ActError::NotLeader | ActError::NoLink) => {
                flight.state = State::Resting { until: now };
            }
            // When it is tried again is the refusal's to say.
            Err(ActError::Refused(_)) => {
                flight.state = State::Resting {
                    until: now + BACKOFF_FIRST,
                };
                flight.failures = 0;
                flight.error = None;
            }
            Err(error) => {
                flight.state = State::Resting {
                    until: now + backoff(flight.failures),
                };
                flight.failures = flight.failures.saturating_add(1);
                flight.error = Some(error);
            }
        }
    }

    /// Forgets objects that nothing is wanted of any more, but for those being written.
    pub fn keep_only(&mut self, wanted: &BTreeSet<Key>) {
        self.objects
            .retain(|key, flight| flight.state == State::Sending || wanted.contains(key));
    }

    /// Writes under way now.
    #[must_use]
    pub fn sending(&self) -> usize {
        self.objects
            .values()
            .filter(|flight| flight.state == State::Sending)
            .count()
    }

    /// Errors worth showing on each workload: those that a person must mend, and others that last.
    #[must_use]
    pub fn errors(&self) -> BTreeMap<WorkloadId, Vec<ActError>> {
        let mut errors: BTreeMap<WorkloadId, Vec<ActError>> = BTreeMap::new();
        for (key, flight) in &self.objects {
            if let (Some(workload), Some(error)) = (key.workload(), &flight.error)
                && !error.is_told_elsewhere()
                && (!error.passing() || flight.failures >= LASTING)
            {
                errors
                    .entry(workload.clone())
                    .or_default()
                    .push(error.clone());
            }
        }
        errors
    }
}

fn backoff(failures: u32) -> Duration {
    BACKOFF_FIRST
        .saturating_mul(2_u32.saturating_pow(failures))
        .min(BACKOFF_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key::Scaled {
            workload: WorkloadId {
                namespace: "n".into(),
                name: "w".into(),
            },
            name: name.into(),
        }
    }

    #[test]
    fn one_object_is_written_once_at_a_time_and_others_meanwhile() {
        let (mut flights, now) = (InFlight::default(), Instant::now());
        assert!(flights.may_start(&key("a"), "3", now));
        flights.start(key("a"), "3".into());
        assert!(!flights.may_start(&key("a"), "3", now));
        assert!(!flights.may_start(&key("a"), "4", now + BACKOFF_MAX));
        assert!(flights.may_start(&key("b"), "3", now));
        assert_eq!(flights.sending(), 1);
    }

    #[test]
    fn a_result_is_awaited_until_seen_or_for_a_bounded_time() {
        let (mut flights, now) = (InFlight::default(), Instant::now());
        flights.start(key("a"), "3".into());
        flights.finish(&key("a"), Ok(()), now);
        assert!(!flights.may_start(&key("a"), "3", now));
        assert!(flights.may_start(&key("a"), "5", now), "the index moved");
        assert!(flights.may_start(&key("a"), "3", now + SEEN_WITHIN));
    }

    #[test]
    fn failures_back_off_doubling_to_a_bound_and_success_forgets_them() {
        let (mut flights, mut now) = (InFlight::default(), Instant::now());
        let mut pauses = vec![];
        for _ in 0..9 {
            flights.start(key("a"), "3".into());
            flights.finish(&key("a"), Err(ActError::Timeout), now);
            let mut pause = Duration::ZERO;
            while !flights.may_start(&key("a"), "3", now + pause) {
                pause += Duration::from_secs(1);
            }
            pauses.push(pause.as_secs());
            now += pause;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        flights.start(key("a"), "3".into());
        flights.finish(&key("a"), Ok(()), now);
        assert!(flights.errors().is_empty());
    }

    #[test]
    fn a_refusal_shows_at_once_and_a_conflict_only_when_it_lasts() {
        let (mut flights, now) = (InFlight::default(), Instant::now());
        flights.start(key("a"), "3".into());
        flights.finish(&key("a"), Err(ActError::Conflict("c".into())), now);
        assert!(flights.errors().is_empty());
        flights.start(key("b"), "3".into());
        flights.finish(&key("b"), Err(ActError::Invalid("no".into())), now);
        assert_eq!(
            flights.errors().into_values().collect::<Vec<_>>(),
            [vec![ActError::Invalid("no".into())]]
        );
        for _ in 0..2 {
            flights.start(key("a"), "3".into());
            flights.finish(&key("a"), Err(ActError::Conflict("c".into())), now);
        }
        assert_eq!(
            flights
                .errors()
                .into_values()
                .map(|e| e.len())
                .sum::<usize>(),
            2
        );
    }

    #[test]
    fn what_is_no_longer_wanted_is_forgotten_but_not_while_it_is_sent() {
        let (mut flights, now) = (InFlight::default(), Instant::now());
        flights.start(key("a"), "3".into());
        flights.start(key("b"), "3".into());
        flights.finish(&key("b"), Err(ActError::Invalid("no".into())), now);
        flights.keep_only(&BTreeSet::new());
        assert!(!flights.may_start(&key("a"), "3", now));
        assert!(flights.errors().is_empty());
    }

    #[test]
    fn a_refusal_of_another_cluster_is_no_error_and_earns_no_growing_pause() {
        let (mut flights, mut now) = (InFlight::default(), Instant::now());
        for _ in 0..9 {
            flights.start(key("a"), "3".into());
            let refusal = crate::act::remote::preflight::refusal(
                pinisi_planner::model::refusal::RefusalKind::QuotaExceeded,
                "a pod",
                "full",
            );
            flights.finish(&key("a"), Err(ActError::Refused(refusal)), now);
            assert!(flights.errors().is_empty());
            assert!(!flights.may_start(&key("a"), "3", now), "not at once");
            now += BACKOFF_FIRST;
            assert!(flights.may_start(&key("a"), "3", now));
        }
    }

    #[test]
    fn losing_the_lease_is_not_the_objects_fault() {
        let (mut flights, now) = (InFlight::default(), Instant::now());
        flights.start(key("a"), "3".into());
        flights.finish(&key("a"), Err(ActError::NotLeader), now);
        assert!(flights.may_start(&key("a"), "3", now) && flights.errors().is_empty());
    }
}
