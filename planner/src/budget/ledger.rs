//! What was spent, by budget and period. It outlives the budget's object: what goes on running then
//! goes on being counted, and the budget finds its account when it comes back.

use crate::model::budget::{Budget, BudgetName, Period};
use crate::model::money::Currency;
use crate::model::price::{Exact, PerHour};
use crate::time::{after, elapsed};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Accounts kept for one budget, the latest periods.
pub const ACCOUNTS_MAX: usize = 8;
/// Budgets that are gone and still have accounts, those whose periods end last.
pub const GONE_MAX: usize = 256;
/// The account of a budget that is gone is kept for so long after its period.
pub const GONE: SignedDuration = SignedDuration::from_hours(24 * 400);

/// The accounts of all budgets.
pub type Ledger = BTreeMap<BudgetName, Vec<Account>>;

/// What was spent under one budget in one period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The period. Its start tells it from the budget's others.
    pub period: Period,
    /// Currency of the amounts; in another one it is another account.
    pub currency: Currency,
    /// Namespaces that were covered when it was last seen.
    pub namespaces: BTreeSet<String>,
    /// What was spent up to `at`.
    pub spent: Exact,
    /// Up to when it is counted.
    pub at: Timestamp,
    /// What is spent from then on, until the next plan.
    pub rate: PerHour,
}

impl Account {
    /// The account of a budget whose period is running, as far as it was counted before. A new period
    /// begins where the last one was left, with what ran then; a new budget begins now.
    pub(crate) fn open(before: &[Account], budget: &Budget, now: Timestamp) -> Self {
        let Budget {
            namespaces,
            currency,
            period,
            ceiling: _,
            most_per_hour: _,
        } = budget;
        let same = |a: &&Account| a.currency == *currency;
        let (spent, at, rate) = match before
            .iter()
            .filter(same)
            .find(|a| a.period.from == period.from)
        {
            Some(a) => (a.spent, a.at, a.rate),
            None => match before.iter().filter(same).max_by_key(|a| a.at) {
                Some(last) => (Exact::ZERO, last.at.min(now), last.rate),
                None => (Exact::ZERO, now, PerHour::ZERO),
            },
        };
        Self {
            period: *period,
            currency: *currency,
            namespaces: namespaces.clone(),
            spent,
            at: at.max(period.from),
            rate,
        }
    }

    /// Counts up to `now`, or to the end of the period. What ran in between is not known: the dearer
    /// of its two ends counts. Where the clock ran backwards, the time that comes again counts again.
    pub(crate) fn count(&mut self, running: PerHour, now: Timestamp) {
        let end = now.min(self.period.until).max(self.period.from);
        let rate = self.rate.max(running);
        self.spent = self.spent.plus(Exact::over(rate, elapsed(self.at, end)));
        self.at = end;
        self.rate = running;
    }
}

/// The ledger for the next plan: the accounts that are open, and those from before that are not.
pub(crate) fn kept(
    before: &Ledger,
    open: BTreeMap<&BudgetName, Account>,
    present: &BTreeMap<BudgetName, Budget>,
    running: impl Fn(&BTreeSet<String>, Currency) -> PerHour,
    now: Timestamp,
) -> Ledger {
    let mut ledger = before.clone();
    for account in ledger.values_mut().flatten() {
        if account.at < account.period.until {
            let running = running(&account.namespaces, account.currency);
            account.count(running, now);
        } else {
            account.namespaces.clear();
        }
    }
    for (name, account) in open {
        let accounts = ledger.entry(name.clone()).or_default();
        let other =
            |a: &Account| a.period.from != account.period.from || a.currency != account.currency;
        accounts.retain(other);
        accounts.push(account);
        accounts.sort_by_key(|a| (a.period.from, a.currency));
        let old = accounts.len().saturating_sub(ACCOUNTS_MAX);
        accounts.drain(..old);
    }
    let last = |accounts: &[Account]| accounts.iter().map(|a| a.period.until).max();
    ledger.retain(|name, accounts| {
        let lately = last(accounts).is_some_and(|until| now < after(until, GONE));
        present.contains_key(name) || lately
    });
    let mut gone: Vec<_> = ledger
        .iter()
        .filter(|(name, _)| !present.contains_key(name))
        .map(|(name, accounts)| (last(accounts), name.clone()))
        .collect();
    gone.sort();
    let many = gone.len().saturating_sub(GONE_MAX);
    for (_, name) in gone.into_iter().take(many) {
        ledger.remove(&name);
    }
    ledger
}
