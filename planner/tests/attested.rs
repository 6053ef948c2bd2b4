//! Own ground that nobody has attested: room for mass traffic, none for Sensitive workloads.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod common;

use common::*;
use pinisi_planner::model::site::{Site, SiteKind};
use pinisi_planner::model::workload::{Demand, Workload};
use pinisi_planner::{Memory, World, plan};

/// One core, as `common` has it for a workload.
const CORE: u64 = 1000;

/// Own ground of three nodes with 4 cores each, one of them attested.
fn ground() -> Site {
    let mut ground = site(SiteKind::OnPrem, 3, 4 * CORE);
    for node in &mut ground.nodes[1..] {
        node.unattested = true;
    }
    ground
}

fn world(ground: Site, workloads: Vec<(&str, Workload)>) -> World {
    let named = |(name, mut workload): (&str, Workload)| {
        workload.request.millicores = CORE;
        (id(name), workload)
    };
    World {
        sites: [(name("home"), ground)].into(),
        workloads: workloads.into_iter().map(named).collect(),
        ..World::default()
    }
}

#[test]
fn sensitive_has_the_attested_nodes_alone() {
    let wants = |k| sensitive(&["home"], Demand::Fixed(n(k)));
    let made = plan(
        &world(ground(), vec![("records", wants(9))]),
        &Memory::default(),
        at(0),
    );
    assert_eq!(desired(&made, "records", "home"), 4);
    assert!(words(&made, "records").contains(&"CapacityShort"));
    // Nodes to come are attested by nobody.
    let mut elastic_ground = ground();
    elastic_ground.elastic = Some(elastic(3, 4 * CORE, 60));
    let made = plan(
        &world(elastic_ground, vec![("records", wants(9))]),
        &Memory::default(),
        at(0),
    );
    assert_eq!(desired(&made, "records", "home"), 4);
}

#[test]
fn mass_traffic_has_all_of_it() {
    let web = mass(Demand::Fixed(n(20)));
    let made = plan(
        &world(ground(), vec![("web", web)]),
        &Memory::default(),
        at(0),
    );
    assert_eq!(desired(&made, "web", "home"), 12);
}

#[test]
fn mass_traffic_beside_takes_no_room_twice() {
    let records = sensitive(&["home"], Demand::Fixed(n(3)));
    let (web, more) = (mass(Demand::Fixed(n(7))), mass(Demand::Fixed(n(9))));
    let mut world = world(
        ground(),
        vec![("records", records), ("web", web), ("xtra", more)],
    );
    let counts = |world: &World| {
        let made = plan(world, &Memory::default(), at(0));
        ["records", "web", "xtra"].map(|w| desired(&made, w, "home"))
    };
    // Until they are bound the scheduler may bind others first, to the one node that they can have.
    assert_eq!(counts(&world), [3, 1, 0]);
    let home = world.sites.get_mut(&name("home")).unwrap();
    home.nodes[0].used = cpu(3 * CORE);
    home.nodes[0].used_slots = 3;
    let records = world.workloads.get_mut(&id("records")).unwrap();
    records.legs.insert(name("home"), leg(3));
    let placed = counts(&world);
    assert_eq!((placed[0], placed.iter().sum::<u32>()), (3, 12));
}
