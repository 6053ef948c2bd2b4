//! Binding a pod that exists: S02 to S04 and S42. Only node names can be compared there, and the age of
//! the inventory.

use crate::conformance::attempt::{Attempt, Request, Target, Wanted};
use crate::conformance::case::{Case, Level, Way};
use crate::conformance::ground::{Canaries, Ground, POD};
use crate::conformance::outcome::Skip;
use serde_json::{Value, json};

/// These.
pub const CASES: &[Case] = &[
    Case {
        id: "S02",
        level: Level::Bronze,
        bypasses: &["B02"],
        title: "pods/binding to a node abroad",
        way: Way::Requests(binding),
    },
    Case {
        id: "S03",
        level: Level::Bronze,
        bypasses: &["B03"],
        title: "the legacy bindings to a node abroad",
        way: Way::Requests(legacy),
    },
    Case {
        id: "S04",
        level: Level::Bronze,
        bypasses: &["B04"],
        title: "a binding with labels that say home",
        way: Way::Requests(forged),
    },
    Case {
        id: "S42",
        level: Level::Gold,
        bypasses: &["B48"],
        title: "bound by an inventory that is out of date",
        way: Way::Requests(out_of_date),
    },
];

/// The inventory is renewed.
const RENEWED: &str = "G60";

/// The two ways to bind.
#[derive(Clone, Copy)]
enum Endpoint {
    Pod,
    Legacy,
}

fn bind(ground: &Ground, endpoint: Endpoint, node: &str, labels: &Value) -> Request {
    let metadata = json!({"labels": labels});
    bind_in(&ground.canaries.sensitive, endpoint, node, metadata)
}

fn bind_in(namespace: &str, endpoint: Endpoint, node: &str, mut metadata: Value) -> Request {
    let within = |target: Target| target.within(namespace);
    let target = match endpoint {
        Endpoint::Pod => within(Target::core("pods"))
            .named(POD)
            .subresource("binding"),
        Endpoint::Legacy => within(Target::core("bindings")),
    };
    metadata["name"] = json!(POD);
    metadata["namespace"] = json!(namespace);
    let body = json!({
        "apiVersion": "v1", "kind": "Binding",
        "metadata": metadata,
        "target": {"apiVersion": "v1", "kind": "Node", "name": node},
    });
    Request::create(target, body)
}

fn both_sides(ground: &Ground, endpoint: Endpoint, labels: &Value, word: &str) -> Vec<Attempt> {
    let to = |node: &str| bind(ground, endpoint, node, labels);
    let home = ground.home.as_deref().map(to).ok_or(Skip::NoSovereignNode);
    vec![
        Attempt::refused(
            "G01",
            format!("{word} to a node that is not sovereign"),
            to(&ground.away),
        ),
        Attempt::refused(
            "G01",
            format!("{word} to a node that does not exist"),
            to("pinisi-conformance-nowhere"),
        ),
        Attempt::new(
            "G01",
            format!("{word} to a sovereign node"),
            Wanted::Passed,
            home,
        ),
    ]
}

fn binding(ground: &Ground) -> Vec<Attempt> {
    both_sides(ground, Endpoint::Pod, &json!({}), "pods/binding")
}

fn legacy(ground: &Ground) -> Vec<Attempt> {
    both_sides(ground, Endpoint::Legacy, &json!({}), "bindings")
}

/// The API server copies a node's place into the labels of a binding, but never over those there.
fn forged(ground: &Ground) -> Vec<Attempt> {
    let mut labels =
        json!({"topology.kubernetes.io/region": "home", "topology.kubernetes.io/zone": "home"});
    for (key, value) in &ground.stamp.labels {
        labels[key] = json!(value);
    }
    let mut attempts = both_sides(ground, Endpoint::Pod, &labels, "pods/binding");
    attempts.extend(both_sides(ground, Endpoint::Legacy, &labels, "bindings"));
    attempts
}

/// Times that a sender may make up, to look as old as the inventory.
fn made_up() -> Value {
    let entry = |manager: &str, time: &str| {
        json!({"manager": manager, "operation": "Update", "apiVersion": "v1", "time": time,
            "fieldsType": "FieldsV1", "fieldsV1": {"f:target": {}, "f:spec": {}}})
    };
    json!({
        "creationTimestamp": "2001-01-01T00:00:00Z",
        "managedFields": [entry("kube-scheduler", "2001-01-01T00:00:00Z"), entry("canary", "2001-01-01T00:00:00Z")],
    })
}

/// In a namespace that says of itself that every inventory is too old for it: the same comparison with
/// the API server's clock as after a long absence of the operator.
fn out_of_date(ground: &Ground) -> Vec<Attempt> {
    let Canaries {
        sensitive, stale, ..
    } = &ground.canaries;
    let home = ground.home.as_deref().ok_or(Skip::NoSovereignNode);
    let pod = |namespace: &str, node: &str, metadata: Value| {
        let mut pod = ground.pod(&json!({"nodeName": node}));
        for (key, value) in metadata.as_object().into_iter().flatten() {
            pod["metadata"][key] = value.clone();
        }
        Request::create(Target::core("pods").within(namespace), pod)
    };
    let mut attempts = Vec::new();
    for (word, endpoint) in [
        ("pods/binding", Endpoint::Pod),
        ("bindings", Endpoint::Legacy),
    ] {
        for (how, metadata) in [("", json!({})), (", with times made up", made_up())] {
            attempts.push(Attempt::new(
                RENEWED,
                format!("{word} to a sovereign node{how}"),
                Wanted::Refused,
                home.map(|node| bind_in(stale, endpoint, node, metadata)),
            ));
        }
        attempts.push(Attempt::new(
            RENEWED,
            format!("{word} by an inventory that is renewed"),
            Wanted::Passed,
            home.map(|node| bind_in(sensitive, endpoint, node, json!({}))),
        ));
    }
    for (how, metadata) in [("", json!({})), (", with times made up", made_up())] {
        attempts.push(Attempt::new(
            RENEWED,
            format!("spec.nodeName, a sovereign node{how}"),
            Wanted::Refused,
            home.map(|node| pod(stale, node, metadata)),
        ));
    }
    attempts.push(Attempt::new(
        RENEWED,
        "spec.nodeName by an inventory that is renewed",
        Wanted::Passed,
        home.map(|node| pod(sensitive, node, json!({}))),
    ));
    attempts.push(Attempt::new(
        RENEWED,
        "a pod that waits for its node",
        Wanted::Passed,
        Ok(Request::create(
            Target::core("pods").within(stale),
            ground.pod(&json!({})),
        )),
    ));
    attempts
}
