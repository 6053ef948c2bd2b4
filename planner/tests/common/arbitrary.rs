//! Arbitrary worlds and memories, down to the absurd: extreme times, empty nodes, largest numbers,
//! bounds that contradict each other, names of sites that are not there.

use super::*;
use pinisi_planner::memory::{Blocked, Contest, Decisions, Drain, Statistics, WorkloadMemory};
use pinisi_planner::model::refusal::{Refusal, RefusalKind};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

const SITES: [&str; 5] = ["home", "home2", "cloud", "cloud2", "nowhere"];

pub fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        8 => (-400i64..400).prop_map(at),
        1 => Just(Timestamp::MIN),
        1 => Just(Timestamp::MAX),
    ]
}
fn duration() -> impl Strategy<Value = SignedDuration> {
    prop_oneof![
        8 => (1i64..200).prop_map(secs),
        1 => Just(SignedDuration::ZERO),
        1 => Just(SignedDuration::MIN),
        1 => Just(SignedDuration::MAX),
    ]
}
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0u64..40_000, 1 => Just(0), 1 => Just(u64::MAX), 1 => Just(1)]
}
fn resources() -> impl Strategy<Value = Resources> {
    (number(), number()).prop_map(|(millicores, bytes)| Resources { millicores, bytes })
}
fn count() -> impl Strategy<Value = Replicas> {
    prop_oneof![8 => 0u32..60, 1 => Just(0), 1 => Just(1000u32), 1 => Just(u32::MAX)].prop_map(n)
}
fn percent() -> impl Strategy<Value = Percent> {
    (0i32..=100).prop_map(Percent::new)
}
fn site_name() -> impl Strategy<Value = SiteName> {
    (0..SITES.len()).prop_map(|i| name(SITES[i]))
}

fn any_node() -> impl Strategy<Value = Node> {
    let slots = prop_oneof![4 => 0u32..50, 1 => Just(u32::MAX)];
    (
        "[a-d]",
        resources(),
        resources(),
        slots,
        0u32..20,
        prop::bool::weighted(0.8),
    )
        .prop_map(
            |(node_name, allocatable, used, pod_slots, used_slots, schedulable)| Node {
                name: node_name.as_str().into(),
                allocatable,
                pod_slots,
                used,
                used_slots,
                schedulable,
            },
        )
}
fn any_site() -> impl Strategy<Value = Site> {
    let kind = prop_oneof![
        Just(SiteKind::OnPrem),
        Just(SiteKind::Cloud),
        Just(SiteKind::Edge)
    ];
    let nodes = vec(any_node(), 0..5);
    let reach = prop_oneof![
        4 => Just(Reach::Reachable),
        1 => time().prop_map(|since| Reach::Unreachable { since }),
    ];
    (
        kind,
        percent(),
        percent(),
        resources(),
        option::of(resources()),
        prop::bool::weighted(0.8),
        (reach, duration()),
        nodes,
    )
        .prop_map(
            |(kind, high, low, reserve, max, open, (reach, grace), nodes)| Site {
                kind,
                high,
                low,
                reserve,
                max,
                open,
                reach,
                grace,
                nodes,
            },
        )
}

fn any_leg() -> impl Strategy<Value = Leg> {
    let writer = option::weighted(0.2, Just("somebody".to_owned()));
    (
        count(),
        count(),
        count(),
        time(),
        any::<i64>(),
        writer,
        prop::bool::weighted(0.1),
        option::weighted(0.2, count()),
    )
        .prop_map(
            |(spec, ready, bound, since, generation, foreign_writer, rolling, quota_room)| {
                let pending = spec.minus(bound);
                let pending_since = (pending > Replicas::ZERO).then_some(since);
                Leg {
                    spec,
                    ready,
                    bound,
                    pending,
                    pending_since,
                    generation,
                    foreign_writer,
                    rolling,
                    quota_room,
                }
            },
        )
}

pub fn refusal() -> Refusal {
    Refusal {
        kind: RefusalKind::ServiceAccountMissing,
        object: "ServiceAccount web".into(),
        text: "there is no ServiceAccount web".into(),
    }
}

pub fn lost() -> impl Strategy<Value = Signal> {
    prop_oneof![
        time().prop_map(|at| Signal::Stale { at }),
        Just(Signal::Missing(SignalFault::NoSeries)),
        Just(Signal::Missing(SignalFault::NotANumber("NaN".into()))),
    ]
}
fn any_demand() -> impl Strategy<Value = Demand> {
    let signal = prop_oneof![
        3 => (number(), time()).prop_map(|(x, at)| Signal::Fresh { load: MilliLoad(x), at }),
        1 => lost(),
    ];
    let per = prop_oneof![4 => 1u64..3000, 1 => Just(1), 1 => Just(u64::MAX), 1 => Just(0)];
    let load = (count(), count(), per, duration(), signal, duration()).prop_map(
        |(min, max, per, scale_down_window, signal, start_up)| {
            let per_replica = MilliLoad(per);
            Demand::Load(LoadDemand {
                min,
                max,
                per_replica,
                scale_down_window,
                signal,
                start_up,
            })
        },
    );
    prop_oneof![1 => Just(Demand::Untouched), 2 => count().prop_map(Demand::Fixed), 6 => load]
}

fn any_placement() -> impl Strategy<Value = Placement> {
    // The names are taken for sovereign whatever the world says: the planner must look again.
    let lawful = vec(site_name(), 0..4).prop_map(|sites| Placement::Sensitive {
        sites: sites
            .iter()
            .filter_map(|s| SovereignSite::of(s, SiteKind::OnPrem))
            .collect(),
    });
    let tier = (
        vec(site_name(), 0..3),
        prop_oneof![2 => Just(n(0)), 1 => count()],
        prop_oneof![2 => Just(Replicas::MAX), 1 => count()],
    )
        .prop_map(|(sites, min, max)| Tier { sites, min, max });
    let mass = vec(tier, 0..4).prop_map(|tiers| Placement::MassTraffic { tiers });
    prop_oneof![1 => lawful, 3 => mass]
}

fn any_workload() -> impl Strategy<Value = Workload> {
    let mode =
        prop_oneof![8 => Just(Mode::Active), 1 => Just(Mode::Observe), 1 => Just(Mode::Paused)];
    let word = (
        option::of(count()),
        btree_map(site_name(), count(), 0..3),
        time(),
    )
        .prop_map(|(total, sites, until)| Override {
            total,
            sites,
            until,
        });
    let drain =
        (duration(), percent(), duration()).prop_map(|(after, step, interval)| DrainPolicy {
            after,
            step,
            interval: interval.max(secs(1)),
        });
    let legs = btree_map(site_name(), any_leg(), 0..5);
    let competitor = option::weighted(0.1, Just("HorizontalPodAutoscaler web".to_owned()));
    let refused = btree_map(site_name(), Just(refusal()), 0..2);
    (
        any_placement(),
        mode,
        any_demand(),
        option::weighted(0.2, word),
        drain,
        0i32..3,
        resources(),
        (legs, refused),
        competitor,
    )
        .prop_map(
            |(
                placement,
                mode,
                demand,
                override_,
                drain,
                priority,
                request,
                (legs, refused),
                competitor,
            )| {
                Workload {
                    placement,
                    mode,
                    demand,
                    override_,
                    drain,
                    priority,
                    request,
                    legs,
                    refused,
                    competitor,
                }
            },
        )
}

pub fn any_world() -> impl Strategy<Value = World> {
    let sites =
        vec(any_site(), 4).prop_map(|sites| SITES.iter().map(|s| name(s)).zip(sites).collect());
    let workloads = vec(any_workload(), 1..5).prop_map(|ws| {
        ws.into_iter()
            .enumerate()
            .map(|(i, w)| (id(&format!("w{i}")), w))
            .collect()
    });
    (sites, workloads).prop_map(|(sites, workloads)| World { sites, workloads })
}

fn any_memory_of_one() -> impl Strategy<Value = WorkloadMemory> {
    let drain =
        (site_name(), site_name(), count(), time()).prop_map(|(from, to, moving, since)| Drain {
            from,
            to,
            moving,
            since,
        });
    let contest = (0u32..4, time(), any::<i64>()).prop_map(|(writes, last, generation)| Contest {
        writes,
        last,
        writer: "somebody".into(),
        generation,
    });
    let decisions = (
        option::of(count()),
        btree_map(site_name(), count(), 0..4),
        option::of(drain),
        option::of(contest),
    )
        .prop_map(|(total, sites, drain, contest)| Decisions {
            total,
            sites,
            drain,
            contest,
        });
    let blocked = (time(), count()).prop_map(|(until, holds)| Blocked {
        until,
        holds,
        pending: n(1),
    });
    let statistics = (
        vec((time(), number().prop_map(MilliLoad)), 0..8),
        vec((time(), count()), 0..8),
        option::of(time()),
        btree_map(site_name(), blocked, 0..3),
    )
        .prop_map(|(samples, needs, needs_since, blocked)| Statistics {
            samples: samples.into(),
            needs: needs.into(),
            needs_since,
            blocked,
        });
    (decisions, statistics).prop_map(|(decisions, statistics)| WorkloadMemory {
        decisions,
        statistics,
    })
}

pub fn any_memory() -> impl Strategy<Value = Memory> {
    (
        vec(any_memory_of_one(), 0..5),
        btree_map(site_name(), time(), 0..5),
    )
        .prop_map(|(ms, low_since)| Memory {
            workloads: ms
                .into_iter()
                .enumerate()
                .map(|(i, m)| (id(&format!("w{i}")), m))
                .collect(),
            low_since,
        })
}
