//! Decaying histograms of growth, one for each level of load and one for all: how many times a load
//! has grown in the time of a start. Bins are 3 % wide and bounded by a table, so no logarithm is
//! taken; old entries lose weight because new ones weigh more.

use crate::model::amounts::MilliLoad;
use serde::{Deserialize, Serialize};

/// Bins of one histogram: growth to 1, 1.03, 1.03² … 2.5 times.
const BINS: usize = 32;
/// Levels of load, each twice the one before: 1, 2, 4 … 128 replicas and above.
const LEVELS: usize = 8;
/// This share of the growth seen is provided for, in thousandths.
const QUANTILE_MILLE: u64 = 970;
/// An entry weighs half after this long.
const HALF_LIFE_MILLIS: i64 = 12 * 3600 * 1000;
/// Entries of a level from which it is believed, in weights of a new one.
const LEVEL_ENOUGH: f32 = 300.0;
/// Entries in all from which they are believed.
const ALL_ENOUGH: f32 = 60.0;
/// From this weight of a new entry on all are scaled down.
const UNIT_MAX: f32 = 1.0e6;
/// Natural logarithm of 2.
const LN_2: f64 = std::f64::consts::LN_2;

/// Upper bounds of the bins in thousandths.
const BOUNDS: [u64; BINS] = bounds();

const fn bounds() -> [u64; BINS] {
    let mut all = [1000; BINS];
    let mut micro: u64 = 1_000_000;
    let mut i = 1;
    while i < BINS {
        micro = micro * 103 / 100;
        all[i] = micro / 1000;
        i += 1;
    }
    all
}

/// One histogram.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Histogram {
    /// Weight in all.
    total: f32,
    /// Weight by bin, up to the last that has any.
    bins: Vec<f32>,
}

/// All histograms of a workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Histograms {
    /// What a new entry weighs.
    unit: f32,
    all: Histogram,
    levels: Vec<Histogram>,
}

impl Default for Histograms {
    fn default() -> Self {
        Self {
            unit: 1.0,
            all: Histogram::default(),
            levels: Vec::new(),
        }
    }
}

impl Histograms {
    /// Shows a part of each, to be read ahead of their time.
    pub(super) fn see(&self, see: impl Fn(f32)) {
        let all = [&self.all].into_iter().chain(&self.levels);
        all.filter_map(|h| h.bins.first()).for_each(|bin| see(*bin));
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, millis: i64) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
        let more = (1.0 + millis as f64 * LN_2 / HALF_LIFE_MILLIS as f64) as f32;
        self.unit *= more;
        if self.unit > UNIT_MAX || !self.unit.is_normal() {
            let unit = if self.unit.is_normal() {
                self.unit
            } else {
                1.0
            };
            self.all.scale(unit);
            self.levels.iter_mut().for_each(|level| level.scale(unit));
            self.unit = 1.0;
        }
    }

    /// Adds that a load of `base` has grown to `came`.
    pub(super) fn add(&mut self, base: MilliLoad, came: MilliLoad, per_replica: MilliLoad) {
        // Below half a replica any growth is nothing.
        let base = base.0.max(per_replica.0 / 2).max(1);
        let mille = match came.0.checked_mul(1000) {
            Some(milli) => milli / base,
            None => u64::try_from(u128::from(came.0) * 1000 / u128::from(base)).unwrap_or(u64::MAX),
        };
        let bin = BOUNDS.partition_point(|bound| *bound < mille);
        let bin = bin.min(BINS - 1);
        let unit = self.unit;
        self.all.add(bin, unit);
        let level = level(MilliLoad(base), per_replica);
        if level >= self.levels.len() {
            self.levels.reserve_exact(level + 1 - self.levels.len());
            self.levels.resize_with(level + 1, Histogram::default);
        }
        if let Some(level) = self.levels.get_mut(level) {
            level.add(bin, unit);
        }
    }

    /// How many times a load of `x` may grow while a replica starts, in thousandths; 1000 while too
    /// little has been seen.
    pub(super) fn factor(&self, x: MilliLoad, per_replica: MilliLoad) -> u64 {
        let level = self.levels.get(level(x, per_replica));
        let enough = |h: &&Histogram, least| h.total >= least * self.unit;
        level
            .filter(|h| enough(h, LEVEL_ENOUGH))
            .or(Some(&self.all).filter(|h| enough(h, ALL_ENOUGH)))
            .map_or(1000, Histogram::quantile)
    }
}

impl Histogram {
    fn add(&mut self, bin: usize, weight: f32) {
        if bin >= self.bins.len() {
            self.bins.resize(bin + 1, 0.0);
        }
        if let Some(bin) = self.bins.get_mut(bin) {
            *bin += weight;
            self.total += weight;
        }
    }

    fn scale(&mut self, by: f32) {
        self.total /= by;
        self.bins.iter_mut().for_each(|bin| *bin /= by);
    }

    /// The growth that this share of the entries did not pass.
    fn quantile(&self) -> u64 {
        #[allow(clippy::cast_precision_loss)] // far below 2^24
        let mut beyond = self.total * (1000 - QUANTILE_MILLE) as f32 / 1000.0;
        for (bin, bound) in self.bins.iter().zip(BOUNDS).rev() {
            beyond -= bin;
            if beyond < 0.0 {
                return bound;
            }
        }
        1000
    }
}

/// The level of a load: how often the load of one replica must be doubled to come to it.
fn level(x: MilliLoad, per_replica: MilliLoad) -> usize {
    let replicas = (x.0 / per_replica.0.max(1)).max(1);
    usize::try_from(replicas.ilog2())
        .unwrap_or(LEVELS)
        .min(LEVELS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: MilliLoad = MilliLoad(1000);

    #[test]
    fn bounds_are_three_percent_apart_up_to_two_and_a_half_times() {
        assert_eq!(BOUNDS[0], 1000);
        assert_eq!(BOUNDS[1], 1030);
        assert!((2480..2520).contains(&BOUNDS[BINS - 1]));
    }

    #[test]
    fn nothing_is_believed_before_there_is_enough_of_it() {
        let mut all = Histograms::default();
        for i in 0..70 {
            if i < 60 {
                assert_eq!(all.factor(ONE, ONE), 1000, "after {i}");
            }
            all.pass(5_000);
            all.add(ONE, MilliLoad(1500), ONE);
        }
        assert!(all.factor(ONE, ONE) >= 1500);
    }

    #[test]
    fn what_is_rare_is_not_provided_for_and_what_is_not_rare_is() {
        for (spikes, provided) in [(2, false), (4, true)] {
            let mut all = Histograms::default();
            for i in 0..100 {
                let came = if i < spikes { 2000 } else { 1000 };
                all.add(ONE, MilliLoad(came), ONE);
            }
            assert_eq!(all.factor(ONE, ONE) >= 2000, provided, "{spikes} of 100");
        }
    }

    #[test]
    fn levels_are_told_apart() {
        let mut all = Histograms::default();
        let (low, high) = (MilliLoad(2_000), MilliLoad(200_000));
        for _ in 0..400 {
            all.add(low, MilliLoad(4_000), ONE);
            all.add(high, high, ONE);
        }
        assert!(all.factor(low, ONE) >= 2000);
        assert_eq!(all.factor(high, ONE), 1000);
    }

    #[test]
    fn an_old_spike_is_forgotten() {
        let mut all = Histograms::default();
        for _ in 0..400 {
            all.add(ONE, MilliLoad(2_000), ONE);
        }
        // Three days of calm in slots of 5 s.
        for _ in 0..3 * 17_280 {
            all.pass(5_000);
            all.add(ONE, ONE, ONE);
        }
        assert_eq!(all.factor(ONE, ONE), 1000);
    }
}
