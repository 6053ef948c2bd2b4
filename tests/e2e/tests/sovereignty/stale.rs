//! An inventory that nobody has renewed for longer than it counts: with the operator gone nothing new is
//! bound by it, the scheduler's own request neither; what runs goes on. An operator that comes back
//! renews it, and what waited is bound.

use anyhow::{Context as _, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicy;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::events::v1::Event;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt as _};
use pinisi_crds::SovereignNodes;
use pinisi_crds::names::SOVEREIGN_NODES;
use pinisi_e2e::objects::{apply, namespace};
use pinisi_e2e::plugin::plugin_in;
use pinisi_e2e::wait::{always, eventually};
use pinisi_lab::conformance::{Stage, spec};
use pinisi_lab::operator::{OperatorSpec, user};
use pinisi_lab::programs::Version;
use pinisi_lab::progress::Progress;
use pinisi_operator::check::renewal::MAX_AGE;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const NS: &str = "forgotten";
/// How long the pod is seen to wait: some tries of the scheduler.
const WAITS_SECONDS: u64 = 5;

#[test]
fn what_nobody_renews_binds_nothing_and_takes_nothing_away() {
    let tried = Runtime::new().expect("a tokio runtime").block_on(async {
        let name = format!("stale-{}", std::process::id());
        let stage = Stage::start(spec(&name, Version::V1_37), Progress::quiet()).await?;
        let result = forgotten(&stage).await;
        stage.lab.stop().await?;
        result
    });
    if let Err(error) = tried {
        panic!("{error:#}");
    }
}

async fn forgotten(stage: &Stage) -> Result<()> {
    let client = &stage.client;
    apply(client, namespace(NS, "Sensitive")).await?;
    apply(client, pod("before")).await?;
    eventually("it is bound while the operator is there", 60, async || {
        Ok(node(stage, "before").await?.is_some())
    })
    .await?;

    stage.operator.kill_9(&stage.lab).await?;
    let long_ago = Timestamp::now() - MAX_AGE - SignedDuration::from_mins(1);
    written(stage, long_ago).await?;
    eventually("the API server has the old time", 20, async || {
        let node = node(stage, "before").await?;
        let dry = pod("dry");
        refused(stage, dry, node.as_deref()).await
    })
    .await?;
    apply(client, pod("after")).await?;
    eventually("the scheduler is refused", 30, async || {
        let events = Api::<Event>::namespaced(client.clone(), NS);
        let events = events.list(&ListParams::default()).await?;
        let says = |event: &Event| {
            event
                .note
                .as_deref()
                .unwrap_or_default()
                .contains("pinisi G60:")
        };
        Ok(events.iter().any(says))
    })
    .await?;
    always("one waits, and one runs on", WAITS_SECONDS, async || {
        Ok(node(stage, "after").await?.is_none() && node(stage, "before").await?.is_some())
    })
    .await?;
    let (_, check) = plugin_in(&stage.lab, &["check", "-o", "json"]).await?;
    let found = check["checks"].as_array().into_iter().flatten();
    let said: Vec<_> = found.filter(|check| check["id"] == "PN046").collect();
    ensure!(
        said.iter().any(|check| check["status"] == "fail"),
        "{said:?}"
    );

    stage.lab.start_operator(OperatorSpec::default()).await?;
    eventually("it is renewed, and what waited is bound", 90, async || {
        let inventory = Api::<SovereignNodes>::all(client.clone())
            .get(SOVEREIGN_NODES)
            .await?;
        let at = inventory.spec.renewed_at.context("a time")?;
        Ok(at.0 > long_ago && node(stage, "after").await?.is_some())
    })
    .await
}

/// Writes the time where the guard reads it, which no API of the cluster lets anybody but the operator and
/// an admin do: in the inventory, and in the text of the rules about binding.
async fn written(stage: &Stage, at: Timestamp) -> Result<()> {
    let inventories = Api::<SovereignNodes>::all(stage.client.clone());
    let before = inventories.get(SOVEREIGN_NODES).await?.spec.renewed_at;
    let before = before.context("a time")?.0.to_string();
    let body = json!({"spec": {"renewedAt": at.to_string()}});
    let request = http::Request::patch(format!(
        "/apis/pinisi.dev/v1alpha1/sovereignnodes/{SOVEREIGN_NODES}"
    ))
    .header("Content-Type", "application/merge-patch+json")
    .header("Impersonate-User", user())
    .body(serde_json::to_vec(&body)?)?;
    stage.client.request::<Value>(request).await?;
    let policies = Api::<ValidatingAdmissionPolicy>::all(stage.client.clone());
    let mut changed = 0;
    for policy in policies.list(&ListParams::default()).await? {
        let name = policy.name_any();
        let text = serde_json::to_string(&json!({"spec": policy.spec}))?;
        if !text.contains(&before) {
            continue;
        }
        let old: Value = serde_json::from_str(&text.replace(&before, &at.to_string()))?;
        policies
            .patch(&name, &PatchParams::default(), &Patch::Merge(old))
            .await?;
        changed += 1;
    }
    ensure!(changed > 0, "no rule holds {before}");
    Ok(())
}

/// Whether a pod that names the node is refused for the inventory's age.
async fn refused(stage: &Stage, mut pod: Value, node: Option<&str>) -> Result<bool> {
    pod["spec"]["nodeName"] = json!(node);
    let pods = Api::<Pod>::namespaced(stage.client.clone(), NS);
    let params = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let made = pods.create(&params, &serde_json::from_value(pod)?).await;
    Ok(made.is_err_and(|error| error.to_string().contains("pinisi G60:")))
}

async fn node(stage: &Stage, name: &str) -> Result<Option<String>> {
    let pods = Api::<Pod>::namespaced(stage.client.clone(), NS);
    Ok(pods.get(name).await?.spec.and_then(|spec| spec.node_name))
}

fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": NS},
        "spec": {"containers": [{"name": "main", "image": "registry.example.go.id/x:1"}]},
    })
}
