//! A run as JUnit's XML, which CI systems show: a suite a level, a test a case.

use super::{CaseReport, Report};
use crate::conformance::case::Level;
use crate::conformance::outcome::{Skip, Verdict};
use std::time::Duration;

/// The file.
#[must_use]
pub fn document(report: &Report) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let all: Vec<&CaseReport> = report.cases.iter().collect();
    xml += &format!("<testsuites name=\"pinisi-conformance\"{}>\n", sums(&all));
    for level in Level::ALL {
        let own: Vec<&CaseReport> = all
            .iter()
            .copied()
            .filter(|each| each.case.level == level)
            .collect();
        if own.is_empty() {
            continue;
        }
        xml += &format!("  <testsuite name=\"{}\"{}>\n", level.word(), sums(&own));
        for each in own {
            xml += &test(each, level);
        }
        xml += "  </testsuite>\n";
    }
    xml + "</testsuites>\n"
}

fn sums(cases: &[&CaseReport]) -> String {
    let count = |wanted: Verdict| cases.iter().filter(|each| each.verdict() == wanted).count();
    let took: Duration = cases.iter().map(|each| each.took).sum();
    format!(
        " tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{:.3}\"",
        cases.len(),
        count(Verdict::Red),
        count(Verdict::Skipped),
        took.as_secs_f64()
    )
}

fn test(report: &CaseReport, level: Level) -> String {
    let CaseReport { case, tried, took } = report;
    let mut xml = format!(
        "    <testcase classname=\"pinisi.conformance.{}\" name=\"{}\" time=\"{:.3}\">\n",
        level.word(),
        escape(&format!("{} {}", case.id, case.title)),
        took.as_secs_f64()
    );
    let red: Vec<String> = tried
        .iter()
        .filter(|each| each.outcome.is_red())
        .map(|each| {
            format!(
                "{} [{}] {}: {}",
                each.name,
                each.rule,
                each.outcome.word(),
                each.answer
            )
        })
        .collect();
    match report.verdict() {
        Verdict::Red => {
            xml += &format!(
                "      <failure message=\"{}\">{}</failure>\n",
                escape(red.first().map(String::as_str).unwrap_or_default()),
                escape(&red.join("\n"))
            );
        }
        Verdict::Skipped => {
            let why = report.skip().map_or("nothing to try", Skip::word);
            xml += &format!("      <skipped message=\"{}\"/>\n", escape(why));
        }
        Verdict::Green | Verdict::Partial => {}
    }
    let lines: Vec<String> = tried
        .iter()
        .map(|each| {
            format!(
                "{} [{}] {}: {}",
                each.name,
                each.rule,
                each.outcome.word(),
                each.answer
            )
        })
        .collect();
    xml + &format!(
        "      <system-out>{}</system-out>\n    </testcase>\n",
        escape(&lines.join("\n"))
    )
}

/// Text as XML 1.0 takes it: what stands for markup is written out, what it cannot hold is left out.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\n' | '\t' => out.push(character),
            control if control.is_control() => {}
            '\u{fffe}' | '\u{ffff}' => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn whatever_a_server_says_stays_xml() {
        assert_eq!(
            escape("a<b> & \"c\"\u{0}\u{1b}[1m"),
            "a&lt;b&gt; &amp; &quot;c&quot;[1m"
        );
    }
}
