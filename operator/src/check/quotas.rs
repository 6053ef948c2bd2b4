//! What the ResourceQuotas of another cluster leave free, namespace by namespace.

use crate::gather::{cluster::ClusterView, facts::QuotaLimit};
use pinisi_planner::model::quota::{QuotaLeft, QuotaRoom};
use std::collections::BTreeMap;

/// Of each resource what the tightest quota leaves.
#[must_use]
pub fn left(view: Option<&ClusterView>) -> BTreeMap<String, QuotaRoom> {
    let mut rooms: BTreeMap<String, QuotaRoom> = BTreeMap::new();
    let quotas = view.into_iter().flat_map(|view| view.quotas.values());
    for quota in quotas.filter(|quota| quota.applies) {
        for (resource, limit) in &quota.limits {
            let QuotaLimit { hard, used } = *limit;
            let new = QuotaLeft {
                quota: quota.key.name.clone(),
                left: hard.saturating_sub(used),
            };
            let room = rooms.entry(quota.key.namespace.clone()).or_default();
            let kept = room.entry(*resource).or_insert_with(|| new.clone());
            if new.left < kept.left {
                *kept = new;
            }
        }
    }
    rooms
}
