//! What a sync comes to, with the HPA's own conditions and words.

use super::fault::Fault;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// What a sync comes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The new count, or `None` where the metrics allow no decision: then it stays as it is.
    pub desired: Option<i32>,
    /// The count that it was decided against.
    pub current: i32,
    /// What the metrics ask for, before stabilisation and limits.
    pub recommended: Option<i32>,
    /// The same after stabilisation.
    pub stabilized: Option<i32>,
    /// Of the metric that asks for most: its name.
    pub metric: Option<Arc<str>>,
    /// Condition AbleToScale, before the count is written.
    pub able: Able,
    /// Condition ScalingActive; `None` leaves it as it was.
    pub active: Option<Active>,
    /// Condition ScalingLimited; `None` leaves it as it was.
    pub limited: Option<Limit>,
    /// Condition ScaledToZero; `None` leaves it as it was.
    pub scaled_to_zero: Option<bool>,
    /// Why the count changes.
    pub rescale: Option<Rescale>,
    /// Invalid metrics by their place in the spec, and sites that are not known after the last.
    pub faults: Vec<(usize, Fault)>,
    /// Current value of each metric, `None` where it is invalid or was not needed.
    pub currents: Vec<Option<Current>>,
}

/// Current value of a metric, in thousandths of its unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Current {
    /// Percent of the request.
    pub utilization: Option<i32>,
    /// Average over pods.
    pub average: Option<i64>,
    /// The value itself.
    pub value: Option<i64>,
}

/// Condition AbleToScale, always true where there is a scale to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Able {
    /// The count was read; no metric was looked at, or none was valid.
    SucceededGetScale,
    /// The recommendation stands as it is.
    ReadyForNewScale,
    /// Recommendations of the window were lower.
    ScaleUpStabilized,
    /// Recommendations of the window were higher.
    ScaleDownStabilized,
}

/// Condition ScalingActive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Active {
    /// True.
    ValidMetricFound,
    /// False: the count was set to 0 by somebody else.
    ScalingDisabled,
    /// False: of the first invalid metric its kind, as in [`crate::hpa::Metric::kind`].
    FailedGetMetric(String),
}

/// Condition ScalingLimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Limit {
    /// False.
    DesiredWithinRange,
    /// Cut by the minimum.
    TooFewReplicas,
    /// Cut by the maximum.
    TooManyReplicas,
    /// Cut by the rate upwards.
    ScaleUpLimit,
    /// Cut by the rate downwards.
    ScaleDownLimit,
}

/// Why a count changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rescale {
    /// It was above the maximum.
    AboveMaximum,
    /// It was below the minimum.
    BelowMinimum,
    /// This metric is above its target.
    AboveTarget(Arc<str>),
    /// All are below.
    BelowTarget,
}

/// A condition as the API has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Its type.
    pub kind: &'static str,
    /// Its status.
    pub status: bool,
    /// Its reason.
    pub reason: String,
    /// Its message.
    pub message: String,
}

impl Outcome {
    /// Nothing looked at yet.
    pub(crate) const fn new() -> Self {
        Self {
            desired: None,
            current: 0,
            recommended: None,
            stabilized: None,
            metric: None,
            able: Able::SucceededGetScale,
            active: None,
            limited: None,
            scaled_to_zero: None,
            rescale: None,
            faults: Vec::new(),
            currents: Vec::new(),
        }
    }

    /// Begins anew against a count, with the lists of before emptied and not given back. Returns the
    /// metric's name of before.
    pub(crate) fn begin(&mut self, current: i32, metrics: usize) -> Option<Arc<str>> {
        let mut faults = std::mem::take(&mut self.faults);
        let mut currents = std::mem::take(&mut self.currents);
        faults.clear();
        currents.clear();
        currents.reserve_exact(metrics);
        currents.resize(metrics, None);
        let last = self.metric.take();
        *self = Self {
            current,
            faults,
            currents,
            ..Self::new()
        };
        last
    }

    /// True where the count is to change.
    #[must_use]
    pub fn rescales(&self) -> bool {
        self.desired.is_some_and(|n| n != self.current)
    }

    /// The conditions that this sync sets, as they are once a changed count is written. Those that
    /// it leaves alone are not in the list.
    #[must_use]
    pub fn conditions(&self) -> Vec<Condition> {
        let (able, message) = match (self.desired, self.able) {
            (Some(n), _) if self.rescales() => (
                "SucceededRescale",
                format!("the HPA controller was able to update the target scale to {n}"),
            ),
            (Some(_) | None, able) => (able.word(), able.to_string()),
        };
        let mut list = vec![condition("AbleToScale", true, able, message)];
        if let Some(active) = &self.active {
            let (reason, message) = (active.word(), self.activity(active));
            let holds = *active == Active::ValidMetricFound;
            list.push(condition("ScalingActive", holds, &reason, message));
        }
        if let Some(limit) = self.limited {
            let holds = limit != Limit::DesiredWithinRange;
            list.push(condition(
                "ScalingLimited",
                holds,
                limit.word(),
                limit.to_string(),
            ));
        }
        if let Some(zero) = self.scaled_to_zero {
            let (reason, did) = if zero {
                ("ScaledToZero", "scaled")
            } else {
                ("NotScaledToZero", "did not scale")
            };
            let message = format!("the HPA controller {did} the workload to zero");
            list.push(condition("ScaledToZero", zero, reason, message));
        }
        list
    }

    fn activity(&self, active: &Active) -> String {
        match active {
            Active::ValidMetricFound => format!(
                "the HPA was able to successfully calculate a replica count from {}",
                self.metric.as_deref().unwrap_or_default()
            ),
            Active::ScalingDisabled => {
                "scaling is disabled since the replica count of the target is zero".into()
            }
            Active::FailedGetMetric(_) => {
                let fault = self.faults.first().map(|(_, fault)| fault.to_string());
                format!(
                    "the HPA was unable to compute the replica count: {}",
                    fault.unwrap_or_default()
                )
            }
        }
    }
}

fn condition(kind: &'static str, status: bool, reason: &str, message: String) -> Condition {
    Condition {
        kind,
        status,
        reason: reason.into(),
        message,
    }
}

impl Able {
    /// The reason's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::SucceededGetScale => "SucceededGetScale",
            Self::ReadyForNewScale => "ReadyForNewScale",
            Self::ScaleUpStabilized => "ScaleUpStabilized",
            Self::ScaleDownStabilized => "ScaleDownStabilized",
        }
    }
}

impl fmt::Display for Able {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SucceededGetScale => {
                "the HPA controller was able to get the target's current scale"
            }
            Self::ReadyForNewScale => "recommended size matches current size",
            Self::ScaleUpStabilized => {
                "recent recommendations were lower than current one, applying the lowest recent recommendation"
            }
            Self::ScaleDownStabilized => {
                "recent recommendations were higher than current one, applying the highest recent recommendation"
            }
        })
    }
}

impl Active {
    /// The reason's word.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::ValidMetricFound => "ValidMetricFound".into(),
            Self::ScalingDisabled => "ScalingDisabled".into(),
            Self::FailedGetMetric(kind) => format!("FailedGet{kind}Metric"),
        }
    }
}

impl Limit {
    /// The reason's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::DesiredWithinRange => "DesiredWithinRange",
            Self::TooFewReplicas => "TooFewReplicas",
            Self::TooManyReplicas => "TooManyReplicas",
            Self::ScaleUpLimit => "ScaleUpLimit",
            Self::ScaleDownLimit => "ScaleDownLimit",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DesiredWithinRange => "the desired count is within the acceptable range",
            Self::TooFewReplicas => {
                "the desired replica count is less than the minimum replica count"
            }
            Self::TooManyReplicas => {
                "the desired replica count is more than the maximum replica count"
            }
            Self::ScaleUpLimit => {
                "the desired replica count is increasing faster than the maximum scale rate"
            }
            Self::ScaleDownLimit => {
                "the desired replica count is decreasing faster than the maximum scale rate"
            }
        })
    }
}

impl fmt::Display for Rescale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AboveMaximum => f.write_str("Current number of replicas above Spec.MaxReplicas"),
            Self::BelowMinimum => f.write_str("Current number of replicas below Spec.MinReplicas"),
            Self::AboveTarget(metric) => write!(f, "{metric} above target"),
            Self::BelowTarget => f.write_str("All metrics below target"),
        }
    }
}
