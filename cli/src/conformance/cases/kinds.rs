//! Pinisi's own kinds, and the operator as somebody's deputy: S49, P02 to P04.

use crate::conformance::attempt::{Attempt, Identity, Request, Target};
use crate::conformance::case::{Case, Level, Way};
use crate::conformance::ground::Ground;
use crate::conformance::objects::{IMAGE, container};
use pinisi_crds::names::{
    CLASS_MASS_TRAFFIC, CLASS_SENSITIVE, MANAGED_BY, MANAGED_BY_LABEL, SITE_LABEL, SOVEREIGN_NODES,
};
use pinisi_operator::act::remote::carry::CARRY_MAX;
use serde_json::{Value, json};

/// These.
pub const CASES: &[Case] = &[
    Case {
        id: "S49",
        level: Level::Gold,
        bypasses: &["B51"],
        title: "a node abroad put into the inventory",
        way: Way::Requests(inventory),
    },
    Case {
        id: "P02",
        level: Level::Bronze,
        bypasses: &["B09", "B44"],
        title: "a workload of another class than its namespace",
        way: Way::Requests(class),
    },
    Case {
        id: "P03",
        level: Level::Bronze,
        bypasses: &["B45"],
        title: "the operator's account writing Deployments that it did not make",
        way: Way::Requests(deputy),
    },
    Case {
        id: "P04",
        level: Level::Silver,
        bypasses: &["B23", "B32"],
        title: "a Secret made to travel by somebody who may not read it",
        way: Way::Requests(carry),
    },
];

const VERSION: &str = "v1alpha1";

fn own(resource: &'static str) -> Target {
    Target::of("pinisi.dev", VERSION, resource)
}

fn inventory(ground: &Ground) -> Vec<Attempt> {
    let one = || own("sovereignnodes").named(SOVEREIGN_NODES);
    let poison = json!({"spec": {"nodes": {ground.away.clone(): {"uid": "attempt"}}}});
    let whole = json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "SovereignNodes",
        "metadata": {"name": SOVEREIGN_NODES},
        "spec": {"nodes": {ground.away.clone(): {"uid": "attempt"}}, "nodeSelector": {}},
    });
    let same = json!({"metadata": {"annotations": {"pinisi.dev/conformance": "attempt"}}});
    vec![
        Attempt::refused(
            "G08",
            "added to the inventory",
            Request::merge(one(), poison),
        ),
        Attempt::refused(
            "G08",
            "added by the account of the node itself",
            Request::merge(
                one(),
                json!({"spec": {"nodes": {ground.away.clone(): {"uid": "own"}}}}),
            )
            .by(Identity::CloudNode),
        ),
        Attempt::refused(
            "G08",
            "in an inventory made anew",
            Request::create(own("sovereignnodes"), whole),
        ),
        Attempt::passed(
            "G08",
            "the operator writes the inventory",
            Request::merge(one(), same).by(Identity::Operator),
        ),
    ]
}

fn workload(class: &str, more: &Value) -> Value {
    let mut body = json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "HybridWorkload",
        "metadata": {"name": "attempt"},
        "spec": {"class": class, "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "attempt"}},
    });
    if class == CLASS_MASS_TRAFFIC {
        body["spec"]["placement"] = json!({"tiers": [{"sites": ["home"]}]});
    }
    crate::conformance::objects::extend(&mut body["spec"], more);
    body
}

fn class(ground: &Ground) -> Vec<Attempt> {
    let canaries = &ground.canaries;
    let into = |namespace: &str, class: &str| {
        Request::create(
            own("hybridworkloads").within(namespace),
            workload(class, &json!({})),
        )
    };
    vec![
        Attempt::refused(
            "G07",
            "MassTraffic in a Sensitive namespace",
            into(&canaries.sensitive, CLASS_MASS_TRAFFIC),
        ),
        Attempt::refused(
            "G07",
            "Sensitive in a MassTraffic namespace",
            into(&canaries.mass, CLASS_SENSITIVE),
        ),
        Attempt::refused(
            "G07",
            "MassTraffic in a namespace without a class",
            into(&canaries.unclassified, CLASS_MASS_TRAFFIC),
        ),
        Attempt::passed(
            "G07",
            "Sensitive in its own",
            into(&canaries.sensitive, CLASS_SENSITIVE),
        ),
        Attempt::passed(
            "G07",
            "MassTraffic in its own",
            into(&canaries.mass, CLASS_MASS_TRAFFIC),
        ),
    ]
}

fn deputy(ground: &Ground) -> Vec<Attempt> {
    let deployments = || Target::of("apps", "v1", "deployments").within(&ground.canaries.sensitive);
    let deployment = |labels: &Value| {
        let app = json!({"app": "attempt"});
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "attempt", "labels": labels},
            "spec": {
                "replicas": 0, "selector": {"matchLabels": app},
                "template": {"metadata": {"labels": app}, "spec": {"containers": [container(IMAGE)]}},
            },
        })
    };
    let ours = json!({MANAGED_BY_LABEL: MANAGED_BY, SITE_LABEL: "cloud"});
    let create = |labels: &Value| Request::create(deployments(), deployment(labels));
    vec![
        Attempt::refused(
            "G09",
            "a new one without its marks",
            create(&json!({"app": "attempt"})).by(Identity::Operator),
        ),
        Attempt::refused(
            "G09",
            "a new one without a site",
            create(&json!({MANAGED_BY_LABEL: MANAGED_BY})).by(Identity::Operator),
        ),
        Attempt::passed(
            "G09",
            "a new one with its marks",
            create(&ours).by(Identity::Operator),
        ),
        Attempt::passed(
            "G09",
            "anybody else makes what he likes",
            create(&json!({})),
        ),
    ]
}

/// One validation a place in the list, so each place is tried.
fn carry(ground: &Ground) -> Vec<Attempt> {
    let namespace = &ground.canaries.mass;
    let asked = |entries: Vec<Value>| {
        let body = workload(CLASS_MASS_TRAFFIC, &json!({"carry": entries}));
        Request::create(own("hybridworkloads").within(namespace), body)
    };
    let map = |at: usize| json!({"kind": "ConfigMap", "name": format!("map-{at}")});
    let secret = || json!({"kind": "Secret", "name": "attempt"});
    let mut attempts: Vec<Attempt> = (0..CARRY_MAX)
        .map(|at| {
            let entries = (0..at).map(map).chain([secret()]).collect();
            Attempt::refused(
                "G10",
                format!("at place {at} of spec.carry"),
                asked(entries).by(Identity::Canary),
            )
        })
        .collect();
    attempts.push(Attempt::passed(
        "G10",
        "a ConfigMap, by the same user",
        asked(vec![map(0)]).by(Identity::Canary),
    ));
    attempts.push(Attempt::passed(
        "G10",
        "a Secret, by somebody who may get it",
        asked(vec![secret()]),
    ));
    attempts
}
