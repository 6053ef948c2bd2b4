//! A counter's rate over a window of its latest samples. Pure. A rate needs two samples of one
//! life of the counter: after a reset it begins anew, so that no jump is taken for load.

use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;

/// Samples that a window is kept in, about; closer ones give way to the newest.
const POINTS: i32 = 12;
/// Most samples kept, whatever their times are.
const POINTS_MAX: usize = 32;
/// A pause of more than this many windows says nothing about now: begin anew.
const PAUSE_MAX: i32 = 4;
/// Shortest time over which a rate is taken: below it times are too coarse.
const SPAN_MIN: SignedDuration = SignedDuration::from_millis(50);

/// How long to look back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    window: SignedDuration,
    slack: SignedDuration,
}

impl Span {
    /// Over `window`, or over two samples where these come more seldom.
    pub(super) fn new(window: SignedDuration, interval: SignedDuration) -> Self {
        Self {
            window: window.max(interval),
            // A sample that is a little older than the window still belongs to it.
            slack: interval / 2,
        }
    }
}

/// The latest samples of one counter, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Counter(VecDeque<(Timestamp, f64)>);

impl Counter {
    /// Adds a sample; the rate a second, where there is one with this sample in it. `value` is a
    /// number and not negative.
    pub(super) fn push(&mut self, at: Timestamp, value: f64, span: Span) -> Option<f64> {
        if let Some((last, before)) = self.0.back().copied() {
            if at == last && value == before {
                return None;
            }
            let pause = at.duration_since(last);
            if value < before || at <= last || pause > span.window.saturating_mul(PAUSE_MAX) {
                self.0.clear();
            }
        }
        if let [.., (second, _), (last, _)] = self.0.make_contiguous()
            && last.duration_since(*second) < span.window / POINTS
        {
            self.0.pop_back();
        }
        self.0.push_back((at, value));
        let old = span.window.saturating_add(span.slack);
        while self.0.len() > POINTS_MAX
            || (self.0.len() > 2
                && self
                    .0
                    .front()
                    .is_some_and(|(t, _)| at.duration_since(*t) > old))
        {
            self.0.pop_front();
        }
        let (first, base) = self.0.front()?;
        let gap = at.duration_since(*first);
        (gap >= SPAN_MIN).then(|| (value - base) / gap.as_secs_f64())
    }

    /// Begins anew.
    pub(super) fn reset(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_700_000_000_000 + millis).unwrap()
    }

    fn span(window: i64, interval: i64) -> Span {
        Span::new(
            SignedDuration::from_millis(window),
            SignedDuration::from_millis(interval),
        )
    }

    #[test]
    fn two_samples_make_a_rate_and_the_window_moves() {
        let (mut counter, of) = (Counter::default(), span(1_000, 500));
        assert_eq!(counter.push(at(0), 100.0, of), None);
        assert_eq!(counter.push(at(500), 150.0, of), Some(100.0));
        assert_eq!(counter.push(at(1_000), 200.0, of), Some(100.0));
        // A jump of the load is whole in the figure after one window.
        assert_eq!(counter.push(at(1_500), 450.0, of), Some(300.0));
        assert_eq!(counter.push(at(2_000), 700.0, of), Some(500.0));
        assert_eq!(counter.push(at(2_500), 700.0, of), Some(250.0));
        assert_eq!(counter.push(at(3_000), 700.0, of), Some(0.0));
    }

    #[test]
    fn a_sample_a_little_late_does_not_halve_the_window() {
        let (mut counter, of) = (Counter::default(), span(1_000, 500));
        for (n, late) in [0, 10, 3, 17, 0, 40].into_iter().enumerate() {
            let t = i64::try_from(n).unwrap() * 500 + late;
            let _ = counter.push(at(t), 0.0, of);
        }
        assert_eq!(counter.0.len(), 3);
    }

    #[test]
    fn a_reset_a_step_back_and_a_long_pause_begin_anew() {
        let of = span(1_000, 500);
        for (t, value) in [(1_000, 10.0), (-500, 200.0), (500, 200.0), (6_000, 900.0)] {
            let mut counter = Counter::default();
            counter.push(at(0), 100.0, of);
            counter.push(at(500), 150.0, of);
            assert_eq!(counter.push(at(t), value, of), None, "{t} {value}");
            assert_eq!(
                counter.push(at(t + 500), value + 5.0, of),
                Some(10.0),
                "{t} {value}"
            );
        }
    }

    #[test]
    fn the_same_sample_again_is_no_news() {
        let (mut counter, of) = (Counter::default(), span(1_000, 500));
        counter.push(at(0), 1.0, of);
        counter.push(at(500), 2.0, of);
        assert_eq!(counter.push(at(500), 2.0, of), None);
        assert_eq!(counter.push(at(1_000), 3.0, of), Some(2.0));
    }

    #[test]
    fn a_window_shorter_than_the_interval_uses_two_samples() {
        let (mut counter, of) = (Counter::default(), span(200, 5_000));
        counter.push(at(0), 0.0, of);
        assert_eq!(counter.push(at(5_000), 50.0, of), Some(10.0));
        assert_eq!(counter.push(at(10_000), 150.0, of), Some(20.0));
    }

    proptest! {
        /// Whatever comes: bounded, never negative, never more than the counter grew.
        #[test]
        fn any_samples(list in prop::collection::vec((-2_000i64..5_000, 0.0f64..1e12), 1..200), window in 200i64..60_000, interval in 100i64..60_000) {
            let (mut counter, mut t) = (Counter::default(), 0);
            for (step, value) in list {
                t += step;
                if let Some(rate) = counter.push(at(t), value, span(window, interval)) {
                    prop_assert!(rate >= 0.0 && rate <= value / SPAN_MIN.as_secs_f64());
                }
                prop_assert!(counter.0.len() <= POINTS_MAX);
            }
        }

        /// A steady counter has its rate from the second sample on, however the samples come.
        #[test]
        fn steady(steps in prop::collection::vec(50i64..2_000, 1..100), rate in 0u32..1_000_000, window in 500i64..10_000) {
            let (mut counter, mut t) = (Counter::default(), 0);
            let of = span(window, 500);
            counter.push(at(0), 0.0, of);
            for step in steps {
                t += step;
                let value = f64::from(rate) * SignedDuration::from_millis(t).as_secs_f64();
                if step > 4 * window { continue }
                let seen = counter.push(at(t), value, of).unwrap();
                prop_assert!((seen - f64::from(rate)).abs() <= f64::from(rate) * 1e-6);
            }
        }
    }
}
