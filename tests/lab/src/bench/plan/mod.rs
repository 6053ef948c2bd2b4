//! What one plan costs: the planner's own benchmark (`planner/benches/plan`) for
//! several sizes of world, and how many instructions one of them takes. No lab is
//! started: the planner is pure. This file builds and runs, the table is in
//! `report`.

mod report;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use serde::Deserialize;

pub use report::Report;
use report::{Cost, Row};

use crate::cargo::cargo;
use crate::process::end_with_parent;
use crate::progress::Progress;

/// Plans before the first that is measured: at an HPA's pace more than a scale-down
/// window of five minutes, so that every memory is as long as it gets.
const WARM_UP: usize = 24;
/// The function that is measured; callgrind counts in it alone.
const MEASURED: &str = "*measured_plan*";

/// What to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// Worlds, by number of workloads.
    pub workloads: Vec<usize>,
    /// Plans for each.
    pub plans: usize,
    /// Sites that each workload names.
    pub places: usize,
    /// The world of which instructions are counted; none where 0.
    pub instructions: usize,
}

/// Measures everything.
///
/// # Errors
/// When the benchmark cannot be built or run. Without valgrind there are no
/// instructions, which is no error.
pub fn run(options: &Options, progress: &Progress) -> Result<Report> {
    let Options {
        workloads,
        plans,
        places,
        instructions,
    } = options;
    ensure!(*plans > 0, "--plans must be above 0");
    progress.say("building the planner's benchmark for release");
    let program = build()?;
    let mut rows = Vec::new();
    for &count in workloads {
        progress.say(&format!("{count} workloads: {plans} plans"));
        let mut command = Command::new(&program);
        command.args(words(count, *plans, *places));
        let (cost, _) = cost(command)?;
        let mut instructions_of_one = None;
        if count == *instructions {
            progress.say("  the same under callgrind; takes minutes");
            instructions_of_one = counted(&program, count, *places)?;
        }
        rows.push(Row {
            cost,
            instructions: instructions_of_one,
        });
    }
    Ok(Report { rows })
}

fn words(workloads: usize, plans: usize, places: usize) -> [String; 4] {
    [workloads, plans, WARM_UP, places].map(|n| n.to_string())
}

/// Builds the benchmark and says where it is.
fn build() -> Result<PathBuf> {
    let mut command = cargo();
    command
        .args([
            "bench",
            "--quiet",
            "--package",
            "pinisi-planner",
            "--bench",
            "plan",
        ])
        .args(["--no-run", "--message-format", "json"])
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml"));
    let (told, _) = output(command)?;
    executable(&told).context("cargo built the benchmark, but does not say where it is")
}

/// Out of cargo's messages, a line of JSON each.
fn executable(told: &str) -> Option<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        executable: Option<PathBuf>,
    }
    let messages = told.lines().rev();
    messages
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .find_map(|message| message.executable)
}

fn cost(command: Command) -> Result<(Cost, String)> {
    let (told, errors) = output(command)?;
    let cost = serde_json::from_str(&told).context("the benchmark says what is no cost")?;
    Ok((cost, errors))
}

/// Instructions of one plan, or `None` where there is no valgrind.
fn counted(program: &Path, workloads: usize, places: usize) -> Result<Option<u64>> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return Ok(None);
    }
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(format!("--toggle-collect={MEASURED}"))
        .arg(program)
        .args(words(workloads, 1, places));
    let (_, errors) = cost(command)?;
    let count = collected(&errors).context("callgrind does not say what it collected")?;
    Ok(Some(count))
}

/// Out of callgrind's last words.
fn collected(told: &str) -> Option<u64> {
    let line = told
        .lines()
        .rev()
        .find(|line| line.contains("Collected :"))?;
    line.rsplit(':').next()?.trim().parse().ok()
}

/// Runs it to its end; what it said, and what it complained of.
fn output(mut command: Command) -> Result<(String, String)> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null());
    end_with_parent(&mut command, Signal::TERM);
    let output = command
        .output()
        .with_context(|| format!("cannot run {name}"))?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{name} failed:\n{errors}");
    Ok((String::from_utf8_lossy(&output.stdout).into_owned(), errors))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_is_read() {
        let told = "{\"reason\":\"compiler-artifact\",\"executable\":null}\n{\"reason\":\"compiler-artifact\",\"executable\":\"/x/plan-1\"}\n{\"reason\":\"build-finished\",\"success\":true}\n";
        assert_eq!(executable(told), Some(PathBuf::from("/x/plan-1")));
        assert_eq!(executable("{}\nnothing\n"), None);
        let told = "==7== Events    : Ir\n==7== Collected : 123456789\n==7== \n";
        assert_eq!(collected(told), Some(123_456_789));
        assert_eq!(collected("==7== refs: 5"), None);
    }
}
