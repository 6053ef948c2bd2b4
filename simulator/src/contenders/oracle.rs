//! The one that knows the future: at each instant exactly the replicas that the load needs, each
//! started in time. Nothing that serves everything can be had for less, as the time in which its
//! replicas start is not counted.

use crate::setup::{Service, Setup};
use crate::tally::{ServiceTally, Tally};
use crate::time::Millis;

/// Its name in summaries.
pub const NAME: &str = "oracle";

/// What it comes to. Its replicas come and go with each rise and fall of the load, so its changes are
/// not looked at; nor is where they run.
#[must_use]
pub fn tally(setup: &Setup) -> Tally {
    let one = |service: &Service| {
        let offered = service.load.requests(Millis::ZERO, setup.span);
        let min = f64::from(service.min.get());
        let per_replica = service.per_replica;
        ServiceTally {
            offered,
            served: offered,
            unserved: 0.0,
            replica_seconds: service
                .load
                .needed(Millis::ZERO, setup.span, per_replica, min),
            changes: 0,
            peak: service.peak_need(),
        }
    };
    Tally {
        services: setup.services.iter().map(one).collect(),
        sites: Vec::new(),
    }
}
