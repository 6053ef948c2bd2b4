//! Whether a step of a release has had its effect, read off the objects. Pure.

use super::plan::{Step, away};
use crate::handover::Facts;
use crate::handover::fields::condition;
use pinisi_crds::hybrid_workload::Mode;

/// How far a step is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// It has had its effect.
    Done,
    /// Not yet; what is waited for.
    Wait(String),
    /// It will not.
    Failed(String),
}

/// Looks.
pub fn look(step: &Step, facts: &Facts) -> Look {
    let Some(workload) = &facts.workload else {
        return match step {
            Step::DeleteWorkload => Look::Done,
            _ => Look::Failed("the HybridWorkload is gone".into()),
        };
    };
    match step {
        Step::RaiseHome { replicas, .. } => {
            let ready = facts.scalable.as_ref().map_or(0, |found| found.ready);
            if workload.mode() != Mode::Active {
                Look::Failed(format!("somebody set mode {:?}", workload.mode()))
            } else if facts.running() < *replicas {
                Look::Wait(format!(
                    "the operator to raise home from {} to {replicas}",
                    facts.running()
                ))
            } else if ready < *replicas {
                Look::Wait(format!("home to be Ready, {ready} of {replicas} are"))
            } else {
                Look::Done
            }
        }
        Step::EmptyAway { .. } => {
            let left = away(facts, workload);
            if workload.mode() != Mode::Active {
                Look::Failed(format!("somebody set mode {:?}", workload.mode()))
            } else if left.is_empty() {
                Look::Done
            } else {
                let names: Vec<_> = left.keys().map(String::as_str).collect();
                Look::Wait(format!("the operator to empty {}", names.join(", ")))
            }
        }
        Step::Pause => {
            if workload.observed() {
                Look::Done
            } else {
                Look::Wait("the operator to read it".into())
            }
        }
        Step::RestoreAutoscaler { autoscaler, .. } => {
            let hpa = facts.holder().and_then(|holder| holder.hpa());
            let looked = hpa.and_then(|hpa| condition(hpa, "AbleToScale"));
            match looked {
                Some(able) if able.status == "True" => Look::Done,
                Some(_) | None => Look::Wait(format!("{autoscaler} to look at the target")),
            }
        }
        Step::DeleteWorkload => Look::Wait(if workload.has_finalizer() {
            "the operator to let the HybridWorkload go".into()
        } else {
            "the HybridWorkload to go".into()
        }),
    }
}
