//! A ScaledObject of KEDA. What its HPA does between 1 and the most moves; what KEDA does besides
//! (to and from 0, fallback) is named with the way out.

use super::load::LoadChoice;
use super::trigger::Trigger;
use super::{Converted, assemble, bounds};
use crate::handover::Note;
use crate::handover::autoscaler::{KEDA_MAX_DEFAULT, SCALED_OBJECT, is_paused};
use crate::handover::fields::{list, name, number, said, text};
use serde_json::Value;

/// Converts.
pub fn convert(
    namespace: &str,
    scaled_object: &Value,
    hpa: Option<&Value>,
    load: &LoadChoice,
) -> Converted {
    let object = format!("{SCALED_OBJECT} {}", name(scaled_object));
    let mut notes = Vec::new();
    let fewest = number(scaled_object, "/spec/minReplicaCount").unwrap_or(0);
    let max = number(scaled_object, "/spec/maxReplicaCount").unwrap_or(KEDA_MAX_DEFAULT);
    let min = fewest.max(1);
    bounds(&object, "spec.minReplicaCount", Some(min), max, &mut notes);
    let behavior = said(
        scaled_object,
        "/spec/advanced/horizontalPodAutoscalerConfig/behavior",
    )
    .cloned();

    let workload = text(scaled_object, "/spec/scaleTargetRef/name");
    let triggers: Vec<_> = list(scaled_object, "/spec/triggers")
        .iter()
        .enumerate()
        .map(|(index, trigger)| Trigger {
            owner: scaled_object,
            index,
            trigger,
            hpa,
        })
        .collect();
    let mut metrics = Vec::new();
    for trigger in triggers.iter().filter(|trigger| trigger.is_resource()) {
        metrics.extend(trigger.resource_metric(&mut notes));
    }
    let others: Vec<_> = triggers
        .iter()
        .filter(|trigger| !trigger.is_resource())
        .collect();
    let threshold = match others.as_slice() {
        [one] => one.threshold(),
        _ => None,
    };
    let signal = load.load(&object, threshold, &mut notes);
    if load.signal.is_some() {
        for trigger in &others {
            notes.push(
                Note::look(
                    &object,
                    format!(
                        "the {} trigger is not moved, --load stands in its place",
                        trigger.kind()
                    ),
                    "leave --load out to go on asking KEDA's adapter for it",
                )
                .at(trigger.field("")),
            );
        }
    } else if let Some(composite) = composite(scaled_object, hpa, &object, &mut notes) {
        metrics.push(composite);
    } else {
        for trigger in &others {
            let Some(metric) = trigger.external_metric(&mut notes) else {
                continue;
            };
            metrics.push(metric);
            notes.push(
                Note::look(
                    &object,
                    format!(
                        "the {} trigger is asked of KEDA's adapter as before: KEDA and this ScaledObject, paused, must stay",
                        trigger.kind()
                    ),
                    trigger.without_keda(namespace, workload),
                )
                .at(trigger.field("")),
            );
        }
    }
    if triggers.is_empty() {
        notes.push(
            Note::obstacle(&object, "has no trigger", "give it one, or delete it")
                .at("spec.triggers"),
        );
    }
    zero(scaled_object, fewest, &triggers, &object, &mut notes);
    besides(scaled_object, &object, &mut notes);
    Converted {
        autoscaling: Some(assemble(Some(min), max, signal, metrics, behavior)),
        notes,
    }
}

/// The one metric that a formula makes of all others, as KEDA's HPA asks for it.
fn composite(
    scaled_object: &Value,
    hpa: Option<&Value>,
    object: &str,
    notes: &mut Vec<Note>,
) -> Option<Value> {
    let at = "/spec/advanced/scalingModifiers";
    let formula = text(scaled_object, &format!("{at}/formula"));
    if formula.is_empty() {
        return None;
    }
    let metrics = hpa
        .map(|hpa| list(hpa, "/spec/metrics"))
        .unwrap_or_default();
    let found = metrics
        .iter()
        .find(|metric| text(metric, "/external/metric/name") == "composite-metric");
    match found {
        Some(metric) => {
            notes.push(
                Note::look(
                    object,
                    "the formula is computed by KEDA as before: KEDA and this ScaledObject, paused, must stay",
                    "to do without KEDA ask whoever runs the platform for a SignalSource with that formula as a query, then adopt with --load SOURCE/QUERY --per-replica N",
                )
                .at("spec.advanced.scalingModifiers"),
            );
            Some(metric.clone())
        }
        None => {
            notes.push(
                Note::obstacle(
                    object,
                    "what the formula gives cannot be told: KEDA has no HPA for it now",
                    "wait until it is Ready and not paused, or follow a signal with --load SOURCE/QUERY --per-replica N",
                )
                .at("spec.advanced.scalingModifiers"),
            );
            None
        }
    }
}

/// Everything about 0 replicas, which KEDA does by itself.
fn zero(
    scaled_object: &Value,
    fewest: i32,
    triggers: &[Trigger<'_>],
    object: &str,
    notes: &mut Vec<Note>,
) {
    if fewest == 0 {
        notes.push(
            Note::lost(
                object,
                "KEDA goes to 0 while no trigger is active; Pinisi keeps 1",
                "leave this one to KEDA if 0 matters more than overflow",
            )
            .at("spec.minReplicaCount"),
        );
    }
    if let Some(idle) = number(scaled_object, "/spec/idleReplicaCount") {
        notes.push(
            Note::lost(
                object,
                format!("KEDA goes to {idle} while no trigger is active; Pinisi keeps the fewest"),
                "set spec.minReplicaCount to what should run at night, before adopting",
            )
            .at("spec.idleReplicaCount"),
        );
    }
    let activations = triggers.iter().flat_map(Trigger::activations);
    for field in activations {
        notes.push(
            Note::told(
                object,
                "only decides between 0 and 1 replicas, and is not moved",
            )
            .at(field),
        );
    }
    for field in ["cooldownPeriod", "initialCooldownPeriod"] {
        if said(scaled_object, &format!("/spec/{field}")).is_some() {
            notes.push(
                Note::told(object, "only decides when to go to 0, and is not moved")
                    .at(format!("spec.{field}")),
            );
        }
    }
}

/// What KEDA does besides scaling by metrics.
fn besides(scaled_object: &Value, object: &str, notes: &mut Vec<Note>) {
    if said(scaled_object, "/spec/fallback").is_some() {
        notes.push(
            Note::lost(
                object,
                "a count for when a trigger fails: Pinisi shrinks nothing while its metrics are lost, and grows nothing by them",
                "in an incident set spec.override.total of the HybridWorkload",
            )
            .at("spec.fallback"),
        );
    }
    if said(scaled_object, "/spec/pollingInterval").is_some() {
        notes.push(
            Note::told(
                object,
                "metrics are asked every 15 s, as an HPA does; not moved",
            )
            .at("spec.pollingInterval"),
        );
    }
    if said(
        scaled_object,
        "/spec/advanced/restoreToOriginalReplicaCount",
    )
    .is_some_and(|value| value == &Value::Bool(true))
    {
        notes.push(
            Note::look(
                object,
                "its deletion would put the count back to what ran before KEDA",
                "finish pauses it and does not delete it; take the field out before you delete it yourself",
            )
            .at("spec.advanced.restoreToOriginalReplicaCount"),
        );
    }
    if is_paused(scaled_object) {
        notes.push(Note::look(
            object,
            "is paused already: KEDA leaves the count alone, so there is nothing to compare with",
            "take the annotations autoscaling.keda.sh/paused and paused-replicas off to compare first",
        ));
    }
}
