//! `cargo lab test`: everything that must hold, one step after the other, as two
//! cores want it. What the steps are is in `steps.rs`; running one is in `run.rs`.

mod deep;
mod deny;
mod fuzz;
mod purity;
mod run;
mod steps;
mod tree;

use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

pub use deep::{Case, deep};
pub use steps::{Step, all};

use crate::checkout::checkout;
use crate::progress::human;
use run::Runner;

/// How the run is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// Go on after a step that failed.
    pub keep_going: bool,
    /// The summary as JSON on standard output, and everything else on standard
    /// error.
    pub json: bool,
}

/// How one step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// It was not tried, as an earlier one failed.
    NotRun,
}

/// One step of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// The step's name.
    pub step: &'static str,
    /// How it ended.
    pub status: Status,
    /// How long it took.
    pub seconds: f64,
}

/// Runs all steps; `true` when every one passed.
///
/// # Errors
/// When a step cannot be started at all, or the run was interrupted.
pub async fn run(options: &Options) -> Result<bool> {
    let runner = Runner::new(checkout(), options.json)?;
    let begun = Instant::now();
    let mut outcomes: Vec<Outcome> = Vec::new();
    let steps = all();
    let total = steps.len();
    for (index, step) in steps.into_iter().enumerate() {
        let failed = outcomes
            .iter()
            .any(|outcome| outcome.status != Status::Passed);
        if failed && !options.keep_going {
            outcomes.push(Outcome {
                step: step.name,
                status: Status::NotRun,
                seconds: 0.0,
            });
            continue;
        }
        eprintln!("\n[{}/{total}] {}", index + 1, step.name);
        let started = Instant::now();
        let passed = runner.step(&step).await?;
        let status = if passed {
            Status::Passed
        } else {
            Status::Failed
        };
        outcomes.push(Outcome {
            step: step.name,
            status,
            seconds: seconds(started.elapsed()),
        });
        let word = if passed { "ok" } else { "FAILED" };
        eprintln!(
            "[{}/{total}] {}: {word} ({})",
            index + 1,
            step.name,
            human(started.elapsed())
        );
    }
    tell(&outcomes, begun.elapsed(), options.json)?;
    Ok(outcomes
        .iter()
        .all(|outcome| outcome.status == Status::Passed))
}

fn tell(outcomes: &[Outcome], took: Duration, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(outcomes)?);
        return Ok(());
    }
    println!("\nsummary");
    for Outcome {
        step,
        status,
        seconds,
    } in outcomes
    {
        let (word, time) = match status {
            Status::Passed => ("ok", human(Duration::from_secs_f64(*seconds))),
            Status::Failed => ("FAILED", human(Duration::from_secs_f64(*seconds))),
            Status::NotRun => ("not run", String::new()),
        };
        println!("  {word:<8} {step:<52} {time:>8}");
    }
    let count = |wanted| {
        outcomes
            .iter()
            .filter(|outcome| outcome.status == wanted)
            .count()
    };
    let (failed, left) = (count(Status::Failed), count(Status::NotRun));
    println!(
        "{} steps passed, {failed} failed, {left} not run, in {}",
        count(Status::Passed),
        human(took)
    );
    Ok(())
}

fn seconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 10.0).round() / 10.0
}
