//! `adopt finish`: takes the count over, one step after another. After each step everything is read
//! and planned anew, so that it can be interrupted anywhere and resumed by the same command.

mod act;
mod obstacles;
mod plan;
mod render;
#[cfg(test)]
mod tests;
mod until;

use super::args::FinishOptions;
use super::unknown;
use crate::args::Output;
use crate::handover::cluster::{CONFLICT, code};
use crate::handover::note::any_obstacle;
use crate::handover::progress::agreed;
use crate::handover::{Cluster, Ending, Facts, Note, Progress};
use crate::output::{document, print};
use anyhow::Result;
use plan::{Plan, Step, plan};
use render::Finished;

/// Most steps that one call makes; a take-over has at most seven, each may be tried again.
const ROUNDS_MAX: usize = 40;

/// Takes over.
///
/// # Errors
/// The server cannot be read, or standard output is closed.
pub async fn run(cluster: &Cluster, options: &FinishOptions, output: Output) -> Result<Ending> {
    let mut progress = Progress::new();
    let (mut facts, mut planned) = look(cluster, options).await?;
    if facts.workload.is_none() {
        return Err(unknown(&options.target, &cluster.namespace));
    }
    if output == Output::Text {
        print(&Finished::of(&facts, &planned).before())?;
    }
    let ending = if any_obstacle(&planned.notes) {
        Ending::Refused
    } else if planned.steps.is_empty() {
        Ending::Done
    } else if options.dry_run {
        Ending::Shown
    } else if !agreed("Take the count over?", options.yes)? {
        Ending::Refused
    } else {
        let mut work = Work {
            cluster,
            options,
            progress: &mut progress,
        };
        let ending = work.through(&mut facts, &mut planned).await?;
        (facts, planned) = look(cluster, options).await?;
        ending
    };
    let shown = Finished::of(&facts, &planned).ended(ending);
    print(&match output {
        Output::Text => shown.after(),
        Output::Json | Output::Yaml | Output::Junit => document(&shown, output)?,
    })?;
    Ok(ending)
}

async fn look(cluster: &Cluster, options: &FinishOptions) -> Result<(Facts, Plan)> {
    let FinishOptions {
        target,
        delete_scaledobject,
        dry_run: _,
        yes: _,
        no_wait: _,
    } = options;
    let facts = cluster.facts(target, &target.name).await?;
    let planned = plan(&facts, *delete_scaledobject);
    Ok((facts, planned))
}

/// The work of one call.
struct Work<'a> {
    cluster: &'a Cluster,
    options: &'a FinishOptions,
    progress: &'a mut Progress,
}

impl Work<'_> {
    /// Step by step until nothing is left, or something stops it.
    async fn through(&mut self, facts: &mut Facts, planned: &mut Plan) -> Result<Ending> {
        let mut last = None;
        for _ in 0..ROUNDS_MAX {
            if let Some(note) = planned.notes.iter().find(is_obstacle) {
                self.progress
                    .say(&format!("stopped: {}: {}", note.object, note.message));
                return Ok(Ending::Stopped);
            }
            let Some(step) = planned.steps.first() else {
                return Ok(Ending::Done);
            };
            if self.options.no_wait && matches!(step, Step::HoldFloor { .. }) {
                return Ok(Ending::Done);
            }
            if last.as_ref() != Some(step) {
                self.progress.say(&step.words());
            }
            if let Err(error) = self.perform(step, facts).await {
                // Something moved since it was read: look again.
                if code(&error) != Some(CONFLICT) {
                    self.progress.say(&format!("stopped: {error:#}"));
                    return Ok(Ending::Stopped);
                }
            }
            last = Some(step.clone());
            (*facts, *planned) = look(self.cluster, self.options).await?;
        }
        self.progress
            .say("stopped: the objects change faster than they can be handed over; try again in a quieter moment");
        Ok(Ending::Stopped)
    }
}

fn is_obstacle(note: &&Note) -> bool {
    note.weight == crate::handover::Weight::Obstacle
}
