//! `spec.dependsOn`. What is wrong with one dependency leaves that one out and is said: a service must
//! not stop following its load for it. Not here: what follows from what a dependency can serve.

use super::limits::LOAD_MAX;
use super::problem::Problem;
use super::schedule::zone;
use crate::gather::facts::ObjectKey;
use crate::gather::index::Index;
use crate::gather::quantity::millis;
use jiff::{Timestamp, ToSpan as _};
use pinisi_crds::HybridWorkloadSpec;
use pinisi_crds::dependency::{
    CallQuota, DEPENDS_MAX, DependsOn, QuotaPeriod, QuotaSpread, WorkloadRef,
};
use pinisi_planner::WorkloadId;
use pinisi_planner::model::amounts::MilliLoad;
use pinisi_planner::model::dependency::{DayQuota, Dependency, MilliCalls, Spread, Supplier};
use std::collections::BTreeSet;
use std::fmt::Display;

/// Calls of one request from which they are absurd, in thousandths (1M, as in the schema).
const CALLS_MAX: u64 = 1_000_000_000;

/// One dependency is left out, for this.
fn left_out(field: &str, value: &dyn Display, allowed: &str) -> Problem {
    Problem::DependencyLeftOut {
        field: field.to_owned(),
        value: value.to_string(),
        allowed: allowed.to_owned(),
    }
}

/// What the requests of one workload need, in the spec's order.
pub fn read(
    index: &Index,
    of: &ObjectKey,
    spec: &HybridWorkloadSpec,
    now: Timestamp,
    problems: &mut Vec<Problem>,
) -> Vec<Dependency> {
    let Some(list) = &spec.depends_on else {
        return Vec::new();
    };
    let field = "spec.dependsOn";
    if spec.autoscaling.as_ref().is_none_or(|a| a.load.is_none()) {
        let allowed =
            "nothing, or set spec.autoscaling.load: without it nobody knows how many calls come";
        problems.push(left_out(field, &"set", allowed));
        return Vec::new();
    }
    if list.len() > DEPENDS_MAX {
        let allowed = format!("at most {DEPENDS_MAX}; the others count for nothing");
        let value = format!("a list of {}", list.len());
        problems.push(left_out(field, &value, &allowed));
    }
    let mut names = BTreeSet::new();
    let mut depends = Vec::new();
    for (i, one) in list.iter().take(DEPENDS_MAX).enumerate() {
        let field = format!("spec.dependsOn[{i}]");
        let read = if names.insert(one.name.as_str()) {
            read_one(index, of, one, &field, now)
        } else {
            let allowed = "a name that no other dependency has";
            Err(left_out(&format!("{field}.name"), &one.name, allowed))
        };
        match read {
            Ok(dependency) => depends.push(dependency),
            Err(problem) => problems.push(problem),
        }
    }
    depends
}

fn read_one(
    index: &Index,
    of: &ObjectKey,
    one: &DependsOn,
    field: &str,
    now: Timestamp,
) -> Result<Dependency, Problem> {
    let DependsOn {
        name,
        workload_ref,
        quota,
        calls_per_request,
    } = one;
    let calls = match calls_per_request {
        None => 1000,
        Some(calls) => {
            let milli = millis(&calls.0).ok().filter(|n| (1..CALLS_MAX).contains(n));
            milli.ok_or_else(|| {
                let allowed = "an average: a quantity above 0 and below 1M, for example 1 or 200m";
                left_out(
                    &format!("{field}.callsPerRequest"),
                    &format!("{:?}", calls.0),
                    allowed,
                )
            })?
        }
    };
    let supplier = match (workload_ref, quota) {
        (Some(reference), None) => back_end(index, of, reference, &format!("{field}.workloadRef"))?,
        (None, Some(quota)) => outside(quota, &format!("{field}.quota"), now)?,
        (Some(_), Some(_)) | (None, None) => {
            let both = workload_ref.is_some();
            return Err(left_out(
                &format!("{field}.quota"),
                &if both {
                    "set beside workloadRef"
                } else {
                    "missing"
                },
                "how many calls are allowed, or set workloadRef: exactly one of the two",
            ));
        }
    };
    Ok(Dependency {
        name: name.clone(),
        calls: MilliCalls(calls),
        supplier,
    })
}

/// Another workload, where what one replica of it serves is known.
fn back_end(
    index: &Index,
    of: &ObjectKey,
    reference: &WorkloadRef,
    field: &str,
) -> Result<Supplier, Problem> {
    let WorkloadRef { namespace, name } = reference;
    let key = ObjectKey {
        namespace: namespace.clone().unwrap_or_else(|| of.namespace.clone()),
        name: name.clone(),
    };
    let field = format!("{field}.name");
    let wrong = |allowed: &str| {
        let value = format!("{}/{name}", key.namespace);
        Err(left_out(&field, &value, allowed))
    };
    if key == *of {
        return wrong("another workload than this one");
    }
    let Some(facts) = index.workloads.get(&key) else {
        return wrong("a HybridWorkload that exists (kubectl get hybridworkloads -A)");
    };
    let spec = facts.spec.as_ref().ok();
    if spec
        .and_then(|s| s.autoscaling.as_ref()?.load.as_ref())
        .is_none()
    {
        return wrong(
            "a HybridWorkload with spec.autoscaling.load, so that it is known what one replica of it serves",
        );
    }
    Ok(Supplier::Workload(WorkloadId {
        namespace: key.namespace.into(),
        name: key.name.into(),
    }))
}

fn outside(quota: &CallQuota, field: &str, now: Timestamp) -> Result<Supplier, Problem> {
    let CallQuota {
        limit,
        per,
        time_zone,
        spread,
    } = quota;
    let milli = millis(&limit.0).ok().filter(|n| (1..LOAD_MAX).contains(n));
    let Some(milli) = milli else {
        let allowed =
            "how many calls are allowed: a quantity above 0 and below 1Ti, for example 300k";
        return Err(left_out(
            &format!("{field}.limit"),
            &format!("{:?}", limit.0),
            allowed,
        ));
    };
    match per {
        QuotaPeriod::Second => Ok(Supplier::PerSecond(MilliLoad(milli))),
        QuotaPeriod::Day => {
            let named = time_zone.as_deref().unwrap_or_default();
            let day = zone(named).and_then(|zone| {
                let start = now.to_zoned(zone).start_of_day().ok()?;
                let end = start.checked_add(1.day()).ok()?.start_of_day().ok()?;
                Some((start.timestamp(), end.timestamp()))
            });
            let Some((start, end)) = day else {
                let allowed = "the clock that the quota's day begins on: a zone of the IANA database, for example Asia/Jakarta";
                return Err(left_out(
                    &format!("{field}.timeZone"),
                    &format!("{named:?}"),
                    allowed,
                ));
            };
            Ok(Supplier::PerDay(DayQuota {
                limit: MilliCalls(milli),
                start,
                end,
                spread: match spread.unwrap_or_default() {
                    QuotaSpread::AsNeeded => Spread::AsNeeded,
                    QuotaSpread::Evenly => Spread::Evenly,
                },
            }))
        }
    }
}
