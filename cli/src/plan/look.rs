//! One look at an index: the operator's own check, and the planner over it. Nothing is kept.

use super::args::SaidLoad;
use super::assume::{Loads, other_clusters};
use jiff::Timestamp;
use pinisi_operator::check::check;
use pinisi_operator::checked::Checked;
use pinisi_operator::gather::index::Index;
use pinisi_operator::memory::{Uids, prepare};
use pinisi_operator::refusals::Refusals;
use pinisi_planner::{Memory, Plan, plan};

/// What was seen and what would be decided.
#[derive(Debug)]
pub struct Look {
    /// As check has it.
    pub checked: Checked,
    /// The first plan on it.
    pub plan: Plan,
    /// What was taken for granted.
    pub assumptions: Vec<String>,
}

/// Looks once.
pub fn look(index: &mut Index, said: &[SaidLoad], offline: bool, now: Timestamp) -> Look {
    let mut loads = Loads::default();
    loads.fill(index, said, now);
    let mut checked = check(index, &Refusals::default(), now);
    let mut memory = Memory::default();
    prepare(&mut memory, &mut Uids::new(), &checked, true);
    let mut assumptions = loads.assumptions(&checked.world);
    assumptions.extend(loads.settle(&mut checked.world, &mut memory, now));
    assumptions.extend(other_clusters(&mut checked, offline));
    let plan = plan(&checked.world, &memory, now);
    Look {
        checked,
        plan,
        assumptions,
    }
}
