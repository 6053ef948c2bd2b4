//! What the first step shows, for people and for machines.

use super::phase::Phase;
use super::plan::{Plan, Step};
use crate::handover::{Ending, Facts, Note, Target, note};
use serde::Serialize;
use serde_json::Value;

/// The JSON's name: fields are only ever added under it.
pub const FORMAT: &str = "pinisi-adopt/v1";

/// What is shown.
#[derive(Serialize, Clone, Debug)]
pub struct Made<'a> {
    format: &'static str,
    namespace: &'a str,
    target: &'a Target,
    phase: Phase,
    notes: &'a [Note],
    steps: &'a [Step],
    manifest: Option<&'a Value>,
    ending: Ending,
    #[serde(skip)]
    words: String,
}

impl<'a> Made<'a> {
    /// Of a plan.
    pub fn of(facts: &'a Facts, plan: &'a Plan) -> Self {
        Self {
            format: FORMAT,
            namespace: &facts.namespace,
            target: &facts.target,
            phase: plan.phase,
            notes: &plan.notes,
            steps: &plan.steps,
            manifest: plan.manifest.as_ref(),
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

    /// For people: the manifest, what is to be said, and the steps.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if let Some(manifest) = self.manifest {
            let yaml = serde_saphyr::to_string(manifest);
            text += &yaml.unwrap_or_else(|error| format!("# cannot be shown: {error}\n"));
            text += "\n";
        }
        text += &note::text(self.notes);
        for step in self.steps {
            text += &format!("do    {}\n", step.words(self.namespace));
        }
        if self.manifest.is_none() {
            text += &format!("{}\n", self.words);
        } else if self.steps.is_empty() {
            text += "nothing was written: see STOP above\n";
        }
        text
    }
}
