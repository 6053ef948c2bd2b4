//! Pauses between attempts: doubling to a bound, and each a little different, so that many sites do
//! not knock at the same moment.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

/// Pause after the first failure.
const FIRST: Duration = Duration::from_secs(1);
/// Longest pause, before it is made a little different.
const MAX: Duration = Duration::from_secs(30);
/// Parts of a pause that chance decides, of 100.
const JITTER_PERCENT: u64 = 25;

/// Pauses of one site.
#[derive(Debug)]
pub(super) struct Backoff {
    chance: RandomState,
    name: String,
    failures: u32,
}

impl Backoff {
    pub fn new(name: &str) -> Self {
        Self {
            chance: RandomState::new(),
            name: name.to_owned(),
            failures: 0,
        }
    }

    /// The pause after one more failure.
    pub fn next_pause(&mut self) -> Duration {
        let whole = FIRST
            .saturating_mul(2_u32.saturating_pow(self.failures))
            .min(MAX);
        self.failures = self.failures.saturating_add(1);
        self.around(whole)
    }

    /// It worked.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// About this long: a little less or more.
    pub fn around(&self, pause: Duration) -> Duration {
        let mut hasher = self.chance.build_hasher();
        hasher.write(self.name.as_bytes());
        hasher.write_u32(self.failures);
        let share = 100 - JITTER_PERCENT + hasher.finish() % (2 * JITTER_PERCENT + 1);
        pause.mul_f64(f64::from(u32::try_from(share).unwrap_or(100)) / 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_a_bound_and_begin_anew() {
        let mut backoff = Backoff::new("cloud");
        let mut pauses = Vec::new();
        for _ in 0..20 {
            pauses.push(backoff.next_pause());
        }
        for (i, pause) in pauses.iter().enumerate() {
            let whole = FIRST.saturating_mul(2_u32.saturating_pow(u32::try_from(i).unwrap()));
            let whole = whole.min(MAX);
            assert!(
                *pause >= whole.mul_f64(0.75) && *pause <= whole.mul_f64(1.25),
                "{i}: {pause:?}"
            );
        }
        backoff.reset();
        assert!(backoff.next_pause() <= FIRST.mul_f64(1.25));
    }

    #[test]
    fn two_sites_do_not_knock_together_for_long() {
        let (mut a, mut b) = (Backoff::new("a"), Backoff::new("b"));
        let same = (0..20).filter(|_| a.next_pause() == b.next_pause()).count();
        assert!(same < 10, "{same}");
    }
}
