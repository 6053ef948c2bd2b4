//! What quotas leave while a plan is made: the workloads of a namespace share its room at a site.
//! Pods that exist stand in the quota's own count. What specs say beyond them is promised: it is
//! nobody else's room, whichever workload is decided first.

use crate::model::World;
use crate::model::amounts::Replicas;
use crate::model::quota::{Limit, QuotaResource, QuotaRoom};
use crate::model::workload::{Leg, Workload, WorkloadId};
use crate::placement::rooms::{Place, Rooms};
use std::collections::BTreeMap;

/// The quotas of all sites, by place.
#[derive(Clone, Debug)]
pub(crate) struct Quotas<'a> {
    rooms: Vec<BTreeMap<&'a str, Shared<'a>>>,
    any: bool,
}

/// One namespace's room at one site. In wide numbers: promises are taken back exactly.
#[derive(Clone, Debug)]
struct Shared<'a> {
    room: &'a QuotaRoom,
    promised: BTreeMap<QuotaResource, u128>,
}

/// What a namespace's quotas allow one workload at a site.
#[derive(Clone, Debug)]
pub(crate) struct Allowed {
    /// So many more.
    pub more: Replicas,
    /// What allows no more than that.
    pub by: Limit,
}

impl<'a> Quotas<'a> {
    /// All room, with what every spec is promised.
    pub(crate) fn of(world: &'a World, sites: &Rooms<'_>) -> Self {
        let shared = |room| Shared {
            room,
            promised: BTreeMap::new(),
        };
        let rooms = world.sites.values().map(|site| {
            let namespaces = site.quotas.iter();
            namespaces
                .map(|(namespace, room)| (namespace.as_str(), shared(room)))
                .collect()
        });
        let mut quotas = Self {
            rooms: rooms.collect(),
            any: world.sites.values().any(|site| !site.quotas.is_empty()),
        };
        // Most worlds have none: then nobody asks who is promised what.
        if quotas.any {
            for (id, workload) in &world.workloads {
                for (site, leg) in &workload.legs {
                    quotas.promise(sites.place(site), id, workload, owed(leg, leg.spec));
                }
            }
        }
        quotas
    }

    /// True where there is any.
    pub(crate) fn any(&self) -> bool {
        self.any
    }

    /// Keeps room for replicas that do not exist yet.
    pub(crate) fn promise(
        &mut self,
        place: Option<Place>,
        id: &WorkloadId,
        workload: &Workload,
        replicas: Replicas,
    ) {
        self.change(place, id, workload, |promised, one| {
            promised.saturating_add(amount(one, replicas))
        });
    }

    /// Takes a promise back.
    pub(crate) fn release(
        &mut self,
        place: Option<Place>,
        id: &WorkloadId,
        workload: &Workload,
        replicas: Replicas,
    ) {
        self.change(place, id, workload, |promised, one| {
            promised.saturating_sub(amount(one, replicas))
        });
    }

    fn change(
        &mut self,
        place: Option<Place>,
        id: &WorkloadId,
        workload: &Workload,
        to: impl Fn(u128, u64) -> u128,
    ) {
        if !self.any {
            return;
        }
        let namespaces = place.and_then(|place| self.rooms.get_mut(place.get()));
        let Some(shared) = namespaces.and_then(|all| all.get_mut(id.namespace.as_str())) else {
            return;
        };
        for resource in shared.room.keys() {
            let promised = shared.promised.entry(*resource).or_default();
            *promised = to(*promised, resource.of_one(workload));
        }
    }

    /// How many replicas more may be made; `None` where no quota limits them.
    pub(crate) fn more(
        &self,
        place: Option<Place>,
        id: &WorkloadId,
        workload: &Workload,
    ) -> Option<Allowed> {
        let shared = self.rooms.get(place?.get())?.get(id.namespace.as_str())?;
        let rooms = shared.room.iter().filter_map(|(resource, left)| {
            let promised = shared.promised.get(resource).copied().unwrap_or_default();
            let free = u128::from(left.left).saturating_sub(promised);
            // A pod that asks for none of a limited resource is refused: a preflight says so.
            let more = free.checked_div(resource.of_one(workload).into())?;
            Some((more, *resource, &left.quota))
        });
        let (least, resource, quota) = rooms.min()?;
        Some(Allowed {
            more: Replicas::new(u32::try_from(least).unwrap_or(u32::MAX)),
            by: Limit {
                quota: format!("{}/{quota}", id.namespace),
                resource,
            },
        })
    }
}

fn amount(one: u64, replicas: Replicas) -> u128 {
    u128::from(one).saturating_mul(replicas.get().into())
}

/// Pods that exist, which the quota has counted.
pub(crate) fn existing(leg: &Leg) -> Replicas {
    leg.bound.plus(leg.pending.minus(leg.unmade))
}

/// Of `count`, those that do not exist yet.
pub(crate) fn owed(leg: &Leg, count: Replicas) -> Replicas {
    count.minus(existing(leg))
}
