//! SignalSources that scrape gateways: limits of the spec, and a gateway that fails.

use super::build::*;
use crate::gather::gateway::answer::{GatewayAnswer, GatewayError};
use crate::gather::samples::SignalError;
use jiff::{SignedDuration, Timestamp};
use pinisi_planner::model::workload::{Demand, Signal, SignalFault};
use serde_json::{Value, json};

fn gateways() -> Value {
    json!({"metadata": {"name": "prom", "uid": "u-prom", "generation": 1}, "spec": {
        "gateways": [{"address": "http://gw-0/metrics"}, {"address": "http://gw-1/metrics"}],
        "queries": [{"name": "rps", "metric": "requests_total"}],
    }})
}

fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

fn answer(at: Option<Timestamp>, error: Option<GatewayError>) -> GatewayAnswer {
    GatewayAnswer {
        address: "http://gw-1/metrics".into(),
        series: 7,
        newest: at,
        seen: at,
        failing_since: error.is_some().then(|| ago(3)),
        error,
    }
}

#[test]
fn a_sound_one_has_no_problem() {
    let mut c = Cluster::new();
    c.source(gateways());
    c.0.apply_gateways("prom", vec![answer(Some(ago(2)), None)]);
    let checked = c.check();
    let source = &checked.sources["prom"];
    assert_eq!(source.problems, []);
    let status = &source.status_now.gateways[0];
    assert_eq!(
        (
            status.series,
            status.age_seconds,
            status.failing_since.is_some()
        ),
        (7, Some(5), false)
    );
}

#[test]
fn ages_move_in_steps() {
    for (age, step) in [
        (-9, 1),
        (0, 1),
        (1, 1),
        (2, 5),
        (15, 15),
        (16, 60),
        (3600, 3600),
        (3601, 3601),
        (99_999, 3601),
    ] {
        let mut c = Cluster::new();
        c.source(gateways());
        c.0.apply_gateways("prom", vec![answer(Some(ago(age)), None)]);
        let found = c.check().sources["prom"].status_now.gateways[0].age_seconds;
        assert_eq!(found, Some(step), "{age}");
    }
}

#[test]
fn one_that_fails_is_a_warning_until_its_figures_are_stale() {
    for (age, lost) in [(0, false), (59, false), (60, true), (999, true)] {
        let mut c = Cluster::new();
        c.source(gateways());
        c.0.apply_gateways(
            "prom",
            vec![answer(Some(ago(age)), Some(GatewayError::Status(503)))],
        );
        let checked = c.check();
        let problem = &checked.sources["prom"].problems[0];
        assert_eq!(
            (problem.reason(), problem.blocks()),
            ("HttpStatus", lost),
            "{age}"
        );
        let text = problem.to_string();
        assert!(
            text.contains("spec.gateways[http://gw-1/metrics]: HTTP status 503"),
            "{text}"
        );
        let status = &checked.sources["prom"].status_now.gateways[0];
        assert!(
            status.error.as_ref().is_some_and(|e| e.contains("503"))
                && status.failing_since.is_some()
        );
    }
}

#[test]
fn workloads_of_a_source_that_was_never_whole_are_held_with_its_reason() {
    let mut c = Cluster::with_web();
    c.source(gateways());
    let error = GatewayError::Unreachable("refused".into());
    c.0.apply_gateways("prom", vec![answer(None, Some(error.clone()))]);
    c.source_fails(SignalError::Gateway {
        address: "http://gw-1/metrics".into(),
        error,
    });
    let Demand::Load(load) = c.web().demand else {
        panic!("no load");
    };
    let Signal::Missing(SignalFault::Unreachable(text)) = load.signal else {
        panic!("{:?}", load.signal);
    };
    assert!(
        text.contains("gateway http://gw-1/metrics: no answer: refused"),
        "{text}"
    );
    // Said once, by the query.
    let reasons: Vec<_> = c.check().sources["prom"]
        .problems
        .iter()
        .map(|p| p.reason())
        .collect();
    assert_eq!(reasons, ["Unreachable"]);
}

#[test]
fn specs_out_of_limits() {
    let seventeen: Vec<_> = (0..17)
        .map(|n| json!({"address": format!("http://gw-{n}/")}))
        .collect();
    for (path, value, words) in [
        ("spec.gateways", json!([]), "1 to 16 gateways"),
        ("spec.gateways", json!(seventeen), "1 to 16 gateways"),
        (
            "spec.gateways.0.address",
            json!("gw-0:9100"),
            "spec.gateways[0].address",
        ),
        (
            "spec.gateways.0.address",
            json!("file:///etc/passwd"),
            "spec.gateways[0].address",
        ),
        (
            "spec.gateways.0.address",
            json!("http://me:secret@gw-0/"),
            "without a password",
        ),
        (
            "spec.gateways.0.address",
            json!("http://gw-1/metrics"),
            "an address that no other has",
        ),
        (
            "spec.prometheus",
            json!({"address": "http://127.0.0.1:9090"}),
            "set beside spec.gateways",
        ),
        (
            "spec.queries.0.metric",
            Value::Null,
            "spec.queries[rps].metric",
        ),
        (
            "spec.queries.0.query",
            json!("up"),
            "spec.queries[rps].query",
        ),
        (
            "spec.queries.0.rateWindowMilliseconds",
            json!(199),
            "200 to 60000",
        ),
        ("spec.intervalMilliseconds", json!(99), "100 to 60000"),
        ("spec.intervalMilliseconds", json!(60_000), "at least twice"),
    ] {
        let mut c = Cluster::new();
        let mut s = gateways();
        set(&mut s, path, value);
        c.source(s);
        let checked = c.check();
        let problems = &checked.sources["prom"].problems;
        assert!(
            problems
                .iter()
                .any(|p| p.blocks() && p.to_string().contains(words)),
            "{path}: {words:?} is not in {problems:?}"
        );
    }
    let mut c = Cluster::new();
    let mut s = source();
    set(&mut s, "spec.queries.0.metric", json!("requests_total"));
    c.source(s);
    assert_eq!(
        c.check().sources["prom"].problems[0].reason(),
        "ValueOutOfRange"
    );
}
