//! The questions: a load second by second, a service, and what is set in whoever scales it. All
//! numbers are whole, so that both sides read the same ones.

use pinisi_planner::hpa::{Behavior, Tolerance};
use pinisi_simulator::contenders::hpa::Tuning;
use serde::Deserialize;

/// A question: one run from its start on.
#[derive(Debug, Deserialize)]
pub struct Case {
    pub contender: Contender,
    #[serde(default)]
    pub tuning: Told,
    #[serde(default)]
    pub equal_lag: bool,
    pub min: u32,
    pub max: u32,
    /// Requests a second that one replica serves.
    pub per_replica: u32,
    pub start_up_seconds: u32,
    /// KEDA's `cooldownPeriod`.
    #[serde(default = "cooldown")]
    pub cooldown_seconds: u32,
    /// Requests of each second.
    pub loads: Vec<u32>,
}

/// Who scales.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contender {
    /// An HPA on CPU.
    Hpa,
    /// KEDA on requests a second.
    Keda,
}

/// What is set; what is absent is the contender's default.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    target_percent: Option<i32>,
    tolerance: Option<Tolerance>,
    behavior: Option<Behavior>,
}

impl Told {
    /// As the contenders take it.
    pub fn tuning(self) -> Tuning {
        let Self {
            target_percent,
            tolerance,
            behavior,
        } = self;
        let default = Tuning::default();
        Tuning {
            target: target_percent.unwrap_or(default.target),
            tolerance: tolerance.unwrap_or(default.tolerance),
            behavior,
        }
    }
}

const fn cooldown() -> u32 {
    300
}
