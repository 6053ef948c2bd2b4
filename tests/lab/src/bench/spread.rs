//! How times spread: values that were measured, never interpolated.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Times in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// How many were measured.
    pub n: usize,
    /// Half took at most this.
    pub p50: f64,
    /// 90 of 100 took at most this.
    pub p90: f64,
    /// 99 of 100 took at most this.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

impl Spread {
    /// Of these times; `None` where there are none.
    #[must_use]
    pub fn of(times: impl IntoIterator<Item = Duration>) -> Option<Self> {
        let mut sorted: Vec<Duration> = times.into_iter().collect();
        sorted.sort_unstable();
        let at = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100).max(1);
            sorted.get(rank - 1).copied().map(milliseconds)
        };
        Some(Self {
            n: sorted.len(),
            p50: at(50)?,
            p90: at(90)?,
            p99: at(99)?,
            max: at(100)?,
        })
    }
}

/// To a hundredth.
#[must_use]
pub fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 100_000.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let spread = Spread::of((1..=200).rev().map(Duration::from_millis)).unwrap();
        let Spread {
            n,
            p50,
            p90,
            p99,
            max,
        } = spread;
        assert_eq!((n, p50, p90, p99, max), (200, 100.0, 180.0, 198.0, 200.0));
        let one = Spread::of([Duration::from_micros(7_004)]).unwrap();
        assert_eq!((one.p50, one.p99, one.max), (7.0, 7.0, 7.0));
        assert_eq!(Spread::of([]), None);
    }
}
