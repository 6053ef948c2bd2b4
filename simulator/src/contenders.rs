//! Who may run: each sees the load as its own signal path shows it, at its own rhythm, and says how
//! many replicas it wants. Not here: what they are held to (`run`, `summary`).

pub mod hpa;
pub mod keda;
pub mod knative;
pub mod oracle;
pub mod pinisi;
pub mod revision;

use crate::crowd::Crowd;
use crate::fault::silent_since;
use crate::fleet::{Fleet, Station};
use crate::history::History;
use crate::setup::{Service, Setup};
use crate::time::Millis;
use pinisi_planner::model::amounts::Replicas;

/// An autoscaler of all services.
pub trait Contender {
    /// Time between two decisions.
    fn period(&self) -> Millis;
    /// Decides for each service, in the order of the setup. Called every [`Contender::period`], the
    /// first time at the beginning.
    fn decide(&mut self, view: &View<'_>) -> Vec<Ask>;
}

/// An autoscaler of one service that knows nothing of sites.
pub trait Autoscaler {
    /// Time between two decisions.
    fn period(&self) -> Millis;
    /// Decides; `None` leaves the count as it is.
    fn decide(&mut self, view: &ServiceView<'_>) -> Option<Replicas>;
}

/// One autoscaler for each service. They do not know of each other.
#[derive(Clone, Debug)]
pub struct Each<A>(Vec<A>);

impl<A: Autoscaler + Clone> Each<A> {
    /// The same one for all services of a setup.
    #[must_use]
    pub fn of(setup: &Setup, one: &A) -> Self {
        Self(vec![one.clone(); setup.services.len()])
    }
}

impl<A: Autoscaler> Contender for Each<A> {
    fn period(&self) -> Millis {
        self.0.first().map_or(Millis::NEVER, A::period)
    }

    fn decide(&mut self, view: &View<'_>) -> Vec<Ask> {
        let all = self.0.iter_mut().enumerate();
        let asks = all.map(|(i, one)| {
            let wanted = view.of(i).and_then(|view| one.decide(&view));
            wanted.map_or(Ask::Keep, Ask::Total)
        });
        asks.collect()
    }
}

/// What a contender wants for a service.
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

/// Pinisi's own, on a gateway's page that is asked every second. At equal lag all others have it too.
pub const PINISI_PIPELINE: Pipeline = Pipeline {
    window: Millis::secs(10),
    delay: Millis::secs(1),
    period: Millis::secs(5),
};

impl Pipeline {
    /// The window that a decision at `now` sees.
    #[must_use]
    pub const fn window(&self, now: Millis) -> (Millis, Millis) {
        let to = now.minus(self.delay);
        (to.minus(self.window), to)
    }
}

/// What can be seen at a moment.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// What is the same for all.
    pub setup: &'a Setup,
    /// Replicas as they are.
    pub fleet: &'a Fleet,
    /// Ready replicas as they were, by service.
    pub histories: &'a [History],
    /// Who waits and comes back, by service.
    pub crowds: &'a [Crowd],
    /// Now.
    pub now: Millis,
}

impl<'a> View<'a> {
    /// One service of it.
    #[must_use]
    pub fn of(&self, service: usize) -> Option<ServiceView<'a>> {
        Some(ServiceView {
            setup: self.setup,
            service: self.setup.services.get(service)?,
            stations: self.fleet.of(service),
            history: self.histories.get(service)?,
            crowd: self.crowds.get(service)?,
            now: self.now,
        })
    }
}

/// What can be seen of one service at a moment.
#[derive(Clone, Copy, Debug)]
pub struct ServiceView<'a> {
    /// What is the same for all.
    pub setup: &'a Setup,
    /// The service.
    pub service: &'a Service,
    /// Its replicas as they are, by site.
    pub stations: &'a [Station],
    /// Its Ready replicas as they were.
    pub history: &'a History,
    /// Who waits and comes back.
    pub crowd: &'a Crowd,
    /// Now.
    pub now: Millis,
}

impl ServiceView<'_> {
    /// Since when no figure is to be had, if so.
    #[must_use]
    pub fn silent_since(&self) -> Option<Millis> {
        silent_since(&self.setup.faults, self.now)
    }

    /// Requests a second that came on average between two moments, served or not, those that came
    /// again among them; `None` while the signal is lost.
    #[must_use]
    pub fn offered(&self, (from, to): (Millis, Millis)) -> Option<f64> {
        let heard = self.silent_since().is_none();
        let again = || match self.setup.patience {
            Some(_) if from < to => self.crowd.returned((from, to)) / to.minus(from).seconds(),
            Some(_) | None => 0.0,
        };
        heard.then(|| self.service.load.mean(from, to) + again())
    }

    /// Requests that one replica served which was Ready from `from` to `to`. The load is balanced
    /// evenly, and none serves more than it can.
    #[must_use]
    pub fn served_by_one(&self, (from, to): (Millis, Millis)) -> f64 {
        if self.setup.patience.is_some() && from >= Millis::ZERO {
            return self.crowd.served_by_one((from, to));
        }
        let mut served = 0.0;
        for (a, b, ready) in self.history.between(from, to) {
            if ready > Replicas::ZERO {
                let ready = f64::from(ready.get());
                let capacity = ready * self.service.per_replica;
                served += self.service.load.served(a, b, capacity) / ready;
            }
        }
        served
    }
}
