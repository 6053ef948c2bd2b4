use super::*;
use crate::guard::rule::Tier;
use std::collections::BTreeSet;

fn every() -> Vec<Rule> {
    all(&GuardSettings::default())
}

#[test]
fn ids_are_unique_and_a_refusal_starts_with_its_rule() {
    let mut ids = BTreeSet::new();
    for rule in every() {
        assert!(ids.insert(rule.id), "{}", rule.id);
        assert!(
            !rule.validations.is_empty() && !rule.matches.is_empty(),
            "{}",
            rule.id
        );
        for one in &rule.validations {
            assert!(
                one.says.starts_with(&format!("'pinisi {}: '", one.id)),
                "{}",
                one.says
            );
        }
        let first = rule.id.split('-').next().unwrap().to_uppercase();
        assert_eq!(rule.validations[0].id, first, "{}", rule.id);
    }
}

#[test]
fn what_looks_up_the_inventory_says_so_and_nothing_else_does() {
    for rule in every() {
        let looks = rule
            .validations
            .iter()
            .any(|one| one.holds.contains("params.") || one.says.contains("params."));
        assert_eq!(rule.needs_inventory, looks, "{}", rule.id);
    }
}

#[test]
fn pods_are_kept_to_their_nodes_whatever_a_roll_out_says() {
    for rule in every().iter().filter(|rule| rule.tier == Tier::Terms) {
        for id in rule.validations.iter().map(|one| one.id) {
            assert!(
                !["G01", "G02", "G03", "G04"].contains(&id),
                "{id} is not for roll-out"
            );
        }
    }
}

#[test]
fn an_expression_asks_the_authorizer_at_most_twice() {
    for rule in every() {
        for one in &rule.validations {
            assert!(one.holds.matches("authorizer.").count() <= 2, "{}", rule.id);
        }
    }
}
