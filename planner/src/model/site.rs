//! Sites and their nodes, and the type that keeps Sensitive workloads on lawful ones.

use super::amounts::{Percent, Resources};
use super::name::same;
use super::price::Price;
use super::quota::QuotaRoom;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::hash::{Hash, Hasher};
use std::{borrow::Borrow, cmp::Ordering, collections::BTreeMap, fmt, sync::Arc};

/// Name of a Site. Cheap to clone.
#[derive(Clone, Debug, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SiteName(Arc<str>);

// As the text's own. The same name mostly is the same text in memory, which is told sooner.
impl PartialEq for SiteName {
    fn eq(&self, other: &Self) -> bool {
        same(&self.0, &other.0)
    }
}

impl Hash for SiteName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Ord for SiteName {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) {
            return Ordering::Equal;
        }
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for SiteName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl SiteName {
    /// A name as the API has it.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the text stands in memory: equal for clones of one name.
    pub(crate) fn address(&self) -> usize {
        self.0.as_ptr().addr()
    }
}

impl Borrow<str> for SiteName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SiteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Kind of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SiteKind {
    /// Sovereign ground.
    OnPrem,
    /// A provider's ground.
    Cloud,
    /// A small place near its users; not sovereign until a policy says so.
    Edge,
}

/// Whether a site answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reach {
    /// It does, or it is made of the hub's own nodes.
    #[default]
    Reachable,
    /// It does not. What is known of it is as it was last seen, and nothing is written there.
    Unreachable {
        /// Since when.
        since: Timestamp,
    },
}

/// A place to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Site {
    /// Kind of place.
    pub kind: SiteKind,
    /// Above this share of the nodes' allocatable resources mass traffic goes on to later tiers.
    pub high: Percent,
    /// Replicas come back only while the site's use is below this share.
    pub low: Percent,
    /// Room that mass traffic leaves free for the growth of Sensitive workloads, beside what they
    /// hold already.
    pub reserve: Resources,
    /// The most that Pinisi's workloads may request here in all, where there is such a limit.
    pub max: Option<Resources>,
    /// False stalls new placement (a node in two Sites, no nodes). What runs goes on running.
    pub open: bool,
    /// Whether it answers.
    #[serde(default)]
    pub reach: Reach,
    /// For how long replicas at an unreachable site count as serving; 0 or more.
    #[serde(default)]
    pub grace: SignedDuration,
    /// The site's Ready nodes.
    pub nodes: Vec<Node>,
    /// What an autoscaled pool can still add to them.
    #[serde(default)]
    pub elastic: Option<Elastic>,
    /// What quotas leave free here, by namespace. What is not named is not limited.
    #[serde(default)]
    pub quotas: BTreeMap<String, QuotaRoom>,
    /// What requested resources cost here, where they cost anything beyond what is paid for already.
    #[serde(default)]
    pub price: Option<Price>,
}

impl Site {
    /// The price, where it is one: at a price of zero nothing has to be paid for.
    #[must_use]
    pub fn charges(&self) -> Option<Price> {
        self.price.filter(|price| !price.is_free())
    }
}

/// Nodes that an autoscaled pool adds when pods wait for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elastic {
    /// How many more, beside the site's Ready ones.
    pub nodes: u32,
    /// What our pods may request on one of them in all: DaemonSets' share is taken off.
    pub room: Resources,
    /// Pods of ours that fit on one.
    pub pod_slots: u32,
    /// From a pod that waits to a Ready node; 0 or more.
    pub provision: SignedDuration,
}

/// A node as the scheduler would see it. `used` counts all pods bound to it that have not finished.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Name.
    pub name: Arc<str>,
    /// What pods may request here in all.
    pub allocatable: Resources,
    /// Pods that may run here in all.
    pub pod_slots: u32,
    /// Requests of the pods bound here.
    pub used: Resources,
    /// Pods bound here.
    pub used_slots: u32,
    /// False for a cordoned node: it counts as use, not as room.
    pub schedulable: bool,
    /// True for a node of own ground that nobody has attested: room for mass traffic only.
    #[serde(default)]
    pub unattested: bool,
}

/// A site on which a Sensitive workload may run. There is no other way to make one than
/// [`SovereignSite::of`], so a Sensitive placement cannot name an unlawful site.
///
/// ```
/// use pinisi_planner::model::site::{SiteKind, SiteName, SovereignSite};
/// use pinisi_planner::model::workload::Placement;
/// let home = SovereignSite::of(&SiteName::new("home"), SiteKind::OnPrem);
/// assert!(home.is_some());
/// assert!(SovereignSite::of(&SiteName::new("cloud"), SiteKind::Cloud).is_none());
/// let _ = Placement::Sensitive { sites: home.into_iter().collect() };
/// ```
/// A bare name is no proof:
/// ```compile_fail
/// use pinisi_planner::model::site::SiteName;
/// use pinisi_planner::model::workload::Placement;
/// let _ = Placement::Sensitive { sites: vec![SiteName::new("cloud")] };
/// ```
/// Nor can the proof be made by hand, as its field is private:
/// ```compile_fail
/// use pinisi_planner::model::site::{SiteName, SovereignSite};
/// let _ = SovereignSite(SiteName::new("cloud"));
/// ```
/// Nor can a tier stand in for it:
/// ```compile_fail
/// use pinisi_planner::model::amounts::Replicas;
/// use pinisi_planner::model::site::SiteName;
/// use pinisi_planner::model::workload::{Placement, Tier};
/// let tier = Tier { sites: vec![SiteName::new("cloud")], min: Replicas::ZERO, max: Replicas::MAX };
/// let _ = Placement::Sensitive { sites: vec![tier] };
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct SovereignSite(SiteName);

impl SovereignSite {
    /// The proof that `site` is sovereign ground, or `None` where it is not.
    #[must_use]
    pub fn of(name: &SiteName, kind: SiteKind) -> Option<Self> {
        match kind {
            SiteKind::OnPrem => Some(Self(name.clone())),
            SiteKind::Cloud | SiteKind::Edge => None,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &SiteName {
        &self.0
    }
}
