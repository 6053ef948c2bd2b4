//! The objects: three services, each with a Deployment, an HPA that scales it,
//! and the same HPA as a HybridWorkload that only looks on.

use anyhow::{Context, Result, bail};
use kube::Client;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::adapter::OFFERED;
use crate::bench::api::{APPLY, Call};
use crate::binaries;
use crate::lab::Lab;
use crate::progress::Progress;
use crate::usage::CPU_ANNOTATION;

/// Namespace of the three.
pub const NAMESPACE: &str = "parity";
/// The services: by an external metric, by CPU, and by both with a behavior.
pub const SERVICES: [&str; 3] = ["queue", "cpu", "both"];
/// Requests a second that one replica serves.
const ONE_SERVES: &str = "30";
/// Percent of its request that a pod is to use.
const UTILIZATION: u32 = 60;
const LEAST: u32 = 2;
const MOST: u32 = 40;
/// CPU that a request a second takes, in thousandths: 30 of them are 60 % of what
/// a pod requests.
pub const MILLI_A_REQUEST: f64 = 2.0;
const REQUESTED: &str = "100m";
const MANAGER: &str = "pinisi-bench";

/// How the HybridWorkloads came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Converted {
    /// By `kubectl pinisi adopt`.
    Adopt,
    /// By moving the HPA's fields here.
    Here,
}

/// Whether pods play a part in a service's metrics.
#[must_use]
pub fn by_pods(service: &str) -> bool {
    service != "queue"
}

/// Namespace, Site, Deployments and HPAs.
///
/// # Errors
/// What the API server refused.
pub async fn make(client: &Client) -> Result<()> {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": NAMESPACE, "labels": {"pinisi.dev/class": "MassTraffic"}}});
    apply(client, "/api/v1/namespaces", &namespace).await?;
    let site = json!({"apiVersion": "pinisi.dev/v1alpha1", "kind": "Site", "metadata": {"name": "home"},
        "spec": {"type": "OnPrem", "jurisdiction": "ID", "allowedNamespaces": {},
            "nodes": {"matchLabels": {crate::nodes::SITE_LABEL: "home"}}}});
    apply(client, "/apis/pinisi.dev/v1alpha1/sites", &site).await?;
    for service in SERVICES {
        let path = format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments");
        apply(client, &path, &deployment(service)).await?;
        let path = format!("/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers");
        apply(client, &path, &hpa(service)).await?;
    }
    Ok(())
}

/// Makes each HPA's HybridWorkload: with `kubectl pinisi adopt` where it has that,
/// else by moving the fields.
///
/// # Errors
/// What was refused.
pub async fn convert(lab: &Lab, client: &Client) -> Result<Converted> {
    let plugin = binaries::build("kubectl-pinisi", &Progress::quiet())?;
    let help = Command::new(&plugin)
        .args(["adopt", "--help"])
        .output()
        .await?;
    if help.status.success() {
        for service in SERVICES {
            adopt(&plugin, lab, service).await?;
        }
        return Ok(Converted::Adopt);
    }
    let path = format!("/apis/pinisi.dev/v1alpha1/namespaces/{NAMESPACE}/hybridworkloads");
    for service in SERVICES {
        apply(client, &path, &workload(service)).await?;
    }
    Ok(Converted::Here)
}

async fn adopt(plugin: &std::path::Path, lab: &Lab, service: &str) -> Result<()> {
    let target = format!("deployment/{service}");
    let output = Command::new(plugin)
        .args(["adopt", &target, "--namespace", NAMESPACE])
        .args(["--class", "MassTraffic", "--home", "home", "--yes"])
        .env("KUBECONFIG", lab.kubeconfig_path())
        .output()
        .await
        .context("cannot run kubectl-pinisi")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("adopt {target} failed: {}", said.trim());
    }
    Ok(())
}

async fn apply(client: &Client, path: &str, object: &Value) -> Result<()> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let path = format!("{path}/{name}?fieldManager={MANAGER}&force=true");
    Call::patch(path, APPLY, object.clone())
        .send(client)
        .await
        .map(drop)
}

fn deployment(service: &str) -> Value {
    let labels = json!({"app": service});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": service, "namespace": NAMESPACE},
        "spec": {"selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels, "annotations": {CPU_ANNOTATION: "1m"}},
            "spec": {"terminationGracePeriodSeconds": 1, "containers": [{
                "name": "web", "image": "registry.example/parity/web:1",
                "resources": {"requests": {"cpu": REQUESTED, "memory": "16Mi"}}}]},
        }},
    })
}

/// As autoscaling/v2 has it; the rest of an HPA's spec is its target.
fn autoscaling(service: &str) -> Value {
    let external = json!({"type": "External", "external": {
        "metric": {"name": OFFERED, "selector": {"matchLabels": {"workload": service}}},
        "target": {"type": "AverageValue", "averageValue": ONE_SERVES}}});
    let cpu = json!({"type": "Resource", "resource": {"name": "cpu",
        "target": {"type": "Utilization", "averageUtilization": UTILIZATION}}});
    let mut spec = json!({"minReplicas": LEAST, "maxReplicas": MOST});
    spec["metrics"] = match service {
        "queue" => json!([external]),
        "cpu" => json!([cpu]),
        _ => json!([external, cpu]),
    };
    if service == "both" {
        spec["behavior"] = json!({
            "scaleUp": {"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": [
                {"type": "Percent", "value": 50, "periodSeconds": 15},
                {"type": "Pods", "value": 3, "periodSeconds": 30}]},
            "scaleDown": {"stabilizationWindowSeconds": 60, "selectPolicy": "Max", "policies": [
                {"type": "Percent", "value": 25, "periodSeconds": 30}]},
        });
    }
    spec
}

fn hpa(service: &str) -> Value {
    let mut spec = autoscaling(service);
    spec["scaleTargetRef"] =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": service});
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": service, "namespace": NAMESPACE}, "spec": spec})
}

fn workload(service: &str) -> Value {
    json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "HybridWorkload",
        "metadata": {"name": service, "namespace": NAMESPACE},
        "spec": {
            "class": "MassTraffic", "mode": "Observe",
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": service},
            "autoscaling": autoscaling(service),
            "placement": {"tiers": [{"sites": ["home"]}]},
        },
    })
}
