//! Findings as text and as JSON.

use super::finding::{Check, Finding, Findings, Status, Summary};
use crate::args::Output;
use crate::output::Screen;
use serde::Serialize;

/// The JSON's name: fields are only ever added under it.
const FORMAT: &str = "pinisi-check/v1";

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    checks: &'a [Finding],
    summary: Summary,
}

/// For machines: one object, pretty.
///
/// # Errors
/// Never in practice: the document holds text and numbers only.
pub fn document(findings: &Findings, output: Output) -> anyhow::Result<String> {
    let document = Document {
        format: FORMAT,
        checks: findings.all(),
        summary: findings.summary(),
    };
    crate::output::document(&document, output)
}

/// Ids and titles.
///
/// # Errors
/// As [`document`].
pub fn list(checks: &[&Check], output: Output) -> anyhow::Result<String> {
    match output {
        Output::Json | Output::Yaml | Output::Junit => crate::output::document(&checks, output),
        Output::Text => Ok(checks
            .iter()
            .map(|check| format!("{}  {}\n", check.id, check.title))
            .collect()),
    }
}

/// For people: a line a finding, its hint below, a sum at the end.
pub fn text(findings: &Findings, screen: Screen) -> String {
    let mut lines = String::new();
    for finding in findings.all() {
        let Finding {
            id,
            title,
            status,
            object,
            message,
            hint,
        } = finding;
        let mark = paint(*status, screen);
        match object {
            None if message.is_empty() => lines += &format!("{mark}  {id}  {title}\n"),
            None => lines += &format!("{mark}  {id}  {title}: {message}\n"),
            Some(object) => lines += &format!("{mark}  {id}  {object}: {message}\n"),
        }
        if let Some(hint) = hint {
            lines += &format!("             hint: {hint}\n");
        }
    }
    let Summary {
        ok,
        warn,
        fail,
        skip,
    } = findings.summary();
    lines + &format!("\n{ok} ok, {warn} to look at, {fail} failed, {skip} skipped\n")
}

fn paint(status: Status, screen: Screen) -> String {
    let (word, code) = match status {
        Status::Ok => ("ok  ", "32"),
        Status::Warn => ("warn", "33"),
        Status::Fail => ("FAIL", "1;31"),
        Status::Skip => ("skip", "2"),
    };
    if screen.colour {
        format!("\u{1b}[{code}m{word}\u{1b}[0m")
    } else {
        word.to_owned()
    }
}
