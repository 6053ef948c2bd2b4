//! What a release shows before and after, for people and for machines.

use super::plan::{Plan, Step};
use crate::handover::{Autoscaler, Ending, Facts, Note, note};
use serde::Serialize;

/// The JSON's name: fields are only ever added under it.
const FORMAT: &str = "pinisi-release/v1";

/// What is shown.
#[derive(Serialize, Clone, Debug)]
pub struct Released<'a> {
    format: &'static str,
    namespace: &'a str,
    workload: &'a str,
    notes: &'a [Note],
    steps: &'a [Step],
    ending: Ending,
    #[serde(skip)]
    holder: String,
}

impl<'a> Released<'a> {
    /// Of a plan.
    pub fn of(facts: &'a Facts, workload: &'a str, plan: &'a Plan) -> Self {
        let target = &facts.target;
        Self {
            format: FORMAT,
            namespace: &facts.namespace,
            workload,
            notes: &plan.notes,
            steps: &plan.steps,
            ending: Ending::Shown,
            holder: match facts.holder().map(Autoscaler::words) {
                Some(holder) => format!("{holder} scales {target} again"),
                None => format!(
                    "{target} runs {}, its count is set by hand",
                    facts.running()
                ),
            },
        }
    }

    /// With its end.
    pub fn ended(&self, ending: Ending) -> Self {
        Self {
            ending,
            ..self.clone()
        }
    }

    /// Before anything is done.
    pub fn before(&self) -> String {
        let mut text = note::text(self.notes);
        for (at, step) in self.steps.iter().enumerate() {
            text += &format!("{}. {}\n", at + 1, step.words());
        }
        text
    }

    /// After it.
    pub fn after(&self) -> String {
        let name = self.workload;
        match self.ending {
            Ending::Done => format!("HybridWorkload {name} is released; {}\n", self.holder),
            Ending::Shown => "dry run: nothing was written\n".into(),
            Ending::Refused => "nothing was written\n".into(),
            Ending::Stopped | Ending::Unread => format!(
                "stopped on the way; what serves goes on; resume with: kubectl pinisi release hw/{name} --namespace {}\n",
                self.namespace
            ),
        }
    }
}
