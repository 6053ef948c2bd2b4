//! What is where it may not be, whatever was asked: V01, a pod of a Sensitive namespace on a node that
//! the namespace may not use; V02, one of a namespace without a class on a node away that a policy
//! keeps it from. Not here: writing evidence of it (`act::violations`), and what the guard refuses.

mod cause;

pub use cause::Cause;

use super::attested::{self, Standing, identity};
use super::policy::{Ground, Policies, jurisdiction};
use super::problem::class_name;
use super::site::CheckedSite;
use crate::checked::{PolicyViolations, Recorded, Violation, Violations};
use crate::gather::facts::{NamespaceFacts, PodFacts};
use crate::gather::index::Index;
use crate::guard::settings::KUBE_SYSTEM;
use pinisi_crds::SovereignNodesSpec;
use pinisi_crds::hybrid_workload::Class;
use pinisi_crds::names::CLASS_LABEL;
use pinisi_crds::sovereign_nodes::NodeIdentity;
use pinisi_crds::sovereignty_policy::{Enforcement, OnViolation, SovereigntyPolicySpec};
use pinisi_crds::sovereignty_violation::ViolationRule;
use pinisi_planner::model::site::{SiteKind, SiteName};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Name of the object that is evidence of it: the same for the same pod after a restart.
#[must_use]
pub fn name(rule: ViolationRule, uid: &str) -> String {
    format!("{}-{uid}", rule.id().to_lowercase())
}

/// What everything is judged by.
pub(super) struct Judge<'a> {
    pub index: &'a Index,
    pub sites: &'a BTreeMap<SiteName, CheckedSite<'a>>,
    pub policies: &'a Policies<'a>,
    /// The inventory of all, and of each of its nodes where it stands.
    pub base: &'a SovereignNodesSpec,
    pub grounds: &'a BTreeMap<String, Ground>,
    /// Of each node the Sites that have it: worked out only where something is wrong.
    pub claims: OnceCell<BTreeMap<&'a str, Vec<&'a SiteName>>>,
}

/// The policies of a namespace.
type Over<'a> = Vec<(&'a str, &'a SovereigntyPolicySpec)>;

impl<'a> Judge<'a> {
    /// Looks at every bound pod that a rule speaks of.
    pub fn all(&self) -> Violations {
        let infrastructure = self.policies.infrastructure();
        let own = [KUBE_SYSTEM, self.index.own_namespace.as_str()];
        let mut open = BTreeMap::new();
        for (namespace, facts) in &self.index.namespaces {
            if own.contains(&namespace.as_str()) || infrastructure.contains(namespace.as_str()) {
                continue;
            }
            let sensitive = class_name(Class::Sensitive);
            let rule = match facts.labels.get(CLASS_LABEL).map(String::as_str) {
                Some(class) if class == sensitive => ViolationRule::V01,
                None if !self.base.away.is_empty() => ViolationRule::V02,
                Some(_) | None => continue,
            };
            let over = self.over(rule, facts);
            if rule == ViolationRule::V02 && over.is_empty() {
                continue;
            }
            let evict = self.evicts(rule, &over);
            for pod in self.index.pods.of_namespace(namespace) {
                let Some(node) = pod.node.as_ref().filter(|_| !pod.finished) else {
                    continue;
                };
                let cause = match rule {
                    ViolationRule::V01 => self.sensitive(node, &over),
                    ViolationRule::V02 => self.unclassified(node),
                };
                if let Some(cause) = cause {
                    let found = self.found(rule, cause, pod, node, &over, evict);
                    open.insert(name(rule, &pod.uid), found);
                }
            }
        }
        let recorded = self.index.violations.iter().map(|(name, facts)| {
            let spec = facts.spec.as_ref().ok();
            let recorded = Recorded {
                uid: facts.uid.clone(),
                rule: spec.map(|spec| spec.rule),
                notice_deadline: spec.and_then(|s| Some(s.notice_deadline.as_ref()?.0)),
                status: facts.status.clone(),
            };
            (name.clone(), recorded)
        });
        Violations {
            open,
            recorded: recorded.collect(),
        }
    }

    /// Policies that say something of this rule in a namespace.
    fn over(&self, rule: ViolationRule, facts: &NamespaceFacts) -> Over<'a> {
        let speaks = |spec: &SovereigntyPolicySpec| match rule {
            ViolationRule::V01 => true,
            ViolationRule::V02 => spec.unclassified.unwrap_or_default().keeps_from_away(),
        };
        self.policies
            .over(&facts.labels)
            .filter(|(_, spec)| speaks(spec))
            .collect()
    }

    /// True where one of them says Evict and refuses the same of what is new, and a lawful node is
    /// there: a slip in a Site must not take a whole service down.
    fn evicts(&self, rule: ViolationRule, over: &Over<'_>) -> bool {
        let says = |spec: &SovereigntyPolicySpec| {
            let refuses = match rule {
                ViolationRule::V01 => true,
                ViolationRule::V02 => spec.enforcement.unwrap_or_default() == Enforcement::Deny,
            };
            refuses && spec.on_violation.unwrap_or_default() == OnViolation::Evict
        };
        let somewhere = || match rule {
            ViolationRule::V01 => self
                .base
                .nodes
                .keys()
                .any(|node| self.forbidden(node, over).is_none()),
            ViolationRule::V02 => self
                .index
                .nodes
                .keys()
                .any(|node| !self.base.away.contains_key(&**node)),
        };
        over.iter().any(|(_, spec)| says(spec)) && somewhere()
    }

    /// The policy that keeps its namespaces from a node of the inventory.
    fn forbidden(&self, node: &str, over: &Over<'_>) -> Option<String> {
        let law = self.grounds.get(node).map_or("", |g| &g.jurisdiction);
        let found = over
            .iter()
            .find(|(_, spec)| !super::policy::lawful(spec, law))?;
        Some(found.0.to_owned())
    }

    fn sensitive(&self, node: &str, over: &Over<'_>) -> Option<Cause> {
        if self.base.nodes.contains_key(node) {
            let policy = self.forbidden(node, over)?;
            return Some(Cause::Forbidden { policy });
        }
        let attested = self.attested(node);
        let Some(facts) = self.index.nodes.get(node) else {
            // A Node that is gone takes its pods with it; till then they are where they were.
            return attested.is_none().then_some(Cause::UnknownNode);
        };
        let cause = match self.claims().get(node).map(Vec::as_slice) {
            None | Some([]) => Cause::NoSite,
            Some([site]) => match self.sites.get(*site).map(|site| site.kind) {
                Some(kind @ (SiteKind::Cloud | SiteKind::Edge)) => Cause::Away { kind },
                Some(SiteKind::OnPrem) | None => {
                    match attested::judge(attested, &identity(facts), &facts.labels) {
                        Standing::Changed(change) => Cause::Changed(change),
                        Standing::New | Standing::Attested => Cause::NotAttested,
                    }
                }
            },
            Some(several) => Cause::SeveralSites {
                count: several.len(),
            },
        };
        Some(cause)
    }

    fn unclassified(&self, node: &str) -> Option<Cause> {
        let site = self.base.away.get(node)?;
        let kind = self.sites.get(&SiteName::new(site))?.kind;
        Some(Cause::Away { kind })
    }

    fn found(
        &self,
        rule: ViolationRule,
        cause: Cause,
        pod: &PodFacts,
        node: &Arc<str>,
        over: &Over<'_>,
        evict: bool,
    ) -> Violation {
        let site = match self.claims().get(&**node).map(Vec::as_slice) {
            Some([site]) => Some(site.to_string()),
            Some(_) | None => None,
        };
        let law = site.as_deref().map(|site| jurisdiction(self.index, site));
        Violation {
            rule,
            cause,
            namespace: pod.namespace.clone(),
            pod: pod.name.clone(),
            uid: pod.uid.to_string(),
            node: node.clone(),
            jurisdiction: law.filter(|law| !law.is_empty()).map(ToOwned::to_owned),
            site,
            policies: over.iter().map(|(name, _)| (*name).to_owned()).collect(),
            node_seen: self.index.nodes.get(node).map(identity),
            node_attested: self.attested(node).cloned(),
            law: over
                .iter()
                .filter_map(|(_, spec)| super::policy::articles(spec).remove(rule.id()))
                .collect(),
            notice_hours: over
                .iter()
                .filter_map(|(_, spec)| super::policy::notice(spec))
                .min(),
            evict: evict && !pod.terminating,
        }
    }

    /// As whom a node of this name was attested, in whatever OnPrem Site.
    fn attested(&self, node: &str) -> Option<&NodeIdentity> {
        let specs = self
            .index
            .sites
            .values()
            .filter_map(|facts| facts.spec.as_ref().ok());
        specs
            .filter_map(|spec| spec.attested.as_ref())
            .find_map(|attested| attested.get(node))
    }

    fn claims(&self) -> &BTreeMap<&'a str, Vec<&'a SiteName>> {
        self.claims.get_or_init(|| {
            let mut claims: BTreeMap<&str, Vec<&SiteName>> = BTreeMap::new();
            for (name, site) in self.sites {
                for node in &site.nodes {
                    claims.entry(&*node.name).or_default().push(name);
                }
            }
            claims
        })
    }
}

/// What stands open of each policy, by its name.
#[must_use]
pub fn by_policy(violations: &Violations) -> BTreeMap<&str, PolicyViolations> {
    let mut by_policy: BTreeMap<&str, PolicyViolations> = BTreeMap::new();
    for violation in violations.open.values() {
        for policy in &violation.policies {
            let sum = by_policy.entry(policy).or_default();
            sum.count += 1;
            sum.first.get_or_insert_with(|| violation.to_string());
        }
    }
    by_policy
}
