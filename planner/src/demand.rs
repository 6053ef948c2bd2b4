//! How many replicas in all, and why: from a hand, from a load signal, from metrics, from a schedule
//! on top, or from whoever owns the count. Not here: where they run, and whether that many fit.

mod days;
mod forecast;
mod gate;
mod growth;
mod histogram;
mod load;
mod metrics;
mod schedule;
mod trend;
mod window;

pub use forecast::{ALLOWANCE_PERCENT, Forecast};
pub use growth::{Growth, hold};
pub(crate) use schedule::replicas_of;
pub use trend::SAMPLES_MAX;

use crate::hpa::Outcome;
use crate::memory::Statistics;
use crate::model::amounts::{MilliLoad, Replicas};
use crate::model::schedule::Window;
use crate::model::workload::{Demand, MetricsDemand, Override};
use crate::reason::Reason;
use jiff::Timestamp;
use std::sync::Arc;

/// A load and when it was true.
#[derive(Clone, Copy, Debug)]
struct Moment {
    x: MilliLoad,
    at: Timestamp,
    now: Timestamp,
}

/// What a workload wants.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    /// Replicas in all, within bounds.
    pub want: Replicas,
    /// True while no count may shrink: the signal is lost or its history is not back.
    pub held: bool,
    /// Why.
    pub reasons: Vec<Reason>,
    /// What the metrics come to, where the total follows any.
    pub outcome: Option<Arc<Outcome>>,
    /// A total of 0 is not a hand's: metrics may end it.
    pub scaled_to_zero: bool,
}

/// The count as it is before this plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count {
    /// What counts as placed now.
    pub present: Replicas,
    /// What the targets' specs say in all.
    pub specified: Replicas,
    /// What was decided last.
    pub decided: Option<Replicas>,
    /// True where this plan's counts are written. Else the total is only said.
    pub ours: bool,
    /// A total of 0 is not a hand's.
    pub scaled_to_zero: bool,
}

impl Count {
    /// Below this nothing shrinks while it is held.
    pub(crate) fn floor(&self) -> Replicas {
        self.present.max(self.decided.unwrap_or_default())
    }
}

/// The total. Adds this moment to the statistics; their `blocked` is left as it was. `said` is a list for
/// the reasons, empty and perhaps used before.
pub(crate) fn decide(
    demand: &Demand,
    windows: &[Window],
    statistics: &mut Statistics,
    count: Count,
    said: Vec<Reason>,
    now: Timestamp,
) -> Wanted {
    match demand {
        Demand::Untouched => {
            forget(statistics);
            // Under an override twins may be there for a while; the total is still what was found.
            let total = count.decided.unwrap_or(count.present);
            one_word(total, Reason::Untouched, said)
        }
        Demand::Fixed(n) => {
            forget(statistics);
            one_word(*n, Reason::SetByHand(*n), said)
        }
        Demand::Load(load) => {
            statistics.syncs = None;
            load::from_load(load, windows, statistics, count.floor(), said, now)
        }
        Demand::Metrics(demand) => {
            let wanted = with_metrics(demand, windows, statistics, count, said, now);
            scheduled(wanted, demand, windows, now)
        }
    }
}

/// A total that follows metrics, and a load beside them where there is one.
fn with_metrics(
    demand: &MetricsDemand,
    windows: &[Window],
    statistics: &mut Statistics,
    count: Count,
    said: Vec<Reason>,
    now: Timestamp,
) -> Wanted {
    let Some(load) = &demand.load else {
        statistics.forget_load();
        return metrics::from_metrics(demand, &mut statistics.syncs, count, said, now);
    };
    let by_load = load::from_load(load, windows, statistics, count.floor(), said, now);
    let said = by_load.reasons;
    let by_metrics = metrics::from_metrics(demand, &mut statistics.syncs, count, said, now);
    Wanted {
        want: by_load.want.max(by_metrics.want),
        held: by_load.held || by_metrics.held,
        ..by_metrics
    }
}

/// What metrics want, with what was announced. A load beside them has its own in it already.
fn scheduled(
    mut wanted: Wanted,
    demand: &MetricsDemand,
    windows: &[Window],
    now: Timestamp,
) -> Wanted {
    if demand.load.is_some() {
        return wanted;
    }
    let need = wanted.want;
    if let Some(floor) = schedule::floor(windows, None, demand.start_up, need, now)
        && floor.replicas > wanted.want
    {
        wanted.want = floor.replicas.min(demand.max);
        wanted.reasons.push(floor.reason);
    }
    wanted
}

/// Where neither a load nor metrics are followed, nothing is learnt of them.
fn forget(statistics: &mut Statistics) {
    statistics.forget_load();
    statistics.syncs = None;
}

/// A total that needs no working out.
fn one_word(want: Replicas, reason: Reason, mut said: Vec<Reason>) -> Wanted {
    said.push(reason);
    Wanted {
        want,
        held: false,
        reasons: said,
        outcome: None,
        scaled_to_zero: false,
    }
}

/// A person's word on top: the total as said, whatever signal and bounds say.
pub(crate) fn overridden(mut wanted: Wanted, word: &Override) -> Wanted {
    wanted.reasons.push(Reason::Overridden {
        total: word.total,
        until: word.until,
    });
    if let Some(total) = word.total {
        wanted.want = total;
        wanted.held = false;
    }
    wanted
}
