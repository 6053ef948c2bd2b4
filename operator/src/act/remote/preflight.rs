//! Whether a workload may be made in another cluster, judged from what was seen there. Pure; the
//! looking is in `look`. Each refusal names object, field and the way out, and is that
//! one site's: the replicas go elsewhere.

use super::carry::{self, Unfit};
use super::marks::{Owner, Texts};
use super::references::{self, Reference, Referred};
use pinisi_crds::hybrid_workload::{CarryKind, CarryRef};
use pinisi_crds::names::{CLASS_LABEL, CLASS_MASS_TRAFFIC, CLASS_SENSITIVE, HUB_ANNOTATION};
use pinisi_planner::model::refusal::{Refusal, RefusalKind};
use serde_json::Value;
use std::collections::BTreeMap;

/// Longest text of a refusal.
const TEXT_MAX: usize = 1024;

/// A refusal with a bounded text.
#[must_use]
pub fn refusal(kind: RefusalKind, object: impl Into<String>, text: &str) -> Refusal {
    Refusal {
        kind,
        object: object.into(),
        text: text.chars().take(TEXT_MAX).collect(),
    }
}

/// Several as one: the first gives kind and object, all give their texts.
#[must_use]
pub fn all_as_one(refusals: Vec<Refusal>) -> Option<Refusal> {
    let text = refusals
        .iter()
        .map(|one| one.text.as_str())
        .collect::<Vec<_>>()
        .join("; ");
    let first = refusals.into_iter().next()?;
    Some(refusal(first.kind, first.object, &text))
}

/// What was seen of one object.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen<T> {
    /// It is there.
    There(T),
    /// It is not there.
    Missing,
    /// We may not look; the server's words.
    Forbidden(String),
}

/// A namespace, as seen there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceSeen {
    /// Labels.
    pub labels: Texts,
    /// Annotations.
    pub annotations: Texts,
    /// True while it is being deleted.
    pub terminating: bool,
}

/// What is to be made.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The Site.
    pub site: &'a str,
    /// Namespace, here and there.
    pub namespace: &'a str,
    /// Name of the Deployment, here and there.
    pub name: &'a str,
    /// uid of the hub's `kube-system`.
    pub hub: &'a str,
    /// The pod template as it will be there.
    pub template: &'a Value,
    /// What travels with it.
    pub carry: &'a [CarryRef],
    /// True where the Site lets the operator make namespaces.
    pub may_make_namespace: bool,
}

/// What becomes of the namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// It is there and may be used.
    Use,
    /// It is to be made.
    Make,
}

/// Judges the namespace.
///
/// # Errors
/// It cannot be used.
pub fn namespace(wanted: &Wanted<'_>, seen: &Seen<NamespaceSeen>) -> Result<Namespace, Refusal> {
    let Wanted {
        site,
        namespace: name,
        hub,
        ..
    } = *wanted;
    let fault = |kind, text: &str| {
        Err(refusal(
            kind,
            format!("Namespace {name}"),
            &format!("namespace {name} in the cluster of Site {site} {text}"),
        ))
    };
    let there = match seen {
        Seen::Forbidden(words) => {
            return Err(right_missing(
                site,
                &format!("Namespace {name}"),
                words,
                None,
            ));
        }
        Seen::Missing if wanted.may_make_namespace => return Ok(Namespace::Make),
        Seen::Missing => {
            return fault(
                RefusalKind::NamespaceMissing,
                &format!(
                    "does not exist: make it there (kubectl create namespace {name}), or set spec.createNamespaces of the Site"
                ),
            );
        }
        Seen::There(there) => there,
    };
    let class = there.labels.get(CLASS_LABEL).map(String::as_str);
    if there.terminating {
        fault(
            RefusalKind::NamespaceTerminating,
            "is being deleted: wait until it is gone, or see which finalizers hold it",
        )
    } else if class == Some(CLASS_SENSITIVE) {
        fault(
            RefusalKind::NamespaceSensitive,
            &format!(
                "says {CLASS_LABEL}={CLASS_SENSITIVE}, which has no place there: find out what it holds, then delete it there, or name another Site in spec.placement.tiers"
            ),
        )
    } else if let Some(other) = there
        .annotations
        .get(HUB_ANNOTATION)
        .filter(|uid| *uid != hub)
    {
        fault(
            RefusalKind::NamespaceForeign,
            &format!(
                "belongs to another Pinisi ({HUB_ANNOTATION}={other}): use another namespace for this workload, or remove that annotation there if that Pinisi is gone"
            ),
        )
    } else if let Some(class) = class.filter(|class| *class != CLASS_MASS_TRAFFIC) {
        fault(
            RefusalKind::NamespaceForeign,
            &format!(
                "says {CLASS_LABEL}={class} and belongs to somebody else: use another namespace for this workload, or set the label there to {CLASS_MASS_TRAFFIC}"
            ),
        )
    } else {
        Ok(Namespace::Use)
    }
}

/// Judges what stands under the target's name there.
///
/// # Errors
/// It is not ours, or cannot be looked at.
pub fn deployment(wanted: &Wanted<'_>, seen: &Seen<Owner>) -> Result<(), Refusal> {
    let Wanted {
        site,
        namespace,
        name,
        ..
    } = *wanted;
    let object = format!("Deployment {name}");
    match seen {
        Seen::Missing | Seen::There(Owner::Us) => Ok(()),
        Seen::Forbidden(words) => Err(right_missing(site, &object, words, None)),
        Seen::There(owner) => Err(refusal(
            RefusalKind::DeploymentForeign,
            object,
            &format!(
                "Deployment {namespace}/{name} in the cluster of Site {site} belongs to {}: it is left alone; delete or rename it there, or name another Site in spec.placement.tiers",
                owner.words()
            ),
        )),
    }
}

/// What must be looked up there beside namespace and Deployment: what the template needs and no
/// copy brings.
#[must_use]
pub fn to_look_up(wanted: &Wanted<'_>) -> BTreeMap<Reference, String> {
    let mut needs = references::of(wanted.template);
    needs.retain(|reference, _| !brought(wanted.carry, reference));
    needs
}

fn brought(carry: &[CarryRef], reference: &Reference) -> bool {
    carry.iter().any(|CarryRef { kind, name }| {
        let kind = match kind {
            CarryKind::ConfigMap => Referred::ConfigMap,
            CarryKind::Secret => Referred::Secret,
        };
        reference.kind == kind && reference.name == *name
    })
}

/// Judges the template itself and what it refers to.
#[must_use]
pub fn template(wanted: &Wanted<'_>, seen: &BTreeMap<Reference, Seen<()>>) -> Vec<Refusal> {
    let Wanted {
        site,
        namespace,
        name,
        template,
        ..
    } = *wanted;
    let mut faults = vec![];
    if let Some(node) = references::node_name(template) {
        faults.push(refusal(
            RefusalKind::NodeNamed,
            format!("Deployment {name}"),
            &format!(
                "spec.template.spec.nodeName of Deployment {name} is {node}, which Site {site} does not have: remove it, the scheduler chooses the node"
            ),
        ));
    }
    for (reference, field) in to_look_up(wanted) {
        match seen.get(&reference) {
            Some(Seen::There(())) => {}
            Some(Seen::Forbidden(words)) => {
                let grant = Grant {
                    namespace: (reference.kind != Referred::PriorityClass).then_some(namespace),
                    resource: reference.kind.plural(),
                    name: &reference.name,
                    verbs: "get",
                };
                faults.push(right_missing(
                    site,
                    &reference.to_string(),
                    words,
                    Some(&grant),
                ));
            }
            Some(Seen::Missing) | None => {
                faults.push(missing(wanted, &reference, &field));
            }
        }
    }
    faults
}

fn missing(wanted: &Wanted<'_>, reference: &Reference, field: &str) -> Refusal {
    let Wanted {
        site, namespace, ..
    } = *wanted;
    let pulls = field.contains("imagePullSecrets");
    let carry_it = "add it to spec.carry, or make one of that name there".to_owned();
    let (kind, way_out) = match reference.kind {
        Referred::ServiceAccount => (
            RefusalKind::ServiceAccountMissing,
            format!(
                "kubectl create serviceaccount {} --namespace {namespace}",
                reference.name
            ),
        ),
        Referred::PriorityClass => (
            RefusalKind::PriorityClassMissing,
            "make a PriorityClass of that name there".to_owned(),
        ),
        Referred::Secret if pulls => (RefusalKind::PullSecretMissing, carry_it),
        Referred::Secret => (RefusalKind::SecretMissing, carry_it),
        Referred::ConfigMap => (RefusalKind::ConfigMapMissing, carry_it),
    };
    refusal(
        kind,
        reference.to_string(),
        &format!(
            "{reference}, named by {field}, does not exist in namespace {namespace} in the cluster of Site {site}: {way_out}"
        ),
    )
}

/// Judges what is to be carried: its sources at home, and what stands in its place there. A copy
/// may serve several workloads of this hub.
#[must_use]
pub fn carried(
    wanted: &Wanted<'_>,
    sources: &BTreeMap<CarryRef, Seen<Result<(), Unfit>>>,
    copies: &BTreeMap<CarryRef, Seen<Owner>>,
) -> Vec<Refusal> {
    let Wanted {
        site, namespace, ..
    } = *wanted;
    let mut faults = vec![];
    for reference in wanted.carry {
        let object = carry::name_of(reference);
        let CarryRef { kind, name } = reference;
        let unfit = |text: &str| {
            refusal(
                RefusalKind::CarryUnfit,
                object.clone(),
                &format!(
                    "{object} of namespace {namespace} must not travel: {text}; take it out of spec.carry"
                ),
            )
        };
        match sources.get(reference) {
            Some(Seen::There(Ok(()))) => {}
            Some(Seen::There(Err(Unfit::Sensitive))) => {
                faults.push(unfit(&format!("it says {CLASS_LABEL}={CLASS_SENSITIVE}")));
            }
            Some(Seen::There(Err(Unfit::BoundType(bound)))) => {
                faults.push(unfit(&format!(
                    "a Secret of type {bound} is a key to this cluster"
                )));
            }
            Some(Seen::Forbidden(words)) => {
                let grant = Grant {
                    namespace: Some(namespace),
                    resource: carry::plural(*kind),
                    name,
                    verbs: "get",
                };
                faults.push(refusal(
                    RefusalKind::CarryForbidden,
                    object.clone(),
                    &format!(
                        "{object}, named by spec.carry, may not be read by the operator; {} ({words})",
                        grant.command(words)
                    ),
                ));
            }
            Some(Seen::Missing) | None => faults.push(refusal(
                RefusalKind::CarrySourceMissing,
                object.clone(),
                &format!(
                    "{object}, named by spec.carry, does not exist in namespace {namespace}: make it, or take it out of spec.carry"
                ),
            )),
        }
        match copies.get(reference) {
            Some(Seen::There(owner)) if owner.is_this_hub() => {}
            Some(Seen::Missing) | None => {}
            Some(Seen::There(owner)) => faults.push(refusal(
                RefusalKind::CarryForeign,
                object.clone(),
                &format!(
                    "{object} in namespace {namespace} in the cluster of Site {site} belongs to {}: it is left alone; delete it there, or take it out of spec.carry to use the one that is there",
                    owner.words()
                ),
            )),
            Some(Seen::Forbidden(words)) => {
                let grant = Grant {
                    namespace: Some(namespace),
                    resource: carry::plural(*kind),
                    name,
                    verbs: COPY_VERBS,
                };
                faults.push(right_missing(site, &object, words, Some(&grant)));
            }
        }
    }
    faults
}

/// Verbs that the operator needs on the copies that it makes.
pub const COPY_VERBS: &str = "get,create,patch,delete";

/// A right that a command can give.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'a> {
    /// Where; `None` for kinds without namespace.
    pub namespace: Option<&'a str>,
    /// On what.
    pub resource: &'a str,
    /// On which.
    pub name: &'a str,
    /// To do what.
    pub verbs: &'a str,
}

impl Grant<'_> {
    /// The exact command. Whom to give it to stands in the server's refusal.
    #[must_use]
    pub fn command(&self, refusal: &str) -> String {
        let Grant {
            namespace,
            resource,
            name,
            verbs,
        } = *self;
        let user = user_of(refusal).unwrap_or("USER");
        let role = format!("pinisi-{resource}-{name}");
        let (role_kind, binding_kind, at) = match namespace {
            Some(namespace) => ("role", "rolebinding", format!(" --namespace {namespace}")),
            None => ("clusterrole", "clusterrolebinding", String::new()),
        };
        format!(
            "kubectl create {role_kind} {role}{at} --verb={verbs} --resource={resource} --resource-name={name} && kubectl create {binding_kind} {role}{at} --{role_kind}={role} --user={user}"
        )
    }
}

/// The user whom an API server says it refused.
fn user_of(refusal: &str) -> Option<&str> {
    let (_, rest) = refusal.split_once("User \"")?;
    let (user, _) = rest.split_once('"')?;
    (!user.is_empty()).then_some(user)
}

/// A right that the operator's account in another cluster lacks.
#[must_use]
pub fn right_missing(site: &str, object: &str, words: &str, grant: Option<&Grant<'_>>) -> Refusal {
    let way_out = grant.map_or_else(
        || "install chart pinisi-site there, or extend its values".to_owned(),
        |grant| format!("there, {}", grant.command(words)),
    );
    refusal(
        RefusalKind::Forbidden,
        object,
        &format!(
            "the operator's account in the cluster of Site {site} lacks a right on {object}: {way_out} ({words})"
        ),
    )
}

/// Judges a refusal of a dry-run of `object` by the server's words.
#[must_use]
pub fn refused(wanted: &Wanted<'_>, object: &str, words: &str) -> Refusal {
    let Wanted {
        site, namespace, ..
    } = *wanted;
    let at = format!("in namespace {namespace} in the cluster of Site {site}");
    if words.contains("exceeded quota") || words.contains("failed quota") {
        refusal(
            RefusalKind::QuotaExceeded,
            object,
            &format!(
                "{object} does not fit the ResourceQuota {at}: raise it there, or give the containers of the template requests and limits as it asks ({words})"
            ),
        )
    } else if words.contains("violates PodSecurity") {
        refusal(
            RefusalKind::PodSecurity,
            object,
            &format!(
                "{object} is refused by Pod Security {at}: correct spec.template.spec.securityContext, or the namespace's label pod-security.kubernetes.io/enforce there ({words})"
            ),
        )
    } else if words.contains("no PriorityClass with name") {
        refusal(
            RefusalKind::PriorityClassMissing,
            object,
            &format!(
                "spec.template.spec.priorityClassName names no PriorityClass in the cluster of Site {site}: make one of that name there ({words})"
            ),
        )
    } else if user_of(words).is_some() && words.contains("cannot ") {
        right_missing(site, object, words, None)
    } else {
        refusal(
            RefusalKind::AdmissionRefused,
            object,
            &format!(
                "{object} is refused {at}: correct spec.template of the target, or what refuses it there ({words})"
            ),
        )
    }
}

/// Judges a dry-run of `object` that is not valid there, by the server's words.
#[must_use]
pub fn invalid(wanted: &Wanted<'_>, object: &str, words: &str) -> Refusal {
    if words.contains("denied the request") || words.contains("denied request") {
        return refused(wanted, object, words);
    }
    let Wanted {
        site, namespace, ..
    } = *wanted;
    refusal(
        RefusalKind::Invalid,
        object,
        &format!(
            "{object} is not valid in namespace {namespace} in the cluster of Site {site}: correct spec of the target, or if an old one there is in the way, drain this site (spec.override) so that it is made anew ({words})"
        ),
    )
}

#[cfg(test)]
mod tests;
