//! Sites in other clusters: out of reach they keep their count and are made up for only after their
//! grace, and what refuses a workload takes no more of it.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

mod common;

use common::arbitrary::*;
use common::*;
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::site::SiteKind::{Cloud, OnPrem};
use pinisi_planner::model::site::{Reach, Site};
use pinisi_planner::model::workload::*;
use pinisi_planner::{Memory, Plan, Reason, World, plan};
use proptest::prelude::*;

/// `web` wants `want`: 4 fit at home, the rest goes to the cloud, and a spare site comes last.
fn spread(want: u32, cloud: u32, spare: u32) -> Cluster {
    let mut w = mass(Demand::Fixed(n(want)));
    w.placement = Placement::MassTraffic {
        tiers: vec![tier(&["home"]), tier(&["cloud"]), tier(&["spare"])],
    };
    w.legs.insert(name("home"), leg(4));
    w.legs.insert(name("cloud"), leg(cloud));
    if spare > 0 {
        w.legs.insert(name("spare"), leg(spare));
    }
    Cluster::new(
        vec![
            ("home", site(OnPrem, 1, 4000)),
            ("cloud", site(Cloud, 4, 10_000)),
            ("spare", site(Cloud, 4, 10_000)),
        ],
        vec![("web", w)],
    )
}

fn reach(c: &mut Cluster, site: &str, reach: Reach) {
    c.world.sites.get_mut(&name(site)).unwrap().reach = reach;
}

fn lose(c: &mut Cluster, site: &str) {
    let since = c.now;
    reach(c, site, Reach::Unreachable { since });
}

fn made(c: &Cluster) -> &Plan {
    c.last.as_ref().unwrap()
}

fn counted(made: &Plan) -> Option<bool> {
    made.workloads[&id("web")]
        .reasons
        .iter()
        .find_map(|r| match r {
            Reason::SiteUnreachable { counted, .. } => Some(*counted),
            _ => None,
        })
}

#[test]
fn for_its_grace_a_lost_site_counts_and_after_it_is_made_up_for() {
    let mut c = spread(10, 6, 0);
    lose(&mut c, "cloud");
    for _ in 0..29 {
        assert!(c.tick("web", 10).is_empty());
        assert_eq!(counted(made(&c)), Some(true));
        assert_eq!(desired(made(&c), "web", "cloud"), 6);
    }
    c.tick("web", 10);
    let steps = c.tick("web", 10);
    assert_eq!(counted(made(&c)), Some(false));
    assert_eq!(steps.len(), 1, "{steps:?}");
    assert_eq!((steps[0].site.as_str(), steps[0].to), ("spare", n(6)));
    // It keeps its own count meanwhile, and is settled.
    for _ in 0..5 {
        assert!(c.tick("web", 10).is_empty());
        assert_eq!(desired(made(&c), "web", "cloud"), 6);
        let share = made(&c).workloads[&id("web")].shares[&name("cloud")];
        assert_eq!(share.ready, Replicas::ZERO, "nobody knows");
    }
    // It comes back: the surplus goes from where a shrink takes first, and nothing else moves.
    reach(&mut c, "cloud", Reach::Reachable);
    let steps = c.tick("web", 10);
    assert_eq!(steps.len(), 1, "{steps:?}");
    assert_eq!((steps[0].site.as_str(), steps[0].to), ("spare", n(0)));
    assert!(c.tick("web", 10).is_empty());
}

#[test]
fn what_was_made_up_serves_on_until_the_lost_ones_are_ready_again() {
    let mut c = spread(10, 6, 0);
    lose(&mut c, "cloud");
    for _ in 0..35 {
        c.tick("web", 10);
    }
    assert_eq!(c.leg("web", "spare").ready, n(6));
    reach(&mut c, "cloud", Reach::Reachable);
    c.start_anew("cloud", 15);
    for _ in 0..3 {
        assert_eq!(c.tick("web", 5), []);
        assert_eq!(c.ready("web").min(10), 10);
    }
    c.tick("web", 5);
    assert_eq!(c.leg("web", "spare").spec, Replicas::ZERO);
    assert_eq!(c.ready("web"), 10);
}

#[test]
fn a_fall_of_load_takes_no_ready_replica_for_one_that_only_starts() {
    let mut c = spread(10, 6, 0);
    c.start_anew("home", 15);
    c.workload("web").demand = Demand::Fixed(n(6));
    for _ in 0..3 {
        assert_eq!(c.tick("web", 5), []);
        assert_eq!(c.ready("web").min(6), 6);
    }
    // The four at home are Ready, so only two of the cloud's are needed.
    c.tick("web", 5);
    assert_eq!(c.leg("web", "cloud").spec, n(2));
    // A service of which nothing is Ready keeps no more than it wants.
    c.start_anew("home", 1000);
    c.start_anew("cloud", 1000);
    c.workload("web").demand = Demand::Fixed(n(3));
    c.tick("web", 5);
    assert_eq!(specs(&c), (3, 0));
}

fn specs(c: &Cluster) -> (u32, u32) {
    let spec = |at| c.leg("web", at).spec.get();
    (spec("home"), spec("cloud"))
}

#[test]
fn growth_meanwhile_goes_elsewhere_and_a_fall_takes_from_elsewhere() {
    let mut c = spread(10, 6, 0);
    lose(&mut c, "cloud");
    c.tick("web", 1);
    c.workload("web").demand = Demand::Fixed(n(13));
    let steps = c.tick("web", 1);
    assert_eq!(steps.len(), 1, "{steps:?}");
    assert_eq!((steps[0].site.as_str(), steps[0].to), ("spare", n(3)));
    c.workload("web").demand = Demand::Fixed(n(8));
    let steps = c.tick("web", 1);
    assert!(steps.iter().all(|s| s.site != name("cloud")), "{steps:?}");
    assert_eq!(desired(made(&c), "web", "spare"), 0);
    assert_eq!(desired(made(&c), "web", "home"), 2);
    // More is there than is wanted, and nothing can be done about it there.
    c.workload("web").demand = Demand::Fixed(n(1));
    c.tick("web", 1);
    assert_eq!(desired(made(&c), "web", "cloud"), 6);
    assert_eq!(desired(made(&c), "web", "home"), 0);
}

#[test]
fn pods_that_had_no_node_when_it_was_last_seen_do_not_count_for_ever() {
    let mut c = spread(10, 6, 0);
    c.now = at(100);
    let leg = c.workload("web").legs.get_mut(&name("cloud")).unwrap();
    (leg.bound, leg.ready, leg.pending) = (n(2), n(2), n(4));
    leg.pending_since = Some(at(0));
    reach(&mut c, "cloud", Reach::Unreachable { since: at(90) });
    let made = plan(&c.world, &Memory::default(), c.now);
    assert_eq!(desired(&made, "web", "cloud"), 6);
    assert_eq!(desired(&made, "web", "spare"), 4, "made up for at once");
}

#[test]
fn a_pod_that_was_just_made_when_it_was_lost_counts() {
    let mut c = spread(10, 6, 0);
    c.now = at(200);
    let leg = c.workload("web").legs.get_mut(&name("cloud")).unwrap();
    (leg.bound, leg.ready, leg.pending) = (n(2), n(2), n(4));
    leg.pending_since = Some(at(85));
    reach(&mut c, "cloud", Reach::Unreachable { since: at(90) });
    let made = plan(&c.world, &Memory::default(), c.now);
    assert_eq!(desired(&made, "web", "spare"), 0);
}

#[test]
fn a_drain_waits_while_one_of_its_sites_is_out_of_reach() {
    let mut c = spread(10, 6, 0);
    c.world.sites.insert(name("home"), roomy());
    for _ in 0..20 {
        c.tick("web", 5);
        if c.memory.workloads[&id("web")]
            .decisions
            .drain
            .as_ref()
            .is_some_and(|d| d.moving > Replicas::ZERO)
        {
            break;
        }
    }
    let drain = c.memory.workloads[&id("web")].decisions.drain.clone();
    let moving = drain.unwrap().moving;
    assert!(moving > Replicas::ZERO, "the drain is under way");
    let (home, cloud) = (c.leg("web", "home").spec, c.leg("web", "cloud").spec);
    lose(&mut c, "cloud");
    for _ in 0..5 {
        assert!(c.tick("web", 10).is_empty());
        assert_eq!(c.leg("web", "home").spec, home);
        assert_eq!(c.leg("web", "cloud").spec, cloud);
    }
    reach(&mut c, "cloud", Reach::Reachable);
    for _ in 0..60 {
        c.tick("web", 5);
        assert!(c.ready("web") >= 10);
    }
    assert_eq!(c.leg("web", "cloud").spec, Replicas::ZERO);
    assert_eq!(c.leg("web", "home").spec, n(10));
}

fn roomy() -> Site {
    site(OnPrem, 10, 4000)
}

#[test]
fn no_drain_begins_from_a_site_out_of_reach() {
    let mut c = spread(10, 6, 0);
    c.world.sites.insert(name("home"), roomy());
    lose(&mut c, "cloud");
    for _ in 0..25 {
        assert!(c.tick("web", 10).is_empty());
    }
}

#[test]
fn a_refused_site_is_passed_over_and_what_runs_there_stays() {
    let mut c = spread(10, 2, 0);
    let w = c.workload("web");
    w.refused.insert(name("cloud"), refusal());
    c.tick("web", 1);
    assert_eq!(desired(made(&c), "web", "cloud"), 2);
    assert_eq!(desired(made(&c), "web", "spare"), 4);
    let said = words(made(&c), "web");
    assert!(said.contains(&"RemoteServiceAccountMissing"), "{said:?}");
    assert!(!said.contains(&"CapacityShort"));
    // With nowhere else to go it is said to be short, with the reason beside it.
    c.world.sites.remove(&name("spare"));
    c.workload("web").legs.remove(&name("spare"));
    c.tick("web", 1);
    let said = words(made(&c), "web");
    assert!(said.contains(&"CapacityShort") && said.contains(&"RemoteServiceAccountMissing"));
}

#[test]
fn the_clock_may_run_backwards() {
    let mut c = spread(10, 6, 0);
    let since = at(10_000);
    reach(&mut c, "cloud", Reach::Unreachable { since });
    assert!(c.tick("web", 1).is_empty());
    assert_eq!(counted(made(&c)), Some(true));
}

/// One workload on three sites with whole room, one of them out of reach.
fn lost_world() -> impl Strategy<Value = (World, u32, i64)> {
    (1u32..40, 0u32..20, 0u32..20, 0u32..20, 0i64..600).prop_map(
        |(want, home, cloud, spare, gone)| {
            let mut c = spread(want, cloud, spare);
            c.workload("web").legs.insert(name("home"), leg(home));
            reach(
                &mut c,
                "cloud",
                Reach::Unreachable {
                    since: at(1000 - gone),
                },
            );
            (c.world, want, gone)
        },
    )
}

proptest! {
    #![proptest_config(cases(1000))]

    /// Whatever the world: nothing is written where nobody answers, and the count there is kept.
    #[test]
    fn no_step_where_nobody_answers(world in any_world(), memory in any_memory(), now in time()) {
        let made = plan(&world, &memory, now);
        for (wid, d) in &made.workloads {
            for (site, s) in &world.sites {
                if s.reach == Reach::Reachable { continue; }
                prop_assert!(d.steps.iter().all(|step| step.site != *site));
                if let Some(share) = d.shares.get(site) {
                    let there = world.workloads[wid].legs.get(site).map_or(Replicas::ZERO, |l| l.spec);
                    prop_assert_eq!(share.desired, there);
                }
            }
        }
    }

    /// A site that refuses a workload gets no more of it, unless a person says so.
    #[test]
    fn no_growth_where_it_is_refused(world in any_world(), memory in any_memory(), now in time()) {
        let mut world = world;
        for w in world.workloads.values_mut() { w.override_ = None; }
        let made = plan(&world, &memory, now);
        for (wid, d) in &made.workloads {
            let w = &world.workloads[wid];
            for step in d.steps.iter().filter(|s| w.refused.contains_key(&s.site)) {
                // Only what was decided before and has not been written yet may still arrive.
                let before = memory.workloads.get(wid).and_then(|m| m.decisions.sites.get(&step.site).copied());
                prop_assert!(step.to <= step.from.max(before.unwrap_or_default()), "{:?}", step);
            }
        }
    }

    /// Before the grace is over nothing is doubled: all counts together are what is wanted, or what
    /// was there. After it the lost ones are made up for, as far as there is room.
    #[test]
    fn not_doubled_before_the_grace((world, want, gone) in lost_world()) {
        let made = plan(&world, &Memory::default(), at(1000));
        let legs = &world.workloads[&id("web")].legs;
        let lost = legs[&name("cloud")].spec.get();
        let others = desired(&made, "web", "home") + desired(&made, "web", "spare");
        prop_assert_eq!(desired(&made, "web", "cloud"), lost);
        if gone < 300 {
            prop_assert_eq!(others, want.saturating_sub(lost));
        } else {
            prop_assert_eq!(others, want);
        }
    }
}
