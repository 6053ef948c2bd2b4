//! Pinisi's own kinds, and the operator as somebody's deputy: S49, P02 to P04, P20, P21.

use crate::conformance::attempt::{Act, Attempt, Identity, Request, Target, Wanted};
use crate::conformance::case::{Case, Level, Way};
use crate::conformance::fixtures::CANARY;
use crate::conformance::ground::Ground;
use crate::conformance::objects::{
    NOWHERE_LABEL, deployment, labelled, merge, violation, workload,
};
use crate::conformance::outcome::Skip;
use pinisi_crds::names::{
    CLASS_MASS_TRAFFIC, CLASS_SENSITIVE, MANAGED_BY, MANAGED_BY_LABEL, SITE_LABEL, SOVEREIGN_NODES,
};
use pinisi_crds::sovereign_nodes::Terms;
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
    Case {
        id: "P11",
        level: Level::Gold,
        bypasses: &["B17", "B51"],
        title: "a machine attested by somebody who may not",
        way: Way::Requests(attested),
    },
    Case {
        id: "P20",
        level: Level::Silver,
        bypasses: &[],
        title: "evidence of a violation made up, changed or taken away",
        way: Way::Requests(evidence),
    },
    Case {
        id: "P21",
        level: Level::Silver,
        bypasses: &["B44"],
        title: "data that a law protects in a workload of mass traffic",
        way: Way::Requests(categories),
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
        "spec": {
            "nodes": {ground.away.clone(): {"uid": "attempt"}}, "nodeSelector": {}, "away": {},
            "terms": Terms::default(), "maxAgeSeconds": 1,
        },
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
        Attempt::refused(
            "G08",
            "the inventory deleted",
            Request::new(one(), Act::Delete),
        ),
        Attempt::passed(
            "G08",
            "the operator writes the inventory",
            Request::merge(one(), same).by(Identity::Operator),
        ),
    ]
}

fn class(ground: &Ground) -> Vec<Attempt> {
    let canaries = &ground.canaries;
    let into = |namespace: &str, class: &str| {
        Request::create(
            own("hybridworkloads").within(namespace),
            workload("attempt", class),
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
        Attempt::refused(
            "G07",
            "one of mass traffic changed, whose namespace became Sensitive",
            Request::merge(
                own("hybridworkloads")
                    .within(&canaries.sensitive)
                    .named(CANARY),
                labelled(),
            ),
        ),
        Attempt::passed(
            "G07",
            "MassTraffic in its own, changed",
            Request::merge(
                own("hybridworkloads").within(&canaries.mass).named(CANARY),
                labelled(),
            ),
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

/// Without a law nothing is forced, and there is nothing to try.
fn categories(ground: &Ground) -> Vec<Attempt> {
    let canaries = &ground.canaries;
    let forced = ground.categories.first().ok_or(Skip::NothingThere);
    let holds = |category: &str| json!({"spec": {"dataCategories": [category]}});
    let made = |namespace: &str, class: &str, category: &str| {
        let mut body = workload("attempt", class);
        merge(&mut body, &holds(category));
        Request::create(own("hybridworkloads").within(namespace), body)
    };
    let there = || own("hybridworkloads").within(&canaries.mass).named(CANARY);
    vec![
        Attempt::new(
            "G57",
            "made of mass traffic",
            Wanted::Refused,
            forced.map(|c| made(&canaries.mass, CLASS_MASS_TRAFFIC, c)),
        ),
        Attempt::new(
            "G57",
            "said of one of mass traffic that is there",
            Wanted::Refused,
            forced.map(|c| Request::merge(there(), holds(c))),
        ),
        Attempt::new(
            "G57",
            "made Sensitive",
            Wanted::Passed,
            forced.map(|c| made(&canaries.sensitive, CLASS_SENSITIVE, c)),
        ),
        Attempt::passed(
            "G57",
            "mass traffic that holds none of it, changed",
            Request::merge(there(), labelled()),
        ),
    ]
}

fn deputy(ground: &Ground) -> Vec<Attempt> {
    let deployments = || Target::of("apps", "v1", "deployments").within(&ground.canaries.mass);
    let ours = json!({MANAGED_BY_LABEL: MANAGED_BY, SITE_LABEL: "cloud"});
    let there = || deployments().named(CANARY);
    let create = |labels: &Value| Request::create(deployments(), deployment("attempt", labels));
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
        Attempt::refused(
            "G09",
            "one that somebody else made, changed",
            Request::merge(there(), labelled()).by(Identity::Operator),
        ),
        Attempt::refused(
            "G09",
            "one that somebody else made, taken over",
            Request::merge(there(), json!({"metadata": {"labels": ours}})).by(Identity::Operator),
        ),
        Attempt::refused(
            "G09",
            "one that somebody else made, deleted",
            Request::new(there(), Act::Delete).by(Identity::Operator),
        ),
        Attempt::passed(
            "G09",
            "changed by anybody else",
            Request::merge(there(), labelled()),
        ),
        Attempt::passed(
            "G09",
            "deleted by anybody else",
            Request::new(there(), Act::Delete),
        ),
    ]
}

/// One validation a place in the list, so each place is tried.
fn carry(ground: &Ground) -> Vec<Attempt> {
    let namespace = &ground.canaries.mass;
    let asked = |entries: Vec<Value>| {
        let mut body = workload("attempt", CLASS_MASS_TRAFFIC);
        body["spec"]["carry"] = json!(entries);
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
    let changed = |entries: Vec<Value>| {
        let there = own("hybridworkloads").within(namespace).named(CANARY);
        Request::merge(there, json!({"spec": {"carry": entries}}))
    };
    attempts.extend((0..CARRY_MAX).map(|at| {
        let entries = (0..at).map(map).chain([secret()]).collect();
        Attempt::refused(
            "G10",
            format!("put at place {at} of one that is there"),
            changed(entries).by(Identity::Canary),
        )
    }));
    attempts.push(Attempt::passed(
        "G10",
        "a ConfigMap put there, by the same user",
        changed(vec![map(0)]).by(Identity::Canary),
    ));
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

/// Deleted by a user that may delete them, and not close.
fn evidence(ground: &Ground) -> Vec<Attempt> {
    let cluster = ground.canaries.cluster_name();
    let there = || own("sovereigntyviolations").named(&cluster);
    let status = || there().subresource("status");
    let made = || Request::create(own("sovereigntyviolations"), violation("attempt"));
    let ended = || json!({"status": {"endedAt": "2026-01-01T00:00:00Z"}});
    vec![
        Attempt::refused("G58", "made up", made()),
        Attempt::refused("G58", "changed", Request::merge(there(), labelled())),
        Attempt::refused(
            "G58",
            "said to have ended",
            Request::merge(status(), ended()),
        ),
        Attempt::refused(
            "G58",
            "deleted by somebody who may not close it",
            Request::new(there(), Act::Delete).by(Identity::Canary),
        ),
        Attempt::passed(
            "G58",
            "the operator writes one",
            made().by(Identity::Operator),
        ),
        Attempt::passed(
            "G58",
            "the operator says that it ended",
            Request::merge(status(), ended()).by(Identity::Operator),
        ),
        Attempt::passed(
            "G58",
            "deleted by somebody who may close it",
            Request::new(there(), Act::Delete),
        ),
    ]
}

/// By a user that may write Sites, and not attest. A version without the field has nothing to attest.
fn attested(ground: &Ground) -> Vec<Attempt> {
    let machine = json!({ground.away.clone(): {"uid": "attempt"}});
    let made = |attested: &Value| {
        let nodes = json!({"matchLabels": {NOWHERE_LABEL: "true"}});
        let mut body = json!({
            "apiVersion": "pinisi.dev/v1alpha1", "kind": "Site", "metadata": {"name": "pinisi-conformance"},
            "spec": {"type": "OnPrem", "jurisdiction": "ID", "nodes": nodes},
        });
        if attested.is_object() {
            body["spec"]["attested"] = attested.clone();
        }
        Request::create(own("sites"), body)
    };
    let there = ground.site.as_deref().ok_or(Skip::NoSovereignNode);
    let at = |name: &str| own("sites").named(name);
    let changed =
        || there.map(|name| Request::merge(at(name), json!({"spec": {"attested": machine}})));
    let by_canary = |request: Request| request.by(Identity::Canary);
    let reached = Wanted::RefusedWhereReached("/spec/attested");
    vec![
        Attempt::new(
            "G53",
            "in a new Site",
            reached,
            Ok(by_canary(made(&machine))),
        ),
        Attempt::new(
            "G53",
            "in a Site that is there",
            reached,
            changed().map(by_canary),
        ),
        Attempt::passed(
            "G53",
            "a new Site that attests nothing",
            by_canary(made(&Value::Null)),
        ),
        Attempt::new(
            "G53",
            "a Site that is there, changed elsewhere",
            Wanted::Passed,
            there.map(|name| by_canary(Request::merge(at(name), labelled()))),
        ),
        Attempt::passed("G53", "in a new Site, by somebody who may", made(&machine)),
        Attempt::new(
            "G53",
            "in a Site that is there, by somebody who may",
            Wanted::Passed,
            changed(),
        ),
    ]
}
