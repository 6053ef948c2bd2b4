//! `cargo lab conformance`.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use super::up::KubernetesVersion;
use crate::binaries;
use crate::conformance::{self, Stage};
use crate::progress::Progress;

/// Options of `conformance`.
#[derive(Debug, Args)]
pub struct Conformance {
    /// Name of the lab
    #[arg(long, default_value = "conformance")]
    name: String,
    /// Which Kubernetes
    #[arg(long, value_enum, default_value_t)]
    kubernetes: KubernetesVersion,
    /// Leave the lab running
    #[arg(long)]
    keep: bool,
    /// Options of `kubectl pinisi conformance run`, for example --level silver
    #[arg(last = true)]
    options: Vec<String>,
}

impl Conformance {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let Self {
            name,
            kubernetes,
            keep,
            options,
        } = self;
        let progress = Progress::stderr();
        let built = progress.clone();
        let plugin = tokio::task::spawn_blocking(move || binaries::build("kubectl-pinisi", &built))
            .await??;
        let spec = conformance::spec(&name, kubernetes.version());
        let stage = Stage::start(spec, progress).await?;
        let run = async |more: &[&str]| -> Result<bool> {
            let status = tokio::process::Command::new(&plugin)
                .args(["conformance", "run"])
                .args(&options)
                .args(more)
                .env("KUBECONFIG", stage.lab.kubeconfig_path())
                .kill_on_drop(true)
                .status()
                .await
                .context("cannot run kubectl-pinisi")?;
            Ok(status.success())
        };
        eprintln!("\nwith the operator running");
        let running = run(&[]).await?;
        stage.operator.stop(&stage.lab).await?;
        eprintln!("\nwith the operator stopped");
        let stopped = run(&["--operator-down"]).await?;
        if keep {
            let lab = stage.lab.keep().await?;
            println!("export KUBECONFIG={}", lab.kubeconfig_path().display());
        } else {
            stage.lab.stop().await?;
        }
        Ok(if running && stopped {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}
