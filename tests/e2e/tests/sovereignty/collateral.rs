//! What the guard must not touch, what it would touch, and how it is taken away: parts of the cluster
//! on every node and mass traffic in the cloud as before; `check` naming what Deny would refuse before
//! it does; a release that goes and leaves Sensitive services pinned until somebody says otherwise.

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use pinisi_e2e::objects::{apply, namespace, pods};
use pinisi_e2e::plugin::plugin_in;
use pinisi_e2e::wait::eventually;
use pinisi_lab::conformance::{Stage, spec};
use pinisi_lab::nodes::SITE_LABEL;
use pinisi_lab::operator::NAMESPACE;
use pinisi_lab::programs::Version;
use pinisi_lab::progress::Progress;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::runtime::Runtime;

/// Image of a registry that the lab's policy names, and of one that it does not.
const IMAGE: &str = "registry.example.go.id/x:1";
const ELSEWHERE: &str = "registry.example/x:1";
const SENSITIVE: &str = "records";
/// Nodes of the lab.
const NODES: i32 = 4;

#[test]
fn nothing_else_is_touched_what_deny_would_refuse_is_said_before_and_uninstalling_leaves_the_pins()
{
    let tried = Runtime::new().expect("a tokio runtime").block_on(async {
        let name = format!("collateral-{}", std::process::id());
        let mut stage = Stage::start(spec(&name, Version::V1_37), Progress::quiet()).await?;
        let result = all(&mut stage).await;
        stage.lab.stop().await?;
        result
    });
    if let Err(error) = tried {
        panic!("{error:#}");
    }
}

async fn all(stage: &mut Stage) -> Result<()> {
    apply(&stage.client, namespace(SENSITIVE, "Sensitive")).await?;
    parts_of_the_cluster(stage)
        .await
        .context("parts of the cluster")?;
    mass_traffic(stage).await.context("mass traffic")?;
    said_before(stage).await.context("check")?;
    uninstalled(stage).await.context("uninstall")
}

/// DaemonSets of `kube-system` and of a namespace that the policy names run on every node.
async fn parts_of_the_cluster(stage: &Stage) -> Result<()> {
    let client = &stage.client;
    let network = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "network"}});
    apply(client, network).await?;
    let refused = apply(client, pod("network", "cloud-0", ELSEWHERE)).await;
    let words = refused
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    ensure!(words.contains("pinisi G51:"), "before it is named: {words}");

    set_policy(stage, &json!({"infrastructureNamespaces": ["network"]})).await?;
    for of in ["kube-system", "network"] {
        apply(client, daemon_set(of)).await?;
        eventually("a pod of it on every node", 60, async || {
            let found = Api::<DaemonSet>::namespaced(client.clone(), of)
                .get("agent")
                .await?;
            Ok(found
                .status
                .is_some_and(|status| status.number_ready == NODES))
        })
        .await?;
        let nodes: BTreeSet<_> = pods(client, of)
            .await?
            .into_iter()
            .map(|(_, node)| node)
            .collect();
        ensure!(
            nodes.contains("cloud-0") && nodes.contains("home-0"),
            "{of}: {nodes:?}"
        );
    }
    Ok(())
}

/// It is scheduled in the cloud, by node selector and toleration alone, as without Pinisi.
async fn mass_traffic(stage: &Stage) -> Result<()> {
    let client = &stage.client;
    apply(client, namespace("passes", "MassTraffic")).await?;
    let mut abroad = workload("Deployment", "passes", "web", ELSEWHERE);
    abroad["spec"]["replicas"] = json!(3);
    abroad["spec"]["template"]["spec"]["nodeSelector"] = json!({SITE_LABEL: "cloud"});
    abroad["spec"]["template"]["spec"]["tolerations"] = json!([{"operator": "Exists"}]);
    apply(client, abroad).await?;
    eventually("three pods in the cloud", 30, async || {
        let all = pods(client, "passes").await?;
        Ok(all.len() == 3 && all.iter().all(|(_, node)| node.starts_with("cloud")))
    })
    .await
}

/// What is there under Audit passes, and `check` names what Deny would refuse; under Deny it names
/// what can no more be made.
async fn said_before(stage: &Stage) -> Result<()> {
    set_policy(stage, &json!({"enforcement": "Audit"})).await?;
    let client = &stage.client;
    let unlawful = [
        (
            "Deployment records/db",
            workload("Deployment", SENSITIVE, "db", ELSEWHERE),
            "G12",
        ),
        (
            "Service records/db",
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db", "namespace": SENSITIVE}, "spec": {"type": "NodePort", "ports": [{"port": 80}], "selector": {"app": "db"}}}),
            "G30",
        ),
        (
            "PersistentVolumeClaim records/db",
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "db", "namespace": SENSITIVE}, "spec": {"storageClassName": "cloud", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}),
            "G20",
        ),
    ];
    eventually(
        "what a policy on Audit does not allow passes",
        30,
        async || {
            for (_, object, _) in &unlawful {
                apply(client, object.clone()).await?;
            }
            Ok(true)
        },
    )
    .await?;
    apply(client, workload("Deployment", SENSITIVE, "fine", IMAGE)).await?;
    named(
        stage,
        "PN025",
        "warn",
        &unlawful.each_ref().map(|(name, _, rule)| (*name, *rule)),
    )
    .await?;

    set_policy(stage, &json!({"enforcement": "Deny"})).await?;
    named(
        stage,
        "PN024",
        "fail",
        &unlawful.each_ref().map(|(name, _, rule)| (*name, *rule)),
    )
    .await
}

/// Until `check` names exactly these objects, each with its rule.
async fn named(stage: &Stage, id: &str, status: &str, wanted: &[(&str, &str)]) -> Result<()> {
    eventually(
        "check names what the guard would refuse, and nothing else",
        60,
        async || {
            let (_, report) = plugin_in(&stage.lab, &["check", "-o", "json"]).await?;
            let all = report["checks"].as_array().context("no checks")?;
            let text =
                |check: &Value, field: &str| check[field].as_str().unwrap_or_default().to_owned();
            let found: BTreeSet<(String, bool)> = all
                .iter()
                .filter(|check| check["id"] == id && check["status"] == status)
                .map(|check| {
                    let object = text(check, "object");
                    let rule = wanted
                        .iter()
                        .find(|(name, _)| *name == object)
                        .map(|(_, rule)| *rule);
                    let right = rule.is_some_and(|rule| text(check, "message").contains(rule));
                    (object, right)
                })
                .collect();
            let wanted: BTreeSet<_> = wanted
                .iter()
                .map(|(name, _)| ((*name).to_owned(), true))
                .collect();
            ensure!(found == wanted, "{id} {status}: {found:?}");
            Ok(true)
        },
    )
    .await
}

/// The chart goes, the guard stays; `guard remove` takes it away.
async fn uninstalled(stage: &mut Stage) -> Result<()> {
    let (code, refused) =
        plugin_in(&stage.lab, &["guard", "remove", "--yes", "-o", "json"]).await?;
    ensure!(
        code == 2,
        "removed while an operator leads: {code} {refused}"
    );
    stage.operator.kill_9(&stage.lab).await?;
    let said = stage
        .lab
        .helm()
        .run(&["uninstall", "pinisi", "--namespace", NAMESPACE, "--wait"])
        .await?;
    ensure!(
        said.contains("kept") && said.contains("CustomResourceDefinition"),
        "{said}"
    );
    let words = abroad(stage).await?.unwrap_or_default();
    ensure!(
        words.contains("pinisi G02:"),
        "after helm uninstall: {words}"
    );

    // The dead operator's lease runs out first.
    eventually("the guard is taken away on purpose", 60, async || {
        let (code, removed) =
            plugin_in(&stage.lab, &["guard", "remove", "--yes", "-o", "json"]).await?;
        ensure!(code == 0, "{code}: {removed}");
        Ok(true)
    })
    .await?;
    eventually("nothing refuses any more", 30, async || {
        Ok(abroad(stage).await?.is_none())
    })
    .await
}

/// Makes a Sensitive pod on a node abroad: the refusal, or none where it was let in (and taken away).
async fn abroad(stage: &Stage) -> Result<Option<String>> {
    match apply(&stage.client, pod(SENSITIVE, "cloud-0", IMAGE)).await {
        Err(error) => Ok(Some(error.to_string())),
        Ok(_) => {
            let all = Api::<Pod>::namespaced(stage.client.clone(), SENSITIVE);
            all.delete("p", &DeleteParams::default().grace_period(0))
                .await?;
            Ok(None)
        }
    }
}

/// Changes the lab's policy, and waits until the operator has seen it. What the guard then does is
/// waited for where it is tried: the API server takes up bindings a moment later.
async fn set_policy(stage: &Stage, change: &Value) -> Result<()> {
    let policies = Api::<pinisi_crds::SovereigntyPolicy>::all(stage.client.clone());
    let patch = Patch::Merge(json!({"spec": change}));
    let changed = policies
        .patch("lawful", &PatchParams::default(), &patch)
        .await?;
    let wanted = changed.metadata.generation;
    eventually("the operator has taken up the policy", 30, async || {
        let status = policies.get("lawful").await?.status;
        Ok(status.is_some_and(|status| status.observed_generation == wanted))
    })
    .await
}

fn pod(namespace: &str, node: &str, image: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": namespace},
        "spec": {"nodeName": node, "containers": [{"name": "c", "image": image}]},
    })
}

fn workload(kind: &str, namespace: &str, name: &str, image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "c", "image": image}]},
            },
        },
    })
}

fn daemon_set(namespace: &str) -> Value {
    let mut agent = workload("DaemonSet", namespace, "agent", ELSEWHERE);
    agent["spec"]["template"]["spec"]["tolerations"] = json!([{"operator": "Exists"}]);
    agent
}
