//! What the watches, the askers and the readers share: the index, word that it changed, and how
//! each watch fares.

use super::index::Index;
use jiff::Timestamp;
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeMap;
use tokio::sync::{Notify, watch};

/// Kinds that are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Site.
    Site,
    /// HybridWorkload.
    HybridWorkload,
    /// SignalSource.
    SignalSource,
    /// CloudBudget.
    CloudBudget,
    /// SovereigntyPolicy.
    SovereigntyPolicy,
    /// Declassification.
    Declassification,
    /// The ConfigMap that is the ledger.
    Ledger,
    /// SovereignNodes.
    SovereignNodes,
    /// SovereigntyViolation.
    SovereigntyViolation,
    /// Namespace.
    Namespace,
    /// Node.
    Node,
    /// Pod.
    Pod,
    /// Deployment.
    Deployment,
    /// StatefulSet.
    StatefulSet,
    /// HorizontalPodAutoscaler.
    HorizontalPodAutoscaler,
    /// PersistentVolumeClaim.
    PersistentVolumeClaim,
    /// PersistentVolume.
    PersistentVolume,
    /// Service.
    Service,
    /// ResourceQuota, in other clusters only.
    ResourceQuota,
}

impl Kind {
    /// Every kind that is watched in another cluster.
    pub const REMOTE: [Self; 5] = [
        Self::Namespace,
        Self::Node,
        Self::Pod,
        Self::Deployment,
        Self::ResourceQuota,
    ];

    /// Every kind that is watched at home.
    pub const ALL: [Self; 18] = [
        Self::Site,
        Self::HybridWorkload,
        Self::SignalSource,
        Self::CloudBudget,
        Self::SovereigntyPolicy,
        Self::Declassification,
        Self::Ledger,
        Self::SovereignNodes,
        Self::SovereigntyViolation,
        Self::Namespace,
        Self::Node,
        Self::Pod,
        Self::Deployment,
        Self::StatefulSet,
        Self::HorizontalPodAutoscaler,
        Self::PersistentVolumeClaim,
        Self::PersistentVolume,
        Self::Service,
    ];

    /// True for what can be done without, at the price of knowing less: of another cluster its quotas,
    /// at home what alone violations are seen by.
    #[must_use]
    pub const fn is_optional(self) -> bool {
        match self {
            Self::PersistentVolumeClaim
            | Self::PersistentVolume
            | Self::Service
            | Self::ResourceQuota => true,
            Self::Site
            | Self::HybridWorkload
            | Self::SignalSource
            | Self::CloudBudget
            | Self::SovereigntyPolicy
            | Self::Declassification
            | Self::Ledger
            | Self::SovereignNodes
            | Self::SovereigntyViolation
            | Self::Namespace
            | Self::Node
            | Self::Pod
            | Self::Deployment
            | Self::StatefulSet
            | Self::HorizontalPodAutoscaler => false,
        }
    }

    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Site => "Site",
            Self::HybridWorkload => "HybridWorkload",
            Self::SignalSource => "SignalSource",
            Self::CloudBudget => "CloudBudget",
            Self::SovereigntyPolicy => "SovereigntyPolicy",
            Self::Declassification => "Declassification",
            Self::Ledger => "ConfigMap (ledger)",
            Self::SovereignNodes => "SovereignNodes",
            Self::SovereigntyViolation => "SovereigntyViolation",
            Self::Namespace => "Namespace",
            Self::Node => "Node",
            Self::Pod => "Pod",
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::HorizontalPodAutoscaler => "HorizontalPodAutoscaler",
            Self::PersistentVolumeClaim => "PersistentVolumeClaim",
            Self::PersistentVolume => "PersistentVolume",
            Self::Service => "Service",
            Self::ResourceQuota => "ResourceQuota",
        }
    }
}

/// How one watch fares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchHealth {
    /// True once its initial list was complete.
    pub synced: bool,
    /// Since when it has been failing; `None` while it is sound.
    pub failing_since: Option<Timestamp>,
    /// Its last error, while it is failing.
    pub error: Option<String>,
    /// True where that error says that the API server has no such kind: its CRD is missing.
    pub unknown_kind: bool,
    /// Errors so far.
    pub errors: u64,
    /// When it last said anything.
    pub last_word: Option<Timestamp>,
}

/// What everybody shares.
#[derive(Debug)]
pub(super) struct Shared {
    pub index: RwLock<Index>,
    pub health: Mutex<BTreeMap<Kind, WatchHealth>>,
    pub changes: watch::Sender<u64>,
    pub figures: watch::Sender<u64>,
    pub sources_changed: Notify,
    pub workloads_changed: Notify,
    pub sites_changed: Notify,
}

impl Shared {
    pub fn new() -> Self {
        Self {
            index: RwLock::new(Index::default()),
            health: Mutex::new(
                Kind::ALL
                    .into_iter()
                    .map(|k| (k, WatchHealth::default()))
                    .collect(),
            ),
            changes: watch::Sender::new(0),
            figures: watch::Sender::new(0),
            sources_changed: Notify::new(),
            workloads_changed: Notify::new(),
            sites_changed: Notify::new(),
        }
    }

    /// Says that the index changed.
    pub fn touch(&self) {
        self.changes.send_modify(|n| *n = n.wrapping_add(1));
    }

    /// Says that load figures changed, which nobody should wait to act on.
    pub fn touch_figures(&self) {
        self.figures.send_modify(|n| *n = n.wrapping_add(1));
        self.touch();
    }

    pub fn with_health(&self, kind: Kind, change: impl FnOnce(&mut WatchHealth)) {
        change(self.health.lock().entry(kind).or_default());
    }
}
