//! An HPA of autoscaling/v2: everything moves as it is.

use super::load::LoadChoice;
use super::{Converted, assemble, bounds};
use crate::handover::Note;
use crate::handover::fields::{list, name, number, said};
use serde_json::{Value, json};

/// Converts.
pub fn convert(hpa: &Value, load: &LoadChoice) -> Converted {
    let object = format!("HorizontalPodAutoscaler {}", name(hpa));
    let mut notes = Vec::new();
    let min = number(hpa, "/spec/minReplicas");
    let max = number(hpa, "/spec/maxReplicas").unwrap_or(1);
    bounds(&object, "spec", min, max, &mut notes);
    let behavior = said(hpa, "/spec/behavior").cloned();
    let signal = load.load(&object, None, &mut notes);
    let own = list(hpa, "/spec/metrics");
    let metrics = if load.signal.is_some() {
        if !own.is_empty() {
            notes.push(
                Note::look(
                    &object,
                    "its metrics are not moved, --load stands in their place: the two counts will differ",
                    "leave --load out to move them as they are",
                )
                .at("spec.metrics"),
            );
        }
        vec![]
    } else if own.is_empty() {
        notes.push(
            Note::told(
                &object,
                "names no metric: the HPA's default, cpu at 80 %, is written out",
            )
            .at("spec.metrics"),
        );
        vec![json!({ "type": "Resource", "resource": {
            "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 80 },
        } })]
    } else {
        own.to_vec()
    };
    Converted {
        autoscaling: Some(assemble(min, max, signal, metrics, behavior)),
        notes,
    }
}
