//! When the loop makes its next plan: new figures are answered at once, other changes wait a
//! moment for company, and a plan that took long is followed by a rest in proportion. Plain data;
//! time comes in. Not here: what a plan is made of (`runner`).

use std::time::{Duration, Instant};

/// A plan is made at least this often, whatever changes or does not.
pub const AT_LEAST: Duration = Duration::from_secs(1);
/// Changes within this time of the first are planned for together.
pub const COALESCE: Duration = Duration::from_millis(50);
/// After a plan the loop rests this many times as long as the plan took, so that planning takes at
/// most a quarter of one core, however often something changes.
pub const REST: u32 = 3;
/// Longest rest: a plan that once took long must not make the loop late for ever.
pub const REST_MAX: Duration = Duration::from_millis(500);

/// When to plan next.
#[derive(Debug)]
pub struct Pace {
    wanted: Instant,
    rested: Instant,
}

impl Pace {
    /// Before the first plan, which is due at once.
    #[must_use]
    pub const fn new(now: Instant) -> Self {
        Self {
            wanted: now,
            rested: now,
        }
    }

    /// Something changed: plan soon, together with what changes meanwhile.
    pub fn soon(&mut self, now: Instant) {
        self.by(now + COALESCE);
    }

    /// Something changed that must not wait.
    pub fn at_once(&mut self, now: Instant) {
        self.by(now);
    }

    /// When to plan.
    #[must_use]
    pub fn due(&self) -> Instant {
        self.wanted.max(self.rested)
    }

    /// A plan was made, all that was known at `begun` is in it, and it ended at `now`.
    pub fn made(&mut self, begun: Instant, now: Instant) {
        let took = now.saturating_duration_since(begun);
        self.wanted = begun + AT_LEAST;
        self.rested = now + took.saturating_mul(REST).min(REST_MAX);
    }

    fn by(&mut self, at: Instant) {
        self.wanted = self.wanted.min(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// One that has just made a plan in no time.
    fn idle(now: Instant) -> Pace {
        let mut pace = Pace::new(now);
        pace.made(now, now);
        pace
    }

    #[test]
    fn a_plan_is_made_each_second_though_nothing_changes() {
        let now = Instant::now();
        assert_eq!(Pace::new(now).due(), now);
        let mut pace = idle(now);
        assert_eq!(pace.due(), now + AT_LEAST);
        pace.at_once(now + 300 * MS);
        pace.made(now + 300 * MS, now + 301 * MS);
        assert_eq!(pace.due(), now + 300 * MS + AT_LEAST, "not sooner");
    }

    #[test]
    fn changes_wait_for_company_and_no_later_one_puts_them_off() {
        let now = Instant::now();
        let mut pace = idle(now);
        pace.soon(now);
        pace.soon(now + 40 * MS);
        assert_eq!(pace.due(), now + COALESCE);
    }

    #[test]
    fn figures_do_not_wait_and_take_along_what_waits() {
        let now = Instant::now();
        let mut pace = idle(now);
        pace.soon(now);
        pace.at_once(now + 10 * MS);
        assert_eq!(pace.due(), now + 10 * MS);
    }

    #[test]
    fn a_long_plan_is_followed_by_a_rest_that_is_bounded() {
        let now = Instant::now();
        let mut pace = idle(now);
        pace.made(now, now + 20 * MS);
        pace.at_once(now + 21 * MS);
        assert_eq!(pace.due(), now + 20 * MS + 60 * MS);
        let mut pace = idle(now);
        pace.made(now, now + 3_000 * MS);
        pace.at_once(now + 3_000 * MS);
        assert_eq!(pace.due(), now + 3_000 * MS + REST_MAX);
    }
}
