//! The floor: a pack for the API server's own folder of static manifests (beta and on by default in
//! Kubernetes 1.37), which nobody can change through the API. It guards the guard: without it whoever
//! may delete admission policies may delete these. It has no parameters, as the server allows none there.

use super::cel;
use super::rule::{Match, Rule, Scope, Tier};
use pinisi_crds::names::{GUARD_PREFIX, MANAGED_BY, MANAGED_BY_LABEL};
use serde_json::{Value, json};

/// What the API server demands of names in that folder.
const SUFFIX: &str = ".static.k8s.io";
/// The floor's only rule.
pub const ID: &str = "T01";

/// What guards the guard's own objects: `operator_user` may put them back, nobody may take them away.
#[must_use]
pub fn rule(operator_user: &str) -> Rule {
    Rule {
        id: "t01-guard",
        matches: vec![Match::new(
            "admissionregistration.k8s.io",
            "*",
            &[
                "validatingadmissionpolicies",
                "validatingadmissionpolicybindings",
                "mutatingadmissionpolicies",
                "mutatingadmissionpolicybindings",
            ],
            &["UPDATE", "DELETE"],
        )],
        scope: Scope::Everywhere,
        tier: Tier::Core,
        needs_inventory: false,
        validations: vec![cel::rule(
            ID,
            format!(
                "!oldObject.metadata.name.startsWith('{GUARD_PREFIX}') || (request.operation == 'UPDATE' && request.userInfo.username == '{operator_user}')"
            ),
            "oldObject.metadata.name + ' is part of the guard, and the static manifests of this API server keep it: take them out of its folder first, then kubectl pinisi guard remove'",
        )],
    }
}

/// The documents for the folder: a policy and its binding.
#[must_use]
pub fn documents(operator_user: &str) -> Vec<Value> {
    let Rule {
        id,
        matches,
        scope: _,
        tier: _,
        needs_inventory: _,
        validations,
    } = rule(operator_user);
    let name = format!("{GUARD_PREFIX}{id}{SUFFIX}");
    let resources: Vec<_> = matches.iter().map(super::objects::resource_rule).collect();
    let validations: Vec<_> = validations.iter().map(super::objects::validation).collect();
    let object = |kind: &str, spec: Value| {
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": name, "labels": {MANAGED_BY_LABEL: MANAGED_BY}},
            "spec": spec,
        })
    };
    vec![
        object(
            "ValidatingAdmissionPolicy",
            json!({
                "failurePolicy": "Fail",
                "matchConstraints": {"matchPolicy": "Equivalent", "resourceRules": resources},
                "validations": validations,
            }),
        ),
        object(
            "ValidatingAdmissionPolicyBinding",
            json!({"policyName": name, "validationActions": ["Deny", "Audit"]}),
        ),
    ]
}
