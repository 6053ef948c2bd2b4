//! What one sync leaves for the next: recommendations and scale events, with their times. Bounded:
//! beyond the limit the oldest are merged, so that they hold a little longer and none is forgotten
//! too early.

use super::behavior::{Behavior, Rules};
use crate::time::before;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Recommendations that are kept: an hour of them, 15 s apart, is 240.
pub const RECOMMENDATIONS_MAX: usize = 256;
/// Scale events that are kept in each direction: half an hour of them, 15 s apart, is 120.
pub const EVENTS_MAX: usize = 128;

/// What one sync leaves for the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// What was recommended, before any limit. In no order: old ones are replaced where they stand.
    pub recommendations: Vec<Recommendation>,
    /// Replicas added.
    pub ups: Vec<ScaleEvent>,
    /// Replicas removed.
    pub downs: Vec<ScaleEvent>,
}

/// What was recommended at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recommendation {
    /// Replicas.
    pub replicas: i32,
    /// When.
    pub at: Timestamp,
}

/// A change of the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScaleEvent {
    /// By how many replicas, not negative.
    pub change: i32,
    /// When.
    pub at: Timestamp,
    /// Older than the longest period when another change was recorded; may be replaced.
    pub outdated: bool,
}

impl Memory {
    /// Before the first sync: what runs is taken for recommended, so that it is held for a window.
    pub fn begin(&mut self, current: i32, now: Timestamp) {
        if self.recommendations.is_empty() {
            self.recommendations.push(Recommendation {
                replicas: current,
                at: now,
            });
        }
    }

    /// Nothing has happened later than now: a clock that ran backwards must not hold anything for
    /// ever. Nor may what was read back be longer than what is kept.
    pub fn calm(&mut self, now: Timestamp) {
        // What is not later, as nearly all is, is not written to.
        let later = self.recommendations.iter_mut().filter(|r| r.at > now);
        later.for_each(|r| r.at = now);
        let events = self.ups.iter_mut().chain(&mut self.downs);
        events.filter(|e| e.at > now).for_each(|e| e.at = now);
        while self.recommendations.len() > RECOMMENDATIONS_MAX {
            merge_recommendations(&mut self.recommendations);
        }
        for events in [&mut self.ups, &mut self.downs] {
            while events.len() > EVENTS_MAX {
                merge_events(events);
            }
        }
    }

    /// Adds a recommendation, in the place of `old` where there is one.
    pub(crate) fn recommend(&mut self, replicas: i32, old: Option<usize>, now: Timestamp) {
        let new = Recommendation { replicas, at: now };
        match old.and_then(|i| self.recommendations.get_mut(i)) {
            Some(place) => *place = new,
            None => {
                self.recommendations.push(new);
                if self.recommendations.len() > RECOMMENDATIONS_MAX {
                    merge_recommendations(&mut self.recommendations);
                }
            }
        }
    }

    /// Remembers that the count was changed. Without a behavior nobody asks for it later.
    pub fn rescaled(&mut self, behavior: Option<&Behavior>, from: i32, to: i32, at: Timestamp) {
        let Some(behavior) = behavior else {
            return;
        };
        if to > from {
            store(&mut self.ups, &behavior.up, to.saturating_sub(from), at);
        } else {
            store(&mut self.downs, &behavior.down, from.saturating_sub(to), at);
        }
    }
}

/// Adds a change, in the place of one that no period reaches back to where there is one.
pub fn store(events: &mut Vec<ScaleEvent>, rules: &Rules, change: i32, at: Timestamp) {
    let period = SignedDuration::from_secs(rules.longest_period().into());
    let cutoff = before(at, period);
    for event in events.iter_mut().filter(|e| e.at < cutoff) {
        event.outdated = true;
    }
    let new = ScaleEvent {
        change,
        at,
        outdated: false,
    };
    match events.iter_mut().rev().find(|e| e.outdated) {
        Some(place) => *place = new,
        None => {
            events.push(new);
            if events.len() > EVENTS_MAX {
                merge_events(events);
            }
        }
    }
}

/// Replicas changed within a period that ends now.
#[must_use]
pub fn changed(events: &[ScaleEvent], period_seconds: i32, now: Timestamp) -> i32 {
    let cutoff = before(now, SignedDuration::from_secs(period_seconds.into()));
    let within = events.iter().filter(|e| e.at > cutoff);
    within.fold(0, |sum: i32, e| sum.saturating_add(e.change))
}

/// Of the three oldest drops the one in the middle and gives the others the newest of their times:
/// neither the highest nor the lowest is lost.
fn merge_recommendations(list: &mut Vec<Recommendation>) {
    let mut oldest: Vec<usize> = (0..list.len()).collect();
    oldest.sort_by_key(|i| list.get(*i).map(|r| r.at));
    oldest.truncate(3);
    let newest = oldest
        .iter()
        .filter_map(|i| list.get(*i))
        .map(|r| r.at)
        .max();
    oldest.sort_by_key(|i| list.get(*i).map(|r| r.replicas));
    for i in &oldest {
        if let (Some(r), Some(at)) = (list.get_mut(*i), newest) {
            r.at = at;
        }
    }
    if let Some(middle) = oldest.get(1) {
        list.remove(*middle);
    }
}

/// Makes one of the two oldest, with their sum and the later time.
fn merge_events(list: &mut Vec<ScaleEvent>) {
    let mut oldest: Vec<usize> = (0..list.len()).collect();
    oldest.sort_by_key(|i| list.get(*i).map(|e| e.at));
    if let [first, second, ..] = *oldest.as_slice()
        && let Some(change) = list.get(first).map(|e| e.change)
        && let Some(into) = list.get_mut(second)
    {
        into.change = into.change.saturating_add(change);
        list.remove(first);
    }
}
