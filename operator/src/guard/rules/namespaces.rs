//! G05 and G06: the class of a namespace is a word we know, and Sensitive is not taken off.

use super::super::cel::{class_of, rule};
use super::super::rule::{Match, Rule, Scope, Tier, WRITES};
use pinisi_crds::names::{CLASS_LABEL, CLASS_MASS_TRAFFIC, CLASS_SENSITIVE};

pub(super) fn class() -> Rule {
    let (now, before) = (class_of("object"), class_of("oldObject"));
    Rule {
        id: "g05-namespace",
        matches: vec![
            Match::new("", "v1", &["namespaces"], WRITES),
            // Labels can be written through the subresources as well.
            Match::new(
                "",
                "v1",
                &["namespaces/status", "namespaces/finalize"],
                &["UPDATE"],
            ),
        ],
        scope: Scope::Everywhere,
        tier: Tier::Core,
        needs_inventory: false,
        validations: vec![
            rule(
                "G05",
                format!("{now} in ['', '{CLASS_SENSITIVE}', '{CLASS_MASS_TRAFFIC}']"),
                &format!(
                    "'label {CLASS_LABEL} must be {CLASS_SENSITIVE} or {CLASS_MASS_TRAFFIC}, not ' + {now}"
                ),
            ),
            rule(
                "G06",
                format!(
                    "request.operation == 'CREATE' || {before} != '{CLASS_SENSITIVE}' || {now} == '{CLASS_SENSITIVE}'"
                ),
                &format!(
                    "'namespace ' + object.metadata.name + ' is Sensitive and stays so: label {CLASS_LABEL} cannot be changed or removed. Make another namespace for other services.'"
                ),
            ),
        ],
    }
}
