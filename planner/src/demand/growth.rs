//! How much a load has grown, in the past, while a replica started: the headroom that a spike needs is
//! the one that the last days have shown, at this level of load. What was announced is no growth.
//! Also here: whether looking ahead by the trend has paid. Integers and plain sums only, so that every
//! machine comes to the same.

use super::gate::Gate;
use super::histogram::Histograms;
use crate::model::amounts::{MilliLoad, Percent};
use crate::time::millis;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// From a change of load to the plan that sees it, at most: the window of a rate, scrape and query.
pub const LAG: SignedDuration = SignedDuration::from_secs(10);
/// Whether the trend paid weighs half after this long.
const TREND_HALF_LIFE_MILLIS: f64 = 30.0 * 60.0 * 1000.0;
/// No slot is shorter.
const SLOT_MIN_MILLIS: i64 = 5_000;
/// Slots that a start is cut into, where it is long.
const SLOTS_A_START: u8 = 16;
/// A load is held for this share of the time that a replica takes to come back.
const HOLD_PERCENT: i64 = 120;
/// No load is held for less.
const HOLD_MIN: SignedDuration = SignedDuration::from_secs(60);
/// The longest start that is looked at.
const START_MAX: SignedDuration = SignedDuration::from_hours(1);
/// Slots kept: those of one start, and before them those of one hold.
pub const PAST_MAX: usize = 2 * SLOTS_A_START as usize + 8;

/// From a change of load to a Ready replica for it.
pub(super) fn horizon(start_up: SignedDuration) -> SignedDuration {
    start_up.clamp(SignedDuration::ZERO, START_MAX) + LAG
}

/// For how long a load is held where the spec does not say: a little longer than it takes to get a
/// replica back. Giving up sooner costs more than keeping, keeping longer costs more than giving up.
#[must_use]
pub fn hold(start_up: SignedDuration) -> SignedDuration {
    let hold = millis(horizon(start_up)) * HOLD_PERCENT / 100;
    SignedDuration::from_millis(hold).max(HOLD_MIN)
}

/// What one slot of time has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Slot {
    /// The highest load.
    high: MilliLoad,
    /// What was counted with at its end without the trend.
    plain: MilliLoad,
    /// What was counted with at its end with the trend.
    ahead: MilliLoad,
    /// True where the load was announced.
    announced: bool,
}

/// The growth of one workload's load. At most 2 KiB.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    /// Length of a slot in milliseconds; 0 before the first look.
    slot: i64,
    /// Number of the open slot since 1970.
    index: i64,
    /// The open slot.
    open: Slot,
    /// Slots before it, oldest first; at most [`PAST_MAX`].
    past: VecDeque<Slot>,
    /// Growth seen, by level of load.
    seen: Histograms,
    /// Whether the trend pays.
    gate: Gate,
}

impl Growth {
    /// True before the first look.
    pub(crate) fn is_new(&self) -> bool {
        *self == Self::default()
    }

    /// Shows the ends of what is kept, to be read ahead of their time.
    pub(crate) fn see_past(&self, see: impl Fn(u64)) {
        let ends = [0, 8, 16, 24, 32].map(|i| self.past.get(i));
        ends.into_iter().flatten().for_each(|slot| see(slot.high.0));
        self.past
            .back()
            .into_iter()
            .for_each(|slot| see(slot.high.0));
    }

    /// The same of the histograms.
    pub(crate) fn see_seen(&self, see: impl Fn(f32)) {
        self.seen.see(see);
    }

    /// Takes in the load of a moment: closes the slots that have passed since the last one.
    pub(crate) fn look(
        &mut self,
        x: MilliLoad,
        at: Timestamp,
        start_up: SignedDuration,
        per_replica: MilliLoad,
        announced: bool,
    ) {
        let slot = (millis(horizon(start_up)) / i64::from(SLOTS_A_START)).max(SLOT_MIN_MILLIS);
        let index = at.as_millisecond().div_euclid(slot);
        let passed = index.saturating_sub(self.index);
        let fresh = Slot {
            high: x,
            plain: x,
            ahead: x,
            announced,
        };
        // Another start-up time, the first look, a clock that ran back, or a gap longer than the past:
        // what was seen before says nothing about these slots. The histograms stay.
        let gap = i64::try_from(PAST_MAX).unwrap_or(i64::MAX);
        if slot != self.slot || passed < 0 || passed > gap {
            self.past.clear();
            (self.slot, self.index, self.open) = (slot, index, fresh);
            return;
        }
        let slots = |d: SignedDuration| {
            let n = (millis(d) + slot - 1) / slot.max(1);
            usize::try_from(n).unwrap_or(0).clamp(1, PAST_MAX)
        };
        let start = slots(horizon(start_up));
        let held = slots(hold(start_up)).min(PAST_MAX - start.min(PAST_MAX));
        for _ in 0..passed {
            self.close(start, held, per_replica);
            // Between two samples the load is what it was.
            self.open.announced |= announced;
        }
        if passed > 0 {
            self.open = fresh;
        }
        self.index = index;
        self.open.high = self.open.high.max(x);
        self.open.announced |= announced;
    }

    /// Says what was counted with, to be judged once it is known what came.
    pub(crate) fn counted(&mut self, plain: MilliLoad, ahead: MilliLoad) {
        (self.open.plain, self.open.ahead) = (plain, ahead);
    }

    /// True while looking ahead by the trend has cost no more than not looking.
    pub(crate) fn trend_pays(&self) -> bool {
        self.gate.pays()
    }

    /// The load to provide for while a replica starts: `x` with the headroom that past growth at this
    /// level of load calls for, at least `least`.
    pub(crate) fn with_headroom(
        &self,
        x: MilliLoad,
        per_replica: MilliLoad,
        least: Percent,
    ) -> MilliLoad {
        let mille = self.seen.factor(x, per_replica);
        grown(x, mille.max(1000 + 10 * u64::from(least.get())))
    }

    /// Closes the open slot, where a start takes so many slots and a hold so many more.
    fn close(&mut self, start: usize, held: usize, per_replica: MilliLoad) {
        if self.past.len() >= PAST_MAX {
            self.past.pop_front();
        }
        // No larger than it gets: doubling would leave a third of it empty.
        self.past
            .reserve_exact(PAST_MAX.saturating_sub(self.past.len()));
        self.past.push_back(self.open);
        self.seen.pass(self.slot);
        // The slot of which it is known now what came in the time of a start.
        let Some(then) = self.past.len().checked_sub(start + 1) else {
            return;
        };
        let came = self.past.range(then + 1..);
        let (came, announced) = came.fold((MilliLoad(0), false), |(high, told), s| {
            (high.max(s.high), told || s.announced)
        });
        let before = self.past.range(then.saturating_sub(held)..=then);
        let base = before.map(|s| s.high).max().unwrap_or_default();
        if !announced {
            self.seen.add(base, came, per_replica);
        }
        if let Some(slot) = self.past.get(then) {
            let Slot { plain, ahead, .. } = *slot;
            let half_life = TREND_HALF_LIFE_MILLIS;
            self.gate.judge(plain, ahead, came, self.slot, half_life);
        }
    }
}

/// A load times so many thousandths, rounded up.
pub(super) fn grown(x: MilliLoad, mille: u64) -> MilliLoad {
    let y = (u128::from(x.0) * u128::from(mille)).div_ceil(1000);
    MilliLoad(u64::try_from(y).unwrap_or(u64::MAX))
}
