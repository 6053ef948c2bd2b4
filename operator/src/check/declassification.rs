//! Declassifications: what is known of each, how long it waits, and what its next step is. The times
//! are the operator's own: the API server has no clock to hold a client's against. Whatever the guard
//! refuses is looked at here again, as the guard may have been missing. Deliberately not here: words
//! (`report`) and the change itself (`act`).

use super::policy::Policies;
use crate::checked::{ClassedNamespace, DeclassificationSubject};
use crate::gather::facts::{DeclassificationFacts, ObjectKey};
use crate::gather::index::Index;
use jiff::{RoundMode, SignedDuration, Timestamp, TimestampRound, Unit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use pinisi_crds::DeclassificationStatus;
use pinisi_crds::declassification::{NOT_A_PERSON, Outcome};
use pinisi_crds::names::{CLASS_LABEL, CLASS_SENSITIVE};
use std::collections::BTreeMap;

/// Between the approval and the change, where no policy says otherwise.
pub const COOL_DOWN: SignedDuration = SignedDuration::from_hours(24);
/// For the approval, and after the cool-down for the change, where no policy says otherwise.
pub const EXPIRE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How long a request waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Between the approval and the change.
    pub cool_down: SignedDuration,
    /// For the approval, and after the cool-down for the change.
    pub expire: SignedDuration,
}

impl Default for Wait {
    fn default() -> Self {
        Self {
            cool_down: COOL_DOWN,
            expire: EXPIRE,
        }
    }
}

/// What comes next of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nobody has approved it yet.
    Waiting {
        /// It expires then.
        until: Timestamp,
    },
    /// Approved, and its cool-down runs.
    Cooling {
        /// Who approved it.
        approved_by: String,
        /// It ends then.
        until: Timestamp,
    },
    /// The class is to be changed now.
    Change {
        /// Who approved it.
        approved_by: String,
    },
    /// It has just ended, for good.
    End(End),
    /// It ended before.
    Over(Outcome),
}

/// How a request ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The class was changed for it.
    Changed,
    /// Nobody approved it in so long.
    Unapproved(SignedDuration),
    /// It was not used in so long after its cool-down.
    Unused(SignedDuration),
    /// It may not be used.
    Refused(Refusal),
}

/// Why a request may not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The spec cannot be read.
    Unreadable(String),
    /// Who asked is no person.
    AskedByNobody(String),
    /// Who approved is no person.
    ApprovedByNobody(String),
    /// The same person asked and approved.
    OnePerson(String),
    /// The namespace is of another class by now; empty for none.
    NotSensitive(String),
}

impl Step {
    /// A CamelCase word. One word a step.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Waiting { .. } => "WaitingForApproval",
            Self::Cooling { .. } => "CoolingDown",
            Self::Change { .. } => "Changing",
            Self::End(end) => end.word(),
            Self::Over(outcome) => match outcome {
                Outcome::Changed => "Changed",
                Outcome::Expired => "Expired",
                Outcome::Refused => "Refused",
            },
        }
    }
}

impl End {
    /// A CamelCase word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Changed => "Changed",
            Self::Unapproved(_) | Self::Unused(_) => "Expired",
            Self::Refused(refusal) => match refusal {
                Refusal::Unreadable(_) => "Unreadable",
                Refusal::AskedByNobody(_) | Refusal::ApprovedByNobody(_) => "NotAPerson",
                Refusal::OnePerson(_) => "OnePerson",
                Refusal::NotSensitive(_) => "NotSensitive",
            },
        }
    }

    /// As it stands in status.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::Changed => Outcome::Changed,
            Self::Unapproved(_) | Self::Unused(_) => Outcome::Expired,
            Self::Refused(_) => Outcome::Refused,
        }
    }
}

/// Every request whose namespace is known too.
pub(super) fn check_all(
    index: &Index,
    policies: &Policies<'_>,
) -> BTreeMap<ObjectKey, DeclassificationSubject> {
    let subject = |(key, facts): (&ObjectKey, &DeclassificationFacts)| {
        let found = index.namespaces.get(&key.namespace)?;
        let mut status = facts.status.clone();
        let approval = status.approval.take();
        let subject = DeclassificationSubject {
            uid: facts.uid.clone(),
            generation: facts.generation,
            deleting: facts.deleting || found.terminating,
            requested_by: match &facts.spec {
                Ok(spec) => Ok(spec.requested_by.clone()),
                Err(unreadable) => Err(unreadable.error.clone()),
            },
            approved_by: approval.map(|approval| approval.approved_by),
            namespace: ClassedNamespace {
                uid: found.uid.clone(),
                class: found.labels.get(CLASS_LABEL).cloned().unwrap_or_default(),
                declassified_for: found.declassified_for.clone(),
            },
            wait: policies.declassification(&found.labels),
            status,
        };
        Some((key.clone(), subject))
    };
    index.declassifications.iter().filter_map(subject).collect()
}

/// The next step, and the status that goes with it but for conditions. `known` is the latest status:
/// the one that was seen, or one that was sent since.
#[must_use]
pub fn next(
    subject: &DeclassificationSubject,
    known: &DeclassificationStatus,
    now: Timestamp,
) -> (Step, DeclassificationStatus) {
    let mut status = known.clone();
    if let Some(outcome) = known.outcome {
        return (Step::Over(outcome), status);
    }
    status.observed_generation = Some(subject.generation);
    let step = running(subject, &mut status, now);
    if let Step::End(end) = &step {
        status.outcome = Some(end.outcome());
        status.ended_at = Some(Time(whole(now)));
    }
    (step, status)
}

fn running(
    subject: &DeclassificationSubject,
    status: &mut DeclassificationStatus,
    now: Timestamp,
) -> Step {
    let DeclassificationSubject {
        uid,
        generation: _,
        deleting: _,
        requested_by,
        approved_by,
        namespace,
        wait,
        status: _,
    } = subject;
    let refused = |refusal| Step::End(End::Refused(refusal));
    // The change was made, and whoever made it did not live to say so.
    if namespace.declassified_for.as_ref() == Some(uid) {
        return Step::End(End::Changed);
    }
    let requested_by = match requested_by {
        Ok(requested_by) => requested_by,
        Err(error) => return refused(Refusal::Unreadable(error.clone())),
    };
    if requested_by.starts_with(NOT_A_PERSON) {
        return refused(Refusal::AskedByNobody(requested_by.clone()));
    }
    let asked = seen(&mut status.request_seen_at, now);
    let Some(approved_by) = approved_by else {
        let until = later(asked, wait.expire);
        status.expires_at = Some(Time(until));
        return match now < until {
            true => Step::Waiting { until },
            false => Step::End(End::Unapproved(wait.expire)),
        };
    };
    if approved_by.starts_with(NOT_A_PERSON) {
        return refused(Refusal::ApprovedByNobody(approved_by.clone()));
    }
    if approved_by == requested_by {
        return refused(Refusal::OnePerson(approved_by.clone()));
    }
    // An approval is for what the namespace was then: it does not outlive another class.
    if namespace.class != CLASS_SENSITIVE {
        return refused(Refusal::NotSensitive(namespace.class.clone()));
    }
    if status.approval_seen_at.is_none() && now >= later(asked, wait.expire) {
        return Step::End(End::Unapproved(wait.expire));
    }
    let approved = seen(&mut status.approval_seen_at, now);
    let before = status.may_change_at.as_ref().map(|time| time.0);
    let may_change = later(approved, wait.cool_down).max(before.unwrap_or(Timestamp::MIN));
    let until = later(may_change, wait.expire);
    status.may_change_at = Some(Time(may_change));
    status.expires_at = Some(Time(until));
    if now < may_change {
        Step::Cooling {
            approved_by: approved_by.clone(),
            until: may_change,
        }
    } else if now < until {
        Step::Change {
            approved_by: approved_by.clone(),
        }
    } else {
        Step::End(End::Unused(wait.expire))
    }
}

/// When something was seen first.
fn seen(at: &mut Option<Time>, now: Timestamp) -> Timestamp {
    at.get_or_insert_with(|| Time(whole(now))).0
}

/// Whole seconds, as the server keeps them; up, so that no wait is shorter than it says.
fn whole(at: Timestamp) -> Timestamp {
    let up = TimestampRound::new()
        .smallest(Unit::Second)
        .mode(RoundMode::Ceil);
    at.round(up).unwrap_or(at)
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
