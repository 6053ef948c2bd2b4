//! Every number of a decision is explained by the decision alone.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod common;

use common::arbitrary::{any_memory, any_world};
use common::{at, cases, id, n, name};
use pinisi_planner::budget::Unfunded;
use pinisi_planner::explain::{About, Account};
use pinisi_planner::hpa::Fault;
use pinisi_planner::model::amounts::MilliLoad;
use pinisi_planner::model::budget::BudgetName;
use pinisi_planner::model::by_site::BySite;
use pinisi_planner::model::money::Currency;
use pinisi_planner::model::price::PerHour;
use pinisi_planner::model::quota::{Limit, QuotaResource};
use pinisi_planner::model::refusal::{Refusal, RefusalKind};
use pinisi_planner::model::workload::{Demand, Signal, SignalFault};
use pinisi_planner::reason::{Silence, Takes};
use pinisi_planner::{Reason, Share, plan};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Which variant. A new one has to be given a number here, and an example below.
fn variant(reason: &Reason) -> usize {
    match reason {
        Reason::Load { .. } => 0,
        Reason::HeldByWindow { .. } => 1,
        Reason::Scheduled { .. } => 2,
        Reason::AtMinimum(_) => 3,
        Reason::AtMaximum { .. } => 4,
        Reason::NoSignal(_) => 5,
        Reason::StaleSignal { .. } => 6,
        Reason::Warming { .. } => 7,
        Reason::Metric { .. } => 8,
        Reason::MetricInvalid { .. } => 9,
        Reason::Stabilized { .. } => 10,
        Reason::RateLimited { .. } => 11,
        Reason::ScalingDisabled => 12,
        Reason::SetByHand(_) => 13,
        Reason::Overridden { .. } => 14,
        Reason::Untouched => 15,
        Reason::Overflow { .. } => 16,
        Reason::PendingTooLong { .. } => 17,
        Reason::WaitsForNodes { .. } => 18,
        Reason::SiteClosed(_) => 19,
        Reason::SiteUnreachable { .. } => 20,
        Reason::SiteRefused { .. } => 21,
        Reason::QuotaFull { .. } => 22,
        Reason::BudgetLimited { .. } => 23,
        Reason::Unfunded { .. } => 24,
        Reason::Short { .. } => 25,
        Reason::Displaced { .. } => 26,
        Reason::WaitsForRoom { .. } => 27,
        Reason::Bottlenecked { .. } => 28,
        Reason::Draining { .. } => 29,
        Reason::Contested { .. } => 30,
        Reason::Paused => 31,
        Reason::Observed => 32,
        Reason::Forecast { .. } => 33,
        Reason::ForecastSilent(_) => 34,
    }
}
const VARIANTS: usize = 35;

fn every() -> Vec<Reason> {
    let (home, cloud) = (name("home"), name("cloud"));
    let load = |units: u64| MilliLoad(units * 1000);
    vec![
        Reason::Load {
            signal: load(501),
            load: load(652),
            per_replica: load(101),
            need: n(7),
            rising: false,
        },
        Reason::HeldByWindow {
            need: n(7),
            held: n(9),
        },
        Reason::Scheduled {
            window: "opening".into(),
            start: at(0),
            end: at(60),
            replicas: n(11),
            all: n(12),
            no_show: false,
        },
        Reason::Forecast {
            load: load(1203),
            need: n(113),
        },
        Reason::ForecastSilent(Silence::Learning),
        Reason::ForecastSilent(Silence::DidNotPay),
        Reason::ForecastSilent(Silence::Spent),
        Reason::AtMinimum(n(13)),
        Reason::AtMaximum {
            need: n(15),
            max: n(14),
            to: n(14),
        },
        Reason::NoSignal(SignalFault::NoSeries),
        Reason::StaleSignal { at: at(5) },
        Reason::Warming {
            kept: n(16),
            until: at(6),
        },
        Reason::Metric {
            metric: "cpu".into(),
            need: n(17),
        },
        Reason::MetricInvalid {
            metric: "cpu".into(),
            kind: "Resource".into(),
            fault: Fault::Empty,
            invalid: 18,
        },
        Reason::Stabilized {
            need: n(19),
            to: n(20),
            up: true,
        },
        Reason::RateLimited {
            need: n(21),
            to: n(22),
            up: false,
        },
        Reason::ScalingDisabled,
        Reason::SetByHand(n(23)),
        Reason::Overridden {
            total: Some(n(24)),
            until: at(7),
        },
        Reason::Untouched,
        Reason::Overflow {
            from: home.clone(),
            to: cloud.clone(),
            replicas: n(25),
        },
        Reason::PendingTooLong {
            site: cloud.clone(),
            pending: n(26),
            until: at(8),
        },
        Reason::WaitsForNodes {
            site: cloud.clone(),
            pending: n(27),
            until: at(9),
        },
        Reason::SiteClosed(cloud.clone()),
        Reason::SiteUnreachable {
            site: cloud.clone(),
            since: at(10),
            replicas: n(28),
            counted: true,
        },
        Reason::SiteRefused {
            site: cloud.clone(),
            why: Refusal {
                kind: RefusalKind::PodSecurity,
                object: "Pod x".into(),
                text: "it is privileged".into(),
            },
        },
        Reason::QuotaFull {
            site: cloud.clone(),
            limit: Limit {
                quota: "team".into(),
                resource: QuotaResource::Cpu,
            },
        },
        Reason::BudgetLimited {
            budget: BudgetName::new("public"),
            want: n(29),
            placed: n(30),
            missing: n(31),
            currency: Currency::parse("IDR").unwrap(),
            per_hour: PerHour::default(),
        },
        Reason::Unfunded {
            site: cloud.clone(),
            why: Unfunded::NoBudget,
        },
        Reason::Short {
            want: n(33),
            placed: n(32),
        },
        Reason::Displaced {
            site: home.clone(),
            by: id("records"),
            replicas: n(34),
            nowhere: n(35),
        },
        Reason::WaitsForRoom {
            site: home.clone(),
            leaving: n(36),
        },
        Reason::Bottlenecked {
            dependency: "records".into(),
            served: load(37),
            wanted: load(38),
            need: n(40),
            to: n(39),
            takes: Takes::PerSecond {
                limit: load(41),
                needed: load(42),
            },
        },
        Reason::Draining {
            from: cloud,
            to: home,
            moving: n(43),
            left: n(44),
        },
        Reason::Contested {
            writer: "argocd".into(),
            writes: 2,
        },
        Reason::Paused,
        Reason::Observed,
    ]
}

#[test]
fn each_reason_is_told_once_and_its_numbers_are_in_the_text() {
    let all = every();
    let seen: BTreeSet<_> = all.iter().map(variant).collect();
    assert_eq!(seen, (0..VARIANTS).collect());
    let shares = [("home", 1), ("cloud", 2)].map(|(site, tier)| {
        let share = Share {
            desired: n(3),
            ready: n(3),
            tier,
            under_high: Some(n(5)),
            fits: Some(n(8)),
        };
        (name(site), share)
    });
    let shares = BySite::from(shares);
    for reason in &all {
        let account = Account::of(n(6), &shares, std::slice::from_ref(reason));
        let of_sites = account.places.iter().flat_map(|place| &place.why);
        let told: Vec<_> = account
            .total
            .iter()
            .map(|stage| &stage.text)
            .chain(of_sites)
            .chain(&account.notes)
            .collect();
        assert_eq!(told, [&reason.to_string()], "{reason:?}");
        if let Some(total) = reason.total() {
            assert!(matches!(reason.about(), About::Total(_)), "{reason:?}");
            assert!(reason.to_string().contains(&total.to_string()), "{reason}");
        }
        // What somebody can do stands in the text or beside it, or it passes by itself.
        let text = reason.to_string();
        let itself = [
            "add ",
            "raise ",
            "ask for",
            "make one",
            "set another",
            "remove it",
            "refuses",
        ];
        let way_out = reason.change().is_some()
            || reason.passes()
            || itself.iter().any(|word| text.contains(word));
        assert!(way_out, "{reason:?} leaves its reader alone: {text}");
    }
}

#[test]
fn it_reads_in_the_order_in_which_it_comes_about() {
    let mut reasons = every();
    reasons.reverse();
    let account = Account::of(n(24), &BySite::default(), &reasons);
    let words: Vec<_> = account.total.iter().map(|stage| stage.reason).collect();
    let of = |word| words.iter().position(|w| *w == word).unwrap();
    let order = [
        "LoadNeeds",
        "ScaleDownStabilized",
        "Warming",
        "ScheduledWindow",
        "TooFewReplicas",
        "ForecastNeeds",
        "TooManyReplicas",
        "QuotaFull",
        "Overridden",
    ];
    assert!(
        order.windows(2).all(|pair| of(pair[0]) < of(pair[1])),
        "{words:?}"
    );
    assert_eq!(
        account.total.last().and_then(|stage| stage.replicas),
        Some(account.want)
    );
    assert_eq!(account.places, []);
    assert!(
        account
            .notes
            .iter()
            .any(|note| note.contains("cloud takes no new replicas")),
        "a site without a share is not lost"
    );
}

#[test]
fn what_is_not_ready_is_waited_for_and_no_tier_comes_last() {
    let share = |tier, desired, ready| Share {
        desired: n(desired),
        ready: n(ready),
        tier,
        under_high: Some(n(5)),
        fits: Some(n(8)),
    };
    let shares = BySite::from([
        (name("a"), share(0, 1, 1)),
        (name("b"), share(2, 4, 1)),
        (name("c"), share(1, 2, 2)),
    ]);
    let account = Account::of(n(7), &shares, &[]);
    let order: Vec<_> = account
        .places
        .iter()
        .map(|place| place.site.as_str())
        .collect();
    assert_eq!(order, ["c", "b", "a"]);
    assert_eq!(account.waits, ["3 at b are not Ready yet"]);
}

proptest! {
    #![proptest_config(cases(300))]

    /// The last step that says a total says the one that is wanted.
    #[test]
    fn the_steps_end_at_the_total(world in any_world(), memory in any_memory(), seconds in 0i64..100_000) {
        let mut memory = memory;
        // A queue out of order is none that the planner has made.
        memory.workloads.values_mut().for_each(|m| m.statistics.needs.clear());
        let made = plan(&world, &memory, at(seconds));
        for (id, decision) in &made.workloads {
            let fresh = matches!(&world.workloads[id].demand, Demand::Load(load) if matches!(load.signal, Signal::Fresh { .. }));
            if !fresh {
                continue;
            }
            let account = Account::of(decision.want, &decision.shares, &decision.reasons);
            let last = account.total.iter().rev().find_map(|stage| stage.replicas);
            prop_assert_eq!(last, Some(account.want), "{}: {:?}", id, decision);
        }
    }
}
