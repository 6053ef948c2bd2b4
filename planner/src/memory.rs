//! What one plan leaves for the next. [`Decisions`] go into status with the decision and survive
//! a restart; [`Statistics`] may be lost, and until they are back nothing shrinks.

use crate::budget::ledger::Ledger;
use crate::demand::{Forecast, Growth};
use crate::hpa;
use crate::model::amounts::{MilliLoad, Replicas};
use crate::model::by_site::BySite;
use crate::model::dependency::MilliCalls;
use crate::model::site::SiteName;
use crate::model::workload::WorkloadId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// What one plan leaves for the next.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// By workload.
    pub workloads: BTreeMap<WorkloadId, WorkloadMemory>,
    /// Since when each site has been under its low watermark.
    pub low_since: BTreeMap<SiteName, Timestamp>,
    /// What was spent under budgets. Survives a restart.
    #[serde(default)]
    pub ledger: Ledger,
}

/// One workload's memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkloadMemory {
    /// Survives a restart.
    pub decisions: Decisions,
    /// May be lost.
    pub statistics: Statistics,
}

/// Decisions that must outlive a restart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Decisions {
    /// Total decided last.
    pub total: Option<Replicas>,
    /// Count decided last at each site.
    pub sites: BySite<Replicas>,
    /// A drain-back episode under way.
    pub drain: Option<Drain>,
    /// Others who write a count that we hold.
    pub contest: Option<Contest>,
    /// The HPA's condition ScaledToZero: a total of 0 is a decision, not a hand's, and metrics may
    /// end it.
    #[serde(default)]
    pub scaled_to_zero: bool,
    /// What quotas a day have spent, by the name of the dependency. A decision and no statistic: it
    /// cannot be found out again.
    #[serde(default)]
    pub spent: BTreeMap<String, Spent>,
}

/// What a quota a day has spent of this workload's doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// When the day began.
    pub day: Timestamp,
    /// Since when it has been counted; after `day` where nobody looked before.
    pub since: Timestamp,
    /// Calls since then.
    pub calls: MilliCalls,
    /// Counted up to then.
    pub at: Timestamp,
    /// Calls a second at that time.
    pub rate: MilliLoad,
}

/// A drain-back episode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drain {
    /// Site that replicas leave.
    pub from: SiteName,
    /// Site that they come home to.
    pub to: SiteName,
    /// Replicas made at home whose twins have not been removed yet; 0 between two steps.
    pub moving: Replicas,
    /// When the last phase began: replicas were made, or their twins removed.
    pub since: Timestamp,
}

/// Foreign writes to a count that we hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contest {
    /// Foreign writes seen in this contest.
    pub writes: u32,
    /// When the last one was seen.
    pub last: Timestamp,
    /// The last writer's field manager.
    pub writer: String,
    /// Generation at which the last one was seen.
    pub generation: i64,
}

/// What may be lost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Recent samples of the load, oldest first, each once. Bounded by `demand::SAMPLES_MAX`.
    pub samples: VecDeque<(Timestamp, MilliLoad)>,
    /// Needs for the scale-down window: time and replicas, decreasing (a monotone queue).
    pub needs: VecDeque<(Timestamp, Replicas)>,
    /// Since when needs have been recorded without a gap; nothing shrinks until this is a whole
    /// window ago.
    pub since: Option<Timestamp>,
    /// How the load has grown in the past.
    #[serde(default)]
    pub growth: Growth,
    /// The last two weeks, where a forecast is asked for.
    #[serde(default)]
    pub forecast: Option<Box<Forecast>>,
    /// Sites that did not take pods, and until when they are not tried again.
    pub blocked: BTreeMap<SiteName, Blocked>,
    /// What the metrics have come to so far.
    #[serde(default)]
    pub syncs: Option<Box<Syncs>>,
}

impl Statistics {
    /// Forgets all that was learnt of a load.
    pub(crate) fn forget_load(&mut self) {
        let Self {
            samples,
            needs,
            since,
            growth,
            forecast,
            blocked: _,
            syncs: _,
        } = self;
        // What has never learnt anything has nothing to forget, and is not written to.
        if since.is_none() && samples.is_empty() && needs.is_empty() && growth.is_new() {
            *forecast = None;
            return;
        }
        (*samples, *needs, *since) = (VecDeque::new(), VecDeque::new(), None);
        (*growth, *forecast) = (Growth::default(), None);
    }
}

/// The history of a total that follows metrics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Syncs {
    /// Recommendations and scale events. Bounded by [`hpa::memory::RECOMMENDATIONS_MAX`] and
    /// [`hpa::memory::EVENTS_MAX`].
    pub memory: hpa::Memory,
    /// When the history began; nothing of ours shrinks until this is a whole window ago.
    pub since: Timestamp,
    /// When the last sync was made.
    pub at: Timestamp,
    /// Time of the reading that it was made on.
    pub read_at: Timestamp,
    /// Generation of the spec that it was made on.
    pub generation: i64,
    /// What it came to. Decisions share it.
    pub outcome: Arc<hpa::Outcome>,
}

/// A site that left pods Pending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// Not tried again before.
    pub until: Timestamp,
    /// Pods that it does hold.
    pub holds: Replicas,
    /// Pods that it left without a node.
    #[serde(default)]
    pub pending: Replicas,
}
