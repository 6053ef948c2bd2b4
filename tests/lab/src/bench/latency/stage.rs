//! The lab of one run, and how a contender comes on and goes off it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use kube::Client;

use super::contender::{Contender, OPERATOR};
use super::fleet::{self, From, Kept};
use super::floor::Floor;
use super::signal::Signal;
use super::tap::Tap;
use crate::bench::tally::Cpu;
use crate::checkout::checkout;
use crate::demo::until;
use crate::exporter::Exporter;
use crate::hpa::HpaSpec;
use crate::lab::Lab;
use crate::operator::{NAMESPACE, OperatorSpec};
use crate::progress::Progress;
use crate::spec::{LabSpec, NodeGroup};

const NODES: u32 = 3;
const NODE_CPU: &str = "32";
const NODE_MEMORY: &str = "64Gi";
const CONTROLLERS: &str = "kube-controller-manager";
const STOP_GRACE: Duration = Duration::from_secs(10);
/// An HPA controller with default flags takes minutes to look at 1,000 once.
const LOOKED_WAIT: Duration = Duration::from_secs(600);
/// Once all have been looked at, until nothing of the start is going on any more
/// and the source's rhythm is known.
const SETTLE: Duration = Duration::from_secs(12);

/// The lab with everything in it.
#[allow(missing_debug_implementations)] // kube's client has none
pub struct Stage {
    /// The lab.
    pub lab: Lab,
    /// Its admin.
    pub client: Client,
    /// The load, for everybody the same.
    pub signal: Signal,
    /// Between Pinisi and Prometheus.
    pub tap: Tap,
    /// How many Deployments.
    pub workloads: usize,
    operator: PathBuf,
}

impl Stage {
    /// Starts the lab, installs the chart, makes the fleet, and ends the
    /// controllers, so that counts make no pods.
    ///
    /// # Errors
    /// One line: the step, and what was missing.
    pub async fn set(name: &str, workloads: usize, operator: PathBuf) -> Result<Self> {
        let exporter = Exporter::start(None).await?;
        let mut home = NodeGroup::home(NODES, NODE_CPU, NODE_MEMORY);
        home.pods = u32::try_from(workloads)?
            .saturating_mul(fleet::SPIKE)
            .max(home.pods);
        let spec = LabSpec::new(name, vec![home])
            .scrape("bench", exporter.address())
            .with_metrics()
            .hpa_apart();
        let lab = Lab::start_with(spec, Progress::stderr()).await?;
        let client = lab.admin_client().await?;
        let chart = checkout().join("charts").join("pinisi");
        lab.helm()
            .upgrade_install("pinisi", &chart, NAMESPACE, &[], &[])
            .await?;
        lab.stop_process(CONTROLLERS, STOP_GRACE).await?;
        fleet::make(&client, workloads).await?;
        let tap = Tap::start(lab.prometheus_url().context("the lab has no Prometheus")?).await?;
        let adapter = lab.adapter().context("the lab has no metrics adapter")?;
        Ok(Self {
            signal: Signal::new(exporter, adapter, workloads),
            lab,
            client,
            tap,
            workloads,
            operator,
        })
    }

    /// Starts a contender on a calm fleet and waits until it has looked at all of
    /// it; answers the floor where it is that.
    ///
    /// # Errors
    /// What was missing.
    pub async fn on(&self, contender: Contender) -> Result<On> {
        self.signal.calm_all().await?;
        let uids = fleet::calm(&self.client, self.workloads).await?;
        let kept = match contender {
            Contender::Floor => {
                let floor = Floor::new(&self.lab).await?;
                return Ok(On {
                    uids,
                    floor: Some(floor),
                    kept: None,
                });
            }
            Contender::PinisiPrometheus => {
                fleet::source(&self.client, From::Prometheus(&self.tap.url())).await?;
                Kept::Workloads
            }
            Contender::PinisiGateway => {
                fleet::source(&self.client, From::Gateway(self.signal.address())).await?;
                Kept::Workloads
            }
            Contender::HpaTuned | Contender::HpaDefault => Kept::Hpas,
        };
        fleet::keep(&self.client, kept, self.workloads).await?;
        match contender {
            Contender::HpaTuned => self.lab.start_hpa(&HpaSpec::tuned()).await?,
            Contender::HpaDefault => self.lab.start_hpa(&HpaSpec::default()).await?,
            Contender::Floor | Contender::PinisiPrometheus | Contender::PinisiGateway => {
                let mut spec = OperatorSpec::replica(0);
                spec.name = OPERATOR.to_owned();
                spec.binary = Some(self.operator.clone());
                self.lab.start_operator(spec).await?;
            }
        }
        let what = format!("{} to have looked at every workload", contender.name());
        until(&what, LOOKED_WAIT, || async {
            // Not asked too often: a list of 1,000 is work.
            tokio::time::sleep(Duration::from_secs(1)).await;
            let looked = fleet::looked(&self.client, kept).await?;
            Ok((looked < self.workloads).then(|| format!("{looked} of {}", self.workloads)))
        })
        .await?;
        tokio::time::sleep(SETTLE).await;
        Ok(On {
            uids,
            floor: None,
            kept: Some(kept),
        })
    }

    /// Ends a contender and takes away what it looked after.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn off(&self, contender: Contender, on: On) -> Result<()> {
        if let Some(process) = contender.process() {
            self.lab.stop_process(process, STOP_GRACE).await?;
        }
        match on.kept {
            Some(kept) => fleet::let_go(&self.client, kept).await,
            None => Ok(()),
        }
    }

    /// What the contender, the API server, its store and the source's server
    /// have used so far.
    ///
    /// # Errors
    /// When one of them does not run.
    pub fn cpu(&self, contender: Contender) -> Result<Cpu> {
        let mut names = vec!["kube-apiserver", "etcd"];
        names.extend(contender.process());
        names.extend(contender.between());
        Cpu::of(&self.lab, &names)
    }
}

/// A contender that is on.
#[allow(missing_debug_implementations)] // kube's client has none
pub struct On {
    /// uid of each Deployment, by its place.
    pub uids: Vec<String>,
    /// The floor, where it is that.
    pub floor: Option<Floor>,
    kept: Option<Kept>,
}
