//! The command from its arguments to its files.

use super::*;
use crate::args::{Args, Command};
use clap::Parser as _;

fn options(words: &[&str]) -> (Args, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trace.csv");
    let lines: Vec<String> = (0..60)
        .map(|i| {
            format!(
                "2026-07-01T08:{i:02}:00Z,{}\n",
                if i < 30 { 600 } else { 6000 }
            )
        })
        .collect();
    std::fs::write(&trace, format!("timestamp,requests\n{}", lines.concat())).unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (trace, json, html) = (path("trace.csv"), path("out.json"), path("out.html"));
    let mut all = vec![
        "kubectl-pinisi",
        "simulate",
        "--trace",
        &trace,
        "--json",
        &json,
        "--html",
        &html,
    ];
    all.extend(words);
    (Args::try_parse_from(all).unwrap(), dir)
}

fn simulate(args: &Args) -> anyhow::Result<ExitCode> {
    let Command::Simulate(options) = &args.command else {
        panic!("another command");
    };
    run(&args.global, options)
}

#[test]
fn figures_go_into_a_document_with_one_summary_each() {
    let (args, dir) = options(&[
        "--compare",
        "hpa,keda,knative",
        "--equal-lag",
        "--home-replicas",
        "100",
        "--cloud-price",
        "0.045",
    ]);
    simulate(&args).unwrap();
    let text = std::fs::read_to_string(dir.path().join("out.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    for field in ["summary", "equal_lag"] {
        let names: Vec<_> = json[field].as_object().unwrap().keys().cloned().collect();
        assert_eq!(names, ["hpa", "keda", "knative", "pinisi"]);
        for figures in json[field].as_object().unwrap().values() {
            let keys: Vec<_> = figures.as_object().unwrap().keys().cloned().collect();
            assert_eq!(
                keys,
                ["churn", "cost_ratio", "replica_hours", "unserved_pct"]
            );
            assert!(figures["cost_ratio"].as_f64().unwrap() > 0.9);
        }
    }
    // Half an hour at 10 a second and half at 100, scaled to 500 replicas of 100 a second.
    let requests = json["trace"]["requests"].as_f64().unwrap();
    assert!((requests - 99e6).abs() < 1.0, "{requests}");
    assert!(json["settings"]["cloud_cost"]["pinisi"].as_f64().unwrap() > 0.0);
    let page = std::fs::read_to_string(dir.path().join("out.html")).unwrap();
    assert!(page.contains("Knative on requests") && !page.contains("<script"));
}

#[test]
fn a_trace_that_is_none_is_named_with_its_line() {
    let (args, dir) = options(&[]);
    let path = dir.path().join("trace.csv");
    std::fs::write(
        &path,
        "timestamp,requests\n2026-07-01T08:00:00Z,1\n2026-07-01T08:01:00Z,many\n",
    )
    .unwrap();
    let error = format!("{:#}", simulate(&args).unwrap_err());
    assert!(
        error.contains("trace.csv is no trace: line 3: ") && error.contains("no count of requests"),
        "{error}"
    );
}

#[test]
fn options_that_make_no_sense_are_refused() {
    for words in [
        &["simulate"][..],
        &["simulate", "--registration", "--trace", "a.csv"],
        &["simulate", "--registration", "--compare", "magic"],
        &["simulate", "--registration", "--start-up", "2h"],
        &["simulate", "--registration", "--per-replica", "NaN"],
        &["simulate", "--registration", "--cloud-price", "-1"],
        &["simulate", "--registration", "--currency", "dollars"],
        &["simulate", "--registration", "--peak-replicas", "0"],
        &["simulate", "--registration", "--users", "5M"],
        &["simulate", "-f", "a.yaml"],
        &["simulate", "--trace", "a.csv", "--announced"],
        &["simulate", "--registration", "--fault", "fire"],
    ] {
        let all = std::iter::once("kubectl-pinisi").chain(words.iter().copied());
        assert!(Args::try_parse_from(all).is_err(), "{words:?}");
    }
}

#[test]
fn the_question_that_it_began_with_has_an_answer() {
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("out.json").display().to_string();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/pedulilindungi");
    let words = [
        "kubectl-pinisi",
        "simulate",
        "--users",
        "5M,10M,50M",
        "-f",
        example,
        "--json",
        &json,
        "--cloud-price",
        "0.05",
        "--start-up",
        "20s",
    ];
    simulate(&Args::try_parse_from(words).unwrap()).unwrap();
    let json: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    let rows = json["users"].as_array().unwrap();
    let of = |i: usize, side: &str| rows[i][side]["unserved_pct"].as_f64().unwrap();
    assert_eq!(
        rows.iter().map(|r| &r["users"]).collect::<Vec<_>>(),
        [5_000_000, 10_000_000, 50_000_000]
    );
    // 500 requests a second to each of two services of 10 a replica, and 8 replicas that stand still.
    assert_eq!(rows[0]["needs_replicas"], 108);
    assert!(of(0, "home_alone") < of(1, "home_alone") && of(1, "home_alone") < of(2, "home_alone"));
    assert!(of(2, "with_cloud") < of(2, "home_alone") / 2.0);
    assert_eq!(rows[2]["home_alone"]["verdict"], "fails");
    let hours = |i: usize| rows[i]["with_cloud"]["cloud_core_hours"].as_f64().unwrap();
    assert!(hours(0) < hours(2) / 20.0, "{} {}", hours(0), hours(2));
    assert_eq!(rows[0]["home_alone"]["verdict"], "holds");
    assert_eq!(rows[1]["home_alone"]["verdict"], "slows");
    assert_eq!(rows[2]["with_cloud"]["verdict"], "holds");
    assert!(rows[2]["with_cloud"]["cloud_cost"].as_f64().unwrap() > 0.0);
    let breaks = rows[2]["breaks"].to_string();
    assert!(breaks.contains("public-service/qr-web needs 500 replicas at the peak, and spec.autoscaling.maxReplicas is 80"), "{breaks}");
    let assumed = json["assumptions"].to_string();
    assert!(
        assumed.contains("vaccine-records does not follow load: it stays at 4 replicas"),
        "{assumed}"
    );
}

#[test]
fn what_manifests_say_is_played_or_said_to_be_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let text = r#"
kind: Site
metadata: {name: home}
spec: {type: OnPrem, jurisdiction: ID, watermarks: {highPercent: 70, lowPercent: 50}, capacity: {max: {cpu: "100"}}}
---
kind: Site
metadata: {name: cloud}
spec: {type: Cloud, jurisdiction: ID, price: {currency: IDR, perCpuHour: "1", perGibHour: "0"}}
---
kind: CloudBudget
metadata: {name: public}
---
kind: HybridWorkload
metadata: {name: web, namespace: shop}
spec:
  class: MassTraffic
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  mode: Observe
  autoscaling:
    maxReplicas: 10
    load: {signal: {source: a, query: b}, perReplica: "10", headroomPercent: 20}
    behavior: {scaleUp: {selectPolicy: Max}, scaleDown: {stabilizationWindowSeconds: 90}}
    forecast: "On"
    schedules:
    - {name: opening, cron: {start: "0 8 * * *", durationSeconds: 3600, timeZone: Asia/Jakarta}, expect: {load: 2k}}
    - {name: never, at: {from: "2030-01-02T00:00:00Z", until: "2030-01-01T00:00:00Z"}, expect: {replicas: 1}}
  placement: {tiers: [{sites: [home], maxReplicas: 5}, {sites: [cloud], minReplicas: 1}]}
  drainBack: {afterSeconds: 30, stepPercent: 50}
  dependsOn: [{name: records, quota: {limit: 300k, per: Day}}]
"#;
    std::fs::write(dir.path().join("a.yaml"), text).unwrap();
    let mut read = manifests::read(&[dir.path().to_owned()]).unwrap();
    let trace = pinisi_simulator::rows::registration();
    read.announce(&trace);
    let service = &read.services[0];
    let policy = &service.policy;
    let tiers = policy
        .tiers
        .iter()
        .map(|t| (t.sites[0].as_str(), t.min.get(), t.max.get()));
    assert_eq!(
        tiers.collect::<Vec<_>>(),
        [("home", 0, 5), ("cloud", 1, 100_000)]
    );
    assert_eq!(
        (
            policy.drain.after.as_secs(),
            policy.drain.step.get(),
            policy.drain.interval.as_secs()
        ),
        (30, 50, 60)
    );
    assert_eq!(policy.scale_down_window.map(|w| w.as_secs()), Some(90));
    assert!(policy.forecast);
    assert_eq!(
        (
            read.sites[0].watermarks.high.get(),
            read.sites[0].watermarks.low.get()
        ),
        (70, 50)
    );
    let end = trace.span().on_calendar(trace.start);
    let within = service
        .windows
        .iter()
        .filter(|w| trace.start <= w.start && w.start < end);
    assert_eq!(within.count(), 1, "{:?}", service.windows);
    assert!(
        read.notes
            .iter()
            .any(|note| note.contains("spec.autoscaling.schedules[1].at.until")),
        "{:?}",
        read.notes
    );
    let left: Vec<_> = read
        .left
        .iter()
        .map(|left| (left.object.as_str(), left.field.as_str()))
        .collect();
    let web = "HybridWorkload shop/web";
    assert_eq!(
        left,
        [
            ("CloudBudget public", "spec"),
            (web, "spec.autoscaling.behavior.scaleUp"),
            (web, "spec.dependsOn"),
            (web, "spec.mode"),
            ("Site cloud", "spec.price"),
            ("Site home", "spec.capacity"),
        ]
    );
}

#[test]
fn manifests_that_say_too_little_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.yaml");
    let read = |text: &str| {
        std::fs::write(&path, text).unwrap();
        format!(
            "{:#}",
            manifests::read(&[dir.path().to_owned()]).unwrap_err()
        )
    };
    assert!(read("kind: Service").contains("there is no HybridWorkload"));
    assert!(read("a: [").contains("is no YAML"));
    assert!(read("kind: Site\nmetadata: {name: home}\nspec: {}").contains("Site home in"));
    let workload = "kind: HybridWorkload\nmetadata: {name: a}\nspec: {class: MassTraffic, targetRef: {apiVersion: apps/v1, kind: Deployment, name: a}}";
    assert!(read(workload).contains("there is no Site of type OnPrem"));
}

#[test]
fn users_are_counted_as_people_say_it() {
    for (text, want) in [("1", 1), ("500k", 500_000), ("50M", 50_000_000)] {
        assert_eq!(text.parse(), Ok(Users(want)));
    }
    for text in [
        "",
        "M",
        "0",
        "-1",
        "1.5M",
        "99999M",
        "5G",
        "many",
        "99999999999999999999M",
    ] {
        assert!(text.parse::<Users>().is_err(), "{text}");
    }
    assert_eq!(
        [Users(5_000_000).words(), Users(1_500).words()],
        ["5 M", "1,500"]
    );
}
