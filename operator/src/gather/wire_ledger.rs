//! The ledger of what was spent, as it stands in its ConfigMap. No other ConfigMap is watched.

use super::facts::LedgerFacts;
use super::meta::lean;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Resource, api::ObjectMeta};
use pinisi_crds::names::LEDGER_KEY;
use pinisi_planner::budget::ledger::Ledger;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The ConfigMap.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = ConfigMap)]
pub struct LedgerWire {
    /// Metadata.
    #[serde(deserialize_with = "lean")]
    pub metadata: ObjectMeta,
    data: Option<BTreeMap<String, String>>,
}

impl From<LedgerWire> for LedgerFacts {
    fn from(w: LedgerWire) -> Self {
        let text = w.data.and_then(|mut data| data.remove(LEDGER_KEY));
        let ledger = match text {
            None => Ok(Ledger::new()),
            Some(text) => serde_json::from_str(&text).map_err(|e| e.to_string()),
        };
        Self {
            name: w.metadata.name.unwrap_or_default(),
            ledger,
        }
    }
}
