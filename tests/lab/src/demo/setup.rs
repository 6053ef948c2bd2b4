//! From nothing to a service in its quiet hour: lab, chart, operator, example.
//! Every wait is bounded and says what was missing.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use kube::Client;
use kube::core::Status;
use serde_json::{Value, json};

use super::example::{Example, MASS, SENSITIVE};
use super::seen::Place;
use super::wait::{until, until_seen};
use super::watch::Watch;
use crate::checkout::checkout;
use crate::exporter::Exporter;
use crate::lab::Lab;
use crate::operator::{NAMESPACE, Operator, OperatorSpec};
use crate::progress::Progress;
use crate::spec::{LabSpec, NodeGroup};

/// Seconds until a pod at home is ready.
pub const HOME_READY_SECONDS: f64 = 2.0;
/// Seconds until a pod in the cloud is ready.
pub const CLOUD_READY_SECONDS: f64 = 8.0;
const HOME_NODES: u32 = 3;
const CLOUD_NODES: u32 = 6;
const NODE_CPU: &str = "8";
const NODE_MEMORY: &str = "32Gi";
/// What a large node takes; the burst brings some 700 pods home.
const NODE_PODS: u32 = 500;
const POD_DELETE_SECONDS: f64 = 1.0;
const GUARD_WAIT: Duration = Duration::from_secs(60);
const PODS_WAIT: Duration = Duration::from_secs(60);
/// Names of the guard's policies begin so; refusals carry the name.
pub const GUARD_PREFIX: &str = "pinisi-guard-";

/// The lab with everything that the demo uses.
#[allow(missing_debug_implementations)] // kube's client has none
pub struct Stage {
    /// The lab.
    pub lab: Lab,
    /// The lab's admin.
    pub client: Client,
    /// Serves the load.
    pub exporter: Exporter,
    /// The demo's own watch.
    pub watch: Watch,
    /// The operator's process.
    pub operator: Operator,
}

/// Starts the lab.
///
/// # Errors
/// As [`Lab::start`].
pub async fn lab(name: &str, exporter: &Exporter) -> Result<Lab> {
    let mut nodes = vec![
        NodeGroup::home(HOME_NODES, NODE_CPU, NODE_MEMORY).ready_after(HOME_READY_SECONDS),
        NodeGroup::cloud(CLOUD_NODES, NODE_CPU, NODE_MEMORY).ready_after(CLOUD_READY_SECONDS),
    ];
    for group in &mut nodes {
        group.pods = NODE_PODS;
    }
    let mut spec = LabSpec::new(name, nodes).scrape("demo", exporter.address());
    spec.pod_delete_seconds = POD_DELETE_SECONDS;
    Lab::start_with(spec, Progress::stderr()).await
}

/// Installs the chart with Helm, starts the operator under its account, and
/// applies the example.
///
/// # Errors
/// One line: the step, and what was missing.
pub async fn stage(
    lab: Lab,
    exporter: Exporter,
    operator: PathBuf,
    example: &Example,
    say: &dyn Fn(&str),
) -> Result<Stage> {
    let client = lab.admin_client().await?;
    let watch = Watch::start(&client, SENSITIVE, MASS).await?;
    let chart = checkout().join("charts").join("pinisi");
    lab.helm()
        .upgrade_install("pinisi", &chart, NAMESPACE, &[], &[])
        .await?;
    say("the chart is installed");
    let mut spec = OperatorSpec::replica(0);
    spec.binary = Some(operator);
    let operator = lab.start_operator(spec).await?;
    say("the operator runs with its own account");

    let prometheus = lab
        .prometheus_url()
        .context("the lab has no Prometheus")?
        .to_owned();
    for file in ["namespaces.yaml", "sites.yaml", "signals.yaml"] {
        example.apply(&client, file, &prometheus).await?;
    }
    guard_stands(&client, &watch, &operator).await?;
    say("the guard stands");
    for file in ["citizen-records.yaml", "public-service.yaml"] {
        example.apply(&client, file, &prometheus).await?;
    }
    until_seen("the sensitive pods at home", PODS_WAIT, || {
        let (ready, _) = watch.seen().now(SENSITIVE, Place::Home);
        (ready < example.sensitive_replicas)
            .then(|| format!("{ready} of {} are ready", example.sensitive_replicas))
    })
    .await
    .with_context(|| alive(&operator))?;
    say("the sensitive pods are ready, at home");
    Ok(Stage {
        lab,
        client,
        exporter,
        watch,
        operator,
    })
}

/// Waits until the inventory has all nodes at home and the guard refuses, which
/// is asked of it with a dry run.
async fn guard_stands(client: &Client, watch: &Watch, operator: &Operator) -> Result<()> {
    let inventory = "/apis/pinisi.dev/v1alpha1/sovereignnodes/default";
    until(
        "SovereignNodes with every node at home",
        GUARD_WAIT,
        || async {
            Ok(match get(client, inventory).await {
                Ok(object) => {
                    let listed = object["spec"]["nodes"]
                        .as_object()
                        .map_or(0, serde_json::Map::len);
                    let home = HOME_NODES as usize;
                    (listed != home).then(|| format!("it lists {listed} nodes, {home} are at home"))
                }
                Err(status) => Some(status.message),
            })
        },
    )
    .await
    .with_context(|| alive(operator))?;
    let away = watch.seen().a_node_away().context("no node in the cloud")?;
    let path = format!("/api/v1/namespaces/{SENSITIVE}/pods?dryRun=All");
    let probe = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"},
        "spec": {"nodeName": away, "containers": [{"name": "c", "image": "x"}]}});
    until(
        "the guard's refusal of a pod on a cloud node",
        GUARD_WAIT,
        || async {
            Ok(match send(client, "POST", &path, JSON, &probe).await {
                Ok(_) => Some("it was let through".into()),
                Err(status) if status.message.contains(GUARD_PREFIX) => None,
                Err(status) => Some(status.message),
            })
        },
    )
    .await
    .with_context(|| alive(operator))
}

fn alive(operator: &Operator) -> String {
    let state = if operator.is_running() {
        "runs"
    } else {
        "has ended"
    };
    let words = crate::files::tail(operator.log_path(), LOG_LINES);
    format!("the operator {state}; its last words:\n{words}\n")
}

const LOG_LINES: usize = 8;
/// An object as it is.
pub const JSON: &str = "application/json";

/// Asks the API server for one object.
///
/// # Errors
/// What it said.
pub async fn get(client: &Client, path: &str) -> Result<Value, Box<Status>> {
    send(client, "GET", path, JSON, &Value::Null).await
}

/// One plain request with the admin's client: the demo hides nothing behind a
/// library here.
///
/// # Errors
/// What the API server said; anything else as a status with code 0.
pub async fn send(
    client: &Client,
    method: &str,
    path: &str,
    kind: &str,
    body: &Value,
) -> Result<Value, Box<Status>> {
    let other = |words: String| Box::new(Status::failure(&words, "Transport"));
    let bytes = if body.is_null() {
        Vec::new()
    } else {
        body.to_string().into_bytes()
    };
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header(http::header::CONTENT_TYPE, kind)
        .body(bytes)
        .map_err(|error| other(error.to_string()))?;
    client.request(request).await.map_err(|error| match error {
        kube::Error::Api(status) => status,
        error => other(error.to_string()),
    })
}
