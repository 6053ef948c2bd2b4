//! PN08x: Sites that are other clusters. Whether their Secret is there is looked at here; the link
//! itself only the operator has the credential for, so what it says of that is repeated.

use super::finding::{Check, Findings, Verdict, known};
use crate::snapshot::Snapshot;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt as _;
use pinisi_crds::Site;

const SECRET: Check = Check {
    id: "PN080",
    title: "the kubeconfig Secret of each Site in another cluster is there",
};
const READABLE: Check = Check {
    id: "PN081",
    title: "the operator may read each kubeconfig Secret",
};
const KUBECONFIG: Check = Check {
    id: "PN082",
    title: "each kubeconfig is one that the operator accepts",
};
const OTHER: Check = Check {
    id: "PN083",
    title: "each kubeconfig leads to the cluster that its Site means, and never to this one",
};
const REACHABLE: Check = Check {
    id: "PN084",
    title: "each other cluster answers",
};
const GUARDED: Check = Check {
    id: "PN085",
    title: "each other cluster's own guard is in force",
};
/// In the order in which they run.
pub const CHECKS: &[&Check] = &[
    &SECRET,
    &READABLE,
    &KUBECONFIG,
    &OTHER,
    &REACHABLE,
    &GUARDED,
];

/// Reasons of the condition Reachable that speak of the kubeconfig itself.
const KUBECONFIG_REASONS: [&str; 9] = [
    "SecretKeyNotFound",
    "KubeconfigUnreadable",
    "KubeconfigIncomplete",
    "ExecRefused",
    "AuthProviderRefused",
    "FilePathRefused",
    "InsecureRefused",
    "ProxyRefused",
    "NoHost",
];
/// A kubeconfig whose server is not https.
const NOT_TLS: &str = "NotTls";
/// Reasons that speak of the cluster that it leads to.
const CLUSTER_REASONS: [&str; 3] = ["WrongCluster", "HubItself", "ClusterInTwoSites"];
/// Reasons that other checks speak of.
const SECRET_REASONS: [&str; 2] = ["SecretNotFound", "SecretForbidden"];

/// Runs them.
pub fn run(snapshot: &Snapshot, findings: &mut Findings) {
    secret(snapshot, findings);
    readable(snapshot, findings);
    kubeconfig(snapshot, findings);
    other(snapshot, findings);
    reachable(snapshot, findings);
    guarded(snapshot, findings);
}

fn remote(sites: &[Site]) -> impl Iterator<Item = &Site> {
    sites
        .iter()
        .filter(|site| site.spec.kubeconfig_secret_ref.is_some())
}

fn named(site: &Site) -> String {
    format!("Site {}", site.name_any())
}

fn secret_of(site: &Site) -> &str {
    let reference = site.spec.kubeconfig_secret_ref.as_ref();
    reference.map_or("", |reference| reference.name.as_str())
}

fn condition<'a>(site: &'a Site, kind: &str) -> Option<&'a Condition> {
    let status = site.status.as_ref()?;
    status.conditions.iter().find(|c| c.type_ == kind)
}

/// What a Site says against its link, for which of these conditions and reasons.
fn against(site: &Site, is: impl Fn(&str) -> bool) -> Option<&Condition> {
    ["Reachable", "Ready"]
        .into_iter()
        .filter_map(|kind| condition(site, kind))
        .find(|c| c.status == "False" && is(&c.reason))
}

fn done(verdict: Verdict<'_>, sites: &[Site]) {
    let count = remote(sites).count();
    verdict.or_ok(format!("{count} Sites in other clusters"));
}

fn secret(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&SECRET);
    let sites = known!(verdict, snapshot.sites);
    let there = known!(verdict, snapshot.secrets);
    let namespace = &snapshot.operator_namespace;
    for site in remote(sites) {
        let name = secret_of(site);
        if !there.contains(name) {
            verdict.fail(
                named(site),
                format!("names the Secret {namespace}/{name}, which does not exist"),
                format!("kubectl create secret generic {name} --namespace {namespace} --from-file=kubeconfig=FILE"),
            );
        }
    }
    done(verdict, sites);
}

fn readable(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&READABLE);
    let sites = known!(verdict, snapshot.sites);
    for site in remote(sites) {
        if let Some(said) = against(site, |reason| reason == "SecretForbidden") {
            let name = secret_of(site);
            verdict.fail(
                named(site),
                said.message.clone(),
                format!("helm upgrade --reuse-values --set 'remoteSites.kubeconfigSecrets={{{name}}}' (all of them) for the operator's release"),
            );
        }
    }
    done(verdict, sites);
}

fn kubeconfig(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&KUBECONFIG);
    let sites = known!(verdict, snapshot.sites);
    let namespace = &snapshot.operator_namespace;
    let about = |reason: &str| KUBECONFIG_REASONS.contains(&reason) || reason == NOT_TLS;
    for site in remote(sites) {
        if let Some(said) = against(site, about) {
            let name = secret_of(site);
            verdict.fail(
                named(site),
                said.message.clone(),
                format!("write a kubeconfig with a token and certificate-authority-data into Secret {namespace}/{name}"),
            );
        }
    }
    done(verdict, sites);
}

fn other(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&OTHER);
    let sites = known!(verdict, snapshot.sites);
    let namespace = &snapshot.operator_namespace;
    for site in remote(sites) {
        if let Some(said) = against(site, |reason| CLUSTER_REASONS.contains(&reason)) {
            let name = secret_of(site);
            verdict.fail(
                named(site),
                said.message.clone(),
                format!("write the kubeconfig of the right cluster into Secret {namespace}/{name}"),
            );
        }
    }
    done(verdict, sites);
}

fn reachable(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&REACHABLE);
    let sites = known!(verdict, snapshot.sites);
    let elsewhere = |reason: &str| {
        KUBECONFIG_REASONS.contains(&reason)
            || CLUSTER_REASONS.contains(&reason)
            || SECRET_REASONS.contains(&reason)
            || reason == NOT_TLS
    };
    for site in remote(sites) {
        let name = site.name_any();
        let hint = format!("kubectl describe site {name}");
        match condition(site, "Reachable") {
            None => verdict.warn(
                named(site),
                "has not been looked for yet, or no operator leads",
                hint,
            ),
            Some(said) if said.status == "False" && !elsewhere(&said.reason) => {
                verdict.fail(named(site), said.message.clone(), hint);
            }
            Some(_) => {}
        }
    }
    done(verdict, sites);
}

fn guarded(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&GUARDED);
    let sites = known!(verdict, snapshot.sites);
    for site in remote(sites) {
        let up = condition(site, "Reachable").is_some_and(|c| c.status == "True");
        let guarded = condition(site, "Guarded").filter(|c| c.status == "True");
        if up && guarded.is_none() {
            let said = condition(site, "Guarded").map(|c| c.message.clone());
            verdict.fail(
                named(site),
                said.unwrap_or_else(|| "answers, but its guard has not been seen to refuse what is Sensitive; nothing new is placed there".into()),
                format!("kubectl describe site {}", site.name_any()),
            );
        }
    }
    done(verdict, sites);
}
