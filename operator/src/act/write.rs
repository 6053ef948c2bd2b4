//! One write as a value: which object, what to do, and what the object looked like when that was
//! decided.

use super::declassify::Declassify;
use super::remote::orders::{ApplyThere, CopiesThere, DeleteThere};
use jiff::Timestamp;
use pinisi_crds::{SovereigntyViolationSpec, SovereigntyViolationStatus};
use pinisi_planner::WorkloadId;
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::site::SiteName;
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
    Sovereign(String),
    /// A SovereigntyViolation, and where that is a pod what it is about.
    Violation(String),
    /// A namespace, by its name.
    Namespace(String),
    /// A Deployment in another cluster, with what it carries.
    Remote {
        /// The Site that the other cluster is.
        site: SiteName,
        /// Whose it is.
        workload: WorkloadId,
        /// Which of its objects there.
        object: RemoteObject,
    },
    /// The receiving guard of another cluster.
    RemoteGuard(SiteName),
}

/// Objects in another cluster that are written apart from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RemoteObject {
    /// The Deployment.
    Deployment,
    /// The copies, as they follow their sources.
    Copies,
}

impl Key {
    /// Whose condition tells of a failure; `None` for what is no workload's.
    #[must_use]
    pub const fn workload(&self) -> Option<&WorkloadId> {
        match self {
            Self::Scaled { workload, name: _ }
            | Self::Workload(workload)
            | Self::Remote {
                site: _,
                workload,
                object: _,
            } => Some(workload),
            Self::Sovereign(_) | Self::Violation(_) | Self::Namespace(_) | Self::RemoteGuard(_) => {
                None
            }
        }
    }

    /// The other cluster that it is in; `None` at home.
    #[must_use]
    pub const fn site(&self) -> Option<&SiteName> {
        match self {
            Self::Remote {
                site,
                workload: _,
                object: _,
            }
            | Self::RemoteGuard(site) => Some(site),
            Self::Scaled { .. }
            | Self::Workload(_)
            | Self::Sovereign(_)
            | Self::Violation(_)
            | Self::Namespace(_) => None,
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
        /// Sites in other clusters where its Deployment goes on serving: marked so where they
        /// can be reached.
        released_there: Vec<SiteName>,
        /// Name of the target, which those Deployments share.
        target: String,
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
    /// Writes one of the guard's inventories.
    Sovereign {
        /// The whole spec.
        spec: Box<Value>,
    },
    /// Makes a SovereigntyViolation, with the object's own metadata as it is then.
    ViolationOpen {
        /// What was seen.
        spec: Box<SovereigntyViolationSpec>,
    },
    /// Writes the status of one.
    ViolationStatus {
        /// Its uid.
        uid: String,
        /// The whole status.
        status: Box<SovereigntyViolationStatus>,
    },
    /// Evicts the pod of one, within its disruption budgets.
    ViolationEvict {
        /// The pod's namespace.
        namespace: String,
        /// Its name.
        pod: String,
        /// Its uid: another pod of the name is left alone.
        pod_uid: String,
        /// uid of the SovereigntyViolation.
        uid: String,
        /// Why the last eviction was not taken, as it stands there.
        refused: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// Changes the class of a namespace that was declassified.
    Declassify(Box<Declassify>),
    /// Makes or refreshes the Deployment in another cluster, after a preflight there.
    RemoteApply(Box<ApplyThere>),
    /// Makes that preflight alone.
    RemoteProbe(Box<ApplyThere>),
    /// Sets the count there through `/scale`; refused by the server where the uid is another.
    RemoteScale {
        /// Name of the Deployment.
        name: String,
        /// Its uid.
        uid: String,
        /// The count.
        to: Replicas,
    },
    /// Deletes what we made there, copies first.
    RemoteDelete(Box<DeleteThere>),
    /// Compares copies there with their sources and writes the difference.
    RemoteCopies(Box<CopiesThere>),
    /// Puts the receiving guard in place and sees that it refuses.
    RemoteGuard {
        /// uid of the cluster that it is for.
        cluster: String,
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
            Self::ViolationOpen { .. } => "violation_open",
            Self::ViolationStatus { .. } => "violation_status",
            Self::ViolationEvict { .. } => "violation_evict",
            Self::Declassify(_) => "declassify",
            Self::RemoteApply(_) => "remote_apply",
            Self::RemoteProbe(_) => "remote_probe",
            Self::RemoteScale { .. } => "remote_scale",
            Self::RemoteDelete(_) => "remote_delete",
            Self::RemoteCopies(_) => "remote_copies",
            Self::RemoteGuard { .. } => "remote_guard",
        }
    }
}
