//! The question that it began with: a system for so many users, what breaks, when, and what does it
//! cost? The same services and sites, with the load of each number of users, once with home alone as
//! the manifests have it, and once with the cloud beside it.

use super::args::SimulateOptions;
use super::manifests::{Manifests, ServiceSpec};
use anyhow::bail;
use jiff::Timestamp;
use pinisi_planner::model::amounts::{Replicas, Resources};
use pinisi_planner::model::site::{SiteKind, SiteName};
use pinisi_simulator::algorithm::Algorithm;
use pinisi_simulator::load::{Load, Scale};
use pinisi_simulator::page::cloud_cost;
use pinisi_simulator::setup::{Service, Setup, SiteSetup, whole};
use pinisi_simulator::study::{self, Outcome};
use pinisi_simulator::time::Millis;
use pinisi_simulator::trace::Trace;
use pinisi_simulator::words::{count, figure};
use serde::Serialize;
use std::str::FromStr;

/// Cores at a site that nobody limits.
const AMPLE_CORES: u64 = 1_000_000;
/// Percent of unserved requests up to which a system holds.
pub const HOLDS_PCT: f64 = 0.5;
/// Percent of unserved requests up to which a system is only slow.
pub const SLOW_PCT: f64 = 10.0;

/// A number of users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Users(pub u64);

impl FromStr for Users {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, factor) = match text.char_indices().last() {
            Some((i, 'k' | 'K')) => (text.get(..i).unwrap_or_default(), 1_000),
            Some((i, 'M')) => (text.get(..i).unwrap_or_default(), 1_000_000),
            _ => (text, 1),
        };
        let users = number.parse().ok().and_then(|n: u64| n.checked_mul(factor));
        let sound = users.filter(|n| (1..=10_000_000_000).contains(n));
        let wrong = || {
            format!(
                "{text:?} is no number of users: it must be from 1 to 10000M, such as 500k or 50M"
            )
        };
        sound.map(Self).ok_or_else(wrong)
    }
}

impl Users {
    /// As people say it.
    #[must_use]
    pub fn words(self) -> String {
        match self.0 {
            n if n % 1_000_000 == 0 => format!("{} M", count((n / 1_000_000) as f64)),
            n => count(n as f64),
        }
    }
}

/// How a system fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Next to everything is served.
    Holds,
    /// Part of the requests is not served.
    Slows,
    /// Much is not served.
    Fails,
}

/// One number of users.
#[derive(Debug, Serialize)]
pub struct Row {
    /// How many.
    pub users: Users,
    /// Requests a second at the peak, all services.
    pub peak_per_second: f64,
    /// Replicas at the peak, all services.
    pub needs_replicas: u32,
    /// Cores at the peak, all services.
    pub needs_cores: f64,
    /// As the manifests are, without a cloud.
    pub home_alone: Side,
    /// With the cloud beside it, and no most that is below the need.
    pub with_cloud: Side,
    /// What breaks first, and what it takes; a sentence each.
    pub breaks: Vec<String>,
}

/// A system under that load.
#[derive(Debug, Serialize)]
pub struct Side {
    /// In a word.
    pub verdict: Verdict,
    /// Percent of the requests.
    pub unserved_pct: f64,
    /// When it began.
    pub first_unserved: Option<Timestamp>,
    /// Replicas in the cloud at most.
    pub cloud_replicas: u32,
    /// Core-hours in the cloud.
    pub cloud_core_hours: f64,
    /// What those cost, where a price is given.
    pub cloud_cost: Option<f64>,
}

/// Everything that the question takes.
pub struct Question<'a> {
    /// The command line.
    pub options: &'a SimulateOptions,
    /// Services and sites.
    pub manifests: &'a Manifests,
    /// How the load goes over time.
    pub trace: &'a Trace,
    /// Cores at home.
    pub home_cores: u64,
}

impl<'a> Question<'a> {
    /// Home holds the first number of users, unless it is said what home has.
    ///
    /// # Errors
    /// No number of users.
    pub fn new(
        options: &'a SimulateOptions,
        manifests: &'a Manifests,
        trace: &'a Trace,
    ) -> anyhow::Result<Self> {
        let Some(first) = options.users.first() else {
            bail!("-f needs --users, such as --users 5M,10M,50M");
        };
        let mut question = Self {
            options,
            manifests,
            trace,
            home_cores: 0,
        };
        let setup = question.setup(*first, true, true);
        // With the room above the load that the planner keeps, under the watermark.
        let kept = |s: &Service| cores_of(s) * (1.0 + f64::from(s.headroom.get()) / 100.0);
        let kept: f64 = setup.services.iter().map(kept).sum();
        let fits = whole((kept * 100.0 / question.home_high() as f64).ceil()).get();
        question.home_cores = options.home_cpu.map_or_else(|| u64::from(fits), u64::from);
        Ok(question)
    }

    /// Mass traffic fills home up to this share, in percent: the lowest high watermark there.
    fn home_high(&self) -> u64 {
        let home = self
            .manifests
            .sites
            .iter()
            .filter(|site| site.kind == SiteKind::OnPrem);
        let high = home.map(|site| u64::from(site.watermarks.high.get())).min();
        high.unwrap_or(100).max(1)
    }

    /// The setup for a number of users.
    pub fn setup(&self, users: Users, cloud: bool, lifted: bool) -> Setup {
        let Manifests {
            services,
            sites,
            left: _,
            notes: _,
        } = self.manifests;
        let at_home = sites
            .iter()
            .filter(|site| site.kind != SiteKind::Cloud)
            .count();
        let share = self.home_cores * 1000 / u64::try_from(at_home.max(1)).unwrap_or(1);
        let sites = sites
            .iter()
            .filter(|site| cloud || site.kind != SiteKind::Cloud);
        let sites = sites.map(|site| {
            let (millicores, start_up) = match site.kind {
                SiteKind::Cloud => (AMPLE_CORES * 1000, self.options.cloud_start_up),
                SiteKind::OnPrem | SiteKind::Edge => (share, None),
            };
            SiteSetup {
                name: SiteName::new(&site.name),
                kind: site.kind,
                watermarks: site.watermarks,
                capacity: Resources {
                    millicores,
                    bytes: u64::MAX,
                },
                start_up: Millis::of(start_up.unwrap_or(self.options.start_up)),
            }
        });
        Setup {
            start: self.trace.start,
            span: self.trace.span(),
            services: services
                .iter()
                .map(|s| self.service(s, users, lifted))
                .collect(),
            sites: sites.collect(),
            faults: self.options.fault.clone(),
            patience: super::input::patience(self.options),
            funds: super::input::funds(self.options),
        }
    }

    fn service(&self, spec: &ServiceSpec, users: Users, lifted: bool) -> Service {
        let ServiceSpec {
            name,
            sensitive,
            min,
            max,
            per_replica,
            request,
            headroom,
            policy,
            autoscaling: _,
            windows,
        } = spec;
        let peak = match per_replica {
            Some(_) => users.0 as f64 / 1e6 * self.options.peak_per_million,
            None => 0.0,
        };
        let load = Load::of(self.trace, Scale::PeakOf(peak));
        let mut service = Service {
            name: name.clone(),
            load,
            per_replica: per_replica.unwrap_or(1.0),
            min: *min,
            max: *max,
            request: *request,
            sensitive: *sensitive,
            headroom: *headroom,
            windows: windows.clone(),
            policy: policy.clone(),
        };
        if lifted && per_replica.is_some() {
            service.max = service.max.max(roomy(service.peak_need()));
        }
        service
    }

    /// What becomes of a number of users.
    pub fn answer(&self, users: Users, mut progress: impl FnMut(f64)) -> Row {
        let alone = self.setup(users, false, false);
        let both = self.setup(users, true, true);
        let mut play = |setup: &Setup, half: f64| {
            let study = study::run(setup, &[Algorithm::Pinisi], false, |_, share| {
                progress(half + share / 2.0)
            });
            study.outcomes.into_iter().next()
        };
        let (at_home, with_cloud) = (play(&alone, 0.0), play(&both, 0.5));
        let mut breaks = Vec::new();
        for (written, need) in alone.services.iter().zip(&both.services) {
            let need = need.peak_need();
            if need > written.max {
                breaks.push(format!(
                    "{} needs {} replicas at the peak, and spec.autoscaling.maxReplicas is {}: raise it to {}.",
                    written.name, count(need.get().into()), written.max, count(roomy(need).get().into()),
                ));
            }
        }
        let needs = cores(&both);
        if needs * 1000.0 > (self.home_cores * 10 * self.home_high()) as f64 {
            breaks.push(format!(
                "Home has {} cores, of which mass traffic uses {} %; {} are needed at the peak: the rest must overflow.",
                count(self.home_cores as f64), self.home_high(), figure(needs),
            ));
        }
        let side = |setup: &Setup, outcome: Option<Outcome>| self.side(setup, outcome);
        let row = Row {
            users,
            peak_per_second: both.services.iter().map(|s| s.load.peak()).sum(),
            needs_replicas: both
                .services
                .iter()
                .map(|s| s.peak_need())
                .sum::<Replicas>()
                .get(),
            needs_cores: needs,
            home_alone: side(&alone, at_home),
            with_cloud: side(&both, with_cloud),
            breaks,
        };
        row.explained()
    }

    fn side(&self, setup: &Setup, outcome: Option<Outcome>) -> Side {
        let Some(outcome) = outcome else {
            return Side {
                verdict: Verdict::Fails,
                unserved_pct: 100.0,
                first_unserved: None,
                cloud_replicas: 0,
                cloud_core_hours: 0.0,
                cloud_cost: None,
            };
        };
        let unserved_pct = outcome.summary.unserved_pct;
        let sites = setup.sites.iter().zip(&outcome.tally.sites);
        let cloud: Vec<_> = sites
            .filter(|(s, _)| s.kind == SiteKind::Cloud)
            .map(|(_, t)| *t)
            .collect();
        Side {
            verdict: match unserved_pct {
                p if p <= HOLDS_PCT => Verdict::Holds,
                p if p <= SLOW_PCT => Verdict::Slows,
                _ => Verdict::Fails,
            },
            unserved_pct,
            first_unserved: outcome.first_unserved.map(|at| at.on_calendar(setup.start)),
            cloud_replicas: cloud.iter().map(|t| t.peak).sum::<Replicas>().get(),
            cloud_core_hours: cloud.iter().map(|t| t.core_seconds).sum::<f64>() / 3600.0,
            cloud_cost: self
                .options
                .cloud_price
                .map(|p| cloud_cost(setup, &outcome, p)),
        }
    }
}

impl Row {
    /// With what is left unserved on both sides in words.
    fn explained(mut self) -> Self {
        let at = |t: Option<Timestamp>| {
            t.map_or_else(String::new, |t| {
                format!(", the first at {}", t.strftime("%H:%M UTC"))
            })
        };
        let (home, cloud) = (&self.home_alone, &self.with_cloud);
        if home.verdict != Verdict::Holds {
            self.breaks.push(format!(
                "Home alone leaves {} % of the requests unserved{}.",
                figure(home.unserved_pct),
                at(home.first_unserved)
            ));
        }
        if cloud.verdict != Verdict::Holds {
            self.breaks.push(format!(
                "With the cloud {} % are unserved still{}: the load grows faster than replicas start. Start them sooner, keep more of them, or announce when it comes.",
                figure(cloud.unserved_pct), at(cloud.first_unserved),
            ));
        }
        self
    }
}

/// Cores that the peaks of all services need at once.
fn cores(setup: &Setup) -> f64 {
    setup.services.iter().map(cores_of).sum()
}

/// Cores that one service needs at its peak.
fn cores_of(service: &Service) -> f64 {
    f64::from(service.peak_need().get()) * service.request.millicores as f64 / 1000.0
}

/// A quarter above a need.
fn roomy(need: Replicas) -> Replicas {
    need.plus(Replicas::new(need.get().div_ceil(4)))
}
