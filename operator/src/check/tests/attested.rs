//! Attested nodes: what is lawful ground, and what is only labelled like it.

use super::build::*;
use crate::checked::Checked;
use pinisi_planner::model::site::SiteName;
use serde_json::{Value, json};

fn lawful(checked: &Checked) -> Vec<&str> {
    let nodes = checked.sovereign.want.nodes.keys();
    nodes.map(String::as_str).collect()
}

/// The nodes of `home` on which Sensitive pods find room.
fn room(checked: &Checked) -> Vec<String> {
    let home = &checked.world.sites[&SiteName::new("home")];
    let attested = home.nodes.iter().filter(|node| !node.unattested);
    attested.map(|node| node.name.to_string()).collect()
}

/// `home` has this one problem, which stalls nothing and names these words.
fn home_says(checked: &Checked, reason: &str, words: &[&str]) {
    let home = &checked.sites[&SiteName::new("home")];
    let [problem] = &home.problems[..] else {
        panic!("{:?}", home.problems)
    };
    let text = problem.to_string();
    assert!(problem.reason() == reason && !problem.blocks(), "{text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is not in {text:?}");
    }
    assert!(checked.world.sites[&SiteName::new("home")].open);
}

#[test]
fn labels_attest_nothing() {
    let mut c = Cluster::with_web();
    c.node(node("h3", "home"));
    let checked = c.check();
    assert_eq!(lawful(&checked), ["h1", "h2"]);
    assert_eq!(room(&checked), ["h1", "h2"]);
    let words = ["1 of 3 node(s)", "first h3", "kubectl pinisi attest home"];
    home_says(&checked, "NodesNotAttested", &words);
    // Mass traffic has all three.
    let home = &checked.world.sites[&SiteName::new("home")];
    assert_eq!(home.nodes.len(), 3);
    assert!(checked.world.workloads.contains_key(&id("shop", "web")));

    let mut bare = site("home", "OnPrem");
    set(&mut bare, "spec.attested", Value::Null);
    c.site(bare);
    let checked = c.check();
    assert!(lawful(&checked).is_empty() && room(&checked).is_empty());
    home_says(&checked, "NodesNotAttested", &["3 of 3 node(s)"]);
    // What to stamp does not depend on it: pods wait for a node, they do not go elsewhere.
    assert!(!checked.sovereign.want.node_selector.is_empty());
}

#[test]
fn what_is_not_the_same_machine_is_taken_off() {
    let changes: [(&str, Value, &str); 5] = [
        ("metadata.uid", json!("u-new"), "deleted and made again"),
        (
            "spec.providerID",
            json!("kwok://other"),
            "providerID was kwok://h1 and is kwok://other",
        ),
        (
            "spec.providerID",
            Value::Null,
            "providerID was kwok://h1 and is none",
        ),
        (
            "status.nodeInfo.machineID",
            json!("m-x"),
            "machineID was m-h1 and is m-x",
        ),
        (
            "metadata.labels.type",
            json!("virtual-kubelet"),
            "type=virtual-kubelet",
        ),
    ];
    for (path, value, word) in changes {
        let mut c = Cluster::new();
        c.deployment(deployment("health", "records", 1));
        c.workload(records());
        c.pod(pod("health", "records-1", "records", None, Some("h1")));
        let mut changed = node("h1", "home");
        set(&mut changed, path, value);
        c.node(changed);
        let checked = c.check();
        assert_eq!(lawful(&checked), ["h2"], "{path}");
        assert_eq!(room(&checked), ["h2"], "{path}");
        home_says(
            &checked,
            "AttestedNodesChanged",
            &[
                "spec.attested[h1]",
                word,
                "1 attested node(s)",
                "--node h1",
                "--remove h1",
            ],
        );
        // What runs there runs on, and is said.
        assert_eq!(checked.sensitive_pods.off_nodes, ["h1"], "{path}");
        let leg = &checked.world.workloads[&id("health", "records")].legs[&SiteName::new("home")];
        assert_eq!(leg.bound.get(), 1);
    }
}

#[test]
fn a_node_that_is_attested_again_is_lawful_again() {
    let mut c = Cluster::new();
    let mut again = node("h1", "home");
    set(&mut again, "metadata.uid", json!("u-new"));
    c.node(again);
    let mut home = site("home", "OnPrem");
    home["spec"]["attested"]["h1"]["uid"] = json!("u-new");
    c.site(home);
    let checked = c.check();
    assert_eq!(lawful(&checked), ["h1", "h2"]);
    assert_eq!(checked.sovereign.want.nodes["h1"].uid, "u-new");
    assert!(c.site_reasons("home").is_empty());
}

#[test]
fn an_attested_node_that_is_gone_is_said() {
    let mut c = Cluster::new();
    c.0.nodes.remove("h2");
    let checked = c.check();
    assert_eq!(lawful(&checked), ["h1"]);
    let words = [
        "spec.attested[h2]",
        "is not among the site's nodes any more",
    ];
    home_says(&checked, "AttestedNodesChanged", &words);
}

#[test]
fn ground_that_is_not_own_is_not_attested() {
    let mut c = Cluster::new();
    let mut cloud = site("cloud", "Cloud");
    attest(&mut cloud, &["c1", "c2"]);
    c.site(cloud);
    let checked = c.check();
    assert_eq!(lawful(&checked), ["h1", "h2"]);
    assert_eq!(c.site_reasons("cloud"), ["ValueOutOfRange"]);
}
