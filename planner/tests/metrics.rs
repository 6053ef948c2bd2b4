//! Totals that follow metrics, as plans: when they are decided anew, what holds them, and what
//! remains of the HPA's rules when a total is spread over sites.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss
)]

mod common;

use common::*;
use jiff::Timestamp;
use pinisi_planner::hpa::{self, Fault, Metric, Policy, PolicyKind, Reading, Rules, ValueTarget};
use pinisi_planner::model::amounts::{MilliLoad, Replicas};
use pinisi_planner::model::site::SiteKind;
use pinisi_planner::model::workload::*;
use pinisi_planner::{Memory, Plan, Statistics, World, plan};

/// A queue of so many items, one a replica.
fn queue(items: i64) -> Metric {
    Metric::External {
        name: "queue".into(),
        target: ValueTarget::AverageValue(1000),
        reading: Reading::Read(vec![items * 1000]),
    }
}

fn gone() -> Metric {
    Metric::External {
        name: "queue".into(),
        target: ValueTarget::AverageValue(1000),
        reading: Reading::Lost(Fault::Unavailable("503".into())),
    }
}

/// A workload with a queue, three replicas at home, room for 100 there and 100 in the cloud. The
/// clock and the queue are turned by the tests; pods follow the spec at once.
struct Run {
    world: World,
    memory: Memory,
    now: i64,
}

impl Run {
    fn new(home: u32, demand: impl FnOnce(&mut MetricsDemand)) -> Self {
        let mut metrics = MetricsDemand {
            min: n(1),
            max: n(100),
            behavior: None,
            metrics: vec![queue(i64::from(home))],
            pods: hpa::Pods::default(),
            status: n(home),
            unknown_sites: [].into(),
            read_at: at(0),
            generation: 1,
            start_up: secs(8),
            load: None,
        };
        demand(&mut metrics);
        let mut w = mass(Demand::Metrics(Box::new(metrics)));
        w.legs.insert(name("home"), leg(home));
        let sites = [("home", SiteKind::OnPrem), ("cloud", SiteKind::Cloud)];
        let sites = sites.map(|(s, kind)| (name(s), site(kind, 10, 10_000)));
        Self {
            world: World {
                sites: sites.into(),
                workloads: [(id("web"), w)].into(),
                ..World::default()
            },
            memory: Memory::default(),
            now: 0,
        }
    }
    fn workload(&mut self) -> &mut Workload {
        self.world.workloads.get_mut(&id("web")).unwrap()
    }
    fn demand(&mut self) -> &mut MetricsDemand {
        match &mut self.workload().demand {
            Demand::Metrics(m) => m,
            _ => panic!("not metrics"),
        }
    }
    /// Plans, writes, lets pods follow.
    fn plan(&mut self) -> Plan {
        let made = plan(&self.world, &self.memory, at(self.now));
        self.memory = made.memory.clone();
        apply(&mut self.world, &made);
        let legs = &mut self.workload().legs;
        legs.values_mut().for_each(|l| *l = leg(l.spec.get()));
        let total: Replicas = legs.values().map(|l| l.spec).sum();
        let counts = legs
            .iter()
            .map(|(s, l)| (s.clone(), l.spec.get()))
            .collect::<Vec<_>>();
        self.demand().status = total;
        for (s, count) in counts {
            let nodes = &mut self.world.sites.get_mut(&s).unwrap().nodes;
            for (i, node) in nodes.iter_mut().enumerate() {
                node.used_slots = count / 10 + u32::from((i as u32) < count % 10);
                node.used = cpu(1000).times(node.used_slots.into());
            }
        }
        made
    }
    /// A new reading, 15 s after the last.
    fn read(&mut self, metric: Metric) -> Plan {
        self.now += 15;
        let now = at(self.now);
        let demand = self.demand();
        (demand.metrics, demand.read_at) = (vec![metric], now);
        self.plan()
    }
    fn total(&mut self) -> u32 {
        let legs = self.workload().legs.values();
        legs.map(|l| l.spec.get()).sum()
    }
}

fn want(made: &Plan) -> u32 {
    made.workloads[&id("web")].want.get()
}

#[test]
fn a_total_is_decided_once_for_each_reading() {
    let mut run = Run::new(3, |_| {});
    assert_eq!(want(&run.read(queue(90))), 6, "doubled at most");
    for _ in 0..10 {
        run.now += 1;
        assert_eq!(want(&run.plan()), 6, "the same reading again");
    }
    let syncs = |run: &Run| {
        run.memory.workloads[&id("web")]
            .statistics
            .syncs
            .clone()
            .unwrap()
    };
    assert_eq!(syncs(&run).memory.recommendations.len(), 2);
    assert_eq!(want(&run.read(queue(90))), 12);
    assert_eq!(want(&run.read(queue(90))), 24);
    assert_eq!(run.total(), 24);
}

#[test]
fn a_changed_spec_is_decided_on_at_once() {
    let mut run = Run::new(3, |_| {});
    run.read(queue(3));
    run.now += 1;
    run.demand().min = n(8);
    assert_eq!(want(&run.plan()), 3, "as it was");
    run.demand().generation = 2;
    assert_eq!(want(&run.plan()), 8);
}

#[test]
fn the_highest_recommendation_of_five_minutes_holds_the_total() {
    let mut run = Run::new(4, |_| {});
    run.read(queue(8));
    let mut seconds = 0;
    while want(&run.read(queue(2))) == 8 {
        seconds += 15;
        assert!(seconds < 400);
    }
    assert_eq!(run.total(), 2);
    // The recommendation of 8 counts for 300 s and not a reading longer.
    assert_eq!(seconds, 300);
}

#[test]
fn lost_metrics_hold_the_total_and_say_so() {
    let mut run = Run::new(5, |_| {});
    run.read(queue(5));
    for _ in 0..40 {
        let made = run.read(gone());
        assert_eq!(want(&made), 5);
        assert!(
            words(&made, "web").contains(&"FailedGetMetric"),
            "{:?}",
            words(&made, "web")
        );
    }
    // Lost between two readings: what was decided stands, and nothing moves.
    let mut run = Run::new(5, |_| {});
    run.read(queue(9));
    run.demand().metrics = vec![gone()];
    assert_eq!(want(&run.plan()), 9);
    // A maximum below what runs waits too.
    run.demand().generation = 2;
    run.demand().max = n(2);
    assert_eq!(want(&run.plan()), 9);
}

#[test]
fn one_lost_metric_does_not_stop_growth() {
    let mut run = Run::new(3, |_| {});
    run.now = 15;
    run.demand().metrics = vec![gone(), queue(5)];
    run.demand().read_at = at(15);
    assert_eq!(want(&run.plan()), 5);
    run.now = 400;
    run.demand().metrics = vec![gone(), queue(1)];
    run.demand().read_at = at(400);
    assert_eq!(want(&run.plan()), 5);
}

#[test]
fn a_site_that_does_not_answer_holds_the_total_but_not_its_growth() {
    let mut run = Run::new(3, |_| {});
    run.read(queue(3));
    run.demand().unknown_sites = [name("cloud")].into();
    for _ in 0..30 {
        let made = run.read(queue(1));
        assert_eq!(want(&made), 3);
        assert!(words(&made, "web").contains(&"SiteUnknown"));
    }
    assert_eq!(want(&run.read(queue(5))), 5);
}

#[test]
fn after_a_restart_nothing_shrinks_for_one_window() {
    let mut run = Run::new(9, |_| {});
    for _ in 0..30 {
        run.read(queue(9));
    }
    run.memory.workloads.get_mut(&id("web")).unwrap().statistics = Statistics::default();
    let start = run.now + 15;
    run.read(queue(2));
    // Not even for a maximum.
    run.demand().max = n(5);
    run.demand().generation = 2;
    while run.now - start < 300 {
        assert_eq!(
            want(&run.read(queue(2))),
            if run.now - start < 300 { 9 } else { 5 }
        );
    }
    run.read(queue(2));
    assert_eq!(run.total(), 2);
}

#[test]
fn the_rate_of_a_behavior_counts_what_was_written() {
    let slow = |value, period_seconds| Rules {
        window_seconds: Some(0),
        policies: vec![Policy {
            kind: PolicyKind::Pods,
            value,
            period_seconds,
        }],
        ..Rules::up()
    };
    let mut run = Run::new(10, |m| {
        m.behavior = Some(hpa::Behavior {
            up: slow(2, 60),
            down: slow(1, 60),
        });
    });
    // Two a minute: at 15 s, and then at 75 s, when a minute has passed.
    let totals: Vec<_> = (0..9).map(|_| want(&run.read(queue(50)))).collect();
    assert_eq!(totals, [12, 12, 12, 12, 14, 14, 14, 14, 16]);
    // One a minute down; what was added in the last minute may go at once.
    let totals: Vec<_> = (0..9).map(|_| want(&run.read(queue(1)))).collect();
    assert_eq!(totals, [13, 13, 13, 13, 12, 12, 12, 12, 11]);
}

#[test]
fn the_larger_of_load_and_metrics_counts() {
    let load = |units: u64, when: i64| LoadDemand {
        min: n(1),
        max: n(100),
        per_replica: MilliLoad(1000),
        headroom: pinisi_planner::model::amounts::Percent::new(10),
        scale_down_window: Some(secs(60)),
        signal: Signal::Fresh {
            load: MilliLoad(units * 1000),
            at: at(when),
        },
        start_up: secs(8),
        forecast: false,
    };
    let mut run = Run::new(3, |m| m.load = Some(load(20, 0)));
    assert_eq!(want(&run.plan()), 22, "load with its margin");
    let made = run.read(queue(30));
    assert_eq!(want(&made), 30);
    let said = words(&made, "web");
    assert!(
        said.contains(&"LoadNeeds") && said.contains(&"ValidMetricFound"),
        "{said:?}"
    );
    // A lost load holds, whatever the metrics say.
    run.demand().load.as_mut().unwrap().signal = Signal::Stale { at: at(0) };
    for _ in 0..30 {
        assert_eq!(want(&run.read(queue(1))), 30);
    }
}

#[test]
fn observed_beside_an_hpa_the_total_is_the_hpas() {
    let mut run = Run::new(4, |_| {});
    run.workload().mode = Mode::Observe;
    run.workload().competitor = Some("HorizontalPodAutoscaler web".into());
    let mut hpa_memory = hpa::Memory::default();
    let spec = hpa::Spec {
        min: 1,
        max: 100,
        behavior: None,
    };
    let mut count = 4;
    for items in [4, 40, 40, 40, 9, 2, 2, 30, 1, 1]
        .into_iter()
        .chain([1; 30])
    {
        let made = run.read(queue(items));
        let metrics = [queue(items)];
        let input = hpa::Input {
            spec: &spec,
            current: count,
            status: count,
            scaled_to_zero: false,
            metrics: &metrics,
            pods: &hpa::Pods::default(),
            unknown_sites: &[].into(),
            settings: hpa::Settings::default(),
            now: at(run.now),
        };
        let desired = hpa::evaluate(&input, &mut hpa_memory).desired.unwrap();
        assert_eq!(want(&made), desired as u32, "at {}", run.now);
        assert!(made.workloads[&id("web")].steps.is_empty());
        // The HPA writes.
        count = desired;
        run.workload().legs.insert(name("home"), leg(count as u32));
        run.demand().status = n(count as u32);
    }
    assert_eq!(count, 1);
}

#[test]
fn observed_rates_follow_what_the_hpa_did() {
    let rules = Rules {
        policies: vec![Policy {
            kind: PolicyKind::Pods,
            value: 2,
            period_seconds: 60,
        }],
        ..Rules::up()
    };
    let behavior = hpa::Behavior {
        up: rules,
        down: Rules::down(),
    };
    let mut run = Run::new(4, |m| m.behavior = Some(behavior));
    run.workload().mode = Mode::Observe;
    assert_eq!(want(&run.read(queue(50))), 6);
    // Nobody followed: the rate is not used up.
    assert_eq!(want(&run.read(queue(50))), 6);
    run.workload().legs.insert(name("home"), leg(6));
    assert_eq!(
        want(&run.read(queue(50))),
        6,
        "used up until a minute has passed"
    );
    run.now += 45;
    assert_eq!(want(&run.read(queue(50))), 8);
}

#[test]
fn a_zero_of_ones_own_is_left_again_also_after_a_restart() {
    let mut run = Run::new(2, |m| m.min = n(0));
    while run.total() > 0 {
        run.read(queue(0));
        assert!(run.now < 400);
    }
    assert!(run.memory.workloads[&id("web")].decisions.scaled_to_zero);
    run.memory.workloads.get_mut(&id("web")).unwrap().statistics = Statistics::default();
    assert_eq!(want(&run.read(queue(3))), 3);
    assert!(!run.memory.workloads[&id("web")].decisions.scaled_to_zero);
}

#[test]
fn an_average_over_no_pods_is_not_told() {
    let mut run = Run::new(3, |_| {});
    let current = |made: &Plan| {
        let outcome = made.workloads[&id("web")].metrics.clone().unwrap();
        outcome.currents[0].and_then(|c| c.average)
    };
    assert_eq!(current(&run.read(queue(6))), Some(2000));
    run.demand().status = n(0);
    let made = run.read(queue(9));
    assert_eq!((current(&made), want(&made)), (None, 9));
    // A value that is not shared out is told all the same.
    run.demand().status = n(0);
    let made = run.read(Metric::External {
        name: "queue".into(),
        target: ValueTarget::Value(9000),
        reading: Reading::Read(vec![9000]),
    });
    let outcome = made.workloads[&id("web")].metrics.clone().unwrap();
    assert_eq!(outcome.currents[0].and_then(|c| c.value), Some(9000));
}

#[test]
fn a_zero_of_somebody_elses_is_left_alone() {
    let mut run = Run::new(0, |m| m.min = n(0));
    let made = run.read(queue(30));
    assert_eq!(want(&made), 0);
    assert!(words(&made, "web").contains(&"ScalingDisabled"));
}

#[test]
fn after_an_override_to_zero_the_minimum_comes_back_without_metrics() {
    let mut run = Run::new(3, |m| m.min = n(2));
    run.read(queue(3));
    run.workload().override_ = Some(Override {
        total: Some(n(0)),
        sites: [].into(),
        until: at(100),
    });
    assert_eq!(want(&run.read(queue(3))), 0);
    run.now = 100;
    assert_eq!(want(&run.read(gone())), 2);
}

#[test]
fn a_total_that_runs_over_is_spread_and_comes_home() {
    let mut run = Run::new(3, |m| m.max = n(300));
    for _ in 0..8 {
        run.read(queue(150));
    }
    let made = run.plan();
    assert_eq!(
        (
            desired(&made, "web", "home"),
            desired(&made, "web", "cloud")
        ),
        (100, 50)
    );
    assert!(words(&made, "web").contains(&"HomeAboveHighWatermark"));
}

#[test]
fn what_was_decided_can_be_explained_from_the_plan_alone() {
    let mut run = Run::new(3, |_| {});
    let made = run.read(queue(90));
    let text = serde_json::to_string(&made).unwrap();
    let back: Plan = serde_json::from_str(&text).unwrap();
    assert_eq!(back, made);
    let decision = &back.workloads[&id("web")];
    let outcome = decision.metrics.as_ref().unwrap();
    assert_eq!((outcome.recommended, outcome.desired), (Some(90), Some(6)));
    assert_eq!(outcome.currents[0].unwrap().average, Some(30_000));
    let said: Vec<_> = decision.reasons.iter().map(ToString::to_string).collect();
    assert!(
        said.contains(&"needs 90, 6 is as far up as it may go now".to_owned()),
        "{said:?}"
    );
    assert!(
        said.contains(&"external metric queue needs 90".to_owned()),
        "{said:?}"
    );
}

#[test]
fn a_reading_whose_time_ran_backwards_is_a_reading_too() {
    let mut run = Run::new(3, |m| m.read_at = Timestamp::MAX);
    run.plan();
    let made = run.read(queue(5));
    assert_eq!(want(&made), 5);
}
