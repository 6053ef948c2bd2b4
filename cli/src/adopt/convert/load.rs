//! A load signal in place of an autoscaler's own metrics: `--load SOURCE/QUERY --per-replica N`.

use crate::handover::Note;
use serde_json::{Value, json};
use std::str::FromStr;

/// The signal to follow, where one was named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadChoice {
    /// Source and query.
    pub signal: Option<SignalName>,
    /// What one replica serves, as a quantity.
    pub per_replica: Option<String>,
}

/// `SOURCE/QUERY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalName {
    /// Name of the SignalSource.
    pub source: String,
    /// Name of the query in it.
    pub query: String,
}

impl FromStr for SignalName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((source, query))
                if !source.is_empty() && !query.is_empty() && !query.contains('/') =>
            {
                Ok(Self {
                    source: source.to_owned(),
                    query: query.to_owned(),
                })
            }
            Some(_) | None => Err(format!(
                "{text:?} is no signal: name it as SOURCE/QUERY, see kubectl pinisi status"
            )),
        }
    }
}

impl LoadChoice {
    /// `spec.autoscaling.load`. `threshold` is what the autoscaler itself holds one replica to, for
    /// where nothing else is said.
    pub fn load(
        &self,
        object: &str,
        threshold: Option<&str>,
        notes: &mut Vec<Note>,
    ) -> Option<Value> {
        let SignalName { source, query } = self.signal.as_ref()?;
        let Some(per_replica) = self.per_replica.as_deref().or(threshold) else {
            notes.push(Note::obstacle(
                object,
                format!("--load {source}/{query} does not say what one replica serves"),
                "add --per-replica QUANTITY, the load in the signal's unit that one replica serves well, for example 100 or 500m",
            ));
            return None;
        };
        let mut load =
            json!({ "signal": { "source": source, "query": query }, "perReplica": per_replica });
        if self.per_replica.is_none() {
            // A trigger's threshold has its headroom in it.
            load["headroomPercent"] = json!(0);
        }
        Some(load)
    }
}
