//! The status of a CloudBudget: how the account stands, and whom it keeps back. Sums are renewed when
//! the rate or the spec changes, or 1 % of the ceiling was spent: in between they can be worked out.

use super::conditions::Said;
use super::{objects, stable};
use crate::checked::BudgetSubject;
use jiff::{Timestamp, Unit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use pinisi_crds::CloudBudgetStatus;
use pinisi_planner::budget::Standing;
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::budget::{Budget, BudgetName};
use pinisi_planner::model::money::Money;
use pinisi_planner::model::price::PerHour;
use pinisi_planner::{Plan, Reason, WorkloadId};

/// Sums are renewed when so much of the ceiling was spent, in percent.
const RENEW_PERCENT: i128 = 1;

/// What a status is made from.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Its name.
    pub name: &'a BudgetName,
    /// The object.
    pub subject: &'a BudgetSubject,
    /// As checked, where it is sound.
    pub budget: Option<&'a Budget>,
    /// What was planned.
    pub plan: &'a Plan,
    /// The latest status known: sent or seen.
    pub old: &'a CloudBudgetStatus,
}

/// The status to show. Equal to `old` while nothing but time moves.
#[must_use]
pub fn status(facts: &Facts<'_>) -> CloudBudgetStatus {
    let Facts {
        name,
        subject,
        budget,
        plan,
        old,
    } = *facts;
    let standing = plan.budgets.get(name);
    let sums = match standing {
        Some(standing) => sums(
            standing,
            old,
            old.observed_generation != Some(subject.generation),
            plan.at,
        ),
        None => old.clone(),
    };
    let generation = subject.generation;
    let moved = sums.per_hour != old.per_hour || sums.from != old.from;
    let (reason, message) = match (budget, standing) {
        (Some(_), Some(_)) | (None, _) => ("Counting", "what is spent is counted".to_owned()),
        (Some(b), None) if b.period.until <= plan.at => {
            let text = format!(
                "the period ended at {}; nothing is paid for",
                b.period.until
            );
            ("PeriodOver", text)
        }
        (Some(b), None) => {
            let text = format!(
                "the period begins at {}; nothing is paid for yet",
                b.period.from
            );
            ("PeriodToCome", text)
        }
    };
    let mut conditions = objects::two(
        &old.conditions,
        &subject.problems,
        (reason, message),
        generation,
        moved,
        plan.at,
    );
    let limited = stable::conditions(
        &old.conditions,
        vec![limited(name, plan)],
        generation,
        moved,
        plan.at,
    );
    conditions.extend(limited);
    conditions.sort_by(|a, b| a.type_.cmp(&b.type_));
    CloudBudgetStatus {
        observed_generation: Some(generation),
        conditions,
        ..sums
    }
}

fn sums(
    standing: &Standing,
    old: &CloudBudgetStatus,
    edited: bool,
    now: Timestamp,
) -> CloudBudgetStatus {
    let Standing {
        period,
        currency: _,
        ceiling,
        spent,
        per_hour,
        most_per_hour: _,
        reserved,
        exhausted_at,
    } = standing;
    let second = |t: Timestamp| {
        Time(
            t.round(
                jiff::TimestampRound::new()
                    .smallest(Unit::Second)
                    .mode(jiff::RoundMode::Floor),
            )
            .unwrap_or(t),
        )
    };
    let new = CloudBudgetStatus {
        observed_generation: None,
        from: Some(second(period.from)),
        until: Some(second(period.until)),
        spent: Some(spent.to_string()),
        // What is counted twice by the cut is less than a second's.
        at: Some(second(now)),
        per_hour: Some(per_hour.to_string()),
        reserved: Some(reserved.to_string()),
        exhausted_at: exhausted_at.map(second),
        conditions: Vec::new(),
    };
    let before = old.spent.as_ref().and_then(|text| Money::amount(text).ok());
    let far = before.is_none_or(|before| {
        let more = spent.minus(before).micros();
        more < 0 || more.saturating_mul(100) > ceiling.micros().saturating_mul(RENEW_PERCENT)
    });
    let turned = new.per_hour != old.per_hour || new.from != old.from || new.until != old.until;
    if far || turned || edited {
        new
    } else {
        old.clone()
    }
}

/// Whom it keeps back, how many, and what they would cost.
fn limited(name: &BudgetName, plan: &Plan) -> Said {
    let mut kept: Option<(&WorkloadId, usize, Replicas, PerHour)> = None;
    let mut money = None;
    for (id, decision) in &plan.workloads {
        for reason in &decision.reasons {
            if let Reason::BudgetLimited {
                budget,
                want: _,
                placed: _,
                missing,
                currency,
                per_hour,
            } = reason
                && budget == name
            {
                let (first, count, replicas, cost) =
                    kept.unwrap_or((id, 0, Replicas::ZERO, PerHour::ZERO));
                let all = (replicas.plus(*missing), cost.plus(*per_hour));
                kept = Some((first, count.saturating_add(1), all.0, all.1));
                money = Some(*currency);
            }
        }
    }
    match (kept, money) {
        (Some((first, count, replicas, cost)), Some(currency)) => Said::new(
            "Limited",
            true,
            "ReplicasKeptBack",
            format!(
                "{replicas} replicas of {count} workloads, first {first}, are kept back; they would cost {cost} {currency} an hour"
            ),
        ),
        _ => Said::new(
            "Limited",
            false,
            "Enough",
            "nothing is kept back for want of money",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::problem::Problem;
    use crate::testing::{self, at};
    use pinisi_planner::Memory;
    use pinisi_planner::model::budget::Period;
    use pinisi_planner::model::money::Currency;
    use std::collections::BTreeMap;

    fn rate(text: &str) -> PerHour {
        PerHour::new(text.parse().unwrap())
    }

    /// Spent so much by then, at this rate, with these reasons of one workload.
    fn plan(seconds: i64, spent: &str, per_hour: &str, reasons: Vec<Reason>) -> Plan {
        let standing = Standing {
            period: Period {
                from: at(0),
                until: at(100_000),
            },
            currency: Currency::parse("IDR").unwrap(),
            ceiling: "100".parse().unwrap(),
            spent: spent.parse().unwrap(),
            per_hour: rate(per_hour),
            most_per_hour: rate("50"),
            reserved: Money::ZERO,
            exhausted_at: None,
        };
        let decision = testing::decision((3, 3), (1, 1), reasons, vec![]);
        Plan {
            at: at(seconds),
            workloads: [(testing::id(), decision)].into(),
            sites: BTreeMap::new(),
            budgets: [(BudgetName::new("b"), standing)].into(),
            memory: Memory::default(),
        }
    }

    fn said(plan: &Plan, problems: Vec<Problem>, old: &CloudBudgetStatus) -> CloudBudgetStatus {
        let subject = BudgetSubject {
            uid: "u".into(),
            generation: 1,
            status: old.clone(),
            problems,
        };
        let name = BudgetName::new("b");
        status(&Facts {
            name: &name,
            subject: &subject,
            budget: None,
            plan,
            old,
        })
    }

    fn state(status: &CloudBudgetStatus, kind: &str) -> (String, String, String) {
        let found = status.conditions.iter().find(|c| c.type_ == kind).unwrap();
        (
            found.status.clone(),
            found.reason.clone(),
            found.message.clone(),
        )
    }

    #[test]
    fn time_alone_moves_nothing_and_the_rate_or_one_percent_does() {
        let first = said(
            &plan(0, "5", "2", vec![]),
            vec![],
            &CloudBudgetStatus::default(),
        );
        assert_eq!(first.spent.as_deref(), Some("5"));
        assert_eq!(said(&plan(900, "5.9", "2", vec![]), vec![], &first), first);
        let later = said(&plan(2000, "6.1", "2", vec![]), vec![], &first);
        assert_eq!(later.spent.as_deref(), Some("6.1"));
        let faster = said(&plan(1, "5.001", "3", vec![]), vec![], &first);
        assert_eq!(
            (faster.spent.as_deref(), faster.per_hour.as_deref()),
            (Some("5.001"), Some("3"))
        );
        let edited = CloudBudgetStatus {
            observed_generation: Some(0),
            ..first
        };
        let edited = said(&plan(2, "5.002", "2", vec![]), vec![], &edited);
        assert_eq!(
            edited.spent.as_deref(),
            Some("5.002"),
            "a new spec gets new sums"
        );
    }

    #[test]
    fn whom_it_keeps_back_is_said_with_the_price() {
        let kept = Reason::BudgetLimited {
            budget: BudgetName::new("b"),
            want: Replicas::new(9),
            placed: Replicas::new(4),
            missing: Replicas::new(5),
            currency: Currency::parse("IDR").unwrap(),
            per_hour: rate("12.5"),
        };
        let free = said(
            &plan(0, "5", "2", vec![]),
            vec![],
            &CloudBudgetStatus::default(),
        );
        assert_eq!(state(&free, "Limited").0, "False");
        let limited = said(&plan(1, "5", "2", vec![kept]), vec![], &free);
        let (status, reason, text) = state(&limited, "Limited");
        assert_eq!(
            (status.as_str(), reason.as_str()),
            ("True", "ReplicasKeptBack")
        );
        for part in ["5 replicas", "12.5 IDR", "shop/web"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let notes = crate::report::events::budget_turned(&free, &limited);
        assert_eq!(
            notes.iter().map(|n| n.reason).collect::<Vec<_>>(),
            ["ReplicasKeptBack"]
        );
    }

    #[test]
    fn what_is_wrong_with_it_stalls_it() {
        let error = "missing field".to_owned();
        let bad = said(
            &plan(0, "5", "2", vec![]),
            vec![Problem::Unreadable { error }],
            &CloudBudgetStatus::default(),
        );
        assert_eq!(state(&bad, "Ready").0, "False");
        assert_eq!(state(&bad, "Stalled").1, "SpecUnreadable");
    }
}
