//! PN03x: Sites and the nodes that they mean.

use super::finding::{Check, Findings, known};
use super::ground::{Ground, carries, is_on_prem, labels, shared_labels, spoken};
use crate::snapshot::Snapshot;
use kube::ResourceExt as _;
use pinisi_crds::names::{NODE_RESTRICTION_PREFIX, SITE_LABEL};

const ONE_SITE: Check = Check {
    id: "PN030",
    title: "no node is in two Sites",
};
const TAINTED: Check = Check {
    id: "PN031",
    title: "nodes of Sites that are not OnPrem carry their Site's taint",
};
const READY: Check = Check {
    id: "PN032",
    title: "each Site has ready nodes",
};
const TRUSTED: Check = Check {
    id: "PN033",
    title: "OnPrem Sites go by labels that nodes cannot set on themselves",
};
const SHARED: Check = Check {
    id: "PN034",
    title: "OnPrem Sites share a label that no other node carries",
};
/// In the order in which they run.
pub const CHECKS: &[&Check] = &[&ONE_SITE, &TAINTED, &READY, &TRUSTED, &SHARED];

const EFFECT: &str = "NoExecute";

/// Runs them.
pub fn run(snapshot: &Snapshot, findings: &mut Findings) {
    one_site(snapshot, findings);
    tainted(snapshot, findings);
    ready(snapshot, findings);
    trusted(snapshot, findings);
    shared(snapshot, findings);
}

fn one_site(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&ONE_SITE);
    let (sites, nodes) = known!(verdict, snapshot.sites, snapshot.nodes);
    let ground = Ground::of(sites, nodes);
    for (node, sites) in ground.nodes.iter().filter(|(_, sites)| sites.len() > 1) {
        let names: Vec<_> = sites.iter().map(|site| site.name_any()).collect();
        verdict.fail(
            format!("Node {}", node.name),
            format!(
                "is in Sites {}: they take no new replicas",
                names.join(" and ")
            ),
            format!(
                "kubectl get node {} --show-labels; take one Site's label off the node",
                node.name
            ),
        );
    }
    let placed = ground
        .nodes
        .iter()
        .filter(|(_, sites)| !sites.is_empty())
        .count();
    verdict.or_ok(format!("{placed} of {} nodes are in a Site", nodes.len()));
}

fn tainted(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&TAINTED);
    let (sites, nodes) = known!(verdict, snapshot.sites, snapshot.nodes);
    let ground = Ground::of(sites, nodes);
    let away: Vec<_> = sites.iter().filter(|site| !is_on_prem(site)).collect();
    if away.is_empty() {
        return verdict.skip("every Site is OnPrem");
    }
    let mut count = 0;
    for name in away.iter().map(|site| site.name_any()) {
        for node in ground.of_site(&name) {
            count += 1;
            let right = node
                .site_taints
                .iter()
                .any(|taint| taint.value == name && taint.effect == EFFECT);
            if !right {
                verdict.fail(
                    format!("Node {}", node.name),
                    format!("is of Site {name}, but lacks taint {SITE_LABEL}={name}:{EFFECT}: pods of the home Deployment may land there"),
                    format!("kubectl taint node {} {SITE_LABEL}={name}:{EFFECT} --overwrite", node.name),
                );
            }
        }
    }
    verdict.or_ok(format!("{count} nodes"));
}

fn ready(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&READY);
    let (sites, nodes) = known!(verdict, snapshot.sites, snapshot.nodes);
    if sites.is_empty() {
        verdict.warn(
            "Cluster",
            "has no Site: nothing can be placed",
            "kubectl apply -f a Site; see examples/",
        );
    }
    let ground = Ground::of(sites, nodes);
    // Nodes of another cluster are the operator's to see.
    for site in sites.iter().filter(|site| site.spec.nodes.is_some()) {
        let name = site.name_any();
        let all = ground.of_site(&name).count();
        let ready = ground.of_site(&name).filter(|node| node.ready).count();
        if ready == 0 {
            let wanted = spoken(&labels(site));
            verdict.warn(
                format!("Site {name}"),
                format!("has no ready node ({all} match {wanted})"),
                format!("kubectl get nodes --selector {wanted}"),
            );
        }
    }
    verdict.or_ok(format!("{} Sites", sites.len()));
}

fn trusted(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&TRUSTED);
    let sites = known!(verdict, snapshot.sites);
    for site in sites.iter().filter(|site| is_on_prem(site)) {
        if !labels(site)
            .keys()
            .any(|key| key.starts_with(NODE_RESTRICTION_PREFIX))
        {
            verdict.warn(
                format!("Site {}", site.name_any()),
                "goes by labels that a kubelet can set on its own node, and so make itself sovereign",
                format!("label the nodes with a key under {NODE_RESTRICTION_PREFIX} and make a Site with it in spec.nodes.matchLabels"),
            );
        }
    }
    verdict.or_ok(format!("keys under {NODE_RESTRICTION_PREFIX}"));
}

fn shared(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&SHARED);
    let (sites, nodes) = known!(verdict, snapshot.sites, snapshot.nodes);
    if !sites.iter().any(is_on_prem) {
        return verdict.skip("there is no OnPrem Site: Sensitive pods run nowhere");
    }
    let shared = shared_labels(sites);
    if shared.is_empty() {
        verdict.fail(
            "Sites of type OnPrem",
            "share no label: pods cannot be stamped to all of them, and are refused only when they are bound",
            format!("give all their nodes one label, such as {NODE_RESTRICTION_PREFIX}pinisi-ground=sovereign, and name it in every OnPrem Site"),
        );
        return verdict.or_ok("");
    }
    // Whether its own nodes are attested is PN043.
    let ground = Ground::of(sites, nodes);
    let strangers = ground
        .nodes
        .iter()
        .filter(|(_, sites)| !sites.iter().any(|site| is_on_prem(site)));
    for (node, _) in strangers.filter(|(node, _)| carries(node, &shared)) {
        verdict.fail(
            format!("Node {}", node.name),
            format!("carries {} like sovereign nodes, but is none: Sensitive pods would be sent there and refused", spoken(&shared)),
            format!("kubectl get node {} --show-labels; take the label off, or add one to the OnPrem Sites that it lacks", node.name),
        );
    }
    verdict.or_ok(spoken(&shared));
}
