//! One budget's allowance, and how the workloads of one plan share it. The formula stands in
//! `budget.rs`.

use crate::budget::ledger::Account;
use crate::budget::needs::Needs;
use crate::budget::running::Running;
use crate::budget::{BILLING_STEP, DRAIN, HORIZON, Spends, Standing, TICK, WINDOW_LEAD, gone_at};
use crate::model::amounts::Replicas;
use crate::model::budget::{Budget, Period};
use crate::model::price::{Exact, PerHour};
use crate::model::workload::{Workload, WorkloadId};
use crate::time::before;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// One workload's part.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    /// What it may never lose: funded minimum and funded windows that are on.
    floor: PerHour,
    /// Beyond its floor, what its load needs without margin; nothing once it is decided.
    bare: PerHour,
    /// What is paid for it: pods that have a node, then what was decided as well.
    there: PerHour,
}

/// One budget's allowance.
#[derive(Clone, Debug)]
pub(crate) struct Allowance<'a> {
    pub budget: &'a Budget,
    account: Account,
    reserved: Exact,
    /// What replicas beyond the floors may cost an hour in all.
    extra: PerHour,
    parts: BTreeMap<&'a WorkloadId, Part>,
    /// Beyond the floors: what is paid.
    in_use: PerHour,
    /// What is paid in all.
    in_all: PerHour,
    /// Beyond the floors: what was decided so far.
    claimed: PerHour,
    /// What loads of workloads yet to be decided need.
    later: PerHour,
    /// What money kept out of workloads of higher priority.
    missing: PerHour,
    /// The same of those of the priority that is being decided.
    missing_now: (Option<i32>, PerHour),
}

/// What is still to be given while minimums and windows are funded.
struct Purse {
    left: Exact,
    rate: PerHour,
}

impl Purse {
    /// Sets aside what so many cost over a time, as far as the money goes. Says how many that are.
    fn fund(&mut self, n: Replicas, rate: PerHour, span: SignedDuration, now: bool) -> Replicas {
        let one = Exact::over(rate, span);
        let mut n = n.min(self.left.buys(one));
        if now {
            n = n.min(self.rate.buys(rate));
            self.rate = self.rate.minus(rate.times(n));
        }
        self.left = self.left.minus(one.times(n));
        n
    }
}

impl<'a> Allowance<'a> {
    /// The allowance before anything is decided. `needs` come in the plan's order.
    pub(crate) fn of(
        budget: &'a Budget,
        account: Account,
        needs: &[(&'a WorkloadId, &'a Workload, Needs)],
        running: &Running<'a>,
        now: Timestamp,
    ) -> Self {
        let Budget {
            namespaces,
            currency,
            period,
            ceiling,
            most_per_hour,
        } = budget;
        let covered = || {
            let all = needs
                .iter()
                .filter(|(_, _, needs)| needs.currency == *currency);
            all.filter(|(id, _, _)| namespaces.contains(id.namespace.as_str()))
        };
        let there: BTreeMap<_, _> = running.workloads(namespaces, *currency).collect();
        let drain = DRAIN.saturating_add(BILLING_STEP);
        let all = Exact::of(*ceiling).minus(account.spent);
        // What runs beyond the minimums costs that much even if all of it leaves.
        let leaving = {
            let kept = |(id, _, needs): &(&WorkloadId, &Workload, Needs)| {
                let there = there.get(id).copied().unwrap_or_default();
                let on = needs.windows.iter().filter(|w| is_on(w, now));
                let windows: Replicas = on.map(|(n, _, _)| *n).sum();
                there.min(needs.rate.times(needs.floor.plus(windows)))
            };
            let minimums: PerHour = covered().map(kept).sum();
            let beyond = there.values().copied().sum::<PerHour>().minus(minimums);
            Exact::over(beyond, drain)
        };
        let mut purse = Purse {
            left: all.minus(leaving),
            rate: most_per_hour.unwrap_or(PerHour::MAX),
        };
        let mut parts: BTreeMap<&WorkloadId, Part> = BTreeMap::new();
        for (id, _, needs) in covered() {
            let rest = span(now, period.until, now, *period);
            let n = purse.fund(needs.floor, needs.rate, rest, true);
            parts.entry(id).or_default().floor = needs.rate.times(n);
        }
        for (id, _, needs) in covered() {
            for window in &needs.windows {
                let (n, start, end) = *window;
                let time = span(before(start, WINDOW_LEAD), end, now, *period);
                let on = is_on(window, now);
                let n = purse.fund(n, needs.rate, time, on);
                if on {
                    let part = parts.entry(id).or_default();
                    part.floor = part.floor.plus(needs.rate.times(n));
                }
            }
        }
        let left = purse.left.plus(leaving);
        let rest = period.until.duration_since(now);
        let horizon = rest.min(HORIZON).max(drain.saturating_add(TICK));
        let extra = left.lasting(horizon.saturating_add(drain));
        let mut allowance = Self {
            budget,
            account,
            reserved: all.minus(left),
            extra: extra.min(purse.rate),
            parts,
            in_use: PerHour::ZERO,
            in_all: PerHour::ZERO,
            claimed: PerHour::ZERO,
            later: PerHour::ZERO,
            missing: PerHour::ZERO,
            missing_now: (None, PerHour::ZERO),
        };
        for (id, _, needs) in covered() {
            let part = allowance.parts.entry(id).or_default();
            part.bare = needs.rate.times(needs.bare).minus(part.floor);
            allowance.later = allowance.later.plus(part.bare);
        }
        for (id, there) in there {
            let part = allowance.parts.entry(id).or_default();
            part.there = there;
            allowance.in_use = allowance.in_use.plus(there.minus(part.floor));
            allowance.in_all = allowance.in_all.plus(there);
        }
        allowance
    }

    /// What a workload may spend an hour, and how much of that on what is not there yet.
    pub(crate) fn left(&self, id: &WorkloadId, priority: i32) -> (PerHour, PerHour) {
        let part = self.parts.get(id).copied().unwrap_or_default();
        let Part { floor, bare, there } = part;
        let missing = match self.missing_now {
            (Some(p), now) if p > priority => self.missing.plus(now),
            (Some(_) | None, _) => self.missing,
        };
        let free = self.extra.minus(self.claimed).minus(missing);
        let beside_bare = free.minus(self.later.minus(bare));
        let keep = floor.plus(bare.min(free).max(beside_bare));
        let others = self.in_use.minus(there.minus(floor));
        let grow = floor.plus(self.extra.minus(others)).minus(there);
        let most = self.budget.most_per_hour.unwrap_or(PerHour::MAX);
        (keep, grow.min(most.minus(self.in_all)))
    }

    /// Takes down what was decided for a workload.
    pub(crate) fn decided(&mut self, id: &'a WorkloadId, priority: i32, spends: Spends) {
        let Spends {
            decided,
            there,
            missing,
        } = spends;
        let part = self.parts.entry(id).or_default();
        // What is only a margin drives nobody out.
        let missing = missing.min(part.bare.minus(decided.minus(part.floor)));
        self.later = self.later.minus(part.bare);
        part.bare = PerHour::ZERO;
        self.in_use = self.in_use.minus(part.there.minus(part.floor));
        self.in_use = self.in_use.plus(there.minus(part.floor));
        self.in_all = self.in_all.minus(part.there).plus(there);
        part.there = there;
        self.claimed = self.claimed.plus(decided.minus(part.floor));
        let (of, now) = self.missing_now;
        let now = if of == Some(priority) {
            now
        } else {
            self.missing = self.missing.plus(now);
            PerHour::ZERO
        };
        self.missing_now = (Some(priority), now.plus(missing));
    }

    /// How the budget stands.
    pub(crate) fn standing(&self, now: Timestamp) -> Standing {
        let floors: PerHour = self.parts.values().map(|p| p.floor).sum();
        let per_hour = self.parts.values().map(|p| p.there).sum();
        let left = Exact::of(self.budget.ceiling).minus(self.account.spent);
        Standing {
            period: self.budget.period,
            currency: self.budget.currency,
            ceiling: self.budget.ceiling,
            spent: self.account.spent.money(),
            per_hour,
            most_per_hour: floors.plus(self.extra),
            reserved: self.reserved.money(),
            exhausted_at: gone_at(left, per_hour, now, self.budget.period.until),
        }
    }

    /// The account, with what is spent from now on.
    pub(crate) fn close(self) -> Account {
        Account {
            rate: self.parts.values().map(|p| p.there).sum(),
            ..self.account
        }
    }
}

/// True while a window may be drawn on.
fn is_on(window: &(Replicas, Timestamp, Timestamp), now: Timestamp) -> bool {
    let (_, start, end) = *window;
    before(start, WINDOW_LEAD) <= now && now < end
}

/// The part of a time that is neither past nor beyond the period.
fn span(from: Timestamp, until: Timestamp, now: Timestamp, period: Period) -> SignedDuration {
    let (from, until) = (from.max(now), until.min(period.until));
    until.duration_since(from).max(SignedDuration::ZERO)
}
