//! Lines as real pages have them, lines that no page may have, and any text at all.

use super::*;
use proptest::prelude::*;

/// Name, labels, value and time in milliseconds.
type Read = (String, Vec<(String, String)>, f64, Option<i64>);

fn sample(text: &str, format: Format) -> Result<Read, &'static str> {
    let mut labels = Labels::new();
    match read(text, format, &mut labels)? {
        Line::Sample(Sample { name, value, time }) => Ok((
            name.to_owned(),
            labels
                .iter()
                .map(|(n, v)| ((*n).to_owned(), unescape(v)))
                .collect(),
            value,
            time.map(Timestamp::as_millisecond),
        )),
        other => panic!("{text:?} is {other:?}"),
    }
}

fn labels(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter()
        .map(|(n, v)| ((*n).into(), (*v).into()))
        .collect()
}

#[test]
fn samples_as_exporters_write_them() {
    use Format::{OpenMetrics, Prometheus};
    let code = labels(&[("code", "200"), ("method", "get")]);
    for (text, format, name, of, value, time) in [
        ("up 1", Prometheus, "up", labels(&[]), 1.0, None),
        ("  up\t 1 \r", Prometheus, "up", labels(&[]), 1.0, None),
        ("up{} 1e3", OpenMetrics, "up", labels(&[]), 1000.0, None),
        (
            r#"r_total{code="200",method="get"} 7 1395066363000"#,
            Prometheus,
            "r_total",
            code.clone(),
            7.0,
            Some(1_395_066_363_000),
        ),
        (
            r#"r_total{ code = "200" , method="get", } 7"#,
            Prometheus,
            "r_total",
            code.clone(),
            7.0,
            None,
        ),
        (
            r#"r_total{code="200",method="get"} 7 1395066363.5"#,
            OpenMetrics,
            "r_total",
            code.clone(),
            7.0,
            Some(1_395_066_363_500),
        ),
        (
            r##"r_total{code="200",method="get"} 7 1.5 # {trace_id="a # b"} 0.67 1.4"##,
            OpenMetrics,
            "r_total",
            code,
            7.0,
            Some(1500),
        ),
        (
            r##"a{b="x # y"} -2.5"##,
            Prometheus,
            "a",
            labels(&[("b", "x # y")]),
            -2.5,
            None,
        ),
        (
            r#"a{b="\\ \" \n ü \q }"} +Inf"#,
            Prometheus,
            "a",
            labels(&[("b", "\\ \" \n ü \\q }")]),
            f64::INFINITY,
            None,
        ),
        (
            r#"{"a.b","c d"="e"} 1"#,
            Prometheus,
            "a.b",
            labels(&[("c d", "e")]),
            1.0,
            None,
        ),
        (
            ":rule:sum .5",
            Prometheus,
            ":rule:sum",
            labels(&[]),
            0.5,
            None,
        ),
    ] {
        let read = sample(text, format).unwrap();
        assert_eq!(read, (name.to_owned(), of, value, time), "{text}");
    }
    assert!(sample("a NaN", OpenMetrics).unwrap().2.is_nan());
}

#[test]
fn a_hash_in_a_label_starts_no_exemplar() {
    let read = sample(r##"a{b="x # y"} 3"##, Format::OpenMetrics).unwrap();
    assert_eq!((read.1, read.2), (labels(&[("b", "x # y")]), 3.0));
}

#[test]
fn comments_types_and_the_end() {
    let mut list = Labels::new();
    let mut of = |text, format| read(text, format, &mut list);
    assert_eq!(
        of("# TYPE r counter", Format::OpenMetrics),
        Ok(Line::Type("r", Kind::Counter))
    );
    assert_eq!(
        of("# TYPE r untyped", Format::Prometheus),
        Ok(Line::Type("r", Kind::Unknown))
    );
    assert_eq!(
        of("# TYPE r summary", Format::Prometheus),
        Ok(Line::Type("r", Kind::Distribution))
    );
    assert_eq!(of("# EOF", Format::OpenMetrics), Ok(Line::Eof));
    for (text, format) in [
        ("# EOF", Format::Prometheus),
        ("# HELP r TYPE x", Format::OpenMetrics),
        ("#", Format::Prometheus),
        ("", Format::Prometheus),
        (" \t\r", Format::OpenMetrics),
    ] {
        assert_eq!(of(text, format), Ok(Line::Nothing), "{text:?}");
    }
    assert!(of("# TYPE r", Format::Prometheus).is_err());
    assert!(of("# TYPE r kounter", Format::Prometheus).is_err());
}

#[test]
fn what_no_page_may_have_is_said() {
    for (text, what) in [
        ("up", "no value"),
        ("up one", "a value that is no number"),
        ("{} 1", "no metric's name"),
        ("1up 1", "a metric's name begins with a digit"),
        ("a{b} 1", "a label without a value"),
        ("a{b=c} 1", "a label's value without quotes"),
        (r#"a{="c"} 1"#, "a label without a name"),
        (r#"a{b="c 1"#, "a quote that is not closed"),
        (r#"a{b="c" 1"#, "no comma or brace after a label"),
        (r#"a{b="c""#, "no comma or brace after a label"),
        (r#"a{"x","y"} 1"#, "a label without a value"),
        ("a 1 2 3", "more than a value and a time"),
        ("a 1 x", "a time that is none"),
        ("a 1 1.5", "a time that is none"),
        ("a 1 99999999999999999", "a time that is none"),
        ("<html>", "no metric's name"),
        ("a-b 1", "a value that is no number"),
    ] {
        assert_eq!(
            sample(text, Format::Prometheus).unwrap_err(),
            what,
            "{text}"
        );
    }
    assert_eq!(
        sample("a 1 # trace", Format::OpenMetrics).unwrap_err(),
        "an exemplar without labels"
    );
    assert_eq!(
        sample("a 1 NaN", Format::OpenMetrics).unwrap_err(),
        "a time that is none"
    );
    let many: String = (0..=LABELS_MAX).map(|n| format!("l{n}=\"\",")).collect();
    assert_eq!(
        sample(&format!("a{{{many}}} 1"), Format::Prometheus).unwrap_err(),
        "more labels than are taken"
    );
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[^\n]{0,80}") {
        for format in [Format::OpenMetrics, Format::Prometheus] {
            let _ = read(&text, format, &mut Labels::new());
        }
    }

    #[test]
    fn text_that_is_nearly_a_sample_is_read_or_refused(text in "[a1_{},=\"\\\\# .\t]{0,40}") {
        for format in [Format::OpenMetrics, Format::Prometheus] {
            let _ = read(&text, format, &mut Labels::new());
        }
    }

    #[test]
    fn what_is_written_is_read(
        name in "[a-z_:][a-z0-9_:]{0,9}",
        of in prop::collection::vec(("[a-z_][a-z0-9_]{0,5}", any::<String>()), 0..6),
        value in any::<f64>(),
        millis in prop::option::of(0i64..4_000_000_000_000),
    ) {
        let inside: Vec<_> = of.iter().map(|(n, v)| format!("{n}=\"{}\"", escape(v))).collect();
        let text = format!("{name}{{{}}} {value}", inside.join(","));
        // A carriage return in a label stays; only at the line's ends is it a blank.
        for (format, time) in [
            (Format::Prometheus, millis.map(|m| m.to_string())),
            (Format::OpenMetrics, millis.map(|m| format!("{}.{:03}", m / 1000, m % 1000))),
        ] {
            let text = time.map_or_else(|| text.clone(), |time| format!("{text} {time}"));
            let (n, l, v, t) = sample(&text, format).unwrap();
            prop_assert_eq!(&n, &name);
            prop_assert_eq!(&l, &of);
            prop_assert!(v == value || (v.is_nan() && value.is_nan()));
            prop_assert_eq!(t, millis);
        }
    }
}
