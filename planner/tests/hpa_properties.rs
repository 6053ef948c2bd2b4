//! What holds of the HPA's rules for every input, however absurd: largest and negative numbers,
//! clocks that run backwards, bounds that contradict each other, histories that nobody made.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod common;

use common::arbitrary::*;
use common::*;
use jiff::Timestamp;
use pinisi_planner::hpa::memory::{EVENTS_MAX, RECOMMENDATIONS_MAX};
use pinisi_planner::hpa::{
    self, Input, Memory, Metric, Outcome, Reading, Settings, Spec, ValueTarget,
};
use pinisi_planner::model::workload::MetricsDemand;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn int() -> impl Strategy<Value = i32> {
    prop_oneof![8 => 0i32..200, 1 => Just(i32::MIN), 1 => Just(i32::MAX), 1 => any::<i32>()]
}

/// One sync of whatever was made up.
fn sync(
    demand: &MetricsDemand,
    (min, max, current, status): (i32, i32, i32, i32),
    zero: bool,
    memory: &mut Memory,
    now: Timestamp,
) -> Outcome {
    let spec = Spec {
        min,
        max,
        behavior: demand.behavior.clone(),
    };
    hpa::evaluate(
        &Input {
            spec: &spec,
            current,
            status,
            scaled_to_zero: zero,
            metrics: &demand.metrics,
            pods: &demand.pods,
            unknown_sites: &demand.unknown_sites,
            settings: Settings::default(),
            now,
        },
        memory,
    )
}

/// A share of a queue: the need is what stands in it.
fn queue(milli: i64) -> Metric {
    Metric::External {
        name: "queue".into(),
        target: ValueTarget::AverageValue(1000),
        reading: Reading::Read(vec![milli]),
    }
}

proptest! {
    #![proptest_config(cases(2000))]

    /// Total and bounded: no input makes it panic, and what it keeps does not grow.
    #[test]
    fn total_and_bounded(
        demand in any_metrics(),
        numbers in (int(), int(), int(), int()),
        zero in any::<bool>(),
        memory in any_hpa_memory(),
        times in proptest::collection::vec(time(), 1..6),
    ) {
        let mut memory = memory;
        let mut current = numbers.2;
        for now in times {
            let o = sync(&demand, (numbers.0, numbers.1, current, numbers.3), zero, &mut memory, now);
            prop_assert_eq!(o.currents.len(), demand.metrics.len());
            prop_assert!(memory.recommendations.len() <= RECOMMENDATIONS_MAX);
            prop_assert!(memory.ups.len() <= EVENTS_MAX && memory.downs.len() <= EVENTS_MAX);
            prop_assert!(memory.recommendations.iter().all(|r| r.at <= now));
            prop_assert!(!o.conditions().is_empty());
            let text = serde_json::to_string(&(&o, &memory)).unwrap();
            let back: (Outcome, Memory) = serde_json::from_str(&text).unwrap();
            prop_assert_eq!((&back.0, &back.1), (&o, &memory));
            if let Some(desired) = o.desired {
                memory.rescaled(demand.behavior.as_ref(), current, desired, now);
                current = desired;
            }
        }
    }

    /// A metric that is not valid, or a site that is not known, never lowers the count, except where
    /// the maximum does.
    #[test]
    fn the_unknown_lowers_nothing(
        demand in any_metrics(),
        memory in any_hpa_memory(),
        current in 0i32..300,
        max in 1i32..300,
        now in time(),
    ) {
        let mut memory = memory;
        let o = sync(&demand, (1, max, current, current), true, &mut memory, now);
        if !o.faults.is_empty() && current <= max {
            // What counts is what the metrics ask for; a history that is lower may be followed up.
            prop_assert!(o.recommended.is_none_or(|n| n >= current));
        }
        let valid = demand.metrics.iter().any(|m| match m {
            Metric::Resource { reading, .. } | Metric::Pods { reading, .. } => matches!(reading, Reading::Read(_)),
            Metric::Object { reading, .. } => matches!(reading, Reading::Read(_)),
            Metric::External { reading, .. } => matches!(reading, Reading::Read(_)),
        });
        let within = (1..=max).contains(&current);
        if within && !valid {
            prop_assert_eq!(o.desired, None);
        }
    }

    /// Between sane bounds the new count is within them, and without a behavior it is never more
    /// than twice the old or 4.
    #[test]
    fn bounds_hold(
        demand in any_metrics(),
        memory in any_hpa_memory(),
        min in 1i32..20,
        more in 0i32..200,
        current in 1i32..300,
        now in time(),
    ) {
        let (mut memory, mut demand) = (memory, demand);
        demand.behavior = None;
        let max = min + more;
        if let Some(n) = sync(&demand, (min, max, current, current), false, &mut memory, now).desired {
            prop_assert!((min..=max).contains(&n));
            prop_assert!(current < min || n <= (current * 2).max(4));
        }
    }

    /// The same inputs in another order of pods and values come to the same.
    #[test]
    fn the_order_of_pods_says_nothing(demand in any_metrics(), current in 0i32..100, now in time()) {
        let mut demand = demand;
        // Of two values for one pod the order does count, as upstream.
        for metric in &mut demand.metrics {
            if let Metric::Resource { reading: Reading::Read(v), .. } | Metric::Pods { reading: Reading::Read(v), .. } = metric {
                let mut seen = BTreeSet::new();
                v.retain(|v| seen.insert(v.pod.clone()));
            }
        }
        let mut turned = demand.clone();
        turned.pods = demand.pods.iter().rev().cloned().collect();
        for metric in &mut turned.metrics {
            if let Metric::Resource { reading: Reading::Read(v), .. } | Metric::Pods { reading: Reading::Read(v), .. } = metric {
                v.reverse();
            }
        }
        let numbers = (1, 100, current, current);
        let (mut a, mut b) = (Memory::default(), Memory::default());
        let (one, other) = (sync(&demand, numbers, false, &mut a, now), sync(&turned, numbers, false, &mut b, now));
        // Which pod is named first as the one without a request may differ.
        prop_assert_eq!((one.desired, one.currents, one.recommended), (other.desired, other.currents, other.recommended));
        prop_assert_eq!(a, b);
    }

    /// With a single history, more of a queue never means fewer replicas.
    #[test]
    fn more_never_means_less(
        history in proptest::collection::vec((0i64..200_000, 1i64..120), 0..12),
        behavior in prop::option::of(any_behavior()),
        (less, more) in (0i64..200_000, 0i64..200_000),
        current in 1i32..60,
    ) {
        let run = |last: i64| {
            let mut memory = Memory::default();
            let mut now = 0;
            let mut answer = None;
            for (milli, wait) in history.iter().copied().chain([(last, 15)]) {
                now += wait;
                let spec = Spec { min: 1, max: 100, behavior: behavior.clone() };
                let metrics = [queue(milli)];
                let input = Input {
                    spec: &spec,
                    current,
                    status: current,
                    scaled_to_zero: false,
                    metrics: &metrics,
                    pods: &hpa::Pods::default(),
                    unknown_sites: &BTreeSet::new(),
                    settings: Settings::default(),
                    now: at(now),
                };
                answer = hpa::evaluate(&input, &mut memory).desired;
            }
            answer
        };
        let (low, high) = (less.min(more), less.max(more));
        prop_assert!(run(low) <= run(high), "{:?} {:?}", run(low), run(high));
    }

    /// Without a behavior the count is at least the highest need of five minutes, as fast as it
    /// may grow, and once the need is steady for longer the count is the need.
    #[test]
    fn it_follows_the_highest_need_of_the_window(needs in proptest::collection::vec(1i64..100, 1..30)) {
        let spec = Spec { min: 1, max: 1000, behavior: None };
        let (mut memory, mut current, mut now) = (Memory::default(), 50i32, 0i64);
        let mut seen = Vec::new();
        let last = needs[needs.len() - 1];
        for need in needs.iter().copied().chain(std::iter::repeat_n(last, 30)) {
            now += 15;
            seen.push((now, need));
            let metrics = [queue(need * 1000)];
            let input = Input {
                spec: &spec,
                current,
                status: current,
                scaled_to_zero: false,
                metrics: &metrics,
                pods: &hpa::Pods::default(),
                unknown_sites: &BTreeSet::new(),
                settings: Settings::default(),
                now: at(now),
            };
            let o = hpa::evaluate(&input, &mut memory);
            let recommended = o.recommended.unwrap();
            // Within the tolerance what is there is kept.
            prop_assert!(i64::from(recommended) == need || i64::from(recommended) == i64::from(current));
            current = o.desired.unwrap();
        }
        prop_assert!((i64::from(current) - last).abs() * 10 <= last.max(i64::from(current)));
    }
}
