//! The edges of the HPA's rules, one each. That they are upstream's is shown by tests/conformance;
//! here they can be read.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap
)]

use jiff::{SignedDuration, Timestamp};
use pinisi_planner::hpa::behavior::Tolerances;
use pinisi_planner::hpa::limits::{by_bounds, by_rates, least, most, up_limit};
use pinisi_planner::hpa::memory::{EVENTS_MAX, RECOMMENDATIONS_MAX, changed, store};
use pinisi_planner::hpa::outcome::{Able, Active, Limit, Rescale};
use pinisi_planner::hpa::replicas::propose;
use pinisi_planner::hpa::stabilize::{highest, within};
use pinisi_planner::hpa::*;
use pinisi_planner::model::site::SiteName;
use std::collections::BTreeSet;
use std::sync::Arc;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}
fn secs(n: i64) -> SignedDuration {
    SignedDuration::from_secs(n)
}
fn key(i: usize) -> PodKey {
    PodKey {
        site: SiteName::new("home"),
        name: format!("p{i}").as_str().into(),
    }
}

/// A pod of one container that requests 1000 m CPU, started an hour ago and Ready since.
fn pod(i: usize) -> Pod {
    let container = Container {
        name: "app".into(),
        requests: [(ResourceName::new("cpu"), 1000)].into(),
    };
    Pod {
        key: key(i),
        phase: Phase::Running,
        terminating: false,
        started: Some(at(-3600)),
        ready: Some(Ready {
            status: ReadyStatus::True,
            since: at(-3590),
        }),
        requests: Arc::new(PodRequests {
            pod: None,
            containers: vec![container],
        }),
    }
}
fn pods(n: usize) -> Vec<Pod> {
    (0..n).map(pod).collect()
}
fn values(milli: &[i64]) -> Vec<PodValue> {
    let one = |(i, milli): (usize, &i64)| PodValue {
        pod: key(i),
        milli: *milli,
        at: at(0),
        window: secs(60),
    };
    milli.iter().enumerate().map(one).collect()
}
fn cpu(percent: i32, milli: &[i64]) -> Metric {
    Metric::Resource {
        name: ResourceName::new("cpu"),
        container: None,
        target: ResourceTarget::Utilization(percent),
        reading: Reading::Read(values(milli)),
    }
}
fn queue(target: ValueTarget, series: &[i64]) -> Metric {
    Metric::External {
        name: "queue".into(),
        target,
        reading: Reading::Read(series.to_vec()),
    }
}
fn lost() -> Metric {
    Metric::Pods {
        name: "rps".into(),
        average: 1000,
        reading: Reading::Lost(Fault::Empty),
    }
}

const TOLERANCES: Tolerances = Tolerances {
    down: Tolerance::DEFAULT,
    up: Tolerance::DEFAULT,
};

fn scope(pods: &Pods, current: i32, status: i32) -> Scope<'_> {
    Scope {
        current,
        status,
        tolerances: TOLERANCES,
        pods,
        initialization: CPU_INITIALIZATION_PERIOD,
        readiness_delay: INITIAL_READINESS_DELAY,
        now: at(0),
    }
}
fn asked(metric: &Metric, pods: &[Pod], current: i32) -> i32 {
    let pods = pods.to_vec().into();
    propose(metric, &scope(&pods, current, current))
        .unwrap()
        .replicas
}
fn fault(metric: &Metric, pods: &[Pod]) -> Fault {
    propose(metric, &scope(&pods.to_vec().into(), 3, 3)).unwrap_err()
}

/// Three pods of 1000 m at 60 %, with the others' figures as each test needs them.
struct Case {
    spec: Spec,
    metrics: Vec<Metric>,
    pods: Vec<Pod>,
    current: i32,
    status: i32,
    scaled_to_zero: bool,
    unknown_sites: BTreeSet<SiteName>,
    memory: Memory,
    now: Timestamp,
}

fn case(metrics: Vec<Metric>, current: i32) -> Case {
    Case {
        spec: Spec {
            min: 1,
            max: 100,
            behavior: None,
        },
        metrics,
        pods: pods(usize::try_from(current).unwrap()),
        current,
        status: current,
        scaled_to_zero: false,
        unknown_sites: BTreeSet::new(),
        memory: Memory::default(),
        now: at(0),
    }
}

impl Case {
    fn sync(&mut self) -> Outcome {
        let pods = self.pods.clone().into();
        let input = Input {
            spec: &self.spec,
            current: self.current,
            status: self.status,
            scaled_to_zero: self.scaled_to_zero,
            metrics: &self.metrics,
            pods: &pods,
            unknown_sites: &self.unknown_sites,
            settings: Settings::default(),
            now: self.now,
        };
        evaluate(&input, &mut self.memory)
    }
    fn reasons(outcome: &Outcome) -> Vec<(&'static str, bool, String)> {
        let conditions = outcome.conditions().into_iter();
        conditions.map(|c| (c.kind, c.status, c.reason)).collect()
    }
}

#[test]
fn utilization_is_cut_to_whole_percent_before_it_is_compared() {
    // 55.9 % of 50 % would be outside of 10 %; 55 % is not.
    assert_eq!(asked(&cpu(50, &[559, 559]), &pods(2), 2), 2);
    assert_eq!(asked(&cpu(50, &[560, 560]), &pods(2), 2), 3);
}

#[test]
fn an_average_is_cut_to_thousandths() {
    let metric = |milli: &[i64]| Metric::Pods {
        name: "rps".into(),
        average: 10,
        reading: Reading::Read(values(milli)),
    };
    // 33 / 3 = 11 is on target at 1.1; 35 / 3 = 11.67 is cut to 11 as well.
    assert_eq!(asked(&metric(&[11, 11, 11]), &pods(3), 3), 3);
    assert_eq!(asked(&metric(&[11, 12, 12]), &pods(3), 3), 3);
    assert_eq!(asked(&metric(&[12, 12, 12]), &pods(3), 3), 4);
}

#[test]
fn both_ends_of_the_tolerance_are_within_it() {
    assert!(TOLERANCES.contain(0.9) && TOLERANCES.contain(1.1));
    assert!(!TOLERANCES.contain(0.9 - 1e-12) && !TOLERANCES.contain(1.1 + 1e-12));
    assert!(!TOLERANCES.contain(f64::NAN) && !TOLERANCES.contain(f64::INFINITY));
}

#[test]
fn a_tolerance_is_the_float_that_kubernetes_makes_of_it() {
    let get = |nanos| Tolerance::from_nanos(nanos).get();
    assert_eq!(get(100_000_000), 100.0 * 0.001);
    assert_eq!(get(2_000_000_000), 2.0);
    assert_eq!(get(1), 1e-9);
    assert_eq!(get(0), 0.0);
    assert_eq!(get(1_500_000), 1500.0 * 1e-6);
    for bad in ["NaN", "inf", "-0.1", "", "1%"] {
        assert!(bad.parse::<Tolerance>().is_err(), "{bad}");
    }
    let text: String = Tolerance::from_nanos(70_000_000).into();
    assert_eq!(
        text.parse::<Tolerance>().unwrap(),
        Tolerance::from_nanos(70_000_000)
    );
}

#[test]
fn the_count_follows_ready_pods_and_not_the_spec() {
    // 5 specified, 3 there: 2 times 3, not 2 times 5.
    assert_eq!(asked(&cpu(50, &[1000, 1000, 1000]), &pods(3), 5), 6);
}

#[test]
fn a_missing_pod_counts_in_full_downwards_and_as_idle_upwards() {
    // 20 % of 50 % on two; the third in full: (20+20+100)/3 = 46 %, on target.
    assert_eq!(asked(&cpu(50, &[200, 200]), &pods(3), 3), 3);
    // The same with a target above 100 %: the third counts with the target itself.
    assert_eq!(asked(&cpu(200, &[200, 200]), &pods(3), 3), 2);
    // 100 % of 50 % on two; the third idle: 66 % of 50 %, 1.32 times 3.
    assert_eq!(asked(&cpu(50, &[1000, 1000]), &pods(3), 3), 4);
}

#[test]
fn pods_that_do_not_count_yet_may_stop_growth_but_not_cause_a_shrink() {
    let mut pods = pods(4);
    for p in &mut pods[2..] {
        p.phase = Phase::Pending;
    }
    // 1.2 on two pods would be 3; with two idle ones more it is 0.6: the direction turns.
    assert_eq!(asked(&cpu(50, &[600, 600]), &pods, 4), 4);
    // 3.0 on two is 1.5 on four.
    assert_eq!(asked(&cpu(50, &[1500, 1500]), &pods, 4), 6);
    // Downwards they are left out.
    assert_eq!(asked(&cpu(50, &[100, 100]), &pods, 4), 1);
}

#[test]
fn a_starting_pod_counts_after_one_whole_window_of_being_ready() {
    let young = |since: i64, status| {
        let mut pods = pods(2);
        pods[1].started = Some(at(-100));
        pods[1].ready = Some(Ready {
            status,
            since: at(since),
        });
        pods
    };
    let hot = cpu(50, &[500, 1000]);
    // The sample of now covers the last 60 s.
    assert_eq!(asked(&hot, &young(-60, ReadyStatus::True), 2), 3);
    assert_eq!(asked(&hot, &young(-59, ReadyStatus::True), 2), 2);
    // Not ready: left out whatever its sample. Unknown is not the same as not ready.
    assert_eq!(asked(&hot, &young(-90, ReadyStatus::False), 2), 2);
    assert_eq!(asked(&hot, &young(-90, ReadyStatus::Unknown), 2), 3);
}

#[test]
fn an_old_pod_that_was_never_ready_does_not_count() {
    let turned = |since: i64| {
        let mut pods = pods(2);
        pods[1].ready = Some(Ready {
            status: ReadyStatus::False,
            since: at(-3600 + since),
        });
        pods
    };
    let hot = cpu(50, &[500, 1000]);
    assert_eq!(asked(&hot, &turned(29), 2), 2, "never ready");
    assert_eq!(asked(&hot, &turned(30), 2), 3, "was ready, and is not now");
    let mut unknown = pods(2);
    unknown[1].ready = None;
    assert_eq!(asked(&hot, &unknown, 2), 2);
}

#[test]
fn only_cpu_asks_whether_a_pod_is_ready() {
    let mut pods = pods(2);
    pods[1].ready = None;
    let metric = Metric::Pods {
        name: "rps".into(),
        average: 500,
        reading: Reading::Read(values(&[500, 1000])),
    };
    assert_eq!(asked(&metric, &pods, 2), 3);
}

#[test]
fn failed_and_terminating_pods_are_no_pods() {
    let mut pods = pods(4);
    pods[2].phase = Phase::Failed;
    pods[3].terminating = true;
    assert_eq!(asked(&cpu(50, &[1000, 1000, 9000, 9000]), &pods, 2), 4);
    pods[3].phase = Phase::Pending;
    assert_eq!(
        asked(&cpu(50, &[1000, 1000]), &pods, 2),
        4,
        "terminating and Pending too"
    );
}

#[test]
fn a_value_of_a_pod_that_is_not_known_counts_in_averages_only() {
    // A percentage has no request to compare it with; it counts as a value all the same.
    assert_eq!(asked(&cpu(50, &[1000, 1000, 1000]), &pods(2), 2), 4);
    let metric = Metric::Pods {
        name: "rps".into(),
        average: 500,
        reading: Reading::Read(values(&[1000, 1000, 100])),
    };
    assert_eq!(asked(&metric, &pods(2), 2), 3, "700 on average");
}

#[test]
fn one_pod_without_a_request_spoils_a_percentage() {
    let mut pods = pods(3);
    pods[2].requests = Arc::new(PodRequests {
        pod: None,
        containers: vec![Container {
            name: "bare".into(),
            requests: [].into(),
        }],
    });
    // Even a failed one.
    pods[2].phase = Phase::Failed;
    let Fault::NoRequest { container, pod, .. } = fault(&cpu(50, &[900, 900]), &pods) else {
        panic!("another fault");
    };
    assert_eq!((&*container, pod), ("bare", key(2)));
}

#[test]
fn requests_of_the_pod_itself_stand_above_its_containers() {
    let mut one = pod(0);
    let containers = one.requests.containers.clone();
    one.requests = Arc::new(PodRequests {
        pod: Some([(ResourceName::new("cpu"), 500)].into()),
        containers,
    });
    assert_eq!(asked(&cpu(50, &[500]), std::slice::from_ref(&one), 1), 2);
    let named = |name: &str| Metric::Resource {
        name: ResourceName::new("cpu"),
        container: Some(name.into()),
        target: ResourceTarget::Utilization(50),
        reading: Reading::Read(values(&[500])),
    };
    assert_eq!(
        asked(&named("app"), std::slice::from_ref(&one), 1),
        1,
        "its own 1000 m"
    );
    assert!(matches!(
        fault(&named("web"), &[one]),
        Fault::NoContainer { .. }
    ));
}

#[test]
fn nothing_to_calculate_with_is_said() {
    assert_eq!(fault(&cpu(50, &[]), &pods(2)), Fault::NoneReady);
    assert_eq!(fault(&cpu(50, &[1]), &[]), Fault::NoPods);
    assert_eq!(fault(&cpu(0, &[1]), &pods(1)), Fault::Target);
    assert_eq!(fault(&cpu(-1, &[1]), &pods(1)), Fault::Target);
    let strangers = Metric::Resource {
        name: ResourceName::new("cpu"),
        container: None,
        target: ResourceTarget::Utilization(50),
        reading: Reading::Read(values(&[1, 2]).split_off(1)),
    };
    assert_eq!(fault(&strangers, &pods(1)), Fault::NoneKnown);
    for target in [ValueTarget::Value(0), ValueTarget::AverageValue(-5)] {
        assert_eq!(fault(&queue(target, &[1]), &pods(1)), Fault::Target);
    }
    assert_eq!(
        fault(&queue(ValueTarget::Value(1), &[]), &pods(1)),
        Fault::Empty
    );
    assert_eq!(fault(&lost(), &pods(1)), Fault::Empty);
}

#[test]
fn a_value_counts_serving_pods_and_a_share_counts_the_status() {
    let mut three = pods(3);
    three[2].ready = None;
    let value = queue(ValueTarget::Value(1000), &[1500, 500]);
    assert_eq!(asked(&value, &three, 3), 4, "twice the two that serve");
    let share = queue(ValueTarget::AverageValue(1000), &[3299]);
    let p = propose(&share, &scope(&Pods::default(), 9, 3)).unwrap();
    assert_eq!(
        (p.replicas, p.value.average),
        (3, Some(1100)),
        "on target: the status, not the spec"
    );
    let share = queue(ValueTarget::AverageValue(1000), &[3301]);
    assert_eq!(
        propose(&share, &scope(&Pods::default(), 9, 3))
            .unwrap()
            .replicas,
        4
    );
}

#[test]
fn from_zero_there_is_neither_pod_nor_tolerance() {
    let value = queue(ValueTarget::Value(1000), &[1050]);
    assert_eq!(asked(&value, &[], 0), 2);
    assert_eq!(asked(&queue(ValueTarget::Value(1000), &[0]), &[], 0), 0);
    assert_eq!(
        asked(&queue(ValueTarget::AverageValue(1000), &[1050]), &[], 0),
        2
    );
    assert_eq!(
        asked(&queue(ValueTarget::AverageValue(1000), &[0]), &[], 0),
        0
    );
}

#[test]
fn sums_saturate_and_below_nothing_is_taken_for_an_overflow() {
    let max = i64::MAX;
    let value = |series: &[i64]| {
        let metric = queue(ValueTarget::Value(1), series);
        propose(&metric, &scope(&pods(1).into(), 1, 1)).unwrap()
    };
    assert_eq!(value(&[max, 1]).value.value, Some(max));
    assert_eq!(value(&[max, 1]).replicas, i32::MAX);
    assert_eq!(value(&[5, -7]).value.value, Some(-2));
    let share = queue(ValueTarget::AverageValue(1), &[-1]);
    let p = propose(&share, &scope(&Pods::default(), 1, 1)).unwrap();
    assert_eq!(
        (p.replicas, p.value.average),
        (i32::MAX, Some(max)),
        "upstream's own surprise"
    );
}

#[test]
fn the_metric_that_asks_for_most_decides() {
    let mut c = case(
        vec![
            cpu(50, &[500; 3]),
            queue(ValueTarget::AverageValue(1000), &[5000]),
        ],
        3,
    );
    let o = c.sync();
    assert_eq!(
        (o.desired, o.metric.as_deref()),
        (Some(5), Some("external metric queue"))
    );
    assert_eq!(
        o.rescale,
        Some(Rescale::AboveTarget("external metric queue".into()))
    );
    assert_eq!(o.currents[0].unwrap().utilization, Some(50));
    assert_eq!(o.currents[1].unwrap().average, Some(1667));
}

#[test]
fn an_invalid_metric_stops_a_shrink_and_not_a_rise() {
    let mut c = case(vec![lost(), cpu(50, &[100; 3])], 3);
    let o = c.sync();
    assert_eq!(o.desired, None);
    assert_eq!(o.active, Some(Active::FailedGetMetric("Pods".into())));
    assert_eq!(o.active.unwrap().word(), "FailedGetPodsMetric");
    assert_eq!(c.memory.recommendations.len(), 1, "only the first sync's");
    let mut c = case(vec![lost(), cpu(50, &[1000; 3])], 3);
    let o = c.sync();
    assert_eq!((o.desired, o.faults.len()), (Some(6), 1));
    assert_eq!(o.active, Some(Active::ValidMetricFound));
    let mut c = case(vec![lost(), cpu(50, &[500; 3])], 3);
    assert_eq!(c.sync().desired, Some(3), "the same count is no shrink");
    let mut c = case(vec![lost()], 3);
    assert_eq!(c.sync().desired, None);
    let mut c = case(vec![], 3);
    assert_eq!(c.sync().faults, [(0, Fault::NoMetrics)]);
}

#[test]
fn a_site_that_is_not_known_is_one_more_invalid_metric() {
    let unknown: BTreeSet<_> = [SiteName::new("cloud")].into();
    let mut c = case(vec![cpu(50, &[100; 3])], 3);
    c.unknown_sites = unknown.clone();
    let o = c.sync();
    assert_eq!(o.desired, None);
    assert_eq!(o.faults, [(1, Fault::SiteUnknown(SiteName::new("cloud")))]);
    let mut c = case(vec![cpu(50, &[1000; 3])], 3);
    c.unknown_sites = unknown;
    assert_eq!(c.sync().desired, Some(6));
}

#[test]
fn bounds_come_first_and_look_at_no_metric() {
    let mut c = case(vec![lost()], 5);
    c.spec.max = 4;
    let o = c.sync();
    assert_eq!(
        (o.desired, o.rescale, o.active),
        (Some(4), Some(Rescale::AboveMaximum), None)
    );
    let mut c = case(vec![lost()], 5);
    c.spec.min = 7;
    assert_eq!((c.sync().desired), Some(7));
    // Contradictory bounds end nowhere bad: the maximum is looked at first.
    let mut c = case(vec![cpu(50, &[500; 5])], 5);
    (c.spec.min, c.spec.max) = (9, 3);
    assert_eq!(c.sync().desired, Some(3));
}

#[test]
fn without_a_behavior_a_sync_doubles_at_most_and_waits_five_minutes_to_shrink() {
    let mut c = case(vec![queue(ValueTarget::AverageValue(1000), &[90_000])], 3);
    let o = c.sync();
    assert_eq!((o.desired, o.limited), (Some(6), Some(Limit::ScaleUpLimit)));
    let mut c = case(vec![queue(ValueTarget::AverageValue(1000), &[90_000])], 1);
    assert_eq!(c.sync().desired, Some(4));
    c.spec.max = 3;
    assert_eq!(c.sync().limited, Some(Limit::TooManyReplicas));

    let mut c = case(vec![queue(ValueTarget::AverageValue(1000), &[1000])], 3);
    for (second, desired) in [(0, 3), (15, 3), (300, 3), (301, 1)] {
        c.now = at(second);
        let o = c.sync();
        assert_eq!(o.desired, Some(desired), "{second}");
        let able = if desired == 3 {
            Able::ScaleDownStabilized
        } else {
            Able::ReadyForNewScale
        };
        assert_eq!(o.able, able, "{second}");
    }
}

#[test]
fn the_memory_of_a_window_stays_as_short_as_the_window() {
    let mut m = Memory::default();
    for i in 0..10_000 {
        highest(&mut m, i32::try_from(i % 7).unwrap(), secs(300), at(i * 15));
    }
    assert!(m.recommendations.len() <= 22, "{}", m.recommendations.len());
    let mut m = Memory::default();
    for i in 0..5000 {
        highest(&mut m, (i % 977) as i32, secs(3600), at(i));
    }
    assert_eq!(m.recommendations.len(), RECOMMENDATIONS_MAX);
    assert_eq!(
        highest(&mut m, 0, secs(3600), at(5000)),
        976,
        "the highest is never lost"
    );
}

#[test]
fn with_a_behavior_the_count_moves_between_both_windows() {
    let m = |list: &[(i32, i64)]| {
        let mut m = Memory::default();
        for (n, t) in list {
            highest(&mut m, *n, secs(3600), at(*t));
        }
        m
    };
    let both =
        |m: &mut Memory, current, desired| within(m, current, desired, secs(60), secs(300), at(0));
    assert_eq!(
        both(&mut m(&[(4, -30)]), 3, 9),
        4,
        "up to the lowest of the last minute"
    );
    assert_eq!(
        both(&mut m(&[(4, -60)]), 3, 9),
        9,
        "a window's end is not in it"
    );
    assert_eq!(
        both(&mut m(&[(8, -299)]), 9, 3),
        8,
        "down to the highest of five minutes"
    );
    assert_eq!(both(&mut m(&[(2, -30), (8, -40)]), 5, 6), 5, "neither way");
}

#[test]
fn rates_count_what_has_changed_within_the_period() {
    let policy = |kind, value, period_seconds| Policy {
        kind,
        value,
        period_seconds,
    };
    let rules = |select, policies| Rules {
        select,
        policies,
        ..Rules::up()
    };
    let mut m = Memory::default();
    let slow = rules(Select::Max, vec![policy(PolicyKind::Pods, 4, 60)]);
    store(&mut m.ups, &slow, 3, at(-59));
    assert_eq!(most(&slow, 10, &m, at(0)), 11, "one of four is left");
    assert_eq!(
        most(&slow, 10, &m, at(1)),
        14,
        "a period's end is not in it"
    );
    store(&mut m.downs, &slow, 5, at(-10));
    assert_eq!(most(&slow, 10, &m, at(0)), 16, "what went may come back");

    let none = Memory::default();
    let percent = |value| rules(Select::Max, vec![policy(PolicyKind::Percent, value, 60)]);
    assert_eq!(
        most(&percent(10), 1, &none, at(0)),
        2,
        "rounded up, or 1 could never grow"
    );
    assert_eq!(
        least(&percent(10), 9, &none, at(0)),
        8,
        "cut, so that at least one may go"
    );
    assert_eq!(least(&percent(100), 9, &none, at(0)), 0);
    let two = |select| {
        rules(
            select,
            vec![
                policy(PolicyKind::Pods, 1, 60),
                policy(PolicyKind::Percent, 50, 60),
            ],
        )
    };
    assert_eq!(
        (
            most(&two(Select::Max), 10, &none, at(0)),
            most(&two(Select::Min), 10, &none, at(0))
        ),
        (15, 11)
    );
    assert_eq!(
        (
            least(&two(Select::Max), 10, &none, at(0)),
            least(&two(Select::Min), 10, &none, at(0))
        ),
        (5, 9)
    );
    let still = two(Select::Disabled);
    assert_eq!(
        (
            most(&still, 10, &none, at(0)),
            least(&still, 10, &none, at(0))
        ),
        (10, 10)
    );
    let empty = rules(Select::Max, vec![]);
    let behavior = Behavior {
        up: empty.clone(),
        down: empty,
    };
    assert_eq!(
        by_rates(&none, &behavior, (1, 100), 10, 50, at(0)),
        (10, Limit::ScaleUpLimit)
    );
    assert_eq!(
        by_rates(&none, &behavior, (1, 100), 10, 5, at(0)),
        (10, Limit::ScaleDownLimit)
    );
}

#[test]
fn a_rate_never_moves_the_count_the_wrong_way() {
    let behavior = Behavior {
        up: Rules::up(),
        down: Rules {
            policies: vec![Policy {
                kind: PolicyKind::Pods,
                value: 1,
                period_seconds: 60,
            }],
            ..Rules::down()
        },
    };
    let mut m = Memory::default();
    m.rescaled(Some(&behavior), 10, 50, at(-5));
    m.rescaled(Some(&behavior), 50, 40, at(-4));
    assert_eq!(
        by_rates(&m, &behavior, (1, 100), 40, 45, at(0)),
        (40, Limit::ScaleUpLimit)
    );
    let mut m = Memory::default();
    m.rescaled(Some(&behavior), 50, 40, at(-4));
    assert_eq!(
        by_rates(&m, &behavior, (1, 100), 40, 35, at(0)),
        (40, Limit::ScaleDownLimit)
    );
    m.rescaled(None, 40, 1, at(0));
    assert_eq!(m.downs.len(), 1, "without a behavior nothing is kept");
}

#[test]
fn events_take_the_place_of_those_that_no_period_reaches() {
    let rules = Rules::up();
    let mut events = vec![];
    for (change, second) in [(1, 0), (2, 10), (3, 25), (4, 26)] {
        store(&mut events, &rules, change, at(second));
    }
    let kept: Vec<_> = events.iter().map(|e| (e.change, e.outdated)).collect();
    // At 25 the event of 10 is exactly a period old: still in the list. At 26 it is not.
    assert_eq!(kept, [(3, false), (4, false)]);
    assert_eq!(changed(&events, 15, at(30)), 7);
    let mut events = vec![];
    let slow = Rules {
        policies: vec![Policy {
            kind: PolicyKind::Pods,
            value: 4,
            period_seconds: 1800,
        }],
        ..Rules::up()
    };
    for second in 0..1000 {
        store(&mut events, &slow, 1, at(second));
    }
    assert_eq!(events.len(), EVENTS_MAX);
    assert_eq!(
        changed(&events, 1800, at(1000)),
        1000,
        "merged, not forgotten"
    );
}

#[test]
fn zero_is_left_only_by_whoever_went_there() {
    let mut c = case(vec![queue(ValueTarget::AverageValue(1000), &[2500])], 0);
    c.spec.min = 0;
    let o = c.sync();
    assert_eq!((o.desired, o.rescales()), (Some(0), false));
    assert_eq!(o.active, Some(Active::ScalingDisabled));
    c.scaled_to_zero = true;
    let o = c.sync();
    assert_eq!((o.desired, o.scaled_to_zero), (Some(3), Some(false)));
    // Metrics of pods cannot wake; a raised minimum can, but only with a valid metric.
    let mut c = case(vec![cpu(50, &[])], 0);
    c.spec.min = 0;
    c.scaled_to_zero = true;
    assert_eq!(c.sync().active, Some(Active::ScalingDisabled));
    c.spec.min = 2;
    assert_eq!(c.sync().desired, None);
    let mut c = case(vec![queue(ValueTarget::AverageValue(1000), &[0])], 0);
    c.spec.min = 2;
    c.scaled_to_zero = true;
    let o = c.sync();
    assert_eq!(o.desired, Some(2));
    assert_eq!(
        Case::reasons(&o)[2],
        ("ScalingLimited", true, "TooFewReplicas".into())
    );
}

#[test]
fn going_to_zero_is_remembered_as_ones_own() {
    let mut c = case(vec![queue(ValueTarget::AverageValue(1000), &[0])], 2);
    c.spec.min = 0;
    c.sync();
    c.now = at(301);
    let o = c.sync();
    assert_eq!((o.desired, o.scaled_to_zero), (Some(0), Some(true)));
    let said = Case::reasons(&o);
    assert_eq!(said[3], ("ScaledToZero", true, "ScaledToZero".into()));
}

#[test]
fn conditions_use_the_words_of_the_hpa() {
    let mut c = case(vec![cpu(50, &[1000; 3])], 3);
    let said = Case::reasons(&c.sync());
    let expected = [
        ("AbleToScale", true, "SucceededRescale"),
        ("ScalingActive", true, "ValidMetricFound"),
        ("ScalingLimited", false, "DesiredWithinRange"),
        ("ScaledToZero", false, "NotScaledToZero"),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(k, s, r)| (*k, *s, (*r).to_owned()))
        .collect();
    assert_eq!(said, expected);
    let mut c = case(vec![lost()], 3);
    let o = c.sync();
    assert_eq!(Case::reasons(&o)[0].2, "SucceededGetScale");
    assert!(o.conditions()[1].message.contains("no metrics returned"));
}

#[test]
fn a_clock_that_ran_backwards_holds_nothing_for_ever() {
    let mut c = case(vec![queue(ValueTarget::AverageValue(1000), &[9000])], 9);
    c.now = Timestamp::MAX;
    c.sync();
    c.metrics = vec![queue(ValueTarget::AverageValue(1000), &[1000])];
    c.now = at(0);
    assert_eq!(c.sync().desired, Some(9));
    c.now = at(301);
    assert_eq!(c.sync().desired, Some(1));
}

#[test]
fn limits_hold_at_the_largest_numbers() {
    let max = i32::MAX;
    assert_eq!(
        by_bounds(max, 1, max, up_limit(max, 2)),
        (max, Limit::DesiredWithinRange)
    );
    assert_eq!(
        by_bounds(max, 1, max, up_limit(max / 2 + 9, 2)),
        (max, Limit::DesiredWithinRange)
    );
    let wide = Rules {
        policies: vec![
            Policy {
                kind: PolicyKind::Pods,
                value: max,
                period_seconds: 1,
            },
            Policy {
                kind: PolicyKind::Percent,
                value: max,
                period_seconds: 1,
            },
        ],
        ..Rules::up()
    };
    assert_eq!(most(&wide, max, &Memory::default(), at(0)), max);
    assert_eq!(least(&wide, max, &Memory::default(), at(0)), i32::MIN);
    let huge = cpu(1, &[i64::MAX; 3]);
    assert_eq!(asked(&huge, &pods(3), 3), max);
    let negative = cpu(1, &[i64::MIN; 3]);
    assert_eq!(asked(&negative, &pods(3), 3), i32::MIN);
}
