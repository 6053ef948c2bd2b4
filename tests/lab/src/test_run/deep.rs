//! The longer suites: never part of `.ci/run`. Each writes one line a case,
//! `{"case":…,"status":…,"seed":…,"seconds":…}`.

use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::fuzz;
use super::run::Runner;
use super::seconds;
use crate::checkout::checkout;

/// A longer suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Case {
    /// 500 workloads at rest: requests a second to the API server
    Steady,
    /// Half an hour of a real HPA and Pinisi side by side: the same counts
    Parity,
    /// The demo with the operator killed in mid-spike
    Kill,
    /// The demo
    Demo,
    /// An older Kubernetes, alone and as the cloud; it is built where the cache has none
    Older,
    /// Whatever the guard refuses switched off one by one: a case of the conformance suite must see it
    Mutation,
    /// A hundred times as many random cases of the planner's properties, begun by chance
    Properties,
    /// Whatever comes from outside, made up by libFuzzer, half a minute for each target
    Fuzz,
}

/// One line of the outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// What was tried.
    pub case: String,
    /// `passed` or `failed`.
    pub status: String,
    /// What chance began with; none where chance plays no part.
    pub seed: Option<u64>,
    /// How long it took.
    pub seconds: f64,
}

impl Case {
    fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Parity => "parity",
            Self::Kill => "kill",
            Self::Demo => "demo",
            Self::Older => "older",
            Self::Mutation => "mutation",
            Self::Properties => "properties",
            Self::Fuzz => "fuzz",
        }
    }

    fn args(self) -> Vec<&'static str> {
        match self {
            Self::Steady => vec![
                "test",
                "--workspace",
                "--test",
                "deep",
                "--",
                "--ignored",
                "--exact",
                "steady",
                "--nocapture",
            ],
            Self::Parity => vec!["lab", "bench", "parity", "--name", "deep-parity"],
            Self::Kill => vec![
                "lab",
                "demo",
                "--name",
                "deep-kill",
                "--output",
                "plain",
                "--kill-operator",
            ],
            Self::Demo => vec!["lab", "demo", "--name", "deep-demo", "--output", "plain"],
            Self::Older => vec![
                "test",
                "--workspace",
                "--test",
                "live",
                "--test",
                "remote",
                "--test",
                "sovereignty",
                "--",
                "--ignored",
                "--exact",
                "clusters::an_older_server_runs_and_lacks_what_came_later",
                "older::a_workload_travels_to_an_older_cluster_and_comes_home",
                "conformance::every_way_around_is_refused_by_an_older_server",
                "--nocapture",
            ],
            Self::Mutation => vec![
                "test",
                "--workspace",
                "--test",
                "sovereignty",
                "--",
                "--ignored",
                "--exact",
                "mutation::nothing_can_be_switched_off_unseen",
                "mutation::nothing_can_be_switched_off_unseen_on_an_older_server",
                "mutation::nothing_can_be_switched_off_unseen_in_the_cloud",
                "--nocapture",
                "--test-threads=1",
            ],
            Self::Properties => vec!["test", "--package", "pinisi-planner", "--tests"],
            Self::Fuzz => Vec::new(), // not one command but one for each target
        }
    }

    /// What is run, one after the other.
    fn commands(self) -> Vec<Vec<String>> {
        match self {
            Self::Fuzz => fuzz::TARGETS.map(fuzz::args).to_vec(),
            Self::Steady
            | Self::Parity
            | Self::Kill
            | Self::Demo
            | Self::Older
            | Self::Mutation
            | Self::Properties => {
                vec![self.args().into_iter().map(str::to_owned).collect()]
            }
        }
    }

    /// How many tests it is, where it is any: a name that no test has any more runs none, and cargo
    /// calls that a success.
    fn tests(self) -> Option<usize> {
        match self {
            Self::Steady => Some(1),
            Self::Older | Self::Mutation => Some(3),
            Self::Parity | Self::Kill | Self::Demo | Self::Properties | Self::Fuzz => None,
        }
    }
}

/// Runs one suite; `true` when every case passed.
///
/// # Errors
/// When it cannot be run, was interrupted, or the file cannot be written.
pub async fn deep(case: Case, json: Option<&Path>) -> Result<bool> {
    let runner = Runner::new(checkout(), true)?;
    let started = Instant::now();
    if case == Case::Fuzz {
        fuzz::prepare(&checkout())?;
    }
    let (mut passed, mut said, mut ran) = (true, Vec::new(), 0_usize);
    for args in case.commands() {
        let mut command = runner.cargo(&args);
        command.env("PINISI_DEEP", "1");
        command.stdout(Stdio::piped());
        let mut child = runner.spawn(command)?;
        let output = child.stdout.take().context("no pipe from cargo")?;
        let mut output = BufReader::new(output).lines();
        let reading = async {
            while let Ok(Some(line)) = output.next_line().await {
                eprintln!("{line}");
                ran += running(&line);
                said.extend(parse(&line));
            }
        };
        let (ended, ()) = tokio::join!(runner.wait(&mut child), reading);
        passed &= ended?;
    }
    let missing = case.tests().filter(|wanted| *wanted != ran);
    if let Some(wanted) = missing {
        eprintln!("{}: {ran} tests ran, not {wanted}", case.name());
    }
    let passed = passed && missing.is_none();
    let lines = lines(case, said, passed, seconds(started.elapsed()));
    let mut text = String::new();
    for line in &lines {
        text += &serde_json::to_string(line)?;
        text.push('\n');
    }
    print!("{text}");
    if let Some(path) = json {
        std::fs::write(path, &text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(lines.iter().all(|line| line.status == "passed"))
}

/// The suite's own lines, and one for the suite where it said none or where it
/// failed although none of its cases did.
fn lines(case: Case, said: Vec<Line>, passed: bool, seconds: f64) -> Vec<Line> {
    let mut lines = said;
    let one_failed = lines.iter().any(|line| line.status != "passed");
    if lines.is_empty() || (!passed && !one_failed) {
        let status = if passed { "passed" } else { "failed" };
        lines.push(Line {
            case: case.name().into(),
            status: status.into(),
            seed: None,
            seconds,
        });
    }
    lines
}

/// How many tests a binary says that it begins to run.
fn running(line: &str) -> usize {
    let count = line.strip_prefix("running ");
    let count = count.and_then(|rest| rest.split_once(" test"));
    count.and_then(|(n, _)| n.parse().ok()).unwrap_or(0)
}

fn parse(line: &str) -> Option<Line> {
    let at = line.find("{\"case\"")?;
    serde_json::from_str(line.get(at..)?.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_is_counted_and_named_once_for_each_test() {
        let said = ["running 1 test", "running 12 tests", "running 0 tests"];
        assert_eq!(said.map(running), [1, 12, 0]);
        assert_eq!(running("running late"), 0);
        for case in Case::value_variants() {
            let args = case.args();
            let exact = args.iter().skip_while(|arg| **arg != "--exact").skip(1);
            let names = exact.filter(|arg| !arg.starts_with("--")).count();
            assert_eq!(names, case.tests().unwrap_or(0), "{}", case.name());
        }
    }

    #[test]
    fn a_case_s_own_lines_are_passed_on() {
        let line =
            parse(r#"test steady ... {"case":"steady","status":"passed","seed":7,"seconds":61.5}"#)
                .unwrap();
        assert_eq!((line.case.as_str(), line.seed), ("steady", Some(7)));
        let alone = lines(Case::Steady, vec![line.clone()], true, 1.0);
        assert_eq!(alone.as_slice(), std::slice::from_ref(&line));
        let failed = lines(Case::Steady, vec![line], false, 1.0);
        assert_eq!(
            failed.len(),
            2,
            "a suite that fails is never told as passed"
        );
        assert_eq!(failed[1].status, "failed");
        assert_eq!(lines(Case::Demo, Vec::new(), true, 1.0)[0].status, "passed");
        assert_eq!(parse("running 1 test"), None);
    }
}
