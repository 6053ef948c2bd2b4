//! From what the autoscaler wants to the count that is written: the bounds of a revision, and the way
//! down to no pod at all; `scale` and `handleScaleToZero` of `pkg/reconciler/autoscaling/kpa/scaler.go`,
//! `computeActiveCondition` of `kpa.go`. A revision without load is first called inactive, once it was
//! active for a stable window; its last pod goes when the activator has been on the way of the
//! requests for the grace period.
//!
//! Deliberately not here: an initial scale other than 1; giving up on pods that never become ready;
//! the probe that the activator is there, which succeeds.

use super::{OutOfRange, Settings};
use jiff::{SignedDuration, Timestamp};

/// What a revision is, as its PodAutoscaler's condition `Active` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// Unknown: fewer pods are ready than must be.
    Activating,
    /// True.
    Active,
    /// False: it has no load.
    Inactive,
}

/// One revision's way from wanted to written.
#[derive(Clone, Debug)]
pub struct Scaler {
    settings: Settings,
    min: i32,
    max: i32,
    activity: Activity,
    since: Timestamp,
    /// Since when the activator is on the way; `None` where it is not.
    proxied: Option<Timestamp>,
}

/// What one reconcile finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The autoscaler's last count, and what it leaves free above the target burst; `None` before its
    /// first decision.
    pub scaled: Option<(i32, i32)>,
    /// Pods that are ready.
    pub ready: i32,
}

impl Scaler {
    /// A new revision with bounds; a `max` of 0 is none.
    ///
    /// # Errors
    /// When a setting is out of its range.
    pub fn new(settings: Settings, min: i32, max: i32, now: Timestamp) -> Result<Self, OutOfRange> {
        settings.check()?;
        Ok(Self {
            settings,
            min: min.max(0),
            max: max.max(0),
            activity: Activity::Activating,
            since: now,
            proxied: Some(now),
        })
    }

    /// What the revision is since the last reconcile.
    #[must_use]
    pub const fn activity(&self) -> Activity {
        self.activity
    }

    /// One reconcile: the count to write, or `None` where the present one stays.
    pub fn reconcile(&mut self, now: Timestamp, found: Found) -> Option<i32> {
        let Found { scaled, ready } = found;
        let (want, written) = match (scaled, self.activity) {
            (None, Activity::Active | Activity::Inactive) => (None, None),
            (scaled, Activity::Activating | Activity::Active | Activity::Inactive) => {
                match self.bounded(scaled.map_or(-1, |(desired, _)| desired)) {
                    0 => self.to_zero(now),
                    n => (Some(n), Some(n)),
                }
            }
        };
        let spare = scaled.is_some_and(|(_, excess)| excess >= 0);
        if spare && want.is_some_and(|n| n > 0) {
            self.proxied = None;
        } else {
            self.proxied.get_or_insert(now);
        }
        self.turn(now, want, ready);
        written
    }

    /// `applyBounds`.
    fn bounded(&self, desired: i32) -> i32 {
        let most = if self.max == 0 { i32::MAX } else { self.max };
        if desired < self.min {
            self.min
        } else {
            desired.min(most)
        }
    }

    /// `handleScaleToZero`: what is wanted, and what is written.
    fn to_zero(&self, now: Timestamp) -> (Option<i32>, Option<i32>) {
        let s = &self.settings;
        let seconds = |n: u32| SignedDuration::from_secs(n.into());
        if !s.enable_scale_to_zero {
            return (Some(1), Some(1));
        }
        let lasted = now.duration_since(self.since);
        match self.activity {
            Activity::Activating => (None, None),
            Activity::Active if lasted >= seconds(s.stable_window_seconds) => (Some(0), None),
            Activity::Active => (Some(1), Some(1)),
            Activity::Inactive => {
                // Upstream also lets it go once it was inactive for so long; the activator has been on
                // the way for longer then.
                let proxied = self
                    .proxied
                    .map_or(SignedDuration::ZERO, |since| now.duration_since(since));
                let goes = lasted >= seconds(s.pod_retention_seconds)
                    && proxied >= seconds(s.scale_to_zero_grace_seconds);
                (Some(0), goes.then_some(0))
            }
        }
    }

    /// `computeActiveCondition`.
    fn turn(&mut self, now: Timestamp, want: Option<i32>, ready: i32) {
        let next = match (want, self.activity) {
            (Some(0), _) | (None, Activity::Inactive) => Activity::Inactive,
            (Some(_), _) | (None, Activity::Activating | Activity::Active) => {
                if ready < self.min.max(1) {
                    Activity::Activating
                } else {
                    Activity::Active
                }
            }
        };
        if next != self.activity {
            (self.activity, self.since) = (next, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    fn wants(desired: i32, ready: i32) -> Found {
        Found {
            scaled: Some((desired, 0)),
            ready,
        }
    }

    #[test]
    fn bounds_hold_and_a_max_of_0_is_none() {
        let new = |min, max| Scaler::new(Settings::default(), min, max, at(0)).unwrap();
        assert_eq!(new(2, 5).reconcile(at(0), wants(9, 1)), Some(5));
        assert_eq!(new(2, 5).reconcile(at(0), wants(0, 1)), Some(2));
        assert_eq!(new(0, 0).reconcile(at(0), wants(9, 1)), Some(9));
    }

    #[test]
    fn the_last_pod_goes_after_a_window_and_the_grace_period() {
        let mut s = Scaler::new(Settings::default(), 0, 0, at(0)).unwrap();
        assert_eq!(s.reconcile(at(0), wants(3, 3)), Some(3));
        assert_eq!(s.activity(), Activity::Active);
        assert_eq!(s.reconcile(at(58), wants(0, 3)), Some(1));
        assert_eq!(s.reconcile(at(60), wants(0, 1)), None);
        assert_eq!(s.activity(), Activity::Inactive);
        assert_eq!(s.reconcile(at(88), wants(0, 1)), None);
        assert_eq!(s.reconcile(at(90), wants(0, 1)), Some(0));
        // And back: buffered until one is ready.
        assert_eq!(s.reconcile(at(100), wants(2, 0)), Some(2));
        assert_eq!(s.activity(), Activity::Activating);
    }

    #[test]
    fn an_activator_that_was_on_the_way_before_is_not_waited_for() {
        let mut s = Scaler::new(Settings::default(), 0, 0, at(0)).unwrap();
        let behind = |desired| Found {
            scaled: Some((desired, -1)),
            ready: 1,
        };
        s.reconcile(at(0), behind(1));
        s.reconcile(at(60), behind(0));
        assert_eq!(s.reconcile(at(62), behind(0)), Some(0));
    }

    #[test]
    fn nothing_is_written_before_the_first_decision_unless_a_minimum_asks_for_it() {
        let unknown = Found {
            scaled: None,
            ready: 0,
        };
        let new = |min| Scaler::new(Settings::default(), min, 0, at(0)).unwrap();
        assert_eq!(new(0).reconcile(at(0), unknown), None);
        assert_eq!(new(2).reconcile(at(0), unknown), Some(2));
    }
}
