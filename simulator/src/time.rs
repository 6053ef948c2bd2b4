//! Time as the simulator counts it: whole milliseconds since the trace began.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A moment, as milliseconds since the trace began, or a length of time in milliseconds. Before the
/// trace it is negative. All arithmetic saturates.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// The moment when the trace begins.
    pub const ZERO: Self = Self(0);
    /// Never.
    pub const NEVER: Self = Self(i64::MAX);

    /// Whole seconds.
    #[must_use]
    pub const fn secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// The length of a duration, cut to whole milliseconds.
    #[must_use]
    pub fn of(duration: SignedDuration) -> Self {
        Self(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
    }

    /// In seconds.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// As the planner counts it.
    #[must_use]
    pub const fn duration(self) -> SignedDuration {
        SignedDuration::from_millis(self.0)
    }

    /// The moment on the calendar, where the trace begins at `start`.
    #[must_use]
    pub fn on_calendar(self, start: Timestamp) -> Timestamp {
        start.saturating_add(self.duration()).unwrap_or(start)
    }

    /// This much later.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// This much earlier.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}
