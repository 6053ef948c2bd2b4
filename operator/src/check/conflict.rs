//! Who else wants the same count: a second HybridWorkload on one target, an HPA or a ScaledObject.

use crate::gather::{
    facts::{HpaFacts, ObjectKey, ScalableFacts},
    index::Index,
    wire::group_of,
};
use jiff::Timestamp;
use pinisi_crds::names::GROUP;
use std::collections::BTreeMap;

/// A scaled object: namespace, API group, kind, name.
type Scaled<'a> = (&'a str, &'a str, &'a str, &'a str);

/// Everybody who wants a count, found once for all workloads.
#[derive(Debug)]
pub struct Wants<'a> {
    holders: BTreeMap<Scaled<'a>, &'a ObjectKey>,
    autoscalers: BTreeMap<Scaled<'a>, String>,
    siblings: BTreeMap<(&'a str, &'a str), Vec<&'a ScalableFacts>>,
    drivers: BTreeMap<(&'a str, &'a str), Vec<&'a HpaFacts>>,
}

impl<'a> Wants<'a> {
    /// Looks through workloads, autoscalers and Deployments.
    #[must_use]
    pub fn of(index: &'a Index) -> Self {
        let mut holders: BTreeMap<Scaled<'a>, (Timestamp, &'a ObjectKey)> = BTreeMap::new();
        for (key, facts) in &index.workloads {
            let Ok(spec) = &facts.spec else { continue };
            if facts.deleting {
                continue;
            }
            let target = &spec.target_ref;
            let scaled = (
                key.namespace.as_str(),
                group_of(&target.api_version),
                target.kind.as_str(),
                target.name.as_str(),
            );
            let claim = (facts.created.unwrap_or(Timestamp::MAX), key);
            let holder = holders.entry(scaled).or_insert(claim);
            *holder = claim.min(*holder);
        }
        let mut autoscalers = BTreeMap::new();
        let mut drivers: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for hpa in index.hpas.values() {
            if hpa.group == GROUP && hpa.kind == "HybridWorkload" {
                let workload = (hpa.key.namespace.as_str(), hpa.target.as_str());
                drivers.entry(workload).or_default().push(hpa);
            }
            let scaled = (
                hpa.key.namespace.as_str(),
                hpa.group.as_str(),
                hpa.kind.as_str(),
                hpa.target.as_str(),
            );
            let said = hpa.scaled_object.as_ref().map_or_else(
                || format!("HorizontalPodAutoscaler {}", hpa.key.name),
                |owner| format!("ScaledObject {owner}"),
            );
            autoscalers.entry(scaled).or_insert(said);
        }
        let mut siblings: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for deployment in index.deployments.values() {
            if let Some(marks) = &deployment.sibling {
                siblings
                    .entry((deployment.key.namespace.as_str(), marks.workload.as_str()))
                    .or_default()
                    .push(deployment);
            }
        }
        Self {
            holders: holders
                .into_iter()
                .map(|(scaled, (_, key))| (scaled, key))
                .collect(),
            autoscalers,
            siblings,
            drivers,
        }
    }

    /// HPAs that set the count of a workload through its own /scale, by name.
    #[must_use]
    pub fn drivers<'s>(&'s self, workload: &'s ObjectKey) -> &'s [&'a HpaFacts] {
        self.drivers
            .get(&(workload.namespace.as_str(), workload.name.as_str()))
            .map_or(&[], Vec::as_slice)
    }

    /// The workload that keeps a target: the older one, then the first by name.
    #[must_use]
    pub fn holder<'s>(
        &'s self,
        namespace: &'s str,
        api_version: &'s str,
        kind: &'s str,
        name: &'s str,
    ) -> Option<&'s ObjectKey> {
        self.holders
            .get(&(namespace, group_of(api_version), kind, name))
            .copied()
    }

    /// An autoscaler on a target or on one of its siblings.
    #[must_use]
    pub fn autoscaler<'s>(
        &'s self,
        target: &'s ScalableFacts,
        siblings: &[&'s ScalableFacts],
    ) -> Option<&'s str> {
        std::iter::once(target)
            .chain(siblings.iter().copied())
            .find_map(|s| {
                self.autoscalers.get(&(
                    s.key.namespace.as_str(),
                    "apps",
                    s.kind.name(),
                    s.key.name.as_str(),
                ))
            })
            .map(String::as_str)
    }

    /// Siblings of a workload, by name.
    #[must_use]
    pub fn siblings<'s>(&'s self, workload: &'s ObjectKey) -> &'s [&'a ScalableFacts] {
        self.siblings
            .get(&(workload.namespace.as_str(), workload.name.as_str()))
            .map_or(&[], Vec::as_slice)
    }
}
