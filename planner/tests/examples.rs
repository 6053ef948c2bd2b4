//! What the planner does, case by case, to be read.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

mod common;

use common::*;
use pinisi_planner::model::World;
use pinisi_planner::model::amounts::{MilliLoad, Percent, Replicas};
use pinisi_planner::model::site::SiteKind::{Cloud, OnPrem};
use pinisi_planner::model::workload::*;
use pinisi_planner::{Memory, Plan, plan};

fn one(home: usize, cloud: usize, w: Workload) -> World {
    let sites = vec![
        ("home", site(OnPrem, home, 10_000)),
        ("cloud", site(Cloud, cloud, 10_000)),
    ];
    Cluster::new(sites, vec![("web", w)]).world
}

fn fresh(world: &World) -> Plan {
    plan(world, &Memory::default(), at(0))
}

#[test]
fn a_load_of_46_fold_gets_its_count_in_one_plan() {
    let mut w = mass(load(46, at(0)));
    w.legs.insert(name("home"), leg(1));
    let made = fresh(&one(3, 10, w));
    // 46 units with 10 % on top, rounded up.
    assert_eq!(made.workloads[&id("web")].want, n(51));
    assert_eq!(
        (
            desired(&made, "web", "home"),
            desired(&made, "web", "cloud")
        ),
        (30, 21)
    );
    assert_eq!(words(&made, "web"), ["HomeAboveHighWatermark", "LoadNeeds"]);
}

#[test]
fn home_fills_to_its_high_watermark_then_cloud_then_home_above_it() {
    let mut world = one(1, 1, mass(Demand::Fixed(n(12))));
    world.sites.get_mut(&name("home")).unwrap().high = Percent::new(80);
    world.sites.get_mut(&name("cloud")).unwrap().high = Percent::new(50);
    assert_eq!(
        (
            desired(&fresh(&world), "web", "home"),
            desired(&fresh(&world), "web", "cloud")
        ),
        (8, 4)
    );
    world.workloads.get_mut(&id("web")).unwrap().demand = Demand::Fixed(n(16));
    assert_eq!(
        (
            desired(&fresh(&world), "web", "home"),
            desired(&fresh(&world), "web", "cloud")
        ),
        (10, 6)
    );
    world.workloads.get_mut(&id("web")).unwrap().demand = Demand::Fixed(n(25));
    let made = fresh(&world);
    assert_eq!(
        (
            desired(&made, "web", "home"),
            desired(&made, "web", "cloud")
        ),
        (10, 10)
    );
    assert_eq!(words(&made, "web")[0], "CapacityShort");
    assert!(
        made.workloads[&id("web")].reasons[0]
            .to_string()
            .contains("20 of 25 placed, 5 short")
    );
}

#[test]
fn room_is_what_fits_whole_on_one_node() {
    let mut w = mass(Demand::Fixed(n(100)));
    w.request = cpu(6000); // one a node of 10 000, though two nodes have 8 000 left over
    let made = fresh(&one(2, 1, w));
    assert_eq!(
        (
            desired(&made, "web", "home"),
            desired(&made, "web", "cloud")
        ),
        (2, 1)
    );
}

#[test]
fn sensitive_takes_room_first_and_mass_leaves_the_reserve() {
    let mut world = one(1, 1, mass(Demand::Fixed(n(9))));
    world
        .workloads
        .insert(id("records"), sensitive(&["home"], Demand::Fixed(n(4))));
    world.sites.get_mut(&name("home")).unwrap().reserve = cpu(5000);
    let made = fresh(&world);
    assert_eq!(desired(&made, "records", "home"), 4);
    // 10 - 4 that Sensitive holds - 5 that stay free for its growth.
    assert_eq!(
        (
            desired(&made, "web", "home"),
            desired(&made, "web", "cloud")
        ),
        (1, 8)
    );
}

#[test]
fn higher_priority_is_served_first() {
    let mut world = one(1, 0, mass(Demand::Fixed(n(8))));
    let vip = Workload {
        priority: 5,
        ..mass(Demand::Fixed(n(8)))
    };
    world.workloads.insert(id("zz-vip"), vip);
    let made = fresh(&world);
    assert_eq!(
        (
            desired(&made, "zz-vip", "home"),
            desired(&made, "web", "home")
        ),
        (8, 2)
    );
}

#[test]
fn sensitive_fails_in_place() {
    let made = fresh(&one(1, 9, sensitive(&["home"], Demand::Fixed(n(50)))));
    assert_eq!(
        (
            desired(&made, "web", "home"),
            desired(&made, "web", "cloud")
        ),
        (10, 0)
    );
    assert_eq!(words(&made, "web"), ["CapacityShort", "SetByHand"]);
}

#[test]
fn site_max_caps_all_workloads_together() {
    let mut world = one(0, 9, mass(Demand::Fixed(n(5))));
    world
        .workloads
        .insert(id("other"), mass(Demand::Fixed(n(5))));
    world.sites.get_mut(&name("cloud")).unwrap().max = Some(cpu(7000));
    world
        .sites
        .get_mut(&name("cloud"))
        .unwrap()
        .max
        .as_mut()
        .unwrap()
        .bytes = u64::MAX;
    let made = fresh(&world);
    assert_eq!(
        (
            desired(&made, "other", "cloud"),
            desired(&made, "web", "cloud")
        ),
        (5, 2)
    );
}

#[test]
fn a_tier_gets_its_minimum_and_no_more_than_its_maximum() {
    let mut w = mass(Demand::Fixed(n(6)));
    let Placement::MassTraffic { tiers } = &mut w.placement else {
        unreachable!()
    };
    tiers[1].min = n(2);
    let mut world = one(1, 1, w);
    let made = fresh(&world);
    assert_eq!(
        (
            desired(&made, "web", "home"),
            desired(&made, "web", "cloud")
        ),
        (4, 2)
    );
    let Placement::MassTraffic { tiers } =
        &mut world.workloads.get_mut(&id("web")).unwrap().placement
    else {
        unreachable!()
    };
    tiers[1].min = n(0);
    tiers[0].max = n(3);
    let made = fresh(&world);
    assert_eq!(
        (
            desired(&made, "web", "home"),
            desired(&made, "web", "cloud")
        ),
        (3, 3)
    );
}

#[test]
fn a_new_tier_minimum_is_made_before_home_gives_up_its_own() {
    let mut w = mass(Demand::Fixed(n(6)));
    w.legs.insert(name("home"), leg(6));
    let Placement::MassTraffic { tiers } = &mut w.placement else {
        unreachable!()
    };
    tiers[1].min = n(2);
    let sites = vec![
        ("home", site(OnPrem, 1, 10_000)),
        ("cloud", site(Cloud, 1, 10_000)),
    ];
    let mut c = Cluster::new(sites, vec![("web", w)]);
    for _ in 0..30 {
        c.tick("web", 1);
        assert!(c.ready("web") >= 6);
    }
    assert_eq!(
        (c.leg("web", "home").spec, c.leg("web", "cloud").spec),
        (n(4), n(2))
    );
}

#[test]
fn a_closed_site_keeps_what_runs_and_takes_nothing() {
    let mut w = mass(Demand::Fixed(n(6)));
    w.legs.insert(name("home"), leg(3));
    let mut world = one(1, 1, w);
    world.sites.get_mut(&name("home")).unwrap().open = false;
    let made = fresh(&world);
    assert_eq!(
        (
            desired(&made, "web", "home"),
            desired(&made, "web", "cloud")
        ),
        (3, 3)
    );
    assert_eq!(words(&made, "web")[0], "SiteClosed");
}

#[test]
fn pods_that_stay_pending_go_on_to_the_next_tier() {
    let sites = vec![
        ("home", site(OnPrem, 1, 10_000)),
        ("cloud", site(Cloud, 2, 10_000)),
    ];
    let mut c = Cluster::new(sites, vec![("web", mass(Demand::Fixed(n(5))))]);
    c.stuck = vec![name("home")];
    for _ in 0..19 {
        c.tick("web", 1);
    }
    assert_eq!(c.leg("web", "home").spec, n(5));
    let mut blocked_said = false;
    for _ in 0..12 {
        c.tick("web", 1);
        blocked_said |= words(c.last.as_ref().unwrap(), "web").contains(&"PodsPendingTooLong");
    }
    assert!(blocked_said);
    assert_eq!(
        (
            c.leg("web", "home").spec,
            c.leg("web", "cloud").spec,
            c.ready("web")
        ),
        (n(0), n(5), 5)
    );
}

#[test]
fn a_site_taken_out_of_the_placement_is_left_only_when_the_rest_is_ready() {
    let mut w = mass(Demand::Fixed(n(6)));
    w.legs.insert(name("old"), leg(6));
    let sites = vec![
        ("home", site(OnPrem, 1, 10_000)),
        ("cloud", site(Cloud, 1, 10_000)),
        ("old", site(Cloud, 1, 10_000)),
    ];
    let mut c = Cluster::new(sites, vec![("web", w)]);
    for _ in 0..30 {
        c.tick("web", 1);
        assert!(c.ready("web") >= 6);
    }
    assert_eq!(
        (c.leg("web", "home").spec, c.leg("web", "old").spec),
        (n(6), n(0))
    );
}

#[test]
fn an_override_is_a_persons_word_until_it_ends() {
    let mut w = mass(load(5, at(0)));
    w.legs.insert(name("home"), leg(5));
    w.override_ = Some(Override {
        total: Some(n(9)),
        sites: [(name("cloud"), n(7)), (name("elsewhere"), n(4))]
            .into_iter()
            .collect(),
        until: at(100),
    });
    with_signal(&mut w, Signal::Missing(SignalFault::NoSeries));
    let world = one(1, 1, w);
    let made = fresh(&world);
    assert_eq!(
        (
            desired(&made, "web", "home"),
            desired(&made, "web", "cloud")
        ),
        (2, 7)
    );
    assert_eq!(made.workloads[&id("web")].shares.len(), 2);
    assert_eq!(words(&made, "web")[0], "Overridden");
    let after = plan(&world, &Memory::default(), at(100));
    assert_eq!(
        (
            desired(&after, "web", "home"),
            desired(&after, "web", "cloud")
        ),
        (5, 0)
    );
}

#[test]
fn an_override_cannot_take_a_sensitive_workload_abroad() {
    let mut w = sensitive(&["home"], Demand::Fixed(n(3)));
    w.override_ = Some(Override {
        total: None,
        sites: [(name("cloud"), n(3))].into(),
        until: at(100),
    });
    let made = fresh(&one(1, 1, w));
    assert_eq!(made.workloads[&id("web")].shares.len(), 1);
    assert_eq!(desired(&made, "web", "home"), 3);
}

#[test]
fn modes_hold_and_observe() {
    let mut w = mass(Demand::Fixed(n(8)));
    w.legs.insert(name("home"), leg(3));
    w.mode = Mode::Paused;
    let mut world = one(1, 1, w);
    let paused = fresh(&world);
    assert_eq!(
        (desired(&paused, "web", "home"), words(&paused, "web")[0]),
        (3, "Paused")
    );
    world.workloads.get_mut(&id("web")).unwrap().mode = Mode::Observe;
    let observed = fresh(&world);
    assert_eq!(desired(&observed, "web", "home"), 8);
    assert_eq!(words(&observed, "web").last(), Some(&"Observed"));
    for made in [&paused, &observed] {
        assert!(made.workloads[&id("web")].steps.is_empty());
        assert!(made.memory.workloads[&id("web")].decisions.sites.is_empty());
    }
}

#[test]
fn an_untouched_count_is_never_written_but_its_shortage_is_said() {
    let mut w = sensitive(&["home"], Demand::Untouched);
    w.legs.insert(
        name("home"),
        Leg {
            foreign_writer: Some("kubectl".into()),
            ..leg(14)
        },
    );
    let made = fresh(&one(1, 1, w)); // 10 fit
    let d = &made.workloads[&id("web")];
    assert!(d.steps.is_empty());
    assert_eq!(d.want, n(14));
    assert_eq!(words(&made, "web"), ["CapacityShort", "Untouched"]);
    assert!(d.reasons[0].to_string().contains("10 of 14 placed"));
}

#[test]
fn another_autoscaler_is_said_not_fought() {
    let mut w = mass(load(8, at(0)));
    w.legs.insert(name("home"), leg(3));
    w.competitor = Some("HorizontalPodAutoscaler web".into());
    let made = fresh(&one(1, 1, w));
    assert!(made.workloads[&id("web")].steps.is_empty());
    assert_eq!(
        (desired(&made, "web", "home"), words(&made, "web")[0]),
        (3, "Contested")
    );
}

/// One foreign write of the target's count.
fn scale_by_hand(c: &mut Cluster, count: u32) {
    let leg = c.workload("web").legs.get_mut(&name("home")).unwrap();
    leg.spec = n(count);
    leg.generation += 1;
    leg.foreign_writer = Some("kubectl".into());
}

#[test]
fn the_first_foreign_write_is_put_back_the_second_is_left_alone_for_ten_minutes() {
    let sites = vec![("home", site(OnPrem, 1, 10_000))];
    let mut w = mass(Demand::Fixed(n(5)));
    w.legs.insert(
        name("home"),
        Leg {
            foreign_writer: Some("kubectl-create".into()),
            ..leg(1)
        },
    );
    let mut c = Cluster::new(sites, vec![("web", w)]);
    // Adoption: seeing the creator's write again before ours has arrived is no contest.
    let stale = c.world.clone();
    let first = plan(&stale, &c.memory, c.now);
    let second = plan(&stale, &first.memory, c.now);
    assert_eq!(first.workloads, second.workloads);
    c.tick("web", 1);
    assert_eq!(c.leg("web", "home").spec, n(5));

    scale_by_hand(&mut c, 3);
    c.tick("web", 1);
    assert_eq!(c.leg("web", "home").spec, n(5), "put back once");
    scale_by_hand(&mut c, 3);
    for _ in 0..599 {
        assert!(c.tick("web", 1).is_empty());
        assert_eq!(words(c.last.as_ref().unwrap(), "web")[0], "Contested");
    }
    c.tick("web", 1);
    c.tick("web", 1);
    assert_eq!(
        c.leg("web", "home").spec,
        n(5),
        "quiet for ten minutes: ours again"
    );
    c.tick("web", 1);
    assert_eq!(c.memory.workloads[&id("web")].decisions.contest, None);
}

#[test]
fn a_rise_is_followed_ahead_and_a_single_step_is_not_projected() {
    let sites = vec![("home", site(OnPrem, 100, 100_000))];
    let mut w = mass(load(1000, at(0)));
    w.legs.insert(name("home"), leg(1100));
    let mut c = Cluster::new(sites, vec![("web", w)]);
    let rising = |c: &Cluster| {
        let d = &c.last.as_ref().unwrap().workloads[&id("web")];
        d.reasons
            .iter()
            .any(|r| matches!(r, pinisi_planner::Reason::Load { rising: true, .. }))
    };
    for _ in 0..5 {
        c.say("web", 1000);
        c.tick("web", 1);
        assert!(!rising(&c));
    }
    c.say("web", 2000); // one step
    c.tick("web", 1);
    assert!(!rising(&c));
    assert_eq!(c.leg("web", "home").spec, n(2200));
    for i in 1..=3 {
        c.say("web", 2000 + 100 * i); // a real rise of 100 a second, 10 s ahead
        c.tick("web", 1);
    }
    assert!(rising(&c));
    assert_eq!(c.leg("web", "home").spec, n(3300));
    for _ in 0..4 {
        c.say("web", 2300);
        c.tick("web", 1);
    }
    assert!(!rising(&c));
}

#[test]
fn less_load_shrinks_only_after_the_window_and_cloud_goes_first() {
    let sites = vec![
        ("home", site(OnPrem, 1, 10_000)),
        ("cloud", site(Cloud, 2, 10_000)),
    ];
    let mut c = Cluster::new(sites, vec![("web", mass(load(18, at(0))))]);
    for t in 0..70 {
        c.say("web", 18);
        c.tick("web", 1);
        assert_eq!(
            c.leg("web", "home").spec.get() + c.leg("web", "cloud").spec.get(),
            20,
            "at {t}"
        );
    }
    for t in 0..60 {
        c.say("web", 5);
        c.tick("web", 1);
        assert_eq!(c.leg("web", "cloud").spec, n(10), "at {t}");
        assert!(words(c.last.as_ref().unwrap(), "web").contains(&"ScaleDownStabilized"));
    }
    for _ in 0..4 {
        c.say("web", 5);
        c.tick("web", 1);
    }
    assert_eq!(
        (c.leg("web", "home").spec, c.leg("web", "cloud").spec),
        (n(6), n(0))
    );
}

#[test]
fn after_a_gap_in_the_signal_nothing_shrinks_for_one_window() {
    let sites = vec![("home", site(OnPrem, 2, 10_000))];
    let mut c = Cluster::new(sites, vec![("web", mass(load(15, at(0))))]);
    for _ in 0..100 {
        c.say("web", 15);
        c.tick("web", 1);
    }
    for _ in 0..200 {
        with_signal(
            c.workload("web"),
            Signal::Missing(SignalFault::NotANumber("NaN".into())),
        );
        c.tick("web", 1);
        assert_eq!(c.leg("web", "home").spec, n(17));
    }
    for t in 0..60 {
        c.say("web", 1);
        c.tick("web", 1);
        assert_eq!(c.leg("web", "home").spec, n(17), "at {t}");
    }
    for _ in 0..4 {
        c.say("web", 1);
        c.tick("web", 1);
    }
    assert_eq!(c.leg("web", "home").spec, n(2));
}

#[test]
fn bounds_are_said_and_zero_is_zero() {
    let bounded = |units, min, max| {
        let mut w = mass(load(units, at(0)));
        let Demand::Load(l) = &mut w.demand else {
            unreachable!()
        };
        (l.min, l.max) = (n(min), n(max));
        let made = fresh(&one(9, 0, w));
        (
            made.workloads[&id("web")].want.get(),
            words(&made, "web")[0],
        )
    };
    assert_eq!(bounded(50, 1, 20), (20, "TooManyReplicas"));
    assert_eq!(bounded(0, 3, 20), (3, "TooFewReplicas"));
    assert_eq!(bounded(0, 0, 20), (0, "LoadNeeds"));
}

#[test]
fn absurd_capacity_does_not_panic() {
    let mut w = mass(load(1 << 40, at(0)));
    let Demand::Load(l) = &mut w.demand else {
        unreachable!()
    };
    l.per_replica = MilliLoad(0);
    let made = fresh(&one(1, 1, w));
    assert_eq!(made.workloads[&id("web")].want, Replicas::MAX);
}
