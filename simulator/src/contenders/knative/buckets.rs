//! The average of a window, from buckets of one second; `TimedFloat64Buckets` of
//! `pkg/autoscaler/aggregation/bucketing.go`, with its order of additions, so that the last bit is
//! the same. Deliberately not here: resizing, as no window changes while it runs.

use super::second;
use jiff::Timestamp;

/// Averages are rounded to so many parts of 1; `precision` is 6 digits.
const PARTS: f64 = 1e6;

/// Buckets of the seconds that a window covers.
#[derive(Clone, Debug)]
pub struct Buckets {
    /// A ring: the bucket of a second is at its number modulo the length.
    ring: Vec<f64>,
    window: u32,
    /// First and last second written since the window was empty.
    written: Option<(i64, i64)>,
    total: f64,
}

impl Buckets {
    /// An empty window of so many seconds, at least one.
    #[must_use]
    pub fn new(window_seconds: u32) -> Self {
        let window = window_seconds.max(1);
        let length = usize::try_from(window).unwrap_or(usize::MAX);
        Self {
            ring: vec![0.0; length],
            window,
            written: None,
            total: 0.0,
        }
    }

    /// Adds to the bucket of a time. Seconds left out since the last one count as 0; what is a whole
    /// window older than the last one is left out; `Record`.
    pub fn record(&mut self, at: Timestamp, value: f64) {
        let at = second(at);
        let window = i64::from(self.window);
        match self.written {
            Some((_, last)) if at <= last - window => return,
            // Late, or in the same second.
            Some((first, last)) if at <= last => self.written = Some((first.min(at), last)),
            Some((first, last)) if at - last < window => {
                for between in last + 1..=at {
                    self.total -= std::mem::take(self.bucket(between));
                }
                self.written = Some((first, at));
            }
            Some(_) | None => {
                self.ring.fill(0.0);
                self.total = 0.0;
                self.written = Some((at, at));
            }
        }
        *self.bucket(at) += value;
        self.total += value;
    }

    /// True when nothing was recorded for more than a window; `IsEmpty`.
    #[must_use]
    pub fn is_empty(&self, now: Timestamp) -> bool {
        let window = i64::from(self.window);
        self.written
            .is_none_or(|(_, last)| second(now) - last > window)
    }

    /// The average over the seconds from the first one written to the last, the window's at most; 0
    /// where nothing was written for a window; `WindowAverage`.
    pub fn average(&mut self, now: Timestamp) -> f64 {
        let Some((first, last)) = self.written else {
            return 0.0;
        };
        let (now, window) = (second(now), i64::from(self.window));
        let silent = (now - last).max(0);
        if silent >= window {
            return 0.0;
        }
        let mut total = self.total;
        for outdated in last + 1..=now {
            total -= *self.bucket(outdated);
        }
        let buckets = (last - first + 1).min(window - silent);
        let buckets = f64::from(u32::try_from(buckets).unwrap_or(1));
        (total / buckets * PARTS).round() / PARTS
    }

    fn bucket(&mut self, second: i64) -> &mut f64 {
        let at = usize::try_from(second.rem_euclid(i64::from(self.window))).unwrap_or(0);
        &mut self.ring[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    #[test]
    fn an_average_is_over_what_was_written() {
        let mut b = Buckets::new(5);
        assert!(b.is_empty(at(0)));
        assert_eq!(b.average(at(0)), 0.0);
        b.record(at(0), 10.0);
        b.record(at(1), 20.0);
        assert_eq!(b.average(at(1)), 15.0);
        // Two seconds of silence: nothing falls out of the window yet, and nothing is added.
        assert_eq!(b.average(at(3)), 15.0);
        // Silence that ends counts as 0.
        b.record(at(4), 15.0);
        assert_eq!(b.average(at(4)), 9.0);
        // The first second leaves the window.
        b.record(at(5), 0.0);
        assert_eq!(b.average(at(5)), 7.0);
    }

    #[test]
    fn a_window_of_silence_empties_it() {
        let mut b = Buckets::new(5);
        b.record(at(0), 10.0);
        assert_eq!(b.average(at(4)), 10.0);
        assert_eq!(b.average(at(5)), 0.0);
        assert!(!b.is_empty(at(5)));
        assert!(b.is_empty(at(6)));
        b.record(at(9), 3.0);
        assert_eq!(b.average(at(9)), 3.0);
    }

    #[test]
    fn what_comes_late_counts_in_its_own_second() {
        let mut b = Buckets::new(5);
        b.record(at(10), 4.0);
        b.record(at(8), 2.0);
        assert_eq!(b.average(at(10)), 2.0);
        b.record(at(5), 100.0);
        assert_eq!(b.average(at(10)), 2.0);
    }
}
