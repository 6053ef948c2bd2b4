//! What runs of a workload where: the target's own leg at home, a sibling's at each further site.

use super::placement::Placed;
use super::start_up::Starts;
use crate::checked::{Sibling, Violations};
use crate::gather::{
    facts::{PodFacts, ScalableFacts},
    index::Index,
};
use pinisi_crds::names::SITE_LABEL;
use pinisi_planner::model::{amounts::Replicas, site::SiteName, workload::Leg};
use std::collections::BTreeMap;

/// What runs of a workload.
#[derive(Debug, Default)]
pub struct Running {
    /// By site.
    pub legs: BTreeMap<SiteName, Leg>,
    /// Highest priority of its pods; 0 where there are none.
    pub priority: i32,
    /// How long its pods took to start.
    pub starts: Starts,
    /// Its pods on nodes that their Sensitive namespace may not use: pod and node.
    pub off_lawful: Vec<(String, String)>,
}

/// Looks at target, siblings and pods. Pods of the target match its selector and carry no site;
/// pods of a sibling carry its site.
#[must_use]
pub fn of(
    index: &Index,
    target: &ScalableFacts,
    siblings: &[&ScalableFacts],
    placed: Option<&Placed>,
    violations: &Violations,
) -> Running {
    let mut running = Running::default();
    let home = placed.and_then(|p| p.sites.first());
    let mut makers: BTreeMap<SiteName, &ScalableFacts> = BTreeMap::new();
    if let Some(home) = home {
        makers.insert(home.clone(), target);
    }
    for sibling in siblings {
        if let Some(marks) = &sibling.sibling {
            makers.entry(SiteName::new(&marks.site)).or_insert(sibling);
        }
    }
    running.legs = makers
        .iter()
        .map(|(site, maker)| (site.clone(), leg(maker)))
        .collect();
    let Some(selector) = &target.selector else {
        return running;
    };
    let mut priority = None;
    for pod in index
        .pods
        .matching(&target.key.namespace, selector, &target.match_labels)
    {
        if pod.finished {
            continue;
        }
        if let Some(node) = &pod.node
            && violations.has_sensitive(&pod.uid)
        {
            running
                .off_lawful
                .push((pod.name.to_string(), node.to_string()));
        }
        priority = priority.max(pod.priority);
        let site = match pod.labels.get(SITE_LABEL) {
            Some(site) => Some(SiteName::new(site)),
            None => home.cloned(),
        };
        if let Some(site) = site {
            running.starts.see(&site, pod);
            count(running.legs.entry(site).or_default(), pod);
        }
    }
    running.priority = priority.unwrap_or(0);
    for (site, maker) in makers {
        unmade(running.legs.entry(site).or_default(), maker);
    }
    running
}

/// What the object itself says.
pub fn leg(object: &ScalableFacts) -> Leg {
    Leg {
        spec: Replicas::from_api(object.replicas),
        generation: object.generation,
        foreign_writer: object.foreign_writer.clone(),
        rolling: object.rolling,
        ..Leg::default()
    }
}

/// Replicas whose pods cannot be made (a quota, an admission that refuses) wait as those without a
/// node do.
pub fn unmade(leg: &mut Leg, maker: &ScalableFacts) {
    let missing = leg.spec.minus(leg.bound.plus(leg.pending));
    let Some(since) = maker.failing_since.filter(|_| missing > Replicas::ZERO) else {
        return;
    };
    leg.pending = leg.pending.plus(missing);
    leg.unmade = missing;
    leg.pending_since = Some(leg.pending_since.map_or(since, |before| before.min(since)));
}

/// Counts a pod that has not finished. One that is terminating takes its place on the node till it
/// is gone, and nothing else.
pub fn count(leg: &mut Leg, pod: &PodFacts) {
    let one = Replicas::new(1);
    if pod.terminating {
        if pod.node.is_some() {
            leg.terminating = leg.terminating.plus(one);
        }
        return;
    }
    if pod.ready {
        leg.ready = leg.ready.plus(one);
    }
    if pod.node.is_some() {
        leg.bound = leg.bound.plus(one);
    } else {
        leg.pending = leg.pending.plus(one);
        leg.pending_since = match (leg.pending_since, pod.created) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}

/// Siblings as `act` needs them, by site; of two at one site the first by name.
#[must_use]
pub fn siblings(siblings: &[&ScalableFacts]) -> BTreeMap<SiteName, Sibling> {
    let mut found = BTreeMap::new();
    for sibling in siblings {
        let Some(marks) = &sibling.sibling else {
            continue;
        };
        found
            .entry(SiteName::new(&marks.site))
            .or_insert_with(|| Sibling {
                name: sibling.key.name.clone(),
                uid: sibling.uid.clone(),
                spec_replicas: sibling.replicas,
                digest: marks.digest.clone(),
                deleting: sibling.deleting,
            });
    }
    found
}
