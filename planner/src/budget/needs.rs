//! What a workload needs at priced sites: what it may never lose (its minimum, its announced
//! windows), and what its load needs without any margin. What sites without a price can hold is not
//! paid for.

use crate::demand::replicas_of;
use crate::model::World;
use crate::model::amounts::{MilliLoad, Replicas};
use crate::model::money::Currency;
use crate::model::price::PerHour;
use crate::model::site::{Reach, SiteName};
use crate::model::workload::{Demand, LoadDemand, Mode, Placement, Signal, Tier, Workload};
use crate::placement::room::Asker;
use crate::placement::rooms::Rooms;
use crate::time::elapsed;
use jiff::Timestamp;

/// What one workload needs at priced sites.
#[derive(Clone, Debug)]
pub(crate) struct Needs {
    /// Currency of the first priced site in its tiers.
    pub currency: Currency,
    /// What a replica costs at the dearest of its sites in that currency.
    pub rate: PerHour,
    /// Of its minimum, what only priced sites can hold.
    pub floor: Replicas,
    /// Of its announced windows the same, beyond the floor: how many, from when, until when.
    pub windows: Vec<(Replicas, Timestamp, Timestamp)>,
    /// Of what its load needs now, without margin, trend or forecast, the same.
    pub bare: Replicas,
}

/// What a workload needs; `None` where it has no priced site.
pub(crate) fn needs(
    world: &World,
    workload: &Workload,
    rooms: &Rooms<'_>,
    now: Timestamp,
) -> Option<Needs> {
    let Placement::MassTraffic { tiers } = &workload.placement else {
        return None;
    };
    let price = |site: &SiteName| {
        let price = world.sites.get(site)?.price.filter(|p| !p.is_free())?;
        Some((price.currency, price.of(workload.request)))
    };
    let mut priced = tiers.iter().flat_map(|t| &t.sites).filter_map(price);
    let (currency, first) = priced.next()?;
    let others = priced.filter(|(c, _)| *c == currency).map(|(_, rate)| rate);
    let rate = others.fold(first, PerHour::max);
    let is_priced = |site: &SiteName| price(site).is_some();

    let free: Replicas = tiers
        .iter()
        .map(|tier| {
            let sites = tier.sites.iter().filter(|site| !is_priced(site));
            let held = sites.map(|site| holds(world, workload, rooms, site, now));
            held.sum::<Replicas>().min(tier.max)
        })
        .sum();
    let warm = |tier: &&Tier| !tier.sites.is_empty() && tier.sites.iter().all(is_priced);
    let warm: Replicas = tiers.iter().filter(warm).map(|t| t.min.min(t.max)).sum();
    let (min, max) = bounds(&workload.demand);
    let floor = min.minus(free).max(warm);
    let windows = workload.windows.iter().map(|w| {
        let per_replica = load_of(&workload.demand).map(|l| l.per_replica);
        let n = replicas_of(w, per_replica).unwrap_or_default();
        (n.min(max).minus(free).minus(floor), w.start, w.end)
    });
    Some(Needs {
        currency,
        rate,
        floor,
        windows: windows.filter(|(n, _, _)| *n > Replicas::ZERO).collect(),
        bare: bare(workload, now).minus(free),
    })
}

/// What a site without a price can hold of it.
fn holds(
    world: &World,
    workload: &Workload,
    rooms: &Rooms<'_>,
    name: &SiteName,
    now: Timestamp,
) -> Replicas {
    let leg = workload.legs.get(name);
    let (spec, bound) = leg.map_or_else(Default::default, |leg| (leg.spec, leg.bound));
    let Some(site) = world.sites.get(name) else {
        return Replicas::ZERO;
    };
    match site.reach {
        Reach::Unreachable { since } if elapsed(since, now) < site.grace => return spec,
        Reach::Unreachable { since: _ } => return Replicas::ZERO,
        Reach::Reachable => {}
    }
    if workload.refused.contains_key(name) {
        return bound;
    }
    let more = rooms
        .get(name)
        .map(|r| r.more(workload.request, Asker::Mass, Replicas::MAX));
    bound.plus(more.unwrap_or_default())
}

fn load_of(demand: &Demand) -> Option<&LoadDemand> {
    match demand {
        Demand::Untouched | Demand::Fixed(_) => None,
        Demand::Load(load) => Some(load),
        Demand::Metrics(metrics) => metrics.load.as_ref(),
    }
}

/// Fewest and most replicas. A count set by hand has no minimum: all of it is wanted alike.
fn bounds(demand: &Demand) -> (Replicas, Replicas) {
    match demand {
        Demand::Untouched | Demand::Fixed(_) => (Replicas::ZERO, Replicas::MAX),
        Demand::Load(load) => (load.min, load.max),
        Demand::Metrics(metrics) => {
            let (min, max) = metrics
                .load
                .as_ref()
                .map_or_else(Default::default, |l| (l.min, l.max));
            (metrics.min.max(min), metrics.max.max(max))
        }
    }
}

fn for_load(load: u128, per_replica: MilliLoad) -> Replicas {
    let n = load.div_ceil(per_replica.0.max(1).into());
    Replicas::new(u32::try_from(n).unwrap_or(u32::MAX))
}

/// What the load needs in all without anything ahead of it. Where no load says it, what runs.
fn bare(workload: &Workload, now: Timestamp) -> Replicas {
    let runs = || workload.legs.values().map(|leg| leg.bound).sum();
    if workload.mode != Mode::Active {
        return runs();
    }
    let word = workload.override_.as_ref().filter(|o| now < o.until);
    if let Some(total) = word.and_then(|o| o.total) {
        return total;
    }
    match &workload.demand {
        Demand::Fixed(n) => *n,
        Demand::Untouched | Demand::Metrics(_) => runs(),
        Demand::Load(load) => match load.signal {
            Signal::Fresh { load: x, at: _ } => {
                let need = for_load(x.0.into(), load.per_replica);
                need.max(load.min).min(load.max)
            }
            Signal::Stale { at: _ } | Signal::Missing(_) => runs(),
        },
    }
}
