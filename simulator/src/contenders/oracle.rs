//! The one that knows the future: at each instant exactly the replicas that the load needs, each
//! started in time. Nothing that serves everything can be had for less, as the time in which its
//! replicas start is not counted.

use crate::run::{Setup, Tally, whole};
use crate::time::Millis;

/// Its name in summaries.
pub const NAME: &str = "oracle";

/// What it comes to. Replicas are made and removed at each rise and fall of the need, so its changes are
/// not looked at.
#[must_use]
pub fn tally(setup: &Setup) -> Tally {
    let Setup {
        load,
        start: _,
        per_replica,
        min,
        max: _,
        sites: _,
    } = setup;
    let offered = load.requests(Millis::ZERO, load.span());
    let min = f64::from(min.get());
    let peak = (load.peak() / per_replica - 1e-9).ceil();
    Tally {
        offered,
        served: offered,
        unserved: 0.0,
        replica_seconds: load.needed(Millis::ZERO, load.span(), *per_replica, min),
        changes: 0,
        peak: whole(peak.max(min)),
    }
}
