//! What stands when Pinisi does not: S13 to S16.

use crate::conformance::attempt::{Act, Attempt, Request, Target, Wanted};
use crate::conformance::case::{Case, Level, Sight, Way};
use crate::conformance::ground::Ground;
use pinisi_crds::names::{GUARD_PREFIX, SOVEREIGN_NODES};
use serde_json::Value;

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
];

/// Every policy refuses what it cannot evaluate, everywhere, and where its parameter is gone.
fn fails_closed(ground: &Ground) -> Vec<Sight> {
    let of_kind = |suffix: &'static str| {
        ground.guard.iter().filter(move |object| {
            let kind = object["kind"].as_str().unwrap_or_default();
            kind.ends_with(suffix)
        })
    };
    let mut sights = Vec::new();
    for policy in of_kind("Policy") {
        let name = policy["metadata"]["name"].as_str().unwrap_or_default();
        let bound = of_kind("PolicyBinding").find(|binding| binding["spec"]["policyName"] == name);
        sights.push(Sight {
            rule: name.strip_prefix(GUARD_PREFIX).unwrap_or(name).to_owned(),
            name: format!("{name} refuses what it cannot judge"),
            seen: closed(policy, bound).map_or_else(
                || Ok("failurePolicy Fail, bound everywhere, no parameter means refusal".into()),
                Err,
            ),
        });
    }
    if sights.is_empty() {
        sights.push(Sight {
            rule: String::new(),
            name: "the guard is there".into(),
            seen: Err(format!("no policy is called {GUARD_PREFIX}...")),
        });
    }
    sights
}

/// Why it does not.
fn closed(policy: &Value, binding: Option<&Value>) -> Option<String> {
    let spec = &policy["spec"];
    let empty = |value: &Value| value.as_array().is_none_or(Vec::is_empty);
    // Absent means Fail.
    if spec["failurePolicy"]
        .as_str()
        .is_some_and(|word| word != "Fail")
    {
        return Some("spec.failurePolicy is not Fail".into());
    }
    if !empty(&spec["matchConditions"]) {
        return Some("spec.matchConditions excludes requests".into());
    }
    let Some(binding) = binding else {
        return Some("no binding puts it into force".into());
    };
    let spec_of_binding = &binding["spec"];
    if policy["kind"] == "ValidatingAdmissionPolicy" {
        let actions = spec_of_binding["validationActions"].as_array();
        if !actions.is_some_and(|actions| actions.iter().any(|action| action == "Deny")) {
            return Some("its binding does not say Deny".into());
        }
    }
    if !spec_of_binding["matchResources"].is_null() {
        return Some("its binding speaks of some objects only".into());
    }
    let param = &spec_of_binding["paramRef"];
    if !spec["paramKind"].is_null() && param["parameterNotFoundAction"] != "Deny" {
        return Some("its binding lets requests pass where the parameter is gone".into());
    }
    None
}

/// In a dry run: only the static pack refuses it, and a server without one cannot.
fn deleted(_: &Ground) -> Vec<Attempt> {
    let admission = |resource| Target::of("admissionregistration.k8s.io", "v1", resource);
    let mut attempts: Vec<Attempt> = [
        (
            "the policy that guards binding",
            "validatingadmissionpolicies",
        ),
        ("its binding", "validatingadmissionpolicybindings"),
    ]
    .into_iter()
    .map(|(name, resource)| {
        let target = admission(resource).named(&format!("{GUARD_PREFIX}g01-bind"));
        Attempt::new(
            "static",
            name,
            Wanted::RefusedStatically,
            Ok(Request::new(target, Act::Delete)),
        )
    })
    .collect();
    attempts.push(Attempt::passed(
        "static",
        "anybody's own policy",
        Request::create(
            admission("validatingadmissionpolicies"),
            serde_json::json!({
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
fn nowhere_else(ground: &Ground) -> Vec<Sight> {
    let Ground {
        stamp,
        nodes_away,
        canaries,
        ..
    } = ground;
    let fitting: Vec<&str> = nodes_away
        .iter()
        .filter(|(_, labels)| {
            stamp
                .labels
                .iter()
                .all(|(key, value)| labels.get(key) == Some(value))
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
    vec![
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
    ]
}
