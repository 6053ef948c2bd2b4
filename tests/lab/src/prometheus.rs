//! Prometheus: its configuration, how it is started, and changing what it
//! scrapes while it runs.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::children::SpawnSpec;
use crate::files::write_private;
use crate::paths::StateDir;
use crate::ports::HeldPort;
use crate::programs::Programs;
use crate::spec::{PrometheusSpec, ScrapeTarget};

/// Its name within the lab.
pub const NAME: &str = "prometheus";
/// Most time to become ready.
pub const START_TIMEOUT: Duration = Duration::from_secs(60);
const RELOAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Writes the configuration and says how to start Prometheus.
///
/// # Errors
/// When the configuration cannot be written.
pub fn command(
    programs: &Programs,
    dir: &StateDir,
    spec: &PrometheusSpec,
    port: &HeldPort,
) -> Result<SpawnSpec> {
    write_config(dir, spec)?;
    let args = vec![
        format!("--config.file={}", dir.config("prometheus.yaml").display()),
        format!("--storage.tsdb.path={}", dir.data("prometheus").display()),
        "--storage.tsdb.retention.time=6h".into(),
        format!("--web.listen-address={}", port.address()),
        "--web.enable-lifecycle".into(),
        "--log.level=warn".into(),
    ];
    Ok(SpawnSpec::new(NAME, programs.prometheus.clone(), args))
}

fn write_config(dir: &StateDir, spec: &PrometheusSpec) -> Result<()> {
    write_private(&dir.config("prometheus.yaml"), config(spec).as_bytes())
}

fn config(spec: &PrometheusSpec) -> String {
    let PrometheusSpec {
        scrape_interval_ms,
        targets,
    } = spec;
    let mut text = format!(
        "global:\n  scrape_interval: {scrape_interval_ms}ms\n  scrape_timeout: {scrape_interval_ms}ms\n\
         scrape_configs:\n"
    );
    for ScrapeTarget { job, address } in targets {
        let _ = write!(
            text,
            "- job_name: {job:?}\n  static_configs:\n  - targets: [{address:?}]\n"
        );
    }
    if targets.is_empty() {
        text.push_str("  []\n");
    }
    text
}

/// Replaces what Prometheus scrapes and waits until it has read it.
///
/// # Errors
/// When it does not answer or refuses the configuration.
pub async fn reload(dir: &StateDir, url: &str, spec: &PrometheusSpec) -> Result<()> {
    write_config(dir, spec)?;
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(RELOAD_TIMEOUT)
        .build()?;
    let response = client
        .post(format!("{url}/-/reload"))
        .send()
        .await
        .context("Prometheus does not answer")?;
    let status = response.status();
    ensure!(
        status.is_success(),
        "Prometheus refused its configuration: {status} {}",
        response.text().await?
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_yaml_with_and_without_targets() {
        let mut spec = PrometheusSpec {
            scrape_interval_ms: 500,
            targets: Vec::new(),
        };
        let none: serde_json::Value = serde_saphyr::from_str(&config(&spec)).unwrap();
        assert_eq!(none["scrape_configs"], serde_json::json!([]));
        spec.targets.push(ScrapeTarget {
            job: "demo".into(),
            address: "127.0.0.1:1".into(),
        });
        let one: serde_json::Value = serde_saphyr::from_str(&config(&spec)).unwrap();
        assert_eq!(one["global"]["scrape_interval"], "500ms");
        assert_eq!(
            one["scrape_configs"][0]["static_configs"][0]["targets"][0],
            "127.0.0.1:1"
        );
    }
}
