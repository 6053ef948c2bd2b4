//! What stands against more of a workload there, and what travels with it.

use super::*;

#[test]
fn a_preflight_that_failed_stands_until_something_changes() {
    let mut w = World::new();
    let about = w.remote().about;
    assert_eq!(
        (about.cluster.as_str(), about.namespace, about.guarded),
        (ABROAD, "Lawful", true)
    );
    let refusal = Refusal {
        kind: RefusalKind::ServiceAccountMissing,
        object: "ServiceAccount shop/web".into(),
        text: "there is no ServiceAccount web there".into(),
    };
    let refuse = |w: &mut World, about: Circumstances| {
        let (id, refusal) = (id("shop", "web"), refusal.clone());
        w.0.1.refused(id, abroad(), refusal, about, ago(61));
    };
    refuse(&mut w, about);
    assert_eq!(w.refused(), Some(RefusalKind::ServiceAccountMissing));
    assert!(w.remote().standing.is_some_and(|s| s.due));
    // The target rolls out another template.
    let mut d = deployment("shop", "web", 3);
    d["spec"]["template"]["spec"]["serviceAccountName"] = json!("other");
    w.0.deployment(d);
    assert_eq!(w.refused(), None);
    let about = w.remote().about;
    refuse(&mut w, about);
    w.namespace(json!({"metadata": {"name": "shop", "labels": {"app.kubernetes.io/managed-by": "pinisi"}, "annotations": {"pinisi.dev/hub": HUB}}}));
    assert_eq!(w.refused(), None, "the namespace is another one by now");
}

#[test]
fn carry_is_read_once_each_and_never_by_sensitive() {
    let mut w = World::new();
    let mut web = web();
    web["spec"]["placement"]["tiers"][1]["sites"] = json!(["abroad"]);
    web["spec"]["carry"] = json!([{"kind": "Secret", "name": "s"}, {"kind": "ConfigMap", "name": "c"}, {"kind": "Secret", "name": "s"}]);
    w.0.workload(web);
    let carry = w.0.check().workloads[&id("shop", "web")].carry.clone();
    let names: Vec<_> = carry.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["c", "s"]);
    assert_eq!(w.remote().about.carry, carry);
    let mut records = records();
    records["spec"]["carry"] = json!([{"kind": "Secret", "name": "s"}]);
    w.0.deployment(deployment("health", "records", 2));
    w.0.workload(records);
    assert_eq!(w.0.reasons("health", "records"), ["ValueOutOfRange"]);
    let subject = &w.0.check().workloads[&id("health", "records")];
    assert!(subject.carry.is_empty());
}
