//! What a run found, as data. Its forms are in the files beside.

pub mod json;
pub mod junit;
pub mod text;

use super::case::{Case, Level};
use super::outcome::{Outcome, Skip, Verdict};
use std::time::Duration;

/// One attempt, made or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The rule that it is about.
    pub rule: String,
    /// What was tried.
    pub name: String,
    /// Operation and resource; empty where something was only looked at.
    pub request: String,
    /// Whether it is a lawful twin, or must be refused.
    pub lawful: bool,
    /// What became of it.
    pub outcome: Outcome,
    /// What the server answered, in one line.
    pub answer: String,
    /// How long the answer took.
    pub took: Duration,
}

/// One case.
#[derive(Clone, Debug)]
pub struct CaseReport {
    /// Which.
    pub case: &'static Case,
    /// Its attempts.
    pub tried: Vec<Tried>,
    /// How long all of it took.
    pub took: Duration,
}

impl CaseReport {
    /// How it stands.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let outcomes: Vec<Outcome> = self.tried.iter().map(|tried| tried.outcome).collect();
        Verdict::of_case(&outcomes)
    }

    /// Why something of it was not tried, the first reason that leaves something open before others.
    #[must_use]
    pub fn skip(&self) -> Option<Skip> {
        let skips = || {
            self.tried.iter().filter_map(|tried| match tried.outcome {
                Outcome::Skipped(skip) => Some(skip),
                _ => None,
            })
        };
        skips()
            .find(|skip| skip.leaves_open())
            .or_else(|| skips().next())
    }

    /// How many of its attempts ended so.
    #[must_use]
    pub fn count(&self, wanted: impl Fn(Outcome) -> bool) -> usize {
        self.tried
            .iter()
            .filter(|tried| wanted(tried.outcome))
            .count()
    }
}

/// A whole run.
#[derive(Clone, Debug)]
pub struct Report {
    /// The server's version.
    pub server: String,
    /// Whether no operator led.
    pub operator_down: bool,
    /// The level that was asked for; none where cases were named one by one.
    pub level: Option<Level>,
    /// Every case, in the order of the catalogue.
    pub cases: Vec<CaseReport>,
}

/// How one level stands, with the ones below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LevelReport {
    /// Which.
    pub level: Level,
    /// How it stands.
    pub verdict: Verdict,
    /// Cases that are all as they must be.
    pub green: usize,
    /// Cases of which something was not tried.
    pub partial: usize,
    /// Cases that were not tried.
    pub skipped: usize,
    /// Cases that are not as they must be.
    pub red: usize,
}

impl Report {
    /// How it all stands: red before partial before green.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        verdict_of(&self.cases.iter().collect::<Vec<_>>())
    }

    /// Each level up to the one that was asked for; none where cases were named one by one.
    #[must_use]
    pub fn levels(&self) -> Vec<LevelReport> {
        let asked = |level: &Level| self.level.is_some_and(|highest| *level <= highest);
        Level::ALL
            .into_iter()
            .filter(asked)
            .map(|level| self.level_report(level))
            .collect()
    }

    fn level_report(&self, level: Level) -> LevelReport {
        let cases: Vec<&CaseReport> = self
            .cases
            .iter()
            .filter(|report| report.case.level <= level)
            .collect();
        let count = |wanted: Verdict| {
            cases
                .iter()
                .filter(|report| report.verdict() == wanted)
                .count()
        };
        LevelReport {
            level,
            verdict: verdict_of(&cases),
            green: count(Verdict::Green),
            partial: count(Verdict::Partial),
            skipped: count(Verdict::Skipped),
            red: count(Verdict::Red),
        }
    }
}

fn verdict_of(cases: &[&CaseReport]) -> Verdict {
    let any = |wanted: Verdict| cases.iter().any(|report| report.verdict() == wanted);
    let open = |report: &&CaseReport| report.skip().is_some_and(Skip::leaves_open);
    if any(Verdict::Red) {
        Verdict::Red
    } else if !any(Verdict::Green) && !any(Verdict::Partial) {
        Verdict::Skipped
    } else if cases.iter().any(open) {
        Verdict::Partial
    } else {
        Verdict::Green
    }
}
