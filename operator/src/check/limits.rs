//! Limits that the schema states, checked again: an object may be older than its schema's rules.

use super::problem::Problem;

/// Most replicas that any field may say.
pub const REPLICAS_MAX: i32 = 100_000;
/// Load from which a figure is absurd, in thousandths (1Ti, as in the schema).
pub const LOAD_MAX: u64 = (1 << 40) * 1000;

/// The value, or `default` where it is absent or outside `min..=max`; outside is a problem.
pub fn number(
    field: &str,
    value: Option<i32>,
    default: i32,
    min: i32,
    max: i32,
    problems: &mut Vec<Problem>,
) -> i32 {
    match value {
        None => default,
        Some(n) if (min..=max).contains(&n) => n,
        Some(n) => {
            problems.push(outside(field, &n, &format!("a number from {min} to {max}")));
            default
        }
    }
}

/// A value outside its limits, said.
pub fn outside(field: &str, value: &dyn std::fmt::Display, allowed: &str) -> Problem {
    Problem::OutOfRange {
        field: field.to_owned(),
        value: value.to_string(),
        allowed: allowed.to_owned(),
    }
}
