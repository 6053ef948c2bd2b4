//! The same counts as a real HPA: an HPA controller with default flags scales
//! three services through a spike that really was, at the speed at which it was,
//! while Pinisi, with the same HPAs as HybridWorkloads, only looks on at the same
//! metrics APIs. At every sync of the HPA both counts are put beside each other.

mod compare;
mod play;
mod report;
mod scene;
mod watch;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::checkout::checkout;
use crate::demo::until;
use crate::hpa::HpaSpec;
use crate::lab::Lab;
use crate::operator::{NAMESPACE, OperatorSpec};
use crate::progress::Progress;
use crate::replay::read_trace;
use crate::spec::{LabSpec, NodeGroup};
pub use report::Report;
use report::Service;
use scene::SERVICES;
use watch::Watched;

const NODES: u32 = 4;
const NODE_CPU: &str = "8";
const NODE_MEMORY: &str = "16Gi";
const SPOKEN_WAIT: Duration = Duration::from_secs(180);
/// Half a minute of the first load before the trace begins: both have looked then.
const WARM_UP: Duration = Duration::from_secs(30);
/// Minutes in the trace.
pub const MINUTES: usize = 30;

/// What to compare.
#[derive(Debug, Clone)]
pub struct Options {
    /// Name of the lab.
    pub name: String,
    /// How many minutes of the trace, 1 to 30.
    pub minutes: usize,
    /// The operator's binary; the one of this build where none is given.
    pub operator: Option<PathBuf>,
}

/// Plays and compares.
///
/// # Errors
/// What could not be set up. Counts that differ are rows, not errors.
pub async fn run(options: &Options, progress: &Progress) -> Result<Report> {
    ensure!(
        (1..=MINUTES).contains(&options.minutes),
        "the trace has {MINUTES} minutes; compare 1 to {MINUTES}"
    );
    let home = NodeGroup::home(NODES, NODE_CPU, NODE_MEMORY);
    let spec = LabSpec::new(&options.name, vec![home])
        .without_prometheus()
        .with_metrics()
        .hpa_apart();
    let lab = Lab::start_with(spec, progress.clone()).await?;
    let report = compare(options, &lab, progress).await;
    lab.stop().await?;
    report
}

async fn compare(options: &Options, lab: &Lab, progress: &Progress) -> Result<Report> {
    let trace = checkout().join("tests/lab/traces/wc98-1998-05-12.csv");
    let trace = read_trace(&trace, None, None)?;
    let minutes = trace
        .get(..options.minutes)
        .context("the trace is too short")?;
    let client = lab.admin_client().await?;
    let adapter = lab.adapter().context("the lab has no metrics adapter")?;
    let chart = checkout().join("charts").join("pinisi");
    lab.helm()
        .upgrade_install("pinisi", &chart, NAMESPACE, &[], &[])
        .await?;
    let watched = Watched::default();
    let log = lab.audit_log().tail()?;
    scene::make(&client).await?;
    let first = minutes.first().copied().unwrap_or_default() / 60.0;
    for service in SERVICES {
        play::offer(&adapter, &watched, service, first).await?;
    }
    let mut operator = OperatorSpec::replica(0);
    operator.binary = options.operator.clone();
    lab.start_operator(operator).await?;
    lab.start_hpa(&HpaSpec::default()).await?;
    let converted = scene::convert(lab, &client).await?;
    progress.say("three services, their HPAs, and the same as HybridWorkloads that look on");

    let playing = async {
        until("both to speak of every service", SPOKEN_WAIT, || async {
            Ok((!watched.both_spoke()).then(|| "not yet".to_owned()))
        })
        .await?;
        tokio::time::sleep(WARM_UP).await;
        progress.say("both have looked; the trace begins");
        let each = SERVICES.map(|service| play::play(&adapter, &watched, service, minutes));
        futures::future::try_join_all(each).await.map(drop)
    };
    let [one, two, three] = SERVICES.map(|service| play::spread(lab, &watched, service));
    let begun = jiff::Timestamp::now();
    tokio::select! {
        played = playing => played?,
        looked = watched.look_on(&client, log) => looked?,
        () = async { futures::join!(one, two, three); std::future::pending().await } => {}
    }
    let services = watched.records().into_iter();
    let services = services.map(|(name, record)| Service::of(name, &record, begun));
    Ok(Report {
        minutes: options.minutes,
        converted,
        services: services.collect(),
    })
}
