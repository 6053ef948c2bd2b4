//! Numbers with units. All arithmetic saturates: no input makes it panic or wrap.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A count of replicas, 0 to [`Replicas::MAX`].
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Replicas(u32);

impl Replicas {
    /// None.
    pub const ZERO: Self = Self(0);
    /// The most that any count may say, as in the CRD's schema.
    pub const MAX: Self = Self(100_000);

    /// A count, cut to [`Replicas::MAX`].
    #[must_use]
    pub const fn new(n: u32) -> Self {
        if n > Self::MAX.0 { Self::MAX } else { Self(n) }
    }

    /// A count from an API's `i32`; negative is 0.
    #[must_use]
    pub fn from_api(n: i32) -> Self {
        Self::new(u32::try_from(n).unwrap_or(0))
    }

    /// As the API's `i32`.
    #[must_use]
    pub fn to_api(self) -> i32 {
        i32::try_from(self.0).unwrap_or(i32::MAX)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Sum, cut to [`Replicas::MAX`].
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self::new(self.0.saturating_add(other.0))
    }

    /// Difference, not below 0.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl std::iter::Sum for Replicas {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::ZERO, Self::plus)
    }
}

impl fmt::Display for Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// CPU in thousandths of a core and memory in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Thousandths of a core.
    pub millicores: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Resources {
    /// Nothing.
    pub const ZERO: Self = Self {
        millicores: 0,
        bytes: 0,
    };

    /// Sum.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            millicores: self.millicores.saturating_add(other.millicores),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    /// Difference, not below 0.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self {
            millicores: self.millicores.saturating_sub(other.millicores),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }

    /// `n` times this.
    #[must_use]
    pub const fn times(self, n: u64) -> Self {
        Self {
            millicores: self.millicores.saturating_mul(n),
            bytes: self.bytes.saturating_mul(n),
        }
    }

    /// `percent` of this, rounded down.
    #[must_use]
    pub fn percent(self, percent: Percent) -> Self {
        let share =
            |n: u64| u64::try_from(u128::from(n) * u128::from(percent.0) / 100).unwrap_or(u64::MAX);
        Self {
            millicores: share(self.millicores),
            bytes: share(self.bytes),
        }
    }

    /// The smaller of each.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        Self {
            millicores: self.millicores.min(other.millicores),
            bytes: self.bytes.min(other.bytes),
        }
    }

    /// How many times `one` fits whole. A request of nothing fits `u64::MAX` times.
    #[must_use]
    pub fn fits(self, one: Self) -> u64 {
        let by = |have: u64, want: u64| have.checked_div(want).unwrap_or(u64::MAX);
        by(self.millicores, one.millicores).min(by(self.bytes, one.bytes))
    }
}

/// A share of a whole, 0 to 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Percent(u8);

impl Percent {
    /// A share, cut to 100.
    #[must_use]
    pub fn new(percent: i32) -> Self {
        Self(u8::try_from(percent.clamp(0, 100)).unwrap_or(100))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// Load in thousandths of its signal's unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MilliLoad(pub u64);

impl MilliLoad {
    /// Largest figure that is believed; a signal above it is refused as absurd.
    pub const MAX: Self = Self(1 << 53);

    /// From a signal's float: `None` where it is not a number, negative, or absurd.
    #[must_use]
    pub fn from_signal(value: f64) -> Option<Self> {
        let milli = (value * 1000.0).round();
        if !(0.0..=9.0e15).contains(&milli) {
            return None;
        }
        // In range by the test above.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Some(Self(milli as u64))
    }
}

impl fmt::Display for MilliLoad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 1000, self.0 % 1000);
        if part == 0 {
            write!(f, "{whole}")
        } else {
            write!(f, "{whole}.{part:03}")
        }
    }
}
