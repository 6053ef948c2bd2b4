//! Budgets as checked: a ceiling of money over a period, for the workloads of some namespaces. Not
//! here: what was spent (`crate::budget::ledger`), and what that leaves (`crate::budget`).

use super::money::{Currency, Money};
use super::price::PerHour;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, sync::Arc};

/// Name of a CloudBudget.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BudgetName(Arc<str>);

impl BudgetName {
    /// A name as the API has it.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BudgetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// From one moment until before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Period {
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
}

impl Period {
    /// True in between.
    #[must_use]
    pub fn holds(&self, t: Timestamp) -> bool {
        self.from <= t && t < self.until
    }
}

/// Money for what runs at priced sites. Where several cover a namespace in one currency, all of them
/// must have the money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Namespaces that it covers, as far as workloads are in them.
    pub namespaces: BTreeSet<String>,
    /// Currency of its amounts. It pays at sites that are priced in it.
    pub currency: Currency,
    /// The period that now falls into; where it is fixed it may be over or still to come.
    pub period: Period,
    /// The most to spend in the period. At 0 nothing is paid for.
    pub ceiling: Money,
    /// The most to spend in any hour, where there is such a limit.
    pub most_per_hour: Option<PerHour>,
}
