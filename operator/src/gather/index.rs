//! The one view of this cluster and of those that Sites are: plain maps, fed by the watches and the signal askers, read by
//! `check`. No async, no client, no clock. Each `apply`, `delete` and `replace` says whether
//! anything changed that anybody asks for.

use super::cluster::ClusterView;
use super::facts::{
    BudgetFacts, DeclassificationFacts, HpaFacts, LedgerFacts, NamespaceFacts, NodeFacts,
    ObjectKey, PodFacts, PolicyFacts, ScalableFacts, ScalableKind, SiteFacts, SourceFacts,
    SovereignFacts, ViolationFacts, WorkloadFacts,
};
use super::gateway::answer::GatewayAnswer;
use super::kept::{Listed, kept, kept_of_a_cluster, put};
use super::metrics::answers::MetricAnswers;
use super::pods::PodTable;
use super::samples::SourceAnswers;
use super::services::ServiceFacts;
use super::storage::{ClaimFacts, VolumeSource};
use crate::check::schedule::Kept;
use crate::guard::keep::Seen;
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
    /// SovereigntyPolicies by name.
    pub policies: BTreeMap<String, PolicyFacts>,
    /// Declassifications.
    pub declassifications: BTreeMap<ObjectKey, DeclassificationFacts>,
    /// CloudBudgets by name.
    pub budgets: BTreeMap<String, BudgetFacts>,
    /// What is written down of the money that was spent: one entry, or none where the ConfigMap is gone.
    pub ledgers: BTreeMap<String, LedgerFacts>,
    /// The guard's objects as they stand, for each kind that can be watched.
    pub guard: Seen,
    /// SovereignNodes by name.
    pub sovereign: BTreeMap<String, SovereignFacts>,
    /// SovereigntyViolations by name.
    pub violations: BTreeMap<String, ViolationFacts>,
    /// The operator's own namespace, which nothing judges.
    pub own_namespace: String,
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
    /// PersistentVolumeClaims that are bound.
    pub claims: Listed<ObjectKey, ClaimFacts>,
    /// PersistentVolumes.
    pub volumes: Listed<ObjectKey, VolumeSource>,
    /// Services that lead outside.
    pub services: Listed<ObjectKey, ServiceFacts>,
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
    /// Schedules that check has worked out already.
    pub schedules: Kept,
}

impl Index {
    kept_of_a_cluster!();
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
        "CloudBudget",
        BudgetFacts,
        str,
        budgets,
        |f| f.key.name.clone(),
        apply_budget,
        delete_budget,
        replace_budgets
    );
    kept!(
        "SovereigntyPolicy",
        PolicyFacts,
        str,
        policies,
        |f| f.key.name.clone(),
        apply_policy,
        delete_policy,
        replace_policies
    );
    kept!(
        "Declassification",
        DeclassificationFacts,
        ObjectKey,
        declassifications,
        |f| f.key.clone(),
        apply_declassification,
        delete_declassification,
        replace_declassifications
    );
    kept!(
        "ledger",
        LedgerFacts,
        str,
        ledgers,
        |f| f.name.clone(),
        apply_ledger,
        delete_ledger,
        replace_ledgers
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
        "SovereigntyViolation",
        ViolationFacts,
        str,
        violations,
        |f| f.key.name.clone(),
        apply_violation,
        delete_violation,
        replace_violations
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
