//! What back ends and outside quotas can still serve while a plan is made, and what quotas a day
//! have spent so far. Spending is worked out from the load that the replicas could serve: nobody
//! outside is asked.

use super::{calls_of, narrow, over, times};
use crate::memory::{Spent, WorkloadMemory};
use crate::model::World;
use crate::model::amounts::{MilliLoad, Replicas};
use crate::model::dependency::{DayQuota, Dependency, MilliCalls, Spread, Supplier};
use crate::model::name::Name;
use crate::model::site::SiteName;
use crate::model::workload::{Demand, LoadDemand, Mode, Placement, Signal, Workload, WorkloadId};
use crate::placement::room::Asker;
use crate::placement::rooms::Rooms;
use crate::plan::{Decision, is_sensitive};
use crate::reason::Reason;
use crate::time::{elapsed, millis};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Of a back end that nobody knows: it bounds nothing.
pub(super) const UNBOUNDED: MilliLoad = MilliLoad(u64::MAX);

/// What is spent as needed is not promised faster than it would be gone in this time: a replica that
/// lives less long is not worth its start. The same stretch as that of a budget.
const REACH: SignedDuration = SignedDuration::from_hours(1);

/// A load demand, alone or beside metrics.
pub(crate) fn load_of(demand: &Demand) -> Option<&LoadDemand> {
    match demand {
        Demand::Untouched | Demand::Fixed(_) => None,
        Demand::Load(load) => Some(load),
        Demand::Metrics(metrics) => metrics.load.as_ref(),
    }
}

/// Whose calls they are: those to a workload, or those under a quota's name in a namespace.
type Key = (Name, Name, bool);

fn key(id: &WorkloadId, dependency: &Dependency) -> Key {
    match &dependency.supplier {
        Supplier::Workload(back) => (back.namespace.clone(), back.name.clone(), true),
        Supplier::PerSecond(_) | Supplier::PerDay(_) => {
            (id.namespace.clone(), dependency.name.as_str().into(), false)
        }
    }
}

/// A back end.
#[derive(Clone, Debug)]
struct Back<'a> {
    workload: &'a Workload,
    load: &'a LoadDemand,
    /// Replicas that were decided for it in this plan; before that, those that have a node.
    placed: Replicas,
    /// True while it can have more.
    grows: bool,
}

/// What others can still serve.
#[derive(Clone, Debug, Default)]
pub(crate) struct Supplies<'a> {
    backs: BTreeMap<&'a WorkloadId, Back<'a>>,
    /// Calls a second promised in this plan.
    taken: BTreeMap<Key, MilliLoad>,
    /// Spent by each workload, and in all under a name.
    own: BTreeMap<&'a WorkloadId, BTreeMap<String, Spent>>,
    all: BTreeMap<Key, MilliCalls>,
}

impl<'a> Supplies<'a> {
    pub(crate) fn of(
        world: &'a World,
        memory: &BTreeMap<WorkloadId, WorkloadMemory>,
        now: Timestamp,
    ) -> Self {
        let mut supplies = Self::default();
        for (id, workload) in &world.workloads {
            for dependency in &workload.depends {
                match &dependency.supplier {
                    Supplier::Workload(back) => supplies.add_back(world, back),
                    Supplier::PerSecond(_) => {}
                    Supplier::PerDay(quota) => {
                        let before = memory.get(id);
                        let before = before.and_then(|m| m.decisions.spent.get(&dependency.name));
                        let spent = spend(before, quota, serves(workload, dependency), now);
                        let all = supplies.all.entry(key(id, dependency)).or_default();
                        *all = all.plus(spent.calls);
                        let own = supplies.own.entry(id).or_default();
                        own.insert(dependency.name.clone(), spent);
                    }
                }
            }
        }
        supplies
    }

    fn add_back(&mut self, world: &'a World, back: &'a WorkloadId) {
        let found = world.workloads.get(back);
        let Some((workload, load)) = found.and_then(|w| Some((w, load_of(&w.demand)?))) else {
            return;
        };
        let placed = workload.legs.values().map(|leg| leg.bound).sum();
        let grows = workload.mode == Mode::Active && workload.override_.is_none();
        let row = Back {
            workload,
            load,
            placed,
            grows,
        };
        self.backs.insert(back, row);
    }

    /// Takes in what was decided for a workload, where others stand on it.
    pub(crate) fn decided(&mut self, id: &WorkloadId, decision: &Decision) {
        let Some(back) = self.backs.get_mut(id) else {
            return;
        };
        back.placed = decision.shares.values().map(|share| share.desired).sum();
        back.grows &= !decision.reasons.iter().any(|reason| match reason {
            Reason::Short { .. } | Reason::Contested { .. } => true,
            Reason::Bottlenecked { need, to, .. } => to < need,
            _ => false,
        });
    }

    /// What one replica of a back end serves, and how many it can have.
    pub(crate) fn back(&self, id: &WorkloadId, rooms: &Rooms<'_>) -> Option<(MilliLoad, Replicas)> {
        let Back {
            workload,
            load,
            placed,
            grows,
        } = self.backs.get(id)?;
        if !grows {
            return Some((load.per_replica, *placed));
        }
        let asker = if is_sensitive(workload) {
            Asker::Sensitive
        } else {
            Asker::Mass
        };
        let enough = load.max.minus(*placed);
        let more: Replicas = sites(workload)
            .filter_map(|site| rooms.get(site))
            .map(|room| room.more(workload.request, asker, enough))
            .sum();
        let can_have = placed.plus(more).min(load.max).max(*placed);
        Some((load.per_replica, can_have))
    }

    /// Calls a second that are still to be had. Of a back end that nobody knows: all.
    pub(crate) fn rate(
        &self,
        id: &WorkloadId,
        dependency: &Dependency,
        rooms: &Rooms<'_>,
        now: Timestamp,
    ) -> MilliLoad {
        let whole = match &dependency.supplier {
            Supplier::Workload(back) => match self.back(back, rooms) {
                Some((per_replica, n)) => times(per_replica, n.get().into()),
                None => return UNBOUNDED,
            },
            Supplier::PerSecond(limit) => *limit,
            Supplier::PerDay(quota) => {
                let left = quota.limit.minus(self.spent_by_all(id, dependency));
                let rest = elapsed(now, quota.end);
                let reach = match quota.spread {
                    Spread::AsNeeded => rest.min(REACH),
                    Spread::Evenly => rest,
                };
                let millis = u128::from(millis(reach).unsigned_abs()).max(1000);
                MilliLoad(narrow(u128::from(left.0) * 1000 / millis))
            }
        };
        MilliLoad(whole.0.saturating_sub(self.taken(id, dependency).0))
    }

    /// Calls a second that workloads before this one were promised.
    pub(crate) fn taken(&self, id: &WorkloadId, dependency: &Dependency) -> MilliLoad {
        let taken = self.taken.get(&key(id, dependency));
        taken.copied().unwrap_or_default()
    }

    /// Promises calls.
    pub(crate) fn take(&mut self, id: &WorkloadId, dependency: &Dependency, calls: MilliLoad) {
        let taken = self.taken.entry(key(id, dependency)).or_default();
        *taken = MilliLoad(taken.0.saturating_add(calls.0));
    }

    /// Spent today under this name, by all workloads of the namespace.
    pub(crate) fn spent_by_all(&self, id: &WorkloadId, dependency: &Dependency) -> MilliCalls {
        let spent = self.all.get(&key(id, dependency));
        spent.copied().unwrap_or_default()
    }

    /// Since when this workload's spending of today has been counted.
    pub(crate) fn since(&self, id: &WorkloadId, dependency: &Dependency) -> Option<Timestamp> {
        Some(self.own.get(id)?.get(&dependency.name)?.since)
    }

    /// What this workload has spent, to be remembered.
    pub(crate) fn spent(&self, id: &WorkloadId) -> BTreeMap<String, Spent> {
        self.own.get(id).cloned().unwrap_or_default()
    }
}

/// Sites where a workload may grow.
fn sites(workload: &Workload) -> impl Iterator<Item = &SiteName> {
    let (sovereign, tiers) = match &workload.placement {
        Placement::Sensitive { sites } => (sites.as_slice(), &[][..]),
        Placement::MassTraffic { tiers } => (&[][..], tiers.as_slice()),
    };
    let sovereign = sovereign.iter().map(|site| site.name());
    sovereign.chain(tiers.iter().flat_map(|tier| &tier.sites))
}

/// Calls a second that the replicas make now: what comes, as far as those that are Ready can serve
/// it. `None` while the signal is lost.
fn serves(workload: &Workload, dependency: &Dependency) -> Option<MilliLoad> {
    let load = load_of(&workload.demand)?;
    let Signal::Fresh { load: x, at: _ } = load.signal else {
        return None;
    };
    let ready: Replicas = workload.legs.values().map(|leg| leg.ready).sum();
    let could = times(load.per_replica, ready.get().into());
    Some(calls_of(x.min(could), dependency))
}

/// What is spent by now. A time in which nobody looked counts at the higher of the rates before and
/// after it. What was spent before anybody looked at all is not known, and `since` says so.
fn spend(
    before: Option<&Spent>,
    quota: &DayQuota,
    rate: Option<MilliLoad>,
    now: Timestamp,
) -> Spent {
    let Some(before) = before else {
        return Spent {
            day: quota.start,
            since: now,
            calls: MilliCalls::default(),
            at: now,
            rate: rate.unwrap_or_default(),
        };
    };
    let rate = rate.unwrap_or(before.rate);
    let gap = |from| over(before.rate.max(rate), elapsed(from, now));
    // A day that is not over on a clock that ran backwards, or that another zone begins earlier, goes on.
    let (day, since, calls) = if before.day < quota.start {
        (quota.start, quota.start, gap(before.at.max(quota.start)))
    } else {
        (before.day, before.since, before.calls.plus(gap(before.at)))
    };
    Spent {
        day,
        since,
        calls,
        at: now,
        rate,
    }
}
