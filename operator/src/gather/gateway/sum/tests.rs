//! Pages of several gateways over time, and what a workload's figure is at each moment.

use super::super::super::samples::QueryAnswer;
use super::super::answer::GatewayError;
use super::super::endpoint::Times;
use super::super::line::Format;
use super::super::page::Page;
use super::super::pick::{Picker, SERIES_MAX};
use super::*;
use pinisi_crds::signal_source::Query;
use proptest::prelude::*;
use serde_json::{Value, json};

const TIMES: Times = Times {
    interval: SignedDuration::from_millis(500),
    stale_after: SignedDuration::from_secs(10),
};

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_700_000_000_000 + millis).unwrap()
}

/// Gateways of one source with one query, `r_total`.
struct Gateways {
    wanted: Vec<Wanted>,
    endpoints: Vec<Endpoint>,
    answers: SourceAnswers,
}

impl Gateways {
    #[allow(clippy::needless_pass_by_value)] // so that calls stay short
    fn new(count: usize, extra: Value) -> Self {
        let mut query = json!({"name": "q", "metric": "r_total"});
        for (name, value) in extra.as_object().unwrap() {
            query[name] = value.clone();
        }
        let query: Query = serde_json::from_value(query).unwrap();
        Self {
            wanted: vec![Wanted::of(&query).unwrap()],
            endpoints: (0..count)
                .map(|n| Endpoint::new(&format!("http://gw{n}/"), 1))
                .collect(),
            answers: SourceAnswers::new(),
        }
    }

    /// A page of the gateway `which`, scraped at that time.
    fn page(&mut self, which: usize, millis: i64, text: &str) -> Result<bool, GatewayError> {
        let mut page = Page::new(Format::Prometheus, Picker::new(&self.wanted));
        page.feed(text.as_bytes()).unwrap();
        let picked = page.end().unwrap();
        self.endpoints[which].take_in(picked, at(millis), &self.wanted, TIMES)
    }

    /// A page of counters: workload, further labels, value.
    fn counters(&mut self, which: usize, millis: i64, list: &[(&str, &str, f64)]) {
        self.page(which, millis, &counters(list)).unwrap();
    }

    fn answer(&mut self, millis: i64) -> QueryAnswer {
        bring_up_to_date(
            &mut self.answers,
            &self.endpoints,
            &self.wanted,
            TIMES.stale_after,
            at(millis),
        );
        self.answers["q"].clone()
    }

    /// Text and time of a workload's figure.
    fn figure(&mut self, millis: i64, workload: &str) -> Option<(String, i64)> {
        let answer = self.answer(millis);
        let sample = answer.figures.get("shop")?.get(workload)?.clone();
        let at = sample.at.unwrap().duration_since(at(0)).as_millis();
        Some((sample.text.to_string(), i64::try_from(at).unwrap()))
    }

    fn reason(&mut self, millis: i64) -> Option<&'static str> {
        self.answer(millis).error.map(|error| error.reason())
    }
}

fn counters(list: &[(&str, &str, f64)]) -> String {
    let line = |(workload, more, value): &(&str, &str, f64)| {
        format!("r_total{{namespace=\"shop\",workload=\"{workload}\"{more}}} {value}\n")
    };
    format!(
        "# TYPE r_total counter\n{}",
        list.iter().map(line).collect::<String>()
    )
}

fn says(text: &str, at: i64) -> Option<(String, i64)> {
    Some((text.to_owned(), at))
}

#[test]
fn rates_are_summed_over_series_and_gateways() {
    let mut g = Gateways::new(2, json!({}));
    assert_eq!((g.figure(0, "web"), g.reason(0)), (None, None));
    for n in 0..3_i32 {
        let (t, n) = (i64::from(n) * 500, f64::from(n));
        g.counters(
            0,
            t,
            &[
                ("web", ",code=\"200\"", 50.0 * n),
                ("web", ",code=\"503\"", 5.0 * n),
                ("api", "", 0.0),
            ],
        );
        g.counters(1, t + 20, &[("web", ",code=\"200\"", 100.0 * n)]);
    }
    assert_eq!(g.figure(1_100, "web"), says("310", 1_020));
    assert_eq!(g.figure(1_100, "api"), says("0", 1_000));
    let answer = g.answer(1_100);
    assert_eq!((answer.series, answer.usable, answer.error), (2, 2, None));
    assert_eq!(
        (answer.answered, answer.newest),
        (Some(at(1_020)), Some(at(1_020)))
    );
    // Nothing new: nothing changes, so nobody is woken.
    assert_eq!(g.answer(1_200), g.answer(1_900));
}

#[test]
fn gauges_are_taken_as_they_stand() {
    let mut g = Gateways::new(2, json!({"metric": "busy"}));
    let page =
        |n: u32| format!("# TYPE busy gauge\nbusy{{namespace=\"shop\",workload=\"web\"}} {n}\n");
    g.page(0, 0, &page(4)).unwrap();
    g.page(1, 10, &page(5)).unwrap();
    assert_eq!(g.figure(20, "web"), says("9", 10));
}

#[test]
fn until_every_gateway_has_its_rate_there_is_no_figure() {
    let mut g = Gateways::new(2, json!({}));
    for n in 0..4 {
        g.counters(0, n * 500, &[("web", "", 50.0)]);
    }
    assert_eq!(
        (g.figure(2_000, "web"), g.answer(2_000).answered),
        (None, None)
    );
    g.endpoints[1].fail(GatewayError::Unreachable("refused".into()), at(2_000));
    let error = g.answer(2_000).error.unwrap();
    assert!(
        error
            .to_string()
            .contains("gateway http://gw1/: no answer: refused"),
        "{error}"
    );
    g.counters(1, 2_100, &[("web", "", 1_000.0)]);
    assert_eq!(g.figure(2_100, "web"), None);
    g.counters(1, 2_600, &[("web", "", 1_050.0)]);
    assert_eq!(g.figure(2_600, "web"), says("100", 2_600));
}

#[test]
fn a_dead_gateway_counts_until_it_is_stale_and_then_makes_the_sum_stale() {
    let mut g = Gateways::new(2, json!({}));
    for n in 0..=60_i32 {
        let (t, n) = (i64::from(n) * 500, f64::from(n));
        if t <= 1_000 {
            g.counters(1, t, &[("web", "", 100.0 * n)]);
        } else {
            g.endpoints[1].fail(GatewayError::Unreachable("refused".into()), at(t));
        }
        g.counters(0, t, &[("web", "", 50.0 * n), ("api", "", 10.0 * n)]);
        if t >= 1_000 {
            // Never smaller; new until the dead one's figure is 10 s old, then as old as that is.
            let stale = t >= 11_000;
            assert_eq!(
                g.figure(t, "web"),
                says("300", if stale { 1_000 } else { t }),
                "{t}"
            );
            // What it had no figures of goes on.
            assert_eq!(g.figure(t, "api"), says("20", t), "{t}");
        }
    }
    let answer = g.endpoints[1].answer();
    assert_eq!(
        (answer.seen, answer.failing_since, answer.series),
        (Some(at(1_000)), Some(at(1_500)), 1)
    );
    // It comes back, from another life of its counter.
    g.counters(1, 30_500, &[("web", "", 7.0)]);
    assert_eq!(g.figure(30_500, "web"), says("300", 1_000));
    g.counters(1, 31_000, &[("web", "", 57.0)]);
    assert_eq!(g.figure(31_000, "web").unwrap().0, "200");
    assert_eq!(g.endpoints[1].answer().error, None);
}

#[test]
fn a_reset_is_neither_a_spike_nor_a_dip() {
    let mut g = Gateways::new(1, json!({}));
    for (t, value) in [
        (0, 1_000_000.0),
        (500, 1_000_050.0),
        (1_000, 3.0),
        (1_500, 53.0),
        (2_000, 103.0),
    ] {
        g.counters(0, t, &[("web", "", value)]);
        if t >= 500 {
            assert_eq!(g.figure(t, "web").unwrap().0, "100", "{t}");
        }
    }
    // A new process whose counter is past the old one already: only its start time tells.
    let page = |start: u32, value: u32| {
        format!(
            "process_start_time_seconds {start}\n{}",
            counters(&[("web", "", f64::from(value))])
        )
    };
    let mut g = Gateways::new(1, json!({}));
    for (t, start, value) in [
        (0, 5, 0),
        (500, 5, 50),
        (1_000, 900, 70_000),
        (1_500, 901, 70_050),
    ] {
        g.page(0, t, &page(start, value)).unwrap();
        if t >= 500 {
            assert_eq!(g.figure(t, "web").unwrap().0, "100", "{t}");
        }
    }
}

#[test]
fn a_service_before_several_processes_is_named_and_never_makes_a_spike() {
    let mut g = Gateways::new(1, json!({}));
    let mut errors = 0;
    for n in 0..20_u32 {
        let (start, value) = if n % 2 == 0 {
            (100, 5)
        } else {
            (900, 9_000_000)
        };
        let page = format!(
            "process_start_time_seconds {start}\n{}",
            counters(&[("web", "", f64::from(value + n))])
        );
        let t = i64::from(n) * 500;
        if let Err(error) = g.page(0, t, &page) {
            assert_eq!(error, GatewayError::ManyProcesses);
            errors += 1;
        }
        assert_eq!(g.figure(t, "web"), None);
    }
    assert_eq!(errors, 17);
}

#[test]
fn after_restarts_one_by_one_no_rate_is_taken_over_two_lives() {
    let mut g = Gateways::new(1, json!({}));
    let lives = [
        (0, 0),
        (0, 50),
        (100, 0),
        (200, 0),
        (300, 0),
        (300, 30),
        (300, 80),
    ];
    for (n, (start, value)) in lives.into_iter().enumerate() {
        let page = format!(
            "process_start_time_seconds {start}\n{}",
            counters(&[("web", "", f64::from(value))])
        );
        let t = i64::try_from(n).unwrap() * 500;
        assert_eq!(g.page(0, t, &page).is_err(), start == 300 && value == 0);
        if n > 0 {
            assert_eq!(g.figure(t, "web").unwrap().0, "100", "{t}");
        }
    }
}

#[test]
fn a_series_that_is_gone_counts_for_a_while_and_a_new_one_needs_two_samples() {
    let mut g = Gateways::new(1, json!({}));
    for n in 0..40_i32 {
        let (t, n) = (i64::from(n) * 500, f64::from(n));
        let old = [("web", "", 50.0 * n), ("old", "", 5.0 * n)];
        let new = [
            ("web", "", 50.0 * n),
            ("web", ",code=\"new\"", 1e9 + 500.0 * n),
        ];
        g.counters(0, t, if t <= 1_000 { &old } else { &new });
        let old = g.figure(t, "old").map(|(text, _)| text);
        if t >= 500 {
            assert_eq!(old.as_deref(), (t < 11_000).then_some("10"), "{t}");
            let web = if t < 2_000 { "100" } else { "1100" };
            assert_eq!(g.figure(t, "web"), says(web, t), "{t}");
        }
    }
}

#[test]
fn bad_values_make_no_number_and_name_the_gateway() {
    for (value, word) in [("NaN", "NaN"), ("-1", "-1"), ("+Inf", "inf")] {
        let mut g = Gateways::new(2, json!({"figure": "Value"}));
        let page =
            |value: &str| format!("r_total{{namespace=\"shop\",workload=\"web\"}} {value}\n");
        g.page(0, 0, &page("5")).unwrap();
        g.page(1, 0, &page(value)).unwrap();
        let answer = g.answer(0);
        let sample = &answer.figures["shop"]["web"];
        assert_eq!(&*sample.text, format!("{word} on http://gw1/"));
        assert_eq!((sample.load(), answer.usable), (None, 0));
        g.page(1, 500, &page("6")).unwrap();
        assert_eq!(g.figure(500, "web"), says("11", 500));
    }
    let mut g = Gateways::new(1, json!({"figure": "Value"}));
    g.page(0, 0, "r_total{namespace=\"shop\",workload=\"web\"} 1e300\n")
        .unwrap();
    assert_eq!(g.answer(0).figures["shop"]["web"].load(), None, "absurd");
}

#[test]
fn times_on_the_page_are_believed_within_limits() {
    let mut g = Gateways::new(1, json!({"figure": "Value"}));
    let page = |millis: i64| {
        format!(
            "r_total{{namespace=\"shop\",workload=\"web\"}} 1 {}\n",
            at(millis).as_millisecond()
        )
    };
    g.page(0, 1_000, &page(400)).unwrap();
    assert_eq!(g.figure(1_000, "web"), says("1", 400));
    // A clock a little ahead makes no figure younger than its scrape.
    g.page(0, 2_000, &page(6_000)).unwrap();
    assert_eq!(g.figure(2_000, "web"), says("1", 2_000));
    let error = g.page(0, 3_000, &page(9_000)).unwrap_err();
    assert_eq!(error, GatewayError::ClockAhead { limit: 5 });
    // Hours old: as it says.
    g.page(0, 4_000, &page(-7_200_000)).unwrap();
    assert_eq!(g.figure(4_000, "web"), says("1", -7_200_000));
    // A counter whose page is cached: no new time, no new figure.
    let mut g = Gateways::new(1, json!({}));
    for (scrape, time, value) in [
        (0, 0, 0),
        (500, 500, 50),
        (1_000, 500, 50),
        (1_500, 500, 50),
    ] {
        g.page(0, scrape, &format!("# TYPE r_total counter\nr_total{{namespace=\"shop\",workload=\"web\"}} {value} {}\n", at(time).as_millisecond())).unwrap();
    }
    assert_eq!(g.figure(1_500, "web"), says("100", 500));
}

#[test]
fn what_the_metric_is_must_be_known_and_fit() {
    let series = "r_total{namespace=\"shop\",workload=\"web\"} 1\n";
    for (kind, figure, reason) in [
        (None, None, Some("MetricWithoutType")),
        (Some("untyped"), None, Some("MetricWithoutType")),
        (Some("gauge"), Some("Rate"), Some("WrongMetricType")),
        (Some("counter"), Some("Value"), Some("WrongMetricType")),
        (Some("histogram"), None, Some("WrongMetricType")),
        (Some("info"), Some("Value"), Some("WrongMetricType")),
        (None, Some("Value"), None),
        (Some("gauge"), None, None),
        (Some("gauge"), Some("Value"), None),
    ] {
        let mut g = Gateways::new(1, json!({"figure": figure}));
        let head = kind
            .map(|kind| format!("# TYPE r_total {kind}\n"))
            .unwrap_or_default();
        g.page(0, 0, &format!("{head}{series}")).unwrap();
        assert_eq!(g.reason(0), reason, "{kind:?} {figure:?}");
        assert_eq!(g.figure(0, "web").is_some(), reason.is_none());
    }
    // The count of a histogram is a counter.
    let mut g = Gateways::new(1, json!({"metric": "time_count"}));
    for (t, n) in [(0, 0), (500, 10)] {
        g.page(
            0,
            t,
            &format!(
                "# TYPE time histogram\ntime_count{{namespace=\"shop\",workload=\"web\"}} {n}\n"
            ),
        )
        .unwrap();
    }
    assert_eq!(g.figure(500, "web"), says("20", 500));
}

#[test]
fn no_metric_and_no_labels_are_said_and_leave_the_figures_to_age() {
    let mut g = Gateways::new(2, json!({}));
    for which in [0, 1] {
        for (t, n) in [(0, 0.0), (500, 50.0)] {
            g.counters(which, t, &[("web", "", n)]);
        }
    }
    g.page(0, 1_000, "other 1\n").unwrap();
    assert_eq!(
        (g.reason(1_000), g.figure(1_000, "web")),
        (None, says("200", 500))
    );
    g.page(1, 1_000, "other 1\n").unwrap();
    assert_eq!(
        (g.reason(1_000), g.figure(1_000, "web")),
        (Some("MetricNotFound"), says("200", 500))
    );
    g.page(1, 1_500, "r_total{pod=\"x\"} 1\n").unwrap();
    assert_eq!(g.reason(1_500), Some("NoWorkloadLabels"));
    g.page(0, 10_600, "other 1\n").unwrap();
    g.page(1, 10_600, "other 1\n").unwrap();
    assert_eq!(g.figure(10_600, "web"), None);
}

#[test]
fn a_gateway_with_new_names_on_each_page_is_held_to_its_limit() {
    let mut g = Gateways::new(1, json!({"figure": "Value"}));
    let page = |round: usize| -> String {
        let line = |n| format!("r_total{{namespace=\"shop\",workload=\"w{round}-{n}\"}} 1\n");
        (0..SERIES_MAX / 4).map(line).collect()
    };
    for round in 0..4 {
        g.page(0, 500, &page(round)).unwrap();
    }
    let error = g.page(0, 1_000, &page(4)).unwrap_err();
    assert_eq!(error, GatewayError::TooManySeries(SERIES_MAX));
    assert_eq!(g.endpoints[0].parts[0].series.len(), SERIES_MAX);
    // Once the old ones are too old to count there is room again.
    g.page(0, 10_500, &page(5)).unwrap();
    assert_eq!(g.endpoints[0].parts[0].series.len(), SERIES_MAX / 4);
}

#[test]
fn the_same_kind_of_failure_is_no_news() {
    let mut g = Gateways::new(1, json!({}));
    let malformed = |line| GatewayError::Malformed {
        line,
        what: "no value",
    };
    assert!(g.endpoints[0].fail(malformed(3), at(0)));
    assert!(!g.endpoints[0].fail(malformed(9), at(500)));
    assert_eq!(g.endpoints[0].error(), Some(&malformed(3)));
    assert!(g.endpoints[0].fail(GatewayError::Status(500), at(1_000)));
    assert_eq!(g.endpoints[0].answer().failing_since, Some(at(0)));
    assert!(g.page(0, 1_500, &counters(&[("web", "", 1.0)])).unwrap());
    assert_eq!(g.endpoints[0].answer().failing_since, None);
}

proptest! {
    /// Whatever gateways do, a workload's fresh figure is never below what the living ones and the
    /// held ones last said together: with steady counters, the sum never dips.
    #[test]
    fn failures_never_make_a_steady_sum_smaller(
        rates in prop::collection::vec(1u32..1_000, 2..5),
        events in prop::collection::vec((any::<prop::sample::Index>(), 0u8..4, 0i64..200), 1..120),
    ) {
        let mut g = Gateways::new(rates.len(), json!({}));
        let whole: u32 = rates.iter().sum();
        let (mut down, mut base) = (vec![false; rates.len()], vec![(0, 0.0); rates.len()]);
        for (n, (which, event, jitter)) in events.iter().enumerate() {
            let t = i64::try_from(n).unwrap() * 500 + jitter;
            let which = which.index(rates.len());
            match event {
                0 => down[which] = !down[which],
                // It starts anew.
                1 => base[which] = (base[which].0 + 100, SignedDuration::from_millis(t).as_secs_f64()),
                _ => {}
            }
            for (which, rate) in rates.iter().enumerate() {
                if down[which] {
                    g.endpoints[which].fail(GatewayError::Status(503), at(t));
                } else {
                    let (start, since) = base[which];
                    let total = f64::from(*rate) * (SignedDuration::from_millis(t).as_secs_f64() - since);
                    let page = format!("process_start_time_seconds {start}\n{}", counters(&[("web", "", total)]));
                    // Restarts one after the other are refused, and that is no dip either.
                    let _ = g.page(which, t, &page);
                }
            }
            if let Some((text, time)) = g.figure(t, "web") {
                let load: f64 = text.parse().unwrap();
                prop_assert!((load - f64::from(whole)).abs() < 1e-3 * f64::from(whole), "{load} of {whole} at {t}");
                prop_assert!(time <= t);
            }
        }
    }
}
