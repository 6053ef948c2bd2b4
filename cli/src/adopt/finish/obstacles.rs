//! What stands in the way of a take-over, and what to look at before it.

use super::plan::Step;
use crate::adopt::convert::OWNER_LABEL;
use crate::adopt::phase::readable;
use crate::handover::fields::{said, text};
use crate::handover::record::Taken;
use crate::handover::{Autoscaler, Facts, Note, Workload, owners};
use pinisi_crds::hybrid_workload::Mode;
use serde_json::Value;

/// Looks. Where nothing is left to do nothing is in the way.
pub fn of(facts: &Facts, steps: &[Step], delete_scaled_object: bool) -> Vec<Note> {
    let mut notes = Vec::new();
    readable(facts, &mut notes);
    let Some(workload) = &facts.workload else {
        return notes;
    };
    if steps.is_empty() {
        return notes;
    }
    let object = workload.words();
    if workload.deleting()
        || workload
            .record()
            .is_some_and(|r| r.releasing_since.is_some())
    {
        notes.push(Note::obstacle(
            &object,
            "is being released",
            format!("go on with kubectl pinisi release hw/{}", workload.name()),
        ));
    }
    target(facts, &mut notes);
    match workload.mode() {
        Mode::Paused => notes.push(
            Note::obstacle(
                &object,
                "is Paused: somebody wants every count to stay where it is",
                format!(
                    "kubectl patch hw {} --namespace {} --type merge -p '{{\"spec\":{{\"mode\":\"Observe\"}}}}'",
                    workload.name(),
                    facts.namespace
                ),
            )
            .at("spec.mode"),
        ),
        Mode::Observe => sound(workload, &object, &mut notes),
        Mode::Active => {}
    }
    if let Some(stalled) = workload.stalled() {
        notes.push(
            Note::obstacle(
                &object,
                format!("is stalled ({}): {}", stalled.reason, stalled.message),
                format!(
                    "mend that first, see kubectl describe hw {}",
                    workload.name()
                ),
            )
            .at("status.conditions[Stalled]"),
        );
    }
    bounds(facts, workload, &object, &mut notes);
    autoscalers(facts, workload, delete_scaled_object, &mut notes);
    notes
}

fn target(facts: &Facts, notes: &mut Vec<Note>) {
    let object = facts.target.to_string();
    match &facts.scalable {
        None => notes.push(Note::obstacle(
            &object,
            format!("does not exist in namespace {}", facts.namespace),
            "create it first",
        )),
        Some(found) if found.deleting() => {
            notes.push(Note::obstacle(
                &object,
                "is being deleted",
                "create it anew first",
            ));
        }
        Some(_) => {}
    }
}

/// Before it becomes Active the operator must have looked, and must have figures to go by.
fn sound(workload: &Workload, object: &str, notes: &mut Vec<Note>) {
    if !workload.observed() {
        notes.push(
            Note::obstacle(
                object,
                "the operator has not looked at it yet",
                "is it running? kubectl pinisi check; else wait a second and try again",
            )
            .at("status.observedGeneration"),
        );
    }
    if let Some(scaling) = workload
        .condition("ScalingActive")
        .filter(|scaling| scaling.status == "False")
    {
        notes.push(
            Note::obstacle(
                object,
                format!(
                    "has no figures to go by ({}): {}",
                    scaling.reason, scaling.message
                ),
                "mend the metrics first: without them it would hold what runs, and not grow",
            )
            .at("status.conditions[ScalingActive]"),
        );
    }
    for kind in ["CapacityShort", "DrainUnsafe", "Bottlenecked"] {
        if let Some(found) = workload
            .condition(kind)
            .filter(|found| found.status == "True")
        {
            notes.push(
                Note::look(
                    object,
                    format!("says {kind}: {}", found.message),
                    "it will say so when it is Active as well",
                )
                .at(format!("status.conditions[{kind}]")),
            );
        }
    }
}

fn bounds(facts: &Facts, workload: &Workload, object: &str, notes: &mut Vec<Note>) {
    let running = facts.running();
    if let Some(max) = workload.max().filter(|max| running > *max) {
        notes.push(
            Note::obstacle(
                object,
                format!(
                    "allows {max} replicas at most, and {running} run: taking over would shrink"
                ),
                format!("raise it to {running} or more, or wait until fewer run"),
            )
            .at("spec.autoscaling.maxReplicas"),
        );
    }
    let Some(holder) = facts.holder().filter(|_| workload.autoscaling().is_some()) else {
        return;
    };
    let (min, max) = holder.bounds();
    let min_now = workload
        .record()
        .and_then(|record| record.floor)
        .map_or(workload.min(), |floor| floor.min_before.unwrap_or(1));
    if min != min_now || max != workload.max() {
        let max_words = |max: Option<i32>| max.map_or_else(|| "?".into(), |max| max.to_string());
        notes.push(
            Note::look(
                object,
                format!(
                    "has bounds {min_now} to {}, {} has {min} to {}",
                    max_words(workload.max()),
                    holder.words(),
                    max_words(max)
                ),
                "make them the same if that is not meant",
            )
            .at("spec.autoscaling"),
        );
    }
}

fn autoscalers(
    facts: &Facts,
    workload: &Workload,
    delete_scaled_object: bool,
    notes: &mut Vec<Note>,
) {
    let names: Vec<_> = facts.autoscalers.iter().map(Autoscaler::words).collect();
    if names.len() > 1 {
        notes.push(Note::obstacle(
            &facts.target.to_string(),
            format!("is scaled by several: {}", names.join(", ")),
            "delete all but one: only one can be given back later",
        ));
    }
    if let Some(why) = &facts.keda_unreadable {
        notes.push(Note::look(
            "ScaledObjects",
            format!("cannot be looked at: {why}"),
            "make sure that none of them scales this target",
        ));
    }
    let Some(holder) = facts.holder() else { return };
    let object = holder.words();
    if let Some(owner) = holder.made_by() {
        notes.push(
            Note::obstacle(
                &object,
                format!("was made by {owner}, which would make it again"),
                format!("switch autoscaling off in {owner}"),
            )
            .at("metadata.ownerReferences"),
        );
    }
    if let Some(who) = owners::comes_back(&holder.meta()) {
        notes.push(Note::look(
            &object,
            format!("comes from {who}, which puts it there again"),
            format!("take it out of {who}'s source, or exclude it there, right after this. If it comes back meanwhile, Pinisi sees it, says Contested and leaves the count to it"),
        ));
    }
    if holder.way(delete_scaled_object) == Taken::Deleted
        && let Autoscaler::ScaledObject { object: found, .. } = holder
    {
        deleted(found, workload, &object, notes);
    }
}

/// What the deletion of a ScaledObject would do besides.
fn deleted(found: &Value, workload: &Workload, object: &str, notes: &mut Vec<Note>) {
    let restores = "/spec/advanced/restoreToOriginalReplicaCount";
    if said(found, restores) == Some(&Value::Bool(true)) {
        notes.push(
            Note::obstacle(
                object,
                "its deletion would put the count back to what ran before KEDA",
                "leave --delete-scaledobject out, or set the field to false first",
            )
            .at("spec.advanced.restoreToOriginalReplicaCount"),
        );
    }
    let name = text(found, "/metadata/name");
    let metrics = workload.autoscaling().and_then(|all| all.get("metrics"));
    let metrics = metrics.and_then(Value::as_array);
    let needs = metrics.into_iter().flatten().any(|metric| {
        let labels = metric.pointer("/external/metric/selector/matchLabels");
        labels.and_then(|labels| labels.get(OWNER_LABEL)) == Some(&Value::from(name))
    });
    if needs {
        notes.push(
            Note::obstacle(
                object,
                "KEDA's adapter serves this workload's metrics only while it exists",
                "leave --delete-scaledobject out: paused it is enough",
            )
            .at("spec.triggers"),
        );
    }
}
