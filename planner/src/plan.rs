//! The plan as a value, and the one pass that makes it.

use crate::ahead;
use crate::bottleneck::Supplies;
use crate::budget::{Purses, Standing};
use crate::decide::{self, Giving, Pass};
use crate::hpa::Outcome;
use crate::memory::{Memory, WorkloadMemory};
use crate::model::World;
use crate::model::amounts::{Percent, Replicas};
use crate::model::budget::BudgetName;
use crate::model::by_site::BySite;
use crate::model::money::Currency;
use crate::model::price::PerHour;
use crate::model::site::{Reach, SiteName};
use crate::model::sorted::Sorted;
use crate::model::workload::{Placement, Workload, WorkloadId};
use crate::placement::Left;
use crate::placement::claim::{self, Claim, Wait};
use crate::placement::displace::{self, Giver, Waiting, Ways};
use crate::placement::quotas::Quotas;
use crate::placement::rooms::Rooms;
use crate::placement::seats::Seats;
use crate::reason::Reason;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything decided at one moment. Comparable, printable, serializable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The moment.
    pub at: Timestamp,
    /// By workload.
    pub workloads: Sorted<WorkloadId, Decision>,
    /// Share of each site's allocatable resources in use (the larger of CPU and memory), after the plan.
    pub sites: BTreeMap<SiteName, Percent>,
    /// How the budgets whose period is running stand.
    #[serde(default)]
    pub budgets: BTreeMap<BudgetName, Standing>,
    /// What the next plan needs to know.
    pub memory: Memory,
}

/// What is decided for one workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Replicas wanted in all, within bounds.
    pub want: Replicas,
    /// Each site's share, sites of the placement only, plus sites that still hold replicas.
    pub shares: BySite<Share>,
    /// What is to be written, increases first. Empty in Observe, Paused and Contested.
    pub steps: Vec<Step>,
    /// Why, most telling first. Never empty.
    pub reasons: Vec<Reason>,
    /// For a total that follows metrics: what the HPA's own rules come to, with its conditions and
    /// the metrics' current values.
    #[serde(default)]
    pub metrics: Option<Arc<Outcome>>,
    /// What the shares cost an hour at priced sites.
    #[serde(default)]
    pub cost: BTreeMap<Currency, PerHour>,
}

/// A site's share of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    /// Decided.
    pub desired: Replicas,
    /// Ready now.
    pub ready: Replicas,
    /// Rank of its tier from 1; 0 for a site that is in no tier.
    #[serde(default)]
    pub tier: u32,
    /// Most replicas of it that there is room for up to the high watermark, those there included.
    /// `None` where there was no need to count to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under_high: Option<Replicas>,
    /// Most replicas of it that there is room for in all, those there included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fits: Option<Replicas>,
}

/// One write of one count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Where.
    pub site: SiteName,
    /// True for the first site of the first tier: the target itself; else the site's sibling.
    pub home: bool,
    /// The count before.
    pub from: Replicas,
    /// The count after.
    pub to: Replicas,
}

/// Decides everything at once: total, lawful sites, room, pace. See ARCHITECTURE.md for the order.
#[must_use]
pub fn plan(world: &World, memory: &Memory, now: Timestamp) -> Plan {
    plan_from(world, memory.clone(), now)
}

/// The same out of a memory that nobody else needs: it is carried on instead of copied.
#[must_use]
pub fn plan_from(world: &World, memory: Memory, now: Timestamp) -> Plan {
    let Memory {
        workloads: mut memories,
        low_since,
        ledger,
    } = memory;
    let rooms = Rooms::of(world);
    let low_since = still_low(&rooms, &low_since, now);
    let mut left = Left {
        purses: Purses::of(world, &ledger, &rooms, now),
        quotas: Quotas::of(world, &rooms),
        supplies: Supplies::of(world, &memories, now),
        rooms,
    };
    match_up(world, &mut memories);

    let ids = world.workloads.iter().zip(memories.values_mut());
    let mut turns: Vec<_> = ids.enumerate().collect();
    // By name they are already.
    turns.sort_by_cached_key(|(_, (named, _))| rank(*named));
    let mass = turns.partition_point(|(_, ((_, w), _))| is_sensitive(w));
    let (sensitive, mass) = turns.split_at_mut(mass);

    let pass = Pass {
        low_since: &low_since,
        now,
    };
    let (mut seats, mut said) = (Seats::default(), Vec::new());
    let mut decisions: Vec<_> = world.workloads.keys().map(|_| None).collect();
    let mut waits = Vec::new();
    in_turn(sensitive, |i, named, memory| {
        let alone = Giving::Way(None);
        let turned = decide::decide(
            &pass, named, memory, &mut left, &mut seats, &mut said, &alone,
        );
        waits.extend(turned.wait);
        left.supplies.decided(named.0, &turned.decision);
        if let Some(place) = decisions.get_mut(i) {
            *place = Some(turned.decision);
        }
    });
    left.rooms
        .iter_mut()
        .for_each(|ground| ground.room.hold_for_waiting());
    let (ways, waiting) = make_way(world, &pass, mass, &waits, &mut left);
    in_turn(mass, |i, named, memory| {
        let giving = Giving::Way(ways.get(named.0));
        let turned = decide::decide(
            &pass, named, memory, &mut left, &mut seats, &mut said, &giving,
        );
        left.supplies.decided(named.0, &turned.decision);
        if let Some(place) = decisions.get_mut(i) {
            *place = Some(turned.decision);
        }
    });
    let mut workloads = Sorted::beside(&world.workloads, decisions);
    for (id, site, leaving) in waiting {
        if let Some(decision) = workloads.get_mut(&id) {
            decision
                .reasons
                .push(Reason::WaitsForRoom { site, leaving });
            decide::in_order(&mut decision.reasons);
        }
    }
    let grounds = left.rooms.iter();
    let sites = grounds
        .map(|ground| (ground.name.clone(), ground.room.share()))
        .collect();
    let (budgets, ledger) = left.purses.close();
    Plan {
        at: now,
        workloads,
        sites,
        budgets,
        memory: Memory {
            workloads: memories,
            low_since,
            ledger,
        },
    }
}

/// A memory for each workload that there is, and for no other.
fn match_up(world: &World, memories: &mut BTreeMap<WorkloadId, WorkloadMemory>) {
    if world.workloads.keys().eq(memories.keys()) {
        return;
    }
    memories.retain(|id, _| world.workloads.contains_key(id));
    let ids = world.workloads.keys();
    let new = ids.filter(|id| !memories.contains_key(*id));
    let mut new = new
        .map(|id| (id.clone(), WorkloadMemory::default()))
        .collect();
    // All at once: a map that grows one by one in order leaves its nodes half empty.
    memories.append(&mut new);
}

/// A workload of the world.
type Named<'a> = (&'a WorkloadId, &'a Workload);
/// A workload's turn: its place by name, and its memory.
type Turn<'a, 'm> = (usize, (Named<'a>, &'m mut WorkloadMemory));

/// One turn after the other.
fn in_turn<'a>(
    mut turns: &mut [Turn<'a, '_>],
    mut turn: impl FnMut(usize, Named<'a>, &mut WorkloadMemory),
) {
    while let Some(((i, (named, memory)), later)) = turns.split_first_mut() {
        ahead::look(|at| {
            let (_, ((id, workload), memory)) = later.get(at)?;
            Some(ahead::Next {
                id,
                workload,
                memory,
            })
        });
        turn(*i, *named, memory);
        turns = later;
    }
}

/// Sensitive first, then by priority.
fn rank((_, workload): Named<'_>) -> (bool, Reverse<i32>) {
    (!is_sensitive(workload), Reverse(workload.priority))
}

/// Sensitive first, then by priority, then by name.
pub(crate) fn in_order(world: &World) -> impl Iterator<Item = Named<'_>> {
    let mut order: Vec<_> = world.workloads.iter().collect();
    order.sort_by_key(|named| rank(*named));
    order.into_iter()
}

/// What each mass workload does so that Sensitive ones find room, and which of these wait where for
/// how many. What it would do otherwise is worked out first, on a copy of what is left.
fn make_way<'a>(
    world: &World,
    pass: &Pass<'_>,
    mass: &[Turn<'a, '_>],
    waits: &[Wait],
    left: &mut Left<'a>,
) -> (BTreeMap<WorkloadId, Ways>, Vec<Waiting>) {
    let claims = claim::claims(world, waits, left);
    if claims.is_empty() {
        return (BTreeMap::new(), Vec::new());
    }
    let mut copy = left.clone();
    let mut givers = Vec::new();
    for (_, (named, memory)) in mass {
        let (id, workload) = *named;
        let there = |claim: &Claim| {
            let leg = workload.legs.get(&claim.site);
            leg.is_some_and(|l| l.bound.plus(l.pending) > Replicas::ZERO)
        };
        if !claims.iter().any(there) {
            continue;
        }
        let (mut memory, mut seats) = (WorkloadMemory::clone(memory), Seats::default());
        let (mut said, asked) = (Vec::new(), Giving::Asked);
        let turned = decide::decide(
            pass,
            *named,
            &mut memory,
            &mut copy,
            &mut seats,
            &mut said,
            &asked,
        );
        if turned.gives {
            givers.push(Giver {
                id,
                workload,
                want: turned.decision.want,
                seats,
                ways: Ways::new(),
            });
        }
    }
    givers.reverse(); // lowest priority first
    let waiting = displace::share_out(world, claims, &mut givers);
    let ways = givers.into_iter().map(|g| (g.id.clone(), g.ways));
    (ways.collect(), waiting)
}

/// True for the class that never leaves sovereign ground.
pub(crate) fn is_sensitive(workload: &Workload) -> bool {
    match workload.placement {
        Placement::Sensitive { .. } => true,
        Placement::MassTraffic { .. } => false,
    }
}

/// Since when each site has been under its low watermark, as it is before this plan.
fn still_low(
    rooms: &Rooms<'_>,
    before: &BTreeMap<SiteName, Timestamp>,
    now: Timestamp,
) -> BTreeMap<SiteName, Timestamp> {
    let low = rooms.iter().filter(|ground| {
        ground.site.reach == Reach::Reachable && ground.room.under(ground.site.low)
    });
    low.map(|ground| {
        let since = before.get(ground.name);
        (
            ground.name.clone(),
            since.map_or(now, |since| (*since).min(now)),
        )
    })
    .collect()
}
