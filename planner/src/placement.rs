//! Where replicas run: room node by node, the table of a workload's sites, and the spread over it.
//! Not here: how many (demand), and the way home (drain).

pub(crate) mod allocate;
pub(crate) mod awaited;
pub(crate) mod caps;
pub(crate) mod claim;
pub(crate) mod coming;
pub(crate) mod displace;
pub(crate) mod nodes;
pub(crate) mod pay;
pub(crate) mod quotas;
pub(crate) mod room;
pub(crate) mod rooms;
pub(crate) mod seats;

use crate::bottleneck::Supplies;
use crate::budget::Purses;
use crate::memory::Blocked;
use crate::model::amounts::Replicas;
use crate::model::site::{Reach, Site, SiteName};
use crate::model::workload::{Demand, Workload};
use crate::placement::quotas::Quotas;
use crate::placement::rooms::Rooms;
use crate::time::{after, elapsed};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// A pod may stay Pending for this long, or for twice the start-up time where that is longer,
/// before its site counts as full.
pub const PENDING_GRACE: SignedDuration = SignedDuration::from_secs(20);
/// A site that left pods Pending is not tried again for this long.
pub const BLOCK: SignedDuration = SignedDuration::from_secs(60);
/// No grace is longer, whatever start-up time is said.
const GRACE_MAX: SignedDuration = SignedDuration::from_hours(1);

/// What is left at the sites while a plan is made.
#[derive(Clone, Debug)]
pub(crate) struct Left<'a> {
    /// On nodes.
    pub rooms: Rooms<'a>,
    /// Within quotas.
    pub quotas: Quotas<'a>,
    /// Of money.
    pub purses: Purses<'a>,
    /// Of back ends and outside quotas.
    pub supplies: Supplies<'a>,
}

/// How long a pod of this workload may stay Pending at a site: longer where an autoscaled pool has to
/// add a node first.
pub(crate) fn grace(workload: &Workload, site: Option<&Site>) -> SignedDuration {
    let start_up = match &workload.demand {
        Demand::Untouched | Demand::Fixed(_) => SignedDuration::ZERO,
        Demand::Load(load) => load.start_up.clamp(SignedDuration::ZERO, GRACE_MAX),
        Demand::Metrics(metrics) => metrics.start_up.clamp(SignedDuration::ZERO, GRACE_MAX),
    };
    let bound = PENDING_GRACE
        .max(start_up.saturating_add(start_up))
        .min(GRACE_MAX);
    let provision = site
        .and_then(|site| site.elastic)
        .map_or(SignedDuration::ZERO, |elastic| elastic.provision);
    bound.saturating_add(provision.clamp(SignedDuration::ZERO, GRACE_MAX))
}

/// Sites that do not take pods of this workload now: those found before whose time is not over,
/// and those with pods that have been Pending for too long.
pub(crate) fn blocked(
    rooms: &Rooms<'_>,
    workload: &Workload,
    before: &BTreeMap<SiteName, Blocked>,
    now: Timestamp,
) -> BTreeMap<SiteName, Blocked> {
    let latest = after(now, BLOCK);
    let mut blocked: BTreeMap<_, _> = before
        .iter()
        .filter(|(site, b)| b.until > now && workload.legs.contains_key(*site))
        .map(|(site, b)| {
            (
                site.clone(),
                Blocked {
                    until: b.until.min(latest),
                    ..b.clone()
                },
            )
        })
        .collect();
    for (site, leg) in &workload.legs {
        // Pending pods beyond the spec are a roll-out's surge: none of them is missing.
        let missing = leg.pending > Replicas::ZERO && leg.bound < leg.spec;
        if !missing || blocked.contains_key(site) {
            continue;
        }
        // Of a site that does not answer nobody knows what became of a pod since then.
        let place = rooms.at(rooms.place(site)).map(|ground| ground.site);
        let seen = match place.map(|s| s.reach) {
            Some(Reach::Unreachable { since }) => since.min(now),
            Some(Reach::Reachable) | None => now,
        };
        let grace = grace(workload, place);
        let waits = leg
            .pending_since
            .is_some_and(|since| elapsed(since, seen) >= grace);
        if waits {
            let entry = Blocked {
                until: latest,
                holds: leg.bound,
                pending: leg.pending,
            };
            blocked.insert(site.clone(), entry);
        }
    }
    blocked
}
