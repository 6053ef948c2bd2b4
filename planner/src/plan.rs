//! The plan as a value, and the one pass that makes it.

use crate::bottleneck::Supplies;
use crate::budget::{Purses, Standing};
use crate::decide::{self, Pass};
use crate::hpa::Outcome;
use crate::memory::{Memory, WorkloadMemory};
use crate::model::World;
use crate::model::amounts::{Percent, Replicas};
use crate::model::budget::BudgetName;
use crate::model::money::Currency;
use crate::model::price::PerHour;
use crate::model::site::{Reach, SiteName};
use crate::model::workload::{Placement, Workload, WorkloadId};
use crate::placement::Left;
use crate::placement::claim::{self, Claim, Wait};
use crate::placement::displace::{self, Giver, Waiting, Ways};
use crate::placement::quotas::Quotas;
use crate::placement::room::Room;
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
    pub workloads: BTreeMap<WorkloadId, Decision>,
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
    pub shares: BTreeMap<SiteName, Share>,
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
    #[serde(default)]
    pub under_high: Replicas,
    /// Most replicas of it that there is room for in all, those there included.
    #[serde(default)]
    pub fits: Replicas,
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
pub fn plan_from(world: &World, mut memory: Memory, now: Timestamp) -> Plan {
    let mut before = std::mem::take(&mut memory.workloads);
    let mut rooms: BTreeMap<_, _> = world
        .sites
        .iter()
        .map(|(name, site)| (name.clone(), Room::of(site)))
        .collect();
    for workload in world.workloads.values() {
        for (site, leg) in &workload.legs {
            if let Some(room) = rooms.get_mut(site) {
                room.holds(workload.request, leg.bound);
            }
        }
    }
    let low_since = low_since(world, &rooms, &memory, now);
    let mut left = Left {
        purses: Purses::of(world, &memory, &rooms, now),
        rooms,
        quotas: Quotas::of(world),
        supplies: Supplies::of(world, &before, now),
    };

    let (sensitive, mass): (Vec<_>, Vec<_>) = in_order(world).partition(|(_, w)| is_sensitive(w));

    let pass = Pass {
        world,
        low_since: &low_since,
        now,
    };
    let mut workloads = BTreeMap::new();
    let mut memories = BTreeMap::new();
    let mut waits = Vec::new();
    for (id, workload) in sensitive {
        let before = before.get_mut(id).map(std::mem::take).unwrap_or_default();
        let turned = decide::decide(&pass, id, workload, before, &mut left, None);
        waits.extend(turned.wait);
        left.supplies.decided(id, &turned.decision);
        workloads.insert(id.clone(), turned.decision);
        memories.insert(id.clone(), turned.memory);
    }
    left.rooms.values_mut().for_each(Room::hold_for_waiting);
    let (ways, waiting) = make_way(&pass, &before, &mass, &waits, &mut left);
    for (id, site, leaving) in waiting {
        if let Some(decision) = workloads.get_mut(&id) {
            decision
                .reasons
                .push(Reason::WaitsForRoom { site, leaving });
            decide::in_order(&mut decision.reasons);
        }
    }
    for (id, workload) in mass {
        let before = before.get_mut(id).map(std::mem::take).unwrap_or_default();
        let turned = decide::decide(&pass, id, workload, before, &mut left, ways.get(id));
        left.supplies.decided(id, &turned.decision);
        workloads.insert(id.clone(), turned.decision);
        memories.insert(id.clone(), turned.memory);
    }
    let sites = left
        .rooms
        .iter()
        .map(|(name, room)| (name.clone(), room.share()))
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

/// Sensitive first, then by priority, then by name.
pub(crate) fn in_order(world: &World) -> impl Iterator<Item = (&WorkloadId, &Workload)> {
    let mut order: Vec<_> = world.workloads.iter().collect();
    order.sort_by_key(|(id, w)| (!is_sensitive(w), Reverse(w.priority), *id));
    order.into_iter()
}

/// What each mass workload does so that Sensitive ones find room, and which of these wait where for
/// how many. What it would do otherwise is worked out first, on a copy of what is left.
fn make_way<'a>(
    pass: &Pass<'_>,
    before: &BTreeMap<WorkloadId, WorkloadMemory>,
    mass: &[(&'a WorkloadId, &'a Workload)],
    waits: &[Wait],
    left: &mut Left<'a>,
) -> (BTreeMap<WorkloadId, Ways>, Vec<Waiting>) {
    let claims = claim::claims(pass.world, waits, left);
    if claims.is_empty() {
        return (BTreeMap::new(), Vec::new());
    }
    let mut copy = left.clone();
    let mut givers = Vec::new();
    for (id, workload) in mass {
        let there = |claim: &Claim| {
            let leg = workload.legs.get(&claim.site);
            leg.is_some_and(|l| l.bound.plus(l.pending) > Replicas::ZERO)
        };
        if !claims.iter().any(there) {
            continue;
        }
        let before = before.get(*id).cloned().unwrap_or_default();
        let turned = decide::decide(pass, id, workload, before, &mut copy, None);
        if turned.gives {
            givers.push(Giver {
                id,
                workload,
                want: turned.decision.want,
                seats: turned.seats,
                ways: Ways::new(),
            });
        }
    }
    givers.reverse(); // lowest priority first
    let waiting = displace::share_out(pass.world, claims, &mut givers);
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
fn low_since(
    world: &World,
    rooms: &BTreeMap<SiteName, Room>,
    memory: &Memory,
    now: Timestamp,
) -> BTreeMap<SiteName, Timestamp> {
    let low = rooms.iter().filter(|(name, room)| {
        world
            .sites
            .get(*name)
            .is_some_and(|site| site.reach == Reach::Reachable && room.under(site.low))
    });
    low.map(|(name, _)| {
        (
            name.clone(),
            memory
                .low_since
                .get(name)
                .map_or(now, |since| (*since).min(now)),
        )
    })
    .collect()
}
