//! What a run has come to so far: sums over time that only grow, so that the difference of two tallies
//! is what happened in between.

use pinisi_planner::model::amounts::Replicas;

/// All of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// By service, in the order of the setup.
    pub services: Vec<ServiceTally>,
    /// By site, in the order of the setup.
    pub sites: Vec<SiteTally>,
}

/// One service, at all sites.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ServiceTally {
    /// Requests that came.
    pub offered: f64,
    /// Requests that found a Ready replica with room.
    pub served: f64,
    /// Requests that did not. Those who still wait or will try again are in neither.
    pub unserved: f64,
    /// Replicas with a node, Ready or starting, summed over time.
    pub replica_seconds: f64,
    /// Replicas made and replicas removed.
    pub changes: u64,
    /// Most replicas at once.
    pub peak: Replicas,
}

/// One site, all services.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SiteTally {
    /// Replicas with a node, Ready or starting, summed over time.
    pub replica_seconds: f64,
    /// Ready replicas summed over time.
    pub ready_seconds: f64,
    /// What Ready replicas could serve, summed over time, in requests.
    pub capacity: f64,
    /// Cores requested by replicas with a node, summed over time.
    pub core_seconds: f64,
    /// GiB of memory requested by replicas with a node, summed over time.
    pub gib_seconds: f64,
    /// Most replicas with a node at once.
    pub peak: Replicas,
}

impl Tally {
    /// All services together; the peak is the sum of their peaks.
    #[must_use]
    pub fn all(&self) -> ServiceTally {
        let mut all = ServiceTally::default();
        for service in &self.services {
            let ServiceTally {
                offered,
                served,
                unserved,
                replica_seconds,
                changes,
                peak,
            } = *service;
            all.offered += offered;
            all.served += served;
            all.unserved += unserved;
            all.replica_seconds += replica_seconds;
            all.changes += changes;
            all.peak = all.peak.plus(peak);
        }
        all
    }
}
