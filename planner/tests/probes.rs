//! The probes that were put to Karmada's assignment function (docs/measured.md), with the same
//! numbers, put to this planner: what it decides at once, and where it comes to in a cluster that
//! follows it.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

mod common;

use common::*;
use pinisi_planner::model::amounts::Percent;
use pinisi_planner::model::site::SiteKind::{Cloud, OnPrem};
use pinisi_planner::model::workload::{Demand, DrainPolicy};

/// Largest step home, in percent of the total.
const STEP: u32 = 10;

/// `web` runs `home` and `cloud` replicas on nodes for ten each; now `want` are wanted.
fn bed(nodes: (usize, usize), (home, cloud): (u32, u32), want: u32) -> Cluster {
    let mut w = mass(Demand::Fixed(n(want)));
    w.drain = DrainPolicy {
        after: secs(30),
        step: Percent::new(STEP as i32),
        interval: secs(5),
    };
    for (at, count) in [("home", home), ("cloud", cloud)] {
        if count > 0 {
            w.legs.insert(name(at), leg(count));
        }
    }
    let sites = vec![
        ("home", site(OnPrem, nodes.0, 10_000)),
        ("cloud", site(Cloud, nodes.1, 10_000)),
    ];
    Cluster::new(sites, vec![("web", w)])
}

fn specs(c: &Cluster) -> (u32, u32) {
    let spec = |at| c.leg("web", at).spec.get();
    (spec("home"), spec("cloud"))
}

/// Lets `seconds` pass, a plan each, and checks that nothing Ready is lost below what is wanted
/// and that the cloud is left in bounded steps. Returns the largest of them.
fn follow(c: &mut Cluster, seconds: u32) -> u32 {
    let mut largest = 0;
    for _ in 0..seconds {
        let (ready, cloud) = (c.ready("web"), specs(c).1);
        c.tick("web", 1);
        let want = c.last.as_ref().unwrap().workloads[&id("web")].want.get();
        assert!(c.ready("web") >= ready.min(want), "lost what was Ready");
        let left = cloud.saturating_sub(specs(c).1);
        assert!(left <= (want * STEP).div_ceil(100), "{left} left at once");
        largest = largest.max(left);
    }
    largest
}

/// A: 10 to 1000 with room for 800. Karmada: nothing placed.
#[test]
fn a_short_room_places_what_fits_and_states_the_rest() {
    let mut c = bed((50, 30), (10, 0), 1000);
    c.tick("web", 1);
    assert_eq!(specs(&c), (500, 300));
    let short = c.last.as_ref().unwrap().workloads[&id("web")].reasons[0].to_string();
    assert_eq!(
        short,
        "800 of 1000 placed, 200 short: add nodes or another tier"
    );
    assert_eq!(follow(&mut c, 20), 0);
    assert_eq!((c.ready("web"), specs(&c)), (800, (500, 300)));
}

/// B: one replica more after home has room again. Karmada: 4 of 4 pulled home at once.
#[test]
fn b_one_more_goes_home_and_the_others_follow_step_by_step() {
    let mut c = bed((2, 10), (6, 4), 11);
    c.tick("web", 1);
    assert_eq!(specs(&c), (7, 4));
    assert_eq!(follow(&mut c, 120), 2);
    assert_eq!(specs(&c), (11, 0));
}

/// C: the same at an unchanged count. Karmada: all 4 home at once, where anything triggers it.
#[test]
fn c_at_an_unchanged_count_they_come_home_step_by_step() {
    let mut c = bed((2, 10), (6, 4), 10);
    assert_eq!(c.tick("web", 1), []);
    assert_eq!(follow(&mut c, 120), 1);
    assert_eq!(specs(&c), (10, 0));
}

/// D: home is full, and the cloud is a pool with no node now. Karmada: nothing placed, so that no pod
/// ever waits there and no node is ever added.
#[test]
fn d_an_elastic_cloud_without_nodes_takes_what_home_does_not() {
    let mut c = bed((1, 0), (10, 0), 20);
    c.world.sites.get_mut(&name("cloud")).unwrap().elastic = Some(elastic(5, 10_000, 90));
    c.tick("web", 1);
    assert_eq!(specs(&c), (10, 10));
    assert_eq!(c.ready("web"), 10);
    follow(&mut c, 110);
    assert_eq!((c.ready("web"), specs(&c)), (20, (10, 10)));
    assert_eq!(c.world.sites[&name("cloud")].nodes.len(), 1);
}

/// E: half of it is wanted. As Karmada does: the cloud goes first.
#[test]
fn e_less_leaves_the_cloud_first() {
    let mut c = bed((6, 4), (60, 40), 50);
    c.tick("web", 1);
    assert_eq!(specs(&c), (50, 0));
    assert_eq!(follow(&mut c, 20), 0);
    assert_eq!((c.ready("web"), specs(&c)), (50, (50, 0)));
}

/// F: one replica more after home has regained room for 500. Karmada: 499 of 500 home at once.
#[test]
fn f_a_large_return_is_bounded_too() {
    let mut c = bed((60, 50), (100, 500), 601);
    c.tick("web", 1);
    assert_eq!(specs(&c), (101, 500));
    assert_eq!(follow(&mut c, 150), 61);
    assert_eq!(specs(&c), (600, 1));
}
