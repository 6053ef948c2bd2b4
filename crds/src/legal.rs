//! Presets of laws for `SovereigntyPolicy.spec.legal`: data with citations in `crds/legal`, read once.
//! They are no legal advice; each article says where it was read, and whether that was its text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// The guard's rule that a category of data makes a service Sensitive.
pub const CATEGORY_RULE: &str = "G57";

/// Said wherever a preset is shown.
pub const DISCLAIMER: &str = "not legal advice";

const FILES: [&str; 2] = [
    include_str!("../legal/id-pp-71-2019.yaml"),
    include_str!("../legal/id-uu-27-2022.yaml"),
];

/// What can be kept of one law.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Preset {
    /// As `spec.legal` names it.
    pub name: String,
    /// How it is cited.
    pub cite: String,
    /// Its title.
    pub title: String,
    /// Whose law it is, as ISO 3166-1 alpha-2.
    pub country: String,
    /// Whom it binds.
    pub applies_to: String,
    /// Jurisdictions that it allows; absent where it names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jurisdictions: Option<Vec<String>>,
    /// Categories of data that it protects more than others: services that hold them belong into
    /// namespaces of the class Sensitive.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub categories: BTreeSet<DataCategory>,
    /// Hours in which notice of a violation must be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_within_hours: Option<i32>,
    /// Its articles, as far as they matter here.
    pub articles: Vec<Article>,
}

/// One article.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Article {
    /// Its number.
    pub id: String,
    /// What it says, in short.
    pub says: String,
    /// The law's own words, where they matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<String>,
    /// Where it was read.
    pub source: String,
    /// Whether that is its text.
    pub verified: Verified,
    /// Rules of the guard and of violations that rest on it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub rules: BTreeSet<String>,
}

/// Categories of personal data of a specific nature.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord,
)]
pub enum DataCategory {
    /// Data and information on health.
    Health,
    /// Biometric data.
    Biometric,
    /// Genetic data.
    Genetic,
    /// Criminal records.
    CriminalRecord,
    /// Data of children.
    Children,
    /// Personal financial data.
    PersonalFinance,
}

impl DataCategory {
    /// As it stands in objects.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Health => "Health",
            Self::Biometric => "Biometric",
            Self::Genetic => "Genetic",
            Self::CriminalRecord => "CriminalRecord",
            Self::Children => "Children",
            Self::PersonalFinance => "PersonalFinance",
        }
    }
}

/// How an article was verified.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Verified {
    /// Its text was read.
    Text,
    /// The press or a law firm told of it.
    Press,
}

static PRESETS: LazyLock<BTreeMap<String, Preset>> = LazyLock::new(|| {
    let read = FILES.iter().filter_map(|file| parse(file).ok());
    read.map(|preset| (preset.name.clone(), preset)).collect()
});

fn parse(file: &str) -> Result<Preset, String> {
    serde_saphyr::from_str(file).map_err(|error| error.to_string())
}

/// Every preset, by name.
#[must_use]
pub fn presets() -> &'static BTreeMap<String, Preset> {
    &PRESETS
}

/// Presets by their names; those that nobody knows are left out.
pub fn named(names: Option<&[String]>) -> impl Iterator<Item = &'static Preset> {
    names
        .unwrap_or_default()
        .iter()
        .filter_map(|name| PRESETS.get(name))
}

impl Preset {
    /// What stands behind a refusal by this rule, for example `PP 71/2019 Pasal 20`.
    #[must_use]
    pub fn citation(&self, rule: &str) -> Option<String> {
        let article = self.articles.iter().find(|a| a.rules.contains(rule))?;
        Some(format!("{} {}", self.cite, article.id))
    }

    /// Categories that make a service Sensitive, each with the article that says so.
    pub fn forced(&self) -> impl Iterator<Item = (DataCategory, String)> {
        let article = self.citation(CATEGORY_RULE);
        let each = move |category: &DataCategory| Some((*category, article.clone()?));
        self.categories.iter().filter_map(each)
    }

    /// Every rule that rests on it.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        self.articles
            .iter()
            .flat_map(|a| &a.rules)
            .map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_preset_and_every_article_says_where_it_was_read() {
        for file in FILES {
            let preset = parse(file).unwrap();
            assert_eq!(preset.country, "ID");
            assert!(presets().contains_key(&preset.name));
            assert!(!preset.articles.is_empty());
            for article in &preset.articles {
                assert!(article.source.starts_with("https://"), "{article:?}");
                assert!(article.id.starts_with("Pasal "), "{article:?}");
            }
            let clock = preset.notice_within_hours.is_some();
            let rules: BTreeSet<_> = preset.rules().collect();
            assert!(
                !clock || rules.contains("V01"),
                "a clock rests on an article"
            );
            assert!(file.starts_with("# Not legal advice."));
        }
        assert_eq!(presets().len(), FILES.len());
    }

    #[test]
    fn a_rule_is_cited_with_its_article() {
        let law = &presets()["id-pp-71-2019"];
        assert_eq!(law.citation("G01").as_deref(), Some("PP 71/2019 Pasal 20"));
        assert_eq!(law.citation("G05"), None);
        let law = &presets()["id-uu-27-2022"];
        let notice = law.citation("V01");
        assert_eq!(notice.as_deref(), Some("UU 27/2022 Pasal 46 ayat (1)"));
        assert_eq!(law.notice_within_hours, Some(72));
        assert_eq!(law.categories.len(), 6);
        for (category, article) in law.forced() {
            assert_eq!(article, "UU 27/2022 Pasal 4 ayat (2)");
            assert_eq!(serde_json::json!(category), category.word());
        }
        assert_eq!(law.forced().count(), 6);
        assert_eq!(presets()["id-pp-71-2019"].forced().count(), 0);
    }
}
