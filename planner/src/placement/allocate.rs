//! Spreads a total over the table of sites: keep what is there, grow in the order of tiers, shrink
//! in the reverse order. What does not fit is left over and said by the caller; what fits is placed.

use crate::model::amounts::Replicas;
use crate::placement::caps::Ask;
use crate::placement::seats::{Seat, Seats};

/// How far a growing site may be filled.
#[derive(Clone, Copy, Debug)]
enum Cap {
    High,
    Fit,
}

/// Sets every target so that they sum to `want` as far as room allows. While nothing may shrink
/// (`held`) no replicas move between tiers either: they would be there twice, and count as present.
pub(crate) fn allocate(seats: &mut Seats<'_>, ask: &Ask<'_>, want: Replicas, held: bool) {
    allocate_with(seats, Some(ask), want, held);
}

/// The same where every site was asked before how much it may hold.
pub(crate) fn allocate_asked(seats: &mut Seats<'_>, want: Replicas, held: bool) {
    allocate_with(seats, None, want, held);
}

fn allocate_with(seats: &mut Seats<'_>, ask: Option<&Ask<'_>>, want: Replicas, held: bool) {
    let mut pinned = Replicas::ZERO;
    for row in &mut seats.rows {
        let fixed = row.fixed();
        row.target = fixed.unwrap_or(row.keep);
        pinned = pinned.plus(fixed.unwrap_or_default());
    }
    let want = want.minus(pinned);
    // In wide numbers: what runs may sum to more than one count can say.
    let kept: u64 = seats
        .rows
        .iter()
        .filter(|r| r.fixed().is_none())
        .map(|r| u64::from(r.target.get()))
        .sum();
    let (mut surplus, missing) = (
        kept.saturating_sub(want.get().into()),
        u64::from(want.get()).saturating_sub(kept),
    );
    grow(
        seats,
        ask,
        Replicas::new(u32::try_from(missing).unwrap_or(u32::MAX)),
    );
    while surplus > 0 {
        let part = Replicas::new(u32::try_from(surplus).unwrap_or(u32::MAX));
        shrink(seats, part);
        surplus = surplus.saturating_sub(part.get().into());
    }
    if !held {
        serve_minimums(seats, ask);
    }
}

fn grow(seats: &mut Seats<'_>, ask: Option<&Ask<'_>>, mut rest: Replicas) {
    if rest == Replicas::ZERO {
        return;
    }
    for tier in 0..seats.tiers.len() {
        let missing = below_minimum(seats, tier).min(rest);
        rest = rest.minus(fill_up(seats, ask, tier, missing));
    }
    for cap in [Cap::High, Cap::Fit] {
        for tier in 0..seats.tiers.len() {
            rest = rest.minus(fill(seats, ask, tier, rest, cap));
        }
    }
}

/// Fills a tier, under the high watermarks first and above them after. Returns what it took.
fn fill_up(seats: &mut Seats<'_>, ask: Option<&Ask<'_>>, tier: usize, n: Replicas) -> Replicas {
    let gentle = fill(seats, ask, tier, n, Cap::High);
    gentle.plus(fill(seats, ask, tier, n.minus(gentle), Cap::Fit))
}

fn fill(
    seats: &mut Seats<'_>,
    ask: Option<&Ask<'_>>,
    tier: usize,
    n: Replicas,
    cap: Cap,
) -> Replicas {
    let max = seats.tiers.get(tier).map_or(Replicas::ZERO, |t| t.max);
    let n = n.min(max.minus(seats.in_tier(tier)));
    let mut rest = n;
    for i in 0..seats.rows.len() {
        if rest == Replicas::ZERO {
            break;
        }
        let row = seats.rows.get_mut(i);
        let Some(row) = row.filter(|r| r.tier == tier && r.fixed().is_none()) else {
            continue;
        };
        let caps = match ask {
            Some(ask) => row.caps(ask),
            None => row.caps,
        };
        let cap = match cap {
            Cap::High => caps.high.min(caps.fit),
            Cap::Fit => caps.fit,
        };
        let more = cap.minus(row.target).min(rest);
        let more = seats
            .rows
            .get(i)
            .map_or(more, |row| more.min(seats.affordable(row)));
        if let Some(row) = seats.rows.get_mut(i) {
            row.target = row.target.plus(more);
        }
        rest = rest.minus(more);
    }
    n.minus(rest)
}

fn shrink(seats: &mut Seats<'_>, mut surplus: Replicas) {
    for respect_minimum in [true, false] {
        for tier in (0..seats.tiers.len()).rev() {
            let spare = if respect_minimum {
                above_minimum(seats, tier)
            } else {
                seats.in_tier(tier)
            };
            surplus = surplus.minus(give(seats, tier, surplus.min(spare)));
        }
    }
}

/// Takes replicas from a tier, from its last site first. Returns how many it gave.
fn give(seats: &mut Seats<'_>, tier: usize, n: Replicas) -> Replicas {
    let mut rest = n;
    for row in free_rows(seats, tier).rev() {
        let less = row.target.min(rest);
        row.target = row.target.minus(less);
        rest = rest.minus(less);
    }
    n.minus(rest)
}

/// Moves replicas to tiers below their minimum from tiers that can spare them.
fn serve_minimums(seats: &mut Seats<'_>, ask: Option<&Ask<'_>>) {
    for tier in 0..seats.tiers.len() {
        if below_minimum(seats, tier) == Replicas::ZERO {
            continue;
        }
        for donor in (0..seats.tiers.len()).rev().filter(|d| *d != tier) {
            let movable = free_rows(seats, donor).map(|r| r.target).sum::<Replicas>();
            let spare = above_minimum(seats, donor).min(movable);
            let taken = fill_up(seats, ask, tier, below_minimum(seats, tier).min(spare));
            give(seats, donor, taken);
        }
    }
}

/// Replicas that stay on for a while though their target is lower: so many that what is Ready
/// never falls below the want for the sake of what is not Ready yet.
pub(crate) fn linger(seats: &mut Seats<'_>, want: Replicas) {
    let ready: Replicas = seats.rows.iter().map(|r| r.leg.ready.min(r.target)).sum();
    let mut room = want.minus(ready);
    if room == Replicas::ZERO {
        return;
    }
    // A tier that shrinks below what it may have needs no more than its targets.
    let shrinks = |tier| {
        seats
            .rows
            .iter()
            .any(|r| r.tier == tier && r.target < r.keep)
    };
    let shrinking: Vec<_> = (0..seats.tiers.len()).map(shrinks).collect();
    for row in seats.rows.iter_mut().filter(|r| r.fixed().is_none()) {
        let shrinks = shrinking.get(row.tier).copied().unwrap_or(false);
        let stays = if shrinks {
            Replicas::ZERO
        } else {
            row.misplaced.min(room)
        };
        row.target = row.target.plus(stays);
        room = room.minus(stays);
    }
    // A tier that is being brought up to its minimum: its donors wait for it.
    let mut waiting = Replicas::ZERO;
    for (i, tier) in seats.tiers.iter().enumerate() {
        let rows = seats.rows.iter().filter(|r| r.tier == i);
        let ready: Replicas = rows.map(|r| r.leg.ready.min(r.target)).sum();
        waiting = waiting.plus(tier.min.min(seats.in_tier(i)).minus(ready));
    }
    room = room.min(waiting);
    for row in seats.rows.iter_mut().filter(|r| r.fixed().is_none()) {
        let stays = row.keep.minus(row.target).min(room);
        row.target = row.target.plus(stays);
        room = room.minus(stays);
    }
    // What is kept in their place may not be Ready: a site that answers again after a long silence,
    // pods that wait for a node or only start. Until it is, whoever is Ready serves on.
    let ready: Replicas = seats.rows.iter().map(|r| r.leg.ready.min(r.target)).sum();
    let mut gap = want.minus(ready);
    if seats.rows.iter().any(|r| r.pin.is_some()) {
        gap = Replicas::ZERO; // a person's counts are obeyed at once
    }
    for row in seats.rows.iter_mut().filter(|r| r.fixed().is_none()) {
        let stays = row.keep.min(row.leg.ready).minus(row.target).min(gap);
        row.target = row.target.plus(stays);
        gap = gap.minus(stays);
    }
}

fn free_rows<'s, 'a>(
    seats: &'s mut Seats<'a>,
    tier: usize,
) -> impl DoubleEndedIterator<Item = &'s mut Seat<'a>> {
    seats
        .rows
        .iter_mut()
        .filter(move |r| r.tier == tier && r.fixed().is_none())
}

fn below_minimum(seats: &Seats<'_>, tier: usize) -> Replicas {
    seats
        .tiers
        .get(tier)
        .map_or(Replicas::ZERO, |t| t.min.min(t.max))
        .minus(seats.in_tier(tier))
}

fn above_minimum(seats: &Seats<'_>, tier: usize) -> Replicas {
    seats
        .in_tier(tier)
        .minus(seats.tiers.get(tier).map_or(Replicas::ZERO, |t| t.min))
}
