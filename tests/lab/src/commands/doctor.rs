//! `cargo lab doctor`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::Output;
use crate::doctor::{Check, Outcome, checks};

/// Options of `doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// How to print
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

impl Doctor {
    pub(super) fn run(self) -> Result<ExitCode> {
        let Self { output } = self;
        let checks = checks();
        match output {
            Output::Json => println!("{}", serde_json::to_string_pretty(&checks)?),
            Output::Text => checks.iter().for_each(show),
        }
        let missing = checks.iter().any(|check| check.outcome == Outcome::Missing);
        Ok(if missing {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}

fn show(check: &Check) {
    let Check {
        id,
        outcome,
        found,
        needed_for,
        fix,
    } = check;
    let mark = match outcome {
        Outcome::Ok => "ok     ",
        Outcome::Note => "note   ",
        Outcome::Missing => "MISSING",
    };
    println!("{mark} {id:<11} {found}");
    println!("        {:<11} for {needed_for}", "");
    if !fix.is_empty() {
        println!("        {:<11} to do: {fix}", "");
    }
}
