//! `spec.behavior` with its defaults filled in, and tolerances.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How fast the total may move. Absent altogether, other rules hold: see [`crate::hpa::limits`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Behavior {
    /// Upwards.
    pub up: Rules,
    /// Downwards.
    pub down: Rules,
}

/// Rules of one direction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// Recommendations of this many seconds count, 0 to 3600. `None` downwards means the
    /// controller's own window, upwards 0.
    pub window_seconds: Option<i32>,
    /// Which policy counts where there are several.
    pub select: Select,
    /// At least one; without any nothing moves.
    pub policies: Vec<Policy>,
    /// Ratio that counts as on target in this direction. `None` means the controller's own.
    pub tolerance: Option<Tolerance>,
}

impl Rules {
    /// What the API server fills in for `behavior.scaleUp`.
    #[must_use]
    pub fn up() -> Self {
        let policy = |kind, value| Policy {
            kind,
            value,
            period_seconds: 15,
        };
        Self {
            window_seconds: Some(0),
            select: Select::Max,
            policies: vec![
                policy(PolicyKind::Pods, 4),
                policy(PolicyKind::Percent, 100),
            ],
            tolerance: None,
        }
    }

    /// What the API server fills in for `behavior.scaleDown`.
    #[must_use]
    pub fn down() -> Self {
        Self {
            window_seconds: None,
            select: Select::Max,
            policies: vec![Policy {
                kind: PolicyKind::Percent,
                value: 100,
                period_seconds: 15,
            }],
            tolerance: None,
        }
    }

    /// The longest period of its policies, in seconds; 0 where there is none.
    #[must_use]
    pub fn longest_period(&self) -> i32 {
        let periods = self.policies.iter().map(|p| p.period_seconds);
        periods.max().unwrap_or(0).max(0)
    }
}

/// One limit on the change in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Unit of the value.
    pub kind: PolicyKind,
    /// Pods or percent, above 0.
    pub value: i32,
    /// Length of the period, 1 to 1800 seconds.
    pub period_seconds: i32,
}

/// Unit of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PolicyKind {
    /// Pods.
    Pods,
    /// Percent of the count at the period's start.
    Percent,
}

/// Which policy counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Select {
    /// The one that allows the largest change.
    Max,
    /// The one that allows the smallest change.
    Min,
    /// None: no change in this direction.
    Disabled,
}

/// How far from 1 a ratio may be and still count as on target: not negative, finite. As text it
/// is a decimal number.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tolerance(f64);

impl Tolerance {
    /// The controller's own, unless a flag says otherwise.
    pub const DEFAULT: Self = Self(0.1);
    /// Nothing but 1 itself.
    pub const ZERO: Self = Self(0.0);

    /// From billionths, as a Kubernetes quantity counts. The float is made in the same two steps
    /// as there, from the shortest of the forms `1`, `1m`, `1u`, `1n`; they differ from the nearest
    /// float in the last bit here and there, and so must we.
    #[must_use]
    pub fn from_nanos(nanos: u64) -> Self {
        const FORMS: [(u64, f64); 4] = [
            (1_000_000_000, 1.0),
            (1_000_000, 1e-3),
            (1000, 1e-6),
            (1, 1e-9),
        ];
        let form = FORMS.iter().find(|(unit, _)| nanos.is_multiple_of(*unit));
        let (unit, scale) = form.copied().unwrap_or((1, 1e-9));
        Self((nanos / unit) as f64 * scale)
    }

    /// As a number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl FromStr for Tolerance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(x) if (0.0..=f64::MAX).contains(&x) => Ok(Self(x)),
            _ => Err(format!("a tolerance is a number from 0 up, not {text:?}")),
        }
    }
}

impl TryFrom<String> for Tolerance {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Tolerance> for String {
    fn from(t: Tolerance) -> Self {
        t.0.to_string()
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Tolerances of both directions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tolerances {
    /// Below 1.
    pub down: Tolerance,
    /// Above 1.
    pub up: Tolerance,
}

impl Tolerances {
    /// The behavior's own, or `default` where it names none.
    #[must_use]
    pub fn of(behavior: Option<&Behavior>, default: Tolerance) -> Self {
        Self {
            down: behavior.and_then(|b| b.down.tolerance).unwrap_or(default),
            up: behavior.and_then(|b| b.up.tolerance).unwrap_or(default),
        }
    }

    /// True where a ratio of use to target counts as on target. Never for what is not a number.
    #[must_use]
    pub fn contain(self, ratio: f64) -> bool {
        (1.0 - self.down.get()..=1.0 + self.up.get()).contains(&ratio)
    }
}
