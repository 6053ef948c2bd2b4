//! Where home and cloud are: nodes of one cluster, or two clusters. The labs of
//! each, and nothing of what happens on them.

use anyhow::{Context, Result};
use serde::Serialize;

use super::setup::{CLOUD_READY_SECONDS, HOME_READY_SECONDS};
use crate::exporter::Exporter;
use crate::lab::Lab;
use crate::progress::Progress;
use crate::spec::{LabSpec, NodeGroup};

/// Nodes at home.
pub const HOME_NODES: u32 = 3;
const CLOUD_NODES: u32 = 6;
const NODE_CPU: &str = "8";
const NODE_MEMORY: &str = "32Gi";
/// What a large node takes; the burst brings some 700 pods home.
const NODE_PODS: u32 = 500;
const POD_DELETE_SECONDS: f64 = 1.0;

/// Where home and cloud are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Topology {
    /// One cluster with nodes at home and in the cloud.
    Stretched,
    /// A cluster at home and another one in the cloud.
    Remote,
}

impl Topology {
    /// Its word on the command line and in the JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stretched => "stretched",
            Self::Remote => "remote",
        }
    }

    /// What it is, for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Stretched => "one cluster with nodes at home and in the cloud",
            Self::Remote => "a cluster at home and another one in the cloud",
        }
    }

    /// The file of the example that has its Sites.
    #[must_use]
    pub const fn sites_file(self) -> &'static str {
        match self {
            Self::Stretched => "sites.yaml",
            Self::Remote => "sites-remote.yaml",
        }
    }
}

/// The running clusters: the hub, and the one in the cloud where it is apart.
#[derive(Debug)]
pub struct Labs {
    /// The cluster that the operator runs in.
    pub hub: Lab,
    /// The cluster in the cloud.
    pub cloud: Option<Lab>,
}

impl Labs {
    /// Starts the clusters of a topology, all at once.
    ///
    /// # Errors
    /// As [`Lab::start_all`].
    pub async fn start(topology: Topology, name: &str, exporter: &Exporter) -> Result<Self> {
        let sized = |mut group: NodeGroup, ready: f64| {
            group.pods = NODE_PODS;
            group.ready_after(ready)
        };
        let home = sized(
            NodeGroup::home(HOME_NODES, NODE_CPU, NODE_MEMORY),
            HOME_READY_SECONDS,
        );
        let cloud = match topology {
            Topology::Stretched => NodeGroup::cloud(CLOUD_NODES, NODE_CPU, NODE_MEMORY),
            Topology::Remote => NodeGroup::remote("cloud", CLOUD_NODES, NODE_CPU, NODE_MEMORY),
        };
        let cloud = sized(cloud, CLOUD_READY_SECONDS);
        let (nodes, apart) = match topology {
            Topology::Stretched => (vec![home, cloud], None),
            Topology::Remote => (vec![home], Some(cloud)),
        };
        let mut hub = LabSpec::new(name, nodes).scrape("demo", exporter.address());
        hub.pod_delete_seconds = POD_DELETE_SECONDS;
        let mut specs = vec![hub.clone()];
        specs.extend(apart.map(|group| {
            let mut further = hub.further(group);
            further.pod_delete_seconds = POD_DELETE_SECONDS;
            further
        }));
        let mut labs = Lab::start_all(specs, Progress::stderr()).await?.into_iter();
        Ok(Self {
            hub: labs.next().context("no lab started")?,
            cloud: labs.next(),
        })
    }

    /// Ends them, the cloud first.
    ///
    /// # Errors
    /// The first that did not end.
    pub async fn stop(self) -> Result<()> {
        let Self { hub, cloud } = self;
        if let Some(cloud) = cloud {
            cloud.stop().await?;
        }
        hub.stop().await
    }
}
