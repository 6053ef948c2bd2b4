//! What a workload's metrics say, for its status: the HPA's own conditions, and current values. As
//! long as nothing moves, what only wobbles is not shown anew.

use super::conditions::Said;
use super::stable;
use crate::gather::metrics::question::Api;
use crate::gather::quantity::{bytes_text, signed_millis};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use pinisi_crds::autoscaling::metric::MetricType;
use pinisi_crds::autoscaling::status::{MetricStatus, MetricValue};
use pinisi_planner::hpa::outcome::{Active, Current};
use pinisi_planner::hpa::{Fault, Metric, Outcome, Reading};
use pinisi_planner::model::workload::{Demand, MetricsDemand};

/// Values that differ by less than this, in percent, are alike: an HPA's own tolerance.
const ALIKE_PERCENT: i128 = 10;
/// Conditions of an HPA that a sync may leave as they were.
const LEFT: [&str; 4] = [
    "AbleToScale",
    "ScalingActive",
    "ScalingLimited",
    "ScaledToZero",
];

/// The HPA's conditions. What keeps a metric from being read is said with the metric and its API,
/// also where the reading was lost since the last sync.
#[must_use]
pub fn conditions(demand: &MetricsDemand, outcome: &Outcome) -> Vec<Said> {
    let mut said: Vec<_> = outcome
        .conditions()
        .into_iter()
        .map(|c| Said::new(c.kind, c.status, &c.reason, c.message))
        .collect();
    let unsaid = || {
        let lost = |metric| Some((Some(metric), fault(metric)?));
        demand.metrics.iter().find_map(lost)
    };
    let invalid = match &outcome.active {
        Some(Active::FailedGetMetric(_)) => {
            let first = outcome.faults.first();
            first.map(|(i, fault)| (demand.metrics.get(*i), fault))
        }
        Some(Active::ValidMetricFound) if outcome.faults.is_empty() => unsaid(),
        Some(Active::ValidMetricFound | Active::ScalingDisabled) | None => None,
    };
    if let Some((metric, fault)) = invalid {
        said.retain(|c| c.kind != "ScalingActive");
        said.push(failing(demand, metric, fault));
    }
    said
}

/// ScalingActive is False. An HPA's word names the type of the metric, and not what is wrong with it.
fn failing(demand: &MetricsDemand, metric: Option<&Metric>, fault: &Fault) -> Said {
    // As an HPA has it, a site that is not known makes the first metric one that cannot be had.
    let kind = metric.or(demand.metrics.first()).map_or("", Metric::kind);
    let reason = format!("FailedGet{kind}Metric");
    let of = metric.map_or_else(String::new, |metric| {
        format!("{metric} from {}: ", api(metric).group())
    });
    let message = format!("{of}{fault}; nothing shrinks");
    Said::new("ScalingActive", false, &reason, message).with_cause_in_text()
}

/// The API that a metric is read from.
const fn api(metric: &Metric) -> Api {
    match metric {
        Metric::Resource { .. } => Api::Resource,
        Metric::Pods { .. } | Metric::Object { .. } => Api::Custom,
        Metric::External { .. } => Api::External,
    }
}

fn fault(metric: &Metric) -> Option<&Fault> {
    fn of<T>(reading: &Reading<T>) -> Option<&Fault> {
        match reading {
            Reading::Read(_) => None,
            Reading::Lost(fault) => Some(fault),
        }
    }
    match metric {
        Metric::Resource { reading, .. } | Metric::Pods { reading, .. } => of(reading),
        Metric::Object { reading, .. } => of(reading),
        Metric::External { reading, .. } => of(reading),
    }
}

/// AbleToScale is always True, and its reason changes with every wobble of a metric: without a move
/// the old one stays.
pub fn keep_words(old: &[Condition], said: &mut [Said]) {
    for said in said.iter_mut().filter(|s| s.kind == "AbleToScale") {
        let before = old.iter().find(|c| c.type_ == said.kind);
        if let Some(before) = before.filter(|before| before.status == said.word()) {
            said.reason.clone_from(&before.reason);
            said.message.clone_from(&before.message);
        }
    }
}

/// With the HPA's conditions that were not said anew, as they were.
#[must_use]
pub fn with_unsaid(demand: &Demand, old: &[Condition], fresh: Vec<Condition>) -> Vec<Condition> {
    match demand {
        Demand::Metrics(_) => {
            let left = old.iter().filter(|c| LEFT.contains(&c.type_.as_str()));
            stable::over(&left.cloned().collect::<Vec<_>>(), fresh)
        }
        Demand::Untouched | Demand::Fixed(_) | Demand::Load(_) => fresh,
    }
}

/// Current values, in the spec's order; none for a metric that says nothing usable.
#[must_use]
pub fn current(demand: &Demand, outcome: Option<&Outcome>) -> Vec<MetricStatus> {
    let (Demand::Metrics(demand), Some(outcome)) = (demand, outcome) else {
        return Vec::new();
    };
    let pairs = demand.metrics.iter().zip(&outcome.currents);
    pairs
        .filter_map(|(metric, current)| Some(shown(metric, current.as_ref()?)))
        .collect()
}

fn shown(metric: &Metric, current: &Current) -> MetricStatus {
    let Current {
        utilization,
        average,
        value,
    } = current;
    let (type_, name, container) = match metric {
        Metric::Resource {
            name, container, ..
        } => {
            let type_ = match container {
                None => MetricType::Resource,
                Some(_) => MetricType::ContainerResource,
            };
            (type_, name.as_str(), container.as_deref())
        }
        Metric::Pods { name, .. } => (MetricType::Pods, &**name, None),
        Metric::Object { name, .. } => (MetricType::Object, &**name, None),
        Metric::External { name, .. } => (MetricType::External, &**name, None),
    };
    let bytes = matches!(metric, Metric::Resource { name, .. } if name.as_str() == "memory");
    let text = |milli: i64| quantity_text(milli, bytes);
    MetricStatus {
        type_,
        name: name.to_owned(),
        container: container.map(ToOwned::to_owned),
        current: MetricValue {
            average_utilization: *utilization,
            average_value: average.map(text),
            value: value.map(text),
        },
    }
}

/// Thousandths as a quantity; of bytes whole ones in binary units.
fn quantity_text(milli: i64, bytes: bool) -> String {
    match u64::try_from(milli / 1000) {
        Ok(whole) if bytes => bytes_text(whole),
        _ if milli % 1000 == 0 => format!("{}", milli / 1000),
        _ => format!("{milli}m"),
    }
}

/// True where both show the same metrics with values that are alike.
#[must_use]
pub fn alike(old: &[MetricStatus], new: &[MetricStatus]) -> bool {
    let same = |(a, b): (&MetricStatus, &MetricStatus)| {
        let MetricStatus {
            type_,
            name,
            container,
            current,
        } = a;
        (*type_, name, container) == (b.type_, &b.name, &b.container) && near(current, &b.current)
    };
    old.len() == new.len() && old.iter().zip(new).all(same)
}

fn near(a: &MetricValue, b: &MetricValue) -> bool {
    let MetricValue {
        average_utilization,
        average_value,
        value,
    } = a;
    let milli = |text: &Option<String>| text.as_ref().and_then(|t| signed_millis(t).ok());
    let percent = |n: Option<i32>| n.map(|n| i64::from(n).saturating_mul(1000));
    let close = |a: Option<i64>, b: Option<i64>| match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => {
            let (a, b) = (i128::from(a), i128::from(b));
            (a - b).abs() * 100 <= a.abs().max(b.abs()) * ALIKE_PERCENT
        }
        (Some(_), None) | (None, Some(_)) => false,
    };
    close(
        percent(*average_utilization),
        percent(b.average_utilization),
    ) && close(milli(average_value), milli(&b.average_value))
        && close(milli(value), milli(&b.value))
}

#[cfg(test)]
mod tests;
