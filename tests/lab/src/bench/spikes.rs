//! Thirteen loads, three start-ups, every autoscaler: the simulator's own table
//! (`simulator/examples/rows`), built for release and run. No lab is started: all
//! of it is computed.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::cargo::cargo;

/// Runs the table with its own words; `--help` lists them.
///
/// # Errors
/// When cargo cannot be run.
pub fn run(words: &[String]) -> Result<ExitCode> {
    let status = cargo()
        .args([
            "run",
            "--quiet",
            "--release",
            "--package",
            "pinisi-simulator",
        ])
        .args(["--example", "rows", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml"))
        .arg("--")
        .args(words)
        .status()
        .context("run cargo")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
