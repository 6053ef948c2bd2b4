//! The first guard of a receiving cluster: a cluster that is not sovereign ground refuses whatever
//! says Sensitive, by its own label or its namespace's, whoever sends it. No exemption, no
//! parameter, no webhook. Only what is being deleted stays writable, or it could never go.

use super::cel::{self, GOING};
use super::objects::{self, GuardObject};
use super::rule::{Match, Rule, Scope, Tier, Validation, WRITES};
use super::settings::GuardSettings;
use pinisi_crds::names::{CLASS_LABEL, CLASS_SENSITIVE};
use serde_json::{Value, json};

/// Name of the namespace whose making is tried, by dry-run only, to see that the guard refuses.
pub const PROBE_NAMESPACE: &str = "pinisi-guard-probe";
/// What the refusal of that trial says.
pub const PROBE_REFUSAL: &str = "pinisi R01:";

/// Everything that the receiving guard consists of: policies before their bindings.
#[must_use]
pub fn objects() -> Vec<GuardObject> {
    objects::of(&rules(), &GuardSettings::default())
}

/// A namespace that the guard must refuse.
#[must_use]
pub fn probe() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": { "name": PROBE_NAMESPACE, "labels": { CLASS_LABEL: CLASS_SENSITIVE } },
    })
}

/// Every rule, in the order of their ids.
#[must_use]
pub fn rules() -> Vec<Rule> {
    vec![
        Rule {
            matches: vec![
                Match::new("", "v1", &["namespaces"], WRITES),
                // Labels can be written through the subresources as well.
                Match::new(
                    "",
                    "v1",
                    &["namespaces/status", "namespaces/finalize"],
                    &["UPDATE"],
                ),
            ],
            ..rule("r01-namespace", "", &[], WRITES, vec![itself("R01")])
        },
        Rule {
            matches: vec![
                Match::new(
                    "",
                    "v1",
                    &[
                        "pods",
                        "secrets",
                        "configmaps",
                        "persistentvolumeclaims",
                        "services",
                        "replicationcontrollers",
                    ],
                    WRITES,
                ),
                Match::new("", "v1", &["pods/ephemeralcontainers"], &["UPDATE"]),
            ],
            ..rule(
                "r02-objects",
                "",
                &[],
                WRITES,
                vec![itself("R02"), its_namespace("R02")],
            )
        },
        rule(
            "r03-workloads",
            "apps",
            &["deployments", "statefulsets", "daemonsets", "replicasets"],
            WRITES,
            vec![
                itself("R03"),
                its_namespace("R03"),
                its_pods("R03", &["spec", "template"]),
            ],
        ),
        rule(
            "r04-jobs",
            "batch",
            &["jobs"],
            WRITES,
            vec![
                itself("R04"),
                its_namespace("R04"),
                its_pods("R04", &["spec", "template"]),
            ],
        ),
        rule(
            "r05-cronjobs",
            "batch",
            &["cronjobs"],
            WRITES,
            vec![
                itself("R05"),
                its_namespace("R05"),
                its_pods("R05", &["spec", "jobTemplate", "spec", "template"]),
            ],
        ),
        // A binding gives a node the pod's Secrets, also of a pod from before the guard.
        rule(
            "r06-bind",
            "",
            &["pods/binding", "bindings"],
            &["CREATE"],
            vec![its_namespace("R06")],
        ),
    ]
}

fn rule(
    id: &'static str,
    group: &'static str,
    resources: &'static [&'static str],
    operations: &'static [&'static str],
    validations: Vec<Validation>,
) -> Rule {
    Rule {
        id,
        matches: vec![Match::new(group, "v1", resources, operations)],
        scope: Scope::Everywhere,
        tier: Tier::Core,
        needs_inventory: false,
        validations,
    }
}

/// True in CEL where the labels of `object` say Sensitive.
fn sensitive(object: &str) -> String {
    format!(
        "(has({object}.metadata.labels) && '{CLASS_LABEL}' in {object}.metadata.labels && {object}.metadata.labels['{CLASS_LABEL}'] == '{CLASS_SENSITIVE}')"
    )
}

fn itself(id: &'static str) -> Validation {
    let said = sensitive("object");
    refused(
        id,
        format!("!{said} || {GOING}"),
        &format!(
            "request.resource.resource + ' ' + object.metadata.name + ' says {CLASS_LABEL}={CLASS_SENSITIVE}'"
        ),
    )
}

fn its_namespace(id: &'static str) -> Validation {
    let said = sensitive("namespaceObject");
    refused(
        id,
        format!("!{said} || {GOING}"),
        &format!(
            "request.resource.resource + ' ' + object.metadata.name + ' is in namespace ' + namespaceObject.metadata.name + ', which says {CLASS_LABEL}={CLASS_SENSITIVE}'"
        ),
    )
}

/// Where the pods of an object say Sensitive. Each step of the way to its template may be absent.
fn its_pods(id: &'static str, path: &[&str]) -> Validation {
    let mut there = vec![];
    let mut at = "object".to_owned();
    for step in path {
        at = format!("{at}.{step}");
        there.push(format!("has({at})"));
    }
    there.push(format!("has({at}.metadata)"));
    there.push(sensitive(&at));
    refused(
        id,
        format!("!({}) || {GOING}", there.join(" && ")),
        &format!(
            "'pods of ' + request.resource.resource + ' ' + object.metadata.name + ' say {CLASS_LABEL}={CLASS_SENSITIVE}'"
        ),
    )
}

fn refused(id: &'static str, holds: String, words: &str) -> Validation {
    cel::rule(
        id,
        holds,
        &format!(
            "{words} + ', and this cluster is not sovereign ground: keep it on the nodes of OnPrem Sites, or in a namespace of another class.'"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_policy_has_its_binding_after_it_and_both_refuse() {
        let objects = objects();
        assert_eq!(objects.len(), rules().len() * 2);
        for pair in objects.chunks(2) {
            let [policy, binding] = pair else {
                panic!("{pair:?}")
            };
            assert_eq!(policy.kind, "ValidatingAdmissionPolicy");
            assert_eq!(binding.kind, "ValidatingAdmissionPolicyBinding");
            assert_eq!(policy.body["spec"]["failurePolicy"], "Fail");
            assert_eq!(binding.body["spec"]["policyName"], policy.name.as_str());
            assert_eq!(
                binding.body["spec"]["validationActions"],
                json!(["Deny", "Audit"])
            );
            assert!(
                binding.body["spec"].get("matchResources").is_none(),
                "nobody is exempt"
            );
            assert!(policy.body["spec"].get("matchConditions").is_none());
        }
    }

    #[test]
    fn all_that_may_carry_the_class_is_looked_at_on_every_way_to_write_it() {
        let looked_at: BTreeSet<_> = rules()
            .iter()
            .flat_map(|rule| &rule.matches)
            .filter(|matched| matched.operations.contains(&"UPDATE"))
            .flat_map(|matched| matched.resources)
            .copied()
            .collect();
        for resource in [
            "namespaces",
            "namespaces/status",
            "namespaces/finalize",
            "pods",
            "deployments",
            "statefulsets",
            "daemonsets",
            "replicasets",
            "jobs",
            "cronjobs",
            "secrets",
            "configmaps",
            "persistentvolumeclaims",
            "services",
        ] {
            assert!(looked_at.contains(resource), "{resource}");
        }
    }

    #[test]
    fn a_refusal_starts_with_its_rule_and_ids_are_unique() {
        let mut ids = BTreeSet::new();
        for rule in rules() {
            let id = rule.id.split('-').next().unwrap().to_uppercase();
            for Validation {
                id: own,
                holds: _,
                says,
            } in &rule.validations
            {
                assert_eq!(*own, id);
                assert!(says.starts_with(&format!("'pinisi {id}: '")), "{says}");
            }
            assert!(ids.insert(rule.id));
        }
    }

    #[test]
    fn what_is_being_deleted_stays_writable_in_every_rule() {
        for rule in rules() {
            for one in &rule.validations {
                assert!(one.holds.ends_with(GOING), "{}", one.holds);
            }
        }
    }

    #[test]
    fn the_chart_for_that_cluster_lets_the_operator_write_exactly_these_objects() {
        let chart = include_str!("../../../charts/pinisi-site/templates/rbac.yaml");
        let named: BTreeSet<_> = chart
            .lines()
            .filter_map(|line| line.trim().strip_prefix("- pinisi-guard-"))
            .collect();
        assert_eq!(named, rules().iter().map(|rule| rule.id).collect());
        assert!(chart.contains(&format!("resourceNames: [{PROBE_NAMESPACE}]")));
    }

    #[test]
    fn the_probe_is_what_the_first_rule_refuses() {
        assert_eq!(probe()["metadata"]["labels"][CLASS_LABEL], CLASS_SENSITIVE);
        assert!(rules()[0].validations[0].says.contains("'pinisi R01: '"));
        assert_eq!(PROBE_REFUSAL, "pinisi R01:");
    }
}
