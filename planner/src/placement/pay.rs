//! How money limits one workload's sites: what may stay, what may grow, and what money keeps out.
//! How much a workload may spend is said by its purses (`crate::budget`).

use crate::budget::{Fare, Purses, Spends, paid};
use crate::model::amounts::Replicas;
use crate::model::budget::BudgetName;
use crate::model::money::Currency;
use crate::model::price::PerHour;
use crate::model::workload::{Workload, WorkloadId};
use crate::placement::caps::Ask;
use crate::placement::rooms::Rooms;
use crate::placement::seats::{Away, Seat, Seats};
use std::collections::BTreeMap;

/// Replicas that money alone keeps out.
#[derive(Clone, Debug)]
pub(crate) struct Unpaid {
    /// The budget with least to give.
    pub budget: BudgetName,
    /// How many.
    pub replicas: Replicas,
    /// In which money.
    pub currency: Currency,
    /// What they would cost.
    pub per_hour: PerHour,
}

impl Seat<'_> {
    /// What a replica costs here, where it costs anything.
    fn rate(&self, currency: Currency) -> Option<PerHour> {
        match self.fare {
            Fare::Costs(c, rate) if c == currency => Some(rate),
            Fare::Free | Fare::Costs(..) | Fare::Unfunded(_) => None,
        }
    }

    /// Replicas that are there, whatever is decided: said or bound.
    pub(crate) fn there(&self) -> Replicas {
        self.leg.spec.max(self.leg.bound)
    }

    /// Of a count, what is paid for: where nothing can be written, what was last seen.
    fn charged(&self, count: Replicas) -> Replicas {
        match self.away {
            Away::Here => count,
            Away::Counted | Away::Lost => self.there(),
        }
    }
}

impl Seats<'_> {
    /// Sets what replicas cost and what may be spent, and lowers what counts as placed to what may stay:
    /// from the last site first, as in a shrink.
    pub(crate) fn open_purses(
        &mut self,
        purses: &Purses<'_>,
        rooms: &Rooms<'_>,
        id: &WorkloadId,
        workload: &Workload,
    ) {
        if !purses.priced() {
            return;
        }
        for row in &mut self.rows {
            let site = rooms.at(row.place).map(|ground| ground.site);
            row.fare = purses.fare(site, id, workload);
            if let Fare::Costs(currency, _) = row.fare
                && !self.purses.contains_key(&currency)
                && let Some(purse) = purses.purse(id, workload, currency)
            {
                self.purses.insert(currency, purse);
            }
        }
        self.keep_affordable();
    }

    /// Lowers what counts as placed to what there is money for. A site that loses any to money pays
    /// for none that are misplaced either.
    pub(crate) fn keep_affordable(&mut self) {
        if self.purses.is_empty() {
            return;
        }
        let before: Vec<_> = self.rows.iter().map(|row| row.keep).collect();
        self.cut(|row| &mut row.keep);
        for (row, before) in self.rows.iter_mut().zip(before) {
            if row.keep < before {
                row.misplaced = Replicas::ZERO;
            }
        }
    }

    /// How many replicas more a site may get for the money.
    pub(crate) fn affordable(&self, row: &Seat<'_>) -> Replicas {
        let (currency, rate) = match &row.fare {
            Fare::Free => return Replicas::MAX,
            Fare::Unfunded(_) => return Replicas::ZERO,
            Fare::Costs(currency, rate) => (*currency, *rate),
        };
        let Some(purse) = self.purses.get(&currency) else {
            return Replicas::ZERO;
        };
        let keep = purse.keep.minus(self.costs(currency, |r| r.target));
        let grow = purse.grow.minus(self.growth(currency));
        // What its spec says already was granted before.
        let back = row.there().minus(row.target);
        keep.buys(rate).min(back.plus(grow.buys(rate)))
    }

    /// After everything else, for what follows no cap (an override, counts that may not shrink): no
    /// more than money is there for.
    pub(crate) fn settle(&mut self) {
        if self.purses.is_empty() {
            return;
        }
        let grow: Vec<_> = self.purses.iter().map(|(c, p)| (*c, p.grow)).collect();
        for (currency, most) in grow {
            let mut over = self.growth(currency).minus(most);
            for row in self.rows.iter_mut().rev() {
                let Some(rate) = row.rate(currency).filter(|_| row.away == Away::Here) else {
                    continue;
                };
                let less = covering(over, rate).min(row.target.minus(row.there()));
                row.target = row.target.minus(less);
                over = over.minus(rate.times(less));
            }
        }
        self.cut(|row| &mut row.target);
    }

    /// Lowers counts at priced sites until they cost no more than may be kept: first what is beyond
    /// the tiers' minimums.
    fn cut(&mut self, count: impl for<'s> Fn(&'s mut Seat<'_>) -> &'s mut Replicas) {
        let keep: Vec<_> = self.purses.iter().map(|(c, p)| (*c, p.keep)).collect();
        for (currency, most) in keep {
            let cost = |row: &mut Seat<'_>| {
                let n = *count(row);
                let n = row.charged(n);
                row.rate(currency).map_or(PerHour::ZERO, |r| r.times(n))
            };
            let sum: PerHour = self.rows.iter_mut().map(cost).sum();
            let mut over = sum.minus(most);
            for respect_minimum in [true, false] {
                for i in (0..self.rows.len()).rev() {
                    let Some(tier) = self.rows.get(i).map(|r| r.tier) else {
                        continue;
                    };
                    let min = self.tiers.get(tier).map_or(Replicas::ZERO, |t| t.min);
                    let of_tier = self.rows.iter_mut().filter(|r| r.tier == tier);
                    let in_tier: Replicas = of_tier.map(|r| *count(r)).sum();
                    let Some(row) = self.rows.get_mut(i).filter(|r| r.away == Away::Here) else {
                        continue;
                    };
                    let Some(rate) = row.rate(currency) else {
                        continue;
                    };
                    let spare = if respect_minimum {
                        in_tier.minus(min)
                    } else {
                        Replicas::MAX
                    };
                    let n = count(row);
                    let less = covering(over, rate).min(spare).min(*n);
                    *n = n.minus(less);
                    over = over.minus(rate.times(less));
                }
            }
        }
    }

    /// What counts cost in a currency.
    fn costs(&self, currency: Currency, count: impl Fn(&Seat<'_>) -> Replicas) -> PerHour {
        let cost = |row: &Seat<'_>| Some(row.rate(currency)?.times(row.charged(count(row))));
        self.rows.iter().filter_map(cost).sum()
    }

    /// What targets cost beyond pods that have a node.
    fn growth(&self, currency: Currency) -> PerHour {
        let cost = |row: &Seat<'_>| {
            let more = row.charged(row.target).minus(row.leg.bound);
            Some(row.rate(currency)?.times(more))
        };
        self.rows.iter().filter_map(cost).sum()
    }

    /// Of `missing` replicas those that money alone keeps out.
    pub(crate) fn unpaid(&mut self, ask: &Ask<'_>, missing: Replicas) -> Option<Unpaid> {
        if missing == Replicas::ZERO || self.purses.is_empty() {
            return None;
        }
        self.ask_all(ask);
        let mut found: Option<Unpaid> = None;
        let mut rest = missing;
        for row in self.rows.iter().filter(|r| r.away == Away::Here) {
            let Fare::Costs(currency, rate) = row.fare else {
                continue;
            };
            let most = self.tiers.get(row.tier).map_or(Replicas::ZERO, |t| t.max);
            let room = row.caps.fit.max(row.there()).minus(row.target);
            let out = room.min(most.minus(self.in_tier(row.tier))).min(rest);
            let Some(purse) = self.purses.get(&currency).filter(|_| out > Replicas::ZERO) else {
                continue;
            };
            let unpaid = found.get_or_insert_with(|| Unpaid {
                budget: purse.budget.clone(),
                replicas: Replicas::ZERO,
                currency,
                per_hour: PerHour::ZERO,
            });
            if unpaid.currency == currency {
                rest = rest.minus(out);
                unpaid.replicas = unpaid.replicas.plus(out);
                unpaid.per_hour = unpaid.per_hour.plus(rate.times(out));
            }
        }
        found
    }

    /// What was decided, in money.
    pub(crate) fn spends(&self, unpaid: Option<&Unpaid>) -> BTreeMap<Currency, Spends> {
        let mut spends: BTreeMap<_, Spends> = BTreeMap::new();
        for row in &self.rows {
            let Fare::Costs(currency, rate) = row.fare else {
                continue;
            };
            let sum = spends.entry(currency).or_default();
            sum.decided = sum.decided.plus(rate.times(row.charged(row.target)));
            let there = paid(row.leg, row.charged(row.target));
            sum.there = sum.there.plus(rate.times(there));
        }
        if let Some(unpaid) = unpaid {
            spends.entry(unpaid.currency).or_default().missing = unpaid.per_hour;
        }
        spends
    }
}

/// As few replicas as cost `money` or more.
fn covering(money: PerHour, rate: PerHour) -> Replicas {
    let n = money.buys(rate);
    match rate.times(n) < money {
        true => n.plus(Replicas::new(1)),
        false => n,
    }
}
