//! S01: adds the labels that all sovereign nodes share to each Sensitive pod. `nodeSelector` and not
//! affinity: its terms are ANDed, and the DaemonSet controller does not replace it.

use super::objects::{GuardObject, namespaces, object, of_policy, param_kind, param_ref};
use super::rule::Scope;
use super::settings::GuardSettings;
use pinisi_crds::names::{GUARD_PREFIX, SOVEREIGN_NODES};
use serde_json::{Value, json};

/// End of the names of the stamp's objects.
pub const STAMP: &str = "s01-stamp";

/// CEL for a pod that carries the labels.
pub(super) const STAMPED: &str = "params.spec.nodeSelector.all(k, has(object.spec.nodeSelector) && k in object.spec.nodeSelector && object.spec.nodeSelector[k] == params.spec.nodeSelector[k])";

/// The stamp, bound for every Sensitive namespace, and for each policy that has labels of its own.
pub(super) fn objects(settings: &GuardSettings) -> Vec<GuardObject> {
    let expression = "(has(object.spec.nodeSelector) ? [] : [JSONPatch{op: 'add', path: '/spec/nodeSelector', value: {}}]) \
        + params.spec.nodeSelector.map(k, JSONPatch{op: 'add', path: '/spec/nodeSelector/' + jsonpatch.escapeKey(k), value: params.spec.nodeSelector[k]})";
    let policy = json!({
        "failurePolicy": "Fail",
        "reinvocationPolicy": "IfNeeded",
        "paramKind": param_kind(),
        "matchConstraints": {
            "matchPolicy": "Equivalent",
            "namespaceSelector": namespaces(Scope::Sensitive, &settings.exempt()),
            "resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"], "scope": "*",
            }],
        },
        // A patch costs more than all rules together, and makes every plugin run once more.
        "matchConditions": [{"name": "unstamped", "expression": format!("!({STAMPED})")}],
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}],
    });
    let mut objects = vec![
        object(
            "MutatingAdmissionPolicy",
            "mutatingadmissionpolicies",
            STAMP,
            true,
            &policy,
        ),
        binding(STAMP, SOVEREIGN_NODES, None),
    ];
    let own = settings.policies.bindings.iter();
    for (name, policy) in own.filter(|(_, policy)| policy.narrows_nodes) {
        let selector = json!({"namespaceSelector": policy.namespaces});
        objects.push(binding(&of_policy(STAMP, name), name, Some(selector)));
    }
    objects
}

fn binding(id: &str, inventory: &str, resources: Option<Value>) -> GuardObject {
    let mut spec = json!({
        "policyName": format!("{GUARD_PREFIX}{STAMP}"),
        "paramRef": param_ref(inventory),
    });
    if let Some(resources) = resources {
        spec["matchResources"] = resources;
    }
    object(
        "MutatingAdmissionPolicyBinding",
        "mutatingadmissionpolicybindings",
        id,
        true,
        &spec,
    )
}
