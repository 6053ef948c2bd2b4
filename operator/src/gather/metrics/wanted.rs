//! What is to be asked where, from the workloads' specs. Pure. Where no workload has metrics,
//! nothing is.

use super::question::{Place, Question};
use crate::gather::facts::{ObjectKey, ScalableFacts, ScalableKind, WorkloadFacts};
use crate::gather::index::Index;
use crate::gather::wire::group_of;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::Selector;
use pinisi_crds::autoscaling::metric::{ExternalSource, MetricSpec, ObjectSource, PodsSource};
use pinisi_crds::names::SITE_LABEL;
use std::collections::{BTreeMap, BTreeSet};

/// apiVersion of an object that names none.
const CORE: &str = "v1";

/// What is asked of one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Namespaces of which the use of CPU and memory is asked.
    pub usage: BTreeSet<String>,
    /// Lists of values.
    pub lists: BTreeSet<Question>,
}

/// What one metric needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// Use of CPU and memory by pods of the namespace, in each cluster that runs some.
    Usage,
    /// A list for the pods of a cluster, in each cluster that runs some.
    OfPods(Question),
    /// A list from this cluster alone.
    Once(Question),
}

/// What is to be asked, by cluster. Empty where no workload has metrics.
#[must_use]
pub fn of(index: &Index) -> BTreeMap<Place, Wanted> {
    let mut wanted: BTreeMap<Place, Wanted> = BTreeMap::new();
    for facts in index.workloads.values() {
        let metrics = metrics(facts);
        if metrics.is_empty() || facts.deleting {
            continue;
        }
        let namespace = &facts.key.namespace;
        let target = target(index, facts);
        let sites = target.map_or_else(Vec::new, |t| remote_sites(index, t));
        for metric in metrics {
            let places = std::iter::once(None).chain(sites.iter().copied().map(Some));
            for site in places {
                let place = site.map_or(Place::Hub, |site| Place::Site(site.to_owned()));
                match need(metric, namespace, target, site) {
                    Some(Need::Usage) => {
                        let here = wanted.entry(place).or_default();
                        here.usage.insert(namespace.clone());
                    }
                    Some(Need::OfPods(question)) => {
                        wanted.entry(place).or_default().lists.insert(question);
                    }
                    Some(Need::Once(question)) if site.is_none() => {
                        wanted.entry(place).or_default().lists.insert(question);
                    }
                    Some(Need::Once(_)) | None => {}
                }
            }
        }
    }
    wanted
}

/// True where any workload has metrics, whether or not there is anything to ask for it now.
#[must_use]
pub fn any(index: &Index) -> bool {
    let mut workloads = index.workloads.values();
    workloads.any(|facts| !facts.deleting && !metrics(facts).is_empty())
}

/// The metrics of a workload; none where its spec cannot be read.
#[must_use]
pub fn metrics(facts: &WorkloadFacts) -> &[MetricSpec] {
    let spec = facts.spec.as_ref().ok();
    let autoscaling = spec.and_then(|s| s.autoscaling.as_ref());
    autoscaling
        .and_then(|a| a.metrics.as_deref())
        .unwrap_or_default()
}

fn target<'a>(index: &'a Index, facts: &WorkloadFacts) -> Option<&'a ScalableFacts> {
    let target = &facts.spec.as_ref().ok()?.target_ref;
    let kind = match (group_of(&target.api_version), target.kind.as_str()) {
        ("apps", "Deployment") => ScalableKind::Deployment,
        ("apps", "StatefulSet") => ScalableKind::StatefulSet,
        _ => return None,
    };
    let key = ObjectKey {
        namespace: facts.key.namespace.clone(),
        name: target.name.clone(),
    };
    index.scalable(kind, &key)
}

/// Sites in other clusters that run pods of a target, whether or not they answer now: what was
/// answered is kept meanwhile.
fn remote_sites<'a>(index: &'a Index, target: &ScalableFacts) -> Vec<&'a str> {
    let Some(selector) = &target.selector else {
        return Vec::new();
    };
    let runs = |(site, view): &(&'a String, &'a crate::gather::cluster::ClusterView)| {
        let mut pods = view
            .pods
            .matching(&target.key.namespace, selector, &target.match_labels);
        pods.any(|pod| pod.labels.get(SITE_LABEL) == Some(*site))
    };
    let found = index.clusters.iter().filter(runs);
    found.map(|(site, _)| site.as_str()).collect()
}

/// What a metric needs, at a site in another cluster where one is named. `None` where its spec is
/// not sound, or its target is not known: then there is nothing to ask.
#[must_use]
pub fn need(
    metric: &MetricSpec,
    namespace: &str,
    target: Option<&ScalableFacts>,
    site: Option<&str>,
) -> Option<Need> {
    let MetricSpec {
        type_: _,
        resource,
        container_resource,
        pods,
        object,
        external,
    } = metric;
    match (resource, container_resource, pods, object, external) {
        (Some(_), None, None, None, None) | (None, Some(_), None, None, None) => Some(Need::Usage),
        (None, None, Some(PodsSource { metric, target: _ }), None, None) => {
            let selector = target?.selector.as_ref()?;
            let pods = match site {
                None => selector.to_string(),
                Some(site) => format!("{selector},{SITE_LABEL}={site}"),
            };
            Some(Need::OfPods(Question::Pods {
                namespace: namespace.to_owned(),
                metric: metric.name.clone(),
                pods,
                labels: text(metric.selector.as_ref())?,
            }))
        }
        (None, None, None, Some(source), None) => {
            let ObjectSource {
                described_object,
                metric,
                target: _,
            } = source;
            Some(Need::Once(Question::Object {
                namespace: namespace.to_owned(),
                api_version: described_object
                    .api_version
                    .clone()
                    .filter(|v| !v.is_empty())
                    .unwrap_or_else(|| CORE.to_owned()),
                kind: described_object.kind.clone(),
                name: described_object.name.clone(),
                metric: metric.name.clone(),
                labels: text(metric.selector.as_ref())?,
            }))
        }
        (None, None, None, None, Some(ExternalSource { metric, target: _ })) => {
            Some(Need::Once(Question::External {
                namespace: namespace.to_owned(),
                metric: metric.name.clone(),
                labels: text(metric.selector.as_ref())?,
            }))
        }
        // None of the five, or several of them.
        _ => None,
    }
}

/// A selector as text; `None` where it cannot be read.
fn text(selector: Option<&LabelSelector>) -> Option<String> {
    match selector {
        None => Some(String::new()),
        Some(selector) => Selector::try_from(selector.clone())
            .ok()
            .map(|s| s.to_string()),
    }
}
