//! `spec.autoscaling.metrics`: what a sound one becomes, how readings are pooled and when they are
//! lost, and each thing that can be wrong.

use super::{build::*, remote};
use crate::check::problem::Problem;
use crate::gather::cluster::ClusterView;
use crate::gather::link::{Link, LinkFault};
use crate::gather::metrics::answers::{ContainerUsage, Ended, Figure, PodUsage, Usage};
use crate::gather::metrics::fault::MetricsFault;
use crate::gather::metrics::question::{Api, Place, Question};
use crate::gather::metrics::wanted;
use crate::gather::wire::PodWire;
use jiff::{SignedDuration, Timestamp};
use pinisi_planner::hpa::{
    Fault, Metric, Phase, PolicyKind, Reading, ResourceTarget, Select, Tolerance, ValueTarget,
};
use pinisi_planner::model::workload::{Demand, MetricsDemand};
use serde_json::{Value, json};

fn cpu() -> Value {
    json!({"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}})
}

fn container() -> Value {
    json!({"type": "ContainerResource", "containerResource": {"name": "memory", "container": "main", "target": {"type": "AverageValue", "averageValue": "100Mi"}}})
}

fn packets() -> Value {
    json!({"type": "Pods", "pods": {"metric": {"name": "packets", "selector": {"matchLabels": {"verb": "GET"}}}, "target": {"type": "AverageValue", "averageValue": "1k"}}})
}

fn ingress() -> Value {
    json!({"type": "Object", "object": {"metric": {"name": "rps"}, "describedObject": {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": "main"}, "target": {"type": "Value", "value": "2k"}}})
}

fn queue() -> Value {
    json!({"type": "External", "external": {"metric": {"name": "queue", "selector": {"matchLabels": {"queue": "orders"}}}, "target": {"type": "AverageValue", "averageValue": 30}}})
}

/// `shop/web` that follows these metrics, with two pods at home.
fn following(metrics: Value) -> Cluster {
    let mut c = Cluster::with_web();
    let mut hw = web();
    set(&mut hw, "spec.autoscaling.load", Value::Null);
    set(&mut hw, "spec.autoscaling.metrics", metrics);
    c.workload(hw);
    c.pod(running("web-1"));
    c.pod(running("web-2"));
    c
}

fn running(name: &str) -> Value {
    let mut pod = pod("shop", name, "web", None, Some("h1"));
    set(&mut pod, "status.startTime", json!("2026-11-20T11:00:00Z"));
    set(
        &mut pod,
        "status.conditions",
        json!([{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-20T11:00:05Z"}]),
    );
    pod
}

fn demand(c: &Cluster) -> MetricsDemand {
    match c.web().demand {
        Demand::Metrics(demand) => *demand,
        other => panic!("{other:?}"),
    }
}

fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

fn used(cpu: i64, memory: i64, at: Timestamp) -> PodUsage {
    let containers = [ContainerUsage {
        name: "main".into(),
        cpu: Some(cpu),
        memory: Some(memory),
    }];
    PodUsage {
        at: Some(at),
        window: SignedDuration::from_secs(15),
        containers: containers.into(),
    }
}

fn usage(pods: &[(&str, PodUsage)]) -> Usage {
    let pods = pods.iter().cloned().map(|(n, u)| (n.into(), u)).collect();
    Usage {
        covers: ["shop".to_owned()].into(),
        pods: [("shop".to_owned(), pods)].into(),
    }
}

/// What a cluster answered in a round, some seconds ago.
fn answered(c: &mut Cluster, place: &Place, ended: Ended, seconds: i64) {
    c.0.metrics
        .take_in(place, ended, ago(seconds), ago(seconds));
}

fn figure(name: &str, milli: i64, at: Option<Timestamp>) -> Figure {
    Figure {
        name: name.into(),
        milli: Ok(milli),
        at,
        window: None,
    }
}

/// The one question that is asked of a cluster, answered.
fn list(c: &mut Cluster, place: &Place, result: Result<Vec<Figure>, MetricsFault>, seconds: i64) {
    let question = question(c, place);
    answered(c, place, Ended::List(question, result), seconds);
}

fn question(c: &Cluster, place: &Place) -> Question {
    let wanted = wanted::of(&c.0);
    let lists = &wanted[place].lists;
    assert_eq!(lists.len(), 1, "{lists:?}");
    lists.first().cloned().unwrap()
}

fn values(metric: &Metric) -> Vec<(String, String, i64)> {
    let (Metric::Resource { reading, .. } | Metric::Pods { reading, .. }) = metric else {
        panic!("{metric:?}")
    };
    match reading {
        Reading::Read(values) => values
            .iter()
            .map(|v| (v.pod.site.to_string(), v.pod.name.to_string(), v.milli))
            .collect(),
        Reading::Lost(fault) => panic!("{fault:?}"),
    }
}

fn fault(metric: &Metric) -> Fault {
    let found = match metric {
        Metric::Resource { reading, .. } | Metric::Pods { reading, .. } => lost(reading),
        Metric::Object { reading, .. } => lost(reading),
        Metric::External { reading, .. } => lost(reading),
    };
    found.unwrap_or_else(|| panic!("{metric:?}"))
}

fn lost<T>(reading: &Reading<T>) -> Option<Fault> {
    match reading {
        Reading::Read(_) => None,
        Reading::Lost(fault) => Some(fault.clone()),
    }
}

#[test]
fn every_type_becomes_what_the_planner_takes() {
    let c = following(json!([cpu(), container(), packets(), ingress(), queue()]));
    let demand = demand(&c);
    assert_eq!(
        (demand.min.get(), demand.max.get(), demand.generation),
        (2, 50, 2)
    );
    assert_eq!((demand.status.get(), demand.behavior), (3, None));
    let words: Vec<_> = demand.metrics.iter().map(Metric::kind).collect();
    assert_eq!(
        words,
        [
            "Resource",
            "ContainerResource",
            "Pods",
            "Object",
            "External"
        ]
    );
    let targets = (
        &demand.metrics[0],
        &demand.metrics[1],
        &demand.metrics[2],
        &demand.metrics[3],
        &demand.metrics[4],
    );
    assert!(matches!(
        targets,
        (
            Metric::Resource {
                target: ResourceTarget::Utilization(50),
                ..
            },
            Metric::Resource {
                target: ResourceTarget::AverageValue(104_857_600_000),
                ..
            },
            Metric::Pods {
                average: 1_000_000,
                ..
            },
            Metric::Object {
                target: ValueTarget::Value(2_000_000),
                ..
            },
            Metric::External {
                target: ValueTarget::AverageValue(30_000),
                ..
            },
        )
    ));
    // Nothing was asked yet: all lost, and no sync is made on it.
    assert!(
        demand
            .metrics
            .iter()
            .all(|m| fault(m) == Fault::NotAskedYet)
    );
    assert_eq!(demand.read_at, Timestamp::UNIX_EPOCH);
}

#[test]
fn pods_come_with_what_an_hpa_looks_at() {
    let mut c = following(json!([cpu()]));
    let mut leaving = running("web-3");
    set(
        &mut leaving,
        "metadata.deletionTimestamp",
        json!("2026-11-20T11:00:00Z"),
    );
    set(&mut leaving, "status.phase", json!("Failed"));
    c.pod(leaving);
    c.pod(pod("shop", "web-cloud-1", "web", Some("cloud"), None));
    c.pod(pod("shop", "other", "other", None, Some("h1")));
    let pods = demand(&c).pods;
    let names: Vec<_> = pods
        .iter()
        .map(|p| (p.key.site.as_str(), &*p.key.name, p.phase, p.terminating))
        .collect();
    assert_eq!(
        names,
        [
            ("home", "web-1", Phase::Running, false),
            ("home", "web-2", Phase::Running, false),
            ("home", "web-3", Phase::Failed, true),
            ("cloud", "web-cloud-1", Phase::Pending, false),
        ]
    );
    assert!(pods[0].serves() && !pods[3].serves());
    assert_eq!(
        (pods[0].started, pods[0].ready.map(|r| r.since)),
        (
            Some("2026-11-20T11:00:00Z".parse().unwrap()),
            Some("2026-11-20T11:00:05Z".parse().unwrap())
        )
    );
    assert!(
        std::sync::Arc::ptr_eq(&pods[0].requests, &pods[1].requests),
        "pods of one template share their requests"
    );
    assert_eq!(pods[0].requests.containers[0].requests.len(), 2);
    // An average of something outside needs no pods.
    assert!(demand(&following(json!([queue()]))).pods.is_empty());
}

#[test]
fn use_is_read_by_pod_and_by_container() {
    let mut c = following(json!([cpu(), container()]));
    let pods = [
        ("web-1", used(200, 5000, ago(5))),
        ("web-2", used(300, 7000, ago(5))),
        ("gone", used(900, 9000, ago(5))),
    ];
    answered(&mut c, &Place::Hub, Ended::Usage(Ok(usage(&pods))), 3);
    let demand = demand(&c);
    let home = |name: &str, n| ("home".to_owned(), name.to_owned(), n);
    assert_eq!(
        values(&demand.metrics[0]),
        [home("web-1", 200), home("web-2", 300)]
    );
    assert_eq!(
        values(&demand.metrics[1]),
        [home("web-1", 5000), home("web-2", 7000)]
    );
    assert_eq!(demand.read_at, ago(3));
}

#[test]
fn a_pod_of_which_not_all_is_known_has_no_value() {
    let mut c = following(json!([cpu(), container()]));
    let mut half = used(200, 5000, ago(5));
    half.containers = [
        half.containers[0].clone(),
        ContainerUsage {
            name: "side".into(),
            cpu: None,
            memory: Some(1),
        },
    ]
    .into();
    let mut bare = used(1, 1, ago(5));
    bare.containers = [].into();
    let pods = [("web-1", half), ("web-2", bare)];
    answered(&mut c, &Place::Hub, Ended::Usage(Ok(usage(&pods))), 3);
    let demand = demand(&c);
    assert!(values(&demand.metrics[0]).is_empty());
    assert_eq!(values(&demand.metrics[1]).len(), 1);
}

#[test]
fn a_failure_is_borne_until_the_last_word_is_stale() {
    let fails = |seconds| {
        let mut c = following(json!([cpu()]));
        let pods = [("web-1", used(200, 1, ago(seconds)))];
        answered(&mut c, &Place::Hub, Ended::Usage(Ok(usage(&pods))), seconds);
        let fault = MetricsFault::Unavailable {
            api: Api::Resource,
            said: "the server is currently unable to handle the request".into(),
        };
        answered(&mut c, &Place::Hub, Ended::Usage(Err(fault)), 1);
        demand(&c)
    };
    let young = fails(59);
    assert_eq!(values(&young.metrics[0]).len(), 1);
    assert_eq!(young.read_at, ago(1), "growth by other metrics goes on");
    let Fault::Unavailable(text) = fault(&fails(60).metrics[0]) else {
        panic!()
    };
    assert!(
        text.contains("metrics.k8s.io does not answer: HTTP status 503")
            && text.contains("kubectl get apiservices"),
        "{text}"
    );
}

#[test]
fn an_api_that_fails_is_the_cause_though_its_last_values_are_old_too() {
    // Measured 40 seconds before the answer came: they grow old before the answer does.
    let fails = || MetricsFault::Unavailable {
        api: Api::External,
        said: "x".into(),
    };
    let named = |c: &Cluster| {
        let found = fault(&demand(c).metrics[0]);
        assert!(
            matches!(&found, Fault::Unavailable(text) if text.contains("does not answer")),
            "{found:?}"
        );
    };
    let mut c = following(json!([queue()]));
    let old = vec![figure("", 40_000, Some(ago(70)))];
    list(&mut c, &Place::Hub, Ok(old), 30);
    assert_eq!(fault(&demand(&c).metrics[0]), Fault::Stale { at: ago(70) });
    list(&mut c, &Place::Hub, Err(fails()), 1);
    named(&c);

    let mut c = following(json!([packets()]));
    let old = vec![figure("web-1", 40_000, Some(ago(70)))];
    list(&mut c, &Place::Hub, Ok(old), 30);
    list(&mut c, &Place::Hub, Err(fails()), 1);
    named(&c);

    let mut c = following(json!([cpu()]));
    let pods = [("web-1", used(200, 1, ago(80)))];
    answered(&mut c, &Place::Hub, Ended::Usage(Ok(usage(&pods))), 30);
    answered(&mut c, &Place::Hub, Ended::Usage(Err(fails())), 1);
    named(&c);
}

#[test]
fn a_cluster_that_is_asked_no_more_is_stale() {
    let mut c = following(json!([cpu()]));
    let pods = [("web-1", used(200, 1, ago(90)))];
    answered(&mut c, &Place::Hub, Ended::Usage(Ok(usage(&pods))), 61);
    assert_eq!(fault(&demand(&c).metrics[0]), Fault::Stale { at: ago(61) });
}

#[test]
fn values_that_are_old_though_the_answer_is_new() {
    let read = |ages: [i64; 2]| {
        let mut c = following(json!([cpu()]));
        let pods = [
            ("web-1", used(200, 1, ago(ages[0]))),
            ("web-2", used(200, 1, ago(ages[1]))),
        ];
        answered(&mut c, &Place::Hub, Ended::Usage(Ok(usage(&pods))), 1);
        demand(&c).metrics[0].clone()
    };
    // A minute, and the window of 15 seconds in which it was measured.
    assert_eq!(
        values(&read([74, 75])).len(),
        1,
        "that one counts as missing"
    );
    assert_eq!(fault(&read([75, 80])), Fault::Stale { at: ago(75) });
    let Fault::NotANumber(text) = fault(&read([-60, 5])) else {
        panic!()
    };
    assert!(text.contains("60 s ahead"), "{text}");
}

#[test]
fn a_namespace_that_the_answer_does_not_cover_is_not_empty() {
    let mut c = following(json!([cpu()]));
    let mut other = usage(&[]);
    other.covers = ["other".to_owned()].into();
    answered(&mut c, &Place::Hub, Ended::Usage(Ok(other)), 1);
    assert_eq!(fault(&demand(&c).metrics[0]), Fault::NotAskedYet);
}

#[test]
fn custom_metrics_of_pods() {
    let mut c = following(json!([packets()]));
    c.pod(pod("shop", "web-cloud-1", "web", Some("cloud"), Some("c1")));
    let Question::Pods {
        namespace,
        metric,
        pods,
        labels,
    } = question(&c, &Place::Hub)
    else {
        panic!()
    };
    assert_eq!(
        (&*namespace, &*metric, &*pods, &*labels),
        ("shop", "packets", "app=web", "verb=GET")
    );
    let mut none = figure("web-2", 0, None);
    none.milli = Err("NaN".into());
    let figures = vec![
        figure("web-1", 900_000, Some(ago(5))),
        none.clone(),
        figure("web-cloud-1", 800_000, None),
        figure("gone", 1, None),
    ];
    list(&mut c, &Place::Hub, Ok(figures), 2);
    let found = values(&demand(&c).metrics[0]);
    let of = |site: &str, name: &str, n| (site.to_owned(), name.to_owned(), n);
    assert_eq!(
        found,
        [
            of("home", "web-1", 900_000),
            of("cloud", "web-cloud-1", 800_000),
            of("home", "gone", 1),
        ],
        "as an HPA keeps values of pods that it does not know"
    );
    list(&mut c, &Place::Hub, Ok(vec![none]), 1);
    assert_eq!(
        fault(&demand(&c).metrics[0]),
        Fault::NotANumber("NaN".into())
    );
}

#[test]
fn values_from_outside() {
    let mut c = following(json!([queue()]));
    assert!(
        matches!(question(&c, &Place::Hub), Question::External { labels, .. } if labels == "queue=orders")
    );
    let series = |ages: [Option<i64>; 2]| {
        let [a, b] = ages.map(|age| age.map(ago));
        vec![figure("", 40_000, a), figure("", -500, b)]
    };
    let read = |c: &mut Cluster, ages| {
        list(c, &Place::Hub, Ok(series(ages)), 1);
        demand(c).metrics[0].clone()
    };
    let fresh = read(&mut c, [Some(5), None]);
    assert!(
        matches!(&fresh, Metric::External { reading: Reading::Read(values), .. } if *values == [40_000, -500])
    );
    assert_eq!(
        fault(&read(&mut c, [Some(5), Some(60)])),
        Fault::Stale { at: ago(60) },
        "one old series spoils the sum"
    );
    let mut no_number = series([None, None]);
    no_number[1].milli = Err("x".into());
    list(&mut c, &Place::Hub, Ok(no_number), 1);
    assert_eq!(fault(&demand(&c).metrics[0]), Fault::NotANumber("x".into()));
}

#[test]
fn every_fault_says_the_way_out_once_it_counts() {
    let faults = [
        (MetricsFault::ApiMissing(Api::External), "install"),
        (MetricsFault::NoMetric("no queue".into()), "no queue"),
        (
            MetricsFault::Forbidden {
                api: Api::External,
                said: "no".into(),
            },
            "grant it get and list",
        ),
        (
            MetricsFault::Timeout {
                api: Api::External,
                seconds: 5,
            },
            "within 5 s",
        ),
        (MetricsFault::Sick(Api::External), "kubectl get --raw"),
        (
            MetricsFault::Status {
                code: 500,
                said: "x".into(),
            },
            "status 500",
        ),
        (MetricsFault::Unreachable("refused".into()), "refused"),
        (MetricsFault::TooLarge(9), "9 bytes"),
        (MetricsFault::TooMany(9), "selector"),
        (MetricsFault::Shape("eof".into()), "eof"),
        (MetricsFault::Empty(Api::External), "returned no value"),
        (MetricsFault::NotOne(2), "one was asked"),
        (
            MetricsFault::NoKind {
                api_version: "v9".into(),
                kind: "Thing".into(),
            },
            "describedObject",
        ),
    ];
    for (why, words) in faults {
        let mut c = following(json!([queue()]));
        list(&mut c, &Place::Hub, Err(why), 1);
        let Fault::Unavailable(text) = fault(&demand(&c).metrics[0]) else {
            panic!()
        };
        assert!(text.contains(words), "{words:?} is not in {text:?}");
    }
}

#[test]
fn a_sync_waits_for_the_slowest_question_but_not_for_ever() {
    let mut c = following(json!([cpu(), queue()]));
    let round = |c: &mut Cluster, seconds: i64| {
        answered(c, &Place::Hub, Ended::Usage(Ok(usage(&[]))), seconds);
    };
    round(&mut c, 40);
    assert_eq!(demand(&c).read_at, Timestamp::UNIX_EPOCH);
    list(&mut c, &Place::Hub, Ok(vec![figure("", 1, None)]), 40);
    assert_eq!(demand(&c).read_at, ago(40));
    round(&mut c, 25);
    assert_eq!(demand(&c).read_at, ago(40), "the other answers any moment");
    round(&mut c, 10);
    assert_eq!(demand(&c).read_at, ago(10), "it is two rounds behind");
}

#[test]
fn load_beside_metrics() {
    let mut c = following(json!([queue()]));
    let mut hw = web();
    set(&mut hw, "spec.autoscaling.metrics", json!([queue()]));
    set(
        &mut hw,
        "spec.autoscaling.behavior",
        json!({"scaleDown": {"stabilizationWindowSeconds": 60}}),
    );
    c.workload(hw);
    let load = demand(&c).load.unwrap();
    assert_eq!(load.scale_down_window, Some(SignedDuration::from_secs(60)));
}

#[test]
fn behavior_has_the_defaults_that_an_hpa_gets() {
    let with = |behavior: Value| {
        let mut c = following(json!([queue()]));
        let mut hw = web();
        set(&mut hw, "spec.autoscaling.load", Value::Null);
        set(&mut hw, "spec.autoscaling.metrics", json!([queue()]));
        set(&mut hw, "spec.autoscaling.behavior", behavior);
        c.workload(hw);
        demand(&c).behavior.unwrap()
    };
    let empty = with(json!({}));
    assert_eq!(
        (empty.up.window_seconds, empty.up.policies.len()),
        (Some(0), 2)
    );
    assert_eq!(
        (empty.down.window_seconds, empty.down.policies.len()),
        (None, 1)
    );
    let full = with(json!({
        "scaleUp": {"tolerance": 0, "selectPolicy": "Min", "policies": [{"type": "Percent", "value": 10, "periodSeconds": 60}]},
        "scaleDown": {"stabilizationWindowSeconds": 0, "selectPolicy": "Disabled", "tolerance": "0.05"},
    }));
    assert_eq!(
        (full.up.select, full.up.tolerance, full.up.window_seconds),
        (Select::Min, Some(Tolerance::ZERO), Some(0))
    );
    let policy = full.up.policies[0];
    assert_eq!(
        (policy.kind, policy.value, policy.period_seconds),
        (PolicyKind::Percent, 10, 60)
    );
    assert_eq!(
        (
            full.down.select,
            full.down.window_seconds,
            full.down.policies.len()
        ),
        (Select::Disabled, Some(0), 1)
    );
    assert_eq!(full.down.tolerance, Some(Tolerance::from_nanos(50_000_000)));
}

#[test]
fn bad_metrics_are_named_with_their_field() {
    let with = |change: fn(&mut Value)| {
        let mut metrics = json!([cpu(), packets(), ingress(), queue()]);
        change(&mut metrics);
        following(metrics)
    };
    type Case = (fn(&mut Value), &'static str, &'static [&'static str]);
    let cases: [Case; 16] = [
        (
            |m| m[3]["external"]["target"]["averageValue"] = json!("0"),
            "ValueOutOfRange",
            &[
                "spec.autoscaling.metrics[3].external.target.averageValue",
                "above 0",
            ],
        ),
        (
            |m| m[3]["external"]["target"]["averageValue"] = json!("-5"),
            "ValueOutOfRange",
            &["metrics[3].external.target.averageValue", "\"-5\""],
        ),
        (
            |m| m[3]["external"]["target"]["value"] = json!("5"),
            "ValueOutOfRange",
            &["metrics[3].external.target", "not both"],
        ),
        (
            |m| m[3]["external"]["target"] = json!({"type": "Value"}),
            "ValueOutOfRange",
            &["metrics[3].external.target.averageValue", "missing"],
        ),
        (
            |m| m[3]["type"] = json!("Object"),
            "ValueOutOfRange",
            &["metrics[3].object is missing"],
        ),
        (
            |m| m[0]["pods"] = packets()["pods"].clone(),
            "ValueOutOfRange",
            &["metrics[0].pods is given", "type Resource"],
        ),
        (
            |m| m[0]["resource"]["target"]["averageUtilization"] = json!(0),
            "ValueOutOfRange",
            &[
                "metrics[0].resource.target.averageUtilization is 0",
                "1 or more",
            ],
        ),
        (
            |m| m[0]["resource"]["target"]["averageValue"] = json!("1"),
            "ValueOutOfRange",
            &["metrics[0].resource.target", "not both"],
        ),
        (
            |m| m[0]["resource"]["target"] = json!({"type": "Utilization"}),
            "ValueOutOfRange",
            &["metrics[0].resource.target.averageUtilization is missing"],
        ),
        (
            |m| m[1]["pods"]["metric"]["name"] = json!("a/b"),
            "ValueOutOfRange",
            &["metrics[1].pods.metric.name", "without '/'"],
        ),
        (
            |m| {
                m[1]["pods"]["metric"]["selector"] =
                    json!({"matchExpressions": [{"key": "a", "operator": "Near"}]})
            },
            "BadSelector",
            &["metrics[1].pods.metric.selector"],
        ),
        (
            |m| m[2]["object"]["target"] = json!({"type": "AverageValue", "value": "1"}),
            "ValueOutOfRange",
            &["metrics[2].object.target.averageValue is missing"],
        ),
        (
            |m| m[2]["object"]["target"]["type"] = json!("Utilization"),
            "ValueOutOfRange",
            &["metrics[2].object.target.type", "Value or AverageValue"],
        ),
        (
            |m| m[2]["object"]["describedObject"]["name"] = json!(".."),
            "ValueOutOfRange",
            &["metrics[2].object.describedObject.name"],
        ),
        (
            |m| *m = json!([]),
            "ValueOutOfRange",
            &["spec.autoscaling.metrics is a list of 0"],
        ),
        (
            |m| *m = json!(vec![cpu(); 17]),
            "ValueOutOfRange",
            &["spec.autoscaling.metrics is a list of 17"],
        ),
    ];
    for (change, reason, words) in cases {
        with(change).web_is_refused(reason, words);
    }
    following(json!([{"type": "Magic"}])).web_is_refused("SpecUnreadable", &["Magic"]);
}

#[test]
fn bad_behavior_is_named_with_its_field() {
    for (behavior, words) in [
        (
            json!({"scaleUp": {"policies": []}}),
            ["behavior.scaleUp.policies", "a list of 0"],
        ),
        (
            json!({"scaleUp": {"policies": [{"type": "Pods", "value": 0, "periodSeconds": 15}]}}),
            ["behavior.scaleUp.policies[0].value", "from 1"],
        ),
        (
            json!({"scaleDown": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 1801}]}}),
            ["behavior.scaleDown.policies[0].periodSeconds", "1800"],
        ),
        (
            json!({"scaleDown": {"tolerance": "-0.1"}}),
            ["behavior.scaleDown.tolerance", "0 or more"],
        ),
        (
            json!({"scaleDown": {"stabilizationWindowSeconds": 3601}}),
            ["behavior.scaleDown.stabilizationWindowSeconds", "3600"],
        ),
    ] {
        let mut c = following(json!([queue()]));
        let mut hw = web();
        set(&mut hw, "spec.autoscaling.metrics", json!([queue()]));
        set(&mut hw, "spec.autoscaling.behavior", behavior);
        c.workload(hw);
        c.web_is_refused("ValueOutOfRange", &words);
    }
}

#[test]
fn zero_needs_something_that_can_wake_it() {
    let zero = |metrics: Value, load: bool| {
        let mut c = following(json!([queue()]));
        let mut hw = web();
        if !load {
            set(&mut hw, "spec.autoscaling.load", Value::Null);
        }
        set(&mut hw, "spec.autoscaling.metrics", metrics);
        set(&mut hw, "spec.autoscaling.minReplicas", json!(0));
        c.workload(hw);
        c
    };
    zero(json!([cpu()]), false).web_is_refused(
        "ValueOutOfRange",
        &["spec.autoscaling.minReplicas is 0", "Object or External"],
    );
    assert_eq!(demand(&zero(json!([cpu(), queue()]), false)).min.get(), 0);
    assert_eq!(demand(&zero(json!([cpu()]), true)).min.get(), 0);
}

/// The Site `abroad` in another cluster, with a pod and a Deployment of `shop/web` and a pod of
/// somebody else.
fn with_remote(metrics: Value, link: Link, seen: bool) -> Cluster {
    let mut c = following(metrics);
    remote::add_abroad(&mut c);
    let view = c.0.clusters.get_mut("abroad").unwrap();
    (view.link, view.seen) = (link, seen);
    // A pod of the same name as one at home.
    let mut mine = running("web-1");
    mine["metadata"]["labels"]["pinisi.dev/site"] = json!("abroad");
    for pod in [mine, running("theirs")] {
        let pod: PodWire = serde_json::from_value(pod).unwrap();
        view.apply_pod(pod.into());
    }
    c
}

fn abroad() -> Place {
    Place::Site("abroad".into())
}

#[test]
fn pods_of_another_cluster_are_pooled() {
    let mut c = with_remote(json!([cpu(), packets()]), Link::Up, true);
    let wanted = wanted::of(&c.0);
    assert_eq!(wanted.len(), 2);
    assert!(wanted[&abroad()].usage.contains("shop"));
    let pods = question(&c, &abroad());
    assert!(
        matches!(&pods, Question::Pods { pods, .. } if pods == "app=web,pinisi.dev/site=abroad"),
        "{pods:?}"
    );
    let here = usage(&[("web-1", used(100, 1, ago(5)))]);
    answered(&mut c, &Place::Hub, Ended::Usage(Ok(here)), 2);
    let there = usage(&[
        ("web-1", used(700, 1, ago(5))),
        ("theirs", used(900, 1, ago(5))),
    ]);
    answered(&mut c, &abroad(), Ended::Usage(Ok(there)), 2);
    list(&mut c, &Place::Hub, Ok(vec![figure("web-2", 5, None)]), 2);
    list(&mut c, &abroad(), Ok(vec![figure("web-1", 6, None)]), 2);
    let demand = demand(&c);
    let of = |site: &str, name: &str, n| (site.to_owned(), name.to_owned(), n);
    assert_eq!(
        values(&demand.metrics[0]),
        [of("home", "web-1", 100), of("abroad", "web-1", 700)]
    );
    assert_eq!(
        values(&demand.metrics[1]),
        [of("home", "web-2", 5), of("abroad", "web-1", 6)]
    );
    assert_eq!(demand.pods.len(), 3);
    assert_eq!(demand.status.get(), 3 + 4);
    assert!(demand.unknown_sites.is_empty());
    assert_eq!(demand.read_at, ago(2));
}

#[test]
fn pods_that_have_just_come_elsewhere_are_without_values_for_a_round() {
    let mut c = with_remote(json!([cpu(), packets()]), Link::Up, true);
    let here = usage(&[("web-1", used(100, 1, ago(5)))]);
    answered(&mut c, &Place::Hub, Ended::Usage(Ok(here)), 2);
    list(&mut c, &Place::Hub, Ok(vec![figure("web-2", 5, None)]), 2);
    let demand = demand(&c);
    assert_eq!(
        (values(&demand.metrics[0]).len(), demand.pods.len()),
        (1, 3)
    );
    assert!(demand.unknown_sites.is_empty());
    assert_eq!(demand.read_at, ago(2), "no sync is made for them alone");
}

#[test]
fn a_cluster_out_of_reach_is_an_unknown_site() {
    let down = Link::Down {
        since: ago(100),
        fault: LinkFault::WritesFail { error: "x".into() },
    };
    for link in [down, Link::Connecting] {
        let mut c = with_remote(json!([cpu()]), link, true);
        let here = usage(&[("web-1", used(100, 1, ago(5)))]);
        answered(&mut c, &Place::Hub, Ended::Usage(Ok(here)), 2);
        let demand = demand(&c);
        assert_eq!(values(&demand.metrics[0]).len(), 1, "growth goes on");
        let unknown: Vec<_> = demand.unknown_sites.iter().map(|s| s.as_str()).collect();
        assert_eq!(unknown, ["abroad"]);
        assert_eq!(demand.pods.len(), 3, "pods are those seen last");
        assert_eq!(demand.read_at, ago(2), "it is not waited for");
    }
}

#[test]
fn a_site_that_never_got_anything_is_not_waited_for() {
    let mut c = with_remote(json!([cpu()]), Link::Connecting, false);
    c.0.clusters.insert("abroad".into(), ClusterView::default());
    let here = usage(&[("web-1", used(100, 1, ago(5)))]);
    answered(&mut c, &Place::Hub, Ended::Usage(Ok(here)), 2);
    assert!(demand(&c).unknown_sites.is_empty());
    // What was decided there before a restart may run, though nothing is known yet.
    let mut hw = web();
    set(&mut hw, "spec.autoscaling.load", Value::Null);
    set(&mut hw, "spec.autoscaling.metrics", json!([cpu()]));
    hw["status"] = json!({"sites": [{"name": "abroad", "desired": 3, "ready": 0}]});
    c.workload(hw);
    assert_eq!(demand(&c).unknown_sites.len(), 1);
    c.0.clusters.clear();
    assert_eq!(demand(&c).unknown_sites.len(), 1);
}

#[test]
fn a_metrics_api_that_fails_in_another_cluster_is_said_and_stops_only_shrinking() {
    let mut c = with_remote(json!([cpu()]), Link::Up, true);
    let here = usage(&[("web-1", used(100, 1, ago(5)))]);
    answered(&mut c, &Place::Hub, Ended::Usage(Ok(here)), 2);
    let fault = MetricsFault::ApiMissing(Api::Resource);
    answered(&mut c, &abroad(), Ended::Usage(Err(fault)), 2);
    let demand = demand(&c);
    assert_eq!(values(&demand.metrics[0]).len(), 1);
    assert_eq!(demand.unknown_sites.len(), 1);
    let checked = c.check();
    let problems = &checked.workloads[&id("shop", "web")].problems;
    let said = problems
        .iter()
        .find(|p| matches!(p, Problem::MetricUnknownAt { .. }))
        .unwrap();
    let text = said.to_string();
    for word in [
        "spec.autoscaling.metrics[0]",
        "Site abroad",
        "metrics-server",
    ] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    assert!(!said.blocks());
}

#[test]
fn nothing_is_asked_where_nobody_has_metrics() {
    let mut c = Cluster::with_web();
    assert!(wanted::of(&c.0).is_empty() && !wanted::any(&c.0));
    let mut hw = web();
    set(&mut hw, "spec.autoscaling.metrics", json!([queue()]));
    set(
        &mut hw,
        "metadata.deletionTimestamp",
        json!("2026-11-20T11:00:00Z"),
    );
    c.workload(hw);
    assert!(wanted::of(&c.0).is_empty());
    // Without its target a workload has no pods to ask for, but may have them any moment.
    let mut c = following(json!([packets()]));
    c.0.deployments.clear();
    assert!(wanted::of(&c.0).is_empty() && wanted::any(&c.0));
}

#[test]
fn what_several_ask_is_asked_once() {
    let mut c = following(json!([cpu(), queue(), queue(), ingress()]));
    let mut other = web();
    set(&mut other, "metadata.name", json!("api"));
    set(&mut other, "spec.targetRef.name", json!("api"));
    set(&mut other, "spec.autoscaling.load", Value::Null);
    set(
        &mut other,
        "spec.autoscaling.metrics",
        json!([queue(), cpu()]),
    );
    c.deployment(deployment("shop", "api", 1));
    c.workload(other);
    let wanted = wanted::of(&c.0);
    let hub = &wanted[&Place::Hub];
    assert_eq!((hub.usage.len(), hub.lists.len()), (1, 2));
}

fn driver(metrics: Value) -> Value {
    json!({"metadata": {"name": "outer", "namespace": "shop"},
        "spec": {"scaleTargetRef": {"apiVersion": "pinisi.dev/v1alpha1", "kind": "HybridWorkload", "name": "web"}, "maxReplicas": 9, "metrics": metrics}})
}

/// `shop/web` whose own /scale an HPA sets, with a site in another cluster or without.
fn driven(metrics: Value, away: &str) -> Cluster {
    let mut c = with_remote(json!([cpu()]), Link::Up, true);
    let mut hw = web();
    set(&mut hw, "spec.autoscaling", Value::Null);
    set(&mut hw, "spec.replicas", json!(5));
    set(
        &mut hw,
        "spec.placement.tiers",
        json!([{"sites": ["home"]}, {"sites": [away]}]),
    );
    c.workload(hw);
    c.hpa(driver(metrics));
    c
}

#[test]
fn an_hpa_that_counts_pods_may_not_set_a_count_with_a_part_elsewhere() {
    let mut object = ingress();
    let mut external = queue();
    external["external"]["target"] = json!({"type": "Value", "value": "3"});
    for (metrics, field, kind) in [
        (json!([queue(), cpu()]), "spec.metrics[1]", "Resource"),
        (json!([container()]), "spec.metrics[0]", "ContainerResource"),
        (json!([packets()]), "spec.metrics[0]", "Pods"),
        (json!([object.clone()]), "spec.metrics[0]", "Object"),
        (json!([external]), "spec.metrics[0]", "External"),
        (json!([]), "spec.metrics", "Resource"),
    ] {
        let c = driven(metrics, "abroad");
        c.web_is_refused(
            "HpaCountsHomePods",
            &[
                "spec.placement.tiers",
                "Site abroad",
                "HorizontalPodAutoscaler outer",
                field,
                kind,
                "averageValue",
            ],
        );
    }
    object["object"]["target"] = json!({"type": "AverageValue", "averageValue": "3"});
    for (metrics, away) in [
        (json!([queue(), object]), "abroad"),
        // Nodes of this cluster: the HPA sees all pods.
        (json!([cpu()]), "cloud"),
    ] {
        assert_eq!(
            driven(metrics, away).web().demand,
            Demand::Fixed(pinisi_planner::model::amounts::Replicas::new(5))
        );
    }
}
