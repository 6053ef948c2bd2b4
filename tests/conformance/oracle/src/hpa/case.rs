//! The questions. Their fields are the arguments of the functions of `pinisi_planner::hpa`.

use jiff::{SignedDuration, Timestamp};
use pinisi_planner::hpa::behavior::Tolerances;
use pinisi_planner::hpa::memory::ScaleEvent;
use pinisi_planner::hpa::{
    Behavior, Memory, Metric, Pod, PodValue, Pods, ResourceName, Rules, Settings, Spec,
};
use pinisi_planner::model::site::SiteName;
use serde::Deserialize;
use std::collections::BTreeSet;

/// A question.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Case {
    /// Which pods count.
    Group {
        pods: Vec<Pod>,
        values: Vec<PodValue>,
        cpu: bool,
        initialization: SignedDuration,
        readiness_delay: SignedDuration,
        now: Timestamp,
    },
    /// What pods request.
    Requests {
        pods: Vec<Pod>,
        container: Option<String>,
        resource: ResourceName,
    },
    /// Replicas for one metric.
    Propose {
        metric: Metric,
        current: i32,
        status: i32,
        tolerances: Tolerances,
        pods: Pods,
        initialization: SignedDuration,
        readiness_delay: SignedDuration,
        now: Timestamp,
    },
    /// Stabilisation without a behavior.
    Highest {
        memory: Memory,
        desired: i32,
        window: SignedDuration,
        now: Timestamp,
    },
    /// Stabilisation with a behavior.
    Within {
        memory: Memory,
        current: i32,
        desired: i32,
        up_window: SignedDuration,
        down_window: SignedDuration,
        now: Timestamp,
    },
    /// Bounds without a behavior.
    ByBounds {
        current: i32,
        desired: i32,
        min: i32,
        max: i32,
        #[serde(default = "up_factor")]
        factor: i32,
    },
    /// The most that one sync makes of a count without a behavior.
    UpLimit {
        current: i32,
        #[serde(default = "up_factor")]
        factor: i32,
    },
    /// Bounds and rates with a behavior.
    ByRates {
        memory: Memory,
        behavior: Behavior,
        min: i32,
        max: i32,
        current: i32,
        desired: i32,
        now: Timestamp,
    },
    /// The most that rules upwards allow.
    Most {
        rules: Rules,
        current: i32,
        memory: Memory,
        now: Timestamp,
    },
    /// The least that rules downwards allow.
    Least {
        rules: Rules,
        current: i32,
        memory: Memory,
        now: Timestamp,
    },
    /// Replicas changed within a period.
    Changed {
        events: Vec<ScaleEvent>,
        period_seconds: i32,
        now: Timestamp,
    },
    /// The events with one more.
    Store {
        events: Vec<ScaleEvent>,
        rules: Rules,
        change: i32,
        at: Timestamp,
    },
    /// One whole sync.
    Evaluate(Box<Sync>),
    /// The memory once the count was changed.
    Rescaled {
        memory: Memory,
        behavior: Option<Behavior>,
        from: i32,
        to: i32,
        at: Timestamp,
    },
}

/// One whole sync.
#[derive(Debug, Deserialize)]
pub struct Sync {
    pub spec: Spec,
    pub current: i32,
    pub status: i32,
    #[serde(default)]
    pub scaled_to_zero: bool,
    pub metrics: Vec<Metric>,
    pub pods: Pods,
    #[serde(default)]
    pub unknown_sites: BTreeSet<SiteName>,
    #[serde(default)]
    pub settings: Settings,
    #[serde(default)]
    pub memory: Memory,
    pub now: Timestamp,
}

fn up_factor() -> i32 {
    pinisi_planner::hpa::UP_FACTOR
}
