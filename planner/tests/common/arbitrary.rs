//! Arbitrary worlds and memories, down to the absurd: extreme times, empty nodes, largest numbers,
//! bounds that contradict each other, names of sites that are not there.

use super::*;
use pinisi_planner::budget::ledger::{Account, Ledger};
use pinisi_planner::hpa;
use pinisi_planner::memory::{
    Blocked, Contest, Decisions, Drain, Spent, Statistics, Syncs, WorkloadMemory,
};
use pinisi_planner::model::budget::{Budget, BudgetName, Period};
use pinisi_planner::model::dependency::{DayQuota, Dependency, MilliCalls, Spread, Supplier};
use pinisi_planner::model::money::{Currency, Money};
use pinisi_planner::model::price::{Exact, PerHour, Price};
use pinisi_planner::model::quota::{QuotaLeft, QuotaRoom};
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
        prop::bool::weighted(0.8),
    )
        .prop_map(
            |(node_name, allocatable, used, pod_slots, used_slots, schedulable, attested)| Node {
                name: node_name.as_str().into(),
                allocatable,
                pod_slots,
                used,
                used_slots,
                schedulable,
                unattested: !attested,
            },
        )
}
fn any_site() -> impl Strategy<Value = Site> {
    let kind = prop_oneof![
        Just(SiteKind::OnPrem),
        Just(SiteKind::Cloud),
        Just(SiteKind::Edge)
    ];
    let pool = (number(), resources(), 0u32..50, duration()).prop_map(
        |(nodes, room, pod_slots, provision)| Elastic {
            nodes: u32::try_from(nodes).unwrap_or(u32::MAX),
            room,
            pod_slots,
            provision,
        },
    );
    let nodes = (vec(any_node(), 0..5), option::weighted(0.2, pool));
    let quotas = option::weighted(0.2, any_quota());
    let price = option::weighted(0.3, any_price());
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
        (nodes, quotas, price),
    )
        .prop_map(
            |(
                kind,
                high,
                low,
                reserve,
                max,
                open,
                (reach, grace),
                ((nodes, elastic), quota, price),
            )| Site {
                kind,
                high,
                low,
                reserve,
                max,
                open,
                reach,
                grace,
                nodes,
                elastic,
                quotas: quota.map(|room| ("ns".into(), room)).into_iter().collect(),
                price,
            },
        )
}

fn money() -> impl Strategy<Value = Money> {
    let micros = prop_oneof![
        6 => (0i128..100).prop_map(|units| units * 1_000_000),
        2 => 0i128..1000,
        1 => Just(i128::MAX),
        1 => Just(-5_000_000),
    ];
    micros.prop_map(Money::from_micros)
}
fn rate() -> impl Strategy<Value = PerHour> {
    money().prop_map(PerHour::new)
}
fn currency() -> impl Strategy<Value = Currency> {
    prop_oneof![4 => Just("IDR"), 1 => Just("USD")].prop_map(|c| Currency::parse(c).unwrap())
}
fn any_price() -> impl Strategy<Value = Price> {
    (currency(), rate(), rate()).prop_map(|(currency, cpu, gib)| Price { currency, cpu, gib })
}
fn period() -> impl Strategy<Value = Period> {
    (time(), time()).prop_map(|(from, until)| Period { from, until })
}
fn any_budget() -> impl Strategy<Value = Budget> {
    let namespaces = prop::bool::weighted(0.9);
    let most = option::weighted(0.3, rate());
    (namespaces, currency(), period(), money(), most).prop_map(
        |(covers, currency, period, ceiling, most_per_hour)| Budget {
            namespaces: covers.then(|| "ns".into()).into_iter().collect(),
            currency,
            period,
            ceiling,
            most_per_hour,
        },
    )
}
fn any_ledger() -> impl Strategy<Value = Ledger> {
    let account = (period(), currency(), money(), time(), rate()).prop_map(
        |(period, currency, spent, at, rate)| Account {
            period,
            currency,
            namespaces: ["ns".into()].into(),
            spent: Exact::of(spent),
            at,
            rate,
        },
    );
    btree_map(budget_name(), vec(account, 0..4), 0..3)
}
fn budget_name() -> impl Strategy<Value = BudgetName> {
    prop_oneof![Just("a"), Just("b"), Just("c")].prop_map(BudgetName::new)
}

fn any_quota() -> impl Strategy<Value = QuotaRoom> {
    let left = number().prop_map(|left| QuotaLeft {
        quota: "q".into(),
        left,
    });
    btree_map(proptest::sample::select(&QUOTA_RESOURCES[..]), left, 0..4)
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
        option::weighted(0.2, (count(), count())),
    )
        .prop_map(
            |(spec, ready, bound, since, generation, foreign_writer, rolling, odd)| {
                let pending = spec.minus(bound);
                let pending_since = (pending > Replicas::ZERO).then_some(since);
                let (unmade, terminating) = odd.unwrap_or_default();
                Leg {
                    spec,
                    ready,
                    bound,
                    pending,
                    pending_since,
                    generation,
                    foreign_writer,
                    rolling,
                    unmade: unmade.min(pending),
                    terminating,
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
                headroom: Percent::new(10),
                scale_down_window: Some(scale_down_window),
                signal,
                start_up,
                forecast: min.get() % 2 == 1,
            })
        },
    );
    let load = load.boxed();
    let with_load =
        (any_metrics(), option::weighted(0.3, load.clone())).prop_map(|(metrics, load)| {
            let load = load.and_then(|d| match d {
                Demand::Load(l) => Some(l),
                Demand::Untouched | Demand::Fixed(_) | Demand::Metrics(_) => None,
            });
            Demand::Metrics(Box::new(MetricsDemand { load, ..metrics }))
        });
    prop_oneof![1 => Just(Demand::Untouched), 2 => count().prop_map(Demand::Fixed), 6 => load, 6 => with_load]
}

fn small_int() -> impl Strategy<Value = i32> {
    prop_oneof![8 => 0i32..200, 1 => Just(i32::MIN), 1 => Just(i32::MAX)]
}
fn wide_int() -> impl Strategy<Value = i64> {
    prop_oneof![8 => 0i64..5000, 1 => Just(i64::MIN), 1 => Just(i64::MAX), 1 => Just(0)]
}
pub fn any_fault() -> impl Strategy<Value = hpa::Fault> {
    prop_oneof![
        Just(hpa::Fault::Empty),
        Just(hpa::Fault::NotAskedYet),
        time().prop_map(|at| hpa::Fault::Stale { at }),
        Just(hpa::Fault::NotANumber("NaN".into())),
    ]
}
fn reading<T: std::fmt::Debug + Clone + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<hpa::Reading<T>> {
    prop_oneof![
        4 => value.prop_map(hpa::Reading::Read),
        1 => any_fault().prop_map(hpa::Reading::Lost),
    ]
    .boxed()
}
fn pod_key() -> impl Strategy<Value = hpa::PodKey> {
    (site_name(), 0..8usize).prop_map(|(site, i)| hpa::PodKey {
        site,
        name: format!("p{i}").as_str().into(),
    })
}
fn pod_values() -> impl Strategy<Value = Vec<hpa::PodValue>> {
    let value = (pod_key(), wide_int(), time(), duration()).prop_map(|(pod, milli, at, window)| {
        hpa::PodValue {
            pod,
            milli,
            at,
            window,
        }
    });
    vec(value, 0..8)
}
fn resource() -> impl Strategy<Value = hpa::ResourceName> {
    prop_oneof![Just("cpu"), Just("memory")].prop_map(hpa::ResourceName::new)
}
pub fn any_metric() -> impl Strategy<Value = hpa::Metric> {
    let target = prop_oneof![
        small_int().prop_map(hpa::ResourceTarget::Utilization),
        wide_int().prop_map(hpa::ResourceTarget::AverageValue),
    ];
    let container = option::of(prop_oneof![Just("app".into()), Just("none".into())]);
    let of_resource = (resource(), container, target, reading(pod_values())).prop_map(
        |(name, container, target, reading)| hpa::Metric::Resource {
            name,
            container,
            target,
            reading,
        },
    );
    let of_pods =
        (wide_int(), reading(pod_values())).prop_map(|(average, reading)| hpa::Metric::Pods {
            name: "m".into(),
            average,
            reading,
        });
    let target = || {
        prop_oneof![
            wide_int().prop_map(hpa::ValueTarget::Value),
            wide_int().prop_map(hpa::ValueTarget::AverageValue),
        ]
    };
    let of_object =
        (target(), reading(wide_int())).prop_map(|(target, reading)| hpa::Metric::Object {
            name: "m".into(),
            kind: "Service".into(),
            target,
            reading,
        });
    let external = (target(), reading(vec(wide_int(), 0..4))).prop_map(|(target, reading)| {
        hpa::Metric::External {
            name: "m".into(),
            target,
            reading,
        }
    });
    prop_oneof![2 => of_resource, 1 => of_pods, 1 => of_object, 2 => external]
}
fn any_pod() -> impl Strategy<Value = hpa::Pod> {
    let phase = prop_oneof![
        4 => Just(hpa::Phase::Running),
        1 => Just(hpa::Phase::Pending),
        1 => Just(hpa::Phase::Failed),
        1 => Just(hpa::Phase::Unknown),
    ];
    let status = prop_oneof![
        Just(hpa::ReadyStatus::True),
        Just(hpa::ReadyStatus::False),
        Just(hpa::ReadyStatus::Unknown)
    ];
    let ready = (status, time()).prop_map(|(status, since)| hpa::Ready { status, since });
    let requests = btree_map(resource(), wide_int(), 0..3).boxed();
    (
        pod_key(),
        phase,
        prop::bool::weighted(0.1),
        option::of(time()),
        option::of(ready),
        option::weighted(0.1, requests.clone()),
        requests,
    )
        .prop_map(|(key, phase, terminating, started, ready, pod, requests)| {
            let container = hpa::Container {
                name: "app".into(),
                requests,
            };
            hpa::Pod {
                key,
                phase,
                terminating,
                started,
                ready,
                requests: std::sync::Arc::new(hpa::PodRequests {
                    pod,
                    containers: vec![container],
                }),
            }
        })
}
fn rules() -> impl Strategy<Value = hpa::Rules> {
    let kind = prop_oneof![Just(hpa::PolicyKind::Pods), Just(hpa::PolicyKind::Percent)];
    let policy =
        (kind, small_int(), small_int()).prop_map(|(kind, value, period_seconds)| hpa::Policy {
            kind,
            value,
            period_seconds,
        });
    let select = prop_oneof![
        2 => Just(hpa::Select::Max),
        1 => Just(hpa::Select::Min),
        1 => Just(hpa::Select::Disabled)
    ];
    let tolerance = option::of(number().prop_map(hpa::Tolerance::from_nanos));
    (
        option::of(small_int()),
        select,
        vec(policy, 0..3),
        tolerance,
    )
        .prop_map(|(window_seconds, select, policies, tolerance)| hpa::Rules {
            window_seconds,
            select,
            policies,
            tolerance,
        })
}
pub fn any_behavior() -> impl Strategy<Value = hpa::Behavior> {
    (rules(), rules()).prop_map(|(up, down)| hpa::Behavior { up, down })
}
pub fn any_metrics() -> impl Strategy<Value = MetricsDemand> {
    let bounds = (count(), count(), count());
    let times = (time(), 0i64..3, duration());
    let seen = (
        vec(any_metric(), 0..4),
        vec(any_pod(), 0..8),
        option::weighted(0.1, site_name()),
    );
    (bounds, option::of(any_behavior()), times, seen).prop_map(
        |((min, max, status), behavior, (read_at, generation, start_up), (metrics, pods, site))| {
            MetricsDemand {
                min,
                max,
                behavior,
                metrics,
                pods: pods.into(),
                status,
                unknown_sites: site.into_iter().collect(),
                read_at,
                generation,
                start_up,
                load: None,
            }
        },
    )
}
/// What a hostile status or an odd clock could leave: long lists, negative and largest numbers.
pub fn any_hpa_memory() -> impl Strategy<Value = hpa::Memory> {
    let recommendation = (small_int(), time())
        .prop_map(|(replicas, at)| hpa::memory::Recommendation { replicas, at })
        .boxed();
    let event = || {
        (small_int(), time(), any::<bool>()).prop_map(|(change, at, outdated)| {
            hpa::memory::ScaleEvent {
                change,
                at,
                outdated,
            }
        })
    };
    let long = hpa::memory::RECOMMENDATIONS_MAX + 40;
    (
        prop_oneof![9 => vec(recommendation.clone(), 0..6), 1 => vec(recommendation, long..long + 9)],
        vec(event(), 0..6),
        vec(event(), 0..6),
    )
        .prop_map(|(recommendations, ups, downs)| hpa::Memory {
            recommendations,
            ups,
            downs,
        })
}
fn any_syncs() -> impl Strategy<Value = Syncs> {
    let times = (time(), time(), time(), 0i64..3);
    (any_hpa_memory(), times, any_metrics(), small_int()).prop_map(
        |(memory, (since, at, read_at, generation), demand, current)| {
            let spec = hpa::Spec {
                min: demand.min.to_api(),
                max: demand.max.to_api(),
                behavior: demand.behavior.clone(),
            };
            let input = hpa::Input {
                spec: &spec,
                current,
                status: current,
                scaled_to_zero: false,
                metrics: &demand.metrics,
                pods: &demand.pods,
                unknown_sites: &demand.unknown_sites,
                settings: hpa::Settings::default(),
                now: at,
            };
            let outcome = hpa::evaluate(&input, &mut hpa::Memory::default());
            Syncs {
                memory,
                since,
                at,
                read_at,
                generation,
                outcome: outcome.into(),
            }
        },
    )
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

fn any_dependency() -> impl Strategy<Value = Dependency> {
    let spread = prop_oneof![Just(Spread::AsNeeded), Just(Spread::Evenly)];
    let supplier = prop_oneof![
        (0..5).prop_map(|i| Supplier::Workload(id(&format!("w{i}")))),
        number().prop_map(|limit| Supplier::PerSecond(MilliLoad(limit))),
        (number(), time(), time(), spread).prop_map(|(limit, start, end, spread)| {
            let limit = MilliCalls(limit);
            Supplier::PerDay(DayQuota {
                limit,
                start,
                end,
                spread,
            })
        }),
    ];
    let calls = prop_oneof![4 => 1u64..5000, 1 => Just(0), 1 => Just(u64::MAX)];
    ("[ab]", calls, supplier).prop_map(|(name, calls, supplier)| Dependency {
        name,
        calls: MilliCalls(calls),
        supplier,
    })
}

fn any_spent() -> impl Strategy<Value = Spent> {
    (time(), time(), number(), time(), number()).prop_map(|(day, since, calls, at, rate)| Spent {
        day,
        since,
        calls: MilliCalls(calls),
        at,
        rate: MilliLoad(rate),
    })
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
        (resources(), resources()),
        (legs, refused, vec(any_dependency(), 0..3)),
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
                (request, limits),
                (legs, refused, depends),
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
                    limits,
                    legs,
                    refused,
                    windows: Vec::new(),
                    depends,
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
    let budgets = btree_map(budget_name(), any_budget(), 0..3);
    (sites, workloads, budgets).prop_map(|(sites, workloads, budgets)| World {
        sites,
        workloads,
        budgets,
    })
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
        any::<bool>(),
        btree_map("[ab]", any_spent(), 0..2),
    )
        .prop_map(
            |(total, sites, drain, contest, scaled_to_zero, spent)| Decisions {
                total,
                sites: sites.into_iter().collect(),
                drain,
                contest,
                scaled_to_zero,
                spent,
            },
        );
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
        option::of(any_syncs()),
    )
        .prop_map(|(samples, needs, since, blocked, syncs)| Statistics {
            samples: samples.into(),
            needs: needs.into(),
            since,
            growth: Default::default(),
            forecast: None,
            blocked,
            syncs: syncs.map(Box::new),
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
        any_ledger(),
    )
        .prop_map(|(ms, low_since, ledger)| Memory {
            workloads: ms
                .into_iter()
                .enumerate()
                .map(|(i, m)| (id(&format!("w{i}")), m))
                .collect(),
            low_since,
            ledger,
        })
}
