//! Pinisi itself: the real planner, with the world as the operator would show it to it, and the
//! operator's own defaults.

use super::{Ask, Contender, PINISI_PIPELINE, Pipeline, View};
use crate::fleet::Station;
use crate::run::Setup;
use crate::time::Millis;
use jiff::SignedDuration;
use pinisi_planner::model::World;
use pinisi_planner::model::amounts::{MilliLoad, Percent, Replicas, Resources};
use pinisi_planner::model::site::{Node, Reach, Site};
use pinisi_planner::model::workload::{
    Demand, DrainPolicy, Leg, LoadDemand, Mode, Placement, Signal, SignalFault, Tier, Workload,
};
use pinisi_planner::{Memory, WorkloadId, plan};
use std::collections::BTreeMap;

/// As the operator has it where the spec does not say.
pub const SCALE_DOWN_WINDOW: SignedDuration = SignedDuration::from_secs(300);
/// As the operator has it where the spec does not say.
fn drain() -> DrainPolicy {
    DrainPolicy {
        after: SignedDuration::from_secs(600),
        step: Percent::new(10),
        interval: SignedDuration::from_secs(60),
    }
}
/// What one replica requests.
pub const REQUEST: Resources = Resources {
    millicores: 1000,
    bytes: 1 << 30,
};

/// The planner with its memory.
#[derive(Clone, Debug)]
pub struct Pinisi {
    pipeline: Pipeline,
    id: WorkloadId,
    world: World,
    memory: Memory,
}

impl Pinisi {
    /// With the operator's defaults.
    #[must_use]
    pub fn new(setup: &Setup) -> Self {
        let id = WorkloadId {
            namespace: "public".into(),
            name: "service".into(),
        };
        let sites = setup.sites.iter();
        let sites = sites.map(|s| {
            let site = Site {
                kind: s.kind,
                high: Percent::new(80),
                low: Percent::new(60),
                reserve: Resources::ZERO,
                max: None,
                open: true,
                reach: Reach::Reachable,
                grace: SignedDuration::from_secs(300),
                nodes: Vec::new(),
                quotas: BTreeMap::new(),
            };
            (s.name.clone(), site)
        });
        let tiers = setup.sites.iter().map(|s| Tier {
            sites: vec![s.name.clone()],
            min: Replicas::ZERO,
            max: Replicas::MAX,
        });
        let workload = Workload {
            placement: Placement::MassTraffic {
                tiers: tiers.collect(),
            },
            mode: Mode::Active,
            demand: Demand::Load(LoadDemand {
                min: setup.min,
                max: setup.max,
                per_replica: MilliLoad::from_signal(setup.per_replica).unwrap_or(MilliLoad(1)),
                headroom: Percent::new(30),
                scale_down_window: None,
                signal: Signal::Missing(SignalFault::NotAskedYet),
                start_up: setup.start_up().duration(),
                forecast: false,
            }),
            override_: None,
            drain: drain(),
            priority: 0,
            request: REQUEST,
            limits: REQUEST,
            legs: BTreeMap::new(),
            refused: BTreeMap::new(),
            windows: Vec::new(),
            competitor: None,
        };
        Self {
            pipeline: PINISI_PIPELINE,
            world: World {
                sites: sites.collect(),
                workloads: BTreeMap::from([(id.clone(), workload)]),
            },
            id,
            memory: Memory::default(),
        }
    }

    /// Brings the world up to date.
    fn look(&mut self, view: &View<'_>) {
        let start = view.setup.start;
        for station in &view.fleet.stations {
            if let Some(site) = self.world.sites.get_mut(&station.setup.name) {
                site.nodes.clear();
                site.nodes.push(node(station));
            }
        }
        let Some(workload) = self.world.workloads.get_mut(&self.id) else {
            return;
        };
        for station in &view.fleet.stations {
            let leg = workload.legs.entry(station.setup.name.clone());
            let leg = leg.or_default();
            let pending = station.count().minus(station.bound());
            let first = usize::try_from(station.bound().get()).unwrap_or(usize::MAX);
            let since = station
                .pods
                .get(first)
                .map(|p| p.started.on_calendar(start));
            *leg = Leg {
                spec: station.count(),
                ready: station.ready(),
                bound: station.bound(),
                pending,
                pending_since: since,
                generation: leg.generation,
                foreign_writer: None,
                rolling: false,
                unmade: Replicas::ZERO,
            };
        }
        let to = view.now.minus(self.pipeline.delay);
        let offered = view.offered(to.minus(self.pipeline.window), to);
        let at = to.on_calendar(start);
        if let Demand::Load(load) = &mut workload.demand {
            load.signal = match MilliLoad::from_signal(offered) {
                Some(load) => Signal::Fresh { load, at },
                None => Signal::Missing(SignalFault::NotANumber(offered.to_string())),
            };
        }
    }
}

/// One node as large as the site: where on a site a replica runs makes no difference here.
fn node(station: &Station) -> Node {
    let slots = station.setup.capacity.get();
    let used = station.bound().get();
    Node {
        name: "all".into(),
        allocatable: REQUEST.times(slots.into()),
        pod_slots: slots,
        used: REQUEST.times(used.into()),
        used_slots: used,
        schedulable: true,
    }
}

impl Contender for Pinisi {
    fn name(&self) -> &'static str {
        "pinisi"
    }

    fn period(&self) -> Millis {
        self.pipeline.period
    }

    fn decide(&mut self, view: &View<'_>) -> Ask {
        self.look(view);
        let now = view.now.on_calendar(view.setup.start);
        let made = plan(&self.world, &self.memory, now);
        self.memory = made.memory;
        let steps = made.workloads.get(&self.id).map(|d| d.steps.as_slice());
        let steps = steps.unwrap_or_default();
        if steps.is_empty() {
            return Ask::Keep;
        }
        let stations = view.fleet.stations.iter();
        let counts = stations.map(|s| {
            let step = steps.iter().find(|step| step.site == s.setup.name);
            step.map_or(s.count(), |step| step.to)
        });
        let counts = counts.collect();
        if let Some(workload) = self.world.workloads.get_mut(&self.id) {
            for step in steps {
                if let Some(leg) = workload.legs.get_mut(&step.site) {
                    leg.generation += 1;
                }
            }
        }
        Ask::Sites(counts)
    }
}
