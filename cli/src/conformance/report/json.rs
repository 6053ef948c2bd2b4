//! A run for machines: one document, under a name to which fields are only ever added.

use super::{CaseReport, LevelReport, Report, Tried};
use crate::conformance::case::{Case, Level, Way};
use crate::conformance::outcome::{Outcome, Skip, Verdict};
use serde::Serialize;

/// The document's name.
const FORMAT: &str = "pinisi-conformance/v1";

/// The document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document<'a> {
    format: &'static str,
    server: &'a str,
    operator_down: bool,
    verdict: Verdict,
    levels: Vec<LevelReport>,
    cases: Vec<CaseLine<'a>>,
}

#[derive(Serialize)]
struct CaseLine<'a> {
    id: &'static str,
    level: Level,
    bypasses: &'static [&'static str],
    title: &'static str,
    verdict: Verdict,
    reason: Option<&'static str>,
    milliseconds: u64,
    attempts: Vec<AttemptLine<'a>>,
}

#[derive(Serialize)]
struct AttemptLine<'a> {
    rule: &'a str,
    name: &'a str,
    request: &'a str,
    lawful: bool,
    outcome: &'static str,
    reason: Option<&'static str>,
    answer: &'a str,
    milliseconds: u64,
}

impl<'a> Document<'a> {
    /// Of a run.
    #[must_use]
    pub fn of(report: &'a Report) -> Self {
        let Report {
            server,
            operator_down,
            level: _,
            cases,
        } = report;
        Self {
            format: FORMAT,
            server,
            operator_down: *operator_down,
            verdict: report.verdict(),
            levels: report.levels(),
            cases: cases.iter().map(case).collect(),
        }
    }
}

/// One case of `list`.
#[derive(Serialize)]
pub struct ListLine<'a> {
    id: &'static str,
    level: Level,
    bypasses: &'static [&'static str],
    rules: &'a [String],
    title: &'static str,
    /// Why it is never tried, where that is so.
    reason: Option<&'static str>,
}

impl<'a> ListLine<'a> {
    /// Of a case with its rules.
    #[must_use]
    pub fn of((case, rules): &'a (&'static Case, Vec<String>)) -> Self {
        let Case {
            id,
            level,
            bypasses,
            title,
            way,
        } = case;
        Self {
            id,
            level: *level,
            bypasses,
            rules,
            title,
            reason: match way {
                Way::Not(skip) => Some(skip.word()),
                Way::Requests(_) | Way::Look(_) | Way::Copies(_) | Way::WithoutOperator(_) => None,
            },
        }
    }
}

fn case(report: &CaseReport) -> CaseLine<'_> {
    let CaseReport { case, tried, took } = report;
    CaseLine {
        id: case.id,
        level: case.level,
        bypasses: case.bypasses,
        title: case.title,
        verdict: report.verdict(),
        reason: report.skip().map(Skip::word),
        milliseconds: milliseconds(*took),
        attempts: tried.iter().map(attempt).collect(),
    }
}

fn attempt(tried: &Tried) -> AttemptLine<'_> {
    let Tried {
        rule,
        name,
        request,
        lawful,
        outcome,
        answer,
        took,
    } = tried;
    AttemptLine {
        rule,
        name,
        request,
        lawful: *lawful,
        outcome: outcome.word(),
        reason: match outcome {
            Outcome::Skipped(skip) => Some(skip.word()),
            _ => None,
        },
        answer,
        milliseconds: milliseconds(*took),
    }
}

fn milliseconds(took: std::time::Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
