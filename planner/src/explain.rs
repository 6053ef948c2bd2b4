//! A decision in plain words, from the decision alone: how its total came about, where its replicas
//! are and why there, what it waits for, and what would change it. A reason's own words stand in
//! `reason.rs`, once for conditions, Events and this; here is what each is about.

use crate::model::amounts::Replicas;
use crate::model::by_site::BySite;
use crate::model::site::SiteName;
use crate::plan::Share;
use crate::reason::{Reason, Silence};
use serde::Serialize;
use std::collections::BTreeMap;

/// What a reason is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About<'a> {
    /// The total, at this place in the order in which it comes about: first what asks, then what
    /// holds it, what was announced, and what bounds it.
    Total(u8),
    /// Replicas at a site.
    Site(&'a SiteName),
    /// All of it: what is missing, or who holds the counts.
    Whole,
}

/// How a decision came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// How the total came about, in order.
    pub total: Vec<Stage>,
    /// What is wanted in all.
    pub want: Replicas,
    /// By tier: where the replicas are.
    pub places: Vec<Place>,
    /// What holds for all of it.
    pub notes: Vec<String>,
    /// What it waits for; it comes by itself.
    pub waits: Vec<String>,
    /// What would change it.
    pub changes: Vec<String>,
}

/// A step towards the total.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stage {
    /// The reason's word.
    pub reason: &'static str,
    /// In plain words.
    pub text: String,
    /// The total after it, where it says one.
    pub replicas: Option<Replicas>,
}

/// A site's part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The site.
    pub site: SiteName,
    /// Its numbers.
    #[serde(flatten)]
    pub share: Share,
    /// Why there, or why no more.
    pub why: Vec<String>,
}

impl Reason {
    /// What it is about.
    #[must_use]
    pub const fn about(&self) -> About<'_> {
        match self {
            Self::SetByHand(_)
            | Self::Untouched
            | Self::ScalingDisabled
            | Self::NoSignal(_)
            | Self::StaleSignal { .. } => About::Total(0),
            Self::Load { .. } => About::Total(1),
            Self::HeldByWindow { .. } => About::Total(2),
            Self::Metric { .. } | Self::MetricInvalid { .. } => About::Total(3),
            Self::Stabilized { .. } => About::Total(4),
            Self::RateLimited { .. } => About::Total(5),
            Self::Warming { .. } => About::Total(6),
            Self::Scheduled { .. } => About::Total(7),
            Self::AtMinimum(_) => About::Total(8),
            Self::Forecast { .. } | Self::ForecastSilent(_) => About::Total(9),
            Self::AtMaximum { .. } => About::Total(10),
            Self::Bottlenecked { .. } => About::Total(11),
            Self::Overridden { .. } => About::Total(12),
            Self::Overflow { to: site, .. }
            | Self::Draining { from: site, .. }
            | Self::PendingTooLong { site, .. }
            | Self::WaitsForNodes { site, .. }
            | Self::SiteClosed(site)
            | Self::SiteUnreachable { site, .. }
            | Self::SiteRefused { site, .. }
            | Self::QuotaFull { site, .. }
            | Self::Unfunded { site, .. }
            | Self::Displaced { site, .. }
            | Self::WaitsForRoom { site, .. } => About::Site(site),
            Self::Short { .. }
            | Self::BudgetLimited { .. }
            | Self::Contested { .. }
            | Self::Paused
            | Self::Observed => About::Whole,
        }
    }

    /// The total after it, where it says one.
    #[must_use]
    pub const fn total(&self) -> Option<Replicas> {
        match self {
            Self::Load { need: n, .. }
            | Self::Metric { need: n, .. }
            | Self::HeldByWindow { held: n, .. }
            | Self::Stabilized { to: n, .. }
            | Self::RateLimited { to: n, .. }
            | Self::Warming { kept: n, .. }
            | Self::Scheduled { replicas: n, .. }
            | Self::Forecast { need: n, .. }
            | Self::AtMinimum(n)
            | Self::AtMaximum { to: n, .. }
            | Self::Bottlenecked { to: n, .. }
            | Self::SetByHand(n) => Some(*n),
            Self::Overridden { total, .. } => *total,
            Self::NoSignal(_)
            | Self::StaleSignal { .. }
            | Self::MetricInvalid { .. }
            | Self::ForecastSilent(_)
            | Self::ScalingDisabled
            | Self::Untouched
            | Self::Overflow { .. }
            | Self::PendingTooLong { .. }
            | Self::WaitsForNodes { .. }
            | Self::SiteClosed(_)
            | Self::SiteUnreachable { .. }
            | Self::SiteRefused { .. }
            | Self::QuotaFull { .. }
            | Self::BudgetLimited { .. }
            | Self::Unfunded { .. }
            | Self::Short { .. }
            | Self::Displaced { .. }
            | Self::WaitsForRoom { .. }
            | Self::Draining { .. }
            | Self::Contested { .. }
            | Self::Paused
            | Self::Observed => None,
        }
    }

    /// True where it passes by itself.
    #[must_use]
    pub const fn passes(&self) -> bool {
        match self {
            Self::HeldByWindow { .. }
            | Self::Warming { .. }
            | Self::Stabilized { .. }
            | Self::RateLimited { .. }
            | Self::PendingTooLong { .. }
            | Self::WaitsForNodes { .. }
            | Self::Displaced { .. }
            | Self::WaitsForRoom { .. }
            | Self::Draining { .. }
            | Self::ForecastSilent(Silence::Learning | Silence::Spent) => true,
            Self::Load { .. }
            | Self::Scheduled { .. }
            | Self::Forecast { .. }
            | Self::ForecastSilent(Silence::DidNotPay)
            | Self::AtMinimum(_)
            | Self::AtMaximum { .. }
            | Self::NoSignal(_)
            | Self::StaleSignal { .. }
            | Self::Metric { .. }
            | Self::MetricInvalid { .. }
            | Self::ScalingDisabled
            | Self::SetByHand(_)
            | Self::Overridden { .. }
            | Self::Untouched
            | Self::Overflow { .. }
            | Self::SiteClosed(_)
            | Self::SiteUnreachable { .. }
            | Self::SiteRefused { .. }
            | Self::QuotaFull { .. }
            | Self::BudgetLimited { .. }
            | Self::Unfunded { .. }
            | Self::Short { .. }
            | Self::Bottlenecked { .. }
            | Self::Contested { .. }
            | Self::Paused
            | Self::Observed => false,
        }
    }

    /// What would change it, where its own text does not say so.
    #[must_use]
    pub fn change(&self) -> Option<String> {
        let text = match self {
            Self::Load { .. } => {
                "another load; or spec.autoscaling.load.perReplica or .headroomPercent".into()
            }
            Self::HeldByWindow { need, .. } => format!(
                "down to {need} once the load has stayed there for the window; its length is spec.autoscaling.behavior.scaleDown.stabilizationWindowSeconds"
            ),
            Self::Scheduled { window, end, .. } => {
                format!("window {window} ends at {end}; it stands in spec.autoscaling.schedules")
            }
            Self::ForecastSilent(Silence::DidNotPay) => {
                "a day that goes as those before it; or spec.autoscaling.forecast: Off".into()
            }
            Self::Forecast { .. } => {
                "other loads at this time of day; or spec.autoscaling.forecast: Off".into()
            }
            Self::AtMinimum(min) => format!("fewer than {min}: spec.autoscaling.minReplicas"),
            Self::AtMaximum { need, max, to: _ } => {
                format!(
                    "more than {max}: raise spec.autoscaling.maxReplicas, to {need} for this load"
                )
            }
            Self::NoSignal(_) | Self::StaleSignal { .. } => {
                "a figure from the SignalSource; kubectl pinisi status shows what it answers".into()
            }
            Self::Metric { metric, .. } => {
                format!("another value of {metric}, or its target in spec.autoscaling.metrics")
            }
            Self::MetricInvalid { metric, .. } => {
                format!("a value of {metric}; kubectl pinisi check looks at the metrics APIs")
            }
            Self::Stabilized { up, .. } => format!(
                "spec.autoscaling.behavior.{}.stabilizationWindowSeconds",
                direction(*up)
            ),
            Self::RateLimited { up, .. } => {
                format!("spec.autoscaling.behavior.{}.policies", direction(*up))
            }
            Self::SetByHand(_) => {
                "another count in spec.replicas, by hand or through /scale".into()
            }
            Self::Overridden { until, .. } => {
                format!("the override ends at {until}; to end it now remove spec.override")
            }
            Self::Untouched => {
                "spec.autoscaling or spec.replicas would make the count Pinisi's".into()
            }
            Self::Overflow { from, to, .. } => format!(
                "from {to} back to {from} when that has been under its low watermark for spec.drainBack.afterSeconds; its watermarks stand on Site {from}"
            ),
            Self::PendingTooLong { site, .. } => format!("nodes at {site} with room for its pods"),
            Self::SiteClosed(site) => format!(
                "Ready nodes at {site} that are in no other Site; kubectl pinisi check names what is wrong there"
            ),
            Self::SiteUnreachable { site, .. } => {
                format!("an answer from {site}; kubectl pinisi check says how it is reached")
            }
            Self::Draining { .. } => {
                "spec.drainBack.stepPercent and .intervalSeconds set the pace of coming home".into()
            }
            Self::Contested { writer, writes } if *writes > 0 => {
                format!(
                    "{writer} no longer setting the count: take replicas out of what it applies"
                )
            }
            Self::Paused | Self::Observed => "spec.mode: Active".into(),
            // It comes by itself, or the way out stands in the text.
            Self::Warming { .. }
            | Self::ForecastSilent(Silence::Learning | Silence::Spent)
            | Self::ScalingDisabled
            | Self::WaitsForNodes { .. }
            | Self::SiteRefused { .. }
            | Self::QuotaFull { .. }
            | Self::BudgetLimited { .. }
            | Self::Unfunded { .. }
            | Self::Short { .. }
            | Self::Displaced { .. }
            | Self::WaitsForRoom { .. }
            | Self::Bottlenecked { .. }
            | Self::Contested { .. } => return None,
        };
        Some(text)
    }
}

const fn direction(up: bool) -> &'static str {
    if up { "scaleUp" } else { "scaleDown" }
}

impl Account {
    /// Of a decision's parts.
    #[must_use]
    pub fn of(want: Replicas, shares: &BySite<Share>, reasons: &[Reason]) -> Self {
        let mut stages = Vec::new();
        let mut notes = Vec::new();
        let mut at: BTreeMap<&SiteName, Vec<String>> = BTreeMap::new();
        for reason in reasons {
            match reason.about() {
                About::Total(order) => stages.push((order, reason)),
                About::Site(site) => at.entry(site).or_default().push(reason.to_string()),
                About::Whole => notes.push(reason.to_string()),
            }
        }
        stages.sort_by_key(|(order, _)| *order);
        let total = stages.into_iter().map(|(_, reason)| Stage {
            reason: reason.word(),
            text: reason.to_string(),
            replicas: reason.total(),
        });
        let total = total.collect();
        let mut places: Vec<_> = shares
            .iter()
            .map(|(site, share)| Place {
                site: site.clone(),
                share: *share,
                why: at.remove(site).unwrap_or_default(),
            })
            .collect();
        // In no tier: last.
        places.sort_by_key(|place| (place.share.tier == 0, place.share.tier));
        // A site that is named and holds nothing of it.
        notes.extend(at.into_values().flatten());
        let waiting = places.iter().filter(|p| p.share.ready < p.share.desired);
        let mut waits: Vec<_> = waiting
            .map(|p| {
                let missing = p.share.desired.minus(p.share.ready);
                format!("{missing} at {} are not Ready yet", p.site)
            })
            .collect();
        let passing = reasons.iter().filter(|reason| reason.passes());
        waits.extend(passing.map(ToString::to_string));
        let mut changes: Vec<_> = reasons.iter().filter_map(Reason::change).collect();
        let mut seen = std::collections::BTreeSet::new();
        changes.retain(|change| seen.insert(change.clone()));
        Self {
            total,
            want,
            places,
            notes,
            waits,
            changes,
        }
    }
}
