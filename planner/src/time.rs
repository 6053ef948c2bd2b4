//! Arithmetic with points in time that neither fails nor runs backwards. No clock is read here.

use jiff::{SignedDuration, Timestamp};

/// `d` after `t`, cut to the last moment that there is.
pub(crate) fn after(t: Timestamp, d: SignedDuration) -> Timestamp {
    t.saturating_add(d).unwrap_or(Timestamp::MAX)
}

/// `d` before `t`, cut to the first moment that there is.
pub(crate) fn before(t: Timestamp, d: SignedDuration) -> Timestamp {
    t.saturating_sub(d).unwrap_or(Timestamp::MIN)
}

/// True where `d` after `t` is later than `than`: as [`after`] has it, without working out the moment.
pub(crate) fn is_later(t: Timestamp, d: SignedDuration, than: Timestamp) -> bool {
    than < Timestamp::MAX && t.as_nanosecond() + d.as_nanos() > than.as_nanosecond()
}

/// Time from `since` to `now`; nothing where the clock ran backwards.
pub(crate) fn elapsed(since: Timestamp, now: Timestamp) -> SignedDuration {
    now.duration_since(since).max(SignedDuration::ZERO)
}

/// Whole milliseconds of a duration, 0 where it is negative.
pub(crate) fn millis(d: SignedDuration) -> i64 {
    i64::try_from(d.as_millis()).unwrap_or(i64::MAX).max(0)
}
