//! Limits on one step of the total: bounds, and the rates of a behavior.

use super::behavior::{Behavior, PolicyKind, Rules, Select};
use super::memory::{Memory, changed};
use super::number::{ceil, truncate};
use super::outcome::Limit;
use jiff::Timestamp;

/// Without a behavior one sync may make this many, where that is more than
/// [`UP_FACTOR`](super::UP_FACTOR) times what there is.
const UP_MINIMUM: f64 = 4.0;

/// Without a behavior: the most that one sync may make of `current`.
#[must_use]
pub fn up_limit(current: i32, factor: i32) -> i32 {
    ceil((f64::from(factor) * f64::from(current)).max(UP_MINIMUM))
}

/// Without a behavior: `desired` within bounds, and what cut it. `rate` is an [`up_limit`].
#[must_use]
pub fn by_bounds(desired: i32, min: i32, max: i32, rate: i32) -> (i32, Limit) {
    let (most, limit) = if max > rate {
        (rate, Limit::ScaleUpLimit)
    } else {
        (max, Limit::TooManyReplicas)
    };
    if desired < min {
        (min, Limit::TooFewReplicas)
    } else if desired > most {
        (most, limit)
    } else {
        (desired, Limit::DesiredWithinRange)
    }
}

/// With a behavior: `desired` within bounds and rates, and what cut it.
#[must_use]
pub fn by_rates(
    memory: &Memory,
    behavior: &Behavior,
    (min, max): (i32, i32),
    current: i32,
    desired: i32,
    now: Timestamp,
) -> (i32, Limit) {
    let Behavior { up, down } = behavior;
    if desired > current {
        let rate = most(up, current, memory, now).max(current);
        let (bound, limit) = if max > rate {
            (rate, Limit::ScaleUpLimit)
        } else {
            (max, Limit::TooManyReplicas)
        };
        if desired > bound {
            return (bound, limit);
        }
    } else if desired < current {
        let rate = least(down, current, memory, now).min(current);
        let (bound, limit) = if min < rate {
            (rate, Limit::ScaleDownLimit)
        } else {
            (min, Limit::TooFewReplicas)
        };
        if desired < bound {
            return (bound, limit);
        }
    }
    (desired, Limit::DesiredWithinRange)
}

/// The most that the rules upwards make of `current`.
#[must_use]
pub fn most(rules: &Rules, current: i32, memory: &Memory, now: Timestamp) -> i32 {
    let allowed = rules.policies.iter().map(|p| {
        let start = period_start(current, memory, p.period_seconds, now);
        match p.kind {
            PolicyKind::Pods => start.saturating_add(p.value),
            // Rounded up, or a small count could never grow.
            PolicyKind::Percent => ceil(f64::from(start) * (1.0 + f64::from(p.value) / 100.0)),
        }
    });
    match rules.select {
        Select::Disabled => current,
        Select::Min => allowed.min().unwrap_or(i32::MAX),
        Select::Max => allowed.max().unwrap_or(i32::MIN),
    }
}

/// The least that the rules downwards make of `current`.
#[must_use]
pub fn least(rules: &Rules, current: i32, memory: &Memory, now: Timestamp) -> i32 {
    let allowed = rules.policies.iter().map(|p| {
        let start = period_start(current, memory, p.period_seconds, now);
        match p.kind {
            PolicyKind::Pods => start.saturating_sub(p.value),
            PolicyKind::Percent => truncate(f64::from(start) * (1.0 - f64::from(p.value) / 100.0)),
        }
    });
    match rules.select {
        Select::Disabled => current,
        // The smallest change leaves most.
        Select::Min => allowed.max().unwrap_or(i32::MIN),
        Select::Max => allowed.min().unwrap_or(i32::MAX),
    }
}

fn period_start(current: i32, memory: &Memory, seconds: i32, now: Timestamp) -> i32 {
    let added = changed(&memory.ups, seconds, now);
    let removed = changed(&memory.downs, seconds, now);
    current.saturating_sub(added).saturating_add(removed)
}
