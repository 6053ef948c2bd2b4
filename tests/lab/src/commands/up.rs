//! `cargo lab up`.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::Args;

use super::Output;
use crate::lab::Lab;
use crate::progress::{Progress, human};
use crate::spec::{DEFAULT_NAME, FixedPorts, LabSpec, NodeGroup, PrometheusSpec, ScrapeTarget};

/// Options of `up`.
#[derive(Debug, Args)]
pub struct Up {
    /// Name of the lab; several can run side by side
    #[arg(long, default_value = DEFAULT_NAME)]
    name: String,
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

impl Up {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let output = self.output;
        let started = Instant::now();
        let lab = Lab::start_with(self.spec(), Progress::stderr())
            .await?
            .keep()
            .await?;
        let name = lab.state()?.spec.name;
        match output {
            Output::Json => {
                println!(
                    "{}",
                    serde_json::to_string_pretty(&super::status::report(&name).await?)?
                );
            }
            Output::Text => guide(&name, &lab, &human(started.elapsed())),
        }
        Ok(ExitCode::SUCCESS)
    }

    fn spec(self) -> LabSpec {
        let Self {
            name,
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
        let nodes = vec![
            NodeGroup::home(home_nodes, &home_cpu, &home_memory).ready_after(home_ready_seconds),
            NodeGroup::cloud(cloud_nodes, &cloud_cpu, &cloud_memory)
                .ready_after(cloud_ready_seconds),
        ];
        let mut spec = LabSpec::new(&name, nodes);
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
        spec
    }
}

fn guide(name: &str, lab: &Lab, took: &str) {
    let down = if name == DEFAULT_NAME {
        String::new()
    } else {
        format!(" --name {name}")
    };
    println!("the lab {name} runs (started in {took})\n");
    println!("  export KUBECONFIG={}", lab.kubeconfig_path().display());
    println!("  kubectl get nodes\n");
    println!("  Prometheus  {}", lab.prometheus_url().unwrap_or("none"));
    println!("  audit log   {}", lab.dir().audit_log().display());
    println!("  logs        {}\n", lab.dir().logs().display());
    println!("  cargo lab status            what runs");
    println!("  cargo lab down{down:<13} end it");
}
