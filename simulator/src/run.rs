//! One run: services with their loads, one contender. Time jumps from one event to the next (a tick of
//! the contender, a replica that becomes Ready, a moment that was asked for), and what lies between is
//! integrated exactly, so weeks take seconds and nothing depends on a step of ours. All contenders
//! have the same start: as many Ready replicas as carry the first rate at 70 %.

use crate::contenders::{Ask, Contender, View};
use crate::crowd::{Crowd, Patience, STEP};
use crate::fault::next_edge;
use crate::fleet::{self, Fleet};
use crate::history::History;
use crate::setup::{Service, Setup};
use crate::tally::{ServiceTally, SiteTally, Tally};
use crate::time::Millis;
use pinisi_planner::model::amounts::Replicas;

/// What everybody starts with was made this long before.
const MADE_BEFORE: Millis = Millis::secs(-86_400);

/// A run under way.
#[derive(Debug)]
pub struct Run<'a, C: Contender + ?Sized> {
    setup: &'a Setup,
    contender: &'a mut C,
    fleet: Fleet,
    histories: Vec<History>,
    crowds: Vec<Crowd>,
    tally: Tally,
    now: Millis,
    tick: Millis,
}

impl<'a, C: Contender + ?Sized> Run<'a, C> {
    /// A run at its beginning.
    pub fn new(setup: &'a Setup, contender: &'a mut C) -> Self {
        let mut run = Self {
            setup,
            contender,
            fleet: Fleet::new(setup),
            histories: vec![History::default(); setup.services.len()],
            crowds: vec![Crowd::default(); setup.services.len()],
            tally: Tally {
                services: vec![ServiceTally::default(); setup.services.len()],
                sites: vec![SiteTally::default(); setup.sites.len()],
            },
            now: Millis::ZERO,
            tick: Millis::ZERO,
        };
        for (i, service) in setup.services.iter().enumerate() {
            run.spread(i, service, service.at_start(), MADE_BEFORE);
            run.fleet.bind(setup, MADE_BEFORE);
        }
        for service in &mut run.tally.services {
            service.changes = 0; // what everybody starts with is no change
        }
        run.fleet.turn(setup, Millis::ZERO);
        for (i, history) in run.histories.iter_mut().enumerate() {
            history.note(MADE_BEFORE, fleet::ready(run.fleet.of(i)));
        }
        run
    }

    /// What it has come to so far.
    #[must_use]
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What runs now.
    #[must_use]
    pub const fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// Requests that are neither served nor lost: people who wait, or will try again.
    #[must_use]
    pub fn pending(&self) -> f64 {
        self.crowds.iter().map(Crowd::pending).sum()
    }

    /// Goes on until a moment, at most to the end of the setup.
    pub fn advance(&mut self, to: Millis) {
        let end = to.min(self.setup.span);
        while self.now < end {
            if self.now == self.tick {
                self.decide();
                let period = self.contender.period().max(Millis(1));
                self.tick = self.tick.plus(period);
            }
            let edge = next_edge(&self.setup.faults, self.now);
            let next = self.tick.min(end).min(self.fleet.next_ready()).min(edge);
            self.count(next);
            self.now = next;
            self.fleet.turn(self.setup, next);
            self.note();
        }
    }

    /// The contender's turn.
    fn decide(&mut self) {
        let view = View {
            setup: self.setup,
            fleet: &self.fleet,
            histories: &self.histories,
            crowds: &self.crowds,
            now: self.now,
        };
        let asks = self.contender.decide(&view);
        let (setup, now) = (self.setup, self.now);
        for ((i, service), ask) in setup.services.iter().enumerate().zip(asks) {
            match ask {
                Ask::Keep => {}
                Ask::Total(total) => {
                    let total = total.max(service.min).min(service.max);
                    self.spread(i, service, total, now);
                }
                Ask::Sites(counts) => {
                    for (site, to) in counts.into_iter().enumerate() {
                        self.set((i, site), service, to, now);
                    }
                }
            }
        }
        self.fleet.bind(setup, now);
        self.fleet.turn(setup, now);
        self.note();
    }

    /// Changes a total as one cluster would: what is new goes where there is a node, home first; what
    /// there is none for waits at the last site. What leaves, leaves the last site first.
    fn spread(&mut self, i: usize, service: &Service, total: Replicas, now: Millis) {
        let sites = self.setup.sites.iter().enumerate();
        let lawful: Vec<usize> = sites
            .filter(|(_, site)| service.may_run_at(site))
            .map(|(site, _)| site)
            .collect();
        let here = |run: &Self, site: usize| {
            let station = run.fleet.of(i).get(site);
            station.map_or(Replicas::ZERO, fleet::Station::count)
        };
        let mut grow = total.minus(fleet::counts(self.fleet.of(i)));
        let mut shrink = fleet::counts(self.fleet.of(i)).minus(total);
        for site in lawful.iter().rev().copied() {
            let count = here(self, site);
            let less = count.min(shrink);
            shrink = shrink.minus(less);
            self.set((i, site), service, count.minus(less), now);
        }
        for site in lawful.iter().copied() {
            let lost = self
                .fleet
                .of(i)
                .get(site)
                .is_some_and(fleet::Station::is_lost);
            let free = if lost {
                0
            } else {
                self.fleet.free(site).fits(service.request)
            };
            let fits = Replicas::new(u32::try_from(free).unwrap_or(u32::MAX));
            let last = lawful.last() == Some(&site);
            let more = if last { grow } else { grow.min(fits) };
            grow = grow.minus(more);
            self.set((i, site), service, here(self, site).plus(more), now);
            // At once, so that the next service finds no room that is taken.
            self.fleet.bind(self.setup, now);
        }
    }

    fn set(&mut self, place: (usize, usize), service: &Service, to: Replicas, now: Millis) {
        let changes = self.fleet.set(place, service.request, to, now);
        let peak = fleet::counts(self.fleet.of(place.0));
        if let Some(tally) = self.tally.services.get_mut(place.0) {
            tally.changes += changes;
            tally.peak = tally.peak.max(peak);
        }
    }

    fn note(&mut self) {
        for (i, history) in self.histories.iter_mut().enumerate() {
            history.note(self.now, fleet::ready(self.fleet.of(i)));
        }
    }

    /// Adds what happens from now until `next`, in which nothing changes but the load.
    fn count(&mut self, next: Millis) {
        let seconds = next.minus(self.now).seconds();
        for (i, service) in self.setup.services.iter().enumerate() {
            let stations = self.fleet.of(i);
            let ready = fleet::ready(stations);
            let (served, unserved) = match (self.setup.patience, self.crowds.get_mut(i)) {
                (Some(patience), Some(crowd)) => {
                    wait(service, patience, crowd, ready, (self.now, next))
                }
                (Some(_) | None, _) => {
                    let capacity = f64::from(ready.get()) * service.per_replica;
                    let offered = service.load.requests(self.now, next);
                    let served = service.load.served(self.now, next, capacity).min(offered);
                    (served, offered - served)
                }
            };
            let mut replicas = 0.0;
            for (station, site) in stations.iter().zip(&mut self.tally.sites) {
                let bound = f64::from(station.bound().get()) * seconds;
                let ready = f64::from(station.ready().get()) * seconds;
                replicas += bound;
                site.replica_seconds += bound;
                site.ready_seconds += ready;
                site.capacity += ready * service.per_replica;
                site.core_seconds += bound * service.request.millicores as f64 / 1000.0;
                site.gib_seconds += bound * service.request.bytes as f64 / GIB;
            }
            if let Some(tally) = self.tally.services.get_mut(i) {
                tally.offered += service.load.requests(self.now, next);
                tally.served += served;
                tally.unserved += unserved;
                tally.replica_seconds += replicas;
            }
        }
        for (site, tally) in self.tally.sites.iter_mut().enumerate() {
            let all = (0..self.setup.services.len()).filter_map(|i| self.fleet.of(i).get(site));
            tally.peak = tally.peak.max(all.map(fleet::Station::bound).sum());
        }
    }
}

/// Served and lost where people wait, in steps.
fn wait(
    service: &Service,
    patience: Patience,
    crowd: &mut Crowd,
    ready: Replicas,
    (from, to): (Millis, Millis),
) -> (f64, f64) {
    let (mut at, mut served, mut lost) = (from, 0.0, 0.0);
    while at < to {
        let end = at.plus(STEP).min(to);
        let fresh = service.load.requests(at, end);
        let flow = crowd.step(patience, (at, end), fresh, (ready, service.per_replica));
        served += flow.served;
        lost += flow.lost;
        at = end;
    }
    (served, lost)
}

const GIB: f64 = (1u64 << 30) as f64;

/// Runs a contender from the beginning of a setup to its end.
pub fn run(setup: &Setup, contender: &mut dyn Contender) -> Tally {
    let mut run = Run::new(setup, contender);
    run.advance(setup.span);
    run.tally
}
