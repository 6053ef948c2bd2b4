//! G02 to G04, G11 to G15, G19 and G60: a pod as it is made and changed. Its node, its stamp, its
//! tolerations; its scheduler, runtime, network, volumes and images.

use super::super::cel::{OLD_STORAGE_CLASS, or_empty, rule};
use super::super::rule::{Match, Rule, Scope, Tier, Validation};
use super::super::stamp::STAMPED;
use super::bind::{WAY_OUT, renewed};
use pinisi_crds::names::SITE_LABEL;

/// Kinds of volumes that hold nothing of their own or are judged as claims.
const VOLUMES: [&str; 7] = [
    "configMap",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// G02 to G04: no way around the scheduler, the stamp is on, no cloud taint tolerated.
pub(super) fn create() -> Rule {
    Rule {
        id: "g02-pod-create",
        matches: vec![Match::new("", "v1", &["pods"], &["CREATE"])],
        scope: Scope::Sensitive,
        tier: Tier::Core,
        needs_inventory: true,
        validations: vec![
            rule(
                "G02",
                "!has(object.spec.nodeName) || object.spec.nodeName == '' || object.spec.nodeName in params.spec.nodes",
                &format!(
                    "'spec.nodeName ' + object.spec.nodeName + ' is not a sovereign node: leave spec.nodeName out. {WAY_OUT}'"
                ),
            ),
            rule(
                "G03",
                STAMPED,
                &format!(
                    "'spec.nodeSelector must carry ' + params.spec.nodeSelector.map(k, k + '=' + params.spec.nodeSelector[k]).join(', ') + ': add it to the pod template. {WAY_OUT}'"
                ),
            ),
            tolerations_of(tolerations_lawful()),
            // Who names the node binds it.
            renewed("!has(object.spec.nodeName) || object.spec.nodeName == ''"),
        ],
    }
}

/// G04 on UPDATE: tolerations may be added to a running pod, so they are looked at again.
pub(super) fn tolerations() -> Rule {
    Rule {
        id: "g04-pod-update",
        matches: vec![Match::new("", "v1", &["pods"], &["UPDATE"])],
        scope: Scope::Sensitive,
        tier: Tier::Core,
        needs_inventory: false,
        // Pods from before the guard stay writable: only a change of tolerations is judged.
        validations: vec![tolerations_of(format!(
            "(has(object.spec.tolerations) && has(oldObject.spec.tolerations) && object.spec.tolerations == oldObject.spec.tolerations) || {}",
            tolerations_lawful()
        ))],
    }
}

/// No toleration of the site taint, by name or by wildcard.
fn tolerations_lawful() -> String {
    format!(
        "!has(object.spec.tolerations) || object.spec.tolerations.all(t, has(t.key) && t.key != '' && t.key != '{SITE_LABEL}')"
    )
}

fn tolerations_of(holds: String) -> Validation {
    rule(
        "G04",
        holds,
        &format!(
            "'spec.tolerations must not tolerate {SITE_LABEL} or every taint (an empty key): name the taints you mean. {WAY_OUT}'"
        ),
    )
}

/// G11 to G15 and G19: what a pod brings along.
pub(super) fn parts() -> Rule {
    let kinds: Vec<_> = VOLUMES
        .iter()
        .map(|kind| format!("has(v.{kind})"))
        .collect();
    // The template's metadata may be absent; a volume without a template is none.
    let template = "v.ephemeral.volumeClaimTemplate";
    let class = format!(
        "(!has({template}) ? '' : has({template}.metadata) && has({template}.metadata.annotations) && '{OLD_STORAGE_CLASS}' in {template}.metadata.annotations ? {template}.metadata.annotations['{OLD_STORAGE_CLASS}'] : has({template}.spec.storageClassName) ? {template}.spec.storageClassName : '')"
    );
    Rule {
        id: "g11-pod-parts",
        matches: vec![Match::new("", "v1", &["pods"], &["CREATE"])],
        scope: Scope::Sensitive,
        tier: Tier::Terms,
        needs_inventory: true,
        validations: vec![
            rule(
                "G11",
                format!(
                    "{0} in ['', 'default-scheduler'] || {0} in params.spec.terms.schedulers",
                    or_empty("object.spec.schedulerName")
                ),
                "'spec.schedulerName ' + object.spec.schedulerName + ' is no scheduler of Sensitive pods: leave it out, or have it named in SovereigntyPolicy spec.schedulers'",
            ),
            rule(
                "G19",
                format!(
                    "{0} == '' || {0} in params.spec.terms.runtimeClasses",
                    or_empty("object.spec.runtimeClassName")
                ),
                "'spec.runtimeClassName ' + object.spec.runtimeClassName + ' may run the pod on a machine elsewhere: leave it out, or have it named in SovereigntyPolicy spec.runtimeClasses'",
            ),
            rule(
                "G13",
                "!has(object.spec.hostNetwork) || !object.spec.hostNetwork",
                "'spec.hostNetwork takes a Sensitive pod out of every NetworkPolicy: leave it out'",
            ),
            rule(
                "G14",
                format!(
                    "!has(object.spec.volumes) || object.spec.volumes.all(v, {})",
                    kinds.join(" || ")
                ),
                &format!(
                    "'spec.volumes: ' + object.spec.volumes.filter(v, !({})).map(v, v.name).join(', ') + ' of a kind that no policy can judge: use a PersistentVolumeClaim, or one of {}'",
                    kinds.join(" || "),
                    VOLUMES.join(", ")
                ),
            ),
            rule(
                "G15",
                format!(
                    "!has(object.spec.volumes) || object.spec.volumes.all(v, !has(v.ephemeral) || {class} in params.spec.terms.storageClasses)"
                ),
                "'spec.volumes: an ephemeral volume must name a storage class that SovereigntyPolicy spec.storage.classes names, one of ' + params.spec.terms.storageClasses.map(c, c).join(', ')",
            ),
            lawful_images(),
        ],
    }
}

/// G12: images come from lawful registries.
fn lawful_images() -> Validation {
    let lawful = |list: &str| {
        // A pod from before the guard keeps what it runs.
        format!(
            "(!has(object.spec.{list}) || object.spec.{list}.all(c, !has(c.image) || params.spec.terms.registries.exists(r, c.image.startsWith(r + '/')) \
             || (request.operation == 'UPDATE' && has(oldObject.spec.{list}) && oldObject.spec.{list}.exists(o, o.name == c.name && has(o.image) && o.image == c.image))))"
        )
    };
    rule(
        "G12",
        format!(
            "params.spec.terms.registries.size() == 0 || ({} && {} && {})",
            lawful("containers"),
            lawful("initContainers"),
            lawful("ephemeralContainers")
        ),
        "'every image must come from a registry that SovereigntyPolicy spec.registries names: ' + params.spec.terms.registries.join(', ')",
    )
}

/// G12 once more when images are changed or added while it runs. Apart from what a pod brings along
/// when it is made: each policy that looks at the making of a pod costs time at every one.
pub(super) fn images() -> Rule {
    Rule {
        id: "g12-images",
        matches: vec![Match::new(
            "",
            "v1",
            &["pods", "pods/ephemeralcontainers"],
            &["UPDATE"],
        )],
        scope: Scope::Sensitive,
        tier: Tier::Terms,
        needs_inventory: true,
        validations: vec![lawful_images()],
    }
}
