//! What is said of a decision, by example.

use super::*;
use crate::testing;
use pinisi_planner::model::amounts::MilliLoad;
use pinisi_planner::model::budget::BudgetName;
use pinisi_planner::model::dependency::{Dependency, MilliCalls, Supplier};
use pinisi_planner::model::money::Currency;
use pinisi_planner::model::price::PerHour;
use pinisi_planner::model::quota::{Limit, QuotaResource};
use pinisi_planner::model::site::SiteName;
use pinisi_planner::model::workload::{SignalFault, WorkloadId};
use pinisi_planner::reason::Takes;

fn said(decision: &Decision, errors: &[ActError]) -> Vec<(&'static str, &'static str, String)> {
    planned(
        &testing::subject(),
        &testing::workload(3, 0),
        decision,
        errors,
        &GuardState::InPlace,
    )
    .into_iter()
    .map(|said| (said.kind, said.word(), said.reason))
    .collect()
}

fn one(decision: &Decision, errors: &[ActError], kind: &str) -> (&'static str, String) {
    said(decision, errors)
        .into_iter()
        .find(|said| said.0 == kind)
        .map(|said| (said.1, said.2))
        .unwrap()
}

#[test]
fn all_is_well() {
    let decision = testing::decision((3, 3), (0, 0), vec![], vec![]);
    let words: Vec<_> = said(&decision, &[])
        .into_iter()
        .map(|said| (said.0, said.1))
        .collect();
    assert_eq!(
        words,
        [
            ("Ready", "True"),
            ("Reconciling", "False"),
            ("Stalled", "False"),
            ("Overflowing", "False"),
            ("CapacityShort", "False"),
            ("BudgetLimited", "False"),
            ("Contested", "False"),
            ("ScalingActive", "True"),
        ]
    );
}

#[test]
fn a_surplus_at_one_site_does_not_hide_a_lack_at_another() {
    let decision = testing::decision((3, 1), (2, 9), vec![], vec![]);
    assert_eq!(
        one(&decision, &[], "Ready"),
        ("False", "ReplicasNotReady".into())
    );
}

#[test]
fn shortage_overflow_and_a_lost_signal_are_said() {
    let reasons = vec![
        Reason::Short {
            want: Replicas::new(9),
            placed: Replicas::new(7),
        },
        Reason::Overflow {
            from: SiteName::new("home"),
            to: SiteName::new("cloud"),
            replicas: Replicas::new(2),
        },
        Reason::NoSignal(SignalFault::NoSeries),
    ];
    let decision = testing::decision((5, 5), (2, 2), reasons, vec![]);
    assert_eq!(
        one(&decision, &[], "Ready"),
        ("False", "CapacityShort".into())
    );
    assert_eq!(
        one(&decision, &[], "CapacityShort"),
        ("True", "CapacityShort".into())
    );
    assert_eq!(
        one(&decision, &[], "Overflowing"),
        ("True", "HomeAboveHighWatermark".into())
    );
    assert_eq!(
        one(&decision, &[], "ScalingActive"),
        ("False", "SignalHasNoSeries".into())
    );
}

#[test]
fn who_makes_way_for_whom_is_said() {
    let home = SiteName::new("home");
    let displaced = Reason::Displaced {
        site: home.clone(),
        by: WorkloadId {
            namespace: "citizen-records".into(),
            name: "records".into(),
        },
        replicas: Replicas::new(3),
        nowhere: Replicas::new(1),
    };
    let decision = testing::decision((3, 3), (2, 2), vec![displaced], vec![]);
    for condition in ["Reconciling", "Overflowing"] {
        assert_eq!(one(&decision, &[], condition), ("True", "Displaced".into()));
    }
    let text = overflowing(&testing::workload(3, 2), &decision).message;
    assert_eq!(
        text,
        "3 leave home to make way for citizen-records/records, 1 with no other place: add nodes or another tier"
    );
    let waits = Reason::WaitsForRoom {
        site: home,
        leaving: Replicas::new(3),
    };
    let decision = testing::decision((3, 3), (0, 0), vec![waits], vec![]);
    assert_eq!(
        one(&decision, &[], "Reconciling"),
        ("True", "WaitsForRoom".into())
    );
}

#[test]
fn what_money_keeps_back_is_no_shortage_of_nodes() {
    let reasons = vec![Reason::BudgetLimited {
        budget: BudgetName::new("public"),
        want: Replicas::new(9),
        placed: Replicas::new(7),
        missing: Replicas::new(2),
        currency: Currency::parse("IDR").unwrap(),
        per_hour: PerHour::new("1300".parse().unwrap()),
    }];
    let decision = testing::decision((5, 5), (2, 2), reasons, vec![]);
    let word = "BudgetLimited".to_owned();
    assert_eq!(one(&decision, &[], "BudgetLimited"), ("True", word.clone()));
    assert_eq!(one(&decision, &[], "Ready"), ("False", word));
    assert_eq!(one(&decision, &[], "CapacityShort").0, "False");
    let settled = testing::decision((5, 5), (2, 2), vec![], vec![]);
    assert_eq!(one(&settled, &[], "BudgetLimited").0, "False");
}

#[test]
fn a_full_quota_is_named_and_stalls_only_what_finds_no_other_place() {
    let full = Reason::QuotaFull {
        site: SiteName::new("cloud"),
        limit: Limit {
            quota: "shop/small".into(),
            resource: QuotaResource::Cpu,
        },
    };
    let mut reasons = vec![full];
    let decision = testing::decision((3, 3), (2, 2), reasons.clone(), vec![]);
    let word = "RemoteQuotaFull".to_owned();
    assert_eq!(one(&decision, &[], "Stalled"), ("False", word.clone()));
    reasons.push(Reason::Short {
        want: Replicas::new(9),
        placed: Replicas::new(5),
    });
    let decision = testing::decision((3, 3), (2, 2), reasons, vec![]);
    assert_eq!(one(&decision, &[], "Stalled"), ("True", word));
    let text = stalled(&testing::subject(), &decision, &[]).message;
    for part in ["cloud", "shop/small", "requests.cpu", "spec.hard"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn a_refused_write_stalls_with_the_servers_words() {
    let decision = testing::decision((3, 3), (0, 0), vec![], vec![]);
    let errors = [ActError::Invalid("quota exceeded".into())];
    assert_eq!(
        one(&decision, &errors, "Stalled"),
        ("True", "WriteRefused".into())
    );
    assert_eq!(
        one(&decision, &errors, "Ready"),
        ("False", "WriteRefused".into())
    );
}

#[test]
fn a_sensitive_pod_abroad_is_said_above_all_of_the_guard() {
    let mut subject = testing::subject();
    subject.class = Class::Sensitive;
    let guarded = |subject: &WorkloadSubject, state| {
        guarded(subject, &state)
            .map(|said| (said.word(), said.reason))
            .unwrap()
    };
    assert_eq!(
        guarded(&subject, GuardState::InPlace),
        ("True", "GuardInPlace".into())
    );
    assert_eq!(
        guarded(&subject, GuardState::Missing("no".into())),
        ("False", "GuardNotInPlace".into())
    );
    subject
        .off_lawful_nodes
        .push(("p".into(), "cloud-1".into()));
    assert_eq!(
        guarded(&subject, GuardState::InPlace),
        ("False", "PodsOffLawfulNodes".into())
    );
}

#[test]
fn a_bottleneck_is_said_where_there_is_something_to_depend_on() {
    let reason = Reason::Bottlenecked {
        dependency: "sms".into(),
        served: MilliLoad(50_000),
        wanted: MilliLoad(90_000),
        need: Replicas::new(9),
        to: Replicas::new(5),
        takes: Takes::PerSecond {
            limit: MilliLoad(50_000),
            needed: MilliLoad(90_000),
        },
    };
    let decision = testing::decision((5, 5), (0, 0), vec![reason], vec![]);
    let mut world = testing::workload(5, 0);
    let bottlenecked = |world: &Workload, decision: &Decision| {
        let guard = GuardState::InPlace;
        let all = planned(&testing::subject(), world, decision, &[], &guard);
        all.into_iter().find(|said| said.kind == "Bottlenecked")
    };
    assert_eq!(bottlenecked(&world, &decision), None);
    world.depends.push(Dependency {
        name: "sms".into(),
        calls: MilliCalls(1000),
        supplier: Supplier::PerSecond(MilliLoad(50_000)),
    });
    let said = bottlenecked(&world, &decision).unwrap();
    assert_eq!((said.word(), said.reason.as_str()), ("True", "QuotaFull"));
    assert_eq!(
        said.message,
        "sms lets 50 of 90 be served: its quota is 50 calls a second and it would take 90; ask for more of it, or call it less often; until then 5 replicas instead of 9"
    );
    let fine = testing::decision((5, 5), (0, 0), vec![], vec![]);
    assert_eq!(bottlenecked(&world, &fine).unwrap().word(), "False");
}
