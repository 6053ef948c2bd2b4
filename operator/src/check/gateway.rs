//! SignalSources that scrape gateways: the limits of their spec, and how each gateway fares.

use super::{
    limits::{number, outside},
    problem::Problem,
};
use crate::gather::gateway::{
    GATEWAYS_MAX, INTERVAL_DEFAULT, INTERVAL_MAX, INTERVAL_MIN, RATE_WINDOW_DEFAULT,
    RATE_WINDOW_MAX, RATE_WINDOW_MIN, answer::GatewayAnswer,
};
use crate::gather::samples::{STALE_AFTER_DEFAULT, STALE_AFTER_MAX, STALE_AFTER_MIN, stale_after};
use jiff::{SignedDuration, Timestamp, Unit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use pinisi_crds::{
    SignalSourceSpec,
    signal_source::{Gateway, GatewayStatus, Query},
};
use std::collections::BTreeSet;

/// Ages in seconds that status tells apart; what is older is one more than the last.
const AGE_STEPS: [i32; 6] = [1, 5, 15, 60, 300, 3600];
/// Longest value that is quoted, in characters.
const QUOTE_MAX: usize = 120;

/// How each gateway fares, and what is wrong with it. A gateway that fails is a warning while its
/// last figures count, and from then on what keeps the source from being Ready.
pub fn statuses(
    spec: &SignalSourceSpec,
    answers: &[GatewayAnswer],
    now: Timestamp,
    problems: &mut Vec<Problem>,
) -> Vec<GatewayStatus> {
    let limit = stale_after(spec);
    answers
        .iter()
        .map(|answer| {
            let GatewayAnswer {
                address,
                series,
                newest,
                seen,
                failing_since,
                error,
            } = answer;
            // One that was never good stands in the way of every query, where it is said already.
            if let (Some(error), Some(seen)) = (error, seen) {
                problems.push(Problem::GatewayFailing {
                    address: address.to_string(),
                    reason: error.reason(),
                    error: error.to_string(),
                    lost: now.duration_since(*seen) >= limit,
                });
            }
            GatewayStatus {
                address: address.to_string(),
                series: i32::try_from(*series).unwrap_or(i32::MAX),
                age_seconds: newest.map(|at| age_step(now.duration_since(at))),
                failing_since: failing_since.map(|at| Time(at.round(Unit::Second).unwrap_or(at))),
                error: error.as_ref().map(ToString::to_string),
            }
        })
        .collect()
}

fn age_step(age: SignedDuration) -> i32 {
    AGE_STEPS
        .into_iter()
        .find(|step| age <= SignedDuration::from_secs(i64::from(*step)))
        .unwrap_or(AGE_STEPS[AGE_STEPS.len() - 1] + 1)
}

/// Limits of a list of gateways and of the intervals that go with it.
pub fn limits(spec: &SignalSourceSpec, gateways: &[Gateway], problems: &mut Vec<Problem>) {
    if gateways.is_empty() || gateways.len() > GATEWAYS_MAX {
        problems.push(outside(
            "spec.gateways",
            &format!("a list of {}", gateways.len()),
            &format!("1 to {GATEWAYS_MAX} gateways"),
        ));
    }
    let mut seen = BTreeSet::new();
    for (at, Gateway { address }) in gateways.iter().enumerate() {
        let field = format!("spec.gateways[{at}].address");
        let quoted: String = address.chars().take(QUOTE_MAX).collect();
        if !is_address(address) {
            problems.push(outside(
                &field,
                &format!("{quoted:?}"),
                "the URL of a metrics page with a host and without a password, for example http://gateway-0.gateways.ingress.svc:9100/metrics",
            ));
        }
        if !seen.insert(address) {
            let value = format!("{quoted:?} again");
            problems.push(outside(&field, &value, "an address that no other has"));
        }
    }
    let interval = number(
        "spec.intervalMilliseconds",
        spec.interval_milliseconds,
        INTERVAL_DEFAULT,
        INTERVAL_MIN,
        INTERVAL_MAX,
        problems,
    );
    let stale = spec
        .stale_after_seconds
        .filter(|s| (STALE_AFTER_MIN..=STALE_AFTER_MAX).contains(s))
        .unwrap_or(STALE_AFTER_DEFAULT);
    if i64::from(interval) * 2 > i64::from(stale) * 1000 {
        problems.push(outside(
            "spec.staleAfterSeconds",
            &stale,
            "at least twice spec.intervalMilliseconds, or every figure is stale before the next",
        ));
    }
}

fn is_address(address: &str) -> bool {
    reqwest::Url::parse(address).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
    })
}

/// What a query to gateways must say.
pub fn query(query: &Query, problems: &mut Vec<Problem>) {
    let field = |name: &str| format!("spec.queries[{}].{name}", query.name);
    if query.metric.as_ref().is_none_or(|metric| metric.is_empty()) {
        problems.push(outside(
            &field("metric"),
            &"empty",
            "the name of a metric on the gateways' pages",
        ));
    }
    if query.query.is_some() || query.timestamp_query.is_some() {
        problems.push(outside(
            &field("query"),
            &"set",
            "nothing: gateways are not asked in PromQL, metric names what is read from their pages",
        ));
    }
    number(
        &field("rateWindowMilliseconds"),
        query.rate_window_milliseconds,
        RATE_WINDOW_DEFAULT,
        RATE_WINDOW_MIN,
        RATE_WINDOW_MAX,
        problems,
    );
}
