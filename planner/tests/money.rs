//! Money, prices and rates: exact decimals, rounded so that nothing is counted as less than it is.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod common;

use common::cases;
use jiff::SignedDuration;
use pinisi_planner::model::amounts::{Replicas, Resources};
use pinisi_planner::model::money::{Currency, Money, NotMoney};
use pinisi_planner::model::price::{Exact, PerHour, Price};
use proptest::prelude::*;

fn price(cpu: &str, gib: &str) -> Price {
    let rate = |text: &str| PerHour::new(text.parse().unwrap());
    Price {
        currency: Currency::parse("IDR").unwrap(),
        cpu: rate(cpu),
        gib: rate(gib),
    }
}

#[test]
fn decimals_are_read_and_said_exactly() {
    for (text, micros, said) in [
        ("0", 0, "0"),
        ("1", 1_000_000, "1"),
        ("1250.50", 1_250_500_000, "1250.5"),
        ("0.000001", 1, "0.000001"),
        ("0.1000000000", 100_000, "0.1"),
        ("007.25", 7_250_000, "7.25"),
        ("1000000000000000", Money::MAX.micros(), "1000000000000000"),
    ] {
        let money = Money::amount(text).unwrap();
        assert_eq!(money.micros(), micros, "{text}");
        assert_eq!(money.to_string(), said);
    }
}

#[test]
fn what_is_no_amount_is_refused_by_its_kind() {
    use NotMoney::{Negative, NotADecimal, TooFine, TooLarge};
    for (text, why) in [
        ("", NotADecimal),
        (".", NotADecimal),
        ("1.", NotADecimal),
        (".5", NotADecimal),
        ("1e3", NotADecimal),
        ("1,5", NotADecimal),
        (" 1", NotADecimal),
        ("+1", NotADecimal),
        ("--1", NotADecimal),
        ("NaN", NotADecimal),
        ("٣", NotADecimal),
        ("0.0000001", TooFine),
        ("-1", Negative),
        ("1000000000000000.000001", TooLarge),
        (&"9".repeat(60), TooLarge),
    ] {
        assert_eq!(Money::amount(text), Err(why), "{text}");
    }
    for code in ["idr", "ID", "IDRR", "I R", "ÄB"] {
        assert_eq!(Currency::parse(code), None, "{code}");
    }
    assert_eq!(Currency::parse("IDR").unwrap().to_string(), "IDR");
}

#[test]
fn a_replica_costs_what_it_requests_rounded_up() {
    let request = |millicores, bytes| Resources { millicores, bytes };
    let cost = |p: Price, r| p.of(r).money().micros();
    assert_eq!(cost(price("1", "0"), request(250, 0)), 250_000);
    assert_eq!(cost(price("1", "2"), request(500, 1 << 29)), 1_500_000);
    assert_eq!(cost(price("0.000001", "0"), request(1, 0)), 1);
    assert_eq!(cost(price("0", "0.000001"), request(0, 1)), 1);
    assert_eq!(cost(price("1", "1"), request(0, 0)), 0);
    assert!(price("0", "0").is_free() && !price("0", "0.000001").is_free());
}

proptest! {
    #![proptest_config(cases(256))]

    /// Said and read again it is the same, and no text makes it panic.
    #[test]
    fn money_survives_being_said(micros in any::<i128>(), text in "\\PC*") {
        let money = Money::from_micros(micros);
        prop_assert_eq!(money.to_string().parse::<Money>().unwrap(), money);
        let _ = Money::amount(&text);
    }

    /// A time in parts costs what it costs whole, and money lasts at least as long as it is said to.
    #[test]
    fn rates_add_up(micros in 0i128..1_000_000_000_000, parts in proptest::collection::vec(0i64..100_000_000_000, 1..40), left in 0i128..1_000_000_000_000) {
        let rate = PerHour::new(Money::from_micros(micros));
        let nanos = SignedDuration::from_nanos;
        let sum = parts.iter().fold(Exact::ZERO, |sum, n| sum.plus(Exact::over(rate, nanos(*n))));
        let whole = nanos(parts.iter().sum());
        prop_assert_eq!(sum, Exact::over(rate, whole));
        let left = Exact::of(Money::from_micros(left));
        prop_assert!(Exact::over(left.lasting(whole), whole) <= left);
        if let Some(span) = left.empties(rate) {
            prop_assert!(Exact::over(rate, span) <= left);
        }
        let bought = rate.buys(PerHour::new(Money::from_micros(7)));
        prop_assert!(bought == Replicas::MAX || PerHour::new(Money::from_micros(7)).times(bought) <= rate);
    }
}
