//! The way home: in steps, each makes before it breaks. An episode starts when home has been under
//! its low watermark for a while, and goes on until home is at its high one or nothing is left
//! elsewhere. It never runs while the workload grows, or while its signal is lost.

use crate::memory::{Blocked, Drain};
use crate::model::amounts::Replicas;
use crate::model::by_site::BySite;
use crate::model::site::SiteName;
use crate::model::workload::DrainPolicy;
use crate::placement::caps::Ask;
use crate::placement::grace;
use crate::placement::seats::{Away, Seat, Seats};
use crate::reason::Reason;
use crate::time::{after, elapsed};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Replicas made at home may take this long to become Ready, beside what they may wait for a node.
pub const READY_GRACE: SignedDuration = SignedDuration::from_mins(5);

/// What a round looks at besides the table.
pub(crate) struct Round<'a> {
    /// The total wanted.
    pub want: Replicas,
    /// Nothing may shrink.
    pub held: bool,
    /// How to drain.
    pub policy: DrainPolicy,
    /// Since when sites are under their low watermark.
    pub low_since: &'a BTreeMap<SiteName, Timestamp>,
    /// Asks how much a site may hold; it knows the sites that do not take pods.
    pub ask: &'a Ask<'a>,
    /// Now.
    pub now: Timestamp,
}

/// What a round came to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The episode as it goes on.
    pub drain: Option<Drain>,
    /// What is said about it.
    pub reason: Option<Reason>,
    /// A destination whose made replicas did not become Ready, and what it holds.
    pub failed: Option<(SiteName, Replicas)>,
}

/// The episode as far as it agrees with what is there: no more can be moving than was made.
pub(crate) fn sound(
    drain: Option<Drain>,
    seats: &Seats<'_>,
    decided: &BySite<Replicas>,
    blocked: &BTreeMap<SiteName, Blocked>,
) -> Option<Drain> {
    let drain = drain?;
    let (home, from) = (seats.row(&drain.to)?, seats.row(&drain.from)?);
    let with_others = |r: &Seat<'_>| {
        if r.site == home.site {
            with_made(r, decided)
        } else {
            r.leg.spec
        }
    };
    let in_tier: Replicas = seats
        .rows
        .iter()
        .filter(|r| r.tier == home.tier)
        .map(with_others)
        .sum();
    let tier_max = seats.tiers.get(home.tier).map_or(Replicas::ZERO, |t| t.max);
    let misfit = from.tier <= home.tier || from.tier >= seats.outside || in_tier > tier_max;
    let lost = home.away == Away::Lost || from.away == Away::Lost;
    if misfit || lost || blocked.contains_key(&drain.to) {
        return None; // the placement has changed, or home is stuck: what is there is simply there
    }
    let moving = drain.moving.min(with_made(home, decided));
    Some(Drain { moving, ..drain })
}

/// The count at a drain's destination, with what was made there. Before our write has arrived the
/// spec does not have it yet.
pub(crate) fn with_made(home: &Seat<'_>, decided: &BySite<Replicas>) -> Replicas {
    decided
        .get(home.site)
        .copied()
        .unwrap_or_default()
        .max(home.leg.spec)
}

/// Before allocation: where the need has grown while replicas are moving, those made at home are
/// the growth, as far as they go.
pub(crate) fn absorb(
    drain: Option<Drain>,
    seats: &mut Seats<'_>,
    want: Replicas,
    now: Timestamp,
) -> Option<Drain> {
    let mut drain = drain?;
    if paused(&drain, seats) {
        return Some(drain);
    }
    let kept: Replicas = seats.rows.iter().map(|r| r.keep).sum();
    let grown = want.minus(kept).min(drain.moving);
    if grown > Replicas::ZERO {
        let home = seats.row_mut(&drain.to)?;
        home.keep = home.keep.plus(grown);
        drain.moving = drain.moving.minus(grown);
        drain.since = now;
        seats.keep_affordable();
    }
    Some(drain)
}

/// After allocation: the next phase of the episode, or the start of one.
pub(crate) fn advance(drain: Option<Drain>, seats: &mut Seats<'_>, round: &Round<'_>) -> Outcome {
    match drain {
        Some(drain) if paused(&drain, seats) => pause(drain, seats),
        Some(drain) if drain.moving > Replicas::ZERO => finish_step(drain, seats, round),
        Some(drain) => between_steps(drain, seats, round),
        None if may_start(seats, round) => start(seats, round),
        None => Outcome::default(),
    }
}

/// True while one of its two sites does not answer: nobody knows there what is Ready.
fn paused(drain: &Drain, seats: &Seats<'_>) -> bool {
    let away = |site| seats.row(site).is_some_and(|r| r.away != Away::Here);
    away(&drain.from) || away(&drain.to)
}

/// What was made stays, what is to leave does too.
fn pause(drain: Drain, seats: &mut Seats<'_>) -> Outcome {
    if let Some(home) = seats.row_mut(&drain.to).filter(|r| r.away == Away::Here) {
        home.target = home.target.plus(drain.moving);
    }
    Outcome {
        drain: Some(drain),
        ..Outcome::default()
    }
}

fn finish_step(mut drain: Drain, seats: &mut Seats<'_>, round: &Round<'_>) -> Outcome {
    let grows = seats.rows.iter().any(|r| r.target > r.keep);
    let left_from = seats.row(&drain.from).map_or(Replicas::ZERO, |r| r.target);
    if !round.held {
        // Where a fall of load has taken the twins already, those made for them go too.
        drain.moving = drain.moving.min(left_from);
        if drain.moving == Replicas::ZERO {
            return between_steps(drain, seats, round);
        }
    }
    let Some(home) = seats.row_mut(&drain.to) else {
        return Outcome::default();
    };
    let (base, leg) = (home.target, home.leg);
    let site = round.ask.left.rooms.at(home.place);
    let grace = grace(round.ask.workload, site.map(|ground| ground.site));
    let made = base.plus(drain.moving);
    home.target = made;
    let waiting = Reason::Draining {
        from: drain.from.clone(),
        to: drain.to.clone(),
        moving: drain.moving,
        left: left_from.minus(drain.moving),
    };
    let wait = |drain| Outcome {
        drain: Some(drain),
        reason: Some(waiting),
        failed: None,
    };
    if round.held || grows {
        return wait(drain);
    }
    // While more are there than asked for, nobody knows which of them will go.
    let followed = leg.bound <= leg.spec || leg.rolling;
    if leg.spec >= made && leg.ready >= leg.spec && followed {
        if let Some(from) = seats.row_mut(&drain.from) {
            from.target = from.target.minus(drain.moving);
        }
        return wait(Drain {
            moving: Replicas::ZERO,
            since: round.now,
            ..drain
        });
    }
    let waited = elapsed(drain.since, round.now);
    let no_node = leg.pending > Replicas::ZERO && waited >= grace;
    if no_node || waited >= READY_GRACE.saturating_add(grace) {
        if let Some(home) = seats.row_mut(&drain.to) {
            home.target = base;
        }
        return Outcome {
            failed: Some((drain.to, base)),
            ..Outcome::default()
        };
    }
    wait(drain)
}

fn between_steps(drain: Drain, seats: &mut Seats<'_>, round: &Round<'_>) -> Outcome {
    let going_on = |drain| Outcome {
        drain: Some(drain),
        ..Outcome::default()
    };
    if round.held {
        return going_on(drain);
    }
    let grown: Vec<_> = seats.rows.iter().filter(|r| r.target > r.keep).collect();
    if !grown.is_empty() {
        // Growth that home takes is no change of direction; any other ends the episode.
        let at_home = grown.iter().all(|r| *r.site == drain.to);
        return if at_home {
            going_on(Drain {
                since: round.now,
                ..drain
            })
        } else {
            Outcome::default()
        };
    }
    let settled = quiet(seats, round.want);
    if !settled || elapsed(drain.since, round.now) < round.policy.interval {
        return if leaving(seats, seats.row(&drain.to).map_or(0, |r| r.tier)).is_some() {
            going_on(drain)
        } else {
            Outcome::default()
        };
    }
    let to = drain.to;
    step(seats, round, &to)
}

fn may_start(seats: &Seats<'_>, round: &Round<'_>) -> bool {
    !round.held && quiet(seats, round.want)
}

/// Nothing changes for another reason, the total is what is wanted, and the pods have followed: each
/// has a node and none is left over.
fn quiet(seats: &Seats<'_>, want: Replicas) -> bool {
    seats.targets() == want
        && seats.rows.iter().all(|r| {
            let unchanged = r.target == r.keep && r.target == r.leg.spec;
            let settled = r.pin.is_none() && unchanged && r.leg.bound == r.leg.spec;
            // What does not answer neither moves nor holds up the others.
            settled || r.away != Away::Here
        })
}

fn start(seats: &mut Seats<'_>, round: &Round<'_>) -> Outcome {
    let open = |site: &SiteName| {
        round
            .low_since
            .get(site)
            .is_some_and(|since| elapsed(*since, round.now) >= round.policy.after)
    };
    // Home is where nothing later is: a step takes from later tiers alone.
    let held = seats.rows.iter().filter(|r| r.target > Replicas::ZERO);
    let Some(last) = held.map(|r| r.tier).max() else {
        return Outcome::default();
    };
    let homes = seats.rows.iter().filter(|r| r.tier < last && open(r.site));
    let homes: Vec<_> = homes.map(|r| r.site).collect();
    for to in homes {
        let outcome = step(seats, round, to);
        if outcome.drain.is_some() {
            return outcome;
        }
    }
    Outcome::default()
}

/// The site that gives first, as in a shrink, and how many it may: of a tier after `tier`, beyond
/// that tier's minimum.
fn leaving(seats: &Seats<'_>, tier: usize) -> Option<(SiteName, Replicas)> {
    for i in (tier.saturating_add(1)..seats.tiers.len()).rev() {
        let min = seats.tiers.get(i).map_or(Replicas::ZERO, |t| t.min);
        let spare = seats.in_tier(i).minus(min);
        let last = seats
            .rows
            .iter()
            .rev()
            .find(|r| r.tier == i && r.target > Replicas::ZERO && r.away == Away::Here);
        if let Some(row) = last.filter(|_| spare > Replicas::ZERO) {
            return Some((row.site.clone(), spare.min(row.target)));
        }
    }
    None
}

/// Makes the replicas of one step, where there are any to move and home takes them.
fn step(seats: &mut Seats<'_>, round: &Round<'_>, to: &SiteName) -> Outcome {
    let Some(home) = seats.row(to) else {
        return Outcome::default();
    };
    let Some((from, spare)) = leaving(seats, home.tier) else {
        return Outcome::default();
    };
    let in_tier = seats.in_tier(home.tier);
    let tier_room = seats
        .tiers
        .get(home.tier)
        .map_or(Replicas::ZERO, |t| t.max)
        .minus(in_tier);
    let closed = !home.open
        || home.away != Away::Here
        || home.leg.rolling
        || round.ask.blocked.contains_key(to);
    let share = u64::from(round.want.get()) * u64::from(round.policy.step.get());
    let pace = Replicas::new(u32::try_from(share.div_ceil(100)).unwrap_or(u32::MAX));
    if closed {
        return Outcome::default();
    }
    let most = pace.min(seats.affordable(home)).min(spare).min(tier_room);
    let room = seats.row_mut(to).map_or(Replicas::ZERO, |home| {
        home.caps(round.ask).high.minus(home.target)
    });
    let moving = most.min(room);
    if moving == Replicas::ZERO {
        return Outcome::default();
    }
    let left = seats
        .row(&from)
        .map_or(Replicas::ZERO, |r| r.target)
        .minus(moving);
    if let Some(home) = seats.row_mut(to) {
        home.target = home.target.plus(moving);
    }
    let reason = Reason::Draining {
        from: from.clone(),
        to: to.clone(),
        moving,
        left,
    };
    let drain = Drain {
        from,
        to: to.clone(),
        moving,
        since: round.now,
    };
    Outcome {
        drain: Some(drain),
        reason: Some(reason),
        failed: None,
    }
}

/// The entry for a destination that failed.
pub(crate) fn block(holds: Replicas, pending: Replicas, now: Timestamp) -> Blocked {
    Blocked {
        until: after(now, crate::placement::BLOCK),
        holds,
        pending,
    }
}
