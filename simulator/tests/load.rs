//! The exact integrals against sums of small slices.

mod common;

use common::trace;
use pinisi_simulator::load::{Load, Scale};
use pinisi_simulator::time::Millis;
use proptest::prelude::*;

/// A sum of slices of 10 ms.
fn sliced(load: &Load, from: i64, to: i64, value: impl Fn(f64) -> f64) -> f64 {
    const SLICE: i64 = 10;
    let middles = (from..to)
        .step_by(10)
        .map(|t| load.rate(Millis(t + SLICE / 2)));
    middles.map(value).sum::<f64>() * Millis(SLICE).seconds()
}

#[test]
fn long_steps_run_straight_from_middle_to_middle() {
    let load = Load::of(&trace(60, &[600.0, 1200.0, 0.0]), Scale::AsRecorded);
    let rate = |s| load.rate(Millis::secs(s));
    assert_eq!(
        [rate(-5), rate(0), rate(30), rate(60)],
        [10.0, 10.0, 10.0, 15.0]
    );
    assert_eq!(
        [rate(90), rate(120), rate(150), rate(999)],
        [20.0, 10.0, 0.0, 0.0]
    );
    assert!((load.requests(Millis::ZERO, load.span()) - 1800.0).abs() < 1e-9);
    assert!((load.mean(Millis::secs(-60), Millis::ZERO) - 10.0).abs() < 1e-9);
}

#[test]
fn steps_of_a_second_change_at_once() {
    let load = Load::of(&trace(1, &[1.0, 5.0, 3.0]), Scale::PeakOf(50.0));
    let rate = |ms| load.rate(Millis(ms));
    assert_eq!(
        [rate(0), rate(999), rate(1000), rate(2500)],
        [10.0, 10.0, 50.0, 30.0]
    );
    assert_eq!(load.served(Millis::ZERO, load.span(), 30.0), 70.0);
}

#[test]
fn a_trace_without_a_request_stays_without_one() {
    let load = Load::of(&trace(60, &[0.0, 0.0]), Scale::PeakOf(50.0));
    assert_eq!(
        (load.peak(), load.requests(Millis::ZERO, load.span())),
        (0.0, 0.0)
    );
}

proptest! {
    #[test]
    fn integrals_are_what_slices_sum_up_to(
        step in prop_oneof![Just(1i64), Just(4)],
        counts in prop::collection::vec(0u32..100, 2..8),
        from in -3000i64..20_000, length in 0i64..20_000, capacity in 0f64..120.0, min in 0u32..4,
    ) {
        let counts: Vec<f64> = counts.into_iter().map(f64::from).collect();
        let load = Load::of(&trace(step, &counts), Scale::AsRecorded);
        let (from, to) = (from / 10 * 10, (from + length) / 10 * 10);
        let (a, b) = (Millis(from), Millis(to));
        let close = |x: f64, y: f64, by: f64| (x - y).abs() <= by;
        prop_assert!(close(load.requests(a, b), sliced(&load, from, to, |r| r), 1e-6));
        prop_assert!(close(load.served(a, b, capacity), sliced(&load, from, to, |r| r.min(capacity)), 0.05));
        let (per, min) = (7.0, f64::from(min));
        let needed = sliced(&load, from, to, |r| (r / per).ceil().max(min));
        // Slices miss by as much as one replica each time that the need changes within one.
        prop_assert!(close(load.needed(a, b, per, min), needed, 1.2), "{} {needed}", load.needed(a, b, per, min));
    }
}
