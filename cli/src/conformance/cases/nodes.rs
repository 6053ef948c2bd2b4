//! Nodes: S39 to S41. What marks sovereign ground is changed only by whoever may attest it, so these
//! are tried by a user that may write nodes, and not that.

use crate::conformance::attempt::{Attempt, Identity, Request, Target, Wanted};
use crate::conformance::case::{Case, Level, Way};
use crate::conformance::ground::Ground;
use crate::conformance::objects::{extend, labelled, merge};
use crate::conformance::outcome::Skip;
use pinisi_crds::names::SITE_LABEL;
use serde_json::{Map, Value, json};

/// These.
pub const CASES: &[Case] = &[
    Case {
        id: "S39",
        level: Level::Gold,
        bypasses: &["B15"],
        title: "a node relabelled, or its taint taken off",
        way: Way::Requests(relabelled),
    },
    Case {
        id: "S40",
        level: Level::Gold,
        bypasses: &["B16"],
        title: "a node made again under a listed name",
        way: Way::Requests(again),
    },
    Case {
        id: "S41",
        level: Level::Gold,
        bypasses: &["B17"],
        title: "a virtual node that looks like home",
        way: Way::Requests(virtual_node),
    },
];

/// A node that nobody has.
const NEW: &str = "pinisi-conformance-attempt";

fn stamp(ground: &Ground) -> Value {
    let labels: Map<String, Value> = ground
        .stamp
        .labels
        .iter()
        .map(|(key, value)| (key.clone(), json!(value)))
        .collect();
    Value::Object(labels)
}

fn node(name: &str, labels: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}})
}

/// By a user that may write nodes, and not attest them.
fn by_canary(request: Request) -> Request {
    request.by(Identity::Canary)
}

fn create(body: Value) -> Request {
    Request::create(Target::core("nodes"), body)
}

fn relabelled(ground: &Ground) -> Vec<Attempt> {
    let marks = json!({"metadata": {"labels": stamp(ground)}});
    let away = ground.node_away();
    let at = |name: &str| Target::core("nodes").named(name);
    let on_away = |request: &dyn Fn(&str) -> Request| away.map(request);
    let taint = ground.tainted_node().map(at);
    let untainted = |target: Target| Request::merge(target, json!({"spec": {"taints": null}}));
    let refused = |rule, name: &str, request: Result<Request, Skip>| {
        Attempt::new(rule, name, Wanted::Refused, request.map(by_canary))
    };
    let passed = |rule, name: &str, request: Result<Request, Skip>| {
        Attempt::new(rule, name, Wanted::Passed, request)
    };
    vec![
        refused(
            "G40",
            "the labels of sovereign ground put on",
            on_away(&|name| Request::merge(at(name), marks.clone())),
        ),
        refused(
            "G40",
            "the same through its status",
            on_away(&|name| Request::merge(at(name).subresource("status"), marks.clone())),
        ),
        refused(
            "G40",
            "a new node that has them",
            Ok(create(node(NEW, &stamp(ground)))),
        ),
        passed(
            "G40",
            "another label",
            on_away(&|name| Request::merge(at(name), labelled())).map(by_canary),
        ),
        passed(
            "G40",
            "a new node without them",
            Ok(by_canary(create(node(NEW, &json!({}))))),
        ),
        passed(
            "G40",
            "put on by somebody who may attest",
            on_away(&|name| Request::merge(at(name), marks.clone())),
        ),
        refused(
            "G43",
            &format!("the taint {SITE_LABEL} taken off"),
            taint.clone().map(untainted),
        ),
        passed(
            "G43",
            "taken off by somebody who may attest",
            taint.clone().map(untainted),
        ),
        passed(
            "G43",
            "left on, another label",
            taint.map(|target| by_canary(Request::merge(target, labelled()))),
        ),
    ]
}

/// As the server judges before it looks whether there is one, the node need not be gone.
fn again(ground: &Ground) -> Vec<Attempt> {
    let home = ground.home.as_deref().ok_or(Skip::NoSovereignNode);
    let mut attempts = vec![
        Attempt::new(
            "G41",
            "under a listed name, as no machine",
            Wanted::Refused,
            home.map(|name| create(node(name, &json!({})))),
        ),
        Attempt::new(
            "G41",
            "under a listed name, as another machine",
            Wanted::Refused,
            home.map(|name| {
                let mut body = node(name, &json!({}));
                body["spec"] = json!({"providerID": "abroad://another"});
                body["status"] = json!({"nodeInfo": {"machineID": "another"}});
                create(body)
            }),
        ),
        Attempt::passed(
            "G41",
            "under a name that is not listed",
            create(node(NEW, &json!({}))),
        ),
    ];
    attempts.push(Attempt::new(
        "G41",
        "under a listed name, as the machine that was listed",
        Wanted::Passed,
        ground.identified_node().map(|(name, machine)| {
            let mut body = node(name, &json!({}));
            extend(&mut body, machine);
            create(body)
        }),
    ));
    attempts
}

/// Signs of a node that stands for other machines.
fn virtual_signs() -> Vec<(&'static str, Value)> {
    vec![
        (
            "by its type",
            json!({"metadata": {"labels": {"type": "virtual-kubelet"}}}),
        ),
        (
            "by its role",
            json!({"metadata": {"labels": {"kubernetes.io/role": "virtual-kubelet"}}}),
        ),
        (
            "of Liqo",
            json!({"metadata": {"labels": {"liqo.io/type": "virtual-node"}}}),
        ),
        (
            "by its provider",
            json!({"metadata": {"labels": {"virtual-kubelet.io/provider": "any"}}}),
        ),
        (
            "by its taint",
            json!({"spec": {"taints": [{"key": "virtual-kubelet.io/provider", "value": "any", "effect": "NoSchedule"}]}}),
        ),
        (
            "that somebody owns",
            json!({"metadata": {"ownerReferences": [{
                "apiVersion": "v1", "kind": "ConfigMap", "name": "any", "uid": "00000000-0000-4000-8000-000000000000",
            }]}}),
        ),
    ]
}

fn virtual_node(ground: &Ground) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    for (name, sign) in virtual_signs() {
        let mut body = node(NEW, &stamp(ground));
        merge(&mut body, &sign);
        attempts.push(Attempt::refused(
            "G42",
            format!("a new node, {name}"),
            create(body.clone()),
        ));
        let mut plain = node(NEW, &json!({}));
        merge(&mut plain, &sign);
        attempts.push(Attempt::passed(
            "G42",
            format!("the same without marks, {name}"),
            create(plain),
        ));
    }
    let marked = |sub: &'static str| {
        ground.node_away().map(|name| {
            let mut labels = stamp(ground);
            labels["type"] = json!("virtual-kubelet");
            Request::merge(
                Target::core("nodes").named(name).subresource(sub),
                json!({"metadata": {"labels": labels}}),
            )
        })
    };
    attempts.push(Attempt::new(
        "G42",
        "a node turned into one",
        Wanted::Refused,
        marked(""),
    ));
    attempts.push(Attempt::new(
        "G42",
        "the same through its status",
        Wanted::Refused,
        marked("status"),
    ));
    attempts
}
