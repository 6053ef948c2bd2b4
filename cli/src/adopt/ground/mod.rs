//! Whether the ground holds for a workload of this class: its namespace, the Sites, the target, and
//! whoever scales it now. Pure; each finding is a note with the way out.

mod namespace;
mod sites;
mod target;
#[cfg(test)]
mod tests;

use crate::handover::{Facts, Note};
use crate::snapshot::{NodeFact, Seen};
use pinisi_crds::Site;
use pinisi_crds::hybrid_workload::Class;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The class.
    pub class: Class,
    /// Where the target itself runs; `None` lets it be found.
    pub home: Option<String>,
    /// Where to go on when home is full, in order.
    pub overflow: Vec<String>,
    /// The namespace's label may be set.
    pub label_namespace: bool,
}

/// What the whole cluster says.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Every Site.
    pub sites: Seen<Vec<Site>>,
    /// Every node.
    pub nodes: Seen<Vec<NodeFact>>,
}

/// What comes of looking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Sites in order, home first; empty where none has to be named.
    pub sites: Vec<String>,
    /// True where the namespace's label is to be set first.
    pub label: bool,
    /// What was found.
    pub notes: Vec<Note>,
}

/// Looks at everything.
pub fn judge(facts: &Facts, ground: &Ground, wish: &Wish) -> Judged {
    let mut judged = Judged::default();
    judged.label = namespace::judge(facts, wish, &mut judged.notes);
    judged.sites = sites::judge(facts, ground, wish, &mut judged.notes);
    target::judge(facts, ground, &judged.sites, &mut judged.notes);
    judged
}
