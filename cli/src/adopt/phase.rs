//! Where an adoption stands, read off the objects themselves and not off what was once done.

use crate::handover::{Facts, Note};
use pinisi_crds::hybrid_workload::Mode;
use serde::Serialize;

/// Where an adoption stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Phase {
    /// There is no HybridWorkload.
    NotAdopted,
    /// Pinisi says what it would do; somebody else holds the count.
    Observing,
    /// Between the two.
    TakingOver,
    /// Pinisi holds the count; the floor still stands.
    HoldingFloor,
    /// Pinisi holds the count.
    Adopted,
    /// A person paused it.
    Paused,
    /// On its way back.
    Releasing,
}

impl Phase {
    /// Reads it.
    pub fn of(facts: &Facts) -> Self {
        let Some(workload) = &facts.workload else {
            return Self::NotAdopted;
        };
        let record = workload.record();
        if workload.deleting() || record.is_some_and(|record| record.releasing_since.is_some()) {
            return Self::Releasing;
        }
        match workload.mode() {
            Mode::Observe => Self::Observing,
            Mode::Paused => Self::Paused,
            Mode::Active => match record {
                _ if facts.holder().is_some() => Self::TakingOver,
                None => Self::Adopted,
                Some(record) if record.held_since.is_none() && record.finished_at.is_none() => {
                    Self::TakingOver
                }
                Some(record) if record.floor.is_some() => Self::HoldingFloor,
                Some(_) => Self::Adopted,
            },
        }
    }

    /// What it means and what comes next, in words.
    pub fn words(self, facts: &Facts) -> String {
        let target = format!("{}/{}", facts.target.kind.short(), facts.target.name);
        let at = format!("--namespace {}", facts.namespace);
        let name = facts.workload.as_ref().map_or("", |found| found.name());
        match self {
            Self::NotAdopted => format!(
                "not adopted; begin with: kubectl pinisi adopt {target} --class MassTraffic --home SITE {at}"
            ),
            Self::Observing => format!(
                "HybridWorkload {name} observes and writes nothing; compare with: kubectl pinisi adopt status {target} {at} --watch; take over with: kubectl pinisi adopt finish {target} {at}"
            ),
            Self::TakingOver => format!(
                "the take-over is under way; resume with: kubectl pinisi adopt finish {target} {at}; go back with: kubectl pinisi release hw/{name} {at}"
            ),
            Self::HoldingFloor => format!(
                "Pinisi holds the count, with a floor from the take-over; lower it with: kubectl pinisi adopt finish {target} {at}"
            ),
            Self::Adopted => format!(
                "Pinisi holds the count; give it back with: kubectl pinisi release hw/{name} {at}"
            ),
            Self::Paused => format!(
                "HybridWorkload {name} is Paused and holds every count where it is; go on with: kubectl patch hw {name} {at} --type merge -p '{{\"spec\":{{\"mode\":\"Observe\"}}}}'"
            ),
            Self::Releasing => format!(
                "the release is under way; resume with: kubectl pinisi release hw/{name} {at}"
            ),
        }
    }
}

/// What forbids to work with a workload at all.
pub fn readable(facts: &Facts, notes: &mut Vec<Note>) {
    let Some(workload) = &facts.workload else {
        return;
    };
    if let Err(why) = &workload.record {
        notes.push(
            Note::obstacle(
                &workload.words(),
                format!("what its adoption remembers cannot be read: {why}"),
                "use the version of this program that adopted it; or take the annotation off by hand, and restore the autoscaler that it holds yourself",
            )
            .at(format!("metadata.annotations[{}]", pinisi_crds::names::ADOPTION_ANNOTATION)),
        );
    }
}
