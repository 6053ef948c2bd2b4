//! The replicas as they come and go: made by a count that is raised, Ready a start-up after they have
//! found a node, gone at once when the count is lowered. As a ReplicaSet does, those without a node go
//! first, then those that are not Ready yet, then the youngest.

use crate::fault::lost_since;
use crate::setup::{Setup, SiteSetup};
use crate::time::Millis;
use pinisi_planner::model::amounts::{Replicas, Resources};

/// A replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pod {
    /// Counts up through a run.
    pub id: u64,
    /// When it was made.
    pub made: Millis,
    /// When it found a node; [`Millis::NEVER`] while it has none.
    pub bound: Millis,
    /// When it is Ready; [`Millis::NEVER`] while it has no node.
    pub ready: Millis,
}

/// What runs of one service at one site: first those that are Ready, then those with a node, then those
/// without.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Station {
    /// Replicas in the order in which they were made.
    pub pods: Vec<Pod>,
    bound: usize,
    ready: usize,
    lost: bool,
}

/// Everything that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fleet {
    /// By service, then by site, in the order of the setup.
    stations: Vec<Vec<Station>>,
    /// What is free at each site.
    free: Vec<Resources>,
    made: u64,
}

impl Station {
    /// Replicas that there are.
    #[must_use]
    pub fn count(&self) -> Replicas {
        count(self.pods.len())
    }

    /// Those that have a node.
    #[must_use]
    pub fn bound(&self) -> Replicas {
        count(self.bound)
    }

    /// Those that serve: none while the site is lost.
    #[must_use]
    pub fn ready(&self) -> Replicas {
        if self.lost {
            Replicas::ZERO
        } else {
            count(self.ready)
        }
    }

    /// Those that served when the site was last heard of.
    #[must_use]
    pub fn last_ready(&self) -> Replicas {
        count(self.ready)
    }

    /// True while nothing is heard of the site.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        self.lost
    }

    /// The one that has waited longest for a node.
    #[must_use]
    pub fn waiting(&self) -> Option<&Pod> {
        self.pods.get(self.bound)
    }
}

impl Fleet {
    /// Sites where nothing runs.
    #[must_use]
    pub fn new(setup: &Setup) -> Self {
        Self {
            stations: vec![vec![Station::default(); setup.sites.len()]; setup.services.len()],
            free: setup.sites.iter().map(|s| s.capacity).collect(),
            made: 0,
        }
    }

    /// What runs of a service, by site.
    #[must_use]
    pub fn of(&self, service: usize) -> &[Station] {
        self.stations.get(service).map_or(&[], Vec::as_slice)
    }

    /// What is free at a site.
    #[must_use]
    pub fn free(&self, site: usize) -> Resources {
        self.free.get(site).copied().unwrap_or_default()
    }

    /// Makes or removes replicas until there are so many, and says how many that were. New ones have no
    /// node until [`Fleet::bind`].
    pub fn set(
        &mut self,
        (service, site): (usize, usize),
        request: Resources,
        to: Replicas,
        now: Millis,
    ) -> u64 {
        let stations = self.stations.get_mut(service);
        let Some(station) = stations.and_then(|s| s.get_mut(site)) else {
            return 0;
        };
        let from = station.count();
        let to_len = usize::try_from(to.get()).unwrap_or(usize::MAX);
        station.pods.truncate(to_len);
        station.ready = station.ready.min(to_len);
        if let Some(free) = self.free.get_mut(site) {
            let gone = u64::try_from(station.bound.saturating_sub(to_len)).unwrap_or(u64::MAX);
            *free = free.plus(request.times(gone));
        }
        station.bound = station.bound.min(to_len);
        while station.pods.len() < to_len {
            station.pods.push(Pod {
                id: self.made,
                made: now,
                bound: Millis::NEVER,
                ready: Millis::NEVER,
            });
            self.made += 1;
        }
        u64::from(from.get().abs_diff(to.get()))
    }

    /// Finds nodes for those that wait, service by service, as far as there are any.
    pub fn bind(&mut self, setup: &Setup, now: Millis) {
        for (service, stations) in setup.services.iter().zip(&mut self.stations) {
            let sites = setup.sites.iter().zip(&mut self.free);
            for (station, (site, free)) in stations.iter_mut().zip(sites) {
                station.bind(site, service.request, free, now);
            }
        }
    }

    /// The clock has come to `now`: whoever has started up is Ready, and sites are lost or back.
    pub fn turn(&mut self, setup: &Setup, now: Millis) {
        for stations in &mut self.stations {
            for (station, site) in stations.iter_mut().zip(&setup.sites) {
                station.lost = lost_since(&setup.faults, site.name.as_str(), now).is_some();
                let starting = station.pods.get(station.ready..).unwrap_or_default();
                station.ready += starting.iter().take_while(|p| p.ready <= now).count();
            }
        }
    }

    /// When the next replica will be Ready.
    #[must_use]
    pub fn next_ready(&self) -> Millis {
        let next = |s: &Station| s.pods.get(s.ready).map(|p| p.ready);
        let next = self.stations.iter().flatten().filter_map(next).min();
        next.unwrap_or(Millis::NEVER)
    }
}

impl Station {
    fn bind(&mut self, site: &SiteSetup, request: Resources, free: &mut Resources, now: Millis) {
        for pod in self.pods.iter_mut().skip(self.bound) {
            if self.lost || free.fits(request) == 0 {
                break;
            }
            *free = free.minus(request);
            pod.bound = now;
            pod.ready = now.plus(site.start_up);
            self.bound += 1;
        }
    }
}

/// Replicas, Ready or not, at all of some stations.
#[must_use]
pub fn counts(stations: &[Station]) -> Replicas {
    stations.iter().map(Station::count).sum()
}

/// Replicas that serve, at all of some stations.
#[must_use]
pub fn ready(stations: &[Station]) -> Replicas {
    stations.iter().map(Station::ready).sum()
}

fn count(n: usize) -> Replicas {
    Replicas::new(u32::try_from(n).unwrap_or(u32::MAX))
}
