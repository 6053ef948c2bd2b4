//! From nothing to a service in its quiet hour: lab, chart, operator, example.
//! Every wait is bounded and says what was missing.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kube::Client;
use kube::core::Status;
use serde_json::{Value, json};

use super::example::{Example, MASS, SENSITIVE};
use super::remote::{self, Cloud};
use super::seen::{Cluster, Place};
use super::topology::{HOME_NODES, Labs, Topology};
use super::wait::{until, until_seen};
use super::watch::Watch;
use crate::binaries;
use crate::checkout::checkout;
use crate::exporter::Exporter;
use crate::lab::Lab;
use crate::operator::{NAMESPACE, Operator, OperatorSpec};
use crate::progress::Progress;

/// Seconds until a pod at home is ready.
pub const HOME_READY_SECONDS: f64 = 2.0;
/// Seconds until a pod in the cloud is ready.
pub const CLOUD_READY_SECONDS: f64 = 8.0;
const GUARD_WAIT: Duration = Duration::from_secs(60);
const PODS_WAIT: Duration = Duration::from_secs(60);
/// Names of the guard's policies begin so; refusals carry the name.
pub const GUARD_PREFIX: &str = "pinisi-guard-";

/// The lab with everything that the demo uses.
#[allow(missing_debug_implementations)] // kube's client has none
pub struct Stage {
    /// The cluster that the operator runs in.
    pub lab: Lab,
    /// Its admin.
    pub client: Client,
    /// The cluster in the cloud, where it is apart.
    pub cloud: Option<Cloud>,
    /// Serves the load.
    pub exporter: Exporter,
    /// The demo's own watch.
    pub watch: Watch,
    /// The operator's process.
    pub operator: Operator,
}

/// Installs the chart with Helm, starts the operator under its account, and
/// applies the example.
///
/// # Errors
/// One line: the step, and what was missing.
pub async fn stage(
    topology: Topology,
    labs: Labs,
    exporter: Exporter,
    operator: PathBuf,
    example: &Example,
    say: &dyn Fn(&str),
) -> Result<Stage> {
    let Labs { hub: lab, cloud } = labs;
    let client = lab.admin_client().await?;
    let mut watch = Watch::start(&client, SENSITIVE, MASS).await?;
    let chart = checkout().join("charts").join("pinisi");
    let secrets = cloud
        .as_ref()
        .map(|_| ("remoteSites.kubeconfigSecrets[0]", remote::SECRET));
    lab.helm()
        .upgrade_install("pinisi", &chart, NAMESPACE, secrets.as_slice(), &[])
        .await?;
    say("the chart is installed");
    let cloud = match cloud {
        Some(cloud) => {
            let cloud = Cloud::join(&client, cloud).await?;
            watch.also(&cloud.client, Cluster::Cloud, MASS).await?;
            say("the cloud's cluster has its account, and home its kubeconfig");
            Some(cloud)
        }
        None => None,
    };
    let mut spec = OperatorSpec::replica(0);
    spec.binary = Some(operator);
    let operator = lab.start_operator(spec).await?;
    say("the operator runs with its own account");

    let prometheus = lab
        .prometheus_url()
        .context("the lab has no Prometheus")?
        .to_owned();
    for file in ["namespaces.yaml", topology.sites_file(), "signals.yaml"] {
        example.apply(&client, file, &prometheus).await?;
    }
    attest(&lab).await?;
    say("the nodes at home are attested (kubectl pinisi attest home --all)");
    guard_stands(&client, &watch, &operator).await?;
    say("the guard stands");
    let cloud = match cloud {
        Some(cloud) => {
            cloud
                .guard_stands()
                .await
                .with_context(|| alive(&operator))?;
            say("the guard stands in the cloud's cluster too");
            Some(cloud.with_canary(&client).await?)
        }
        None => None,
    };
    for file in ["citizen-records.yaml", "carry.yaml", "public-service.yaml"] {
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
        cloud,
        exporter,
        watch,
        operator,
    })
}

/// Vouches for the nodes at home, with the command that people have for it.
async fn attest(lab: &Lab) -> Result<()> {
    let build = || binaries::build("kubectl-pinisi", &Progress::stderr());
    let plugin = tokio::task::spawn_blocking(build).await??;
    let output = tokio::process::Command::new(plugin)
        .args(["attest", "home", "--all", "--yes"])
        .env("KUBECONFIG", lab.kubeconfig_path())
        .stdin(std::process::Stdio::null())
        .output()
        .await
        .context("cannot run kubectl-pinisi")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "attest failed: {}", said.trim());
    Ok(())
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
