//! G01: both bind endpoints. They carry no pod: only node names can be compared, hence one class a
//! namespace.

use super::super::cel::rule;
use super::super::rule::{Match, Rule, Scope, Tier};

/// Where else Sensitive pods can go.
pub(super) const WAY_OUT: &str =
    "Sensitive pods run only on attested nodes of OnPrem Sites: see kubectl get sites";

pub(super) fn bind() -> Rule {
    let target = "(has(object.target) && has(object.target.name) ? object.target.name : '')";
    Rule {
        id: "g01-bind",
        matches: vec![Match::new(
            "",
            "v1",
            &["pods/binding", "bindings"],
            &["CREATE"],
        )],
        scope: Scope::Sensitive,
        tier: Tier::Core,
        needs_inventory: true,
        validations: vec![rule(
            "G01",
            format!("{target} in params.spec.nodes"),
            &format!(
                "'pods of namespace ' + namespaceObject.metadata.name + ' cannot be bound to ' + {target} + ', which is not a sovereign node. {WAY_OUT}'"
            ),
        )],
    }
}
