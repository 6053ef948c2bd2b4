//! `cargo lab demo`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

use crate::demo::{self, Options, Style, Verdict};
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
    /// Write the figures to this file, and a picture (.svg) beside it
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
                return ended(&options.name).await;
            }
        };
        Ok(match verdict {
            Verdict::Passed => ExitCode::SUCCESS,
            Verdict::Failed => ExitCode::FAILURE,
        })
    }
}

/// The lab ends by itself when nobody holds it any more; waits for that.
async fn ended(name: &str) -> Result<ExitCode> {
    let dir = StateDir::of(name)?;
    let deadline = Instant::now() + END_WAIT;
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
    Ok(ExitCode::from(INTERRUPTED))
}
