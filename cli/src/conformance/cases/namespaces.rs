//! The class of a namespace: S11, P01.

use crate::conformance::attempt::{Act, Attempt, Request, Target};
use crate::conformance::case::{Case, Level, Way};
use crate::conformance::ground::Ground;
use pinisi_crds::names::{CLASS_LABEL, CLASS_MASS_TRAFFIC, CLASS_SENSITIVE};
use serde_json::{Value, json};

/// These.
pub const CASES: &[Case] = &[
    Case {
        id: "S11",
        level: Level::Bronze,
        bypasses: &["B09"],
        title: "Sensitive taken off a namespace",
        way: Way::Requests(relabel),
    },
    Case {
        id: "P01",
        level: Level::Bronze,
        bypasses: &["B09"],
        title: "a class that is none",
        way: Way::Requests(words),
    },
];

fn labels(class: &Value) -> Value {
    json!({"metadata": {"labels": {CLASS_LABEL: class}}})
}

/// A label can be written through the namespace and through both of its subresources.
fn relabelled(namespace: &str, class: &Value) -> Vec<(&'static str, Request)> {
    let at = || Target::core("namespaces").named(namespace);
    let whole = json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": namespace, "labels": {CLASS_LABEL: class}},
        "spec": {"finalizers": ["kubernetes"]},
    });
    vec![
        ("the namespace", Request::merge(at(), labels(class))),
        (
            "its status",
            Request::merge(at().subresource("status"), labels(class)),
        ),
        (
            "its finalize",
            Request::new(at().subresource("finalize"), Act::Replace(whole)),
        ),
    ]
}

fn relabel(ground: &Ground) -> Vec<Attempt> {
    let sensitive = &ground.canaries.sensitive;
    let mut attempts = Vec::new();
    for (class, word) in [
        (json!(CLASS_MASS_TRAFFIC), "to MassTraffic"),
        (Value::Null, "to nothing"),
    ] {
        for (way, request) in relabelled(sensitive, &class) {
            attempts.push(Attempt::refused(
                "G06",
                format!("{word}, through {way}"),
                request,
            ));
        }
    }
    for (way, request) in relabelled(sensitive, &json!(CLASS_SENSITIVE)) {
        attempts.push(Attempt::passed(
            "G06",
            format!("it stays, through {way}"),
            request,
        ));
    }
    for (way, request) in relabelled(&ground.canaries.unclassified, &json!(CLASS_SENSITIVE)) {
        attempts.push(Attempt::passed(
            "G06",
            format!("put on, through {way}"),
            request,
        ));
    }
    attempts
}

fn words(ground: &Ground) -> Vec<Attempt> {
    let unknown = json!("sensitive");
    let made = |class: &Value| {
        let mut body = labels(class);
        body["apiVersion"] = json!("v1");
        body["kind"] = json!("Namespace");
        body["metadata"]["name"] = json!(format!("{}-new", ground.canaries.mass));
        Request::create(Target::core("namespaces"), body)
    };
    let mut attempts = vec![
        Attempt::refused(
            "G05",
            "a new namespace with a word that is no class",
            made(&unknown),
        ),
        Attempt::passed(
            "G05",
            "a new namespace that is MassTraffic",
            made(&json!(CLASS_MASS_TRAFFIC)),
        ),
        Attempt::passed(
            "G05",
            "a new namespace that is Sensitive",
            made(&json!(CLASS_SENSITIVE)),
        ),
    ];
    for (way, request) in relabelled(&ground.canaries.unclassified, &unknown) {
        attempts.push(Attempt::refused(
            "G05",
            format!("put on, through {way}"),
            request,
        ));
    }
    attempts
}
