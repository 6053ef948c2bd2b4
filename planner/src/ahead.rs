//! Looks at what the next turns will read. In a large world a turn would mostly wait for memory, for one
//! place after the other; looks at several workloads ahead do not need each other's answer, so all of
//! them are waited for at once. Nothing is decided here, and nothing comes of what is seen.

use crate::hpa::{Metric, Reading};
use crate::memory::{Statistics, WorkloadMemory};
use crate::model::workload::{Demand, MetricsDemand, Placement, Workload, WorkloadId};
use std::hint::black_box;

/// A workload's own facts are looked at so many turns before its own.
const OWN: usize = 6;
/// What those lead to.
const LISTS: usize = 4;
/// What is in those lists.
const ENTRIES: usize = 2;
/// What the entries lead to.
const DEPTHS: usize = 1;
/// Longer lists are read ahead by the processor itself.
const ENTRIES_MAX: usize = 24;

/// One workload with what is remembered of it.
pub(crate) struct Next<'a> {
    pub id: &'a WorkloadId,
    pub workload: &'a Workload,
    pub memory: &'a WorkloadMemory,
}

/// Looks at the turns that come, of which `at` tells one by its place.
pub(crate) fn look<'a>(at: impl Fn(usize) -> Option<Next<'a>>) {
    if let Some(next) = at(OWN) {
        own(&next);
    }
    if let Some(next) = at(LISTS) {
        lists(&next);
    }
    if let Some(next) = at(ENTRIES) {
        entries(&next);
    }
    if let Some(next) = at(DEPTHS) {
        depths(&next);
    }
}

/// Reads it, and nothing is done with it.
fn see<T: Copy>(value: T) {
    black_box(value);
}

fn own(next: &Next<'_>) {
    let Next {
        id,
        workload,
        memory,
    } = next;
    see(id.namespace.as_bytes().first().copied());
    see(id.name.as_bytes().first().copied());
    see(workload.mode);
    see(workload.priority);
    see(workload.request);
    see(workload.drain.interval);
    see(workload.legs.len());
    see(workload.refused.len());
    see(workload.windows.len());
    see(workload.depends.len());
    see(workload.competitor.is_some());
    see(workload.override_.is_some());
    let WorkloadMemory {
        decisions,
        statistics,
    } = memory;
    see(decisions.total);
    see(decisions.sites.len());
    see(decisions.drain.is_some());
    see(decisions.contest.is_some());
    see(statistics.samples.len());
    see(statistics.needs.len());
    see(statistics.since);
    see(statistics.blocked.len());
    see(statistics.syncs.is_some());
    see(statistics.growth.is_new());
}

fn lists(next: &Next<'_>) {
    let Next {
        id: _,
        workload,
        memory,
    } = next;
    match &workload.placement {
        Placement::Sensitive { sites } => see(sites.first().map(|site| site.name().address())),
        Placement::MassTraffic { tiers } => {
            tiers.iter().for_each(|tier| see(tier.sites.len()));
        }
    }
    see(workload.legs.values().next().map(|leg| leg.generation));
    if let Demand::Metrics(demand) = &workload.demand {
        see(demand.metrics.len());
        see(demand.pods.len());
        see(demand.read_at);
        see(demand.max);
        see(demand.load.is_some());
        see(demand.unknown_sites.len());
    }
    see(memory.decisions.sites.values().next().copied());
    let Statistics {
        samples,
        needs,
        since: _,
        growth,
        forecast: _,
        blocked: _,
        syncs,
    } = &memory.statistics;
    see(samples.front().copied());
    see(samples.back().copied());
    see(needs.front().copied());
    see(needs.back().copied());
    growth.see_past(see);
    if let Some(syncs) = syncs {
        see(syncs.at);
        see(syncs.generation);
        see(syncs.memory.recommendations.len());
        see(syncs.memory.downs.len());
    }
}

fn entries(next: &Next<'_>) {
    let Next {
        id: _,
        workload,
        memory,
    } = next;
    if let Placement::MassTraffic { tiers } = &workload.placement {
        let sites = tiers.iter().filter_map(|tier| tier.sites.first());
        sites.for_each(|site| see(site.address()));
    }
    memory.statistics.growth.see_seen(see);
    if let Some(syncs) = &memory.statistics.syncs {
        let list = syncs.memory.recommendations.iter();
        list.step_by(2).for_each(|r| see(r.replicas));
        see(syncs.outcome.currents.len());
        see(syncs.outcome.desired);
    }
    if let Demand::Metrics(demand) = &workload.demand {
        demand
            .metrics
            .iter()
            .for_each(|metric| see(metric.works_at_zero()));
        let pods = demand.pods.iter().take(ENTRIES_MAX);
        pods.for_each(|pod| see(pod.terminating));
    }
}

fn depths(next: &Next<'_>) {
    if let Demand::Metrics(demand) = &next.workload.demand {
        readings(demand);
    }
    if let Some(syncs) = &next.memory.statistics.syncs {
        see(syncs.outcome.currents.first().copied());
        let title = syncs.outcome.metric.as_deref();
        see(title.and_then(|title| title.as_bytes().first().copied()));
    }
}

fn readings(demand: &MetricsDemand) {
    for metric in &demand.metrics {
        match metric {
            Metric::Resource { reading, .. } | Metric::Pods { reading, .. } => {
                if let Reading::Read(values) = reading {
                    let values = values.iter().take(ENTRIES_MAX);
                    values.for_each(|value| see(value.milli));
                }
            }
            Metric::External { name, reading, .. } => {
                see(name.as_bytes().first().copied());
                if let Reading::Read(values) = reading {
                    see(values.first().copied());
                }
            }
            Metric::Object { .. } => {}
        }
    }
    if let Some(pod) = demand.pods.first() {
        let containers = pod.requests.containers.first();
        see(containers.map(|container| container.requests.len()));
    }
}
