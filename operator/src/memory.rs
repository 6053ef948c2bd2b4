//! What each round starts from: decisions out of status where they are to be trusted more than our
//! own, statistics always our own. Pure.

use crate::checked::Checked;
use pinisi_planner::memory::WorkloadMemory;
use pinisi_planner::{Memory, WorkloadId};
use std::collections::BTreeMap;

/// The uid under which each workload is remembered: another object of the same name starts anew.
pub type Uids = BTreeMap<WorkloadId, String>;

/// Prepares `memory` for a round. With `reread` every workload's decisions come from its status (a
/// follower decides as the leader would; a new leader as the old one); else only those of
/// workloads not remembered yet. What was spent is read back in the same way.
pub fn prepare(memory: &mut Memory, uids: &mut Uids, checked: &Checked, reread: bool) {
    if reread {
        memory.ledger.clone_from(&checked.ledger);
    }
    memory.workloads.retain(|id, _| {
        checked
            .workloads
            .get(id)
            .is_some_and(|subject| uids.get(id) == Some(&subject.uid))
    });
    for (id, subject) in &checked.workloads {
        if reread || !memory.workloads.contains_key(id) {
            let slot: &mut WorkloadMemory = memory.workloads.entry(id.clone()).or_default();
            slot.decisions = subject.decisions.clone();
        }
    }
    *uids = checked
        .workloads
        .iter()
        .map(|(id, subject)| (id.clone(), subject.uid.clone()))
        .collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use pinisi_planner::model::amounts::Replicas;

    fn total(memory: &Memory) -> Option<u32> {
        memory
            .workloads
            .get(&testing::id())?
            .decisions
            .total
            .map(Replicas::get)
    }

    fn checked(total: u32, uid: &str) -> Checked {
        let mut subject = testing::subject();
        subject.uid = uid.into();
        subject.decisions.total = Some(Replicas::new(total));
        Checked {
            workloads: [(testing::id(), subject)].into(),
            ..Checked::default()
        }
    }

    #[test]
    fn what_was_spent_is_read_back_at_a_start_and_then_kept() {
        use pinisi_planner::model::budget::BudgetName;
        let (mut memory, mut uids) = (Memory::default(), Uids::new());
        let mut read = checked(5, "a");
        read.ledger.insert(BudgetName::new("b"), vec![]);
        prepare(&mut memory, &mut uids, &read, true);
        assert_eq!(memory.ledger.len(), 1);
        prepare(&mut memory, &mut uids, &checked(5, "a"), false);
        assert_eq!(memory.ledger.len(), 1, "a leader has counted itself");
        prepare(&mut memory, &mut uids, &checked(5, "a"), true);
        assert!(memory.ledger.is_empty());
    }

    #[test]
    fn a_leader_trusts_itself_a_follower_trusts_status_and_a_namesake_is_another() {
        let (mut memory, mut uids) = (Memory::default(), Uids::new());
        prepare(&mut memory, &mut uids, &checked(5, "a"), false);
        assert_eq!(total(&memory), Some(5), "a start reads status");
        prepare(&mut memory, &mut uids, &checked(7, "a"), false);
        assert_eq!(total(&memory), Some(5), "a leader has decided itself");
        prepare(&mut memory, &mut uids, &checked(7, "a"), true);
        assert_eq!(total(&memory), Some(7));
        prepare(&mut memory, &mut uids, &checked(2, "b"), false);
        assert_eq!(total(&memory), Some(2));
        prepare(&mut memory, &mut uids, &Checked::default(), false);
        assert!(memory.workloads.is_empty());
    }
}
