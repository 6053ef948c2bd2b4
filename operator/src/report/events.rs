//! Events: only where a state turned, and not too many. What turned is read off two statuses, so a
//! restart repeats nothing.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use pinisi_crds::{
    CloudBudgetStatus, HybridWorkloadStatus, SiteStatus, SovereigntyPolicyStatus,
    SovereigntyViolationSpec,
};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Most Events in a minute of one concern, over all objects.
pub const EVENTS_PER_MINUTE: usize = 60;

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// True for a Warning.
    pub warning: bool,
    /// CamelCase.
    pub reason: &'static str,
    /// For people.
    pub text: String,
}

/// A condition, whether True is the good state, what to say when it turns bad and good.
type Turn = (&'static str, bool, &'static str, &'static str);

/// Turns of a workload.
const TURNS: [Turn; 8] = [
    ("Overflowing", false, "OverflowOpened", "OverflowClosed"),
    ("CapacityShort", false, "CapacityShort", "CapacityEnough"),
    ("BudgetLimited", false, "BudgetLimited", "BudgetEnough"),
    ("Contested", false, "Contested", "ContestOver"),
    ("Bottlenecked", false, "Bottlenecked", "BottleneckOver"),
    ("Stalled", false, "Stalled", "Mended"),
    ("ScalingActive", true, "SignalLost", "SignalBack"),
    ("Guarded", true, "NotGuarded", "Guarded"),
];

/// Turns of a Site that is another cluster.
const SITE_TURNS: [Turn; 2] = [
    ("Reachable", true, "SiteUnreachable", "SiteReachable"),
    ("Guarded", true, "ReceivingGuardLost", "ReceivingGuardBack"),
];

/// Turns of a CloudBudget.
const BUDGET_TURNS: [Turn; 2] = [
    ("Limited", false, "ReplicasKeptBack", "MoneyEnough"),
    ("Stalled", false, "Stalled", "Mended"),
];

/// Turns of a SovereigntyPolicy.
const POLICY_TURNS: [Turn; 1] = [("Violated", false, "SovereigntyViolated", "ViolationsOver")];

/// What turned on a CloudBudget from `old` to `new`. A good start is no news.
#[must_use]
pub fn budget_turned(old: &CloudBudgetStatus, new: &CloudBudgetStatus) -> Vec<Note> {
    turns(&old.conditions, &new.conditions, &BUDGET_TURNS)
}

/// What turned on a Site from `old` to `new`. A good start is no news.
#[must_use]
pub fn site_turned(old: &SiteStatus, new: &SiteStatus) -> Vec<Note> {
    turns(&old.conditions, &new.conditions, &SITE_TURNS)
}

/// What turned on a SovereigntyPolicy from `old` to `new`. A good start is no news.
#[must_use]
pub fn policy_turned(old: &SovereigntyPolicyStatus, new: &SovereigntyPolicyStatus) -> Vec<Note> {
    turns(&old.conditions, &new.conditions, &POLICY_TURNS)
}

/// What is told on an object that is where it may not be.
#[must_use]
pub fn violation(spec: &SovereigntyViolationSpec) -> Note {
    let notice = spec
        .notice_deadline
        .as_ref()
        .map_or_else(String::new, |by| {
            format!(" Notice is to be given by {}.", by.0)
        });
    Note {
        warning: true,
        reason: "SovereigntyViolated",
        text: format!("{}: {}.{notice}", spec.rule.id(), spec.message),
    }
}

fn turns(old: &[Condition], new: &[Condition], of: &[Turn]) -> Vec<Note> {
    let mut notes = Vec::new();
    for (kind, good, bad_word, good_word) in of.iter().copied() {
        let state = |conditions: &[Condition]| {
            let found = conditions
                .iter()
                .find(|condition| condition.type_ == kind)?;
            let is_true = match found.status.as_str() {
                "True" => true,
                "False" => false,
                _ => return None,
            };
            Some((is_true == good, found.message.clone()))
        };
        match (state(old).map(|(fine, _)| fine), state(new)) {
            (Some(true) | None, Some((false, text))) => {
                notes.push(Note {
                    warning: kind != "Overflowing",
                    reason: bad_word,
                    text,
                });
            }
            (Some(false), Some((true, text))) => notes.push(Note {
                warning: false,
                reason: good_word,
                text,
            }),
            _ => {}
        }
    }
    notes
}

/// What turned from `old` to `new`.
#[must_use]
pub fn turned(old: &HybridWorkloadStatus, new: &HybridWorkloadStatus) -> Vec<Note> {
    let mut notes = turns(&old.conditions, &new.conditions, &TURNS);
    let draining = |status: &HybridWorkloadStatus| {
        status
            .memory
            .as_ref()
            .and_then(|memory| memory.drain.clone())
    };
    match (draining(old), draining(new)) {
        (None, Some(drain)) => {
            let text = format!("replicas come home from {} to {}", drain.from, drain.to);
            notes.push(Note {
                warning: false,
                reason: "DrainStarted",
                text,
            });
        }
        (Some(drain), None) => {
            let text = format!("the drain from {} to {} has ended", drain.from, drain.to);
            notes.push(Note {
                warning: false,
                reason: "DrainFinished",
                text,
            });
        }
        _ => {}
    }
    notes
}

/// What an Event is about. Each has its own share, so that no crowd of workloads silences a violation.
#[derive(Clone, Copy, Debug)]
pub enum Concern {
    /// Workloads, Sites and budgets.
    Placement,
    /// Policies, violations and declassifications.
    Sovereignty,
}

/// Lets [`EVENTS_PER_MINUTE`] of each concern through.
#[derive(Debug, Default)]
pub struct Throttle {
    placement: VecDeque<Instant>,
    sovereignty: VecDeque<Instant>,
}

impl Throttle {
    /// True where one more may be sent.
    pub fn pass(&mut self, of: Concern, now: Instant) -> bool {
        let sent = match of {
            Concern::Placement => &mut self.placement,
            Concern::Sovereignty => &mut self.sovereignty,
        };
        while sent
            .front()
            .is_some_and(|at| now.saturating_duration_since(*at) >= Duration::from_secs(60))
        {
            sent.pop_front();
        }
        let pass = sent.len() < EVENTS_PER_MINUTE;
        if pass {
            sent.push_back(now);
        }
        pass
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{conditions::Said, stable};
    use crate::testing::at;

    fn status(overflowing: bool, scaling: bool) -> HybridWorkloadStatus {
        let said = vec![
            Said::new("Overflowing", overflowing, "R", "text"),
            Said::new("ScalingActive", scaling, "R", "text"),
        ];
        HybridWorkloadStatus {
            conditions: stable::conditions(&[], said, 1, true, at(0)),
            ..HybridWorkloadStatus::default()
        }
    }

    fn reasons(old: &HybridWorkloadStatus, new: &HybridWorkloadStatus) -> Vec<&'static str> {
        turned(old, new).iter().map(|note| note.reason).collect()
    }

    #[test]
    fn only_turns_are_told() {
        assert_eq!(
            reasons(&status(false, true), &status(true, false)),
            ["OverflowOpened", "SignalLost"]
        );
        assert_eq!(
            reasons(&status(true, false), &status(false, true)),
            ["OverflowClosed", "SignalBack"]
        );
        assert!(reasons(&status(true, false), &status(true, false)).is_empty());
        assert!(
            reasons(&HybridWorkloadStatus::default(), &status(false, true)).is_empty(),
            "a good start is no news"
        );
    }

    #[test]
    fn a_minute_holds_so_many_and_no_more() {
        let (mut throttle, now) = (Throttle::default(), Instant::now());
        let mut passed = |of, at| (0..100).filter(|_| throttle.pass(of, at)).count();
        assert_eq!(passed(Concern::Placement, now), EVENTS_PER_MINUTE);
        assert_eq!(
            passed(Concern::Sovereignty, now),
            EVENTS_PER_MINUTE,
            "no crowd silences a violation"
        );
        let later = now + Duration::from_secs(60);
        assert_eq!(passed(Concern::Placement, later), EVENTS_PER_MINUTE);
    }
}
