//! Shells, tunnels, tokens and rights for whoever acts from a cloud: S50, P09.

use crate::conformance::attempt::{Act, Attempt, Identity, Request, Target, Wanted};
use crate::conformance::case::{Case, Level, Way};
use crate::conformance::fixtures::CANARY;
use crate::conformance::ground::{Ground, POD};
use crate::conformance::objects::role_binding;
use crate::conformance::outcome::Skip;
use serde_json::{Value, json};

/// These.
pub const CASES: &[Case] = &[
    Case {
        id: "S50",
        level: Level::Gold,
        bypasses: &["B32", "B41"],
        title: "tokens, exec and port-forward from a cloud identity",
        way: Way::Requests(connections),
    },
    Case {
        id: "P09",
        level: Level::Silver,
        bypasses: &["B32"],
        title: "rights in a Sensitive namespace for what runs elsewhere",
        way: Way::Requests(rights),
    },
];

/// Who acts from a cloud, where a policy names any.
fn cloud_identities(ground: &Ground) -> Vec<(&'static str, Result<Identity, Skip>)> {
    let named = |names: &[String], identity| match names {
        [] => Err(Skip::NothingAllowed),
        _ => Ok(identity),
    };
    vec![
        (
            "a user from a cloud",
            named(&ground.allowed.cloud_users, Identity::CloudUser),
        ),
        (
            "a group from a cloud",
            named(&ground.allowed.cloud_groups, Identity::CloudGroup),
        ),
    ]
}

fn connections(ground: &Ground) -> Vec<Attempt> {
    let within = |resource| Target::core(resource).within(&ground.canaries.sensitive);
    let pod = |sub| within("pods").named(POD).subresource(sub);
    let ways = [
        (
            "exec",
            pod("exec"),
            "command=true&container=canary&stdout=true",
        ),
        ("attach", pod("attach"), "container=canary&stdout=true"),
        ("port-forward", pod("portforward"), "ports=80"),
        ("the proxy of a pod", pod("proxy"), ""),
        (
            // No such name can be: who passes admission is told so at once.
            "the proxy of a Service",
            within("services")
                .named("canary:a:b:c")
                .subresource("proxy"),
            "",
        ),
    ];
    let mut who = cloud_identities(ground);
    who.push(("a node abroad", Ok(Identity::CloudNode)));
    let mut attempts = Vec::new();
    for (name, target, query) in ways {
        let open = || Request::new(target.clone(), Act::Connect(query));
        for (word, identity) in &who {
            attempts.push(Attempt::new(
                "G16",
                format!("{name}, by {word}"),
                Wanted::Refused,
                identity.map(|identity| open().by(identity)),
            ));
        }
        attempts.push(Attempt::passed(
            "G16",
            format!("{name}, by anybody else"),
            open(),
        ));
    }
    let token = || {
        let target = within("serviceaccounts").named(POD).subresource("token");
        let body = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"audiences": ["pinisi-conformance"], "expirationSeconds": 600},
        });
        Request::create(target, body)
    };
    // A node gets tokens of pods on it alone; the API server itself sees to that.
    for (word, identity) in cloud_identities(ground) {
        attempts.push(Attempt::new(
            "G17",
            format!("a token, by {word}"),
            Wanted::Refused,
            identity.map(|identity| token().by(identity)),
        ));
    }
    attempts.push(Attempt::passed("G17", "a token, by anybody else", token()));
    attempts.extend(kubelets(ground, &who));
    attempts
}

/// No such name can be, though a sovereign node's is a part of it: who passes admission is told so at
/// once, and no kubelet is called.
fn kubelets(
    ground: &Ground,
    who: &[(&'static str, Result<Identity, Skip>)],
) -> impl Iterator<Item = Attempt> {
    let open = |name: &str| {
        let target = Target::core("nodes").named(name).subresource("proxy");
        Request::new(target, Act::Connect(""))
    };
    let home = ground.home.as_ref().ok_or(Skip::NoSovereignNode);
    let sovereign = home.map(|home| open(&format!("canary:a:b:{home}")));
    let mut attempts = Vec::new();
    for (word, identity) in who {
        let by = |request: Request| identity.map(|identity| request.by(identity));
        attempts.push(Attempt::new(
            "G19",
            format!("the kubelet of a sovereign node, by {word}"),
            Wanted::Refused,
            sovereign.clone().and_then(by),
        ));
        attempts.push(Attempt::new(
            "G19",
            format!("the kubelet of another node, by {word}"),
            Wanted::Passed,
            by(open("canary:a:b:c")),
        ));
    }
    attempts.push(Attempt::new(
        "G19",
        "the kubelet of a sovereign node, by anybody else",
        Wanted::Passed,
        sovereign,
    ));
    attempts.into_iter()
}

fn subject(kind: &str, name: &str, namespace: Option<&str>) -> Value {
    let mut subject = json!({"kind": kind, "name": name});
    match namespace {
        Some(namespace) => subject["namespace"] = json!(namespace),
        None => subject["apiGroup"] = json!("rbac.authorization.k8s.io"),
    }
    subject
}

fn rights(ground: &Ground) -> Vec<Attempt> {
    let mass = ground.canaries.mass.as_str();
    let own = ground.canaries.sensitive.as_str();
    let at = || Target::of("rbac.authorization.k8s.io", "v1", "rolebindings").within(own);
    let made = |subject: &Value| Request::create(at(), role_binding("attempt", &json!([subject])));
    let changed =
        |subject: &Value| Request::merge(at().named(CANARY), json!({"subjects": [subject]}));
    let mut attempts = Vec::new();
    for (name, who) in [
        (
            "a service account of another namespace",
            subject("ServiceAccount", "default", Some(mass)),
        ),
        (
            "the user name of one",
            subject(
                "User",
                &format!("system:serviceaccount:{mass}:default"),
                None,
            ),
        ),
        (
            "all service accounts of another namespace",
            subject("Group", &format!("system:serviceaccounts:{mass}"), None),
        ),
        (
            "all service accounts",
            subject("Group", "system:serviceaccounts", None),
        ),
        ("everybody", subject("Group", "system:authenticated", None)),
        (
            "a node abroad",
            subject("User", &format!("system:node:{}", ground.away), None),
        ),
    ] {
        attempts.push(Attempt::refused(
            "G18",
            format!("given to {name}"),
            made(&who),
        ));
        attempts.push(Attempt::refused(
            "G18",
            format!("given later to {name}"),
            changed(&who),
        ));
    }
    for (name, who) in [
        (
            "a service account of its own",
            subject("ServiceAccount", "default", Some(own)),
        ),
        ("a person", subject("User", "somebody@example.go.id", None)),
        ("people", subject("Group", "somebodies", None)),
    ] {
        attempts.push(Attempt::passed(
            "G18",
            format!("given to {name}"),
            made(&who),
        ));
        attempts.push(Attempt::passed(
            "G18",
            format!("given later to {name}"),
            changed(&who),
        ));
    }
    attempts
}
