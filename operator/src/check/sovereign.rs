//! The guard's inventory: which nodes are lawful for Sensitive pods (those of one OnPrem Site that are
//! attested there as they are), the labels to stamp these with, and how many such pods run where. What is
//! not listed is refused, and what is no longer lawful is taken off; neither touches a pod that runs.
//! Not here: how old it may get (`renewal`).

use super::policy::{Ground, jurisdiction};
use super::{
    attested::identity,
    capacity::carries,
    problem::{Problem, class_name},
    renewal::MAX_AGE,
    site::{CheckedSite, selector_text},
};
use crate::checked::SensitivePods;
use crate::gather::index::Index;
use pinisi_crds::{
    SovereignNodesSpec, hybrid_workload::Class, names::CLASS_LABEL, sovereign_nodes::NodeIdentity,
};
use pinisi_planner::model::site::{SiteKind, SiteName};
use std::collections::{BTreeMap, BTreeSet};

/// What the inventory should say. Says on the OnPrem Sites what stands against one selector for all.
pub fn inventory(
    index: &Index,
    sites: &mut BTreeMap<SiteName, CheckedSite<'_>>,
) -> SovereignNodesSpec {
    let claims = claims(sites);
    let mut want = SovereignNodesSpec {
        max_age_seconds: MAX_AGE.as_secs(),
        ..SovereignNodesSpec::default()
    };
    for site in sites.values().filter(|s| s.kind == SiteKind::OnPrem) {
        // A NotReady node stays lawful; one in two Sites is nobody's until that is settled.
        for node in site
            .nodes
            .iter()
            .filter(|n| site.lawful.contains(&*n.name))
            .filter(|n| claims.get(&*n.name).is_some_and(|c| *c == 1))
        {
            want.nodes.insert(node.name.to_string(), identity(node));
        }
    }
    let labelled: Vec<(SiteName, BTreeMap<String, String>)> = sites
        .iter()
        .filter(|(_, s)| s.kind == SiteKind::OnPrem && !s.subject.match_labels.is_empty())
        .map(|(name, s)| (name.clone(), s.subject.match_labels.clone()))
        .collect();
    if let Some(((_, first), rest)) = labelled.split_first() {
        let shared =
            |k: &String, v: &String| rest.iter().all(|(_, labels)| labels.get(k) == Some(v));
        want.node_selector = first
            .iter()
            .filter(|(k, v)| shared(k, v))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        // A site's own nodes that nobody has attested are said there.
        let own: BTreeSet<_> = sites
            .values()
            .filter(|s| s.kind == SiteKind::OnPrem)
            .flat_map(|s| s.nodes.iter().map(|n| &*n.name))
            .collect();
        let problem_of = |name: &SiteName| {
            if want.node_selector.is_empty() {
                let other = labelled.iter().map(|(n, _)| n).find(|n| *n != name)?;
                return Some(Problem::NoSharedLabel {
                    other: other.to_string(),
                });
            }
            let stranger = index
                .nodes
                .values()
                .find(|n| carries(n, &want.node_selector) && !own.contains(&*n.name))?;
            Some(Problem::LabelNotExclusive {
                node: stranger.name.to_string(),
                labels: selector_text(&want.node_selector),
            })
        };
        for (name, _) in &labelled {
            if let (Some(problem), Some(site)) = (problem_of(name), sites.get_mut(name)) {
                site.subject.problems.push(problem);
            }
        }
    }
    let away = sites.iter().filter(|(_, s)| s.kind != SiteKind::OnPrem);
    for (name, site) in away {
        let nodes = site.nodes.iter().map(|node| node.name.to_string());
        want.away.extend(nodes.map(|node| (node, name.to_string())));
    }
    want
}

/// Of each node of the inventory, the law and the labels of its Site.
#[must_use]
pub fn grounds(
    index: &Index,
    sites: &BTreeMap<SiteName, CheckedSite<'_>>,
    inventory: &SovereignNodesSpec,
) -> BTreeMap<String, Ground> {
    let mut grounds = BTreeMap::new();
    for (name, site) in sites.iter().filter(|(_, s)| s.kind == SiteKind::OnPrem) {
        let ground = Ground {
            jurisdiction: jurisdiction(index, name.as_str()).to_owned(),
            labels: site.subject.match_labels.clone(),
        };
        let nodes = site.nodes.iter().map(|node| node.name.to_string());
        let lawful = nodes.filter(|node| inventory.nodes.contains_key(node));
        grounds.extend(lawful.map(|node| (node, ground.clone())));
    }
    grounds
}

/// How many Sites match each node.
fn claims<'a>(sites: &BTreeMap<SiteName, CheckedSite<'a>>) -> BTreeMap<&'a str, usize> {
    let mut claims = BTreeMap::new();
    for node in sites.values().flat_map(|s| &s.nodes) {
        *claims.entry(&*node.name).or_insert(0) += 1;
    }
    claims
}

/// Counts the bound pods of every namespace that says Sensitive.
#[must_use]
pub fn count_pods(index: &Index, lawful: &BTreeMap<String, NodeIdentity>) -> SensitivePods {
    let mut count = SensitivePods::default();
    let mut nodes = BTreeSet::new();
    let sensitive = index.namespaces.iter().filter(|(_, n)| {
        n.labels.get(CLASS_LABEL).map(String::as_str) == Some(class_name(Class::Sensitive))
    });
    for (namespace, _) in sensitive {
        for pod in index.pods.of_namespace(namespace).filter(|p| !p.finished) {
            let Some(node) = &pod.node else { continue };
            count.seen = count.seen.saturating_add(1);
            if !lawful.contains_key(&**node) {
                count.off = count.off.saturating_add(1);
                nodes.insert(node.clone());
            }
        }
    }
    count.off_nodes = nodes.into_iter().map(|n| n.to_string()).collect();
    count
}
