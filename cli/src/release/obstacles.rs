//! What stands in the way of a release, and what to look at before it.

use super::plan::Step;
use crate::handover::fields::{list, text};
use crate::handover::{Autoscaler, Facts, Note, Workload};
use pinisi_crds::names::ADOPTION_ANNOTATION;

/// Looks.
pub fn of(facts: &Facts, steps: &[Step], force_partial: bool) -> Vec<Note> {
    let mut notes = Vec::new();
    let Some(workload) = &facts.workload else {
        return notes;
    };
    let object = workload.words();
    if let Err(why) = &workload.record {
        notes.push(
            Note::obstacle(
                &object,
                format!("what its adoption remembers cannot be read: {why}"),
                "use the version of this program that adopted it; or restore the autoscaler in the annotation by hand, take the annotation off, and release again",
            )
            .at(format!("metadata.annotations[{ADOPTION_ANNOTATION}]")),
        );
    }
    let moves = steps
        .iter()
        .any(|step| matches!(step, Step::RaiseHome { .. } | Step::EmptyAway { .. }));
    if let (Some(stalled), true) = (workload.stalled(), moves) {
        notes.push(
            Note::obstacle(
                &object,
                format!(
                    "is stalled ({}), so that nothing can come home: {}",
                    stalled.reason, stalled.message
                ),
                "mend that first",
            )
            .at("status.conditions[Stalled]"),
        );
    }
    if workload.home().is_none() && !facts.siblings.is_empty() {
        notes.push(
            Note::obstacle(
                &object,
                "names no home that its siblings could come to",
                "give it spec.placement with its home first",
            )
            .at("spec.placement"),
        );
    }
    restored(facts, workload, steps, force_partial, &mut notes);
    notes
}

fn restored(
    facts: &Facts,
    workload: &Workload,
    steps: &[Step],
    force_partial: bool,
    notes: &mut Vec<Note>,
) {
    let saved = workload
        .record()
        .and_then(|record| record.autoscaler.as_ref());
    let restores = steps
        .iter()
        .any(|step| matches!(step, Step::RestoreAutoscaler { .. }));
    let Some(saved) = saved.filter(|_| restores) else {
        let holder = facts.holder().map(Autoscaler::words);
        notes.push(Note::told(
            &facts.target.to_string(),
            match holder {
                Some(holder) => format!("{holder} holds the count"),
                None => format!(
                    "nothing was taken over from an autoscaler: the count stays at what runs, {}, and is then set by hand",
                    facts.running()
                ),
            },
        ));
        return;
    };
    let kind = text(&saved.manifest, "/kind");
    let name = text(&saved.manifest, "/metadata/name");
    let object = format!("{kind} {name}");
    let was = if kind == crate::handover::autoscaler::SCALED_OBJECT {
        Autoscaler::ScaledObject {
            object: saved.manifest.clone(),
            hpa: None,
        }
    } else {
        Autoscaler::Hpa(saved.manifest.clone())
    };
    let (min, max) = was.bounds();
    let last = steps.iter().rev().find_map(|step| match step {
        Step::RaiseHome { replicas, .. } | Step::EmptyAway { replicas, .. } => Some(*replicas),
        Step::Pause | Step::RestoreAutoscaler { .. } | Step::DeleteWorkload => None,
    });
    let runs = last.unwrap_or_else(|| facts.running());
    if let Some(max) = max.filter(|max| runs > *max) {
        let message =
            format!("allows {max} replicas at most, and {runs} run: it would shrink at once");
        notes.push(
            if force_partial {
                Note::look(&object, message, "as you said with --force-partial")
            } else {
                Note::obstacle(
                    &object,
                    message,
                    "wait until fewer are needed, or go on with --force-partial and raise it at once",
                )
            }
            .at("spec.maxReplicas"),
        );
    }
    if (min, max) != (workload.min(), workload.max()) && workload.autoscaling().is_some() {
        notes.push(Note::told(
            &object,
            format!(
                "comes back with its own bounds, {min} to {}; the workload has {} to {}",
                max.unwrap_or_default(),
                workload.min(),
                workload.max().unwrap_or_default()
            ),
        ));
    }
    if list(&saved.manifest, "/metadata/ownerReferences").is_empty()
        && !facts.autoscalers.is_empty()
    {
        let there: Vec<_> = facts.autoscalers.iter().map(Autoscaler::words).collect();
        notes.push(Note::told(
            &object,
            format!("is given back beside {}", there.join(", ")),
        ));
    }
}
