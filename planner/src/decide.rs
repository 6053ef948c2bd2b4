//! One workload's turn in the pass: demand, contest, blocked sites, spread, way home, steps. The
//! parts decide; here they are only put in order and their reasons collected.

use crate::bottleneck;
use crate::budget::Fare;
use crate::contest::{self, Holder};
use crate::demand::{self, Count, Wanted};
use crate::drain::{self, Round};
use crate::memory::{Blocked, Contest, Decisions, Drain, WorkloadMemory};
use crate::model::World;
use crate::model::amounts::Replicas;
use crate::model::money::Currency;
use crate::model::price::PerHour;
use crate::model::site::{Reach, Site, SiteName};
use crate::model::workload::{Demand, LoadDemand, Mode, Override, Placement, Workload, WorkloadId};
use crate::placement::allocate::{allocate, linger};
use crate::placement::claim::{Unfit, Wait};
use crate::placement::displace::Ways;
use crate::placement::pay::Unpaid;
use crate::placement::quotas::owed;
use crate::placement::seats::{Away, Seats};
use crate::placement::{self, Left};
use crate::plan::{Decision, Share, Step, is_sensitive};
use crate::reason::Reason;
use crate::time::after;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// What holds for one workload before anything is decided.
struct Turn<'a> {
    workload: &'a Workload,
    word: Option<&'a Override>,
    blocked: BTreeMap<SiteName, Blocked>,
    low_since: &'a BTreeMap<SiteName, Timestamp>,
    now: Timestamp,
}

/// What all turns of one pass look at.
pub(crate) struct Pass<'a> {
    pub world: &'a World,
    pub low_since: &'a BTreeMap<SiteName, Timestamp>,
    pub now: Timestamp,
}

/// What a turn came to.
pub(crate) struct Turned {
    pub decision: Decision,
    pub memory: WorkloadMemory,
    /// The table that it was decided on.
    pub seats: Seats,
    /// True where its counts are written here and may fall, so that it can make way.
    pub gives: bool,
    /// What it waits for, where it is Sensitive and there is no room.
    pub wait: Option<Wait>,
}

/// Decides for one workload and takes what it needs out of what is `left`. It makes `ways`.
pub(crate) fn decide<'a>(
    pass: &Pass<'_>,
    id: &'a WorkloadId,
    workload: &Workload,
    before: WorkloadMemory,
    left: &mut Left<'a>,
    ways: Option<&Ways>,
) -> Turned {
    let Pass {
        world,
        low_since,
        now,
    } = *pass;
    let WorkloadMemory {
        decisions: before,
        statistics,
    } = before;
    let sensitive = is_sensitive(workload);
    let word = workload.override_.as_ref().filter(|o| now < o.until);
    let untouched = workload.demand == Demand::Untouched && word.is_none();
    let blocked = if untouched {
        BTreeMap::new()
    } else {
        placement::blocked(world, workload, &statistics.blocked, now)
    };
    let mut turn = Turn {
        workload,
        word,
        blocked,
        low_since,
        now,
    };
    let moving = before
        .drain
        .clone()
        .filter(|_| word.is_none() && !sensitive && !untouched)
        .filter(|drain| left.rooms.get(&drain.to).is_none_or(|room| !room.claimed()));

    let mut seats = Seats::of(world, workload, now);
    let moving = drain::sound(moving, &seats, &before.sites, &turn.blocked);
    if let Some(word) = word {
        seats.pin(word);
    }
    seats.sort(moving.as_ref(), &before.sites, &turn.blocked);
    // What was kept for this workload alone is its own to decide on.
    for row in &seats.rows {
        let kept = owed(&row.leg, row.leg.spec);
        left.quotas.release(&row.site, id, workload, kept);
    }
    seats.measure(left, &turn.blocked, id, workload, sensitive);

    let (holder, contest) = hold(workload, untouched, &seats, &before, now);
    let writes = workload.mode == Mode::Active && holder == Holder::Us && !untouched;
    // Where nothing is to be done a total of an override that is over says nothing.
    let decided = before.total.filter(|_| !untouched);
    let count = Count {
        present: seats.present(decided.is_some()),
        specified: seats.specified(),
        decided,
        ours: writes,
        scaled_to_zero: before.scaled_to_zero,
    };
    let total =
        |demand, statistics| demand::decide(demand, &workload.windows, statistics, count, now);
    // Asked for only when home is full, nodes would come late by the whole time that they take.
    let ahead = ahead_of_nodes(world, workload);
    let early = ahead.as_ref().map(|ahead| total(ahead, statistics.clone()));
    let mut wanted = total(&workload.demand, statistics);
    if let Some(early) = early.filter(|early| seats.needs_nodes(early.want)) {
        let statistics = wanted.statistics;
        wanted = Wanted {
            statistics,
            ..early
        };
    }
    bottleneck::limit(id, workload, count.floor(), &mut wanted, left, now);
    if let Some(word) = word {
        wanted = demand::overridden(wanted, word);
    }
    let spent = bottleneck::promise(id, workload, &wanted, left, now);
    let mut reasons = std::mem::take(&mut wanted.reasons);
    if let Holder::Other { writer, writes } = &holder {
        reasons.push(Reason::Contested {
            writer: writer.clone(),
            writes: *writes,
        });
    }
    let ours = match workload.mode {
        Mode::Paused => {
            reasons.push(Reason::Paused);
            false
        }
        // An autoscaler in the way is what Observe is for: show what would be done without it.
        Mode::Observe => !untouched,
        Mode::Active => writes,
    };

    for (site, way) in ways.into_iter().flatten() {
        if let Some(row) = seats.row_mut(site) {
            row.make_way(way.moves, way.goes);
        }
        if way.leave > Replicas::ZERO {
            reasons.push(Reason::Displaced {
                site: site.clone(),
                by: way.by.clone(),
                replicas: way.leave,
                nowhere: way.nowhere,
            });
        }
    }
    let (mut drain, mut unpaid) = (None, None);
    if ours {
        (drain, unpaid) = turn.spread(&mut seats, &wanted, moving, &mut reasons);
    } else {
        seats.rows.iter_mut().for_each(|r| r.target = r.leg.spec);
        say_waiting(&seats, wanted.want, &mut reasons);
    }
    seats.freeze();
    left.purses
        .decided(id, workload, &seats.spends(unpaid.as_ref()));
    turn.say_away(world, &seats, &mut reasons);
    let mut unfit = Unfit::new();
    for row in &seats.rows {
        if let Some(room) = left.rooms.get_mut(&row.site) {
            let new = row.target.minus(row.leg.bound);
            let fitted = room.take(workload.request, sensitive, new);
            if fitted < new {
                unfit.insert(row.site.clone(), new.minus(fitted));
            }
        }
        let new = owed(&row.leg, row.target);
        left.quotas.promise(&row.site, id, workload, new);
    }

    let wait = (sensitive && workload.mode != Mode::Observe)
        .then(|| {
            let unplaced = match writes {
                true => wanted.want.minus(seats.targets()),
                false => Replicas::ZERO,
            };
            Wait::of((id, workload), &seats, &turn.blocked, unplaced, &unfit)
        })
        .flatten();

    if workload.mode == Mode::Observe {
        reasons.push(Reason::Observed);
    }
    let steps = if writes { steps(&seats) } else { Vec::new() };
    let contest = match seats.home() {
        Some(home) if steps.iter().any(|s| s.home) => contest::answered(contest, &home.leg, now),
        Some(_) | None => contest,
    };
    let decisions = if untouched {
        Decisions::default()
    } else if writes {
        let sites = seats
            .rows
            .iter()
            .map(|r| (r.site.clone(), r.target))
            .collect();
        Decisions {
            total: Some(wanted.want),
            sites,
            drain,
            contest,
            scaled_to_zero: made_zero(workload, wanted.want, &count),
            spent,
        }
    } else {
        Decisions {
            contest,
            scaled_to_zero: wanted.scaled_to_zero,
            spent,
            ..before
        }
    };
    let mut statistics = wanted.statistics;
    statistics.blocked = turn.blocked;

    in_order(&mut reasons);
    let shares = seats
        .rows
        .iter()
        .map(|r| {
            (
                r.site.clone(),
                Share {
                    desired: r.target,
                    // Whoever is lost counts for nothing; till then, as last seen.
                    ready: match r.away {
                        Away::Here | Away::Counted => r.leg.ready,
                        Away::Lost => Replicas::ZERO,
                    },
                    tier: seats.rank(r),
                    under_high: r.cap_high,
                    fits: r.cap_fit,
                },
            )
        })
        .collect();
    Turned {
        decision: Decision {
            want: wanted.want,
            shares,
            steps,
            reasons,
            metrics: wanted.outcome,
            cost: cost(world, workload, &seats),
        },
        memory: WorkloadMemory {
            decisions,
            statistics,
        },
        seats,
        gives: writes && !wanted.held && word.is_none() && !sensitive,
        wait,
    }
}

/// The demand as seen from the moment when nodes that are asked for now have come, where an elastic
/// site of the workload can add any. Metrics look at what is, as an HPA does.
fn ahead_of_nodes(world: &World, workload: &Workload) -> Option<Demand> {
    let Demand::Load(load) = &workload.demand else {
        return None;
    };
    let site = |name| world.sites.get(name)?.elastic;
    let elastic: Vec<_> = match &workload.placement {
        Placement::Sensitive { sites } => sites.iter().filter_map(|s| site(s.name())).collect(),
        Placement::MassTraffic { tiers } => tiers
            .iter()
            .flat_map(|tier| tier.sites.iter().filter_map(site))
            .collect(),
    };
    let slowest = elastic.iter().filter(|e| e.nodes > 0).map(|e| e.provision);
    let start_up = load.start_up.saturating_add(slowest.max()?);
    Some(Demand::Load(LoadDemand {
        start_up,
        ..load.clone()
    }))
}

/// True where a total of 0 is decided here, by metrics or by an override, and not found.
fn made_zero(workload: &Workload, want: Replicas, count: &Count) -> bool {
    let follows = match &workload.demand {
        Demand::Metrics(_) => true,
        Demand::Untouched | Demand::Fixed(_) | Demand::Load(_) => false,
    };
    let ran = count.decided.unwrap_or(count.specified) > Replicas::ZERO;
    follows && want == Replicas::ZERO && (ran || count.scaled_to_zero)
}

/// Who holds the target's count.
fn hold(
    workload: &Workload,
    untouched: bool,
    seats: &Seats,
    before: &Decisions,
    now: Timestamp,
) -> (Holder, Option<Contest>) {
    let Some(home) = seats.home().filter(|_| !untouched) else {
        return (Holder::Us, None);
    };
    let competitor = workload.competitor.as_deref();
    match workload.mode {
        Mode::Active => {
            let decided = before.sites.get(&home.site).copied();
            contest::judge(competitor, &home.leg, decided, before.contest.as_ref(), now)
        }
        // Nothing is written, so nothing is contested; only an autoscaler in the way is said.
        Mode::Observe | Mode::Paused => match competitor {
            Some(writer) => (
                Holder::Other {
                    writer: writer.into(),
                    writes: 0,
                },
                before.contest.clone(),
            ),
            None => (Holder::Us, before.contest.clone()),
        },
    }
}

impl Turn<'_> {
    /// Spreads the total, takes the next step on the way home, and says why.
    fn spread(
        &mut self,
        seats: &mut Seats,
        wanted: &Wanted,
        moving: Option<Drain>,
        reasons: &mut Vec<Reason>,
    ) -> (Option<Drain>, Option<Unpaid>) {
        let moving = drain::absorb(moving, seats, wanted.want, self.now);
        allocate(seats, wanted.want, wanted.held);
        let placed = seats.targets();
        let mut next = None;
        if !is_sensitive(self.workload) && self.word.is_none() {
            let round = Round {
                want: wanted.want,
                held: wanted.held,
                policy: self.workload.drain,
                low_since: self.low_since,
                blocked: &self.blocked,
                now: self.now,
            };
            let outcome = drain::advance(moving, seats, &round);
            reasons.extend(outcome.reason);
            next = outcome.drain;
            if let Some((site, holds)) = outcome.failed {
                let pending = self
                    .workload
                    .legs
                    .get(&site)
                    .map_or(Replicas::ZERO, |leg| leg.pending);
                self.blocked
                    .insert(site, drain::block(holds, pending, self.now));
            }
        }
        linger(seats, wanted.want);
        if wanted.held {
            let free = seats.rows.iter_mut().filter(|r| r.fixed().is_none());
            free.for_each(|r| r.target = r.target.max(r.leg.spec));
        }
        seats.settle();
        let placed = placed.min(seats.targets());
        let short = wanted.want.minus(placed);
        let unpaid = seats.unpaid(short);
        let unpaid_for = unpaid.as_ref().map_or(Replicas::ZERO, |u| u.replicas);
        if short > unpaid_for {
            reasons.push(Reason::Short {
                want: wanted.want,
                placed,
            });
        }
        if let Some(unpaid) = &unpaid {
            reasons.push(Reason::BudgetLimited {
                budget: unpaid.budget.clone(),
                want: wanted.want,
                placed,
                missing: unpaid.replicas,
                currency: unpaid.currency,
                per_hour: unpaid.per_hour,
            });
        }
        self.say_sites(seats, short > Replicas::ZERO, reasons);
        (next, unpaid)
    }

    /// Sites that do not answer or refuse this workload, where it would be there or is, and those
    /// where its pods wait for nodes.
    fn say_away(&self, world: &World, seats: &Seats, reasons: &mut Vec<Reason>) {
        for row in &seats.rows {
            let site = row.site.clone();
            let reach = world.sites.get(&site).map(|s| s.reach);
            if let Some(Reach::Unreachable { since }) = reach
                && row.leg.spec > Replicas::ZERO
            {
                reasons.push(Reason::SiteUnreachable {
                    site: site.clone(),
                    since,
                    replicas: row.leg.spec,
                    counted: row.away == Away::Counted,
                });
            }
            let pending = row.leg.bound.plus(row.leg.pending).minus(row.on_nodes);
            if let Some(since) = row.leg.pending_since
                && row.on_nodes < row.cap_fit
                && pending > Replicas::ZERO
            {
                reasons.push(Reason::WaitsForNodes {
                    site: site.clone(),
                    pending,
                    until: after(since, row.grace),
                });
            }
            if let Some(why) = self.workload.refused.get(&site) {
                let why = why.clone();
                reasons.push(Reason::SiteRefused { site, why });
            }
        }
    }

    fn say_sites(&self, seats: &Seats, short: bool, reasons: &mut Vec<Reason>) {
        let home = seats.home().map(|h| (h.site.clone(), h.tier));
        for row in seats.rows.iter().filter(|r| r.tier < seats.outside) {
            let later = seats
                .rows
                .iter()
                .any(|r| r.tier > row.tier && r.target > Replicas::ZERO);
            if !row.open && (short || later || row.leg.spec > Replicas::ZERO) {
                reasons.push(Reason::SiteClosed(row.site.clone()));
            }
            if let Fare::Unfunded(why) = &row.fare
                && (short || later || row.leg.spec > Replicas::ZERO)
            {
                let (site, why) = (row.site.clone(), why.clone());
                reasons.push(Reason::Unfunded { site, why });
            }
            let full = row.target >= row.cap_fit && (short || later);
            if let Some(limit) = row.limit.clone().filter(|_| full && row.fixed().is_none()) {
                let site = row.site.clone();
                reasons.push(Reason::QuotaFull { site, limit });
            }
            if let Some((from, _)) = home
                .as_ref()
                .filter(|(_, tier)| *tier < row.tier && row.pin.is_none())
            {
                let min = seats.tiers.get(row.tier).map_or(Replicas::ZERO, |t| t.min);
                let replicas = row.target.min(seats.in_tier(row.tier).minus(min));
                if replicas > Replicas::ZERO {
                    reasons.push(Reason::Overflow {
                        from: from.clone(),
                        to: row.site.clone(),
                        replicas,
                    });
                }
            }
        }
        for (site, b) in &self.blocked {
            let Blocked {
                until,
                holds: _,
                pending,
            } = b;
            reasons.push(Reason::PendingTooLong {
                site: site.clone(),
                pending: *pending,
                until: *until,
            });
        }
    }
}

/// What the shares cost an hour, by currency.
fn cost(world: &World, workload: &Workload, seats: &Seats) -> BTreeMap<Currency, PerHour> {
    let mut cost: BTreeMap<_, PerHour> = BTreeMap::new();
    for row in &seats.rows {
        if let Some(price) = world.sites.get(&row.site).and_then(Site::charges) {
            let sum = cost.entry(price.currency).or_default();
            *sum = sum.plus(price.of(workload.request).times(row.target));
        }
    }
    cost
}

/// Of counts that are not ours: how many wait for a node.
fn say_waiting(seats: &Seats, want: Replicas, reasons: &mut Vec<Reason>) {
    let pending: Replicas = seats
        .rows
        .iter()
        .map(|r| r.leg.pending.min(r.leg.spec))
        .sum();
    if pending > Replicas::ZERO {
        reasons.push(Reason::Short {
            want,
            placed: seats.targets().minus(pending).min(want),
        });
    }
}

/// What is to be written, increases first.
fn steps(seats: &Seats) -> Vec<Step> {
    let change = |r: &crate::placement::seats::Seat| Step {
        site: r.site.clone(),
        home: r.home,
        from: r.leg.spec,
        to: r.target,
    };
    let up = seats
        .rows
        .iter()
        .filter(|r| r.target > r.leg.spec)
        .map(change);
    let down = seats
        .rows
        .iter()
        .filter(|r| r.target < r.leg.spec)
        .map(change);
    up.chain(down).collect()
}

/// Most telling first.
pub(crate) fn in_order(reasons: &mut [Reason]) {
    reasons.sort_by_key(rank);
}

fn rank(reason: &Reason) -> u8 {
    match reason {
        Reason::Paused => 0,
        Reason::Contested { .. } => 1,
        Reason::Overridden { .. } => 2,
        Reason::NoSignal(_) | Reason::StaleSignal { .. } | Reason::MetricInvalid { .. } => 3,
        Reason::Short { .. } | Reason::BudgetLimited { .. } | Reason::Bottlenecked { .. } => 4,
        Reason::PendingTooLong { .. } => 5,
        Reason::SiteUnreachable { .. } => 6,
        Reason::SiteRefused { .. } => 7,
        Reason::QuotaFull { .. } | Reason::SiteClosed(_) | Reason::Unfunded { .. } => 8,
        Reason::AtMaximum { .. } | Reason::ScalingDisabled => 9,
        Reason::Displaced { .. }
        | Reason::WaitsForRoom { .. }
        | Reason::Draining { .. }
        | Reason::WaitsForNodes { .. } => 10,
        Reason::Overflow { .. } => 11,
        Reason::Warming { .. } => 12,
        Reason::Scheduled { .. }
        | Reason::Forecast { .. }
        | Reason::HeldByWindow { .. }
        | Reason::Stabilized { .. }
        | Reason::RateLimited { .. } => 13,
        Reason::AtMinimum(_) => 14,
        Reason::Load { .. } | Reason::Metric { .. } | Reason::ForecastSilent(_) => 15,
        Reason::SetByHand(_) => 16,
        Reason::Untouched => 17,
        Reason::Observed => 18,
    }
}
