//! Replicas for one metric.

use super::behavior::Tolerances;
use super::fault::Fault;
use super::metric::{Metric, Reading};
use super::outcome::Current;
use super::pods::Pods;
use super::{per_pod, value};
use jiff::{SignedDuration, Timestamp};

/// What a metric is seen against.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// Count in the target's spec.
    pub current: i32,
    /// Count in the target's status.
    pub status: i32,
    /// Ratios that count as on target.
    pub tolerances: Tolerances,
    /// Pods that the target's selector matches.
    pub pods: &'a Pods,
    /// Pods younger than this may use CPU only to start.
    pub initialization: SignedDuration,
    /// A pod that turned unready within this of its start has never been ready.
    pub readiness_delay: SignedDuration,
    /// Now.
    pub now: Timestamp,
}

/// What a metric asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Replicas, before bounds and limits. Below 0 only for a metric that is.
    pub replicas: i32,
    /// What `status.currentMetrics` says of it.
    pub value: Current,
}

/// What `metric` asks for.
///
/// # Errors
/// Why it says nothing.
pub fn propose(metric: &Metric, scope: &Scope<'_>) -> Result<Proposal, Fault> {
    match metric {
        Metric::Resource {
            name,
            container,
            target,
            reading,
        } => per_pod::resource(name, container.as_deref(), *target, read(reading)?, scope),
        Metric::Pods {
            name: _,
            average,
            reading,
        } => per_pod::plain(*average, false, read(reading)?, scope),
        Metric::Object {
            name: _,
            kind: _,
            target,
            reading,
        } => value::object(*target, *read(reading)?, scope),
        Metric::External {
            name: _,
            target,
            reading,
        } => value::external(*target, read(reading)?, scope),
    }
}

fn read<T>(reading: &Reading<T>) -> Result<&T, Fault> {
    match reading {
        Reading::Read(value) => Ok(value),
        Reading::Lost(fault) => Err(fault.clone()),
    }
}
