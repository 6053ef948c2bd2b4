//! The scale-down window: the highest need of the last while, as HPA's stabilisation has it.
//! Needs are kept a slice of the window each, so memory is bounded however often a plan is made; a
//! need is held for the window and at most one slice longer.

use crate::model::amounts::Replicas;
use crate::time::{after, elapsed, millis};
use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;

/// Slices that a window is kept in.
const SLICES: i64 = 32;

/// Adds a need and returns the highest one of the window.
pub(crate) fn record(
    needs: &mut VecDeque<(Timestamp, Replicas)>,
    need: Replicas,
    window: SignedDuration,
    now: Timestamp,
) -> Replicas {
    let slice = (millis(window) / SLICES).max(1);
    let past = now.as_millisecond().rem_euclid(slice);
    let end = after(now, SignedDuration::from_millis(slice - past));
    for (t, _) in needs.iter_mut() {
        *t = (*t).min(end); // a clock that ran backwards must not hold a need for ever
    }
    while needs
        .front()
        .is_some_and(|(t, _)| elapsed(*t, now) > window)
    {
        needs.pop_front();
    }
    while needs.back().is_some_and(|(_, n)| *n <= need) {
        needs.pop_back();
    }
    if needs.back().is_none_or(|(t, _)| *t < end) {
        needs.push_back((end, need));
    }
    needs.front().map_or(need, |(_, n)| *n)
}

/// True where the last need is more than a window old: nobody looked in between.
pub(crate) fn lapsed(
    needs: &VecDeque<(Timestamp, Replicas)>,
    window: SignedDuration,
    now: Timestamp,
) -> bool {
    needs.back().is_none_or(|(t, _)| elapsed(*t, now) > window)
}
