//! Whole pages: good ones in any pieces, and those that no gateway should serve.

use super::super::pick::{Found, SERIES_MAX, Wanted};
use super::*;
use pinisi_crds::signal_source::Query;
use proptest::prelude::*;
use serde_json::json;

#[allow(clippy::needless_pass_by_value)] // so that calls stay short
fn wanted(extra: serde_json::Value) -> Vec<Wanted> {
    let mut query = json!({"name": "q", "metric": "r_total"});
    for (name, value) in extra.as_object().unwrap() {
        query[name] = value.clone();
    }
    let query: Query = serde_json::from_value(query).unwrap();
    vec![Wanted::of(&query).unwrap()]
}

/// A page in pieces of this size.
fn pieces(
    body: &[u8],
    size: usize,
    format: Format,
    wanted: &[Wanted],
) -> Result<Picked, GatewayError> {
    let mut page = Page::new(format, Picker::new(wanted));
    for piece in body.chunks(size.max(1)) {
        page.feed(piece)?;
    }
    page.end()
}

fn prometheus(body: impl AsRef<[u8]>) -> Result<Picked, GatewayError> {
    pieces(
        body.as_ref(),
        usize::MAX,
        Format::Prometheus,
        &wanted(json!({})),
    )
}

fn open_metrics(body: &str) -> Result<Picked, GatewayError> {
    pieces(
        body.as_bytes(),
        usize::MAX,
        Format::OpenMetrics,
        &wanted(json!({})),
    )
}

/// Namespace, workload and value of each series, in their own order.
fn list(picked: &Picked) -> Vec<(String, String, f64)> {
    let mut list: Vec<_> = picked.taken[0]
        .found
        .values()
        .map(
            |Found {
                 namespace,
                 workload,
                 value,
                 time: _,
             }| (namespace.to_string(), workload.to_string(), *value),
        )
        .collect();
    list.sort_by(|a, b| a.partial_cmp(b).unwrap());
    list
}

const ENVOY: &str = r#"# HELP r_total Requests.
# TYPE r_total counter
r_total{namespace="shop",workload="web",code="200"} 10
r_total{namespace="shop",workload="web",code="503"} 5
r_total{namespace="shop",workload="api",code="200"} 1
r_total{code="404"} 99
r_total_of_another{namespace="shop",workload="web"} 77
process_start_time_seconds 1.7e9
"#;

#[test]
fn series_are_picked_by_name_and_labels() {
    let picked = prometheus(ENVOY).unwrap();
    let of = |w: &str, n| ("shop".to_owned(), w.to_owned(), n);
    assert_eq!(
        list(&picked),
        [of("api", 1.0), of("web", 5.0), of("web", 10.0)]
    );
    assert_eq!(
        (picked.taken[0].kind, picked.started),
        (Some(line::Kind::Counter), Some(1.7e9))
    );
    let pick = |extra| {
        let wanted = wanted(extra);
        pieces(ENVOY.as_bytes(), 7, Format::Prometheus, &wanted).unwrap()
    };
    assert_eq!(
        list(&pick(json!({"matchLabels": {"code": "503"}}))),
        [of("web", 5.0)]
    );
    let none = pick(json!({"matchLabels": {"code": ""}}));
    assert!(!none.taken[0].there && list(&none).is_empty());
    let named = pick(json!({"namespaceLabel": "workload", "workloadLabel": "code"}));
    assert_eq!(list(&named).len(), 3);
    let nameless = pick(json!({"workloadLabel": "pod"}));
    assert!(nameless.taken[0].there && list(&nameless).is_empty());
}

#[test]
fn open_metrics_names_the_family_and_has_an_end() {
    let head = "# TYPE r counter\nr_total{namespace=\"a\",workload=\"b\"} 3 5.5\nr_created{namespace=\"a\",workload=\"b\"} 1\n";
    let picked = open_metrics(&format!("{head}# EOF")).unwrap();
    assert_eq!(picked.taken[0].kind, Some(line::Kind::Counter));
    let time = picked.taken[0].found.values().next().unwrap().time;
    assert_eq!(time.map(jiff::Timestamp::as_millisecond), Some(5500));
    assert_eq!(open_metrics(head).unwrap_err(), GatewayError::Truncated);
    assert_eq!(
        open_metrics(&format!("{head}# EOF\na 1\n"))
            .unwrap_err()
            .reason(),
        "PageMalformed"
    );
    assert!(open_metrics(&format!("{head}# EOF\n\n")).is_ok());
}

#[test]
fn what_is_no_page_is_said() {
    let reason = |body: &[u8]| prometheus(body).unwrap_err().reason();
    assert_eq!(
        reason(b"<!doctype html><title>Sign in</title>"),
        "PageIsHtml"
    );
    assert_eq!(reason(b"\n\n  <html>"), "PageIsHtml");
    assert_eq!(reason(b"{\"status\":\"success\"}"), "PageMalformed");
    assert_eq!(reason(b"OK"), "PageMalformed");
    assert_eq!(
        reason(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0xff, 0xfe]),
        "PageNotText"
    );
    assert_eq!(
        reason(&[b'a', b' ', b'1', b'\n', 0xff, b'\n']),
        "PageNotText"
    );
    assert_eq!(
        prometheus("a 1\nb 2\nc two\n").unwrap_err(),
        GatewayError::Malformed {
            line: 3,
            what: "a value that is no number"
        }
    );
    // Nothing at all is a page without series: said where no gateway has the metric.
    assert!(!prometheus("").unwrap().taken[0].there);
}

#[test]
fn one_series_twice_is_refused_whatever_the_order_of_its_labels() {
    let twice = "r_total{namespace=\"a\",workload=\"b\"} 1\nr_total{workload=\"b\",namespace=\"a\",x=\"\"} 2\n";
    assert_eq!(
        prometheus(twice).unwrap_err(),
        GatewayError::Duplicate {
            metric: "r_total".into()
        }
    );
    let label = "r_total{workload=\"b\",workload=\"b\"} 1\n";
    assert_eq!(
        prometheus(label).unwrap_err(),
        GatewayError::Malformed {
            line: 1,
            what: "a label twice"
        }
    );
}

#[test]
fn every_limit_holds() {
    let long = format!("# {}\n", "x".repeat(LINE_MAX));
    assert_eq!(
        prometheus(&long).unwrap_err(),
        GatewayError::LineTooLong(LINE_MAX)
    );
    // A line that never ends is not held for longer than that.
    let mut page = Page::new(Format::Prometheus, Picker::new(&[]));
    let held = std::iter::repeat_with(|| page.feed(&[b'#'; 1000])).position(|fed| fed.is_err());
    assert_eq!(held, Some(LINE_MAX / 1000));
    assert!(page.carry.len() <= LINE_MAX);

    let lines = "a 1\n".repeat(VALUES_MAX + 1);
    assert_eq!(
        prometheus(lines).unwrap_err(),
        GatewayError::TooManyLines(VALUES_MAX)
    );
    let comments = "#\n".repeat(BODY_MAX / 2 + 1);
    assert_eq!(
        prometheus(comments).unwrap_err(),
        GatewayError::TooLarge(BODY_MAX)
    );
    let series: String = (0..=SERIES_MAX)
        .map(|n| format!("r_total{{namespace=\"a\",workload=\"w{n}\"}} 1\n"))
        .collect();
    assert_eq!(
        prometheus(series).unwrap_err(),
        GatewayError::TooManySeries(SERIES_MAX)
    );
    // A name that no workload can have is none, and is not kept.
    let name = "n".repeat(254);
    let picked = prometheus(format!(
        "r_total{{namespace=\"a\",workload=\"{name}\"}} 1\n"
    ))
    .unwrap();
    assert!(picked.taken[0].there && picked.taken[0].found.is_empty());
}

proptest! {
    #[test]
    fn pieces_change_nothing(size in 1usize..200) {
        let whole = pieces(ENVOY.as_bytes(), usize::MAX, Format::Prometheus, &wanted(json!({}))).unwrap();
        let parts = pieces(ENVOY.as_bytes(), size, Format::Prometheus, &wanted(json!({}))).unwrap();
        prop_assert_eq!(&whole.taken[0].found, &parts.taken[0].found);
        prop_assert_eq!(whole.started, parts.started);
    }

    #[test]
    fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..400), size in 1usize..50) {
        for format in [Format::OpenMetrics, Format::Prometheus] {
            let _ = pieces(&body, size, format, &wanted(json!({})));
        }
    }

    /// A page with one byte changed is read as another page or refused, but never as a larger one.
    #[test]
    fn one_byte_changed(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = ENVOY.as_bytes().to_vec();
        let at = at.index(body.len());
        body[at] = byte;
        if let Ok(picked) = prometheus(&body) {
            prop_assert!(picked.taken[0].found.len() <= 4);
        }
    }
}
