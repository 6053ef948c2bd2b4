//! The few casts that replica arithmetic needs, each saturating.

/// The next whole number up, within `i32`. Not a number is 0.
#[allow(clippy::cast_possible_truncation)] // `as` saturates
pub(crate) fn ceil(x: f64) -> i32 {
    x.ceil() as i32
}

/// Towards 0, within `i32`. Not a number is 0.
#[allow(clippy::cast_possible_truncation)] // `as` saturates
pub(crate) fn truncate(x: f64) -> i32 {
    x as i32
}

/// The next whole number up, within `i64`. Not a number is 0.
#[allow(clippy::cast_possible_truncation)] // `as` saturates
pub(crate) fn ceil_wide(x: f64) -> i64 {
    x.ceil() as i64
}

/// Within `i64`.
pub(crate) fn narrow(x: i128) -> i64 {
    i64::try_from(x).unwrap_or(if x < 0 { i64::MIN } else { i64::MAX })
}

/// Within `i32`.
pub(crate) fn narrower(x: i128) -> i32 {
    i32::try_from(x).unwrap_or(if x < 0 { i32::MIN } else { i32::MAX })
}

/// A count as a whole number.
pub(crate) fn count(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}
