//! A lab in which `kubectl pinisi conformance` is run: the chart, an operator, a Site at home and one
//! in the cloud, and definitions of other projects' kinds. The suite itself is the command line's.

mod definitions;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1::Node;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};
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
        lab.apply(&sites(attested(&client).await?)?).await?;
        lab.apply(&lawful()?).await?;
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

/// Every node at home as it is now: whoever starts the lab vouches for them.
async fn attested(client: &Client) -> Result<Value> {
    let nodes = Api::<Node>::all(client.clone())
        .list(&ListParams::default().labels(&format!("{SITE_LABEL}=home")))
        .await
        .context("list nodes at home")?;
    let machines = nodes.into_iter().filter_map(|node| {
        let mut machine = json!({"uid": node.metadata.uid?});
        if let Some(id) = node.spec.and_then(|spec| spec.provider_id) {
            machine["providerID"] = json!(id);
        }
        let info = node.status.and_then(|status| status.node_info);
        if let Some(id) = info.map(|info| info.machine_id).filter(|id| !id.is_empty()) {
            machine["machineID"] = json!(id);
        }
        Some((node.metadata.name?, machine))
    });
    Ok(Value::Object(machines.collect()))
}

fn sites(attested: Value) -> Result<String> {
    let site = |name: &str, kind: &str, labels: Value| {
        json!({
            "apiVersion": "pinisi.dev/v1alpha1", "kind": "Site", "metadata": {"name": name},
            "spec": {"type": kind, "jurisdiction": "ID", "nodes": {"matchLabels": labels}, "allowedNamespaces": {}},
        })
    };
    let labels = json!({SITE_LABEL: "home", GROUND_LABEL: SOVEREIGN});
    let mut home = site("home", "OnPrem", labels);
    home["spec"]["attested"] = attested;
    let both = [home, site("cloud", "Cloud", json!({SITE_LABEL: "cloud"}))];
    yaml(&both)
}

/// A policy that allows one thing of each kind, so that every refusal has a lawful twin, and what is
/// changed of these.
fn lawful() -> Result<String> {
    let policy = json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "SovereigntyPolicy", "metadata": {"name": POLICY},
        "spec": {
            "namespaces": {}, "legal": ["id-uu-27-2022"],
            "storage": {
                "classes": [{"name": "home", "provisioner": DRIVER}],
                "nfsServers": ["192.0.2.2"],
                "snapshotClasses": [{"name": "home", "driver": DRIVER}],
                "backupLocations": ["home"],
            },
            "registries": ["registry.example.go.id"],
            "schedulers": ["home"],
            "routes": {
                "ingressClasses": ["home"], "gateways": ["gateways/home"],
                "loadBalancerClasses": ["example.go.id/home"], "domains": ["example.go.id"],
            },
            "cloudIdentities": {"users": ["cloud-admin"], "groups": ["cloud-admins"]},
        },
    });
    let class = |group: &str, kind: &str| {
        json!({
            "apiVersion": group, "kind": kind, "metadata": {"name": "home"},
            "driver": DRIVER, "deletionPolicy": "Retain",
        })
    };
    yaml(&[
        policy,
        class("snapshot.storage.k8s.io/v1", "VolumeSnapshotClass"),
        class(
            "groupsnapshot.storage.k8s.io/v1beta1",
            "VolumeGroupSnapshotClass",
        ),
    ])
}

/// Name of that policy, and of the inventory that speaks for it.
const POLICY: &str = "lawful";
/// Of the lawful classes.
const DRIVER: &str = "home.example.go.id";

fn yaml(objects: &[Value]) -> Result<String> {
    let mut text = String::new();
    for object in objects {
        // JSON is YAML.
        text += &format!("---\n{}\n", serde_json::to_string(object)?);
    }
    Ok(text)
}

/// Waits for the inventories with a node in each, and for the guard's last binding.
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
    let mut fewest = usize::MAX;
    // For every namespace, and for those that the policy selects.
    for name in ["default", POLICY] {
        let found = api.get_opt(name).await.context("read SovereignNodes")?;
        let nodes = found
            .as_ref()
            .and_then(|object| object.data["spec"]["nodes"].as_object());
        fewest = fewest.min(nodes.map_or(0, serde_json::Map::len));
    }
    Ok(fewest)
}
