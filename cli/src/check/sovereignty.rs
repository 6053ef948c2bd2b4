//! PN04x: Sensitive pods and the inventory that the guard looks up.

use super::finding::{Check, Findings, known};
use super::ground::{Ground, is_on_prem, shared_labels, spoken};
use crate::snapshot::Snapshot;
use jiff::SignedDuration;
use kube::ResourceExt as _;
use pinisi_crds::names::SOVEREIGN_NODES;
use pinisi_crds::{SovereignNodes, SovereigntyViolationSpec};
use pinisi_operator::check::attested::{Change, Standing};
use pinisi_operator::check::renewal;

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
const ATTESTED: Check = Check {
    id: "PN043",
    title: "every node of an OnPrem Site is attested",
};
const UNCHANGED: Check = Check {
    id: "PN044",
    title: "attested nodes are as they were attested",
};
const VIOLATIONS: Check = Check {
    id: "PN045",
    title: "no sovereignty violation is open",
};
const RENEWED: Check = Check {
    id: "PN046",
    title: "the guard's inventories are renewed",
};
/// In the order in which they run.
pub const CHECKS: &[&Check] = &[
    &PODS,
    &INVENTORY,
    &EQUAL,
    &ATTESTED,
    &UNCHANGED,
    &VIOLATIONS,
    &RENEWED,
];

const LEADER: &str = "the leading operator writes it: see PN012, then kubectl logs deployment/pinisi --namespace pinisi-system";

/// Renewals that may be missed before it is worth a word.
const MISSED: i32 = 2;
/// Phases of pods that run no more.
const FINISHED: [&str; 2] = ["Succeeded", "Failed"];

/// Runs them.
pub fn run(snapshot: &Snapshot, findings: &mut Findings) {
    pods(snapshot, findings);
    inventory(snapshot, findings);
    equal(snapshot, findings);
    attested(snapshot, findings);
    unchanged(snapshot, findings);
    violations(snapshot, findings);
    renewed(snapshot, findings);
}

/// What lasts fails; what has ended, and nobody has closed, is told.
fn violations(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&VIOLATIONS);
    let all = known!(verdict, snapshot.violations);
    for violation in all {
        let name = violation.name_any();
        let SovereigntyViolationSpec {
            rule,
            message,
            detected_at,
            notice_deadline,
            ..
        } = &violation.spec;
        let object = format!("SovereigntyViolation {name}");
        let notice = notice_deadline.as_ref().map_or_else(String::new, |by| {
            let late = if by.0 < snapshot.now {
                ", which is past"
            } else {
                ""
            };
            format!("; notice is to be given by {}{late}", by.0)
        });
        let words = format!("{} since {}{notice}: {message}", rule.id(), detected_at.0);
        let evidence = format!("kubectl get sovereigntyviolation {name} -o yaml is the evidence");
        let ended = violation.status.as_ref().and_then(|s| s.ended_at.as_ref());
        match ended {
            None => verdict.fail(object, words, evidence),
            Some(ended) => verdict.warn(
                object,
                format!("ended {}; {words}", ended.0),
                format!("{evidence}; once all is done that is to be done: kubectl delete sovereigntyviolation {name}"),
            ),
        }
    }
    verdict.or_ok("none");
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
            "is {} on node {node}, which is no attested node of one OnPrem Site",
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
                format!("{remove}; it comes back on lawful ground. Then find out how it got there. Is the node yours after all: kubectl pinisi attest SITE"),
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

/// The one that speaks for every namespace.
fn for_all(inventories: &[SovereignNodes]) -> Option<&SovereignNodes> {
    inventories
        .iter()
        .find(|one| one.name_any() == SOVEREIGN_NODES)
}

fn inventory(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&INVENTORY);
    let inventories = known!(verdict, snapshot.inventories);
    match for_all(inventories) {
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
    let (inventories, sites, nodes) = known!(
        verdict,
        snapshot.inventories,
        snapshot.sites,
        snapshot.nodes
    );
    let Some(SovereignNodes { spec: found, .. }) = for_all(inventories) else {
        return verdict.skip("there is none (PN041)");
    };
    let ground = Ground::of(sites, nodes);
    let lawful = ground.lawful();
    for (name, identity) in &found.nodes {
        match lawful.get(name.as_str()) {
            None => verdict.fail(
                object(),
                format!("lets Sensitive pods onto node {name}, which is no attested node of one OnPrem Site"),
                LEADER,
            ),
            Some(node) if node.identity != *identity => verdict.fail(
                object(),
                format!("means another machine by {name} than the one that is there"),
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

/// Past its age the guard binds nothing by it; well before, somebody should look.
fn renewed(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&RENEWED);
    let inventories = known!(verdict, snapshot.inventories);
    for inventory in inventories {
        let name = format!("SovereignNodes {}", inventory.name_any());
        let spec = &inventory.spec;
        let life = SignedDuration::from_secs(spec.max_age_seconds);
        let Some(written) = &spec.renewed_at else {
            verdict.fail(
                name,
                "says no time: no Sensitive pod is bound by it",
                LEADER,
            );
            continue;
        };
        let age = snapshot.now.duration_since(written.0);
        let words = format!(
            "was renewed last at {}, and counts until {}",
            written.0,
            written
                .0
                .checked_add(life)
                .map_or_else(|_| "for ever".to_owned(), |end| end.to_string())
        );
        if age >= life {
            let words = format!("{words}: no Sensitive pod is bound by it, what runs goes on");
            verdict.fail(name, words, LEADER);
        } else if age > renewal::every(spec) * MISSED {
            verdict.warn(name, words, LEADER);
        }
    }
    verdict.or_ok(format!("{} of them", inventories.len()));
}

fn attested(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&ATTESTED);
    let (sites, nodes) = known!(verdict, snapshot.sites, snapshot.nodes);
    let ground = Ground::of(sites, nodes);
    let mut all = 0;
    for site in sites.iter().filter(|site| is_on_prem(site)) {
        let name = site.name_any();
        let of = ground.of_site(&name).count();
        all += of;
        let standings = ground.standings(site);
        let new: Vec<_> = standings
            .iter()
            .filter(|(_, standing)| *standing == Standing::New)
            .collect();
        if let Some((first, _)) = new.first() {
            verdict.warn(
                format!("Site {name}"),
                format!(
                    "has {} of {of} nodes that nobody has attested, first {first}: Sensitive pods are refused there",
                    new.len()
                ),
                format!("kubectl pinisi attest {name} shows them; --all attests them"),
            );
        }
    }
    verdict.or_ok(format!("{all} nodes"));
}

fn unchanged(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&UNCHANGED);
    let (sites, nodes) = known!(verdict, snapshot.sites, snapshot.nodes);
    let ground = Ground::of(sites, nodes);
    let mut all = 0;
    for site in sites.iter().filter(|site| is_on_prem(site)) {
        let name = site.name_any();
        for (node, standing) in ground.standings(site) {
            let object = format!("Node {node}");
            match standing {
                Standing::Attested => all += 1,
                Standing::New => {}
                Standing::Changed(Change::Missing) => verdict.warn(
                    object,
                    format!("was attested in Site {name} and {}", Change::Missing),
                    format!("kubectl pinisi attest {name} --remove {node}, unless it comes back"),
                ),
                Standing::Changed(change @ Change::Virtual { .. }) => verdict.fail(
                    object,
                    format!("carries the labels of Site {name}, and {change}"),
                    format!("take the labels of Site {name} off it, and find out who set them"),
                ),
                Standing::Changed(change) => verdict.fail(
                    object,
                    format!("{change}, after it was attested in Site {name}: Sensitive pods are refused there"),
                    format!("find out why; is it yours, kubectl pinisi attest {name} --node {node}"),
                ),
            }
        }
    }
    verdict.or_ok(format!("{all} nodes"));
}
