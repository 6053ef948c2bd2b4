//! What is the same for all contenders: services with their loads, and sites to run at.

use crate::crowd::Patience;
use crate::fault::Fault;
use crate::load::Load;
use crate::time::Millis;
use jiff::{SignedDuration, Timestamp};
use pinisi_planner::model::amounts::{Percent, Replicas, Resources};
use pinisi_planner::model::money::{Currency, Money};
use pinisi_planner::model::price::PerHour;
use pinisi_planner::model::schedule::Window;
use pinisi_planner::model::site::{SiteKind, SiteName};
use pinisi_planner::model::workload::{DrainPolicy, Tier};

/// What everybody starts with carries this share of what it could.
pub const START_USE: f64 = 0.7;
/// What a replica requests where nothing else is said: one core and 1 GiB.
pub const REQUEST: Resources = Resources {
    millicores: 1000,
    bytes: 1 << 30,
};

/// Least room above the load where the spec names none, as the operator has it.
#[must_use]
pub fn headroom() -> Percent {
    Percent::new(30)
}

/// What is the same for all contenders.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// When the loads begin on the calendar.
    pub start: Timestamp,
    /// How long the run is.
    pub span: Millis,
    /// What runs. Never empty.
    pub services: Vec<Service>,
    /// Where it runs, home first. Never empty.
    pub sites: Vec<SiteSetup>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// How people behave who find no room; `None`: they are gone.
    pub patience: Option<Patience>,
    /// What may be spent in the cloud; `None`: whatever it takes.
    pub funds: Option<Funds>,
}

/// Money for the whole of a run. Pinisi keeps to it; the others know of no money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Funds {
    /// Of both.
    pub currency: Currency,
    /// What a core costs in the cloud for an hour.
    pub core_hour: PerHour,
    /// The most to spend.
    pub ceiling: Money,
}

/// A service with its load.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its load.
    pub load: Load,
    /// Requests a second that one replica serves; above 0.
    pub per_replica: f64,
    /// Fewest replicas.
    pub min: Replicas,
    /// Most replicas.
    pub max: Replicas,
    /// What one replica requests.
    pub request: Resources,
    /// True for the class that never leaves home.
    pub sensitive: bool,
    /// Least room above the load that Pinisi keeps.
    pub headroom: Percent,
    /// What was announced: to Pinisi as its schedule, to KEDA as its cron trigger.
    pub windows: Vec<Window>,
    /// What else is Pinisi's own.
    pub policy: Policy,
}

/// What only Pinisi knows of a service. By default as the operator has it where the spec does not say.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Where it may run, in order; empty: at every site of the setup, each a tier of its own.
    pub tiers: Vec<Tier>,
    /// How replicas come home.
    pub drain: DrainPolicy,
    /// The total shrinks only to the highest need of this window; `None`: as the planner has it.
    pub scale_down_window: Option<SignedDuration>,
    /// True where earlier days may make replicas ahead of time.
    pub forecast: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            tiers: Vec::new(),
            drain: DrainPolicy {
                after: SignedDuration::from_secs(600),
                step: Percent::new(10),
                interval: SignedDuration::from_secs(60),
            },
            scale_down_window: None,
            forecast: false,
        }
    }
}

/// Shares of a site between which mass traffic goes on elsewhere and comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermarks {
    /// Above it mass traffic goes on.
    pub high: Percent,
    /// Below it replicas come back.
    pub low: Percent,
}

impl Default for Watermarks {
    /// As the operator has it where the Site does not say.
    fn default() -> Self {
        Self {
            high: Percent::new(80),
            low: Percent::new(60),
        }
    }
}

/// A place to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteSetup {
    /// Its name.
    pub name: SiteName,
    /// Kind of place.
    pub kind: SiteKind,
    /// What pods may request there in all. Where on the site they run makes no difference here.
    pub capacity: Resources,
    /// From a raised count to a Ready replica, a node for it included where there must be a new one.
    pub start_up: Millis,
    /// Where mass traffic goes on elsewhere and comes back.
    pub watermarks: Watermarks,
}

impl Service {
    /// True where it may run at a site.
    #[must_use]
    pub fn may_run_at(&self, site: &SiteSetup) -> bool {
        let tiers = &self.policy.tiers;
        let named = tiers.is_empty() || tiers.iter().any(|tier| tier.sites.contains(&site.name));
        named && (!self.sensitive || site.kind == SiteKind::OnPrem)
    }

    /// What everybody starts with.
    #[must_use]
    pub fn at_start(&self) -> Replicas {
        let need = self.load.rate(Millis::ZERO) / (self.per_replica * START_USE);
        whole(need.ceil()).max(self.min).min(self.max)
    }

    /// Most replicas that its load needs at once, not fewer than its minimum.
    #[must_use]
    pub fn peak_need(&self) -> Replicas {
        whole((self.load.peak() / self.per_replica - 1e-9).ceil()).max(self.min)
    }
}

/// A count from a float that is whole or nearly so; out of range it is cut.
#[must_use]
pub fn whole(x: f64) -> Replicas {
    // In range by the clamp; a NaN becomes 0.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Replicas::new(x.clamp(0.0, f64::from(Replicas::MAX.get())) as u32)
}
