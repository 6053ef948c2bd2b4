//! What `plan` answers, as a value: the JSON is this, the text is drawn from it.

use pinisi_planner::explain::Account;
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::site::SiteName;
use serde::Serialize;

/// The JSON's name: fields are only ever added under it.
pub const FORMAT: &str = "pinisi-plan/v1";

/// Everything answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// [`FORMAT`].
    pub format: &'static str,
    /// The manifests, in their order.
    pub objects: Vec<ObjectRow>,
    /// Every workload whose counts would change, and those of the manifests.
    pub workloads: Vec<WorkloadRow>,
    /// What would be refused.
    pub refusals: Vec<Trouble>,
    /// What works, but should be looked at.
    pub warnings: Vec<Trouble>,
    /// What is taken for granted.
    pub assumptions: Vec<String>,
    /// How much of it.
    pub summary: Summary,
}

/// How much would change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Objects that would be new or different, and workloads whose counts would.
    pub changed: usize,
    /// Refusals.
    pub refused: usize,
}

/// What would become of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Change {
    /// It is new.
    Created,
    /// It would be different.
    Changed,
    /// It is so already.
    Unchanged,
    /// A plan does not look at its kind.
    Aside,
    /// It would be refused.
    Refused,
}

/// A manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObjectRow {
    /// Kind.
    pub kind: String,
    /// Namespace, where it has one.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// What would become of it.
    pub change: Change,
}

impl ObjectRow {
    /// As people say it.
    #[must_use]
    pub fn spoken(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{} {namespace}/{}", self.kind, self.name),
            None => format!("{} {}", self.kind, self.name),
        }
    }
}

/// Something against an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Trouble {
    /// The object.
    pub object: String,
    /// One word.
    pub reason: String,
    /// The field and the way out.
    pub message: String,
}

/// A workload before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkloadRow {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// True where counts or costs would be different.
    pub changed: bool,
    /// Without the manifests; null where it is no workload of Pinisi's yet, or not a sound one.
    pub before: Option<Counts>,
    /// With them; null where nothing can be decided for it.
    pub after: Option<Counts>,
    /// Why, of what comes after.
    pub reasons: Option<Account>,
}

/// What is decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Wanted in all.
    pub want: Replicas,
    /// What the replicas at priced Sites cost an hour; null where nothing does.
    pub cost_per_hour: Option<String>,
    /// Decided for each site.
    pub sites: Vec<SiteCount>,
}

/// A site's share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SiteCount {
    /// The site.
    pub site: SiteName,
    /// Decided there.
    pub desired: Replicas,
}

impl Counts {
    /// Decided for a site.
    #[must_use]
    pub fn at(&self, site: &SiteName) -> Replicas {
        let found = self.sites.iter().find(|count| count.site == *site);
        found.map_or(Replicas::ZERO, |count| count.desired)
    }
}
