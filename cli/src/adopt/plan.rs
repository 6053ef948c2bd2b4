//! The first step of an adoption as a value: what will be made, and everything that is to be said
//! about it. Pure.

use super::convert::{LoadChoice, convert};
use super::ground::{Ground, Judged, Wish, judge};
use super::manifest::{self, Parts};
use super::phase::{Phase, readable};
use crate::handover::note::any_obstacle;
use crate::handover::{Facts, Note};
use serde::Serialize;
use serde_json::Value;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "step", rename_all_fields = "camelCase")]
pub enum Step {
    /// Say the namespace's class.
    LabelNamespace {
        /// The class.
        class: &'static str,
    },
    /// Make the HybridWorkload, in mode Observe.
    CreateWorkload {
        /// Its name.
        name: String,
    },
}

impl Step {
    /// In words.
    pub fn words(&self, namespace: &str) -> String {
        match self {
            Self::LabelNamespace { class } => {
                format!("label Namespace {namespace} with class {class}")
            }
            Self::CreateWorkload { name } => {
                format!("create HybridWorkload {name} in mode Observe: it writes no count")
            }
        }
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Where it stands.
    pub phase: Phase,
    /// What is to be done, in order; empty where there is an obstacle or a workload.
    pub steps: Vec<Step>,
    /// The workload to be made.
    pub manifest: Option<Value>,
    /// Everything to be said.
    pub notes: Vec<Note>,
}

/// Decides. Where the target has a workload already nothing is to be done.
pub fn plan(facts: &Facts, ground: &Ground, wish: &Wish, load: &LoadChoice, name: &str) -> Plan {
    let phase = Phase::of(facts);
    let mut notes = Vec::new();
    readable(facts, &mut notes);
    if let Some(workload) = &facts.workload {
        if workload.class() != Some(wish.class) {
            notes.push(
                Note::look(
                    &workload.words(),
                    "was adopted with the other class; --class is not looked at any more",
                    "release it, and adopt it anew in a namespace of that class",
                )
                .at("spec.class"),
            );
        }
        return Plan {
            phase,
            steps: vec![],
            manifest: None,
            notes,
        };
    }
    let Judged {
        sites,
        label,
        notes: found,
    } = judge(facts, ground, wish);
    notes.extend(found);
    let converted = facts
        .autoscalers
        .first()
        .map(|autoscaler| convert(&facts.namespace, autoscaler, load));
    let autoscaling = match converted {
        Some(converted) => {
            notes.extend(converted.notes);
            converted.autoscaling
        }
        None => by_hand(facts, load, &mut notes),
    };
    let parts = Parts {
        namespace: &facts.namespace,
        name,
        class: wish.class,
        target: &facts.target,
        sites: &sites,
        autoscaling: autoscaling.as_ref(),
    };
    let manifest = match manifest::build(&parts) {
        Ok(manifest) => Some(manifest),
        Err(why) => {
            notes.push(Note::obstacle("HybridWorkload", why, "report this"));
            None
        }
    };
    let mut steps = Vec::new();
    if !any_obstacle(&notes) {
        if label {
            steps.push(Step::LabelNamespace {
                class: crate::check::class_word(wish.class),
            });
        }
        steps.push(Step::CreateWorkload {
            name: name.to_owned(),
        });
    }
    Plan {
        phase,
        steps,
        manifest,
        notes,
    }
}

/// Nobody scales it now.
fn by_hand(facts: &Facts, load: &LoadChoice, notes: &mut Vec<Note>) -> Option<Value> {
    if load.signal.is_some() {
        notes.push(Note::obstacle(
            &facts.target.to_string(),
            "has no autoscaler that says the fewest and the most replicas",
            "write the HybridWorkload by hand with spec.autoscaling, or leave --load out: the count is then set by hand",
        ));
        return None;
    }
    notes.push(Note::told(
        &facts.target.to_string(),
        "no HPA and no ScaledObject scales it: the count stays set by hand, from then on with kubectl scale hw",
    ));
    None
}
