//! When the loop makes its next plan: new figures are answered at once, other changes wait a
//! moment for company, and a plan that took long is followed by a rest in proportion. Plain data;
//! time comes in. Not here: what a plan is made of (`runner`).

use std::time::{Duration, Instant};

/// A plan is made at least this often, whatever changes or does not. Longer than the usual second
/// between two figures, so that such a plan does not begin just before them.
pub const AT_LEAST: Duration = Duration::from_millis(1_500);
/// Changes within this time of the first are planned for together.
pub const COALESCE: Duration = Duration::from_millis(50);
/// After a plan the loop rests this many times as long as the plan took. New figures wait for the
/// rest of the plan before that figures asked for, and for no other's: so each of the two kinds
/// takes at most a quarter of one core, however often something changes.
pub const REST: u32 = 3;
/// Longest rest: a plan that once took long must not make the loop late for ever.
pub const REST_MAX: Duration = Duration::from_millis(500);

/// When to plan next.
#[derive(Debug)]
pub struct Pace {
    /// By when other changes, or nothing at all, ask for a plan.
    wanted: Instant,
    /// From when one may be made for them.
    rested: Instant,
    /// Since when figures ask for one.
    figures: Option<Instant>,
    /// From when one may be made for figures.
    figures_rested: Instant,
}

impl Pace {
    /// Before the first plan, which is due at once.
    #[must_use]
    pub const fn new(now: Instant) -> Self {
        Self {
            wanted: now,
            rested: now,
            figures: None,
            figures_rested: now,
        }
    }

    /// Something changed: plan soon, together with what changes meanwhile.
    pub fn soon(&mut self, now: Instant) {
        self.wanted = self.wanted.min(now + COALESCE);
    }

    /// Something changed that is seldom and must not wait for company.
    pub fn at_once(&mut self, now: Instant) {
        self.wanted = self.wanted.min(now);
    }

    /// New figures came.
    pub fn figures(&mut self, now: Instant) {
        self.figures.get_or_insert(now);
    }

    /// When to plan.
    #[must_use]
    pub fn due(&self) -> Instant {
        let other = self.wanted.max(self.rested);
        match self.figures {
            Some(since) => other.min(since.max(self.figures_rested)),
            None => other,
        }
    }

    /// A plan was made, all that was known at `begun` is in it, and it ended at `now`.
    pub fn made(&mut self, begun: Instant, now: Instant) {
        let took = now.saturating_duration_since(begun);
        let rested = now + took.saturating_mul(REST).min(REST_MAX);
        self.wanted = begun + AT_LEAST;
        self.rested = rested;
        if self.figures.take().is_some() {
            self.figures_rested = rested;
        }
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
    fn a_plan_is_made_now_and_then_though_nothing_changes() {
        let now = Instant::now();
        assert_eq!(Pace::new(now).due(), now);
        let mut pace = idle(now);
        assert_eq!(pace.due(), now + AT_LEAST);
        pace.figures(now + 300 * MS);
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
        pace.figures(now + 10 * MS);
        assert_eq!(pace.due(), now + 10 * MS);
        pace.made(now + 10 * MS, now + 10 * MS);
        assert_eq!(pace.due(), now + 10 * MS + AT_LEAST);
    }

    #[test]
    fn a_long_plan_is_followed_by_a_rest_that_is_bounded() {
        let now = Instant::now();
        for (long, rest) in [(20, 60 * MS), (3_000, REST_MAX)] {
            let mut pace = idle(now);
            pace.made(now, now + long * MS);
            pace.at_once(now + long * MS);
            assert_eq!(pace.due(), now + long * MS + rest);
        }
    }

    #[test]
    fn figures_rest_after_figures_alone() {
        let now = Instant::now();
        let mut pace = idle(now);
        pace.soon(now);
        pace.made(now, now + 20 * MS);
        pace.figures(now + 25 * MS);
        assert_eq!(pace.due(), now + 25 * MS, "that plan was not for figures");
        pace.made(now + 25 * MS, now + 45 * MS);
        pace.figures(now + 50 * MS);
        assert_eq!(pace.due(), now + 45 * MS + 60 * MS);
    }
}
