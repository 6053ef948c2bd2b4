//! Namespaces without a class: S10.

use crate::conformance::attempt::{Attempt, Request, Target, Wanted};
use crate::conformance::case::{Case, Level, Way};
use crate::conformance::ground::{Ground, POD};
use crate::conformance::objects::extend;
use crate::conformance::outcome::Skip;
use serde_json::json;

/// This one.
pub const CASES: &[Case] = &[Case {
    id: "S10",
    level: Level::Bronze,
    bypasses: &["B09"],
    title: "a pod of a namespace without a class on a node abroad",
    way: Way::Requests(unclassified),
}];

fn unclassified(ground: &Ground) -> Vec<Attempt> {
    let canaries = &ground.canaries;
    let bind = |namespace: &str, legacy: bool, node: &str| {
        let target = match legacy {
            true => Target::core("bindings").within(namespace),
            false => Target::core("pods")
                .within(namespace)
                .named(POD)
                .subresource("binding"),
        };
        let body = json!({
            "apiVersion": "v1", "kind": "Binding", "metadata": {"name": POD, "namespace": namespace},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        });
        Request::create(target, body)
    };
    let named = |namespace: &str, node: &str| {
        let mut pod = ground.pod(&json!({"nodeName": node}));
        extend(&mut pod["spec"], &json!({"nodeSelector": null}));
        Request::create(Target::core("pods").within(namespace), pod)
    };
    // A policy must speak for such namespaces, and a Site away must have a node.
    let away = ground.unclassified_kept_home();
    let refused = |rule, name: &str, request: &dyn Fn(&str) -> Request| {
        Attempt::new(rule, name, Wanted::Refused, away.map(request))
    };
    let passed = |rule, name: &str, request: Result<Request, Skip>| {
        Attempt::new(rule, name, Wanted::Passed, request)
    };
    let home = ground.home.as_deref().ok_or(Skip::NoSovereignNode);
    let (none, mass) = (canaries.unclassified.as_str(), canaries.mass.as_str());
    vec![
        refused("G50", "pods/binding", &|node| bind(none, false, node)),
        refused("G50", "bindings", &|node| bind(none, true, node)),
        passed(
            "G50",
            "pods/binding to a node at home",
            home.map(|node| bind(none, false, node)),
        ),
        passed(
            "G50",
            "bindings to a node at home",
            home.map(|node| bind(none, true, node)),
        ),
        passed(
            "G50",
            "pods/binding of mass traffic",
            away.map(|node| bind(mass, false, node)),
        ),
        passed(
            "G50",
            "bindings of mass traffic",
            away.map(|node| bind(mass, true, node)),
        ),
        refused("G51", "spec.nodeName", &|node| named(none, node)),
        passed(
            "G51",
            "spec.nodeName of a node at home",
            home.map(|node| named(none, node)),
        ),
        passed(
            "G51",
            "spec.nodeName, of mass traffic",
            away.map(|node| named(mass, node)),
        ),
    ]
}
