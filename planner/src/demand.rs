//! How many replicas in all, and why: from a hand, from a load signal, from metrics, or from whoever
//! owns the count. Not here: where they run, and whether that many fit.

mod metrics;
mod trend;
mod window;

pub use trend::SAMPLES_MAX;

use crate::hpa::Outcome;
use crate::memory::Statistics;
use crate::model::amounts::{MilliLoad, Replicas};
use crate::model::workload::{Demand, LoadDemand, Override, Signal};
use crate::reason::Reason;
use crate::time::after;
use jiff::{SignedDuration, Timestamp};

/// On top of an ordinary load, until growth statistics of the workload itself are kept.
pub const MARGIN_PERCENT: u64 = 10;

/// What a workload wants.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    /// Replicas in all, within bounds.
    pub want: Replicas,
    /// True while no count may shrink: the signal is lost or its history is not back.
    pub held: bool,
    /// Why.
    pub reasons: Vec<Reason>,
    /// Statistics with this moment added; `blocked` is left as it was.
    pub statistics: Statistics,
    /// What the metrics come to, where the total follows any.
    pub outcome: Option<Outcome>,
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
    fn floor(&self) -> Replicas {
        self.present.max(self.decided.unwrap_or_default())
    }
}

/// The total.
pub(crate) fn decide(
    demand: &Demand,
    statistics: &Statistics,
    count: Count,
    now: Timestamp,
) -> Wanted {
    let only_blocked = || Statistics {
        blocked: statistics.blocked.clone(),
        ..Statistics::default()
    };
    match demand {
        Demand::Untouched => said(count.present, Reason::Untouched, only_blocked()),
        Demand::Fixed(n) => said(*n, Reason::SetByHand(*n), only_blocked()),
        Demand::Load(load) => {
            let statistics = Statistics {
                syncs: None,
                ..statistics.clone()
            };
            from_load(load, statistics, count.floor(), now)
        }
        Demand::Metrics(demand) => match &demand.load {
            None => {
                let statistics = Statistics {
                    blocked: statistics.blocked.clone(),
                    syncs: statistics.syncs.clone(),
                    ..Statistics::default()
                };
                metrics::from_metrics(demand, statistics, count, now)
            }
            Some(load) => {
                let by_load = from_load(load, statistics.clone(), count.floor(), now);
                let by_metrics = metrics::from_metrics(demand, by_load.statistics, count, now);
                let mut reasons = by_load.reasons;
                reasons.extend(by_metrics.reasons);
                Wanted {
                    want: by_load.want.max(by_metrics.want),
                    held: by_load.held || by_metrics.held,
                    reasons,
                    ..by_metrics
                }
            }
        },
    }
}

/// A total that needs no working out.
fn said(want: Replicas, reason: Reason, statistics: Statistics) -> Wanted {
    Wanted {
        want,
        held: false,
        reasons: vec![reason],
        statistics,
        outcome: None,
        scaled_to_zero: false,
    }
}

/// A person's word on top: the total as said, whatever signal and bounds say.
pub(crate) fn overridden(mut wanted: Wanted, word: &Override) -> Wanted {
    wanted
        .reasons
        .push(Reason::Overridden { until: word.until });
    if let Some(total) = word.total {
        wanted.want = total;
        wanted.held = false;
    }
    wanted
}

fn from_load(
    load: &LoadDemand,
    mut statistics: Statistics,
    floor: Replicas,
    now: Timestamp,
) -> Wanted {
    let lost = match &load.signal {
        Signal::Fresh { load: x, at } => return from_figure(load, *x, *at, statistics, floor, now),
        Signal::Stale { at } => Reason::StaleSignal { at: *at },
        Signal::Missing(fault) => Reason::NoSignal(fault.clone()),
    };
    statistics.needs_since = None;
    let mut reasons = vec![lost];
    if floor < load.min {
        reasons.push(Reason::AtMinimum(load.min));
    }
    Wanted {
        want: floor.max(load.min),
        held: true,
        reasons,
        statistics,
        outcome: None,
        scaled_to_zero: false,
    }
}

fn from_figure(
    load: &LoadDemand,
    x: MilliLoad,
    at: Timestamp,
    mut statistics: Statistics,
    floor: Replicas,
    now: Timestamp,
) -> Wanted {
    let span = load.scale_down_window.max(SignedDuration::ZERO);
    trend::record(&mut statistics.samples, at, x, now);
    let ahead = trend::rising(&statistics.samples, x, load.start_up, now);
    let (need, counted) = need(x, ahead, load.per_replica);
    let mut reasons = Vec::new();

    if window::lapsed(&statistics.needs, span, now) {
        statistics.needs_since = None;
    }
    let since = statistics.needs_since.map_or(now, |t| t.min(now));
    statistics.needs_since = Some(since);
    let kept = window::record(&mut statistics.needs, need, span, now);
    if kept > need {
        reasons.push(Reason::HeldByWindow { need, held: kept });
    }
    let until = after(since, span);
    let held = now < until;
    let mut want = kept;
    if held && floor > kept {
        reasons.push(Reason::Warming { until });
        want = floor;
    }
    reasons.push(Reason::Load {
        load: counted,
        per_replica: load.per_replica,
        need,
        rising: ahead.is_some_and(|y| counted == y),
    });

    if want < load.min {
        want = load.min;
        reasons.push(Reason::AtMinimum(load.min));
    }
    // A maximum below what runs is obeyed once the history is back, as every other decrease.
    let most = if held { load.max.max(floor) } else { load.max };
    if want > most {
        reasons.push(Reason::AtMaximum {
            need: want,
            max: load.max,
        });
        want = most;
    }
    Wanted {
        want,
        held,
        reasons,
        statistics,
        outcome: None,
        scaled_to_zero: false,
    }
}

/// Replicas for a load, and the load that was counted: with its margin, or ahead of its rise.
fn need(x: MilliLoad, ahead: Option<MilliLoad>, per_replica: MilliLoad) -> (Replicas, MilliLoad) {
    let with_margin = (u128::from(x.0) * u128::from(100 + MARGIN_PERCENT)).div_ceil(100);
    let counted = with_margin.max(ahead.map_or(0, |y| u128::from(y.0)));
    let replicas = counted.div_ceil(u128::from(per_replica.0.max(1)));
    let replicas = Replicas::new(u32::try_from(replicas).unwrap_or(u32::MAX));
    (
        replicas,
        MilliLoad(u64::try_from(counted).unwrap_or(u64::MAX)),
    )
}
