//! `cargo lab exporter`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use jiff::Timestamp;

use crate::exporter;
use crate::replay::{Replay, Share, read_trace};

/// Options of `exporter`.
#[derive(Debug, Args)]
pub struct Exporter {
    /// CSV file with the columns timestamp,requests: one line a minute
    #[arg(long)]
    trace: PathBuf,
    /// First minute of the trace to play, such as 1998-05-12T06:30:00Z
    #[arg(long)]
    from: Option<Timestamp>,
    /// First minute of the trace not to play
    #[arg(long)]
    until: Option<Timestamp>,
    /// Seconds that one minute of the trace takes
    #[arg(long, default_value_t = 10.0)]
    minute_seconds: f64,
    /// The load is the trace's times this
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Who gets the load: NAMESPACE/WORKLOAD=WEIGHT; may be repeated
    #[arg(long = "workload", value_parser = share, required = true)]
    workloads: Vec<Share>,
    /// The loopback port to serve on; a free one by default
    #[arg(long)]
    port: Option<u16>,
}

impl Exporter {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let Self {
            trace,
            from,
            until,
            minute_seconds,
            scale,
            workloads,
            port,
        } = self;
        let replay = Replay {
            requests_a_minute: read_trace(&trace, from, until)?,
            minute: Duration::try_from_secs_f64(minute_seconds)
                .context("--minute-seconds is not a time")?,
            scale,
            shares: workloads,
        };
        let exporter = exporter::Exporter::start(port).await?;
        println!(
            "serving http://{}/metrics; end with Ctrl-C",
            exporter.address()
        );
        let last = replay.requests_a_minute.len();
        exporter.replay(replay, move |minute, rate| {
            println!(
                "minute {} of {last}: {rate:.1} requests a second",
                minute + 1
            );
        })?;
        tokio::signal::ctrl_c().await?;
        Ok(ExitCode::SUCCESS)
    }
}

fn share(text: &str) -> Result<Share> {
    let (who, weight) = text.split_once('=').unwrap_or((text, "1"));
    let Some((namespace, workload)) = who.split_once('/') else {
        bail!("{text:?} is not NAMESPACE/WORKLOAD=WEIGHT");
    };
    let weight = weight
        .parse()
        .with_context(|| format!("{weight:?} is not a weight"))?;
    Ok(Share {
        namespace: namespace.into(),
        workload: workload.into(),
        weight,
    })
}
