//! What is where it may not be, whatever was asked: V01, a pod of a Sensitive namespace on a node that
//! the namespace may not use; V02, one of a namespace without a class on a node away that a policy
//! keeps it from; V03, a claim on storage, and V04, a Service with a way outside, that a Sensitive
//! namespace may not use. What is on its way out counts until it is gone: until then the pod runs, the
//! data lies there and the way is open. Not here: writing evidence of it (`act::violations`), and what
//! the guard refuses.

mod cause;
mod held;
mod pods;
mod services;
mod storage;
mod words;

pub use cause::Cause;

use super::policy::{Ground, Over, Policies};
use super::problem::class_name;
use super::site::CheckedSite;
use crate::checked::{
    Offender, OffenderKind, Place, PolicyViolations, Recorded, Violation, Violations,
};
use crate::gather::facts::ObjectKey;
use crate::gather::index::Index;
use crate::guard::settings::KUBE_SYSTEM;
use pinisi_crds::SovereignNodesSpec;
use pinisi_crds::hybrid_workload::Class;
use pinisi_crds::names::CLASS_LABEL;
use pinisi_crds::sovereign_nodes::Terms;
use pinisi_crds::sovereignty_violation::ViolationRule;
use pinisi_planner::model::site::SiteName;
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// Longest text from an object that is repeated whole, in characters: what a name can have.
const NAME_MAX: usize = 253;

/// Name of the object that is evidence of it: the same for the same object after a restart.
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

/// What breaks a rule, before it is said under which policies.
struct Found {
    cause: Cause,
    object: Offender,
    place: Place,
    evict: bool,
}

impl<'a> Judge<'a> {
    /// Looks at everything that a rule speaks of.
    pub fn all(&self) -> Violations {
        let infrastructure = self.policies.infrastructure();
        let own = [KUBE_SYSTEM, self.index.own_namespace.as_str()];
        let mut open = BTreeMap::new();
        for (namespace, facts) in &self.index.namespaces {
            if own.contains(&namespace.as_str()) || infrastructure.contains(namespace.as_str()) {
                continue;
            }
            let sensitive = class_name(Class::Sensitive);
            let rules: &[ViolationRule] = match facts.labels.get(CLASS_LABEL).map(String::as_str) {
                Some(class) if class == sensitive => {
                    &[ViolationRule::V01, ViolationRule::V03, ViolationRule::V04]
                }
                None if !self.base.away.is_empty() => &[ViolationRule::V02],
                Some(_) | None => continue,
            };
            let all: Vec<_> = self.policies.over(&facts.labels).collect();
            for rule in rules.iter().copied() {
                let over: Vec<_> = all.iter().copied().filter(|o| speaks(rule, o)).collect();
                let found = match rule {
                    ViolationRule::V01 => self.sensitive_pods(namespace, &over),
                    ViolationRule::V02 => self.unclassified_pods(namespace, &over),
                    ViolationRule::V03 => self.storage(namespace, &over),
                    ViolationRule::V04 => self.services(namespace, &over),
                };
                open.extend(found.into_iter().map(|found| {
                    let name = name(rule, &found.object.uid);
                    (name, violation(rule, found, &over))
                }));
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
            held: held::all(self.index, &open),
            open,
            recorded: recorded.collect(),
        }
    }

    /// What each policy that speaks allows, by its name, and what any of them does, which holds where
    /// none speaks: as the guard's bindings, all of them must allow it.
    fn terms<'b>(
        &'b self,
        over: &'b [Over<'a>],
    ) -> impl Iterator<Item = (Option<&'b str>, &'b Terms)> {
        let any = std::iter::once((None, self.policies.any()));
        over.iter().map(|o| (Some(o.name), o.terms)).chain(any)
    }
}

/// True where a policy says something of this rule.
fn speaks(rule: ViolationRule, over: &Over<'_>) -> bool {
    match rule {
        ViolationRule::V01 | ViolationRule::V03 | ViolationRule::V04 => true,
        ViolationRule::V02 => over.spec.unclassified.unwrap_or_default().keeps_from_away(),
    }
}

fn violation(rule: ViolationRule, found: Found, over: &[Over<'_>]) -> Violation {
    let Found {
        cause,
        object,
        place,
        evict,
    } = found;
    Violation {
        rule,
        cause,
        object,
        place,
        policies: over.iter().map(|o| o.name.to_owned()).collect(),
        law: over
            .iter()
            .filter_map(|o| o.terms.law.get(rule.id()).cloned())
            .collect(),
        notice_hours: over
            .iter()
            .filter_map(|o| super::policy::notice(o.spec, rule.id()))
            .min(),
        evict,
    }
}

/// Objects of one namespace.
fn of_namespace<'b, V>(
    all: &'b BTreeMap<ObjectKey, V>,
    namespace: &'b str,
) -> impl Iterator<Item = (&'b ObjectKey, &'b V)> {
    let from = ObjectKey {
        namespace: namespace.to_owned(),
        name: String::new(),
    };
    all.range(from..)
        .take_while(move |(key, _)| key.namespace == namespace)
}

fn offender(rule: ViolationRule, key: &ObjectKey, uid: &str) -> Offender {
    Offender {
        kind: OffenderKind::of(rule),
        namespace: key.namespace.as_str().into(),
        name: key.name.as_str().into(),
        uid: uid.to_owned(),
    }
}

/// The text, cut to what a name can have: nobody may keep evidence away by a text that is too long.
fn short(text: &str) -> String {
    text.chars().take(NAME_MAX).collect()
}

/// What stands open of each policy, by its name.
#[must_use]
pub fn by_policy(violations: &Violations) -> BTreeMap<&str, PolicyViolations> {
    let Violations {
        open,
        held,
        recorded: _,
    } = violations;
    let mut by_policy: BTreeMap<&str, PolicyViolations> = BTreeMap::new();
    let open = open.values().map(|v| (&v.policies, v as &dyn ToString));
    let held = held
        .values()
        .map(|h| (&h.policies, &h.message as &dyn ToString));
    for (policies, words) in open.chain(held) {
        for policy in policies {
            let sum = by_policy.entry(policy).or_default();
            sum.count += 1;
            sum.first.get_or_insert_with(|| words.to_string());
        }
    }
    by_policy
}
