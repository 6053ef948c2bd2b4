//! Stabilisation: the total follows the highest, or the lowest, recommendation of a window.

use super::memory::Memory;
use crate::time::before;
use jiff::{SignedDuration, Timestamp};

/// Without a behavior: the highest recommendation of the window. Records this one.
pub fn highest(memory: &mut Memory, desired: i32, window: SignedDuration, now: Timestamp) -> i32 {
    let cutoff = before(now, window);
    let (mut highest, mut old) = (desired, None);
    for (i, r) in memory.recommendations.iter().enumerate() {
        if r.at < cutoff {
            old = Some(i);
        } else {
            highest = highest.max(r.replicas);
        }
    }
    memory.recommend(desired, old, now);
    highest
}

/// With a behavior: `current`, moved no further than between the lowest recommendation of the
/// window upwards and the highest of the window downwards. Records this one.
pub fn within(
    memory: &mut Memory,
    current: i32,
    desired: i32,
    up_window: SignedDuration,
    down_window: SignedDuration,
    now: Timestamp,
) -> i32 {
    let (up_cutoff, down_cutoff) = (before(now, up_window), before(now, down_window));
    let (mut lowest, mut highest, mut old) = (desired, desired, None);
    for (i, r) in memory.recommendations.iter().enumerate() {
        if r.at > up_cutoff {
            lowest = lowest.min(r.replicas);
        }
        if r.at > down_cutoff {
            highest = highest.max(r.replicas);
        }
        if r.at < up_cutoff && r.at < down_cutoff {
            old = Some(i);
        }
    }
    memory.recommend(desired, old, now);
    current.max(lowest).min(highest)
}
