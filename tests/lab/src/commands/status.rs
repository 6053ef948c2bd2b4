//! `cargo lab status`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::Output;
use crate::nodes::{self, NodeCount};
use crate::paths::StateDir;
use crate::progress::human;
use crate::state::{LabState, Phase};

const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Options of `status`.
#[derive(Debug, Args)]
pub struct Status {
    /// Only this lab and its further clusters; all of them otherwise
    #[arg(long)]
    name: Option<String>,
    /// How to print
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// What is said about one lab.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    name: String,
    /// The lab whose further cluster this one is.
    hub: Option<String>,
    kubernetes: &'static str,
    running: bool,
    phase: Phase,
    problem: Option<String>,
    tethered: bool,
    supervisor_pid: i32,
    uptime_seconds: Option<i64>,
    start_seconds: Option<f64>,
    kubeconfig: PathBuf,
    apiserver: Option<String>,
    prometheus: Option<String>,
    audit_log: PathBuf,
    /// `None` when the API server does not answer.
    nodes: Option<BTreeMap<String, NodeCount>>,
    processes: Vec<Process>,
}

#[derive(Debug, Serialize)]
struct Process {
    name: String,
    pid: i32,
    running: bool,
    ended: Option<String>,
    log: PathBuf,
}

impl Status {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let Self { name, output } = self;
        let names = match name {
            Some(name) => super::down::family(&name)?.into_iter().rev().collect(),
            None => super::down::names()?,
        };
        let mut reports = Vec::new();
        for name in &names {
            reports.extend(report(name).await?);
        }
        match output {
            Output::Json => println!("{}", serde_json::to_string_pretty(&reports)?),
            Output::Text if reports.is_empty() => println!("no lab; start one with `cargo lab up`"),
            Output::Text => reports.iter().for_each(show),
        }
        let healthy = reports
            .iter()
            .all(|report| report.running && report.nodes.is_some());
        Ok(if healthy && !reports.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

pub(super) async fn report(name: &str) -> Result<Option<Report>> {
    let dir = StateDir::of(name)?;
    let Some(state) = LabState::read(&dir)? else {
        return Ok(None);
    };
    let running = state.supervisor.is_alive();
    let uptime = (Timestamp::now().as_millisecond() - state.started_unix_ms) / 1_000;
    let processes = state.children.iter().map(|child| Process {
        name: child.name.clone(),
        pid: child.process.pid,
        running: child.process.is_alive(),
        ended: child.ended.clone(),
        log: child.log.clone(),
    });
    Ok(Some(Report {
        name: name.to_owned(),
        hub: state.spec.hub,
        kubernetes: state.spec.kubernetes.git_version(),
        running,
        phase: state.phase,
        problem: state.problem,
        tethered: state.tethered,
        supervisor_pid: state.supervisor.pid,
        uptime_seconds: running.then_some(uptime),
        start_seconds: state.start_seconds,
        kubeconfig: dir.kubeconfig(),
        apiserver: state.apiserver_url,
        prometheus: state.prometheus_url,
        audit_log: dir.audit_log(),
        nodes: if running { count(&dir).await } else { None },
        processes: processes.collect(),
    }))
}

async fn count(dir: &StateDir) -> Option<BTreeMap<String, NodeCount>> {
    let ask = async { nodes::count(&crate::client::admin(dir).await?).await };
    tokio::time::timeout(ANSWER_TIMEOUT, ask).await.ok()?.ok()
}

fn show(report: &Report) {
    let how = match (report.running, report.phase) {
        (true, Phase::Ready) if report.nodes.is_none() => {
            "runs, but its API server does not answer"
        }
        (true, Phase::Ready) => "runs",
        (true, Phase::Starting) => "is starting",
        (true, _) => "is ending",
        (false, Phase::Stopped) => "has ended",
        (false, Phase::Failed) => "did not start",
        (false, _) => "has crashed (nothing of it is left running)",
    };
    let of = match &report.hub {
        Some(hub) => format!(", a further cluster of {hub}"),
        None => String::new(),
    };
    println!("lab {}: {how}{of}", report.name);
    if let Some(seconds) = report.uptime_seconds {
        let up = human(Duration::from_secs(seconds.unsigned_abs()));
        let tether = if report.tethered {
            ", ends with the program that started it"
        } else {
            ""
        };
        println!(
            "  up {up}, supervisor pid {}{tether}",
            report.supervisor_pid
        );
    }
    if let Some(problem) = &report.problem {
        println!("  {problem}");
    }
    if report.running {
        println!("  kubeconfig  {}", report.kubeconfig.display());
        println!(
            "  API server  {} ({})",
            report.apiserver.as_deref().unwrap_or("-"),
            report.kubernetes
        );
        println!(
            "  Prometheus  {}",
            report.prometheus.as_deref().unwrap_or("none")
        );
        println!("  audit log   {}", report.audit_log.display());
    }
    for (site, NodeCount { ready, total }) in report.nodes.iter().flatten() {
        println!("  nodes       {site}: {ready} of {total} ready");
    }
    for process in &report.processes {
        let state = match (&process.ended, process.running) {
            (Some(ended), _) => ended.as_str(),
            (None, true) => "runs",
            (None, false) => "is gone",
        };
        println!("  {:<24} pid {:<8} {state}", process.name, process.pid);
    }
}
