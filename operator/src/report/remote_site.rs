//! Conditions of a Site that is another cluster: whether it answers, whether its own guard is in
//! force, and what stands against placing there. While nothing is known yet nothing is said anew,
//! so that a restart does not hide since when a site has been out of reach. Pure.

use super::conditions::{Said, problems};
use crate::check::remote_site::REACHABLE;
use crate::checked::{RemoteConnection, SiteSubject};
use crate::gather::cluster::GuardFacts;
use crate::gather::link::{Link, LinkFault};

/// What is to be said of a remote Site; what is not said stays as it was.
#[must_use]
pub fn conditions(subject: &SiteSubject, remote: &RemoteConnection) -> Vec<Said> {
    let blocking = subject.problems.iter().find(|problem| problem.blocks());
    let text = problems(&subject.problems);
    let mut said = Vec::new();
    said.extend(reachable(remote));
    said.extend(guarded(remote));
    let fault = remote.link.fault().map(|(_, fault)| fault);
    if let Some(first) = blocking {
        said.push(Said::new("Ready", false, first.reason(), text.clone()));
        said.push(Said::new("Stalled", true, first.reason(), text));
        return said;
    }
    match (fault, &remote.link) {
        (Some(fault), _) => {
            let words = fault.to_string();
            said.push(Said::new("Ready", false, fault.reason(), words.clone()));
            let stalled = needs_person(fault);
            said.push(Said::new("Stalled", stalled, fault.reason(), words));
        }
        (None, Link::Up) => {
            said.push(ready(subject, remote));
            said.push(match subject.problems.first() {
                Some(warning) => Said::new("Stalled", false, warning.reason(), text),
                None => Said::new("Stalled", false, "Sound", "nothing needs a person"),
            });
        }
        (None, Link::Connecting | Link::Down { .. } | Link::Refused { .. }) => {
            if subject.status.conditions.is_empty() {
                let message = "the cluster is being looked for";
                said.push(Said::unknown("Ready", "Connecting", message));
            }
        }
    }
    said
}

fn reachable(remote: &RemoteConnection) -> Option<Said> {
    Some(match (&remote.link, &remote.identity) {
        (Link::Connecting, _) => return None,
        (Link::Up, Some(cluster)) => Said::new(
            REACHABLE,
            true,
            "Connected",
            format!(
                "cluster {} answers, version {}",
                cluster.uid, cluster.version
            ),
        ),
        (Link::Up, None) => Said::new(REACHABLE, true, "Connected", "the cluster answers"),
        (Link::Down { fault, .. } | Link::Refused { fault, .. }, _) => {
            Said::new(REACHABLE, false, fault.reason(), fault.to_string())
        }
    })
}

fn guarded(remote: &RemoteConnection) -> Option<Said> {
    if !remote.link.is_up() {
        return None;
    }
    match &remote.guard {
        GuardFacts::Unknown => None,
        GuardFacts::InForce => Some(Said::new(
            "Guarded",
            true,
            "ReceivingGuardInForce",
            "the cluster refuses whatever is Sensitive, whoever sends it",
        )),
        GuardFacts::Missing { reason, why } => {
            Some(Said::new("Guarded", false, reason, why.clone()))
        }
    }
}

fn ready(subject: &SiteSubject, remote: &RemoteConnection) -> Said {
    match &remote.guard {
        GuardFacts::InForce => Said::new(
            "Ready",
            true,
            "NodesReady",
            format!("{} nodes are Ready", subject.status_now.nodes),
        ),
        GuardFacts::Unknown | GuardFacts::Missing { .. } => Said::new(
            "Ready",
            false,
            "ReceivingGuardNotChecked",
            "the receiving guard of the cluster is being applied and tried; nothing new is placed there before",
        ),
    }
}

/// True where the link cannot come back before somebody has done something.
const fn needs_person(fault: &LinkFault) -> bool {
    fault.refuses()
        || matches!(
            fault,
            LinkFault::Unauthorized | LinkFault::Forbidden { .. } | LinkFault::KindMissing { .. }
        )
}

#[cfg(test)]
mod tests;
