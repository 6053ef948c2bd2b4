//! SovereigntyPolicies: which namespaces each speaks for, which Sites it forbids, and what it makes
//! of the guard: an inventory of its own, bindings, and namespaces that are left out.

use super::declassification::{COOL_DOWN, EXPIRE, Wait};
use super::problem::{Problem, class_name};
use super::renewal;
use crate::checked::{PolicySubject, PolicyViolations, SovereignSubject};
use crate::gather::facts::PolicyFacts;
use crate::gather::index::Index;
use crate::guard::{GuardPolicies, PolicyBinding};
use jiff::{SignedDuration, Timestamp};
use kube::core::{Selector, SelectorExt as _};
use pinisi_crds::SovereignNodesSpec;
use pinisi_crds::hybrid_workload::Class;
use pinisi_crds::legal::{self, DataCategory, Preset};
use pinisi_crds::names::{CLASS_LABEL, SOVEREIGN_NODES};
use pinisi_crds::sovereign_nodes::Terms;
use pinisi_crds::sovereignty_policy::{
    DeclassificationTerms, Enforcement, Identities, RouteTerms, SnapshotClassTerm,
    SovereigntyPolicySpec, StorageClassTerm, StorageTerms,
};
use std::collections::{BTreeMap, BTreeSet};

/// Every policy that can be read.
#[derive(Debug, Default)]
pub struct Policies<'a> {
    read: BTreeMap<&'a str, CheckedPolicy<'a>>,
    subjects: BTreeMap<String, PolicySubject>,
    /// What any of them allows.
    any: Terms,
}

#[derive(Debug)]
struct CheckedPolicy<'a> {
    spec: &'a SovereigntyPolicySpec,
    selector: Selector,
    /// Sensitive namespaces that it selects.
    sensitive: BTreeSet<&'a str>,
    /// What it allows.
    terms: Terms,
    /// Where another one allows the same otherwise.
    clashes: Vec<Problem>,
}

/// A policy that selects a namespace.
#[derive(Clone, Copy, Debug)]
pub struct Over<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it says.
    pub spec: &'a SovereigntyPolicySpec,
    /// What it allows.
    pub terms: &'a Terms,
}

/// What policies make of the guard.
#[derive(Debug, Default)]
pub struct Guarded {
    /// What the inventory for all should say, and what it says.
    pub sovereign: SovereignSubject,
    /// The same of each policy's own, by name.
    pub inventories: BTreeMap<String, SovereignSubject>,
    /// What the guard's objects carry.
    pub policies: GuardPolicies,
    /// For the report.
    pub subjects: BTreeMap<String, PolicySubject>,
}

impl<'a> Policies<'a> {
    /// Reads every policy.
    #[must_use]
    pub fn of(index: &'a Index) -> Self {
        let mut policies = Self::default();
        for (name, facts) in &index.policies {
            let mut problems = Vec::new();
            if let Some(mut policy) = read(index, facts, &mut problems) {
                policy.clashes = join(&mut policies.any, &policy.terms);
                policies.read.insert(name.as_str(), policy);
            }
            let subject = PolicySubject {
                uid: facts.uid.clone(),
                generation: facts.generation,
                status: facts.status.clone(),
                namespaces: 0,
                nodes: 0,
                violations: PolicyViolations::default(),
                laws: Vec::new(),
                problems,
            };
            policies.subjects.insert(name.clone(), subject);
        }
        policies
    }

    /// The first policy that keeps Sensitive workloads of a namespace with these labels from a Site
    /// under this jurisdiction.
    #[must_use]
    pub fn forbids(
        &self,
        labels: &BTreeMap<String, String>,
        jurisdiction: &str,
    ) -> Option<&'a str> {
        self.read
            .iter()
            .find(|(_, policy)| {
                policy.selector.matches(labels) && !lawful(policy.spec, jurisdiction)
            })
            .map(|(name, _)| *name)
    }

    /// Policies that select a namespace with these labels, by name.
    pub fn over(&self, labels: &BTreeMap<String, String>) -> impl Iterator<Item = Over<'_>> {
        self.read
            .iter()
            .filter(|(_, policy)| policy.selector.matches(labels))
            .map(|(name, policy)| Over {
                name,
                spec: policy.spec,
                terms: &policy.terms,
            })
    }

    /// What any of them allows: it holds where none speaks.
    #[must_use]
    pub const fn any(&self) -> &Terms {
        &self.any
    }

    /// Namespaces of the cluster's own parts that any policy names.
    #[must_use]
    pub fn infrastructure(&self) -> BTreeSet<&'a str> {
        let named = self
            .read
            .values()
            .filter_map(|policy| policy.spec.infrastructure_namespaces.as_ref());
        named.flatten().map(String::as_str).collect()
    }

    /// Categories of data that make a service Sensitive, each with the article of the first law that
    /// says so. A law holds for every namespace, whichever policy names it.
    #[must_use]
    pub fn categories(&self) -> BTreeMap<DataCategory, String> {
        let mut forced = BTreeMap::new();
        for policy in self.read.values() {
            let laws = legal::named(policy.spec.legal.as_deref());
            for (category, article) in laws.flat_map(Preset::forced) {
                forced.entry(category).or_insert(article);
            }
        }
        forced
    }

    /// True where every Sensitive namespace has a policy.
    fn speak_for_all(&self, index: &Index) -> bool {
        let spoken: BTreeSet<_> = self.read.values().flat_map(|p| &p.sensitive).collect();
        let mut sensitive = index
            .namespaces
            .iter()
            .filter(|(_, found)| says_sensitive(&found.labels));
        sensitive.all(|(name, _)| spoken.contains(&name.as_str()))
    }

    /// How long a Declassification waits in a namespace with these labels: the longest cool-down and
    /// the shortest expiry of those policies that say one. What a policy that cannot be read would say
    /// is not known, so that nothing is shorter then than without any.
    #[must_use]
    pub fn declassification(&self, labels: &BTreeMap<String, String>) -> Wait {
        let seconds = |given: Option<i64>, absent| given.map_or(absent, SignedDuration::from_secs);
        let says = |policy: &CheckedPolicy<'_>| {
            let DeclassificationTerms {
                cool_down_seconds,
                expire_seconds,
            } = policy.spec.declassification.as_ref()?;
            policy.selector.matches(labels).then(|| Wait {
                cool_down: seconds(*cool_down_seconds, COOL_DOWN),
                expire: seconds(*expire_seconds, EXPIRE),
            })
        };
        let unread = |subject: &PolicySubject| {
            let unknown = |problem: &Problem| {
                matches!(
                    problem,
                    Problem::Unreadable { .. } | Problem::BadSelector { .. }
                )
            };
            subject.problems.iter().any(unknown)
        };
        let unread = self.subjects.values().any(unread).then(Wait::default);
        let said = self.read.values().filter_map(says).chain(unread);
        said.reduce(|a, b| Wait {
            cool_down: a.cool_down.max(b.cool_down),
            expire: a.expire.min(b.expire),
        })
        .unwrap_or_default()
    }

    /// What they make of the guard. `base` is what holds without any; `grounds` tells of each of its
    /// nodes the jurisdiction and labels of its Site.
    #[must_use]
    pub fn guard(
        mut self,
        index: &Index,
        mut base: SovereignNodesSpec,
        grounds: &BTreeMap<String, Ground>,
        now: Timestamp,
    ) -> Guarded {
        let mut guarded = Guarded {
            policies: GuardPolicies {
                stamp: base.node_selector.clone(),
                categories: self.categories(),
                ..GuardPolicies::default()
            },
            ..Guarded::default()
        };
        base.terms = std::mem::take(&mut self.any);
        for (name, policy) in &self.read {
            let CheckedPolicy {
                spec,
                selector: _,
                sensitive,
                terms,
                clashes,
            } = policy;
            let inventory = inventory(spec, terms, &base, grounds);
            let enforcement = spec.enforcement.unwrap_or_default();
            if let Some(subject) = self.subjects.get_mut(*name) {
                subject.namespaces = sensitive.len();
                subject.nodes = inventory.nodes.len();
                subject.laws = legal::named(spec.legal.as_deref())
                    .map(|law| law.name.clone())
                    .collect();
                if inventory.nodes.is_empty() && !sensitive.is_empty() {
                    subject.problems.push(Problem::NoLawfulNode {
                        namespaces: sensitive.len(),
                    });
                }
                subject.problems.extend(clashes.iter().cloned());
            }
            let binding = PolicyBinding {
                namespaces: spec.namespaces.clone().unwrap_or_default(),
                enforcement,
                unclassified: spec.unclassified.unwrap_or_default(),
                // By what it may do and not by the nodes of today: a foreign node must not find the
                // binding missing.
                narrows_nodes: narrows(spec),
            };
            let GuardPolicies {
                bindings,
                infrastructure,
                rolling_out,
                stamp: _,
                categories: _,
            } = &mut guarded.policies;
            // A policy that selects nothing has nothing to bind: an empty selector would be all.
            if spec.namespaces.is_some() {
                bindings.insert((*name).to_owned(), binding);
            }
            infrastructure.extend(spec.infrastructure_namespaces.iter().flatten().cloned());
            if enforcement != Enforcement::Deny {
                rolling_out.extend(sensitive.iter().map(|name| (*name).to_owned()));
            }
            guarded
                .inventories
                .insert((*name).to_owned(), subject(index, name, inventory, now));
        }
        let orphans = renewal::orphans(index, &guarded.inventories, &base, now);
        guarded.inventories.extend(orphans);
        if self.speak_for_all(index) {
            base.terms.law = common(self.read.values());
        }
        guarded.sovereign = subject(index, SOVEREIGN_NODES, base, now);
        guarded.subjects = self.subjects;
        guarded
    }
}

/// Country whose law applies at a Site; empty where that cannot be read.
#[must_use]
pub fn jurisdiction<'a>(index: &'a Index, site: &str) -> &'a str {
    let spec = index.sites.get(site).map(|facts| &facts.spec);
    spec.and_then(|spec| spec.as_ref().ok())
        .map_or("", |spec| &spec.jurisdiction)
}

/// Where a lawful node stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ground {
    /// Country of its Site.
    pub jurisdiction: String,
    /// Labels of its Site.
    pub labels: BTreeMap<String, String>,
}

fn subject(
    index: &Index,
    name: &str,
    want: SovereignNodesSpec,
    now: Timestamp,
) -> SovereignSubject {
    // One that cannot be read is there all the same, and is to be written anew.
    let have = index
        .sovereign
        .get(name)
        .map(|found| found.spec.clone().unwrap_or_default());
    renewal::renewed(want, have, now)
}

fn says_sensitive(labels: &BTreeMap<String, String>) -> bool {
    labels.get(CLASS_LABEL).map(String::as_str) == Some(class_name(Class::Sensitive))
}

fn read<'a>(
    index: &'a Index,
    facts: &'a PolicyFacts,
    problems: &mut Vec<Problem>,
) -> Option<CheckedPolicy<'a>> {
    let spec = match &facts.spec {
        Ok(spec) => spec,
        Err(unreadable) => {
            let error = unreadable.error.clone();
            problems.push(Problem::Unreadable { error });
            return None;
        }
    };
    let selector = match &spec.namespaces {
        None => {
            problems.push(Problem::SelectsNothing);
            return None;
        }
        Some(selector) => match Selector::try_from(selector.clone()) {
            Ok(selector) => selector,
            Err(error) => {
                problems.push(Problem::BadSelector {
                    field: "spec.namespaces".to_owned(),
                    error: error.to_string(),
                });
                return None;
            }
        },
    };
    for name in spec.legal.iter().flatten() {
        if !legal::presets().contains_key(name) {
            problems.push(Problem::UnknownLaw { name: name.clone() });
        }
    }
    let sensitive = index
        .namespaces
        .iter()
        .filter(|(_, found)| says_sensitive(&found.labels) && selector.matches(&found.labels))
        .map(|(name, _)| name.as_str())
        .collect();
    Some(CheckedPolicy {
        spec,
        selector,
        sensitive,
        terms: terms(spec),
        clashes: Vec::new(),
    })
}

/// True where a policy lets its Sensitive namespaces onto ground under this jurisdiction.
pub(super) fn lawful(spec: &SovereigntyPolicySpec, jurisdiction: &str) -> bool {
    let laws = legal::named(spec.legal.as_deref()).filter_map(|law| law.jurisdictions.as_ref());
    let mut lists = spec.jurisdictions.iter().chain(laws);
    lists.all(|lawful| lawful.iter().any(|one| one == jurisdiction))
}

/// True where a policy lets its namespaces onto ground under some jurisdictions only, or by a younger
/// inventory than others.
fn narrows(spec: &SovereigntyPolicySpec) -> bool {
    let mut laws = legal::named(spec.legal.as_deref());
    spec.jurisdictions.is_some()
        || spec.inventory_max_age_seconds.is_some()
        || laws.any(|law| law.jurisdictions.is_some())
}

/// Hours in which notice of what breaks a rule must be given: the fewest of a policy's own and those of
/// its laws that the rule rests on.
pub(super) fn notice(spec: &SovereigntyPolicySpec, rule: &str) -> Option<i32> {
    let laws = legal::named(spec.legal.as_deref()).filter(|law| law.rules().any(|r| r == rule));
    let hours = laws.filter_map(|law| law.notice_within_hours);
    spec.notice_within_hours.into_iter().chain(hours).min()
}

/// Rule id to the articles that a policy rests it on.
pub(super) fn articles(spec: &SovereigntyPolicySpec) -> BTreeMap<String, String> {
    let mut articles: BTreeMap<String, String> = BTreeMap::new();
    for law in legal::named(spec.legal.as_deref()) {
        for rule in law.rules() {
            let Some(cite) = law.citation(rule) else {
                continue;
            };
            let said = articles.entry(rule.to_owned()).or_default();
            if !said.is_empty() {
                said.push_str("; ");
            }
            said.push_str(&cite);
        }
    }
    articles
}

/// What the policies of every Sensitive namespace rest their rules on: it can be said of any of them.
fn common<'a>(read: impl Iterator<Item = &'a CheckedPolicy<'a>>) -> BTreeMap<String, String> {
    let mut each: BTreeMap<&str, BTreeMap<String, String>> = BTreeMap::new();
    for policy in read {
        for namespace in &policy.sensitive {
            each.entry(namespace)
                .or_default()
                .extend(articles(policy.spec));
        }
    }
    let mut all = each.into_values();
    let first = all.next().unwrap_or_default();
    let others: Vec<_> = all.collect();
    let shared = |rule: &String, said: &String| others.iter().all(|o| o.get(rule) == Some(said));
    first
        .into_iter()
        .filter(|(rule, said)| shared(rule, said))
        .collect()
}

/// What a policy lets its Sensitive namespaces use.
fn inventory(
    spec: &SovereigntyPolicySpec,
    terms: &Terms,
    base: &SovereignNodesSpec,
    grounds: &BTreeMap<String, Ground>,
) -> SovereignNodesSpec {
    let SovereignNodesSpec {
        nodes,
        node_selector,
        away: _,
        terms: _,
        renewed_at: _,
        max_age_seconds: _,
    } = base;
    let of_node = |name: &String| grounds.get(name).filter(|g| lawful(spec, &g.jurisdiction));
    let nodes: BTreeMap<_, _> = nodes
        .iter()
        .filter(|(name, _)| of_node(name).is_some())
        .map(|(name, identity)| (name.clone(), identity.clone()))
        .collect();
    let mut labels = nodes
        .keys()
        .filter_map(of_node)
        .map(|ground| &ground.labels);
    // With no lawful node there is nothing to run on: what all share is stamped, as without it.
    let node_selector = labels.next().map_or_else(
        || node_selector.clone(),
        |first| {
            let others: Vec<_> = labels.collect();
            first
                .iter()
                .filter(|(key, value)| others.iter().all(|other| other.get(*key) == Some(*value)))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        },
    );
    SovereignNodesSpec {
        nodes,
        node_selector,
        // Nodes away are known to `default` alone.
        away: BTreeMap::new(),
        terms: terms.clone(),
        renewed_at: None,
        max_age_seconds: spec
            .inventory_max_age_seconds
            .unwrap_or(renewal::MAX_AGE.as_secs()),
    }
}

fn terms(spec: &SovereigntyPolicySpec) -> Terms {
    let SovereigntyPolicySpec {
        namespaces: _,
        enforcement: _,
        jurisdictions: _,
        legal: _,
        storage,
        registries,
        schedulers,
        runtime_classes,
        routes,
        cloud_identities,
        unclassified: _,
        on_violation: _,
        notice_within_hours: _,
        infrastructure_namespaces: _,
        inventory_max_age_seconds: _,
        declassification: _,
    } = spec;
    let StorageTerms {
        classes,
        nfs_servers,
        snapshot_classes,
        backup_locations,
    } = storage.clone().unwrap_or_default();
    let RouteTerms {
        ingress_classes,
        gateways,
        load_balancer_classes,
        domains,
    } = routes.clone().unwrap_or_default();
    let Identities { users, groups } = cloud_identities.clone().unwrap_or_default();
    Terms {
        storage_classes: classes
            .into_iter()
            .map(|StorageClassTerm { name, provisioner }| (name, provisioner))
            .collect(),
        nfs_servers: sorted(nfs_servers),
        snapshot_classes: snapshot_classes
            .into_iter()
            .map(|SnapshotClassTerm { name, driver }| (name, driver))
            .collect(),
        backup_locations: sorted(backup_locations),
        registries: sorted(registries.clone()),
        schedulers: sorted(schedulers.clone()),
        runtime_classes: sorted(runtime_classes.clone()),
        ingress_classes: sorted(ingress_classes),
        gateways: sorted(gateways),
        load_balancer_classes: sorted(load_balancer_classes),
        route_domains: sorted(domains),
        cloud_users: sorted(users),
        cloud_groups: sorted(groups),
        law: articles(spec),
    }
}

fn sorted(words: Option<Vec<String>>) -> Vec<String> {
    let once: BTreeSet<_> = words.unwrap_or_default().into_iter().collect();
    once.into_iter().collect()
}

/// Adds what one policy allows to what any allows. Classes that two policies tie to two drivers keep
/// the first; the second says so.
fn join(all: &mut Terms, one: &Terms) -> Vec<Problem> {
    let Terms {
        storage_classes,
        nfs_servers,
        snapshot_classes,
        backup_locations,
        // Where one policy names registries another may not: each is judged by its own.
        registries: _,
        schedulers,
        runtime_classes,
        ingress_classes,
        gateways,
        load_balancer_classes,
        route_domains,
        cloud_users,
        cloud_groups,
        // What can be said of all is worked out apart.
        law: _,
    } = one;
    let mut problems = Vec::new();
    let maps = [
        (
            "spec.storage.classes",
            &mut all.storage_classes,
            storage_classes,
        ),
        (
            "spec.storage.snapshotClasses",
            &mut all.snapshot_classes,
            snapshot_classes,
        ),
    ];
    for (field, into, from) in maps {
        for (class, driver) in from {
            let first = into.entry(class.clone()).or_insert_with(|| driver.clone());
            if first != driver {
                problems.push(Problem::ClassOfTwoDrivers {
                    field,
                    class: class.clone(),
                    driver: driver.clone(),
                    first: first.clone(),
                });
            }
        }
    }
    let lists = [
        (&mut all.nfs_servers, nfs_servers),
        (&mut all.backup_locations, backup_locations),
        (&mut all.schedulers, schedulers),
        (&mut all.runtime_classes, runtime_classes),
        (&mut all.ingress_classes, ingress_classes),
        (&mut all.gateways, gateways),
        (&mut all.load_balancer_classes, load_balancer_classes),
        (&mut all.route_domains, route_domains),
        (&mut all.cloud_users, cloud_users),
        (&mut all.cloud_groups, cloud_groups),
    ];
    for (into, from) in lists {
        let joined: BTreeSet<_> = into.drain(..).chain(from.iter().cloned()).collect();
        into.extend(joined);
    }
    problems
}
