//! A window of a schedule that was announced: a registration that opens at 08:00, a broadcast. Cron
//! expressions and zones are worked out before; here are only instants.

use super::amounts::{MilliLoad, Replicas};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One announced window of more load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Name in the spec.
    pub name: String,
    /// When the load is there.
    pub start: Timestamp,
    /// When it is over; after `start`.
    pub end: Timestamp,
    /// What is expected.
    pub expects: Expected,
}

/// What is expected in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expected {
    /// Load in all, as the workload's signal counts it.
    Load(MilliLoad),
    /// Replicas in all.
    Replicas(Replicas),
}
