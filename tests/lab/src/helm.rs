//! Helm on the lab: our own build of it, with homes inside the lab's folder, so
//! that the user's repositories and plugins play no part.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::paths::StateDir;

/// Helm for one lab.
#[derive(Debug, Clone)]
pub struct Helm {
    program: PathBuf,
    kubeconfig: PathBuf,
    home: PathBuf,
}

impl Helm {
    pub(crate) fn new(program: &Path, dir: &StateDir) -> Self {
        Self {
            program: program.to_owned(),
            kubeconfig: dir.kubeconfig(),
            home: dir.data("helm"),
        }
    }

    /// `helm upgrade --install RELEASE CHART`, with `--set key=value` for each
    /// value and further arguments as they are.
    ///
    /// # Errors
    /// What Helm said.
    pub async fn upgrade_install(
        &self,
        release: &str,
        chart: &Path,
        namespace: &str,
        values: &[(&str, &str)],
        more: &[&str],
    ) -> Result<String> {
        let mut args: Vec<String> = ["upgrade", "--install", release]
            .map(str::to_owned)
            .to_vec();
        args.push(chart.display().to_string());
        args.extend(["--namespace", namespace, "--create-namespace"].map(str::to_owned));
        for (key, value) in values {
            args.extend(["--set".to_owned(), format!("{key}={value}")]);
        }
        args.extend(more.iter().map(|&arg| arg.to_owned()));
        self.run(&args).await
    }

    /// Any Helm command; returns what it printed.
    ///
    /// # Errors
    /// What Helm said.
    pub async fn run<S: AsRef<str>>(&self, args: &[S]) -> Result<String> {
        let output = Command::new(&self.program)
            .args(args.iter().map(AsRef::as_ref))
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HELM_CACHE_HOME", self.home.join("cache"))
            .env("HELM_CONFIG_HOME", self.home.join("config"))
            .env("HELM_DATA_HOME", self.home.join("data"))
            .env_remove("HELM_NAMESPACE")
            .env_remove("HELM_KUBECONTEXT")
            .kill_on_drop(true)
            .output()
            .await
            .with_context(|| format!("cannot run {}", self.program.display()))?;
        if !output.status.success() {
            let verb = args.first().map_or("", AsRef::as_ref);
            bail!(
                "helm {verb} failed: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
