//! One run: one service, one load, one contender. Time jumps from one event to the next (a contender's
//! tick, a replica that becomes Ready, the end), and what lies between is integrated exactly, so weeks
//! take seconds and nothing depends on a step of ours. Every contender has the same start: as many
//! Ready replicas as its target asks for at the first rate.

use crate::contenders::{Ask, Contender, View};
use crate::fleet::{Fleet, SiteSetup};
use crate::load::Load;
use crate::time::Millis;
use jiff::Timestamp;
use pinisi_planner::model::amounts::Replicas;
use std::collections::VecDeque;

/// The oldest that a metric can look back.
pub const REACH: Millis = Millis::secs(600);
/// What everybody starts with carries this share of what it could.
pub const START_USE: f64 = 0.7;
/// What everybody starts with has run for this long.
const STARTED_BEFORE: Millis = Millis::secs(-3600);

/// What is the same for all contenders.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// The load.
    pub load: Load,
    /// When it begins on the calendar.
    pub start: Timestamp,
    /// Requests a second that one replica serves; above 0.
    pub per_replica: f64,
    /// Fewest replicas.
    pub min: Replicas,
    /// Most replicas.
    pub max: Replicas,
    /// Where they run, home first. Never empty.
    pub sites: Vec<SiteSetup>,
}

impl Setup {
    /// The slowest start-up of all sites.
    #[must_use]
    pub fn start_up(&self) -> Millis {
        let all = self.sites.iter().map(|s| s.start_up).max();
        all.unwrap_or(Millis::ZERO)
    }

    /// What everybody starts with.
    #[must_use]
    pub fn at_start(&self) -> Replicas {
        let need = self.load.rate(Millis::ZERO) / (self.per_replica * START_USE);
        whole(need.ceil()).max(self.min).min(self.max)
    }
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Requests that came.
    pub offered: f64,
    /// Requests that found a Ready replica with room.
    pub served: f64,
    /// Requests that did not.
    pub unserved: f64,
    /// Replicas with a node, Ready or starting, summed over time.
    pub replica_seconds: f64,
    /// Replicas made and replicas removed.
    pub changes: u64,
    /// Most replicas at once.
    pub peak: Replicas,
}

/// How many replicas were Ready, and since when, as far back as a metric can look.
#[derive(Clone, Debug, Default)]
pub struct History {
    ready: VecDeque<(Millis, Replicas)>,
}

impl History {
    /// Remembers a count, where it is another one than before.
    fn note(&mut self, now: Millis, ready: Replicas) {
        match self.ready.back_mut() {
            Some((_, last)) if *last == ready => return,
            Some((at, last)) if *at == now => *last = ready,
            Some(_) | None => self.ready.push_back((now, ready)),
        }
        let horizon = now.minus(REACH);
        while self.ready.get(1).is_some_and(|(at, _)| *at <= horizon) {
            self.ready.pop_front();
        }
    }

    /// The counts between two moments: from, to, Ready.
    pub fn between(
        &self,
        from: Millis,
        to: Millis,
    ) -> impl Iterator<Item = (Millis, Millis, Replicas)> {
        let ends = self.ready.iter().skip(1).map(|(at, _)| *at);
        let ends = ends.chain(std::iter::once(Millis::NEVER));
        let all = self.ready.iter().zip(ends);
        let cut = move |(&(at, ready), end): (&(Millis, Replicas), Millis)| {
            let (a, b) = (at.max(from), end.min(to));
            (a < b).then_some((a, b, ready))
        };
        // From the back: windows are short and the past is long.
        let start = self.ready.partition_point(|(at, _)| *at <= from);
        all.skip(start.saturating_sub(1)).filter_map(cut)
    }
}

/// Runs a contender over a load, from its beginning to its end.
pub fn run(setup: &Setup, contender: &mut dyn Contender) -> Tally {
    let mut fleet = Fleet::new(&setup.sites);
    spread(setup.at_start(), &mut fleet, STARTED_BEFORE);
    fleet.turn(Millis::ZERO);
    let mut history = History::default();
    history.note(STARTED_BEFORE, fleet.ready());
    let mut tally = Tally {
        peak: fleet.count(),
        ..Tally::default()
    };
    let end = setup.load.span();
    let period = contender.period().max(Millis(1));
    let (mut now, mut tick) = (Millis::ZERO, Millis::ZERO);
    while now < end {
        if now == tick {
            let view = View {
                setup,
                fleet: &fleet,
                history: &history,
                now,
            };
            match contender.decide(&view) {
                Ask::Keep => {}
                Ask::Total(total) => {
                    let total = total.max(setup.min).min(setup.max);
                    tally.changes += spread(total, &mut fleet, now);
                }
                Ask::Sites(counts) => {
                    for (site, to) in counts.into_iter().enumerate() {
                        tally.changes += change(&mut fleet, site, to, now);
                    }
                }
            }
            tally.peak = tally.peak.max(fleet.count());
            history.note(now, fleet.ready());
            tick = tick.plus(period);
        }
        let next = tick.min(end).min(fleet.next_ready());
        let capacity = f64::from(fleet.ready().get()) * setup.per_replica;
        let offered = setup.load.requests(now, next);
        let served = setup.load.served(now, next, capacity).min(offered);
        tally.offered += offered;
        tally.served += served;
        tally.unserved += offered - served;
        tally.replica_seconds += f64::from(fleet.bound().get()) * next.minus(now).seconds();
        now = next;
        fleet.turn(now);
        history.note(now, fleet.ready());
    }
    tally
}

/// Spreads a total over the sites as one cluster's scheduler would: home first, as far as nodes go. The
/// rest waits at the last site.
fn spread(total: Replicas, fleet: &mut Fleet, now: Millis) -> u64 {
    let mut left = total;
    let mut changes = 0;
    let last = fleet.stations.len().saturating_sub(1);
    for site in 0..fleet.stations.len() {
        let capacity = fleet.stations.get(site).map(|s| s.setup.capacity);
        let here = if site == last {
            left
        } else {
            left.min(capacity.unwrap_or_default())
        };
        left = left.minus(here);
        changes += change(fleet, site, here, now);
    }
    changes
}

/// Sets one count, and says how many replicas that makes or removes.
fn change(fleet: &mut Fleet, site: usize, to: Replicas, now: Millis) -> u64 {
    let from = fleet.stations.get(site).map(|s| s.count());
    let from = from.unwrap_or_default();
    fleet.set(site, to, now);
    u64::from(from.get().abs_diff(to.get()))
}

/// A count from a float that is whole or nearly so; out of range it is cut.
#[must_use]
pub fn whole(x: f64) -> Replicas {
    // In range by the clamp; a NaN becomes 0.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Replicas::new(x.clamp(0.0, f64::from(Replicas::MAX.get())) as u32)
}
