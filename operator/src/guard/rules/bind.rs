//! G01 and G60: both bind endpoints. They carry no pod: only node names can be compared, hence one class
//! a namespace.

use super::super::cel::rule;
use super::super::rule::{Match, Rule, Scope, Tier, Validation};
use pinisi_crds::names::INVENTORY_MAX_AGE_ANNOTATION;

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
        validations: vec![
            rule(
                "G01",
                format!("{target} in params.spec.nodes"),
                &format!(
                    "'pods of namespace ' + namespaceObject.metadata.name + ' cannot be bound to ' + {target} + ', which is not a sovereign node. {WAY_OUT}'"
                ),
            ),
            renewed("false"),
        ],
    }
}

/// G60: the inventory is not out of date, unless `unbound`.
///
/// CEL has no clock, and a bind request no time of its own: but the API server writes down in
/// `managedFields` who sends it, with the time by its own clock, before it asks the guard. Whatever
/// entries the sender brings stand beside that one, and all are looked at: a time that is made up can
/// only make the inventory look older.
pub(super) fn renewed(unbound: &str) -> Validation {
    let written = "params.spec.renewedAt";
    let notes = "namespaceObject.metadata.annotations";
    let narrower = format!("has({notes}) && '{INVENTORY_MAX_AGE_ANNOTATION}' in {notes}");
    let own = format!("{notes}['{INVENTORY_MAX_AGE_ANNOTATION}']");
    let age = format!("timestamp(m.time) - timestamp({written})");
    let fields = "object.metadata.managedFields";
    rule(
        "G60",
        format!(
            "{unbound} || (has({written}) && has({fields}) && {fields}.size() > 0 && {fields}.all(m, has(m.time) \
             && {age} < duration(string(params.spec.maxAgeSeconds) + 's') \
             && (!({narrower}) || {age} < duration({own} + 's'))))"
        ),
        &format!(
            "'nothing is bound in namespace ' + namespaceObject.metadata.name + ' by an inventory that is out of date: the operator renewed it last at ' + (has({written}) ? string({written}) : 'no time') + ', and it counts for ' + ({narrower} ? {own} : string(params.spec.maxAgeSeconds)) + ' seconds. See whether the operator leads: kubectl pinisi check'"
        ),
    )
}
