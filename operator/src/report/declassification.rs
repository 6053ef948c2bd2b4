//! What is said of a Declassification: its status, and the Event where its step is another one. Pure.

use super::conditions::Said;
use super::events::Note;
use super::stable;
use crate::check::declassification::{End, Refusal, Step, next};
use crate::checked::DeclassificationSubject;
use crate::gather::facts::ObjectKey;
use jiff::{Timestamp, Unit};
use pinisi_crds::DeclassificationStatus;
use pinisi_crds::names::{CLASS_MASS_TRAFFIC, CLASS_SENSITIVE};

/// Its status, but for the approval, which is not the operator's to write; and its step.
#[must_use]
pub fn status(
    key: &ObjectKey,
    subject: &DeclassificationSubject,
    old: &DeclassificationStatus,
    now: Timestamp,
) -> (Step, DeclassificationStatus) {
    let (step, mut status) = next(subject, old, now);
    if let Some((state, text)) = words(key, subject, &step) {
        let (ready, reconciling, stalled) = match state {
            State::Done => (true, false, false),
            State::Waits => (false, true, false),
            State::Stuck => (false, false, true),
        };
        let said = [
            ("Ready", ready),
            ("Reconciling", reconciling),
            ("Stalled", stalled),
        ]
        .map(|(kind, holds)| Said::new(kind, holds, step.word(), text.clone()));
        status.conditions =
            stable::conditions(&old.conditions, said.into(), subject.generation, true, now);
    }
    (step, status)
}

/// The Event, where the step is another one than was said.
#[must_use]
pub fn turned(
    step: &Step,
    old: &DeclassificationStatus,
    new: &DeclassificationStatus,
) -> Option<Note> {
    let ready = |status: &DeclassificationStatus| {
        let found = status.conditions.iter().find(|c| c.type_ == "Ready")?;
        Some((found.reason.clone(), found.message.clone()))
    };
    let (reason, text) = ready(new)?;
    if ready(old).is_some_and(|(before, _)| before == reason) {
        return None;
    }
    Some(Note {
        // That something Sensitive may leave is no ordinary thing, whoever agreed.
        warning: matches!(step, Step::Cooling { .. } | Step::End(_)),
        reason: step.word(),
        text,
    })
}

enum State {
    Done,
    Waits,
    Stuck,
}

/// Nothing of what was over before: that stands as it was said.
fn words(
    key: &ObjectKey,
    subject: &DeclassificationSubject,
    step: &Step,
) -> Option<(State, String)> {
    let ObjectKey { namespace, name } = key;
    let asked_by = subject.requested_by.as_deref().unwrap_or("somebody");
    Some(match step {
        Step::Waiting { until } => (
            State::Waits,
            format!(
                "{asked_by} asks that namespace {namespace} become {CLASS_MASS_TRAFFIC}, which it does {:#} after an approval; until {} another person may approve: kubectl pinisi declassify approve {name} -n {namespace}",
                subject.wait.cool_down,
                time(*until)
            ),
        ),
        Step::Cooling { approved_by, until } => (
            State::Waits,
            format!(
                "asked by {asked_by}, approved by {approved_by}: namespace {namespace} becomes {CLASS_MASS_TRAFFIC} at {}; delete this Declassification to cancel",
                time(*until)
            ),
        ),
        Step::Change { approved_by } => (
            State::Waits,
            format!(
                "asked by {asked_by}, approved by {approved_by}: the class of namespace {namespace} is being changed"
            ),
        ),
        Step::End(End::Changed) => (
            State::Done,
            format!(
                "namespace {namespace} is {CLASS_MASS_TRAFFIC}; its HybridWorkloads keep class {CLASS_SENSITIVE} and their places: delete them (their targets go on running) and make them anew as {CLASS_MASS_TRAFFIC}. Change the label in Git too, where the namespace comes from there"
            ),
        ),
        Step::End(End::Unapproved(after)) => (
            State::Stuck,
            format!("nobody approved it in {}s: make another", after.as_secs()),
        ),
        Step::End(End::Unused(after)) => (
            State::Stuck,
            format!(
                "it was not used in {}s after its cool-down, as no operator could: make another",
                after.as_secs()
            ),
        ),
        Step::End(End::Refused(refusal)) => (State::Stuck, refused(refusal)),
        Step::Over(_) => return None,
    })
}

fn refused(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Unreadable(error) => {
            format!("spec cannot be read ({error}): make another")
        }
        Refusal::AskedByNobody(user) => {
            format!("spec.requestedBy: {user} is no person: one must ask for it")
        }
        Refusal::ApprovedByNobody(user) => {
            format!(
                "status.approval.approvedBy: {user} is no person: make another, for one to approve"
            )
        }
        Refusal::OnePerson(user) => format!(
            "{user} asked for it and approved it: it takes two persons; make another, and see with kubectl pinisi check why the guard let this pass"
        ),
        Refusal::NotSensitive(class) => {
            let class = match class.as_str() {
                "" => "without a class",
                class => class,
            };
            format!(
                "the namespace is {class} and not {CLASS_SENSITIVE}: there is nothing to change"
            )
        }
    }
}

fn time(at: Timestamp) -> Timestamp {
    at.round(Unit::Second).unwrap_or(at)
}
