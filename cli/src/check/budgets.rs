//! PN09x: prices and who pays them. What a budget has left is the operator's word; here it is only
//! read.

use super::finding::{Check, Findings, known};
use super::workloads::object;
use crate::snapshot::Snapshot;
use crate::status::{Weight, attention};
use kube::ResourceExt as _;
use kube::core::{Selector, SelectorExt as _};
use pinisi_crds::site::SitePrice;
use pinisi_crds::{CloudBudget, HybridWorkload, Site};
use std::collections::BTreeMap;

const FUNDED: Check = Check {
    id: "PN090",
    title: "a CloudBudget pays at the priced Sites that workloads name",
};
const CURRENCIES: Check = Check {
    id: "PN091",
    title: "CloudBudgets have the currency of a price",
};
const CONDITIONS: Check = Check {
    id: "PN092",
    title: "CloudBudgets are as they should be",
};
/// In the order in which they run.
pub const CHECKS: &[&Check] = &[&FUNDED, &CURRENCIES, &CONDITIONS];

/// Runs them.
pub fn run(snapshot: &Snapshot, findings: &mut Findings) {
    funded(snapshot, findings);
    currencies(snapshot, findings);
    conditions(snapshot, findings);
}

/// Prices by Site. A price of zero is none.
fn prices(sites: &[Site]) -> BTreeMap<String, &SitePrice> {
    let zero = |text: &str| text.bytes().all(|c| matches!(c, b'0' | b'.'));
    let charges = |price: &&SitePrice| !(zero(&price.per_cpu_hour) && zero(&price.per_gib_hour));
    let priced = sites.iter().filter_map(|site| {
        let price = site.spec.price.as_ref().filter(charges)?;
        Some((site.name_any(), price))
    });
    priced.collect()
}

fn covers(budget: &CloudBudget, labels: &BTreeMap<String, String>) -> bool {
    let selector = Selector::try_from(budget.spec.namespaces.clone());
    selector.is_ok_and(|selector| selector.matches(labels))
}

fn named(workload: &HybridWorkload) -> impl Iterator<Item = &String> {
    let tiers = workload.spec.placement.iter().flat_map(|p| &p.tiers);
    tiers.flat_map(|tier| &tier.sites)
}

fn funded(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&FUNDED);
    let (workloads, sites, budgets, namespaces) = known!(
        verdict,
        snapshot.workloads,
        snapshot.sites,
        snapshot.budgets,
        snapshot.namespaces
    );
    let prices = prices(sites);
    for workload in workloads {
        let namespace = workload.namespace().unwrap_or_default();
        let Some(labels) = namespaces.get(&namespace) else {
            continue;
        };
        let covering: Vec<_> = budgets.iter().filter(|b| covers(b, labels)).collect();
        for site in named(workload) {
            let Some(price) = prices.get(site) else {
                continue;
            };
            let currency = &price.currency;
            let pays = |b: &&&CloudBudget| b.spec.ceiling.currency == *currency;
            if covering.iter().any(|b| pays(&b)) {
                continue;
            }
            match covering.first() {
                None => verdict.fail(
                    object(workload),
                    format!("Site {site} has a price and no CloudBudget covers namespace {namespace}: it takes no new replicas"),
                    format!("make a CloudBudget in {currency} whose spec.namespaces selects {namespace} (who answers for the money)"),
                ),
                Some(other) => verdict.fail(
                    object(workload),
                    format!(
                        "Site {site} is priced in {currency} and CloudBudget {} is in {}: it takes no new replicas",
                        other.name_any(),
                        other.spec.ceiling.currency
                    ),
                    format!("make a CloudBudget in {currency} for {namespace}, or say spec.price of Site {site} in the same currency"),
                ),
            }
        }
    }
    verdict.or_ok(format!("{} priced Sites", prices.len()));
}

fn currencies(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&CURRENCIES);
    let (sites, budgets) = known!(verdict, snapshot.sites, snapshot.budgets);
    let prices = prices(sites);
    for budget in budgets {
        let name = budget.name_any();
        let currency = &budget.spec.ceiling.currency;
        if !prices.values().any(|price| price.currency == *currency) {
            verdict.warn(
                format!("CloudBudget {name}"),
                format!("spec.ceiling.currency is {currency}, in which no Site is priced: it pays for nothing"),
                "kubectl get sites -o yaml; set spec.price of the cloud's Site, or make the budget anew in its currency",
            );
        }
    }
    verdict.or_ok(format!("{} CloudBudgets", budgets.len()));
}

fn conditions(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&CONDITIONS);
    let budgets = known!(verdict, snapshot.budgets);
    for budget in budgets {
        let name = budget.name_any();
        let hint = format!("kubectl describe cloudbudget {name}");
        let object = format!("CloudBudget {name}");
        let status = budget.status.as_ref();
        if status.is_none_or(|status| status.conditions.is_empty()) {
            verdict.warn(
                object.clone(),
                "has no conditions yet: no operator has looked at it",
                "see PN012",
            );
        }
        for condition in attention(status.map(|s| s.conditions.as_slice()).unwrap_or_default()) {
            let words = format!(
                "{}={} ({}): {}",
                condition.type_, condition.status, condition.reason, condition.message
            );
            match condition.weight {
                Weight::Stalled => verdict.fail(object.clone(), words, hint.clone()),
                Weight::Look => verdict.warn(object.clone(), words, hint.clone()),
                Weight::Passing => {}
            }
        }
    }
    verdict.or_ok(format!("{} CloudBudgets", budgets.len()));
}
