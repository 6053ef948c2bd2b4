//! Prices of requested resources, what replicas cost an hour, and what that comes to over time.
//! Rates are rounded up: what is counted is never less than what is due.

use super::amounts::{Replicas, Resources};
use super::money::{Currency, Money};
use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// Nanoseconds in an hour.
const HOUR: i128 = 3_600_000_000_000;
/// Bytes in a GiB.
const GIB: i128 = 1 << 30;

/// No replica counts for more an hour, in millionths: sums over all replicas that there can be do not
/// reach the end of the numbers. It is a trillion of a currency's units.
const RATE_MAX: i128 = 1_000_000_000_000_000_000;

/// Money an hour.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct PerHour(Money);

/// Money to the nanosecond of its rate: sums of many small times lose nothing. May be below 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exact(i128);

/// What a site takes for requested resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// Currency of both.
    pub currency: Currency,
    /// For a core for an hour.
    pub cpu: PerHour,
    /// For a GiB of memory for an hour.
    pub gib: PerHour,
}

impl PerHour {
    /// Nothing.
    pub const ZERO: Self = Self(Money::ZERO);
    /// More than anything costs.
    pub const MAX: Self = Self(Money::from_micros(i128::MAX));

    /// So much an hour; below 0 is nothing.
    #[must_use]
    pub fn new(money: Money) -> Self {
        Self(money.max(Money::ZERO))
    }

    /// What it comes to in one hour.
    #[must_use]
    pub const fn money(self) -> Money {
        self.0
    }

    /// Sum.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.plus(other.0))
    }

    /// Difference, not below 0.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self::new(self.0.minus(other.0))
    }

    /// For so many replicas.
    #[must_use]
    pub fn times(self, n: Replicas) -> Self {
        let micros = self.0.micros().saturating_mul(n.get().into());
        Self(Money::from_micros(micros))
    }

    /// How many times `one` goes into it; where one costs nothing, as often as a count can say.
    #[must_use]
    pub fn buys(self, one: Self) -> Replicas {
        whole(self.0.micros(), one.0.micros())
    }
}

impl std::iter::Sum for PerHour {
    fn sum<I: Iterator<Item = Self>>(rates: I) -> Self {
        rates.fold(Self::ZERO, Self::plus)
    }
}

impl fmt::Display for PerHour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Price {
    /// True where nothing costs anything here.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.cpu <= PerHour::ZERO && self.gib <= PerHour::ZERO
    }

    /// What one replica with these requests costs, rounded up to a millionth an hour.
    #[must_use]
    pub fn of(&self, request: Resources) -> PerHour {
        let part = |rate: PerHour, amount: u64, unit: i128| {
            let whole = rate.0.micros().max(0).saturating_mul(amount.into());
            Money::from_micros(up(whole, unit))
        };
        let cpu = part(self.cpu, request.millicores, 1000);
        let rate = cpu.plus(part(self.gib, request.bytes, GIB));
        PerHour(rate.min(Money::from_micros(RATE_MAX)))
    }
}

impl Exact {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount of money.
    #[must_use]
    pub const fn of(money: Money) -> Self {
        Self(money.micros().saturating_mul(HOUR))
    }

    /// What a rate comes to over a time; nothing for a time below 0.
    #[must_use]
    pub fn over(rate: PerHour, span: SignedDuration) -> Self {
        let rate = rate.0.micros().max(0);
        Self(rate.saturating_mul(span.as_nanos().max(0)))
    }

    /// Sum.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Difference.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// `n` times this.
    #[must_use]
    pub fn times(self, n: Replicas) -> Self {
        Self(self.0.saturating_mul(n.get().into()))
    }

    /// How many times `one` goes into it; where one is nothing, as often as a count can say.
    #[must_use]
    pub fn buys(self, one: Self) -> Replicas {
        whole(self.0, one.0)
    }

    /// The rate at which it lasts for `span`, rounded down; nothing where there is none.
    #[must_use]
    pub fn lasting(self, span: SignedDuration) -> PerHour {
        let rate = self.0.max(0) / span.as_nanos().max(1);
        PerHour(Money::from_micros(rate))
    }

    /// How long it lasts at a rate, in whole seconds; `None` where nothing is spent.
    #[must_use]
    pub fn empties(self, rate: PerHour) -> Option<SignedDuration> {
        let nanos = self.0.max(0).checked_div(rate.0.micros().max(0))?;
        let seconds = i64::try_from(nanos / 1_000_000_000).unwrap_or(i64::MAX);
        Some(SignedDuration::from_secs(seconds))
    }

    /// As money, rounded up to a millionth.
    #[must_use]
    pub fn money(self) -> Money {
        Money::from_micros(up(self.0, HOUR))
    }
}

/// How many times `one` goes into `all`.
fn whole(all: i128, one: i128) -> Replicas {
    let times = all.max(0).checked_div(one.max(0));
    Replicas::new(times.map_or(u32::MAX, |n| u32::try_from(n).unwrap_or(u32::MAX)))
}

/// A quotient rounded up; `by` is above 0.
fn up(n: i128, by: i128) -> i128 {
    (n / by).saturating_add(i128::from(n % by > 0))
}

/// As text: longer than the numbers of most who read JSON.
impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map(Self).map_err(de::Error::custom)
    }
}
