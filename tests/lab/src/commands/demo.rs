//! `cargo lab demo`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

use crate::demo::{self, Options, Style, Topology, Verdict};
use crate::paths::StateDir;
use crate::state::LabState;

/// What shells use for an end by Ctrl-C.
const INTERRUPTED: u8 = 130;
/// Most time for the lab to end after Ctrl-C.
const END_WAIT: Duration = Duration::from_secs(20);

/// Options of `demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Name of the lab
    #[arg(long, default_value = "demo")]
    name: String,
    /// Where home and cloud are
    #[arg(long, value_enum, default_value_t = Where::Both)]
    topology: Where,
    /// Write the figures to this file, and a picture of each topology (.svg) beside it
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Leave the lab running
    #[arg(long)]
    keep: bool,
    /// Seconds that one minute of the trace takes
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS")]
    speed: f64,
    /// Kill the operator in mid-spike and start it again
    #[arg(long)]
    kill_operator: bool,
    /// How to show it; live on a terminal, plain elsewhere
    #[arg(short, long, value_enum)]
    output: Option<View>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Where {
    /// One cluster with nodes at home and in the cloud.
    Stretched,
    /// A cluster at home and another one in the cloud.
    Remote,
    /// Both, one after the other, with one verdict.
    Both,
}

impl Where {
    fn topologies(self) -> Vec<Topology> {
        match self {
            Self::Stretched => vec![Topology::Stretched],
            Self::Remote => vec![Topology::Remote],
            Self::Both => vec![Topology::Stretched, Topology::Remote],
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum View {
    /// A table that is redrawn each second.
    Live,
    /// A line each five seconds.
    Plain,
}

impl Demo {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let Self {
            name,
            topology,
            json,
            keep,
            speed,
            kill_operator,
            output,
        } = self;
        let style = match output {
            Some(View::Live) => Style::Live,
            Some(View::Plain) => Style::Plain,
            None => Style::fitting(),
        };
        let options = Options {
            name,
            topologies: topology.topologies(),
            json,
            keep,
            seconds_a_minute: speed,
            kill_operator,
            style,
        };
        let mut terminate = signal(SignalKind::terminate())?;
        let verdict = tokio::select! {
            verdict = demo::run(&options) => verdict?,
            () = async { tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            } } => {
                eprintln!("\nending the lab");
                return ended(&options).await;
            }
        };
        Ok(match verdict {
            Verdict::Passed => ExitCode::SUCCESS,
            Verdict::Failed => ExitCode::FAILURE,
        })
    }
}

/// Labs end by themselves when nobody holds them any more; waits for that.
async fn ended(options: &Options) -> Result<ExitCode> {
    let deadline = Instant::now() + END_WAIT;
    for &topology in &options.topologies {
        for name in super::down::family(&demo::lab_name(&options.name, topology))? {
            ended_one(&name, deadline).await?;
        }
    }
    Ok(ExitCode::from(INTERRUPTED))
}

async fn ended_one(name: &str, deadline: Instant) -> Result<()> {
    let dir = StateDir::of(name)?;
    // A lab that is kept is somebody else's.
    while let Some(state) = LabState::read(&dir)?.filter(|state| state.tethered) {
        if !state.supervisor.is_alive() {
            std::fs::remove_dir_all(dir.path())
                .with_context(|| format!("cannot remove {}", dir.path().display()))?;
            break;
        }
        if Instant::now() >= deadline {
            eprintln!("it has not ended yet; see `cargo lab status --name {name}`");
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
