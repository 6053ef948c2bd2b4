//! The forecast: it makes replicas before a load that comes every day, it never takes any away, and
//! what it may make in vain is bounded.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss
)]

mod common;

use common::*;
use pinisi_planner::demand::ALLOWANCE_PERCENT;
use pinisi_planner::model::World;
use pinisi_planner::model::amounts::MilliLoad;
use pinisi_planner::model::workload::*;
use pinisi_planner::{Memory, Reason, plan};
use proptest::prelude::*;

const DAY: i64 = 24 * 3600;
/// Seconds from one plan to the next.
const STEP: i64 = 20;

/// One workload that follows a load, and its memory.
struct Follower {
    world: World,
    memory: Memory,
}

impl Follower {
    fn new(forecast: bool) -> Self {
        let mut w = mass(load(0, at(0)));
        let Demand::Load(l) = &mut w.demand else {
            unreachable!()
        };
        (l.per_replica, l.max, l.start_up) = (MilliLoad(10_000), n(10_000), secs(180));
        l.forecast = forecast;
        let workloads = [(id("web"), w)].into();
        Self {
            world: World {
                workloads,
                ..World::default()
            },
            memory: Memory::default(),
        }
    }

    /// Plans for a load at a time; what is wanted, and why.
    fn sees(&mut self, now: i64, units: u64) -> (u32, Vec<Reason>) {
        let signal = Signal::Fresh {
            load: MilliLoad(units * 1000),
            at: at(now),
        };
        with_signal(self.world.workloads.get_mut(&id("web")).unwrap(), signal);
        let mut made = plan(&self.world, &self.memory, at(now));
        self.memory = made.memory.clone();
        let decision = made.workloads.remove(&id("web")).unwrap();
        (decision.want.get(), decision.reasons)
    }
}

/// 400 a second and from 08:00 for half an hour ten times that.
fn registration(now: i64) -> u64 {
    match now.rem_euclid(DAY) {
        0..1800 => 4000,
        _ => 400,
    }
}

fn steps(from: i64, until: i64) -> impl Iterator<Item = i64> {
    (from / STEP..until / STEP).map(|i| i * STEP)
}

fn silence(reasons: &[Reason]) -> Option<&'static str> {
    let said = |r: &&Reason| matches!(r, Reason::ForecastSilent(_));
    reasons.iter().find(said).map(Reason::word)
}

#[test]
fn what_came_two_days_is_ready_for_on_the_third() {
    let (mut with, mut without) = (Follower::new(true), Follower::new(false));
    let start = 3 * DAY;
    let mut wants = (0, 0);
    for now in steps(3600, start) {
        let load = registration(now);
        let said = with.sees(now, load).1;
        without.sees(now, load);
        if now < DAY {
            assert_eq!(silence(&said), Some("ForecastLearning"), "{now}");
        }
    }
    for now in steps(start - 600, start) {
        wants = (with.sees(now, 400).0, without.sees(now, 400).0);
        if now == start - 200 {
            assert!(wants.0 >= 400, "they take 180 s to start: {wants:?}");
        }
        if now == start - 600 {
            assert_eq!(wants.0, wants.1, "not earlier than they have to be");
        }
    }
    assert!(wants.0 >= 400 && wants.1 < 150, "{wants:?}");
    let (want, said) = with.sees(start - STEP, 400);
    let said = said.iter().find(|r| matches!(r, Reason::Forecast { .. }));
    let said = said.map(ToString::to_string).unwrap();
    assert_eq!(
        said,
        format!("earlier days let expect a load of 4201.881, which needs {want}")
    );
}

/// Follows a load of 400 for a day, from an hour before 08:00: whether replicas were made ahead, and
/// why no more were.
fn a_quiet_day(follower: &mut Follower, day: i64) -> (bool, Option<&'static str>) {
    let mut found = (false, None);
    for now in steps(day * DAY - 3600, (day + 1) * DAY - 3600) {
        let (want, said) = follower.sees(now, 400);
        let silent = silence(&said).filter(|why| *why != "ForecastLearning");
        found = (found.0 || want > 200, found.1.or(silent));
    }
    found
}

#[test]
fn a_load_that_comes_no_more_is_waited_for_no_longer_than_its_share_allows() {
    let mut follower = Follower::new(true);
    for now in steps(3600, 4 * DAY - 3600) {
        follower.sees(now, registration(now));
    }
    // It served three times, so it is believed until it is the rarer case.
    for day in 4..8 {
        assert_eq!(
            a_quiet_day(&mut follower, day),
            (true, Some("ForecastSpent"))
        );
    }
    assert_eq!(a_quiet_day(&mut follower, 8), (false, None));
}

#[test]
fn a_forecast_that_served_nothing_is_dropped_the_first_time() {
    let mut follower = Follower::new(true);
    for now in steps(3600, 3 * DAY - 3600) {
        follower.sees(now, registration(now));
    }
    assert_eq!(
        a_quiet_day(&mut follower, 3),
        (true, Some("ForecastDidNotPay"))
    );
}

#[test]
fn switched_off_it_forgets_and_asks_for_nothing() {
    let mut follower = Follower::new(true);
    let end = 3 * DAY - 200;
    let mut on = 0;
    for now in steps(3600, end) {
        on = follower.sees(now, registration(now)).0;
    }
    let w = follower.world.workloads.get_mut(&id("web")).unwrap();
    if let Demand::Load(l) = &mut w.demand {
        l.forecast = false;
    }
    let off = follower.sees(end, 400).0;
    assert!(on > 200 && off < 200, "{on}, {off}");
    let memory = &follower.memory.workloads[&id("web")];
    assert_eq!(memory.statistics.forecast, None);
}

proptest! {
    #![proptest_config(cases(12))]

    /// Whatever has been and whatever comes: it adds and never takes, and what it adds is at most its
    /// share of what the load itself takes, and one slot more.
    #[test]
    fn it_only_adds_and_no_more_than_its_share(
        mut loads in proptest::collection::vec(prop_oneof![3 => 10u64..500, 1 => 0u64..20_000], 300),
        step in 300i64..1500,
    ) {
        // The same three times over, and then something else: the worst for who believes in days.
        let again = loads.len();
        loads.extend_from_within(..);
        loads.extend_from_within(..again);
        loads.extend(std::iter::repeat_n(50, again));
        let (mut with, mut without) = (Follower::new(true), Follower::new(false));
        let (mut extra, mut base) = (0.0f64, 0.0f64);
        let keep = 0.5f64.powf(step as f64 / (12.0 * 3600.0));
        for (i, load) in loads.into_iter().enumerate() {
            let now = i as i64 * step.max(DAY / again as i64);
            let (more, plain) = (with.sees(now, load).0, without.sees(now, load).0);
            prop_assert!(more >= plain);
            // A look counts for two minutes at most.
            let span = 120.0;
            extra = extra * keep + f64::from(more - plain) * span;
            base = base * keep + f64::from(plain) * span;
            let slot = f64::from(more) * span;
            prop_assert!(extra <= base * 1.1 * ALLOWANCE_PERCENT / 100.0 + slot, "{extra} of {base}");
        }
    }
}
