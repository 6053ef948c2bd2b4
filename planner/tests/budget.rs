//! Money never passes its ceiling: what a budget allows, who gives way, and what is remembered.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

mod common;

use common::*;
use jiff::Timestamp;
use pinisi_planner::budget::{BILLING_STEP, DRAIN, Standing, Unfunded};
use pinisi_planner::model::amounts::{MilliLoad, Replicas};
use pinisi_planner::model::budget::{Budget, BudgetName, Period};
use pinisi_planner::model::money::{Currency, Money};
use pinisi_planner::model::price::{Exact, PerHour, Price};
use pinisi_planner::model::schedule::{Expected, Window};
use pinisi_planner::model::site::SiteKind::{Cloud, OnPrem};
use pinisi_planner::model::site::{Reach, Site};
use pinisi_planner::model::workload::*;
use pinisi_planner::{Memory, Plan, Reason, Statistics, plan};
use proptest::collection::vec;
use proptest::prelude::*;

const YEAR: i64 = 365 * 24 * 3600;

fn money(text: &str) -> Money {
    text.parse().unwrap()
}
fn idr() -> Currency {
    Currency::parse("IDR").unwrap()
}
fn rate(text: &str) -> PerHour {
    PerHour::new(money(text))
}
fn budget_name() -> BudgetName {
    BudgetName::new("cloud")
}

/// A site where a core costs `cpu` IDR an hour.
fn priced(mut site: Site, cpu: &str) -> Site {
    site.price = Some(Price {
        currency: idr(),
        cpu: rate(cpu),
        gib: PerHour::ZERO,
    });
    site
}

/// A budget from now for a year.
fn budget(ceiling: &str) -> Budget {
    Budget {
        namespaces: ["ns".into()].into(),
        currency: idr(),
        period: Period {
            from: at(0),
            until: at(YEAR),
        },
        ceiling: money(ceiling),
        most_per_hour: None,
    }
}

fn an_hour(ceiling: &str, most: &str) -> Budget {
    Budget {
        most_per_hour: Some(rate(most)),
        ..budget(ceiling)
    }
}

/// Home for 4, a cloud for 40 at 1 IDR an hour each.
fn cluster(workloads: Vec<(&str, Workload)>, budget: Option<Budget>) -> Cluster {
    let sites = vec![
        ("home", site(OnPrem, 1, 4000)),
        ("cloud", priced(site(Cloud, 4, 10_000), "1")),
    ];
    let mut c = Cluster::new(sites, workloads);
    c.world.budgets = budget.map(|b| (budget_name(), b)).into_iter().collect();
    c
}

fn web(want: u32) -> Vec<(&'static str, Workload)> {
    vec![("web", mass(Demand::Fixed(n(want))))]
}

/// As many as a load says, with a minimum.
fn by_load(units: u64, min: u32) -> Workload {
    let mut demand = load(units, at(0));
    if let Demand::Load(l) = &mut demand {
        l.min = n(min);
        l.scale_down_window = Some(secs(0));
    }
    mass(demand)
}

fn planned(c: &Cluster) -> Plan {
    plan(&c.world, &c.memory, c.now)
}

fn standing(made: &Plan) -> Standing {
    made.budgets[&budget_name()].clone()
}

fn limited(made: &Plan, workload: &str) -> Option<(u32, u32, String)> {
    made.workloads[&id(workload)]
        .reasons
        .iter()
        .find_map(|r| match r {
            Reason::BudgetLimited {
                placed,
                missing,
                per_hour,
                ..
            } => Some((placed.get(), missing.get(), per_hour.to_string())),
            _ => None,
        })
}

fn unfunded(made: &Plan, workload: &str) -> Option<Unfunded> {
    made.workloads[&id(workload)]
        .reasons
        .iter()
        .find_map(|r| match r {
            Reason::Unfunded { why, .. } => Some(why.clone()),
            _ => None,
        })
}

#[test]
fn the_most_an_hour_ends_the_overflow_and_home_goes_on() {
    let mut c = cluster(web(10), Some(an_hour("1000", "3")));
    c.tick("web", 1);
    assert_eq!(
        (c.leg("web", "home").spec, c.leg("web", "cloud").spec),
        (n(4), n(3))
    );
    let made = planned(&c);
    assert_eq!(limited(&made, "web"), Some((7, 3, "3".into())));
    assert!(
        !words(&made, "web").contains(&"CapacityShort"),
        "nodes are not short"
    );
    assert_eq!(made.workloads[&id("web")].cost[&idr()], rate("3"));

    c.world
        .budgets
        .insert(budget_name(), an_hour("1000", "5.5"));
    c.tick("web", 1);
    assert_eq!(c.leg("web", "cloud").spec, n(5));
    c.world
        .budgets
        .insert(budget_name(), an_hour("1000", "100"));
    c.tick("web", 1);
    assert_eq!(c.leg("web", "cloud").spec, n(6));
    assert_eq!(limited(&planned(&c), "web"), None);
}

#[test]
fn what_is_left_is_spread_over_the_horizon_and_what_leaving_costs() {
    // An hour and six minutes: 11 IDR are 10 an hour.
    assert_eq!(DRAIN.saturating_add(BILLING_STEP), secs(360));
    let mut c = cluster(web(100), Some(budget("11")));
    c.tick("web", 600);
    assert_eq!(c.leg("web", "cloud").spec, n(10));
    let made = planned(&c);
    assert_eq!(standing(&made).spent, money("1.666667"));
    assert_eq!(standing(&made).per_hour, rate("10"), "until they are gone");
    // 9.33 left at 10 an hour are 56 minutes.
    assert_eq!(standing(&made).exhausted_at, Some(at(600 + 56 * 60)));
    assert_eq!(desired(&made, "web", "cloud"), 8);
    assert_eq!(desired(&made, "web", "home"), 4);
}

#[test]
fn a_priced_site_that_nobody_pays_for_gets_nothing_and_keeps_what_it_has() {
    let mut c = cluster(web(10), None);
    assert_eq!(unfunded(&planned(&c), "web"), Some(Unfunded::NoBudget));
    c.tick("web", 1);
    assert_eq!(c.leg("web", "cloud").spec, n(0));

    let usd = Currency::parse("USD").unwrap();
    let other = Budget {
        currency: usd,
        ..budget("1000")
    };
    c.world.budgets.insert(budget_name(), other);
    assert!(
        matches!(unfunded(&planned(&c), "web"), Some(Unfunded::Currency { has, .. }) if has == usd)
    );
    let elsewhere = Budget {
        namespaces: ["other".into()].into(),
        ..budget("1000")
    };
    c.world.budgets.insert(budget_name(), elsewhere);
    assert_eq!(unfunded(&planned(&c), "web"), Some(Unfunded::NoBudget));
    let later = Period {
        from: at(100),
        until: at(200),
    };
    c.world.budgets.insert(
        budget_name(),
        Budget {
            period: later,
            ..budget("1000")
        },
    );
    assert_eq!(unfunded(&planned(&c), "web"), Some(Unfunded::NoBudget));

    c.world.budgets.insert(budget_name(), budget("1000"));
    let in_cores = c.world.sites[&name("cloud")].price.unwrap();
    let in_memory = Price {
        cpu: PerHour::ZERO,
        gib: in_cores.cpu,
        ..in_cores
    };
    c.world.sites.get_mut(&name("cloud")).unwrap().price = Some(in_memory);
    let made = planned(&c);
    assert_eq!(unfunded(&made, "web"), Some(Unfunded::NoRequests));
    c.world.sites.get_mut(&name("cloud")).unwrap().price = Some(in_cores);
    c.tick("web", 1);
    assert_eq!(c.leg("web", "cloud").spec, n(6));
    c.world.budgets.clear();
    for _ in 0..5 {
        c.tick("web", 60);
    }
    assert_eq!(
        c.leg("web", "cloud").spec,
        n(6),
        "a missing object shrinks nothing"
    );
}

#[test]
fn a_price_of_zero_needs_no_budget() {
    let mut c = cluster(web(10), None);
    let site = c.world.sites.get_mut(&name("cloud")).unwrap();
    *site = priced(site.clone(), "0");
    assert_eq!(desired(&planned(&c), "web", "cloud"), 6);
}

#[test]
fn a_ceiling_of_zero_or_a_period_that_is_over_pays_for_nothing() {
    for stopped in [
        budget("0"),
        Budget {
            period: Period {
                from: at(-100),
                until: at(0),
            },
            ..budget("1000")
        },
        an_hour("1000", "0"),
    ] {
        let mut w = mass(Demand::Fixed(n(10)));
        w.legs.insert(name("cloud"), leg(5));
        let mut c = cluster(vec![("web", w)], Some(stopped));
        assert_eq!(limited(&planned(&c), "web"), Some((4, 6, "6".into())));
        c.tick("web", 1);
        assert_eq!(
            (c.leg("web", "home").spec, c.leg("web", "cloud").spec),
            (n(4), n(0))
        );
    }
}

#[test]
fn a_funded_minimum_stays_to_the_end_when_all_else_has_left() {
    // 2 replicas for 10 hours are 20 IDR; 3 are left for more.
    let mut ten = budget("23");
    ten.period.until = at(36_000);
    let mut c = cluster(vec![("web", by_load(20, 6))], Some(ten));
    let mut most = 0;
    while c.now < at(36_000) {
        let now = c.now;
        with_signal(
            c.workload("web"),
            Signal::Fresh {
                load: MilliLoad(20_000),
                at: now,
            },
        );
        c.tick("web", 30);
        let there = c.leg("web", "cloud").spec.get();
        assert!(there >= 2, "the minimum beyond home's 4, at {now}");
        most = most.max(there);
    }
    assert!(most > 2, "what is left beside the minimum is used");
    let spent = c.billed[&idr()].money();
    assert!(spent > money("22") && spent <= money("23"), "{spent}");
}

#[test]
fn a_minimum_is_funded_as_far_as_the_money_goes() {
    let mut ten = budget("11");
    ten.period.until = at(36_000);
    let mut c = cluster(vec![("web", by_load(1, 9))], Some(ten));
    let made = planned(&c);
    assert_eq!(standing(&made).reserved, money("10"));
    assert_eq!(desired(&made, "web", "cloud"), 1);
    c.tick("web", 1);
    assert_eq!(c.leg("web", "home").spec, n(4));
}

#[test]
fn lower_priority_leaves_before_higher_grows() {
    let mut high = mass(Demand::Fixed(n(0)));
    high.priority = 10;
    let w = mass(Demand::Fixed(n(8)));
    let mut c = cluster(
        vec![("high", high), ("low", w)],
        Some(an_hour("100000", "4")),
    );
    c.leave = secs(20);
    c.tick("low", 10);
    assert_eq!(c.leg("low", "cloud").spec, n(4));
    c.workload("high").demand = Demand::Fixed(n(3));
    let made = planned(&c);
    assert_eq!(desired(&made, "high", "cloud"), 0, "nothing is free yet");
    assert_eq!(desired(&made, "low", "cloud"), 1);
    for _ in 0..4 {
        c.pass(10);
        let bound = |w| c.leg(w, "cloud").bound.plus(c.leg(w, "cloud").terminating);
        assert!(
            bound("high").plus(bound("low")) <= n(4),
            "never more than an hour may cost"
        );
    }
    assert_eq!(
        (c.leg("high", "cloud").spec, c.leg("low", "cloud").spec),
        (n(3), n(1))
    );
    for _ in 0..5 {
        assert!(
            c.tick("low", 10).is_empty() && c.tick("high", 10).is_empty(),
            "and it rests"
        );
    }
}

#[test]
fn of_equal_priority_nobody_is_driven_out() {
    let w = mass(Demand::Fixed(n(0)));
    let mut c = cluster(
        vec![("api", w.clone()), ("web", w)],
        Some(an_hour("100000", "4")),
    );
    c.workload("web").demand = Demand::Fixed(n(7));
    c.tick("web", 10);
    c.workload("api").demand = Demand::Fixed(n(7));
    for _ in 0..5 {
        c.pass(10);
    }
    assert_eq!(
        (c.leg("api", "cloud").spec, c.leg("web", "cloud").spec),
        (n(1), n(3))
    );
}

#[test]
fn margins_give_way_to_loads_whatever_their_priority() {
    // 20 units need 20 replicas, and two more as a margin.
    let mut high = by_load(20, 1);
    high.priority = 10;
    let low = by_load(0, 0);
    let sites = vec![
        ("home", site(OnPrem, 0, 0)),
        ("cloud", priced(site(Cloud, 10, 10_000), "1")),
    ];
    let mut c = Cluster::new(sites, vec![("high", high), ("low", low)]);
    c.world.budgets = [(budget_name(), an_hour("1000000", "23"))].into();
    assert_eq!(desired(&planned(&c), "high", "cloud"), 22);
    c.say("low", 3);
    let made = planned(&c);
    assert_eq!(
        (
            desired(&made, "high", "cloud"),
            desired(&made, "low", "cloud")
        ),
        (20, 3)
    );
    c.say("low", 30);
    let made = planned(&c);
    assert_eq!(
        (
            desired(&made, "high", "cloud"),
            desired(&made, "low", "cloud")
        ),
        (20, 3)
    );
}

#[test]
fn an_announced_window_finds_its_money() {
    // From hour 2 to hour 4 with 9 replicas, 5 of them in the cloud: 10 IDR, and 1.25 for the lead.
    let mut w = by_load(40, 1);
    w.windows = vec![Window {
        name: "registration".into(),
        start: at(7200),
        end: at(14_400),
        expects: Expected::Replicas(n(9)),
    }];
    let mut c = cluster(vec![("web", w)], Some(budget("17.86")));
    assert_eq!(standing(&planned(&c)).reserved, money("11.25"));
    let (mut before, mut during) = (Replicas::ZERO, Replicas::MAX);
    for _ in 0..480 {
        let (now, units) = (c.now, MilliLoad(40_000));
        with_signal(
            c.workload("web"),
            Signal::Fresh {
                load: units,
                at: now,
            },
        );
        c.tick("web", 30);
        let there = c.leg("web", "cloud").spec;
        if now < at(6000) {
            before = there;
        } else if now >= at(7200) {
            during = during.min(there);
        }
    }
    assert!(
        before < n(3),
        "the spike before it has spent what was not set aside: {before}"
    );
    assert!(during >= n(5), "{during}");
    assert!(c.billed[&idr()].money() <= money("17.86"));
}

#[test]
fn what_rises_in_price_leaves_as_far_as_it_must() {
    let mut c = cluster(web(10), Some(an_hour("100000", "6")));
    c.tick("web", 10);
    assert_eq!(c.leg("web", "cloud").spec, n(6));
    let site = c.world.sites.get_mut(&name("cloud")).unwrap();
    *site = priced(site.clone(), "2");
    c.tick("web", 10);
    assert_eq!(c.leg("web", "cloud").spec, n(3));
}

#[test]
fn the_dearest_site_leaves_first_and_all_of_them_share() {
    let mut w = mass(Demand::Fixed(n(12)));
    w.placement = Placement::MassTraffic {
        tiers: vec![tier(&["home"]), tier(&["cheap"]), tier(&["dear"])],
    };
    let sites = vec![
        ("home", site(OnPrem, 1, 4000)),
        ("cheap", priced(site(Cloud, 1, 4000), "1")),
        ("dear", priced(site(Cloud, 1, 9000), "2")),
    ];
    let mut c = Cluster::new(sites, vec![("web", w)]);
    c.world.budgets = [(budget_name(), an_hour("100000", "8"))].into();
    c.tick("web", 10);
    assert_eq!(
        (c.leg("web", "cheap").spec, c.leg("web", "dear").spec),
        (n(4), n(2))
    );
    assert_eq!(limited(&planned(&c), "web"), Some((10, 2, "4".into())));
    c.world
        .budgets
        .insert(budget_name(), an_hour("100000", "5"));
    c.tick("web", 10);
    assert_eq!(
        (c.leg("web", "cheap").spec, c.leg("web", "dear").spec),
        (n(4), n(0))
    );
}

#[test]
fn of_several_budgets_the_tightest_counts_and_all_are_charged() {
    let mut c = cluster(web(10), Some(an_hour("1000", "5")));
    c.world
        .budgets
        .insert(BudgetName::new("ministry"), an_hour("1000", "2"));
    c.tick("web", 3600);
    assert_eq!(c.leg("web", "cloud").spec, n(2));
    let made = planned(&c);
    assert!(made.budgets.values().all(|s| s.spent == money("2")));
    let named = made.workloads[&id("web")].reasons.iter().any(
        |r| matches!(r, Reason::BudgetLimited { budget, .. } if budget.as_str() == "ministry"),
    );
    assert!(named);
}

#[test]
fn only_money_shrinks_what_a_lost_signal_holds_and_what_a_person_pins() {
    let mut w = by_load(0, 1);
    with_signal(&mut w, Signal::Missing(SignalFault::NoSeries));
    w.legs.insert(name("cloud"), leg(5));
    let mut c = cluster(vec![("web", w)], Some(an_hour("1000", "5")));
    assert_eq!(desired(&planned(&c), "web", "cloud"), 5);
    c.world.budgets.insert(budget_name(), an_hour("1000", "2"));
    assert_eq!(desired(&planned(&c), "web", "cloud"), 2);
    c.workload("web").override_ = Some(Override {
        total: None,
        sites: [(name("cloud"), n(20))].into(),
        until: at(1000),
    });
    assert_eq!(desired(&planned(&c), "web", "cloud"), 2);
}

#[test]
fn a_site_that_does_not_answer_is_paid_for_as_last_seen() {
    let mut c = cluster(web(10), Some(an_hour("1000", "6")));
    c.tick("web", 10);
    let silent = Reach::Unreachable { since: c.now };
    c.world.sites.get_mut(&name("cloud")).unwrap().reach = silent;
    let before = standing(&planned(&c)).spent;
    c.tick("web", 3600);
    let made = planned(&c);
    assert_eq!(standing(&made).spent.minus(before), money("6"));
    assert_eq!(standing(&made).per_hour, rate("6"));
    // Nothing else may be bought for it meanwhile.
    let more = priced(site(Cloud, 4, 10_000), "1");
    c.world.sites.insert(name("more"), more);
    c.workload("web").placement = Placement::MassTraffic {
        tiers: vec![tier(&["home"]), tier(&["cloud"]), tier(&["more"])],
    };
    assert_eq!(desired(&planned(&c), "web", "more"), 0);
}

#[test]
fn the_account_outlives_the_budget_and_the_operator() {
    let mut c = cluster(web(10), Some(an_hour("1000", "6")));
    c.tick("web", 3600);
    let gone = c.world.budgets.remove(&budget_name()).unwrap();
    for _ in 0..6 {
        c.tick("web", 600);
    }
    // Written down and read again, with nothing but what survives.
    let text = serde_json::to_string(&c.memory).unwrap();
    c.memory = serde_json::from_str(&text).unwrap();
    c.memory
        .workloads
        .values_mut()
        .for_each(|m| m.statistics = Statistics::default());
    c.now = c.now.saturating_add(secs(3600)).unwrap();
    c.world.budgets.insert(budget_name(), gone.clone());
    assert_eq!(
        standing(&planned(&c)).spent,
        money("18"),
        "three hours of six"
    );

    // Another period is another account, and the first one is found again.
    let mut next = gone.clone();
    next.period.from = at(5);
    c.world.budgets.insert(budget_name(), next);
    c.tick("web", 1);
    c.world.budgets.insert(budget_name(), gone);
    assert!(standing(&planned(&c)).spent >= money("18"));
}

#[test]
fn a_new_period_begins_where_the_last_one_ends() {
    let day = 24 * 3600;
    let mut today = an_hour("1000", "6");
    today.period.until = at(day);
    let mut c = cluster(web(10), Some(today.clone()));
    c.now = at(day - 600);
    c.tick("web", 1800);
    today.period = Period {
        from: at(day),
        until: at(2 * day),
    };
    c.world.budgets.insert(budget_name(), today);
    let made = planned(&c);
    assert_eq!(
        standing(&made).spent,
        money("2"),
        "20 minutes of the new day"
    );
    let first = &made.memory.ledger[&budget_name()][0];
    assert_eq!(first.spent.money(), money("1"), "10 minutes of the old one");
}

#[test]
fn a_clock_that_runs_backwards_forgets_nothing() {
    let mut c = cluster(web(10), Some(an_hour("1000", "6")));
    c.tick("web", 3600);
    c.tick("web", 1);
    for now in [at(0), at(-5000), Timestamp::MIN] {
        c.now = now;
        let made = planned(&c);
        let spent = made.memory.ledger[&budget_name()][0].spent.money();
        assert!(spent >= money("6"), "{now}: {spent}");
        c.memory = made.memory;
    }
    c.now = at(7200);
    assert!(standing(&planned(&c)).spent >= money("6"));
}

/// What happens in one step of a history.
#[derive(Clone, Debug)]
enum Event {
    Wants(usize, u32),
    Price(&'static str),
    Home(u64),
    Restart,
    Gone,
    Back,
    Lost(usize),
    Wait,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0usize..3, 0u32..60).prop_map(|(w, n)| Event::Wants(w, n)),
        1 => prop_oneof![Just("0.5"), Just("1"), Just("1.5")].prop_map(Event::Price),
        1 => (0u64..8).prop_map(Event::Home),
        1 => Just(Event::Restart),
        1 => Just(Event::Gone),
        1 => Just(Event::Back),
        1 => (0usize..3).prop_map(Event::Lost),
        3 => Just(Event::Wait),
    ]
}

fn history() -> impl Strategy<Value = Vec<(Event, i64)>> {
    vec(
        (event(), prop_oneof![3 => 1i64..30, 1 => 1i64..120]),
        20..150,
    )
}

proptest! {
    #![proptest_config(cases(300))]

    /// Whatever loads, prices, restarts and losses come, what was really paid never passes the
    /// ceiling, the account never says less than that, and no hour costs more than it may.
    #[test]
    fn never_past_the_ceiling(
        events in history(),
        (ceiling, most) in (0u32..60, proptest::option::of(1u32..40)),
        (length, leave) in (1800i64..9000, 0i64..300),
        asks in vec((0i32..3, 0u32..4, 1u64..2500), 3),
    ) {
        let sites = vec![
            ("home", site(OnPrem, 1, 4000)),
            ("cloud", priced(site(Cloud, 10, 10_000), "1")),
        ];
        let names = ["a", "b", "c"];
        let workloads = names.iter().zip(asks).map(|(w, (priority, min, millicores))| {
            let mut made = by_load(0, min);
            (made.priority, made.request) = (priority, cpu(millicores));
            made.drain = DrainPolicy { after: secs(60), interval: secs(10), ..made.drain };
            (*w, made)
        });
        let mut c = Cluster::new(sites, workloads.collect());
        c.leave = secs(leave);
        let mut b = budget(&ceiling.to_string());
        b.period.until = at(length);
        b.most_per_hour = most.map(|m| rate(&m.to_string()));
        c.world.budgets = [(budget_name(), b.clone())].into();
        let mut wants = [0u32; 3];
        let (mut rose, mut gone) = (false, false);
        for (event, wait) in events {
            if c.now.saturating_add(secs(wait)).unwrap() >= b.period.until {
                break;
            }
            match event {
                Event::Wants(w, n) => wants[w] = n,
                // A rise is known when it comes: minutes before the end nothing could leave in time.
                Event::Price(_) if c.now >= at(length - 1800) => {}
                Event::Price(cpu) => {
                    rose = true;
                    let site = c.world.sites.get_mut(&name("cloud")).unwrap();
                    *site = priced(site.clone(), cpu);
                }
                Event::Home(cores) => {
                    let site = c.world.sites.get_mut(&name("home")).unwrap();
                    site.nodes[0].allocatable.millicores = cores * 1000;
                }
                Event::Restart => {
                    let text = serde_json::to_string(&c.memory).unwrap();
                    c.memory = serde_json::from_str(&text).unwrap();
                    c.memory.workloads.values_mut().for_each(|m| m.statistics = Statistics::default());
                }
                Event::Gone => {
                    gone = true;
                    c.world.budgets.clear();
                }
                Event::Back => {
                    c.world.budgets.insert(budget_name(), b.clone());
                }
                Event::Lost(_) | Event::Wait => {}
            }
            let now = c.now;
            for (i, w) in names.iter().enumerate() {
                let signal = match event {
                    Event::Lost(lost) if lost == i => Signal::Missing(SignalFault::NoSeries),
                    _ => Signal::Fresh { load: MilliLoad(u64::from(wants[i]) * 1000), at: now },
                };
                with_signal(c.workload(w), signal);
            }
            c.pass(wait);
            let made = c.last.as_ref().unwrap();
            if let Some(s) = made.budgets.get(&budget_name()) {
                prop_assert!(gone || s.spent <= b.ceiling, "{s:?}");
                if let Some(most) = b.most_per_hour.filter(|_| !rose) {
                    prop_assert!(s.per_hour <= most, "{s:?}");
                }
            }
            let billed = c.billed.get(&idr()).copied().unwrap_or_default();
            prop_assert!(gone || billed.money() <= b.ceiling, "{billed:?}");
            let after = plan(&c.world, &c.memory, c.now);
            let accounts = after.memory.ledger.get(&budget_name());
            let spent = accounts.map_or(Exact::ZERO, |all| all[0].spent);
            prop_assert!(spent >= billed, "{accounts:?} {billed:?}");
        }
    }

    /// The same history twice comes to the same plans.
    #[test]
    fn the_same_history_is_the_same_money(wants in vec(0u32..40, 5..30), ceiling in 1u32..30) {
        let run = || {
            let mut c = cluster(vec![("web", by_load(0, 2))], Some(budget(&ceiling.to_string())));
            for want in &wants {
                c.say("web", u64::from(*want));
                c.pass(20);
            }
            planned(&c)
        };
        let memory = |p: Plan| -> Memory { p.memory };
        prop_assert_eq!(memory(run()), memory(run()));
    }
}
