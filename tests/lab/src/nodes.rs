//! The Node objects that KWOK plays, and waiting until they are ready.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::{Node, NodeSpec, NodeStatus, Taint};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::api::{ListParams, PostParams};
use kube::{Api, Client};

use crate::spec::NodeGroup;
use crate::{kwok, usage};

/// Says at which site a node stands; kubelets may not write it themselves.
pub const SITE_LABEL: &str = "node-restriction.kubernetes.io/pinisi-site";
/// What all nodes at home share, so that several OnPrem Sites have one label in common.
pub const GROUND_LABEL: &str = "node-restriction.kubernetes.io/pinisi-ground";
/// Value of [`GROUND_LABEL`].
pub const SOVEREIGN: &str = "sovereign";
/// Key of the taint on a new node until the controllers have seen it ready.
const NOT_READY: &str = "node.kubernetes.io/not-ready";
/// Key of the taint on nodes that are not at home.
pub const SITE_TAINT: &str = "pinisi.dev/site";
const AT_ONCE: usize = 16;

/// Creates the nodes `SITE-from` to `SITE-(to - 1)`.
///
/// # Errors
/// When the API server refuses one.
pub async fn create(client: &Client, group: &NodeGroup, from: u32, to: u32) -> Result<()> {
    let api: Api<Node> = Api::all(client.clone());
    stream::iter(from..to)
        .map(|index| {
            let api = api.clone();
            let node = node(group, index);
            async move {
                api.create(&PostParams::default(), &node)
                    .await
                    .with_context(|| format!("cannot create the node {}-{index}", group.site))
                    .map(drop)
            }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

fn node(group: &NodeGroup, index: u32) -> Node {
    let NodeGroup {
        site,
        count: _,
        cpu,
        memory,
        pods,
        ready_seconds: _,
        tainted,
        sovereign,
    } = group;
    let name = format!("{site}-{index}");
    let (kwok_label, kwok_value) = kwok::NODE_LABEL;
    let mut node = Node::default();
    node.metadata.name = Some(name.clone());
    node.metadata.labels = Some(BTreeMap::from([
        (kwok_label.into(), kwok_value.into()),
        ("kubernetes.io/hostname".into(), name.clone()),
        ("kubernetes.io/os".into(), "linux".into()),
        ("kubernetes.io/arch".into(), "amd64".into()),
        (SITE_LABEL.into(), site.clone()),
    ]));
    if *sovereign {
        let labels = node.metadata.labels.get_or_insert_default();
        labels.insert(GROUND_LABEL.into(), SOVEREIGN.into());
    }
    node.metadata.annotations = Some(BTreeMap::from([
        ("kwok.x-k8s.io/node".into(), "fake".into()),
        usage::scraped_at(&name),
    ]));
    let taint = Taint {
        key: SITE_TAINT.into(),
        value: Some(site.clone()),
        effect: "NoExecute".into(),
        time_added: None,
    };
    node.spec = Some(NodeSpec {
        taints: tainted.then(|| vec![taint]),
        // What a node is attested by.
        provider_id: Some(format!("kwok://{name}")),
        ..NodeSpec::default()
    });
    let room = BTreeMap::from([
        ("cpu".into(), Quantity(cpu.clone())),
        ("memory".into(), Quantity(memory.clone())),
        ("pods".into(), Quantity(pods.to_string())),
    ]);
    node.status = Some(NodeStatus {
        capacity: Some(room.clone()),
        allocatable: Some(room),
        ..NodeStatus::default()
    });
    node
}

/// Ready and existing nodes of each site.
///
/// # Errors
/// When the API server does not answer.
pub async fn count(client: &Client) -> Result<BTreeMap<String, NodeCount>> {
    let nodes = Api::<Node>::all(client.clone())
        .list(&ListParams::default())
        .await?;
    let mut sites: BTreeMap<String, NodeCount> = BTreeMap::new();
    for node in nodes {
        let site = node
            .metadata
            .labels
            .as_ref()
            .and_then(|labels| labels.get(SITE_LABEL));
        let entry = sites.entry(site.cloned().unwrap_or_default()).or_default();
        entry.total += 1;
        entry.ready += u32::from(is_ready(&node));
    }
    Ok(sites)
}

/// The number that the next node of a site gets.
///
/// # Errors
/// When the API server does not answer.
pub async fn next_index(client: &Client, site: &str) -> Result<u32> {
    let nodes = Api::<Node>::all(client.clone())
        .list_metadata(&ListParams::default())
        .await?;
    let taken = nodes.items.iter().filter_map(|node| {
        let (prefix, number) = node.metadata.name.as_deref()?.rsplit_once('-')?;
        if prefix == site {
            number.parse::<u32>().ok()
        } else {
            None
        }
    });
    Ok(taken.max().map_or(0, |last| last + 1))
}

/// How many nodes a site has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct NodeCount {
    /// With `Ready=True`, and rid of the taint that a new node has until then.
    pub ready: u32,
    /// All.
    pub total: u32,
}

fn is_ready(node: &Node) -> bool {
    // It goes a moment after the condition has changed, and pods land only then.
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_ref());
    if taints.is_some_and(|all| all.iter().any(|taint| taint.key == NOT_READY)) {
        return false;
    }
    let conditions = node
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref());
    conditions.is_some_and(|all| {
        all.iter()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ready(node: serde_json::Value) -> bool {
        is_ready(&serde_json::from_value(node).unwrap())
    }

    #[test]
    fn a_node_is_ready_only_when_pods_may_land_on_it() {
        let is = |status| json!({"conditions": [{"type": "Ready", "status": status}]});
        let taint = |key| json!({"taints": [{"key": key, "effect": "NoSchedule"}]});
        assert!(ready(json!({"spec": {}, "status": is("True")})));
        assert!(ready(
            json!({"spec": taint(SITE_TAINT), "status": is("True")})
        ));
        assert!(!ready(
            json!({"spec": taint(NOT_READY), "status": is("True")})
        ));
        assert!(!ready(json!({"spec": {}, "status": is("False")})));
        assert!(!ready(json!({})));
    }
}
