//! What must hold for every run, whoever decides.

#![allow(clippy::unwrap_used)]

mod common;

use common::{setup, site, trace};
use pinisi_planner::model::amounts::{Percent, Replicas};
use pinisi_planner::model::money::{Currency, Money};
use pinisi_planner::model::price::PerHour;
use pinisi_planner::model::site::SiteKind;
use pinisi_simulator::contenders::{
    Ask, Autoscaler, Contender, Each, ServiceView, View,
    hpa::{Hpa, Tuning},
    keda::Keda,
    oracle,
    pinisi::Pinisi,
    revision::Revision,
};
use pinisi_simulator::crowd::Patience;
use pinisi_simulator::rows::registration;
use pinisi_simulator::run::{Run, run};
use pinisi_simulator::setup::{Funds, Service, Setup};
use pinisi_simulator::summary::Summary;
use pinisi_simulator::tally::Tally;
use pinisi_simulator::time::Millis;
use proptest::prelude::*;

/// Says what it was told, one count a tick.
struct Puppet(Vec<u32>);

impl Contender for Puppet {
    fn period(&self) -> Millis {
        Millis::secs(7)
    }
    fn decide(&mut self, _: &View<'_>) -> Vec<Ask> {
        vec![
            self.0
                .pop()
                .map_or(Ask::Keep, |n| Ask::Total(Replicas::new(n))),
        ]
    }
}

fn contenders(setup: &Setup) -> Vec<(&'static str, Box<dyn Contender>)> {
    vec![
        ("pinisi", Box::new(Pinisi::new(setup))),
        (
            "hpa",
            Box::new(Each::of(setup, &Hpa::new(Tuning::default(), false))),
        ),
        (
            "hpa at equal lag",
            Box::new(Each::of(setup, &Hpa::new(Tuning::default(), true))),
        ),
        (
            "keda",
            Box::new(Each::of(setup, &Keda::new(Tuning::default(), false))),
        ),
        ("knative", Box::new(Each::of(setup, &Revision::default()))),
        (
            "keda at equal lag",
            Box::new(Each::of(setup, &Keda::new(Tuning::default(), true))),
        ),
    ]
}

fn sound(name: &str, setup: &Setup, tally: &Tally) -> Result<(), TestCaseError> {
    let (all, oracle) = (tally.all(), oracle::tally(setup).all());
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-6 * (1.0 + a.abs());
    prop_assert!(
        near(all.served + all.unserved, all.offered),
        "{name}: {all:?}"
    );
    prop_assert!(near(all.offered, oracle.offered), "{name}: {all:?}");
    prop_assert!(all.unserved >= 0.0 && all.served >= 0.0, "{name}: {all:?}");
    let by_site: f64 = tally.sites.iter().map(|s| s.replica_seconds).sum();
    prop_assert!(
        near(by_site, all.replica_seconds),
        "{name}: {by_site} {all:?}"
    );
    prop_assert!(
        all.unserved > 1e-6 || all.replica_seconds >= oracle.replica_seconds - 1e-6,
        "{name} is cheaper than who knows the future: {all:?} {oracle:?}"
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn nothing_is_lost_and_nobody_beats_the_oracle(
        step in prop_oneof![Just(1i64), Just(20), Just(60)],
        counts in prop::collection::vec(prop_oneof![4 => 0u32..100, 1 => 0u32..3000], 2..40),
        peak in 1f64..900.0, home in 0u64..60, start_up in 0i64..200,
    ) {
        let counts: Vec<f64> = counts.into_iter().map(f64::from).collect();
        let setup = setup(&trace(step, &counts), peak, home, start_up);
        for (name, mut contender) in contenders(&setup) {
            sound(name, &setup, &run(&setup, contender.as_mut()))?;
        }
    }

    #[test]
    fn nothing_is_lost_whatever_is_asked(
        counts in prop::collection::vec(0u32..100, 2..20), asks in prop::collection::vec(0u32..200, 0..60),
        home in 0u64..60, start_up in 0i64..200,
    ) {
        let counts: Vec<f64> = counts.into_iter().map(f64::from).collect();
        let setup = setup(&trace(20, &counts), 500.0, home, start_up);
        sound("puppet", &setup, &run(&setup, &mut Puppet(asks)))?;
    }
}

#[test]
fn what_the_cloud_costs_never_passes_the_funds_and_what_is_left_serves() {
    // Six hours: home holds 4 of the 20 that the middle ones need.
    let hours = [2.0, 20.0, 20.0, 20.0, 20.0, 2.0];
    let counts: Vec<f64> = hours.iter().flat_map(|n| vec![n * 600.0; 60]).collect();
    let mut setup = setup(&trace(60, &counts), 200.0, 5, 60);
    let free = run(&setup, &mut Pinisi::new(&setup));
    let mut before = f64::INFINITY;
    for ceiling in [1000, 40, 20, 5, 0] {
        setup.funds = Some(Funds {
            currency: Currency::parse("IDR").unwrap(),
            core_hour: PerHour::new(Money::from_micros(1_000_000)),
            ceiling: Money::from_micros(i128::from(ceiling) * 1_000_000),
        });
        let tally = run(&setup, &mut Pinisi::new(&setup));
        let spent = tally.sites[1].core_seconds / 3600.0;
        assert!(spent <= f64::from(ceiling), "{spent} of {ceiling}");
        let served = tally.all().served;
        assert!(served <= before, "{ceiling}");
        before = served;
        match ceiling {
            1000 => assert_eq!(tally, free, "who has enough feels nothing of it"),
            0 => assert_eq!(spent, 0.0),
            _ => assert!(spent > f64::from(ceiling) * 0.5, "{spent} of {ceiling}"),
        }
    }
}

#[test]
fn replicas_serve_a_start_up_after_they_are_asked_for() {
    // 100 requests a second from the first second on; 15 replicas at the start.
    let mut setup = setup(&trace(1, &[100.0; 60]), 100.0, 100, 20);
    setup.services[0].min = Replicas::new(0);
    // At 0 s none, at 7 s ten.
    let mut puppet = Puppet(vec![10, 0]);
    let all = run(&setup, &mut puppet).all();
    assert_eq!((all.unserved, all.served), (2700.0, 3300.0));
    assert_eq!(all.replica_seconds, 530.0);
    assert_eq!((all.changes, all.peak), (25, Replicas::new(15)));
}

#[test]
fn what_finds_no_node_waits_and_then_starts() {
    // Home has room for 4, the cloud for 3; the rest waits until the cloud's leave.
    let mut setup = setup(&trace(1, &[10.0; 80]), 10.0, 4, 10);
    setup.sites[1] = site("cloud", SiteKind::Cloud, 3, 10);
    let mut puppet = Puppet(vec![9]);
    let mut run = Run::new(&setup, &mut puppet);
    run.advance(Millis::secs(5));
    let stations = run.fleet().of(0);
    let bound: Vec<u32> = stations.iter().map(|s| s.bound().get()).collect();
    assert_eq!((bound, stations[1].count().get()), (vec![4, 3], 5));
    assert!(stations[1].waiting().is_some());
}

#[test]
fn knative_keeps_the_last_pod_for_its_window_and_the_grace_period() {
    // 2 minutes of load, then none: 60 s until the window is empty of it, 30 s of grace.
    let counts: Vec<f64> = [10.0; 120].into_iter().chain([0.0; 130]).collect();
    let mut setup = setup(&trace(1, &counts), 10.0, 100, 5);
    setup.services[0].min = Replicas::ZERO;
    let mut knative = Each::of(&setup, &Revision::default());
    let mut run = Run::new(&setup, &mut knative);
    let counts = [100, 180, 205, 220].map(|second| {
        run.advance(Millis::secs(second));
        run.fleet().of(0)[0].count().get()
    });
    assert_eq!(counts, [2, 1, 1, 0]);
}

#[test]
fn a_run_in_pieces_is_the_same_run() {
    let counts: Vec<f64> = (0..60).map(|i| f64::from(i * 37 % 50)).collect();
    let setup = setup(&trace(20, &counts), 400.0, 20, 60);
    for ((name, mut whole), (_, mut parts)) in
        contenders(&setup).into_iter().zip(contenders(&setup))
    {
        let whole = run(&setup, whole.as_mut()).all();
        let mut pieces = Run::new(&setup, parts.as_mut());
        for s in 1..400 {
            pieces.advance(Millis(s * 3333));
        }
        let pieces = pieces.tally().all();
        assert!((whole.served - pieces.served).abs() < 1e-6, "{name}");
        assert!(
            (whole.replica_seconds - pieces.replica_seconds).abs() < 1e-6,
            "{name}"
        );
        assert_eq!(whole.changes, pieces.changes, "{name}");
    }
}

#[test]
fn the_same_input_gives_the_same_figures_to_the_bit() {
    let counts: Vec<f64> = (0..60).map(|i| f64::from(i * i % 97)).collect();
    let setup = setup(&trace(60, &counts), 700.0, 30, 60);
    for ((name, mut a), (_, mut b)) in contenders(&setup).into_iter().zip(contenders(&setup)) {
        assert_eq!(run(&setup, a.as_mut()), run(&setup, b.as_mut()), "{name}");
    }
}

#[test]
fn pinisi_fills_home_first_and_a_sensitive_service_never_leaves_it() {
    let mut setup = setup(
        &trace(60, &[300.0, 300.0, 6000.0, 6000.0, 6000.0, 6000.0]),
        400.0,
        60,
        10,
    );
    let mut records = Service {
        name: "records".into(),
        sensitive: true,
        ..setup.services[0].clone()
    };
    records.load = pinisi_simulator::load::Load::of(
        &trace(60, &[300.0, 300.0, 6000.0, 6000.0, 6000.0, 6000.0]),
        pinisi_simulator::load::Scale::PeakOf(200.0),
    );
    setup.services.push(records);
    let mut pinisi = Pinisi::new(&setup);
    let mut run = Run::new(&setup, &mut pinisi);
    run.advance(setup.span);
    let (web, records) = (run.fleet().of(0), run.fleet().of(1));
    assert!(records[0].count().get() >= 20, "{records:?}");
    assert_eq!(records[1].count().get(), 0);
    assert!(web[1].count().get() > 0, "home has no room for all of them");
    assert!(web[0].count().get() + records[0].count().get() <= 60);
}

#[test]
fn tiers_watermarks_and_windows_are_those_of_the_setup() {
    use jiff::SignedDuration;
    use pinisi_planner::model::site::SiteName;
    use pinisi_planner::model::workload::Tier;
    let counts = [600.0, 600.0, 6000.0, 6000.0, 6000.0, 6000.0];
    let mut setup = setup(&trace(60, &counts), 100.0, 60, 10);
    let tier = |site: &str, min, max| Tier {
        sites: vec![SiteName::new(site)],
        min: Replicas::new(min),
        max: Replicas::new(max),
    };
    let ends = |setup: &Setup| {
        let mut pinisi = Pinisi::new(setup);
        let mut run = Run::new(setup, &mut pinisi);
        run.advance(setup.span);
        let stations = run.fleet().of(0);
        (stations[0].count().get(), stations[1].count().get())
    };
    // What grows to ten times itself in a minute gets the most headroom that there is.
    let all = 25;
    assert_eq!(ends(&setup), (all, 0));
    setup.sites[0].watermarks.high = Percent::new(10);
    assert_eq!(ends(&setup), (6, all - 6), "a tenth of home's 60");
    setup.services[0].policy.tiers = vec![tier("home", 0, 4), tier("cloud", 0, 5)];
    assert_eq!(ends(&setup), (4, 5));
    setup.services[0].policy.tiers = vec![tier("cloud", 0, 100), tier("elsewhere", 1, 1)];
    assert_eq!(ends(&setup), (0, all));

    // A need that is held longer than the run never leaves; without that it does.
    let mut falling = common::setup(&trace(60, &[6000.0, 600.0, 600.0, 600.0]), 100.0, 60, 1);
    let (short, _) = ends(&falling);
    falling.services[0].policy.scale_down_window = Some(SignedDuration::from_hours(1));
    let (long, _) = ends(&falling);
    assert!(long >= 13 && short < long, "{short} {long}");
}

/// Hands on what an autoscaler can see.
#[derive(Clone)]
struct Witness(Vec<(f64, f64)>);

impl Autoscaler for Witness {
    fn period(&self) -> Millis {
        Millis::secs(15)
    }
    fn decide(&mut self, view: &ServiceView<'_>) -> Option<Replicas> {
        let window = (view.now.minus(Millis::secs(10)), view.now);
        self.0
            .push((view.offered(window).unwrap(), view.served_by_one(window)));
        None
    }
}

#[test]
fn use_saturates_and_what_is_refused_still_counts_as_load() {
    // Two replicas at the start carry 20 of what is then 100 requests a second.
    let mut counts = vec![10.0; 30];
    counts.extend([100.0; 31]);
    let setup = setup(&trace(1, &counts), 100.0, 100, 20);
    struct Seen(Witness);
    impl Contender for Seen {
        fn period(&self) -> Millis {
            Millis::secs(15)
        }
        fn decide(&mut self, view: &View<'_>) -> Vec<Ask> {
            self.0.decide(&view.of(0).unwrap());
            vec![Ask::Keep]
        }
    }
    let mut seen = Seen(Witness(Vec::new()));
    run(&setup, &mut seen);
    let rounded: Vec<(f64, f64)> = seen
        .0
        .0
        .iter()
        .map(|(a, b)| (a.round(), b.round()))
        .collect();
    assert_eq!(
        rounded,
        [
            (10.0, 50.0),
            (10.0, 50.0),
            (10.0, 50.0),
            (100.0, 100.0),
            (100.0, 100.0)
        ]
    );
}

#[test]
fn a_silent_signal_shrinks_nothing_and_a_lost_site_is_made_up_for() {
    let fault = |text: &str| vec![text.parse().unwrap()];
    let flat = trace(60, &[6000.0; 60]);
    let mut falls = [6000.0; 60];
    falls[20..].fill(600.0);
    for (name, _) in contenders(&setup(&flat, 400.0, 30, 20)) {
        // The load falls at 20 min, the signal has been silent since 18 min.
        let mut silent = setup(&trace(60, &falls), 400.0, 30, 20);
        silent.faults = fault("signal,18m,50m");
        let (_, mut contender) = contenders(&silent)
            .into_iter()
            .find(|c| c.0 == name)
            .unwrap();
        let mut run = Run::new(&silent, contender.as_mut());
        run.advance(Millis::secs(18 * 60));
        let before = pinisi_simulator::fleet::counts(run.fleet().of(0));
        run.advance(silent.span);
        let after = pinisi_simulator::fleet::counts(run.fleet().of(0));
        if name != "knative" {
            assert!(after >= before, "{name}: {before} {after}");
        }
        // The cloud, with part of what runs, is lost from 10 min to 40 min.
        let mut lost = setup(&flat, 400.0, 30, 20);
        lost.faults = fault("site:cloud,10m,30m");
        let (_, mut contender) = contenders(&lost).into_iter().find(|c| c.0 == name).unwrap();
        let mut run = Run::new(&lost, contender.as_mut());
        run.advance(Millis::secs(10 * 60 - 1));
        let before = run.tally().all().unserved;
        assert!(
            run.fleet().of(0)[1].ready().get() > 0,
            "{name}: nothing to lose"
        );
        run.advance(Millis::secs(11 * 60));
        assert_eq!(run.fleet().of(0)[1].ready().get(), 0, "{name}");
        assert!(
            run.tally().all().unserved > before,
            "{name}: nobody missed it"
        );
        run.advance(Millis::secs(45 * 60));
        assert!(run.fleet().of(0)[1].ready().get() > 0, "{name}: it is back");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn whoever_waits_or_comes_again_is_served_or_lost_in_the_end(
        counts in prop::collection::vec(0u32..100, 2..20), wait in 0i64..30, again in 0i32..=100, after in 0i64..20,
        home in 0u64..60,
    ) {
        let counts: Vec<f64> = counts.into_iter().map(f64::from).collect();
        let mut setup = setup(&trace(20, &counts), 500.0, home, 30);
        setup.patience = Some(Patience {
            wait: Millis::secs(wait),
            again: Percent::new(again),
            after: Millis::secs(after),
        });
        for (name, mut contender) in contenders(&setup) {
            let mut run = Run::new(&setup, contender.as_mut());
            run.advance(setup.span);
            let all = run.tally().all();
            let sum = all.served + all.unserved + run.pending();
            prop_assert!((sum - all.offered).abs() <= 1e-6 * (1.0 + all.offered), "{name}: {all:?}");
            prop_assert!(all.served >= 0.0 && all.unserved >= -1e-9);
        }
    }
}

#[test]
fn patience_saves_a_short_spike() {
    // Two replicas carry 20 a second; 5 s of 30 leave 50 requests that wait for at most 5 s.
    let mut counts = vec![10.0; 30];
    counts[10..15].fill(30.0);
    let mut setup = setup(&trace(1, &counts), 30.0, 100, 60);
    let unserved = |setup: &Setup| run(setup, &mut Puppet(Vec::new())).all().unserved;
    assert_eq!(unserved(&setup), 50.0);
    let patience = |wait, again| {
        Some(Patience {
            wait: Millis::secs(wait),
            again: Percent::new(again),
            after: Millis::secs(10),
        })
    };
    setup.patience = patience(3, 0);
    assert_eq!(unserved(&setup), 0.0);
    setup.patience = patience(1, 0);
    assert_eq!(unserved(&setup), 30.0);
    setup.patience = patience(1, 100);
    assert_eq!(unserved(&setup), 0.0);
}

#[test]
fn what_is_no_fault_is_refused() {
    use pinisi_simulator::fault::Fault;
    for text in [
        "",
        "site:,1m,1m",
        "cloud,1m,1m",
        "signal",
        "signal,1m",
        "signal,1m,x",
        "signal,-1m,1m",
        "signal,1m,1m,1m",
    ] {
        assert!(text.parse::<Fault>().is_err(), "{text}");
    }
}

#[test]
fn figures_of_a_small_run() {
    let setup = setup(&registration(), 500.0, 1000, 60);
    let oracle = oracle::tally(&setup);
    let of = |mut c: Box<dyn Contender>| Summary::of(&run(&setup, c.as_mut()), &oracle);
    let hpa = of(Box::new(Each::of(
        &setup,
        &Hpa::new(Tuning::default(), false),
    )));
    let keda = of(Box::new(Each::of(
        &setup,
        &Keda::new(Tuning::default(), false),
    )));
    // These two do not change unless the models do. Whoever changes them renews docs/measured.md.
    let figures = |unserved_pct, cost_ratio, replica_hours, churn| Summary {
        unserved_pct,
        cost_ratio,
        replica_hours,
        churn,
    };
    assert_eq!(hpa, figures(1.249078, 1.496608, 418.208333, 2.44));
    assert_eq!(keda, figures(0.359889, 1.527339, 426.795833, 2.52));
    assert_eq!(Summary::of(&oracle, &oracle).cost_ratio, 1.0);
}
