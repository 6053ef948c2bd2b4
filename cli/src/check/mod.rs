//! `check`: is the ground sound? Reads once, then judges with pure functions, a file a group.

mod budgets;
mod classes;
mod finding;
pub mod ground;
mod guard;
mod install;
mod local_names;
mod metrics_apis;
mod nodes;
mod operator;
mod preview;
mod remotes;
mod report;
mod signals;
mod sovereignty;
#[cfg(test)]
mod tests;
mod workloads;

pub use classes::word as class_word;
pub use ground::holds;

use crate::args::{CheckOptions, Global, Output};
use crate::connect::{Otherwise, connect};
use crate::output::{Screen, print};
use crate::snapshot::{Snapshot, gather};
use finding::{Check, Findings};
use std::process::ExitCode;

/// Every check in the order in which they run. An id keeps its meaning for ever.
const GROUPS: [&[&Check]; 13] = [
    install::CHECKS,
    operator::CHECKS,
    guard::CHECKS,
    preview::CHECKS,
    nodes::CHECKS,
    sovereignty::CHECKS,
    classes::CHECKS,
    workloads::CHECKS,
    signals::CHECKS,
    metrics_apis::CHECKS,
    remotes::CHECKS,
    local_names::CHECKS,
    budgets::CHECKS,
];

/// Gathers, judges, prints.
///
/// # Errors
/// The server cannot be reached, or standard output is closed.
pub async fn run(global: &Global, options: &CheckOptions) -> anyhow::Result<ExitCode> {
    if options.list {
        let checks: Vec<&Check> = GROUPS
            .iter()
            .flat_map(|group| group.iter().copied())
            .collect();
        print(&report::list(&checks, global.output)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let connection = connect(global, Otherwise::All).await?;
    let snapshot = gather(&connection, &options.operator_namespace).await;
    let findings = judge(&snapshot);
    let text = match global.output {
        Output::Text => report::text(&findings, Screen::of_stdout()),
        Output::Json | Output::Yaml | Output::Junit => report::document(&findings, global.output)?,
    };
    print(&text)?;
    Ok(if findings.any_failed() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Every check over one snapshot.
fn judge(snapshot: &Snapshot) -> Findings {
    let mut findings = Findings::default();
    install::run(snapshot, &mut findings);
    operator::run(snapshot, &mut findings);
    guard::run(snapshot, &mut findings);
    preview::run(snapshot, &mut findings);
    nodes::run(snapshot, &mut findings);
    sovereignty::run(snapshot, &mut findings);
    classes::run(snapshot, &mut findings);
    workloads::run(snapshot, &mut findings);
    signals::run(snapshot, &mut findings);
    metrics_apis::run(snapshot, &mut findings);
    remotes::run(snapshot, &mut findings);
    local_names::run(snapshot, &mut findings);
    budgets::run(snapshot, &mut findings);
    findings
}
