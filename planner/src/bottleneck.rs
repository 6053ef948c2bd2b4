//! Mass traffic is not grown past what a back end or an outside quota can serve: a replica more
//! would only wait for it. Back ends that several share are shared in the order of the plan. Not
//! here: how many replicas load asks for.

mod supplies;

use supplies::UNBOUNDED;
pub(crate) use supplies::{Supplies, load_of};

use crate::demand::Wanted;
use crate::memory::{Spent, Statistics};
use crate::model::amounts::{MilliLoad, Replicas};
use crate::model::dependency::{DayQuota, Dependency, MilliCalls, Supplier};
use crate::model::workload::{LoadDemand, Signal, Workload, WorkloadId};
use crate::placement::Left;
use crate::reason::{Reason, Takes};
use crate::time::{after, elapsed};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// A load that came within this time still counts as offered.
const LATELY: SignedDuration = SignedDuration::from_secs(15);

/// Load and replicas that are asked for, before anything is cut.
struct Asked<'a> {
    id: &'a WorkloadId,
    load: &'a LoadDemand,
    /// What came lately, at its highest: a load that wobbles must not turn a condition with it.
    offered: MilliLoad,
    need: Replicas,
    now: Timestamp,
}

/// Cuts what is wanted to what can be served, and never what runs while nothing may shrink, nor
/// minReplicas.
pub(crate) fn limit(
    id: &WorkloadId,
    workload: &Workload,
    floor: Replicas,
    wanted: &mut Wanted,
    statistics: &Statistics,
    left: &Left<'_>,
    now: Timestamp,
) {
    let Some(load) = load_of(&workload.demand).filter(|_| !workload.depends.is_empty()) else {
        return;
    };
    let asked = Asked {
        id,
        load,
        offered: offered(load, statistics, now),
        need: wanted.want,
        now,
    };
    let ceilings: Vec<_> = workload
        .depends
        .iter()
        .map(|d| asked.serves(d, left))
        .collect();
    let held = if wanted.held { floor } else { Replicas::ZERO };
    let least = ceilings
        .iter()
        .map(|c| c.ceiling)
        .min()
        .unwrap_or(Replicas::MAX);
    let to = asked.need.min(least.max(load.min).max(held));
    let pairs = workload.depends.iter().zip(&ceilings);
    let mut said: Vec<_> = pairs
        .filter_map(|(d, c)| Some((c.ceiling, asked.reason(d, c, to, left)?)))
        .collect();
    // The tightest first.
    said.sort_by_key(|(ceiling, _)| *ceiling);
    wanted
        .reasons
        .extend(said.into_iter().map(|(_, reason)| reason));
    wanted.want = to;
}

/// Promises the calls that the total makes, whoever said it. Returns what quotas a day have spent,
/// to be remembered.
pub(crate) fn promise(
    id: &WorkloadId,
    workload: &Workload,
    wanted: &Wanted,
    statistics: &Statistics,
    left: &mut Left<'_>,
    now: Timestamp,
) -> BTreeMap<String, Spent> {
    let Some(load) = load_of(&workload.demand).filter(|_| !workload.depends.is_empty()) else {
        return BTreeMap::new();
    };
    let could = times(load.per_replica, wanted.want.get().into());
    let served = offered(load, statistics, now).min(could);
    for dependency in &workload.depends {
        let calls = calls_of(served, dependency);
        left.supplies.take(id, dependency, calls);
    }
    left.supplies.spent(id)
}

/// What came lately, at its highest.
fn offered(load: &LoadDemand, statistics: &Statistics, now: Timestamp) -> MilliLoad {
    let samples = statistics.samples.iter();
    let lately = samples.filter(|(at, _)| elapsed(*at, now) <= LATELY);
    let fresh = match load.signal {
        Signal::Fresh { load, at: _ } => Some(load),
        Signal::Stale { .. } | Signal::Missing(_) => None,
    };
    let lately = lately.map(|(_, x)| *x).chain(fresh);
    lately.max().unwrap_or_default()
}

/// What one dependency lets be served.
struct Served {
    load: MilliLoad,
    ceiling: Replicas,
}

impl Asked<'_> {
    fn serves(&self, dependency: &Dependency, left: &Left<'_>) -> Served {
        let Asked { id, load, now, .. } = self;
        let calls = left.supplies.rate(id, dependency, &left.rooms, *now);
        if calls == UNBOUNDED {
            return Served {
                load: calls,
                ceiling: Replicas::MAX,
            };
        }
        let served = wide(calls) * 1000 / u128::from(dependency.calls.0.max(1));
        let ceiling = served.div_ceil(u128::from(load.per_replica.0.max(1)));
        Served {
            load: MilliLoad(narrow(served)),
            ceiling: Replicas::new(u32::try_from(ceiling).unwrap_or(u32::MAX)),
        }
    }

    /// A word where it serves less than is asked of it, or will before its day is over.
    fn reason(
        &self,
        dependency: &Dependency,
        served: &Served,
        to: Replicas,
        left: &Left<'_>,
    ) -> Option<Reason> {
        let Asked {
            id,
            load,
            offered,
            need,
            now,
        } = self;
        let cut = served.ceiling.max(load.min) < *need;
        let wanted = if served.load < *offered || !cut {
            *offered
        } else {
            times(load.per_replica, need.get().into())
        };
        let calls = calls_of(wanted, dependency);
        let all = MilliLoad(
            calls
                .0
                .saturating_add(left.supplies.taken(id, dependency).0),
        );
        let (takes, ends) = match &dependency.supplier {
            Supplier::Workload(back) => {
                let (per_replica, can_have) = left.supplies.back(back, &left.rooms)?;
                let needed = wide(all).div_ceil(u128::from(per_replica.0.max(1)));
                let takes = Takes::Replicas {
                    workload: back.clone(),
                    can_have,
                    needed: Replicas::new(u32::try_from(needed).unwrap_or(u32::MAX)),
                };
                (takes, false)
            }
            Supplier::PerSecond(limit) => (
                Takes::PerSecond {
                    limit: *limit,
                    needed: all,
                },
                false,
            ),
            Supplier::PerDay(quota) => {
                let spent = left.supplies.spent_by_all(id, dependency);
                let gone = gone(quota, spent, all, *now);
                let takes = Takes::PerDay {
                    limit: quota.limit,
                    spent,
                    since: left.supplies.since(id, dependency),
                    gone,
                    needed: spent.plus(over(all, quota.end.duration_since(*now))),
                };
                (takes, gone.is_some())
            }
        };
        (cut || ends || served.load < *offered).then(|| Reason::Bottlenecked {
            dependency: dependency.name.clone(),
            served: served.load.min(wanted),
            wanted,
            need: *need,
            to,
            takes,
        })
    }
}

/// When what is left will be gone, where that is before the day is over.
fn gone(quota: &DayQuota, spent: MilliCalls, rate: MilliLoad, now: Timestamp) -> Option<Timestamp> {
    let left = quota.limit.minus(spent);
    let seconds = left.0.checked_div(rate.0)?;
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let gone = after(now, SignedDuration::from_secs(seconds));
    (gone < quota.end).then_some(gone)
}

/// Calls that a load makes in a second.
fn calls_of(load: MilliLoad, dependency: &Dependency) -> MilliLoad {
    MilliLoad(narrow(wide(load) * u128::from(dependency.calls.0) / 1000))
}

/// Calls at a rate over a while.
fn over(rate: MilliLoad, time: SignedDuration) -> MilliCalls {
    let millis = u128::try_from(time.as_millis()).unwrap_or(0);
    MilliCalls(narrow(wide(rate).saturating_mul(millis) / 1000))
}

fn times(load: MilliLoad, n: u64) -> MilliLoad {
    MilliLoad(load.0.saturating_mul(n))
}

fn wide(load: MilliLoad) -> u128 {
    u128::from(load.0)
}

fn narrow(n: u128) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
