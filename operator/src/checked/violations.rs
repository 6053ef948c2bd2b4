//! What is where it may not be, and what is written down of it.

use crate::check::violation::{self, Cause};
use jiff::Timestamp;
use pinisi_crds::SovereigntyViolationStatus;
use pinisi_crds::sovereign_nodes::NodeIdentity;
use pinisi_crds::sovereignty_violation::ViolationRule;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is where a policy does not let it be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyViolations {
    /// How many.
    pub count: usize,
    /// The first, in words.
    pub first: Option<String>,
}

/// What is where it may not be, and what is written down of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Violations {
    /// What is so now, by the name of its SovereigntyViolation.
    pub open: BTreeMap<String, Violation>,
    /// What was so when it was written down, and nobody can see whether it still is. It counts as open.
    pub held: BTreeMap<String, Held>,
    /// SovereigntyViolations that are there, ended ones included, by name.
    pub recorded: BTreeMap<String, Recorded>,
}

impl Violations {
    /// True where the pod of this uid is of a Sensitive namespace and where it may not be.
    #[must_use]
    pub fn has_sensitive(&self, pod: &str) -> bool {
        !self.open.is_empty()
            && self
                .open
                .contains_key(&violation::name(ViolationRule::V01, pod))
    }

    /// How many are so now without being written down.
    #[must_use]
    pub fn unrecorded(&self) -> usize {
        let recorded = |name: &&String| self.recorded.contains_key(*name);
        self.open.keys().filter(|name| !recorded(name)).count()
    }
}

/// Something that is where it may not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which rule it breaks.
    pub rule: ViolationRule,
    /// Why.
    pub cause: Cause,
    /// What breaks it.
    pub object: Offender,
    /// Where that is.
    pub place: Place,
    /// Policies that speak for its namespace.
    pub policies: Vec<String>,
    /// Articles of law that the policies rest this rule on.
    pub law: BTreeSet<String>,
    /// Hours in which notice of it must be given, by the strictest policy.
    pub notice_hours: Option<i32>,
    /// True where a policy wants it evicted and it is not on its way out. Never but of a pod.
    pub evict: bool,
}

/// The object that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offender {
    /// Its kind.
    pub kind: OffenderKind,
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its uid.
    pub uid: String,
}

/// Kinds that break rules, all of the core group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffenderKind {
    /// Pod.
    Pod,
    /// PersistentVolumeClaim.
    Claim,
    /// Service.
    Service,
}

impl OffenderKind {
    /// The kind that a rule speaks of.
    #[must_use]
    pub const fn of(rule: ViolationRule) -> Self {
        match rule {
            ViolationRule::V01 | ViolationRule::V02 => Self::Pod,
            ViolationRule::V03 => Self::Claim,
            ViolationRule::V04 => Self::Service,
        }
    }

    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pod => "Pod",
            Self::Claim => "PersistentVolumeClaim",
            Self::Service => "Service",
        }
    }
}

/// Where an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On a node.
    Node(NodePlace),
    /// On a volume.
    Storage {
        /// Its storage class; empty for none.
        class: String,
        /// The volume.
        volume: String,
    },
    /// Within reach of outside.
    Outside {
        /// What lets callers in or sends them out.
        exposed_by: &'static str,
    },
}

/// A node as a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodePlace {
    /// The node.
    pub node: Arc<str>,
    /// The one Site that has it.
    pub site: Option<String>,
    /// Country whose law applies there, where that is known.
    pub jurisdiction: Option<String>,
    /// Who the node is; `None` where there is none of that name.
    pub seen: Option<NodeIdentity>,
    /// Who it was attested to be.
    pub attested: Option<NodeIdentity>,
}

impl Place {
    /// The one Site that it is in, where that is known.
    #[must_use]
    pub fn site(&self) -> Option<&str> {
        match self {
            Self::Node(node) => node.site.as_deref(),
            Self::Storage { .. } | Self::Outside { .. } => None,
        }
    }
}

/// A SovereigntyViolation that has not ended as far as anybody can see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which rule it is of.
    pub rule: ViolationRule,
    /// The Site that it names.
    pub site: Option<String>,
    /// Policies that it names.
    pub policies: Vec<String>,
    /// What it says.
    pub message: String,
}

/// A SovereigntyViolation as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Its uid.
    pub uid: String,
    /// Which rule it is of; `None` where its spec cannot be read.
    pub rule: Option<ViolationRule>,
    /// When notice of it must have been given.
    pub notice_deadline: Option<Timestamp>,
    /// Its status as last seen.
    pub status: SovereigntyViolationStatus,
}
