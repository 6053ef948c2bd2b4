//! The release as a value: what is left to do, read off the objects. Pure: planning again after
//! each step shows one step less, wherever it was interrupted.

use super::obstacles;
use crate::handover::record::Taken;
use crate::handover::{Facts, Note, Workload, fields};
use pinisi_crds::hybrid_workload::Mode;
use serde::Serialize;
use std::collections::BTreeMap;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all_fields = "camelCase")]
pub enum Step {
    /// Make at home what runs elsewhere, which goes on serving.
    RaiseHome {
        /// The site where the target itself runs.
        site: String,
        /// Replicas that it then has.
        replicas: i32,
        /// What stays elsewhere meanwhile, by site.
        away: BTreeMap<String, i32>,
    },
    /// Take away what runs elsewhere.
    EmptyAway {
        /// The site where the target itself runs.
        site: String,
        /// Replicas there.
        replicas: i32,
        /// Sites to be emptied.
        away: Vec<String>,
    },
    /// Mode Paused: the operator writes no count.
    Pause,
    /// Give the autoscaler back.
    RestoreAutoscaler {
        /// Kind and name.
        autoscaler: String,
        /// How it was taken.
        taken: Taken,
    },
    /// Delete the HybridWorkload.
    DeleteWorkload,
}

impl Step {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::RaiseHome {
                site,
                replicas,
                away,
            } => {
                let names: Vec<_> = away
                    .iter()
                    .map(|(name, replicas)| format!("{replicas} at {name}"))
                    .collect();
                format!(
                    "make {replicas} at home ({site}) and wait until they are Ready; meanwhile {} serve on",
                    names.join(", ")
                )
            }
            Self::EmptyAway { away, .. } => {
                format!("take away what runs at {}", away.join(", "))
            }
            Self::Pause => "set mode Paused: the operator writes no count any more".into(),
            Self::RestoreAutoscaler {
                autoscaler,
                taken: Taken::Deleted,
            } => format!("make {autoscaler} again, as it was, and wait until it has looked"),
            Self::RestoreAutoscaler {
                autoscaler,
                taken: Taken::Paused,
            } => format!("resume {autoscaler}, and wait until KEDA's HPA has looked"),
            Self::DeleteWorkload => "delete the HybridWorkload; what runs runs on".into(),
        }
    }
}

/// What is left to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// In order.
    pub steps: Vec<Step>,
    /// What stands in the way, and what to look at.
    pub notes: Vec<Note>,
}

/// Decides.
pub fn plan(facts: &Facts, force_partial: bool) -> Plan {
    let steps = match &facts.workload {
        Some(workload) => steps(facts, workload),
        None => vec![],
    };
    Plan {
        notes: obstacles::of(facts, &steps, force_partial),
        steps,
    }
}

fn steps(facts: &Facts, workload: &Workload) -> Vec<Step> {
    let mut steps = Vec::new();
    if workload.deleting() {
        return vec![Step::DeleteWorkload];
    }
    let away = away(facts, workload);
    if let (Some(home), false) = (workload.home(), away.is_empty()) {
        let replicas = total(facts, workload, home, &away);
        let ready = facts.scalable.as_ref().map_or(0, |found| found.ready);
        let raised = facts.running() >= replicas && ready >= replicas;
        if !raised {
            steps.push(Step::RaiseHome {
                site: home.to_owned(),
                replicas,
                away: away.clone(),
            });
        }
        steps.push(Step::EmptyAway {
            site: home.to_owned(),
            replicas,
            away: away.into_keys().collect(),
        });
    }
    let holder = facts.holder();
    if workload.mode() != Mode::Paused && (workload.mode() == Mode::Active || !steps.is_empty()) {
        steps.push(Step::Pause);
    }
    let saved = workload
        .record()
        .and_then(|record| record.autoscaler.as_ref());
    if let (Some(saved), None) = (saved, holder) {
        steps.push(Step::RestoreAutoscaler {
            autoscaler: format!(
                "{} {}",
                fields::text(&saved.manifest, "/kind"),
                fields::name(&saved.manifest)
            ),
            taken: saved.taken,
        });
    }
    steps.push(Step::DeleteWorkload);
    steps
}

/// What runs elsewhere than at home, by site: siblings as they are, and what status says of other
/// clusters.
pub fn away(facts: &Facts, workload: &Workload) -> BTreeMap<String, i32> {
    let home = workload.home();
    let mut away: BTreeMap<String, i32> = workload
        .status
        .sites
        .iter()
        .filter(|share| Some(share.name.as_str()) != home && (share.desired > 0 || share.ready > 0))
        .map(|share| (share.name.clone(), share.desired.max(share.ready)))
        .collect();
    for sibling in &facts.siblings {
        away.insert(sibling.site.clone(), sibling.replicas);
    }
    away
}

/// What home has in the end: what an earlier call has said already, else what was decided last.
fn total(facts: &Facts, workload: &Workload, home: &str, away: &BTreeMap<String, i32>) -> i32 {
    let pins = fields::list(&workload.object, "/spec/override/sites");
    let pinned = pins
        .iter()
        .find(|pin| fields::text(pin, "/name") == home)
        .and_then(|pin| fields::number(pin, "/replicas"));
    let releasing = workload
        .record()
        .is_some_and(|record| record.releasing_since.is_some());
    if let (Some(pinned), true) = (pinned, releasing) {
        return pinned;
    }
    if workload.status.replicas > 0 {
        return workload.status.replicas.max(facts.running());
    }
    away.values().fold(facts.running(), |sum, replicas| {
        sum.saturating_add(*replicas)
    })
}
