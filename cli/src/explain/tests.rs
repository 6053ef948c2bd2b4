//! What a person and a machine are told of one decision.

use super::{render, tell};
use pinisi_crds::HybridWorkload;
use pinisi_planner::Reason;
use pinisi_planner::model::amounts::{MilliLoad, Replicas};
use pinisi_planner::model::site::SiteName;
use serde_json::{Value, json};

fn workload(status: &Value) -> HybridWorkload {
    let object = json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "HybridWorkload",
        "metadata": {"name": "check-in", "namespace": "public", "generation": 3},
        "spec": {"class": "MassTraffic", "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "check-in"}},
        "status": status,
    });
    serde_json::from_value(object).expect("fixture")
}

fn said(reason: &Reason) -> Value {
    json!({"reason": reason.word(), "message": reason.to_string(), "data": reason})
}

fn reasons() -> Vec<Reason> {
    let n = Replicas::new;
    vec![
        Reason::Overflow {
            from: SiteName::new("home"),
            to: SiteName::new("cloud"),
            replicas: n(4),
        },
        Reason::HeldByWindow {
            need: n(13),
            held: n(14),
        },
        Reason::Load {
            signal: MilliLoad(480_000),
            load: MilliLoad(624_000),
            per_replica: MilliLoad(50_000),
            need: n(13),
            rising: false,
        },
    ]
}

fn status() -> Value {
    let reasons: Vec<_> = reasons().iter().map(said).collect();
    json!({
        "observedGeneration": 3, "replicas": 14, "home": 10, "cloud": 4, "ready": "12/14", "costPerHour": "2600 IDR",
        "sites": [{"name": "cloud", "desired": 4, "ready": 2}, {"name": "home", "desired": 10, "ready": 10}],
        "decision": {
            "at": "2026-01-01T08:00:00Z", "want": 14, "reasons": reasons,
            "room": [
                {"name": "cloud", "tier": 2, "underHigh": 100_000, "fits": 100_000},
                {"name": "edge", "tier": 3, "underHigh": 0, "fits": 0},
                {"name": "home", "tier": 1, "underHigh": 10, "fits": 12},
            ],
        },
        "conditions": [{
            "type": "Reconciling", "status": "True", "reason": "Scaling", "message": "replicas are on their way",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }],
    })
}

#[test]
fn words_and_json_look_like_this() {
    let told = tell::tell(&workload(&status())).expect("decided");
    insta::assert_snapshot!("explain_text", render::text(&told));
    insta::assert_snapshot!(
        "explain_json",
        serde_json::to_string_pretty(&told).expect("plain data")
    );
}

#[test]
fn what_a_newer_operator_says_is_told_in_its_words() {
    let mut status = status();
    status["decision"]["reasons"][0]["data"] = json!({"Unheard": {"of": 1}});
    status["observedGeneration"] = json!(2);
    let told = tell::tell(&workload(&status)).expect("decided");
    assert!(!told.up_to_date);
    assert_eq!(
        told.account.notes,
        ["home is at its high watermark; 4 at cloud"]
    );
    assert!(render::text(&told).contains("The spec has changed since"));
}

#[test]
fn where_nothing_is_decided_the_way_on_is_named() {
    let refused = |status: Value| {
        tell::tell(&workload(&status))
            .expect_err("undecided")
            .to_string()
    };
    assert!(refused(Value::Null).contains("has not looked at HybridWorkload check-in yet"));
    let stalled = refused(json!({"why": "x", "conditions": [{
        "type": "Stalled", "status": "True", "reason": "SiteNotFound", "message": "there is no Site x",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }]}));
    assert!(stalled.contains("mended: there is no Site x"), "{stalled}");
    assert!(refused(json!({"why": "x"})).contains("older than this plugin"));
}
