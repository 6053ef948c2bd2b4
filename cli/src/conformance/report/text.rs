//! A run for people: a line a case while it goes on, at the end the red ones and how each level
//! stands.

use super::{CaseReport, LevelReport, Report};
use crate::conformance::case::{Case, Level};
use crate::conformance::outcome::{Outcome, Skip, Verdict};
use crate::output::{Screen, table};

/// Red attempts of one case that are told in full.
const RED_MAX: usize = 5;

/// One case, as soon as it is done.
#[must_use]
pub fn line(report: &CaseReport, screen: Screen) -> String {
    let CaseReport {
        case,
        tried: _,
        took,
    } = report;
    let verdict = report.verdict();
    let mut said = Vec::new();
    for (wanted, word) in [
        (Outcome::Refused, "refused"),
        (Outcome::Passed, "lawful passed"),
    ] {
        let count = report.count(|outcome| outcome == wanted);
        if count > 0 {
            said.push(format!("{count} {word}"));
        }
    }
    let red = report.count(Outcome::is_red);
    if red > 0 {
        said.push(format!("{red} WRONG"));
    }
    if let Some(skip) = report.skip() {
        let count = report.count(|outcome| outcome == Outcome::Skipped(skip));
        let all = verdict == Verdict::Skipped;
        said.push(match all {
            true => skip.word().to_owned(),
            false => format!("{count} {}", skip.word()),
        });
    }
    format!(
        "{}  {}  {}: {} ({} ms)\n",
        paint(verdict, screen),
        case.id,
        case.title,
        said.join(", "),
        took.as_millis()
    )
}

/// What stands at the end.
#[must_use]
pub fn end(report: &Report, screen: Screen) -> String {
    let mut text = String::new();
    for each in &report.cases {
        let red = || each.tried.iter().filter(|tried| tried.outcome.is_red());
        for tried in red().take(RED_MAX) {
            text += &format!(
                "\n{} {}: {} [{}]\n  {}\n  {}\n",
                each.case.id,
                tried.outcome.word(),
                tried.name,
                tried.rule,
                tried.answer,
                way_out(tried.outcome, &tried.rule)
            );
        }
        let more = red().count().saturating_sub(RED_MAX);
        if more > 0 {
            text += &format!(
                "\n{}: {more} more like these; -o json has all\n",
                each.case.id
            );
        }
    }
    let open: Vec<&CaseReport> = report
        .cases
        .iter()
        .filter(|each| each.skip().is_some_and(Skip::leaves_open))
        .collect();
    let mut skips: Vec<Skip> = Vec::new();
    for skip in open.iter().filter_map(|each| each.skip()) {
        if !skips.contains(&skip) {
            skips.push(skip);
        }
    }
    for skip in skips {
        let ids: Vec<&str> = open
            .iter()
            .filter(|each| each.skip() == Some(skip))
            .map(|each| each.case.id)
            .collect();
        text += &format!(
            "\n{}: {}\n  {}\n",
            skip.word(),
            ids.join(" "),
            skip.way_out()
        );
    }
    let levels = report.levels();
    if levels.is_empty() {
        return text + &format!("\n{}\n", report.verdict().word());
    }
    let mut sums = table(
        screen,
        &["LEVEL", "VERDICT", "GREEN", "PARTIAL", "SKIPPED", "RED"],
    );
    for LevelReport {
        level,
        verdict,
        green,
        partial,
        skipped,
        red,
    } in levels
    {
        sums.add_row([
            level.word().to_owned(),
            verdict.word().to_owned(),
            green.to_string(),
            partial.to_string(),
            skipped.to_string(),
            red.to_string(),
        ]);
    }
    format!("{text}\n{sums}\n")
}

fn way_out(outcome: Outcome, rule: &str) -> String {
    match outcome {
        Outcome::LetThrough | Outcome::Unstamped => format!(
            "rule {rule} is missing or switched off: kubectl pinisi check, and let an operator lead, which puts the guard back"
        ),
        Outcome::RefusedByOther => format!(
            "something else refused before rule {rule} could: another policy engine, a quota, or a server that differs; try it again without that"
        ),
        Outcome::LawfulRefused => {
            "whatever refused it also stops lawful services: kubectl pinisi check".into()
        }
        Outcome::Wrong => "kubectl pinisi check; an operator that leads puts the guard back".into(),
        Outcome::NoAnswer => "run it again; if it stays, ask the API server's log".into(),
        Outcome::Refused | Outcome::Passed | Outcome::Skipped(_) => String::new(),
    }
}

/// Every case with its rules, for `list`.
#[must_use]
pub fn list(cases: &[(&'static Case, Vec<String>)], screen: Screen) -> String {
    let mut all = table(screen, &["ID", "LEVEL", "BYPASSES", "RULES", "TITLE"]);
    for (case, rules) in cases {
        all.add_row([
            case.id,
            level(case.level),
            &case.bypasses.join(" "),
            &rules.join(" "),
            case.title,
        ]);
    }
    format!("{all}\n")
}

fn level(level: Level) -> &'static str {
    level.word()
}

fn paint(verdict: Verdict, screen: Screen) -> String {
    let (word, code) = match verdict {
        Verdict::Green => ("green  ", "32"),
        Verdict::Partial => ("partial", "33"),
        Verdict::Skipped => ("skipped", "2"),
        Verdict::Red => ("RED    ", "1;31"),
    };
    if screen.colour {
        format!("\u{1b}[{code}m{word}\u{1b}[0m")
    } else {
        word.to_owned()
    }
}
