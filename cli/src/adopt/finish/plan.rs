//! The take-over as a value: what is left to do, read off the objects. Pure: planning again after
//! each step shows one step less, wherever it was interrupted.

use super::obstacles;
use super::until::{Look, look};
use crate::adopt::phase::Phase;
use crate::handover::record::Taken;
use crate::handover::{Facts, Note, Workload, owners};
use jiff::SignedDuration;
use pinisi_crds::hybrid_workload::Mode;
use serde::Serialize;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all_fields = "camelCase")]
pub enum Step {
    /// Keep the autoscaler in the workload's annotation, so that it can be given back.
    SaveAutoscaler {
        /// Kind and name.
        autoscaler: String,
        /// How it will be taken off the count.
        taken: Taken,
    },
    /// Mode Active. Nothing is written by the operator while the autoscaler is there.
    Activate {
        /// `minReplicas` for the time being; `None` where it is not below what runs.
        floor: Option<i32>,
        /// `spec.replicas`, where there is no autoscaling; `None` where it is said or not ours.
        replicas: Option<i32>,
    },
    /// Take the autoscaler off the count.
    RemoveAutoscaler {
        /// Kind and name.
        autoscaler: String,
        /// How.
        taken: Taken,
    },
    /// Make the operator an owner of `spec.replicas`, at the count that it has.
    OwnCount {
        /// That count.
        replicas: i32,
    },
    /// Wait for one scale-down window.
    HoldFloor {
        /// The floor.
        replicas: i32,
        /// The window.
        seconds: i32,
    },
    /// `minReplicas` as it was.
    LowerFloor {
        /// That; `None` where it was absent.
        min_replicas: Option<i32>,
    },
    /// Note that the take-over is complete.
    Complete,
}

impl Step {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::SaveAutoscaler { autoscaler, .. } => {
                format!("save {autoscaler} in the workload's annotation")
            }
            Self::Activate {
                floor: Some(floor), ..
            } => format!(
                "set mode Active with a floor of {floor}, and wait until the operator has read it"
            ),
            Self::Activate {
                replicas: Some(replicas),
                ..
            } => format!(
                "set mode Active with spec.replicas {replicas}, and wait until the operator has read it"
            ),
            Self::Activate { .. } => {
                "set mode Active, and wait until the operator has read it".into()
            }
            Self::RemoveAutoscaler {
                autoscaler,
                taken: Taken::Deleted,
            } => format!("delete {autoscaler}, as it was saved"),
            Self::RemoveAutoscaler {
                autoscaler,
                taken: Taken::Paused,
            } => format!("pause {autoscaler}, and wait until KEDA has taken its HPA away"),
            Self::OwnCount { replicas } => {
                format!("make Pinisi owner of spec.replicas, at {replicas} as it is")
            }
            Self::HoldFloor { replicas, seconds } => {
                format!("hold the floor of {replicas} for one scale-down window of {seconds} s")
            }
            Self::LowerFloor { min_replicas } => match min_replicas {
                Some(min) => format!("set minReplicas back to {min}"),
                None => "take minReplicas out again".into(),
            },
            Self::Complete => "note that the take-over is complete".into(),
        }
    }
}

/// What is left to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Where it stands.
    pub phase: Phase,
    /// In order.
    pub steps: Vec<Step>,
    /// What stands in the way, and what to look at.
    pub notes: Vec<Note>,
}

/// Decides. Steps are shown although something stands in the way; they are made only where nothing
/// does.
pub fn plan(facts: &Facts, delete_scaled_object: bool) -> Plan {
    let phase = Phase::of(facts);
    let steps = match &facts.workload {
        Some(workload) => steps(facts, workload, delete_scaled_object),
        None => vec![],
    };
    Plan {
        phase,
        notes: obstacles::of(facts, &steps, delete_scaled_object),
        steps,
    }
}

fn steps(facts: &Facts, workload: &Workload, delete_scaled_object: bool) -> Vec<Step> {
    let record = workload.record().cloned().unwrap_or_default();
    let holder = facts.holder();
    let mut steps = Vec::new();
    if let Some(holder) = holder {
        let taken = holder.way(delete_scaled_object);
        let saved = record.autoscaler.as_ref();
        if saved.is_none_or(|saved| saved.manifest != holder.manifest() || saved.taken != taken) {
            steps.push(Step::SaveAutoscaler {
                autoscaler: holder.words(),
                taken,
            });
        }
    }
    let held = record.held_since.is_some() || record.finished_at.is_some();
    let floor = floor(facts, workload).filter(|_| !held || holder.is_some());
    let replicas = fixed(facts, workload);
    let activate = Step::Activate { floor, replicas };
    // Read by the operator or not: where it was interrupted that has to be waited for again.
    let unread = holder.is_some() && look(&activate, facts) != Look::Done;
    if workload.mode() != Mode::Active || floor.is_some() || replicas.is_some() || unread {
        steps.push(activate);
    }
    if let Some(holder) = holder {
        steps.push(Step::RemoveAutoscaler {
            autoscaler: holder.words(),
            taken: holder.way(delete_scaled_object),
        });
    }
    let owned = facts
        .scalable
        .as_ref()
        .is_some_and(|found| owners::is_ours(&found.meta));
    let sets = workload.sets_count() || replicas.is_some();
    if sets && (!owned || record.held_since.is_none() || holder.is_some()) {
        steps.push(Step::OwnCount {
            replicas: facts.running(),
        });
    }
    let standing = record.floor.map(|floor| (floor.replicas, floor.min_before));
    let coming = floor.map(|floor| {
        let before = record
            .floor
            .map_or(workload.min_said(), |old| old.min_before);
        (floor, before)
    });
    match coming.or(standing) {
        Some((replicas, min_replicas)) => {
            let seconds = workload.window_seconds();
            let window = SignedDuration::from_secs(i64::from(seconds));
            let held = record.held_since.filter(|_| holder.is_none());
            if held.is_none_or(|since| facts.now.duration_since(since) < window) {
                steps.push(Step::HoldFloor { replicas, seconds });
            }
            steps.push(Step::LowerFloor { min_replicas });
        }
        None if record.finished_at.is_none() => steps.push(Step::Complete),
        None => {}
    }
    steps
}

/// What `minReplicas` has to be raised to; `None` where it is not below what runs.
pub fn floor(facts: &Facts, workload: &Workload) -> Option<i32> {
    workload.autoscaling()?;
    let running = facts.running();
    (running > workload.min()).then_some(running)
}

/// What `spec.replicas` has to become where there is no autoscaling and the count becomes ours.
fn fixed(facts: &Facts, workload: &Workload) -> Option<i32> {
    if workload.autoscaling().is_some() {
        return None;
    }
    let running = facts.running();
    let ours = facts.holder().is_some() || workload.sets_count();
    let settled = workload.mode() == Mode::Active && facts.holder().is_none();
    (ours && !(settled && workload.fixed().is_some()) && workload.fixed() != Some(running))
        .then_some(running)
}
