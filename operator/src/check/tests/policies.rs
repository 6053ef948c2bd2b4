//! SovereigntyPolicies: what they make of the inventories, the guard's bindings and placement.

use super::build::*;
use crate::checked::Checked;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use pinisi_crds::SovereignNodesSpec;
use pinisi_crds::sovereignty_policy::{Enforcement, Unclassified};
use serde_json::{Value, json};

fn policy(name: &str, spec: Value) -> Value {
    json!({"metadata": {"name": name, "uid": format!("u-{name}"), "generation": 1}, "spec": spec})
}

fn keys<T>(map: &std::collections::BTreeMap<String, T>) -> Vec<&str> {
    map.keys().map(String::as_str).collect()
}

fn reasons(checked: &Checked, name: &str) -> Vec<&'static str> {
    let problems = &checked.policies[name].problems;
    problems.iter().map(|problem| problem.reason()).collect()
}

/// A second OnPrem site with node `b1`, under another law, sharing one label with the first.
fn two_laws() -> Cluster {
    let mut c = Cluster::new();
    let ground = "node-restriction.kubernetes.io/pinisi-ground";
    c.0.delete_site("home");
    for (site_name, law, nodes) in [("jkt", "ID", ["h1", "h2"]), ("sin", "SG", ["b1", "b2"])] {
        for name in nodes {
            let mut made = node(name, "home");
            set(
                &mut made,
                "metadata.labels",
                json!({SITE_LABEL: site_name, ground: "own"}),
            );
            c.node(made);
        }
        let mut made = site(site_name, "OnPrem");
        set(&mut made, "spec.jurisdiction", json!(law));
        set(
            &mut made,
            "spec.nodes.matchLabels",
            json!({SITE_LABEL: site_name, ground: "own"}),
        );
        attest(&mut made, &nodes);
        c.site(made);
    }
    c
}

#[test]
fn without_policies_the_inventory_knows_nodes_and_allows_nothing_that_has_a_name() {
    let checked = Cluster::new().check();
    assert_eq!(keys(&checked.sovereign.want.nodes), ["h1", "h2"]);
    assert_eq!(checked.sovereign.want.away["c1"], "cloud");
    assert_eq!(checked.sovereign.want.terms, Default::default());
    assert!(checked.inventories.is_empty() && checked.guard.bindings.is_empty());
    assert_eq!(keys(&checked.guard.stamp), [SITE_LABEL]);
}

#[test]
fn a_policy_narrows_nodes_to_lawful_ground_and_stamps_what_that_ground_shares() {
    let mut c = two_laws();
    c.policy(policy(
        "records",
        json!({"namespaces": {}, "jurisdictions": ["ID"]}),
    ));
    let checked = c.check();
    assert_eq!(
        keys(&checked.sovereign.want.nodes),
        ["b1", "b2", "h1", "h2"]
    );
    assert_eq!(checked.sovereign.want.node_selector.len(), 1);
    let own = &checked.inventories["records"].want;
    assert_eq!(keys(&own.nodes), ["h1", "h2"]);
    assert_eq!(own.node_selector[SITE_LABEL], "jkt");
    assert_eq!(own.node_selector.len(), 2);
    assert!(own.away.is_empty() && reasons(&checked, "records").is_empty());
    let subject = &checked.policies["records"];
    assert_eq!((subject.namespaces, subject.nodes), (1, 2));
    assert!(checked.guard.bindings["records"].narrows_nodes);
}

#[test]
fn a_policy_that_names_no_country_has_the_nodes_of_all() {
    let mut c = two_laws();
    c.policy(policy("records", json!({"namespaces": {}})));
    let checked = c.check();
    let own = &checked.inventories["records"].want;
    assert_eq!(own.nodes, checked.sovereign.want.nodes);
    assert_eq!(own.node_selector, checked.sovereign.want.node_selector);
    assert!(!checked.guard.bindings["records"].narrows_nodes);
}

#[test]
fn a_workload_names_no_site_that_one_of_its_policies_forbids_and_finds_none_by_itself() {
    let mut c = two_laws();
    c.policy(policy(
        "records",
        json!({"namespaces": {}, "jurisdictions": ["ID"]}),
    ));
    c.deployment(deployment("health", "records", 2));
    let mut pinned = web();
    set(&mut pinned, "metadata.namespace", json!("health"));
    set(&mut pinned, "metadata.name", json!("records"));
    set(&mut pinned, "spec.class", json!("Sensitive"));
    set(&mut pinned, "spec.targetRef.name", json!("records"));
    set(
        &mut pinned,
        "spec.placement",
        json!({"tiers": [{"sites": ["sin"]}]}),
    );
    c.workload(pinned.clone());
    assert!(
        c.reasons("health", "records")
            .contains(&"PolicyForbidsSite")
    );
    set(&mut pinned, "spec.placement", Value::Null);
    c.workload(pinned);
    let checked = c.check();
    let found = &checked.world.workloads[&id("health", "records")];
    let text = format!("{:?}", found.placement);
    assert!(text.contains("jkt") && !text.contains("sin"), "{text}");
}

#[test]
fn what_any_policy_allows_is_joined_but_registries_are_each_policys_own() {
    let mut c = Cluster::new();
    let storage = |driver: &str| json!({"classes": [{"name": "fast", "provisioner": driver}], "backupLocations": [driver]});
    c.policy(policy(
        "a",
        json!({"namespaces": {}, "storage": storage("d1"), "registries": ["r.example"],
        "cloudIdentities": {"users": ["x"], "groups": ["g"]}}),
    ));
    c.policy(policy(
        "b",
        json!({"namespaces": {}, "storage": storage("d2"),
        "routes": {"ingressClasses": ["in", "in"], "gateways": ["n/g"]}}),
    ));
    let checked = c.check();
    let all = &checked.sovereign.want.terms;
    assert_eq!(all.storage_classes["fast"], "d1");
    assert_eq!(all.backup_locations, ["d1", "d2"]);
    assert_eq!(all.ingress_classes, ["in"]);
    assert_eq!(
        (&*all.cloud_users, &*all.cloud_groups),
        (&["x".to_owned()][..], &["g".to_owned()][..])
    );
    assert!(all.registries.is_empty());
    assert_eq!(
        checked.inventories["a"].want.terms.registries,
        ["r.example"]
    );
    assert!(reasons(&checked, "a").is_empty());
    assert_eq!(reasons(&checked, "b"), ["ClassOfTwoDrivers"]);
}

#[test]
fn a_roll_out_leaves_its_sensitive_namespaces_to_its_own_bindings() {
    let mut c = Cluster::new();
    c.policy(policy(
        "soft",
        json!({"namespaces": {}, "enforcement": "Warn", "unclassified": "Anywhere",
        "infrastructureNamespaces": ["calico-system"]}),
    ));
    c.policy(policy(
        "firm",
        json!({"namespaces": {"matchLabels": {"team": "x"}}}),
    ));
    let guard = c.check().guard;
    assert_eq!(guard.rolling_out.iter().collect::<Vec<_>>(), ["health"]);
    assert_eq!(
        guard.infrastructure.iter().collect::<Vec<_>>(),
        ["calico-system"]
    );
    let (soft, firm) = (&guard.bindings["soft"], &guard.bindings["firm"]);
    assert_eq!(
        (soft.enforcement, soft.unclassified),
        (Enforcement::Warn, Unclassified::Anywhere)
    );
    assert_eq!(
        (firm.enforcement, firm.unclassified),
        (Enforcement::Deny, Unclassified::NotAway)
    );
}

#[test]
fn a_policy_that_selects_nothing_or_cannot_be_read_changes_nothing_and_says_so() {
    let mut c = Cluster::new();
    let sound = c.check();
    c.policy(policy("none", json!({})));
    c.policy(policy(
        "bad",
        json!({"namespaces": {"matchExpressions": [{"key": "a", "operator": "Near"}]}}),
    ));
    c.policy(policy("worse", json!({"enforcement": 7})));
    let checked = c.check();
    assert_eq!(checked.guard, sound.guard);
    assert_eq!(checked.sovereign, sound.sovereign);
    assert!(checked.inventories.is_empty());
    assert_eq!(reasons(&checked, "none"), ["SelectsNothing"]);
    assert_eq!(reasons(&checked, "bad"), ["BadSelector"]);
    assert_eq!(reasons(&checked, "worse"), ["SpecUnreadable"]);
}

#[test]
fn a_law_that_no_ground_has_is_said_and_lets_nothing_run() {
    let mut c = Cluster::new();
    c.policy(policy(
        "far",
        json!({"namespaces": {}, "jurisdictions": ["CH"]}),
    ));
    let checked = c.check();
    assert!(checked.inventories["far"].want.nodes.is_empty());
    assert_eq!(reasons(&checked, "far"), ["NoLawfulNode"]);
}

#[test]
fn laws_intersect_with_what_is_said_name_their_articles_and_bring_their_clock() {
    let mut c = two_laws();
    let laws = json!(["id-pp-71-2019", "id-uu-27-2022"]);
    c.policy(policy("records", json!({"namespaces": {}, "legal": laws})));
    let checked = c.check();
    let own = &checked.inventories["records"].want;
    assert_eq!(keys(&own.nodes), ["h1", "h2"], "PP 71/2019 keeps to ID");
    assert_eq!(own.terms.law["G01"], "PP 71/2019 Pasal 20");
    assert_eq!(
        own.terms.law["V01"],
        "PP 71/2019 Pasal 20; UU 27/2022 Pasal 46 ayat (1)"
    );
    assert_eq!(checked.sovereign.want.terms.law, own.terms.law);
    assert!(checked.guard.bindings["records"].narrows_nodes);
    assert_eq!(
        checked.policies["records"].laws,
        ["id-pp-71-2019", "id-uu-27-2022"]
    );
    c.policy(policy(
        "records",
        json!({"namespaces": {}, "legal": laws, "jurisdictions": ["SG"]}),
    ));
    assert!(c.check().inventories["records"].want.nodes.is_empty());

    c.pod(pod("health", "stray", "x", None, Some("c1")));
    let checked = c.check();
    let found = &checked.violations.open["v01-u-stray"];
    assert_eq!(found.notice_hours, Some(72));
    assert_eq!(found.law.len(), 1);
}

#[test]
fn a_law_is_not_named_for_all_where_a_sensitive_namespace_has_no_such_policy() {
    let mut c = Cluster::new();
    let spec = json!({"namespaces": {"matchLabels": {"law": "yes"}}, "legal": ["id-pp-71-2019"]});
    c.policy(policy("records", spec));
    c.namespace(
        "health",
        json!({"pinisi.dev/class": "Sensitive", "law": "yes"}),
    );
    assert!(!c.check().sovereign.want.terms.law.is_empty());
    c.namespace("other", json!({"pinisi.dev/class": "Sensitive"}));
    assert!(c.check().sovereign.want.terms.law.is_empty());
}

#[test]
fn a_law_that_nobody_knows_is_said_with_those_that_are_known_and_loosens_nothing() {
    let mut c = two_laws();
    let spec = json!({"namespaces": {}, "legal": ["id-pp-71-2019", "de-dsgvo"]});
    c.policy(policy("records", spec));
    let checked = c.check();
    assert_eq!(reasons(&checked, "records"), ["UnknownLaw"]);
    let text = checked.policies["records"].problems[0].to_string();
    for word in ["de-dsgvo", "id-pp-71-2019 and id-uu-27-2022"] {
        assert!(text.contains(word), "{text}");
    }
    assert_eq!(
        keys(&checked.inventories["records"].want.nodes),
        ["h1", "h2"]
    );
}

#[test]
fn what_holds_data_that_a_law_protects_is_sensitive_whichever_policy_names_the_law() {
    let mut c = Cluster::with_web();
    let mut holds = web();
    set(&mut holds, "spec.dataCategories", json!(["Children"]));
    c.workload(holds);
    c.web();
    let law = json!({"namespaces": {"matchLabels": {"a": "b"}}, "legal": ["id-uu-27-2022"]});
    c.policy(policy("records", law));
    c.web_is_refused(
        "CategoryForcesSensitive",
        &["Children", "UU 27/2022 Pasal 4 ayat (2)", "Sensitive"],
    );
    assert_eq!(c.check().guard.categories.len(), 6);
    c.workload(web());
    c.web();
}

#[test]
fn a_policy_may_ask_for_a_younger_inventory_than_others() {
    let mut c = Cluster::new();
    let spec = json!({"namespaces": {}, "inventoryMaxAgeSeconds": 900});
    c.policy(policy("records", spec));
    let checked = c.check();
    assert_eq!(checked.inventories["records"].want.max_age_seconds, 900);
    assert_eq!(checked.sovereign.want.max_age_seconds, 604_800);
    assert!(checked.guard.bindings["records"].narrows_nodes);
    let renewed = |want: &SovereignNodesSpec| want.renewed_at.as_ref().map(|at| at.0);
    assert_eq!(renewed(&checked.sovereign.want), Some(now()));
}

#[test]
fn what_a_policy_that_is_gone_listed_is_renewed_and_loses_what_is_no_longer_lawful() {
    let mut c = Cluster::new();
    let mut left = c.check().sovereign.want;
    left.max_age_seconds = 60;
    left.renewed_at = None;
    let gone = left.nodes["h1"].clone();
    left.nodes.insert("gone".into(), gone);
    c.sovereign(json!({"metadata": {"name": "records"}, "spec": left}));
    let checked = c.check();
    let own = &checked.inventories["records"];
    assert_eq!(keys(&own.want.nodes), ["h1", "h2"]);
    assert_eq!(own.want.max_age_seconds, 60);
    assert!(own.want.renewed_at.is_some());
}

#[test]
fn who_does_not_see_the_ground_writes_what_is_known_under_the_old_time() {
    let mut c = Cluster::new();
    let mut old = c.check().sovereign.want;
    let long_ago: Time = serde_json::from_value(json!("2020-01-01T00:00:00Z")).unwrap();
    old.renewed_at = Some(long_ago.clone());
    old.nodes.clear();
    c.sovereign(json!({"metadata": {"name": "default"}, "spec": old}));
    let mut checked = c.check();
    assert_ne!(checked.sovereign.want.renewed_at.as_ref(), Some(&long_ago));
    checked.unseen();
    assert_eq!(checked.sovereign.want.renewed_at, Some(long_ago));
    assert_eq!(keys(&checked.sovereign.want.nodes), ["h1", "h2"]);
}
