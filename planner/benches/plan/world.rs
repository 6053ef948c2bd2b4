//! The world that is planned for: services of about ten pods with one HPA metric each on twenty
//! sites, half of them with a load signal beside it. Its size is one number; nodes grow with it, so
//! that the sites are always as full.

use super::chance::Chance;
use jiff::{SignedDuration, Timestamp};
use pinisi_planner::hpa::{
    Container, Metric, Phase, Pod, PodKey, PodRequests, PodValue, Pods, Reading, Ready,
    ReadyStatus, ResourceName, ResourceTarget, ValueTarget,
};
use pinisi_planner::model::World;
use pinisi_planner::model::amounts::{MilliLoad, Percent, Replicas, Resources};
use pinisi_planner::model::site::{Node, Reach, Site, SiteKind, SiteName, SovereignSite};
use pinisi_planner::model::workload::{
    Demand, DrainPolicy, Leg, LoadDemand, MetricsDemand, Mode, Placement, Signal, Tier, Workload,
};
use pinisi_planner::{Plan, WorkloadId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Sites of the world; the first [`HOMES`] are sovereign ground.
pub const SITES: usize = 20;
const HOMES: usize = 4;
/// One in so many workloads is Sensitive.
const SENSITIVE_ONE_IN: u64 = 10;
/// Pods that a workload begins with.
pub const PODS: u32 = 10;
/// Most that it may have.
const PODS_MAX: u32 = 20;
/// Workloads that share a namespace.
const IN_NAMESPACE: usize = 10;
/// So many workloads bring one more node to each site: at 10,000 it has 100.
const NODE_FOR: usize = 100;
/// CPU of a node.
const NODE_MILLICORES: u64 = 64_000;
/// Memory of a node.
const NODE_BYTES: u64 = 256 << 30;
/// What the metric is held to: percent of the request, or load a pod.
const TARGET: i64 = 50;
/// Time between two rounds: an HPA's sync.
const ROUND: SignedDuration = SignedDuration::from_secs(15);
/// Rounds from the least load of a day to the most.
const HALF_DAY: u64 = 40;
/// Metrics are measured over so long.
const WINDOW: SignedDuration = SignedDuration::from_secs(30);

/// The world with what makes it go on.
pub struct Stage {
    /// As the planner sees it.
    pub world: World,
    /// The moment.
    pub now: Timestamp,
    round: u64,
    chance: Chance,
    /// What of each workload never changes.
    casts: BTreeMap<WorkloadId, Cast>,
}

struct Cast {
    /// Load that fills ten pods, in thousandths.
    usual: u64,
    /// Where in its day it begins.
    phase: u64,
    requests: Arc<PodRequests>,
    /// Names of its pods at each site, made once as the operator has them from its watch.
    names: BTreeMap<SiteName, Vec<Arc<str>>>,
}

impl Stage {
    /// A world of `workloads`, each placed on `places` of the sites.
    pub fn new(workloads: usize, places: usize) -> Self {
        let now = Timestamp::from_second(1_800_000_000).unwrap_or_default();
        let names: Vec<SiteName> = (0..SITES).map(|i| SiteName::new(&site_name(i))).collect();
        let nodes = workloads.div_ceil(NODE_FOR);
        let sites = names.iter().enumerate();
        let sites = sites.map(|(i, name)| (name.clone(), site(i, nodes)));
        let mut stage = Self {
            world: World {
                sites: sites.collect(),
                workloads: BTreeMap::new(),
                budgets: BTreeMap::new(),
            },
            now,
            round: 0,
            chance: Chance::new(5),
            casts: BTreeMap::new(),
        };
        for i in 0..workloads {
            let id = WorkloadId {
                namespace: format!("team-{:05}", i / IN_NAMESPACE).into(),
                name: format!("service-{i:06}").into(),
            };
            let (workload, cast) = workload(i, &names, places, &mut stage.chance);
            stage.world.workloads.insert(id.clone(), workload);
            stage.casts.insert(id, cast);
        }
        stage.say();
        stage
    }

    /// Lets the plan be carried out and a round pass: every signal and every reading changes.
    pub fn go_on(&mut self, plan: &Plan) {
        for (id, decision) in &plan.workloads {
            let Some(workload) = self.world.workloads.get_mut(id) else {
                continue;
            };
            for step in &decision.steps {
                let leg = workload.legs.entry(step.site.clone()).or_default();
                (leg.spec, leg.ready, leg.bound) = (step.to, step.to, step.to);
                leg.generation += 1;
            }
        }
        self.now = self.now.saturating_add(ROUND).unwrap_or(self.now);
        self.round += 1;
        self.say();
    }

    /// New readings and signals for everybody, and pods as many as there are.
    fn say(&mut self) {
        for (id, workload) in &mut self.world.workloads {
            let Some(cast) = self.casts.get_mut(id) else {
                continue;
            };
            // A day from 70 to 130 percent of the usual and back, with some noise.
            let hour = (self.round + cast.phase) % (2 * HALF_DAY);
            let percent = 70 + 60 * hour.min(2 * HALF_DAY - hour) / HALF_DAY;
            let load = cast.usual * (percent * 10 + self.chance.below(50)) / 1000;
            let Demand::Metrics(demand) = &mut workload.demand else {
                continue;
            };
            demand.pods = pods(cast, &workload.legs, self.now);
            demand.status = workload.legs.values().map(|leg| leg.spec).sum();
            demand.read_at = self.now;
            if let Some(signal) = demand.load.as_mut().map(|load| &mut load.signal) {
                *signal = Signal::Fresh {
                    load: MilliLoad(load),
                    at: self.now,
                };
            }
            read(demand, load, workload.request, self.now, &mut self.chance);
        }
    }
}

/// What the metrics API says: a value for each pod, or one for all.
fn read(
    demand: &mut MetricsDemand,
    load: u64,
    request: Resources,
    now: Timestamp,
    chance: &mut Chance,
) {
    let count = u64::try_from(demand.pods.len()).unwrap_or(1).max(1);
    for metric in &mut demand.metrics {
        match metric {
            Metric::Resource { reading, .. } => {
                // At the usual load ten pods use half of what they request.
                let each = load * request.millicores / (1000 * 2 * count);
                let values = demand.pods.iter().map(|pod| PodValue {
                    pod: pod.key.clone(),
                    milli: i64::try_from(each + chance.below(each / 10 + 1)).unwrap_or(0),
                    at: now,
                    window: WINDOW,
                });
                *reading = Reading::Read(values.collect());
            }
            Metric::External { reading, .. } => {
                let value = i64::try_from(load).unwrap_or(0) * TARGET / 1000;
                *reading = Reading::Read(vec![value]);
            }
            Metric::Pods { .. } | Metric::Object { .. } => {}
        }
    }
}

fn pods(cast: &mut Cast, legs: &BTreeMap<SiteName, Leg>, now: Timestamp) -> Pods {
    let long_ago = now
        .saturating_sub(SignedDuration::from_hours(1))
        .unwrap_or(now);
    let mut pods = Vec::new();
    for (site, leg) in legs {
        let count = usize::try_from(leg.spec.get()).unwrap_or(0);
        let names = cast.names.entry(site.clone()).or_default();
        for i in names.len()..count {
            names.push(format!("service-{}-{site}-7d9f8b6c5-{i:05}", cast.usual).into());
        }
        pods.extend(names.iter().take(count).map(|name| Pod {
            key: PodKey {
                site: site.clone(),
                name: name.clone(),
            },
            phase: Phase::Running,
            terminating: false,
            started: Some(long_ago),
            ready: Some(Ready {
                status: ReadyStatus::True,
                since: long_ago,
            }),
            requests: cast.requests.clone(),
        }));
    }
    pods.into()
}

fn site_name(i: usize) -> String {
    if i < HOMES {
        format!("home-{i:02}")
    } else {
        format!("cloud-{i:02}")
    }
}

fn site(i: usize, nodes: usize) -> Site {
    let node = |n: usize| Node {
        name: format!("{}-node-{n:05}", site_name(i)).into(),
        allocatable: Resources {
            millicores: NODE_MILLICORES,
            bytes: NODE_BYTES,
        },
        pod_slots: 250,
        // Half full: what runs, and what is not Pinisi's.
        used: Resources {
            millicores: NODE_MILLICORES / 2,
            bytes: NODE_BYTES / 2,
        },
        used_slots: 100,
        schedulable: true,
        unattested: false,
    };
    Site {
        kind: if i < HOMES {
            SiteKind::OnPrem
        } else {
            SiteKind::Cloud
        },
        high: Percent::new(80),
        low: Percent::new(60),
        reserve: Resources {
            millicores: NODE_MILLICORES,
            bytes: NODE_BYTES,
        },
        max: None,
        open: true,
        reach: Reach::Reachable,
        grace: SignedDuration::from_mins(5),
        nodes: (0..nodes).map(node).collect(),
        elastic: None,
        price: None,
        quotas: BTreeMap::new(),
    }
}

fn workload(i: usize, sites: &[SiteName], places: usize, chance: &mut Chance) -> (Workload, Cast) {
    let sensitive = chance.below(SENSITIVE_ONE_IN) == 0;
    // A home, then clouds; each workload begins at other ones.
    let mine: Vec<SiteName> = if sensitive {
        let homes = sites.iter().take(HOMES).cycle().skip(i % HOMES);
        homes.take(places.clamp(1, HOMES)).cloned().collect()
    } else {
        let (homes, clouds) = sites.split_at(HOMES.min(sites.len()));
        let home = homes
            .iter()
            .cycle()
            .skip(i % HOMES)
            .take((places / 2).clamp(1, HOMES));
        let rest = places.saturating_sub((places / 2).clamp(1, HOMES));
        let cloud = clouds
            .iter()
            .cycle()
            .skip(i % clouds.len().max(1))
            .take(rest);
        home.chain(cloud).cloned().collect()
    };
    let legs: BTreeMap<_, _> = mine
        .first()
        .map(|home| (home.clone(), leg(PODS)))
        .into_iter()
        .collect();
    let placement = if sensitive {
        let lawful = mine
            .iter()
            .filter_map(|s| SovereignSite::of(s, SiteKind::OnPrem));
        Placement::Sensitive {
            sites: lawful.collect(),
        }
    } else {
        let (homes, clouds) = mine.split_at(mine.len().min((places / 2).clamp(1, HOMES)));
        let tier = |sites: &[SiteName]| Tier {
            sites: sites.to_vec(),
            min: Replicas::ZERO,
            max: Replicas::MAX,
        };
        Placement::MassTraffic {
            tiers: vec![tier(homes), tier(clouds)],
        }
    };
    // Hundreds of sizes, as no two teams agree on one.
    let request = Resources {
        millicores: 50 + 10 * chance.below(40),
        bytes: (64 << 20) + (16 << 20) * chance.below(40),
    };
    let usual = 1000 * u64::from(PODS) + chance.below(500);
    let requests = Arc::new(PodRequests {
        pod: None,
        containers: vec![Container {
            name: "app".into(),
            requests: [("cpu", request.millicores), ("memory", request.bytes)]
                .into_iter()
                .map(|(name, n)| (ResourceName::new(name), i64::try_from(n).unwrap_or(0)))
                .collect(),
        }],
    });
    let load = i.is_multiple_of(2).then(|| LoadDemand {
        min: Replicas::new(2),
        max: Replicas::new(PODS_MAX),
        per_replica: MilliLoad(1100),
        headroom: Percent::new(30),
        scale_down_window: None,
        signal: Signal::Stale {
            at: Timestamp::UNIX_EPOCH,
        },
        start_up: SignedDuration::from_secs(20),
        forecast: false,
    });
    let metric = if chance.below(2) == 0 {
        Metric::Resource {
            name: ResourceName::new("cpu"),
            container: None,
            target: ResourceTarget::Utilization(i32::try_from(TARGET).unwrap_or(50)),
            reading: Reading::Read(Vec::new()),
        }
    } else {
        Metric::External {
            name: "requests-in-queue".into(),
            target: ValueTarget::AverageValue(TARGET),
            reading: Reading::Read(Vec::new()),
        }
    };
    let workload = Workload {
        placement,
        mode: Mode::Active,
        demand: Demand::Metrics(Box::new(MetricsDemand {
            min: Replicas::new(2),
            max: Replicas::new(PODS_MAX),
            behavior: None,
            metrics: vec![metric],
            pods: Pods::default(),
            status: Replicas::ZERO,
            unknown_sites: BTreeSet::new(),
            read_at: Timestamp::UNIX_EPOCH,
            generation: 1,
            start_up: SignedDuration::from_secs(20),
            load,
        })),
        override_: None,
        drain: DrainPolicy {
            after: SignedDuration::from_mins(5),
            step: Percent::new(10),
            interval: SignedDuration::from_secs(30),
        },
        priority: i32::try_from(i % 3).unwrap_or(0),
        request,
        limits: request,
        legs,
        refused: BTreeMap::new(),
        windows: Vec::new(),
        depends: Vec::new(),
        competitor: None,
    };
    let cast = Cast {
        usual,
        phase: chance.below(2 * HALF_DAY),
        requests,
        names: BTreeMap::new(),
    };
    (workload, cast)
}

fn leg(count: u32) -> Leg {
    let count = Replicas::new(count);
    Leg {
        spec: count,
        ready: count,
        bound: count,
        generation: 1,
        ..Leg::default()
    }
}
