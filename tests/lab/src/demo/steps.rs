//! A count over time, and the sums over it that the demo's figures are made of.
//! Pure: the times are given.

/// A count that changes in steps: from each time on (milliseconds since 1970)
/// it is the value given; before the first it is 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steps(Vec<(i64, u32)>);

impl Steps {
    /// The same count from the beginning of time.
    #[must_use]
    pub fn constant(value: u32) -> Self {
        Self(vec![(i64::MIN, value)])
    }

    /// The count from `at` on. Times must not go back; one that does counts as
    /// the last one.
    pub fn set(&mut self, at: i64, value: u32) {
        let at = self.0.last().map_or(at, |&(last, _)| at.max(last));
        if self.0.last().is_some_and(|&(last, _)| last == at) {
            self.0.pop();
        }
        if self.0.last().map_or(0, |&(_, before)| before) != value || self.0.is_empty() {
            self.0.push((at, value));
        }
    }

    /// The count at a time.
    #[must_use]
    pub fn at(&self, at: i64) -> u32 {
        let after = self.0.partition_point(|&(from, _)| from <= at);
        after
            .checked_sub(1)
            .and_then(|index| self.0.get(index))
            .map_or(0, |&(_, value)| value)
    }

    /// The count now, that is after the last change.
    #[must_use]
    pub fn last(&self) -> u32 {
        self.0.last().map_or(0, |&(_, value)| value)
    }

    /// The highest count from `from` until before `until`.
    #[must_use]
    pub fn peak(&self, from: i64, until: i64) -> u32 {
        self.values(from, until).max().unwrap_or(0)
    }

    /// The lowest count from `from` until before `until`.
    #[must_use]
    pub fn low(&self, from: i64, until: i64) -> u32 {
        self.values(from, until).min().unwrap_or(0)
    }

    /// Count times seconds, from `from` until `until`.
    #[must_use]
    pub fn integral(&self, from: i64, until: i64) -> f64 {
        const MILLIS: f64 = 1_000.0;
        let mut sum = 0.0;
        let mut since = from;
        let mut value = self.at(from);
        for &(at, next) in self.0.iter().filter(|&&(at, _)| at > from && at < until) {
            sum += f64::from(value) * span(since, at);
            (since, value) = (at, next);
        }
        (sum + f64::from(value) * span(since, until.max(since))) / MILLIS
    }

    /// All of these added up.
    #[must_use]
    pub fn sum<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        parts.into_iter().fold(Self::default(), |sum, part| {
            sum.with(part, u32::saturating_add)
        })
    }

    /// How far this is above the other; 0 where it is not.
    #[must_use]
    pub fn above(&self, other: &Self) -> Self {
        self.with(other, u32::saturating_sub)
    }

    fn with(&self, other: &Self, join: fn(u32, u32) -> u32) -> Self {
        let mut times: Vec<i64> = self.0.iter().chain(&other.0).map(|&(at, _)| at).collect();
        times.sort_unstable();
        times.dedup();
        let mut joined = Self::default();
        for at in times {
            joined.set(at, join(self.at(at), other.at(at)));
        }
        joined
    }

    fn values(&self, from: i64, until: i64) -> impl Iterator<Item = u32> {
        let within = self
            .0
            .iter()
            .filter(move |&&(at, _)| at > from && at < until);
        std::iter::once(self.at(from)).chain(within.map(|&(_, value)| value))
    }
}

#[allow(clippy::cast_precision_loss)] // milliseconds of one run
fn span(from: i64, until: i64) -> f64 {
    until.saturating_sub(from) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(all: &[(i64, u32)]) -> Steps {
        let mut steps = Steps::default();
        for &(at, value) in all {
            steps.set(at, value);
        }
        steps
    }

    #[test]
    fn a_count_holds_until_the_next() {
        let count = steps(&[(1_000, 2), (3_000, 5), (4_000, 1)]);
        assert_eq!(
            [0, 1_000, 2_999, 3_000, 9_000].map(|at| count.at(at)),
            [0, 2, 2, 5, 1]
        );
        assert_eq!(count.peak(0, 3_000), 2);
        assert_eq!(count.peak(0, 3_001), 5);
        assert_eq!(count.low(1_000, 9_000), 1);
        assert_eq!(count.last(), 1);
    }

    #[test]
    fn the_integral_counts_only_its_window() {
        let count = steps(&[(1_000, 2), (3_000, 5), (4_000, 0)]);
        assert!((count.integral(0, 10_000) - 9.0).abs() < 1e-9);
        assert!((count.integral(2_000, 3_500) - 4.5).abs() < 1e-9);
        assert!((Steps::constant(3).integral(0, 2_000) - 6.0).abs() < 1e-9);
        assert!(Steps::default().integral(5, 1).abs() < 1e-9);
    }

    #[test]
    fn sums_and_differences_change_where_either_does() {
        let need = steps(&[(0, 4), (2_000, 8)]);
        let ready = steps(&[(1_000, 3), (3_000, 9)]);
        assert_eq!(
            need.above(&ready),
            steps(&[(0, 4), (1_000, 1), (2_000, 5), (3_000, 0)])
        );
        assert_eq!(
            Steps::sum([&need, &ready]),
            steps(&[(0, 4), (1_000, 7), (2_000, 11), (3_000, 17)])
        );
    }

    #[test]
    fn two_changes_at_one_time_leave_the_last() {
        assert_eq!(steps(&[(1, 5), (1, 0), (1, 3)]), steps(&[(1, 3)]));
        assert_eq!(steps(&[(1, 5), (2, 7), (2, 5)]), steps(&[(1, 5)]));
    }
}
