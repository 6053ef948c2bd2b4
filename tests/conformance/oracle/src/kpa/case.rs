//! The questions: settings, and what happens to one autoscaler. Numbers with a fraction are integers
//! in thousandths, so that both sides read the same one.

use jiff::Timestamp;
use pinisi_simulator::contenders::knative::Settings;
use serde::Deserialize;

/// A question.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Case {
    /// One autoscaler from its start on.
    Run(Run),
    /// What is written of what one wants, from the start of a revision on.
    Revision(Revision),
}

/// One autoscaler from its start on.
#[derive(Debug, Deserialize)]
pub struct Run {
    #[serde(default)]
    pub settings: Told,
    pub ready: i32,
    pub now: Timestamp,
    pub steps: Vec<Step>,
}

/// What happens to it.
#[derive(Debug, Deserialize)]
pub enum Step {
    /// A scrape.
    Record { at: Timestamp, load: i64 },
    /// A tick.
    Scale { now: Timestamp, ready: i32 },
}

/// What is written of what an autoscaler wants.
#[derive(Debug, Deserialize)]
pub struct Revision {
    #[serde(default)]
    pub settings: Told,
    pub min: i32,
    pub max: i32,
    pub now: Timestamp,
    pub steps: Vec<Reconcile>,
}

/// One reconcile.
#[derive(Debug, Deserialize)]
pub struct Reconcile {
    pub now: Timestamp,
    /// Desired count and excess burst.
    pub scaled: Option<(i32, i32)>,
    pub ready: i32,
}

/// Settings; what is absent is Knative's default.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    total: Option<i64>,
    target_percent: Option<i64>,
    stable_window_seconds: Option<u32>,
    panic_window_percent: Option<i64>,
    panic_threshold_percent: Option<i64>,
    max_scale_up_rate: Option<i64>,
    max_scale_down_rate: Option<i64>,
    target_burst_capacity: Option<i64>,
    scale_down_delay_seconds: Option<u32>,
    activation_scale: Option<i32>,
    enable_scale_to_zero: Option<bool>,
    scale_to_zero_grace_seconds: Option<u32>,
    pod_retention_seconds: Option<u32>,
}

impl Told {
    /// As the model takes them.
    pub fn settings(self) -> Settings {
        let Self {
            total,
            target_percent,
            stable_window_seconds,
            panic_window_percent,
            panic_threshold_percent,
            max_scale_up_rate,
            max_scale_down_rate,
            target_burst_capacity,
            scale_down_delay_seconds,
            activation_scale,
            enable_scale_to_zero,
            scale_to_zero_grace_seconds,
            pod_retention_seconds,
        } = self;
        let s = Settings::default();
        let or = |told: Option<i64>, default| told.map_or(default, from_milli);
        Settings {
            total: or(total, s.total),
            target_percent: or(target_percent, s.target_percent),
            stable_window_seconds: stable_window_seconds.unwrap_or(s.stable_window_seconds),
            panic_window_percent: or(panic_window_percent, s.panic_window_percent),
            panic_threshold_percent: or(panic_threshold_percent, s.panic_threshold_percent),
            max_scale_up_rate: or(max_scale_up_rate, s.max_scale_up_rate),
            max_scale_down_rate: or(max_scale_down_rate, s.max_scale_down_rate),
            target_burst_capacity: or(target_burst_capacity, s.target_burst_capacity),
            scale_down_delay_seconds: scale_down_delay_seconds
                .unwrap_or(s.scale_down_delay_seconds),
            activation_scale: activation_scale.unwrap_or(s.activation_scale),
            enable_scale_to_zero: enable_scale_to_zero.unwrap_or(s.enable_scale_to_zero),
            scale_to_zero_grace_seconds: scale_to_zero_grace_seconds
                .unwrap_or(s.scale_to_zero_grace_seconds),
            pod_retention_seconds: pod_retention_seconds.unwrap_or(s.pod_retention_seconds),
        }
    }
}

/// The number that so many thousandths are.
pub fn from_milli(n: i64) -> f64 {
    n as f64 / 1000.0
}
