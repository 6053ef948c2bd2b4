//! What is where it may not be: each cause, each exemption, and who wants it evicted.

use super::build::*;
use crate::checked::{Checked, Place, Violation};
use pinisi_crds::sovereignty_violation::ViolationRule;
use serde_json::{Value, json};

pub fn policy(name: &str, spec: Value) -> Value {
    json!({"metadata": {"name": name, "uid": format!("u-{name}"), "generation": 1}, "spec": spec})
}

pub fn only(checked: &Checked) -> (&str, &Violation) {
    let open: Vec<_> = checked.violations.open.iter().collect();
    let [(name, violation)] = &open[..] else {
        panic!("{open:#?}")
    };
    (name, violation)
}

/// A Sensitive pod on this node.
fn bound(node: &str) -> Cluster {
    let mut c = Cluster::new();
    c.pod(pod("health", "records-1", "records", None, Some(node)));
    c
}

#[test]
fn a_sensitive_pod_on_attested_ground_or_finished_or_bound_nowhere_breaks_nothing() {
    let mut c = bound("h1");
    c.pod(pod("health", "waiting", "records", None, None));
    let mut done = pod("health", "done", "records", None, Some("c1"));
    set(&mut done, "status.phase", json!("Succeeded"));
    c.pod(done);
    c.pod(pod("shop", "web", "web", None, Some("c1")));
    assert_eq!(c.check().violations.open, Default::default());
}

#[test]
fn every_cause_is_told_apart_and_says_object_place_and_way_out() {
    let away = bound("c1");
    let unknown = bound("nowhere");
    let mut stray = bound("x1");
    stray.node(node("x1", "mars"));
    let mut shared = bound("h1");
    let mut twin = site("twin", "OnPrem");
    set(
        &mut twin,
        "spec.nodes.matchLabels",
        json!({SITE_LABEL: "home"}),
    );
    shared.site(twin);
    let mut fresh = bound("h3");
    fresh.node(node("h3", "home"));
    let mut again = bound("h1");
    let mut made = node("h1", "home");
    set(&mut made, "metadata.uid", json!("u-new"));
    again.node(made);
    let mut abroad = bound("h1");
    abroad.policy(policy(
        "id",
        json!({"namespaces": {}, "jurisdictions": ["SG"]}),
    ));
    let cases = [
        (
            &away,
            "NodeAway",
            vec!["of Site cloud (ID)", "of type Cloud"],
        ),
        (&unknown, "UnknownNode", vec!["there is no Node"]),
        (&stray, "NodeInNoSite", vec!["in no Site"]),
        (&shared, "NodeInSeveralSites", vec!["in 2 Sites"]),
        (&fresh, "NodeNotAttested", vec!["kubectl pinisi attest"]),
        (&again, "NodeChanged", vec!["its uid was u-h1 and is u-new"]),
        (
            &abroad,
            "PolicyForbidsSite",
            vec!["SovereigntyPolicy id", "spec.jurisdictions"],
        ),
    ];
    for (cluster, word, words) in cases {
        let checked = cluster.check();
        let (name, found) = only(&checked);
        assert_eq!((name, found.rule), ("v01-u-records-1", ViolationRule::V01));
        assert_eq!(found.cause.word(), word);
        let text = found.to_string();
        for one in words
            .iter()
            .chain(&["kubectl delete pod records-1 --namespace health"])
        {
            assert!(text.contains(one), "{one:?} is not in {text:?}");
        }
        assert!(checked.violations.has_sensitive("u-records-1"));
    }
    let checked = again.check();
    let (_, found) = only(&checked);
    let Place::Node(place) = &found.place else {
        panic!("{found:?}")
    };
    let uids = [&place.seen, &place.attested].map(|id| id.as_ref().map(|i| i.uid.clone()));
    assert_eq!(uids, [Some("u-new".into()), Some("u-h1".into())]);
}

#[test]
fn a_pod_whose_attested_node_is_gone_is_where_it_was() {
    let mut c = bound("h1");
    c.0.nodes.remove("h1");
    assert!(c.check().violations.open.is_empty());
}

#[test]
fn what_has_no_class_is_looked_at_where_a_policy_keeps_it_from_away() {
    let mut c = Cluster::new();
    c.namespace("plain", json!({}));
    c.pod(pod("plain", "p", "p", None, Some("c1")));
    c.pod(pod("plain", "home", "p", None, Some("h1")));
    assert!(c.check().violations.open.is_empty(), "nobody speaks for it");
    c.policy(policy("all", json!({"namespaces": {}})));
    let checked = c.check();
    let (name, found) = only(&checked);
    assert_eq!((name, found.rule), ("v02-u-p", ViolationRule::V02));
    assert_eq!(found.policies, ["all"]);
    assert!(!checked.violations.has_sensitive("u-p"));
    let sum = &checked.policies["all"].violations;
    assert!(sum.count == 1 && sum.first.as_ref().unwrap().contains("plain/p"));
    c.policy(policy(
        "all",
        json!({"namespaces": {}, "unclassified": "Anywhere"}),
    ));
    assert!(c.check().violations.open.is_empty());
}

#[test]
fn the_clusters_own_parts_are_out() {
    for own in ["kube-system", "pinisi-system", "calico-system"] {
        let mut c = Cluster::new();
        c.0.own_namespace = "pinisi-system".into();
        let spec = json!({"namespaces": {}, "infrastructureNamespaces": ["calico-system"]});
        c.policy(policy("all", spec));
        c.namespace(own, json!({}));
        c.pod(pod(own, "p", "p", None, Some("c1")));
        assert!(c.check().violations.open.is_empty(), "{own}");
    }
}

#[test]
fn evict_wins_but_not_over_a_roll_out_nor_where_nothing_is_lawful() {
    let evicts = |specs: &[Value], change: fn(&mut Cluster)| {
        let mut c = bound("c1");
        c.namespace("plain", json!({}));
        c.pod(pod("plain", "p", "p", None, Some("c1")));
        for (at, spec) in specs.iter().enumerate() {
            c.policy(policy(&format!("p{at}"), spec.clone()));
        }
        change(&mut c);
        let open = c.check().violations.open;
        let of = |name: &str| open.get(name).is_some_and(|found| found.evict);
        [of("v01-u-records-1"), of("v02-u-p")]
    };
    let report = json!({"namespaces": {}});
    let evict = json!({"namespaces": {}, "onViolation": "Evict"});
    let warn = json!({"namespaces": {}, "onViolation": "Evict", "enforcement": "Warn"});
    let same = |_: &mut Cluster| {};
    assert_eq!(evicts(std::slice::from_ref(&report), same), [false, false]);
    assert_eq!(evicts(&[report, evict.clone()], same), [true, true]);
    assert_eq!(
        evicts(&[warn], same),
        [true, false],
        "nodes are kept to all the same"
    );
    let slip = |c: &mut Cluster| {
        let mut bare = site("home", "OnPrem");
        set(&mut bare, "spec.attested", Value::Null);
        c.site(bare);
    };
    assert_eq!(evicts(std::slice::from_ref(&evict), slip), [false, true]);
    let going = |c: &mut Cluster| {
        let mut going = pod("health", "records-1", "records", None, Some("c1"));
        set(
            &mut going,
            "metadata.deletionTimestamp",
            json!("2026-11-20T12:00:00Z"),
        );
        c.pod(going);
    };
    assert_eq!(evicts(&[evict], going), [false, true]);
}

#[test]
fn the_strictest_clock_counts() {
    let mut c = bound("c1");
    for (name, hours) in [("a", json!(72)), ("b", json!(24)), ("c", Value::Null)] {
        c.policy(policy(
            name,
            json!({"namespaces": {}, "noticeWithinHours": hours}),
        ));
    }
    let checked = c.check();
    let (_, found) = only(&checked);
    assert_eq!(found.notice_hours, Some(24));
    assert_eq!(found.policies, ["a", "b", "c"]);
}
