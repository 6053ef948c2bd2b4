//! How long a replica takes to become Ready, measured from the pods that are: from its node to Ready.
//! Not here: the time that an elastic site takes to add a node (elastic), and what is done with it
//! (planner).

use crate::gather::facts::PodFacts;
use jiff::SignedDuration;
use pinisi_planner::hpa::ReadyStatus;
use pinisi_planner::model::site::SiteName;
use std::collections::BTreeMap;

/// Taken where too few pods are known: longer than most, so that growth is asked for early.
pub const UNKNOWN: SignedDuration = SignedDuration::from_secs(10);
/// Fewer pods of a site say nothing.
const PODS_MIN: usize = 3;
/// Of a site's pods the one that so many percent are not slower than.
const QUANTILE_PERCENT: usize = 75;
/// From the write of a count to a pod on its node; times of conditions are whole seconds besides.
const TO_NODE: i64 = 1;
/// Seconds that are told apart, so that one pod more does not change what is planned with. A pod that
/// took longer than the last did not start then: it turned Ready again.
const STEPS: [i64; 17] = [
    5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 1200, 2400, 3600,
];

/// Starts seen, in seconds, by site.
#[derive(Debug, Default)]
pub struct Starts(BTreeMap<SiteName, Vec<i64>>);

impl Starts {
    /// Takes in a pod of a site.
    pub fn see(&mut self, site: &SiteName, pod: &PodFacts) {
        let ready = pod.readiness.as_ref();
        let ready = ready.filter(|r| r.status == ReadyStatus::True);
        let (Some(ready), Some(bound)) = (ready, pod.scheduled) else {
            return;
        };
        let took = ready.since.duration_since(bound).as_secs();
        if STEPS.last().is_some_and(|most| (0..=*most).contains(&took)) {
            let here = match self.0.get_mut(site) {
                Some(here) => here,
                None => self.0.entry(site.clone()).or_default(),
            };
            here.push(took);
        }
    }

    /// Takes in what was seen at other sites.
    pub fn join(&mut self, others: Self) {
        for (site, seen) in others.0 {
            self.0.entry(site).or_default().extend(seen);
        }
    }

    /// The slowest of `sites`; one of which too little is known counts as [`UNKNOWN`].
    pub fn slowest<'a>(&mut self, sites: impl Iterator<Item = &'a SiteName>) -> SignedDuration {
        let of = |site| self.of(site).unwrap_or(UNKNOWN);
        sites.map(of).max().unwrap_or(UNKNOWN)
    }

    fn of(&mut self, site: &SiteName) -> Option<SignedDuration> {
        let seen = self.0.get_mut(site).filter(|seen| seen.len() >= PODS_MIN)?;
        let at = seen.len().saturating_sub(1) * QUANTILE_PERCENT / 100;
        let took = *seen.select_nth_unstable(at).1;
        let step = STEPS.into_iter().find(|step| *step >= took + TO_NODE);
        Some(SignedDuration::from_secs(step.unwrap_or(took)))
    }
}
