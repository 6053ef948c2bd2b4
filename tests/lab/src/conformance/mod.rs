//! A lab in which `kubectl pinisi conformance` is run: the chart, an operator, a Site at home and one
//! in the cloud, and definitions of other projects' kinds. The suite itself is the command line's.

mod definitions;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::checkout::checkout;
use crate::lab::Lab;
use crate::nodes::{GROUND_LABEL, SITE_LABEL, SOVEREIGN};
use crate::operator::{NAMESPACE, Operator, OperatorSpec};
use crate::programs::Version;
use crate::progress::Progress;
use crate::spec::{LabSpec, NodeGroup};

/// Most time until the guard stands.
const GUARD_WAIT: Duration = Duration::from_secs(60);
/// The guard is taken for whole when no binding came for this long; the API server itself takes up
/// a new one within a second.
const QUIET: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(250);

/// The lab, ready for the suite.
#[allow(missing_debug_implementations)] // kube's client has none
pub struct Stage {
    /// The lab.
    pub lab: Lab,
    /// Its admin.
    pub client: Client,
    /// The operator.
    pub operator: Operator,
}

impl Stage {
    /// Starts the lab and puts everything into it.
    ///
    /// # Errors
    /// The step, and what was missing.
    pub async fn start(spec: LabSpec, progress: Progress) -> Result<Self> {
        let lab = Lab::start_with(spec, progress.clone()).await?;
        let client = lab.admin_client().await?;
        lab.apply(&definitions::all()?).await?;
        let chart = checkout().join("charts").join("pinisi");
        lab.helm()
            .upgrade_install("pinisi", &chart, NAMESPACE, &[], &[])
            .await?;
        progress.say("the chart is installed");
        let operator = lab.start_operator(OperatorSpec::default()).await?;
        lab.apply(&sites()?).await?;
        guard_stands(&client).await?;
        progress.say("the operator leads, and the guard stands");
        Ok(Self {
            lab,
            client,
            operator,
        })
    }
}

/// Two nodes at home and two in the cloud, without Prometheus.
#[must_use]
pub fn spec(name: &str, version: Version) -> LabSpec {
    let nodes = vec![
        NodeGroup::home(2, "4", "16Gi").ready_after(1.0),
        NodeGroup::cloud(2, "4", "16Gi").ready_after(1.0),
    ];
    LabSpec::new(name, nodes)
        .without_prometheus()
        .kubernetes(version)
}

fn sites() -> Result<String> {
    let site = |name: &str, kind: &str, labels: serde_json::Value| {
        json!({
            "apiVersion": "pinisi.dev/v1alpha1", "kind": "Site", "metadata": {"name": name},
            "spec": {"type": kind, "jurisdiction": "ID", "nodes": {"matchLabels": labels}, "allowedNamespaces": {}},
        })
    };
    let home = json!({SITE_LABEL: "home", GROUND_LABEL: SOVEREIGN});
    let both = [
        site("home", "OnPrem", home),
        site("cloud", "Cloud", json!({SITE_LABEL: "cloud"})),
    ];
    yaml(&both)
}

fn yaml(objects: &[serde_json::Value]) -> Result<String> {
    let mut text = String::new();
    for object in objects {
        // JSON is YAML.
        text += &format!("---\n{}\n", serde_json::to_string(object)?);
    }
    Ok(text)
}

/// Waits for the inventory with a node in it, and for the guard's last binding.
async fn guard_stands(client: &Client) -> Result<()> {
    let deadline = Instant::now() + GUARD_WAIT;
    let mut last = (0, Instant::now());
    loop {
        let bound = bindings(client).await?;
        if bound != last.0 {
            last = (bound, Instant::now());
        }
        let nodes = inventory(client).await?;
        if bound > 0 && nodes > 0 && last.1.elapsed() >= QUIET {
            return Ok(());
        }
        if Instant::now() >= deadline {
            bail!(
                "the guard does not stand after {} s: {bound} bindings, {nodes} nodes in SovereignNodes",
                GUARD_WAIT.as_secs()
            );
        }
        sleep(POLL).await;
    }
}

async fn bindings(client: &Client) -> Result<usize> {
    let gvk = GroupVersionKind::gvk(
        "admissionregistration.k8s.io",
        "v1",
        "ValidatingAdmissionPolicyBinding",
    );
    let resource = ApiResource::from_gvk_with_plural(&gvk, "validatingadmissionpolicybindings");
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    let all = api
        .list_metadata(&ListParams::default())
        .await
        .context("list the guard's bindings")?;
    Ok(all.items.len())
}

async fn inventory(client: &Client) -> Result<usize> {
    let gvk = GroupVersionKind::gvk("pinisi.dev", "v1alpha1", "SovereignNodes");
    let resource = ApiResource::from_gvk_with_plural(&gvk, "sovereignnodes");
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    let found = api
        .get_opt("default")
        .await
        .context("read SovereignNodes")?;
    let nodes = found.and_then(|object| {
        object.data["spec"]["nodes"]
            .as_object()
            .map(|nodes| nodes.len())
    });
    Ok(nodes.unwrap_or(0))
}
