//! The guard's rules: for each, what it looks at, what must hold, and the words of a refusal.
//! CEL only; the parameter `params` is the one `SovereignNodes`.

use crate::act::remote::carry::CARRY_MAX;
use pinisi_crds::names::{
    CLASS_LABEL, CLASS_MASS_TRAFFIC, CLASS_SENSITIVE, MANAGED_BY, MANAGED_BY_LABEL, SITE_LABEL,
};

/// Namespaces whose pods a rule guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Namespaces labelled Sensitive.
    SensitiveNamespaces,
    /// Every object of the resource.
    Everywhere,
}

/// One admission policy with its validations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Short id, stable: it stands in refusals, in object names and in test reports.
    pub id: &'static str,
    /// API group, resources and operations.
    pub group: &'static str,
    /// API version in that group.
    pub version: &'static str,
    /// Resources, subresources included.
    pub resources: &'static [&'static str],
    /// CREATE, UPDATE.
    pub operations: &'static [&'static str],
    /// Whose objects.
    pub scope: Scope,
    /// Whether it looks up `SovereignNodes`; refused where that object is missing.
    pub needs_inventory: bool,
    /// CEL expression that must be true, and CEL expression of the refusal's words.
    pub validations: Vec<(String, String)>,
}

/// Every rule, in the order of their ids.
#[must_use]
pub fn all(operator_user: &str) -> Vec<Rule> {
    vec![
        bind(),
        pod_create(),
        pod_update(),
        namespace(),
        workload(),
        inventory(operator_user),
        siblings(operator_user),
        carry(),
    ]
}

const WAY_OUT: &str = "Sensitive pods run only on nodes of OnPrem Sites: see kubectl get sites";

/// G01: both bind endpoints, which carry no pod: only node names can be compared.
fn bind() -> Rule {
    Rule {
        id: "g01-bind",
        group: "",
        version: "v1",
        resources: &["pods/binding", "bindings"],
        operations: &["CREATE"],
        scope: Scope::SensitiveNamespaces,
        needs_inventory: true,
        validations: vec![(
            "has(object.target) && has(object.target.name) && object.target.name in params.spec.nodes".into(),
            refusal("G01", "'pods of namespace ' + namespaceObject.metadata.name + ' cannot be bound to ' + (has(object.target) && has(object.target.name) ? object.target.name : 'nothing') + ', which is not a sovereign node. '"),
        )],
    }
}

/// G02: pods as created: no way around the scheduler, the stamp is on, no cloud taint tolerated.
fn pod_create() -> Rule {
    Rule {
        id: "g02-pod-create",
        group: "",
        version: "v1",
        resources: &["pods"],
        operations: &["CREATE"],
        scope: Scope::SensitiveNamespaces,
        needs_inventory: true,
        validations: vec![
            (
                "!has(object.spec.nodeName) || object.spec.nodeName == '' || object.spec.nodeName in params.spec.nodes".into(),
                refusal("G02", "'spec.nodeName ' + object.spec.nodeName + ' is not a sovereign node: leave spec.nodeName out. '"),
            ),
            (
                "params.spec.nodeSelector.all(k, has(object.spec.nodeSelector) && k in object.spec.nodeSelector && object.spec.nodeSelector[k] == params.spec.nodeSelector[k])".into(),
                refusal("G03", "'spec.nodeSelector must carry ' + params.spec.nodeSelector.map(k, k + '=' + params.spec.nodeSelector[k]).join(', ') + ': add it to the pod template. '"),
            ),
            (tolerations_lawful("object.spec"), tolerations_refusal()),
        ],
    }
}

/// G04 on UPDATE: tolerations may be added to a running pod, so they are looked at again.
fn pod_update() -> Rule {
    Rule {
        id: "g04-pod-update",
        group: "",
        version: "v1",
        resources: &["pods"],
        operations: &["UPDATE"],
        scope: Scope::SensitiveNamespaces,
        needs_inventory: false,
        validations: vec![(
            // Pods from before the guard stay writable: only a change of tolerations is judged.
            format!(
                "(has(object.spec.tolerations) && has(oldObject.spec.tolerations) && object.spec.tolerations == oldObject.spec.tolerations) || {}",
                tolerations_lawful("object.spec")
            ),
            tolerations_refusal(),
        )],
    }
}

/// G05: the class of a namespace is a word we know, and Sensitive is not taken off.
fn namespace() -> Rule {
    let label = |object: &str| {
        format!(
            "(has({object}.metadata.labels) && '{CLASS_LABEL}' in {object}.metadata.labels ? {object}.metadata.labels['{CLASS_LABEL}'] : '')"
        )
    };
    Rule {
        id: "g05-namespace",
        group: "",
        version: "v1",
        // Labels can be written through the subresources as well.
        resources: &["namespaces", "namespaces/status", "namespaces/finalize"],
        operations: &["CREATE", "UPDATE"],
        scope: Scope::Everywhere,
        needs_inventory: false,
        validations: vec![
            (
                format!(
                    "{} in ['', '{CLASS_SENSITIVE}', '{CLASS_MASS_TRAFFIC}']",
                    label("object")
                ),
                format!(
                    "'pinisi G05: label {CLASS_LABEL} must be {CLASS_SENSITIVE} or {CLASS_MASS_TRAFFIC}, not ' + {}",
                    label("object")
                ),
            ),
            (
                format!(
                    "request.operation == 'CREATE' || {} != '{CLASS_SENSITIVE}' || {} == '{CLASS_SENSITIVE}'",
                    label("oldObject"),
                    label("object")
                ),
                format!(
                    "'pinisi G06: namespace ' + object.metadata.name + ' is Sensitive and stays so: label {CLASS_LABEL} cannot be changed or removed. Make another namespace for other services.'"
                ),
            ),
        ],
    }
}

/// G07: a workload says the class of its namespace.
fn workload() -> Rule {
    let class = format!(
        "(has(namespaceObject.metadata.labels) && '{CLASS_LABEL}' in namespaceObject.metadata.labels ? namespaceObject.metadata.labels['{CLASS_LABEL}'] : '')"
    );
    Rule {
        id: "g07-workload",
        group: "pinisi.dev",
        version: "v1alpha1",
        resources: &["hybridworkloads"],
        operations: &["CREATE", "UPDATE"],
        scope: Scope::Everywhere,
        needs_inventory: false,
        validations: vec![(
            // A workload under deletion must stay writable, or its finalizer could never go.
            format!("has(object.metadata.deletionTimestamp) || object.spec.class == {class}"),
            format!(
                "'pinisi G07: spec.class is ' + object.spec.class + ', but namespace ' + namespaceObject.metadata.name + ' says ' + ({class} == '' ? 'no class' : {class}) + ': a namespace holds one class. Set label {CLASS_LABEL} on the namespace, or move the workload.'"
            ),
        )],
    }
}

/// G08: only the operator writes the inventory.
fn inventory(operator_user: &str) -> Rule {
    Rule {
        id: "g08-inventory",
        group: "pinisi.dev",
        version: "v1alpha1",
        resources: &["sovereignnodes"],
        operations: &["CREATE", "UPDATE"],
        scope: Scope::Everywhere,
        needs_inventory: false,
        validations: vec![(
            format!("request.userInfo.username == '{operator_user}'"),
            "'pinisi G08: SovereignNodes is written by the operator alone, not by ' + request.userInfo.username + ': change a Site instead.'".into(),
        )],
    }
}

/// G09: the operator itself writes only Deployments that it made, though its role cannot say so.
fn siblings(operator_user: &str) -> Rule {
    let ours = |object: &str| {
        format!(
            "(has({object}.metadata.labels) && '{MANAGED_BY_LABEL}' in {object}.metadata.labels && {object}.metadata.labels['{MANAGED_BY_LABEL}'] == '{MANAGED_BY}' && '{SITE_LABEL}' in {object}.metadata.labels)"
        )
    };
    Rule {
        id: "g09-siblings",
        group: "apps",
        version: "v1",
        resources: &["deployments"],
        operations: &["CREATE", "UPDATE", "DELETE"],
        scope: Scope::Everywhere,
        needs_inventory: false,
        validations: vec![(
            format!(
                "request.userInfo.username != '{operator_user}' || ((request.operation == 'DELETE' || {}) && (request.operation == 'CREATE' || {}))",
                ours("object"),
                ours("oldObject")
            ),
            format!(
                "'pinisi G09: the operator writes only Deployments that it made, labelled {MANAGED_BY_LABEL}={MANAGED_BY} and {SITE_LABEL}, not ' + request.name"
            ),
        )],
    }
}

/// G10: who makes a Secret travel must be able to read it himself. One validation a place in the
/// list: an expression may ask the authorizer no more than twice.
fn carry() -> Rule {
    let one = |at: usize| {
        let entry = format!("object.spec.carry[{at}]");
        (
            format!(
                "!has(object.spec.carry) || object.spec.carry.size() <= {at} || {entry}.kind != 'Secret' \
                 || (request.operation == 'UPDATE' && has(oldObject.spec.carry) && oldObject.spec.carry.exists(c, c.kind == 'Secret' && c.name == {entry}.name)) \
                 || authorizer.group('').resource('secrets').namespace(request.namespace).name({entry}.name).check('get').allowed()"
            ),
            format!(
                "'pinisi G10: spec.carry[{at}] makes Secret ' + {entry}.name + ' travel to other clusters, but ' + request.userInfo.username + ' may not get that Secret in namespace ' + request.namespace + ': ask whoever may, or take it out of spec.carry.'"
            ),
        )
    };
    Rule {
        id: "g10-carry",
        group: "pinisi.dev",
        version: "v1alpha1",
        resources: &["hybridworkloads"],
        operations: &["CREATE", "UPDATE"],
        scope: Scope::Everywhere,
        needs_inventory: false,
        validations: (0..CARRY_MAX).map(one).collect(),
    }
}

fn refusal(id: &str, words: &str) -> String {
    format!("'pinisi {id}: ' + {words} + '{WAY_OUT}'")
}

/// No toleration of the site taint, by name or by wildcard.
fn tolerations_lawful(spec: &str) -> String {
    format!(
        "!has({spec}.tolerations) || {spec}.tolerations.all(t, has(t.key) && t.key != '' && t.key != '{SITE_LABEL}')"
    )
}

fn tolerations_refusal() -> String {
    refusal(
        "G04",
        &format!(
            "'spec.tolerations must not tolerate {SITE_LABEL} or every taint (an empty key): name the taints you mean. '"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_in_a_carry_list_is_judged_by_one_question_to_the_authorizer() {
        let rule = carry();
        assert_eq!(rule.validations.len(), CARRY_MAX);
        for (at, (expression, message)) in rule.validations.iter().enumerate() {
            assert_eq!(expression.matches("authorizer").count(), 1);
            assert!(expression.contains(&format!("object.spec.carry[{at}]")));
            assert!(message.starts_with("'pinisi G10: "));
        }
    }
}
