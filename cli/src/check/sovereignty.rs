//! PN04x: Sensitive pods and the inventory that the guard looks up.

use super::finding::{Check, Findings, known};
use super::ground::{Ground, shared_labels, spoken};
use crate::snapshot::Snapshot;
use pinisi_crds::SovereignNodes;
use pinisi_crds::names::SOVEREIGN_NODES;

const PODS: Check = Check {
    id: "PN040",
    title: "no Sensitive pod is off lawful nodes",
};
const INVENTORY: Check = Check {
    id: "PN041",
    title: "the guard's inventory is there",
};
const EQUAL: Check = Check {
    id: "PN042",
    title: "the guard's inventory is what the Sites say",
};
/// In the order in which they run.
pub const CHECKS: &[&Check] = &[&PODS, &INVENTORY, &EQUAL];

const LEADER: &str = "the leading operator writes it: see PN012, then kubectl logs deployment/pinisi --namespace pinisi-system";

/// Phases of pods that run no more.
const FINISHED: [&str; 2] = ["Succeeded", "Failed"];

/// Runs them.
pub fn run(snapshot: &Snapshot, findings: &mut Findings) {
    pods(snapshot, findings);
    inventory(snapshot, findings);
    equal(snapshot, findings);
}

fn pods(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&PODS);
    let (pods, sites, nodes) = known!(
        verdict,
        snapshot.sensitive_pods,
        snapshot.sites,
        snapshot.nodes
    );
    let ground = Ground::of(sites, nodes);
    let lawful = ground.lawful();
    let bound = pods
        .iter()
        .filter_map(|pod| pod.node.as_deref().map(|node| (pod, node)));
    for (pod, node) in bound.clone() {
        if lawful.contains_key(node) {
            continue;
        }
        let object = format!("Pod {}/{}", pod.namespace, pod.name);
        let words = format!(
            "is {} on node {node}, which is not of one OnPrem Site",
            pod.phase
        );
        let remove = format!(
            "kubectl delete pod {} --namespace {}",
            pod.name, pod.namespace
        );
        if FINISHED.contains(&pod.phase.as_str()) {
            verdict.warn(
                object,
                words,
                format!("{remove}; the node may have been home when it ran"),
            );
        } else {
            verdict.fail(
                object,
                words,
                format!("{remove}; it comes back on lawful ground. Then find out how it got there"),
            );
        }
    }
    verdict.or_ok(format!(
        "{} pods, all on {} lawful nodes",
        bound.count(),
        lawful.len()
    ));
}

fn object() -> String {
    format!("SovereignNodes {SOVEREIGN_NODES}")
}

fn inventory(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&INVENTORY);
    let inventory = known!(verdict, snapshot.sovereign);
    match inventory {
        None => {
            verdict.fail(
                object(),
                "does not exist: every Sensitive pod is refused",
                LEADER,
            );
            verdict.or_ok("");
        }
        Some(found) => verdict.or_ok(format!("{} nodes", found.spec.nodes.len())),
    }
}

fn equal(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&EQUAL);
    let (inventory, sites, nodes) =
        known!(verdict, snapshot.sovereign, snapshot.sites, snapshot.nodes);
    let Some(SovereignNodes { spec: found, .. }) = inventory else {
        return verdict.skip("there is none (PN041)");
    };
    let ground = Ground::of(sites, nodes);
    let lawful = ground.lawful();
    for (name, identity) in &found.nodes {
        match lawful.get(name.as_str()) {
            None => verdict.fail(
                object(),
                format!("lets Sensitive pods onto node {name}, which is not of one OnPrem Site"),
                LEADER,
            ),
            Some(node) if node.uid != identity.uid => verdict.fail(
                object(),
                format!("means another machine by {name}: its uid has changed"),
                LEADER,
            ),
            Some(_) => {}
        }
    }
    for name in lawful
        .keys()
        .filter(|name| !found.nodes.contains_key(**name))
    {
        verdict.warn(
            object(),
            format!("lacks node {name}: Sensitive pods are refused there"),
            LEADER,
        );
    }
    let shared = shared_labels(sites);
    if found.node_selector != shared {
        verdict.fail(
            object(),
            format!(
                "stamps pods with {:?}, but the OnPrem Sites share {:?}",
                spoken(&found.node_selector),
                spoken(&shared)
            ),
            LEADER,
        );
    }
    verdict.or_ok(format!("{} nodes, stamp {}", lawful.len(), spoken(&shared)));
}
