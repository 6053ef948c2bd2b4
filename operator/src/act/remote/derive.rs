//! From plan and view to writes in another cluster: only the difference, nothing where the link is
//! down, and nothing new before the receiving guard is in force there. Pure.

use super::body;
use super::carry;
use super::drift::Verdict;
use super::due::Due;
use super::marks::Marks;
use super::orders::{ApplyThere, CopiesThere, DeleteThere};
use crate::act::write::{Key, RemoteObject, Write, WriteKind};
use crate::checked::{
    Checked, Connection, Ownership, RemoteConnection, RemoteDeployment, RemoteLeg, WorkloadSubject,
};
use crate::gather::cluster::GuardFacts;
use jiff::Timestamp;
use pinisi_crds::hybrid_workload::{CarryRef, Class};
use pinisi_planner::WorkloadId;
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::site::SiteName;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// A workload's leg in another cluster, with what is needed to write it.
#[derive(Clone, Copy, Debug)]
pub struct Leg<'a> {
    /// Everything that is known.
    pub checked: &'a Checked,
    /// The workload.
    pub id: &'a WorkloadId,
    /// The same.
    pub subject: &'a WorkloadSubject,
    /// The Site that the other cluster is.
    pub site: &'a SiteName,
    /// The leg as it is.
    pub leg: &'a RemoteLeg,
    /// The way there.
    pub connection: &'a RemoteConnection,
    /// Labels of the nodes where the target itself runs.
    pub home_labels: &'a BTreeMap<String, String>,
    /// What drift allows.
    pub verdict: &'a Verdict,
    /// The load sample that a change of count answers.
    pub sample: Option<Timestamp>,
}

/// The connection of a Site that is another cluster.
#[must_use]
pub fn connection<'a>(checked: &'a Checked, site: &SiteName) -> Option<&'a RemoteConnection> {
    match &checked.sites.get(site)?.connection {
        Connection::Remote(remote) => Some(remote),
        Connection::Nodes => None,
    }
}

/// The Deployment of a leg, where it is ours.
#[must_use]
pub fn own(leg: &RemoteLeg) -> Option<&RemoteDeployment> {
    leg.deployment
        .as_ref()
        .filter(|there| there.owner == Ownership::Ours)
}

impl Leg<'_> {
    /// The write that takes the count to `to`.
    #[must_use]
    pub fn step(&self, to: Replicas, grows: bool) -> Option<Write> {
        if !self.may_write() {
            return None;
        }
        match &self.leg.deployment {
            Some(there) if there.deleting || there.owner != Ownership::Ours => None,
            // What is only to shrink shrinks without a preflight that may fail.
            Some(there) if grows && self.outdated(there) => self.apply(Some(there), to),
            Some(there) => Some(self.scale(there, to)),
            None if to == Replicas::ZERO => None,
            None => self.apply(None, to),
        }
    }

    /// Writes that no step asks for: what is empty goes, what is outdated or changed by others is
    /// refreshed, copies follow their sources, and what was refused is tried again.
    #[must_use]
    pub fn tidy(&self, empty: bool, due: &Due, now: Instant) -> Option<Write> {
        if !self.may_write() {
            return None;
        }
        let Some(there) = own(self.leg).filter(|there| !there.deleting) else {
            return self.probe();
        };
        if empty {
            return Some(self.delete(there));
        }
        let mend = *self.verdict == Verdict::Mend;
        if mend || self.outdated(there) {
            let refresh = self.apply(Some(there), Replicas::from_api(there.spec_replicas));
            return refresh.map(unsampled).or_else(|| self.probe());
        }
        self.copies(due, now).or_else(|| self.probe())
    }

    /// Deletes the Deployment with what was carried for it.
    #[must_use]
    pub fn delete(&self, there: &RemoteDeployment) -> Write {
        let order = DeleteThere {
            name: self.subject.target_ref.name.clone(),
            uid: there.uid.clone(),
            copies: self.nobody_elses(carry::parse(&there.carried)),
        };
        unsampled(self.write(
            RemoteObject::Deployment,
            looks(there),
            WriteKind::RemoteDelete(Box::new(order)),
        ))
    }

    /// False where nothing at all may be written there now.
    fn may_write(&self) -> bool {
        let free = match self.verdict {
            Verdict::Free | Verdict::Mend => true,
            Verdict::LeftAlone { by: _ } | Verdict::Wait => false,
        };
        free && self.connection.link.is_up()
    }

    /// True where the target rolled out a template that is not there yet, or carries other things.
    fn outdated(&self, there: &RemoteDeployment) -> bool {
        let parts = self
            .subject
            .target
            .as_ref()
            .and_then(|target| target.deployment.as_ref());
        parts.is_some_and(|parts| parts.rolled_out && parts.digest != there.digest)
            || carry::list(&self.subject.carry) != there.carried
    }

    fn scale(&self, there: &RemoteDeployment, to: Replicas) -> Write {
        self.write(
            RemoteObject::Deployment,
            looks(there),
            WriteKind::RemoteScale {
                name: self.subject.target_ref.name.clone(),
                uid: there.uid.clone(),
                to,
            },
        )
    }

    fn apply(&self, there: Option<&RemoteDeployment>, to: Replicas) -> Option<Write> {
        if self.leg.standing.is_some() || self.connection.guard != GuardFacts::InForce {
            return None;
        }
        let order = self.order(there, to)?;
        Some(self.write(
            RemoteObject::Deployment,
            there.map_or_else(|| "absent".into(), looks),
            WriteKind::RemoteApply(Box::new(order)),
        ))
    }

    /// The preflight of what was refused a while ago.
    fn probe(&self) -> Option<Write> {
        let due = self.leg.standing.as_ref().is_some_and(|one| one.due);
        if !due || self.connection.guard != GuardFacts::InForce {
            return None;
        }
        let there = own(self.leg);
        let count = there.map_or(Replicas::ZERO, |there| {
            Replicas::from_api(there.spec_replicas)
        });
        let order = self.order(there, count)?;
        // Not as an apply's: what follows a trial that passed must not wait for it to be seen.
        let before = there.map_or_else(|| "absent".into(), looks);
        Some(unsampled(self.write(
            RemoteObject::Deployment,
            format!("trial/{before}"),
            WriteKind::RemoteProbe(Box::new(order)),
        )))
    }

    fn order(&self, there: Option<&RemoteDeployment>, to: Replicas) -> Option<ApplyThere> {
        let parts = self.subject.target.as_ref()?.deployment.as_ref()?;
        // The planner's types say so already, and so do check and both guards.
        if self.subject.class == Class::Sensitive {
            tracing::error!(workload = %self.id, site = %self.site, "refused to make a Sensitive Deployment in another cluster");
            return None;
        }
        let name = &self.subject.target_ref.name;
        let carry = &self.subject.carry;
        let body = body::deployment(&body::Recipe {
            namespace: &self.id.namespace,
            name,
            marks: Marks {
                site: self.site.as_str(),
                workload: &self.id.name,
                hub: self.checked.hub.as_deref()?,
            },
            parts,
            home_labels: self.home_labels,
            carry,
            uid: there.map(|there| there.uid.as_str()),
            replicas: to,
        });
        let mut gone = there.map_or_else(Vec::new, |there| carry::parse(&there.carried));
        gone.retain(|reference| !carry.contains(reference));
        Some(ApplyThere {
            name: name.clone(),
            body,
            create: there.is_none(),
            mend: *self.verdict == Verdict::Mend,
            finalizer_for: (!self.subject.has_finalizer).then(|| self.subject.uid.clone()),
            may_make_namespace: self.connection.create_namespaces,
            carry: carry.clone(),
            drop: self.nobody_elses(gone),
            about: self.leg.about.clone(),
        })
    }

    fn copies(&self, due: &Due, now: Instant) -> Option<Write> {
        if self.subject.carry.is_empty()
            || self.leg.standing.is_some()
            || self.connection.guard != GuardFacts::InForce
            || !due.copies(self.id, self.site, now)
        {
            return None;
        }
        let order = CopiesThere {
            carry: self.subject.carry.clone(),
            about: self.leg.about.clone(),
        };
        Some(unsampled(self.write(
            RemoteObject::Copies,
            carry::list(&order.carry),
            WriteKind::RemoteCopies(Box::new(order)),
        )))
    }

    /// Without those that another workload of the namespace carries to the same site.
    fn nobody_elses(&self, mut copies: Vec<CarryRef>) -> Vec<CarryRef> {
        if copies.is_empty() {
            return copies;
        }
        let mut others = BTreeSet::new();
        for (id, subject) in &self.checked.workloads {
            if id.namespace != self.id.namespace || id == self.id {
                continue;
            }
            if let Some(there) = subject.remotes.get(self.site).and_then(own) {
                others.extend(carry::parse(&there.carried));
                others.extend(subject.carry.iter().cloned());
            }
        }
        copies.retain(|reference| !others.contains(reference));
        copies
    }

    fn write(&self, object: RemoteObject, before: String, kind: WriteKind) -> Write {
        Write {
            key: Key::Remote {
                site: self.site.clone(),
                workload: self.id.clone(),
                object,
            },
            before,
            kind,
            sample: self.sample,
        }
    }
}

/// The receiving guards that are due.
#[must_use]
pub fn guards(checked: &Checked, due: &Due, now: Instant) -> Vec<Write> {
    let mut writes = vec![];
    for site in checked.sites.keys() {
        let Some(connection) = connection(checked, site).filter(|c| c.link.is_up()) else {
            continue;
        };
        let Some(identity) = &connection.identity else {
            continue;
        };
        let unknown = connection.guard == GuardFacts::Unknown;
        if unknown || due.guard(site, &identity.uid, now) {
            writes.push(Write {
                key: Key::RemoteGuard(site.clone()),
                before: identity.uid.clone(),
                kind: WriteKind::RemoteGuard {
                    cluster: identity.uid.clone(),
                },
                sample: None,
            });
        }
    }
    writes
}

fn unsampled(write: Write) -> Write {
    Write {
        sample: None,
        ..write
    }
}

fn looks(there: &RemoteDeployment) -> String {
    let RemoteDeployment {
        uid,
        generation: _,
        spec_replicas,
        digest,
        carried,
        owner: _,
        deleting,
        foreign_writer: _,
        foreign_edit,
    } = there;
    let edit = foreign_edit.as_ref().map(|edit| (&edit.by, edit.at));
    format!("{uid}/{spec_replicas}/{digest}/{carried}/{deleting}/{edit:?}")
}

#[cfg(test)]
mod tests;
