//! Mass traffic makes way. Where a Sensitive workload finds no room at its sites, mass replicas there
//! leave, those of the lowest priority first:
//! 1. as many as find a place elsewhere: made there, Ready, and only then removed here;
//! 2. where that is not enough, mass workloads shrink, down to their minReplicas;
//! 3. below these only as far as the Sensitive one's own minReplicas needs it.
//!
//! Each workload gives a step at a time, and the next one when the pods of the last are gone. Till
//! the Sensitive one has its room, mass traffic neither grows there nor comes home there. Not here:
//! who waits (claim), and how a share moves (allocate).

use crate::model::World;
use crate::model::amounts::{Replicas, Resources};
use crate::model::site::SiteName;
use crate::model::workload::{Leg, Workload, WorkloadId};
use crate::placement::allocate::allocate_asked;
use crate::placement::claim::{Claim, least};
use crate::placement::seats::{Away, Seats};
use std::collections::BTreeMap;

/// What a mass workload does about it at one site.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// Who needs the room.
    pub by: WorkloadId,
    /// Bound replicas that are to leave in all.
    pub leave: Replicas,
    /// Of those, how many no other place takes.
    pub nowhere: Replicas,
    /// How many of them move in this step.
    pub moves: Replicas,
    /// How many go in this step without a twin elsewhere.
    pub goes: Replicas,
}

/// By site.
pub(crate) type Ways = BTreeMap<SiteName, Way>;

/// A mass workload that could make way, as it would be decided without: lowest priority first.
pub(crate) struct Giver<'a> {
    /// Who.
    pub id: &'a WorkloadId,
    /// Its spec.
    pub workload: &'a Workload,
    /// Replicas that it wants.
    pub want: Replicas,
    /// Its sites, all of them asked.
    pub seats: Seats<'a>,
    /// What it is to give.
    pub ways: Ways,
}

/// Who waits where, and for how many replicas that leave.
pub(crate) type Waiting = (WorkloadId, SiteName, Replicas);

/// Shares what is lacking out among the givers, and returns which workload waits where for how many
/// replicas that leave.
pub(crate) fn share_out(
    world: &World,
    claims: Vec<Claim>,
    givers: &mut [Giver<'_>],
) -> Vec<Waiting> {
    // A workload that waits at several sites needs the room once.
    let mut covered: BTreeMap<WorkloadId, Resources> = BTreeMap::new();
    let mut leaving = leaving(world);
    let mut said = Vec::new();
    for Claim { by, site, need } in claims {
        let mut done = covered.remove(&by).unwrap_or_default();
        let on_the_way = leaving.entry(site.clone()).or_default();
        let used = need.all.minus(done).min(*on_the_way);
        *on_the_way = on_the_way.minus(used);
        done = done.plus(used);
        let before = done;
        let mut gone = Replicas::ZERO;
        for turn in [Turn::Move, Turn::ToMinimum, Turn::BelowMinimum] {
            for giver in givers.iter_mut() {
                let lacking = match turn {
                    Turn::Move | Turn::ToMinimum => need.all.minus(done),
                    Turn::BelowMinimum => need.min.minus(done),
                };
                let n = giver
                    .can(&site, turn)
                    .min(enough(lacking, giver.workload.request));
                giver.give(&site, &by, n, turn);
                done = done.plus(giver.workload.request.times(n.get().into()));
                gone = gone.plus(n);
            }
        }
        if done != before || used != Resources::ZERO {
            said.push((by.clone(), site, gone));
        }
        covered.insert(by, done);
    }
    for giver in givers.iter_mut() {
        giver.pace();
    }
    said
}

/// Which of the three ways to make room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Move,
    ToMinimum,
    BelowMinimum,
}

/// How many replicas of one request free what is lacking.
fn enough(lacking: Resources, one: Resources) -> Replicas {
    let by = |lacking: u64, one: u64| match one {
        0 => 0,
        _ => lacking.div_ceil(one),
    };
    let n = by(lacking.millicores, one.millicores).max(by(lacking.bytes, one.bytes));
    Replicas::new(u32::try_from(n).unwrap_or(u32::MAX))
}

/// What is on its way out at each site already: deleted, or no longer in a count.
fn leaving(world: &World) -> BTreeMap<SiteName, Resources> {
    let mut leaving: BTreeMap<SiteName, Resources> = BTreeMap::new();
    for workload in world.workloads.values() {
        for (site, leg) in &workload.legs {
            let n = on_the_way_out(leg);
            if n > Replicas::ZERO {
                let sum = leaving.entry(site.clone()).or_default();
                *sum = sum.plus(workload.request.times(n.get().into()));
            }
        }
    }
    leaving
}

fn on_the_way_out(leg: &Leg) -> Replicas {
    leg.bound.minus(leg.spec).plus(leg.terminating)
}

impl Giver<'_> {
    /// How many more it can give at a site in this way.
    fn can(&self, site: &SiteName, turn: Turn) -> Replicas {
        let Some(row) = self.seats.row(site).filter(|r| r.away == Away::Here) else {
            return Replicas::ZERO;
        };
        let given = self.ways.get(site).map_or(Replicas::ZERO, |w| w.leave);
        let held = row.leg.bound.min(row.leg.spec).minus(given);
        let tier_min = self
            .seats
            .tiers
            .get(row.tier)
            .map_or(Replicas::ZERO, |t| t.min);
        let in_tier: Replicas = {
            let rows = self.seats.rows.iter().filter(|r| r.tier == row.tier);
            rows.map(|r| r.keep.minus(self.given(r.site))).sum()
        };
        let n = match turn {
            // What the others cannot carry stays.
            Turn::Move => {
                let stays = self.stranded(site, held);
                held.minus(stays).min(in_tier.minus(tier_min))
            }
            Turn::ToMinimum => {
                let all: Replicas = self.seats.rows.iter().map(|r| r.keep).sum();
                let shrunk: Replicas = self.ways.values().map(|w| w.nowhere).sum();
                let spare = all.min(self.want).minus(shrunk).minus(least(self.workload));
                held.min(spare).min(in_tier.minus(tier_min))
            }
            Turn::BelowMinimum => held,
        };
        n.min(held)
    }

    fn given(&self, site: &SiteName) -> Replicas {
        self.ways.get(site).map_or(Replicas::ZERO, |w| w.leave)
    }

    /// How many find no place where no more than what is given already leaves, and all that is held
    /// at this site: room, tiers, quotas and money say so.
    fn stranded(&self, site: &SiteName, held: Replicas) -> Replicas {
        let mut seats = self.seats.clone();
        for row in &mut seats.rows {
            let here = if row.site == site {
                held
            } else {
                Replicas::ZERO
            };
            let leaves = self.given(row.site).plus(here);
            if leaves > Replicas::ZERO {
                row.make_way(leaves, Replicas::ZERO);
            }
        }
        allocate_asked(&mut seats, self.want, false);
        self.want.minus(seats.targets())
    }

    fn give(&mut self, site: &SiteName, by: &WorkloadId, n: Replicas, turn: Turn) {
        let Some(row) = self.seats.row(site) else {
            return;
        };
        // Those without a node would take the room that is being made.
        if n == Replicas::ZERO && row.leg.without_node() == Replicas::ZERO {
            return;
        }
        let way = self.ways.entry(site.clone()).or_insert_with(|| Way {
            by: by.clone(),
            leave: Replicas::ZERO,
            nowhere: Replicas::ZERO,
            moves: Replicas::ZERO,
            goes: Replicas::ZERO,
        });
        way.leave = way.leave.plus(n);
        if turn != Turn::Move {
            way.nowhere = way.nowhere.plus(n);
        }
    }

    /// Cuts what is given to one step, as for the way home.
    fn pace(&mut self) {
        let share = u64::from(self.want.get()) * u64::from(self.workload.drain.step.get());
        let step = u32::try_from(share.div_ceil(100)).unwrap_or(u32::MAX);
        for (site, way) in &mut self.ways {
            let out = self
                .workload
                .legs
                .get(site)
                .map_or(Replicas::ZERO, on_the_way_out);
            let step = Replicas::new(step.max(1)).minus(out);
            way.moves = way.leave.minus(way.nowhere).min(step);
            way.goes = way.nowhere.min(step.minus(way.moves));
        }
    }
}
