//! `cargo lab bench`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::bench::admission;
use crate::bench::latency::{self, Contender, MOST_ROUNDS};
use crate::bench::parity::{self, MINUTES};
use crate::bench::plan;
use crate::bench::spikes;
use crate::binaries;
use crate::programs::Version;
use crate::progress::Progress;

/// Options of `bench`.
#[derive(Debug, Args)]
pub struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// What the guard adds to the making of a pod, in pairs on two API servers
    Admission(Admission),
    /// From a spike to the accepted writes: Pinisi, a real HPA, and the floor
    Latency(Latency),
    /// A real HPA and Pinisi side by side through a real spike: the same counts?
    Parity(Parity),
    /// What one plan costs, for several sizes of world
    Plan(Plan),
    /// What each autoscaler leaves unserved, and at what cost, over thirteen recorded loads
    Spikes(Spikes),
}

#[derive(Debug, Args)]
struct Admission {
    /// Pairs in each namespace
    #[arg(long, default_value_t = 1_000, value_name = "NUMBER")]
    pairs: usize,
    /// What chance begins with; the time by default
    #[arg(long)]
    seed: Option<u64>,
    /// Sovereign nodes, each of which the guard knows by name
    #[arg(long, default_value_t = 2, value_name = "NUMBER")]
    home_nodes: u32,
    /// Begin of the labs' names
    #[arg(long, default_value = "admission")]
    name: String,
    /// Write the figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Spikes {
    /// Words for the table itself, such as --start-up 60; --help after `--` lists them
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "WORDS"
    )]
    words: Vec<String>,
}

#[derive(Debug, Args)]
struct Plan {
    /// How many workloads; several sizes are measured one after the other
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000, 100_000], value_name = "NUMBER")]
    workloads: Vec<usize>,
    /// Plans for each size
    #[arg(long, default_value_t = 21, value_name = "NUMBER")]
    plans: usize,
    /// Sites that each workload names
    #[arg(long, default_value_t = 4, value_name = "NUMBER")]
    places: usize,
    /// The size of which instructions are counted, where valgrind is installed
    #[arg(long, default_value_t = 10_000, value_name = "NUMBER")]
    instructions: usize,
    /// Write the figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Parity {
    /// Minutes of the trace to play, each takes one
    #[arg(long, default_value_t = MINUTES, value_name = "NUMBER")]
    minutes: usize,
    /// Name of the lab
    #[arg(long, default_value = "parity")]
    name: String,
    /// The operator's binary; the one of this build by default
    #[arg(long, value_name = "FILE")]
    operator: Option<PathBuf>,
    /// Write every sync to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Latency {
    /// How many workloads; several sizes are measured one after the other
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1_000], value_name = "NUMBER")]
    workloads: Vec<usize>,
    /// Spikes for each contender
    #[arg(long, default_value_t = 5, value_name = "NUMBER")]
    rounds: usize,
    /// Who takes part beside the floor; all by default
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAME")]
    only: Vec<Contender>,
    /// Seconds for which each is looked at while nothing happens
    #[arg(long, default_value_t = 30.0, value_name = "SECONDS")]
    rest: f64,
    /// What chance begins with; the time by default
    #[arg(long)]
    seed: Option<u64>,
    /// Name of the labs
    #[arg(long, default_value = "bench")]
    name: String,
    /// The operator's binary; a release build by default
    #[arg(long, value_name = "FILE")]
    operator: Option<PathBuf>,
    /// Write the figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Bench {
    pub(super) async fn run(self) -> Result<ExitCode> {
        match self.what {
            What::Admission(options) => options.run().await,
            What::Latency(options) => options.run().await,
            What::Parity(options) => options.run().await,
            What::Plan(options) => options.run(),
            What::Spikes(options) => spikes::run(&options.words),
        }
    }

    /// Whether this program is too slow to be measured itself: the floor and the
    /// source run in it. It then runs a release build of itself instead.
    pub(super) fn elsewhere(&self) -> Result<Option<ExitCode>> {
        match self.what {
            What::Latency(_) if cfg!(debug_assertions) => {
                binaries::run_released(&Progress::stderr()).map(Some)
            }
            // The planner's benchmark is a program of its own, always built for release.
            What::Admission(_)
            | What::Latency(_)
            | What::Parity(_)
            | What::Plan(_)
            | What::Spikes(_) => Ok(None),
        }
    }
}

impl Admission {
    async fn run(self) -> Result<ExitCode> {
        let Self {
            pairs,
            seed,
            home_nodes,
            name,
            json,
        } = self;
        let options = admission::Options {
            name,
            pairs,
            seed: seed.unwrap_or_else(seed_of_now),
            kubernetes: Version::default(),
            home_nodes,
        };
        let report = admission::run(&options, &Progress::stderr()).await?;
        print!("{}", report.table());
        write(json.as_deref(), &report)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Latency {
    async fn run(self) -> Result<ExitCode> {
        let Self {
            workloads,
            rounds,
            only,
            rest,
            seed,
            name,
            operator,
            json,
        } = self;
        let progress = Progress::stderr();
        let operator = match operator {
            // The lab runs it from another folder.
            Some(operator) => std::path::absolute(operator)?,
            None => binaries::operator(&progress)?,
        };
        let options = latency::Options {
            name,
            workloads,
            rounds: rounds.min(MOST_ROUNDS),
            rest: Duration::try_from_secs_f64(rest).context("--rest is not a time")?,
            seed: seed.unwrap_or_else(seed_of_now),
            contenders: if only.is_empty() {
                Contender::ALL.to_vec()
            } else {
                only
            },
            operator,
        };
        let report = latency::run(&options, &progress).await?;
        print!("{}", report.table());
        write(json.as_deref(), &report)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Parity {
    async fn run(self) -> Result<ExitCode> {
        let Self {
            minutes,
            name,
            operator,
            json,
        } = self;
        let options = parity::Options {
            name,
            minutes,
            operator: operator.map(std::path::absolute).transpose()?,
        };
        let report = parity::run(&options, &Progress::stderr()).await?;
        print!("{}", report.table());
        write(json.as_deref(), &report)?;
        Ok(if report.explained() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

impl Plan {
    fn run(self) -> Result<ExitCode> {
        let Self {
            workloads,
            plans,
            places,
            instructions,
            json,
        } = self;
        let options = plan::Options {
            workloads,
            plans,
            places,
            instructions,
        };
        let report = plan::run(&options, &Progress::stderr())?;
        print!("{}", report.table());
        write(json.as_deref(), &report)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn seed_of_now() -> u64 {
    jiff::Timestamp::now().as_second().unsigned_abs()
}

fn write(path: Option<&Path>, report: &impl Serialize) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    let text = serde_json::to_string_pretty(report)? + "\n";
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
