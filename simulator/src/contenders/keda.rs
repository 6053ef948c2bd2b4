//! KEDA on a Prometheus query of requests a second: an HPA with an external metric and a target a
//! replica, as KEDA makes it. The load is counted at the gateway, so what is refused counts too.
//! Between no replica and the first it decides itself (`activation`).

pub mod activation;

use super::hpa::{self, Tuning};
use super::{Autoscaler, PINISI_PIPELINE, Pipeline, ServiceView};
use crate::fleet;
use crate::setup::whole;
use crate::time::Millis;
use activation::{Activation, COOLDOWN, POLLING, Triggers};
use pinisi_planner::hpa::{Fault, Memory, Metric, Pods, Reading, ValueTarget};
use pinisi_planner::model::amounts::{MilliLoad, Replicas};
use pinisi_planner::model::schedule::{Expected, Window};

/// `rate(...[1m])` of samples that are 8 s old on average (half a scrape interval of 15 s and the way
/// through two services), at the HPA's sync of 15 s.
pub const PIPELINE: Pipeline = Pipeline {
    window: Millis::secs(60),
    delay: Millis::secs(8),
    period: Millis::secs(15),
};

/// KEDA.
#[derive(Clone, Debug)]
pub struct Keda {
    pipeline: Pipeline,
    tuning: Tuning,
    memory: Memory,
    activation: Activation,
}

impl Keda {
    /// At equal lag its metric comes the way that Pinisi's does.
    #[must_use]
    pub fn new(tuning: Tuning, equal_lag: bool) -> Self {
        Self {
            pipeline: if equal_lag { PINISI_PIPELINE } else { PIPELINE },
            tuning,
            memory: Memory::default(),
            activation: Activation::new(
                if equal_lag {
                    PINISI_PIPELINE.period
                } else {
                    POLLING
                },
                COOLDOWN,
            ),
        }
    }

    /// With another `cooldownPeriod`.
    #[must_use]
    pub fn cooling(mut self, cooldown: Millis) -> Self {
        self.activation = self.activation.cooling(cooldown);
        self
    }
}

impl Autoscaler for Keda {
    fn period(&self) -> Millis {
        self.pipeline.period
    }

    fn decide(&mut self, view: &ServiceView<'_>) -> Option<Replicas> {
        let offered = view.offered(self.pipeline.window(view.now));
        let target = view.service.per_replica * f64::from(self.tuning.target) / 100.0;
        let mut metrics = vec![Metric::External {
            name: "requests".into(),
            target: ValueTarget::AverageValue(milli(target).max(1)),
            reading: match offered {
                Some(offered) => Reading::Read(vec![milli(offered)]),
                None => Reading::Lost(Fault::Unavailable("no answer".into())),
            },
        }];
        metrics.extend(view.service.windows.iter().map(|w| cron(w, target, view)));
        let none = Pods::default();
        let synced = hpa::sync(view, &self.tuning, (&metrics, &none), &mut self.memory);
        if !self.activation.is_due(view.now) {
            return synced;
        }
        let triggers = Triggers {
            active: offered.is_some_and(|rate| rate > 0.0)
                || view.service.windows.iter().any(|w| is_open(w, view)),
            failed: offered.is_none(),
        };
        // Of two that write at the same moment KEDA is the second.
        let current = synced.unwrap_or_else(|| fleet::counts(view.stations));
        let polled = self
            .activation
            .poll(view.now, triggers, current, view.service.min);
        polled.or(synced)
    }
}

/// A cron trigger: so many replicas from its start to its end, not before; else it asks for none.
fn cron(window: &Window, target: f64, view: &ServiceView<'_>) -> Metric {
    let wanted = match window.expects {
        Expected::Replicas(n) => n,
        #[allow(clippy::cast_precision_loss)] // far below 2^53
        Expected::Load(load) => whole((load.0 as f64 / 1000.0 / target).ceil()),
    };
    let wanted = if is_open(window, view) {
        i64::from(wanted.get())
    } else {
        0
    };
    Metric::External {
        name: "cron".into(),
        target: ValueTarget::AverageValue(1000),
        reading: Reading::Read(vec![wanted * 1000]),
    }
}

fn is_open(window: &Window, view: &ServiceView<'_>) -> bool {
    let now = view.now.on_calendar(view.setup.start);
    window.start <= now && now < window.end
}

/// In thousandths; what is absurd is 0, as KEDA has it for a query without an answer.
fn milli(value: f64) -> i64 {
    let load = MilliLoad::from_signal(value).unwrap_or_default();
    i64::try_from(load.0).unwrap_or(i64::MAX)
}
