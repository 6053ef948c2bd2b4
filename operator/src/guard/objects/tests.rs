use super::*;
use crate::guard::settings::GuardPolicies;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use pinisi_crds::SovereignNodesSpec;
use pinisi_crds::legal::CATEGORY_RULE;
use std::collections::BTreeMap;

fn settings(policies: &[(&str, Enforcement, Unclassified)], rolling_out: &[&str]) -> GuardSettings {
    let bindings = policies.iter().map(|(name, enforcement, unclassified)| {
        let labels = BTreeMap::from([("team".to_owned(), (*name).to_owned())]);
        let binding = PolicyBinding {
            namespaces: LabelSelector {
                match_labels: Some(labels),
                ..LabelSelector::default()
            },
            enforcement: *enforcement,
            unclassified: *unclassified,
            narrows_nodes: *name == "firm",
        };
        ((*name).to_owned(), binding)
    });
    GuardSettings {
        operator_user: "system:serviceaccount:pinisi-system:pinisi".into(),
        operator_namespace: "pinisi-system".into(),
        policies: GuardPolicies {
            bindings: bindings.collect(),
            infrastructure: BTreeSet::from(["calico-system".to_owned()]),
            rolling_out: rolling_out.iter().map(|name| (*name).to_owned()).collect(),
            stamp: BTreeMap::new(),
            categories: BTreeMap::new(),
        },
        inventories: BTreeMap::new(),
        left: BTreeSet::new(),
    }
}

/// The same, with inventories of these names known.
fn known(mut settings: GuardSettings, names: &[&str]) -> GuardSettings {
    let one = |name: &&str| ((*name).to_owned(), SovereignNodesSpec::default());
    settings.inventories = names.iter().map(one).collect();
    settings
}

fn named<'a>(objects: &'a [GuardObject], kind: &str, id: &str) -> Option<&'a Value> {
    let name = format!("{GUARD_PREFIX}{id}");
    let found = objects.iter().find(|o| o.kind == kind && o.name == name);
    found.map(|object| &object.body["spec"])
}

const BINDING: &str = "ValidatingAdmissionPolicyBinding";

/// Namespaces that no rule guards, and these.
fn left_out(more: &[&str]) -> Value {
    let mut names = vec!["calico-system", "kube-system", "pinisi-system"];
    names.extend(more);
    json!({"key": NAME_LABEL, "operator": "NotIn", "values": names})
}

fn exempt() -> Value {
    json!({"namespaceSelector": {"matchExpressions": [left_out(&[])]}})
}

fn sensitive() -> Value {
    json!({"key": CLASS_LABEL, "operator": "In", "values": [CLASS_SENSITIVE]})
}

#[test]
fn without_a_policy_every_rule_but_that_of_no_class_refuses_everywhere() {
    let settings = settings(&[], &[]);
    let objects = objects(&settings);
    for rule in rules::all(&settings) {
        let spec = named(&objects, "ValidatingAdmissionPolicy", rule.id).unwrap();
        assert_eq!(spec["failurePolicy"], "Fail");
        assert!(spec.get("matchConditions").is_none());
        let binding = named(&objects, BINDING, rule.id);
        assert_eq!(
            binding.is_none(),
            rule.scope == Scope::Unclassified,
            "{}",
            rule.id
        );
        let Some(binding) = binding else { continue };
        assert_eq!(binding["validationActions"], json!(["Deny", "Audit"]));
        // Every Sensitive namespace but the cluster's own parts.
        let matched = &binding["matchResources"];
        let classed =
            json!({"namespaceSelector": {"matchExpressions": [left_out(&[]), sensitive()]}});
        let of_policy = &spec["matchConstraints"]["namespaceSelector"];
        match (rule.scope, rule.judges_pods()) {
            (Scope::Everywhere, _) => assert!(matched.is_null() && of_policy.is_null()),
            (_, true) => {
                assert_eq!(matched, &exempt(), "{}", rule.id);
                assert_eq!(*of_policy, json!({"matchExpressions": [sensitive()]}));
            }
            (_, false) => {
                assert_eq!(matched, &classed, "{}", rule.id);
                assert!(of_policy.is_null(), "{}", rule.id);
            }
        }
        if rule.needs_inventory {
            assert_eq!(binding["paramRef"]["parameterNotFoundAction"], "Deny");
        }
    }
}

#[test]
fn namespaces_are_left_out_by_name_alone() {
    let objects = objects(&settings(&[], &[]));
    for (kind, id) in [
        (BINDING, "g02-pod-create"),
        ("MutatingAdmissionPolicyBinding", "s01-stamp"),
    ] {
        let binding = named(&objects, kind, id).unwrap();
        assert_eq!(binding["matchResources"], exempt());
    }
    let stamp = named(&objects, "MutatingAdmissionPolicy", "s01-stamp").unwrap();
    assert_eq!(
        stamp["matchConstraints"]["namespaceSelector"],
        json!({"matchExpressions": [sensitive()]})
    );
}

#[test]
fn pods_are_looked_at_once_where_one_policy_says_it_all() {
    let everywhere = |enforcement| {
        let mut settings = settings(&[("firm", enforcement, Unclassified::Anywhere)], &[]);
        for policy in settings.policies.bindings.values_mut() {
            policy.namespaces = LabelSelector::default();
        }
        objects(&settings)
    };
    let matched = |objects: &[GuardObject], id: &str| {
        named(objects, BINDING, id).unwrap()["matchResources"].clone()
    };
    let firm = everywhere(Enforcement::Deny);
    for id in ["g02-pod-create", "g11-pod-parts", "g12-images"] {
        assert_eq!(matched(&firm, id), nowhere(), "{id}");
        assert_eq!(matched(&firm, &format!("{id}.firm")), exempt(), "{id}");
    }
    // Never a moment in which neither speaks.
    let place = |id: &str| {
        let name = format!("{GUARD_PREFIX}{id}");
        let at = |o: &GuardObject| o.kind.ends_with("Binding") && o.name == name;
        firm.iter().position(at)
    };
    for id in ["g02-pod-create", "g11-pod-parts", "s01-stamp"] {
        assert!(place(id) > place(&format!("{id}.firm")), "{id}");
    }
    // What a policy says nothing of, and what is no pod.
    for id in ["g04-pod-update", "g01-bind", "g16-connect"] {
        assert_ne!(matched(&firm, id), nowhere(), "{id}");
    }
    // What does not refuse, or not everywhere, leaves it to the binding for all.
    for (objects, id) in [
        (everywhere(Enforcement::Warn), "g11-pod-parts"),
        (
            objects(&settings(
                &[("firm", Enforcement::Deny, Unclassified::Anywhere)],
                &[],
            )),
            "g02-pod-create",
        ),
    ] {
        assert_eq!(matched(&objects, id), exempt(), "{id}");
    }
}

#[test]
fn a_policy_that_only_audits_loosens_its_terms_but_neither_nodes_nor_others() {
    let objects = objects(&settings(
        &[
            ("soft", Enforcement::Audit, Unclassified::NotAway),
            ("firm", Enforcement::Deny, Unclassified::Anywhere),
        ],
        &["records"],
    ));
    let actions =
        |id: &str| named(&objects, BINDING, id).map(|spec| spec["validationActions"].clone());
    let deny = json!(["Deny", "Audit"]);
    assert_eq!(actions("g01-bind.firm"), Some(deny.clone()));
    // One with the nodes of all is held to them by the binding for all.
    assert_eq!(actions("g01-bind.soft"), None);
    let stamp = |id: &str| named(&objects, "MutatingAdmissionPolicyBinding", id);
    assert!(stamp("s01-stamp").is_some() && stamp("s01-stamp.firm").is_some());
    assert!(stamp("s01-stamp.soft").is_none());
    assert_eq!(actions("g20-claims.soft"), Some(json!(["Audit"])));
    // Who asks by the label is told what the audit log would say, and nobody else.
    assert_eq!(actions("g20-claims.soft.preview"), Some(json!(["Warn"])));
    let asked = named(&objects, BINDING, "g20-claims.soft.preview").unwrap();
    assert_eq!(
        asked["matchResources"],
        json!({"namespaceSelector": {"matchLabels": {"team": "soft"}, "matchExpressions": [left_out(&[]), sensitive()]}, "objectSelector": {"matchLabels": {"pinisi.dev/guard": "preview"}}})
    );
    assert_eq!(actions("g20-claims.firm.preview"), None);
    assert_eq!(actions("g01-bind.soft.preview"), None);
    assert_eq!(actions("g20-claims.firm"), Some(deny));
    // What everybody is held to leaves out the namespaces that are rolled out to, by name.
    let floor = |id: &str| {
        named(&objects, BINDING, id).map(|spec| &spec["matchResources"]["namespaceSelector"])
    };
    let but = |more: &[&str]| json!({"matchExpressions": [left_out(more), sensitive()]});
    assert_eq!(floor("g20-claims"), Some(&but(&["records"])));
    assert_eq!(floor("g01-bind"), Some(&but(&[])));
    // Each looks up its own inventory; nodes away are in the one for all.
    let inventory =
        |id: &str| named(&objects, BINDING, id).map(|spec| spec["paramRef"]["name"].clone());
    assert_eq!(inventory("g01-bind.firm"), Some(json!("firm")));
    assert_eq!(
        inventory("g50-unclassified-bind.soft"),
        Some(json!(SOVEREIGN_NODES))
    );
    assert_eq!(inventory("g50-unclassified-bind.firm"), None);
}

#[test]
fn object_names_are_names_that_the_server_takes() {
    let objects = objects(&settings(
        &[("a-policy", Enforcement::Deny, Unclassified::NotAway)],
        &[],
    ));
    let mut seen = BTreeSet::new();
    for object in &objects {
        assert!(object.name.len() <= 253);
        let lawful = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        assert!(object.name.chars().all(lawful), "{}", object.name);
        assert!(
            seen.insert((object.kind, object.name.clone())),
            "{}",
            object.name
        );
    }
}

#[test]
fn what_a_law_rests_on_is_a_rule_and_a_refusal_that_looks_up_the_inventory_names_it() {
    let settings = settings(&[], &[]);
    let rules = rules::all(&settings);
    let looks_up: Vec<_> = rules.iter().filter(|rule| rule.needs_inventory).collect();
    for law in pinisi_crds::legal::presets().values() {
        // What a category forces says its article by itself.
        let named = law.rules().filter(|id| *id != CATEGORY_RULE);
        for id in named.filter(|id| id.starts_with('G')) {
            let mut of = looks_up.iter().flat_map(|rule| &rule.validations);
            assert!(of.any(|one| one.id == id), "{} names {id}", law.name);
        }
    }
    let objects = objects(&settings);
    for rule in rules {
        let spec = named(&objects, "ValidatingAdmissionPolicy", rule.id).unwrap();
        let says = spec["validations"][0]["messageExpression"]
            .as_str()
            .unwrap();
        assert_eq!(says.contains("params.spec.terms.law"), rule.needs_inventory);
    }
}

#[test]
fn what_is_asked_for_every_pod_looks_nothing_up_and_each_policy_has_its_own_text() {
    let firm = [("firm", Enforcement::Deny, Unclassified::NotAway)];
    let mut settings = known(settings(&firm, &[]), &["default", "firm", "gone", "other"]);
    // That of a policy that is gone stands from before.
    for id in ["g01-bind.gone", "g11-pod-parts.gone", "s01-stamp.gone"] {
        settings.left.insert(format!("{GUARD_PREFIX}{id}"));
    }
    let objects = objects(&settings);
    let policy = |id: &str| named(&objects, "ValidatingAdmissionPolicy", id);
    assert!(policy("g02-pod-create.gone").is_none() && policy("g01-bind.other").is_none());
    assert!(named(&objects, "MutatingAdmissionPolicy", "s01-stamp.gone").is_some());
    for id in ["g01-bind", "g11-pod-parts"] {
        for (suffix, bound) in [("", true), (".firm", true), (".gone", false)] {
            let id = format!("{id}{suffix}");
            let spec = policy(&id).unwrap();
            assert!(spec.get("paramKind").is_none(), "{id}");
            let binding = named(&objects, BINDING, &id);
            assert_eq!(binding.is_some(), bound, "{id}");
            let Some(binding) = binding else { continue };
            assert_eq!(binding["policyName"], format!("{GUARD_PREFIX}{id}"));
            assert!(binding.get("paramRef").is_none(), "{id}");
        }
    }
    // Nodes away are known to `default` alone, and all else is looked up.
    assert!(policy("g51-unclassified-pod.firm").is_none());
    let spec = named(&objects, BINDING, "g51-unclassified-pod.firm").unwrap();
    assert_eq!(spec["policyName"], "pinisi-guard-g51-unclassified-pod");
    assert!(policy("g20-claims").unwrap().get("paramKind").is_some());
    assert_eq!(
        named(&objects, BINDING, "g20-claims.firm").unwrap()["paramRef"]["name"],
        "firm"
    );
    for id in ["s01-stamp", "s01-stamp.firm"] {
        let spec = named(&objects, "MutatingAdmissionPolicy", id).unwrap();
        assert!(spec.get("paramKind").is_none(), "{id}");
        let binding = named(&objects, "MutatingAdmissionPolicyBinding", id).unwrap();
        assert_eq!(binding["policyName"], format!("{GUARD_PREFIX}{id}"));
    }
}

#[test]
fn where_one_inventory_is_not_known_all_are_looked_up() {
    let firm = [("firm", Enforcement::Deny, Unclassified::NotAway)];
    let objects = objects(&known(settings(&firm, &[]), &["default"]));
    for id in ["g01-bind", "g02-pod-create"] {
        let spec = named(&objects, "ValidatingAdmissionPolicy", id).unwrap();
        assert!(spec.get("paramKind").is_some(), "{id}");
        let binding = named(&objects, BINDING, &format!("{id}.firm")).unwrap();
        assert_eq!(binding["policyName"], format!("{GUARD_PREFIX}{id}"));
        assert_eq!(binding["paramRef"]["name"], "firm");
    }
}

#[test]
fn a_stamp_passes_over_what_is_stamped_and_nothing_else() {
    for names in [vec![], vec!["default"]] {
        let objects = objects(&known(settings(&[], &[]), &names));
        let mut stamps = objects
            .iter()
            .filter(|object| object.kind == "MutatingAdmissionPolicy");
        let stamp = stamps.next().unwrap().body.clone();
        assert!(stamp::passes_over_what_is_stamped_alone(&stamp));
        let mut weak = stamp;
        weak["spec"]["matchConditions"][0]["expression"] = json!("false");
        assert!(!stamp::passes_over_what_is_stamped_alone(&weak));
    }
}
