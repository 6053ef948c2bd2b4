//! Binding a pod that exists: S02 to S04. Only node names can be compared there.

use crate::conformance::attempt::{Attempt, Request, Target, Wanted};
use crate::conformance::case::{Case, Level, Way};
use crate::conformance::ground::{Ground, POD};
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
];

/// The two ways to bind.
#[derive(Clone, Copy)]
enum Endpoint {
    Pod,
    Legacy,
}

fn bind(ground: &Ground, endpoint: Endpoint, node: &str, labels: &Value) -> Request {
    let within = |target: Target| target.within(&ground.canaries.sensitive);
    let target = match endpoint {
        Endpoint::Pod => within(Target::core("pods"))
            .named(POD)
            .subresource("binding"),
        Endpoint::Legacy => within(Target::core("bindings")),
    };
    let body = json!({
        "apiVersion": "v1", "kind": "Binding",
        "metadata": {"name": POD, "namespace": ground.canaries.sensitive, "labels": labels},
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
