//! `guard laws`: the presets that a SovereigntyPolicy can name, with their sources. No legal advice.

use super::args::LawsOptions;
use crate::args::{Global, Output};
use crate::output::{document, print};
use anyhow::{Result, bail};
use pinisi_crds::legal::{Article, DISCLAIMER, Preset, Verified, presets};
use std::fmt::Write as _;
use std::process::ExitCode;

/// Prints them.
///
/// # Errors
/// There is none of that name, or standard output is closed.
pub fn run(global: &Global, options: &LawsOptions) -> Result<ExitCode> {
    let wanted = |preset: &&Preset| options.name.as_ref().is_none_or(|n| *n == preset.name);
    let found: Vec<_> = presets().values().filter(wanted).collect();
    if found.is_empty() {
        let known: Vec<_> = presets().keys().map(String::as_str).collect();
        bail!(
            "there is no preset {}: there are {}",
            options.name.as_deref().unwrap_or_default(),
            known.join(" and ")
        );
    }
    let all = serde_json::json!({"disclaimer": DISCLAIMER, "presets": found});
    let text = match global.output {
        Output::Text => text(&found),
        shown @ (Output::Json | Output::Yaml | Output::Junit) => document(&all, shown)?,
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn text(presets: &[&Preset]) -> String {
    let mut text = format!("These presets are {DISCLAIMER}.\n");
    for preset in presets {
        let Preset {
            name,
            cite,
            title,
            country: _,
            applies_to,
            jurisdictions,
            categories,
            notice_within_hours,
            articles,
        } = preset;
        // Into a String: it cannot fail.
        let _ = writeln!(text, "\n{name}: {cite}, {title}");
        let _ = writeln!(text, "  binds {applies_to}");
        if let Some(list) = jurisdictions {
            let _ = writeln!(text, "  jurisdictions: {}", list.join(", "));
        }
        if !categories.is_empty() {
            let list: Vec<_> = categories.iter().map(|one| one.word()).collect();
            let _ = writeln!(text, "  makes Sensitive what holds: {}", list.join(", "));
        }
        if let Some(hours) = notice_within_hours {
            let _ = writeln!(text, "  notice within: {hours} h");
        }
        for article in articles {
            one(&mut text, article);
        }
    }
    text
}

fn one(text: &mut String, article: &Article) {
    let Article {
        id,
        says,
        term,
        source,
        verified,
        rules,
    } = article;
    let seen = match verified {
        Verified::Text => "its text",
        Verified::Press => "the press or a law firm, not its text",
    };
    let _ = writeln!(text, "  {id}: {says}");
    if let Some(term) = term {
        let _ = writeln!(text, "    \"{term}\"");
    }
    if !rules.is_empty() {
        let list: Vec<_> = rules.iter().map(String::as_str).collect();
        let _ = writeln!(text, "    rules: {}", list.join(", "));
    }
    let _ = writeln!(text, "    read in: {source} ({seen})");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_law_is_shown_with_articles_sources_and_that_it_is_no_advice() {
        let all: Vec<_> = presets().values().collect();
        let text = text(&all);
        assert!(text.starts_with("These presets are not legal advice."));
        for preset in all {
            for article in &preset.articles {
                assert!(text.contains(&article.source) && text.contains(&article.id));
            }
        }
        for word in [
            "notice within: 72 h",
            "jurisdictions: ID",
            "Health, Biometric",
        ] {
            assert!(text.contains(word), "{word} is not in\n{text}");
        }
    }
}
