//! A total that follows metrics: when an HPA's sync is due, and what else Pinisi promises around
//! its result. A sync is made once for each new reading, not once for each plan, so that windows
//! and rates count what an HPA's would. The rules themselves are in `hpa`.

use super::{Count, Wanted};
use crate::hpa::outcome::{Able, Active, Limit, Rescale};
use crate::hpa::{self, Behavior, Metric, Outcome, Reading, Spec, ValueTarget};
use crate::memory::Syncs;
use crate::model::amounts::Replicas;
use crate::model::workload::MetricsDemand;
use crate::reason::Reason;
use crate::time::{after, elapsed};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// The total as the metrics have it. While any of them is lost, and until a history covers the
/// window, nothing of ours shrinks. A total that is only said is what the HPA's own would be. What it
/// says comes after the `reasons` that there are already.
pub(crate) fn from_metrics(
    demand: &MetricsDemand,
    history: &mut Option<Box<Syncs>>,
    count: Count,
    mut reasons: Vec<Reason>,
    now: Timestamp,
) -> Wanted {
    let spec = Spec {
        min: demand.min.to_api(),
        max: demand.max.to_api(),
        behavior: demand.behavior.clone(),
    };
    let settings = hpa::Settings::default();
    let window = window(spec.behavior.as_ref(), settings);
    let known = history
        .take()
        .filter(|s| elapsed(s.at, now) <= reach(spec.behavior.as_ref(), window));
    // The count that an HPA would find. Ours may not have arrived at every target yet.
    let current = match count.decided {
        Some(decided) if count.ours => decided,
        Some(_) | None => count.specified,
    };
    let mut scaled_to_zero = count.scaled_to_zero && current == Replicas::ZERO;
    let same = |s: &Syncs| s.read_at == demand.read_at && s.generation == demand.generation;
    let syncs = match known {
        Some(syncs) if same(&syncs) => syncs,
        known => {
            let mut syncs = known.unwrap_or_else(|| Syncs::begin(current, now).into());
            let Syncs {
                memory,
                since,
                at,
                read_at,
                generation,
                outcome,
            } = &mut *syncs;
            scaled_to_zero |= arrived_at_zero(outcome, current, demand, count.ours);
            let before = outcome.current;
            if before != current.to_api() {
                memory.rescaled(spec.behavior.as_ref(), before, current.to_api(), *at);
            }
            let input = hpa::Input {
                spec: &spec,
                current: current.to_api(),
                status: demand.status.to_api(),
                scaled_to_zero,
                metrics: &demand.metrics,
                pods: &demand.pods,
                unknown_sites: &demand.unknown_sites,
                settings,
                now,
            };
            // The last plan's decision, if somebody still has it, keeps its own.
            let outcome = Arc::make_mut(outcome);
            hpa::evaluate_in(outcome, &input, memory);
            if demand.status == Replicas::ZERO {
                forget_shares(&demand.metrics, outcome);
            }
            (*since, *at) = ((*since).min(now), now);
            (*read_at, *generation) = (demand.read_at, demand.generation);
            syncs
        }
    };

    let outcome = syncs.outcome.clone();
    let lost = lost(demand) || !outcome.faults.is_empty();
    let until = after(syncs.since.min(now), window);
    let warming = now < until;
    say(&outcome, demand, &mut reasons);
    let mut want = match outcome.desired {
        Some(n) => Replicas::from_api(n),
        None if count.ours => count.floor().max(demand.min),
        None => current,
    };
    let held = lost || warming;
    if count.ours && held && count.floor() > want {
        if !lost {
            let kept = count.floor();
            reasons.push(Reason::Warming { kept, until });
        }
        want = count.floor();
    }
    *history = Some(syncs);
    Wanted {
        want,
        held,
        reasons,
        outcome: Some(outcome),
        scaled_to_zero,
    }
}

impl Syncs {
    /// Before the first sync: nothing is known but the count.
    fn begin(current: Replicas, now: Timestamp) -> Self {
        let mut outcome = Outcome::new();
        outcome.current = current.to_api();
        Self {
            memory: hpa::Memory::default(),
            since: now,
            at: now,
            read_at: now,
            generation: 0,
            outcome: outcome.into(),
        }
    }
}

/// A value shared out over no pods is no number; an HPA shows the largest one.
fn forget_shares(metrics: &[Metric], outcome: &mut Outcome) {
    for (metric, current) in metrics.iter().zip(&mut outcome.currents) {
        let share = match metric {
            Metric::Object { target, .. } | Metric::External { target, .. } => match target {
                ValueTarget::AverageValue(_) => true,
                ValueTarget::Value(_) => false,
            },
            Metric::Resource { .. } | Metric::Pods { .. } => false,
        };
        if share {
            *current = None;
        }
    }
}

/// The window downwards: after a loss of memory nothing shrinks for so long.
fn window(behavior: Option<&Behavior>, settings: hpa::Settings) -> SignedDuration {
    let seconds = behavior.and_then(|b| b.down.window_seconds);
    seconds
        .map_or(settings.downscale_stabilization, |n| {
            SignedDuration::from_secs(n.into())
        })
        .max(SignedDuration::ZERO)
}

/// Once nobody has looked for so long, there is nothing left that could be remembered.
fn reach(behavior: Option<&Behavior>, window: SignedDuration) -> SignedDuration {
    let seconds = behavior.map_or(0, |b| {
        let periods = b.up.longest_period().max(b.down.longest_period());
        periods.max(b.up.window_seconds.unwrap_or_default())
    });
    window.max(SignedDuration::from_secs(seconds.into()))
}

/// True where a count that is not written here has come to 0 as the last sync would have had it:
/// then it was the HPA beside us, and not a hand.
fn arrived_at_zero(last: &Outcome, current: Replicas, demand: &MetricsDemand, ours: bool) -> bool {
    let zero = current == Replicas::ZERO && last.desired == Some(0) && last.current > 0;
    !ours
        && zero
        && demand.min == Replicas::ZERO
        && demand.metrics.iter().any(Metric::works_at_zero)
}

/// True where a reading is lost now, whatever the last sync was made on.
fn lost(demand: &MetricsDemand) -> bool {
    let gone = demand.metrics.iter().any(|metric| match metric {
        Metric::Resource { reading, .. } | Metric::Pods { reading, .. } => is_lost(reading),
        Metric::Object { reading, .. } => is_lost(reading),
        Metric::External { reading, .. } => is_lost(reading),
    });
    gone || demand.metrics.is_empty() || !demand.unknown_sites.is_empty()
}

fn is_lost<T>(reading: &Reading<T>) -> bool {
    match reading {
        Reading::Read(_) => false,
        Reading::Lost(_) => true,
    }
}

/// The outcome as reasons; at least one.
fn say(outcome: &Outcome, demand: &MetricsDemand, reasons: &mut Vec<Reason>) {
    let counted = |n: Option<i32>| Replicas::from_api(n.unwrap_or_default());
    let (need, stabilized) = (counted(outcome.recommended), counted(outcome.stabilized));
    if let Some((i, fault)) = outcome.faults.first() {
        let metric = demand.metrics.get(*i).or_else(|| demand.metrics.first());
        reasons.push(Reason::MetricInvalid {
            metric: metric.map_or_else(|| "metric".into(), ToString::to_string),
            kind: metric.map_or("", Metric::kind).into(),
            fault: fault.clone(),
            invalid: outcome.faults.len(),
        });
    }
    if outcome.active == Some(Active::ScalingDisabled) {
        reasons.push(Reason::ScalingDisabled);
    }
    if let Some(metric) = &outcome.metric {
        let metric = metric.clone();
        reasons.push(Reason::Metric { metric, need });
    }
    match outcome.able {
        Able::SucceededGetScale | Able::ReadyForNewScale => {}
        Able::ScaleUpStabilized | Able::ScaleDownStabilized => reasons.push(Reason::Stabilized {
            need,
            to: stabilized,
            up: outcome.able == Able::ScaleUpStabilized,
        }),
    }
    let rate = |up| Reason::RateLimited {
        need: stabilized,
        to: counted(outcome.desired),
        up,
    };
    let maximum = |need| Reason::AtMaximum {
        need,
        max: demand.max,
        to: demand.max,
    };
    match outcome.limited {
        None | Some(Limit::DesiredWithinRange) => {}
        Some(Limit::TooFewReplicas) => reasons.push(Reason::AtMinimum(demand.min)),
        Some(Limit::TooManyReplicas) => reasons.push(maximum(stabilized)),
        Some(Limit::ScaleUpLimit) => reasons.push(rate(true)),
        Some(Limit::ScaleDownLimit) => reasons.push(rate(false)),
    }
    match (&outcome.rescale, &outcome.metric) {
        (Some(Rescale::AboveMaximum), None) => {
            reasons.push(maximum(Replicas::from_api(outcome.current)));
        }
        (Some(Rescale::BelowMinimum), None) => reasons.push(Reason::AtMinimum(demand.min)),
        (Some(_) | None, _) => {}
    }
}
