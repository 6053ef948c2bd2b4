//! `cargo lab up`.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use super::Output;
use crate::lab::Lab;
use crate::programs::Version;
use crate::progress::{Progress, human};
use crate::spec::{DEFAULT_NAME, FixedPorts, LabSpec, NodeGroup, PrometheusSpec, ScrapeTarget};

/// Options of `up`.
#[derive(Debug, Args)]
pub struct Up {
    /// Name of the lab; several can run side by side
    #[arg(long, default_value = DEFAULT_NAME)]
    name: String,
    /// Where the cloud is: nodes of the one cluster, or clusters of their own
    #[arg(long, value_enum, default_value_t)]
    topology: Topology,
    /// A further cluster of the remote topology, called NAME-SITE; may be repeated
    #[arg(long, value_name = "SITE", default_value = "cloud")]
    site: Vec<String>,
    /// Serve metrics.k8s.io, custom.metrics.k8s.io and external.metrics.k8s.io
    #[arg(long)]
    metrics: bool,
    /// Which Kubernetes the further clusters run, of the remote topology
    #[arg(long, value_enum, default_value_t)]
    site_kubernetes: KubernetesVersion,
    /// How many nodes at home
    #[arg(long, default_value_t = 3)]
    home_nodes: u32,
    /// CPU of each node at home
    #[arg(long, default_value = "8")]
    home_cpu: String,
    /// Memory of each node at home
    #[arg(long, default_value = "16Gi")]
    home_memory: String,
    /// Seconds until a pod at home is ready
    #[arg(long, default_value_t = 2.0)]
    home_ready_seconds: f64,
    /// How many nodes in the cloud
    #[arg(long, default_value_t = 4)]
    cloud_nodes: u32,
    /// CPU of each node in the cloud
    #[arg(long, default_value = "16")]
    cloud_cpu: String,
    /// Memory of each node in the cloud
    #[arg(long, default_value = "32Gi")]
    cloud_memory: String,
    /// Seconds until a pod in the cloud is ready
    #[arg(long, default_value_t = 8.0)]
    cloud_ready_seconds: f64,
    /// Start no Prometheus
    #[arg(long)]
    no_prometheus: bool,
    /// Milliseconds between two scrapes
    #[arg(long, default_value_t = 1_000)]
    scrape_interval_ms: u32,
    /// Something for Prometheus to scrape, 127.0.0.1:PORT; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    scrape: Vec<String>,
    /// The API server's port; a free one by default
    #[arg(long)]
    apiserver_port: Option<u16>,
    /// etcd's port; a free one by default
    #[arg(long)]
    etcd_port: Option<u16>,
    /// Prometheus' port; a free one by default
    #[arg(long)]
    prometheus_port: Option<u16>,
    /// How to print
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Where the cloud is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Topology {
    /// One cluster with nodes at home and in the cloud.
    #[default]
    Stretched,
    /// A cluster at home and one a further site.
    Remote,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum KubernetesVersion {
    /// The newest.
    #[default]
    #[value(name = "1.37")]
    V1_37,
    /// An older one, built when it is asked for first.
    #[value(name = "1.34")]
    V1_34,
}

impl KubernetesVersion {
    pub(super) fn version(self) -> Version {
        match self {
            Self::V1_37 => Version::V1_37,
            Self::V1_34 => Version::V1_34,
        }
    }
}

impl Up {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let output = self.output;
        let started = Instant::now();
        let mut labs = Vec::new();
        for lab in Lab::start_all(self.specs(), Progress::stderr()).await? {
            labs.push(lab.keep().await?);
        }
        let took = human(started.elapsed());
        match output {
            Output::Json => {
                let mut reports = Vec::new();
                for lab in &labs {
                    reports.extend(super::status::report(&lab.state()?.spec.name).await?);
                }
                // One lab is told as itself, several as a list.
                match reports.as_slice() {
                    [one] => println!("{}", serde_json::to_string_pretty(one)?),
                    all => println!("{}", serde_json::to_string_pretty(all)?),
                }
            }
            Output::Text => {
                let (hub, further) = labs.split_first().context("no lab was started")?;
                guide(&hub.state()?.spec.name, hub, further, &took)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The hub first, then its further clusters.
    fn specs(self) -> Vec<LabSpec> {
        let Self {
            name,
            topology,
            site,
            metrics,
            site_kubernetes,
            home_nodes,
            home_cpu,
            home_memory,
            home_ready_seconds,
            cloud_nodes,
            cloud_cpu,
            cloud_memory,
            cloud_ready_seconds,
            no_prometheus,
            scrape_interval_ms,
            scrape,
            apiserver_port,
            etcd_port,
            prometheus_port,
            output: _,
        } = self;
        let mut nodes = vec![
            NodeGroup::home(home_nodes, &home_cpu, &home_memory).ready_after(home_ready_seconds),
        ];
        if topology == Topology::Stretched {
            nodes.push(
                NodeGroup::cloud(cloud_nodes, &cloud_cpu, &cloud_memory)
                    .ready_after(cloud_ready_seconds),
            );
        }
        let mut spec = LabSpec::new(&name, nodes);
        spec.metrics = metrics;
        spec.ports = FixedPorts {
            apiserver: apiserver_port,
            etcd: etcd_port,
            prometheus: prometheus_port,
        };
        let targets = scrape.into_iter().enumerate();
        let targets = targets.map(|(index, address)| ScrapeTarget {
            job: format!("target-{index}"),
            address,
        });
        spec.prometheus = (!no_prometheus).then(|| PrometheusSpec {
            scrape_interval_ms,
            targets: targets.collect(),
        });
        if topology == Topology::Stretched {
            return vec![spec];
        }
        let version = site_kubernetes.version();
        let further: Vec<LabSpec> = site
            .iter()
            .map(|site| {
                let nodes = NodeGroup::remote(site, cloud_nodes, &cloud_cpu, &cloud_memory)
                    .ready_after(cloud_ready_seconds);
                let mut further = spec.further(nodes).kubernetes(version);
                further.metrics = metrics;
                further
            })
            .collect();
        [vec![spec], further].concat()
    }
}

fn guide(name: &str, lab: &Lab, further: &[Lab], took: &str) -> Result<()> {
    let down = if name == DEFAULT_NAME {
        String::new()
    } else {
        format!(" --name {name}")
    };
    println!("the lab {name} runs (started in {took})\n");
    println!("  export KUBECONFIG={}", lab.kubeconfig_path().display());
    println!("  kubectl get nodes\n");
    for lab in further {
        let name = lab.state()?.spec.name;
        println!("the further cluster {name}\n");
        println!("  export KUBECONFIG={}", lab.kubeconfig_path().display());
        println!("  audit log   {}\n", lab.dir().audit_log().display());
    }
    if !further.is_empty() {
        println!("the lab {name}");
    }
    println!("  Prometheus  {}", lab.prometheus_url().unwrap_or("none"));
    println!("  audit log   {}", lab.dir().audit_log().display());
    println!("  logs        {}\n", lab.dir().logs().display());
    println!("  cargo lab status            what runs");
    println!("  cargo lab down{down:<13} end it");
    Ok(())
}
