//! Which conditions are not as they should be. Overflowing is not among them: it is the work.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::Serialize;

/// Conditions that should be True.
const SHOULD_BE_TRUE: [&str; 2] = ["ScalingActive", "Guarded"];
/// Should be True as well, but is False on the way there.
const READY: &str = "Ready";
/// Conditions whose True asks somebody to look.
const LOOK_WHEN_TRUE: [&str; 6] = [
    "CapacityShort",
    "Contested",
    "BudgetLimited",
    "Limited",
    "Bottlenecked",
    "DrainUnsafe",
];
/// Its True needs a person.
const STALLED: &str = "Stalled";
/// Its True passes by itself.
const RECONCILING: &str = "Reconciling";

/// How much a condition asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Passes by itself.
    Passing,
    /// Works, but look at it.
    Look,
    /// Needs a person.
    Stalled,
}

/// A condition that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attention {
    /// Its type.
    #[serde(rename = "type")]
    pub type_: String,
    /// True, False or Unknown.
    pub status: String,
    /// One word.
    pub reason: String,
    /// The rest.
    pub message: String,
    /// How much it asks for.
    #[serde(skip)]
    pub weight: Weight,
}

/// Those of these conditions that are not as they should be, in their order.
pub fn attention(conditions: &[Condition]) -> Vec<Attention> {
    let is_true = |type_: &str| {
        conditions
            .iter()
            .any(|c| c.type_ == type_ && c.status == "True")
    };
    // Not Ready on the way there passes, and where it is stalled that condition says why.
    let excused = is_true(RECONCILING) || is_true(STALLED);
    let weighed = conditions
        .iter()
        .filter_map(|condition| Some((condition, weigh(condition, excused)?)));
    weighed
        .map(|(condition, weight)| Attention {
            type_: condition.type_.clone(),
            status: condition.status.clone(),
            reason: condition.reason.clone(),
            message: condition.message.clone(),
            weight,
        })
        .collect()
}

fn weigh(condition: &Condition, excused: bool) -> Option<Weight> {
    let type_ = condition.type_.as_str();
    let is_true = condition.status == "True";
    if type_ == READY {
        let weight = if excused {
            Weight::Passing
        } else {
            Weight::Look
        };
        return (!is_true).then_some(weight);
    }
    if SHOULD_BE_TRUE.contains(&type_) {
        return (!is_true).then_some(Weight::Look);
    }
    if !is_true {
        return None;
    }
    match type_ {
        STALLED => Some(Weight::Stalled),
        RECONCILING => Some(Weight::Passing),
        other => LOOK_WHEN_TRUE.contains(&other).then_some(Weight::Look),
    }
}
