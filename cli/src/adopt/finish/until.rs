//! Whether a step has had its effect, read off the objects. Pure.

use super::plan::Step;
use crate::handover::{Facts, owners};
use pinisi_crds::hybrid_workload::Mode;
use std::time::Duration;

/// How long the operator may take to read a spec and to say so.
pub const OPERATOR_LIMIT: Duration = Duration::from_secs(60);
/// How long KEDA may take to take its HPA away.
pub const KEDA_LIMIT: Duration = Duration::from_secs(90);

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

/// How long a step may take to have its effect.
pub const fn limit(step: &Step) -> Duration {
    match step {
        Step::RemoveAutoscaler { .. } => KEDA_LIMIT,
        Step::SaveAutoscaler { .. }
        | Step::Activate { .. }
        | Step::OwnCount { .. }
        | Step::HoldFloor { .. }
        | Step::LowerFloor { .. }
        | Step::Complete => OPERATOR_LIMIT,
    }
}

/// Looks.
pub fn look(step: &Step, facts: &Facts) -> Look {
    let Some(workload) = &facts.workload else {
        return Look::Failed("the HybridWorkload is gone".into());
    };
    match step {
        Step::SaveAutoscaler { .. } | Step::LowerFloor { .. } | Step::Complete => Look::Done,
        Step::Activate { .. } => {
            if workload.mode() != Mode::Active {
                return Look::Failed(format!("somebody set mode {:?}", workload.mode()));
            }
            if !workload.observed() {
                return Look::Wait("the operator to read the workload".into());
            }
            if let Some(stalled) = workload.stalled() {
                return Look::Failed(format!("it is stalled: {}", stalled.message));
            }
            // Only an HPA can be seen by the operator; a ScaledObject without one holds nothing.
            let Some(holder) = facts.holder().filter(|holder| holder.hpa().is_some()) else {
                return Look::Done;
            };
            let words = holder.words();
            match workload.contested() {
                Some(said) if said.message.contains(&words) => Look::Done,
                Some(_) | None => Look::Wait(format!("the operator to leave the count to {words}")),
            }
        }
        Step::RemoveAutoscaler { autoscaler, .. } => match facts.holder() {
            None => Look::Done,
            Some(_) => Look::Wait(format!("{autoscaler} to let go of the count")),
        },
        Step::OwnCount { .. } => {
            if let Some(holder) = facts.holder() {
                return Look::Failed(format!(
                    "{} is there again; whoever puts it there must stop first, see kubectl get hpa -o yaml",
                    holder.words()
                ));
            }
            let owned = facts
                .scalable
                .as_ref()
                .is_some_and(|found| owners::is_ours(&found.meta));
            match (owned, workload.contested()) {
                (true, None) if workload.observed() => Look::Done,
                (true, Some(said)) => {
                    Look::Wait(format!("the operator to hold the count ({})", said.message))
                }
                (true, None) => Look::Wait("the operator to read the workload".into()),
                (false, _) => Look::Wait("Pinisi to be owner of the count".into()),
            }
        }
        Step::HoldFloor { replicas, .. } => match facts.holder() {
            Some(holder) => Look::Failed(format!(
                "{} is there again and holds the count; whoever puts it there must stop first",
                holder.words()
            )),
            None => Look::Wait(format!(
                "the window to pass; floor {replicas}, {} run, Pinisi wants {}",
                facts.running(),
                workload.status.replicas
            )),
        },
    }
}
