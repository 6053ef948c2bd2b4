//! What holds for every world and every memory, however absurd.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

mod common;

use common::arbitrary::*;
use common::*;
use pinisi_planner::hpa::memory::RECOMMENDATIONS_MAX;
use pinisi_planner::model::amounts::{MilliLoad, Percent, Replicas, Resources};
use pinisi_planner::model::site::{Elastic, Site, SiteKind};
use pinisi_planner::model::workload::*;
use pinisi_planner::{Memory, Plan, Statistics, plan};
use proptest::prelude::*;

/// Room for equal replicas at a site, counted the slow way: one at a time, the first node that fits.
fn brute_force_room(site: &Site, request: Resources) -> u32 {
    let mut free: Vec<_> = site
        .nodes
        .iter()
        .filter(|node| node.schedulable)
        .map(|node| {
            (
                node.allocatable.minus(node.used),
                node.pod_slots.saturating_sub(node.used_slots),
            )
        })
        .collect();
    if let Some(pool) = site.elastic {
        free.extend(vec![(pool.room, pool.pod_slots); pool.nodes as usize]);
    }
    let mut placed = 0u32;
    loop {
        let sum = free
            .iter()
            .fold(Resources::ZERO, |sum, (f, _)| sum.plus(*f));
        let keeps_reserve = sum.millicores >= site.reserve.millicores + request.millicores
            && sum.bytes >= site.reserve.bytes + request.bytes;
        let asked = request.times(u64::from(placed) + 1);
        let allowed = site
            .max
            .is_none_or(|max| asked.millicores <= max.millicores && asked.bytes <= max.bytes);
        let fits = |(f, slots): &&mut (Resources, u32)| {
            *slots > 0 && f.millicores >= request.millicores && f.bytes >= request.bytes
        };
        let Some(node) = free
            .iter_mut()
            .find(|n| fits(n))
            .filter(|_| keeps_reserve && allowed)
        else {
            return placed;
        };
        *node = (node.0.minus(request), node.1 - 1);
        placed += 1;
    }
}

fn small() -> impl Strategy<Value = Resources> {
    (0u64..8000, 0u64..8000).prop_map(|(millicores, bytes)| Resources { millicores, bytes })
}
fn sane_site() -> impl Strategy<Value = Site> {
    let nodes = proptest::collection::vec(
        (
            small(),
            small(),
            0u32..12,
            0u32..4,
            prop::bool::weighted(0.9),
            prop::bool::weighted(0.3),
        ),
        0..5,
    );
    let pool = prop::option::of((0u32..4, small(), 0u32..12)).prop_map(|pool| {
        pool.map(|(nodes, room, pod_slots)| Elastic {
            room,
            pod_slots,
            ..elastic(nodes, 0, 60)
        })
    });
    (nodes, small(), prop::option::of(small()), 0i32..=100, pool).prop_map(
        |(nodes, reserve, max, high, pool)| {
            let mut s = site(SiteKind::OnPrem, nodes.len(), 0);
            s.elastic = pool;
            (s.reserve, s.max, s.high) = (reserve, max.map(|m| m.times(4)), Percent::new(high));
            for (node, (allocatable, used, pod_slots, used_slots, schedulable, unattested)) in
                s.nodes.iter_mut().zip(nodes)
            {
                *node = pinisi_planner::model::site::Node {
                    allocatable: allocatable.times(2),
                    used,
                    pod_slots,
                    used_slots,
                    schedulable,
                    unattested,
                    ..node.clone()
                };
            }
            s
        },
    )
}

fn lowers(made: &Plan) -> bool {
    made.workloads
        .values()
        .flat_map(|d| &d.steps)
        .any(|s| s.to < s.from)
}

proptest! {
    #![proptest_config(cases(1000))]

    /// Total: no input makes it panic, what it returns is well formed, and its memory is bounded.
    #[test]
    fn total_and_bounded(world in any_world(), memory in any_memory(), times in proptest::collection::vec(time(), 1..6)) {
        let mut memory = memory;
        for now in times {
            let made = plan(&world, &memory, now);
            prop_assert_eq!(made.workloads.len(), world.workloads.len());
            for (wid, d) in &made.workloads {
                prop_assert!(!d.reasons.is_empty());
                let w = &world.workloads[wid];
                for s in &d.steps {
                    prop_assert_eq!(s.from, w.legs.get(&s.site).map_or(Replicas::ZERO, |l| l.spec));
                    prop_assert_eq!(s.to, d.shares[&s.site].desired);
                    prop_assert!(s.from != s.to);
                }
                let first_down = d.steps.iter().position(|s| s.to < s.from).unwrap_or(d.steps.len());
                prop_assert!(d.steps[first_down..].iter().all(|s| s.to < s.from), "increases first");
                if w.mode != Mode::Active { prop_assert!(d.steps.is_empty()); }
                let m = &made.memory.workloads[wid].statistics;
                prop_assert!(m.samples.len() <= pinisi_planner::demand::SAMPLES_MAX);
                prop_assert!(m.needs.len() <= 80);
                // What was handed in too long is cut at the next sync; it never grows.
                let longest = |m: &Memory| {
                    let syncs = m.workloads.get(wid).and_then(|m| m.statistics.syncs.as_ref());
                    syncs.map_or(0, |s| s.memory.recommendations.len())
                };
                prop_assert!(longest(&made.memory) <= longest(&memory).max(RECOMMENDATIONS_MAX));
            }
            memory = made.memory;
        }
    }

    /// Same inputs, same plan, in whatever order nodes were gathered; and it survives being written down.
    #[test]
    fn deterministic(world in any_world(), memory in any_memory(), now in time()) {
        let made = plan(&world, &memory, now);
        let mut turned = world;
        turned.sites.values_mut().for_each(|s| s.nodes.reverse());
        prop_assert_eq!(&plan(&turned, &memory, now), &made);
        let text = serde_json::to_string(&made).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Plan>(&text).unwrap(), &made);
    }

    /// Planning again on its own result, before a pod has moved, changes nothing.
    #[test]
    fn idempotent(world in any_world(), memory in any_memory(), now in time()) {
        // At the very end of time there is no later moment to wait for.
        let now = now.min(at(100_000));
        let mut world = world;
        // More Ready pods than were asked for would end a drain's step at once: the world moving, not the plan.
        for leg in world.workloads.values_mut().flat_map(|w| w.legs.values_mut()) {
            leg.ready = leg.ready.min(leg.spec).min(leg.bound);
            // A spec that gives up what could not be made frees it for the plan after: the world too.
            leg.unmade = Replicas::ZERO;
        }
        let mut made = plan(&world, &memory, now);
        apply(&mut world, &made);
        if !world.budgets.is_empty() {
            // Money that what goes gives back is there for the plan after.
            made = plan(&world, &made.memory, now);
            apply(&mut world, &made);
        }
        let again = plan(&world, &made.memory, now);
        for (wid, d) in &again.workloads {
            prop_assert!(d.steps.is_empty(), "{wid}: {:?}\nfirst {:?}", d, made.workloads[wid]);
        }
    }

    /// No Sensitive workload has a share, or a step, on ground that is not sovereign.
    #[test]
    fn sensitive_stays(world in any_world(), memory in any_memory(), now in time()) {
        let made = plan(&world, &memory, now);
        for (wid, d) in &made.workloads {
            if let Placement::Sensitive { sites } = &world.workloads[wid].placement {
                for site in d.shares.keys().chain(d.steps.iter().map(|s| &s.site)) {
                    prop_assert!(sites.iter().any(|s| s.name() == site));
                    prop_assert!(world.sites.get(site).is_none_or(|s| s.kind == SiteKind::OnPrem));
                }
            }
        }
    }

    /// A lost signal shrinks nothing, whatever the memory says.
    #[test]
    fn lost_signals_shrink_nothing(world in any_world(), memory in any_memory(), now in time(), signal in lost()) {
        let mut world = world;
        world.budgets.clear(); // money that is gone is gone
        world.workloads.retain(|_, w| matches!(w.demand, Demand::Load(_) | Demand::Metrics(_)));
        for w in world.workloads.values_mut() {
            with_signal(w, signal.clone());
            w.override_ = None;
        }
        prop_assert!(!lowers(&plan(&world, &memory, now)));
    }

    /// Without statistics, as after a restart, nothing shrinks: decisions are kept or not.
    #[test]
    fn restarts_shrink_nothing(world in any_world(), memory in any_memory(), now in time()) {
        let (mut world, mut memory) = (world, memory);
        world.budgets.clear(); // money that is gone is gone
        world.workloads.retain(|_, w| matches!(w.demand, Demand::Load(_) | Demand::Metrics(_)));
        for w in world.workloads.values_mut() {
            w.override_ = None;
            let load = match &mut w.demand {
                Demand::Load(l) => Some(l),
                Demand::Metrics(m) => {
                    if let Some(b) = &mut m.behavior { b.down.window_seconds = b.down.window_seconds.map(|n| n.max(1)); }
                    m.load.as_mut()
                }
                Demand::Untouched | Demand::Fixed(_) => None,
            };
            if let Some(l) = load { l.scale_down_window = l.scale_down_window.map(|w| w.max(secs(1))); }
        }
        for m in memory.workloads.values_mut() { m.statistics = Statistics::default(); }
        memory.low_since.clear();
        // At the very end of time there is no later moment to wait for.
        let now = now.min(at(100_000));
        prop_assert!(!lowers(&plan(&world, &memory, now)));
    }

    /// Shortage places exactly what fits, and says the rest.
    #[test]
    fn shortage_places_what_fits(sites in proptest::collection::vec(sane_site(), 1..4), want in 0u32..60, request in small()) {
        let request = request.plus(Resources { millicores: 1, bytes: 1 });
        let names = ["a", "b", "c"];
        let mut w = mass(Demand::Fixed(n(want)));
        w.request = request;
        w.placement = Placement::MassTraffic { tiers: names[..sites.len()].iter().map(|s| tier(&[s])).collect() };
        let world = pinisi_planner::World {
            sites: names.iter().map(|s| name(s)).zip(sites.clone()).collect(),
            workloads: [(id("web"), w)].into(),
            ..Default::default()
        };
        let room: u32 = sites.iter().map(|s| brute_force_room(s, request)).sum();
        let made = plan(&world, &Memory::default(), at(0));
        let placed: u32 = names.iter().map(|s| desired(&made, "web", s)).sum();
        prop_assert_eq!(placed, want.min(room));
        prop_assert_eq!(words(&made, "web").contains(&"CapacityShort"), placed < want);
    }

    /// All workloads together get no more new replicas than a site has room for, and Sensitive ones no
    /// more than its attested nodes have.
    #[test]
    fn placed_fits(sites in proptest::collection::vec(sane_site(), 2), wants in proptest::collection::vec((0u32..30, small(), any::<bool>()), 1..5)) {
        let names = ["home", "cloud"];
        let named = names.iter().map(|s| name(s)).zip(sites.clone()).collect();
        let mut world = pinisi_planner::World { sites: named, ..Default::default() };
        for (i, (want, request, is_sensitive)) in wants.iter().enumerate() {
            let demand = Demand::Fixed(n(*want));
            let mut w = if *is_sensitive { sensitive(&["home"], demand) } else { mass(demand) };
            w.request = *request;
            world.workloads.insert(id(&format!("w{i}")), w);
        }
        let made = plan(&world, &Memory::default(), at(0));
        for (site_name, s) in names.iter().zip(&sites) {
            let on = |attested_only: bool| {
                let nodes = s.nodes.iter().filter(|n| n.schedulable && !(attested_only && n.unattested));
                nodes.fold((Resources::ZERO, 0u32), |(sum, slots), n| {
                    (sum.plus(n.allocatable.minus(n.used)), slots + n.pod_slots.saturating_sub(n.used_slots))
                })
            };
            let (free, attested) = (on(false), on(true));
            let to_come = s.elastic.map_or((Resources::ZERO, 0), |e| (e.room.times(e.nodes.into()), e.nodes * e.pod_slots));
            let free = (free.0.plus(to_come.0), free.1 + to_come.1);
            let (mut all, mut of_mass, mut pods, mut pods_of_mass) = (Resources::ZERO, Resources::ZERO, 0, 0);
            for (i, (_, request, is_sensitive)) in wants.iter().enumerate() {
                let placed = desired(&made, &format!("w{i}"), site_name);
                all = all.plus(request.times(placed.into()));
                if !is_sensitive {
                    of_mass = of_mass.plus(request.times(placed.into()));
                    pods_of_mass += placed;
                }
                pods += placed;
            }
            prop_assert!(pods <= free.1);
            let sensitive = all.minus(of_mass);
            prop_assert!(pods - pods_of_mass <= attested.1);
            prop_assert!(sensitive.millicores <= attested.0.millicores && sensitive.bytes <= attested.0.bytes);
            prop_assert!(all.millicores <= free.0.millicores && all.bytes <= free.0.bytes);
            if of_mass != Resources::ZERO {
                let beside = free.0.minus(s.reserve);
                prop_assert!(of_mass.millicores <= beside.millicores && of_mass.bytes <= beside.bytes);
            }
        }
    }

    /// Bounds hold for whatever load, and the count is the load's own within them.
    #[test]
    fn bounds_hold(x in 0u64..1 << 53, per in 1u64..1 << 40, min in 0u32..50, more in 0u32..1000) {
        let mut w = mass(load(0, at(0)));
        let Demand::Load(l) = &mut w.demand else { unreachable!() };
        (l.min, l.max, l.per_replica) = (n(min), n(min + more), MilliLoad(per));
        l.signal = Signal::Fresh { load: MilliLoad(x), at: at(0) };
        let world = pinisi_planner::World { workloads: [(id("web"), w)].into(), ..Default::default() };
        let want = plan(&world, &Memory::default(), at(0)).workloads[&id("web")].want.get();
        let exact = (u128::from(x) * 11).div_ceil(10).div_ceil(u128::from(per));
        prop_assert_eq!(u128::from(want), exact.clamp(min.into(), (min + more).into()));
    }

    /// The total is never below the highest need of the window, and comes down after it.
    #[test]
    fn window_holds_the_highest_need(loads in proptest::collection::vec((0u64..500, 1i64..20), 20..60)) {
        let mut w = mass(load(0, at(0)));
        let Demand::Load(l) = &mut w.demand else { unreachable!() };
        l.start_up = secs(0);
        let mut world = pinisi_planner::World { workloads: [(id("web"), w)].into(), ..Default::default() };
        let (mut memory, mut now, mut seen) = (Memory::default(), 0, Vec::new());
        for (units, wait) in loads {
            now += wait;
            let w = world.workloads.get_mut(&id("web")).unwrap();
            with_signal(w, Signal::Fresh { load: MilliLoad(units * 1000), at: at(now) });
            let made = plan(&world, &memory, at(now));
            memory = made.memory.clone();
            let d = &made.workloads[&id("web")];
            let need = d.reasons.iter().find_map(|r| match r {
                pinisi_planner::Reason::Load { need, .. } => Some(need.get()),
                _ => None,
            }).unwrap();
            prop_assert!(u128::from(need) >= (u128::from(units) * 11).div_ceil(10));
            prop_assert!(u64::from(need) <= (units * 3).max((units * 11).div_ceil(10)));
            seen.push((now, need));
            let highest = |reach: i64| seen.iter().filter(|(t, _)| now - t <= reach).map(|(_, n)| *n).max().unwrap();
            prop_assert!(d.want.get() >= highest(60).max(1));
            if now - seen[0].0 >= 60 {
                prop_assert!(d.want.get() <= highest(62).max(1) || words(&made, "web").contains(&"Warming"));
            }
        }
    }
}
