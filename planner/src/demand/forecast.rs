//! What earlier days say of the next minutes. It only ever adds replicas, it is used while it has paid
//! (gate), and what it costs is bounded: a tenth of what the load itself takes. Not here: the load
//! of those days (days), and what was announced (schedule).

use super::Moment;
use super::days::{DAY, Days, SLOT_MILLIS, slot};
use super::gate::{Gate, kept};
use super::growth::horizon;
use crate::model::amounts::MilliLoad;
use crate::reason::Silence;
use crate::time::{elapsed, millis};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Days that the forecast looks at.
const DAYS: i64 = 7;
/// Weeks that it looks at.
const WEEKS: i64 = 2;
/// Days, or weeks, of which the same time of day must be known.
const PERIODS_MIN: usize = 2;
/// Of the days the one that so many percent are not above, the lower one between two.
const QUANTILE_PERCENT: usize = 60;
/// A day is brought to the level of today by the mean of so many slots: half an hour.
const LEVEL_SLOTS: i64 = 15;
/// Bounds of that, in thousandths.
const LEVEL_MILLE: (u128, u128) = (500, 2000);
/// Margin over the forecast, in thousandths.
const MARGIN_MILLE: u128 = 1050;
/// What is made ahead in vain or not may be this share of what the load itself takes, in percent.
pub const ALLOWANCE_PERCENT: f64 = 10.0;
/// Once more than that was made, the forecast is used again at half of it.
const AGAIN_PERCENT: f64 = ALLOWANCE_PERCENT / 2.0;
/// What was made ahead weighs half after this long.
const ALLOWANCE_HALF_LIFE: f64 = 12.0 * 3600.0 * 1000.0;
/// Whether it paid weighs half after this long.
const GATE_HALF_LIFE: f64 = 24.0 * 3600.0 * 1000.0;
/// Forecasts that wait to be judged: those of the longest start.
const MADE_MAX: usize = 40;

/// A forecast and what was counted with otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Made {
    slot: i64,
    without: MilliLoad,
    with: MilliLoad,
}

/// The forecast of one workload. At most 24 KiB.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    days: Days,
    made: VecDeque<Made>,
    gate: Gate,
    /// Load times milliseconds that was provided for only because of the forecast, decaying.
    extra: f64,
    /// The same without the forecast.
    base: f64,
    /// True from when the allowance is spent until it is half back.
    spent: bool,
    /// When it was looked at last, and what was provided for since then.
    at: Timestamp,
    given: (MilliLoad, MilliLoad),
}

impl Forecast {
    /// Begins; nothing is known yet.
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            days: Days::new(now),
            made: VecDeque::new(),
            gate: Gate::default(),
            extra: 0.0,
            base: 0.0,
            spent: false,
            at: now,
            given: (MilliLoad(0), MilliLoad(0)),
        }
    }

    /// Takes in a moment, in which a load of `without` would be provided for anyway, and returns the
    /// load that should be: more than that, or why not. No load is more than `most`.
    pub(super) fn ahead(
        &mut self,
        Moment { x, at, now }: Moment,
        start_up: SignedDuration,
        without: MilliLoad,
        most: MilliLoad,
    ) -> Result<MilliLoad, Silence> {
        self.days.look(at, x);
        self.charge(now);
        let here = slot(at);
        let reach = millis(horizon(start_up)) / SLOT_MILLIS + 2;
        self.judge(here, reach);
        let found = self.predict(here, reach).map(|with| with.min(most));
        let with = found.unwrap_or_default().max(without);
        if self.made.back().is_none_or(|made| made.slot < here) {
            self.made.push_back(Made {
                slot: here,
                without,
                with,
            });
        }
        self.given = (without, without);
        if found.is_none() {
            return Err(Silence::Learning);
        }
        if with > without {
            if !self.gate.pays() {
                return Err(Silence::DidNotPay);
            }
            if self.spent {
                return Err(Silence::Spent);
            }
        }
        self.given = (without, with);
        Ok(with)
    }

    /// Adds up what was provided for since the last look.
    fn charge(&mut self, now: Timestamp) {
        let passed = millis(elapsed(self.at, now)).clamp(0, SLOT_MILLIS);
        self.at = now;
        #[allow(clippy::cast_precision_loss)]
        let (passed, without, with) = (passed as f64, self.given.0.0 as f64, self.given.1.0 as f64);
        let keep = kept(passed, ALLOWANCE_HALF_LIFE);
        self.base = self.base * keep + without * passed;
        self.extra = self.extra * keep + (with - without).max(0.0) * passed;
        let share = 100.0 * self.extra;
        self.spent = if self.spent {
            share > AGAIN_PERCENT * self.base
        } else {
            share > ALLOWANCE_PERCENT * self.base
        };
    }

    /// Judges the forecasts of which it is known now what came.
    fn judge(&mut self, here: i64, reach: i64) {
        // A clock that ran backwards.
        self.made.retain(|made| made.slot <= here);
        while self.made.len() > MADE_MAX {
            self.made.pop_front();
        }
        while let Some(made) = self.made.front().copied() {
            if here.saturating_sub(made.slot) <= reach {
                return;
            }
            self.made.pop_front();
            let came = (1..=reach).filter_map(|i| self.days.at(made.slot.saturating_add(i)));
            if let Some(came) = came.max() {
                let Made {
                    slot: _,
                    without,
                    with,
                } = made;
                self.gate
                    .judge(without, with, came, SLOT_MILLIS, GATE_HALF_LIFE);
            }
        }
    }

    /// The highest load of the slots until `reach` from `here`, as earlier days have it.
    fn predict(&self, here: i64, reach: i64) -> Option<MilliLoad> {
        let now = self.days.mean(here, LEVEL_SLOTS)?;
        let periods = |n: i64, length: i64| -> Vec<_> {
            let back = (1..=n).map(|i| i.saturating_mul(length));
            let level = |back| {
                Some((
                    back,
                    level(now, self.days.mean(here.saturating_sub(back), LEVEL_SLOTS)?),
                ))
            };
            back.filter_map(level).collect()
        };
        let (days, weeks) = (periods(DAYS, DAY), periods(WEEKS, 7 * DAY));
        let at = |then: i64, periods: &[(i64, u128)]| {
            let of = |(back, level): &(i64, u128)| {
                let load = self.days.at(then.saturating_sub(*back))?;
                Some(u128::from(load.0).saturating_mul(*level) / 1000)
            };
            quantile(periods.iter().filter_map(of).collect())
        };
        let slots = (0..=reach).map(|i| here.saturating_add(i));
        let both = slots.filter_map(|then| at(then, &days).max(at(then, &weeks)));
        let with_margin = both.max()?.saturating_mul(MARGIN_MILLE) / 1000;
        Some(MilliLoad(u64::try_from(with_margin).unwrap_or(u64::MAX)))
    }
}

/// What a load of another day is multiplied with, in thousandths.
fn level(now: MilliLoad, then: MilliLoad) -> u128 {
    let mille = (u128::from(now.0) * 1000).checked_div(then.0.into());
    mille.unwrap_or(1000).clamp(LEVEL_MILLE.0, LEVEL_MILLE.1)
}

fn quantile(mut values: Vec<u128>) -> Option<u128> {
    values.sort_unstable();
    let last = values.len().checked_sub(1)?;
    let at = last * QUANTILE_PERCENT / 100;
    values
        .get(at)
        .copied()
        .filter(|_| values.len() >= PERIODS_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_no_more_memory_than_was_said() {
        let made = MADE_MAX.next_power_of_two() * size_of::<Made>();
        let all = Days::BYTES + made + size_of::<Forecast>();
        assert!(all <= 24 * 1024, "{all}");
    }

    #[test]
    fn of_two_days_the_lower_counts_and_of_seven_the_middle() {
        assert_eq!(quantile(vec![7]), None);
        assert_eq!(quantile(vec![9, 7]), Some(7));
        assert_eq!(quantile(vec![7, 6, 5, 4, 3, 2, 1]), Some(4));
    }
}
