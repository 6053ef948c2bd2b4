//! What runs there, and whose it is.

use super::*;

#[test]
fn before_it_was_seen_counts_are_those_that_status_remembers() {
    let mut w = World::new();
    w.0.0
        .clusters
        .insert("abroad".into(), ClusterView::new(ago(2)));
    let mut web = web();
    web["spec"]["placement"]["tiers"][1]["sites"] = json!(["abroad"]);
    web["status"] = json!({"replicas": 7, "sites": [{"name": "home", "desired": 3, "ready": 3}, {"name": "abroad", "desired": 4, "ready": 3}]});
    w.0.workload(web);
    let leg = w.leg();
    assert_eq!((leg.spec.get(), leg.ready.get()), (4, 3));
    assert!(!w.remote().empty, "nobody knows yet");
}

#[test]
fn our_deployment_and_its_pods_are_the_leg() {
    let mut w = World::new();
    w.deployment(made(4));
    w.pod(pod("shop", "a", "web", Some("abroad"), Some("r1")));
    w.pod(pod("shop", "b", "web", Some("abroad"), None));
    // Somebody else's pods with the same labels are not ours.
    w.pod(pod("shop", "c", "web", None, Some("r1")));
    let leg = w.leg();
    assert_eq!(
        (
            leg.spec.get(),
            leg.ready.get(),
            leg.bound.get(),
            leg.pending.get()
        ),
        (4, 1, 1, 1)
    );
    let remote = w.remote();
    let found = remote.deployment.unwrap();
    assert_eq!(
        (found.owner, found.digest.as_str(), found.carried.as_str()),
        (Ownership::Ours, "digest", "c1")
    );
    assert!(!remote.empty && w.refused().is_none());
    assert_eq!(w.0.web().legs[&SiteName::new("home")].spec.get(), 3);
}

#[test]
fn what_cannot_be_made_there_counts_as_pending() {
    let mut w = World::new();
    let mut d = made(4);
    d["status"]["conditions"] = json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "lastTransitionTime": "2026-11-20T11:58:00Z"}]);
    w.deployment(d);
    w.pod(pod("shop", "a", "web", Some("abroad"), Some("r1")));
    let leg = w.leg();
    assert_eq!(
        (leg.bound.get(), leg.pending.get(), leg.unmade.get()),
        (1, 3, 3)
    );
    assert_eq!(leg.pending_since, Some(ago(120)));
}

#[test]
fn somebody_elses_deployment_is_never_ours() {
    let strangers = [
        (
            "annotations",
            "pinisi.dev/hub",
            json!("another hub"),
            "another hub",
        ),
        ("annotations", "pinisi.dev/hub", Value::Null, "hub"),
        (
            "annotations",
            "pinisi.dev/workload",
            json!("other"),
            "HybridWorkload other",
        ),
        (
            "labels",
            "pinisi.dev/site",
            json!("elsewhere"),
            "Site elsewhere",
        ),
    ];
    for (part, key, value, who) in strangers {
        let mut w = World::new();
        let mut d = made(9);
        let marks = d["metadata"][part].as_object_mut().unwrap();
        match value {
            Value::Null => drop(marks.remove(key)),
            value => drop(marks.insert(key.into(), value)),
        }
        w.deployment(d);
        w.pod(pod("shop", "a", "web", Some("abroad"), Some("r1")));
        let owner = w.remote().deployment.unwrap().owner;
        assert!(
            matches!(&owner, Ownership::Foreign(name) if name.contains(who)),
            "{owner:?}"
        );
        assert_eq!(w.refused(), Some(RefusalKind::DeploymentForeign));
        assert_eq!(w.leg(), Leg::default(), "nothing of it is counted");
    }
}

#[test]
fn without_the_hubs_own_uid_nothing_is_ours() {
    let mut w = World::new();
    w.0.0.hub = None;
    w.deployment(made(4));
    assert_eq!(w.refused(), Some(RefusalKind::DeploymentForeign));
}

#[test]
fn a_deployment_left_at_a_site_that_is_no_longer_named_is_still_a_leg() {
    let mut w = World::new();
    w.deployment(made(4));
    let mut web = web();
    web["spec"]["placement"]["tiers"] = json!([{"sites": ["home"]}]);
    w.0.workload(web);
    assert_eq!(w.leg().spec.get(), 4);
    assert!(w.remote().deployment.is_some());
    assert_eq!(w.refused(), None);
}
