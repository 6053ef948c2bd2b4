//! What is a trace and what is not, down to the line.

#![allow(clippy::unwrap_used, clippy::panic)]

use pinisi_simulator::time::Millis;
use pinisi_simulator::trace::{HEADER, Trace, TraceError};
use proptest::prelude::*;

fn parse(lines: &[&str]) -> Result<Trace, TraceError> {
    Trace::parse(&[&[HEADER], lines].concat().join("\n"))
}

#[test]
fn a_trace_has_a_start_a_step_and_counts() {
    let text = "\u{feff}timestamp,requests\r\n2026-07-01T08:00:00+07:00,3\r\n\r\n2026-07-01T01:00:30Z, 4.5\r\n";
    let trace = Trace::parse(text).unwrap();
    assert_eq!(trace.start.to_string(), "2026-07-01T01:00:00Z");
    assert_eq!(trace.step, Millis::secs(30));
    assert_eq!(trace.requests, [3.0, 4.5]);
    assert_eq!((trace.gaps, trace.span()), (0, Millis::secs(60)));
}

#[test]
fn whole_steps_that_are_missing_are_filled_and_counted() {
    let mut lines: Vec<String> = (0..30)
        .map(|i| format!("2026-07-01T08:{i:02}:00Z,10"))
        .collect();
    lines.push("2026-07-01T08:32:00Z,40".into());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let trace = parse(&lines).unwrap();
    assert_eq!(trace.requests[29..], [10.0, 20.0, 30.0, 40.0]);
    assert_eq!(trace.gaps, 2);
}

#[test]
fn each_mistake_is_named_with_its_line() {
    let at = |s: &str| s.parse().unwrap();
    let (a, b) = ("2026-07-01T08:00:00Z,1", "2026-07-01T08:01:00Z,1");
    let (first, second) = (at("2026-07-01T08:00:00Z"), at("2026-07-01T08:01:00Z"));
    assert_eq!(
        Trace::parse("time,rps\n"),
        Err(TraceError::Header {
            found: "time,rps".into()
        })
    );
    assert_eq!(parse(&[]), Err(TraceError::Short { lines: 0 }));
    assert_eq!(parse(&[a]), Err(TraceError::Short { lines: 1 }));
    assert_eq!(
        parse(&[a, "nothing"]),
        Err(TraceError::Fields {
            line: 3,
            found: "nothing".into()
        })
    );
    let found = parse(&[a, "yesterday,1"]).unwrap_err();
    assert!(
        matches!(found, TraceError::Time { line: 3, .. }),
        "{found:?}"
    );
    for absurd in ["-1", "NaN", "inf", "1e99", "", "1,1", "0x10"] {
        let line = format!("2026-07-01T08:01:00Z,{absurd}");
        let found = parse(&[a, &line]).unwrap_err();
        assert!(
            matches!(found, TraceError::Requests { line: 3, .. }),
            "{absurd}: {found:?}"
        );
    }
    assert_eq!(
        parse(&[a, b, b]),
        Err(TraceError::Duplicate {
            line: 4,
            at: second
        })
    );
    assert_eq!(
        parse(&[b, a]),
        Err(TraceError::Order {
            line: 3,
            at: first,
            before: second
        })
    );
    assert_eq!(
        parse(&[a, b, "2026-07-01T08:01:30Z,1"]),
        Err(TraceError::Step {
            line: 4,
            at: at("2026-07-01T08:01:30Z"),
            found_ms: 30_000,
            step_ms: 60_000
        })
    );
    // A step below a millisecond is no step of ours.
    let fine = parse(&[a, "2026-07-01T08:00:00.0005Z,1"]).unwrap_err();
    assert!(matches!(fine, TraceError::Step { line: 3, .. }), "{fine:?}");
    // A step that doubles would read as half of the requests missing.
    assert_eq!(
        parse(&[a, b, "2026-07-01T08:03:00Z,1", "2026-07-01T08:05:00Z,1"]),
        Err(TraceError::Gaps {
            gaps: 2,
            steps: 6,
            step_ms: 60_000
        })
    );
    let long = parse(&[a, "2026-07-01T08:00:01Z,1", "9000-01-01T00:00:00Z,1"]).unwrap_err();
    assert_eq!(long, TraceError::Long { line: 4 });
}

#[test]
fn all_loads_of_the_benchmark_are_sound() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/traces");
    let mut gaps = Vec::new();
    for row in pinisi_simulator::rows::ROWS {
        if let Some(file) = row.file {
            let text = std::fs::read_to_string(format!("{dir}/{file}")).unwrap();
            let trace = Trace::parse(&text).unwrap_or_else(|e| panic!("{file}: {e}"));
            if trace.gaps > 0 {
                gaps.push((file, trace.gaps));
            }
        }
    }
    assert_eq!(gaps, [("wc98_early.csv", 10), ("nab_elb.csv", 8)]);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(timestamp,requests\n)?([0-9TZ:,.\\-\n e]|2026-07-01T08:0[0-9]:00Z,[0-9]{0,3}\n){0,12}") {
        let _ = Trace::parse(&text);
    }

    #[test]
    fn what_is_written_is_read(step in 1i64..100_000, counts in prop::collection::vec(0u32..1_000_000, 2..40)) {
        let start: jiff::Timestamp = "2026-07-01T08:00:00Z".parse().unwrap();
        let mut text = format!("{HEADER}\n");
        for (i, n) in (0i64..).zip(&counts) {
            text += &format!("{},{n}\n", Millis(i * step).on_calendar(start));
        }
        let trace = Trace::parse(&text).unwrap();
        prop_assert_eq!(trace.step, Millis(step));
        prop_assert_eq!(trace.requests, counts.iter().map(|n| f64::from(*n)).collect::<Vec<_>>());
    }
}
