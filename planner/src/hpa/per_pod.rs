//! Metrics with a value a pod: resources and custom metrics of pods. One look at each pod; what the
//! rules ask for are sums over the groups.

use super::fault::Fault;
use super::group::{Group, Terms};
use super::join;
use super::metric::{PodValue, ResourceName, ResourceTarget};
use super::number::{ceil, count, narrow, narrower};
use super::outcome::Current;
use super::pods::{Pod, PodRequests};
use super::replicas::{Proposal, Scope};
use super::requests::of_pod;
use std::sync::Arc;

/// What an average is held to.
#[derive(Clone, Copy)]
enum Target {
    /// Percent of what the pods request.
    Utilization(i32),
    /// A plain average, in thousandths.
    Average(i64),
}

/// Sums over pods, in thousandths.
#[derive(Clone, Copy, Default)]
struct Sums {
    pods: usize,
    used: i128,
    /// Only for a Utilization target.
    requested: i128,
}

impl Sums {
    fn add(&mut self, used: i64, requested: i64) {
        self.pods += 1;
        self.used += i128::from(used);
        self.requested += i128::from(requested);
    }

    fn with(self, other: Self) -> Self {
        Self {
            pods: self.pods + other.pods,
            used: self.used + other.used,
            requested: self.requested + other.requested,
        }
    }
}

/// The groups, as sums.
#[derive(Default)]
struct Groups {
    /// Count with their values.
    ready: Sums,
    /// Count as using nothing, and only where there is too much use.
    unready: Sums,
    /// Without a value: as if they used all that they may.
    missing: Sums,
    /// Values without a pod in the list; they have no request to compare with.
    strangers: Sums,
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
            let target = Target::Utilization(percent);
            // Pods of one template share what they request.
            let mut known: Option<(*const PodRequests, i64)> = None;
            let request = |pod: &Pod| -> Result<i64, Fault> {
                let requests = Arc::as_ptr(&pod.requests);
                if let Some((same, n)) = known
                    && std::ptr::eq(same, requests)
                {
                    return Ok(n);
                }
                let n = of_pod(pod, container, name)?;
                known = Some((requests, n));
                Ok(n)
            };
            let groups = sum(target, cpu, values, scope, request)?;
            propose(target, &groups, scope)
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
    let target = Target::Average(average);
    let groups = sum(target, cpu, values, scope, |_| Ok(0))?;
    propose(target, &groups, scope)
}

/// Sums over the groups. One pod that requests nothing makes the metric invalid, whatever its group.
fn sum(
    target: Target,
    cpu: bool,
    values: &[PodValue],
    scope: &Scope<'_>,
    mut request: impl FnMut(&Pod) -> Result<i64, Fault>,
) -> Result<Groups, Fault> {
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
    let terms = Terms::of(cpu, initialization, readiness_delay, now);
    let mut look =
        |groups: &mut Groups, fault: &mut Option<Fault>, pod: &Pod, value: Option<&PodValue>| {
            let requested = request(pod).unwrap_or_else(|why| {
                fault.get_or_insert(why);
                0
            });
            match terms.group(pod, value) {
                Group::Ready => groups.ready.add(value.map_or(0, |v| v.milli), requested),
                Group::Unready => groups.unready.add(0, requested),
                Group::Missing => groups.missing.add(fallback(target, requested), requested),
                Group::Ignored => {}
            }
        };
    let (mut groups, mut fault) = (Groups::default(), None);
    let looked = join::in_step(pods, values, |pod, value| {
        look(&mut groups, &mut fault, pod, value);
    });
    if !looked {
        (groups, fault) = (Groups::default(), None);
        let joined = join::by_name(pods, values);
        for (pod, value) in joined.pods {
            look(&mut groups, &mut fault, pod, value);
        }
        for value in joined.strangers {
            groups.strangers.add(value.milli, 0);
        }
    }
    if groups.ready.pods + groups.strangers.pods == 0 {
        return Err(Fault::NoneReady);
    }
    match fault {
        Some(fault) => Err(fault),
        None => Ok(groups),
    }
}

fn propose(target: Target, groups: &Groups, scope: &Scope<'_>) -> Result<Proposal, Fault> {
    let Groups {
        ready,
        unready,
        missing,
        strangers,
    } = groups;
    let Usage {
        ratio,
        utilization,
        average,
    } = usage(target, *ready, *strangers)?;
    let value = Current {
        utilization,
        average: Some(average),
        value: None,
    };
    let propose = |replicas| Ok(Proposal { replicas, value });
    let tolerances = scope.tolerances;

    let unready_may_help = unready.pods > 0 && ratio > 1.0;
    if !unready_may_help && missing.pods == 0 {
        return propose(if tolerances.contain(ratio) {
            scope.current
        } else {
            ceil(ratio * f64::from(count(ready.pods)))
        });
    }
    let mut counted = *ready;
    // Downwards, a pod without a value is taken to use all that it may; upwards, nothing.
    if ratio < 1.0 {
        counted = counted.with(*missing);
    } else if ratio > 1.0 {
        counted = counted.with(Sums {
            used: 0,
            ..*missing
        });
    }
    if unready_may_help {
        counted = counted.with(*unready);
    }
    let again = usage(target, counted, *strangers)?.ratio;
    let turned = (ratio < 1.0 && again > 1.0) || (ratio > 1.0 && again < 1.0);
    if tolerances.contain(again) || turned {
        return propose(scope.current);
    }
    let replicas = ceil(again * f64::from(count(counted.pods + strangers.pods)));
    let turned =
        (again < 1.0 && replicas > scope.current) || (again > 1.0 && replicas < scope.current);
    propose(if turned { scope.current } else { replicas })
}

fn usage(target: Target, counted: Sums, strangers: Sums) -> Result<Usage, Fault> {
    match target {
        Target::Average(target) => {
            let Sums {
                pods,
                used,
                requested: _,
            } = counted.with(strangers);
            let average = narrow(used / i128::from(count(pods).max(1)));
            Ok(Usage {
                ratio: average as f64 / target as f64,
                utilization: None,
                average,
            })
        }
        Target::Utilization(percent) => {
            let Sums {
                pods,
                used,
                requested,
            } = counted;
            if requested == 0 {
                return Err(Fault::NoneKnown);
            }
            let utilization = narrower(used.saturating_mul(100) / requested);
            Ok(Usage {
                ratio: f64::from(utilization) / f64::from(percent),
                utilization: Some(utilization),
                average: narrow(used / i128::from(count(pods).max(1))),
            })
        }
    }
}

/// What a pod without a value is taken to use where the rest uses less than its target.
fn fallback(target: Target, requested: i64) -> i64 {
    match target {
        Target::Average(average) => average,
        Target::Utilization(percent) => {
            narrow(i128::from(requested) * i128::from(percent.max(100)) / 100)
        }
    }
}
