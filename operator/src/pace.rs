//! When the loop makes its next plan: new figures are answered at once, other changes wait a
//! moment for company, and a plan that took long is followed by a rest in proportion. Plain data;
//! time comes in. Not here: what a plan is made of (`runner`).

use std::time::{Duration, Instant};

/// Changes within this time of the first are planned for together.
pub const COALESCE: Duration = Duration::from_millis(50);
/// After a plan the loop rests this many times as long as the plan took, so that planning takes at
/// most a quarter of one core, however often something changes.
pub const REST: u32 = 3;
/// Longest rest: a plan that once took long must not make the loop late for ever.
pub const REST_MAX: Duration = Duration::from_millis(500);

/// When to plan next.
#[derive(Debug, Default)]
pub struct Pace {
    wanted: Option<Instant>,
    rested: Option<Instant>,
}

impl Pace {
    /// Something changed: plan soon, together with what changes meanwhile.
    pub fn soon(&mut self, now: Instant) {
        self.by(now + COALESCE);
    }

    /// Something changed that must not wait.
    pub fn at_once(&mut self, now: Instant) {
        self.by(now);
    }

    /// When to plan; `None` while nothing asks for it.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        let wanted = self.wanted?;
        Some(self.rested.map_or(wanted, |rested| rested.max(wanted)))
    }

    /// A plan was made, all that was known at `begun` is in it, and it ended at `now`.
    pub fn made(&mut self, begun: Instant, now: Instant) {
        let took = now.saturating_duration_since(begun);
        self.wanted = None;
        self.rested = Some(now + took.saturating_mul(REST).min(REST_MAX));
    }

    fn by(&mut self, at: Instant) {
        self.wanted = Some(self.wanted.map_or(at, |wanted| wanted.min(at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn nothing_is_due_before_anything_changed() {
        let now = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(pace.due(), None);
        pace.at_once(now);
        pace.made(now, now);
        assert_eq!(pace.due(), None, "all that was known is in the plan");
    }

    #[test]
    fn changes_wait_for_company_and_no_later_one_puts_them_off() {
        let now = Instant::now();
        let mut pace = Pace::default();
        pace.soon(now);
        pace.soon(now + 40 * MS);
        assert_eq!(pace.due(), Some(now + COALESCE));
    }

    #[test]
    fn figures_do_not_wait_and_take_along_what_waits() {
        let now = Instant::now();
        let mut pace = Pace::default();
        pace.soon(now);
        pace.at_once(now + 10 * MS);
        assert_eq!(pace.due(), Some(now + 10 * MS));
    }

    #[test]
    fn a_long_plan_is_followed_by_a_rest_that_is_bounded() {
        let now = Instant::now();
        let mut pace = Pace::default();
        pace.made(now, now + 20 * MS);
        pace.at_once(now + 21 * MS);
        assert_eq!(pace.due(), Some(now + 20 * MS + 60 * MS));
        let mut pace = Pace::default();
        pace.made(now, now + 3_000 * MS);
        pace.at_once(now + 3_000 * MS);
        assert_eq!(pace.due(), Some(now + 3_000 * MS + REST_MAX));
    }
}
