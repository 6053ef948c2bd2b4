//! What KEDA does itself: the last replica goes when nothing has been asked for a while, and the first
//! one comes when something is. All between is its HPA's. After `RequestScale` of
//! `pkg/scaling/executor/scale_scaledobjects.go`, KEDA 2.21, which `tests/conformance` holds it
//! against. Deliberately not here: idle replicas, fallbacks, pauses.

use crate::time::Millis;
use pinisi_planner::model::amounts::Replicas;

/// `pollingInterval` where none is set.
pub const POLLING: Millis = Millis::secs(30);
/// `cooldownPeriod` where none is set.
pub const COOLDOWN: Millis = Millis::secs(300);

/// What a poll of all triggers found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Triggers {
    /// One of them asks for something.
    pub active: bool,
    /// One of them did not answer.
    pub failed: bool,
}

/// KEDA's memory of one ScaledObject, which is made as the run begins.
#[derive(Clone, Debug)]
pub struct Activation {
    polling: Millis,
    cooldown: Millis,
    next: Millis,
    /// `status.lastActiveTime`.
    last_active: Option<Millis>,
}

impl Activation {
    /// One that polls, and lets the last replica go, after so long.
    #[must_use]
    pub const fn new(polling: Millis, cooldown: Millis) -> Self {
        Self {
            polling,
            cooldown,
            next: Millis::ZERO,
            last_active: None,
        }
    }

    /// With another cooldown.
    #[must_use]
    pub const fn cooling(self, cooldown: Millis) -> Self {
        Self { cooldown, ..self }
    }

    /// True where it is time to poll, once for each time.
    pub fn is_due(&mut self, now: Millis) -> bool {
        let due = now >= self.next;
        if due {
            self.next = now.plus(self.polling);
        }
        due
    }

    /// The count that is written for what a poll found; `None` leaves it. `min` is
    /// `minReplicaCount`.
    pub fn poll(
        &mut self,
        now: Millis,
        triggers: Triggers,
        current: Replicas,
        min: Replicas,
    ) -> Option<Replicas> {
        let Triggers { active, failed } = triggers;
        if active {
            let none = current == Replicas::ZERO;
            if none || !failed {
                self.last_active = Some(now);
            }
            return none.then(|| min.max(Replicas::new(1)));
        }
        if failed {
            return None;
        }
        if min == Replicas::ZERO && current > Replicas::ZERO {
            return self.is_cool(now).then_some(Replicas::ZERO);
        }
        (current < min).then_some(min)
    }

    /// Since the last activity, or since the beginning where there was none.
    fn is_cool(&self, now: Millis) -> bool {
        let until = self.last_active.map(|at| at.plus(self.cooldown));
        now > until.unwrap_or(Millis::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Triggers = Triggers {
        active: true,
        failed: false,
    };
    const QUIET: Triggers = Triggers {
        active: false,
        failed: false,
    };
    const SILENT: Triggers = Triggers {
        active: false,
        failed: true,
    };

    #[test]
    fn the_last_replica_stays_for_the_cooldown_and_the_first_comes_at_once() {
        let (none, one) = (Replicas::ZERO, Replicas::new(1));
        let mut keda = Activation::new(POLLING, COOLDOWN);
        let at = Millis::secs;
        assert_eq!(keda.poll(at(0), ASKED, one, none), None);
        assert_eq!(keda.poll(at(300), QUIET, one, none), None);
        assert_eq!(keda.poll(at(301), SILENT, one, none), None);
        assert_eq!(keda.poll(at(301), QUIET, one, none), Some(none));
        assert_eq!(keda.poll(at(330), QUIET, none, none), None);
        assert_eq!(keda.poll(at(360), ASKED, none, none), Some(one));
        assert_eq!(
            keda.poll(at(390), QUIET, one, Replicas::new(3)),
            Some(Replicas::new(3))
        );
    }

    #[test]
    fn a_poll_is_due_once_for_each_time() {
        let mut keda = Activation::new(POLLING, COOLDOWN);
        let due = (0..5).map(|i| keda.is_due(Millis::secs(15 * i)));
        assert_eq!(due.collect::<Vec<_>>(), [true, false, true, false, true]);
    }
}
