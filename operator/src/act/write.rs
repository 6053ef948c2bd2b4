//! One write as a value: which object, what to do, and what the object looked like when that was
//! decided.

use jiff::Timestamp;
use pinisi_planner::WorkloadId;
use pinisi_planner::model::amounts::Replicas;
use serde_json::Value;

/// The object that a write changes. Never two writes for one at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// The count of a target, or a sibling Deployment as a whole.
    Scaled {
        /// Whose it is.
        workload: WorkloadId,
        /// Name of the target or sibling.
        name: String,
    },
    /// The HybridWorkload itself (its finalizer or its spec.replicas).
    Workload(WorkloadId),
    /// The guard's inventory.
    Sovereign,
}

impl Key {
    /// Whose condition tells of a failure; `None` for the inventory.
    #[must_use]
    pub const fn workload(&self) -> Option<&WorkloadId> {
        match self {
            Self::Scaled { workload, name: _ } | Self::Workload(workload) => Some(workload),
            Self::Sovereign => None,
        }
    }
}

/// One write.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// The object.
    pub key: Key,
    /// What the object looked like in the index. While it still looks so after a write, the
    /// write's result has not been seen yet.
    pub before: String,
    /// What to do.
    pub kind: WriteKind,
    /// Time of the load sample that caused it, where one did.
    pub sample: Option<Timestamp>,
}

/// Kinds that have a `/scale` which is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScaledKind {
    /// `apps/v1 Deployment`.
    Deployment,
    /// `apps/v1 StatefulSet`.
    StatefulSet,
}

/// What a write does.
#[derive(Clone, Debug, PartialEq)]
pub enum WriteKind {
    /// Sets a count through `/scale`; refused by the server where the uid is another.
    Scale {
        /// What is scaled.
        of: ScaledKind,
        /// Its uid.
        uid: String,
        /// The count.
        to: Replicas,
    },
    /// Makes or refreshes a sibling by server-side apply.
    ApplySibling {
        /// The whole object.
        body: Box<Value>,
        /// True where it is not there yet: a foreign one of that name is then not taken over.
        create: bool,
        /// uid of the HybridWorkload where its finalizer has to be set before.
        finalizer_for: Option<String>,
    },
    /// Deletes an empty sibling, its pods first (never orphaned: the target would adopt them).
    DeleteSibling {
        /// Its uid.
        uid: String,
    },
    /// Takes our finalizer off a HybridWorkload.
    DropFinalizer {
        /// Its uid.
        uid: String,
        /// Names of siblings that go on serving without it: marked so first.
        released: Vec<String>,
    },
    /// Writes `spec.replicas` of a HybridWorkload once, from what runs.
    AdoptReplicas {
        /// Its uid.
        uid: String,
        /// Its generation: nobody changed the spec meanwhile.
        generation: i64,
        /// The count.
        to: Replicas,
    },
    /// Writes the guard's inventory.
    Sovereign {
        /// The whole spec.
        spec: Box<Value>,
    },
}

impl WriteKind {
    /// A bounded word for metrics and logs.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Scale { .. } => "scale",
            Self::ApplySibling { .. } => "sibling_apply",
            Self::DeleteSibling { .. } => "sibling_delete",
            Self::DropFinalizer { .. } => "finalizer_drop",
            Self::AdoptReplicas { .. } => "adopt_replicas",
            Self::Sovereign { .. } => "sovereign_nodes",
        }
    }
}
