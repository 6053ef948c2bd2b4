//! G07 to G10, G53, G57 and G58: Pinisi's own kinds, and what the operator itself may write.

use super::super::cel::{class_of, quoted, rule};
use super::super::rule::{Match, Rule, Scope, Tier, WRITES};
use crate::act::remote::carry::CARRY_MAX;
use pinisi_crds::legal::{CATEGORY_RULE, DataCategory};
use pinisi_crds::names::{CLASS_LABEL, CLASS_SENSITIVE, MANAGED_BY, MANAGED_BY_LABEL, SITE_LABEL};
use std::collections::BTreeMap;

const GROUP: &str = "pinisi.dev";
const VERSION: &str = "v1alpha1";

/// G07: a workload says the class of its namespace.
pub(super) fn workload() -> Rule {
    let class = class_of("namespaceObject");
    Rule {
        id: "g07-workload",
        matches: vec![Match::new(GROUP, VERSION, &["hybridworkloads"], WRITES)],
        scope: Scope::Everywhere,
        tier: Tier::Core,
        needs_inventory: false,
        validations: vec![rule(
            "G07",
            // A workload under deletion must stay writable, or its finalizer could never go.
            format!("has(object.metadata.deletionTimestamp) || object.spec.class == {class}"),
            &format!(
                "'spec.class is ' + object.spec.class + ', but namespace ' + namespaceObject.metadata.name + ' says ' + ({class} == '' ? 'no class' : {class}) + ': a namespace holds one class. Set label {CLASS_LABEL} on the namespace, or move the workload.'"
            ),
        )],
    }
}

/// G08: only the operator writes the inventory.
pub(super) fn inventory(operator_user: &str) -> Rule {
    Rule {
        id: "g08-inventory",
        matches: vec![Match::new(
            GROUP,
            VERSION,
            &["sovereignnodes"],
            &["CREATE", "UPDATE", "DELETE"],
        )],
        scope: Scope::Everywhere,
        tier: Tier::Core,
        needs_inventory: false,
        validations: vec![rule(
            "G08",
            format!("request.userInfo.username == '{operator_user}'"),
            "'SovereignNodes is written by the operator alone, not by ' + request.userInfo.username + ': change a Site or a SovereigntyPolicy instead.'",
        )],
    }
}

/// G09: the operator itself writes only Deployments that it made, though its role cannot say so.
pub(super) fn siblings(operator_user: &str) -> Rule {
    let ours = |object: &str| {
        format!(
            "(has({object}.metadata.labels) && '{MANAGED_BY_LABEL}' in {object}.metadata.labels && {object}.metadata.labels['{MANAGED_BY_LABEL}'] == '{MANAGED_BY}' && '{SITE_LABEL}' in {object}.metadata.labels)"
        )
    };
    Rule {
        id: "g09-siblings",
        matches: vec![Match::new(
            "apps",
            "v1",
            &["deployments"],
            &["CREATE", "UPDATE", "DELETE"],
        )],
        scope: Scope::Everywhere,
        tier: Tier::Core,
        needs_inventory: false,
        validations: vec![rule(
            "G09",
            format!(
                "request.userInfo.username != '{operator_user}' || ((request.operation == 'DELETE' || {}) && (request.operation == 'CREATE' || {}))",
                ours("object"),
                ours("oldObject")
            ),
            &format!(
                "'the operator writes only Deployments that it made, labelled {MANAGED_BY_LABEL}={MANAGED_BY} and {SITE_LABEL}, not ' + request.name"
            ),
        )],
    }
}

/// G10: who makes a Secret travel must be able to read it himself. One validation a place in the
/// list: an expression may ask the authorizer no more than twice.
pub(super) fn carry() -> Rule {
    let one = |at: usize| {
        let entry = format!("object.spec.carry[{at}]");
        rule(
            "G10",
            format!(
                "!has(object.spec.carry) || object.spec.carry.size() <= {at} || {entry}.kind != 'Secret' \
                 || (request.operation == 'UPDATE' && has(oldObject.spec.carry) && oldObject.spec.carry.exists(c, c.kind == 'Secret' && c.name == {entry}.name)) \
                 || authorizer.group('').resource('secrets').namespace(request.namespace).name({entry}.name).check('get').allowed()"
            ),
            &format!(
                "'spec.carry[{at}] makes Secret ' + {entry}.name + ' travel to other clusters, but ' + request.userInfo.username + ' may not get that Secret in namespace ' + request.namespace + ': ask whoever may, or take it out of spec.carry.'"
            ),
        )
    };
    Rule {
        id: "g10-carry",
        matches: vec![Match::new(GROUP, VERSION, &["hybridworkloads"], WRITES)],
        scope: Scope::Everywhere,
        tier: Tier::Core,
        needs_inventory: false,
        validations: (0..CARRY_MAX).map(one).collect(),
    }
}

/// G57: what holds data that a law protects more than others is Sensitive. The categories stand in its
/// text, so that a missing inventory keeps no finalizer from going.
pub(super) fn categories(forced: &BTreeMap<DataCategory, String>) -> Rule {
    let entry = |(category, article): (&DataCategory, &String)| {
        format!("{}: {}", quoted(category.word()), quoted(article))
    };
    let laws: Vec<String> = forced.iter().map(entry).collect();
    let laws = format!("{{{}}}", laws.join(", "));
    Rule {
        id: "g57-data-categories",
        matches: vec![Match::new(GROUP, VERSION, &["hybridworkloads"], WRITES)],
        scope: Scope::Everywhere,
        tier: Tier::Core,
        needs_inventory: false,
        validations: vec![rule(
            CATEGORY_RULE,
            format!(
                "has(object.metadata.deletionTimestamp) || object.spec.class == '{CLASS_SENSITIVE}' || !has(object.spec.dataCategories) || !object.spec.dataCategories.exists(c, c in {laws})"
            ),
            &format!(
                "'spec.dataCategories has ' + object.spec.dataCategories.filter(c, c in {laws}).map(c, c + ' (' + {laws}[c] + ')').join(', ') + ', and what holds these is {CLASS_SENSITIVE}, not ' + object.spec.class + ': make it {CLASS_SENSITIVE}, in a namespace of that class. See kubectl pinisi guard laws.'"
            ),
        )],
    }
}

/// G53: nodes are attested by whoever has that right, not by whoever may write Sites.
pub(super) fn attested() -> Rule {
    let list =
        |object: &str| format!("(has({object}.spec.attested) ? {object}.spec.attested : {{}})");
    Rule {
        id: "g53-attested",
        matches: vec![Match::new(GROUP, VERSION, &["sites"], WRITES)],
        scope: Scope::Everywhere,
        tier: Tier::Core,
        needs_inventory: false,
        validations: vec![rule(
            "G53",
            format!(
                "(request.operation == 'CREATE' ? !has(object.spec.attested) : {} == {}) || {MAY_ATTEST}",
                list("object"),
                list("oldObject")
            ),
            "'spec.attested says on which machines Sensitive pods may run, and ' + request.userInfo.username + ' may not say so: it takes the verb attest on sites of pinisi.dev.'",
        )],
    }
}

/// G58: evidence is written by the operator alone. Apart from [`violations_closed`], so that each rule
/// speaks of no write but its own.
pub(super) fn violations(operator_user: &str) -> Rule {
    let of = |resources, operations| Match::new(GROUP, VERSION, resources, operations);
    violation_rule(
        "g58-violations",
        vec![
            of(&["sovereigntyviolations"], &["CREATE", "UPDATE"]),
            of(&["sovereigntyviolations/status"], &["UPDATE"]),
        ],
        format!("request.userInfo.username == '{operator_user}'"),
        "'a SovereigntyViolation is evidence, which the operator alone writes, not ' + request.userInfo.username + ': end what it is about, and close it by deleting it.'",
    )
}

/// G58: evidence is taken away by whoever may close it.
pub(super) fn violations_closed() -> Rule {
    let resources = &["sovereigntyviolations"];
    violation_rule(
        "g58-violations-closed",
        vec![Match::new(GROUP, VERSION, resources, &["DELETE"])],
        format!(
            "authorizer.group('{GROUP}').resource('sovereigntyviolations').check('close').allowed()"
        ),
        "'a SovereigntyViolation is evidence, and ' + request.userInfo.username + ' may not take it away: it takes the verb close on sovereigntyviolations of pinisi.dev.'",
    )
}

fn violation_rule(id: &'static str, matches: Vec<Match>, holds: String, says: &str) -> Rule {
    Rule {
        id,
        matches,
        scope: Scope::Everywhere,
        tier: Tier::Core,
        needs_inventory: false,
        validations: vec![rule("G58", holds, says)],
    }
}

/// True in CEL for whoever may attest nodes.
pub(super) const MAY_ATTEST: &str =
    "authorizer.group('pinisi.dev').resource('sites').check('attest').allowed()";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_in_a_carry_list_is_judged_by_one_question_to_the_authorizer() {
        let rule = carry();
        assert_eq!(rule.validations.len(), CARRY_MAX);
        for (at, validation) in rule.validations.iter().enumerate() {
            assert_eq!(validation.holds.matches("authorizer").count(), 1);
            assert!(
                validation
                    .holds
                    .contains(&format!("object.spec.carry[{at}]"))
            );
        }
    }
}
