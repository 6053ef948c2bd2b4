//! G05 and G06: the class of a namespace is a word we know, and Sensitive is not taken off by hand.

use super::super::cel::{class_of, rule};
use super::super::rule::{Match, Rule, Scope, Tier, Validation, WRITES};
use pinisi_crds::names::{CLASS_LABEL, CLASS_MASS_TRAFFIC, CLASS_SENSITIVE};

/// Labels can be written through the subresources as well.
fn changed() -> Match {
    Match::new(
        "",
        "v1",
        &["namespaces/status", "namespaces/finalize"],
        &["UPDATE"],
    )
}

fn of_namespaces(id: &'static str, matches: Vec<Match>, validation: Validation) -> Rule {
    Rule {
        id,
        matches,
        scope: Scope::Everywhere,
        tier: Tier::Core,
        needs_inventory: false,
        validations: vec![validation],
    }
}

/// G05: the class is a word we know.
pub(super) fn class() -> Rule {
    let now = class_of("object");
    of_namespaces(
        "g05-namespace",
        vec![Match::new("", "v1", &["namespaces"], WRITES), changed()],
        rule(
            "G05",
            format!("{now} in ['', '{CLASS_SENSITIVE}', '{CLASS_MASS_TRAFFIC}']"),
            &format!(
                "'label {CLASS_LABEL} must be {CLASS_SENSITIVE} or {CLASS_MASS_TRAFFIC}, not ' + {now}"
            ),
        ),
    )
}

/// G06: Sensitive is not taken off, but by the operator, which does so for a Declassification alone.
pub(super) fn stays(operator_user: &str) -> Rule {
    let (now, before) = (class_of("object"), class_of("oldObject"));
    of_namespaces(
        "g06-class-stays",
        vec![
            Match::new("", "v1", &["namespaces"], &["UPDATE"]),
            changed(),
        ],
        rule(
            "G06",
            format!(
                "{before} != '{CLASS_SENSITIVE}' || {now} == '{CLASS_SENSITIVE}' || ({now} == '{CLASS_MASS_TRAFFIC}' && request.userInfo.username == '{operator_user}' && (!has(request.subResource) || request.subResource == ''))"
            ),
            &format!(
                "'namespace ' + object.metadata.name + ' is Sensitive and stays so: label {CLASS_LABEL} cannot be changed or removed. Make another namespace for other services, or have two persons declassify this one: kubectl pinisi declassify --help'"
            ),
        ),
    )
}
