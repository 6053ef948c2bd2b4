//! Check: specs become checked values; nothing later re-reads a spec. A bad object becomes a
//! problem on itself and disturbs nobody else. No client here, no clock: `check(&Index, &Refusals, now)`.
//! To be called only when `Gather::synced`: before that, what is not listed yet looks absent.

pub mod attested;
pub mod budget;
mod capacity;
mod conflict;
pub mod declassification;
mod demand;
mod dependency;
mod elastic;
mod gateway;
mod legs;
mod limits;
mod metrics;
mod placement;
mod policy;
pub mod problem;
mod quotas;
mod remote;
pub mod remote_site;
pub mod renewal;
pub mod schedule;
mod signal;
mod site;
mod sovereign;
mod start_up;
mod target;
#[cfg(test)]
mod tests;
pub mod violation;
mod words;
mod workload;

use crate::checked::{Checked, Violations};
use crate::gather::index::Index;
use crate::refusals::Refusals;
use conflict::Wants;
use jiff::Timestamp;
use pinisi_planner::{WorkloadId, World, model::site::SiteName};
use site::CheckedSite;
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// What every workload is checked against.
struct Context<'a> {
    index: &'a Index,
    refusals: &'a Refusals,
    sites: &'a BTreeMap<SiteName, CheckedSite<'a>>,
    wants: &'a Wants<'a>,
    /// What is where it may not be.
    violations: &'a Violations,
    policies: &'a policy::Policies<'a>,
}

/// Checks everything at one moment. Total and deterministic.
#[must_use]
pub fn check(index: &Index, refusals: &Refusals, now: Timestamp) -> Checked {
    let mut sites = site::check_all(index, now);
    let policies = policy::Policies::of(index);
    let base = sovereign::inventory(index, &mut sites);
    let grounds = sovereign::grounds(index, &sites, &base);
    let violations = violation::Judge {
        index,
        sites: &sites,
        policies: &policies,
        base: &base,
        grounds: &grounds,
        claims: OnceCell::new(),
    }
    .all();
    let wants = Wants::of(index);
    let mut world = World::default();
    let mut workloads = BTreeMap::new();
    let context = Context {
        index,
        refusals,
        sites: &sites,
        wants: &wants,
        violations: &violations,
        policies: &policies,
    };
    for (key, facts) in &index.workloads {
        let id = WorkloadId {
            namespace: key.namespace.as_str().into(),
            name: key.name.as_str().into(),
        };
        let (subject, sound) = workload::check_one(&context, facts, now);
        if let Some(workload) = sound {
            world.workloads.insert(id.clone(), workload);
        }
        workloads.insert(id, subject);
    }
    let declassifications = declassification::check_all(index, &policies);
    let sensitive_pods = sovereign::count_pods(index, &base.nodes);
    let mut guarded = policies.guard(index, base, &grounds, now);
    for (name, sum) in violation::by_policy(&violations) {
        if let Some(subject) = guarded.subjects.get_mut(name) {
            subject.violations = sum;
        }
    }
    let mut subjects = BTreeMap::new();
    for (
        name,
        CheckedSite {
            kind: _,
            allowed: _,
            nodes: _,
            lawful: _,
            subject,
            world: part,
        },
    ) in sites
    {
        if let Some(part) = part {
            world.sites.insert(name.clone(), part);
        }
        subjects.insert(name, subject);
    }
    let (budgets, mut budget_subjects) = budget::check_all(index, &world.sites, now);
    let (ledger, lost) = budget::ledger(index, &budgets);
    for subject in budget_subjects.values_mut() {
        subject.problems.extend(lost.clone());
    }
    world.budgets = budgets;
    let seen = index.ledgers.values().next();
    let ledger_seen = seen.and_then(|facts| facts.ledger.clone().ok());
    let sources = index
        .sources
        .iter()
        .map(|(name, facts)| {
            (
                name.clone(),
                signal::source(
                    facts,
                    index.answers.get(name),
                    index.gateways.get(name),
                    now,
                ),
            )
        })
        .collect();
    Checked {
        hub: index.hub.as_ref().map(|hub| hub.uid.clone()),
        world,
        workloads,
        sites: subjects,
        sources,
        budgets: budget_subjects,
        ledger,
        ledger_seen,
        sovereign: guarded.sovereign,
        inventories: guarded.inventories,
        guard: guarded.policies,
        policies: guarded.subjects,
        violations,
        declassifications,
        sensitive_pods,
    }
}
