//! The status of a HybridWorkload, from what was checked and decided. Pure.

use super::conditions::{self, GuardState};
use super::decision;
use super::metrics;
use super::stable;
use crate::act::ActError;
use crate::checked::{SiteSubject, WorkloadSubject};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use pinisi_crds::hybrid_workload::{
    ContestMemory, DecisionMemory, DrainMemory, HybridWorkloadStatus, SiteShare, SpentMemory,
};
use pinisi_planner::memory::{Contest, Drain, Spent};
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::price::PerHour;
use pinisi_planner::model::site::{SiteKind, SiteName};
use pinisi_planner::model::workload::Workload;
use pinisi_planner::{Decision, Decisions};
use std::collections::BTreeMap;

/// Longest `why`, in characters.
const WHY_MAX: usize = 200;
/// What quotas have spent is written anew after so long.
const SPENT_EVERY: SignedDuration = SignedDuration::from_mins(10);

/// What a status is made from.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The object.
    pub subject: &'a WorkloadSubject,
    /// The latest status known: sent or seen.
    pub old: &'a HybridWorkloadStatus,
    /// What was decided, where it was planned for.
    pub planned: Option<(&'a Workload, &'a Decision, &'a Decisions)>,
    /// Sites, for their kinds.
    pub sites: &'a BTreeMap<SiteName, SiteSubject>,
    /// Errors of writes.
    pub errors: &'a [ActError],
    /// The guard.
    pub guard: &'a GuardState,
    /// Takes the newest words although nothing moved.
    pub refresh: bool,
    /// Now.
    pub now: Timestamp,
}

/// The status to show. Equal to `old` while counts and conditions' states stay as they were.
#[must_use]
pub fn workload(facts: &Facts<'_>) -> HybridWorkloadStatus {
    let Facts {
        subject,
        old,
        planned,
        sites,
        errors,
        guard,
        refresh,
        now,
    } = *facts;
    let generation = subject.generation;
    let (mut said, mut status) = match planned {
        _ if subject.deleting => (conditions::leaving(), old.clone()),
        Some((world, decision, decisions)) => (
            conditions::planned(subject, world, decision, errors, guard),
            HybridWorkloadStatus {
                current_metrics: metrics::current(&world.demand, decision.metrics.as_deref()),
                memory: memory(decisions, old.memory.as_ref()),
                ..counted(subject, old, decision, sites)
            },
        ),
        None if subject.problems.is_empty() => return old.clone(),
        None => (conditions::troubled(subject, guard), old.clone()),
    };
    status.observed_generation = Some(generation);
    let moved = refresh || !same_counts(old, &status);
    if !moved {
        metrics::keep_words(&old.conditions, &mut said);
    }
    let fresh = stable::conditions(&old.conditions, said, generation, moved, now);
    status.conditions = if let (Some((world, ..)), false) = (planned, subject.deleting) {
        metrics::with_unsaid(&world.demand, &old.conditions, fresh)
    } else {
        stable::over(&old.conditions, fresh)
    };
    status.conditions.sort_by(|a, b| a.type_.cmp(&b.type_));
    // Another cause too, though it may have the same word.
    let turned = old.conditions != status.conditions;
    if !moved && !turned && metrics::alike(&old.current_metrics, &status.current_metrics) {
        status.current_metrics.clone_from(&old.current_metrics);
    }
    let decided = planned.map(|(_, decision, _)| decision);
    status.why = if moved || turned || old.why.is_none() {
        why(subject, decided)
    } else {
        old.why.clone()
    };
    // What is left alone, being unsound or on its way out, stands as it was decided last.
    status.decision = match decided.filter(|_| !subject.deleting) {
        Some(decided) if moved || turned || old.decision.is_none() => {
            Some(decision::said(decided, now))
        }
        Some(_) | None => old.decision.clone(),
    };
    status
}

fn counted(
    subject: &WorkloadSubject,
    old: &HybridWorkloadStatus,
    decision: &Decision,
    sites: &BTreeMap<SiteName, SiteSubject>,
) -> HybridWorkloadStatus {
    let sum = |cloud: Option<bool>| -> Replicas {
        let counts = |site: &SiteName| {
            sites
                .get(site)
                .is_some_and(|site| site.kind == SiteKind::Cloud)
        };
        decision
            .shares
            .iter()
            .filter(|(site, _)| cloud.is_none_or(|cloud| counts(site) == cloud))
            .map(|(_, share)| share.desired)
            .sum()
    };
    let ready: Replicas = decision.shares.values().map(|share| share.ready).sum();
    let shares = decision.shares.iter().map(|(site, share)| SiteShare {
        name: site.to_string(),
        desired: share.desired.to_api(),
        ready: share.ready.to_api(),
    });
    HybridWorkloadStatus {
        observed_generation: None,
        replicas: sum(None).to_api(),
        selector: subject
            .target
            .as_ref()
            .map(|target| target.selector.clone())
            .or_else(|| old.selector.clone()),
        ready: Some(format!("{ready}/{}", sum(None))),
        home: sum(Some(false)).to_api(),
        cloud: sum(Some(true)).to_api(),
        cost_per_hour: cost(decision),
        why: None,
        decision: None,
        sites: shares.collect(),
        current_metrics: vec![],
        memory: None,
        conditions: vec![],
    }
}

/// What the shares cost an hour, for example "12.5 IDR"; in several currencies one after another.
fn cost(decision: &Decision) -> Option<String> {
    let costs = decision.cost.iter();
    let costs = costs.filter(|(_, rate)| **rate > PerHour::ZERO);
    let texts: Vec<_> = costs
        .map(|(currency, rate)| format!("{rate} {currency}"))
        .collect();
    (!texts.is_empty()).then(|| texts.join(" + "))
}

fn memory(decisions: &Decisions, old: Option<&DecisionMemory>) -> Option<DecisionMemory> {
    // Counts by site are `status.sites`.
    let Decisions {
        total,
        sites: _,
        drain,
        contest,
        scaled_to_zero,
        spent,
    } = decisions;
    let nothing = total.is_none() && drain.is_none() && contest.is_none() && spent.is_empty();
    if nothing && !scaled_to_zero {
        return None;
    }
    let kept = old
        .map(|memory| memory.spent.as_slice())
        .unwrap_or_default();
    Some(DecisionMemory {
        total: total.map(Replicas::to_api),
        scaled_to_zero: scaled_to_zero.then_some(true),
        drain: drain.as_ref().map(
            |Drain {
                 from,
                 to,
                 moving,
                 since,
             }| DrainMemory {
                from: from.to_string(),
                to: to.to_string(),
                moving: moving.to_api(),
                since: whole_second(*since),
            },
        ),
        // The generation is only of use to the process that saw it.
        contest: contest.as_ref().map(
            |Contest {
                 writes,
                 last,
                 writer,
                 generation: _,
             }| ContestMemory {
                writes: i32::try_from(*writes).unwrap_or(i32::MAX),
                last: whole_second(*last),
                writer: writer.clone(),
            },
        ),
        spent: spent
            .iter()
            .map(|(name, s)| shown_spent(name, s, kept))
            .collect(),
    })
}

/// What a quota has spent. Until it is due again the old words stay: what comes after them is worked
/// out by whoever reads them.
fn shown_spent(name: &str, spent: &Spent, kept: &[SpentMemory]) -> SpentMemory {
    let Spent {
        day,
        since,
        calls,
        at,
        rate,
    } = spent;
    let (day, since) = (whole_second(*day), whole_second(*since));
    let recent = |old: &&SpentMemory| {
        let age = at.duration_since(old.at.0);
        old.name == name && old.day == day && old.since == since && age.abs() < SPENT_EVERY
    };
    if let Some(old) = kept.iter().find(recent) {
        return old.clone();
    }
    let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    SpentMemory {
        name: name.to_owned(),
        day,
        since,
        calls: whole(calls.0.div_ceil(1000)),
        at: whole_second(*at),
        rate: whole(rate.0),
    }
}

/// As the server keeps times; a finer one would never equal what is read back.
fn whole_second(at: Timestamp) -> Time {
    Time(Timestamp::from_second(at.as_second()).unwrap_or(at))
}

fn same_counts(old: &HybridWorkloadStatus, new: &HybridWorkloadStatus) -> bool {
    let desired = |status: &HybridWorkloadStatus| {
        let mut list: Vec<_> = status
            .sites
            .iter()
            .map(|share| (share.name.clone(), share.desired))
            .collect();
        list.sort();
        list
    };
    old.replicas == new.replicas && old.ready == new.ready && desired(old) == desired(new)
}

fn why(subject: &WorkloadSubject, decision: Option<&Decision>) -> Option<String> {
    let text = match decision {
        _ if subject.deleting => "being deleted".to_owned(),
        Some(decision) => conditions::problems(&decision.reasons),
        None => conditions::problems(&subject.problems),
    };
    Some(text.chars().take(WHY_MAX).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use pinisi_planner::Reason;
    use pinisi_planner::model::amounts::MilliLoad;
    use pinisi_planner::model::dependency::MilliCalls;

    fn load(milli: u64, need: u32) -> Reason {
        Reason::Load {
            signal: MilliLoad(milli),
            load: MilliLoad(milli),
            per_replica: MilliLoad(100_000),
            need: Replicas::new(need),
            rising: false,
        }
    }

    fn sites() -> BTreeMap<SiteName, SiteSubject> {
        let site = |kind| testing::site(kind);
        [
            (SiteName::new("home"), site(SiteKind::OnPrem)),
            (SiteName::new("cloud"), site(SiteKind::Cloud)),
        ]
        .into()
    }

    fn next(old: &HybridWorkloadStatus, decision: &Decision, second: i64) -> HybridWorkloadStatus {
        let decisions = Decisions {
            total: Some(decision.want),
            ..Decisions::default()
        };
        workload(&Facts {
            subject: &testing::subject(),
            old,
            planned: Some((&testing::workload(3, 2), decision, &decisions)),
            sites: &sites(),
            errors: &[],
            guard: &GuardState::InPlace,
            refresh: false,
            now: testing::at(second),
        })
    }

    #[test]
    fn it_says_how_many_and_where() {
        let status = next(
            &HybridWorkloadStatus::default(),
            &testing::decision((3, 3), (2, 1), vec![load(480_000, 5)], vec![]),
            0,
        );
        assert_eq!((status.replicas, status.home, status.cloud), (5, 3, 2));
        assert_eq!(status.ready.as_deref(), Some("4/5"));
        assert_eq!(status.selector.as_deref(), Some("app=web"));
        assert_eq!(
            status.why.as_deref(),
            Some("load 480 at 100 a replica needs 5")
        );
        assert_eq!(status.memory.and_then(|memory| memory.total), Some(5));
    }

    #[test]
    fn a_wobbling_load_changes_nothing() {
        let first = next(
            &HybridWorkloadStatus::default(),
            &testing::decision((3, 3), (2, 2), vec![load(480_000, 5)], vec![]),
            0,
        );
        let wobble = testing::decision((3, 3), (2, 2), vec![load(481_500, 5)], vec![]);
        assert_eq!(next(&first, &wobble, 60), first);
        // It survives the way through the API server.
        let read: HybridWorkloadStatus =
            serde_json::from_value(serde_json::to_value(&first).unwrap()).unwrap();
        assert_eq!(next(&read, &wobble, 60), read);
    }

    #[test]
    fn a_count_that_moves_brings_the_new_words() {
        let first = next(
            &HybridWorkloadStatus::default(),
            &testing::decision((3, 3), (2, 2), vec![load(480_000, 5)], vec![]),
            0,
        );
        let grown = next(
            &first,
            &testing::decision((3, 3), (3, 2), vec![load(590_000, 6)], vec![]),
            1,
        );
        assert_eq!(
            grown.why.as_deref(),
            Some("load 590 at 100 a replica needs 6")
        );
    }

    #[test]
    fn what_is_spent_is_written_every_ten_minutes_and_read_back() {
        let spent = |second: i64, calls: u64| Spent {
            day: testing::at(-3600),
            since: testing::at(-3600),
            calls: MilliCalls(calls * 1000),
            at: testing::at(second),
            rate: MilliLoad(1500),
        };
        let shown = |old: Option<&DecisionMemory>, spent: Spent| {
            let decisions = Decisions {
                spent: [("nik".to_owned(), spent)].into(),
                ..Decisions::default()
            };
            memory(&decisions, old).unwrap()
        };
        let first = shown(None, spent(0, 7));
        assert_eq!((first.spent[0].calls, first.spent[0].rate), (7, 1500));
        assert_eq!(shown(Some(&first), spent(599, 900)), first);
        let second = shown(Some(&first), spent(600, 907));
        assert_eq!(second.spent[0].calls, 907);
        let mut tomorrow = spent(601, 0);
        tomorrow.day = testing::at(600);
        assert_eq!(shown(Some(&second), tomorrow).spent[0].calls, 0);
    }

    #[test]
    fn a_problem_keeps_the_counts_and_says_what_to_do() {
        let first = next(
            &HybridWorkloadStatus::default(),
            &testing::decision((3, 3), (2, 2), vec![load(480_000, 5)], vec![]),
            0,
        );
        let mut subject = testing::subject();
        subject
            .problems
            .push(crate::check::problem::Problem::UnknownSite {
                field: "spec.placement.tiers[1].sites[0]".into(),
                site: "x".into(),
            });
        let facts = Facts {
            subject: &subject,
            old: &first,
            planned: None,
            sites: &sites(),
            errors: &[],
            guard: &GuardState::InPlace,
            refresh: false,
            now: testing::at(9),
        };
        let status = workload(&facts);
        assert_eq!((status.replicas, status.home, status.cloud), (5, 3, 2));
        assert!(status.why.is_some_and(|why| why.contains("tiers[1]")));
        let state = |kind: &str| {
            status
                .conditions
                .iter()
                .find(|c| c.type_ == kind)
                .map(|c| (c.status.clone(), c.reason.clone()))
        };
        assert_eq!(
            state("Stalled"),
            Some(("True".into(), "SiteNotFound".into()))
        );
        assert_eq!(
            state("Overflowing").map(|state| state.0),
            Some("True".into()),
            "what was known stays"
        );
    }
}
