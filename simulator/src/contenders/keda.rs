//! KEDA on a Prometheus query of requests a second: an HPA with an external metric and a target a
//! replica, as KEDA makes it. The load is counted at the gateway, so what is refused counts too.

use super::{Autoscaler, PINISI_PIPELINE, Pipeline, ServiceView, hpa};
use crate::time::Millis;
use pinisi_planner::hpa::{Memory, Metric, Reading, ValueTarget};
use pinisi_planner::model::amounts::{MilliLoad, Replicas};

/// Share of what a replica can serve that is the target.
pub const TARGET: f64 = 0.7;
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
    memory: Memory,
}

impl Keda {
    /// With its defaults. At equal lag its metric comes the way that Pinisi's does.
    #[must_use]
    pub fn new(equal_lag: bool) -> Self {
        Self {
            pipeline: if equal_lag { PINISI_PIPELINE } else { PIPELINE },
            memory: Memory::default(),
        }
    }
}

impl Autoscaler for Keda {
    fn period(&self) -> Millis {
        self.pipeline.period
    }

    fn decide(&mut self, view: &ServiceView<'_>) -> Option<Replicas> {
        let offered = view.offered(self.pipeline.window(view.now));
        let metrics = [Metric::External {
            name: "requests".into(),
            target: ValueTarget::AverageValue(milli(view.service.per_replica * TARGET).max(1)),
            reading: Reading::Read(vec![milli(offered)]),
        }];
        hpa::sync(view, &metrics, &[], &mut self.memory)
    }
}

/// In thousandths; what is absurd is 0, as KEDA has it for a query without an answer.
fn milli(value: f64) -> i64 {
    let load = MilliLoad::from_signal(value).unwrap_or_default();
    i64::try_from(load.0).unwrap_or(i64::MAX)
}
