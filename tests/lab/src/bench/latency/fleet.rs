//! The objects: many Deployments of one replica, and what looks after their
//! counts. No controller of Kubernetes runs meanwhile, so no count makes pods:
//! what is timed is the decision, and a replica costs everybody nothing.

use std::time::Duration;

use anyhow::{Context, Result};
use kube::Client;
use serde_json::{Value, json};

use crate::adapter::OFFERED;
use crate::bench::api::{APPLY, Call, MERGE, send_all};
use crate::demo::until;

/// Namespace of the fleet.
pub const NAMESPACE: &str = "bench";
/// Milliseconds between two scrapes of Pinisi's own.
pub const GATEWAY_MILLIS: u64 = 250;
/// Replicas at rest.
pub const CALM: u32 = 1;
/// Replicas that the spike needs: nobody's limits allow more.
pub const SPIKE: u32 = 3;
/// Load that one replica serves.
const PER_REPLICA: &str = "10";
const SOURCE: &str = "bench";
const QUERY: &str = "offered";
const MANAGER: &str = "pinisi-bench";
const GONE_WAIT: Duration = Duration::from_secs(60);
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/bench/deployments";
const WORKLOADS: &str = "/apis/pinisi.dev/v1alpha1/namespaces/bench/hybridworkloads";
const HPAS: &str = "/apis/autoscaling/v2/namespaces/bench/horizontalpodautoscalers";

/// What looks after counts: which of them is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// HybridWorkloads.
    Workloads,
    /// HorizontalPodAutoscalers.
    Hpas,
}

impl Kept {
    const fn path(self) -> &'static str {
        match self {
            Self::Workloads => WORKLOADS,
            Self::Hpas => HPAS,
        }
    }
}

/// The name of one of them.
#[must_use]
pub fn name(index: usize) -> String {
    format!("w{index:04}")
}

/// Makes namespace, Site and Deployments, each with the status that a controller
/// would have given it.
///
/// # Errors
/// What the API server refused.
pub async fn make(client: &Client, workloads: usize) -> Result<()> {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": NAMESPACE, "labels": {"pinisi.dev/class": "MassTraffic"}}});
    apply(client, "/api/v1/namespaces", &namespace).await?;
    let site = json!({"apiVersion": "pinisi.dev/v1alpha1", "kind": "Site", "metadata": {"name": "home"},
        "spec": {"type": "OnPrem", "jurisdiction": "ID", "allowedNamespaces": {},
            "nodes": {"matchLabels": {crate::nodes::SITE_LABEL: "home"}}}});
    apply(client, "/apis/pinisi.dev/v1alpha1/sites", &site).await?;
    let all = (0..workloads).map(|index| Call::post(DEPLOYMENTS, deployment(&name(index))));
    send_all(client, all.collect()).await?;
    let status = json!({"status": {"observedGeneration": 1, "replicas": CALM,
        "readyReplicas": CALM, "updatedReplicas": CALM, "availableReplicas": CALM}});
    let all = (0..workloads).map(|index| {
        let path = format!("{DEPLOYMENTS}/{}/status", name(index));
        Call::patch(path, MERGE, status.clone())
    });
    send_all(client, all.collect()).await
}

/// Sets all counts back; answers the uid of each Deployment, by its place.
///
/// # Errors
/// What the API server refused.
pub async fn calm(client: &Client, workloads: usize) -> Result<Vec<String>> {
    let list = Call::get(DEPLOYMENTS).send(client).await?;
    let items = list["items"].as_array().context("not a list")?;
    let mut uids = vec![String::new(); workloads];
    let mut calls = Vec::new();
    for item in items {
        let text = |field: &Value| field.as_str().unwrap_or_default().to_owned();
        let name = text(&item["metadata"]["name"]);
        let index = name.strip_prefix('w').and_then(|n| n.parse::<usize>().ok());
        let place = index.and_then(|index| uids.get_mut(index));
        *place.with_context(|| format!("a Deployment {name} that is none of the fleet"))? =
            text(&item["metadata"]["uid"]);
        if item["spec"]["replicas"] != CALM {
            let path = format!("{DEPLOYMENTS}/{name}/scale");
            calls.push(Call::patch(
                path,
                MERGE,
                json!({"spec": {"replicas": CALM}}),
            ));
        }
    }
    send_all(client, calls).await?;
    Ok(uids)
}

/// Where a count is written.
#[must_use]
pub fn scale_path(name: &str, manager: &str) -> String {
    format!("{DEPLOYMENTS}/{name}/scale?fieldManager={manager}")
}

/// Makes what looks after the counts.
///
/// # Errors
/// What the API server refused.
pub async fn keep(client: &Client, kept: Kept, workloads: usize) -> Result<()> {
    let all = (0..workloads).map(|index| {
        let name = name(index);
        let object = match kept {
            Kept::Workloads => workload(&name),
            Kept::Hpas => hpa(&name),
        };
        Call::post(kept.path(), object)
    });
    send_all(client, all.collect()).await
}

/// Takes all of it away and waits until it is gone.
///
/// # Errors
/// What the API server refused, or that something stays.
pub async fn let_go(client: &Client, kept: Kept) -> Result<()> {
    Call::delete(kept.path()).send(client).await?;
    until("the fleet's keepers to go", GONE_WAIT, || async {
        let list = Call::get(kept.path()).send(client).await?;
        let left = list["items"].as_array().map_or(0, Vec::len);
        Ok((left > 0).then(|| format!("{left} are still there")))
    })
    .await
}

/// How many of them have looked at their signal and want the calm count.
///
/// # Errors
/// When the API server does not answer.
pub async fn looked(client: &Client, kept: Kept) -> Result<usize> {
    let list = Call::get(kept.path()).send(client).await?;
    let items = list["items"].as_array().context("not a list")?;
    let count = items.iter().filter(|item| {
        let status = &item["status"];
        match kept {
            Kept::Workloads => status["replicas"] == CALM && status["conditions"].is_array(),
            Kept::Hpas => {
                status["desiredReplicas"] == CALM
                    && status["currentMetrics"]
                        .as_array()
                        .is_some_and(|all| !all.is_empty())
            }
        }
    });
    Ok(count.count())
}

/// Says where Pinisi is to look: at a Prometheus, or at the source itself.
///
/// # Errors
/// What the API server refused.
pub async fn source(client: &Client, from: From<'_>) -> Result<()> {
    let spec = match from {
        From::Prometheus(address) => json!({
            "prometheus": {"address": address}, "intervalSeconds": 1,
            "queries": [{"name": QUERY,
                "query": format!("max by (namespace, workload) ({OFFERED})"),
                "timestampQuery": format!("max by (namespace, workload) (timestamp({OFFERED}))"),
            }],
        }),
        From::Gateway(address) => json!({
            "gateways": [{"address": format!("http://{address}/metrics")}],
            "intervalMilliseconds": GATEWAY_MILLIS,
            "queries": [{"name": QUERY, "metric": OFFERED, "figure": "Value"}],
        }),
    };
    let path = format!("/apis/pinisi.dev/v1alpha1/signalsources/{SOURCE}");
    // One may be there of the other kind.
    let _ = Call::delete(&path).send(client).await;
    let source = json!({"apiVersion": "pinisi.dev/v1alpha1", "kind": "SignalSource",
        "metadata": {"name": SOURCE}, "spec": spec});
    Call::post("/apis/pinisi.dev/v1alpha1/signalsources", source)
        .send(client)
        .await
        .map(drop)
}

/// Where Pinisi looks.
#[derive(Debug, Clone, Copy)]
pub enum From<'a> {
    /// At this URL of a Prometheus.
    Prometheus(&'a str),
    /// At `HOST:PORT` of the source.
    Gateway(&'a str),
}

async fn apply(client: &Client, path: &str, object: &Value) -> Result<()> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let path = format!("{path}/{name}?fieldManager={MANAGER}&force=true");
    Call::patch(path, APPLY, object.clone())
        .send(client)
        .await
        .map(drop)
}

fn deployment(name: &str) -> Value {
    let labels = json!({"app": name});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"replicas": CALM, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "web", "image": "registry.example/bench/tiny:1",
                "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}}}]},
        }},
    })
}

fn workload(name: &str) -> Value {
    json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "HybridWorkload",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "class": "MassTraffic",
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "autoscaling": {"minReplicas": CALM, "maxReplicas": SPIKE,
                "load": {"signal": {"source": SOURCE, "query": QUERY}, "perReplica": PER_REPLICA, "headroomPercent": 10}},
            "placement": {"tiers": [{"sites": ["home"]}]},
        },
    })
}

fn hpa(name: &str) -> Value {
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": CALM, "maxReplicas": SPIKE,
            "metrics": [{"type": "External", "external": {
                "metric": {"name": OFFERED, "selector": {"matchLabels": {"workload": name}}},
                "target": {"type": "AverageValue", "averageValue": PER_REPLICA},
            }}],
        },
    })
}
