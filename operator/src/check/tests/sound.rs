//! What a sound workload becomes.

use super::build::*;
use pinisi_crds::hybrid_workload::Mode;
use pinisi_planner::model::{
    amounts::{MilliLoad, Replicas, Resources},
    dependency::{MilliCalls, Spread, Supplier},
    site::SiteName,
    workload::{Demand, Placement, Signal},
};
use serde_json::{Value, json};

fn site_name(name: &str) -> SiteName {
    SiteName::new(name)
}

#[test]
fn load_and_defaults() {
    let mut c = Cluster::with_web();
    c.figure("1234.5", Some("2026-11-20T11:59:58.5Z"));
    let w = c.web();
    let Demand::Load(load) = &w.demand else {
        panic!("{:?}", w.demand)
    };
    assert_eq!(
        (load.min.get(), load.max.get(), load.per_replica),
        (2, 50, MilliLoad(100_000))
    );
    assert_eq!((load.scale_down_window, load.headroom.get()), (None, 30));
    assert_eq!(
        load.signal,
        Signal::Fresh {
            load: MilliLoad(1_234_500),
            at: "2026-11-20T11:59:58.5Z".parse().unwrap()
        }
    );
    assert_eq!(
        (
            w.drain.after.as_secs(),
            w.drain.step.get(),
            w.drain.interval.as_secs()
        ),
        (600, 10, 60)
    );
    assert_eq!(
        w.request,
        Resources {
            millicores: 500,
            bytes: 256 << 20
        }
    );
    assert_eq!((w.priority, w.competitor, w.override_), (0, None, None));
    let Placement::MassTraffic { tiers } = &w.placement else {
        panic!()
    };
    assert_eq!(
        tiers
            .iter()
            .map(|t| t.sites[0].as_str())
            .collect::<Vec<_>>(),
        ["home", "cloud"]
    );
    let checked = c.check();
    assert_eq!(
        checked.sources["prom"].newest_sample,
        Some("2026-11-20T11:59:58.5Z".parse().unwrap())
    );
    assert_eq!(checked.sources["prom"].status_now.queries[0].series, 1);
}

#[test]
fn legs_are_told_apart_by_the_site_label() {
    let mut c = Cluster::with_web();
    c.deployment(sibling("shop", "web", "cloud", 2));
    c.pod(pod("shop", "web-1", "web", None, Some("h1")));
    c.pod(pod("shop", "web-2", "web", None, None));
    let mut older = pod("shop", "web-3", "web", None, None);
    set(
        &mut older,
        "metadata.creationTimestamp",
        json!("2026-11-20T11:00:00Z"),
    );
    c.pod(older);
    let mut leaving = pod("shop", "web-4", "web", None, Some("h1"));
    set(
        &mut leaving,
        "metadata.deletionTimestamp",
        json!("2026-11-20T11:00:00Z"),
    );
    c.pod(leaving);
    c.pod(pod("shop", "web-cloud-1", "web", Some("cloud"), Some("c1")));
    c.pod(pod("shop", "other-1", "other", None, Some("h1")));
    c.pod(pod("health", "web-1", "web", None, Some("h1")));
    let w = c.web();
    let home = &w.legs[&site_name("home")];
    assert_eq!(
        (
            home.spec.get(),
            home.ready.get(),
            home.bound.get(),
            home.pending.get(),
            home.terminating.get()
        ),
        (3, 1, 1, 2, 1)
    );
    assert_eq!(
        home.pending_since,
        Some("2026-11-20T11:00:00Z".parse().unwrap())
    );
    assert_eq!((home.generation, home.rolling), (7, false));
    let cloud = &w.legs[&site_name("cloud")];
    assert_eq!(
        (
            cloud.spec.get(),
            cloud.ready.get(),
            cloud.bound.get(),
            cloud.pending.get()
        ),
        (2, 1, 1, 0)
    );
    assert_eq!(w.priority, 10);
    let checked = c.check();
    let subject = &checked.workloads[&id("shop", "web")];
    let sibling = &subject.siblings[&site_name("cloud")];
    assert_eq!(
        (
            sibling.name.as_str(),
            sibling.spec_replicas,
            sibling.digest.as_str(),
            sibling.deleting
        ),
        ("web-cloud", 2, "digest", false)
    );
    let target = subject.target.as_ref().unwrap();
    assert_eq!(
        (target.selector.as_str(), target.spec_replicas),
        ("app=web", 3)
    );
    assert!(target.deployment.as_ref().unwrap().rolled_out);
}

#[test]
fn parts_for_siblings() {
    let mut c = Cluster::with_web();
    let parts = |c: &Cluster| {
        c.check().workloads[&id("shop", "web")]
            .target
            .clone()
            .unwrap()
            .deployment
            .unwrap()
    };
    let before = parts(&c);
    assert_eq!(
        before.spec.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["strategy", "template"]
    );
    let mut d = deployment("shop", "web", 9);
    set(&mut d, "spec.paused", json!(true));
    c.deployment(d.clone());
    assert_eq!(
        parts(&c).digest,
        before.digest,
        "a count is no change of the template"
    );
    set(
        &mut d,
        "spec.template.spec.containers.0.image",
        json!("web:2"),
    );
    set(&mut d, "metadata.generation", json!(8));
    c.deployment(d.clone());
    assert_ne!(parts(&c).digest, before.digest);
    assert!(!parts(&c).rolled_out && c.web().legs[&site_name("home")].rolling);
    set(
        &mut d,
        "status",
        json!({"observedGeneration": 8, "replicas": 10, "updatedReplicas": 3}),
    );
    c.deployment(d.clone());
    assert!(!parts(&c).rolled_out);
    set(
        &mut d,
        "status",
        json!({"observedGeneration": 8, "replicas": 9, "updatedReplicas": 9}),
    );
    c.deployment(d);
    assert!(parts(&c).rolled_out);
    // The order of keys is no difference.
    let one: Value = serde_json::from_str(r#"{"metadata":{"name":"x","namespace":"shop"},"spec":{"template":{"a":1,"b":2},"strategy":{}}}"#).unwrap();
    let two: Value = serde_json::from_str(r#"{"metadata":{"name":"y","namespace":"shop"},"spec":{"strategy":{},"template":{"b":2,"a":1}}}"#).unwrap();
    c.deployment(one);
    c.deployment(two);
    let digest = |name: &str| {
        let key = crate::gather::facts::ObjectKey {
            namespace: "shop".into(),
            name: name.into(),
        };
        c.0.deployments[&key].parts.as_ref().unwrap().digest.clone()
    };
    assert_eq!(digest("x"), digest("y"));
}

#[test]
fn demand_without_autoscaling() {
    let mut c = Cluster::with_web();
    c.deployment(sibling("shop", "web", "cloud", 2));
    let mut hw = web();
    set(&mut hw, "spec.autoscaling", Value::Null);
    c.workload(hw.clone());
    assert_eq!(c.web().demand, Demand::Fixed(Replicas::new(5)));
    assert!(c.check().workloads[&id("shop", "web")].adopt_replicas);
    set(&mut hw, "spec.replicas", json!(7));
    c.workload(hw);
    assert_eq!(c.web().demand, Demand::Fixed(Replicas::new(7)));
    assert!(!c.check().workloads[&id("shop", "web")].adopt_replicas);

    c.deployment(deployment("health", "records", 2));
    let mut hw = records();
    c.workload(hw.clone());
    let demand = |c: &Cluster| {
        c.check().world.workloads[&id("health", "records")]
            .demand
            .clone()
    };
    assert_eq!(demand(&c), Demand::Untouched);
    assert!(!c.check().workloads[&id("health", "records")].adopt_replicas);
    set(&mut hw, "spec.replicas", json!(4));
    c.workload(hw);
    assert_eq!(demand(&c), Demand::Fixed(Replicas::new(4)));
}

#[test]
fn sensitive_without_placement_goes_wherever_it_is_lawful() {
    let mut c = Cluster::new();
    c.site(site("annex", "OnPrem"));
    c.node(node("a1", "annex"));
    c.deployment(deployment("health", "records", 2));
    c.workload(records());
    let sites = |c: &Cluster| match &c.check().world.workloads[&id("health", "records")].placement {
        Placement::Sensitive { sites } => sites
            .iter()
            .map(|s| s.name().to_string())
            .collect::<Vec<_>>(),
        Placement::MassTraffic { .. } => panic!(),
    };
    assert_eq!(sites(&c), ["annex", "home"]);
    let mut d = deployment("health", "records", 2);
    set(
        &mut d,
        "spec.template.spec.volumes",
        json!([{"name": "d", "persistentVolumeClaim": {"claimName": "d"}}]),
    );
    c.deployment(d);
    assert_eq!(sites(&c), ["annex"], "what holds claims stays whole");
}

#[test]
fn pods_off_lawful_nodes_are_counted() {
    let mut c = Cluster::new();
    c.deployment(deployment("health", "records", 2));
    c.workload(records());
    c.pod(pod("health", "records-1", "records", None, Some("h1")));
    assert_eq!(
        c.check().sensitive_pods,
        crate::checked::SensitivePods {
            seen: 1,
            off: 0,
            off_nodes: vec![]
        }
    );
    c.pod(pod("health", "records-2", "records", None, Some("c1")));
    c.pod(pod("health", "stray", "other", None, Some("unknown")));
    c.pod(pod("health", "waiting", "other", None, None));
    let mut done = pod("health", "done", "records", None, Some("c1"));
    set(&mut done, "status.phase", json!("Failed"));
    c.pod(done);
    c.pod(pod("shop", "web", "web", None, Some("c1")));
    let checked = c.check();
    assert_eq!(
        (checked.sensitive_pods.seen, checked.sensitive_pods.off),
        (3, 2)
    );
    assert_eq!(checked.sensitive_pods.off_nodes, ["c1", "unknown"]);
    assert_eq!(
        checked.workloads[&id("health", "records")].off_lawful_nodes,
        [("records-2".to_owned(), "c1".to_owned())]
    );
}

#[test]
fn overrides() {
    let mut c = Cluster::with_web();
    let mut hw = web();
    set(
        &mut hw,
        "spec.override",
        json!({"total": 9, "sites": [{"name": "cloud", "replicas": 4}, {"name": "mars", "replicas": 1}], "until": "2026-11-20T13:00:00Z"}),
    );
    c.workload(hw.clone());
    let over = c.web().override_.unwrap();
    assert_eq!(
        (
            over.total,
            over.sites.len(),
            over.sites[&site_name("cloud")].get()
        ),
        (Some(Replicas::new(9)), 1, 4)
    );
    let checked = c.check();
    let problem = &checked.workloads[&id("shop", "web")].problems[0];
    assert!(
        !problem.blocks() && problem.to_string().contains("spec.override.sites[1].name"),
        "{problem}"
    );
    set(
        &mut hw,
        "spec.override.until",
        json!("2026-11-20T11:00:00Z"),
    );
    c.workload(hw);
    assert_eq!(c.web().override_, None);
    assert_eq!(c.reasons("shop", "web"), Vec::<&str>::new());
}

#[test]
fn other_autoscalers_are_named() {
    let hpa = |name: &str, kind: &str, target: &str, api: &str| json!({"metadata": {"name": name, "namespace": "shop"}, "spec": {"scaleTargetRef": {"apiVersion": api, "kind": kind, "name": target}}});
    let mut c = Cluster::with_web();
    c.hpa(hpa("on-hw", "HybridWorkload", "web", "pinisi.dev/v1alpha1"));
    c.hpa(hpa("on-other", "Deployment", "other", "apps/v1"));
    assert_eq!(c.web().competitor, None);
    c.hpa(hpa("on-web", "Deployment", "web", "apps/v1"));
    assert_eq!(
        c.web().competitor.as_deref(),
        Some("HorizontalPodAutoscaler on-web")
    );
    let mut keda = hpa("on-web", "Deployment", "web", "apps/v1");
    set(
        &mut keda,
        "metadata.ownerReferences",
        json!([{"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "so", "uid": "u"}]),
    );
    c.hpa(keda);
    assert_eq!(c.web().competitor.as_deref(), Some("ScaledObject so"));
    c.0.delete_hpa(&crate::gather::facts::ObjectKey {
        namespace: "shop".into(),
        name: "on-web".into(),
    });
    c.deployment(sibling("shop", "web", "cloud", 1));
    c.hpa(hpa("on-sibling", "Deployment", "web-cloud", "apps/v1"));
    assert_eq!(
        c.web().competitor.as_deref(),
        Some("HorizontalPodAutoscaler on-sibling")
    );
}

#[test]
fn foreign_writers_are_named() {
    let mut c = Cluster::with_web();
    let mut d = deployment("shop", "web", 3);
    let entry = |manager: &str| json!({"manager": manager, "operation": "Update", "time": "2026-11-20T11:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}});
    set(
        &mut d,
        "metadata.managedFields",
        json!([entry("kubectl-scale")]),
    );
    c.deployment(d.clone());
    assert_eq!(
        c.web().legs[&site_name("home")].foreign_writer.as_deref(),
        Some("kubectl-scale")
    );
    set(&mut d, "metadata.managedFields", json!([entry("pinisi")]));
    c.deployment(d);
    assert_eq!(c.web().legs[&site_name("home")].foreign_writer, None);
}

#[test]
fn decisions_come_back_from_status() {
    let mut c = Cluster::with_web();
    let mut hw = web();
    hw["status"] = json!({"replicas": 6, "sites": [{"name": "home", "desired": 4, "ready": 4}, {"name": "cloud", "desired": 2, "ready": 1}],
        "memory": {"total": 6, "drain": {"from": "cloud", "to": "home", "moving": 1, "since": "2026-11-20T11:00:00Z"},
            "contest": {"writes": 2, "last": "2026-11-20T11:00:00Z", "writer": "argocd"}}});
    set(
        &mut hw,
        "metadata.finalizers",
        json!(["pinisi.dev/siblings"]),
    );
    set(&mut hw, "spec.mode", json!("Observe"));
    c.workload(hw.clone());
    let checked = c.check();
    let subject = &checked.workloads[&id("shop", "web")];
    assert!(subject.has_finalizer && subject.mode == Mode::Observe);
    assert_eq!(subject.decisions.total, Some(Replicas::new(6)));
    assert_eq!(subject.decisions.sites[&site_name("cloud")].get(), 2);
    assert_eq!(subject.decisions.drain.as_ref().unwrap().moving.get(), 1);
    let contest = subject.decisions.contest.as_ref().unwrap();
    assert_eq!((contest.writes, contest.generation), (2, 7));
    // A status that cannot be read is no reason to fail.
    hw["status"] = json!({"replicas": "many"});
    c.workload(hw);
    assert_eq!(
        c.check().workloads[&id("shop", "web")].decisions,
        pinisi_planner::Decisions::default()
    );
}

#[test]
fn spreads_that_would_freeze_home() {
    let mut c = Cluster::with_web();
    let mut d = deployment("shop", "web", 3);
    let spread = json!({"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"});
    let with = |d: &mut Value, change: Value| {
        let mut s = spread.clone();
        s.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        set(
            d,
            "spec.template.spec.topologySpreadConstraints",
            json!([s]),
        );
    };
    for (change, said) in [
        (json!({}), true),
        (json!({"nodeTaintsPolicy": "Ignore"}), true),
        (json!({"nodeTaintsPolicy": "Honor"}), false),
        (json!({"whenUnsatisfiable": "ScheduleAnyway"}), false),
        (json!({"topologyKey": "rack"}), false),
    ] {
        with(&mut d, change.clone());
        c.deployment(d.clone());
        let want: &[&str] = if said {
            &["TopologyCountsTaintedNodes"]
        } else {
            &[]
        };
        assert_eq!(c.reasons("shop", "web"), want, "{change}");
        assert!(!c.web().legs.is_empty(), "it is a warning");
    }
    with(&mut d, json!({}));
    set(
        &mut d,
        "spec.template.spec.nodeSelector",
        json!({SITE_LABEL: "home"}),
    );
    c.deployment(d);
    assert_eq!(
        c.reasons("shop", "web"),
        Vec::<&str>::new(),
        "a selector that keeps to home does not count the cloud"
    );
}

#[test]
fn schedules_and_forecast() {
    let mut c = Cluster::with_web();
    let mut hw = web();
    set(
        &mut hw,
        "spec.autoscaling.schedules",
        json!([
            {"name": "opening", "cron": {"start": "0 20 * * *", "durationSeconds": 3600, "timeZone": "Asia/Jakarta"}, "expect": {"load": "2k"}},
            {"name": "slip", "cron": {"start": "0 20 * * *", "durationSeconds": 3600, "timeZone": "Jakarta"}, "expect": {"load": "2k"}}
        ]),
    );
    set(&mut hw, "spec.autoscaling.forecast", json!("On"));
    c.workload(hw);
    let w = c.web();
    let [window] = w.windows.as_slice() else {
        panic!("{:?}", w.windows)
    };
    assert_eq!(window.start, "2026-11-20T13:00:00Z".parse().unwrap());
    assert!(matches!(w.demand, Demand::Load(load) if load.forecast));
    assert_eq!(
        c.reasons("shop", "web"),
        ["ScheduleLeftOut"],
        "the load is followed all the same"
    );
}

/// `shop/web` that stands on these.
fn depending(on: Value) -> Cluster {
    let mut c = Cluster::with_web();
    let mut hw = web();
    set(&mut hw, "spec.dependsOn", on);
    c.workload(hw);
    let mut back = records();
    back["spec"]["autoscaling"] = web()["spec"]["autoscaling"].clone();
    c.deployment(deployment("health", "records", 2));
    c.workload(back);
    c
}

#[test]
fn dependencies() {
    let c = depending(json!([
        {"name": "records", "workloadRef": {"namespace": "health", "name": "records"}, "callsPerRequest": "1500m"},
        {"name": "sms", "quota": {"limit": "50", "per": "Second"}},
        {"name": "nik", "quota": {"limit": "300k", "per": "Day", "timeZone": "Asia/Jakarta", "spread": "Evenly"}},
    ]));
    let [records, sms, nik] = &c.web().depends[..] else {
        panic!("{:?}", c.web().depends)
    };
    assert_eq!(records.calls, MilliCalls(1500));
    assert_eq!(
        records.supplier,
        Supplier::Workload(id("health", "records"))
    );
    assert_eq!(sms.calls, MilliCalls(1000));
    assert_eq!(sms.supplier, Supplier::PerSecond(MilliLoad(50_000)));
    let Supplier::PerDay(day) = nik.supplier else {
        panic!("{nik:?}")
    };
    // Seven in the evening there.
    assert_eq!(day.start, "2026-11-19T17:00:00Z".parse().unwrap());
    assert_eq!(day.end, "2026-11-20T17:00:00Z".parse().unwrap());
    assert_eq!(
        (day.limit, day.spread),
        (MilliCalls(300_000_000), Spread::Evenly)
    );
}

#[test]
fn a_dependency_that_cannot_be_used_is_left_out_and_said() {
    let quota = |limit: &str, more: Value| {
        let mut quota = json!({"limit": limit, "per": "Day"});
        for (key, value) in more.as_object().unwrap() {
            quota[key] = value.clone();
        }
        json!({"quota": quota})
    };
    let none = json!({});
    for (one, words) in [
        (
            json!({"workloadRef": {"name": "gone"}}),
            ["workloadRef.name", "shop/gone"],
        ),
        (
            json!({"workloadRef": {"name": "web"}}),
            ["workloadRef.name", "another workload"],
        ),
        (json!({}), ["dependsOn[0].quota", "exactly one"]),
        (
            quota("0", json!({"timeZone": "Asia/Jakarta"})),
            ["quota.limit", "above 0"],
        ),
        (quota("1k", none), ["quota.timeZone", "Asia/Jakarta"]),
        (
            quota("1k", json!({"timeZone": "Mars"})),
            ["quota.timeZone", "Mars"],
        ),
        (
            json!({"quota": {"limit": "1", "per": "Second"}, "callsPerRequest": "0"}),
            ["callsPerRequest", "above 0"],
        ),
    ] {
        let mut named = one.clone();
        named["name"] = json!("a");
        let sound = json!({"name": "b", "quota": {"limit": "1", "per": "Second"}});
        let c = depending(json!([named, sound]));
        let checked = c.check();
        let problems = &checked.workloads[&id("shop", "web")].problems;
        assert_eq!(c.reasons("shop", "web"), ["DependencyLeftOut"], "{one}");
        let text = problems[0].to_string();
        for word in words {
            assert!(text.contains(word), "{word:?} is not in {text:?}");
        }
        assert_eq!(c.web().depends.len(), 1, "the other one stands: {one}");
    }
    let twice = json!({"name": "b", "quota": {"limit": "1", "per": "Second"}});
    let c = depending(json!([twice.clone(), twice]));
    assert_eq!(c.reasons("shop", "web"), ["DependencyLeftOut"]);
    assert_eq!(c.web().depends.len(), 1);
}

/// A pod of web that became Ready so many seconds after it had a node.
fn started(name: &str, site: Option<&str>, node: &str, seconds: u32) -> Value {
    let mut p = pod("shop", name, "web", site, Some(node));
    set(
        &mut p,
        "status.conditions",
        json!([
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-11-20T11:00:10Z"},
            {"type": "Ready", "status": "True", "lastTransitionTime": format!("2026-11-20T11:{:02}:{:02}Z", (10 + seconds) / 60, (10 + seconds) % 60)},
        ]),
    );
    p
}

#[test]
fn a_start_takes_what_it_took_at_the_slowest_site() {
    let start_up = |c: &Cluster| match c.web().demand {
        Demand::Load(load) => load.start_up.as_secs(),
        other => panic!("{other:?}"),
    };
    let mut c = Cluster::with_web();
    assert_eq!(start_up(&c), 10, "nothing is known");
    for (i, seconds) in [38, 41, 44, 1900, 4].into_iter().enumerate() {
        c.pod(started(&format!("h{i}"), None, "h1", seconds));
    }
    assert_eq!(
        start_up(&c),
        45,
        "three quarters are no slower; one turned Ready again later"
    );
    for i in 0..2 {
        c.pod(started(&format!("c{i}"), Some("cloud"), "c1", 170));
    }
    assert_eq!(start_up(&c), 45, "two pods say nothing");
    c.pod(started("c2", Some("cloud"), "c1", 170));
    assert_eq!(start_up(&c), 180);
}
