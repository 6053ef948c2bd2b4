//! What back ends and outside quotas cannot serve is not paid for: the registration of 2020 in Central
//! Java, where an identity check allowed 300,000 calls a day and 501,665 visits came by 14:30.

#![allow(clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation)]

mod common;

use common::*;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use pinisi_planner::memory::Spent;
use pinisi_planner::model::amounts::{MilliLoad, Percent};
use pinisi_planner::model::dependency::{DayQuota, Dependency, MilliCalls, Spread, Supplier};
use pinisi_planner::model::site::SiteKind::{Cloud, OnPrem};
use pinisi_planner::model::workload::*;
use pinisi_planner::reason::Takes;
use pinisi_planner::{Decision, Reason};

/// What the plan said about one dependency.
struct Said {
    served: u64,
    wanted: u64,
    need: u32,
    to: u32,
    takes: Takes,
    text: String,
}

fn said(decision: &Decision) -> Option<Said> {
    decision.reasons.iter().find_map(|reason| match reason {
        Reason::Bottlenecked {
            dependency: _,
            served,
            wanted,
            need,
            to,
            takes,
        } => Some(Said {
            served: served.0 / 1000,
            wanted: wanted.0 / 1000,
            need: need.get(),
            to: to.get(),
            takes: takes.clone(),
            text: reason.to_string(),
        }),
        _ => None,
    })
}

fn decision(c: &Cluster) -> &Decision {
    &c.last.as_ref().unwrap().workloads[&id("web")]
}

fn on(name: &str, calls: u64, supplier: Supplier) -> Dependency {
    Dependency {
        name: name.into(),
        calls: MilliCalls(calls),
        supplier,
    }
}

/// A load that one replica serves `units` of, with a window that does not outlast a step.
fn following(units: u64, min: u32, max: u32) -> Demand {
    Demand::Load(LoadDemand {
        min: n(min),
        max: n(max),
        per_replica: MilliLoad(units * 1000),
        headroom: Percent::new(10),
        scale_down_window: Some(secs(0)),
        signal: Signal::Missing(SignalFault::NotAskedYet),
        start_up: secs(2),
        forecast: false,
    })
}

/// Home with 16 cores, a cloud with 100, `web` that serves 10 a replica, and `records` at home that
/// serves 10 a replica and may have 5.
fn two(dependency: Dependency) -> Cluster {
    let mut web = mass(following(10, 2, 100));
    web.legs.insert(name("home"), leg(2));
    web.depends = vec![dependency];
    let mut records = sensitive(&["home"], following(10, 1, 5));
    records.request = cpu(500);
    records.legs.insert(name("home"), leg(1));
    Cluster::new(
        vec![
            ("home", site(OnPrem, 4, 4000)),
            ("cloud", site(Cloud, 10, 10_000)),
        ],
        vec![("web", web), ("records", records)],
    )
}

fn run(c: &mut Cluster, seconds: u64, load: u64) {
    for _ in 0..seconds {
        c.say("web", load);
        c.say("records", load);
        c.pass(1);
    }
}

#[test]
fn a_back_end_at_home_bounds_what_stands_before_it() {
    let mut c = two(on("records", 1000, Supplier::Workload(id("records"))));
    run(&mut c, 30, 30);
    assert_eq!(
        (c.ready("web"), said(decision(&c)).is_none()),
        (4, true),
        "30 are served"
    );
    run(&mut c, 60, 300);
    let said = said(decision(&c)).unwrap();
    assert_eq!((said.served, said.wanted, said.to), (50, 300, 5));
    assert_eq!(
        c.ready("web"),
        5,
        "5 replicas of records serve 50, and 5 of web do"
    );
    assert_eq!(c.leg("web", "cloud").spec, n(0), "nothing is paid for");
    let Takes::Replicas {
        workload,
        can_have,
        needed,
    } = &said.takes
    else {
        panic!("{:?}", said.takes);
    };
    assert_eq!(
        (workload.name.as_str(), can_have.get(), needed.get()),
        ("records", 5, 30)
    );
    for word in [
        "records lets 50 of 300",
        "ns/records can have 5",
        "take 30",
        "spec.autoscaling.maxReplicas",
    ] {
        assert!(
            said.text.contains(word),
            "{word:?} is not in {:?}",
            said.text
        );
    }
    // With more of it, more is made.
    let Demand::Load(load) = &mut c.workload("records").demand else {
        panic!();
    };
    load.max = n(8);
    run(&mut c, 60, 300);
    assert_eq!(c.ready("web"), 8);
}

#[test]
fn a_back_end_without_room_is_no_more_than_its_room() {
    let mut c = two(on("records", 1000, Supplier::Workload(id("records"))));
    let Demand::Load(load) = &mut c.workload("records").demand else {
        panic!();
    };
    load.max = n(100);
    run(&mut c, 90, 400);
    // Whatever it wants: it has what fits beside the others at home.
    let records = c.leg("records", "home");
    assert_eq!(records.spec, records.ready);
    assert!(
        c.ready("web") <= records.ready.get(),
        "{} before {records:?}",
        c.ready("web")
    );
    assert!(
        said(decision(&c))
            .unwrap()
            .text
            .contains("make room for it")
    );
}

#[test]
fn two_before_one_back_end_share_it_by_priority() {
    let mut c = two(on("records", 1000, Supplier::Workload(id("records"))));
    let mut api = c.world.workloads[&id("web")].clone();
    api.priority = 1;
    c.world.workloads.insert(id("api"), api);
    for _ in 0..40 {
        c.say("api", 30);
        run(&mut c, 1, 300);
    }
    let of = |w: &str| c.last.as_ref().unwrap().workloads[&id(w)].want.get();
    assert_eq!(
        (of("api"), of("web")),
        (4, 2),
        "30 of 50 are the first one's"
    );
}

#[test]
fn a_quota_a_second_and_calls_that_are_not_one_a_request() {
    // 40 calls a second; two requests make 5 of them: 16 requests are served.
    let mut c = two(on("sms", 2500, Supplier::PerSecond(MilliLoad(40_000))));
    run(&mut c, 40, 200);
    let said = said(decision(&c)).unwrap();
    assert_eq!((said.served, said.wanted, said.to), (16, 200, 2));
    assert!(matches!(said.takes, Takes::PerSecond { needed, .. } if needed == MilliLoad(500_000)));
}

#[test]
fn nothing_shrinks_while_the_signal_is_lost_and_minimum_is_kept() {
    let mut c = two(on("sms", 1000, Supplier::PerSecond(MilliLoad::MAX)));
    run(&mut c, 40, 200);
    let before = c.ready("web");
    assert_eq!(before, 22);
    c.workload("web").depends = vec![on("sms", 1000, Supplier::PerSecond(MilliLoad(0)))];
    with_signal(c.workload("web"), Signal::Missing(SignalFault::NoSeries));
    for _ in 0..20 {
        c.pass(1);
    }
    assert_eq!(c.ready("web"), before, "held");
    run(&mut c, 40, 200);
    assert_eq!(
        (c.ready("web"), decision(&c).want),
        (2, n(2)),
        "minReplicas"
    );
}

/// Jakarta's clock on the day of the registration.
fn jakarta(clock: &str) -> Timestamp {
    let civil: jiff::civil::DateTime = format!("2020-06-17T{clock}").parse().unwrap();
    civil
        .to_zoned(TimeZone::fixed(jiff::tz::offset(7)))
        .unwrap()
        .timestamp()
}

/// 501,665 visits between 07:00, when the registration opened, and 14:30 are 18.58 a second. Each
/// asks the identity check once. A replica serves 0.5 a second (a registration takes minutes).
const VISITS: u64 = 501_665;
const BY: (&str, &str) = ("07:00:00", "14:30:00");

fn registration(spread: Spread) -> Cluster {
    let quota = DayQuota {
        limit: MilliCalls(300_000_000),
        start: jakarta("00:00:00"),
        end: jakarta("00:00:00").saturating_add(secs(86_400)).unwrap(),
        spread,
    };
    let mut c = two(on("nik-verify", 1000, Supplier::PerDay(quota)));
    let Demand::Load(load) = &mut c.workload("web").demand else {
        panic!();
    };
    load.per_replica = MilliLoad(500);
    c.now = jakarta("06:59:00");
    c
}

fn load() -> MilliLoad {
    let seconds = jakarta(BY.1).duration_since(jakarta(BY.0)).as_secs();
    MilliLoad(VISITS * 1000 / u64::try_from(seconds).unwrap())
}

/// Lets it run to a time of day, a plan every `step` seconds.
fn until(c: &mut Cluster, clock: &str, load: MilliLoad, step: i64) {
    while c.now < jakarta(clock) {
        let at = c.now;
        with_signal(c.workload("web"), Signal::Fresh { load, at });
        c.pass(step);
    }
}

fn spent(c: &Cluster) -> Spent {
    c.memory.workloads[&id("web")].decisions.spent["nik-verify"].clone()
}

fn day(said: &Said) -> (u64, Option<Timestamp>, u64) {
    match said.takes {
        Takes::PerDay {
            spent,
            gone,
            needed,
            ..
        } => (spent.0 / 1000, gone, needed.0 / 1000),
        Takes::Replicas { .. } | Takes::PerSecond { .. } => panic!("{}", said.text),
    }
}

#[test]
fn the_identity_check_of_2020_is_named_before_a_web_pod_is_added() {
    let mut c = registration(Spread::Evenly);
    until(&mut c, BY.0, MilliLoad(0), 5);
    assert!(said(decision(&c)).is_none());
    // The first plan that sees the visitors.
    until(&mut c, "07:00:01", load(), 1);
    let first = said(decision(&c)).unwrap();
    assert!(
        first
            .text
            .contains("nik-verify lets 4.901 of 18.580 be served"),
        "{}",
        first.text
    );
    let (spent_so_far, gone, needed) = day(&first);
    assert_eq!(spent_so_far, 0);
    // 300,000 at 18.58 a second are 16,146 s.
    assert_eq!(gone, Some(jakarta("11:29:06")));
    assert_eq!(needed, 1_137_096, "18.58 a second for 17 hours");
    assert!(
        first.text.contains("2020-06-17T04:29:06Z") && first.text.contains("1137096"),
        "{}",
        first.text
    );
    // 4.9 a second is 10 replicas; load alone asks for 41.
    assert_eq!((first.need, first.to), (41, 10));
    assert_eq!(decision(&c).want, n(10));

    // So it stays until half past two, and home has room for them all.
    until(&mut c, BY.1, load(), 60);
    assert_eq!(c.leg("web", "cloud").spec, n(0), "nothing is paid for");
    assert!(decision(&c).want <= n(11), "{}", decision(&c).want);
    let spent = spent(&c).calls.0 / 1000;
    // 7.5 hours of at most 5 a second.
    assert!((100_000..=135_000).contains(&spent), "{spent}");
}

#[test]
fn spent_as_needed_it_is_named_at_once_and_pods_go_when_it_is_gone() {
    let mut c = registration(Spread::AsNeeded);
    until(&mut c, BY.0, MilliLoad(0), 5);
    until(&mut c, "07:00:01", load(), 1);
    let first = said(decision(&c)).unwrap();
    assert_eq!((first.need, first.to), (41, 41), "it lasts for hours yet");
    assert_eq!(day(&first).1, Some(jakarta("11:29:06")));
    until(&mut c, "10:00:00", load(), 10);
    assert_eq!(decision(&c).want, n(41));
    let spent_by_ten = spent(&c).calls.0 / 1000;
    assert!(
        (195_000..=201_000).contains(&spent_by_ten),
        "{spent_by_ten}"
    );
    // Towards the end it is promised no faster than within an hour, and nothing outlives it.
    until(&mut c, "11:30:00", load(), 10);
    let late = decision(&c).want;
    assert!(late < n(30), "{late}");
    until(&mut c, BY.1, load(), 10);
    let last = said(decision(&c)).unwrap();
    assert_eq!(c.leg("web", "cloud").spec, n(0), "{}", last.text);
    // Only minReplicas go on asking, one call a second for three hours.
    let over = spent(&c).calls.minus(MilliCalls(300_000_000));
    assert!(over <= MilliCalls(11_000_000), "{over}");
    // At midnight there is a new one.
    let Supplier::PerDay(quota) = &mut c.workload("web").depends[0].supplier else {
        panic!();
    };
    (quota.start, quota.end) = (quota.end, quota.end.saturating_add(secs(86_400)).unwrap());
    c.now = quota.start;
    let at = c.now.saturating_add(secs(60)).unwrap();
    while c.now < at {
        let now = c.now;
        with_signal(
            c.workload("web"),
            Signal::Fresh {
                load: load(),
                at: now,
            },
        );
        c.pass(1);
    }
    assert_eq!(
        decision(&c).want,
        n(41),
        "{:?} {:?}",
        decision(&c).reasons,
        spent(&c)
    );
}

#[test]
fn a_restart_knows_what_was_spent_and_a_gap_counts_in_full() {
    let mut c = registration(Spread::AsNeeded);
    until(&mut c, BY.0, MilliLoad(0), 5);
    until(&mut c, "08:00:00", load(), 10);
    let before = spent(&c);
    // An hour in which no operator ran: its decisions are all that is left.
    let decisions = c.memory.workloads[&id("web")].decisions.clone();
    c.memory = pinisi_planner::Memory::default();
    c.memory.workloads.entry(id("web")).or_default().decisions = decisions;
    c.now = jakarta("09:00:00");
    until(&mut c, "09:00:01", load(), 1);
    let after = spent(&c);
    let gap = after.calls.minus(before.calls).0 / 1000;
    assert!(
        (66_000..=67_100).contains(&gap),
        "an hour of 18.58 a second: {gap}"
    );
    assert_eq!(after.since, before.since);
    // Without any memory it is counted from now on, and that is said.
    c.memory = pinisi_planner::Memory::default();
    let now = c.now;
    until(&mut c, "09:00:02", load(), 1);
    assert_eq!((spent(&c).since, spent(&c).calls), (now, MilliCalls(0)));
    let text = said(decision(&c)).unwrap().text;
    assert!(
        text.contains("as counted since 2020-06-17T02:00:01Z"),
        "{text}"
    );
}

#[test]
fn two_workloads_under_one_name_spend_one_quota() {
    let mut c = registration(Spread::Evenly);
    let mut api = c.world.workloads[&id("web")].clone();
    api.legs.clear();
    api.legs.insert(name("home"), leg(2));
    c.world.workloads.insert(id("api"), api);
    let at = jakarta("07:00:00");
    c.now = at;
    for w in ["api", "web"] {
        with_signal(
            c.workload(w),
            Signal::Fresh {
                load: MilliLoad(4000),
                at,
            },
        );
    }
    c.pass(1);
    let of = |w: &str| c.last.as_ref().unwrap().workloads[&id(w)].want;
    // 4.9 a second are left for both: the first by name has its 4, the other 0.9.
    assert_eq!((of("api"), of("web")), (n(9), n(2)));
}
