//! PN06x: HybridWorkloads and what they name.

use super::classes::word;
use super::finding::{Check, Findings, known};
use super::ground::is_on_prem;
use crate::snapshot::Snapshot;
use crate::status::{Weight, attention};
use kube::ResourceExt as _;
use kube::core::{Selector, SelectorExt as _};
use pinisi_crds::hybrid_workload::Class;
use pinisi_crds::{HybridWorkload, Site};
use std::collections::BTreeMap;

const SITES_EXIST: Check = Check {
    id: "PN060",
    title: "Sites that workloads name exist",
};
const SITES_ALLOW: Check = Check {
    id: "PN061",
    title: "those Sites allow the workloads' namespaces",
};
const ON_PREM: Check = Check {
    id: "PN062",
    title: "Sensitive workloads name OnPrem Sites only",
};
const ONE_EACH: Check = Check {
    id: "PN063",
    title: "one workload a target",
};
const COMPETITORS: Check = Check {
    id: "PN064",
    title: "nobody else scales the targets",
};
const CONDITIONS: Check = Check {
    id: "PN065",
    title: "workloads are as they should be",
};
/// In the order in which they run.
pub const CHECKS: &[&Check] = &[
    &SITES_EXIST,
    &SITES_ALLOW,
    &ON_PREM,
    &ONE_EACH,
    &COMPETITORS,
    &CONDITIONS,
];

/// Runs them.
pub fn run(snapshot: &Snapshot, findings: &mut Findings) {
    sites_exist(snapshot, findings);
    sites_allow(snapshot, findings);
    on_prem(snapshot, findings);
    one_each(snapshot, findings);
    competitors(snapshot, findings);
    conditions(snapshot, findings);
}

/// A workload as findings name it.
pub fn object(workload: &HybridWorkload) -> String {
    format!(
        "HybridWorkload {}/{}",
        workload.namespace().unwrap_or_default(),
        workload.name_any()
    )
}

/// Every Site that a workload names, with the field that names it.
fn named(workload: &HybridWorkload) -> Vec<(String, &str)> {
    let mut all = Vec::new();
    let tiers = workload
        .spec
        .placement
        .iter()
        .flat_map(|placement| placement.tiers.iter().enumerate());
    for (t, tier) in tiers {
        let sites = tier.sites.iter().enumerate();
        all.extend(sites.map(|(s, site)| {
            (
                format!("spec.placement.tiers[{t}].sites[{s}]"),
                site.as_str(),
            )
        }));
    }
    let exact = workload
        .spec
        .override_
        .iter()
        .flat_map(|over| over.sites.iter().flatten());
    all.extend(exact.map(|site| {
        (
            format!("spec.override.sites[name={}]", site.name),
            site.name.as_str(),
        )
    }));
    all
}

fn by_name(sites: &[Site]) -> BTreeMap<String, &Site> {
    sites.iter().map(|site| (site.name_any(), site)).collect()
}

fn sites_exist(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&SITES_EXIST);
    let (workloads, sites) = known!(verdict, snapshot.workloads, snapshot.sites);
    let sites = by_name(sites);
    for workload in workloads {
        for (field, name) in named(workload) {
            if !sites.contains_key(name) {
                verdict.fail(
                    object(workload),
                    format!("{field} names Site {name}, which does not exist"),
                    "kubectl get sites; create it, or name one of these",
                );
            }
        }
    }
    verdict.or_ok(format!("{} workloads", workloads.len()));
}

fn sites_allow(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&SITES_ALLOW);
    let (workloads, sites, namespaces) = known!(
        verdict,
        snapshot.workloads,
        snapshot.sites,
        snapshot.namespaces
    );
    let sites = by_name(sites);
    for workload in workloads {
        let namespace = workload.namespace().unwrap_or_default();
        let Some(labels) = namespaces.get(&namespace) else {
            continue;
        };
        for (field, name) in named(workload) {
            let Some(site) = sites.get(name) else {
                continue;
            };
            let allowed = match site.spec.allowed_namespaces.clone() {
                None => false,
                Some(selector) => {
                    Selector::try_from(selector).is_ok_and(|selector| selector.matches(labels))
                }
            };
            if !allowed {
                verdict.fail(
                    object(workload),
                    format!("{field} names Site {name}, whose spec.allowedNamespaces does not select namespace {namespace}"),
                    format!("kubectl edit site {name} (who runs the platform), or name another"),
                );
            }
        }
    }
    verdict.or_ok(format!("{} workloads", workloads.len()));
}

fn on_prem(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&ON_PREM);
    let (workloads, sites) = known!(verdict, snapshot.workloads, snapshot.sites);
    let sites = by_name(sites);
    let sensitive: Vec<_> = workloads
        .iter()
        .filter(|w| w.spec.class == Class::Sensitive)
        .collect();
    for workload in &sensitive {
        for (field, name) in named(workload) {
            if sites.get(name).is_some_and(|site| !is_on_prem(site)) {
                verdict.fail(
                    object(workload),
                    format!(
                        "is {}, but {field} names Site {name}, which is not OnPrem",
                        word(workload.spec.class)
                    ),
                    format!("take {name} out of {field}"),
                );
            }
        }
    }
    verdict.or_ok(format!("{} Sensitive workloads", sensitive.len()));
}

/// Namespace, kind and name of a target. Versions of one group are the same target.
fn target(workload: &HybridWorkload) -> (String, String, String) {
    let target = &workload.spec.target_ref;
    (
        workload.namespace().unwrap_or_default(),
        target.kind.clone(),
        target.name.clone(),
    )
}

fn one_each(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&ONE_EACH);
    let workloads = known!(verdict, snapshot.workloads);
    let mut first = BTreeMap::new();
    for workload in workloads {
        if let Some(other) = first.insert(target(workload), workload.name_any()) {
            let (_, kind, name) = target(workload);
            verdict.fail(
                object(workload),
                format!("spec.targetRef names {kind} {name}, and so does HybridWorkload {other}"),
                format!(
                    "kubectl delete hw {} --namespace {} (the target keeps running)",
                    workload.name_any(),
                    workload.namespace().unwrap_or_default()
                ),
            );
        }
    }
    verdict.or_ok(format!("{} targets", first.len()));
}

fn competitors(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&COMPETITORS);
    let (workloads, autoscalers) = known!(verdict, snapshot.workloads, snapshot.autoscalers);
    for workload in workloads {
        let (namespace, kind, name) = target(workload);
        for autoscaler in autoscalers {
            let aim = &autoscaler.spec.scale_target_ref;
            if autoscaler.namespace().as_deref() == Some(&namespace)
                && aim.kind == kind
                && aim.name == name
            {
                let rival = autoscaler.name_any();
                verdict.warn(
                    object(workload),
                    format!("HorizontalPodAutoscaler {rival} scales the same {kind} {name}: Pinisi leaves the count alone (Contested)"),
                    format!("kubectl delete hpa {rival} --namespace {namespace}, or aim its spec.scaleTargetRef at this HybridWorkload"),
                );
            }
        }
    }
    verdict.or_ok(format!(
        "{} HorizontalPodAutoscalers looked at",
        autoscalers.len()
    ));
}

fn conditions(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&CONDITIONS);
    let workloads = known!(verdict, snapshot.workloads);
    for workload in workloads {
        let name = workload.name_any();
        let namespace = workload.namespace().unwrap_or_default();
        let status = workload.status.as_ref();
        let hint = format!("kubectl describe hw {name} --namespace {namespace}");
        if status.is_none_or(|status| status.conditions.is_empty()) {
            verdict.warn(
                object(workload),
                "has no conditions yet: no operator has looked at it",
                "see PN012",
            );
        }
        for condition in attention(status.map(|s| s.conditions.as_slice()).unwrap_or_default()) {
            let words = format!(
                "{}={} ({}): {}",
                condition.type_, condition.status, condition.reason, condition.message
            );
            match condition.weight {
                Weight::Stalled => verdict.fail(object(workload), words, hint.clone()),
                Weight::Look => verdict.warn(object(workload), words, hint.clone()),
                Weight::Passing => {}
            }
        }
    }
    verdict.or_ok(format!("{} workloads", workloads.len()));
}
