//! PN05x: a namespace holds one class.

use super::finding::{Check, Findings, known};
use crate::snapshot::Snapshot;
use kube::ResourceExt as _;
use pinisi_crds::HybridWorkload;
use pinisi_crds::declassification::DeclassificationSpec;
use pinisi_crds::hybrid_workload::Class;
use pinisi_crds::names::{CLASS_LABEL, CLASS_MASS_TRAFFIC, CLASS_SENSITIVE};
use std::collections::BTreeMap;

const ONE_CLASS: Check = Check {
    id: "PN050",
    title: "each namespace holds one class",
};
const LABELLED: Check = Check {
    id: "PN051",
    title: "each namespace says the class of its workloads",
};
const KNOWN: Check = Check {
    id: "PN052",
    title: "namespaces say classes that exist",
};
const WAITING: Check = Check {
    id: "PN053",
    title: "no Sensitive namespace is about to be declassified",
};
/// In the order in which they run.
pub const CHECKS: &[&Check] = &[&ONE_CLASS, &LABELLED, &KNOWN, &WAITING];

/// Runs them.
pub fn run(snapshot: &Snapshot, findings: &mut Findings) {
    one_class(snapshot, findings);
    labelled(snapshot, findings);
    known_words(snapshot, findings);
    waiting(snapshot, findings);
}

/// Whoever looks should know of it while it can still be taken back.
fn waiting(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&WAITING);
    let requests = known!(verdict, snapshot.declassifications);
    for request in requests {
        let status = request.status.clone().unwrap_or_default();
        if status.outcome.is_some() {
            continue;
        }
        let (namespace, name) = (request.namespace().unwrap_or_default(), request.name_any());
        let DeclassificationSpec {
            reason,
            requested_by,
        } = &request.spec;
        let cancel = format!("kubectl delete declassification {name} --namespace {namespace}");
        let (words, hint) = match (&status.approval, &status.may_change_at) {
            (None, _) => (
                "nobody has approved it yet".to_owned(),
                format!(
                    "kubectl pinisi declassify approve {name} --namespace {namespace}, or {cancel}"
                ),
            ),
            (Some(approval), at) => {
                let when = at.as_ref().map_or_else(
                    || "the cool-down begins when an operator sees it".to_owned(),
                    |at| format!("the class changes at {}", at.0),
                );
                let by = &approval.approved_by;
                (
                    format!("{by} approved it, and {when}"),
                    format!("to take it back: {cancel}"),
                )
            }
        };
        verdict.warn(
            format!("Declassification {namespace}/{name}"),
            format!("{requested_by} asks to make namespace {namespace} {CLASS_MASS_TRAFFIC} ({reason}); {words}"),
            hint,
        );
    }
    verdict.or_ok("none");
}

/// The class as the label says it.
pub const fn word(class: Class) -> &'static str {
    match class {
        Class::Sensitive => CLASS_SENSITIVE,
        Class::MassTraffic => CLASS_MASS_TRAFFIC,
    }
}

/// Names of the workloads of each class, by namespace.
fn by_namespace(workloads: &[HybridWorkload]) -> BTreeMap<String, BTreeMap<Class, Vec<String>>> {
    let mut all: BTreeMap<String, BTreeMap<Class, Vec<String>>> = BTreeMap::new();
    for workload in workloads {
        let namespace = all
            .entry(workload.namespace().unwrap_or_default())
            .or_default();
        namespace
            .entry(workload.spec.class)
            .or_default()
            .push(workload.name_any());
    }
    all
}

fn one_class(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&ONE_CLASS);
    let workloads = known!(verdict, snapshot.workloads);
    let all = by_namespace(workloads);
    for (namespace, classes) in &all {
        if let (Some(_), Some(mass)) = (
            classes.get(&Class::Sensitive),
            classes.get(&Class::MassTraffic),
        ) {
            verdict.fail(
                format!("Namespace {namespace}"),
                "holds Sensitive and MassTraffic workloads, so all of it counts as Sensitive",
                format!("move to a MassTraffic namespace: {}", mass.join(", ")),
            );
        }
    }
    verdict.or_ok(format!(
        "{} namespaces with {} workloads",
        all.len(),
        workloads.len()
    ));
}

fn labelled(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&LABELLED);
    let (workloads, namespaces) = known!(verdict, snapshot.workloads, snapshot.namespaces);
    for (namespace, classes) in by_namespace(workloads) {
        let said = namespaces
            .get(&namespace)
            .and_then(|labels| labels.get(CLASS_LABEL));
        // The stricter class of a mixed namespace is what its label should say.
        let Some(class) = classes.keys().next().map(|class| word(*class)) else {
            continue;
        };
        let object = format!("Namespace {namespace}");
        let hint = format!("kubectl label namespace {namespace} {CLASS_LABEL}={class}");
        match said.map(String::as_str) {
            Some(label) if label == class => {}
            None if class == CLASS_SENSITIVE => {
                verdict.fail(object, format!("holds Sensitive workloads without label {CLASS_LABEL}: the guard does not see its pods"), hint);
            }
            None => verdict.fail(
                object,
                format!("holds {class} workloads without label {CLASS_LABEL}"),
                hint,
            ),
            Some(CLASS_SENSITIVE) => verdict.fail(
                object,
                format!("is Sensitive and stays so, but its workloads say {class}"),
                "move the workloads to a MassTraffic namespace".to_owned(),
            ),
            Some(label) => verdict.fail(
                object,
                format!("says {label}, but its workloads say {class}"),
                format!("{hint} --overwrite"),
            ),
        }
    }
    verdict.or_ok(format!("label {CLASS_LABEL}"));
}

fn known_words(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&KNOWN);
    let namespaces = known!(verdict, snapshot.namespaces);
    let mut count = 0;
    for (namespace, labels) in namespaces {
        let Some(label) = labels.get(CLASS_LABEL) else {
            continue;
        };
        count += 1;
        if label != CLASS_SENSITIVE && label != CLASS_MASS_TRAFFIC {
            verdict.fail(
                format!("Namespace {namespace}"),
                format!("label {CLASS_LABEL} says {label}, which is no class: nothing guards it"),
                format!("kubectl label namespace {namespace} {CLASS_LABEL}={CLASS_SENSITIVE} --overwrite (or {CLASS_MASS_TRAFFIC})"),
            );
        }
    }
    verdict.or_ok(format!("{count} namespaces with a class"));
}
