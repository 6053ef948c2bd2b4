//! G18: rights in a Sensitive namespace are not given to what runs elsewhere. A RoleBinding to a
//! service account of another namespace would carry its Secrets wherever that runs.

use super::super::cel::{list, rule};
use super::super::rule::{Match, Rule, Scope, Tier, WRITES};
use super::super::settings::GuardSettings;

/// Groups that hold everybody, or every service account, or every node.
const EVERYBODY: [&str; 5] = [
    "system:anonymous",
    "system:authenticated",
    "system:nodes",
    "system:serviceaccounts",
    "system:unauthenticated",
];

pub(super) fn role_bindings(settings: &GuardSettings) -> Rule {
    let exempt = list(settings.exempt());
    let everybody = list(EVERYBODY);
    // `exempt` namespaces run the cluster's own parts, this operator among them.
    let near =
        |namespace: &str| format!("({namespace} == request.namespace || {namespace} in {exempt})");
    let account = format!("has(s.namespace) && {}", near("s.namespace"));
    let group = format!(
        "!(s.name in {everybody}) && !(s.name in params.spec.terms.cloudGroups) && (!s.name.startsWith('system:serviceaccounts:') || {})",
        near("s.name.substring(23)")
    );
    let user = format!(
        "!(s.name in {everybody}) && !(s.name in params.spec.terms.cloudUsers) && !s.name.startsWith('system:node:') && (!s.name.startsWith('system:serviceaccount:') || {})",
        near("s.name.split(':')[2]")
    );
    let lawful = format!(
        "(s.kind == 'ServiceAccount' ? ({account}) : (s.kind == 'Group' ? ({group}) : ({user})))"
    );
    Rule {
        id: "g18-rolebindings",
        matches: vec![Match::new(
            "rbac.authorization.k8s.io",
            "v1",
            &["rolebindings"],
            WRITES,
        )],
        scope: Scope::Sensitive,
        tier: Tier::Terms,
        needs_inventory: true,
        validations: vec![rule(
            "G18",
            format!("!has(object.subjects) || object.subjects.all(s, {lawful})"),
            &format!(
                "'RoleBinding ' + object.metadata.name + ' gives rights in a Sensitive namespace to ' + object.subjects.filter(s, !{lawful}).map(s, s.kind + ' ' + (has(s.namespace) ? s.namespace + '/' : '') + s.name).join(', ') + ', which may act from elsewhere: name people, or service accounts of this namespace'"
            ),
        )],
    }
}
