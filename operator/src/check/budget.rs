//! Prices of Sites and CloudBudgets: decimals, currencies, and the period that now falls into.

use super::{limits::outside, problem::Problem};
use crate::checked::BudgetSubject;
use crate::gather::{facts::BudgetFacts, index::Index};
use jiff::{Timestamp, ToSpan as _, Unit, Zoned, ZonedRound, tz::TimeZone};
use kube::core::{Selector, SelectorExt as _};
use pinisi_crds::cloud_budget::{Ceiling, CloudBudgetSpec, PeriodLength};
use pinisi_crds::site::{SitePrice, SiteType};
use pinisi_planner::budget::ledger::{Account, Ledger};
use pinisi_planner::model::budget::{Budget, BudgetName, Period};
use pinisi_planner::model::money::{Currency, Money};
use pinisi_planner::model::price::{Exact, PerHour, Price};
use pinisi_planner::model::site::{Site, SiteName};
use std::collections::{BTreeMap, BTreeSet};

/// Every CloudBudget: for the planner where it is sound, and for the report.
#[must_use]
pub fn check_all(
    index: &Index,
    sites: &BTreeMap<SiteName, Site>,
    now: Timestamp,
) -> (
    BTreeMap<BudgetName, Budget>,
    BTreeMap<BudgetName, BudgetSubject>,
) {
    let namespaces: BTreeSet<&str> = index.workloads.keys().map(|k| &*k.namespace).collect();
    let (mut sound, mut subjects) = (BTreeMap::new(), BTreeMap::new());
    for (name, facts) in &index.budgets {
        let name = BudgetName::new(name);
        let mut problems = Vec::new();
        let budget = check_one(index, facts, &namespaces, now, &mut problems);
        if let Some(budget) = budget.filter(|_| !problems.iter().any(Problem::blocks)) {
            problems.extend(unmatched(&budget, sites));
            sound.insert(name.clone(), budget);
        }
        let subject = BudgetSubject {
            uid: facts.uid.clone(),
            generation: facts.generation,
            status: facts.status.clone(),
            problems,
        };
        subjects.insert(name, subject);
    }
    (sound, subjects)
}

fn check_one(
    index: &Index,
    facts: &BudgetFacts,
    namespaces: &BTreeSet<&str>,
    now: Timestamp,
    problems: &mut Vec<Problem>,
) -> Option<Budget> {
    let spec = match &facts.spec {
        Ok(spec) => spec,
        Err(unreadable) => {
            let error = unreadable.error.clone();
            problems.push(Problem::Unreadable { error });
            return None;
        }
    };
    let CloudBudgetSpec {
        namespaces: selector,
        period: _,
        time_zone: _,
        from: _,
        until: _,
        ceiling: Ceiling {
            currency: code,
            amount,
        },
        most_per_hour,
    } = spec;
    let selector = match Selector::try_from(selector.clone()) {
        Ok(selector) => Some(selector),
        Err(error) => {
            problems.push(Problem::BadSelector {
                field: "spec.namespaces".to_owned(),
                error: error.to_string(),
            });
            None
        }
    };
    let currency = currency("spec.ceiling.currency", code, problems);
    let ceiling = money("spec.ceiling.amount", amount, problems);
    let most_per_hour = match most_per_hour {
        None => None,
        Some(text) => Some(PerHour::new(money("spec.mostPerHour", text, problems)?)),
    };
    let period = period(spec, now, problems)?;
    let (selector, currency, ceiling) = (selector?, currency?, ceiling?);
    let takes = |name: &&&str| {
        let labels = index.namespaces.get(**name).map(|n| &n.labels);
        labels.is_some_and(|labels| selector.matches(labels))
    };
    Some(Budget {
        namespaces: namespaces
            .iter()
            .filter(takes)
            .map(|n| (*n).to_owned())
            .collect(),
        currency,
        period,
        ceiling,
        most_per_hour,
    })
}

/// A budget in whose currency no Site is priced pays for nothing.
fn unmatched(budget: &Budget, sites: &BTreeMap<SiteName, Site>) -> Option<Problem> {
    let mut prices = sites
        .iter()
        .filter_map(|(name, site)| Some((name, site.charges()?)));
    let has = budget.currency;
    if prices.clone().any(|(_, price)| price.currency == has) {
        return None;
    }
    let (site, price) = prices.next()?;
    Some(Problem::CurrencyUnmatched {
        currency: has.to_string(),
        site: site.to_string(),
        price: price.currency.to_string(),
    })
}

fn currency(field: &str, code: &str, problems: &mut Vec<Problem>) -> Option<Currency> {
    let found = Currency::parse(code);
    if found.is_none() {
        let value = format!("{code:?}");
        problems.push(outside(
            field,
            &value,
            "three capital letters as in ISO 4217, for example IDR",
        ));
    }
    found
}

fn money(field: &str, text: &str, problems: &mut Vec<Problem>) -> Option<Money> {
    match Money::amount(text) {
        Ok(money) => Some(money),
        Err(why) => {
            let value = format!("{text:?}, which {why}");
            let allowed =
                "a decimal of 0 or more with at most six digits after the point, in quotes";
            problems.push(outside(field, &value, allowed));
            None
        }
    }
}

/// The period that now falls into, or the one that is said.
fn period(spec: &CloudBudgetSpec, now: Timestamp, problems: &mut Vec<Problem>) -> Option<Period> {
    match (spec.period, &spec.from, &spec.until) {
        (Some(length), None, None) => {
            let name = spec.time_zone.as_deref().unwrap_or("UTC");
            let Ok(zone) = TimeZone::get(name) else {
                let example = "an IANA time zone, for example Asia/Jakarta";
                problems.push(outside("spec.timeZone", &format!("{name:?}"), example));
                return None;
            };
            around(length, &now.to_zoned(zone))
        }
        (None, Some(from), Some(until)) if from.0 < until.0 => Some(Period {
            from: from.0,
            until: until.0,
        }),
        (None, Some(_), Some(until)) => {
            problems.push(outside("spec.until", &until.0, "a time after spec.from"));
            None
        }
        _ => {
            let way = "Day, Month or Year without spec.from and spec.until, or absent with both";
            let value = spec
                .period
                .map_or("absent".to_owned(), |p| format!("{p:?}"));
            problems.push(outside("spec.period", &value, way));
            None
        }
    }
}

/// The day, month or year around a moment, as its zone has it.
fn around(length: PeriodLength, now: &Zoned) -> Option<Period> {
    let day = now
        .round(
            ZonedRound::new()
                .smallest(Unit::Day)
                .mode(jiff::RoundMode::Floor),
        )
        .ok()?;
    let (first, span) = match length {
        PeriodLength::Day => (day, 1.day()),
        PeriodLength::Month => (day.first_of_month().ok()?, 1.month()),
        PeriodLength::Year => (day.first_of_year().ok()?, 1.year()),
    };
    let until = first.checked_add(span).ok()?;
    Some(Period {
        from: first.timestamp(),
        until: until.timestamp(),
    })
}

/// A Site's price. Nothing may be placed at a price that cannot be read.
pub fn price(price: &SitePrice, type_: SiteType, problems: &mut Vec<Problem>) -> Option<Price> {
    let SitePrice {
        currency: code,
        per_cpu_hour,
        per_gib_hour,
    } = price;
    if type_ == SiteType::OnPrem {
        problems.push(outside(
            "spec.price",
            &"set",
            "absent: own ground is paid for already",
        ));
    }
    let rate = |money| PerHour::new(money);
    let currency = currency("spec.price.currency", code, problems);
    let cpu = money("spec.price.perCpuHour", per_cpu_hour, problems).map(rate);
    let gib = money("spec.price.perGibHour", per_gib_hour, problems).map(rate);
    Some(Price {
        currency: currency?,
        cpu: cpu?,
        gib: gib?,
    })
}

/// What is written down of the money that was spent: in the ledger, and in the budgets' own status.
/// Of two words for one account the larger sum counts. With it, what is wrong with the ledger.
#[must_use]
pub fn ledger(index: &Index, budgets: &BTreeMap<BudgetName, Budget>) -> (Ledger, Option<Problem>) {
    let (mut ledger, problem) = match index.ledgers.values().next().map(|f| &f.ledger) {
        Some(Ok(ledger)) => (ledger.clone(), None),
        Some(Err(error)) => {
            let error = Some(error.clone());
            (Ledger::new(), Some(Problem::LedgerLost { error }))
        }
        None => (Ledger::new(), Some(Problem::LedgerLost { error: None })),
    };
    for (name, budget) in budgets {
        let status = index.budgets.get(name.as_str()).map(|facts| &facts.status);
        let Some(said) = status.and_then(|status| said(status, budget)) else {
            continue;
        };
        let accounts = ledger.entry(name.clone()).or_default();
        let same =
            |a: &&mut Account| a.period.from == said.period.from && a.currency == said.currency;
        match accounts.iter_mut().find(same) {
            None => accounts.push(said),
            Some(kept) if kept.at < said.at => {
                let spent = kept.spent.max(said.spent);
                *kept = Account { spent, ..said };
            }
            Some(kept) => kept.spent = kept.spent.max(said.spent),
        }
    }
    (ledger, problem)
}

/// The account that a status speaks of.
fn said(status: &pinisi_crds::CloudBudgetStatus, budget: &Budget) -> Option<Account> {
    let money = |text: &Option<String>| text.as_ref().and_then(|t| Money::amount(t).ok());
    Some(Account {
        period: Period {
            from: status.from.as_ref()?.0,
            until: status.until.as_ref()?.0,
        },
        currency: budget.currency,
        namespaces: budget.namespaces.clone(),
        spent: Exact::of(money(&status.spent)?),
        at: status.at.as_ref()?.0,
        rate: PerHour::new(money(&status.per_hour)?),
    })
}
