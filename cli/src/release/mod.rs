//! `release`: gives a workload back to the autoscaler that it was adopted from, one step after
//! another. After each everything is read and planned anew, so that it can be interrupted anywhere
//! and resumed by the same command.

mod act;
pub mod args;
mod obstacles;
mod plan;
mod render;
#[cfg(test)]
mod tests;
mod until;

use crate::adopt::cluster;
use crate::args::{Global, Output};
use crate::connect::{Otherwise, connect};
use crate::handover::cluster::{CONFLICT, code};
use crate::handover::note::any_obstacle;
use crate::handover::progress::agreed;
use crate::handover::{Cluster, Ending, Facts, Progress, Target};
use crate::output::{document, print};
use anyhow::{Result, anyhow};
use args::ReleaseOptions;
use pinisi_crds::hybrid_workload::TargetRef;
use plan::{Step, plan};
use render::Released;
use std::process::ExitCode;

/// Most steps that one call makes; a release has at most five, each may be tried again.
const ROUNDS_MAX: usize = 30;

/// Releases.
///
/// # Errors
/// The server cannot be reached or read, or standard output is closed.
pub async fn run(global: &Global, options: &ReleaseOptions) -> Result<ExitCode> {
    let connection = connect(global, Otherwise::ContextNamespace).await?;
    let cluster = cluster(&connection)?;
    let facts = read(&cluster, options).await?;
    if facts.workload.is_none() {
        return Err(anyhow!(
            "there is no HybridWorkload {} in namespace {}: see kubectl pinisi status -A",
            options.workload,
            cluster.namespace
        ));
    }
    let planned = plan(&facts, options.force_partial);
    if global.output == Output::Text {
        print(&Released::of(&facts, &options.workload, &planned).before())?;
    }
    let ending = if any_obstacle(&planned.notes) {
        Ending::Refused
    } else if options.dry_run {
        Ending::Shown
    } else if !agreed("Give it back?", options.yes)? {
        Ending::Refused
    } else {
        let mut work = Work {
            cluster: &cluster,
            options,
            progress: Progress::new(),
            fits: None,
        };
        work.through(facts.clone()).await?
    };
    let (facts, planned) = match ending {
        Ending::Done | Ending::Stopped => {
            let facts = read(&cluster, options).await?;
            let planned = plan(&facts, options.force_partial);
            (facts, planned)
        }
        Ending::Shown | Ending::Refused | Ending::Unread => (facts, planned),
    };
    let shown = Released::of(&facts, &options.workload, &planned).ended(ending);
    print(&match global.output {
        Output::Text => shown.after(),
        Output::Json | Output::Yaml | Output::Junit => document(&shown, global.output)?,
    })?;
    Ok(ending.into())
}

/// Everything about the workload's target, or about a target of its name where there is none.
async fn read(cluster: &Cluster, options: &ReleaseOptions) -> Result<Facts> {
    let name = &options.workload;
    let workload = cluster.workload(name).await?;
    let target = match &workload {
        Some(workload) => workload.target().ok_or_else(|| {
            anyhow!(
                "HybridWorkload {name} scales something that is neither a Deployment nor a StatefulSet: delete it with kubectl delete hw {name}, nothing was taken over for it"
            )
        })?,
        None => deployment(name),
    };
    let mut facts = cluster.facts(&target, name).await?;
    facts.workload = facts
        .workload
        .filter(|found| found.name() == name)
        .or(workload);
    Ok(facts)
}

fn deployment(name: &str) -> Target {
    let reference = TargetRef {
        api_version: Target::API_VERSION.into(),
        kind: "Deployment".into(),
        name: name.into(),
    };
    Target::of(&reference).unwrap_or(Target {
        kind: crate::handover::Kind::Deployment,
        name: name.into(),
    })
}

/// The work of one call.
struct Work<'a> {
    cluster: &'a Cluster,
    options: &'a ReleaseOptions,
    progress: Progress,
    /// What home holds, where that is fewer than wanted and enough nevertheless.
    fits: Option<i32>,
}

impl Work<'_> {
    async fn through(&mut self, first: Facts) -> Result<Ending> {
        let mut facts = first;
        let mut last: Option<Step> = None;
        for _ in 0..ROUNDS_MAX {
            let planned = plan(&facts, self.options.force_partial);
            if any_obstacle(&planned.notes) {
                self.progress
                    .say("stopped: something stands in the way now; look with --dry-run");
                return Ok(Ending::Stopped);
            }
            let mut steps = planned.steps.iter();
            let step = steps.find(|step| {
                // What fits has been raised, and is enough.
                !(self.fits.is_some() && matches!(step, Step::RaiseHome { .. }))
            });
            let Some(step) = step else {
                return Ok(Ending::Done);
            };
            if last.as_ref() != Some(step) {
                self.progress.say(&step.words());
            }
            if let Err(error) = self.perform(step, &facts).await
                && code(&error) != Some(CONFLICT)
            {
                self.progress.say(&format!("stopped: {error:#}"));
                return Ok(Ending::Stopped);
            }
            last = Some(step.clone());
            facts = read(self.cluster, self.options).await?;
        }
        self.progress
            .say("stopped: the objects change faster than they can be handed over; try again in a quieter moment");
        Ok(Ending::Stopped)
    }
}
