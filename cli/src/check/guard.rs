//! PN02x: the admission guard, as the API server has it. It stands without the operator.

use super::finding::{Check, Findings, known};
use super::install::minor_of;
use crate::snapshot::Snapshot;
use k8s_openapi::api::admissionregistration::v1::{
    MatchResources, NamedRuleWithOperations, ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::ResourceExt as _;
use pinisi_crds::names::{CLASS_LABEL, CLASS_SENSITIVE, GUARD_PREFIX, SOVEREIGN_NODES};
use pinisi_operator::guard::rule::{Rule, Scope};
use pinisi_operator::guard::{self, GuardSettings, NAME_LABEL};

const PRESENT: Check = Check {
    id: "PN020",
    title: "the guard's policies are there",
};
const REFUSES: Check = Check {
    id: "PN021",
    title: "the guard's policies refuse",
};
const STAMP: Check = Check {
    id: "PN022",
    title: "the guard stamps pods",
};
const FLOOR: Check = Check {
    id: "PN023",
    title: "the API server keeps the guard from being taken away",
};
/// In the order in which they run.
pub const CHECKS: &[&Check] = &[&PRESENT, &REFUSES, &STAMP, &FLOOR];

/// First minor version of Kubernetes 1 whose API server reads static manifests by default.
const FLOOR_MINOR: u32 = 37;
/// First minor version of Kubernetes 1 that serves MutatingAdmissionPolicy v1.
const STAMP_MINOR: u32 = 36;
const RESTORE: &str = "the operator applies the guard when it leads: kubectl rollout restart deployment/pinisi --namespace pinisi-system";

/// Runs them.
pub fn run(snapshot: &Snapshot, findings: &mut Findings) {
    present(snapshot, findings);
    refuses(snapshot, findings);
    stamp(snapshot, findings);
    floor(snapshot, findings);
}

fn named(id: &str) -> String {
    format!("{GUARD_PREFIX}{id}")
}

/// Rules of the guard. What they are named, and how they are bound, does not hang on settings.
fn rules() -> Vec<Rule> {
    guard::rules::all(&GuardSettings::default())
}

fn present(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&PRESENT);
    let (policies, bindings) = known!(verdict, snapshot.policies, snapshot.bindings);
    let rules = rules();
    for rule in &rules {
        let name = named(rule.id);
        if !policies.iter().any(|policy| policy.name_any() == name) {
            verdict.fail(
                format!("ValidatingAdmissionPolicy {name}"),
                "is missing",
                RESTORE,
            );
        } else if always_bound(rule) && !bindings.iter().any(|binding| binding.name_any() == name) {
            let object = format!("ValidatingAdmissionPolicyBinding {name}");
            verdict.fail(object, "is missing: its policy has no effect", RESTORE);
        }
    }
    verdict.or_ok(format!("{} policies, each with its binding", rules.len()));
}

/// What speaks of namespaces without a class is bound only where a SovereigntyPolicy says so.
fn always_bound(rule: &Rule) -> bool {
    rule.scope != Scope::Unclassified
}

fn refuses(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&REFUSES);
    let (policies, bindings) = known!(verdict, snapshot.policies, snapshot.bindings);
    if policies.is_empty() {
        return verdict.skip("there is no policy (PN020)");
    }
    for policy in policies {
        let name = policy.name_any();
        let object = format!("ValidatingAdmissionPolicy {name}");
        if let Some(weak) = weakness(policy) {
            verdict.fail(object.clone(), weak, RESTORE);
        }
        if let Some(warning) = type_warning(policy) {
            verdict.warn(
                object,
                format!("the server doubts its expressions: {warning}"),
                "kubectl pinisi check after an upgrade of the chart; else report it",
            );
        }
    }
    for rule in rules().iter().filter(|rule| always_bound(rule)) {
        let name = named(rule.id);
        let own = bindings.iter().find(|binding| binding.name_any() == name);
        // One that speaks for every namespace may stand in for it.
        let stands_in = || {
            let of_a_policy = format!("{name}.");
            let mut others = bindings.iter();
            others.any(|other| other.name_any().starts_with(&of_a_policy) && denies(other, rule))
        };
        let refuses = |binding: &ValidatingAdmissionPolicyBinding| {
            let spec = &binding.spec;
            spec.policy_name == name
                && (denies(binding, rule)
                    || (rule.judges_pods() && is_set_aside(binding) && stands_in()))
        };
        if own.is_some_and(|binding| !refuses(binding)) {
            verdict.fail(
                format!("ValidatingAdmissionPolicyBinding {name}"),
                "does not refuse: it needs the action Deny everywhere, and parameterNotFoundAction Deny",
                RESTORE,
            );
        }
    }
    verdict.or_ok("failurePolicy Fail, action Deny, no inventory means refusal");
}

fn weakness(policy: &ValidatingAdmissionPolicy) -> Option<&'static str> {
    let spec = policy.spec.as_ref()?;
    // Absent means Fail.
    if spec
        .failure_policy
        .as_deref()
        .is_some_and(|word| word != "Fail")
    {
        return Some(
            "lets requests pass when it cannot be evaluated: spec.failurePolicy must be Fail",
        );
    }
    if spec
        .match_conditions
        .as_ref()
        .is_some_and(|conditions| !conditions.is_empty())
    {
        return Some("looks only at some requests: spec.matchConditions must be empty");
    }
    None
}

fn denies(binding: &ValidatingAdmissionPolicyBinding, rule: &Rule) -> bool {
    let spec = &binding.spec;
    let refuses = spec
        .validation_actions
        .iter()
        .any(|action| action == "Deny");
    let everywhere = spec.match_resources.as_ref().is_none_or(|matched| {
        rule.scope == Scope::Sensitive && matched.namespace_selector.is_some() && whole(matched)
    });
    let inventory = spec.param_ref.as_ref().is_some_and(|param| {
        // For all, or for the policy whose binding it is.
        let own = binding.name_any();
        let of = own
            .split_once('.')
            .map_or(SOVEREIGN_NODES, |(_, policy)| policy);
        param.name.as_deref() == Some(of)
            && param.parameter_not_found_action.as_deref() == Some("Deny")
    });
    // What is asked for every pod has the inventory in its own text, but for one that is too long.
    let in_text = rule.is_hot() && spec.param_ref.is_none();
    refuses && everywhere && (inventory || in_text || !rule.needs_inventory)
}

/// True where it speaks for no namespace: each carries its name.
fn is_set_aside(binding: &ValidatingAdmissionPolicyBinding) -> bool {
    let matched = binding.spec.match_resources.as_ref();
    let selector = matched.and_then(|matched| matched.namespace_selector.as_ref());
    let mut expressions = selector
        .iter()
        .flat_map(|s| s.match_expressions.iter().flatten());
    expressions.any(|each| each.key == NAME_LABEL && each.operator == "DoesNotExist")
}

/// True where every Sensitive namespace is meant, but for those left out by name: the cluster's own
/// parts, and those that are rolled out to, which are left to their policy's bindings.
fn whole(matched: &MatchResources) -> bool {
    let MatchResources {
        exclude_resource_rules,
        match_policy: _,
        namespace_selector,
        object_selector,
        resource_rules,
    } = matched;
    let by_name = namespace_selector.as_ref().is_none_or(|selector| {
        let mut expressions = selector.match_expressions.iter().flatten();
        let sensitive = [CLASS_SENSITIVE.to_owned()];
        selector.match_labels.is_none()
            && expressions.all(|each| {
                (each.key == NAME_LABEL && each.operator == "NotIn")
                    || (each.key == CLASS_LABEL
                        && each.operator == "In"
                        && each.values.as_deref() == Some(&sensitive))
            })
    });
    let none =
        |rules: &Option<Vec<NamedRuleWithOperations>>| rules.as_ref().is_none_or(Vec::is_empty);
    by_name
        && none(exclude_resource_rules)
        && none(resource_rules)
        && object_selector
            .as_ref()
            .is_none_or(|selector| *selector == LabelSelector::default())
}

fn type_warning(policy: &ValidatingAdmissionPolicy) -> Option<String> {
    let checking = policy.status.as_ref()?.type_checking.as_ref()?;
    let first = checking.expression_warnings.as_ref()?.first()?;
    Some(format!(
        "{}: {}",
        first.field_ref,
        first.warning.lines().next().unwrap_or_default()
    ))
}

fn stamp(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&STAMP);
    let served = known!(verdict, snapshot.served_admission);
    if !served.contains("mutatingadmissionpolicies") {
        let old = minor_of(snapshot).is_some_and(|minor| minor < STAMP_MINOR);
        if old {
            return verdict.skip(format!(
                "the server has no MutatingAdmissionPolicy v1 (1.{STAMP_MINOR}): pods without the labels are refused (G03), so put them in the pod templates"
            ));
        }
        verdict.warn(
            "Server",
            "does not serve MutatingAdmissionPolicy v1: pods without the labels are refused (G03)",
            "enable admissionregistration.k8s.io/v1 MutatingAdmissionPolicy, or put spec.nodeSelector into the pod templates",
        );
        return verdict.or_ok("");
    }
    let (policies, bindings) = known!(verdict, snapshot.stamps, snapshot.stamp_bindings);
    let name = named(guard::STAMP);
    let bound = |policy: &Option<String>| policy.as_deref() == Some(name.as_str());
    if !policies.iter().any(|policy| policy.name_any() == name) {
        verdict.fail(
            format!("MutatingAdmissionPolicy {name}"),
            "is missing: unstamped pods are refused (G03)",
            RESTORE,
        );
    } else if !bindings
        .iter()
        .any(|b| b.spec.as_ref().is_some_and(|spec| bound(&spec.policy_name)))
    {
        verdict.fail(
            format!("MutatingAdmissionPolicyBinding {name}"),
            "is missing: unstamped pods are refused (G03)",
            RESTORE,
        );
    }
    verdict.or_ok("MutatingAdmissionPolicy with its binding");
}

/// Asked of the API server that answered; where there are several, each has a folder of its own.
fn floor(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&FLOOR);
    let held = *known!(verdict, snapshot.floor);
    if !held {
        let able = minor_of(snapshot).is_some_and(|minor| minor >= FLOOR_MINOR);
        verdict.warn(
            "Server",
            "lets whoever may delete admission policies delete the guard; the operator puts it back while it runs, nobody does while it is down",
            if able {
                "kubectl pinisi guard render --pack static, and put it into the static manifests of each API server: kubectl pinisi guard --help".to_owned()
            } else {
                format!("static manifests need Kubernetes 1.{FLOOR_MINOR}; until then give the right to delete admission policies to nobody who may not unpin Sensitive services")
            },
        );
    }
    verdict.or_ok("refused by the static manifests of the API server that was asked");
}
