//! Sites, nodes, and the guard's inventory.

use super::build::*;
use crate::check::problem::Problem;
use pinisi_planner::model::{
    amounts::Resources,
    site::{Elastic, Site, SiteName},
};
use serde_json::{Value, json};

fn world(c: &Cluster, name: &str) -> Site {
    c.check().world.sites[&SiteName::new(name)].clone()
}

#[test]
fn room_is_what_ready_nodes_hold_less_what_is_bound() {
    let mut c = Cluster::new();
    c.pod(pod("other", "a", "x", None, Some("h1")));
    let mut done = pod("other", "b", "x", None, Some("h1"));
    set(&mut done, "status.phase", json!("Succeeded"));
    c.pod(done);
    let mut leaving = pod("other", "c", "x", None, Some("h1"));
    set(
        &mut leaving,
        "metadata.deletionTimestamp",
        json!("2026-11-20T11:00:00Z"),
    );
    c.pod(leaving);
    c.pod(pod("other", "d", "x", None, None));
    let mut cordoned = node("h2", "home");
    set(&mut cordoned, "spec.unschedulable", json!(true));
    c.node(cordoned);
    let mut down = node("h3", "home");
    set(
        &mut down,
        "status.conditions",
        json!([{"type": "Ready", "status": "Unknown"}]),
    );
    c.node(down);
    let mut ground = site("home", "OnPrem");
    attest(&mut ground, &["h3"]);
    c.site(ground);
    let home = world(&c, "home");
    assert_eq!(home.nodes.len(), 2);
    assert_eq!(
        (home.nodes[0].used, home.nodes[0].used_slots),
        (
            Resources {
                millicores: 1000,
                bytes: 512 << 20
            },
            2
        )
    );
    assert_eq!(
        (
            home.nodes[0].pod_slots,
            home.nodes[0].schedulable,
            home.nodes[1].schedulable
        ),
        (110, true, false)
    );
    assert_eq!(
        (home.high.get(), home.low.get(), home.open, home.max),
        (80, 60, true, None)
    );
    let checked = c.check();
    let status = &checked.sites[&SiteName::new("home")].status_now;
    let total = status.allocatable.clone().unwrap();
    assert_eq!(
        (status.nodes, total.cpu.as_str(), total.memory.as_str()),
        (2, "8", "16Gi")
    );
    // Down is not unlawful.
    assert!(checked.sovereign.want.nodes.contains_key("h3"));
}

#[test]
fn a_node_in_two_sites_stalls_both() {
    let mut c = Cluster::with_web();
    let mut other = site("annex", "OnPrem");
    set(
        &mut other,
        "spec.nodes.matchLabels",
        json!({"kubernetes.io/hostname": "h2"}),
    );
    attest(&mut other, &["h2"]);
    c.site(other);
    let checked = c.check();
    for (name, other) in [("home", "annex"), ("annex", "home")] {
        let subject = &checked.sites[&SiteName::new(name)];
        let problem = subject
            .problems
            .iter()
            .find(|p| p.reason() == "NodeInTwoSites")
            .unwrap();
        assert!(
            problem.blocks()
                && problem.to_string().contains("h2")
                && problem.to_string().contains(&format!("Site {other}")),
            "{problem}"
        );
        assert!(!checked.world.sites[&SiteName::new(name)].open);
    }
    assert_eq!(
        checked.sovereign.want.nodes.keys().collect::<Vec<_>>(),
        ["h1"]
    );
    assert!(checked.world.sites[&SiteName::new("cloud")].open);
    assert!(
        checked.world.workloads.contains_key(&id("shop", "web")),
        "a stalled site is no reason to forget a workload"
    );
}

#[test]
fn a_site_without_nodes_is_closed() {
    let mut c = Cluster::new();
    c.site(site("edge", "Edge"));
    assert_eq!(c.site_reasons("edge"), ["NoNodes"]);
    assert!(!world(&c, "edge").open);
    let mut empty = site("edge", "Edge");
    set(&mut empty, "spec.nodes.matchLabels", json!({}));
    c.site(empty);
    assert_eq!(c.site_reasons("edge"), ["ValueOutOfRange"]);
    assert!(
        world(&c, "edge").nodes.is_empty(),
        "no labels must not mean all nodes"
    );
}

#[test]
fn a_site_whose_pool_can_add_nodes_is_open_without_any() {
    let mut c = Cluster::new();
    let mut edge = site("edge", "Edge");
    let shape = json!({"cpu": "8", "memory": "32Gi", "daemonSets": {"cpu": "500m"}});
    set(
        &mut edge,
        "spec.capacity",
        json!({"elastic": {"maxNodes": 5, "node": shape, "provisionSeconds": 90}}),
    );
    c.site(edge.clone());
    assert_eq!(c.site_reasons("edge"), Vec::<&str>::new());
    let pool = Elastic {
        nodes: 5,
        room: Resources {
            millicores: 7500,
            bytes: 32 << 30,
        },
        pod_slots: 100,
        provision: jiff::SignedDuration::from_secs(90),
    };
    assert!(world(&c, "edge").open);
    assert_eq!(world(&c, "edge").elastic, Some(pool));
    // Those that are there are not still to come, even when there are more than the pool's most.
    c.node(node("e1", "edge"));
    assert_eq!(world(&c, "edge").elastic.unwrap().nodes, 4);
    set(&mut edge, "spec.capacity.elastic.maxNodes", json!(1));
    c.site(edge);
    c.node(node("e2", "edge"));
    assert_eq!(world(&c, "edge").elastic.unwrap().nodes, 0);
}

#[test]
fn absurd_capacity_closes_the_site() {
    for (path, value, field) in [
        (
            "spec.capacity",
            json!({"max": {"cpu": "-1"}}),
            "spec.capacity.max.cpu",
        ),
        (
            "spec.capacity",
            json!({"max": {"cpu": "2Gi"}}),
            "spec.capacity.max.cpu",
        ),
        (
            "spec.capacity",
            json!({"max": {"memory": "16Ei"}}),
            "spec.capacity.max.memory",
        ),
        (
            "spec.capacity",
            json!({"max": {"memory": "lots"}}),
            "spec.capacity.max.memory",
        ),
        (
            "spec.capacity",
            json!({"reserveForSensitive": {"cpu": "-3m"}}),
            "spec.capacity.reserveForSensitive.cpu",
        ),
        ("spec.capacity", json!({"max": {}}), "spec.capacity.max"),
        (
            "spec.capacity",
            json!({"elastic": {"maxNodes": 0, "node": {"cpu": "8", "memory": "32Gi"}}}),
            "spec.capacity.elastic.maxNodes",
        ),
        (
            "spec.capacity",
            json!({"elastic": {"maxNodes": 3, "node": {"cpu": "many", "memory": "32Gi"}}}),
            "spec.capacity.elastic.node.cpu",
        ),
        (
            "spec.capacity",
            json!({"elastic": {"maxNodes": 3, "node": {"cpu": "0", "memory": "32Gi"}}}),
            "spec.capacity.elastic.node",
        ),
        (
            "spec.capacity",
            json!({"elastic": {"maxNodes": 3, "node": {"cpu": "8", "memory": "32Gi", "daemonSets": {"cpu": "9"}}}}),
            "spec.capacity.elastic.node",
        ),
        (
            "spec.watermarks",
            json!({"highPercent": 60, "lowPercent": 60}),
            "spec.watermarks.lowPercent",
        ),
        (
            "spec.watermarks",
            json!({"highPercent": 101, "lowPercent": 60}),
            "spec.watermarks.highPercent",
        ),
        (
            "spec.watermarks",
            json!({"highPercent": 80, "lowPercent": -1}),
            "spec.watermarks.lowPercent",
        ),
        ("spec.jurisdiction", json!("Indonesia"), "spec.jurisdiction"),
    ] {
        let mut c = Cluster::with_web();
        let mut s = site("home", "OnPrem");
        set(&mut s, path, value);
        c.site(s);
        let checked = c.check();
        let problems = &checked.sites[&SiteName::new("home")].problems;
        assert!(
            matches!(&problems[0], Problem::OutOfRange { field: f, .. } if f == field),
            "{problems:?}"
        );
        let home = world(&c, "home");
        assert!(!home.open && home.low < home.high, "{field}");
        assert!(checked.world.workloads.contains_key(&id("shop", "web")));
        assert_eq!(
            checked.sovereign.want.nodes.len(),
            2,
            "its ground stays lawful"
        );
    }
}

#[test]
fn capacity_is_read() {
    let mut c = Cluster::new();
    let mut s = site("home", "OnPrem");
    set(
        &mut s,
        "spec.capacity",
        json!({"max": {"cpu": "6"}, "reserveForSensitive": {"memory": "1Gi"}}),
    );
    set(
        &mut s,
        "spec.watermarks",
        json!({"highPercent": 90, "lowPercent": 50}),
    );
    c.site(s);
    let home = world(&c, "home");
    assert_eq!(
        home.max,
        Some(Resources {
            millicores: 6000,
            bytes: u64::MAX
        })
    );
    assert_eq!(
        home.reserve,
        Resources {
            millicores: 0,
            bytes: 1 << 30
        }
    );
    assert_eq!((home.high.get(), home.low.get(), home.open), (90, 50, true));
}

#[test]
fn a_bad_selector_takes_nobody() {
    let mut c = Cluster::with_web();
    let mut s = site("home", "OnPrem");
    set(
        &mut s,
        "spec.allowedNamespaces",
        json!({"matchExpressions": [{"key": "a", "operator": "Like"}]}),
    );
    c.site(s);
    assert_eq!(c.site_reasons("home"), ["BadSelector"]);
    assert_eq!(c.reasons("shop", "web"), ["SiteNotAllowed"]);
}

#[test]
fn untainted_cloud_nodes_are_said_and_do_not_stop() {
    let mut c = Cluster::with_web();
    let mut bare = node("c2", "cloud");
    set(
        &mut bare,
        "spec.taints",
        json!([{"key": "pinisi.dev/site", "value": "cloud", "effect": "NoSchedule"}]),
    );
    c.node(bare);
    let checked = c.check();
    let problem = &checked.sites[&SiteName::new("cloud")].problems[0];
    let text = problem.to_string();
    assert!(!problem.blocks() && text.contains("first c2"), "{text}");
    assert!(text.contains("kubectl taint nodes -l node-restriction.kubernetes.io/pinisi-site=cloud pinisi.dev/site=cloud:NoExecute"), "{text}");
    assert!(world(&c, "cloud").open && c.site_reasons("home").is_empty());
}

#[test]
fn the_inventory() {
    let mut c = Cluster::new();
    let want = c.check().sovereign.want;
    assert_eq!(want.nodes.keys().collect::<Vec<_>>(), ["h1", "h2"]);
    let h1 = &want.nodes["h1"];
    assert_eq!(
        (
            h1.uid.as_str(),
            h1.provider_id.as_deref(),
            h1.machine_id.as_deref()
        ),
        ("u-h1", Some("kwok://h1"), Some("m-h1"))
    );
    assert_eq!(
        want.node_selector,
        [(SITE_LABEL.to_owned(), "home".to_owned())].into()
    );
    assert_eq!(c.check().sovereign.have, None);
    c.sovereign(
        json!({"metadata": {"name": "default"}, "spec": {"nodes": {}, "nodeSelector": {"a": "b"}, "away": {},
            "terms": pinisi_crds::sovereign_nodes::Terms::default(), "maxAgeSeconds": 1}}),
    );
    assert_eq!(c.check().sovereign.have.unwrap().node_selector.len(), 1);
    c.sovereign(json!({"metadata": {"name": "default"}, "spec": 7}));
    assert_eq!(
        c.check().sovereign.have,
        Some(pinisi_crds::SovereignNodesSpec::default())
    );
    c.0.delete_site("home");
    assert!(c.check().sovereign.want.nodes.is_empty());
}

#[test]
fn several_sovereign_sites_need_a_common_label() {
    let mut c = Cluster::new();
    let mut annex = site("annex", "OnPrem");
    attest(&mut annex, &["a1"]);
    c.node({
        let mut n = node("a1", "annex");
        set(&mut n, "spec.taints", Value::Null);
        n
    });
    c.site(annex.clone());
    for name in ["home", "annex"] {
        assert_eq!(c.site_reasons(name), ["NoSharedLabel"]);
    }
    assert!(world(&c, "home").open);
    assert!(c.check().sovereign.want.node_selector.is_empty());
    assert_eq!(c.check().sovereign.want.nodes.len(), 3);

    for (name, mut s) in [("home", site("home", "OnPrem")), ("annex", annex.take())] {
        set(
            &mut s,
            "spec.nodes.matchLabels",
            json!({SITE_LABEL: name, "ground": "ours"}),
        );
        c.site(s);
    }
    for n in [node("h1", "home"), node("h2", "home"), node("a1", "annex")] {
        c.node(with_ground(n));
    }
    assert_eq!(
        c.check().sovereign.want.node_selector,
        [("ground".to_owned(), "ours".to_owned())].into()
    );
    assert!(c.site_reasons("home").is_empty());

    c.node(with_ground(node("c1", "cloud")));
    let problem = c.check().sites[&SiteName::new("home")].problems[0].clone();
    assert!(
        !problem.blocks()
            && problem.reason() == "LabelNotExclusive"
            && problem.to_string().contains("c1"),
        "{problem}"
    );
    assert!(!c.check().sovereign.want.nodes.contains_key("c1"));
}

fn with_ground(mut node: Value) -> Value {
    set(&mut node, "metadata.labels.ground", json!("ours"));
    node
}
