//! What is said of a remote Site, by example.

use super::*;
use crate::check::problem::Problem;
use crate::checked::Connection;
use crate::report::{events, objects};
use crate::testing::{self, at};
use pinisi_crds::SiteStatus;
use pinisi_crds::site::ClusterIdentity;
use pinisi_planner::model::site::SiteKind;

fn remote(link: Link, guard: GuardFacts) -> SiteSubject {
    let mut subject = testing::site(SiteKind::Cloud);
    subject.status_now.nodes = 2;
    subject.connection = Connection::Remote(RemoteConnection {
        link,
        identity: Some(ClusterIdentity {
            uid: "c1".into(),
            version: "v1.34.4".into(),
        }),
        create_namespaces: false,
        guard,
        age: None,
        warnings: vec![],
        errors: Default::default(),
    });
    subject
}

fn down(fault: LinkFault) -> SiteSubject {
    let link = Link::Down {
        since: at(0),
        fault,
    };
    remote(link, GuardFacts::InForce)
}

fn unreachable() -> LinkFault {
    LinkFault::Unreachable {
        error: "connection refused".into(),
    }
}

fn state(status: &SiteStatus, kind: &str) -> Option<(String, String)> {
    let found = status.conditions.iter().find(|c| c.type_ == kind)?;
    Some((found.status.clone(), found.reason.clone()))
}

fn is(status: &SiteStatus, kind: &str, want: (&str, &str)) {
    assert_eq!(
        state(status, kind),
        Some((want.0.to_owned(), want.1.to_owned())),
        "{kind}"
    );
}

#[test]
fn a_site_that_answers_and_is_guarded_is_ready() {
    let subject = remote(Link::Up, GuardFacts::InForce);
    let status = objects::site(&subject, &SiteStatus::default(), at(1));
    is(&status, "Ready", ("True", "NodesReady"));
    is(&status, "Reachable", ("True", "Connected"));
    is(&status, "Guarded", ("True", "ReceivingGuardInForce"));
    is(&status, "Stalled", ("False", "Sound"));
    assert_eq!(objects::site(&subject, &status, at(60)), status);
}

#[test]
fn without_its_guard_it_is_reachable_and_not_ready() {
    let status = objects::site(
        &remote(Link::Up, GuardFacts::Unknown),
        &SiteStatus::default(),
        at(1),
    );
    is(&status, "Ready", ("False", "ReceivingGuardNotChecked"));
    let guard = GuardFacts::Missing {
        reason: "GuardForbidden",
        why: "may not create policies".into(),
    };
    let mut subject = remote(Link::Up, guard);
    subject.problems.push(Problem::ReceivingGuard {
        reason: "GuardForbidden",
        why: "may not create policies".into(),
    });
    let status = objects::site(&subject, &SiteStatus::default(), at(1));
    is(&status, "Guarded", ("False", "GuardForbidden"));
    is(&status, "Ready", ("False", "GuardForbidden"));
    is(&status, "Stalled", ("True", "GuardForbidden"));
}

#[test]
fn what_comes_back_by_itself_does_not_stall_and_what_needs_a_person_does() {
    let said = |fault| objects::site(&down(fault), &SiteStatus::default(), at(1));
    let status = said(unreachable());
    is(&status, "Reachable", ("False", "Unreachable"));
    is(&status, "Ready", ("False", "Unreachable"));
    is(&status, "Stalled", ("False", "Unreachable"));
    is(
        &said(LinkFault::Unauthorized),
        "Stalled",
        ("True", "Unauthorized"),
    );
    is(
        &said(LinkFault::HubItself),
        "Stalled",
        ("True", "HubItself"),
    );
}

#[test]
fn a_restart_hides_nothing() {
    let before = objects::site(&down(unreachable()), &SiteStatus::default(), at(1));
    let mut again = remote(Link::Connecting, GuardFacts::Unknown);
    again.status = before.clone();
    let restarted = objects::site(&again, &before, at(500));
    assert_eq!(restarted.conditions, before.conditions);
    let still = objects::site(&down(unreachable()), &restarted, at(510));
    let found = still.conditions.iter().find(|c| c.type_ == "Reachable");
    assert_eq!(found.map(|c| c.last_transition_time.0), Some(at(1)));
    // What was never known is said to be unknown.
    let fresh = objects::site(
        &remote(Link::Connecting, GuardFacts::Unknown),
        &SiteStatus::default(),
        at(1),
    );
    is(&fresh, "Ready", ("Unknown", "Connecting"));
    assert_eq!(state(&fresh, "Reachable"), None);
}

#[test]
fn turns_are_told_on_the_site() {
    let up = objects::site(
        &remote(Link::Up, GuardFacts::InForce),
        &SiteStatus::default(),
        at(1),
    );
    let gone = objects::site(&down(unreachable()), &up, at(9));
    let reasons = |old, new| {
        let notes = events::site_turned(old, new);
        notes.iter().map(|n| n.reason).collect::<Vec<_>>()
    };
    assert_eq!(reasons(&up, &gone), ["SiteUnreachable"]);
    assert_eq!(reasons(&gone, &up), ["SiteReachable"]);
    assert!(reasons(&SiteStatus::default(), &up).is_empty());
}
