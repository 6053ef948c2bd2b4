//! metrics.k8s.io, custom.metrics.k8s.io and external.metrics.k8s.io as real API
//! services: how metrics-server and the adapter are started, and the objects by
//! which the API server finds them. It reaches them over loopback, as no
//! address of a Service is routed here.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::children::SpawnSpec;
use crate::credentials::{Credentials, component_kubeconfig};
use crate::paths::StateDir;
use crate::programs::Programs;

/// metrics-server's name within the lab.
pub const SERVER: &str = "metrics-server";
/// The adapter's name within the lab.
pub const ADAPTER: &str = "metrics-adapter";
/// Most time for both to be available through the API server.
pub const START_TIMEOUT: Duration = Duration::from_secs(60);
const NAMESPACE: &str = "kube-system";
/// As often as metrics-server allows.
const RESOLUTION: &str = "10s";
const SCRAPE_TIMEOUT: &str = "5s";
/// An HPA controller made fast asks for 1,000 HPAs each second.
const REQUESTS_A_SECOND: u32 = 2_000;

/// Ports on loopback.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// metrics-server's.
    pub server: u16,
    /// The adapter's, for the API server.
    pub adapter: u16,
    /// The adapter's, for values.
    pub values: u16,
    /// KWOK's, where the use of nodes and pods is asked.
    pub usage: u16,
}

fn common(dir: &StateDir, credentials: &Credentials, name: &str, port: u16) -> Vec<String> {
    let kubeconfig = component_kubeconfig(dir, name);
    vec![
        "--bind-address=127.0.0.1".into(),
        format!("--secure-port={port}"),
        format!(
            "--tls-cert-file={}",
            credentials.server_certificate.display()
        ),
        format!(
            "--tls-private-key-file={}",
            credentials.server_key.display()
        ),
        format!("--authentication-kubeconfig={}", kubeconfig.display()),
        format!("--authorization-kubeconfig={}", kubeconfig.display()),
    ]
}

fn program(programs: &Programs) -> Result<std::path::PathBuf> {
    programs
        .metrics
        .clone()
        .context("the metrics APIs were not built; this is a defect of the lab")
}

/// How to start metrics-server.
///
/// # Errors
/// When it was not built.
pub fn server(
    programs: &Programs,
    dir: &StateDir,
    credentials: &Credentials,
    ports: Ports,
) -> Result<SpawnSpec> {
    let mut args = common(dir, credentials, SERVER, ports.server);
    args.extend([
        format!(
            "--kubeconfig={}",
            component_kubeconfig(dir, SERVER).display()
        ),
        format!("--kubelet-port={}", ports.usage),
        "--kubelet-preferred-address-types=InternalIP".into(),
        // Plain HTTP, on loopback.
        "--deprecated-kubelet-completely-insecure=true".into(),
        format!("--kubelet-request-timeout={SCRAPE_TIMEOUT}"),
        format!("--metric-resolution={RESOLUTION}"),
    ]);
    let mut spec = SpawnSpec::new(SERVER, program(programs)?, args);
    spec.called = Some(SERVER.into());
    Ok(spec)
}

/// How to start the adapter.
///
/// # Errors
/// When it was not built.
pub fn adapter(
    programs: &Programs,
    dir: &StateDir,
    credentials: &Credentials,
    ports: Ports,
) -> Result<SpawnSpec> {
    let mut args = common(dir, credentials, ADAPTER, ports.adapter);
    args.extend([
        format!(
            "--lister-kubeconfig={}",
            component_kubeconfig(dir, ADAPTER).display()
        ),
        format!("--client-qps={REQUESTS_A_SECOND}"),
        format!("--client-burst={REQUESTS_A_SECOND}"),
        format!("--values-listen=127.0.0.1:{}", ports.values),
    ]);
    let mut spec = SpawnSpec::new(ADAPTER, program(programs)?, args);
    spec.called = Some(ADAPTER.into());
    Ok(spec)
}

/// The Services and APIServices, as YAML (JSON documents are that too).
#[must_use]
pub fn objects(ports: Ports) -> String {
    let served = [
        ("metrics.k8s.io", "v1beta1", SERVER, ports.server),
        ("custom.metrics.k8s.io", "v1beta1", ADAPTER, ports.adapter),
        ("custom.metrics.k8s.io", "v1beta2", ADAPTER, ports.adapter),
        ("external.metrics.k8s.io", "v1beta1", ADAPTER, ports.adapter),
    ];
    let mut all: Vec<Value> = [SERVER, ADAPTER].iter().map(|name| service(name)).collect();
    all.extend(served.map(|(group, version, service, port)| api(group, version, service, port)));
    all.iter()
        .map(|object| format!("---\n{object}\n"))
        .collect()
}

/// The names of the APIServices.
pub const API_SERVICES: [&str; 4] = [
    "v1beta1.metrics.k8s.io",
    "v1beta1.custom.metrics.k8s.io",
    "v1beta2.custom.metrics.k8s.io",
    "v1beta1.external.metrics.k8s.io",
];

/// A name that the API server looks up itself, instead of an address that
/// nothing routes.
fn service(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"type": "ExternalName", "externalName": "localhost"},
    })
}

fn api(group: &str, version: &str, service: &str, port: u16) -> Value {
    // The later version is preferred.
    let priority = if version == "v1beta2" { 200 } else { 100 };
    json!({
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
        "metadata": {"name": format!("{version}.{group}")},
        "spec": {
            "group": group, "version": version,
            "service": {"name": service, "namespace": NAMESPACE, "port": port},
            "insecureSkipTLSVerify": true,
            "groupPriorityMinimum": 100, "versionPriority": priority,
        },
    })
}
