//! What runs at priced sites, and what it costs. Replicas of a site that does not answer count as
//! last seen, and pods until they are gone.

use crate::budget::paid;
use crate::model::World;
use crate::model::amounts::Replicas;
use crate::model::money::Currency;
use crate::model::price::PerHour;
use crate::model::workload::WorkloadId;
use crate::plan::is_sensitive;
use std::collections::{BTreeMap, BTreeSet};

/// What runs at priced sites.
#[derive(Clone, Debug, Default)]
pub(crate) struct Running<'a> {
    /// Pods that have a node.
    by_workload: BTreeMap<(&'a WorkloadId, Currency), PerHour>,
    /// Those and what specs say beyond them.
    by_namespace: BTreeMap<(&'a str, Currency), PerHour>,
}

impl<'a> Running<'a> {
    /// All that mass traffic runs where it costs something.
    pub(crate) fn of(world: &'a World) -> Self {
        let mut running = Self::default();
        let prices: BTreeMap<_, _> = world
            .sites
            .iter()
            .filter_map(|(name, site)| Some((name, site.charges()?)))
            .collect();
        if prices.is_empty() {
            return running;
        }
        for (id, workload) in world.workloads.iter().filter(|(_, w)| !is_sensitive(w)) {
            for (site, leg) in &workload.legs {
                let Some(price) = prices.get(site) else {
                    continue;
                };
                let rate = price.of(workload.request);
                let bound = running.by_workload.entry((id, price.currency)).or_default();
                *bound = bound.plus(rate.times(paid(leg, Replicas::ZERO)));
                let namespace = (id.namespace.as_str(), price.currency);
                let all = running.by_namespace.entry(namespace).or_default();
                *all = all.plus(rate.times(paid(leg, leg.spec)));
            }
        }
        running
    }

    /// What the pods of each workload of some namespaces cost an hour.
    pub(crate) fn workloads(
        &self,
        namespaces: &BTreeSet<String>,
        currency: Currency,
    ) -> impl Iterator<Item = (&'a WorkloadId, PerHour)> {
        let of = move |(id, c): &(&WorkloadId, Currency)| {
            *c == currency && namespaces.contains(id.namespace.as_str())
        };
        let all = self.by_workload.iter();
        all.filter(move |(key, _)| of(key))
            .map(|((id, _), rate)| (*id, *rate))
    }

    /// What the workloads of some namespaces cost an hour.
    pub(crate) fn sum(&self, namespaces: &BTreeSet<String>, currency: Currency) -> PerHour {
        let rates = namespaces
            .iter()
            .filter_map(|name| self.by_namespace.get(&(name.as_str(), currency)));
        rates.copied().sum()
    }
}
