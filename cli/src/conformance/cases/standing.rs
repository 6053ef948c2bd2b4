//! What stands when Pinisi does not: S13 to S16.

use crate::conformance::attempt::{Act, Attempt, Request, Target, Wanted};
use crate::conformance::case::{Case, Level, Sight, Way};
use crate::conformance::ground::Ground;
use crate::conformance::outcome::Skip;
use pinisi_crds::names::{GUARD_PREFIX, SOVEREIGN_NODES};
use pinisi_operator::guard;
use serde_json::{Value, json};

/// These.
pub const CASES: &[Case] = &[
    Case {
        id: "S13",
        level: Level::Bronze,
        bypasses: &["B12"],
        title: "S01 to S12 while no operator leads",
        way: Way::WithoutOperator(&[
            "S01", "S02", "S03", "S04", "S05", "S06", "S07", "S08", "S09", "S10", "S11", "S12",
        ]),
    },
    Case {
        id: "S14",
        level: Level::Bronze,
        bypasses: &["B11", "B50"],
        title: "the guard lets something pass where it cannot judge",
        way: Way::Look(fails_closed),
    },
    Case {
        id: "S15",
        level: Level::Bronze,
        bypasses: &["B13"],
        title: "the guard's own objects deleted",
        way: Way::Requests(deleted),
    },
    Case {
        id: "S16",
        level: Level::Bronze,
        bypasses: &["B24"],
        title: "a pod that finds no room at home and goes abroad",
        way: Way::Look(nowhere_else),
    },
    Case {
        id: "P10",
        level: Level::Gold,
        bypasses: &["B50"],
        title: "the guard of the cloud's cluster lets something pass where it cannot judge",
        way: Way::Look(fails_closed_there),
    },
];

/// The rule of the static pack that keeps the guard's own objects.
const STATIC: &str = "T01";

/// Every policy refuses what it cannot evaluate, and every binding where its parameter is gone.
fn fails_closed(ground: &Ground) -> Result<Vec<Sight>, Skip> {
    Ok(all_fail_closed(&ground.guard))
}

/// The same in the cloud's cluster.
fn fails_closed_there(ground: &Ground) -> Result<Vec<Sight>, Skip> {
    let guard = ground.remote_guard.as_ref().ok_or(Skip::NeedsRemote)?;
    Ok(all_fail_closed(guard))
}

fn all_fail_closed(guard: &[Value]) -> Vec<Sight> {
    let of_kind = |suffix: &'static str| {
        guard.iter().filter(move |object| {
            let kind = object["kind"].as_str().unwrap_or_default();
            kind.ends_with(suffix)
        })
    };
    let mut sights = Vec::new();
    for policy in of_kind("Policy") {
        let name = name_of(policy);
        let bound: Vec<&Value> = of_kind("PolicyBinding")
            .filter(|binding| binding["spec"]["policyName"] == name)
            .collect();
        let weak = match bound.is_empty() {
            true => Some("no binding puts it into force".to_owned()),
            false => weakness(policy),
        };
        sights.push(sight(name, name, weak, "failurePolicy Fail, and a binding"));
        for binding in bound {
            let own = name_of(binding);
            let called = format!("{own} (binding)");
            sights.push(sight(
                name,
                &called,
                slack(policy, binding),
                "no parameter means refusal",
            ));
        }
    }
    if sights.is_empty() {
        let missing = format!("no policy is called {GUARD_PREFIX}...");
        sights.push(sight("", "the guard", Some(missing), ""));
    }
    sights
}

fn name_of(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

fn sight(policy: &str, called: &str, wrong: Option<String>, right: &str) -> Sight {
    Sight {
        rule: policy
            .strip_prefix(GUARD_PREFIX)
            .unwrap_or(policy)
            .to_owned(),
        name: format!("{called} refuses what it cannot judge"),
        seen: wrong.map_or_else(|| Ok(right.to_owned()), Err),
    }
}

/// Why a policy lets something pass.
fn weakness(policy: &Value) -> Option<String> {
    let spec = &policy["spec"];
    // Absent means Fail.
    if spec["failurePolicy"]
        .as_str()
        .is_some_and(|word| word != "Fail")
    {
        return Some("spec.failurePolicy is not Fail".into());
    }
    let conditions = &spec["matchConditions"];
    let none = conditions.as_array().is_none_or(Vec::is_empty);
    // The stamp passes over what is stamped, and over nothing else.
    let stamp = policy["kind"] == "MutatingAdmissionPolicy"
        && guard::passes_over_what_is_stamped_alone(policy);
    (!none && !stamp).then(|| "spec.matchConditions leaves requests out".into())
}

/// Why a binding does.
fn slack(policy: &Value, binding: &Value) -> Option<String> {
    let spec = &binding["spec"];
    if policy["kind"] == "ValidatingAdmissionPolicy" {
        let actions = spec["validationActions"].as_array();
        if !actions.is_some_and(|actions| actions.iter().any(|action| action == "Deny")) {
            return Some("spec.validationActions has no Deny: nothing is refused, as while a SovereigntyPolicy is rolled out".into());
        }
    }
    if !policy["spec"]["paramKind"].is_null()
        && spec["paramRef"]["parameterNotFoundAction"] != "Deny"
    {
        return Some("spec.paramRef lets requests pass where the parameter is gone".into());
    }
    // Namespaces are chosen by policies; anything finer leaves objects out.
    let matched = &spec["matchResources"];
    let empty = |field: &str| match &matched[field] {
        Value::Array(all) => all.is_empty(),
        Value::Object(all) => all.is_empty(),
        _ => true,
    };
    let whole = ["resourceRules", "excludeResourceRules", "objectSelector"]
        .into_iter()
        .all(empty);
    (!whole).then(|| "spec.matchResources leaves objects out".into())
}

/// In a dry run: only the static pack refuses it, and a server without one cannot.
fn deleted(_: &Ground) -> Vec<Attempt> {
    let admission = |resource| Target::of("admissionregistration.k8s.io", "v1", resource);
    let mut attempts = Vec::new();
    for (name, resource, soft) in [
        (
            "the policy that guards binding",
            "validatingadmissionpolicies",
            json!({"spec": {"failurePolicy": "Ignore"}}),
        ),
        (
            "its binding",
            "validatingadmissionpolicybindings",
            json!({"spec": {"validationActions": ["Audit"]}}),
        ),
    ] {
        let target = || admission(resource).named(&format!("{GUARD_PREFIX}g01-bind"));
        for (what, act) in [("deleted", Act::Delete), ("softened", Act::Merge(soft))] {
            attempts.push(Attempt::new(
                STATIC,
                format!("{name}, {what}"),
                Wanted::RefusedStatically,
                Ok(Request::new(target(), act)),
            ));
        }
    }
    attempts.push(Attempt::passed(
        STATIC,
        "anybody's own policy",
        Request::create(
            admission("validatingadmissionpolicies"),
            json!({
                "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
                "metadata": {"name": "pinisi-conformance-attempt"},
                "spec": {
                    "matchConstraints": {"resourceRules": [{
                        "apiGroups": ["example.com"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["attempts"],
                    }]},
                    "validations": [{"expression": "true"}],
                },
            }),
        ),
    ));
    attempts
}

/// The scheduler itself cannot place what is stamped anywhere but at home, so a full home leaves it
/// Pending.
fn nowhere_else(ground: &Ground) -> Result<Vec<Sight>, Skip> {
    let Ground {
        stamp,
        nodes_away,
        canaries,
        ..
    } = ground;
    let fitting: Vec<&str> = nodes_away
        .iter()
        .filter(|(_, node)| {
            stamp
                .labels
                .iter()
                .all(|(key, value)| node.labels.get(key) == Some(value))
        })
        .map(|(name, _)| name.as_str())
        .collect();
    let labels = if stamp.labels.is_empty() {
        Err(format!(
            "SovereignNodes {SOVEREIGN_NODES} has no labels: every node would do"
        ))
    } else if let Some(node) = fitting.first() {
        Err(format!(
            "node {node} carries them all, and is not sovereign; {} such",
            fitting.len()
        ))
    } else {
        Ok(format!(
            "none of {} nodes abroad carries them",
            nodes_away.len()
        ))
    };
    let node = &canaries.pod_node;
    let pod = if node.is_empty() {
        Ok("it is Pending".into())
    } else {
        Err(format!("it is on node {node}"))
    };
    Ok(vec![
        Sight {
            rule: "S01".into(),
            name: "no node abroad has the labels of sovereign ground".into(),
            seen: labels,
        },
        Sight {
            rule: "S01".into(),
            name: "a Sensitive pod that fits nowhere waits".into(),
            seen: pod,
        },
    ])
}
