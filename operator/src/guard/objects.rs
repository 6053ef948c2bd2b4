//! The guard as API objects: a policy for each rule with its bindings, and the stamp. A binding
//! speaks for every namespace by the inventory `default`; each SovereigntyPolicy has bindings of its
//! own for those that it selects, and all that speak for a namespace must let a request pass.

use super::rule::{Match, Rule, Scope, Tier, Validation};
use super::settings::{GuardSettings, PolicyBinding};
use super::text::inlined;
use super::{rules, stamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use pinisi_crds::names::{
    CLASS_LABEL, CLASS_SENSITIVE, GUARD_PREFIX, MANAGED_BY, MANAGED_BY_LABEL, PREVIEW,
    PREVIEW_LABEL, SOVEREIGN_NODES,
};
use pinisi_crds::sovereignty_policy::{Enforcement, Unclassified};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// One object of the guard, cluster-scoped, ready for server-side apply.
#[derive(Clone, Debug, PartialEq)]
pub struct GuardObject {
    /// Kind, for example `ValidatingAdmissionPolicy`.
    pub kind: &'static str,
    /// Plural, as in the URL.
    pub plural: &'static str,
    /// Name.
    pub name: String,
    /// True where an older server may lack the kind; its work is then done by refusal alone.
    pub optional: bool,
    /// The whole object.
    pub body: Value,
}

const API: &str = "admissionregistration.k8s.io/v1";
/// Label that every namespace carries with its own name, set by the API server.
pub const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// Everything that the guard consists of: policies before their bindings.
#[must_use]
pub fn objects(settings: &GuardSettings) -> Vec<GuardObject> {
    let mut objects = of(&rules::all(settings), settings);
    objects.extend(stamp::objects(settings));
    objects
}

/// A policy and its bindings for each rule.
pub(super) fn of(rules: &[Rule], settings: &GuardSettings) -> Vec<GuardObject> {
    rules
        .iter()
        .flat_map(|rule| {
            let texts = texts(rule, settings);
            let mut objects = vec![policy(rule.id, texts.get(SOVEREIGN_NODES).unwrap_or(rule))];
            let own = texts.iter().filter(|(name, _)| *name != SOVEREIGN_NODES);
            objects.extend(own.map(|(name, text)| policy(&of_policy(rule.id, name), text)));
            objects.extend(bindings(rule, &texts, settings));
            objects
        })
        .collect()
}

/// The texts of a rule that is asked for every pod, by inventory: that of the one for all, and of those
/// policies that may say another thing. None where it looks up what it needs, as any text is missing or
/// too long: a binding goes with the policy that it names.
fn texts(rule: &Rule, settings: &GuardSettings) -> BTreeMap<String, Rule> {
    let GuardSettings {
        operator_user: _,
        operator_namespace: _,
        policies,
        inventories,
        left,
    } = settings;
    if !rule.needs_inventory || !rule.is_hot() {
        return BTreeMap::new();
    }
    let own = policies
        .bindings
        .iter()
        .filter(|(_, policy)| rule.scope == Scope::Sensitive && policy.says(rule));
    let needed = own.map(|(name, _)| name.as_str()).chain([SOVEREIGN_NODES]);
    // Bindings of a policy that is gone stay in force, and what they name must not get too old.
    let stands = |name: &&str| left.contains(&guarded(&of_policy(rule.id, name)));
    let gone = inventories.keys().map(String::as_str);
    let gone = gone.filter(|name| !policies.bindings.contains_key(*name) && stands(name));
    needed
        .chain(gone)
        .map(|name| Some((name.to_owned(), inlined(rule, inventories.get(name)?)?)))
        .collect::<Option<_>>()
        .unwrap_or_default()
}

fn policy(id: &str, rule: &Rule) -> GuardObject {
    let Rule {
        id: _,
        matches,
        scope,
        tier: _,
        needs_inventory,
        validations,
    } = rule;
    let validations: Vec<Value> = validations
        .iter()
        .map(|one| {
            if *needs_inventory {
                validation(&with_law(one))
            } else {
                validation(one)
            }
        })
        .collect();
    let mut spec = json!({
        "failurePolicy": "Fail",
        "matchConstraints": {
            "matchPolicy": "Equivalent",
            "resourceRules": matches.iter().map(resource_rule).collect::<Vec<_>>(),
        },
        "validations": validations,
    });
    if rule.judges_pods() {
        add_class(&mut spec["matchConstraints"], *scope);
    }
    if *needs_inventory {
        spec["paramKind"] = param_kind();
    }
    object(
        "ValidatingAdmissionPolicy",
        "validatingadmissionpolicies",
        id,
        false,
        &spec,
    )
}

/// The same, whose refusal names the article of law that a policy rests its rule on.
fn with_law(one: &Validation) -> Validation {
    let law = "params.spec.terms.law";
    let Validation { id, holds, says } = one;
    Validation {
        id,
        holds: holds.clone(),
        says: format!(
            "({says}) + (has({law}) && '{id}' in {law} ? ' (' + {law}['{id}'] + ')' : '')"
        ),
    }
}

/// A condition as the API has it.
pub(super) fn validation(one: &Validation) -> Value {
    let Validation { id: _, holds, says } = one;
    json!({"expression": holds, "messageExpression": says, "reason": "Forbidden"})
}

/// Requests that are looked at, as the API has them.
pub(super) fn resource_rule(matched: &Match) -> Value {
    let Match {
        group,
        version,
        resources,
        operations,
    } = matched;
    json!({
        "apiGroups": [group],
        "apiVersions": [version],
        "operations": operations,
        "resources": resources,
        "scope": "*",
    })
}

fn bindings(
    rule: &Rule,
    texts: &BTreeMap<String, Rule>,
    settings: &GuardSettings,
) -> Vec<GuardObject> {
    let policies = &settings.policies;
    let bound = |inventory: &str, action| bound(rule, texts, inventory, action);
    let mut bindings = Vec::new();
    let mut set_aside = None;
    if rule.scope != Scope::Unclassified {
        let mut spec = bound(SOVEREIGN_NODES, Enforcement::Deny);
        if rule.scope == Scope::Sensitive {
            let mut left_out = settings.exempt();
            if rule.tier == Tier::Terms {
                left_out.extend(policies.rolling_out.iter().map(String::as_str));
            }
            let said = |policy: &PolicyBinding| policy.says(rule);
            // Each look at a pod costs: where one policy says it all, a second one shows nothing.
            if rule.judges_pods() && says_it_all(settings, said) {
                spec["matchResources"] = nowhere();
                set_aside = Some(binding(rule.id, &spec));
            } else {
                spec["matchResources"] = all_but(&left_out);
            }
            classed_unless_policy_is(rule, &mut spec);
        }
        if set_aside.is_none() {
            bindings.push(binding(rule.id, &spec));
        }
    }
    for (name, policy) in &policies.bindings {
        if !policy.says(rule) {
            continue;
        }
        let PolicyBinding {
            namespaces,
            enforcement,
            unclassified: _,
            narrows_nodes: _,
        } = policy;
        let (inventory, action) = match (rule.scope, rule.tier) {
            (Scope::Everywhere, _) => continue,
            // Nodes away are known to `default` alone.
            (Scope::Unclassified, _) => (SOVEREIGN_NODES, *enforcement),
            (Scope::Sensitive, Tier::Core) => (name.as_str(), Enforcement::Deny),
            (Scope::Sensitive, Tier::Terms) => (name.as_str(), *enforcement),
        };
        let mut spec = bound(inventory, action);
        spec["matchResources"] = selected(namespaces, &settings.exempt());
        classed_unless_policy_is(rule, &mut spec);
        bindings.push(binding(&of_policy(rule.id, name), &spec));
        if action == Enforcement::Audit {
            bindings.push(preview(&of_policy(rule.id, name), spec));
        }
    }
    // Not before what says it all is there.
    bindings.extend(set_aside);
    bindings
}

/// Whether one of the policies that say something speaks for every namespace and refuses there.
pub(super) fn says_it_all(settings: &GuardSettings, says: impl Fn(&PolicyBinding) -> bool) -> bool {
    let mut own = settings.policies.bindings.values();
    own.any(|policy| policy.refuses_everywhere() && says(policy))
}

impl PolicyBinding {
    /// Whether it has a binding of its own for a rule.
    fn says(&self, rule: &Rule) -> bool {
        match (rule.scope, rule.tier) {
            (Scope::Everywhere, _) => false,
            (Scope::Unclassified, _) => self.unclassified != Unclassified::Anywhere,
            // What looks nothing up, or the same nodes, says the same for every policy.
            (Scope::Sensitive, Tier::Core) => rule.needs_inventory && self.narrows_nodes,
            (Scope::Sensitive, Tier::Terms) => true,
        }
    }

    /// Whether it speaks for every namespace and refuses there. What pods may be and bring by its
    /// inventory is no more than by the one for all, so the binding for all has nothing to add.
    fn refuses_everywhere(&self) -> bool {
        self.enforcement == Enforcement::Deny && self.namespaces == LabelSelector::default()
    }
}

/// An audit log is read by few: this binding says to who asks, by a label on what a dry run makes,
/// what the same binding would refuse. Whatever else carries the label is only warned of.
fn preview(id: &str, mut spec: Value) -> GuardObject {
    spec["validationActions"] = json!(["Warn"]);
    spec["matchResources"]["objectSelector"] = json!({"matchLabels": {PREVIEW_LABEL: PREVIEW}});
    binding(&format!("{id}.{PREVIEW}"), &spec)
}

/// End of the name of a binding that speaks for one SovereigntyPolicy.
pub(super) fn of_policy(id: &str, policy: &str) -> String {
    format!("{id}.{policy}")
}

/// By its own policy where the inventory stands in its text, else by the one that looks it up.
fn bound(
    rule: &Rule,
    texts: &BTreeMap<String, Rule>,
    inventory: &str,
    enforcement: Enforcement,
) -> Value {
    let actions = match enforcement {
        Enforcement::Audit => json!(["Audit"]),
        Enforcement::Warn => json!(["Warn", "Audit"]),
        Enforcement::Deny => json!(["Deny", "Audit"]),
    };
    let of = if texts.is_empty() || inventory == SOVEREIGN_NODES {
        rule.id.to_owned()
    } else {
        of_policy(rule.id, inventory)
    };
    let mut spec = json!({
        "policyName": guarded(&of),
        "validationActions": actions,
    });
    if rule.needs_inventory && texts.is_empty() {
        spec["paramRef"] = param_ref(inventory);
    }
    spec
}

fn binding(id: &str, spec: &Value) -> GuardObject {
    object(
        "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings",
        id,
        false,
        spec,
    )
}

/// Puts whose objects are judged into the selector of namespaces that `place` has. The API server reads
/// the selector of every policy anew at every request of the cluster, before its rules, and those of
/// bindings only where a policy has matched. So the class stands in the policy where that spares a pod
/// the bindings, and else in the bindings; what is left out by name stands there always.
pub(super) fn add_class(place: &mut Value, scope: Scope) {
    let class = match scope {
        Scope::Sensitive => {
            json!({"key": CLASS_LABEL, "operator": "In", "values": [CLASS_SENSITIVE]})
        }
        Scope::Unclassified => json!({"key": CLASS_LABEL, "operator": "DoesNotExist"}),
        Scope::Everywhere => return,
    };
    add(&mut place["namespaceSelector"], class);
}

fn classed_unless_policy_is(rule: &Rule, spec: &mut Value) {
    if !rule.judges_pods() {
        add_class(&mut spec["matchResources"], rule.scope);
    }
}

fn add(selector: &mut Value, expression: Value) {
    match selector["matchExpressions"].as_array_mut() {
        Some(expressions) => expressions.push(expression),
        None => selector["matchExpressions"] = json!([expression]),
    }
}

/// No namespace: each carries its name. A binding is not taken away, as the operator may delete nothing
/// of the guard.
pub(super) fn nowhere() -> Value {
    json!({"namespaceSelector": {"matchExpressions": [{"key": NAME_LABEL, "operator": "DoesNotExist"}]}})
}

/// Every namespace but these, which are left out by their name alone: nobody can put it on another.
pub(super) fn all_but(names: &BTreeSet<&str>) -> Value {
    selected(&LabelSelector::default(), names)
}

/// Namespaces that a policy selects, but for these.
pub(super) fn selected(namespaces: &LabelSelector, left_out: &BTreeSet<&str>) -> Value {
    let mut selector = json!(namespaces);
    let named = json!({"key": NAME_LABEL, "operator": "NotIn", "values": left_out});
    add(&mut selector, named);
    json!({"namespaceSelector": selector})
}

/// Whole name of an object of the guard.
pub(super) fn guarded(id: &str) -> String {
    format!("{GUARD_PREFIX}{id}")
}

pub(super) fn param_kind() -> Value {
    json!({"apiVersion": "pinisi.dev/v1alpha1", "kind": "SovereignNodes"})
}

/// No inventory: what would look it up is refused, never let through.
pub(super) fn param_ref(name: &str) -> Value {
    json!({"name": name, "parameterNotFoundAction": "Deny"})
}

pub(super) fn object(
    kind: &'static str,
    plural: &'static str,
    id: &str,
    optional: bool,
    spec: &Value,
) -> GuardObject {
    let name = guarded(id);
    let body = json!({
        "apiVersion": API,
        "kind": kind,
        "metadata": {"name": name, "labels": {MANAGED_BY_LABEL: MANAGED_BY}},
        "spec": spec,
    });
    GuardObject {
        kind,
        plural,
        name,
        optional,
        body,
    }
}

#[cfg(test)]
mod tests;
