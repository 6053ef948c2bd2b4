//! From Sensitive to MassTraffic by less than two persons: S44, and the operator as a deputy in it: P15.

use crate::conformance::attempt::{Attempt, Identity, Request, Target};
use crate::conformance::case::{Case, Level, Way};
use crate::conformance::fixtures::{APPROVED, CANARY, DECLASSIFICATIONS, OF_THE_APPROVER};
use crate::conformance::ground::Ground;
use crate::conformance::objects::{approved, declassification, labelled, merge};
use pinisi_crds::names::{
    CLASS_LABEL, CLASS_MASS_TRAFFIC, CLASS_SENSITIVE, DECLASSIFIED_ANNOTATION,
};
use serde_json::{Value, json};

/// These.
pub const CASES: &[Case] = &[
    Case {
        id: "S44",
        level: Level::Gold,
        bypasses: &["B44"],
        title: "declassified by one person alone",
        way: Way::Requests(alone),
    },
    Case {
        id: "P15",
        level: Level::Gold,
        bypasses: &["B44", "B45"],
        title: "the operator's account writing of a namespace more than a class that was declassified",
        way: Way::Requests(deputy),
    },
];

fn at(ground: &Ground) -> Target {
    Target::of("pinisi.dev", "v1alpha1", DECLASSIFICATIONS).within(&ground.canaries.mass)
}

fn alone(ground: &Ground) -> Vec<Attempt> {
    let mut attempts = asked(ground);
    attempts.extend(answered(ground));
    attempts.extend(rest(ground));
    attempts
}

/// The request.
fn asked(ground: &Ground) -> Vec<Attempt> {
    let canaries = &ground.canaries;
    let asks = |in_the_name_of: &str, by: Identity| {
        Request::create(at(ground), declassification("attempt", in_the_name_of)).by(by)
    };
    vec![
        Attempt::refused(
            "G54",
            "asked for in another one's name",
            asks(&canaries.group(Identity::Approver), Identity::Canary),
        ),
        Attempt::refused(
            "G54",
            "asked for by a service account",
            asks(
                &canaries.account(Identity::ApproverAccount),
                Identity::ApproverAccount,
            ),
        ),
        Attempt::passed(
            "G54",
            "asked for by a person in his own name",
            asks(&canaries.group(Identity::Canary), Identity::Canary),
        ),
    ]
}

/// The approval. Each attempt lacks one thing, so that each condition is missed.
fn answered(ground: &Ground) -> Vec<Attempt> {
    let canaries = &ground.canaries;
    let approves = |name: &str, in_the_name_of: &str, by: Identity| {
        let status = at(ground).named(name).subresource("status");
        Request::merge(status, approved(in_the_name_of)).by(by)
    };
    let (asker, other) = (
        canaries.group(Identity::Canary),
        canaries.group(Identity::Approver),
    );
    let withdrawn = Request::merge(
        at(ground).named(APPROVED).subresource("status"),
        json!({"status": {"approval": null}}),
    );
    vec![
        Attempt::refused(
            "G55",
            "approved in another one's name",
            approves(CANARY, "somebody-else", Identity::Approver),
        ),
        Attempt::refused(
            "G55",
            "approved by whoever asked for it, with the right to approve",
            approves(OF_THE_APPROVER, &other, Identity::Approver),
        ),
        Attempt::refused(
            "G55",
            "approved by a service account, with the right to approve",
            approves(
                CANARY,
                &canaries.account(Identity::ApproverAccount),
                Identity::ApproverAccount,
            ),
        ),
        Attempt::refused(
            "G55",
            "approved by another person without the right to",
            approves(OF_THE_APPROVER, &asker, Identity::Canary),
        ),
        Attempt::refused(
            "G55",
            "an approval put on another person",
            approves(APPROVED, "somebody-else", Identity::Approver),
        ),
        Attempt::refused(
            "G55",
            "an approval taken off",
            withdrawn.by(Identity::Approver),
        ),
        Attempt::passed(
            "G55",
            "approved by another person with the right to, in his own name",
            approves(CANARY, &other, Identity::Approver),
        ),
        Attempt::passed(
            "G55",
            "approved once more by the same person",
            approves(APPROVED, &other, Identity::Approver),
        ),
    ]
}

/// What the operator says of it.
fn rest(ground: &Ground) -> Vec<Attempt> {
    let says = |status: Value, by: Identity| {
        let at = at(ground).named(APPROVED).subresource("status");
        Request::merge(at, json!({ "status": status })).by(by)
    };
    let before = || json!("2026-01-01T00:00:00Z");
    vec![
        Attempt::refused(
            "G56",
            "the end of its cool-down written by whoever approved",
            says(json!({"mayChangeAt": before()}), Identity::Approver),
        ),
        Attempt::refused(
            "G56",
            "when it was approved, written by whoever asked",
            says(json!({"approvalSeenAt": before()}), Identity::Canary),
        ),
        Attempt::passed(
            "G56",
            "when it expires, written by the operator",
            says(json!({"expiresAt": before()}), Identity::Operator),
        ),
    ]
}

fn deputy(ground: &Ground) -> Vec<Attempt> {
    let canaries = &ground.canaries;
    let writes = |namespace: &str, body: Value| {
        Request::merge(Target::core("namespaces").named(namespace), body).by(Identity::Operator)
    };
    let class = |more: &Value| {
        let mut body = json!({"metadata": {"labels": {CLASS_LABEL: CLASS_MASS_TRAFFIC}, "annotations": {DECLASSIFIED_ANNOTATION: "attempt"}}});
        merge(&mut body["metadata"], more);
        body
    };
    let put_on = json!({"metadata": {"labels": {CLASS_LABEL: CLASS_SENSITIVE}}});
    let sensitive = canaries.sensitive.as_str();
    vec![
        Attempt::refused("G59", "another label", writes(&canaries.mass, labelled())),
        Attempt::refused(
            "G59",
            "another annotation beside the class",
            writes(
                sensitive,
                class(&json!({"annotations": {"example.com/any": "word"}})),
            ),
        ),
        Attempt::refused(
            "G59",
            "a finalizer beside the class",
            writes(
                sensitive,
                class(&json!({"finalizers": ["example.com/any"]})),
            ),
        ),
        Attempt::refused(
            "G59",
            "the class of one that has none",
            writes(&canaries.unclassified, class(&json!({}))),
        ),
        Attempt::refused(
            "G59",
            "Sensitive put on one of mass traffic",
            writes(&canaries.mass, put_on),
        ),
        Attempt::passed(
            "G59",
            "the class of a Sensitive one, and what for",
            writes(sensitive, class(&json!({}))),
        ),
        Attempt::passed(
            "G59",
            "anybody else writes what he likes",
            Request::merge(Target::core("namespaces").named(&canaries.mass), labelled()),
        ),
    ]
}
