//! The guard as API objects: a policy and a binding for each rule, and the stamp.

use super::{GuardSettings, rules, rules::Rule, rules::Scope};
use pinisi_crds::names::{
    CLASS_LABEL, CLASS_SENSITIVE, GUARD_PREFIX, MANAGED_BY, MANAGED_BY_LABEL, SOVEREIGN_NODES,
};
use serde_json::{Value, json};

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

/// Everything that the guard consists of: policies before their bindings.
#[must_use]
pub fn objects(settings: &GuardSettings) -> Vec<GuardObject> {
    let mut objects = of(&rules::all(&settings.operator_user));
    objects.extend(stamp());
    objects
}

/// A policy and its binding for each rule.
pub(super) fn of(rules: &[Rule]) -> Vec<GuardObject> {
    rules
        .iter()
        .flat_map(|rule| [policy(rule), binding(rule)])
        .collect()
}

fn policy(rule: &Rule) -> GuardObject {
    let validations: Vec<Value> = rule
        .validations
        .iter()
        .map(|(expression, message)| json!({"expression": expression, "messageExpression": message, "reason": "Forbidden"}))
        .collect();
    let mut spec = json!({
        "failurePolicy": "Fail",
        "matchConstraints": {
            "matchPolicy": "Equivalent",
            "resourceRules": [{
                "apiGroups": [rule.group],
                "apiVersions": [rule.version],
                "operations": rule.operations,
                "resources": rule.resources,
                "scope": "*",
            }],
        },
        "validations": validations,
    });
    if let Some(selector) = namespaces(rule.scope) {
        spec["matchConstraints"]["namespaceSelector"] = selector;
    }
    if rule.needs_inventory {
        spec["paramKind"] = param_kind();
    }
    object(
        "ValidatingAdmissionPolicy",
        "validatingadmissionpolicies",
        rule.id,
        false,
        &spec,
    )
}

fn binding(rule: &Rule) -> GuardObject {
    let mut spec = json!({
        "policyName": format!("{GUARD_PREFIX}{}", rule.id),
        "validationActions": ["Deny", "Audit"],
    });
    if rule.needs_inventory {
        spec["paramRef"] = param_ref();
    }
    object(
        "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings",
        rule.id,
        false,
        &spec,
    )
}

/// Stamps the labels that all sovereign nodes share onto each Sensitive pod. `nodeSelector` and
/// not affinity: its terms are ANDed, and the DaemonSet controller does not replace it.
fn stamp() -> [GuardObject; 2] {
    let expression = "(has(object.spec.nodeSelector) ? [] : [JSONPatch{op: 'add', path: '/spec/nodeSelector', value: {}}]) \
        + params.spec.nodeSelector.map(k, JSONPatch{op: 'add', path: '/spec/nodeSelector/' + jsonpatch.escapeKey(k), value: params.spec.nodeSelector[k]})";
    let id = "s01-stamp";
    let policy = json!({
        "failurePolicy": "Fail",
        "reinvocationPolicy": "IfNeeded",
        "paramKind": param_kind(),
        "matchConstraints": {
            "matchPolicy": "Equivalent",
            "namespaceSelector": namespaces(Scope::SensitiveNamespaces),
            "resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"], "scope": "*",
            }],
        },
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}],
    });
    let binding = json!({"policyName": format!("{GUARD_PREFIX}{id}"), "paramRef": param_ref()});
    [
        object(
            "MutatingAdmissionPolicy",
            "mutatingadmissionpolicies",
            id,
            true,
            &policy,
        ),
        object(
            "MutatingAdmissionPolicyBinding",
            "mutatingadmissionpolicybindings",
            id,
            true,
            &binding,
        ),
    ]
}

fn namespaces(scope: Scope) -> Option<Value> {
    match scope {
        Scope::SensitiveNamespaces => Some(json!({"matchLabels": {CLASS_LABEL: CLASS_SENSITIVE}})),
        Scope::Everywhere => None,
    }
}

fn param_kind() -> Value {
    json!({"apiVersion": "pinisi.dev/v1alpha1", "kind": "SovereignNodes"})
}

/// No inventory: everything in a Sensitive namespace is refused, never let through.
fn param_ref() -> Value {
    json!({"name": SOVEREIGN_NODES, "parameterNotFoundAction": "Deny"})
}

fn object(
    kind: &'static str,
    plural: &'static str,
    id: &str,
    optional: bool,
    spec: &Value,
) -> GuardObject {
    let name = format!("{GUARD_PREFIX}{id}");
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
