//! `spec.autoscaling.behavior`: how fast a total may move, as in autoscaling/v2.

use crate::number::Number;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How fast the total may move, as in autoscaling/v2.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct Behavior {
    /// How the total grows. Absent: by 4 pods or 100 percent in 15 seconds, whichever is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_up: Option<ScalingRules>,
    /// How the total shrinks. Absent: at once, to the highest need of the last 300 seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_down: Option<ScalingRules>,
}

/// Rules of one direction.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct ScalingRules {
    /// Needs of this window count, in seconds, 0 to 3600: the total shrinks only to the highest of
    /// them and grows only to the lowest. Absent: 300 down, 0 up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 3600))]
    pub stabilization_window_seconds: Option<i32>,
    /// Which policy counts where there are several. Absent: Max.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select_policy: Option<SelectPolicy>,
    /// Limits on the change in a period, 1 to 16. Absent: the direction's own default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16))]
    pub policies: Option<Vec<ScalingPolicy>>,
    /// How far the metrics may be from their targets and still count as on target, as a share:
    /// "0.05" is 5 percent. 0 or more. Absent: 0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Number")]
    #[x_kube(validation = Rule::new("type(self) == int ? self >= 0 : isQuantity(self) && !quantity(self).isLessThan(quantity('0'))").message("tolerance is a share of the target: a quantity of 0 or more, for example '0.05' for 5 percent"))]
    pub tolerance: Option<Number>,
}

/// Which policy counts.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectPolicy {
    /// The one that allows the largest change.
    Max,
    /// The one that allows the smallest change.
    Min,
    /// None: no change in this direction.
    Disabled,
}

/// A limit on the change in a period.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ScalingPolicy {
    /// Unit of `value`.
    #[serde(rename = "type")]
    pub type_: PolicyType,
    /// Pods or percent, 1 or more.
    #[schemars(range(min = 1))]
    pub value: i32,
    /// Length of the period, in seconds, 1 to 1800.
    #[schemars(range(min = 1, max = 1800))]
    pub period_seconds: i32,
}

/// Unit of a policy's value.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyType {
    /// Pods.
    Pods,
    /// Percent of the count at the period's start.
    Percent,
}
