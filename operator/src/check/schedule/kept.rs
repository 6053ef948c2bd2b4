//! Schedules worked out before: a plan is made each second, and its windows change once a day. What
//! is kept is never another than what would be worked out anew.

use super::{Expanded, KEPT_FOR};
use crate::gather::facts::ObjectKey;
use jiff::Timestamp;
use parking_lot::Mutex;
use pinisi_crds::hybrid_workload::Autoscaling;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Schedules worked out before, by workload.
#[derive(Debug, Default)]
pub struct Kept(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    rows: BTreeMap<ObjectKey, Row>,
    swept: Timestamp,
}

#[derive(Debug)]
struct Row {
    of: Autoscaling,
    at: Timestamp,
    expanded: Arc<Expanded>,
}

impl Kept {
    /// What `work_out` gives, or gave a while ago for the same spec.
    pub fn get(
        &self,
        key: &ObjectKey,
        of: &Autoscaling,
        now: Timestamp,
        work_out: impl FnOnce() -> Expanded,
    ) -> Arc<Expanded> {
        // A clock that ran backwards makes no row last longer.
        let fresh = |at: Timestamp| at <= now && now.duration_since(at) < KEPT_FOR;
        let mut table = self.0.lock();
        if let Some(row) = table.rows.get(key)
            && fresh(row.at)
            && row.of == *of
        {
            return Arc::clone(&row.expanded);
        }
        // Rows of workloads that are gone go with the others of their hour.
        if !fresh(table.swept) {
            table.rows.retain(|_, row| fresh(row.at));
            table.swept = now;
        }
        let expanded = Arc::new(work_out());
        let row = Row {
            of: of.clone(),
            at: now,
            expanded: Arc::clone(&expanded),
        };
        table.rows.insert(key.clone(), row);
        expanded
    }
}
