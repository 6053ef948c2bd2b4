use super::*;
use crate::check::violation::Cause;
use crate::checked::Held;
use crate::testing::at;
use pinisi_crds::sovereignty_violation::ViolationRule;

fn violation(uid: &str) -> Violation {
    Violation {
        rule: ViolationRule::V01,
        cause: Cause::NoSite,
        object: Offender {
            kind: OffenderKind::Pod,
            namespace: "health".into(),
            name: "records".into(),
            uid: uid.into(),
        },
        place: Place::Node(NodePlace {
            node: "n".into(),
            site: Some("s".into()),
            jurisdiction: None,
            seen: None,
            attested: None,
        }),
        policies: vec!["p".into()],
        law: Default::default(),
        notice_hours: Some(72),
        evict: false,
    }
}

fn open(count: usize) -> Violations {
    Violations {
        open: (0..count)
            .map(|n| (format!("v01-{n}"), violation(&n.to_string())))
            .collect(),
        ..Violations::default()
    }
}

/// As the API server has it after a write.
fn taken(violations: &mut Violations, writes: &[Write]) {
    for write in writes {
        let Key::Violation(name) = &write.key else {
            panic!("{write:?}")
        };
        match &write.kind {
            WriteKind::ViolationOpen { spec } => {
                let recorded = Recorded {
                    uid: format!("sv-{name}"),
                    rule: Some(spec.rule),
                    notice_deadline: spec.notice_deadline.as_ref().map(|by| by.0),
                    status: SovereigntyViolationStatus::default(),
                };
                violations.recorded.insert(name.clone(), recorded);
            }
            WriteKind::ViolationStatus { status, .. } => {
                violations.recorded.get_mut(name).unwrap().status = (**status).clone();
            }
            WriteKind::ViolationEvict { at, .. } => {
                violations.recorded.get_mut(name).unwrap().status.evicted_at = Some(Time(*at));
            }
            other => panic!("{other:?}"),
        }
    }
}

fn step(violations: &mut Violations, second: i64) -> Vec<&'static str> {
    let writes = derive(
        violations,
        &mut Evictions::default(),
        at(second),
        Instant::now(),
    );
    taken(violations, &writes);
    writes.iter().map(|write| write.kind.word()).collect()
}

#[test]
fn one_is_written_once_renewed_by_the_hour_ended_once_and_comes_back() {
    let mut violations = open(1);
    assert_eq!(step(&mut violations, 0), ["violation_open"]);
    assert_eq!(step(&mut violations, 1), ["violation_status"]);
    assert!(step(&mut violations, 2).is_empty());
    assert!(step(&mut violations, 3600).is_empty());
    assert_eq!(step(&mut violations, 3601), ["violation_status"]);
    let gone = std::mem::take(&mut violations.open);
    assert_eq!(step(&mut violations, 3700), ["violation_status"]);
    assert_eq!(
        violations.recorded["v01-0"].status.ended_at,
        Some(Time(at(3700)))
    );
    assert!(
        step(&mut violations, 90_000).is_empty(),
        "it stays for people"
    );
    violations.open = gone;
    assert_eq!(step(&mut violations, 90_001), ["violation_status"]);
    assert_eq!(violations.recorded["v01-0"].status.ended_at, None);
}

#[test]
fn the_deadline_is_counted_from_when_it_was_seen() {
    let spec = spec(&violation("u"), at(0));
    let span = SignedDuration::from_hours(72);
    assert_eq!(spec.notice_deadline, Some(Time(at(0) + span)));
    let without = Violation {
        notice_hours: None,
        ..violation("u")
    };
    assert_eq!(super::spec(&without, at(0)).notice_deadline, None);
}

#[test]
fn beyond_the_limit_nothing_is_written_and_ended_ones_count() {
    let mut violations = open(RECORDED_MAX);
    assert_eq!(step(&mut violations, 0).len(), RECORDED_MAX);
    violations.open = (0..3)
        .map(|n| (format!("v01-new-{n}"), violation(&format!("new-{n}"))))
        .collect();
    let words = step(&mut violations, 1);
    assert!(words.iter().all(|word| *word == "violation_status"));
    assert_eq!(violations.unrecorded(), 3);
    violations.recorded.remove("v01-0");
    assert_eq!(step(&mut violations, 2), ["violation_open"]);
}

#[test]
fn evidence_comes_before_eviction_and_so_many_a_minute() {
    let count = EVICTIONS_PER_MINUTE + 3;
    let mut violations = open(count);
    for found in violations.open.values_mut() {
        found.evict = true;
    }
    assert_eq!(step(&mut violations, 0), vec!["violation_open"; count]);
    assert_eq!(step(&mut violations, 1), vec!["violation_status"; count]);
    let (mut evictions, now) = (Evictions::default(), Instant::now());
    let first = derive(&violations, &mut evictions, at(2), now);
    assert_eq!(first.len(), EVICTIONS_PER_MINUTE);
    let again = derive(&violations, &mut evictions, at(3), now);
    assert_eq!(again.len(), first.len(), "what has begun is tried again");
    taken(&mut violations, &first);
    assert!(derive(&violations, &mut evictions, at(4), now).is_empty());
    let later = now + Duration::from_secs(60);
    assert_eq!(derive(&violations, &mut evictions, at(62), later).len(), 3);
}

/// A claim or Service; whoever made it says that it is to be evicted.
fn thing(rule: ViolationRule, cause: Cause, place: Place) -> Violation {
    let mut violation = violation("u");
    violation.object.kind = OffenderKind::of(rule);
    Violation {
        rule,
        cause,
        place,
        evict: true,
        ..violation
    }
}

fn claim() -> Violation {
    let cause = Cause::StorageClass {
        class: "gp3".into(),
        policy: None,
    };
    let place = Place::Storage {
        class: "gp3".into(),
        volume: "pv-1".into(),
    };
    thing(ViolationRule::V03, cause, place)
}

fn service() -> Violation {
    let exposed_by = "NodePort";
    let place = Place::Outside { exposed_by };
    thing(ViolationRule::V04, Cause::NodePort, place)
}

#[test]
fn claims_and_services_are_written_down_and_never_taken_away() {
    let mut violations = Violations {
        open: [("v03-u".into(), claim()), ("v04-u".into(), service())].into(),
        ..Violations::default()
    };
    assert_eq!(step(&mut violations, 0), vec!["violation_open"; 2]);
    assert_eq!(step(&mut violations, 1), vec!["violation_status"; 2]);
    assert!(step(&mut violations, 2).is_empty(), "nor is it evicted");
    violations.open.clear();
    assert_eq!(step(&mut violations, 3), vec!["violation_status"; 2]);
    assert!(step(&mut violations, 4).is_empty());
}

#[test]
fn object_and_place_are_written_as_they_are() {
    let pod = spec(&violation("u"), at(0));
    assert_eq!(pod.place.node.as_deref(), Some("n"));
    assert_eq!(pod.place.words.as_deref(), Some("node n of Site s"));
    let claim = spec(&claim(), at(0));
    assert_eq!(
        claim.object.path,
        "PersistentVolumeClaim health/records".to_owned()
    );
    assert_eq!(claim.object.kind, "PersistentVolumeClaim");
    let expected = ViolationPlace {
        words: Some("volume pv-1 of storage class gp3".into()),
        storage_class: Some("gp3".into()),
        volume: Some("pv-1".into()),
        ..ViolationPlace::default()
    };
    assert_eq!(claim.place, expected);
    let service = spec(&service(), at(0));
    assert_eq!(service.object.kind, "Service");
    let expected = ViolationPlace {
        words: Some("NodePort".into()),
        exposed_by: Some("NodePort".into()),
        ..ViolationPlace::default()
    };
    assert_eq!(service.place, expected);
}

#[test]
fn what_nobody_can_see_is_neither_ended_nor_renewed() {
    let mut violations = Violations {
        open: [("v03-u".into(), claim())].into(),
        ..Violations::default()
    };
    step(&mut violations, 0);
    step(&mut violations, 1);
    violations.open.clear();
    let held = Held {
        rule: ViolationRule::V03,
        site: None,
        policies: vec![],
        message: String::new(),
    };
    violations.held.insert("v03-u".into(), held);
    assert!(step(&mut violations, 90_000).is_empty());
    violations.held.clear();
    assert_eq!(step(&mut violations, 90_001), ["violation_status"]);
}
