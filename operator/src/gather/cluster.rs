//! What is known of one other cluster: facts as at home, and how old they are. Plain data, fed by
//! that cluster's watches, kept while it is out of reach.

use super::facts::{NamespaceFacts, NodeFacts, ObjectKey, PodFacts, QuotaFacts, ScalableFacts};
use super::kept::{kept, kept_of_a_cluster};
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

    kept_of_a_cluster!();
    kept!(
        "ResourceQuota",
        QuotaFacts,
        ObjectKey,
        quotas,
        |f| f.key.clone(),
        apply_quota,
        delete_quota,
        replace_quotas
    );
}
