//! `spec.autoscaling.metrics` as the planner takes it: each metric with its latest reading, pooled
//! over all sites of the workload, and the pods that they are held against.

mod behavior;
mod pods;
mod readings;
mod scope;
mod target;

pub use scope::Scope;

pub use behavior::read as behavior;

use super::demand::Bounds;
use super::limits::outside;
use super::problem::Problem;
use jiff::Timestamp;
use pinisi_crds::autoscaling::MetricSpec;
use pinisi_planner::hpa;
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::workload::{LoadDemand, MetricsDemand};
use readings::Readings;
use target::Held;

/// Most metrics of one workload.
const METRICS_MAX: usize = 16;

/// The demand of a workload with metrics; `None` where a problem says why.
pub fn read(
    scope: &Scope<'_>,
    metrics: &[MetricSpec],
    bounds: Bounds,
    load: Option<LoadDemand>,
    now: Timestamp,
    problems: &mut Vec<Problem>,
) -> Option<MetricsDemand> {
    let Bounds { min, max, behavior } = bounds;
    let before = problems.len();
    let field = "spec.autoscaling.metrics";
    if metrics.is_empty() || metrics.len() > METRICS_MAX {
        let list = format!("a list of {}", metrics.len());
        let allowed =
            format!("1 to {METRICS_MAX} metrics; or remove it and set spec.autoscaling.load");
        problems.push(outside(field, &list, &allowed));
    }
    let mut held = Vec::new();
    for (i, metric) in metrics.iter().take(METRICS_MAX).enumerate() {
        held.extend(target::held(metric, &format!("{field}[{i}]"), problems));
    }
    if min == Replicas::ZERO && load.is_none() && !held.iter().any(Held::works_at_zero) {
        problems.push(outside(
            "spec.autoscaling.minReplicas",
            &0,
            "1 or more, or add a metric of type Object or External, or spec.autoscaling.load: the others cannot be read while no pod runs",
        ));
    }
    if problems.len() > before {
        return None;
    }
    let mut readings = Readings::new(scope, now);
    let read: Vec<_> = metrics
        .iter()
        .zip(&held)
        .enumerate()
        .map(|(i, (metric, held))| readings.metric(metric, held, &format!("{field}[{i}]")))
        .collect();
    let Readings {
        scope: _,
        now: _,
        asked,
        unknown,
        warnings,
    } = readings;
    problems.extend(warnings);
    let counts_pods = held.iter().any(Held::counts_pods);
    Some(MetricsDemand {
        min,
        max,
        behavior,
        metrics: read,
        pods: if counts_pods {
            pods::all(scope)
        } else {
            hpa::Pods::default()
        },
        status: scope.counted(),
        unknown_sites: scope.unknown().chain(unknown).collect(),
        read_at: readings::round(&asked),
        generation: scope.workload.generation,
        start_up: scope.start_up,
        load,
    })
}

/// A metric's word in problems and conditions, as the spec has it.
fn word(held: &Held) -> &'static str {
    match held {
        Held::Resource {
            container: None, ..
        } => "Resource",
        Held::Resource { .. } => "ContainerResource",
        Held::Pods { .. } => "Pods",
        Held::Object { .. } => "Object",
        Held::External { .. } => "External",
    }
}

/// For readers of this folder: what the planner calls a lost reading.
fn lost<T>(fault: hpa::Fault) -> hpa::Reading<T> {
    hpa::Reading::Lost(fault)
}
