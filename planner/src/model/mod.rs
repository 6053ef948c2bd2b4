//! What the planner may look at: sites with nodes, workloads with their shares there.

pub mod amounts;
pub mod budget;
pub mod by_site;
pub mod dependency;
pub mod money;
pub mod name;
pub mod price;
pub mod quota;
pub mod refusal;
pub mod schedule;
pub mod site;
pub mod sorted;
pub mod workload;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One consistent view of everything, gathered and checked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct World {
    /// Sites by name.
    pub sites: BTreeMap<site::SiteName, site::Site>,
    /// Workloads whose specs were sound. A bad one is a condition on itself and is not here.
    pub workloads: BTreeMap<workload::WorkloadId, workload::Workload>,
    /// Budgets whose specs were sound.
    #[serde(default)]
    pub budgets: BTreeMap<budget::BudgetName, budget::Budget>,
}
