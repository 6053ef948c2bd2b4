//! What Knative is told: the names of `config-autoscaler`, its defaults, and the ranges that it
//! accepts. Deliberately not here: parsing.

/// The smallest target; `TargetMin` of `pkg/apis/autoscaling`.
const TARGET_MIN: f64 = 0.01;
/// Length of one bucket; `BucketSize` of `pkg/autoscaler/config`.
pub const BUCKET_SECONDS: u32 = 1;

/// `config-autoscaler` and the annotations of one revision that bear on its count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// What one pod serves at the most, in requests in flight (`container-concurrency-target-default`
    /// or `autoscaling.knative.dev/target`) or in requests a second
    /// (`requests-per-second-target-default`). The load is in the same unit.
    pub total: f64,
    /// Share of it that is aimed at, in percent; `container-concurrency-target-percentage`.
    pub target_percent: f64,
    /// `stable-window`.
    pub stable_window_seconds: u32,
    /// The panic window as a share of the stable one; `panic-window-percentage`.
    pub panic_window_percent: f64,
    /// Pods wanted by the panic window, as a share of those that are ready, from which on it is
    /// panic; `panic-threshold-percentage`.
    pub panic_threshold_percent: f64,
    /// Most that one decision makes of the ready pods, as a multiple; `max-scale-up-rate`.
    pub max_scale_up_rate: f64,
    /// Least likewise, as a divisor; `max-scale-down-rate`.
    pub max_scale_down_rate: f64,
    /// Load above the present one that is to be served without the activator;
    /// `target-burst-capacity`. 0: it is never on the way; -1: always.
    pub target_burst_capacity: f64,
    /// The highest count of so long is kept; `scale-down-delay`.
    pub scale_down_delay_seconds: u32,
    /// Least count other than 0; `autoscaling.knative.dev/activation-scale`. 1 asks for nothing.
    pub activation_scale: i32,
    /// Whether the last pod may go; `enable-scale-to-zero`.
    pub enable_scale_to_zero: bool,
    /// How long the activator must have been on the way before; `scale-to-zero-grace-period`.
    pub scale_to_zero_grace_seconds: u32,
    /// How long the last pod stays at least without load; `scale-to-zero-pod-retention-period`.
    pub pod_retention_seconds: u32,
}

/// A setting that Knative would refuse.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("Knative's {setting} is {value}; it must be {accepted}")]
pub struct OutOfRange {
    /// Its name upstream.
    pub setting: &'static str,
    /// What it is.
    pub value: f64,
    /// What would be accepted, in words.
    pub accepted: &'static str,
}

impl Default for Settings {
    /// `defaultConfig` of `pkg/autoscaler/config`, for concurrency.
    fn default() -> Self {
        Self {
            total: 100.0,
            target_percent: 70.0,
            stable_window_seconds: 60,
            panic_window_percent: 10.0,
            panic_threshold_percent: 200.0,
            max_scale_up_rate: 1000.0,
            max_scale_down_rate: 2.0,
            target_burst_capacity: 211.0,
            scale_down_delay_seconds: 0,
            activation_scale: 1,
            enable_scale_to_zero: true,
            scale_to_zero_grace_seconds: 30,
            pod_retention_seconds: 0,
        }
    }
}

impl Settings {
    /// Refuses what Knative would: `validate` of `pkg/autoscaler/config` and of
    /// `pkg/apis/autoscaling/annotation_validation.go`.
    ///
    /// # Errors
    /// The first setting that is out of its range.
    pub fn check(&self) -> Result<(), OutOfRange> {
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
            enable_scale_to_zero: _,
            scale_to_zero_grace_seconds,
            pod_retention_seconds,
        } = *self;
        let burst = target_burst_capacity;
        let (window, delay) = (stable_window_seconds, scale_down_delay_seconds);
        let (grace, retention) = (scale_to_zero_grace_seconds, pod_retention_seconds);
        let within = |n: f64, low: f64, high: f64| (low..=high).contains(&n);
        let rate = |n: f64| n.is_finite() && n > 1.0;
        let checks = [
            (
                within(total, TARGET_MIN, f64::MAX),
                ("target", total, "at least 0.01"),
            ),
            (
                within(target_percent, 1.0, 100.0),
                (
                    "target-utilization-percentage",
                    target_percent,
                    "from 1 to 100",
                ),
            ),
            (
                (6..=3600).contains(&window),
                ("stable-window", window.into(), "from 6 to 3600 seconds"),
            ),
            (
                within(panic_window_percent, 1.0, 100.0),
                (
                    "panic-window-percentage",
                    panic_window_percent,
                    "from 1 to 100",
                ),
            ),
            (
                within(panic_threshold_percent, 110.0, 1000.0),
                (
                    "panic-threshold-percentage",
                    panic_threshold_percent,
                    "from 110 to 1000",
                ),
            ),
            (
                rate(max_scale_up_rate),
                ("max-scale-up-rate", max_scale_up_rate, "more than 1"),
            ),
            (
                rate(max_scale_down_rate),
                ("max-scale-down-rate", max_scale_down_rate, "more than 1"),
            ),
            (
                within(burst, 0.0, f64::MAX) || within(burst, -1.0, -1.0),
                ("target-burst-capacity", burst, "0 or more, or -1"),
            ),
            (
                delay <= 3600,
                ("scale-down-delay", delay.into(), "at most 3600 seconds"),
            ),
            (
                activation_scale >= 1,
                ("activation-scale", activation_scale.into(), "at least 1"),
            ),
            (
                grace >= 1,
                (
                    "scale-to-zero-grace-period",
                    grace.into(),
                    "at least 1 second",
                ),
            ),
            (
                retention <= 3600,
                (
                    "scale-to-zero-pod-retention-period",
                    retention.into(),
                    "at most 3600 seconds",
                ),
            ),
        ];
        match checks.into_iter().find(|(holds, _)| !holds) {
            None => Ok(()),
            Some((_, (setting, value, accepted))) => Err(OutOfRange {
                setting,
                value,
                accepted,
            }),
        }
    }

    /// Load that one pod is to have; `ResolveMetricTarget` of
    /// `pkg/reconciler/autoscaling/resources/target.go`.
    #[must_use]
    pub fn target(&self) -> f64 {
        (self.total * (self.target_percent / 100.0)).max(TARGET_MIN)
    }

    /// The panic window in seconds, rounded; `MakeMetric` of
    /// `pkg/reconciler/autoscaling/resources/metric.go`.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // `as` saturates
    pub fn panic_window_seconds(&self) -> u32 {
        let nanos = f64::from(self.stable_window_seconds) * 1e9 * self.panic_window_percent / 100.0;
        // Cut to whole nanoseconds first, as upstream does.
        let seconds = (nanos.trunc() / 1e9).round();
        (seconds as u32).max(BUCKET_SECONDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knative_s_defaults_are_what_its_documentation_says() {
        let s = Settings::default();
        assert_eq!(s.check(), Ok(()));
        assert_eq!((s.target(), s.panic_window_seconds()), (70.0, 6));
    }

    #[test]
    fn the_panic_window_is_rounded_and_never_empty() {
        let of = |stable, percent| {
            let s = Settings {
                stable_window_seconds: stable,
                panic_window_percent: percent,
                ..Settings::default()
            };
            s.panic_window_seconds()
        };
        assert_eq!((of(65, 10.0), of(64, 10.0)), (7, 6));
        assert_eq!((of(6, 1.0), of(3600, 100.0)), (1, 3600));
    }

    #[test]
    fn what_knative_would_refuse_is_refused_by_name() {
        type Change = fn(&mut Settings);
        let wrong: [(&str, Change); 11] = [
            ("target", |s| s.total = f64::NAN),
            ("target-utilization-percentage", |s| s.target_percent = 0.0),
            ("stable-window", |s| s.stable_window_seconds = 0),
            ("panic-window-percentage", |s| s.panic_window_percent = 0.9),
            ("panic-threshold-percentage", |s| {
                s.panic_threshold_percent = 109.0;
            }),
            ("max-scale-up-rate", |s| s.max_scale_up_rate = 1.0),
            ("max-scale-down-rate", |s| {
                s.max_scale_down_rate = f64::INFINITY;
            }),
            ("target-burst-capacity", |s| s.target_burst_capacity = -0.5),
            ("activation-scale", |s| s.activation_scale = 0),
            ("scale-to-zero-grace-period", |s| {
                s.scale_to_zero_grace_seconds = 0;
            }),
            ("scale-to-zero-pod-retention-period", |s| {
                s.pod_retention_seconds = 3601;
            }),
        ];
        for (name, change) in wrong {
            let mut settings = Settings::default();
            change(&mut settings);
            let refused = settings.check().unwrap_err();
            assert_eq!(refused.setting, name);
        }
        let delay = Settings {
            scale_down_delay_seconds: 3601,
            ..Settings::default()
        };
        assert_eq!(
            delay.check().unwrap_err().to_string(),
            "Knative's scale-down-delay is 3601; it must be at most 3600 seconds"
        );
    }
}
