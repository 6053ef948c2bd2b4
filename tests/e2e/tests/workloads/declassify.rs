//! Two persons make a Sensitive namespace one of mass traffic, and less than that does not: one alone
//! cannot, and what is deleted in its cool-down is cancelled.

use crate::GROUPS;
use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, Client, ResourceExt as _};
use pinisi_crds::names::{CLASS_LABEL, CLASS_MASS_TRAFFIC, CLASS_SENSITIVE};
use pinisi_crds::{Declassification, HybridWorkload};
use pinisi_e2e::World;
use pinisi_e2e::objects::{apply, at_site, deployment, mass, namespace, sensitive, site};
use pinisi_e2e::plugin::plugin;
use pinisi_e2e::wait::{always, eventually};
use pinisi_lab::credentials::{PERSONS, component_kubeconfig};
use serde_json::{Value, json};

const NS: &str = "declassed";
const HOME: &str = "home-open";
const CLOUD: &str = "cloud-open";
/// Who asks.
const ASKS: &str = PERSONS[0];
/// Who approves.
const APPROVES: &str = PERSONS[1];
const COOL_DOWN_SECONDS: i64 = 5;

#[test]
fn a_class_is_taken_off_by_two_persons_after_a_cool_down_and_not_by_less() {
    pinisi_e2e::run(GROUPS, async |world| {
        let client = &world.client;
        prepare(client).await?;
        let requests = Api::<Declassification>::namespaced(client.clone(), NS);

        // By hand nobody can, a cluster admin included.
        let by_hand = json!({"metadata": {"labels": {CLASS_LABEL: CLASS_MASS_TRAFFIC}}});
        let namespaces = Api::<Namespace>::all(client.clone());
        let tried = namespaces
            .patch(NS, &PatchParams::default(), &Patch::Merge(&by_hand))
            .await;
        refused("G06", tried.map(drop))?;

        let first = request(world).await?;
        let (code, _) = as_person(world, ASKS, &["approve", &first, "--yes"]).await?;
        ensure!(code != 0, "one person is enough");
        let in_her_name = json!({"status": {"approval": {"approvedBy": ASKS}}});
        let tried = requests
            .patch_status(&first, &PatchParams::default(), &Patch::Merge(&in_her_name))
            .await;
        refused("G55", tried.map(drop))?;

        approve(world, &first).await?;
        state(world, &first, "CoolingDown").await?;
        requests.delete(&first, &DeleteParams::default()).await?;
        let long = u64::try_from(COOL_DOWN_SECONDS)? + 4;
        always("what was cancelled changes nothing", long, async || {
            Ok(class(client).await? == CLASS_SENSITIVE)
        })
        .await?;

        let second = request(world).await?;
        state(world, &second, "WaitingForApproval").await?;
        approve(world, &second).await?;
        state(world, &second, "Changed").await?;
        ensure!(
            class(client).await? == CLASS_MASS_TRAFFIC,
            "it says so, and it is not"
        );
        let status = requests.get(&second).await?.status.context("no status")?;
        let at = |time: Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>| {
            time.map(|time| time.0.as_second()).context("no time")
        };
        let (seen, may) = (at(status.approval_seen_at)?, at(status.may_change_at)?);
        ensure!(may - seen == COOL_DOWN_SECONDS, "from {seen} to {may}");
        ensure!(at(status.ended_at)? >= may, "it did not wait");

        overflows(client).await
    });
}

async fn prepare(client: &Client) -> Result<()> {
    for name in [HOME, CLOUD] {
        apply(client, site(name)).await?;
    }
    let policy = json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "SovereigntyPolicy", "metadata": {"name": NS},
        "spec": {
            "namespaces": {"matchLabels": {"kubernetes.io/metadata.name": NS}},
            "declassification": {"coolDownSeconds": COOL_DOWN_SECONDS},
        },
    });
    apply(client, policy).await?;
    apply(client, namespace(NS, CLASS_SENSITIVE)).await?;
    for (user, role) in [(ASKS, "requester"), (APPROVES, "approver")] {
        let group = "rbac.authorization.k8s.io";
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": user, "namespace": NS},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": format!("pinisi-declassification-{role}")},
            "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
        });
        apply(client, binding).await?;
    }
    apply(client, deployment(NS, "web", HOME, 2, 1000)).await?;
    apply(client, sensitive(NS, "web")).await?;
    eventually("the operator has seen the policy", 30, async || {
        let policies = Api::<pinisi_crds::SovereigntyPolicy>::all(client.clone());
        let status = policies.get(NS).await?.status.unwrap_or_default();
        Ok(status.namespaces == 1)
    })
    .await
}

/// Made anew as mass traffic, it goes where there is room.
async fn overflows(client: &Client) -> Result<()> {
    let workloads = Api::<HybridWorkload>::namespaced(client.clone(), NS);
    workloads.delete("web", &DeleteParams::default()).await?;
    eventually("the Sensitive one is gone", 30, async || {
        Ok(workloads.get_opt("web").await?.is_none())
    })
    .await?;
    // Home has 4 cores.
    apply(client, mass(NS, "web", &[HOME, CLOUD], 6, 8)).await?;
    eventually("some of it runs in the cloud", 60, async || {
        let (_, ready) = at_site(client, NS, CLOUD).await?;
        Ok(ready >= 1)
    })
    .await
}

async fn request(world: &World) -> Result<String> {
    let asked = ["request", "--reason", "aggregates only", "--yes"];
    let (code, shown) = as_person(world, ASKS, &asked).await?;
    let line = &shown["requests"][0];
    ensure!(code == 0 && line["requestedBy"] == ASKS, "{code}: {shown}");
    let name = line["name"].as_str().context("no name")?;
    Ok(name.to_owned())
}

async fn approve(world: &World, name: &str) -> Result<()> {
    let (code, shown) = as_person(world, APPROVES, &["approve", name, "--yes"]).await?;
    let by = &shown["requests"][0]["approvedBy"];
    ensure!(code == 0 && by == APPROVES, "{code}: {shown}");
    Ok(())
}

async fn state(world: &World, name: &str, state: &str) -> Result<()> {
    eventually(&format!("{name} is {state}"), 30, async || {
        let (_, shown) = as_person(world, APPROVES, &["list"]).await?;
        let found = shown["requests"].as_array().into_iter().flatten();
        let found: Vec<&Value> = found.filter(|line| line["name"] == name).collect();
        ensure!(found.len() == 1 && found[0]["state"] == state, "{shown}");
        Ok(true)
    })
    .await
}

/// `kubectl pinisi declassify` as a user that has only what RoleBindings give.
async fn as_person(world: &World, user: &str, args: &[&str]) -> Result<(i32, Value)> {
    let path = component_kubeconfig(world.lab.dir(), user);
    let path = path.to_str().context("a path that is no text")?;
    let mut all = vec!["--kubeconfig", path, "-n", NS, "-o", "json", "declassify"];
    all.extend(args);
    plugin(world, &all).await
}

async fn class(client: &Client) -> Result<String> {
    let found = Api::<Namespace>::all(client.clone()).get(NS).await?;
    Ok(found.labels().get(CLASS_LABEL).cloned().unwrap_or_default())
}

fn refused(rule: &str, tried: Result<(), kube::Error>) -> Result<()> {
    let error = tried
        .err()
        .with_context(|| format!("{rule} lets it through"))?;
    ensure!(
        error.to_string().contains(&format!("pinisi {rule}:")),
        "{error}"
    );
    Ok(())
}
