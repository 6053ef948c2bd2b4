//! What the requests of a workload need of others: a back end that cannot leave home, or a quota
//! outside. Zones are worked out before; a day is two instants here.

use super::amounts::MilliLoad;
use super::workload::WorkloadId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Calls in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MilliCalls(pub u64);

impl MilliCalls {
    /// Sum.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Difference, not below 0.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// Whole calls, rounded up.
impl fmt::Display for MilliCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.div_ceil(1000).fmt(f)
    }
}

/// Something that requests need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// Name in the spec. A quota of the same name in one namespace is the same quota.
    pub name: String,
    /// Calls that one request makes, as an average; never 0.
    pub calls: MilliCalls,
    /// Who answers them.
    pub supplier: Supplier,
}

/// Who answers calls, and how many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Supplier {
    /// Another workload that follows its load; its signal counts calls.
    Workload(WorkloadId),
    /// Somebody outside, so many a second.
    PerSecond(MilliLoad),
    /// Somebody outside, so many a day.
    PerDay(DayQuota),
}

/// Calls of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayQuota {
    /// Calls that it allows.
    pub limit: MilliCalls,
    /// When today began on its clock.
    pub start: Timestamp,
    /// When the next day begins.
    pub end: Timestamp,
    /// How what is left is spent.
    pub spread: Spread,
}

/// How what is left of a quota is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Spread {
    /// As it is asked for, until little is left: replicas that would outlive it are not made.
    AsNeeded,
    /// Evenly over the rest of the day.
    Evenly,
}
