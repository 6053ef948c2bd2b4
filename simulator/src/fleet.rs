//! The replicas as they come and go at each site: started by a count that is raised, Ready a start-up
//! later, gone at once when the count is lowered. As a ReplicaSet does, those that are not Ready yet go
//! first, then the youngest. What finds no room waits without a node.

use crate::time::Millis;
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::site::{SiteKind, SiteName};

/// A place to run, as it is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteSetup {
    /// Its name.
    pub name: SiteName,
    /// Kind of place.
    pub kind: SiteKind,
    /// Replicas that find a node there.
    pub capacity: Replicas,
    /// From a raised count to a Ready replica.
    pub start_up: Millis,
}

/// A replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pod {
    /// Counts up through a run.
    pub id: u64,
    /// When it was made.
    pub started: Millis,
    /// When it is Ready; [`Millis::NEVER`] while it has no node.
    pub ready_at: Millis,
}

/// A site with what runs there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Station {
    /// How it is set up.
    pub setup: SiteSetup,
    /// Replicas in the order in which they were made and become Ready.
    pub pods: Vec<Pod>,
    ready: usize,
}

/// All sites, home first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fleet {
    /// The sites.
    pub stations: Vec<Station>,
    made: u64,
}

impl Station {
    /// Replicas wanted: those that there are, Ready or not.
    #[must_use]
    pub fn count(&self) -> Replicas {
        count(self.pods.len())
    }

    /// Replicas that serve.
    #[must_use]
    pub fn ready(&self) -> Replicas {
        count(self.ready)
    }

    /// Replicas that have a node.
    #[must_use]
    pub fn bound(&self) -> Replicas {
        self.count().min(self.setup.capacity)
    }
}

impl Fleet {
    /// Sites where nothing runs.
    #[must_use]
    pub fn new(sites: &[SiteSetup]) -> Self {
        let empty = |setup: &SiteSetup| Station {
            setup: setup.clone(),
            pods: Vec::new(),
            ready: 0,
        };
        Self {
            stations: sites.iter().map(empty).collect(),
            made: 0,
        }
    }

    /// Replicas that serve, at all sites.
    #[must_use]
    pub fn ready(&self) -> Replicas {
        self.stations.iter().map(Station::ready).sum()
    }

    /// Replicas that there are, at all sites.
    #[must_use]
    pub fn count(&self) -> Replicas {
        self.stations.iter().map(Station::count).sum()
    }

    /// Replicas that have a node, at all sites: those that are paid for.
    #[must_use]
    pub fn bound(&self) -> Replicas {
        self.stations.iter().map(Station::bound).sum()
    }

    /// Makes or removes replicas until there are so many at a site.
    pub fn set(&mut self, site: usize, to: Replicas, now: Millis) {
        let Some(station) = self.stations.get_mut(site) else {
            return;
        };
        let to = usize::try_from(to.get()).unwrap_or(usize::MAX);
        station.pods.truncate(to);
        station.ready = station.ready.min(to);
        while station.pods.len() < to {
            let ready_at = if station.count() < station.setup.capacity {
                now.plus(station.setup.start_up)
            } else {
                Millis::NEVER
            };
            let (id, started) = (self.made, now);
            station.pods.push(Pod {
                id,
                started,
                ready_at,
            });
            self.made += 1;
        }
        self.turn(now);
    }

    /// The clock has come to `now`: whoever has started up is Ready.
    pub fn turn(&mut self, now: Millis) {
        for station in &mut self.stations {
            let waiting = station.pods.get(station.ready..).unwrap_or_default();
            station.ready += waiting.iter().take_while(|p| p.ready_at <= now).count();
        }
    }

    /// When the next replica will be Ready.
    #[must_use]
    pub fn next_ready(&self) -> Millis {
        let next = |s: &Station| s.pods.get(s.ready).map(|p| p.ready_at);
        let next = self.stations.iter().filter_map(next).min();
        next.unwrap_or(Millis::NEVER)
    }
}

fn count(n: usize) -> Replicas {
    Replicas::new(u32::try_from(n).unwrap_or(u32::MAX))
}
