//! The target: whether it is there, can be scaled, is free, and can be split over sites.

use super::{conflict::Wants, problem::Problem};
use crate::checked::Target;
use crate::gather::{
    facts::{ObjectKey, ScalableFacts, ScalableKind},
    index::Index,
    wire::group_of,
};
use pinisi_crds::hybrid_workload::TargetRef;

/// API group of everything that is supported.
const GROUP: &str = "apps";
/// Well-known kinds without /scale, so that the message can be plain.
const NO_SCALE: [&str; 9] = [
    "DaemonSet",
    "Job",
    "CronJob",
    "Pod",
    "Service",
    "ConfigMap",
    "Secret",
    "ControllerRevision",
    "Ingress",
];

/// `Deployment web`.
#[must_use]
pub fn name_of(target: &TargetRef) -> String {
    format!("{} {}", target.kind, target.name)
}

/// Finds the target; says what is wrong with it.
pub fn find<'a>(
    index: &'a Index,
    wants: &Wants<'_>,
    workload: &ObjectKey,
    target: &TargetRef,
    problems: &mut Vec<Problem>,
) -> Option<&'a ScalableFacts> {
    let TargetRef {
        api_version,
        kind,
        name,
    } = target;
    let scalable = match (group_of(api_version), kind.as_str()) {
        (GROUP, "Deployment") => ScalableKind::Deployment,
        (GROUP, "StatefulSet") => ScalableKind::StatefulSet,
        _ => {
            problems.push(Problem::TargetUnsupported {
                kind: format!("{api_version} {kind}"),
                no_scale: NO_SCALE.contains(&kind.as_str()),
            });
            return None;
        }
    };
    let Some(found) = index.scalable(
        scalable,
        &ObjectKey {
            namespace: workload.namespace.clone(),
            name: name.clone(),
        },
    ) else {
        problems.push(Problem::TargetMissing {
            target: name_of(target),
            namespace: workload.namespace.clone(),
        });
        return None;
    };
    if found.deleting {
        problems.push(Problem::TargetDeleting {
            target: name_of(target),
        });
    }
    if let Some(marks) = &found.sibling {
        problems.push(Problem::TargetIsSibling {
            target: name_of(target),
            workload: marks.workload.clone(),
        });
    }
    if let Some(holder) = wants.holder(&workload.namespace, api_version, kind, name)
        && holder != workload
    {
        problems.push(Problem::TargetTaken {
            target: name_of(target),
            by: holder.name.clone(),
        });
    }
    if found.selector.is_none() {
        problems.push(Problem::TargetSelector {
            target: name_of(target),
        });
    }
    Some(found)
}

/// Why the target cannot run on several sites; `None` where it can.
#[must_use]
pub fn not_splittable(target: &ScalableFacts) -> Option<Problem> {
    let name = format!("{} {}", target.kind.name(), target.key.name);
    match target.kind {
        ScalableKind::StatefulSet => Some(Problem::NotSplittable { target: name }),
        ScalableKind::Deployment if target.template.claims.is_empty() => None,
        ScalableKind::Deployment => Some(Problem::HasClaims {
            target: name,
            volumes: target.template.claims.join(", "),
        }),
    }
}

/// The target as `act` and `report` need it.
#[must_use]
pub fn subject(target: &ScalableFacts) -> Target {
    Target {
        uid: target.uid.clone(),
        deployment: target.parts.clone(),
        selector: target
            .selector
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        spec_replicas: target.replicas,
    }
}
