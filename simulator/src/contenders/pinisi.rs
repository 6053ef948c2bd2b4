//! Pinisi itself: the real planner, with the world as the operator would show it to it.

use super::{Ask, Contender, PINISI_PIPELINE, Pipeline, ServiceView, View};
use crate::fault::lost_since;
use crate::setup::{Funds, Service, Setup, SiteSetup};
use crate::time::Millis;
use jiff::SignedDuration;
use pinisi_planner::model::World;
use pinisi_planner::model::amounts::{MilliLoad, Replicas, Resources};
use pinisi_planner::model::budget::{Budget, BudgetName, Period};
use pinisi_planner::model::price::{PerHour, Price};
use pinisi_planner::model::site::{Node, Reach, Site, SiteKind, SiteName, SovereignSite};
use pinisi_planner::model::workload::{
    Demand, Leg, LoadDemand, Mode, Placement, Signal, SignalFault, Tier, Workload,
};
use pinisi_planner::{Memory, WorkloadId, plan};
use std::collections::{BTreeMap, BTreeSet};

/// Of all services.
const NAMESPACE: &str = "simulated";

/// The planner with its memory.
#[derive(Clone, Debug)]
pub struct Pinisi {
    pipeline: Pipeline,
    ids: Vec<WorkloadId>,
    world: World,
    memory: Memory,
}

impl Pinisi {
    /// With the operator's defaults.
    #[must_use]
    pub fn new(setup: &Setup) -> Self {
        let id = |service: &Service| WorkloadId {
            namespace: NAMESPACE.into(),
            name: service.name.as_str().into(),
        };
        let ids: Vec<_> = setup.services.iter().map(id).collect();
        let sites = setup
            .sites
            .iter()
            .map(|s| (s.name.clone(), site(s, setup.funds)));
        let workloads = setup.services.iter().map(|s| workload(setup, s));
        Self {
            pipeline: PINISI_PIPELINE,
            world: World {
                budgets: setup.funds.map(|f| budget(setup, f)).into_iter().collect(),
                sites: sites.collect(),
                workloads: ids.iter().cloned().zip(workloads).collect(),
            },
            ids,
            memory: Memory::default(),
        }
    }

    /// Brings the world up to date.
    fn look(&mut self, view: &View<'_>) {
        for (i, setup) in view.setup.sites.iter().enumerate() {
            let Some(site) = self.world.sites.get_mut(&setup.name) else {
                continue;
            };
            let lost = lost_since(&view.setup.faults, setup.name.as_str(), view.now);
            let since = lost.map(|at| at.on_calendar(view.setup.start));
            // A cloud is another cluster that does not answer; home's own nodes are seen to be away.
            site.reach = match (setup.kind, since) {
                (SiteKind::Cloud, Some(since)) => Reach::Unreachable { since },
                (SiteKind::Cloud | SiteKind::OnPrem | SiteKind::Edge, _) => Reach::Reachable,
            };
            site.nodes.clear();
            if setup.kind == SiteKind::Cloud || since.is_none() {
                site.nodes.push(node(setup, view.fleet.free(i)));
            }
        }
        for (i, id) in self.ids.iter().enumerate() {
            let workload = self.world.workloads.get_mut(id);
            if let (Some(workload), Some(view)) = (workload, view.of(i)) {
                see(workload, &view, self.pipeline);
            }
        }
    }
}

/// A site as the operator would have it.
fn site(setup: &SiteSetup, funds: Option<Funds>) -> Site {
    Site {
        kind: setup.kind,
        high: setup.watermarks.high,
        low: setup.watermarks.low,
        reserve: Resources::ZERO,
        max: None,
        open: true,
        reach: Reach::Reachable,
        grace: SignedDuration::from_secs(300),
        nodes: Vec::new(),
        elastic: None,
        price: funds.filter(|_| setup.kind == SiteKind::Cloud).map(price),
        quotas: BTreeMap::new(),
    }
}

fn price(funds: Funds) -> Price {
    Price {
        currency: funds.currency,
        cpu: funds.core_hour,
        gib: PerHour::ZERO,
    }
}

/// All of the funds, for all of the run.
fn budget(setup: &Setup, funds: Funds) -> (BudgetName, Budget) {
    let budget = Budget {
        namespaces: BTreeSet::from([NAMESPACE.into()]),
        currency: funds.currency,
        period: Period {
            from: setup.start,
            until: setup.span.on_calendar(setup.start),
        },
        ceiling: funds.ceiling,
        most_per_hour: None,
    };
    (BudgetName::new("funds"), budget)
}

/// One node as large as the site: where on a site a replica runs makes no difference here.
fn node(setup: &SiteSetup, free: Resources) -> Node {
    Node {
        name: "all".into(),
        allocatable: setup.capacity,
        pod_slots: u32::MAX,
        used: setup.capacity.minus(free),
        used_slots: 0,
        schedulable: true,
        unattested: false,
    }
}

/// The service's tiers, as far as their sites are there.
fn tiers(setup: &Setup, service: &Service) -> Vec<Tier> {
    let told = &service.policy.tiers;
    if told.is_empty() {
        let tier = |s: &SiteSetup| Tier {
            sites: vec![s.name.clone()],
            min: Replicas::ZERO,
            max: Replicas::MAX,
        };
        return setup.sites.iter().map(tier).collect();
    }
    let there = |site: &&SiteName| setup.sites.iter().any(|s| s.name == **site);
    let tiers = told.iter().map(|tier| Tier {
        sites: tier.sites.iter().filter(there).cloned().collect(),
        ..tier.clone()
    });
    tiers.filter(|tier| !tier.sites.is_empty()).collect()
}

/// A workload as the operator would have it.
fn workload(setup: &Setup, service: &Service) -> Workload {
    let placement = if service.sensitive {
        let may_run = setup.sites.iter().filter(|s| service.may_run_at(s));
        Placement::Sensitive {
            sites: may_run
                .filter_map(|s| SovereignSite::of(&s.name, s.kind))
                .collect(),
        }
    } else {
        Placement::MassTraffic {
            tiers: tiers(setup, service),
        }
    };
    let may_run = setup.sites.iter().filter(|s| service.may_run_at(s));
    let start_up = may_run.map(|s| s.start_up).max().unwrap_or_default();
    Workload {
        placement,
        mode: Mode::Active,
        demand: Demand::Load(LoadDemand {
            min: service.min,
            max: service.max,
            per_replica: MilliLoad::from_signal(service.per_replica).unwrap_or(MilliLoad(1)),
            headroom: service.headroom,
            scale_down_window: service.policy.scale_down_window,
            signal: Signal::Missing(SignalFault::NotAskedYet),
            start_up: start_up.duration(),
            forecast: service.policy.forecast,
        }),
        override_: None,
        drain: service.policy.drain,
        priority: 0,
        request: service.request,
        limits: service.request,
        legs: BTreeMap::new(),
        refused: BTreeMap::new(),
        windows: service.windows.clone(),
        depends: Vec::new(),
        competitor: None,
    }
}

/// Brings a workload up to date.
fn see(workload: &mut Workload, view: &ServiceView<'_>, pipeline: Pipeline) {
    let start = view.setup.start;
    for (site, station) in view.setup.sites.iter().zip(view.stations) {
        let leg = workload.legs.entry(site.name.clone()).or_default();
        *leg = Leg {
            spec: station.count(),
            ready: match site.kind {
                SiteKind::Cloud => station.last_ready(),
                SiteKind::OnPrem | SiteKind::Edge => station.ready(),
            },
            bound: station.bound(),
            pending: station.count().minus(station.bound()),
            pending_since: station.waiting().map(|p| p.made.on_calendar(start)),
            generation: leg.generation,
            foreign_writer: None,
            rolling: false,
            unmade: Replicas::ZERO,
            terminating: Replicas::ZERO,
        };
    }
    let (from, to) = pipeline.window(view.now);
    let at = to.on_calendar(start);
    let Demand::Load(load) = &mut workload.demand else {
        return;
    };
    let offered = view.offered((from, to));
    load.signal = match (
        offered.map(|x| (x, MilliLoad::from_signal(x))),
        &load.signal,
    ) {
        (Some((_, Some(load))), _) => Signal::Fresh { load, at },
        (Some((x, None)), _) => Signal::Missing(SignalFault::NotANumber(x.to_string())),
        // Silence is stale once the last figure is older than a source allows; that is at once here.
        (None, Signal::Fresh { load: _, at } | Signal::Stale { at }) => Signal::Stale { at: *at },
        (None, Signal::Missing(_)) => Signal::Missing(SignalFault::NotAskedYet),
    };
}

impl Contender for Pinisi {
    fn period(&self) -> Millis {
        self.pipeline.period
    }

    fn decide(&mut self, view: &View<'_>) -> Vec<Ask> {
        self.look(view);
        let now = view.now.on_calendar(view.setup.start);
        let made = plan(&self.world, &self.memory, now);
        self.memory = made.memory;
        let mut asks = Vec::with_capacity(self.ids.len());
        for (i, id) in self.ids.iter().enumerate() {
            let steps = made.workloads.get(id).map(|d| d.steps.as_slice());
            let steps = steps.unwrap_or_default();
            if steps.is_empty() {
                asks.push(Ask::Keep);
                continue;
            }
            let stations = view.setup.sites.iter().zip(view.fleet.of(i));
            let counts = stations.map(|(site, station)| {
                let step = steps.iter().find(|step| step.site == site.name);
                step.map_or(station.count(), |step| step.to)
            });
            asks.push(Ask::Sites(counts.collect()));
            let legs = self.world.workloads.get_mut(id).map(|w| &mut w.legs);
            for (site, leg) in legs.into_iter().flatten() {
                if steps.iter().any(|step| step.site == *site) {
                    leg.generation += 1;
                }
            }
        }
        asks
    }
}
