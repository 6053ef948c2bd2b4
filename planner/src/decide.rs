//! One workload's turn in the pass: demand, contest, blocked sites, spread, way home, steps. The
//! parts decide; here they are only put in order and their reasons collected.

use crate::bottleneck;
use crate::budget::Fare;
use crate::contest::{self, Holder};
use crate::demand::{self, Count, Wanted};
use crate::drain::{self, Round};
use crate::memory::{Blocked, Contest, Decisions, Drain, WorkloadMemory};
use crate::model::amounts::Replicas;
use crate::model::by_site::BySite;
use crate::model::money::Currency;
use crate::model::price::PerHour;
use crate::model::site::{Reach, SiteName};
use crate::model::workload::{Demand, LoadDemand, Mode, Override, Placement, Workload, WorkloadId};
use crate::placement::allocate::{allocate, linger};
use crate::placement::caps::Ask;
use crate::placement::claim::{Unfit, Wait};
use crate::placement::displace::Ways;
use crate::placement::pay::Unpaid;
use crate::placement::quotas::owed;
use crate::placement::seats::{Away, Seat, Seats};
use crate::placement::{self, Left, grace};
use crate::plan::{Decision, Share, Step, is_sensitive};
use crate::reason::Reason;
use crate::time::after;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// What holds for one workload before anything is decided.
struct Turn<'a> {
    id: &'a WorkloadId,
    workload: &'a Workload,
    sensitive: bool,
    word: Option<&'a Override>,
    blocked: BTreeMap<SiteName, Blocked>,
    low_since: &'a BTreeMap<SiteName, Timestamp>,
    now: Timestamp,
}

/// What all turns of one pass look at.
pub(crate) struct Pass<'a> {
    pub low_since: &'a BTreeMap<SiteName, Timestamp>,
    pub now: Timestamp,
}

/// How a mass workload stands to those that wait for its room.
pub(crate) enum Giving<'a> {
    /// It makes this way.
    Way(Option<&'a Ways>),
    /// It is only asked what it could give: every site is measured.
    Asked,
}

/// What a turn came to.
pub(crate) struct Turned {
    pub decision: Decision,
    /// True where its counts are written here and may fall, so that it can make way.
    pub gives: bool,
    /// What it waits for, where it is Sensitive and there is no room.
    pub wait: Option<Wait>,
}

/// Decides for one workload, takes what it needs out of what is `left`, and leaves in `memory` what
/// the next plan needs. `seats` is set anew: the table that it was decided on. `said` is a list without
/// entries for what is said meanwhile.
pub(crate) fn decide<'a>(
    pass: &Pass<'_>,
    (id, workload): (&'a WorkloadId, &'a Workload),
    memory: &mut WorkloadMemory,
    left: &mut Left<'a>,
    seats: &mut Seats<'a>,
    said: &mut Vec<Reason>,
    giving: &Giving<'_>,
) -> Turned {
    let Pass { low_since, now } = *pass;
    let WorkloadMemory {
        decisions: before,
        statistics,
    } = memory;
    let sensitive = is_sensitive(workload);
    let word = workload.override_.as_ref().filter(|o| now < o.until);
    let untouched = workload.demand == Demand::Untouched && word.is_none();
    let blocked = if untouched {
        BTreeMap::new()
    } else {
        placement::blocked(&left.rooms, workload, &statistics.blocked, now)
    };
    let mut turn = Turn {
        id,
        workload,
        sensitive,
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

    seats.set(&left.rooms, workload, now);
    let moving = drain::sound(moving, seats, &before.sites, &turn.blocked);
    if let Some(word) = word {
        seats.pin(word);
    }
    seats.sort(moving.as_ref(), &before.sites, &turn.blocked);
    // What was kept for this workload alone is its own to decide on.
    if left.quotas.any() {
        for row in &seats.rows {
            let kept = owed(row.leg, row.leg.spec);
            left.quotas.release(row.place, id, workload, kept);
        }
    }
    seats.open_purses(&left.purses, &left.rooms, id, workload);
    match giving {
        Giving::Way(None) => seats.ask_early(&turn.ask(left, Replicas::MAX)),
        Giving::Way(Some(_)) | Giving::Asked => seats.ask_all(&turn.ask(left, Replicas::MAX)),
    }

    let (holder, contest) = hold(workload, untouched, seats, before, now);
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
    let total = |demand, statistics: &mut _, said| {
        demand::decide(demand, &workload.windows, statistics, count, said, now)
    };
    // Asked for only when home is full, nodes would come late by the whole time that they take.
    let ahead = ahead_of_nodes(left, workload);
    let early = ahead.as_ref();
    let early = early.map(|ahead| total(ahead, &mut statistics.clone(), Vec::new()));
    let mut wanted = total(&workload.demand, statistics, std::mem::take(said));
    if let Some(early) = early.filter(|early| seats.needs_nodes(early.want)) {
        wanted = early;
    }
    let floor = count.floor();
    bottleneck::limit(id, workload, floor, &mut wanted, statistics, left, now);
    if let Some(word) = word {
        wanted = demand::overridden(wanted, word);
    }
    let spent = bottleneck::promise(id, workload, &wanted, statistics, left, now);
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

    if let Giving::Way(Some(ways)) = giving {
        for (site, way) in *ways {
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
    }
    let (mut drain, mut unpaid) = (None, None);
    if ours {
        (drain, unpaid) = turn.spread(left, seats, &wanted, moving, &mut reasons);
    } else {
        seats.rows.iter_mut().for_each(|r| r.target = r.leg.spec);
        say_waiting(seats, wanted.want, &mut reasons);
    }
    seats.freeze();
    left.purses
        .decided(id, workload, &seats.spends(unpaid.as_ref()));
    turn.say_away(left, seats, &mut reasons);
    let cost = cost(left, workload, seats);
    let mut unfit = Unfit::new();
    for row in &seats.rows {
        let new = row.target.minus(row.leg.bound);
        if new > Replicas::ZERO
            && let Some(ground) = left.rooms.at_mut(row.place)
        {
            let fitted = ground.room.take(workload.request, sensitive, new);
            if fitted < new {
                unfit.insert(row.site.clone(), new.minus(fitted));
            }
        }
        let new = owed(row.leg, row.target);
        left.quotas.promise(row.place, id, workload, new);
    }

    let wait = (sensitive && workload.mode != Mode::Observe)
        .then(|| {
            let unplaced = match writes {
                true => wanted.want.minus(seats.targets()),
                false => Replicas::ZERO,
            };
            Wait::of((id, workload), seats, &turn.blocked, unplaced, &unfit)
        })
        .flatten();

    if workload.mode == Mode::Observe {
        reasons.push(Reason::Observed);
    }
    let steps = if writes { steps(seats) } else { Vec::new() };
    let contest = match seats.home() {
        Some(home) if steps.iter().any(|s| s.home) => contest::answered(contest, home.leg, now),
        Some(_) | None => contest,
    };
    let shares = shares(left, seats, &before.sites);
    if untouched {
        *before = Decisions::default();
    } else if writes {
        note(&mut before.sites, &shares);
        before.total = Some(wanted.want);
        before.drain = drain;
        before.contest = contest;
        before.scaled_to_zero = made_zero(workload, wanted.want, &count);
        before.spent = spent;
    } else {
        before.contest = contest;
        before.scaled_to_zero = wanted.scaled_to_zero;
        before.spent = spent;
    }
    statistics.blocked = turn.blocked;

    in_order(&mut reasons);
    // The plan's own list is as long as it has to be; the other is used again.
    let mut told = Vec::with_capacity(reasons.len());
    told.append(&mut reasons);
    *said = reasons;
    Turned {
        decision: Decision {
            want: wanted.want,
            shares,
            steps,
            reasons: told,
            metrics: wanted.outcome,
            cost,
        },
        gives: writes && !wanted.held && word.is_none() && !sensitive,
        wait,
    }
}

/// What is decided at each site, and what is Ready there. Mostly the sites are those of `before`, and
/// then they need no sorting.
fn shares(left: &Left<'_>, seats: &Seats<'_>, before: &BySite<Replicas>) -> BySite<Share> {
    let share = |row: &Seat<'_>| {
        let counted = row.asked && row.caps.counted;
        Share {
            desired: row.target,
            // Whoever is lost counts for nothing; till then, as last seen.
            ready: match row.away {
                Away::Here | Away::Counted => row.leg.ready,
                Away::Lost => Replicas::ZERO,
            },
            tier: seats.rank(row),
            under_high: counted.then_some(row.caps.high),
            fits: counted.then_some(row.caps.fit),
        }
    };
    let pair = |row: &Seat<'_>| (row.site.clone(), share(row));
    if before.len() == seats.rows.len() {
        let row = |site| seats.at(left.rooms.place(site)?);
        let known = before.keys().map_while(row).map(pair);
        let shares = BySite::with_room(seats.rows.len(), known);
        if shares.len() == seats.rows.len() {
            return shares;
        }
    }
    BySite::with_room(seats.rows.len(), seats.rows.iter().map(pair))
}

/// Notes what was decided. Mostly the sites are the same as before.
fn note(sites: &mut BySite<Replicas>, shares: &BySite<Share>) {
    if sites.keys().eq(shares.keys()) {
        for (count, share) in sites.values_mut().zip(shares.values()) {
            *count = share.desired;
        }
        return;
    }
    let counts = shares
        .iter()
        .map(|(site, share)| (site.clone(), share.desired));
    *sites = counts.collect();
}

/// The demand as seen from the moment when nodes that are asked for now have come, where an elastic
/// site of the workload can add any. Metrics look at what is, as an HPA does.
fn ahead_of_nodes(left: &Left<'_>, workload: &Workload) -> Option<Demand> {
    let Demand::Load(load) = &workload.demand else {
        return None;
    };
    if !left.rooms.elastic() {
        return None;
    }
    let site = |name| left.rooms.at(left.rooms.place(name))?.site.elastic;
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
    seats: &Seats<'_>,
    before: &Decisions,
    now: Timestamp,
) -> (Holder, Option<Contest>) {
    let Some(home) = seats.home().filter(|_| !untouched) else {
        return (Holder::Us, None);
    };
    let competitor = workload.competitor.as_deref();
    match workload.mode {
        Mode::Active => {
            let decided = before.sites.get(home.site).copied();
            contest::judge(competitor, home.leg, decided, before.contest.as_ref(), now)
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
    /// Asks for room for this workload; room beyond `enough` makes no difference.
    fn ask<'b>(&'b self, left: &'b Left<'b>, enough: Replicas) -> Ask<'b> {
        Ask {
            left,
            blocked: &self.blocked,
            id: self.id,
            workload: self.workload,
            sensitive: self.sensitive,
            enough,
        }
    }

    /// Spreads the total, takes the next step on the way home, and says why.
    fn spread(
        &mut self,
        left: &Left<'_>,
        seats: &mut Seats<'_>,
        wanted: &Wanted,
        moving: Option<Drain>,
        reasons: &mut Vec<Reason>,
    ) -> (Option<Drain>, Option<Unpaid>) {
        let on_the_way = moving.as_ref().map_or(Replicas::ZERO, |drain| drain.moving);
        let enough = seats.enough(wanted.want, on_the_way);
        let ask = self.ask(left, enough);
        let moving = drain::absorb(moving, seats, wanted.want, self.now);
        allocate(seats, &ask, wanted.want, wanted.held);
        let placed = seats.targets();
        let (mut next, mut failed) = (None, None);
        if !self.sensitive && self.word.is_none() {
            let round = Round {
                want: wanted.want,
                held: wanted.held,
                policy: self.workload.drain,
                low_since: self.low_since,
                ask: &ask,
                now: self.now,
            };
            let outcome = drain::advance(moving, seats, &round);
            reasons.extend(outcome.reason);
            next = outcome.drain;
            failed = outcome.failed;
        }
        linger(seats, wanted.want);
        if wanted.held {
            let free = seats.rows.iter_mut().filter(|r| r.fixed().is_none());
            free.for_each(|r| r.target = r.target.max(r.leg.spec));
        }
        seats.settle();
        let placed = placed.min(seats.targets());
        let short = wanted.want.minus(placed);
        let unpaid = seats.unpaid(&ask, short);
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
        if let Some((site, holds)) = failed {
            let leg = self.workload.legs.get(&site);
            let pending = leg.map_or(Replicas::ZERO, |leg| leg.pending);
            let entry = drain::block(holds, pending, self.now);
            self.blocked.insert(site, entry);
        }
        self.say_sites(seats, short > Replicas::ZERO, reasons);
        (next, unpaid)
    }

    /// Sites that do not answer or refuse this workload, where it would be there or is, and those
    /// where its pods wait for nodes.
    fn say_away(&self, left: &Left<'_>, seats: &Seats<'_>, reasons: &mut Vec<Reason>) {
        for row in &seats.rows {
            let site = left.rooms.at(row.place).map(|ground| ground.site);
            if let Some(Reach::Unreachable { since }) = site.map(|site| site.reach)
                && row.leg.spec > Replicas::ZERO
            {
                reasons.push(Reason::SiteUnreachable {
                    site: row.site.clone(),
                    since,
                    replicas: row.leg.spec,
                    counted: row.away == Away::Counted,
                });
            }
            if let Some(since) = row.leg.pending_since
                && row.caps.on_nodes < row.caps.fit
            {
                let pending = row.leg.bound.plus(row.leg.pending);
                let pending = pending.minus(row.caps.on_nodes);
                if pending > Replicas::ZERO {
                    reasons.push(Reason::WaitsForNodes {
                        site: row.site.clone(),
                        pending,
                        until: after(since, grace(self.workload, site)),
                    });
                }
            }
            if let Some(why) = self.workload.refused.get(row.site) {
                reasons.push(Reason::SiteRefused {
                    site: row.site.clone(),
                    why: why.clone(),
                });
            }
        }
    }

    fn say_sites(&self, seats: &Seats<'_>, short: bool, reasons: &mut Vec<Reason>) {
        let home = seats.home().map(|h| (h.site, h.tier));
        let held = seats.rows.iter().filter(|r| r.target > Replicas::ZERO);
        let last = held.map(|r| r.tier).max();
        for row in seats.rows.iter().filter(|r| r.tier < seats.outside) {
            let later = last.is_some_and(|last| last > row.tier);
            if !row.open && (short || later || row.leg.spec > Replicas::ZERO) {
                reasons.push(Reason::SiteClosed(row.site.clone()));
            }
            if let Fare::Unfunded(why) = &row.fare
                && (short || later || row.leg.spec > Replicas::ZERO)
            {
                let (site, why) = (row.site.clone(), why.clone());
                reasons.push(Reason::Unfunded { site, why });
            }
            if let Some(limit) = &row.limit
                && row.target >= row.caps.fit
                && (short || later)
                && row.fixed().is_none()
            {
                reasons.push(Reason::QuotaFull {
                    site: row.site.clone(),
                    limit: limit.clone(),
                });
            }
            if row.target == Replicas::ZERO {
                continue;
            }
            if let Some((from, _)) = home
                .as_ref()
                .filter(|(_, tier)| *tier < row.tier && row.pin.is_none())
            {
                let min = seats.tiers.get(row.tier).map_or(Replicas::ZERO, |t| t.min);
                let replicas = row.target.min(seats.in_tier(row.tier).minus(min));
                if replicas > Replicas::ZERO {
                    reasons.push(Reason::Overflow {
                        from: (*from).clone(),
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
fn cost(left: &Left<'_>, workload: &Workload, seats: &Seats<'_>) -> BTreeMap<Currency, PerHour> {
    let mut cost: BTreeMap<_, PerHour> = BTreeMap::new();
    if !left.purses.priced() {
        return cost;
    }
    for row in &seats.rows {
        let ground = left.rooms.at(row.place);
        if let Some(price) = ground.and_then(|ground| ground.site.charges()) {
            let sum = cost.entry(price.currency).or_default();
            *sum = sum.plus(price.of(workload.request).times(row.target));
        }
    }
    cost
}

/// Of counts that are not ours: how many wait for a node.
fn say_waiting(seats: &Seats<'_>, want: Replicas, reasons: &mut Vec<Reason>) {
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
fn steps(seats: &Seats<'_>) -> Vec<Step> {
    let change = |r: &Seat<'_>| Step {
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
