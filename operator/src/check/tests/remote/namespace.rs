//! The namespace there: whose it is, and what its quotas leave.

use super::*;

#[test]
fn namespaces_there_are_ours_lawful_or_not() {
    let of = |meta: Value| {
        let mut w = World::new();
        let mut meta = meta;
        meta["name"] = json!("shop");
        w.namespace(json!({"metadata": meta}));
        (w.remote().namespace, w.refused())
    };
    let managed =
        json!({"app.kubernetes.io/managed-by": "pinisi", "pinisi.dev/class": "MassTraffic"});
    let (state, refused) = of(json!({"labels": managed, "annotations": {"pinisi.dev/hub": HUB}}));
    assert_eq!((state, refused), (RemoteNamespace::Ours, None));
    let (state, refused) = of(json!({"labels": {"pinisi.dev/class": "MassTraffic"}}));
    assert_eq!((state, refused), (RemoteNamespace::Lawful, None));
    let (state, refused) = of(json!({"labels": {"pinisi.dev/class": "Sensitive"}}));
    assert_eq!(
        (state, refused),
        (
            RemoteNamespace::Sensitive,
            Some(RefusalKind::NamespaceSensitive)
        )
    );
    let (_, refused) = of(json!({"labels": {"pinisi.dev/class": "Other"}}));
    assert_eq!(refused, Some(RefusalKind::NamespaceForeign));
    let (_, refused) = of(json!({"labels": managed, "annotations": {"pinisi.dev/hub": "another"}}));
    assert_eq!(refused, Some(RefusalKind::NamespaceForeign));
    let (_, refused) = of(json!({"deletionTimestamp": "2026-11-20T11:00:00Z"}));
    assert_eq!(refused, Some(RefusalKind::NamespaceTerminating));
}

#[test]
fn a_namespace_is_made_only_where_the_site_says_so() {
    let mut w = World::new();
    w.view().delete_namespace("shop");
    assert_eq!(w.refused(), Some(RefusalKind::NamespaceMissing));
    let why = w.0.web().refused[&abroad()].text.clone();
    assert!(
        why.contains("shop") && why.contains("spec.createNamespaces: true"),
        "{why}"
    );
    let mut site = remote_site("abroad");
    site["spec"]["createNamespaces"] = json!(true);
    w.0.site(site);
    assert_eq!(
        (w.remote().namespace, w.refused()),
        (RemoteNamespace::Missing, None)
    );
}

#[test]
fn of_each_resource_the_tightest_quota_that_applies_counts() {
    let room = |spec: Value, used: Value| {
        let mut w = World::new();
        w.quota("q", spec, used);
        w.quota_room()
    };
    assert_eq!(
        room(
            json!({"hard": {"requests.cpu": "4", "cpu": "3500m", "pods": "100"}}),
            json!({"requests.cpu": "1", "cpu": "1"})
        ),
        [(Pods, 100), (Cpu, 2500)]
    );
    assert_eq!(
        room(json!({"hard": {"pods": "3"}}), json!({"pods": "5"})),
        [(Pods, 0)]
    );
    assert_eq!(
        room(
            json!({"hard": {"memory": "1Gi", "limits.cpu": "2"}}),
            json!({})
        ),
        [(Memory, 1 << 30), (CpuLimits, 2000)]
    );
    for left_out in [
        json!({"hard": {"secrets": "1"}}),
        json!({"hard": {"pods": "0"}, "scopes": ["BestEffort"]}),
        json!({"hard": {"pods": "0"}, "scopeSelector": {"matchExpressions": []}}),
        json!({"hard": {"pods": "nonsense"}}),
    ] {
        assert_eq!(room(left_out, json!({})), []);
    }
    let scoped = json!({"hard": {"pods": "1"}, "scopes": ["NotTerminating"]});
    assert_eq!(room(scoped, json!({})), [(Pods, 1)]);

    let mut w = World::new();
    w.quota("a", json!({"hard": {"pods": "7"}}), json!({}));
    w.quota("b", json!({"hard": {"pods": "9"}}), json!({"pods": "4"}));
    assert_eq!(w.quota_room(), [(Pods, 5)]);
    assert_eq!(w.site().quotas["shop"][&Pods].quota, "b");
}
