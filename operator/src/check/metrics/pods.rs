//! Pods of all sites of a workload, as the HPA's rules look at them.

use super::scope::Scope;
use crate::gather::facts::PodFacts;
use pinisi_crds::names::SITE_LABEL;
use pinisi_planner::hpa::{Pod, PodKey, Pods};
use pinisi_planner::model::site::SiteName;

/// Every pod that the target's selector matches, whatever state it is in. Of a site that does not
/// answer: those seen last.
#[must_use]
pub fn all(scope: &Scope<'_>) -> Pods {
    let mut pods: Vec<_> = here(scope).map(|(site, pod)| of(site, pod)).collect();
    for remote in &scope.remotes {
        pods.extend(there(scope, remote).map(|pod| of(remote.site.clone(), pod)));
    }
    pods.into()
}

/// Pods in this cluster with their sites: pods of the target carry none, and are at home.
pub fn here<'a>(scope: &Scope<'a>) -> impl Iterator<Item = (SiteName, &'a PodFacts)> {
    let home = scope.home.cloned();
    let index = scope.index;
    let matching = scope.target.and_then(|target| {
        let selector = target.selector.as_ref()?;
        let namespace = &target.key.namespace;
        Some(
            index
                .pods
                .matching(namespace, selector, &target.match_labels),
        )
    });
    matching.into_iter().flatten().filter_map(move |pod| {
        let site = match pod.labels.get(SITE_LABEL) {
            Some(site) => SiteName::new(site),
            None => home.clone()?,
        };
        Some((site, pod))
    })
}

/// Pods of the workload in another cluster.
pub fn there<'a>(
    scope: &Scope<'a>,
    remote: &super::scope::Remote<'a>,
) -> impl Iterator<Item = &'a PodFacts> {
    let site = remote.site.clone();
    let matching = scope.target.zip(remote.view).and_then(|(target, view)| {
        let selector = target.selector.as_ref()?;
        let namespace = &target.key.namespace;
        Some(
            view.pods
                .matching(namespace, selector, &target.match_labels),
        )
    });
    let pods = matching.into_iter().flatten();
    pods.filter(move |pod| {
        let label = pod.labels.get(SITE_LABEL);
        label.is_some_and(|label| label == site.as_str())
    })
}

fn of(site: SiteName, pod: &PodFacts) -> Pod {
    Pod {
        key: PodKey {
            site,
            name: pod.name.clone(),
        },
        phase: pod.phase,
        terminating: pod.terminating,
        started: pod.started,
        ready: pod.readiness,
        requests: pod.shape.clone(),
    }
}
