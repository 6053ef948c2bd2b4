//! G50 and G51: what has no class does not run away, where a policy says so. Nodes away are known by
//! name; a node of no Site is open to it.

use super::super::cel::rule;
use super::super::rule::{Match, Rule, Scope, Tier};
use pinisi_crds::names::CLASS_LABEL;

const WAY_OUT: &str = "label the namespace pinisi.dev/class=MassTraffic if it may run there";

pub(super) fn bind() -> Rule {
    let target = "(has(object.target) && has(object.target.name) ? object.target.name : '')";
    Rule {
        id: "g50-unclassified-bind",
        matches: vec![Match::new(
            "",
            "v1",
            &["pods/binding", "bindings"],
            &["CREATE"],
        )],
        scope: Scope::Unclassified,
        tier: Tier::Terms,
        needs_inventory: true,
        validations: vec![rule(
            "G50",
            format!("!({target} in params.spec.away)"),
            &format!(
                "'namespace ' + namespaceObject.metadata.name + ' has no {CLASS_LABEL} and does not run on ' + {target} + ', a node of Site ' + params.spec.away[{target}] + ': {WAY_OUT}'"
            ),
        )],
    }
}

pub(super) fn pods() -> Rule {
    Rule {
        id: "g51-unclassified-pod",
        matches: vec![Match::new("", "v1", &["pods"], &["CREATE"])],
        scope: Scope::Unclassified,
        tier: Tier::Terms,
        needs_inventory: true,
        validations: vec![rule(
            "G51",
            "!has(object.spec.nodeName) || !(object.spec.nodeName in params.spec.away)",
            &format!(
                "'namespace ' + namespaceObject.metadata.name + ' has no {CLASS_LABEL} and does not run on ' + object.spec.nodeName + ', a node of Site ' + params.spec.away[object.spec.nodeName] + ': {WAY_OUT}'"
            ),
        )],
    }
}
