//! What arrives in the cloud's own cluster: S33 and S34, copies that nobody labelled, looked for; S36,
//! refused by that cluster's guard. A kind that carries pods has three ways to say Sensitive: by itself,
//! by its namespace, by its pods.

use crate::conformance::attempt::{Act, Attempt, Request, Target, Wanted};
use crate::conformance::case::{Case, Level, Way};
use crate::conformance::copies::Copied;
use crate::conformance::fixtures::{CANARY, carried};
use crate::conformance::ground::{Ground, POD};
use crate::conformance::objects::{IMAGE, container, extend, labelled, merge};
use crate::conformance::outcome::Skip;
use pinisi_crds::names::{CLASS_LABEL, CLASS_MASS_TRAFFIC, CLASS_SENSITIVE};
use serde_json::{Value, json};

/// These.
pub const CASES: &[Case] = &[
    Case {
        id: "S33",
        level: Level::Gold,
        bypasses: &["B23", "B32"],
        title: "a Secret copied to the cloud's cluster",
        way: Way::Copies(Copied::Secret),
    },
    Case {
        id: "S34",
        level: Level::Gold,
        bypasses: &["B23"],
        title: "a ConfigMap copied to the cloud's cluster",
        way: Way::Copies(Copied::ConfigMap),
    },
    Case {
        id: "S36",
        level: Level::Gold,
        bypasses: &["B22", "B31"],
        title: "sensitive objects that arrive in the cloud's cluster",
        way: Way::Requests(arrivals),
    },
];

fn says(class: &str) -> Value {
    json!({"metadata": {"labels": {CLASS_LABEL: class}}})
}

fn arrivals(ground: &Ground) -> Vec<Attempt> {
    let mut attempts = namespaces(ground);
    for kind in carried() {
        attempts.extend(of_kind(ground, &kind));
    }
    attempts.extend(bindings(ground));
    attempts.extend(debugged(ground));
    attempts
        .into_iter()
        .map(|mut attempt| {
            attempt.request = attempt.request.map(Request::there);
            attempt
        })
        .collect()
}

fn namespaces(ground: &Ground) -> Vec<Attempt> {
    let mass = ground.canaries.mass.as_str();
    let made = |class: &str| {
        let mut body = json!({"apiVersion": "v1", "kind": "Namespace"});
        extend(&mut body, &says(class));
        body["metadata"]["name"] = json!(format!("{mass}-new"));
        Request::create(Target::core("namespaces"), body)
    };
    let at = || Target::core("namespaces").named(mass);
    let mut whole =
        json!({"apiVersion": "v1", "kind": "Namespace", "spec": {"finalizers": ["kubernetes"]}});
    extend(&mut whole, &says(CLASS_SENSITIVE));
    whole["metadata"]["name"] = json!(mass);
    vec![
        Attempt::refused(
            "R01",
            "a namespace that says Sensitive",
            made(CLASS_SENSITIVE),
        ),
        Attempt::passed(
            "R01",
            "a namespace of mass traffic",
            made(CLASS_MASS_TRAFFIC),
        ),
        Attempt::refused(
            "R01",
            "a namespace made Sensitive",
            Request::merge(at(), says(CLASS_SENSITIVE)),
        ),
        Attempt::refused(
            "R01",
            "a namespace made Sensitive through its status",
            Request::merge(at().subresource("status"), says(CLASS_SENSITIVE)),
        ),
        Attempt::refused(
            "R01",
            "a namespace made Sensitive through finalize",
            Request::new(at().subresource("finalize"), Act::Replace(whole)),
        ),
        Attempt::passed(
            "R01",
            "another label on a namespace",
            Request::merge(at(), labelled()),
        ),
    ]
}

/// A kind of object that can arrive.
pub struct Carried {
    /// Which rule refuses it.
    pub rule: &'static str,
    /// Where it goes.
    pub target: Target,
    /// One of them, inert.
    pub body: Value,
    /// Where its pods' template is; none where it has none that is judged.
    pub template: &'static [&'static str],
}

fn of_kind(ground: &Ground, kind: &Carried) -> Vec<Attempt> {
    let Carried {
        rule,
        target,
        body,
        template,
    } = kind;
    let rule = *rule;
    let resource = target.resource;
    let mass = || target.clone().within(&ground.canaries.mass);
    let named = |more: &Value| {
        let mut made = body.clone();
        made["metadata"]["name"] = json!("attempt");
        if more.is_object() {
            extend(&mut made["metadata"], &more["metadata"]);
        }
        made
    };
    let there = ground.remote_sensitive.as_deref().ok_or(Skip::NothingThere);
    let refused = |name: String, request: Result<Request, Skip>| {
        Attempt::new(rule, name, Wanted::Refused, request)
    };
    let mut attempts = vec![
        refused(
            format!("{resource}: one that says Sensitive"),
            Ok(Request::create(mass(), named(&says(CLASS_SENSITIVE)))),
        ),
        refused(
            format!("{resource}: one made to say so"),
            Ok(Request::merge(mass().named(CANARY), says(CLASS_SENSITIVE))),
        ),
        refused(
            format!("{resource}: one in a namespace that says so"),
            there.map(|namespace| {
                Request::create(target.clone().within(namespace), named(&Value::Null))
            }),
        ),
        refused(
            format!("{resource}: one changed in a namespace that says so"),
            there.map(|namespace| {
                Request::merge(target.clone().within(namespace).named(CANARY), labelled())
            }),
        ),
        Attempt::passed(
            rule,
            format!("{resource}: of mass traffic"),
            Request::create(mass(), named(&Value::Null)),
        ),
        Attempt::passed(
            rule,
            format!("{resource}: of mass traffic, changed"),
            Request::merge(mass().named(CANARY), labelled()),
        ),
    ];
    if !template.is_empty() {
        let within = |inner: Value| {
            template
                .iter()
                .rev()
                .fold(inner, |inner, step| json!({*step: inner}))
        };
        let pods_say = within(says(CLASS_SENSITIVE));
        // Without labels of its own an object gets those of its pods.
        let mut made = named(&labelled());
        merge(&mut made, &pods_say);
        attempts.push(refused(
            format!("{resource}: one whose pods say so"),
            Ok(Request::create(mass(), made)),
        ));
        attempts.push(refused(
            format!("{resource}: one whose pods are made to say so"),
            Ok(Request::merge(mass().named(CANARY), pods_say)),
        ));
    }
    attempts
}

/// A binding gives a node the pod's Secrets, also of a pod from before the guard.
fn bindings(ground: &Ground) -> Vec<Attempt> {
    let bind = |namespace: &str, legacy: bool| {
        let target = match legacy {
            true => Target::core("bindings").within(namespace),
            false => Target::core("pods")
                .within(namespace)
                .named(POD)
                .subresource("binding"),
        };
        let body = json!({
            "apiVersion": "v1", "kind": "Binding", "metadata": {"name": POD, "namespace": namespace},
            "target": {"apiVersion": "v1", "kind": "Node", "name": "pinisi-conformance-nowhere"},
        });
        Request::create(target, body)
    };
    let there = ground.remote_sensitive.as_deref().ok_or(Skip::NothingThere);
    let mass = ground.canaries.mass.as_str();
    vec![
        Attempt::new(
            "R06",
            "pods/binding of a pod from before",
            Wanted::Refused,
            there.map(|namespace| bind(namespace, false)),
        ),
        Attempt::new(
            "R06",
            "bindings of a pod from before",
            Wanted::Refused,
            there.map(|namespace| bind(namespace, true)),
        ),
        Attempt::passed("R06", "pods/binding of mass traffic", bind(mass, false)),
        Attempt::passed("R06", "bindings of mass traffic", bind(mass, true)),
    ]
}

/// A container put into a pod to debug it.
fn debugged(ground: &Ground) -> Vec<Attempt> {
    let debug = |namespace: &str, pod: &str| {
        let one = json!({"name": "debug", "image": IMAGE, "securityContext": container(IMAGE)["securityContext"]});
        Request::new(
            Target::core("pods")
                .within(namespace)
                .named(pod)
                .subresource("ephemeralcontainers"),
            Act::Patch(json!([{"op": "add", "path": "/spec/ephemeralContainers", "value": [one]}])),
        )
    };
    let there = ground.remote_sensitive.as_deref().ok_or(Skip::NothingThere);
    let pod = ground.remote_pod.as_ref().ok_or(Skip::NothingThere);
    vec![
        Attempt::new(
            "R02",
            "a pod debugged in a namespace that says Sensitive",
            Wanted::Refused,
            there.map(|namespace| debug(namespace, POD)),
        ),
        Attempt::new(
            "R02",
            "a pod debugged that says so itself",
            Wanted::Refused,
            pod.map(|(namespace, name)| debug(namespace, name)),
        ),
        Attempt::passed(
            "R02",
            "a pod of mass traffic debugged",
            debug(&ground.canaries.mass, POD),
        ),
    ]
}
