//! S01: adds the labels that all sovereign nodes share to each Sensitive pod. `nodeSelector` and not
//! affinity: its terms are ANDed, and the DaemonSet controller does not replace it.

use super::objects::{
    GuardObject, add_class, all_but, object, of_policy, param_kind, param_ref, selected,
};
use super::rule::Scope;
use super::settings::GuardSettings;
use pinisi_crds::names::{GUARD_PREFIX, SOVEREIGN_NODES};
use serde_json::{Value, json};

/// End of the names of the stamp's objects.
pub const STAMP: &str = "s01-stamp";

/// CEL for a pod that carries the labels.
pub(super) const STAMPED: &str = "params.spec.nodeSelector.all(k, has(object.spec.nodeSelector) && k in object.spec.nodeSelector && object.spec.nodeSelector[k] == params.spec.nodeSelector[k])";

/// What the stamp passes over, as its policy says it: nothing but pods that carry the labels.
#[must_use]
pub fn unstamped() -> Value {
    json!([{"name": "unstamped", "expression": format!("!({STAMPED})")}])
}

/// The stamp, bound for every Sensitive namespace, and for each policy that has labels of its own.
pub(super) fn objects(settings: &GuardSettings) -> Vec<GuardObject> {
    let expression = "(has(object.spec.nodeSelector) ? [] : [JSONPatch{op: 'add', path: '/spec/nodeSelector', value: {}}]) \
        + params.spec.nodeSelector.map(k, JSONPatch{op: 'add', path: '/spec/nodeSelector/' + jsonpatch.escapeKey(k), value: params.spec.nodeSelector[k]})";
    let mut policy = json!({
        "failurePolicy": "Fail",
        "reinvocationPolicy": "IfNeeded",
        "paramKind": param_kind(),
        "matchConstraints": {
            "matchPolicy": "Equivalent",
            "resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"], "scope": "*",
            }],
        },
        // A patch costs more than all rules together, and makes every plugin run once more.
        "matchConditions": unstamped(),
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}],
    });
    add_class(&mut policy["matchConstraints"], Scope::Sensitive);
    let mut objects = vec![
        object(
            "MutatingAdmissionPolicy",
            "mutatingadmissionpolicies",
            STAMP,
            true,
            &policy,
        ),
        binding(STAMP, SOVEREIGN_NODES, &all_but(&settings.exempt())),
    ];
    let own = settings.policies.bindings.iter();
    for (name, policy) in own.filter(|(_, policy)| policy.narrows_nodes) {
        let selected = selected(&policy.namespaces, &settings.exempt());
        objects.push(binding(&of_policy(STAMP, name), name, &selected));
    }
    objects
}

fn binding(id: &str, inventory: &str, matched: &Value) -> GuardObject {
    let spec = json!({
        "policyName": format!("{GUARD_PREFIX}{STAMP}"),
        "paramRef": param_ref(inventory),
        "matchResources": matched,
    });
    object(
        "MutatingAdmissionPolicyBinding",
        "mutatingadmissionpolicybindings",
        id,
        true,
        &spec,
    )
}
