//! What a case is: an id that keeps its meaning, a level, and how it is tried. Plain data; the cases
//! themselves are in `cases/`.

use super::attempt::Attempt;
use super::copies::Copied;
use super::ground::Ground;
use super::outcome::Skip;
use clap::ValueEnum;
use serde::Serialize;

/// How much a cluster is held to. Each level holds the ones before it.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Pods stay on sovereign nodes, in one cluster.
    Bronze,
    /// And their data and traffic.
    Silver,
    /// And across clusters, people and time.
    Gold,
}

impl Level {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::Bronze, Self::Silver, Self::Gold];

    /// As it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Bronze => "bronze",
            Self::Silver => "silver",
            Self::Gold => "gold",
        }
    }
}

/// One case. Its id never changes its meaning.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// S01 to S50 as the catalogue has them, P01 and up for rules that it has no case for.
    pub id: &'static str,
    /// The lowest level that it belongs to.
    pub level: Level,
    /// The ways around (B01 and up) that it tries.
    pub bypasses: &'static [&'static str],
    /// What must not be possible.
    pub title: &'static str,
    /// How it is tried.
    pub way: Way,
}

/// How a case is tried.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// Requests that admission judges, each with what must become of it.
    Requests(fn(&Ground) -> Vec<Attempt>),
    /// What stands in the cluster is looked at; nothing is asked for.
    Look(fn(&Ground) -> Result<Vec<Sight>, Skip>),
    /// What the canary holds is looked for in the other cluster.
    Copies(Copied),
    /// These cases once more, while no operator leads.
    WithoutOperator(&'static [&'static str]),
    /// It cannot be tried by requests alone.
    Not(Skip),
}

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// The rule that it belongs to.
    pub rule: String,
    /// What must be so.
    pub name: String,
    /// What was seen: as it must be, or not.
    pub seen: Result<String, String>,
}
