//! One sync: bounds first, then the metrics, then stabilisation and limits.

use super::Settings;
use super::behavior::{Behavior, Tolerances};
use super::fault::Fault;
use super::memory::Memory;
use super::metric::Metric;
use super::outcome::{Able, Active, Outcome, Rescale};
use super::pods::Pods;
use super::replicas::{Scope, propose};
use super::{limits, stabilize};
use crate::model::site::SiteName;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Bounds and behavior.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// `minReplicas`, 1 where the spec does not say.
    pub min: i32,
    /// `maxReplicas`.
    pub max: i32,
    /// `behavior`, its defaults filled in; `None` where the spec has none.
    pub behavior: Option<Behavior>,
}

/// All that a sync looks at.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Bounds and behavior.
    pub spec: &'a Spec,
    /// Count in the target's spec.
    pub current: i32,
    /// Count in the target's status.
    pub status: i32,
    /// The condition ScaledToZero: a count of 0 is the HPA's own doing, and it may end it.
    pub scaled_to_zero: bool,
    /// Metrics with their readings, in the spec's order.
    pub metrics: &'a [Metric],
    /// Pods that the target's selector matches.
    pub pods: &'a Pods,
    /// Sites whose pods and metrics are not known: as one more invalid metric.
    pub unknown_sites: &'a BTreeSet<SiteName>,
    /// The controller's flags.
    pub settings: Settings,
    /// Now.
    pub now: Timestamp,
}

/// One sync. The memory gets its recommendation; whether the count was then changed is for the
/// caller to say with [`Memory::rescaled`].
pub fn evaluate(input: &Input<'_>, memory: &mut Memory) -> Outcome {
    let mut outcome = Outcome::new();
    evaluate_in(&mut outcome, input, memory);
    outcome
}

/// The same in the place of an outcome before it, whose words and lists are used again.
pub(crate) fn evaluate_in(outcome: &mut Outcome, input: &Input<'_>, memory: &mut Memory) {
    let Spec { min, max, behavior } = input.spec;
    let (min, max, current) = (*min, *max, input.current);
    memory.calm(input.now);
    memory.begin(current, input.now);
    let known = outcome.begin(current, input.metrics.len());
    let works_at_zero = input.metrics.iter().any(Metric::works_at_zero);
    if current == 0 && !(input.scaled_to_zero && (min != 0 || works_at_zero)) {
        outcome.active = Some(Active::ScalingDisabled);
        outcome.desired = Some(0);
    } else if current != 0 && current > max {
        outcome.rescale = Some(Rescale::AboveMaximum);
        outcome.desired = Some(max);
    } else if current != 0 && current < min {
        outcome.rescale = Some(Rescale::BelowMinimum);
        outcome.desired = Some(min);
    } else if let Some(recommended) = look(input, outcome, known) {
        let recommended = recommended.max(0);
        outcome.recommended = Some(recommended);
        outcome.rescale = match (recommended > current, recommended < current) {
            (true, _) => Some(Rescale::AboveTarget(
                outcome.metric.clone().unwrap_or_default(),
            )),
            (false, true) => Some(Rescale::BelowTarget),
            (false, false) => None,
        };
        let mut desired = match behavior {
            None => by_default(input, recommended, memory, outcome),
            Some(behavior) => by_behavior(input, behavior, recommended, memory, outcome),
        };
        if current == 0 && input.scaled_to_zero && desired < min {
            desired = min;
            outcome.rescale.get_or_insert(Rescale::BelowMinimum);
        }
        outcome.desired = Some(desired);
    }
    if outcome.rescales() {
        let zero = outcome.desired == Some(0) && current > 0 && min == 0 && works_at_zero;
        outcome.scaled_to_zero = Some(zero);
    }
}

/// Looks at every metric: the most that a valid one asks for. `None` where none is valid, or where
/// one is not and the rest would shrink.
fn look(input: &Input<'_>, outcome: &mut Outcome, known: Option<Arc<str>>) -> Option<i32> {
    let scope = Scope {
        current: input.current,
        status: input.status,
        tolerances: Tolerances::of(input.spec.behavior.as_ref(), input.settings.tolerance),
        pods: input.pods,
        initialization: input.settings.cpu_initialization_period,
        readiness_delay: input.settings.initial_readiness_delay,
        now: input.now,
    };
    let mut most = 0;
    let mut valid = 0usize;
    let mut title = None;
    for (i, (metric, current)) in input.metrics.iter().zip(&mut outcome.currents).enumerate() {
        match propose(metric, &scope) {
            Err(fault) => outcome.faults.push((i, fault)),
            Ok(proposal) => {
                valid += 1;
                *current = Some(proposal.value);
                if most == 0 || proposal.replicas > most {
                    most = proposal.replicas;
                    title = Some(metric);
                }
            }
        }
    }
    let unknown = input.unknown_sites.iter();
    let unknown = unknown.map(|site| (input.metrics.len(), Fault::SiteUnknown(site.clone())));
    outcome.faults.extend(unknown);
    if input.metrics.is_empty() {
        outcome.faults.push((0, Fault::NoMetrics));
    }
    let undecided = valid == 0 || (!outcome.faults.is_empty() && most < input.current);
    if undecided {
        // A site that is not known makes the first metric one that cannot be had.
        let first = outcome.faults.first().map_or(0, |(i, _)| *i);
        let kind = input.metrics.get(first).or_else(|| input.metrics.first());
        let kind = kind.map_or("", Metric::kind).to_owned();
        outcome.active = Some(Active::FailedGetMetric(kind));
        return None;
    }
    outcome.metric = title.map(|metric| {
        let same = known.filter(|known| metric.is_titled(known));
        same.unwrap_or_else(|| metric.title().into())
    });
    outcome.active = Some(Active::ValidMetricFound);
    Some(most)
}

/// Without a behavior.
fn by_default(
    input: &Input<'_>,
    recommended: i32,
    memory: &mut Memory,
    outcome: &mut Outcome,
) -> i32 {
    let window = input.settings.downscale_stabilization;
    let stabilized = stabilize::highest(memory, recommended, window, input.now);
    outcome.stabilized = Some(stabilized);
    outcome.able = if stabilized == recommended {
        Able::ReadyForNewScale
    } else {
        Able::ScaleDownStabilized
    };
    let (min, max) = (input.spec.min, input.spec.max);
    let rate = limits::up_limit(input.current, input.settings.up_factor);
    let (desired, limit) = limits::by_bounds(stabilized, min, max, rate);
    outcome.limited = Some(limit);
    desired
}

/// With a behavior.
fn by_behavior(
    input: &Input<'_>,
    behavior: &Behavior,
    recommended: i32,
    memory: &mut Memory,
    outcome: &mut Outcome,
) -> i32 {
    let seconds = |n: i32| SignedDuration::from_secs(n.into());
    let up = behavior
        .up
        .window_seconds
        .map_or(SignedDuration::ZERO, seconds);
    let down = behavior
        .down
        .window_seconds
        .map_or(input.settings.downscale_stabilization, seconds);
    let now = input.now;
    let stabilized = stabilize::within(memory, input.current, recommended, up, down, now);
    outcome.stabilized = Some(stabilized);
    outcome.able = if stabilized == recommended {
        Able::ReadyForNewScale
    } else if recommended >= input.current {
        Able::ScaleUpStabilized
    } else {
        Able::ScaleDownStabilized
    };
    let bounds = (input.spec.min, input.spec.max);
    let (desired, limit) =
        limits::by_rates(memory, behavior, bounds, input.current, stabilized, now);
    outcome.limited = Some(limit);
    desired
}
