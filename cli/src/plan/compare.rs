//! Two looks at the same cluster, without the manifests and with them, and what differs.

use super::answer::{Answer, Change, Counts, FORMAT, SiteCount, Summary, Trouble, WorkloadRow};
use super::bring::Brought;
use super::look::Look;
use pinisi_operator::check::problem::Problem;
use pinisi_operator::checked::Checked;
use pinisi_planner::explain::Account;
use pinisi_planner::model::price::PerHour;
use pinisi_planner::{Decision, WorkloadId};
use std::collections::BTreeSet;

/// What the manifests would change.
pub fn compare(before: &Look, after: &Look, brought: Brought) -> Answer {
    let Brought {
        objects,
        mut refusals,
        mut assumptions,
    } = brought;
    let named = |id: &WorkloadId| {
        objects.iter().any(|row| {
            row.kind == "HybridWorkload"
                && *row.name == *id.name
                && row.namespace.as_deref() == Some(&*id.namespace)
        })
    };
    let ids: BTreeSet<_> = before
        .plan
        .workloads
        .keys()
        .chain(after.plan.workloads.keys())
        .collect();
    let rows = ids.into_iter().map(|id| row(id, before, after));
    let workloads: Vec<_> = rows
        .filter(|(id, row)| row.changed || named(id))
        .map(|(_, row)| row)
        .collect();
    let known: BTreeSet<_> = troubles(&before.checked)
        .into_iter()
        .map(|(trouble, _)| trouble)
        .collect();
    let mut warnings = Vec::new();
    for (trouble, blocks) in troubles(&after.checked) {
        let of_files = objects.iter().any(|row| row.spoken() == trouble.object);
        if known.contains(&trouble) && !of_files {
            continue;
        }
        if blocks {
            refusals.push(trouble);
        } else {
            warnings.push(trouble);
        }
    }
    assumptions.extend(after.assumptions.iter().cloned());
    let different = objects
        .iter()
        .filter(|row| matches!(row.change, Change::Created | Change::Changed))
        .count();
    let moved = workloads
        .iter()
        .filter(|row| row.changed && !named(&row_id(row)))
        .count();
    let summary = Summary {
        changed: different + moved,
        refused: refusals.len(),
    };
    Answer {
        format: FORMAT,
        objects,
        workloads,
        refusals,
        warnings,
        assumptions,
        summary,
    }
}

fn row_id(row: &WorkloadRow) -> WorkloadId {
    WorkloadId {
        namespace: row.namespace.as_str().into(),
        name: row.name.as_str().into(),
    }
}

fn row<'a>(id: &'a WorkloadId, before: &Look, after: &Look) -> (&'a WorkloadId, WorkloadRow) {
    let (was, will) = (before.plan.workloads.get(id), after.plan.workloads.get(id));
    let row = WorkloadRow {
        namespace: id.namespace.to_string(),
        name: id.name.to_string(),
        changed: was.map(counts) != will.map(counts),
        before: was.map(counts),
        after: will.map(counts),
        reasons: will
            .map(|decision| Account::of(decision.want, &decision.shares, &decision.reasons)),
    };
    (id, row)
}

fn counts(decision: &Decision) -> Counts {
    let mut shares: Vec<_> = decision.shares.iter().collect();
    // As its tiers stand; in no tier last.
    shares.sort_by_key(|(_, share)| (share.tier == 0, share.tier));
    let sites = shares.into_iter().map(|(site, share)| SiteCount {
        site: site.clone(),
        desired: share.desired,
    });
    let costs = decision
        .cost
        .iter()
        .filter(|(_, rate)| **rate > PerHour::ZERO);
    let costs: Vec<_> = costs
        .map(|(currency, rate)| format!("{rate} {currency}"))
        .collect();
    Counts {
        want: decision.want,
        cost_per_hour: (!costs.is_empty()).then(|| costs.join(" + ")),
        sites: sites.collect(),
    }
}

/// Everything that check has against any object; true for what blocks it.
fn troubles(checked: &Checked) -> Vec<(Trouble, bool)> {
    let mut all = Vec::new();
    let mut add = |object: String, problems: &[Problem]| {
        all.extend(problems.iter().map(|problem| {
            let trouble = Trouble {
                object: object.clone(),
                reason: problem.reason().into(),
                message: problem.to_string(),
            };
            (trouble, problem.blocks())
        }));
    };
    for (id, subject) in &checked.workloads {
        add(format!("HybridWorkload {id}"), &subject.problems);
    }
    for (name, subject) in &checked.sites {
        add(format!("Site {name}"), &subject.problems);
    }
    for (name, subject) in &checked.sources {
        add(format!("SignalSource {name}"), &subject.problems);
    }
    for (name, subject) in &checked.budgets {
        add(format!("CloudBudget {name}"), &subject.problems);
    }
    all
}
