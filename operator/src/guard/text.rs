//! What a rule looks up, put into its own text. The API server turns a parameter into JSON and back at
//! every look at it, so that an inventory of a thousand nodes costs 8 ms a look; what stands in an
//! expression is compiled once, and a list of constants becomes a set. For what is asked of every pod
//! that counts; all else looks the inventory up. Not here: what the rules say.

use super::cel::{list, quoted};
use super::rule::{Rule, Validation};
use pinisi_crds::SovereignNodesSpec;
use pinisi_crds::sovereign_nodes::Terms;
use std::collections::BTreeMap;

/// Code points that the API server's CEL reads of one expression are 100,000. A larger inventory is
/// looked up.
pub const EXPRESSION_MAX: usize = 95_000;

/// The rule as this inventory has it, or none where that is too long for the API server.
#[must_use]
pub fn inlined(rule: &Rule, inventory: &SovereignNodesSpec) -> Option<Rule> {
    let words = Words::of(inventory);
    let validations: Vec<Validation> = rule
        .validations
        .iter()
        .map(|one| {
            let Validation { id, holds, says } = one;
            Validation {
                id,
                holds: words.put(holds),
                says: with_law(id, &words.put(says), &inventory.terms),
            }
        })
        .collect();
    let fits = |one: &Validation| {
        [&one.holds, &one.says]
            .iter()
            .all(|text| text.chars().count() <= EXPRESSION_MAX)
    };
    validations.iter().all(fits).then(|| Rule {
        validations,
        needs_inventory: false,
        ..rule.clone()
    })
}

/// The refusal names the article of law that a policy rests its rule on.
fn with_law(id: &str, says: &str, terms: &Terms) -> String {
    match terms.law.get(id) {
        None => says.to_owned(),
        Some(law) => format!("({says}) + {}", quoted(&format!(" ({law})"))),
    }
}

/// Each path of the parameter, with what stands there.
pub struct Words(Vec<(String, String)>);

impl Words {
    /// Of one inventory.
    #[must_use]
    pub fn of(inventory: &SovereignNodesSpec) -> Self {
        let SovereignNodesSpec {
            nodes,
            node_selector,
            away,
            terms,
            renewed_at,
            max_age_seconds,
        } = inventory;
        let Terms {
            storage_classes,
            nfs_servers: _,
            snapshot_classes: _,
            backup_locations: _,
            registries,
            schedulers,
            runtime_classes,
            ingress_classes: _,
            gateways: _,
            load_balancer_classes: _,
            route_domains: _,
            cloud_users: _,
            cloud_groups: _,
            law: _,
        } = terms;
        let written = renewed_at.as_ref().map(|at| at.0.to_string());
        let words = [
            // What is only asked for membership is a list: it becomes a set.
            ("nodes", list(nodes.keys().map(String::as_str))),
            ("nodeSelector", map(node_selector)),
            ("away", map(away)),
            (
                "terms.storageClasses",
                list(storage_classes.keys().map(String::as_str)),
            ),
            (
                "terms.registries",
                list(registries.iter().map(String::as_str)),
            ),
            (
                "terms.schedulers",
                list(schedulers.iter().map(String::as_str)),
            ),
            (
                "terms.runtimeClasses",
                list(runtime_classes.iter().map(String::as_str)),
            ),
            ("renewedAt", quoted(written.as_deref().unwrap_or_default())),
            ("maxAgeSeconds", max_age_seconds.to_string()),
        ];
        let mut words: Vec<_> = words
            .into_iter()
            .map(|(path, text)| (format!("params.spec.{path}"), text))
            .collect();
        words.insert(
            0,
            (
                "has(params.spec.renewedAt)".to_owned(),
                written.is_some().to_string(),
            ),
        );
        // A path that begins as another one does stands before it.
        words.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        Self(words)
    }

    /// An expression with them. What was put in is not looked through again: it may hold any words.
    #[must_use]
    pub fn put(&self, expression: &str) -> String {
        let (mut text, mut rest) = (String::new(), expression);
        let first = |rest: &str| {
            let found = self.0.iter().enumerate();
            let found = found.filter_map(|(place, (path, _))| Some((rest.find(path)?, place)));
            // The longer one of two that begin at the same place stands first.
            found.min()
        };
        while let Some((at, place)) = first(rest) {
            let (path, word) = &self.0[place];
            text.push_str(&rest[..at]);
            text.push_str(word);
            rest = &rest[at + path.len()..];
        }
        text + rest
    }
}

fn map(of: &BTreeMap<String, String>) -> String {
    let entries: Vec<_> = of
        .iter()
        .map(|(key, value)| format!("{}: {}", quoted(key), quoted(value)))
        .collect();
    format!("{{{}}}", entries.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::rules;
    use crate::guard::settings::GuardSettings;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use pinisi_crds::sovereign_nodes::NodeIdentity;

    fn inventory(nodes: usize) -> SovereignNodesSpec {
        let node = |at: usize| (format!("worker-{at:05}.example"), NodeIdentity::default());
        let text = |word: &str| word.to_owned();
        SovereignNodesSpec {
            nodes: (0..nodes).map(node).collect(),
            node_selector: [(text("ground"), text("own"))].into(),
            away: [(text("c1"), text("cloud"))].into(),
            terms: Terms {
                registries: vec![text("registry.example")],
                law: [(text("G02"), text("PP 71/2019 Pasal 20"))].into(),
                ..Terms::default()
            },
            renewed_at: Some(Time(jiff::Timestamp::UNIX_EPOCH)),
            max_age_seconds: 60,
        }
    }

    #[test]
    fn no_rule_about_pods_looks_anything_up_any_more() {
        let rules = rules::all(&GuardSettings::default());
        let hot: Vec<_> = rules.iter().filter(|rule| rule.is_hot()).collect();
        assert!(hot.len() > 5);
        for rule in hot.iter().filter(|rule| rule.needs_inventory) {
            let text = inlined(rule, &inventory(2)).unwrap();
            assert!(!text.needs_inventory);
            for one in &text.validations {
                for expression in [&one.holds, &one.says] {
                    assert!(!expression.contains("params"), "{}: {expression}", rule.id);
                }
            }
        }
    }

    #[test]
    fn what_is_put_in_is_what_is_listed_with_its_law() {
        let rules = rules::all(&GuardSettings::default());
        let create = rules
            .iter()
            .find(|rule| rule.id == "g02-pod-create")
            .unwrap();
        let text = inlined(create, &inventory(2)).unwrap();
        let first = &text.validations[0];
        assert!(
            first
                .holds
                .ends_with("in ['worker-00000.example','worker-00001.example']"),
            "{}",
            first.holds
        );
        assert!(
            first.says.ends_with(" + ' (PP 71/2019 Pasal 20)'"),
            "{}",
            first.says
        );
        let age = text.validations.iter().find(|one| one.id == "G60").unwrap();
        assert!(
            age.holds.contains("timestamp('1970-01-01T00:00:00Z')")
                && age.holds.contains("string(60)"),
            "{}",
            age.holds
        );
    }

    #[test]
    fn what_was_put_in_is_not_looked_through_again() {
        let mut inventory = inventory(1);
        inventory.terms.registries = vec!["params.spec.nodes".into()];
        let text = Words::of(&inventory)
            .put("a in params.spec.terms.registries || b in params.spec.nodes");
        assert_eq!(
            text,
            "a in ['params.spec.nodes'] || b in ['worker-00000.example']"
        );
    }

    #[test]
    fn an_inventory_that_is_too_long_to_be_compiled_is_looked_up() {
        let rules = rules::all(&GuardSettings::default());
        let bind = rules.iter().find(|rule| rule.id == "g01-bind").unwrap();
        assert!(inlined(bind, &inventory(4_000)).is_some());
        assert!(inlined(bind, &inventory(5_000)).is_none());
    }
}
