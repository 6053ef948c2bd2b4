//! What Sensitive workloads wait for: replicas that find no room at their sites, and how much has to
//! become free there. Not here: who makes way (displace).

use crate::memory::Blocked;
use crate::model::World;
use crate::model::amounts::{Replicas, Resources};
use crate::model::site::SiteName;
use crate::model::workload::{Demand, Workload, WorkloadId};
use crate::placement::Left;
use crate::placement::seats::{Seat, Seats};
use std::collections::BTreeMap;

/// What a Sensitive workload wants and has no room for.
#[derive(Clone, Debug)]
pub(crate) struct Wait {
    /// Who.
    pub id: WorkloadId,
    /// So many replicas.
    pub missing: Replicas,
    /// Of those, so many below its own minimum.
    pub below_min: Replicas,
    /// Sites that take it but for their room, in order, and how many are placed there.
    pub sites: Vec<(SiteName, Replicas)>,
}

impl Wait {
    /// What a workload finds no room for: the `unplaced` could be at any of its sites, those without
    /// room (`unfit`) are where they are.
    pub(crate) fn of(
        (id, workload): (&WorkloadId, &Workload),
        seats: &Seats<'_>,
        blocked: &BTreeMap<SiteName, Blocked>,
        unplaced: Replicas,
        unfit: &Unfit,
    ) -> Option<Self> {
        let no_room = |r: &Seat<'_>| unfit.get(r.site).copied().unwrap_or_default();
        let placed = |r: &Seat<'_>| r.target.minus(no_room(r));
        let open = |r: &&Seat<'_>| {
            let here = unplaced > Replicas::ZERO || no_room(r) > Replicas::ZERO;
            here && r.fixed().is_none() && !blocked.contains_key(r.site)
        };
        let missing = unplaced.plus(unfit.values().copied().sum());
        let all: Replicas = seats.rows.iter().map(placed).sum();
        let rows = seats.rows.iter().filter(open);
        (missing > Replicas::ZERO).then(|| Self {
            id: id.clone(),
            missing,
            below_min: least(workload).minus(all).min(missing),
            sites: rows.map(|r| (r.site.clone(), placed(r))).collect(),
        })
    }
}

/// Replicas that are in a count and have no room, by site.
pub(crate) type Unfit = BTreeMap<SiteName, Replicas>;

/// Room that one Sensitive workload waits for at one site.
pub(crate) struct Claim {
    /// Who.
    pub by: WorkloadId,
    /// Where.
    pub site: SiteName,
    /// How much.
    pub need: Need,
}

/// What one Sensitive workload still needs at one site.
pub(crate) struct Need {
    pub all: Resources,
    /// For its own minimum.
    pub min: Resources,
}

/// Closes the sites where somebody waits to mass traffic, and returns what is lacking there.
pub(crate) fn claims(world: &World, waits: &[Wait], left: &mut Left<'_>) -> Vec<Claim> {
    let mut claims = Vec::new();
    for wait in waits {
        let Some(workload) = world.workloads.get(&wait.id) else {
            continue;
        };
        for (site, placed) in &wait.sites {
            let (Some(room), Some(place)) = (left.rooms.get_mut(site), world.sites.get(site))
            else {
                continue;
            };
            // Nobody can make room on nodes that are too small for it.
            let whole = place.nodes.iter().filter(|n| n.schedulable).map(|n| {
                let slots = u64::from(n.pod_slots);
                n.allocatable.fits(workload.request).min(slots)
            });
            let whole = u32::try_from(whole.fold(0, u64::saturating_add)).unwrap_or(u32::MAX);
            let missing = wait.missing.min(Replicas::new(whole).minus(*placed));
            if missing == Replicas::ZERO || !room.claim(workload.request) {
                continue;
            }
            let lacks = |n: Replicas| room.lacks(workload.request, n);
            let all = lacks(missing);
            // One replica may lack more than all of them, where what is free is in pieces: what is to
            // leave for all is tried first.
            let min = lacks(wait.below_min.min(missing)).min(all);
            claims.push(Claim {
                by: wait.id.clone(),
                site: site.clone(),
                need: Need { all, min },
            });
        }
    }
    claims
}

/// Fewest replicas of a workload: a count set by hand says nothing of less, but one must serve.
pub(crate) fn least(workload: &Workload) -> Replicas {
    match &workload.demand {
        Demand::Untouched | Demand::Fixed(_) => Replicas::new(1),
        Demand::Load(load) => load.min,
        Demand::Metrics(metrics) => metrics.min,
    }
}
