//! The page: well-formed, whole in itself, with the run's own numbers.

#![allow(clippy::unwrap_used)]

mod common;

use common::{setup, trace};
use pinisi_simulator::algorithm::Algorithm;
use pinisi_simulator::page::{Page, Sheet, cloud_cost};
use pinisi_simulator::study::{self, POINTS};
use pinisi_simulator::words;

fn page(title: &str) -> String {
    let counts: Vec<f64> = (0..60)
        .map(|i| if i < 30 { 60.0 } else { 1200.0 })
        .collect();
    let setup = setup(&trace(60, &counts), 400.0, 20, 60);
    let mut heard = Vec::new();
    let own = study::run(&setup, &Algorithm::ALL, false, |who, share| {
        heard.push((who, share))
    });
    assert_eq!(
        heard.len(),
        Algorithm::ALL.len() * usize::try_from(POINTS).unwrap()
    );
    let equal = study::run(&setup, &Algorithm::ALL, true, |_, _| ());
    let price = "0.045".parse().unwrap();
    for outcome in &own.outcomes {
        let offered: f64 = outcome
            .course
            .iter()
            .map(|p| p.offered * p.to.minus(p.from).seconds())
            .sum();
        assert!((offered - outcome.tally.all().offered).abs() < 1e-3);
        let unserved: f64 = outcome
            .course
            .iter()
            .map(|p| p.unserved * p.to.minus(p.from).seconds())
            .sum();
        assert!((unserved - outcome.tally.all().unserved).abs() < 1e-3);
    }
    let page = Page {
        title,
        setup: &setup,
        study: &own,
        equal_lag: Some(&equal),
        price: Some((price, "IDR")),
        sheet: Some(&Sheet {
            title: "First > all".into(),
            header: vec!["Users".into()],
            rows: vec![vec!["5 M".into()]],
            notes: vec!["It holds.".into()],
        }),
        assumptions: &["One & <only>.".into()],
    };
    let text = page.render();
    for outcome in &own.outcomes {
        let all = outcome.tally.all();
        assert!(text.contains(&format!("<td>{}</td>", words::count(all.unserved))));
        assert!(text.contains(&format!(
            "<td>{} %</td>",
            words::figure(outcome.summary.unserved_pct)
        )));
        let cost = cloud_cost(&setup, outcome, price);
        assert!(
            text.contains(&format!("<td>{}</td>", words::money(cost))),
            "{cost}"
        );
    }
    text
}

/// The names of elements that are still open at the end; panics at the first that closes wrongly.
fn open_elements(page: &str) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    for part in page.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap();
        assert!(!text.contains('>'), "a bare > after <{tag}>: {text}");
        if tag.starts_with('!') || tag.ends_with('/') {
            continue;
        }
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop().as_deref(), Some(name)),
            None => open.push(tag.split_whitespace().next().unwrap().to_owned()),
        }
        for (i, _) in text.match_indices('&') {
            assert!(
                text[i..].split_once(';').is_some_and(|(e, _)| e.len() < 7),
                "a bare & in {text}"
            );
        }
    }
    open
}

#[test]
fn it_is_well_formed_and_needs_nothing_beside_itself() {
    let page = page("A <b>day</b> & \"night\"");
    assert_eq!(open_elements(&page), [""; 0]);
    for outside in [
        "<script", "http:", "https:", "url(", "@import", "src=", "<b>day",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("A &lt;b&gt;day&lt;/b&gt; &amp; &quot;night&quot;"));
    assert!(page.contains("First &gt; all") && page.contains("<td>5 M</td>"));
    assert!(page.contains("One &amp; &lt;only&gt;."));
    assert!(!page.contains("NaN") && !page.contains("inf "));
    assert_eq!(page, self::page("A <b>day</b> & \"night\""));
}

#[test]
fn a_load_of_nothing_has_a_page_too() {
    let setup = setup(&trace(1, &[0.0, 0.0]), 10.0, 20, 60);
    let study = study::run(&setup, &[Algorithm::Pinisi], false, |_, _| ());
    let page = Page {
        title: "Nothing",
        setup: &setup,
        study: &study,
        equal_lag: None,
        price: None,
        sheet: None,
        assumptions: &[],
    };
    let text = page.render();
    assert_eq!(open_elements(&text), [""; 0]);
    assert!(text.contains("every one of them is served") && !text.contains("NaN"));
}

#[test]
fn figures_read_well() {
    let counts = [0.0, 999.0, 1000.0, 1_234_567.4, -1234.0].map(words::count);
    assert_eq!(counts, ["0", "999", "1,000", "1,234,567", "-1,234"]);
    let figures = [0.0, 0.000_01, 0.0042, 0.123_4, 1.234, 12.34, 1234.5].map(words::figure);
    assert_eq!(
        figures,
        ["0", "0", "0.0042", "0.123", "1.23", "12.3", "1,235"]
    );
    assert_eq!(
        [0.0, 1234.5, 0.999].map(words::money),
        ["0.00", "1,234.50", "1.00"]
    );
    let spans = [45.0, 90.0, 720.0, 3600.0, 12_000.0, 1_036_800.0].map(words::span);
    assert_eq!(
        spans,
        ["45 s", "90 s", "12 min", "1 h", "3 h 20 min", "12 days"]
    );
}

#[test]
fn prices_are_decimals() {
    use pinisi_simulator::price::Price;
    for text in ["0", "0.045", "12", "700.5", "0.000001"] {
        assert_eq!(text.parse::<Price>().unwrap().to_string(), text);
    }
    for text in [
        "",
        ".",
        "-1",
        "1.",
        ".5",
        "1e3",
        "0.0000001",
        "NaN",
        "99999999999999999999",
        "1,5",
        "+1",
    ] {
        assert!(text.parse::<Price>().is_err(), "{text}");
    }
    assert_eq!("0.045".parse::<Price>().unwrap().of(1000.0).rounded(), 45.0);
}
