//! S01: adds the labels that all sovereign nodes share to each Sensitive pod. `nodeSelector` and not
//! affinity: its terms are ANDed, and the DaemonSet controller does not replace it.

use super::objects::{
    GuardObject, add_class, all_but, guarded, nowhere, object, of_policy, param_kind, param_ref,
    says_it_all, selected,
};
use super::rule::Scope;
use super::settings::{GuardSettings, PolicyBinding};
use super::text::Words;
use pinisi_crds::names::SOVEREIGN_NODES;
use serde_json::{Value, json};

/// End of the names of the stamp's objects.
pub const STAMP: &str = "s01-stamp";

/// CEL for a pod that carries the labels.
pub(super) const STAMPED: &str = "params.spec.nodeSelector.all(k, has(object.spec.nodeSelector) && k in object.spec.nodeSelector && object.spec.nodeSelector[k] == params.spec.nodeSelector[k])";

/// What is added, before the labels.
const BEGIN: &str = "(has(object.spec.nodeSelector) ? [] : [JSONPatch{op: 'add', path: '/spec/nodeSelector', value: {}}]) + ";
/// Where the labels are looked up.
const LABELS: &str = "params.spec.nodeSelector";

/// What the stamp passes over, as a policy with these labels says it: pods that carry them.
fn unstamped(labels: &str) -> Value {
    let stamped = STAMPED.replace(LABELS, labels);
    json!([{"name": "unstamped", "expression": format!("!({stamped})")}])
}

/// Whether a stamp's policy passes over nothing but pods that carry the labels that it would add.
#[must_use]
pub fn passes_over_what_is_stamped_alone(policy: &Value) -> bool {
    let adds = policy["spec"]["mutations"][0]["jsonPatch"]["expression"].as_str();
    let labels = adds
        .and_then(|text| text.strip_prefix(BEGIN))
        .and_then(|text| text.split_once(".map(k, JSONPatch"));
    labels.is_some_and(|(labels, _)| policy["spec"]["matchConditions"] == unstamped(labels))
}

/// The stamp, bound for every Sensitive namespace, and for each policy that has labels of its own. The
/// labels stand in its text where they are known, as in rules that are asked for every pod.
pub(super) fn objects(settings: &GuardSettings) -> Vec<GuardObject> {
    let GuardSettings {
        operator_user: _,
        operator_namespace: _,
        policies,
        inventories,
        left,
    } = settings;
    let narrows = |policy: &PolicyBinding| policy.narrows_nodes;
    let own = policies.bindings.iter().filter(|(_, one)| narrows(one));
    let own = own.map(|(name, policy)| {
        let selected = selected(&policy.namespaces, &settings.exempt());
        (name.as_str(), selected)
    });
    let mut bound: Vec<(&str, Value)> = own.collect();
    // Set aside not before what says it all is there, and back before that goes.
    if says_it_all(settings, narrows) {
        bound.push((SOVEREIGN_NODES, nowhere()));
    } else {
        bound.insert(0, (SOVEREIGN_NODES, all_but(&settings.exempt())));
    }
    let text = |name: &str| {
        let words = Words::of(inventories.get(name)?);
        Some(words.put(LABELS))
    };
    let texts: Option<Vec<String>> = bound.iter().map(|(name, _)| text(name)).collect();
    let mut objects = Vec::new();
    match texts {
        None => {
            objects.push(policy(STAMP, LABELS, true));
            objects.extend(bound.iter().map(|(name, matched)| {
                let mut spec = binding(STAMP, matched);
                spec["paramRef"] = param_ref(name);
                as_object(BINDING, &id_of(name), &spec)
            }));
        }
        Some(texts) => {
            for ((name, matched), labels) in bound.iter().zip(&texts) {
                let id = id_of(name);
                objects.push(policy(&id, labels, false));
                objects.push(as_object(BINDING, &id, &binding(&id, matched)));
            }
            // Bindings of a policy that is gone stay in force.
            let stands = |name: &&String| left.contains(&guarded(&of_policy(STAMP, name)));
            let gone = inventories.keys();
            let gone = gone.filter(|name| !policies.bindings.contains_key(*name) && stands(name));
            objects.extend(gone.filter_map(|name| Some(policy(&id_of(name), &text(name)?, false))));
        }
    }
    // Policies before their bindings.
    objects.sort_by_key(|object| object.kind == BINDING.0);
    objects
}

/// Kind and plural.
type Kind = (&'static str, &'static str);
const POLICY: Kind = ("MutatingAdmissionPolicy", "mutatingadmissionpolicies");
const BINDING: Kind = (
    "MutatingAdmissionPolicyBinding",
    "mutatingadmissionpolicybindings",
);

fn id_of(inventory: &str) -> String {
    match inventory {
        SOVEREIGN_NODES => STAMP.to_owned(),
        policy => of_policy(STAMP, policy),
    }
}

fn policy(id: &str, labels: &str, looks_up: bool) -> GuardObject {
    let expression = format!(
        "{BEGIN}{labels}.map(k, JSONPatch{{op: 'add', path: '/spec/nodeSelector/' + jsonpatch.escapeKey(k), value: {labels}[k]}})"
    );
    let mut spec = json!({
        "failurePolicy": "Fail",
        "reinvocationPolicy": "IfNeeded",
        "matchConstraints": {
            "matchPolicy": "Equivalent",
            "resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"], "scope": "*",
            }],
        },
        // A patch costs more than all rules together, and makes every plugin run once more.
        "matchConditions": unstamped(labels),
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}],
    });
    if looks_up {
        spec["paramKind"] = param_kind();
    }
    add_class(&mut spec["matchConstraints"], Scope::Sensitive);
    as_object(POLICY, id, &spec)
}

fn binding(policy: &str, matched: &Value) -> Value {
    json!({
        "policyName": guarded(policy),
        "matchResources": matched,
    })
}

fn as_object((kind, plural): Kind, id: &str, spec: &Value) -> GuardObject {
    object(kind, plural, id, true, spec)
}
