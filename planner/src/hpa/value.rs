//! Metrics with one value for all: of an object, or from outside.

use super::fault::Fault;
use super::metric::ValueTarget;
use super::number::{ceil, ceil_wide, count};
use super::outcome::Current;
use super::replicas::{Proposal, Scope};

/// Replicas for one value.
pub(crate) fn object(
    target: ValueTarget,
    value: i64,
    scope: &Scope<'_>,
) -> Result<Proposal, Fault> {
    match target {
        ValueTarget::Value(target) => by_value(target, value, scope),
        ValueTarget::AverageValue(target) => by_average(target, value, scope),
    }
}

/// Replicas for the sum of several series.
pub(crate) fn external(
    target: ValueTarget,
    values: &[i64],
    scope: &Scope<'_>,
) -> Result<Proposal, Fault> {
    if values.is_empty() {
        return Err(Fault::Empty);
    }
    match target {
        ValueTarget::Value(target) => by_value(target, sum(values), scope),
        ValueTarget::AverageValue(target) => by_average(target, sum_from_zero(values), scope),
    }
}

fn by_value(target: i64, value: i64, scope: &Scope<'_>) -> Result<Proposal, Fault> {
    if target <= 0 {
        return Err(Fault::Target);
    }
    let ratio = value as f64 / target as f64;
    let replicas = if scope.current == 0 {
        ceil(ratio) // from 0 there is neither a pod to count nor a tolerance
    } else if scope.tolerances.contain(ratio) {
        scope.current
    } else if scope.pods.is_empty() {
        return Err(Fault::NoPods);
    } else {
        let serving = scope.pods.iter().filter(|p| p.serves()).count();
        ceil(ratio * f64::from(count(serving)))
    };
    Ok(Proposal {
        replicas,
        value: Current {
            value: Some(value),
            ..Current::default()
        },
    })
}

fn by_average(target: i64, value: i64, scope: &Scope<'_>) -> Result<Proposal, Fault> {
    if target <= 0 {
        return Err(Fault::Target);
    }
    let pods = f64::from(scope.status);
    let each = value as f64 / target as f64;
    // Without pods the ratio is infinite or not a number: outside of any tolerance.
    let on_target = scope
        .tolerances
        .contain(value as f64 / (target as f64 * pods));
    let replicas = if on_target { scope.status } else { ceil(each) };
    let average = if value as f64 >= i64::MAX as f64 {
        i64::MAX
    } else {
        ceil_wide(value as f64 / pods)
    };
    Ok(Proposal {
        replicas,
        value: Current {
            average: Some(average),
            ..Current::default()
        },
    })
}

/// The sum, cut where it would pass the largest number.
fn sum(values: &[i64]) -> i64 {
    let mut sum = 0i64;
    for &value in values {
        match sum.checked_add(value) {
            Some(s) => sum = s,
            None if value > 0 => return i64::MAX,
            None => sum = i64::MIN,
        }
    }
    sum
}

/// The sum; as upstream, one that falls below 0 is taken for one that has passed the largest
/// number.
fn sum_from_zero(values: &[i64]) -> i64 {
    let mut sum = 0i64;
    for &value in values {
        match sum.checked_add(value) {
            Some(s) if s >= 0 => sum = s,
            Some(_) | None => return i64::MAX,
        }
    }
    sum
}
