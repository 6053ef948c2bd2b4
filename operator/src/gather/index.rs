//! The one view of this cluster and of those that Sites are: plain maps, fed by the watches and the signal askers, read by
//! `check`. No async, no client, no clock. Each `apply`, `delete` and `replace` says whether
//! anything changed that anybody asks for.

use super::cluster::ClusterView;
use super::facts::{
    HpaFacts, NamespaceFacts, NodeFacts, ObjectKey, PodFacts, ScalableFacts, ScalableKind,
    SiteFacts, SourceFacts, SovereignFacts, WorkloadFacts,
};
use super::gateway::answer::GatewayAnswer;
use super::metrics::answers::MetricAnswers;
use super::pods::PodTable;
use super::samples::SourceAnswers;
use pinisi_crds::site::ClusterIdentity;
use std::{collections::BTreeMap, sync::Arc};

/// The one view of the cluster.
#[derive(Debug, Default)]
pub struct Index {
    /// Sites by name.
    pub sites: BTreeMap<String, SiteFacts>,
    /// HybridWorkloads.
    pub workloads: BTreeMap<ObjectKey, WorkloadFacts>,
    /// SignalSources by name.
    pub sources: BTreeMap<String, SourceFacts>,
    /// SovereignNodes by name; only the one named `default` counts.
    pub sovereign: BTreeMap<String, SovereignFacts>,
    /// Namespaces by name.
    pub namespaces: BTreeMap<String, NamespaceFacts>,
    /// Nodes by name.
    pub nodes: BTreeMap<Arc<str>, NodeFacts>,
    /// Pods.
    pub pods: PodTable,
    /// Deployments.
    pub deployments: BTreeMap<ObjectKey, ScalableFacts>,
    /// StatefulSets.
    pub stateful_sets: BTreeMap<ObjectKey, ScalableFacts>,
    /// HorizontalPodAutoscalers.
    pub hpas: BTreeMap<ObjectKey, HpaFacts>,
    /// What each SignalSource answered, by its name.
    pub answers: BTreeMap<String, SourceAnswers>,
    /// How the gateways of each SignalSource that scrapes some fare, by its name.
    pub gateways: BTreeMap<String, Vec<GatewayAnswer>>,
    /// What the metrics APIs answered.
    pub metrics: MetricAnswers,
    /// Other clusters, by the name of the Site that each is.
    pub clusters: BTreeMap<String, ClusterView>,
    /// Which cluster this is, once that was read.
    pub hub: Option<ClusterIdentity>,
}

/// Puts `value` under `key`; false where it stood there already.
pub(super) fn put<K: Ord, V: PartialEq>(map: &mut BTreeMap<K, V>, key: K, value: V) -> bool {
    if map.get(&key) == Some(&value) {
        return false;
    }
    map.insert(key, value);
    true
}

/// Replaces a whole map; false where it was the same.
pub(super) fn swap<K: Ord, V: PartialEq>(map: &mut BTreeMap<K, V>, new: BTreeMap<K, V>) -> bool {
    if *map == new {
        return false;
    }
    *map = new;
    true
}

macro_rules! kept {
    ($what:literal, $facts:ty, $key:ty, $field:ident, |$f:ident| $key_of:expr, $apply:ident, $delete:ident, $replace:ident) => {
        #[doc = concat!("Adds or changes a ", $what, ". False where nothing changed.")]
        pub fn $apply(&mut self, facts: $facts) -> bool {
            let key = {
                let $f = &facts;
                $key_of
            };
            put(&mut self.$field, key, facts)
        }
        #[doc = concat!("Removes a ", $what, ". False where there was none.")]
        pub fn $delete(&mut self, key: &$key) -> bool {
            self.$field.remove(key).is_some()
        }
        #[doc = concat!("Replaces all of kind ", $what, ". False where nothing changed.")]
        pub fn $replace(&mut self, all: Vec<$facts>) -> bool {
            let new = all
                .into_iter()
                .map(|facts| {
                    (
                        {
                            let $f = &facts;
                            $key_of
                        },
                        facts,
                    )
                })
                .collect();
            swap(&mut self.$field, new)
        }
    };
}

impl Index {
    kept!(
        "Site",
        SiteFacts,
        str,
        sites,
        |f| f.key.name.clone(),
        apply_site,
        delete_site,
        replace_sites
    );
    kept!(
        "HybridWorkload",
        WorkloadFacts,
        ObjectKey,
        workloads,
        |f| f.key.clone(),
        apply_workload,
        delete_workload,
        replace_workloads
    );
    kept!(
        "SignalSource",
        SourceFacts,
        str,
        sources,
        |f| f.key.name.clone(),
        apply_source,
        delete_source,
        replace_sources
    );
    kept!(
        "SovereignNodes",
        SovereignFacts,
        str,
        sovereign,
        |f| f.key.name.clone(),
        apply_sovereign,
        delete_sovereign,
        replace_sovereign
    );
    kept!(
        "Node",
        NodeFacts,
        str,
        nodes,
        |f| f.name.clone(),
        apply_node,
        delete_node,
        replace_nodes
    );
    kept!(
        "Deployment",
        ScalableFacts,
        ObjectKey,
        deployments,
        |f| f.key.clone(),
        apply_deployment,
        delete_deployment,
        replace_deployments
    );
    kept!(
        "StatefulSet",
        ScalableFacts,
        ObjectKey,
        stateful_sets,
        |f| f.key.clone(),
        apply_stateful_set,
        delete_stateful_set,
        replace_stateful_sets
    );
    kept!(
        "HorizontalPodAutoscaler",
        HpaFacts,
        ObjectKey,
        hpas,
        |f| f.key.clone(),
        apply_hpa,
        delete_hpa,
        replace_hpas
    );

    /// Adds or changes a Namespace. False where nothing changed.
    pub fn apply_namespace(&mut self, name: String, facts: NamespaceFacts) -> bool {
        put(&mut self.namespaces, name, facts)
    }

    /// Removes a Namespace. False where there was none.
    pub fn delete_namespace(&mut self, name: &str) -> bool {
        self.namespaces.remove(name).is_some()
    }

    /// Replaces all Namespaces. False where nothing changed.
    pub fn replace_namespaces(&mut self, all: Vec<(String, NamespaceFacts)>) -> bool {
        swap(&mut self.namespaces, all.into_iter().collect())
    }

    /// Adds or changes a Pod. False where nothing changed.
    pub fn apply_pod(&mut self, facts: PodFacts) -> bool {
        self.pods.apply(facts)
    }

    /// Removes a Pod. False where there was none.
    pub fn delete_pod(&mut self, key: &ObjectKey) -> bool {
        self.pods.delete(&key.namespace, &key.name)
    }

    /// Replaces all Pods.
    pub fn replace_pods(&mut self, all: Vec<PodFacts>) -> bool {
        self.pods.replace(all);
        true
    }

    /// Takes in the answers of a SignalSource, unless it is gone by now. False where nothing changed.
    pub fn apply_answers(&mut self, source: &str, answers: SourceAnswers) -> bool {
        self.sources.contains_key(source) && put(&mut self.answers, source.to_owned(), answers)
    }

    /// Takes in how the gateways of a SignalSource fare, unless it is gone by now. False where
    /// nothing changed.
    pub fn apply_gateways(&mut self, source: &str, gateways: Vec<GatewayAnswer>) -> bool {
        self.sources.contains_key(source) && put(&mut self.gateways, source.to_owned(), gateways)
    }

    /// Forgets the answers of a SignalSource. False where there were none.
    pub fn forget_answers(&mut self, source: &str) -> bool {
        self.gateways.remove(source).is_some() | self.answers.remove(source).is_some()
    }

    /// A Deployment or a StatefulSet by name.
    #[must_use]
    pub fn scalable(&self, kind: ScalableKind, key: &ObjectKey) -> Option<&ScalableFacts> {
        match kind {
            ScalableKind::Deployment => self.deployments.get(key),
            ScalableKind::StatefulSet => self.stateful_sets.get(key),
        }
    }

    /// Deployments of one namespace, by name.
    pub fn deployments_of<'a>(
        &'a self,
        namespace: &'a str,
    ) -> impl Iterator<Item = &'a ScalableFacts> + use<'a> {
        let from = ObjectKey {
            namespace: namespace.to_owned(),
            name: String::new(),
        };
        self.deployments
            .range(from..)
            .map(|(_, d)| d)
            .take_while(move |d| d.key.namespace == namespace)
    }
}
