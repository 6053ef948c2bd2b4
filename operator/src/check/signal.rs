//! Signals: the word on one workload, and each SignalSource as `report` needs it.

use super::{
    limits::{number, outside},
    problem::Problem,
};
use crate::checked::SourceSubject;
use crate::gather::{
    facts::{ObjectKey, SourceFacts},
    index::Index,
    samples::{QueryAnswer, SourceAnswers},
};
use jiff::{SignedDuration, Timestamp};
use pinisi_crds::{
    SignalSourceSpec, SignalSourceStatus, hybrid_workload::SignalRef, signal_source::QueryStatus,
};
use pinisi_planner::model::workload::{Signal, SignalFault};
use std::collections::BTreeSet;

/// Age in seconds from which a figure is stale, where the source names none.
pub const STALE_AFTER_DEFAULT: i32 = 60;
/// Most queries in one source.
const QUERIES_MAX: usize = 16;

/// Age from which a source's figures are stale; a limit out of range is as if absent.
fn stale_after(spec: &SignalSourceSpec) -> SignedDuration {
    SignedDuration::from_secs(i64::from(
        spec.stale_after_seconds
            .filter(|s| (5..=3600).contains(s))
            .unwrap_or(STALE_AFTER_DEFAULT),
    ))
}

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
pub fn source(facts: &SourceFacts, answers: Option<&SourceAnswers>) -> SourceSubject {
    let mut problems = Vec::new();
    let mut queries = Vec::new();
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
        }
    }
    SourceSubject {
        uid: facts.uid.clone(),
        generation: facts.generation,
        status_now: SignalSourceStatus {
            observed_generation: Some(facts.generation),
            queries,
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
        queries,
        interval_seconds,
        stale_after_seconds,
    } = spec;
    let address = prometheus
        .as_ref()
        .map(|p| p.address.as_str())
        .unwrap_or_default();
    let url = reqwest::Url::parse(address).ok();
    if !url.is_some_and(|u| matches!(u.scheme(), "http" | "https") && u.has_host()) {
        problems.push(Problem::NoAddress {
            address: address.chars().take(120).collect(),
        });
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
        if query.query.trim().is_empty() {
            problems.push(outside(
                &format!("spec.queries[{}].query", query.name),
                &"empty",
                "PromQL that returns one series for each workload",
            ));
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
        5,
        3600,
        problems,
    );
}
