//! Which nodes are written down, and what is refused.

use super::args::AttestOptions;
use super::changes;
use super::plan::{Act, Plan, plan};
use super::render::Shown;
use crate::args::Output;
use crate::handover::Ending;
use crate::output::{Screen, document};
use crate::snapshot::NodeFact;
use pinisi_crds::Site;
use pinisi_crds::sovereign_nodes::NodeIdentity;
use serde_json::{Value, json};

const PLAIN: Screen = Screen {
    terminal: false,
    colour: false,
};

fn node(name: &str, uid: &str) -> NodeFact {
    NodeFact {
        name: name.into(),
        identity: NodeIdentity {
            uid: uid.into(),
            provider_id: Some(format!("kwok://{name}")),
            machine_id: None,
        },
        ..NodeFact::default()
    }
}

/// A Site in which `same` is attested as it is, `again` under another uid, and `gone` besides.
fn site() -> Site {
    let attested =
        |name: &str, uid: &str| json!({"uid": uid, "providerID": format!("kwok://{name}")});
    let site = json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "Site", "metadata": {"name": "home"},
        "spec": {
            "type": "OnPrem", "jurisdiction": "ID", "nodes": {"matchLabels": {"site": "home"}},
            "attested": {"same": attested("same", "u1"), "again": attested("again", "u2"), "gone": attested("gone", "u3")},
        },
    });
    serde_json::from_value(site).unwrap()
}

fn nodes() -> Vec<NodeFact> {
    let mut abroad = node("virtual", "u5");
    abroad.labels = [("type".to_owned(), "virtual-kubelet".to_owned())].into();
    vec![
        node("new", "u4"),
        node("same", "u1"),
        node("again", "u9"),
        abroad,
    ]
}

fn asked(nodes_asked: &[&str], all: bool, remove: &[&str]) -> Plan {
    let text = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let options = AttestOptions {
        site: "home".into(),
        node: text(nodes_asked),
        all,
        remove: text(remove),
        ..AttestOptions::default()
    };
    plan(&site(), &nodes(), &options)
}

fn acts(plan: &Plan) -> Vec<(&str, Act)> {
    let acting = plan.rows.iter();
    acting
        .filter_map(|row| Some((row.name.as_str(), row.act?)))
        .collect()
}

#[test]
fn nothing_asked_is_nothing_written() {
    let plan = asked(&[], false, &[]);
    assert!(!plan.writes() && !plan.whole() && plan.refusals.is_empty());
    assert_eq!(plan.attested, site().spec.attested.unwrap());
    let rest = [node("same", "u1")];
    let options = AttestOptions::default();
    let mut sound = site();
    sound
        .spec
        .attested
        .as_mut()
        .unwrap()
        .retain(|name, _| name == "same");
    assert!(super::plan::plan(&sound, &rest, &options).whole());
}

#[test]
fn all_means_new_ones_and_a_change_must_be_named() {
    assert_eq!(acts(&asked(&[], true, &[])), [("new", Act::Attest)]);
    let named = asked(&["again", "same"], false, &[]);
    assert_eq!(acts(&named), [("again", Act::Attest)]);
    assert_eq!(named.attested["again"].uid, "u9");
    assert_eq!(named.attested["same"].uid, "u1");
}

#[test]
fn what_is_withdrawn_is_off_the_list() {
    let plan = asked(&["new"], false, &["gone", "same"]);
    let expected = [
        ("gone", Act::Withdraw),
        ("new", Act::Attest),
        ("same", Act::Withdraw),
    ];
    assert_eq!(acts(&plan), expected);
    assert!(plan.attested.keys().eq(["again", "new"]));
    // An id that a node has no more does not stay behind in the list.
    let written = json!({
        "gone": null, "same": null,
        "new": {"uid": "u4", "providerID": "kwok://new", "machineID": null},
    });
    assert_eq!(changes(&plan), written);
}

#[test]
fn what_cannot_be_vouched_for_is_refused() {
    let refused = |plan: Plan, words: &str| {
        let [refusal] = &plan.refusals[..] else {
            panic!("{:?}", plan.refusals)
        };
        assert!(refusal.contains(words), "{refusal}");
    };
    refused(asked(&["virtual"], false, &[]), "no machine of yours");
    refused(asked(&["gone"], false, &[]), "not among the site's nodes");
    refused(asked(&["typo"], false, &[]), "none of Site home");
    refused(asked(&[], false, &["new"]), "nothing to withdraw");
    refused(
        asked(&["again"], false, &["again"]),
        "one of --node and --remove",
    );
    let mut cloud = site();
    cloud.spec.type_ = pinisi_crds::site::SiteType::Cloud;
    let all = AttestOptions {
        all: true,
        ..AttestOptions::default()
    };
    refused(plan(&cloud, &nodes(), &all), "only nodes of OnPrem Sites");
    assert!(
        acts(&asked(&[], true, &[]))
            .iter()
            .all(|(name, _)| *name != "virtual")
    );
}

#[test]
fn what_is_shown() {
    let plan = asked(&["new"], false, &["gone"]);
    let shown = Shown::of("home", &plan, Ending::Shown);
    insta::assert_snapshot!("attest_text", shown.before(PLAIN));
    let done = Shown::of("home", &plan, Ending::Done);
    assert_eq!(
        done.after(&plan),
        "Site home: 1 attested, 1 withdrawn; 3 in all\n"
    );
    let json: Value = serde_json::from_str(&document(&done, Output::Json).unwrap()).unwrap();
    insta::assert_snapshot!("attest_json", serde_json::to_string_pretty(&json).unwrap());
    let nothing = asked(&[], false, &[]);
    let after = Shown::of("home", &nothing, Ending::Refused).after(&nothing);
    assert!(after.starts_with("4 not attested as they are"), "{after}");
}
