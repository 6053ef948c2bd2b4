use super::*;
use crate::testing::{self, at};
use pinisi_crds::HybridWorkloadStatus;
use pinisi_planner::Decisions;
use pinisi_planner::hpa::outcome::{Able, Limit};
use pinisi_planner::hpa::{ResourceName, ResourceTarget, ValueTarget};
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::site::SiteName;
use std::collections::BTreeMap;

fn cpu(reading: Reading<Vec<pinisi_planner::hpa::PodValue>>) -> Metric {
    Metric::Resource {
        name: ResourceName::new("cpu"),
        container: None,
        target: ResourceTarget::Utilization(50),
        reading,
    }
}

fn memory() -> Metric {
    Metric::Resource {
        name: ResourceName::new("memory"),
        container: Some("main".into()),
        target: ResourceTarget::AverageValue(1),
        reading: Reading::Read(vec![]),
    }
}

fn queue() -> Metric {
    Metric::External {
        name: "queue".into(),
        target: ValueTarget::Value(1),
        reading: Reading::Read(vec![1]),
    }
}

fn demand(metrics: Vec<Metric>) -> MetricsDemand {
    MetricsDemand {
        min: Replicas::new(1),
        max: Replicas::new(9),
        behavior: None,
        metrics,
        pods: vec![].into(),
        status: Replicas::new(3),
        unknown_sites: Default::default(),
        read_at: at(0),
        generation: 1,
        start_up: jiff::SignedDuration::from_secs(8),
        load: None,
    }
}

fn outcome(currents: Vec<Option<Current>>) -> Outcome {
    Outcome {
        desired: Some(3),
        current: 3,
        recommended: Some(3),
        stabilized: Some(3),
        metric: Some("cpu resource utilization (percentage of request)".into()),
        able: Able::ReadyForNewScale,
        active: Some(Active::ValidMetricFound),
        limited: Some(Limit::DesiredWithinRange),
        scaled_to_zero: None,
        rescale: None,
        faults: vec![],
        currents,
    }
}

fn percent(utilization: i32) -> Option<Current> {
    Some(Current {
        utilization: Some(utilization),
        average: Some(i64::from(utilization) * 5),
        value: None,
    })
}

fn state<'a>(said: &'a [Said], kind: &str) -> (&'static str, &'a str) {
    let found = said.iter().find(|c| c.kind == kind).unwrap();
    (found.word(), &found.reason)
}

#[test]
fn conditions_are_the_hpas_own() {
    let said = conditions(
        &demand(vec![cpu(Reading::Read(vec![]))]),
        &outcome(vec![percent(40)]),
    );
    assert_eq!(state(&said, "AbleToScale"), ("True", "ReadyForNewScale"));
    assert_eq!(state(&said, "ScalingActive"), ("True", "ValidMetricFound"));
    assert_eq!(
        state(&said, "ScalingLimited"),
        ("False", "DesiredWithinRange")
    );
    assert!(said.iter().all(|c| c.kind != "ScaledToZero"));
}

#[test]
fn a_reading_lost_since_the_last_sync_is_said() {
    let lost = Reading::Lost(Fault::Unavailable("metrics.k8s.io does not answer".into()));
    let said = conditions(&demand(vec![queue(), cpu(lost)]), &outcome(vec![]));
    assert_eq!(
        state(&said, "ScalingActive"),
        ("False", "FailedGetResourceMetric")
    );
    assert_eq!(said.iter().filter(|c| c.kind == "ScalingActive").count(), 1);
    let message = &said
        .iter()
        .find(|c| c.kind == "ScalingActive")
        .unwrap()
        .message;
    assert!(
        message.contains("does not answer") && message.contains("nothing shrinks"),
        "{message}"
    );
}

#[test]
fn a_failing_metric_is_told_with_its_name_and_its_api() {
    let text = |metric: Metric, fault: Fault| {
        let kind = metric.kind();
        let mut failing = outcome(vec![None, None]);
        failing.active = Some(Active::FailedGetMetric(kind.into()));
        failing.faults = vec![(1, fault)];
        let said = conditions(&demand(vec![memory(), metric]), &failing);
        let active: Vec<_> = said.iter().filter(|c| c.kind == "ScalingActive").collect();
        assert_eq!(active.len(), 1);
        assert_eq!(active[0].reason, format!("FailedGet{kind}Metric"));
        active[0].message.clone()
    };
    assert_eq!(
        text(queue(), Fault::Empty),
        "external metric queue from external.metrics.k8s.io: \
         no metrics returned from the metrics API; nothing shrinks"
    );
    let rps = Metric::Pods {
        name: "rps".into(),
        average: 1,
        reading: Reading::Read(vec![]),
    };
    let said = text(rps, Fault::NoneReady);
    let start = "pods metric rps from custom.metrics.k8s.io: ";
    assert!(said.starts_with(start), "{said}");
    let said = text(cpu(Reading::Read(vec![])), Fault::NoneKnown);
    let start = "cpu resource utilization (percentage of request) from metrics.k8s.io: ";
    assert!(said.starts_with(start), "{said}");
}

#[test]
fn a_site_that_is_not_known_is_told_without_a_metric() {
    let mut silent = outcome(vec![None]);
    silent.active = Some(Active::FailedGetMetric("External".into()));
    silent.faults = vec![(1, Fault::SiteUnknown(SiteName::new("abroad")))];
    let said = conditions(&demand(vec![queue()]), &silent);
    let active = said.iter().find(|c| c.kind == "ScalingActive").unwrap();
    assert_eq!(
        (active.reason.as_str(), active.message.as_str()),
        (
            "FailedGetExternalMetric",
            "pods and metrics at abroad are not known; nothing shrinks"
        )
    );
}

#[test]
fn values_are_shown_as_an_hpa_shows_them() {
    let currents = vec![
        percent(40),
        Some(Current {
            average: Some(64 * 1024 * 1024 * 1000),
            ..Current::default()
        }),
        Some(Current {
            value: Some(41_500),
            ..Current::default()
        }),
        None,
    ];
    let metrics = vec![cpu(Reading::Read(vec![])), memory(), queue(), queue()];
    let demand = Demand::Metrics(Box::new(demand(metrics)));
    let shown = serde_json::to_value(current(&demand, Some(&outcome(currents)))).unwrap();
    assert_eq!(
        shown,
        serde_json::json!([
            {"type": "Resource", "name": "cpu", "current": {"averageUtilization": 40, "averageValue": "200m"}},
            {"type": "ContainerResource", "name": "memory", "container": "main", "current": {"averageValue": "64Mi"}},
            {"type": "External", "name": "queue", "current": {"value": "41500m"}},
        ])
    );
    assert!(current(&Demand::Untouched, None).is_empty());
}

fn next(old: &HybridWorkloadStatus, outcome: Outcome, second: i64) -> HybridWorkloadStatus {
    let mut world = testing::workload(3, 0);
    world.demand = Demand::Metrics(Box::new(demand(vec![cpu(Reading::Read(vec![]))])));
    let mut decision = testing::decision(
        (3, 3),
        (0, 0),
        vec![pinisi_planner::Reason::Untouched],
        vec![],
    );
    decision.metrics = Some(outcome.into());
    crate::report::status::workload(&crate::report::status::Facts {
        subject: &testing::subject(),
        old,
        planned: Some((&world, &decision, &Decisions::default())),
        sites: &BTreeMap::new(),
        errors: &[],
        guard: &crate::report::conditions::GuardState::InPlace,
        refresh: false,
        now: at(second),
    })
}

#[test]
fn what_only_wobbles_writes_nothing() {
    let first = next(
        &HybridWorkloadStatus::default(),
        outcome(vec![percent(50)]),
        0,
    );
    assert_eq!(first.current_metrics.len(), 1);
    let mut wobble = outcome(vec![percent(47)]);
    wobble.able = Able::ScaleDownStabilized;
    assert_eq!(next(&first, wobble, 15), first);
    let far = next(&first, outcome(vec![percent(44)]), 30);
    assert_eq!(far.current_metrics[0].current.average_utilization, Some(44));
    let none = next(&first, outcome(vec![None]), 30);
    assert!(none.current_metrics.is_empty());
}

#[test]
fn another_cause_is_told_at_once_and_another_figure_is_not() {
    let failing = |fault: Fault| {
        let mut failing = outcome(vec![None]);
        failing.active = Some(Active::FailedGetMetric("Resource".into()));
        failing.faults = vec![(0, fault)];
        failing
    };
    let text = |status: &HybridWorkloadStatus| {
        let mut all = status.conditions.iter();
        all.find(|c| c.type_ == "ScalingActive")
            .unwrap()
            .message
            .clone()
    };
    let fresh = HybridWorkloadStatus::default();
    let old = next(&fresh, failing(Fault::Stale { at: at(0) }), 60);
    assert!(text(&old).contains("newest metrics"), "{}", text(&old));
    let older = next(&old, failing(Fault::Stale { at: at(30) }), 75);
    assert_eq!(older, old);
    let sick = next(&old, failing(Fault::Unavailable("no answer".into())), 90);
    assert!(text(&sick).contains("no answer"), "{}", text(&sick));
}

#[test]
fn conditions_that_a_sync_leaves_alone_stay() {
    let mut limited = outcome(vec![percent(90)]);
    limited.limited = Some(Limit::TooManyReplicas);
    let first = next(&HybridWorkloadStatus::default(), limited, 0);
    let mut silent = outcome(vec![None]);
    (silent.active, silent.limited) = (None, None);
    let second = next(&first, silent, 15);
    let reason = |kind: &str| {
        let found = second.conditions.iter().find(|c| c.type_ == kind);
        found.map(|c| c.reason.as_str())
    };
    assert_eq!(reason("ScalingLimited"), Some("TooManyReplicas"));
    assert_eq!(reason("ScalingActive"), Some("ValidMetricFound"));
}

#[test]
fn quantities_are_alike_within_a_tenth() {
    let of = |value: &str| {
        vec![MetricStatus {
            type_: MetricType::External,
            name: "queue".into(),
            container: None,
            current: MetricValue {
                value: Some(value.into()),
                ..MetricValue::default()
            },
        }]
    };
    assert!(alike(&of("100"), &of("109")) && alike(&of("0"), &of("0")));
    assert!(!alike(&of("100"), &of("112")) && !alike(&of("0"), &of("1m")));
    assert!(!alike(&of("1"), &of("-1")) && !alike(&of("1"), &[]));
}
