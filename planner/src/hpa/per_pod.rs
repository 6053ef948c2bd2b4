//! Metrics with a value a pod: resources and custom metrics of pods.

use super::behavior::Tolerances;
use super::fault::Fault;
use super::group::{Groups, by_pod, group};
use super::metric::{PodValue, ResourceName, ResourceTarget};
use super::number::{ceil, count, narrow, narrower};
use super::outcome::Current;
use super::pods::PodKey;
use super::replicas::{Proposal, Scope};
use super::requests::requests;
use std::collections::BTreeMap;

/// Values that count, by pod, in thousandths.
type Values<'a> = BTreeMap<&'a PodKey, i64>;

/// What an average is held to.
enum Target<'a> {
    /// Percent of what the pods request.
    Utilization(i32, BTreeMap<&'a PodKey, i64>),
    /// A plain average, in thousandths.
    Average(i64),
}

/// How use compares with its target.
struct Usage {
    /// Use by target.
    ratio: f64,
    /// Percent of the request; only for a Utilization target.
    utilization: Option<i32>,
    /// Average in thousandths, rounded towards 0.
    average: i64,
}

/// Replicas for the use of a resource.
pub(crate) fn resource(
    name: &ResourceName,
    container: Option<&str>,
    target: ResourceTarget,
    values: &[PodValue],
    scope: &Scope<'_>,
) -> Result<Proposal, Fault> {
    let cpu = name.is_cpu();
    match target {
        ResourceTarget::AverageValue(average) => plain(average, cpu, values, scope),
        ResourceTarget::Utilization(percent) => {
            if percent <= 0 {
                return Err(Fault::Target);
            }
            let (groups, values) = counted(cpu, values, scope)?;
            let requests = requests(scope.pods, container, name)?;
            let target = Target::Utilization(percent, requests);
            propose(&target, &groups, values, scope)
        }
    }
}

/// Replicas for a plain average.
pub(crate) fn plain(
    average: i64,
    cpu: bool,
    values: &[PodValue],
    scope: &Scope<'_>,
) -> Result<Proposal, Fault> {
    if average <= 0 {
        return Err(Fault::Target);
    }
    let (groups, values) = counted(cpu, values, scope)?;
    propose(&Target::Average(average), &groups, values, scope)
}

/// The groups, and the values without those of pods that do not count.
fn counted<'a>(
    cpu: bool,
    values: &'a [PodValue],
    scope: &Scope<'a>,
) -> Result<(Groups<'a>, Values<'a>), Fault> {
    let Scope {
        current: _,
        status: _,
        tolerances: _,
        pods,
        initialization,
        readiness_delay,
        now,
    } = *scope;
    if pods.is_empty() {
        return Err(Fault::NoPods);
    }
    let values = by_pod(values);
    let groups = group(pods, &values, cpu, initialization, readiness_delay, now);
    let counts = |pod: &PodKey| !groups.ignored.contains(pod) && !groups.unready.contains(pod);
    let values: Values<'_> = values
        .into_iter()
        .filter(|(pod, _)| counts(pod))
        .map(|(pod, value)| (pod, value.milli))
        .collect();
    if values.is_empty() {
        return Err(Fault::NoneReady);
    }
    Ok((groups, values))
}

fn propose<'a>(
    target: &Target<'a>,
    groups: &Groups<'a>,
    mut values: Values<'a>,
    scope: &Scope<'_>,
) -> Result<Proposal, Fault> {
    let Usage {
        ratio,
        utilization,
        average,
    } = usage(target, &values)?;
    let value = Current {
        utilization,
        average: Some(average),
        value: None,
    };
    let propose = |replicas| Ok(Proposal { replicas, value });
    let tolerances: Tolerances = scope.tolerances;

    let unready_may_help = !groups.unready.is_empty() && ratio > 1.0;
    if !unready_may_help && groups.missing.is_empty() {
        return propose(if tolerances.contain(ratio) {
            scope.current
        } else {
            ceil(ratio * f64::from(count(groups.ready)))
        });
    }
    // Downwards, a pod without a value is taken to use all that it may; upwards, nothing.
    for &pod in &groups.missing {
        if ratio < 1.0 {
            values.insert(pod, fallback(target, pod));
        } else if ratio > 1.0 {
            values.insert(pod, 0);
        }
    }
    if unready_may_help {
        values.extend(groups.unready.iter().map(|pod| (*pod, 0)));
    }
    let again = usage(target, &values)?.ratio;
    let turned = (ratio < 1.0 && again > 1.0) || (ratio > 1.0 && again < 1.0);
    if tolerances.contain(again) || turned {
        return propose(scope.current);
    }
    let replicas = ceil(again * f64::from(count(values.len())));
    let turned =
        (again < 1.0 && replicas > scope.current) || (again > 1.0 && replicas < scope.current);
    propose(if turned { scope.current } else { replicas })
}

fn usage(target: &Target<'_>, values: &Values<'_>) -> Result<Usage, Fault> {
    let mut sum = 0i128;
    match target {
        Target::Average(target) => {
            sum += values.values().map(|v| i128::from(*v)).sum::<i128>();
            let average = narrow(sum / i128::from(count(values.len()).max(1)));
            Ok(Usage {
                ratio: average as f64 / *target as f64,
                utilization: None,
                average,
            })
        }
        Target::Utilization(percent, requests) => {
            let (mut requested, mut n) = (0i128, 0i128);
            for (pod, value) in values {
                // A value of a pod that is not in the list has no request to compare with.
                let Some(request) = requests.get(pod) else {
                    continue;
                };
                sum += i128::from(*value);
                requested += i128::from(*request);
                n += 1;
            }
            if requested == 0 {
                return Err(Fault::NoneKnown);
            }
            let utilization = narrower(sum.saturating_mul(100) / requested);
            Ok(Usage {
                ratio: f64::from(utilization) / f64::from(*percent),
                utilization: Some(utilization),
                average: narrow(sum / n.max(1)),
            })
        }
    }
}

/// What a pod without a value is taken to use where the rest uses less than its target.
fn fallback(target: &Target<'_>, pod: &PodKey) -> i64 {
    match target {
        Target::Average(average) => *average,
        Target::Utilization(percent, requests) => {
            let request = requests.get(pod).copied().unwrap_or_default();
            narrow(i128::from(request) * i128::from(*percent.max(&100)) / 100)
        }
    }
}
