//! The command line of the lab: what there is, and which file does it.

mod bench;
mod build;
mod conformance;
mod demo;
mod doctor;
mod down;
mod exporter;
mod logs;
mod status;
mod test;
mod up;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};

use crate::supervise;

/// Real Kubernetes control planes on one machine, without containers.
///
/// `cargo lab up` builds etcd, Kubernetes, KWOK, Helm and Prometheus once (about
/// a quarter of an hour on two cores; later starts take seconds), starts a
/// cluster with home and cloud nodes on loopback ports, prints how to use it,
/// and leaves it running until `cargo lab down`.
#[derive(Debug, Parser)]
#[command(name = "cargo lab", bin_name = "cargo lab")]
struct Arguments {
    #[command(subcommand)]
    command: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Watch a national service ride a real load spike, start to verdict
    Demo(demo::Demo),
    /// Run everything that must hold: formatting, lints, tests, end to end
    Test(test::Test),
    /// Measure against the real thing: tables, no verdict
    Bench(bench::Bench),
    /// Try every known way around sovereignty, with the operator running and stopped
    Conformance(conformance::Conformance),
    /// Start a cluster and leave it running
    Up(up::Up),
    /// End a cluster: exactly what `up` started, nothing else
    Down(down::Down),
    /// Say what runs
    Status(status::Status),
    /// Say what this machine lacks, for which part, and how to get it
    Doctor(doctor::Doctor),
    /// Only build the programs
    Build(build::Build),
    /// Show what a process of the lab has said
    Logs(logs::Logs),
    /// Serve a trace as load for Prometheus, until Ctrl-C
    Exporter(exporter::Exporter),
    /// The process that owns a lab's other processes (started by the lab)
    #[command(hide = true)]
    Supervise {
        /// The lab's folder.
        dir: PathBuf,
    },
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Output {
    /// For people.
    #[default]
    Text,
    /// One JSON value.
    Json,
}

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    let result = match command {
        // On the main thread, which the lab's processes are bound to.
        What::Supervise { dir } => {
            return supervise::run(dir).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
        }
        What::Bench(bench) => match bench.elsewhere() {
            Ok(Some(code)) => Ok(code),
            Ok(None) => on_runtime(bench.run()),
            Err(error) => Err(error),
        },
        What::Build(build) => build.run(),
        What::Doctor(doctor) => doctor.run(),
        What::Down(down) => down.run(),
        What::Logs(logs) => logs.run(),
        What::Conformance(conformance) => on_runtime(conformance.run()),
        What::Demo(demo) => on_runtime(demo.run()),
        What::Test(test) => on_runtime(test.run()),
        What::Up(up) => on_runtime(up.run()),
        What::Status(status) => on_runtime(status.run()),
        What::Exporter(exporter) => on_runtime(exporter.run()),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn on_runtime(work: impl Future<Output = Result<ExitCode>>) -> Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new()?;
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    result
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
