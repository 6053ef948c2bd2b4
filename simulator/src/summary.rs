//! What each contender left unserved and what that cost, beside the oracle.

use crate::tally::{ServiceTally, Tally};
use serde::{Deserialize, Serialize};

/// One contender's figures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Percent of the requests that found no Ready replica with room.
    pub unserved_pct: f64,
    /// Replica-seconds, those of starting replicas included, by those that the load needed.
    pub cost_ratio: f64,
    /// Replicas with a node, summed over time, in hours.
    pub replica_hours: f64,
    /// Replicas made and removed, by the most that the load needed at once.
    pub churn: f64,
}

impl Summary {
    /// A run's figures beside the oracle's, rounded to a millionth.
    #[must_use]
    pub fn of(tally: &Tally, oracle: &Tally) -> Self {
        let ServiceTally {
            offered,
            served: _,
            unserved,
            replica_seconds,
            changes,
            peak: _,
        } = tally.all();
        let oracle = oracle.all();
        let most = f64::from(oracle.peak.get());
        Self {
            unserved_pct: part(100.0 * unserved, offered),
            cost_ratio: part(replica_seconds, oracle.replica_seconds),
            replica_hours: part(replica_seconds, 3600.0),
            churn: part(changes as f64, most),
        }
    }
}

/// A share, rounded to a millionth; of nothing it is nothing.
fn part(of: f64, whole: f64) -> f64 {
    if whole > 0.0 {
        (of / whole * 1e6).round() / 1e6
    } else {
        0.0
    }
}
