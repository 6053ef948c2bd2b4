//! Sites whose nodes come when pods wait for them.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

mod common;

use common::*;
use pinisi_planner::Reason;
use pinisi_planner::model::amounts::MilliLoad;
use pinisi_planner::model::site::SiteKind::{Cloud, OnPrem};
use pinisi_planner::model::workload::*;

/// `web` fills home; the cloud is a pool without a node, and a spare site comes last.
fn bed(demand: Demand, provision: i64) -> Cluster {
    let mut w = mass(demand);
    w.placement = Placement::MassTraffic {
        tiers: vec![tier(&["home"]), tier(&["cloud"]), tier(&["spare"])],
    };
    w.legs.insert(name("home"), leg(10));
    let mut cloud = site(Cloud, 0, 0);
    cloud.elastic = Some(elastic(5, 10_000, provision));
    let sites = vec![
        ("home", site(OnPrem, 1, 10_000)),
        ("cloud", cloud),
        ("spare", site(Cloud, 3, 10_000)),
    ];
    Cluster::new(sites, vec![("web", w)])
}

fn specs(c: &Cluster) -> (u32, u32, u32) {
    let spec = |at| c.leg("web", at).spec.get();
    (spec("home"), spec("cloud"), spec("spare"))
}

fn said(c: &Cluster) -> Vec<&'static str> {
    words(c.last.as_ref().unwrap(), "web")
}

#[test]
fn pods_wait_for_their_nodes_as_long_as_those_may_take() {
    let mut c = bed(Demand::Fixed(n(25)), 180);
    c.tick("web", 1);
    assert_eq!(specs(&c), (10, 15, 0));
    c.tick("web", 1);
    let reasons = &c.last.as_ref().unwrap().workloads[&id("web")].reasons;
    let waits = Reason::WaitsForNodes {
        site: name("cloud"),
        pending: n(15),
        // The time that a node takes, and what a pod may be Pending without.
        until: at(200),
    };
    assert!(reasons.contains(&waits), "{reasons:?}");
    for _ in 0..177 {
        assert_eq!(c.tick("web", 1), []);
        assert!(!said(&c).contains(&"PodsPendingTooLong"));
    }
    for _ in 0..12 {
        c.tick("web", 1);
    }
    assert_eq!((specs(&c), c.ready("web")), ((10, 15, 0), 25));
    assert!(!said(&c).contains(&"WaitsForNodes"));
}

#[test]
fn a_pool_that_adds_none_is_given_up_after_that_time() {
    let mut c = bed(Demand::Fixed(n(25)), 60);
    c.dry = vec![name("cloud")];
    for _ in 0..80 {
        c.tick("web", 1);
        assert_eq!(specs(&c), (10, 15, 0));
    }
    c.tick("web", 1);
    assert_eq!(specs(&c), (10, 0, 15));
    assert!(said(&c).contains(&"PodsPendingTooLong"));
}

#[test]
fn no_more_are_asked_for_than_the_pool_can_hold() {
    let mut c = bed(Demand::Fixed(n(70)), 30);
    c.world.sites.get_mut(&name("spare")).unwrap().open = false;
    c.tick("web", 1);
    assert_eq!(specs(&c), (10, 50, 0));
    assert!(said(&c).contains(&"CapacityShort"));
    // While they come, one by one or all, what is promised stays promised once.
    for _ in 0..60 {
        assert_eq!(c.tick("web", 1), []);
    }
    assert_eq!(c.ready("web"), 60);
}

#[test]
fn what_serves_stays_until_the_nodes_have_come() {
    let mut c = bed(Demand::Fixed(n(10)), 60);
    // Home is taken out of the placement: its replicas go once those in the cloud are Ready.
    c.workload("web").placement = Placement::MassTraffic {
        tiers: vec![tier(&["cloud"])],
    };
    for _ in 0..80 {
        c.tick("web", 1);
        assert!(c.ready("web") >= 10);
    }
    assert_eq!((specs(&c), c.ready("web")), ((0, 10, 0), 10));
}

#[test]
fn a_rise_asks_for_nodes_before_home_is_full() {
    let first = |provision: Option<i64>| {
        let mut c = bed(load(1, at(0)), 0);
        // In hundreds, so that the rise is no chance of few requests.
        if let Demand::Load(l) = &mut c.workload("web").demand {
            l.per_replica = MilliLoad(100_000);
        }
        c.world.sites.insert(name("home"), site(OnPrem, 6, 10_000));
        c.world.sites.get_mut(&name("cloud")).unwrap().elastic =
            provision.map(|p| elastic(50, 10_000, p));
        for t in 0..60 {
            c.say("web", 100 * (10 + t));
            c.tick("web", 1);
            let elsewhere = specs(&c).1 + specs(&c).2;
            if elsewhere > 0 {
                return 10 + t;
            }
        }
        60
    };
    // Home holds 60 replicas: with a pool's nodes 60 s away the rise is met earlier.
    let (without, with) = (first(None), first(Some(60)));
    assert!(
        with < 40 && without > 45,
        "at a load of {with} and {without}"
    );
}

#[test]
fn nodes_to_come_are_not_there_though_somebody_was_promised_one() {
    let mut c = bed(Demand::Fixed(n(14)), 60);
    let other = Workload {
        legs: [].into(),
        ..c.workload("web").clone()
    };
    c.world.workloads.insert(id("after"), other);
    c.workload("after").demand = Demand::Fixed(n(3));
    c.pass(1);
    c.pass(1);
    // The node that web's four pods wait for would hold the other's three as well.
    let waits = |workload: &str| {
        let reasons = &c.last.as_ref().unwrap().workloads[&id(workload)].reasons;
        let waits = |r: &Reason| match r {
            Reason::WaitsForNodes { pending, .. } => Some(pending.get()),
            _ => None,
        };
        reasons.iter().find_map(waits)
    };
    assert_eq!((waits("after"), waits("web")), (Some(3), Some(4)));
}
