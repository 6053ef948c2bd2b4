//! Who may run: each sees the load as its own signal path shows it, at its own rhythm, and says how
//! many replicas it wants. Not here: what they are held to (`run`, `summary`).

pub mod hpa;
pub mod keda;
pub mod oracle;
pub mod pinisi;

use crate::fleet::Fleet;
use crate::run::{History, Setup};
use crate::time::Millis;
use pinisi_planner::model::amounts::Replicas;

/// An autoscaler.
pub trait Contender {
    /// Its name in summaries.
    fn name(&self) -> &'static str;
    /// Time between two decisions.
    fn period(&self) -> Millis;
    /// Decides. Called every [`Contender::period`], the first time at the trace's beginning.
    fn decide(&mut self, view: &View<'_>) -> Ask;
}

/// What a contender wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Everything as it is.
    Keep,
    /// So many in all; a scheduler finds them nodes, home first.
    Total(Replicas),
    /// So many at each site, in the order of the setup.
    Sites(Vec<Replicas>),
}

/// How a metric gets to its autoscaler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// The metric is the mean over this long.
    pub window: Millis,
    /// From the end of the window to the decision.
    pub delay: Millis,
    /// Time between two decisions.
    pub period: Millis,
}

/// Pinisi's own: what an HPA or KEDA would have on the same signal path (equal lag).
pub const PINISI_PIPELINE: Pipeline = Pipeline {
    window: Millis::secs(10),
    delay: Millis::secs(1),
    period: Millis::secs(5),
};

/// What can be seen at a moment.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// What is the same for all.
    pub setup: &'a Setup,
    /// Replicas as they are.
    pub fleet: &'a Fleet,
    /// Ready replicas as they were.
    pub history: &'a History,
    /// Now.
    pub now: Millis,
}

impl View<'_> {
    /// Requests a second that came on average between two moments, served or not.
    #[must_use]
    pub fn offered(&self, from: Millis, to: Millis) -> f64 {
        self.setup.load.mean(from, to)
    }

    /// Requests that one replica served which was Ready from `from` to `to`. The load is balanced
    /// evenly, and none serves more than it can.
    #[must_use]
    pub fn served_by_one(&self, from: Millis, to: Millis) -> f64 {
        let mut served = 0.0;
        for (a, b, ready) in self.history.between(from, to) {
            if ready > Replicas::ZERO {
                let ready = f64::from(ready.get());
                let capacity = ready * self.setup.per_replica;
                served += self.setup.load.served(a, b, capacity) / ready;
            }
        }
        served
    }
}
