//! What deriving writes remembers from round to round. Plain data of this process; all of it may be
//! lost.

use super::farewell::Farewells;
use super::remote::drift::Drifts;
use super::remote::due::Due;
use super::violations::Evictions;
use pinisi_planner::WorkloadId;
use pinisi_planner::model::refusal::Refusal;
use pinisi_planner::model::site::SiteName;
use std::collections::BTreeMap;

/// What deriving writes remembers.
#[derive(Debug, Default)]
pub struct Ledgers {
    /// Workloads under deletion.
    pub farewells: Farewells,
    /// What others did to our objects in other clusters.
    pub drifts: Drifts,
    /// Recurring writes in other clusters.
    pub due: Due,
    /// Legs that are left alone since the last round, and what is said of them.
    pub contested: BTreeMap<(WorkloadId, SiteName), Refusal>,
    /// Pods that were evicted in the last minute.
    pub evictions: Evictions,
}
