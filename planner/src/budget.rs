//! Money while a plan is made. Each budget has an allowance: what may be spent an hour so that its
//! ceiling is never passed, whatever comes. The workloads draw on it in the plan's order.
//!
//! With C the ceiling, S what is spent, and Z what is set aside for funded minimums until the period
//! ends and for announced windows, replicas beyond those may cost (C − S − Z) / (h + D) an hour in
//! all, where D = [`DRAIN`] + [`BILLING_STEP`] and h is an [`HORIZON`] or the rest of the period, but
//! not less than D + [`TICK`]. So what is left shrinks by a part of itself and never below nothing,
//! and what leaves is still paid for. A plan must be made once an h at least.
//!
//! What gives way first, where the allowance binds: what is ahead of the load or above it (forecast,
//! trend, margin, the scale-down window); then workloads of lower priority, the last in the plan's
//! order first. A funded minimum, an announced window and what is Sensitive never do.
//!
//! Not here: how money limits one workload's sites (`placement::pay`).

mod allowance;
pub mod ledger;
mod needs;
mod running;

use crate::budget::allowance::Allowance;
use crate::budget::ledger::{Account, Ledger};
use crate::budget::needs::{Needs, needs};
use crate::budget::running::Running;
use crate::model::World;
use crate::model::amounts::Replicas;
use crate::model::budget::{Budget, BudgetName, Period};
use crate::model::money::{Currency, Money};
use crate::model::price::{Exact, PerHour};
use crate::model::site::Site;
use crate::model::workload::{Leg, Workload, WorkloadId};
use crate::placement::rooms::Rooms;
use crate::plan::{in_order, is_sensitive};
use crate::time::after;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// From the decision that a replica leaves until it is gone.
pub const DRAIN: SignedDuration = SignedDuration::from_mins(5);
/// Providers bill in steps of this at most.
pub const BILLING_STEP: SignedDuration = SignedDuration::from_mins(1);
/// No plan is later than this after the last while the operator runs.
pub const TICK: SignedDuration = SignedDuration::from_secs(10);
/// What is left is spread over this time, or over the rest of the period where that is shorter.
pub const HORIZON: SignedDuration = SignedDuration::from_hours(1);
/// An announced window may be drawn on so long before it starts: its replicas must be up by then.
pub const WINDOW_LEAD: SignedDuration = SignedDuration::from_mins(15);

/// Why a priced site takes nothing of a workload, whatever money there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unfunded {
    /// No CloudBudget covers its namespace.
    NoBudget,
    /// The one that covers it has another currency than the site's price.
    Currency {
        /// That CloudBudget.
        budget: BudgetName,
        /// Its currency.
        has: Currency,
        /// The price's.
        needs: Currency,
    },
    /// Its pods request nothing that has a price, so what they cost cannot be counted.
    NoRequests,
}

impl fmt::Display for Unfunded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBudget => f.write_str(
                "it has a price and no CloudBudget covers this namespace; make one whose spec.namespaces selects it",
            ),
            Self::Currency { budget, has, needs } => write!(
                f,
                "its price is in {needs} and CloudBudget {budget} is in {has}; make a CloudBudget in {needs} for this namespace"
            ),
            Self::NoRequests => f.write_str(
                "its pods request nothing that has a price there, so nobody could count what they cost; set resources.requests in the pod template",
            ),
        }
    }
}

/// What a replica of a workload costs at a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fare {
    /// Nothing.
    Free,
    /// So much an hour.
    Costs(Currency, PerHour),
    /// It may not be there.
    Unfunded(Unfunded),
}

/// What one workload may spend.
#[derive(Clone, Debug)]
pub(crate) struct Purse {
    /// An hour in all.
    pub keep: PerHour,
    /// Of that, on replicas that have no node yet.
    pub grow: PerHour,
    /// The budget that has least.
    pub budget: BudgetName,
}

/// How one budget stands after a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The period that it speaks of.
    pub period: Period,
    /// Currency of the amounts.
    pub currency: Currency,
    /// The most to spend in the period.
    pub ceiling: Money,
    /// Spent in the period up to now.
    pub spent: Money,
    /// What the plan spends an hour.
    pub per_hour: PerHour,
    /// The most that it may spend an hour now: funded minimums and the allowance beyond them.
    pub most_per_hour: PerHour,
    /// Set aside for funded minimums and announced windows.
    pub reserved: Money,
    /// When the ceiling would be reached if the burn rate stayed, where that is in the period.
    pub exhausted_at: Option<Timestamp>,
}

/// All budgets.
#[derive(Clone, Debug)]
pub(crate) struct Purses<'a> {
    world: &'a World,
    ledger: &'a Ledger,
    now: Timestamp,
    /// True where any site has a price. Most worlds have none: then nothing is asked about money.
    priced: bool,
    running: Running<'a>,
    open: BTreeMap<&'a BudgetName, Allowance<'a>>,
}

impl<'a> Purses<'a> {
    /// What every budget allows, with what runs now.
    pub(crate) fn of(
        world: &'a World,
        ledger: &'a Ledger,
        rooms: &Rooms<'_>,
        now: Timestamp,
    ) -> Self {
        let running = Running::of(world);
        let mut open = BTreeMap::new();
        if world.budgets.values().any(|b| b.period.holds(now)) {
            let all = || in_order(world).filter(|(_, w)| !is_sensitive(w));
            let needs: Vec<(&WorkloadId, &Workload, Needs)> = all()
                .filter_map(|(id, w)| Some((id, w, needs(world, w, rooms, now)?)))
                .collect();
            for (name, budget) in world.budgets.iter().filter(|(_, b)| b.period.holds(now)) {
                let before = ledger.get(name).map_or(&[][..], Vec::as_slice);
                let mut account = Account::open(before, budget, now);
                account.count(running.sum(&budget.namespaces, budget.currency), now);
                open.insert(name, Allowance::of(budget, account, &needs, &running, now));
            }
        }
        Self {
            world,
            ledger,
            now,
            priced: world.sites.values().any(|site| site.charges().is_some()),
            running,
            open,
        }
    }

    /// True where any site has a price.
    pub(crate) fn priced(&self) -> bool {
        self.priced
    }

    /// What a replica of a workload costs at a site, and whether anybody pays for it.
    pub(crate) fn fare(&self, site: Option<&Site>, id: &WorkloadId, workload: &Workload) -> Fare {
        let price = site.and_then(Site::charges);
        let Some(price) = price.filter(|_| !is_sensitive(workload)) else {
            return Fare::Free;
        };
        let rate = price.of(workload.request);
        let covering = || {
            let all = self.world.budgets.iter();
            all.filter(|(_, b)| {
                b.period.from <= self.now && b.namespaces.contains(id.namespace.as_str())
            })
        };
        let pays = covering().any(|(_, b)| b.currency == price.currency);
        match covering().next() {
            None => Fare::Unfunded(Unfunded::NoBudget),
            Some((budget, other)) if !pays => Fare::Unfunded(Unfunded::Currency {
                budget: budget.clone(),
                has: other.currency,
                needs: price.currency,
            }),
            Some(_) if rate == PerHour::ZERO => Fare::Unfunded(Unfunded::NoRequests),
            Some(_) => Fare::Costs(price.currency, rate),
        }
    }

    /// What a workload may spend in a currency. Of several budgets that cover it the one with least
    /// to give counts; where all of them are over, nothing may be spent.
    pub(crate) fn purse(
        &self,
        id: &WorkloadId,
        workload: &Workload,
        currency: Currency,
    ) -> Option<Purse> {
        let covers =
            |b: &Budget| b.currency == currency && b.namespaces.contains(id.namespace.as_str());
        let open = self.open.iter().filter(|(_, a)| covers(a.budget));
        let purses = open.map(|(name, allowance)| {
            let (keep, grow) = allowance.left(id, workload.priority);
            let budget = (*name).clone();
            Purse { keep, grow, budget }
        });
        let least = purses.reduce(|a, b| Purse {
            grow: a.grow.min(b.grow),
            ..if b.keep < a.keep { b } else { a }
        });
        let over = || {
            let mut all = self.world.budgets.iter();
            let (name, _) = all.find(|(_, b)| covers(b) && b.period.until <= self.now)?;
            Some(Purse {
                keep: PerHour::ZERO,
                grow: PerHour::ZERO,
                budget: name.clone(),
            })
        };
        least.or_else(over)
    }

    /// Takes down what was decided for a workload: by currency, what its counts cost, what is paid
    /// with those that are still there, and what money alone has kept out.
    pub(crate) fn decided(
        &mut self,
        id: &'a WorkloadId,
        workload: &Workload,
        spends: &BTreeMap<Currency, Spends>,
    ) {
        for allowance in self.open.values_mut() {
            let Budget {
                namespaces,
                currency,
                ..
            } = allowance.budget;
            if namespaces.contains(id.namespace.as_str()) {
                let spends = spends.get(currency).copied().unwrap_or_default();
                allowance.decided(id, workload.priority, spends);
            }
        }
    }

    /// How the budgets stand, and the ledger for the next plan.
    pub(crate) fn close(self) -> (BTreeMap<BudgetName, Standing>, Ledger) {
        let now = self.now;
        let standings = self
            .open
            .iter()
            .map(|(name, allowance)| ((*name).clone(), allowance.standing(now)))
            .collect();
        let open = self.open.into_iter().map(|(name, a)| (name, a.close()));
        let ledger = ledger::kept(
            self.ledger,
            open.collect(),
            &self.world.budgets,
            |namespaces, currency| self.running.sum(namespaces, currency),
            now,
        );
        (standings, ledger)
    }
}

/// What a workload spends in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spends {
    /// On the counts that were decided.
    pub decided: PerHour,
    /// With pods that are still there.
    pub there: PerHour,
    /// On replicas that are wanted and that only money has kept out.
    pub missing: PerHour,
}

/// When money is gone at a rate, where that is before `until`.
fn gone_at(left: Exact, rate: PerHour, now: Timestamp, until: Timestamp) -> Option<Timestamp> {
    let at = after(now, left.empties(rate)?);
    (at < until).then_some(at)
}

/// Replicas of a leg that are paid for: `count` or those that have a node, whichever are more, and
/// those on their way out.
pub(crate) fn paid(leg: &Leg, count: Replicas) -> Replicas {
    count.max(leg.bound).plus(leg.terminating)
}
