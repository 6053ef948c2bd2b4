//! Knative with its autoscaler (`knative`) fed as a revision's would be: requests a second at the
//! gateway second by second, what is refused included, and a decision every 2 s, which is reconciled at
//! once. Its windows are its algorithm, so at equal lag only the delay is Pinisi's, and that is its own
//! too.

use super::knative::{Found, Kpa, SCRAPE, Scaler, Settings, TICK};
use super::{Autoscaler, ServiceView};
use crate::fleet;
use crate::time::Millis;
use pinisi_planner::model::amounts::Replicas;

/// From the end of a second to the scrape that has it.
const DELAY: Millis = Millis::secs(1);
/// What a Service asks of `target-burst-capacity` to keep the activator out of the way: it would hold
/// requests back, and nobody here queues.
const NO_BURST: f64 = 0.0;

/// A revision's autoscaler.
#[derive(Clone, Debug, Default)]
pub struct Revision {
    settings: Settings,
    parts: Option<(Kpa, Scaler)>,
    /// The last decision.
    scaled: Option<(i32, i32)>,
    /// Up to when it has been fed.
    fed: Millis,
}

impl Revision {
    /// What a replica serves and the burst capacity are the run's, whatever the settings say.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            ..Self::default()
        }
    }

    /// Starts at the first look, as it finds the replicas then.
    fn start(&self, view: &ServiceView<'_>) -> Option<(Kpa, Scaler)> {
        let settings = Settings {
            total: view.service.per_replica,
            target_burst_capacity: NO_BURST,
            ..self.settings
        };
        let ready = fleet::ready(view.stations).to_api();
        let now = view.now.on_calendar(view.setup.start);
        let (min, max) = (view.service.min.to_api(), view.service.max.to_api());
        // A service of less than a hundredth of a request a second is nothing to Knative.
        let kpa = Kpa::new(settings, ready, now).ok()?;
        Some((kpa, Scaler::new(settings, min, max, now).ok()?))
    }
}

impl Autoscaler for Revision {
    fn period(&self) -> Millis {
        Millis::of(TICK)
    }

    fn decide(&mut self, view: &ServiceView<'_>) -> Option<Replicas> {
        let start = view.setup.start;
        if self.parts.is_none() {
            self.parts = self.start(view);
            let window = self.settings.stable_window_seconds;
            self.fed = view.now.minus(Millis::secs(window.into()));
        }
        let (kpa, scaler) = self.parts.as_mut()?;
        let scrape = Millis::of(SCRAPE);
        while self.fed < view.now {
            let to = self.fed.plus(scrape);
            let measured = to.minus(DELAY);
            if let Some(load) = view.offered((measured.minus(scrape), measured)) {
                kpa.record(to.on_calendar(start), load);
            }
            self.fed = to;
        }
        let ready = fleet::ready(view.stations).to_api();
        let now = view.now.on_calendar(start);
        if let Some(scaled) = kpa.scale(now, ready) {
            self.scaled = Some((scaled.desired, scaled.excess_burst));
        }
        let scaled = self.scaled;
        let desired = Replicas::from_api(scaler.reconcile(now, Found { scaled, ready })?);
        (desired != fleet::counts(view.stations)).then_some(desired)
    }
}
