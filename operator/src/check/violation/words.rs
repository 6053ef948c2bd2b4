//! How a violation and its place are said: object, place, why, and the way out.

use super::Cause;
use super::cause::Remedy;
use crate::checked::{NodePlace, Offender, Place, Violation};
use pinisi_crds::sovereignty_violation::ViolationRule;
use std::fmt;

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(NodePlace {
                node,
                site,
                jurisdiction: _,
                seen: _,
                attested: _,
            }) => match site {
                Some(site) => write!(f, "node {node} of Site {site}"),
                None => write!(f, "node {node}"),
            },
            Self::Storage { class, volume } => {
                write!(f, "volume {volume} of storage class {}", named(class))
            }
            Self::Outside { exposed_by } => f.write_str(exposed_by),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule,
            cause,
            object,
            place,
            policies: _,
            law: _,
            notice_hours: _,
            evict: _,
        } = self;
        let Offender {
            kind,
            namespace,
            name,
            uid: _,
        } = object;
        let class = match rule {
            ViolationRule::V01 | ViolationRule::V03 | ViolationRule::V04 => "a Sensitive namespace",
            ViolationRule::V02 => "a namespace without a class",
        };
        write!(f, "{} {namespace}/{name}, of {class}, ", kind.name())?;
        match place {
            Place::Node(NodePlace {
                jurisdiction: Some(law),
                site: Some(_),
                ..
            }) => write!(f, "is bound to {place} ({law}), ")?,
            Place::Node(_) | Place::Storage { .. } => write!(f, "is bound to {place}, ")?,
            Place::Outside { .. } => {}
        }
        why(f, cause)?;
        f.write_str(": ")?;
        match cause.remedy() {
            Remedy::DeletePod => write!(f, "kubectl delete pod {name} --namespace {namespace}")?,
            Remedy::CopyData => write!(
                f,
                "copy its data to a claim that the guard takes, then kubectl delete persistentvolumeclaim {name} --namespace {namespace}"
            )?,
            Remedy::DeleteService => {
                write!(f, "kubectl delete service {name} --namespace {namespace}")?;
            }
            Remedy::PatchService(patch) => write!(
                f,
                "kubectl patch service {name} --namespace {namespace} --type merge --patch '{patch}'"
            )?,
        }
        write!(f, "; {}", cause.way_out())
    }
}

/// What is wrong, after the place.
fn why(f: &mut fmt::Formatter<'_>, cause: &Cause) -> fmt::Result {
    match cause {
        Cause::UnknownNode => f.write_str("of which there is no Node"),
        Cause::NoSite => f.write_str("which is in no Site"),
        Cause::SeveralSites { count } => write!(f, "which is in {count} Sites"),
        Cause::Away { kind } => write!(f, "which is of type {kind:?}"),
        Cause::NotAttested => f.write_str("which nobody has attested"),
        Cause::Changed(change) => write!(f, "which {change}"),
        Cause::Forbidden { policy } => write!(
            f,
            "whose law SovereigntyPolicy {policy} does not name in spec.jurisdictions"
        ),
        Cause::StorageClass { class: _, policy } => {
            unnamed(f, policy.as_deref(), "spec.storage.classes")
        }
        Cause::VolumeDriver { driver, wanted } => {
            write!(f, "which is of driver {driver}, and its class of {wanted}")
        }
        Cause::NfsServer { server, policy } => {
            write!(f, "which lies on NFS server {server}, ")?;
            unnamed(f, policy.as_deref(), "spec.storage.nfsServers")
        }
        Cause::LocalVolume { wanted } => {
            write!(
                f,
                "which is a disk of a node, and its class of driver {wanted}"
            )
        }
        Cause::VolumeKind { wanted } => write!(
            f,
            "which is of a kind that nobody can judge, and its class of driver {wanted}"
        ),
        Cause::LoadBalancerClass { class, policy } => {
            let class = named(class);
            write!(
                f,
                "is of type LoadBalancer with the loadBalancerClass {class}, "
            )?;
            unnamed(f, policy.as_deref(), "spec.routes.loadBalancerClasses")
        }
        Cause::NodePort => {
            f.write_str("is of type NodePort, which opens it on every node, those away too")
        }
        Cause::ExternalName { host } => write!(
            f,
            "is of type ExternalName, which sends its callers to {host}"
        ),
        Cause::ExternalIps { first, others } => write!(
            f,
            "is reached at addresses that nobody vouches for, spec.externalIPs {first} and {others} more"
        ),
    }
}

fn unnamed(f: &mut fmt::Formatter<'_>, policy: Option<&str>, field: &str) -> fmt::Result {
    match policy {
        Some(policy) => write!(
            f,
            "which SovereigntyPolicy {policy} does not name in {field}"
        ),
        None => write!(f, "which no SovereigntyPolicy names in {field}"),
    }
}

const fn named(class: &str) -> &str {
    if class.is_empty() { "none" } else { class }
}
