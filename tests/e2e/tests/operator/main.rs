//! The operator as a process: it hands over, dies, comes back, is uninstalled. One test, in the
//! order in which it happens, since every part of it disturbs the others.

use std::time::Duration;

use anyhow::{Result, ensure};
use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, ListParams};
use kube::{Api, ResourceExt as _};
use pinisi_crds::{CloudBudget, HybridWorkload};
use pinisi_e2e::World;
use pinisi_e2e::objects::{
    apply, at_site, budget, deployment, guard_stands, mass, namespace, priced, replicas, siblings,
    site,
};
use pinisi_e2e::plugin::plugin;
use pinisi_e2e::wait::{always, eventually};
use pinisi_e2e::world::NodeGroupSpec;
use pinisi_lab::load::Offered;
use pinisi_lab::operator::OperatorSpec;
use serde_json::json;

const GROUPS: &[NodeGroupSpec] = &[("home", 2, 4), ("cloud", 4, 4)];
const NS: &str = "web";

#[test]
fn leadership_moves_death_loses_nothing_and_uninstalling_never_unpins() {
    pinisi_e2e::run(GROUPS, async |world| {
        spike(world).await?;
        seen_from_outside(world).await?;
        killed_and_taken_over(world).await?;
        killed_and_started_again(world).await?;
        money_is_remembered(world).await?;
        guarded_without_operator(world).await?;
        uninstalled(world).await
    });
}

async fn spike(world: &World) -> Result<()> {
    let client = &world.client;
    apply(client, site("home")).await?;
    apply(client, site("cloud")).await?;
    apply(client, namespace(NS, "MassTraffic")).await?;
    apply(client, deployment(NS, "web", "home", 2, 500)).await?;
    apply(client, mass(NS, "web", &["home", "cloud"], 2, 40)).await?;
    world.exporter.set(NS, "web", Offered::Rps(200.0));
    eventually("22 replicas run", 60, async || {
        Ok(total(world).await? == (22, 22))
    })
    .await
}

/// `kubectl pinisi` sees the spike, finds nothing wrong, and finds it when something is.
async fn seen_from_outside(world: &World) -> Result<()> {
    let (code, status) = plugin(world, &["status", "-A", "-o", "json"]).await?;
    ensure!(
        code == 0 && status["format"] == "pinisi-status/v1",
        "{code}: {status}"
    );
    let web = status["workloads"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|w| w["name"] == "web");
    let web = web.cloned().unwrap_or_default();
    ensure!(
        web["ready"] == "22/22" && web["cloud"].as_i64() > Some(0),
        "{web}"
    );

    let (code, check) = plugin(world, &["check", "-o", "json"]).await?;
    ensure!(
        code == 0 && check["summary"]["fail"] == 0,
        "{code}: {check}"
    );
    ensure!(check["summary"]["ok"].as_u64() > Some(15), "{check}");

    let bindings = Api::<ValidatingAdmissionPolicyBinding>::all(world.client.clone());
    bindings
        .delete("pinisi-guard-g01-bind", &DeleteParams::default())
        .await?;
    let (code, check) = plugin(world, &["check", "-o", "json"]).await?;
    let found = check["checks"].as_array().into_iter().flatten();
    let missing: Vec<_> = found
        .filter(|c| c["status"] == "fail" && c["id"] == "PN020")
        .collect();
    ensure!(code == 1 && missing.len() == 1, "{code}: {check}");
    ensure!(missing.iter().all(|c| c["hint"].is_string()), "{missing:?}");
    Ok(())
}

/// A second replica stands by, warm and ready, and takes over when the first is killed.
async fn killed_and_taken_over(world: &World) -> Result<()> {
    let second = world.lab.start_operator(OperatorSpec::replica(1)).await?;
    let ready = format!("http://{}/readyz", second.address());
    eventually("the follower is ready", 30, async || {
        Ok(reqwest::get(&ready).await?.status().is_success())
    })
    .await?;
    ensure!(
        holder(world).await?.as_deref() == Some("pinisi-0"),
        "the first leads"
    );
    let metrics = reqwest::get(second.metrics_url()).await?.text().await?;
    ensure!(
        metrics.contains("pinisi_leader 0"),
        "the follower says that it follows"
    );

    world.operator.lock().await.kill_9(&world.lab).await?;
    world.exporter.set(NS, "web", Offered::Rps(250.0));
    always("nothing shrinks while nobody leads", 3, async || {
        Ok(total(world).await?.1 >= 22)
    })
    .await?;
    eventually(
        "the second leads and serves the new load: 28",
        60,
        async || {
            Ok(holder(world).await?.as_deref() == Some("pinisi-1")
                && total(world).await? == (28, 28))
        },
    )
    .await?;
    // A graceful end gives the Lease back at once.
    second.stop(&world.lab).await?;
    ensure!(
        holder(world).await?.is_none_or(|h| h.is_empty()),
        "the Lease was not released: {:?}",
        holder(world).await?
    );
    Ok(())
}

/// Killed in mid-spike and started again: the same end, no replica lost, no second copy.
async fn killed_and_started_again(world: &World) -> Result<()> {
    let mut operator = world.operator.lock().await;
    operator.restart(&world.lab).await?;
    eventually("it leads again", 40, async || {
        Ok(holder(world).await?.as_deref() == Some("pinisi-0"))
    })
    .await?;
    world.exporter.set(NS, "web", Offered::Rps(150.0));
    operator.kill_9(&world.lab).await?;
    world.exporter.set(NS, "web", Offered::Rps(250.0));
    tokio::time::sleep(Duration::from_secs(1)).await;
    operator.restart(&world.lab).await?;
    always("no replica is lost on the way", 12, async || {
        Ok(total(world).await?.1 >= 28)
    })
    .await?;
    eventually("the same end state", 40, async || {
        Ok(total(world).await? == (28, 28))
    })
    .await?;
    let copies = siblings(&world.client, NS, "cloud").await?;
    ensure!(copies.len() == 1, "one sibling a site, found {copies:?}");
    Ok(())
}

/// What was spent does not go back: not when the operator is killed, not when the budget is deleted.
async fn money_is_remembered(world: &World) -> Result<()> {
    let client = &world.client;
    let budgets = Api::<CloudBudget>::all(client.clone());
    apply(client, priced("cloud", "3600000")).await?;
    let first = spent(world, 1_000_000_000).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let second = spent(world, 1_000_000_001).await?;
    ensure!(second > first, "{second} after {first}");

    world.operator.lock().await.kill_9(&world.lab).await?;
    world.operator.lock().await.restart(&world.lab).await?;
    let third = spent(world, 1_000_000_002).await?;
    ensure!(
        third > second,
        "killed and started again: {third} after {second}"
    );

    let ledger = Api::<ConfigMap>::namespaced(client.clone(), "pinisi-system");
    eventually("the ledger has the account", 90, async || {
        let data = ledger.get("pinisi-ledger").await?.data.unwrap_or_default();
        Ok(data.values().any(|text| text.contains("spike")))
    })
    .await?;
    budgets.delete("spike", &DeleteParams::default()).await?;
    let held = "a budget that is gone takes no replica away";
    always(held, 3, async || {
        Ok(at_site(client, NS, "cloud").await?.0 > 0)
    })
    .await?;
    let fourth = spent(world, 1_000_000_003).await?;
    ensure!(
        fourth > third,
        "deleted and made again: {fourth} after {third}"
    );
    budgets.delete("spike", &DeleteParams::default()).await?;
    apply(client, site("cloud")).await?;
    Ok(())
}

/// What a budget with this ceiling says was spent: a new spec gets a new status.
async fn spent(world: &World, ceiling: u64) -> Result<f64> {
    let budgets = Api::<CloudBudget>::all(world.client.clone());
    let paid = budget("spike", NS, &ceiling.to_string(), "100000000");
    apply(&world.client, paid).await?;
    let seen = async || -> Result<Option<String>> {
        let found = budgets.get("spike").await?;
        let status = found.status.unwrap_or_default();
        let current = status.observed_generation == found.metadata.generation;
        Ok(status.spent.filter(|_| current))
    };
    eventually("the operator has seen the budget", 60, async || {
        Ok(seen().await?.is_some())
    })
    .await?;
    Ok(seen().await?.unwrap_or_default().parse()?)
}

/// The guard needs nobody.
async fn guarded_without_operator(world: &World) -> Result<()> {
    world.operator.lock().await.kill_9(&world.lab).await?;
    apply(&world.client, namespace("records", "Sensitive")).await?;
    refused_abroad(world, "p").await?;
    let made = apply(&world.client, pod("p", None)).await?;
    ensure!(
        made.data["spec"]["nodeSelector"].is_object(),
        "the stamp is put on without an operator"
    );
    Ok(())
}

/// Uninstalling keeps what people wrote, what serves, and the pin.
async fn uninstalled(world: &World) -> Result<()> {
    let before = at_site(&world.client, NS, "cloud").await?;
    let wrong = world
        .lab
        .helm()
        .run(&["template", "pinisi", chart(), "--set", "replica=3"])
        .await;
    ensure!(
        wrong.is_err_and(|e| format!("{e:#}").contains("replica")),
        "an unknown value is refused"
    );
    world
        .lab
        .helm()
        .run(&[
            "uninstall",
            "pinisi",
            "--namespace",
            "pinisi-system",
            "--wait",
        ])
        .await?;
    let kept = Api::<HybridWorkload>::namespaced(world.client.clone(), NS)
        .get_opt("web")
        .await?;
    ensure!(kept.is_some(), "the custom resources went with the release");
    ensure!(
        at_site(&world.client, NS, "cloud").await? == before,
        "siblings that serve went with the release"
    );
    ensure!(
        guard_stands(&world.client).await?,
        "the guard went with the release"
    );
    let policies = Api::<ValidatingAdmissionPolicy>::all(world.client.clone())
        .list(&ListParams::default())
        .await?;
    ensure!(
        policies
            .iter()
            .any(|p| p.name_any() == "pinisi-guard-g01-bind"),
        "the bind guard is gone"
    );
    refused_abroad(world, "q").await
}

/// The pod that a guard must refuse, and is it that guard?
async fn refused_abroad(world: &World, name: &str) -> Result<()> {
    let refused = apply(&world.client, pod(name, Some("cloud-0"))).await;
    let refused = refused.err().map(|e| format!("{e:#}"));
    ensure!(
        refused
            .as_deref()
            .is_some_and(|e| e.contains("pinisi G02:")),
        "{refused:?}"
    );
    Ok(())
}

fn pod(name: &str, node: Option<&str>) -> serde_json::Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "records"},
        "spec": {"containers": [{"name": "c", "image": "registry.example/x:1"}]},
    });
    if let Some(node) = node {
        pod["spec"]["nodeName"] = json!(node);
    }
    pod
}

fn chart() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../charts/pinisi")
}

/// Specified and Ready replicas at home and in the cloud together.
async fn total(world: &World) -> Result<(i32, i32)> {
    let home = replicas(&world.client, NS, "web")
        .await?
        .unwrap_or_default();
    let cloud = at_site(&world.client, NS, "cloud").await?;
    Ok((home.0 + cloud.0, home.1 + cloud.1))
}

async fn holder(world: &World) -> Result<Option<String>> {
    let lease = Api::<Lease>::namespaced(world.client.clone(), "pinisi-system")
        .get_opt("pinisi")
        .await?;
    Ok(lease.and_then(|l| l.spec).and_then(|s| s.holder_identity))
}
