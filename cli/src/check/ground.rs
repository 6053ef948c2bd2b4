//! Which node belongs to which Site, and which nodes are lawful for Sensitive pods: computed here
//! anew from Sites and nodes, never taken from what the operator says.

use crate::snapshot::NodeFact;
use kube::ResourceExt as _;
use pinisi_crds::Site;
use pinisi_crds::site::SiteType;
use pinisi_operator::check::attested::{Change, Standing, judge};
use std::collections::BTreeMap;

/// Sites with their nodes.
pub struct Ground<'a> {
    /// Every node with the Sites that match it, in the order of their names.
    pub nodes: Vec<(&'a NodeFact, Vec<&'a Site>)>,
}

impl<'a> Ground<'a> {
    /// Matches every node against every Site.
    pub fn of(sites: &'a [Site], nodes: &'a [NodeFact]) -> Self {
        let mut sites: Vec<&Site> = sites.iter().collect();
        sites.sort_by_key(|site| site.name_any());
        let matching = |node: &NodeFact| {
            sites
                .iter()
                .copied()
                .filter(|site| holds(site, node))
                .collect()
        };
        Self {
            nodes: nodes.iter().map(|node| (node, matching(node))).collect(),
        }
    }

    /// Nodes of a Site.
    pub fn of_site<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'a NodeFact> + 'b {
        let own = move |sites: &[&Site]| sites.iter().any(|site| site.name_any() == name);
        self.nodes
            .iter()
            .filter(move |(_, sites)| own(sites))
            .map(|(node, _)| *node)
    }

    /// Nodes of one OnPrem Site that are attested there as they are, by name. A node in two Sites is
    /// nobody's until that is settled.
    pub fn lawful(&self) -> BTreeMap<&'a str, &'a NodeFact> {
        let lawful = |node: &NodeFact, sites: &[&Site]| match sites {
            [site] => is_on_prem(site) && standing(site, node) == Standing::Attested,
            _ => false,
        };
        let own = self
            .nodes
            .iter()
            .filter(|(node, sites)| lawful(node, sites));
        own.map(|(node, _)| (node.name.as_str(), *node)).collect()
    }

    /// How each node of a Site stands to what was attested there, and each attested one that is not
    /// there, by name.
    pub fn standings(&self, site: &'a Site) -> Vec<(&'a str, Standing)> {
        let name = site.name_any();
        let mut all: Vec<_> = self
            .of_site(&name)
            .map(|node| (node.name.as_str(), standing(site, node)))
            .collect();
        let gone = site.spec.attested.iter().flat_map(BTreeMap::keys);
        let gone: Vec<_> = gone
            .filter(|name| !all.iter().any(|(there, _)| there == name))
            .map(|name| (name.as_str(), Standing::Changed(Change::Missing)))
            .collect();
        all.extend(gone);
        all.sort_by(|a, b| a.0.cmp(b.0));
        all
    }
}

fn standing(site: &Site, node: &NodeFact) -> Standing {
    let attested = site.spec.attested.as_ref();
    let attested = attested.and_then(|attested| attested.get(&node.name));
    judge(attested, &node.identity, &node.labels)
}

/// True for own ground.
pub fn is_on_prem(site: &Site) -> bool {
    match site.spec.type_ {
        SiteType::OnPrem => true,
        SiteType::Cloud | SiteType::Edge => false,
    }
}

/// Labels that all OnPrem Sites share: what Sensitive pods are stamped with.
pub fn shared_labels(sites: &[Site]) -> BTreeMap<String, String> {
    let mut own = sites.iter().filter(|site| is_on_prem(site)).map(labels);
    let mut shared = own.next().unwrap_or_default();
    for other in own {
        shared.retain(|key, value| other.get(key) == Some(value));
    }
    shared
}

/// The labels by which a Site knows its nodes.
pub fn labels(site: &Site) -> BTreeMap<String, String> {
    site.spec
        .nodes
        .as_ref()
        .map(|nodes| nodes.match_labels.clone())
        .unwrap_or_default()
}

/// True where the node carries all of them. A Site without labels holds no node.
pub fn holds(site: &Site, node: &NodeFact) -> bool {
    let Some(wanted) = site.spec.nodes.as_ref().map(|nodes| &nodes.match_labels) else {
        return false;
    };
    !wanted.is_empty() && carries(node, wanted)
}

/// True where the node carries all these labels.
pub fn carries(node: &NodeFact, wanted: &BTreeMap<String, String>) -> bool {
    wanted
        .iter()
        .all(|(key, value)| node.labels.get(key) == Some(value))
}

/// Labels as kubectl takes them.
pub fn spoken(labels: &BTreeMap<String, String>) -> String {
    labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect::<Vec<_>>()
        .join(",")
}
