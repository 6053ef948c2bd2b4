//! Own ground by its labels alone takes no Sensitive pod until somebody vouches for it, and a node made
//! again under an attested name is another node. Mass traffic runs there all the while.

use crate::GROUPS;
use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use pinisi_crds::{Site, SovereignNodes};
use pinisi_e2e::objects::{
    apply, condition, deployment, mass, namespace, replicas, sensitive, site,
};
use pinisi_e2e::plugin::plugin;
use pinisi_e2e::wait::{always, eventually};
use serde_json::json;

const SITE: &str = "home-vouch";
const NODE: &str = "home-vouch-0";
const NS: &str = "vouch";
const CROWD: &str = "vouch-crowd";

#[test]
fn sensitive_pods_run_on_attested_nodes_alone() {
    pinisi_e2e::run(GROUPS, async |world| {
        let client = &world.client;
        let mut ground = site(SITE);
        ground["spec"]["attested"] = json!({});
        apply(client, ground).await?;
        for (ns, class) in [(NS, "Sensitive"), (CROWD, "MassTraffic")] {
            apply(client, namespace(ns, class)).await?;
            apply(client, deployment(ns, "web", SITE, 2, 250)).await?;
        }
        apply(client, mass(CROWD, "web", &[SITE], 2, 4)).await?;
        apply(client, sensitive(NS, "web")).await?;

        eventually("mass traffic runs there", 60, async || {
            Ok(replicas(client, CROWD, "web").await? == Some((2, 2)))
        })
        .await?;
        eventually("each bind of a Sensitive pod is refused", 60, async || {
            refused_bind(client, 2).await
        })
        .await?;
        says(client, "NodesNotAttested").await?;
        eventually("CapacityShort says it", 30, async || {
            let short = condition(client, NS, "web", "CapacityShort").await?;
            Ok(short.is_some_and(|c| c.0 == "True"))
        })
        .await?;

        let (code, shown) = plugin(world, &["attest", SITE, "-o", "json"]).await?;
        ensure!(
            code == 1 && shown["nodes"][0]["standing"] == "New",
            "{shown}"
        );
        let (code, shown) =
            plugin(world, &["attest", SITE, "--all", "--yes", "-o", "json"]).await?;
        let listed = &shown["attested"][NODE]["providerID"];
        ensure!(code == 0 && *listed == "kwok://home-vouch-0", "{shown}");
        eventually("it runs", 60, async || {
            Ok(replicas(client, NS, "web").await? == Some((2, 2)))
        })
        .await?;
        // Nodes of other tests carry the stamp's labels too, before their Sites are there.
        eventually("the Site has no more of that to say", 30, async || {
            let text = stalled(client).await?;
            ensure!(!text.contains("spec.attested"), "{text}");
            Ok(true)
        })
        .await?;

        made_again(client).await?;
        says(client, "AttestedNodesChanged").await?;
        eventually("the inventory has forgotten it", 30, async || {
            let listed = Api::<SovereignNodes>::all(client.clone());
            let nodes = listed.get("default").await?.spec.nodes;
            ensure!(!nodes.contains_key(NODE), "{:?}", nodes.get(NODE));
            Ok(true)
        })
        .await?;
        let running = pods(client).await?;
        always("what runs there runs on", 3, async || {
            let now = pods(client).await?;
            Ok(running
                .iter()
                .all(|pod| now.iter().any(|p| p.uid() == pod.uid())))
        })
        .await?;
        let api = Api::<Pod>::namespaced(client.clone(), NS);
        api.delete_collection(&DeleteParams::default(), &ListParams::default())
            .await?;
        eventually("none is bound there anew", 60, async || {
            refused_bind(client, 2).await
        })
        .await?;
        let (code, shown) =
            plugin(world, &["attest", SITE, "--all", "--yes", "-o", "json"]).await?;
        let why = shown["nodes"][0]["why"].as_str().unwrap_or_default();
        ensure!(
            code == 1 && why.contains("made again"),
            "a change is not waved through: {shown}"
        );

        let named = ["attest", SITE, "--node", NODE, "--yes"];
        ensure!(
            plugin(world, &named).await?.0 == 0,
            "it is not attested again"
        );
        eventually("it runs again", 60, async || {
            Ok(replicas(client, NS, "web").await? == Some((2, 2)))
        })
        .await
    });
}

async fn pods(client: &Client) -> Result<Vec<Pod>> {
    let api = Api::<Pod>::namespaced(client.clone(), NS);
    Ok(api.list(&ListParams::default()).await?.items)
}

/// True where so many pods wait, and each because the guard refused the scheduler.
async fn refused_bind(client: &Client, count: usize) -> Result<bool> {
    let refused = |pod: &Pod| {
        let spec = pod.spec.as_ref();
        let conditions = pod.status.as_ref().and_then(|s| s.conditions.as_ref());
        spec.is_some_and(|spec| spec.node_name.is_none())
            && conditions.is_some_and(|all| {
                let said = |text: &Option<String>| text.as_ref().is_some_and(|t| t.contains("G01"));
                all.iter()
                    .any(|c| c.type_ == "PodScheduled" && said(&c.message))
            })
    };
    let pods = pods(client).await?;
    let seen: Vec<_> = pods.iter().map(spoken).collect();
    ensure!(
        pods.len() == count && pods.iter().all(refused),
        "pods are {seen:?}"
    );
    Ok(true)
}

/// A pod's node and what was said of its scheduling.
fn spoken(pod: &Pod) -> String {
    let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone());
    let conditions = pod
        .status
        .iter()
        .flat_map(|s| s.conditions.iter().flatten());
    let said = conditions
        .filter(|c| c.type_ == "PodScheduled")
        .find_map(|c| c.message.clone());
    let going = pod.metadata.deletion_timestamp.is_some();
    format!("{}: {node:?}, going {going}, {said:?}", pod.name_any())
}

/// Waits until the Site says this.
async fn says(client: &Client, reason: &str) -> Result<()> {
    eventually(&format!("the Site says {reason}"), 30, async || {
        let site = Api::<Site>::all(client.clone()).get(SITE).await?;
        let conditions = site.status.unwrap_or_default().conditions;
        let stalled = conditions.iter().find(|c| c.type_ == "Stalled");
        Ok(stalled.is_some_and(|c| c.status == "False" && c.reason == reason))
    })
    .await
}

/// What the Site says in `Stalled`.
async fn stalled(client: &Client) -> Result<String> {
    let site = Api::<Site>::all(client.clone()).get(SITE).await?;
    let conditions = site.status.unwrap_or_default().conditions;
    let stalled = conditions.into_iter().find(|c| c.type_ == "Stalled");
    Ok(stalled.map(|c| c.message).unwrap_or_default())
}

/// Deletes the node and makes it again, as it was but for its uid. The old one's Lease goes with it;
/// KWOK plays no pod of a node whose Lease it does not hold, and forgets those that it was to play.
async fn made_again(client: &Client) -> Result<()> {
    let api = Api::<Node>::all(client.clone());
    let leases = Api::<Lease>::namespaced(client.clone(), "kube-node-lease");
    let mut node = api.get(NODE).await?;
    let before = node.uid();
    api.delete(NODE, &DeleteParams::default()).await?;
    eventually("the node and its Lease are gone", 30, async || {
        Ok(api.get_opt(NODE).await?.is_none() && leases.get_opt(NODE).await?.is_none())
    })
    .await?;
    node.metadata.uid = None;
    node.metadata.resource_version = None;
    node.metadata.managed_fields = None;
    let made = api.create(&PostParams::default(), &node).await?;
    let after = made.uid().context("no uid")?;
    ensure!(before != Some(after), "it has the same uid");
    eventually("KWOK holds its Lease", 30, async || {
        Ok(leases.get_opt(NODE).await?.is_some())
    })
    .await
}
