//! The way home in the model of a cluster: made before broken, in bounded steps, to the end, and
//! never to and fro.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

mod common;

use common::*;
use pinisi_planner::model::amounts::Percent;
use pinisi_planner::model::site::SiteKind::{Cloud, OnPrem};
use pinisi_planner::model::workload::*;
use pinisi_planner::{Statistics, Step};
use proptest::prelude::*;

/// `web` runs half in the cloud because `other` filled home; now `other` is gone.
fn coming_home(home: u32, cloud: u32, step: i32, demand: Demand) -> Cluster {
    let mut w = mass(demand);
    w.drain = DrainPolicy {
        after: secs(30),
        step: Percent::new(step),
        interval: secs(5),
    };
    w.legs.insert(name("home"), leg(home));
    w.legs.insert(name("cloud"), leg(cloud));
    let nodes = ((home + cloud) as usize * 3).div_ceil(10).max(2);
    let mut at_home = site(OnPrem, nodes, 10_000);
    (at_home.high, at_home.low) = (Percent::new(80), Percent::new(50));
    Cluster::new(
        vec![("home", at_home), ("cloud", site(Cloud, 20, 10_000))],
        vec![("web", w)],
    )
}

/// Checks what must hold at every tick of a drain. Returns the change of the cloud's count.
fn check(c: &Cluster, steps: &[Step], before: u32, step_percent: u32) -> i64 {
    let want = c.last.as_ref().unwrap().workloads[&id("web")].want.get();
    assert!(
        c.ready("web") >= before.min(want),
        "{before} were ready, {} are, {want} wanted",
        c.ready("web")
    );
    let change = |site: &str| {
        let step = steps.iter().find(|s| s.site == name(site));
        step.map_or(0, |s| i64::from(s.to.get()) - i64::from(s.from.get()))
    };
    let bound = i64::from((want * step_percent).div_ceil(100));
    assert!(
        change("home") <= 0 || change("cloud") >= 0,
        "both directions at once: {steps:?}"
    );
    assert!(change("home") <= bound, "{steps:?}");
    change("cloud")
}

#[test]
fn a_drain_makes_then_breaks_then_waits() {
    let mut c = coming_home(10, 10, 10, Demand::Fixed(n(20)));
    let mut moves = vec![];
    for t in 0..120 {
        let before = c.ready("web");
        let steps = c.tick("web", 1);
        check(&c, &steps, before, 10);
        moves.extend(
            steps
                .into_iter()
                .map(|s| (t, s.site.as_str().to_owned(), s.from.get(), s.to.get())),
        );
    }
    let first: Vec<_> = moves
        .iter()
        .take(4)
        .map(|(t, s, from, to)| (*t, s.as_str(), *from, *to))
        .collect();
    // After 30 s under low; Ready 2 s later; the next step 5 s after that.
    assert_eq!(
        first,
        [
            (30, "home", 10, 12),
            (32, "cloud", 10, 8),
            (37, "home", 12, 14),
            (39, "cloud", 8, 6)
        ]
    );
    assert_eq!(
        (c.leg("web", "home").spec, c.leg("web", "cloud").spec),
        (n(20), n(0))
    );
    assert_eq!(c.memory.workloads[&id("web")].decisions.drain, None);
}

#[test]
fn made_replicas_that_get_no_node_are_undone() {
    let mut c = coming_home(10, 10, 10, Demand::Fixed(n(20)));
    c.stuck = vec![name("home")];
    for _ in 0..31 {
        c.tick("web", 1);
    }
    assert_eq!(c.leg("web", "home").spec, n(12));
    let mut undone = false;
    for _ in 0..25 {
        c.tick("web", 1);
        assert_eq!(c.ready("web"), 20);
        undone |= c.leg("web", "home").spec == n(10);
    }
    assert!(undone);
    assert_eq!(c.leg("web", "cloud").spec, n(10));
    assert_eq!(c.memory.workloads[&id("web")].decisions.drain, None);
}

#[test]
fn growth_in_mid_step_keeps_what_was_made() {
    let mut c = coming_home(10, 10, 20, Demand::Fixed(n(20)));
    while c.leg("web", "home").spec == n(10) {
        c.tick("web", 1);
    }
    assert_eq!(c.leg("web", "home").spec, n(14));
    c.workload("web").demand = Demand::Fixed(n(23));
    c.tick("web", 1);
    // Three of the four made are the growth; one is still to be exchanged.
    assert_eq!(
        (c.leg("web", "home").spec, c.leg("web", "cloud").spec),
        (n(14), n(10))
    );
    c.workload("web").demand = Demand::Fixed(n(70)); // more than home takes: no time to move
    c.tick("web", 1);
    assert_eq!(
        c.leg("web", "cloud").spec.get() + c.leg("web", "home").spec.get(),
        70
    );
    assert_eq!(c.memory.workloads[&id("web")].decisions.drain, None);
}

#[test]
fn a_restart_in_any_phase_goes_on() {
    for restart in 25..60 {
        let mut c = coming_home(10, 10, 10, load(18, at(0)));
        for t in 0..400 {
            if t == restart {
                // What is in status survives; the rest is gone.
                for m in c.memory.workloads.values_mut() {
                    m.statistics = Statistics::default();
                }
                c.memory.low_since.clear();
            }
            let before = c.ready("web");
            c.say("web", 18);
            let steps = c.tick("web", 1);
            check(&c, &steps, before, 10);
            if t == restart {
                assert!(steps.iter().all(|s| s.to > s.from));
            }
        }
        assert_eq!(
            (c.leg("web", "home").spec, c.leg("web", "cloud").spec),
            (n(20), n(0)),
            "restart at {restart}"
        );
    }
}

proptest! {
    #![proptest_config(cases(60))]

    /// Whatever the sizes: nothing Ready is lost, steps are bounded, and all come home.
    #[test]
    fn all_come_home(home in 0u32..20, cloud in 1u32..20, step in 1i32..100) {
        let mut c = coming_home(home, cloud, step, Demand::Fixed(n(home + cloud)));
        for _ in 0..500 {
            let before = c.ready("web");
            let steps = c.tick("web", 1);
            prop_assert!(check(&c, &steps, before, step as u32) <= 0);
        }
        prop_assert_eq!((c.leg("web", "home").spec, c.leg("web", "cloud").spec), (n(home + cloud), n(0)));
    }

    /// Under noise of 5 % the cloud's count turns at most once a cooldown, and nothing stays behind.
    #[test]
    fn noise_does_not_turn_it(base in 100u64..400, noise in proptest::collection::vec(-5i64..=5, 600)) {
        let total = (base * 11).div_ceil(10) as u32 / 10;
        let mut w = mass(load(0, at(0)));
        if let Demand::Load(l) = &mut w.demand {
            l.per_replica = pinisi_planner::model::amounts::MilliLoad(10_000);
        }
        w.drain = DrainPolicy { after: secs(30), step: Percent::new(10), interval: secs(5) };
        w.legs.insert(name("home"), leg(total / 2));
        w.legs.insert(name("cloud"), leg(total - total / 2));
        let mut at_home = site(OnPrem, (total as usize * 2).div_ceil(10), 10_000);
        (at_home.high, at_home.low) = (Percent::new(80), Percent::new(50));
        let mut c = Cluster::new(vec![("home", at_home), ("cloud", site(Cloud, 20, 10_000))], vec![("web", w)]);
        let (mut last, mut turns) = (0, 0u32);
        for wobble in &noise {
            c.say("web", base.saturating_add_signed(base as i64 * wobble / 100));
            let steps = c.tick("web", 1);
            let change = steps.iter().find(|s| s.site == name("cloud"))
                .map_or(0, |s| i64::from(s.to.get()) - i64::from(s.from.get())).signum();
            if change != 0 {
                turns += u32::from(last != 0 && change != last);
                last = change;
            }
        }
        prop_assert!(turns <= 600 / 30, "{turns} turns");
        prop_assert!(turns <= 1, "{turns} turns");
        prop_assert_eq!(c.leg("web", "cloud").spec, n(0));
    }

    /// A random walk of load through the model: nothing oscillates within a plan, and what is Ready
    /// never falls below what is wanted but by a fall of the want itself.
    #[test]
    fn a_ride(loads in proptest::collection::vec(0u64..60, 12)) {
        let mut w = mass(load(5, at(0)));
        w.drain = DrainPolicy { after: secs(20), step: Percent::new(20), interval: secs(5) };
        let mut at_home = site(OnPrem, 3, 10_000);
        (at_home.high, at_home.low) = (Percent::new(80), Percent::new(60));
        let mut c = Cluster::new(vec![("home", at_home), ("cloud", site(Cloud, 5, 10_000))], vec![("web", w)]);
        for units in loads {
            for _ in 0..30 {
                let before = c.ready("web");
                c.say("web", units);
                c.tick("web", 1);
                let want = c.last.as_ref().unwrap().workloads[&id("web")].want.get();
                prop_assert!(c.ready("web") >= before.min(want));
            }
        }
        for _ in 0..200 {
            c.say("web", 3);
            c.tick("web", 1);
        }
        let want = c.last.as_ref().unwrap().workloads[&id("web")].want;
        prop_assert!(want >= n(4), "3 units and a tenth, or more where it has been seen to grow");
        prop_assert_eq!((c.leg("web", "home").spec, c.leg("web", "cloud").spec), (want, n(0)));
    }
}
