//! Pods as they are created and changed: S01, S06 to S09, S12.

use crate::conformance::attempt::{Act, Attempt, Request, Target, Wanted};
use crate::conformance::case::{Case, Level, Way};
use crate::conformance::ground::{Ground, POD};
use crate::conformance::objects::lawful_pod;
use crate::conformance::outcome::Skip;
use pinisi_crds::names::SITE_LABEL;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// These.
pub const CASES: &[Case] = &[
    Case {
        id: "S01",
        level: Level::Bronze,
        bypasses: &["B01"],
        title: "a pod that names a node abroad",
        way: Way::Requests(node_name),
    },
    Case {
        id: "S06",
        level: Level::Bronze,
        bypasses: &["B06"],
        title: "a pod that tolerates the cloud's taint",
        way: Way::Requests(tolerations),
    },
    Case {
        id: "S07",
        level: Level::Bronze,
        bypasses: &["B06"],
        title: "the toleration added to a pod that exists",
        way: Way::Requests(added_tolerations),
    },
    Case {
        id: "S08",
        level: Level::Bronze,
        bypasses: &["B07"],
        title: "affinity terms of which one leads abroad",
        way: Way::Requests(affinity),
    },
    Case {
        id: "S09",
        level: Level::Bronze,
        bypasses: &["B08"],
        title: "a pod as a DaemonSet makes it for a node abroad",
        way: Way::Requests(daemon_set),
    },
    Case {
        id: "S12",
        level: Level::Bronze,
        bypasses: &["B10", "B20", "B22"],
        title: "a pod without an owner, as any other",
        way: Way::Requests(bare),
    },
];

fn create(ground: &Ground, pod: Value) -> Request {
    Request::create(Target::core("pods").within(&ground.canaries.sensitive), pod)
}

fn with(ground: &Ground, spec: &Value) -> Request {
    create(ground, ground.pod(spec))
}

fn node_name(ground: &Ground) -> Vec<Attempt> {
    let at_home = ground
        .home
        .as_ref()
        .map(|home| with(ground, &json!({"nodeName": home})))
        .ok_or(Skip::NoSovereignNode);
    vec![
        Attempt::refused(
            "G02",
            "spec.nodeName of a node that is not sovereign",
            with(ground, &json!({"nodeName": ground.away})),
        ),
        Attempt::refused(
            "G02",
            "spec.nodeName of a node that does not exist",
            with(ground, &json!({"nodeName": "pinisi-conformance-nowhere"})),
        ),
        Attempt::new(
            "G02",
            "spec.nodeName of a sovereign node",
            Wanted::Passed,
            at_home,
        ),
        Attempt::passed("G02", "no spec.nodeName", with(ground, &json!({}))),
    ]
}

/// Tolerations that take the cloud's taint: by name, and by wildcard.
fn unlawful_tolerations() -> Vec<(&'static str, Value)> {
    vec![
        (
            "the site taint by its key",
            json!({"key": SITE_LABEL, "operator": "Exists"}),
        ),
        (
            "the site taint of one site",
            json!({"key": SITE_LABEL, "operator": "Equal", "value": "cloud", "effect": "NoExecute"}),
        ),
        ("every taint", json!({"operator": "Exists"})),
        (
            "every taint of one effect",
            json!({"operator": "Exists", "effect": "NoExecute"}),
        ),
    ]
}

fn lawful_toleration() -> Value {
    json!({"key": "example.com/batch", "operator": "Exists", "effect": "NoSchedule"})
}

fn tolerations(ground: &Ground) -> Vec<Attempt> {
    let tolerate = |toleration: Value| with(ground, &json!({"tolerations": [toleration]}));
    let mut attempts: Vec<Attempt> = unlawful_tolerations()
        .into_iter()
        .map(|(name, toleration)| Attempt::refused("G04", name, tolerate(toleration)))
        .collect();
    attempts.push(Attempt::passed(
        "G04",
        "a taint of the user's own",
        tolerate(lawful_toleration()),
    ));
    attempts
}

fn added_tolerations(ground: &Ground) -> Vec<Attempt> {
    let pod = || {
        Target::core("pods")
            .within(&ground.canaries.sensitive)
            .named(POD)
    };
    let add = |toleration: Value| {
        let added = json!([{"op": "add", "path": "/spec/tolerations/-", "value": toleration}]);
        Request::new(pod(), Act::Patch(added))
    };
    let mut attempts: Vec<Attempt> = unlawful_tolerations()
        .into_iter()
        .map(|(name, toleration)| Attempt::refused("G04", name, add(toleration)))
        .collect();
    attempts.push(Attempt::passed(
        "G04",
        "a taint of the user's own",
        add(lawful_toleration()),
    ));
    attempts.push(Attempt::passed(
        "G04",
        "another label, and no toleration",
        Request::merge(
            pod(),
            json!({"metadata": {"labels": {"example.com/any": "word"}}}),
        ),
    ));
    attempts
}

/// A server that cannot stamp refuses what comes without the labels; so these all carry them, and
/// only S12 tries without.
fn affinity(ground: &Ground) -> Vec<Attempt> {
    let term = |key: &str, value: &str| json!({"matchExpressions": [{"key": key, "operator": "In", "values": [value]}]});
    let mut terms = vec![term("kubernetes.io/hostname", &ground.away)];
    terms.extend(
        ground
            .stamp
            .labels
            .iter()
            .map(|(key, value)| term(key, value)),
    );
    let widened = json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}});
    vec![Attempt::new(
        "G03",
        "the labels of sovereign ground stay on beside terms that are joined by or",
        Wanted::Stamped,
        Ok(with(ground, &widened)),
    )]
}

fn daemon_set(ground: &Ground) -> Vec<Attempt> {
    let own = |tolerations: Value| {
        let term = json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": [ground.away]}]});
        let mut pod = ground.pod(&json!({
            "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}},
            "tolerations": tolerations,
        }));
        pod["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "apps/v1", "kind": "DaemonSet", "name": "attempt",
            "uid": "00000000-0000-4000-8000-000000000000", "controller": true,
        }]);
        create(ground, pod)
    };
    // What the DaemonSet controller itself adds.
    let usual = json!([
        {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"},
        {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute"},
        {"key": "node.kubernetes.io/unschedulable", "operator": "Exists", "effect": "NoSchedule"},
    ]);
    vec![
        Attempt::refused(
            "G04",
            "with a toleration of every taint",
            own(json!([{"operator": "Exists"}])),
        ),
        Attempt::new(
            "G03",
            "the labels of sovereign ground stay on beside the node's name",
            Wanted::Stamped,
            Ok(own(usual)),
        ),
    ]
}

fn bare(ground: &Ground) -> Vec<Attempt> {
    let unstamped = |spec: &Value| {
        let mut pod = lawful_pod("attempt", &BTreeMap::new(), &ground.image());
        crate::conformance::objects::extend(&mut pod["spec"], spec);
        create(ground, pod)
    };
    let elsewhere: BTreeMap<String, String> = ground
        .stamp
        .labels
        .keys()
        .map(|key| (key.clone(), "elsewhere".to_owned()))
        .collect();
    vec![
        Attempt::new(
            "G03",
            "without a nodeSelector of its own",
            Wanted::Stamped,
            Ok(unstamped(&json!({}))),
        ),
        Attempt::new(
            "G03",
            "without any nodeSelector",
            Wanted::Stamped,
            Ok(unstamped(&json!({"nodeSelector": null}))),
        ),
        Attempt::new(
            "G03",
            "with the labels of sovereign ground set to another value",
            Wanted::Stamped,
            Ok(unstamped(&json!({"nodeSelector": elsewhere}))),
        ),
        Attempt::refused(
            "G02",
            "with spec.nodeName of a node that is not sovereign",
            with(ground, &json!({"nodeName": ground.away})),
        ),
        Attempt::passed("G02", "as it should be", with(ground, &json!({}))),
    ]
}
