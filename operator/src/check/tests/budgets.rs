//! Prices, CloudBudgets with their periods, and what is written down of the money that was spent.

use super::build::*;
use crate::check::problem::Problem;
use crate::checked::Checked;
use crate::gather::wire_ledger::LedgerWire;
use pinisi_planner::budget::ledger::Account;
use pinisi_planner::model::budget::{Budget, BudgetName};
use pinisi_planner::model::money::Money;
use serde_json::{Value, json};

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn name() -> BudgetName {
    BudgetName::new("shop")
}

/// With a price at the cloud and this budget, which an edit may change.
fn cluster(edit: impl FnOnce(&mut Value)) -> Cluster {
    let mut c = Cluster::with_web();
    let mut cloud = site("cloud", "Cloud");
    cloud["spec"]["price"] = json!({"currency": "IDR", "perCpuHour": "650.5", "perGibHour": "0"});
    c.site(cloud);
    let mut b = budget();
    edit(&mut b);
    c.budget(b);
    c
}

fn found(checked: &Checked) -> Option<&Budget> {
    checked.world.budgets.get(&name())
}

fn problems(checked: &Checked) -> Vec<(&'static str, String)> {
    let subject = &checked.budgets[&name()];
    let said = |p: &Problem| (p.reason(), p.to_string());
    // The ledger is not there in these tests but where it is given.
    subject
        .problems
        .iter()
        .map(said)
        .filter(|(r, _)| *r != "LedgerLost")
        .collect()
}

#[test]
fn a_sound_budget_and_a_price_are_read_exactly() {
    let c = cluster(|_| {});
    let checked = c.check();
    let b = found(&checked).unwrap();
    assert_eq!(b.ceiling, money("1000.5"));
    assert_eq!(b.most_per_hour.unwrap().money(), money("12"));
    assert!(b.namespaces.iter().eq(["shop"]), "health is another class");
    assert!(problems(&checked).is_empty());
    let cloud = &checked.world.sites[&pinisi_planner::model::site::SiteName::new("cloud")];
    // 500m and 256Mi.
    assert_eq!(
        cloud.price.unwrap().of(c.web().request).money(),
        money("325.25")
    );
}

#[test]
fn a_period_begins_where_its_zone_says() {
    // It is 12:00 on November 20 in UTC, 19:00 in Jakarta, and 01:00 of the next day in Auckland.
    for (period, zone, from, until) in [
        ("Day", None, "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"),
        (
            "Day",
            Some("Asia/Jakarta"),
            "2026-11-19T17:00:00Z",
            "2026-11-20T17:00:00Z",
        ),
        (
            "Day",
            Some("Pacific/Auckland"),
            "2026-11-20T11:00:00Z",
            "2026-11-21T11:00:00Z",
        ),
        (
            "Month",
            Some("Asia/Jakarta"),
            "2026-10-31T17:00:00Z",
            "2026-11-30T17:00:00Z",
        ),
        // Summer time is left and come back to within it.
        (
            "Year",
            Some("Europe/Berlin"),
            "2025-12-31T23:00:00Z",
            "2026-12-31T23:00:00Z",
        ),
    ] {
        let c = cluster(|b| {
            b["spec"]["period"] = json!(period);
            b["spec"]["timeZone"] = json!(zone);
        });
        let checked = c.check();
        let found = found(&checked).unwrap().period;
        assert_eq!(
            (found.from, found.until),
            (from.parse().unwrap(), until.parse().unwrap()),
            "{period} {zone:?}"
        );
    }
    let c = cluster(|b| {
        b["spec"]["period"] = Value::Null;
        b["spec"]["from"] = json!("2026-01-01T00:00:00Z");
        b["spec"]["until"] = json!("2026-02-01T00:00:00Z");
    });
    assert!(found(&c.check()).is_some(), "over, and still to be said");
}

#[test]
fn what_cannot_be_read_is_named_and_pays_for_nothing() {
    type Edit = fn(&mut Value);
    let edits: [(Edit, &str); 8] = [
        (
            |b| b["spec"]["ceiling"]["amount"] = json!("1e9"),
            "spec.ceiling.amount",
        ),
        (
            |b| b["spec"]["ceiling"]["amount"] = json!("-1"),
            "spec.ceiling.amount",
        ),
        (
            |b| b["spec"]["ceiling"]["currency"] = json!("rupiah"),
            "spec.ceiling.currency",
        ),
        (
            |b| b["spec"]["mostPerHour"] = json!("0.0000001"),
            "spec.mostPerHour",
        ),
        (
            |b| b["spec"]["timeZone"] = json!("Asia/Atlantis"),
            "spec.timeZone",
        ),
        (
            |b| b["spec"]["from"] = json!("2026-01-01T00:00:00Z"),
            "spec.period",
        ),
        (|b| b["spec"]["period"] = Value::Null, "spec.period"),
        (
            |b| {
                b["spec"]["period"] = Value::Null;
                b["spec"]["from"] = json!("2026-01-01T00:00:00Z");
                b["spec"]["until"] = json!("2026-01-01T00:00:00Z");
            },
            "spec.until",
        ),
    ];
    for (edit, field) in edits {
        let checked = cluster(edit).check();
        assert_eq!(found(&checked), None, "{field}");
        let problems = problems(&checked);
        assert!(
            problems
                .iter()
                .any(|(r, text)| *r == "ValueOutOfRange" && text.contains(field)),
            "{problems:?}"
        );
    }
    let checked = cluster(|b| b["spec"]["ceiling"] = json!(7)).check();
    assert_eq!(problems(&checked)[0].0, "SpecUnreadable");
}

#[test]
fn a_currency_that_no_site_has_is_said() {
    let checked = cluster(|b| b["spec"]["ceiling"]["currency"] = json!("USD")).check();
    let said = problems(&checked);
    assert_eq!(said[0].0, "CurrencyUnmatched");
    assert!(
        said[0].1.contains("USD") && said[0].1.contains("IDR"),
        "{said:?}"
    );
    assert!(found(&checked).is_some());
}

#[test]
fn a_price_that_cannot_be_read_closes_its_site() {
    for (price, field) in [
        (
            json!({"currency": "IDR", "perCpuHour": "x", "perGibHour": "0"}),
            "spec.price.perCpuHour",
        ),
        (
            json!({"currency": "", "perCpuHour": "1", "perGibHour": "0"}),
            "spec.price.currency",
        ),
    ] {
        let mut c = Cluster::with_web();
        let mut cloud = site("cloud", "Cloud");
        cloud["spec"]["price"] = price;
        c.site(cloud);
        let checked = c.check();
        let cloud = pinisi_planner::model::site::SiteName::new("cloud");
        assert!(!checked.world.sites[&cloud].open);
        let text = checked.sites[&cloud].problems[0].to_string();
        assert!(text.contains(field), "{text}");
    }
}

fn ledger(c: &mut Cluster, data: Value) {
    let map =
        json!({"metadata": {"name": "pinisi-ledger", "namespace": "pinisi-system"}, "data": data});
    let wire: LedgerWire = serde_json::from_value(map).unwrap();
    c.0.apply_ledger(wire.into());
}

fn account(checked: &Checked) -> &Account {
    &checked.ledger[&name()][0]
}

#[test]
fn of_ledger_and_status_the_later_and_the_larger_count() {
    let status = json!({
        "from": "2026-11-01T00:00:00Z", "until": "2026-12-01T00:00:00Z",
        "spent": "10", "at": "2026-11-20T11:00:00Z", "perHour": "2",
    });
    let mut c = cluster(|b| b["status"] = status);
    let checked = c.check();
    assert_eq!(account(&checked).spent.money(), money("10"), "status alone");
    assert_eq!(checked.ledger_seen, None);
    assert_eq!(checked.budgets[&name()].problems[0].reason(), "LedgerLost");

    let mut kept = checked.ledger;
    let text = serde_json::to_string(&kept).unwrap();
    ledger(&mut c, json!({"ledger.json": text}));
    let checked = c.check();
    assert_eq!(checked.ledger, kept, "written and read again");
    assert!(checked.budgets[&name()].problems.is_empty());

    let of = |kept: &mut pinisi_planner::budget::ledger::Ledger, spent: &str, at: &str| {
        let account = &mut kept.get_mut(&name()).unwrap()[0];
        account.spent = pinisi_planner::model::price::Exact::of(money(spent));
        account.at = at.parse().unwrap();
        json!({"ledger.json": serde_json::to_string(&kept).unwrap()})
    };
    let data = of(&mut kept, "12", "2026-11-20T11:30:00Z");
    ledger(&mut c, data);
    assert_eq!(account(&c.check()).spent.money(), money("12"));
    let data = of(&mut kept, "12", "2026-11-20T10:00:00Z");
    ledger(&mut c, data);
    let checked = c.check();
    assert_eq!(account(&checked).spent.money(), money("12"));
    assert_eq!(
        account(&checked).at,
        "2026-11-20T11:00:00Z".parse().unwrap()
    );

    ledger(&mut c, json!({"ledger.json": "{"}));
    let checked = c.check();
    assert_eq!(checked.ledger_seen, None, "it is not written over");
    assert!(
        checked.budgets[&name()].problems[0]
            .to_string()
            .contains("cannot be read")
    );
    ledger(&mut c, json!({}));
    assert_eq!(c.check().ledger_seen, Some(Default::default()));
}

#[test]
fn pods_on_their_way_out_are_counted_as_such() {
    let mut c = Cluster::with_web();
    let mut leaving = pod("shop", "web-1", "web", Some("cloud"), Some("c1"));
    leaving["metadata"]["deletionTimestamp"] = json!("2026-11-20T12:00:00Z");
    c.pod(leaving);
    c.pod(pod("shop", "web-2", "web", Some("cloud"), Some("c1")));
    let web = c.web();
    let leg = &web.legs[&pinisi_planner::model::site::SiteName::new("cloud")];
    assert_eq!(
        (leg.bound.get(), leg.ready.get(), leg.terminating.get()),
        (1, 1, 1)
    );
}
