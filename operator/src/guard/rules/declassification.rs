//! G54 to G56 and G59: who asks that a namespace be declassified, who approves it, and that the
//! operator alone does the rest and nothing beside it. All of it by `request.userInfo`: whoever may
//! impersonate a user is that user here.

use super::super::cel::{class_of, rule};
use super::super::rule::{Match, Rule, Scope, Tier, Validation};
use pinisi_crds::declassification::{NOT_A_PERSON, OPERATORS_FIELDS};
use pinisi_crds::names::{
    CLASS_LABEL, CLASS_MASS_TRAFFIC, CLASS_SENSITIVE, DECLASSIFIED_ANNOTATION,
};

const USER: &str = "request.userInfo.username";

fn of(id: &'static str, matched: Match, validations: Vec<Validation>) -> Rule {
    Rule {
        id,
        matches: vec![matched],
        scope: Scope::Everywhere,
        tier: Tier::Core,
        needs_inventory: false,
        validations,
    }
}

/// The status alone: the server keeps it through writes of the whole object, and drops it from new ones.
fn of_status(id: &'static str, validations: Vec<Validation>) -> Rule {
    let resources = &["declassifications/status"];
    let matched = Match::new("pinisi.dev", "v1alpha1", resources, &["UPDATE"]);
    of(id, matched, validations)
}

fn person() -> String {
    format!("!{USER}.startsWith('{NOT_A_PERSON}')")
}

/// G54: a person asks, in his own name.
pub(super) fn request() -> Rule {
    let resources = &["declassifications"];
    of(
        "g54-request",
        Match::new("pinisi.dev", "v1alpha1", resources, &["CREATE"]),
        vec![
            rule(
                "G54",
                format!("object.spec.requestedBy == {USER}"),
                &format!(
                    "'spec.requestedBy says ' + object.spec.requestedBy + ', but ' + {USER} + ' asks: everybody asks in his own name'"
                ),
            ),
            rule(
                "G54",
                person(),
                &format!("{USER} + ' is no person: a declassification is asked for by one'"),
            ),
        ],
    )
}

/// G55: another person approves, in his own name, with the right to, and once.
pub(super) fn approval() -> Rule {
    let by = |object: &str| {
        format!(
            "(has({object}.status) && has({object}.status.approval) ? {object}.status.approval.approvedBy : '')"
        )
    };
    let (now, before) = (by("object"), by("oldObject"));
    let old = format!("({before} != '' || {now} == '')");
    of_status(
        "g55-approval",
        vec![
            rule(
                "G55",
                format!("{old} || {now} == {USER}"),
                &format!(
                    "'status.approval.approvedBy says ' + {now} + ', but ' + {USER} + ' approves: everybody approves in his own name'"
                ),
            ),
            rule(
                "G55",
                format!("{old} || object.spec.requestedBy != {USER}"),
                &format!(
                    "{USER} + ' asked for this and cannot approve it too: it takes two persons'"
                ),
            ),
            rule(
                "G55",
                format!("{old} || {}", person()),
                &format!("{USER} + ' is no person: a declassification is approved by one'"),
            ),
            rule(
                "G55",
                format!("{old} || {MAY_APPROVE}"),
                &format!(
                    "{USER} + ' may not approve this: it takes the verb approve on declassifications of pinisi.dev in namespace ' + request.namespace"
                ),
            ),
            rule(
                "G55",
                format!("{before} == '' || {now} == {before}"),
                &format!(
                    "'the approval by ' + {before} + ' is not changed or taken off: delete the Declassification to take it back'"
                ),
            ),
        ],
    )
}

/// True in CEL for whoever may approve this one.
const MAY_APPROVE: &str = "authorizer.group('pinisi.dev').resource('declassifications').namespace(request.namespace).name(object.metadata.name).check('approve').allowed()";

/// G56: whatever else the status says is the operator's.
pub(super) fn rest(operator_user: &str) -> Rule {
    let same = OPERATORS_FIELDS.map(|field| {
        let of = |object: &str| {
            let value = format!("{object}.status.{field}");
            // A list that nobody wrote yet is an empty one as soon as there is a status: its schema's default.
            let given = match field {
                "conditions" => value.clone(),
                _ => format!("[{value}]"),
            };
            format!("(has({object}.status) && has({value}) ? {given} : [])")
        };
        format!("{} == {}", of("object"), of("oldObject"))
    });
    of_status(
        "g56-declassification-status",
        vec![rule(
            "G56",
            format!("{USER} == '{operator_user}' || ({})", same.join(" && ")),
            &format!(
                "'in the status of a Declassification ' + {USER} + ' may write status.approval alone: the operator writes the rest'"
            ),
        )],
    )
}

/// G59: of a namespace the operator writes the class alone, from Sensitive to MassTraffic, and what
/// that was for; though its role cannot say so.
pub(super) fn class_alone(operator_user: &str) -> Rule {
    let field = |object: &str, name: &str, empty: &str| {
        format!("(has({object}.metadata.{name}) ? {object}.metadata.{name} : {empty})")
    };
    let same = |name: &str| {
        let (now, before) = (field("object", name, "[]"), field("oldObject", name, "[]"));
        format!("{now} == {before}")
    };
    let but = |name: &str, key: &str| {
        let (now, before) = (field("object", name, "{}"), field("oldObject", name, "{}"));
        format!(
            "{now}.all(k, k == '{key}' || (k in {before} && {before}[k] == {now}[k])) && {before}.all(k, k == '{key}' || k in {now})"
        )
    };
    of(
        "g59-operator-namespaces",
        Match::new("", "v1", &["namespaces"], &["UPDATE"]),
        vec![rule(
            "G59",
            format!(
                "{USER} != '{operator_user}' || ({} == '{CLASS_SENSITIVE}' && {} == '{CLASS_MASS_TRAFFIC}' && {} && {} && {} && {})",
                class_of("oldObject"),
                class_of("object"),
                but("labels", CLASS_LABEL),
                but("annotations", DECLASSIFIED_ANNOTATION),
                same("finalizers"),
                same("ownerReferences"),
            ),
            &format!(
                "'the operator writes of a namespace only label {CLASS_LABEL} from {CLASS_SENSITIVE} to {CLASS_MASS_TRAFFIC}, not what it tried in ' + object.metadata.name"
            ),
        )],
    )
}
