//! What a person and a machine see of three workloads.

use super::overview::{Overview, Source};
use super::{Weight, attention, render, watch};
use crate::connect::Scope;
use crate::output::Screen;
use pinisi_crds::{CloudBudget, HybridWorkload, SignalSource, Site};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const PLAIN: Screen = Screen {
    terminal: false,
    colour: false,
};

fn of<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("fixture")
}

fn condition(kind: &str, status: &str, reason: &str) -> Value {
    json!({"type": kind, "status": status, "reason": reason, "message": "in words", "lastTransitionTime": "2026-01-01T00:00:00Z"})
}

fn workload(namespace: &str, name: &str, class: &str, status: &Value) -> HybridWorkload {
    of(json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "HybridWorkload",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"class": class, "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}},
        "status": status,
    }))
}

fn budget() -> CloudBudget {
    of(json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "CloudBudget", "metadata": {"name": "public"},
        "spec": {"namespaces": {}, "period": "Month", "ceiling": {"currency": "IDR", "amount": "1000000"}},
        "status": {
            "spent": "412000.5", "perHour": "2600", "until": "2026-02-01T00:00:00Z", "exhaustedAt": "2026-01-10T10:00:00Z",
            "conditions": [condition("Ready", "True", "Counting"), condition("Limited", "True", "ReplicasKeptBack")],
        },
    }))
}

fn workloads() -> Vec<HybridWorkload> {
    vec![
        workload(
            "public",
            "check-in",
            "MassTraffic",
            &json!({
                "replicas": 14, "home": 10, "cloud": 4, "ready": "12/14", "costPerHour": "2600 IDR", "why": "home is at its high watermark; 4 at cloud",
                "sites": [{"name": "home", "desired": 10, "ready": 10}, {"name": "cloud", "desired": 4, "ready": 2}],
                "conditions": [
                    condition("Ready", "False", "ReplicasNotReady"), condition("Reconciling", "True", "Scaling"),
                    condition("Overflowing", "True", "HomeAboveHighWatermark"), condition("Contested", "True", "Contested"),
                ],
            }),
        ),
        workload(
            "identity",
            "records",
            "Sensitive",
            &json!({
                "replicas": 3, "home": 3, "cloud": 0, "ready": "3/3", "why": "the count is the target's own", "sites": [],
                "conditions": [condition("Ready", "True", "ReplicasReady"), condition("Guarded", "True", "GuardInPlace")],
            }),
        ),
        workload("public", "new", "MassTraffic", &Value::Null),
    ]
}

fn overview() -> Overview {
    let site = |name: &str, kind: &str, status: Value| -> Site {
        of(json!({
            "apiVersion": "pinisi.dev/v1alpha1", "kind": "Site", "metadata": {"name": name},
            "spec": {"type": kind, "jurisdiction": "ID", "nodes": {"matchLabels": {"site": name}}}, "status": status,
        }))
    };
    let held = json!({"nodes": 3, "allocatable": {"cpu": "12", "memory": "48Gi"}, "conditions": [condition("Ready", "True", "NodesReady")]});
    let sites = [
        site("home", "OnPrem", held),
        site(
            "cloud",
            "Cloud",
            json!({"nodes": 0, "conditions": [condition("Ready", "False", "NoNodes")]}),
        ),
        of(json!({
            "apiVersion": "pinisi.dev/v1alpha1", "kind": "Site", "metadata": {"name": "abroad"},
            "spec": {"type": "Cloud", "jurisdiction": "SG", "kubeconfigSecretRef": {"name": "abroad"}},
            "status": {"nodes": 2, "cluster": {"uid": "c1", "version": "v1.34.4"}, "conditions": [condition("Ready", "False", "Unreachable")]},
        })),
    ];
    let source: SignalSource = of(json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "SignalSource", "metadata": {"name": "gateway"},
        "spec": {"prometheus": {"address": "http://127.0.0.1:9090"}, "queries": [{"name": "requests", "query": "sum(r)"}]},
        "status": {"queries": [{"name": "requests", "series": 2}], "conditions": [condition("Ready", "True", "Answers")]},
    }));
    let scraped: SignalSource = of(json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "SignalSource", "metadata": {"name": "ingress"},
        "spec": {
            "gateways": [{"address": "http://gw-0/metrics"}, {"address": "http://gw-1/metrics"}, {"address": "http://gw-2/metrics"}],
            "queries": [{"name": "requests", "metric": "requests_total"}],
        },
        "status": {
            "queries": [{"name": "requests", "series": 2}], "conditions": [condition("Ready", "True", "Answering")],
            "gateways": [
                {"address": "http://gw-0/metrics", "series": 4, "ageSeconds": 1},
                {"address": "http://gw-1/metrics", "series": 4, "ageSeconds": 15, "failingSince": "2026-11-20T12:00:00Z", "error": "HTTP status 503; check the path in its address"},
            ],
        },
    }));
    Overview::of(
        Source {
            workloads: &workloads(),
            sites: &sites,
            sources: &[source, scraped],
            budgets: &[budget()],
        },
        None,
    )
}

#[test]
fn tables_and_json_look_like_this() {
    insta::assert_snapshot!("status_text", render::text(&overview(), &Scope::All, PLAIN));
    insta::assert_snapshot!(
        "status_json",
        serde_json::to_string_pretty(&overview()).unwrap()
    );
    let nothing = Overview::of(
        Source {
            workloads: &[],
            sites: &[],
            sources: &[],
            budgets: &[],
        },
        None,
    );
    insta::assert_snapshot!(
        "status_empty",
        render::text(&nothing, &Scope::One("default".into()), PLAIN)
    );
}

#[test]
fn colour_is_only_where_it_is_wanted() {
    assert!(!render::text(&overview(), &Scope::All, PLAIN).contains('\u{1b}'));
    let terminal = Screen {
        terminal: true,
        colour: false,
    };
    assert!(!render::text(&overview(), &Scope::All, terminal).contains('\u{1b}'));
}

#[test]
fn a_name_leaves_one_workload() {
    let source = Source {
        workloads: &workloads(),
        sites: &[],
        sources: &[],
        budgets: &[],
    };
    let names: Vec<_> = Overview::of(source, Some("records"))
        .workloads
        .into_iter()
        .map(|row| row.name)
        .collect();
    assert_eq!(names, ["records"]);
}

#[test]
fn overflowing_is_the_work_and_stalled_weighs_most() {
    let weights = |values: Vec<Value>| -> Vec<Weight> {
        let conditions: Vec<_> = values.into_iter().map(of).collect();
        attention(&conditions)
            .into_iter()
            .map(|worry| worry.weight)
            .collect()
    };
    assert_eq!(weights(vec![condition("Overflowing", "True", "A")]), []);
    assert_eq!(
        weights(vec![condition("Ready", "False", "A")]),
        [Weight::Look]
    );
    assert_eq!(
        weights(vec![
            condition("Ready", "False", "A"),
            condition("Reconciling", "True", "B")
        ]),
        [Weight::Passing, Weight::Passing]
    );
    assert_eq!(
        weights(vec![condition("Stalled", "True", "A")]),
        [Weight::Stalled]
    );
    assert_eq!(
        weights(vec![
            condition("Guarded", "Unknown", "A"),
            condition("Contested", "False", "B")
        ]),
        [Weight::Look]
    );
}

#[test]
fn without_a_terminal_only_what_moved_is_a_line() {
    let mut lines = BTreeMap::new();
    insta::assert_snapshot!(
        "moved_first",
        watch::moved(&mut lines, &overview(), "12:00:00Z")
    );
    assert_eq!(watch::moved(&mut lines, &overview(), "12:00:01Z"), "");
    let mut later = overview();
    later.workloads[1].home += 1;
    later.workloads.remove(0);
    insta::assert_snapshot!("moved_then", watch::moved(&mut lines, &later, "12:00:02Z"));
}
