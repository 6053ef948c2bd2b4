//! What `hpa-oracle` answers: the planner's HPA, asked by what is described in the README.

mod answer;
mod case;

use serde_json::Value;

/// The answer to one line; a line that is no case has one too.
pub fn answer(line: &str) -> Value {
    crate::to(line, answer::to)
}
