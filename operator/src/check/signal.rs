//! Signals: the word on one workload, and each SignalSource as `report` needs it.

use super::{
    gateway,
    limits::{number, outside},
    problem::Problem,
};
use crate::checked::SourceSubject;
use crate::gather::{
    facts::{ObjectKey, SourceFacts},
    gateway::answer::GatewayAnswer,
    index::Index,
    samples::{
        QueryAnswer, STALE_AFTER_DEFAULT, STALE_AFTER_MAX, STALE_AFTER_MIN, SourceAnswers,
        stale_after,
    },
};
use jiff::Timestamp;
use pinisi_crds::{
    SignalSourceSpec, SignalSourceStatus,
    hybrid_workload::SignalRef,
    signal_source::{Prometheus, Query, QueryStatus},
};
use pinisi_planner::model::workload::{Signal, SignalFault};
use std::collections::BTreeSet;

/// Most queries in one source.
const QUERIES_MAX: usize = 16;

/// The latest word on a workload.
#[must_use]
pub fn latest(index: &Index, signal: &SignalRef, workload: &ObjectKey, now: Timestamp) -> Signal {
    let SignalRef { source, query } = signal;
    let Some(facts) = index.sources.get(source) else {
        return Signal::Missing(SignalFault::NoSource(source.clone()));
    };
    let Ok(spec) = &facts.spec else {
        return Signal::Missing(SignalFault::Unreachable(format!(
            "the spec of SignalSource {source} cannot be read"
        )));
    };
    if !spec.queries.iter().any(|q| q.name == *query) {
        return Signal::Missing(SignalFault::NoQuery(query.clone()));
    }
    let Some(answer) = index.answers.get(source).and_then(|a| a.get(query)) else {
        return Signal::Missing(SignalFault::NotAskedYet);
    };
    let QueryAnswer {
        figures,
        usable: _,
        series: _,
        newest: _,
        answered,
        error,
    } = answer;
    let unreachable = || {
        error
            .as_ref()
            .map(|e| Signal::Missing(SignalFault::Unreachable(e.to_string())))
    };
    if answered.is_none() {
        return unreachable().unwrap_or(Signal::Missing(SignalFault::NotAskedYet));
    }
    let Some(sample) = figures
        .get(&workload.namespace)
        .and_then(|n| n.get(&workload.name))
    else {
        return unreachable().unwrap_or(Signal::Missing(SignalFault::NoSeries));
    };
    let not_a_number = |text: String| Signal::Missing(SignalFault::NotANumber(text));
    if sample.ambiguous {
        return not_a_number(
            "several series for this workload; aggregate with sum by (namespace, workload)"
                .to_owned(),
        );
    }
    let Some(load) = sample.load() else {
        return not_a_number(sample.text.to_string());
    };
    let Some(at) = sample.at else {
        return not_a_number(format!(
            "{} without a time: timestampQuery has no figure for it",
            sample.text
        ));
    };
    let limit = stale_after(spec);
    let age = now.duration_since(at);
    if age <= -limit {
        return not_a_number(format!(
            "{} with a time {} s ahead of this clock",
            sample.text,
            age.unsigned_abs().as_secs()
        ));
    }
    if age >= limit {
        // A failing source is the nearer cause than an old figure.
        return unreachable().unwrap_or(Signal::Stale { at });
    }
    Signal::Fresh { load, at }
}

/// A SignalSource as `report` needs it.
#[must_use]
pub fn source(
    facts: &SourceFacts,
    answers: Option<&SourceAnswers>,
    scraped: Option<&Vec<GatewayAnswer>>,
    now: Timestamp,
) -> SourceSubject {
    let mut problems = Vec::new();
    let mut queries = Vec::new();
    let mut gateways = Vec::new();
    let mut newest_sample = None;
    match &facts.spec {
        Err(unreadable) => problems.push(Problem::Unreadable {
            error: unreadable.error.clone(),
        }),
        Ok(spec) => {
            limits(spec, &mut problems);
            for query in &spec.queries {
                let answer = answers.and_then(|a| a.get(&query.name));
                newest_sample = newest_sample.max(answer.and_then(|a| a.newest));
                queries.push(status_of(&query.name, answer, &mut problems));
            }
            let scraped = scraped.map(Vec::as_slice).unwrap_or_default();
            gateways = gateway::statuses(spec, scraped, now, &mut problems);
        }
    }
    SourceSubject {
        uid: facts.uid.clone(),
        generation: facts.generation,
        status_now: SignalSourceStatus {
            observed_generation: Some(facts.generation),
            queries,
            gateways,
            conditions: Vec::new(),
        },
        status: facts.status.clone(),
        newest_sample,
        problems,
    }
}

fn status_of(
    query: &str,
    answer: Option<&QueryAnswer>,
    problems: &mut Vec<Problem>,
) -> QueryStatus {
    let name = query.to_owned();
    let Some(QueryAnswer {
        figures: _,
        usable,
        series,
        newest: _,
        answered: _,
        error,
    }) = answer
    else {
        return QueryStatus {
            name,
            series: 0,
            error: Some("not asked yet".to_owned()),
        };
    };
    let problem = match error {
        Some(e) => Some(Problem::QueryFailed {
            query: name.clone(),
            reason: e.reason(),
            error: e.to_string(),
        }),
        None if usable < series => Some(Problem::UnusableSeries {
            query: name.clone(),
            unusable: series - usable,
            of: *series,
        }),
        None => None,
    };
    let text = match (error, &problem) {
        (Some(e), _) => Some(e.to_string()),
        (None, Some(_)) => Some(format!(
            "{} of {series} series are not usable",
            series - usable
        )),
        (None, None) => None,
    };
    problems.extend(problem);
    QueryStatus {
        name,
        series: i32::try_from(*usable).unwrap_or(i32::MAX),
        error: text,
    }
}

fn limits(spec: &SignalSourceSpec, problems: &mut Vec<Problem>) {
    let SignalSourceSpec {
        prometheus,
        gateways,
        queries,
        interval_seconds,
        // Judged with the gateways that it is for.
        interval_milliseconds: _,
        stale_after_seconds,
    } = spec;
    match (prometheus, gateways) {
        (Some(Prometheus { address }), None) => prometheus_address(address, problems),
        (None, Some(list)) => gateway::limits(spec, list, problems),
        (None, None) => prometheus_address("", problems),
        (Some(_), Some(_)) => problems.push(outside(
            "spec.prometheus",
            &"set beside spec.gateways",
            "nothing, or remove spec.gateways: a source is one of the two, and nothing is asked meanwhile",
        )),
    }
    if queries.is_empty() || queries.len() > QUERIES_MAX {
        problems.push(outside(
            "spec.queries",
            &format!("a list of {}", queries.len()),
            &format!("1 to {QUERIES_MAX} queries"),
        ));
    }
    let mut names = BTreeSet::new();
    for query in queries {
        if query.name.is_empty() || !names.insert(query.name.as_str()) {
            problems.push(outside(
                "spec.queries[].name",
                &format!("{:?}", query.name),
                "a name that no other query has",
            ));
        }
        match gateways {
            Some(_) => gateway::query(query, problems),
            None => promql(query, problems),
        }
    }
    number(
        "spec.intervalSeconds",
        *interval_seconds,
        1,
        1,
        300,
        problems,
    );
    number(
        "spec.staleAfterSeconds",
        *stale_after_seconds,
        STALE_AFTER_DEFAULT,
        STALE_AFTER_MIN,
        STALE_AFTER_MAX,
        problems,
    );
}

fn prometheus_address(address: &str, problems: &mut Vec<Problem>) {
    let url = reqwest::Url::parse(address).ok();
    if !url.is_some_and(|u| matches!(u.scheme(), "http" | "https") && u.has_host()) {
        problems.push(Problem::NoAddress {
            address: address.chars().take(120).collect(),
        });
    }
}

fn promql(query: &Query, problems: &mut Vec<Problem>) {
    let text = query.query.as_deref().unwrap_or_default();
    if text.trim().is_empty() {
        problems.push(outside(
            &format!("spec.queries[{}].query", query.name),
            &"empty",
            "PromQL that returns one series for each workload",
        ));
    }
    if query.metric.is_some() {
        problems.push(outside(
            &format!("spec.queries[{}].metric", query.name),
            &"set",
            "nothing: a Prometheus is asked in PromQL",
        ));
    }
}
