//! What is known of one other cluster: facts as at home, and how old they are. Plain data, fed by
//! that cluster's watches, kept while it is out of reach.

use super::facts::{NamespaceFacts, NodeFacts, ObjectKey, PodFacts, QuotaFacts, ScalableFacts};
use super::index::{put, swap};
use super::link::{Link, LinkFault};
use super::pods::PodTable;
use super::shared::{Kind, WatchHealth};
use jiff::{SignedDuration, Timestamp};
use pinisi_crds::site::ClusterIdentity;
use std::{collections::BTreeMap, sync::Arc};

/// What is known of one other cluster.
#[derive(Debug, Default)]
pub struct ClusterView {
    /// The way to it.
    pub link: Link,
    /// Which cluster it is, once that was seen and found right.
    pub identity: Option<ClusterIdentity>,
    /// True once every kind that a site needs was listed whole; before that, what is not here may
    /// be there all the same.
    pub seen: bool,
    /// When this process began to look for it.
    pub began: Option<Timestamp>,
    /// Nodes by name.
    pub nodes: BTreeMap<Arc<str>, NodeFacts>,
    /// Pods.
    pub pods: PodTable,
    /// Namespaces by name.
    pub namespaces: BTreeMap<String, NamespaceFacts>,
    /// Deployments that say they are managed by Pinisi, whoever's.
    pub deployments: BTreeMap<ObjectKey, ScalableFacts>,
    /// ResourceQuotas.
    pub quotas: BTreeMap<ObjectKey, QuotaFacts>,
    /// The receiving cluster's own guard.
    pub guard: GuardFacts,
    /// How each of its watches fares.
    pub health: BTreeMap<Kind, WatchHealth>,
    /// What does not stop the link but should be known: a kind that cannot be read and is done
    /// without, a rotated credential that does not work yet.
    pub warnings: Vec<LinkFault>,
    /// Faults so far, by their reason.
    pub errors: BTreeMap<&'static str, u64>,
}

/// The receiving cluster's guard, as far as this process knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GuardFacts {
    /// Not looked at yet.
    #[default]
    Unknown,
    /// Applied, and seen to refuse.
    InForce,
    /// Not wholly applied, or seen not to refuse.
    Missing {
        /// A CamelCase word.
        reason: &'static str,
        /// Why, for people.
        why: String,
    },
}

impl ClusterView {
    /// A view of a cluster that is looked for since `began`.
    #[must_use]
    pub fn new(began: Timestamp) -> Self {
        Self {
            began: Some(began),
            ..Self::default()
        }
    }

    /// How old its facts may be: zero while every watch that is needed is sound, else for how long
    /// the first has been failing; `None` where they were never complete.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> Option<SignedDuration> {
        let needed = self.health.iter().filter(|(kind, _)| !kind.is_optional());
        let failing = needed.filter_map(|(_, health)| health.failing_since);
        let down = self.link.fault().map(|(since, _)| since);
        let oldest = failing.chain(down).min();
        let age = oldest.map_or(SignedDuration::ZERO, |since| {
            now.duration_since(since).max(SignedDuration::ZERO)
        });
        self.seen.then_some(age)
    }

    /// Forgets every fact: it is another cluster by now.
    pub fn forget(&mut self) {
        *self = Self {
            link: self.link.clone(),
            began: self.began,
            errors: std::mem::take(&mut self.errors),
            ..Self::default()
        };
    }

    /// Adds or changes a Node. False where nothing changed.
    pub fn apply_node(&mut self, facts: NodeFacts) -> bool {
        put(&mut self.nodes, facts.name.clone(), facts)
    }

    /// Removes a Node. False where there was none.
    pub fn delete_node(&mut self, name: &str) -> bool {
        self.nodes.remove(name).is_some()
    }

    /// Replaces all Nodes. False where nothing changed.
    pub fn replace_nodes(&mut self, all: Vec<NodeFacts>) -> bool {
        let new = all.into_iter().map(|f| (f.name.clone(), f)).collect();
        swap(&mut self.nodes, new)
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

    /// Adds or changes a Deployment. False where nothing changed.
    pub fn apply_deployment(&mut self, facts: ScalableFacts) -> bool {
        put(&mut self.deployments, facts.key.clone(), facts)
    }

    /// Removes a Deployment. False where there was none.
    pub fn delete_deployment(&mut self, key: &ObjectKey) -> bool {
        self.deployments.remove(key).is_some()
    }

    /// Replaces all Deployments. False where nothing changed.
    pub fn replace_deployments(&mut self, all: Vec<ScalableFacts>) -> bool {
        let new = all.into_iter().map(|f| (f.key.clone(), f)).collect();
        swap(&mut self.deployments, new)
    }

    /// Adds or changes a ResourceQuota. False where nothing changed.
    pub fn apply_quota(&mut self, facts: QuotaFacts) -> bool {
        put(&mut self.quotas, facts.key.clone(), facts)
    }

    /// Removes a ResourceQuota. False where there was none.
    pub fn delete_quota(&mut self, key: &ObjectKey) -> bool {
        self.quotas.remove(key).is_some()
    }

    /// Replaces all ResourceQuotas. False where nothing changed.
    pub fn replace_quotas(&mut self, all: Vec<QuotaFacts>) -> bool {
        let new = all.into_iter().map(|f| (f.key.clone(), f)).collect();
        swap(&mut self.quotas, new)
    }
}
