//! Declassifications: what becomes of each as time goes by, and what is never used.

use super::build::*;
use crate::act::ledgers::Ledgers;
use crate::act::write::{Key, Write, WriteKind};
use crate::act::writes;
use crate::check::check;
use crate::check::declassification::{COOL_DOWN, EXPIRE, Step, Wait, next};
use crate::checked::{Checked, DeclassificationSubject};
use crate::gather::facts::ObjectKey;
use crate::report::declassification::status as told;
use jiff::{SignedDuration, Timestamp};
use pinisi_crds::DeclassificationStatus;
use pinisi_crds::declassification::{Approval, Outcome};
use pinisi_planner::{Memory, plan_from};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Instant;

const SECOND: SignedDuration = SignedDuration::from_secs(1);

fn key() -> ObjectKey {
    ObjectKey {
        namespace: "health".into(),
        name: "reports".into(),
    }
}

fn asked(by: &str, status: &Value) -> Value {
    json!({
        "metadata": {"name": "reports", "namespace": "health", "uid": "u-dc", "generation": 1},
        "spec": {"reason": "aggregates only", "requestedBy": by}, "status": status,
    })
}

fn approved(by: &str) -> Value {
    json!({"approval": {"approvedBy": by}})
}

/// A cluster with one request in the Sensitive namespace, and a clock.
struct Case {
    cluster: Cluster,
    now: Timestamp,
}

impl Case {
    fn of(by: &str, status: &Value) -> Self {
        let mut cluster = Cluster::new();
        cluster.declassification(asked(by, status));
        Self {
            cluster,
            now: now(),
        }
    }

    fn later(&mut self, by: SignedDuration) {
        self.now = self.now.checked_add(by).unwrap();
    }

    fn checked(&self) -> Checked {
        check(&self.cluster.0, &self.cluster.1, self.now)
    }

    fn subject(&self) -> DeclassificationSubject {
        self.checked().declassifications[&key()].clone()
    }

    /// The operator looks and tells, and the API server keeps what was told. Its word.
    fn round(&mut self) -> &'static str {
        let subject = self.subject();
        let (step, mut status) = told(&key(), &subject, &subject.status, self.now);
        status.approval = subject
            .approved_by
            .map(|approved_by| Approval { approved_by });
        let by = subject.requested_by.unwrap();
        self.cluster.declassification(asked(&by, &json!(status)));
        step.word()
    }

    /// Somebody approves.
    fn approve(&mut self, by: &str) {
        let mut status = self.subject().status;
        status.approval = Some(Approval {
            approved_by: by.into(),
        });
        self.cluster
            .declassification(asked("alice", &json!(status)));
    }

    /// Namespaces whose class is changed now.
    fn changes(&self) -> Vec<String> {
        let checked = self.checked();
        let plan = plan_from(&checked.world, Memory::default(), self.now);
        let writes = writes::derive(
            &checked,
            &plan,
            &BTreeMap::new(),
            &mut Ledgers::default(),
            Instant::now(),
        );
        let of = |write: Write| match (write.key, write.kind) {
            (Key::Namespace(name), WriteKind::Declassify(order)) => {
                assert_eq!(
                    (order.name.as_str(), order.uid.as_str()),
                    ("reports", "u-dc")
                );
                assert_eq!(order.approved_by, "bob");
                Some(name)
            }
            _ => None,
        };
        writes.into_iter().filter_map(of).collect()
    }

    fn outcome(&self) -> Option<Outcome> {
        self.subject().status.outcome
    }
}

#[test]
fn two_persons_and_a_cool_down_change_the_class_and_not_a_second_earlier() {
    let mut case = Case::of("alice", &json!({}));
    assert_eq!(case.round(), "WaitingForApproval");
    case.later(SECOND);
    case.approve("bob");
    assert!(case.changes().is_empty());
    assert_eq!(case.round(), "CoolingDown");
    case.later(COOL_DOWN - SECOND);
    assert_eq!(case.round(), "CoolingDown");
    assert!(case.changes().is_empty());
    case.later(SECOND);
    assert_eq!(case.round(), "Changing");
    assert_eq!(case.changes(), ["health"]);
    // The write was made, and its result is seen.
    case.cluster.namespace_noted(
        "health",
        json!({"pinisi.dev/class": "MassTraffic"}),
        json!({"pinisi.dev/declassification": "u-dc"}),
    );
    assert!(case.changes().is_empty());
    assert_eq!(case.round(), "Changed");
    assert_eq!(case.outcome(), Some(Outcome::Changed));
    // Used once: not again where somebody makes it Sensitive anew, with the mark or without it.
    case.cluster
        .namespace("health", json!({"pinisi.dev/class": "Sensitive"}));
    assert!(case.changes().is_empty());
    assert_eq!(case.round(), "Changed");
}

#[test]
fn the_cool_down_begins_when_an_operator_sees_the_approval_whatever_came_before() {
    // Nobody looked while it was asked for and approved.
    let mut case = Case::of("alice", &approved("bob"));
    assert!(case.changes().is_empty());
    assert_eq!(case.round(), "CoolingDown");
    let until = case.subject().status.may_change_at.unwrap().0;
    assert_eq!(until, now() + COOL_DOWN);
    // Seen between two seconds, it is counted from the later one.
    let mut case = Case::of("alice", &approved("bob"));
    case.later(SignedDuration::from_millis(1));
    case.round();
    let until = case.subject().status.may_change_at.unwrap().0;
    assert_eq!(until, now() + COOL_DOWN + SECOND);
}

#[test]
fn what_only_this_process_knows_changes_nothing() {
    let case = Case::of("alice", &approved("bob"));
    let mut subject = case.subject();
    subject.wait.cool_down = SignedDuration::ZERO;
    let (step, _) = next(&subject, &subject.status, case.now);
    assert!(matches!(step, Step::Change { .. }));
    let mut checked = case.checked();
    checked.declassifications.insert(key(), subject);
    let plan = plan_from(&checked.world, Memory::default(), case.now);
    let writes = writes::derive(
        &checked,
        &plan,
        &BTreeMap::new(),
        &mut Ledgers::default(),
        Instant::now(),
    );
    assert!(writes.iter().all(|w| !matches!(w.key, Key::Namespace(_))));
}

#[test]
fn unapproved_and_unused_requests_expire_for_good() {
    let mut case = Case::of("alice", &json!({}));
    case.round();
    case.later(EXPIRE - SECOND);
    assert_eq!(case.round(), "WaitingForApproval");
    // Approved in time, and seen too late: who knows when it was.
    let mut late = Case::of("alice", &json!(case.subject().status));
    late.now = case.now;
    late.later(SECOND);
    late.approve("bob");
    assert_eq!(late.round(), "Expired");
    case.later(SECOND);
    assert_eq!(case.round(), "Expired");
    case.approve("bob");
    assert_eq!(case.round(), "Expired");
    assert!(case.changes().is_empty());
    assert_eq!(case.outcome(), Some(Outcome::Expired));

    let mut unused = Case::of("alice", &approved("bob"));
    unused.round();
    unused.later(COOL_DOWN + EXPIRE - SECOND);
    assert_eq!(unused.changes(), ["health"]);
    unused.later(SECOND);
    assert!(unused.changes().is_empty());
    assert_eq!(unused.round(), "Expired");
}

#[test]
fn what_the_guard_would_have_refused_is_not_used_either() {
    for (by, status, word) in [
        ("alice", approved("alice"), "OnePerson"),
        ("alice", approved("system:serviceaccount:a:b"), "NotAPerson"),
        ("system:serviceaccount:a:b", approved("bob"), "NotAPerson"),
        ("system:anonymous", json!({}), "NotAPerson"),
    ] {
        let mut case = Case::of(by, &status);
        assert_eq!(case.round(), word);
        assert_eq!(case.outcome(), Some(Outcome::Refused));
        case.later(COOL_DOWN + SECOND);
        assert!(case.changes().is_empty());
    }
    let mut unreadable = asked("alice", &approved("bob"));
    unreadable["spec"] = json!({"requestedBy": 7});
    let mut cluster = Cluster::new();
    cluster.declassification(unreadable);
    let subject = cluster.check().declassifications[&key()].clone();
    let (step, _) = next(&subject, &subject.status, now());
    assert_eq!(step.word(), "Unreadable");
}

#[test]
fn an_approval_does_not_outlive_another_class() {
    let mut case = Case::of("alice", &approved("bob"));
    assert_eq!(case.round(), "CoolingDown");
    case.cluster
        .namespace("health", json!({"pinisi.dev/class": "MassTraffic"}));
    assert_eq!(case.round(), "NotSensitive");
    case.cluster
        .namespace("health", json!({"pinisi.dev/class": "Sensitive"}));
    case.later(COOL_DOWN + SECOND);
    assert!(case.changes().is_empty());
    assert_eq!(case.outcome(), Some(Outcome::Refused));
}

#[test]
fn deleted_or_in_a_namespace_that_goes_it_changes_nothing() {
    let mut case = Case::of("alice", &approved("bob"));
    case.round();
    case.later(COOL_DOWN + SECOND);
    assert_eq!(case.changes(), ["health"]);
    let mut going = asked("alice", &approved("bob"));
    going["status"] = json!(case.subject().status);
    going["status"]["approval"] = json!({"approvedBy": "bob"});
    going["metadata"]["deletionTimestamp"] = json!("2026-11-20T12:00:00Z");
    case.cluster.declassification(going);
    assert!(case.changes().is_empty());
    case.cluster.0.delete_declassification(&key());
    assert!(case.changes().is_empty() && case.checked().declassifications.is_empty());
}

#[test]
fn a_policy_changed_meanwhile_makes_the_wait_longer_and_never_shorter() {
    let mut case = Case::of("alice", &approved("bob"));
    case.round();
    let end = |case: &Case| case.subject().status.may_change_at.unwrap().0;
    let says = |case: &mut Case, seconds: i64| {
        case.cluster.policy(json!({
            "metadata": {"name": "p", "uid": "u-p", "generation": 1},
            "spec": {"namespaces": {}, "declassification": {"coolDownSeconds": seconds}},
        }));
    };
    says(&mut case, 1);
    case.later(SignedDuration::from_secs(60));
    assert_eq!(case.round(), "CoolingDown");
    assert_eq!(end(&case), now() + COOL_DOWN);
    says(&mut case, 2 * 86_400);
    case.round();
    assert_eq!(end(&case), now() + COOL_DOWN * 2);
}

#[test]
fn of_several_policies_the_longest_cool_down_and_the_shortest_expiry_count() {
    let wait = |specs: &[Value]| {
        let mut case = Case::of("alice", &json!({}));
        for (at, spec) in specs.iter().enumerate() {
            let name = format!("p{at}");
            case.cluster.policy(
                json!({"metadata": {"name": name, "uid": "u", "generation": 1}, "spec": spec}),
            );
        }
        case.subject().wait
    };
    let secs = SignedDuration::from_secs;
    let both = |namespaces: Value, cool: i64, expire: i64| json!({"namespaces": namespaces, "declassification": {"coolDownSeconds": cool, "expireSeconds": expire}});
    let elsewhere = || json!({"matchLabels": {"pinisi.dev/class": "MassTraffic"}});
    let default = Wait::default();
    assert_eq!((default.cool_down, default.expire), (COOL_DOWN, EXPIRE));
    assert_eq!(wait(&[]), default);
    assert_eq!(wait(&[json!({"namespaces": {}})]), default);
    assert_eq!(wait(&[both(elsewhere(), 1, 1)]), default);
    let two = wait(&[both(json!({}), 10, 90), both(json!({}), 20, 80)]);
    assert_eq!((two.cool_down, two.expire), (secs(20), secs(80)));
    // What a policy that cannot be read would say is not known.
    let unread = json!({"namespaces": {"matchExpressions": [{"key": "a", "operator": "Like"}]}});
    let careful = wait(&[both(json!({}), 10, 90), unread]);
    assert_eq!((careful.cool_down, careful.expire), (COOL_DOWN, secs(90)));
}

#[test]
fn each_turn_is_said_once_and_the_approval_is_left_to_whom_it_belongs() {
    use crate::report::declassification::turned;
    let mut case = Case::of("alice", &json!({}));
    let subject = case.subject();
    let empty = DeclassificationStatus::default();
    let (step, status) = told(&key(), &subject, &empty, case.now);
    let note = turned(&step, &empty, &status).unwrap();
    assert!(!note.warning && note.text.contains("alice"), "{note:?}");
    let (step, again) = told(&key(), &subject, &status, case.now + SECOND);
    assert_eq!(again, status, "nothing moved");
    assert!(turned(&step, &status, &again).is_none());
    case.round();
    case.approve("bob");
    let subject = case.subject();
    let (step, cooling) = told(&key(), &subject, &subject.status, case.now);
    assert!(cooling.approval.is_none());
    let note = turned(&step, &status, &cooling).unwrap();
    assert!(note.warning && note.text.contains("bob") && note.text.contains("delete"));
    let states: Vec<_> = cooling
        .conditions
        .iter()
        .map(|c| (c.type_.as_str(), c.status.as_str()))
        .collect();
    assert_eq!(
        states,
        [
            ("Ready", "False"),
            ("Reconciling", "True"),
            ("Stalled", "False")
        ]
    );
}
