//! A tiny model of a cluster for the planner's tests: it applies steps, makes and deletes pods, binds
//! them to the node with the most free CPU, and makes them Ready after a delay. No API, no time of
//! its own: the tests turn the clock.
#![allow(dead_code)]

pub mod arbitrary;

use jiff::{SignedDuration, Timestamp};
use pinisi_planner::model::World;
use pinisi_planner::model::amounts::{MilliLoad, Percent, Replicas, Resources};
use pinisi_planner::model::money::Currency;
use pinisi_planner::model::price::Exact;
use pinisi_planner::model::quota::{QuotaLeft, QuotaResource};
use pinisi_planner::model::site::{Elastic, Node, Reach, Site, SiteKind, SiteName, SovereignSite};
use pinisi_planner::model::workload::*;
use pinisi_planner::{Memory, Plan, Step, WorkloadId, plan};
use std::collections::BTreeMap;

pub const GIB: u64 = 1 << 30;

/// The same random cases each time; with PINISI_DEEP=1 a hundred times as many, begun by chance, as in
/// `cargo lab test --deep properties`.
pub fn cases(n: u32) -> proptest::test_runner::Config {
    use proptest::test_runner::{Config, RngSeed};
    let (cases, rng_seed) = match std::env::var_os("PINISI_DEEP") {
        Some(_) => (n.saturating_mul(100), RngSeed::Random),
        None => (n, RngSeed::Fixed(1)),
    };
    Config {
        cases,
        rng_seed,
        failure_persistence: None,
        ..Config::default()
    }
}

pub const QUOTA_RESOURCES: [QuotaResource; 5] = [
    QuotaResource::Pods,
    QuotaResource::Cpu,
    QuotaResource::Memory,
    QuotaResource::CpuLimits,
    QuotaResource::MemoryLimits,
];

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}
pub fn secs(n: i64) -> SignedDuration {
    SignedDuration::from_secs(n)
}
pub fn name(site: &str) -> SiteName {
    SiteName::new(site)
}
pub fn id(workload: &str) -> WorkloadId {
    WorkloadId {
        namespace: "ns".into(),
        name: workload.into(),
    }
}
pub fn n(count: u32) -> Replicas {
    Replicas::new(count)
}
pub fn cpu(millicores: u64) -> Resources {
    Resources {
        millicores,
        bytes: 0,
    }
}

/// A node with memory to spare and 110 slots.
pub fn node(node_name: &str, millicores: u64) -> Node {
    Node {
        name: node_name.into(),
        allocatable: Resources {
            millicores,
            bytes: 1024 * GIB,
        },
        pod_slots: 110,
        used: Resources::ZERO,
        used_slots: 0,
        schedulable: true,
        unattested: false,
    }
}

/// A site of equal nodes, high watermark 100 %, low 50 %.
pub fn site(kind: SiteKind, nodes: usize, millicores: u64) -> Site {
    Site {
        kind,
        high: Percent::new(100),
        low: Percent::new(50),
        reserve: Resources::ZERO,
        max: None,
        open: true,
        reach: Reach::Reachable,
        grace: secs(300),
        nodes: (0..nodes)
            .map(|i| node(&format!("n{i}"), millicores))
            .collect(),
        elastic: None,
        quotas: BTreeMap::new(),
        price: None,
    }
}

pub fn tier(sites: &[&str]) -> Tier {
    Tier {
        sites: sites.iter().map(|s| name(s)).collect(),
        min: Replicas::ZERO,
        max: Replicas::MAX,
    }
}

/// Mass traffic: home, then cloud; a replica takes 1000 m and serves 1 unit.
pub fn mass(demand: Demand) -> Workload {
    Workload {
        placement: Placement::MassTraffic {
            tiers: vec![tier(&["home"]), tier(&["cloud"])],
        },
        mode: Mode::Active,
        demand,
        override_: None,
        drain: DrainPolicy {
            after: secs(60),
            step: Percent::new(10),
            interval: secs(10),
        },
        priority: 0,
        request: cpu(1000),
        limits: Resources::ZERO,
        legs: BTreeMap::new(),
        refused: BTreeMap::new(),
        windows: Vec::new(),
        depends: Vec::new(),
        competitor: None,
    }
}

pub fn sensitive(sites: &[&str], demand: Demand) -> Workload {
    let sites = sites
        .iter()
        .filter_map(|s| SovereignSite::of(&name(s), SiteKind::OnPrem))
        .collect();
    Workload {
        placement: Placement::Sensitive { sites },
        ..mass(demand)
    }
}

pub fn load(units: u64, when: Timestamp) -> Demand {
    Demand::Load(LoadDemand {
        min: n(1),
        max: Replicas::MAX,
        per_replica: MilliLoad(1000),
        headroom: Percent::new(10),
        scale_down_window: Some(secs(60)),
        signal: Signal::Fresh {
            load: MilliLoad(units * 1000),
            at: when,
        },
        start_up: secs(8),
        forecast: false,
    })
}

/// Sets the signal of a load. For metrics, a signal that is lost loses the first of them.
pub fn with_signal(w: &mut Workload, signal: Signal) {
    match &mut w.demand {
        Demand::Untouched | Demand::Fixed(_) => {}
        Demand::Load(l) => l.signal = signal,
        Demand::Metrics(m) => {
            if !matches!(signal, Signal::Fresh { .. }) {
                lose_one(m);
            }
            if let Some(l) = &mut m.load {
                l.signal = signal;
            }
        }
    }
}

fn lose_one(m: &mut MetricsDemand) {
    use pinisi_planner::hpa::{Fault, Metric, Reading};
    if m.metrics.is_empty() {
        return; // invalid as it is
    }
    match &mut m.metrics[0] {
        Metric::Resource { reading, .. } | Metric::Pods { reading, .. } => {
            *reading = Reading::Lost(Fault::Empty);
        }
        Metric::Object { reading, .. } => *reading = Reading::Lost(Fault::Empty),
        Metric::External { reading, .. } => *reading = Reading::Lost(Fault::Empty),
    }
}

/// A settled leg: all that is specified is bound and Ready.
pub fn leg(count: u32) -> Leg {
    Leg {
        spec: n(count),
        ready: n(count),
        bound: n(count),
        generation: 1,
        ..Leg::default()
    }
}

/// What a pool may add: so many nodes of `millicores`, each `provision` seconds after a pod waits.
pub fn elastic(nodes: u32, millicores: u64, provision: i64) -> Elastic {
    let shape = node("", millicores);
    Elastic {
        nodes,
        room: shape.allocatable,
        pod_slots: shape.pod_slots,
        provision: secs(provision),
    }
}

#[derive(Clone, Debug)]
struct Pod {
    workload: WorkloadId,
    site: SiteName,
    node: Option<usize>,
    created: Timestamp,
    ready_at: Option<Timestamp>,
}

/// The model.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub world: World,
    pub memory: Memory,
    pub now: Timestamp,
    /// From bound to Ready, by site.
    pub start_up: BTreeMap<SiteName, SignedDuration>,
    /// Sites where new pods are never bound though there seems to be room.
    pub stuck: Vec<SiteName>,
    pub last: Option<Plan>,
    /// ResourceQuotas: site, namespace, and what they limit.
    pub quotas: Vec<(SiteName, String, BTreeMap<QuotaResource, u64>)>,
    /// Elastic sites whose pools add no node, whatever waits.
    pub dry: Vec<SiteName>,
    /// Nodes that pools are adding: where, and when each will be Ready.
    adding: Vec<(SiteName, Timestamp)>,
    /// How long a pod with a node takes to go.
    pub leave: SignedDuration,
    /// What pods with a node have cost, those that were going included, by currency.
    pub billed: BTreeMap<Currency, Exact>,
    pods: Vec<Pod>,
    /// Pods that are going, and when they are gone.
    leaving: Vec<(Pod, Timestamp)>,
}

impl Cluster {
    pub fn new(sites: Vec<(&str, Site)>, workloads: Vec<(&str, Workload)>) -> Self {
        let start_up = [(name("home"), secs(2)), (name("cloud"), secs(8))]
            .into_iter()
            .collect();
        let sites = sites.into_iter().map(|(s, site)| (name(s), site)).collect();
        let workloads = workloads
            .into_iter()
            .map(|(w, workload)| (id(w), workload))
            .collect();
        let mut cluster = Self {
            world: World {
                sites,
                workloads,
                ..World::default()
            },
            memory: Memory::default(),
            now: at(0),
            start_up,
            stuck: vec![],
            last: None,
            quotas: vec![],
            dry: vec![],
            adding: vec![],
            leave: SignedDuration::ZERO,
            billed: BTreeMap::new(),
            pods: vec![],
            leaving: vec![],
        };
        // What the workloads say that runs, runs: bound and Ready.
        cluster.controllers();
        cluster.schedule();
        for pod in &mut cluster.pods {
            pod.ready_at = pod.node.map(|_| at(-1));
        }
        cluster.observe();
        cluster
    }

    pub fn workload(&mut self, workload: &str) -> &mut Workload {
        self.world.workloads.get_mut(&id(workload)).unwrap()
    }

    pub fn leg(&self, workload: &str, site: &str) -> Leg {
        self.world.workloads[&id(workload)]
            .legs
            .get(&name(site))
            .cloned()
            .unwrap_or_default()
    }

    pub fn ready(&self, workload: &str) -> u32 {
        self.world.workloads[&id(workload)]
            .legs
            .values()
            .map(|l| l.ready.get())
            .sum()
    }

    /// Sets the load of a workload as of now.
    pub fn say(&mut self, workload: &str, units: u64) {
        let signal = Signal::Fresh {
            load: MilliLoad(units * 1000),
            at: self.now,
        };
        with_signal(self.workload(workload), signal);
    }

    /// Plans, applies, and lets `seconds` pass. Returns the steps of one workload.
    pub fn tick(&mut self, workload: &str, seconds: i64) -> Vec<Step> {
        self.pass(seconds);
        let made = self.last.as_ref().unwrap();
        made.workloads[&id(workload)].steps.clone()
    }

    /// Plans, applies, and lets `seconds` pass.
    pub fn pass(&mut self, seconds: i64) {
        let made = plan(&self.world, &self.memory, self.now);
        self.memory = made.memory.clone();
        apply(&mut self.world, &made);
        self.last = Some(made);
        self.controllers();
        self.schedule();
        self.pools();
        self.bill(secs(seconds));
        self.now = self.now.saturating_add(secs(seconds)).unwrap();
        let now = self.now;
        self.leaving.retain(|(_, gone)| *gone > now);
        self.pools();
        self.count();
        self.schedule();
        self.observe();
    }

    /// Adds up what a time costs, at the prices of now.
    fn bill(&mut self, span: SignedDuration) {
        let end = self.now.saturating_add(span).unwrap();
        let staying = self.pods.iter().map(|pod| (pod, end));
        let leaving = self.leaving.iter().map(|(pod, gone)| (pod, end.min(*gone)));
        for (pod, until) in staying.chain(leaving).filter(|(p, _)| p.node.is_some()) {
            let price = self.world.sites.get(&pod.site).and_then(|s| s.price);
            let Some(price) = price else { continue };
            let rate = price.of(self.world.workloads[&pod.workload].request);
            let cost = Exact::over(rate, until.duration_since(self.now));
            let sum = self.billed.entry(price.currency).or_default();
            *sum = sum.plus(cost);
        }
    }

    fn controllers(&mut self) {
        for (wid, workload) in &self.world.workloads {
            for (site, leg) in &workload.legs {
                let mine = |p: &Pod| p.workload == *wid && p.site == *site;
                let have = self.pods.iter().filter(|p| mine(p)).count();
                let spec = leg.spec.get() as usize;
                for _ in have..spec {
                    let (workload, site) = (wid.clone(), site.clone());
                    self.pods.push(Pod {
                        workload,
                        site,
                        node: None,
                        created: self.now,
                        ready_at: None,
                    });
                }
                for _ in spec..have {
                    // As a ReplicaSet does: without a node first, then not Ready, then the newest.
                    let now = self.now;
                    let worst = (0..self.pods.len())
                        .filter(|i| mine(&self.pods[*i]))
                        .max_by_key(|i| {
                            let p = &self.pods[*i];
                            (
                                p.node.is_none(),
                                p.ready_at.is_none_or(|t| t > now),
                                p.created,
                                *i,
                            )
                        })
                        .unwrap();
                    let pod = self.pods.remove(worst);
                    let gone = self.now.saturating_add(self.leave).unwrap();
                    if pod.node.is_some() && gone > self.now {
                        self.leaving.push((pod, gone));
                    }
                }
            }
        }
        self.count();
    }

    /// All that runs at a site starts anew: it will be Ready in so many seconds.
    pub fn start_anew(&mut self, site: &str, seconds: i64) {
        let ready_at = self.now.saturating_add(secs(seconds)).unwrap();
        for pod in self.pods.iter_mut().filter(|p| p.site == name(site)) {
            pod.ready_at = pod.node.map(|_| ready_at);
        }
        self.observe();
    }

    /// Limits a namespace at a site.
    pub fn limit(&mut self, site: &str, namespace: &str, hard: BTreeMap<QuotaResource, u64>) {
        self.quotas.push((name(site), namespace.into(), hard));
        self.count();
    }

    /// What the pods of a namespace at a site take of a quota's resource.
    pub fn used(&self, site: &SiteName, namespace: &str, resource: QuotaResource) -> u64 {
        let here = self.pods.iter().filter(|p| p.site == *site);
        here.filter(|p| &*p.workload.namespace == namespace)
            .map(|p| resource.of_one(&self.world.workloads[&p.workload]))
            .sum()
    }

    /// Recomputes what the nodes carry, and what quotas leave.
    fn count(&mut self) {
        for (site, namespace, hard) in &self.quotas {
            let left = |(resource, hard): (&QuotaResource, &u64)| {
                let left = hard.saturating_sub(self.used(site, namespace, *resource));
                let quota = "q".into();
                (*resource, QuotaLeft { quota, left })
            };
            let room = hard.iter().map(left).collect();
            let site = self.world.sites.get_mut(site).unwrap();
            site.quotas.insert(namespace.clone(), room);
        }
        for (site_name, site) in &mut self.world.sites {
            for (i, node) in site.nodes.iter_mut().enumerate() {
                let leaving = self.leaving.iter().map(|(pod, _)| pod);
                let all = self.pods.iter().chain(leaving);
                let here = all.filter(|p| p.site == *site_name && p.node == Some(i));
                (node.used, node.used_slots) =
                    here.fold((Resources::ZERO, 0), |(sum, slots), p| {
                        (
                            sum.plus(self.world.workloads[&p.workload].request),
                            slots + 1,
                        )
                    });
            }
        }
    }

    /// As an autoscaled pool does: a node for each that waiting pods would fill, Ready after a while.
    fn pools(&mut self) {
        for (site_name, site) in &mut self.world.sites {
            let Some(pool) = &mut site.elastic else {
                continue;
            };
            let due = |a: &(SiteName, Timestamp)| a.0 == *site_name && a.1 <= self.now;
            let ready = self.adding.iter().filter(|a| due(a)).count();
            self.adding.retain(|a| !due(a));
            for _ in 0..ready {
                let node_name = format!("pool{}", site.nodes.len());
                site.nodes.push(node(&node_name, pool.room.millicores));
                pool.nodes -= 1;
            }
            let waiting = self.pods.iter().filter(|p| p.site == *site_name);
            let asked = waiting.filter(|p| p.node.is_none()).map(|p| {
                let request = self.world.workloads[&p.workload].request;
                request.millicores
            });
            let wanted = asked.sum::<u64>().div_ceil(pool.room.millicores.max(1));
            let coming = self.adding.iter().filter(|a| a.0 == *site_name).count() as u64;
            if !self.dry.contains(site_name) {
                let ready_at = self.now.saturating_add(pool.provision).unwrap();
                for _ in coming..wanted.min(pool.nodes.into()) {
                    self.adding.push((site_name.clone(), ready_at));
                }
            }
        }
    }

    fn schedule(&mut self) {
        for pod in self.pods.iter_mut().filter(|p| p.node.is_none()) {
            if self.stuck.contains(&pod.site) {
                continue;
            }
            let workload = &self.world.workloads[&pod.workload];
            let (request, sensitive) = (
                workload.request,
                matches!(workload.placement, Placement::Sensitive { .. }),
            );
            let Some(site) = self.world.sites.get_mut(&pod.site) else {
                continue;
            };
            let fits = |node: &Node| {
                let free = node.allocatable.minus(node.used);
                // The guard refuses the bind.
                let lawful = !(sensitive && node.unattested);
                let takes = node.schedulable && node.used_slots < node.pod_slots;
                lawful && takes && free.fits(request) > 0
            };
            let best = (0..site.nodes.len())
                .filter(|i| fits(&site.nodes[*i]))
                .max_by_key(|i| {
                    site.nodes[*i]
                        .allocatable
                        .minus(site.nodes[*i].used)
                        .millicores
                });
            if let Some(i) = best {
                pod.node = Some(i);
                let wait = self.start_up.get(&pod.site).copied().unwrap_or(secs(1));
                pod.ready_at = Some(self.now.saturating_add(wait).unwrap());
                site.nodes[i].used = site.nodes[i].used.plus(request);
                site.nodes[i].used_slots += 1;
            }
        }
    }

    fn observe(&mut self) {
        for (wid, workload) in &mut self.world.workloads {
            for (site, leg) in &mut workload.legs {
                let mine: Vec<_> = self
                    .pods
                    .iter()
                    .filter(|p| p.workload == *wid && p.site == *site)
                    .collect();
                let count =
                    |f: &dyn Fn(&Pod) -> bool| n(mine.iter().filter(|p| f(p)).count() as u32);
                let leaving = self.leaving.iter().map(|(pod, _)| pod);
                let leaving = leaving.filter(|p| p.workload == *wid && p.site == *site);
                leg.terminating = n(leaving.count() as u32);
                leg.bound = count(&|p| p.node.is_some());
                leg.pending = count(&|p| p.node.is_none());
                leg.ready = count(&|p| p.ready_at.is_some_and(|t| t <= self.now));
                leg.pending_since = mine
                    .iter()
                    .filter(|p| p.node.is_none())
                    .map(|p| p.created)
                    .min();
            }
        }
    }
}

/// Writes a plan's counts, and no more: no pod has moved yet. New ones are made, without a node.
pub fn apply(world: &mut World, made: &Plan) {
    for (wid, decision) in &made.workloads {
        let workload = world.workloads.get_mut(wid).unwrap();
        for step in &decision.steps {
            let site = world.sites.get_mut(&step.site);
            if let Some(room) = site.and_then(|s| s.quotas.get_mut(wid.namespace.as_str())) {
                for (resource, left) in room {
                    let new = u64::from(step.to.minus(step.from).get());
                    let taken = resource.of_one(workload).saturating_mul(new);
                    left.left = left.left.saturating_sub(taken);
                }
            }
            let leg = workload.legs.entry(step.site.clone()).or_default();
            assert_eq!(leg.spec, step.from);
            leg.spec = step.to;
            leg.generation += 1;
            leg.foreign_writer = None;
            let pending = leg.spec.minus(leg.bound);
            if pending == Replicas::ZERO {
                leg.pending_since = None;
            } else if pending > leg.pending && leg.pending_since.is_none() {
                leg.pending_since = Some(made.at);
            }
            leg.pending = pending;
            leg.unmade = leg.unmade.min(pending);
        }
    }
}

/// Decided count of a workload at a site.
pub fn desired(made: &Plan, workload: &str, site: &str) -> u32 {
    made.workloads[&id(workload)]
        .shares
        .get(&name(site))
        .map_or(0, |s| s.desired.get())
}

/// Words of the reasons, in order.
pub fn words(made: &Plan, workload: &str) -> Vec<&'static str> {
    made.workloads[&id(workload)]
        .reasons
        .iter()
        .map(|r| r.word())
        .collect()
}
