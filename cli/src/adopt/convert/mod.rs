//! From an autoscaler to `spec.autoscaling`: what moves as it is, and a note for each thing that
//! does not. Pure. Not here: where replicas may run.

mod hpa;
mod keda;
mod load;
#[cfg(test)]
mod tests;
mod trigger;

pub use load::{LoadChoice, SignalName};
pub use trigger::OWNER_LABEL;

use crate::handover::{Autoscaler, Note};
use serde_json::{Map, Value};

/// Most replicas that a HybridWorkload may say.
const REPLICAS_MAX: i32 = 100_000;

/// What an autoscaler becomes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Converted {
    /// `spec.autoscaling`; `None` where the count is set by hand.
    pub autoscaling: Option<Value>,
    /// What was not moved, and why.
    pub notes: Vec<Note>,
}

/// Converts. `load` stands for a SignalSource that is followed in place of the autoscaler's own
/// metrics.
pub fn convert(namespace: &str, autoscaler: &Autoscaler, load: &LoadChoice) -> Converted {
    match autoscaler {
        Autoscaler::Hpa(object) => hpa::convert(object, load),
        Autoscaler::ScaledObject { object, hpa } => {
            keda::convert(namespace, object, hpa.as_ref(), load)
        }
    }
}

/// Puts the parts in the order in which people read them.
fn assemble(
    min: Option<i32>,
    max: i32,
    load: Option<Value>,
    metrics: Vec<Value>,
    behavior: Option<Value>,
) -> Value {
    let mut all = Map::new();
    if let Some(min) = min {
        all.insert("minReplicas".into(), min.into());
    }
    all.insert("maxReplicas".into(), max.into());
    if let Some(load) = load {
        all.insert("load".into(), load);
    }
    if !metrics.is_empty() {
        all.insert("metrics".into(), metrics.into());
    }
    if let Some(behavior) = behavior {
        all.insert("behavior".into(), behavior);
    }
    Value::Object(all)
}

/// Bounds that the definitions refuse.
fn bounds(object: &str, field: &str, min: Option<i32>, max: i32, notes: &mut Vec<Note>) {
    if !(1..=REPLICAS_MAX).contains(&max) || min.is_some_and(|min| !(0..=max).contains(&min)) {
        let said = min.map_or_else(|| "none".to_owned(), |min| min.to_string());
        notes.push(
            Note::obstacle(
                object,
                format!("bounds of {said} to {max} replicas cannot be moved"),
                format!("set them within 0 and {REPLICAS_MAX}, the fewest not above the most"),
            )
            .at(field),
        );
    }
}
