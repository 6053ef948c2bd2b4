//! The load of the last two weeks, the highest of each two minutes: 21 KiB a workload, so it is kept
//! only where a forecast is asked for. Times are counted in UTC: where a country changes its clocks, the
//! days around that are an hour off. Not here: what follows from it (forecast).

use crate::model::amounts::MilliLoad;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Length of a slot.
pub(super) const SLOT_MILLIS: i64 = 120_000;
/// Slots a day.
pub(super) const DAY: i64 = 720;
const _: () = assert!(DAY * SLOT_MILLIS == 24 * 3600 * 1000);
/// Slots kept: two weeks and the day that goes on.
const SLOTS: usize = 15 * 720;

/// A load in 16 bits, never below what it stands for and at most 0.1 % above it. Codes rise with loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Code(u16);

/// Bits of a load that a code keeps.
const MANTISSA: u32 = 10;

impl Code {
    /// Nobody looked.
    const UNKNOWN: Self = Self(u16::MAX);

    fn of(load: MilliLoad) -> Self {
        let bits = 64 - load.0.leading_zeros();
        let shift = bits.saturating_sub(MANTISSA + 1);
        let kept = load.0.div_ceil(1 << shift);
        // Rounded up to the next power of two, it is the first of the next step: sums are exact.
        let code = u64::from(shift) << MANTISSA;
        let code = u16::try_from(code.saturating_add(kept)).unwrap_or(u16::MAX - 1);
        Self(code.min(u16::MAX - 1))
    }

    fn load(self) -> Option<MilliLoad> {
        if self == Self::UNKNOWN {
            return None;
        }
        let step = u64::from(self.0 >> MANTISSA);
        // The leading bit is shared with the step's number, but for the first two steps.
        let (shift, kept) = match step.checked_sub(1) {
            None => (0, u64::from(self.0)),
            Some(shift) => (shift, u64::from(self.0) - (shift << MANTISSA)),
        };
        Some(MilliLoad(kept.saturating_mul(1 << shift.min(63))))
    }
}

/// Two weeks of one workload's load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Days {
    /// Number of the newest slot since 1970.
    newest: i64,
    /// A ring: slot `i` is at `i` modulo its length.
    past: Box<[Code]>,
}

/// The slot of a moment.
pub(super) fn slot(at: Timestamp) -> i64 {
    at.as_millisecond().div_euclid(SLOT_MILLIS)
}

impl Days {
    /// What the past takes.
    #[cfg(test)]
    pub(super) const BYTES: usize = SLOTS * size_of::<Code>();

    /// Begins with a moment; nothing is known yet.
    pub(super) fn new(at: Timestamp) -> Self {
        Self {
            newest: slot(at),
            past: vec![Code::UNKNOWN; SLOTS].into(),
        }
    }

    /// Takes in the load of a moment. What a clock that ran backwards has seen in the future is forgotten.
    pub(super) fn look(&mut self, at: Timestamp, load: MilliLoad) {
        let slot = slot(at);
        let wide = i64::try_from(SLOTS).unwrap_or(i64::MAX);
        let (from, to) = if slot < self.newest {
            (slot.saturating_add(1), self.newest)
        } else {
            (self.newest.saturating_add(1), slot)
        };
        // One round of the ring forgets everything there is.
        for passed in from.max(to.saturating_sub(wide))..=to {
            self.set(passed, Code::UNKNOWN);
        }
        self.newest = slot;
        let high = self.at(slot).map_or(load, |known| known.max(load));
        self.set(slot, Code::of(high));
    }

    /// The highest load of a slot, where it was seen.
    pub(super) fn at(&self, slot: i64) -> Option<MilliLoad> {
        let age = self.newest.checked_sub(slot)?;
        let kept = usize::try_from(age).ok()? < self.past.len();
        let code = self.past.get(self.index(slot)).filter(|_| kept)?;
        code.load()
    }

    /// The mean of the known ones of `n` slots, the last of which is `until`.
    pub(super) fn mean(&self, until: i64, n: i64) -> Option<MilliLoad> {
        let known = (0..n).filter_map(|i| self.at(until.saturating_sub(i)));
        let (sum, known) = known.fold((0u128, 0u128), |(sum, n), load| {
            (sum + u128::from(load.0), n + 1)
        });
        let mean = sum.checked_div(known)?;
        Some(MilliLoad(u64::try_from(mean).unwrap_or(u64::MAX)))
    }

    fn index(&self, slot: i64) -> usize {
        let length = i64::try_from(self.past.len()).unwrap_or(1).max(1);
        usize::try_from(slot.rem_euclid(length)).unwrap_or(0)
    }

    fn set(&mut self, slot: i64, code: Code) {
        let index = self.index(slot);
        if let Some(place) = self.past.get_mut(index) {
            *place = code;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(slot: i64) -> Timestamp {
        Timestamp::from_millisecond(slot * SLOT_MILLIS + 1).unwrap()
    }

    #[test]
    fn a_code_is_its_load_or_a_thousandth_more_and_codes_rise_with_loads() {
        let mut loads: Vec<u64> = (0..5000).collect();
        loads.extend((0..64).flat_map(|b| [(1u64 << b) - 1, 1 << b, (1 << b) + 1]));
        loads.push(u64::MAX);
        loads.sort_unstable();
        let mut last = 0;
        for load in loads {
            let code = Code::of(MilliLoad(load));
            assert!(code.0 >= last && code != Code::UNKNOWN, "{load}");
            last = code.0;
            let back = code.load().unwrap().0;
            assert!(back >= load, "{load}: {back}");
            assert!(back - load <= load / 1000, "{load}: {back}");
        }
    }

    #[test]
    fn what_nobody_saw_is_not_known_and_what_is_too_old_is_gone() {
        let mut days = Days::new(at(1000));
        days.look(at(1000), MilliLoad(5));
        days.look(at(1000), MilliLoad(3));
        days.look(at(1003), MilliLoad(7));
        let seen: Vec<_> = (998..1005).map(|s| days.at(s).map(|l| l.0)).collect();
        assert_eq!(seen, [None, None, Some(5), None, None, Some(7), None]);
        assert_eq!(days.mean(1003, 4), Some(MilliLoad(6)));
        assert_eq!(days.mean(1002, 2), None);
        days.look(at(1000 + 15 * DAY), MilliLoad(1));
        assert_eq!(days.at(1000), None);
        assert_eq!(days.at(1003), Some(MilliLoad(7)));
        days.look(Timestamp::MAX, MilliLoad(1));
        assert_eq!(days.at(1003), None);
    }

    #[test]
    fn a_clock_that_ran_backwards_forgets_the_future() {
        let mut days = Days::new(at(1000));
        days.look(at(1000), MilliLoad(5));
        days.look(at(1010), MilliLoad(9));
        days.look(at(1001), MilliLoad(6));
        days.look(at(1010), MilliLoad(4));
        assert_eq!(days.at(1000), Some(MilliLoad(5)));
        assert_eq!(days.at(1010), Some(MilliLoad(4)));
        days.look(Timestamp::MIN, MilliLoad(1));
        days.look(Timestamp::MAX, MilliLoad(1));
    }
}
