//! G35, G36, G38, G39: what carries the objects of a namespace to other clusters and places, by kinds
//! and by marks of other engines.

use super::super::cel::{GOING, rule};
use super::super::rule::{Match, Rule, Scope, Tier, Validation, WRITES};

/// Annotations and labels by which an engine makes a Service known in other clusters: those of Cilium,
/// Linkerd and Skupper.
const EXPORTED_BY: [&str; 5] = [
    "io.cilium/global-service",
    "io.cilium/shared-service",
    "mirror.linkerd.io/exported",
    "service.cilium.io/global",
    "skupper.io/proxy",
];
/// Beginnings of annotations by which an engine copies a Secret or ConfigMap to other namespaces: those
/// of Reflector, Kubernetes Replicator and Config Syncer.
const COPIED_BY: [&str; 3] = [
    "kubed.appscode.com/",
    "reflector.v1.k8s.emberstack.com/",
    "replicator.v1.mittwald.de/",
];

fn in_namespace(id: &'static str, matches: Vec<Match>, validation: Validation) -> Rule {
    Rule {
        id,
        matches,
        scope: Scope::Sensitive,
        tier: Tier::Terms,
        needs_inventory: false,
        validations: vec![validation],
    }
}

/// G35: a Sensitive Service is not exported to other clusters.
pub(super) fn exports() -> Rule {
    in_namespace(
        "g35-exports",
        vec![Match::new(
            "multicluster.x-k8s.io",
            "*",
            &["serviceexports"],
            WRITES,
        )],
        rule(
            "G35",
            GOING,
            "'a ServiceExport would make a Service of namespace ' + namespaceObject.metadata.name + ' known in other clusters: its class is Sensitive'",
        ),
    )
}

/// G36: nor are its objects spread by another engine's kinds: Karmada's, Liqo's, and that by which
/// External Secrets writes a Secret elsewhere.
pub(super) fn kinds() -> Rule {
    in_namespace(
        "g36-propagation",
        vec![
            Match::new("policy.karmada.io", "*", &["propagationpolicies"], WRITES),
            Match::new("offloading.liqo.io", "*", &["namespaceoffloadings"], WRITES),
            Match::new("external-secrets.io", "*", &["pushsecrets"], WRITES),
        ],
        rule(
            "G36",
            GOING,
            "object.kind + ' ' + object.metadata.name + ' would copy objects of namespace ' + namespaceObject.metadata.name + ' to other places: its class is Sensitive'",
        ),
    )
}

/// G38: nor by marks on a Service.
pub(super) fn services() -> Rule {
    let mut marks = Vec::new();
    for place in ["annotations", "labels"] {
        let words: Vec<_> = EXPORTED_BY
            .iter()
            .map(|mark| format!("'{mark}' in object.metadata.{place}"))
            .collect();
        marks.push(format!(
            "(has(object.metadata.{place}) && ({}))",
            words.join(" || ")
        ));
    }
    in_namespace(
        "g38-service-marks",
        vec![Match::new("", "v1", &["services"], WRITES)],
        rule(
            "G38",
            format!("!({}) || {GOING}", marks.join(" || ")),
            "'Service ' + object.metadata.name + ' carries a mark that makes it known in other clusters (of Cilium, Linkerd or Skupper): take it off, the class of its namespace is Sensitive'",
        ),
    )
}

/// G39: nor by marks on what it keeps.
pub(super) fn copies() -> Rule {
    let marks: Vec<_> = COPIED_BY
        .iter()
        .map(|mark| format!("k.startsWith('{mark}')"))
        .collect();
    in_namespace(
        "g39-copies",
        vec![Match::new("", "v1", &["secrets", "configmaps"], WRITES)],
        rule(
            "G39",
            format!(
                "!has(object.metadata.annotations) || !object.metadata.annotations.exists(k, {}) || {GOING}",
                marks.join(" || ")
            ),
            "request.resource.resource + ' ' + object.metadata.name + ' carries an annotation that copies it to other namespaces: take it off, the class of its own is Sensitive'",
        ),
    )
}
