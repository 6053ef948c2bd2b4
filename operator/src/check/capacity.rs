//! Nodes: which Site each belongs to, and the room on it.

use crate::gather::{facts::NodeFacts, index::Index, pods::PodTable};
use pinisi_planner::model::site::Node;
use std::collections::{BTreeMap, BTreeSet};

/// Nodes by Site, and the nodes that several Sites claim.
#[derive(Debug, Default)]
pub struct SiteNodes<'a> {
    by_site: BTreeMap<&'a str, Vec<&'a NodeFacts>>,
    /// Node to the Sites that match it, where these are several.
    shared: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> SiteNodes<'a> {
    /// Matches every node with every Site. A Site without labels matches nothing.
    #[must_use]
    pub fn of(index: &'a Index) -> Self {
        let sites: Vec<_> = index
            .sites
            .iter()
            .filter_map(|(name, s)| {
                Some((
                    name.as_str(),
                    &s.spec.as_ref().ok()?.nodes.as_ref()?.match_labels,
                ))
            })
            .filter(|(_, labels)| !labels.is_empty())
            .collect();
        let mut found = Self::default();
        for node in index.nodes.values() {
            let matching: BTreeSet<_> = sites
                .iter()
                .filter(|(_, labels)| carries(node, labels))
                .map(|(name, _)| *name)
                .collect();
            for site in &matching {
                found.by_site.entry(site).or_default().push(node);
            }
            if matching.len() > 1 {
                found.shared.insert(&node.name, matching);
            }
        }
        found
    }

    /// Nodes that a Site matches, by name.
    #[must_use]
    pub fn of_site(&self, site: &str) -> Vec<&'a NodeFacts> {
        self.by_site.get(site).cloned().unwrap_or_default()
    }

    /// The first node that a Site shares with each other Site.
    #[must_use]
    pub fn shared_with(&self, site: &str) -> Vec<(&'a str, &'a str)> {
        let mut first: BTreeMap<&str, &str> = BTreeMap::new();
        for (node, sites) in self.shared.iter().filter(|(_, sites)| sites.contains(site)) {
            for other in sites.iter().filter(|s| **s != site) {
                first.entry(other).or_insert(node);
            }
        }
        first
            .into_iter()
            .map(|(other, node)| (node, other))
            .collect()
    }
}

/// True where a node carries all of these labels.
#[must_use]
pub fn carries(node: &NodeFacts, labels: &BTreeMap<String, String>) -> bool {
    labels.iter().all(|(k, v)| node.labels.get(k) == Some(v))
}

/// A node as the planner sees it.
#[must_use]
pub fn room(pods: &PodTable, node: &NodeFacts, unattested: bool) -> Node {
    let (used, used_slots) = pods.on_node(&node.name);
    Node {
        name: node.name.clone(),
        allocatable: node.allocatable,
        pod_slots: node.pod_slots,
        used,
        used_slots,
        schedulable: !node.unschedulable,
        unattested,
    }
}
