//! Chance with a seed that is printed, so that a run can be made again.

use std::time::Duration;

/// A small generator (SplitMix64). Good enough to choose moments and workloads.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// Begins with this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 until before `end`; 0 where `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next().checked_rem(end).unwrap_or(0)
    }

    /// A time from 0 until before `most`, in whole microseconds.
    pub fn time(&mut self, most: Duration) -> Duration {
        let most = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.below(most))
    }

    /// The numbers from 0 until before `end`, each once, in any order.
    pub fn order(&mut self, end: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..end).collect();
        for last in (1..end).rev() {
            let bound = u64::try_from(last + 1).unwrap_or(u64::MAX);
            let other = usize::try_from(self.below(bound)).unwrap_or(0);
            all.swap(last, other);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_and_each_number_comes_once() {
        let mut order = Chance::new(7).order(100);
        assert_eq!(order, Chance::new(7).order(100));
        assert_ne!(order, Chance::new(8).order(100));
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
        let mut chance = Chance::new(1);
        assert!((0..1_000).all(|_| chance.time(Duration::from_millis(2)).as_micros() < 2_000));
        assert_eq!(chance.below(0), 0);
    }
}
