//! Whether a Site that is another cluster counts as reachable, and what of it is room.

use super::*;

#[test]
fn its_nodes_are_room_and_nobody_elses() {
    let mut w = World::new();
    w.pod(pod("other", "x", "x", None, Some("r1")));
    let site = w.site();
    assert_eq!((site.nodes.len(), site.open), (2, true));
    assert_eq!(site.nodes[0].used.millicores, 500);
    assert_eq!(site.kind, SiteKind::Cloud);
    // A node of the hub that has the same name is another node.
    w.0.pod(pod("other", "y", "x", None, Some("r1")));
    assert_eq!(w.site().nodes[0].used.millicores, 500);
    assert_eq!(w.subject().status_now.nodes, 2);
    assert_eq!(w.subject().status_now.cluster, Some(cluster(ABROAD)));
    // Nothing of it is in the guard's inventory, whatever its nodes are called.
    assert!(!w.0.check().sovereign.want.nodes.contains_key("r1"));
}

#[test]
fn tainted_and_unready_nodes_are_no_room_and_cordoned_ones_are_use() {
    let mut w = World::new();
    let mut tainted = node("r2", "home");
    set(
        &mut tainted,
        "spec.taints",
        json!([{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]),
    );
    w.view().apply_node(wire::<NodeWire>(tainted).into());
    assert_eq!(w.site().nodes.len(), 1);
    let mut cordoned = node("r2", "home");
    set(
        &mut cordoned,
        "spec.taints",
        json!([{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]),
    );
    set(&mut cordoned, "spec.unschedulable", json!(true));
    w.view().apply_node(wire::<NodeWire>(cordoned).into());
    assert_eq!(w.site().nodes.iter().filter(|n| n.schedulable).count(), 1);
    w.view().replace_nodes(vec![]);
    assert_eq!(w.0.site_reasons("abroad"), ["NoRemoteNodes"]);
    assert!(!w.site().open);
}

#[test]
fn without_its_guard_nothing_new_goes_there() {
    let mut w = World::new();
    w.view().guard = GuardFacts::Unknown;
    assert!(!w.site().open && w.0.site_reasons("abroad").is_empty());
    w.view().guard = GuardFacts::Missing {
        reason: "GuardForbidden",
        why: "may not".into(),
    };
    assert!(!w.site().open);
    assert_eq!(w.0.site_reasons("abroad"), ["GuardForbidden"]);
    assert_eq!(w.site().reach, Reach::Reachable);
    assert!(w.0.check().world.workloads.contains_key(&id("shop", "web")));
}

#[test]
fn a_site_that_is_down_keeps_what_is_known_and_since_when() {
    let mut w = World::new();
    w.deployment(made(4));
    w.down(100, unreachable());
    let site = w.site();
    assert_eq!(site.reach, Reach::Unreachable { since: ago(100) });
    assert_eq!(site.grace, SignedDuration::from_secs(300));
    assert_eq!((site.nodes.len(), w.leg().spec.get()), (2, 4));
    // A clock that ran backwards: not from the future.
    w.down(-50, unreachable());
    assert_eq!(w.site().reach, Reach::Unreachable { since: now() });
}

#[test]
fn a_restart_does_not_begin_the_grace_anew() {
    let mut w = World::new();
    let mut site = remote_site("abroad");
    site["status"] = json!({"nodes": 2, "allocatable": {"cpu": "8", "memory": "16Gi"}, "cluster": cluster(ABROAD),
        "conditions": [{"type": "Reachable", "status": "False", "reason": "Unreachable", "message": "", "lastTransitionTime": "2026-11-20T11:00:00Z"}]});
    w.0.site(site);
    // Freshly started: it is only being looked for.
    w.0.0
        .clusters
        .insert("abroad".into(), ClusterView::new(ago(2)));
    assert_eq!(w.site().reach, Reach::Unreachable { since: ago(2) });
    // Found to be down still.
    w.down(1, unreachable());
    assert_eq!(w.site().reach, Reach::Unreachable { since: ago(3600) });
    let status = w.subject().status_now;
    assert_eq!((status.nodes, status.cluster), (2, Some(cluster(ABROAD))));
}

#[test]
fn another_cluster_is_never_home_and_never_sovereign() {
    let mut w = World::new();
    let mut web = web();
    web["spec"]["placement"]["tiers"] = json!([{"sites": ["abroad"]}, {"sites": ["home"]}]);
    w.0.workload(web);
    w.0.web_is_refused("HomeInAnotherCluster", &["tiers[0].sites[0]", "abroad"]);
    let mut claims = remote_site("abroad");
    claims["spec"]["type"] = json!("OnPrem");
    w.0.site(claims);
    assert_eq!(w.0.site_reasons("abroad"), ["RemoteNotSovereign"]);
    assert_eq!(w.site().kind, SiteKind::Cloud);
    let mut records = records();
    records["spec"]["placement"] = json!({"tiers": [{"sites": ["abroad"]}]});
    w.0.deployment(deployment("health", "records", 2));
    w.0.workload(records);
    assert_eq!(w.0.reasons("health", "records"), ["SiteNotSovereign"]);
    let checked = w.0.check();
    assert!(
        checked.workloads[&id("health", "records")]
            .remotes
            .is_empty()
    );
}

#[test]
fn both_ways_to_say_where_it_is_are_one_too_many() {
    let mut w = World::new();
    let mut both = remote_site("abroad");
    both["spec"]["nodes"] = json!({"matchLabels": {"a": "b"}});
    w.0.site(both);
    assert!(w.0.site_reasons("abroad").contains(&"ConnectionUnclear"));
    let mut none = remote_site("abroad");
    set(&mut none, "spec.kubeconfigSecretRef", Value::Null);
    w.0.site(none);
    assert!(w.0.site_reasons("abroad").contains(&"ConnectionUnclear"));
    assert!(!w.site().open);
}

#[test]
fn one_cluster_in_two_sites_stalls_both() {
    let mut w = World::new();
    w.0.site(remote_site("again"));
    w.0.0.clusters.insert("again".into(), view(ABROAD));
    for (name, other) in [("abroad", "again"), ("again", "abroad")] {
        let checked = w.0.check();
        let subject = &checked.sites[&SiteName::new(name)];
        let problem = subject.problems.iter().find(|p| p.blocks()).unwrap();
        assert!(matches!(problem, Problem::SharedCluster { .. }));
        assert!(problem.to_string().contains(other));
        assert!(!checked.world.sites[&SiteName::new(name)].open);
    }
}

#[test]
fn a_grace_out_of_bounds_is_said_and_the_usual_one_holds() {
    for seconds in [0, 29, -1, 86_401, i32::MAX] {
        let mut w = World::new();
        let mut site = remote_site("abroad");
        site["spec"]["unreachableGraceSeconds"] = json!(seconds);
        w.0.site(site);
        assert_eq!(w.0.site_reasons("abroad"), ["ValueOutOfRange"]);
        assert_eq!(w.site().grace, SignedDuration::from_secs(300));
    }
}

#[test]
fn warnings_are_said_and_do_not_close_it() {
    let mut w = World::new();
    w.view().warnings.push(LinkFault::KindMissing {
        kind: "ResourceQuota",
    });
    assert_eq!(w.0.site_reasons("abroad"), ["KindMissing"]);
    assert!(w.site().open);
    let Connection::Remote(remote) = w.subject().connection else {
        panic!();
    };
    assert_eq!(remote.age, Some(SignedDuration::ZERO));
}
