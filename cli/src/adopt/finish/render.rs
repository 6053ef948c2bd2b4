//! What a take-over shows before and after, for people and for machines.

use super::plan::{Plan, Step};
use crate::adopt::phase::Phase;
use crate::adopt::render::FORMAT;
use crate::handover::{Ending, Facts, Note, Target, note, owners};
use serde::Serialize;

/// What is shown.
#[derive(Serialize, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Finished<'a> {
    format: &'static str,
    namespace: &'a str,
    target: &'a Target,
    phase: Phase,
    notes: &'a [Note],
    steps: &'a [Step],
    started_replicas: Option<i32>,
    git: Vec<String>,
    ending: Ending,
    #[serde(skip)]
    words: String,
}

impl<'a> Finished<'a> {
    /// Of a plan.
    pub fn of(facts: &'a Facts, plan: &'a Plan) -> Self {
        let record = facts.workload.as_ref().and_then(|found| found.record());
        Self {
            format: FORMAT,
            namespace: &facts.namespace,
            target: &facts.target,
            phase: plan.phase,
            notes: &plan.notes,
            steps: &plan.steps,
            started_replicas: record.and_then(|record| record.started_replicas),
            git: git(facts),
            ending: Ending::Shown,
            words: plan.phase.words(facts),
        }
    }

    /// With its end.
    pub fn ended(&self, ending: Ending) -> Self {
        Self {
            ending,
            ..self.clone()
        }
    }

    /// Before anything is done: what is in the way, and the steps.
    pub fn before(&self) -> String {
        let mut text = note::text(self.notes);
        for (at, step) in self.steps.iter().enumerate() {
            text += &format!("{}. {}\n", at + 1, step.words());
        }
        text
    }

    /// After it: where it stands, and what to change in Git.
    pub fn after(&self) -> String {
        let mut text = String::new();
        match self.ending {
            Ending::Shown => text += "dry run: nothing was written\n",
            Ending::Refused => text += "nothing was written\n",
            Ending::Stopped => text += "stopped on the way; what serves goes on\n",
            Ending::Done | Ending::Unread => {}
        }
        text += &format!("{}\n", self.words);
        let held = match self.phase {
            Phase::Adopted | Phase::HoldingFloor => true,
            Phase::NotAdopted
            | Phase::Observing
            | Phase::TakingOver
            | Phase::Paused
            | Phase::Releasing => false,
        };
        if held && !self.git.is_empty() {
            text += "\nIn Git, now that Pinisi is owner of the count:\n";
            for line in &self.git {
                text += &format!("  - {line}\n");
            }
        }
        text
    }
}

/// What to change in Git, in order.
fn git(facts: &Facts) -> Vec<String> {
    let mut lines = Vec::new();
    let (Some(scalable), Some(workload)) = (&facts.scalable, &facts.workload) else {
        return lines;
    };
    if workload.sets_count() {
        lines.extend(owners::advice(
            &facts.namespace,
            &facts.target,
            &scalable.meta,
        ));
    }
    let record = workload.record();
    if let Some(saved) = record.and_then(|record| record.autoscaler.as_ref()) {
        let meta = &saved.manifest["metadata"];
        let meta = serde_json::from_value(meta.clone()).unwrap_or_default();
        if let Some(who) = owners::comes_back(&meta) {
            let kind = crate::handover::fields::text(&saved.manifest, "/kind");
            let name = crate::handover::fields::name(&saved.manifest);
            lines.push(format!(
                "take {kind} {name} out of {who}'s source: while it is there Pinisi leaves the count to it"
            ));
        }
    }
    if !lines.is_empty() {
        lines.push(format!(
            "if HybridWorkload {} is in Git as well: set spec.mode to Active there",
            workload.name()
        ));
    }
    lines
}
