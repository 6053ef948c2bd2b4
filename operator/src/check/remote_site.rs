//! Sites that are other clusters: the way there, whether it counts as reachable, the nodes that
//! pods of ours can use, and what stands against new replicas whatever their workload.

use super::{limits::number, problem::Problem, site::CheckedSite};
use crate::checked::{Connection, RemoteConnection};
use crate::gather::{
    cluster::{ClusterView, GuardFacts},
    facts::{NodeFacts, SiteFacts},
    link::Link,
};
use jiff::{SignedDuration, Timestamp};
use pinisi_crds::{SiteSpec, SiteStatus};
use pinisi_planner::model::site::{Reach, SiteName};
use std::collections::BTreeMap;

/// For how long replicas at an unreachable site count as serving, in seconds, where the Site names
/// nothing.
pub const GRACE_DEFAULT: i32 = 300;
/// Shortest and longest such time.
const GRACE: (i32, i32) = (30, 86_400);
/// Condition that says whether the site answers.
pub const REACHABLE: &str = "Reachable";
/// Taint of a cordoned node: that it is cordoned is known already.
const CORDON_TAINT: &str = "node.kubernetes.io/unschedulable";

/// The way to a site, from what the gathering knows.
#[must_use]
pub fn connection(spec: &SiteSpec, view: Option<&ClusterView>, now: Timestamp) -> Connection {
    let create_namespaces = spec.create_namespaces.unwrap_or(false);
    let Some(view) = view else {
        return Connection::Remote(RemoteConnection {
            link: Link::Connecting,
            identity: None,
            create_namespaces,
            guard: GuardFacts::Unknown,
            age: None,
            warnings: Vec::new(),
            errors: BTreeMap::new(),
        });
    };
    Connection::Remote(RemoteConnection {
        link: view.link.clone(),
        identity: view.identity.clone(),
        create_namespaces,
        guard: view.guard.clone(),
        age: view.age(now),
        warnings: view.warnings.clone(),
        errors: view.errors.clone(),
    })
}

/// Whether it counts as reachable. A restart does not begin the grace anew where the fault is still
/// there: its condition says since when.
#[must_use]
pub fn reach(facts: &SiteFacts, view: Option<&ClusterView>, now: Timestamp) -> Reach {
    let Some(view) = view else {
        return Reach::Unreachable { since: now };
    };
    let since = match &view.link {
        Link::Up if view.seen => return Reach::Reachable,
        // Nothing speaks against it yet: it is only being looked for.
        Link::Up | Link::Connecting => view.began.unwrap_or(now),
        Link::Down { since, fault: _ } | Link::Refused { since, fault: _ } => {
            let said = facts
                .status
                .conditions
                .iter()
                .find(|c| c.type_ == REACHABLE && c.status == "False");
            said.map_or(*since, |c| c.last_transition_time.0.min(*since))
        }
    };
    Reach::Unreachable {
        since: since.min(now),
    }
}

/// The grace of a spec.
pub fn grace(spec: &SiteSpec, problems: &mut Vec<Problem>) -> SignedDuration {
    let (least, most) = GRACE;
    let seconds = number(
        "spec.unreachableGraceSeconds",
        spec.unreachable_grace_seconds,
        GRACE_DEFAULT,
        least,
        most,
        problems,
    );
    SignedDuration::from_secs(seconds.into())
}

/// Ready nodes there that take pods which tolerate nothing.
#[must_use]
pub fn nodes(view: Option<&ClusterView>) -> Vec<&NodeFacts> {
    let keeps_off = |node: &NodeFacts| {
        node.taints
            .iter()
            .any(|t| (t.effect == "NoSchedule" || t.effect == "NoExecute") && t.key != CORDON_TAINT)
    };
    let all = view.into_iter().flat_map(|view| view.nodes.values());
    all.filter(|node| node.ready && !keeps_off(node)).collect()
}

/// What stands against new replicas there, the link itself aside.
pub fn judge(view: Option<&ClusterView>, nodeless: bool, problems: &mut Vec<Problem>) {
    let Some(view) = view.filter(|view| view.seen && view.link.is_up()) else {
        return;
    };
    if nodeless {
        problems.push(Problem::NoRemoteNodes);
    }
    if let GuardFacts::Missing { reason, why } = &view.guard {
        problems.push(Problem::ReceivingGuard {
            reason,
            why: why.clone(),
        });
    }
    for fault in &view.warnings {
        problems.push(Problem::LinkWarning {
            fault: fault.clone(),
        });
    }
}

/// What its status says of nodes and cluster: as last seen, also across a restart.
#[must_use]
pub fn status(now: SiteStatus, before: &SiteStatus, view: Option<&ClusterView>) -> SiteStatus {
    let seen = view.is_some_and(|view| view.seen);
    let identity = view.and_then(|view| view.identity.clone());
    let cluster = identity.or_else(|| before.cluster.clone());
    if seen {
        SiteStatus { cluster, ..now }
    } else {
        SiteStatus {
            nodes: before.nodes,
            allocatable: before.allocatable.clone(),
            cluster,
            ..now
        }
    }
}

/// Two Sites that are one cluster would share its room and each other's names: both stall.
pub fn shared_clusters(sites: &mut BTreeMap<SiteName, CheckedSite<'_>>) {
    let mut by_cluster: BTreeMap<String, Vec<SiteName>> = BTreeMap::new();
    for (name, site) in sites.iter() {
        if let Connection::Remote(remote) = &site.subject.connection
            && let Some(identity) = &remote.identity
        {
            let names = by_cluster.entry(identity.uid.clone()).or_default();
            names.push(name.clone());
        }
    }
    for names in by_cluster.into_values().filter(|names| names.len() > 1) {
        for name in &names {
            let other = names.iter().find(|other| *other != name);
            if let (Some(other), Some(site)) = (other, sites.get_mut(name)) {
                site.subject.problems.push(Problem::SharedCluster {
                    other: other.to_string(),
                });
                if let Some(world) = &mut site.world {
                    world.open = false;
                }
            }
        }
    }
}
