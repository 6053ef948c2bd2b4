//! A namespace's quotas at a site are room that all its workloads share, within one plan as well.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

mod common;

use common::*;
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::quota::QuotaResource;
use pinisi_planner::model::site::SiteKind::{Cloud, OnPrem};
use pinisi_planner::model::workload::*;
use pinisi_planner::{Memory, Reason, WorkloadId, plan};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeMap;

/// Both want `want`: the first 4 fit at home, the rest goes to the cloud, and a spare site comes last.
fn two(want: u32) -> Cluster {
    with_cloud(want, 0)
}

/// The same, each with as many in the cloud already.
fn with_cloud(want: u32, cloud: u32) -> Cluster {
    let mut w = mass(Demand::Fixed(n(want)));
    w.legs.insert(name("cloud"), leg(cloud));
    w.placement = Placement::MassTraffic {
        tiers: vec![tier(&["home"]), tier(&["cloud"]), tier(&["spare"])],
    };
    Cluster::new(
        vec![
            ("home", site(OnPrem, 1, 4000)),
            ("cloud", site(Cloud, 4, 10_000)),
            ("spare", site(Cloud, 4, 10_000)),
        ],
        vec![("api", w.clone()), ("web", w)],
    )
}

fn hard<const N: usize>(limits: [(QuotaResource, u64); N]) -> BTreeMap<QuotaResource, u64> {
    limits.into()
}

/// What one plan places: for `api` and `web`, at home, in the cloud and at the spare site.
fn placed(c: &Cluster) -> [[u32; 3]; 2] {
    let made = plan(&c.world, &Memory::default(), c.now);
    ["api", "web"].map(|w| ["home", "cloud", "spare"].map(|s| desired(&made, w, s)))
}

#[test]
fn two_workloads_of_a_namespace_do_not_plan_the_same_room() {
    let mut c = two(7);
    c.limit("cloud", "ns", hard([(QuotaResource::Pods, 5)]));
    assert_eq!(placed(&c), [[4, 3, 0], [0, 2, 5]]);
}

#[test]
fn of_several_limits_the_tightest_holds_for_each_as_it_asks() {
    let mut c = two(7);
    let limits = [(QuotaResource::Cpu, 9000), (QuotaResource::CpuLimits, 8000)];
    c.limit("cloud", "ns", hard(limits));
    c.workload("api").limits = cpu(2500);
    // 3 times 2500m of 8000m are gone; of the requests 6000m are left. It has no limits of its own.
    assert_eq!(placed(&c), [[4, 3, 0], [0, 6, 1]]);
    c.workload("web").limits = cpu(500);
    assert_eq!(placed(&c), [[4, 3, 0], [0, 1, 6]]);
}

#[test]
fn another_namespace_has_room_of_its_own() {
    let mut c = two(7);
    c.limit("cloud", "other", hard([(QuotaResource::Pods, 0)]));
    assert_eq!(placed(&c), [[4, 3, 0], [0, 7, 0]]);
    let w = c.world.workloads.remove(&id("web")).unwrap();
    let other = WorkloadId {
        namespace: "other".into(),
        name: "web".into(),
    };
    c.world.workloads.insert(other.clone(), w);
    let made = plan(&c.world, &Memory::default(), c.now);
    assert_eq!(made.workloads[&other].shares[&name("cloud")].desired, n(0));
    assert_eq!(desired(&made, "api", "cloud"), 3);
}

/// The quota and its resource that keep `web` from the cloud, where it is said.
fn said(c: &Cluster) -> Option<String> {
    let made = plan(&c.world, &Memory::default(), c.now);
    let reasons = &made.workloads[&id("web")].reasons;
    reasons.iter().find_map(|reason| match reason {
        Reason::QuotaFull { site, limit } if *site == name("cloud") => {
            Some(format!("{} {}", limit.quota, limit.resource))
        }
        _ => None,
    })
}

#[test]
fn what_keeps_a_workload_from_a_site_is_named_while_it_does() {
    let mut c = two(3);
    let limits = [(QuotaResource::Pods, 5), (QuotaResource::Memory, 0)];
    c.limit("cloud", "ns", hard(limits));
    assert_eq!(said(&c), None, "what it asks for is placed");
    c.workload("web").demand = Demand::Fixed(n(6));
    assert_eq!(said(&c), None);
    c.workload("web").demand = Demand::Fixed(n(7));
    assert_eq!(
        said(&c).as_deref(),
        Some("ns/q pods"),
        "it goes to the spare site"
    );
    c.world.sites.insert(name("cloud"), site(Cloud, 1, 2000));
    c.limit("cloud", "ns", hard(limits));
    assert_eq!(said(&c), None, "the nodes are full before");
}

#[test]
fn what_a_spec_says_and_is_not_made_yet_is_nobody_elses_room() {
    let mut c = two(7);
    c.limit("cloud", "ns", hard([(QuotaResource::Pods, 5)]));
    // Written a moment ago; no pod of it is there. It is decided after the other.
    let late = Leg {
        spec: n(4),
        ..Leg::default()
    };
    c.workload("web").legs.insert(name("cloud"), late);
    assert_eq!(placed(&c), [[4, 1, 2], [0, 4, 3]]);
    // Pods that could not be made are not in the quota's count, whatever else they are.
    let now = c.now;
    let leg = c.workload("web").legs.get_mut(&name("cloud")).unwrap();
    (leg.pending, leg.unmade, leg.pending_since) = (n(4), n(4), Some(now));
    assert_eq!(placed(&c), [[4, 1, 2], [0, 4, 3]]);
}

#[test]
fn what_is_there_beyond_a_quota_stays_and_takes_no_more() {
    let mut c = with_cloud(7, 4);
    c.limit("cloud", "ns", hard([(QuotaResource::Pods, 6)]));
    assert_eq!(placed(&c), [[3, 4, 0], [1, 4, 2]]);
}

#[test]
fn a_way_home_ends_at_the_quota_there() {
    let mut c = two(5);
    c.workload("web").demand = Demand::Fixed(n(0));
    c.tick("api", 10);
    assert_eq!(c.leg("api", "cloud").spec, n(1));
    c.world.sites.insert(name("home"), site(OnPrem, 10, 4000));
    c.limit("home", "ns", hard([(QuotaResource::Pods, 4)]));
    for _ in 0..30 {
        assert!(c.tick("api", 10).is_empty());
    }
    c.limit("home", "ns", hard([(QuotaResource::Pods, 5)]));
    for _ in 0..30 {
        c.tick("api", 10);
    }
    assert_eq!(c.leg("api", "home").spec, n(5));
}

/// What a workload asks for: namespace, priority, CPU of its requests and of its limits.
type Asks = (bool, i32, u64, u64);

fn namespace(other: bool) -> &'static str {
    if other { "other" } else { "ns" }
}

fn several(asks: &[Asks]) -> Cluster {
    let sites = vec![
        ("home", site(OnPrem, 2, 4000)),
        ("cloud", site(Cloud, 2, 10_000)),
        ("spare", site(Cloud, 1, 6000)),
    ];
    let mut c = Cluster::new(sites, vec![]);
    for (i, (other, priority, requests, limits)) in asks.iter().enumerate() {
        let mut w = mass(Demand::Fixed(n(0)));
        w.placement = Placement::MassTraffic {
            tiers: vec![tier(&["home"]), tier(&["cloud"]), tier(&["spare"])],
        };
        (w.priority, w.request, w.limits) = (*priority, cpu(*requests), cpu(*limits));
        w.drain.after = secs(2);
        w.drain.interval = secs(1);
        let (namespace, name) = (namespace(*other).into(), format!("w{i}").into());
        c.world.workloads.insert(WorkloadId { namespace, name }, w);
    }
    c
}

proptest! {
    #![proptest_config(cases(300))]

    /// Whatever a namespace's workloads want, in whatever order they grow, fall and come home: no
    /// plan asks for more of them than the quotas hold.
    #[test]
    fn never_more_than_the_quotas(
        asks in vec((any::<bool>(), 0i32..3, 1u64..2000, 0u64..2000), 1..5),
        quotas in vec((select(&["home", "cloud", "spare"][..]), any::<bool>(),
            btree_map(select(&QUOTA_RESOURCES[..]), 0u64..12, 1..3)), 1..5),
        wants in vec(vec(0u32..15, 5), 1..12),
        wait in 1i64..6,
    ) {
        let mut c = several(&asks);
        let mut limited = BTreeMap::new();
        for (site, other, limits) in quotas {
            let thousands = |(resource, hard)| match resource {
                QuotaResource::Pods | QuotaResource::Memory | QuotaResource::MemoryLimits => (resource, hard),
                QuotaResource::Cpu | QuotaResource::CpuLimits => (resource, hard * 1000),
            };
            limited.insert((site, namespace(other)), limits.into_iter().map(thousands).collect::<BTreeMap<_, _>>());
        }
        for ((site, namespace), hard) in &limited {
            c.limit(site, namespace, hard.clone());
        }
        for round in wants {
            for (w, want) in c.world.workloads.values_mut().zip(round) {
                w.demand = Demand::Fixed(n(want));
            }
            for _ in 0..3 {
                c.pass(wait);
                for ((site, namespace), hard) in &limited {
                    let of = c.world.workloads.iter().filter(|(id, _)| id.namespace.as_str() == *namespace);
                    for (resource, hard) in hard {
                        let said: u64 = of.clone().map(|(_, w)| {
                            let spec = w.legs.get(&name(site)).map_or(Replicas::ZERO, |l| l.spec);
                            resource.of_one(w) * u64::from(spec.get())
                        }).sum();
                        prop_assert!(said <= *hard, "{site} {namespace} {resource}: {said} of {hard}");
                    }
                }
            }
        }
    }
}
