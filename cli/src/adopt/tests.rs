//! The first step and the comparison, whole.

use super::compare::{Sum, compare};
use super::convert::LoadChoice;
use super::ground::{Ground, Wish};
use super::phase::Phase;
use super::plan::{Step, plan};
use crate::args::{Args, Command};
use crate::handover::testing::{condition, facts, hpa, noon, workload};
use crate::handover::{Autoscaler, Floor, Record};
use clap::Parser as _;
use jiff::SignedDuration;
use pinisi_crds::hybrid_workload::Class;
use serde_json::{Value, json};

fn parsed(words: &[&str]) -> Result<Command, clap::Error> {
    let all = ["kubectl-pinisi"].iter().chain(words).copied();
    Args::try_parse_from(all).map(|args| args.command)
}

#[test]
fn the_command_line_knows_its_verbs() {
    for words in [
        &[
            "adopt",
            "deployment/web",
            "--class",
            "MassTraffic",
            "--overflow",
            "a",
            "--overflow",
            "b",
        ][..],
        &[
            "adopt",
            "deploy/web",
            "--class",
            "sensitive",
            "-n",
            "shop",
            "-o",
            "yaml",
            "--dry-run",
        ],
        &[
            "adopt",
            "deploy/web",
            "--class",
            "MassTraffic",
            "--load",
            "prometheus/rps",
            "--per-replica",
            "100",
        ],
        &[
            "adopt",
            "status",
            "deployment/web",
            "--watch",
            "--for",
            "30",
        ],
        &[
            "-n",
            "shop",
            "adopt",
            "finish",
            "deployment/web",
            "--yes",
            "--no-wait",
        ],
        &["adopt", "finish", "deployment/web", "-n", "shop"],
        &["release", "hw/web", "--force-partial", "-o", "json"],
    ] {
        parsed(words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
    }
    for words in [
        &["adopt", "deployment/web"][..],
        &["adopt", "--class", "MassTraffic"],
        &["adopt", "web", "--class", "MassTraffic"],
        &["adopt", "deploy/web", "--class", "Other"],
        &[
            "adopt",
            "deploy/web",
            "--class",
            "MassTraffic",
            "--per-replica",
            "9",
        ],
        &["adopt", "status", "deployment/web", "--for", "30"],
        &["release", "pod/web"],
        &["release", "hw/web", "--wait", "0"],
    ] {
        assert!(parsed(words).is_err(), "{words:?}");
    }
    match parsed(&["adopt", "status", "deployment/web"]).unwrap() {
        Command::Adopt(options) => assert!(options.next.is_some() && options.make.target.is_none()),
        other => panic!("{other:?}"),
    }
}

fn blind() -> Ground {
    Ground {
        sites: Err("no right".into()),
        nodes: Err("no right".into()),
    }
}

fn wish() -> Wish {
    Wish {
        class: Class::MassTraffic,
        home: Some("home".into()),
        overflow: vec!["cloud".into(), "far".into()],
        label_namespace: false,
    }
}

#[test]
fn the_first_step_makes_a_workload_that_observes() {
    let facts = facts(4, Some(Autoscaler::Hpa(hpa(2, 10, 4))), None);
    let plan = plan(&facts, &blind(), &wish(), &LoadChoice::default(), "web");
    assert_eq!(plan.phase, Phase::NotAdopted);
    assert_eq!(plan.steps, [Step::CreateWorkload { name: "web".into() }]);
    let manifest = serde_saphyr::to_string(plan.manifest.as_ref().unwrap()).unwrap();
    insta::assert_snapshot!("manifest", manifest);
}

#[test]
fn a_second_time_nothing_is_made() {
    let object = workload("Observe", &json!({"maxReplicas": 9}), &Record::default());
    let facts = facts(4, Some(Autoscaler::Hpa(hpa(2, 10, 4))), Some(object));
    let plan = plan(&facts, &blind(), &wish(), &LoadChoice::default(), "web");
    assert_eq!(
        (plan.phase, plan.steps.len(), plan.manifest),
        (Phase::Observing, 0, None)
    );
    assert!(
        plan.phase
            .words(&facts)
            .contains("adopt finish deployment/web --namespace shop")
    );
}

#[test]
fn a_count_by_hand_stays_by_hand() {
    let facts = facts(4, None, None);
    let made = plan(&facts, &blind(), &wish(), &LoadChoice::default(), "web");
    let manifest = made.manifest.unwrap();
    assert!(manifest["spec"].get("autoscaling").is_none() && made.steps.len() == 1);
    let signal = LoadChoice {
        signal: Some("a/b".parse().unwrap()),
        per_replica: Some("9".into()),
    };
    assert!(
        plan(&facts, &blind(), &wish(), &signal, "web")
            .steps
            .is_empty()
    );
}

#[test]
fn phases_are_read_off_the_objects() {
    let phase = |mode: &str, record: &Record, held: bool| {
        let autoscaler = held.then(|| Autoscaler::Hpa(hpa(2, 10, 4)));
        let object = workload(mode, &json!({"maxReplicas": 9}), record);
        Phase::of(&facts(4, autoscaler, Some(object)))
    };
    let nothing = Record::default();
    assert_eq!(phase("Observe", &nothing, true), Phase::Observing);
    assert_eq!(phase("Active", &nothing, true), Phase::TakingOver);
    assert_eq!(phase("Active", &nothing, false), Phase::TakingOver);
    let holding = Record {
        held_since: Some(noon()),
        floor: Some(Floor {
            replicas: 4,
            min_before: None,
        }),
        ..Record::default()
    };
    assert_eq!(phase("Active", &holding, false), Phase::HoldingFloor);
    let done = Record {
        floor: None,
        finished_at: Some(noon()),
        ..holding
    };
    assert_eq!(phase("Active", &done, false), Phase::Adopted);
    assert_eq!(phase("Paused", &done, false), Phase::Paused);
    let back = Record {
        releasing_since: Some(noon()),
        ..done
    };
    assert_eq!(phase("Paused", &back, true), Phase::Releasing);
    assert_eq!(Phase::of(&facts(4, None, None)), Phase::NotAdopted);
}

fn pair(status: &Value, autoscaler: Value) -> super::compare::Pair {
    let mut object = workload(
        "Observe",
        &json!({"minReplicas": 2, "maxReplicas": 10}),
        &Record::default(),
    );
    for (key, value) in status.as_object().unwrap() {
        object["status"][key] = value.clone();
    }
    compare(&facts(4, Some(Autoscaler::Hpa(autoscaler)), Some(object)))
}

#[test]
fn equal_counts_have_no_cause() {
    let pair = pair(&json!({"replicas": 4}), hpa(2, 10, 4));
    assert_eq!((pair.difference, pair.causes.len()), (Some(0), 0));
    insta::assert_json_snapshot!("pair_equal", pair);
}

#[test]
fn each_cause_of_a_difference_is_named() {
    let words =
        |pair: &super::compare::Pair| pair.causes.iter().map(|c| c.cause).collect::<Vec<_>>();
    let mut limited = hpa(2, 8, 8);
    limited["status"]["conditions"]
        .as_array_mut()
        .unwrap()
        .extend([condition(
            "ScalingLimited",
            "True",
            "TooManyReplicas",
            "the desired replica count is more than the maximum",
        )]);
    let found = pair(&json!({"replicas": 10}), limited);
    assert_eq!(found.difference, Some(2));
    assert_eq!(
        words(&found),
        ["AutoscalerLimited", "OtherBounds", "Pinisi"]
    );

    let mut held = hpa(2, 10, 9);
    held["status"]["conditions"][0]["reason"] = json!("ScaleDownStabilized");
    let found = pair(&json!({"replicas": 4}), held);
    assert_eq!(words(&found), ["AutoscalerStabilizes", "Pinisi"]);
    assert_eq!(
        found.autoscaler.as_ref().unwrap().why,
        "ScaleDownStabilized"
    );

    let blind = json!({"replicas": 7, "conditions": [condition("ScalingActive", "False", "SignalStale", "newest sample is old")]});
    assert_eq!(words(&pair(&blind, hpa(2, 10, 4))), ["NoFigures", "Pinisi"]);
    let old = json!({"replicas": 7, "observedGeneration": 0});
    assert_eq!(words(&pair(&old, hpa(2, 10, 4)))[0], "NotLookedAt");
    let mut helpless = hpa(2, 10, 5);
    helpless["status"]["desiredReplicas"] = json!(0);
    helpless["status"]["conditions"][1] = condition(
        "ScalingActive",
        "False",
        "FailedGetResourceMetric",
        "no metrics API",
    );
    let found = pair(&json!({"replicas": 7}), helpless);
    assert_eq!(
        found.difference,
        Some(2),
        "without figures it keeps what runs"
    );
    assert_eq!(words(&found), ["AutoscalerHasNoFigures", "Pinisi"]);
    let mut silent = hpa(2, 10, 4);
    silent["status"] = json!({});
    let found = pair(&json!({"replicas": 7}), silent);
    assert_eq!(
        (found.difference, words(&found)[0]),
        (None, "AutoscalerSilent")
    );
}

#[test]
fn a_hand_is_compared_by_what_runs() {
    let object = workload("Observe", &json!({"maxReplicas": 9}), &Record::default());
    let pair = compare(&facts(6, None, Some(object)));
    assert_eq!(pair.difference, Some(-2));
    assert_eq!(pair.causes[0].cause, "ByHand");
}

#[test]
fn a_sum_counts_rows_and_seconds() {
    let mut sum = Sum::default();
    let mut at = noon();
    for (replicas, seconds) in [(4, 10), (7, 5), (4, 15)] {
        let mut pair = pair(&json!({ "replicas": replicas }), hpa(2, 10, 4));
        pair.at = at;
        sum.add(&pair);
        at += SignedDuration::from_secs(seconds);
    }
    sum.until(at);
    assert_eq!((sum.rows, sum.equal, sum.largest), (3, 2, 3));
    assert_eq!((sum.seconds, sum.seconds_equal), (30, 25));
}
