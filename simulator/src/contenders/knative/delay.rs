//! The highest count of the last while, in slots of one tick; `TimeWindow` of
//! `pkg/autoscaler/aggregation/max`.

use super::{TICK, second};
use jiff::Timestamp;
use std::collections::VecDeque;

/// The counts that may yet be the highest: later ones behind, and lower.
#[derive(Clone, Debug)]
pub struct DelayWindow {
    counts: VecDeque<Entry>,
    slots: i64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    slot: i64,
    count: i32,
}

impl DelayWindow {
    /// An empty window of so many seconds, in whole slots; `NewTimeWindow`.
    #[must_use]
    pub fn new(seconds: u32) -> Self {
        Self {
            counts: VecDeque::new(),
            slots: i64::from(seconds.div_ceil(slot_seconds())).max(1),
        }
    }

    /// Records a count and returns the highest of the window; `Record` and `Current`. Times do not run
    /// backwards: an earlier one counts as the last.
    pub fn record(&mut self, now: Timestamp, count: i32) -> i32 {
        let slot = second(now).div_euclid(slot_seconds().into());
        let slot = self.counts.back().map_or(slot, |last| slot.max(last.slot));
        while self.counts.back().is_some_and(|last| last.count <= count) {
            self.counts.pop_back();
        }
        while self
            .counts
            .front()
            .is_some_and(|first| slot - first.slot >= self.slots)
        {
            self.counts.pop_front();
        }
        // Of one slot the highest is kept.
        if self.counts.back().is_none_or(|last| last.slot < slot) {
            self.counts.push_back(Entry { slot, count });
        }
        self.counts.front().map_or(count, |first| first.count)
    }
}

fn slot_seconds() -> u32 {
    u32::try_from(TICK.as_secs()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    #[test]
    fn a_count_is_kept_for_the_window() {
        let mut w = DelayWindow::new(6);
        let said = [(0, 5), (2, 9), (4, 1), (6, 2), (8, 1), (10, 1)]
            .map(|(second, count)| w.record(at(second), count));
        assert_eq!(said, [5, 9, 9, 9, 2, 2]);
    }

    #[test]
    fn of_one_slot_the_highest_is_kept_and_an_odd_window_is_rounded_up() {
        let mut w = DelayWindow::new(3);
        let said = [(0, 5), (1, 3), (2, 1), (3, 2), (4, 0)]
            .map(|(second, count)| w.record(at(second), count));
        assert_eq!(said, [5, 5, 5, 5, 2]);
    }
}
