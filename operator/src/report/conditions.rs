//! Conditions of a workload, in kstatus' words and in those that an SRE asks for. Pure; the time
//! of a transition is set by `stable`, which knows what was said before.

use super::metrics;
use crate::act::ActError;
use crate::act::writes::home;
use crate::checked::WorkloadSubject;
use pinisi_crds::hybrid_workload::Class;
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::site::SiteName;
use pinisi_planner::model::workload::{Demand, Workload};
use pinisi_planner::{Decision, Reason};

/// Pods named at most in a message.
const NAMED_MAX: usize = 5;

/// Whether the admission guard is in place, as far as the leader knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuardState {
    /// Not tried yet.
    Unknown,
    /// Applied.
    InPlace,
    /// Not wholly applied; why.
    Missing(String),
}

/// One condition before it has a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its type.
    pub kind: &'static str,
    /// `Some(true)` True, `Some(false)` False, `None` Unknown.
    pub status: Option<bool>,
    /// CamelCase.
    pub reason: String,
    /// For people.
    pub message: String,
    /// True where the reason's word leaves the cause open: other words in the text are then another
    /// cause.
    pub cause_in_text: bool,
}

impl Said {
    /// A condition.
    #[must_use]
    pub fn new(kind: &'static str, status: bool, reason: &str, message: impl Into<String>) -> Self {
        Self {
            kind,
            status: Some(status),
            reason: reason.into(),
            message: message.into(),
            cause_in_text: false,
        }
    }

    /// A condition of which nobody knows yet whether it holds.
    #[must_use]
    pub fn unknown(kind: &'static str, reason: &str, message: impl Into<String>) -> Self {
        Self {
            status: None,
            ..Self::new(kind, false, reason, message)
        }
    }

    /// The same, its cause being told in the text alone.
    #[must_use]
    pub fn with_cause_in_text(mut self) -> Self {
        self.cause_in_text = true;
        self
    }

    /// Its status as the API has it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self.status {
            Some(true) => "True",
            Some(false) => "False",
            None => "Unknown",
        }
    }
}

/// Conditions of a workload that is planned for.
#[must_use]
pub fn planned(
    subject: &WorkloadSubject,
    world: &Workload,
    decision: &Decision,
    errors: &[ActError],
    guard: &GuardState,
) -> Vec<Said> {
    let mut said = vec![
        ready(decision, errors),
        reconciling(subject, decision),
        stalled(subject, decision, errors),
        overflowing(world, decision),
        of_reason(
            "CapacityShort",
            "Placed",
            "everything wanted is placed",
            decision,
            |r| matches!(r, Reason::Short { .. }),
        ),
        of_reason(
            "BudgetLimited",
            "Paid",
            "no replica is kept back for want of money",
            decision,
            |r| matches!(r, Reason::BudgetLimited { .. } | Reason::Unfunded { .. }),
        ),
        of_reason(
            "Contested",
            "SoleWriter",
            "nobody else writes the count",
            decision,
            |r| matches!(r, Reason::Contested { .. }),
        ),
    ];
    said.extend(bottlenecked(world, decision));
    said.extend(scaling(world, decision));
    said.extend(guarded(subject, guard));
    said
}

/// Conditions that a workload with problems gets; those that it had otherwise stay.
#[must_use]
pub fn troubled(subject: &WorkloadSubject, guard: &GuardState) -> Vec<Said> {
    let Some(first) = subject.problems.first() else {
        return vec![];
    };
    let message = problems(&subject.problems);
    let mut said = vec![
        Said::new("Ready", false, first.reason(), message.clone()),
        Said::new(
            "Reconciling",
            false,
            "Stalled",
            "nothing is changed until this is mended",
        ),
        Said::new("Stalled", true, first.reason(), message),
    ];
    said.extend(guarded(subject, guard));
    said
}

/// Conditions that a workload under deletion gets; those that it had otherwise stay.
#[must_use]
pub fn leaving() -> Vec<Said> {
    vec![Said::new(
        "Reconciling",
        true,
        "Deleting",
        "home takes over from the siblings; what home cannot hold goes on serving where it is",
    )]
}

/// All problems in one text.
pub fn problems<P: ToString>(problems: &[P]) -> String {
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

fn ready(decision: &Decision, errors: &[ActError]) -> Said {
    // What is made up for elsewhere is not waited for.
    let lost: Replicas = decision.reasons.iter().map(made_up_for).sum();
    let desired: Replicas = decision.shares.values().map(|share| share.desired).sum();
    let desired = desired.minus(lost);
    let ready: Replicas = decision
        .shares
        .values()
        .map(|share| share.ready.min(share.desired))
        .sum();
    let short = decision
        .reasons
        .iter()
        .find(|reason| matches!(reason, Reason::Short { .. } | Reason::BudgetLimited { .. }));
    if let Some(error) = errors.first() {
        Said::new("Ready", false, error.word(), problems(errors))
    } else if let Some(short) = short {
        Said::new("Ready", false, short.word(), short.to_string())
    } else if ready < desired {
        Said::new(
            "Ready",
            false,
            "ReplicasNotReady",
            format!("{ready} of {desired} replicas are Ready"),
        )
    } else {
        Said::new(
            "Ready",
            true,
            "ReplicasReady",
            format!("{desired} replicas are Ready"),
        )
    }
}

/// Replicas at a site that has been out of reach for too long.
fn made_up_for(reason: &Reason) -> Replicas {
    match reason {
        Reason::SiteUnreachable {
            replicas,
            counted: false,
            ..
        } => *replicas,
        _ => Replicas::ZERO,
    }
}

fn reconciling(subject: &WorkloadSubject, decision: &Decision) -> Said {
    let lost = |site: &SiteName| {
        decision.reasons.iter().any(|reason| {
            matches!(reason, Reason::SiteUnreachable { site: gone, counted: false, .. } if gone == site)
        })
    };
    let behind = decision
        .shares
        .iter()
        .any(|(site, share)| share.ready != share.desired && !lost(site));
    let moving = decision.reasons.iter().find(|reason| {
        matches!(
            reason,
            Reason::Draining { .. }
                | Reason::Displaced { .. }
                | Reason::WaitsForRoom { .. }
                | Reason::WaitsForNodes { .. }
        )
    });
    let idle = decision.reasons.iter().find(|reason| {
        matches!(
            reason,
            Reason::Paused | Reason::Observed | Reason::Contested { .. }
        )
    });
    if let Some(idle) = idle {
        Said::new(
            "Reconciling",
            false,
            idle.word(),
            format!("{:?}: {idle}", subject.mode),
        )
    } else if let Some(moving) = moving {
        Said::new("Reconciling", true, moving.word(), moving.to_string())
    } else if behind || !decision.steps.is_empty() {
        Said::new("Reconciling", true, "Scaling", "replicas are on their way")
    } else {
        Said::new(
            "Reconciling",
            false,
            "Settled",
            "what runs is what was decided",
        )
    }
}

/// A warning does not stall anything, but this is where people look. A site that refuses the
/// workload, or whose quota does, needs a person only where replicas find no other place.
fn stalled(subject: &WorkloadSubject, decision: &Decision, errors: &[ActError]) -> Said {
    let is = |wanted: fn(&Reason) -> bool| decision.reasons.iter().find(|r| wanted(r));
    let refuses = |r: &Reason| matches!(r, Reason::SiteRefused { .. } | Reason::QuotaFull { .. });
    let refused = is(refuses);
    let unreachable = is(|r| matches!(r, Reason::SiteUnreachable { .. }));
    let short = is(|r| matches!(r, Reason::Short { .. })).is_some();
    if let Some(error) = errors.first() {
        Said::new("Stalled", true, error.word(), problems(errors))
    } else if let Some(reason) = refused {
        let all: Vec<_> = decision.reasons.iter().filter(|r| refuses(r)).collect();
        Said::new("Stalled", short, reason.word(), problems(&all))
    } else if let Some(warning) = subject.problems.first() {
        let text = problems(&subject.problems);
        Said::new("Stalled", false, warning.reason(), text)
    } else if let Some(reason) = unreachable {
        Said::new("Stalled", false, reason.word(), reason.to_string())
    } else {
        Said::new("Stalled", false, "Sound", "nothing needs a person")
    }
}

fn overflowing(world: &Workload, decision: &Decision) -> Said {
    let home = home(world);
    let away: Replicas = decision
        .shares
        .iter()
        .filter(|(site, _)| Some(*site) != home)
        .map(|(_, share)| share.desired)
        .sum();
    let why = decision
        .reasons
        .iter()
        .find(|reason| matches!(reason, Reason::Displaced { .. } | Reason::Draining { .. }));
    let why = why.or_else(|| {
        decision
            .reasons
            .iter()
            .find(|reason| matches!(reason, Reason::Overflow { .. }))
    });
    match (away > Replicas::ZERO, why) {
        (false, _) => Said::new("Overflowing", false, "AtHome", "every replica is at home"),
        (true, Some(why)) => Said::new("Overflowing", true, why.word(), why.to_string()),
        (true, None) => Said::new(
            "Overflowing",
            true,
            "Placed",
            format!("{away} away from home"),
        ),
    }
}

fn of_reason(
    kind: &'static str,
    fine: &str,
    words: &str,
    decision: &Decision,
    is: fn(&Reason) -> bool,
) -> Said {
    match decision.reasons.iter().find(|reason| is(reason)) {
        Some(reason) => Said::new(kind, true, reason.word(), reason.to_string()),
        None => Said::new(kind, false, fine, words),
    }
}

fn bottlenecked(world: &Workload, decision: &Decision) -> Option<Said> {
    if world.depends.is_empty() {
        return None;
    }
    let is = |reason: &&Reason| matches!(reason, Reason::Bottlenecked { .. });
    let all: Vec<_> = decision.reasons.iter().filter(is).collect();
    Some(match all.first() {
        Some(first) => {
            Said::new("Bottlenecked", true, first.word(), problems(&all)).with_cause_in_text()
        }
        None => Said::new(
            "Bottlenecked",
            false,
            "Served",
            "all that it depends on can serve what is asked",
        ),
    })
}

fn scaling(world: &Workload, decision: &Decision) -> Vec<Said> {
    match (&world.demand, &decision.metrics) {
        (Demand::Untouched | Demand::Fixed(_), _) => vec![],
        (Demand::Metrics(demand), Some(outcome)) => metrics::conditions(demand, outcome),
        (Demand::Load(_) | Demand::Metrics(_), _) => {
            let fault = decision.reasons.iter().find(|reason| {
                matches!(
                    reason,
                    Reason::NoSignal(_)
                        | Reason::StaleSignal { .. }
                        | Reason::MetricInvalid { .. }
                        | Reason::ScalingDisabled
                )
            });
            vec![match fault {
                Some(fault) => Said::new("ScalingActive", false, fault.word(), fault.to_string()),
                None => Said::new(
                    "ScalingActive",
                    true,
                    "SignalFresh",
                    "the total follows its signal",
                ),
            }]
        }
    }
}

fn guarded(subject: &WorkloadSubject, guard: &GuardState) -> Option<Said> {
    if subject.class != Class::Sensitive {
        return None;
    }
    let off = &subject.off_lawful_nodes;
    Some(if !off.is_empty() {
        let named: Vec<_> = off
            .iter()
            .take(NAMED_MAX)
            .map(|(pod, node)| format!("{pod} on {node}"))
            .collect();
        let message = format!(
            "{} pods are on nodes that are not sovereign: {}; delete them",
            off.len(),
            named.join(", ")
        );
        Said::new("Guarded", false, "PodsOffLawfulNodes", message)
    } else {
        match guard {
            GuardState::InPlace => Said::new(
                "Guarded",
                true,
                "GuardInPlace",
                "the API server refuses every other node",
            ),
            GuardState::Missing(why) => Said::new("Guarded", false, "GuardNotInPlace", why.clone()),
            GuardState::Unknown => {
                Said::unknown("Guarded", "GuardNotApplied", "the guard is being applied")
            }
        }
    })
}

#[cfg(test)]
mod tests;
