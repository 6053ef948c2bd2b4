//! Plans without a cluster, and on one that was read.

use super::answer::{Answer, Change};
use super::args::{PlanOptions, SaidLoad};
use super::{answer, assume, bring, look, render};
use jiff::Timestamp;
use pinisi_operator::gather::index::Index;
use pinisi_planner::Reason;
use pinisi_planner::model::amounts::{MilliLoad, Replicas};
use pinisi_planner::model::site::SiteName;
use serde_json::{Value, json};

fn now() -> Timestamp {
    "2026-01-01T08:00:00Z".parse().expect("a time")
}

fn options(load: &[&str]) -> PlanOptions {
    PlanOptions {
        filename: vec![],
        offline: true,
        load: load
            .iter()
            .map(|text| text.parse::<SaidLoad>().expect("a load"))
            .collect(),
        operator_namespace: "pinisi-system".into(),
    }
}

fn planned(index: Index, manifests: Vec<Value>, load: &[&str]) -> Answer {
    futures::executor::block_on(answer(
        None,
        index,
        manifests,
        "shop",
        &options(load),
        now(),
    ))
}

fn site(name: &str, kind: &str, cpu: &str) -> Value {
    json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "Site", "metadata": {"name": name},
        "spec": {
            "type": kind, "jurisdiction": "ID", "allowedNamespaces": {}, "nodes": {"matchLabels": {"site": name}},
            "capacity": {"max": {"cpu": cpu, "memory": "64Gi"}},
        },
    })
}

fn workload(most: u32, sites: &[&str]) -> Value {
    let tiers: Vec<_> = sites.iter().map(|site| json!({"sites": [site]})).collect();
    json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "HybridWorkload", "metadata": {"name": "web"},
        "spec": {
            "class": "MassTraffic", "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "autoscaling": {"minReplicas": 2, "maxReplicas": most, "load": {"signal": {"source": "gateway", "query": "requests"}, "perReplica": "100"}},
            "placement": {"tiers": tiers},
        },
    })
}

/// A namespace, two sites, a source, and a Deployment of 2 replicas.
fn ground() -> Vec<Value> {
    vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"pinisi.dev/class": "MassTraffic"}}}),
        site("home", "OnPrem", "10"),
        site("cloud", "Cloud", "100"),
        json!({
            "apiVersion": "pinisi.dev/v1alpha1", "kind": "SignalSource", "metadata": {"name": "gateway"},
            "spec": {"prometheus": {"address": "http://127.0.0.1:9090"}, "queries": [{"name": "requests", "query": "sum by (namespace, workload) (r)"}]},
        }),
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {
                "replicas": 2, "selector": {"matchLabels": {"app": "web"}},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [{"name": "main", "image": "web:1", "resources": {"requests": {"cpu": "500m", "memory": "256Mi"}}}]},
                },
            },
        }),
    ]
}

/// The workload as the API server has it, or would have it: its load was 1500, of which the operator
/// has learnt to keep half as much again.
fn served(most: u32, sites: &[&str]) -> Value {
    let said = Reason::Load {
        signal: MilliLoad(1_500_000),
        load: MilliLoad(2_250_000),
        per_replica: MilliLoad(100_000),
        need: Replicas::new(23),
        rising: false,
    };
    let mut workload = workload(most, sites);
    workload["status"] = json!({"replicas": 20, "decision": {"at": now(), "want": 20, "room": [], "reasons": [
        {"reason": said.word(), "message": said.to_string(), "data": said},
    ]}});
    workload
}

/// A cluster that holds the ground and a workload of at most 20.
fn cluster() -> Index {
    let mut index = Index::default();
    let mut all = ground();
    all.push(served(20, &["home", "cloud"]));
    let brought = futures::executor::block_on(bring::bring(None, &mut index, all, "shop"));
    assert_eq!(brought.refusals, []);
    assume::nodes(&mut index);
    index
}

fn at(answer: &Answer, site: &str) -> (u32, u32) {
    let row = &answer.workloads[0];
    let of = |counts: &Option<super::answer::Counts>| {
        counts
            .as_ref()
            .map_or(0, |c| c.at(&SiteName::new(site)).get())
    };
    (of(&row.before), of(&row.after))
}

#[test]
fn what_is_new_is_planned_from_the_files_alone() {
    let mut all = ground();
    all.push(workload(50, &["home", "cloud"]));
    all.push(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}));
    let answer = planned(Index::default(), all, &["shop/web=1500"]);
    assert_eq!(
        (answer.summary.refused, answer.refusals.len()),
        (0, 0),
        "{:?}",
        answer.refusals
    );
    // 1500 with 30 % above it at 100 a replica; home's 10 cores hold 16 of half a core under 80 %.
    assert_eq!(
        (at(&answer, "home"), at(&answer, "cloud")),
        ((0, 16), (0, 4))
    );
    assert_eq!(
        answer.objects.last().map(|row| row.change),
        Some(Change::Aside)
    );
    assert_eq!(answer.summary.changed, 6, "all but the Service");
    insta::assert_snapshot!("plan_text", render::text(&answer));
    insta::assert_snapshot!(
        "plan_json",
        serde_json::to_string_pretty(&answer).expect("plain data")
    );
}

#[test]
fn what_differs_comes_from_the_files() {
    // The load and the headroom are those that the operator saw: 2250 at 100 a replica, bounded by 20.
    let answer = planned(cluster(), vec![served(30, &["home", "cloud"])], &[]);
    assert_eq!(answer.refusals, []);
    let row = &answer.workloads[0];
    let want = |counts: &Option<super::answer::Counts>| counts.as_ref().map(|c| c.want.get());
    assert_eq!((want(&row.before), want(&row.after)), (Some(20), Some(23)));
    assert_eq!(
        (at(&answer, "home"), at(&answer, "cloud")),
        ((16, 16), (4, 7))
    );
    let fewer = planned(cluster(), vec![served(30, &["home"])], &[]);
    assert_eq!(
        (at(&fewer, "home"), at(&fewer, "cloud")),
        ((16, 20), (4, 0))
    );
    let reasons = fewer.workloads[0].reasons.as_ref().expect("decided");
    assert!(
        reasons
            .notes
            .iter()
            .any(|note| note.contains("20 of 23 placed")),
        "{reasons:?}"
    );
    let same = planned(cluster(), vec![site("home", "OnPrem", "10")], &[]);
    assert_eq!(same.workloads, [], "nobody's counts differ");
}

#[test]
fn what_would_be_refused_names_object_field_and_way_out() {
    let answer = planned(
        cluster(),
        vec![
            workload(30, &["home", "moon"]),
            json!({"apiVersion": "v1", "kind": "Namespace"}),
        ],
        &[],
    );
    assert_eq!(answer.summary.refused, 2);
    let [nameless, unknown] = &answer.refusals[..] else {
        panic!("{:?}", answer.refusals);
    };
    assert_eq!(
        (nameless.reason.as_str(), nameless.object.as_str()),
        ("NoName", "Namespace ")
    );
    assert_eq!(
        (unknown.object.as_str(), unknown.reason.as_str()),
        ("HybridWorkload shop/web", "SiteNotFound")
    );
    assert!(
        unknown.message.contains("spec.placement.tiers[1].sites[0]"),
        "{unknown:?}"
    );
    assert_eq!(
        (
            answer.workloads[0].after.as_ref(),
            answer.workloads[0].changed
        ),
        (None, true)
    );
    let unreadable = json!({"apiVersion": "pinisi.dev/v1alpha1", "kind": "Site", "metadata": {"name": "x"}, "spec": {"type": "Moon"}});
    let answer = planned(cluster(), vec![unreadable], &[]);
    assert_eq!(answer.refusals[0].object, "Site x");
    assert!(
        answer.refusals[0].message.contains("Moon"),
        "{:?}",
        answer.refusals
    );
}

#[test]
fn what_is_taken_for_granted_is_said() {
    let mut metrics = workload(9, &["home"]);
    metrics["spec"]["autoscaling"] = json!({"minReplicas": 3, "maxReplicas": 9, "metrics": [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}},
    ]});
    let mut all = ground();
    all.push(metrics);
    let answer = planned(Index::default(), all, &[]);
    let counts = answer.workloads[0].after.as_ref().expect("decided");
    assert_eq!(counts.want, Replicas::new(3), "2 run, and 3 is the least");
    assert!(
        answer
            .assumptions
            .iter()
            .any(|line| line.contains("its metrics are not asked here")),
        "{:?}",
        answer.assumptions
    );
    assert!(
        answer
            .assumptions
            .iter()
            .any(|line| line.contains("Site home has no node in the files"))
    );
    let mut all = ground();
    all.push(workload(9, &["home"]));
    let answer = planned(Index::default(), all, &[]);
    assert!(
        answer
            .assumptions
            .iter()
            .any(|line| line.contains("--load shop/web=LOAD")),
        "{:?}",
        answer.assumptions
    );
}

#[test]
fn another_cluster_is_as_its_status_says() {
    let mut cloud = site("cloud", "Cloud", "100");
    cloud["spec"] = json!({"type": "Cloud", "jurisdiction": "ID", "allowedNamespaces": {}, "kubeconfigSecretRef": {"name": "cloud"}});
    cloud["status"] = json!({"nodes": 2, "allocatable": {"cpu": "8", "memory": "32Gi"}});
    let mut index = cluster();
    futures::executor::block_on(bring::bring(None, &mut index, vec![cloud.clone()], "shop"));
    let seen = look::look(&mut index, &[], false, now());
    let decision = seen.plan.workloads.values().next().expect("planned for");
    let desired = |site: &str| {
        decision
            .shares
            .get(&SiteName::new(site))
            .map(|share| share.desired.get())
    };
    assert_eq!((desired("home"), desired("cloud")), (Some(16), Some(4)));
    cloud["status"]["conditions"] = json!([{
        "type": "Reachable", "status": "False", "reason": "Timeout", "message": "no answer in 5 s", "lastTransitionTime": "2026-01-01T00:00:00Z",
    }]);
    futures::executor::block_on(bring::bring(None, &mut index, vec![cloud], "shop"));
    let lost = look::look(&mut index, &[], false, now());
    let decision = lost.plan.workloads.values().next().expect("planned for");
    assert_eq!(
        decision
            .shares
            .get(&SiteName::new("cloud"))
            .map(|share| share.desired.get()),
        Some(0)
    );
    assert!(
        lost.assumptions
            .iter()
            .any(|line| line.contains("no answer in 5 s")),
        "{:?}",
        lost.assumptions
    );
}
