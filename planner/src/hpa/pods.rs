//! What is known of pods: as little as the HPA looks at. Pods of all sites stand in one list.

use super::metric::ResourceName;
use crate::model::site::SiteName;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A pod's name. Two sites may have the same one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PodKey {
    /// Where it is.
    pub site: SiteName,
    /// Its name there.
    pub name: Arc<str>,
}

impl fmt::Display for PodKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

/// A pod that the workload's selector matches, whatever state it is in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pod {
    /// Its name.
    pub key: PodKey,
    /// `status.phase`.
    pub phase: Phase,
    /// It has a deletion timestamp.
    pub terminating: bool,
    /// `status.startTime`.
    pub started: Option<Timestamp>,
    /// Its condition Ready, where it has one.
    pub ready: Option<Ready>,
    /// What it requests. Pods of one template can share it.
    pub requests: Arc<PodRequests>,
}

impl Pod {
    /// True for a pod that serves: Running and Ready.
    #[must_use]
    pub fn serves(&self) -> bool {
        let ready = self.ready.is_some_and(|r| r.status == ReadyStatus::True);
        self.phase == Phase::Running && ready
    }
}

/// `status.phase`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Not all containers have started.
    Pending,
    /// Started.
    Running,
    /// All containers ended well.
    Succeeded,
    /// All containers ended, one of them not well.
    Failed,
    /// Its node is lost, or there is no phase yet.
    Unknown,
}

/// The condition Ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// Its status.
    pub status: ReadyStatus,
    /// `lastTransitionTime`.
    pub since: Timestamp,
}

/// Status of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadyStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// Nobody knows; for the HPA not the same as not ready.
    Unknown,
}

/// What a pod requests, in thousandths of each resource's unit (memory: thousandths of a byte).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PodRequests {
    /// Where `spec.resources.requests` is set on the pod: the effective requests of the whole pod,
    /// its overhead included.
    pub pod: Option<BTreeMap<ResourceName, i64>>,
    /// `spec.containers`, then the init containers with restartPolicy Always.
    pub containers: Vec<Container>,
}

/// A container's requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Container {
    /// Its name.
    pub name: Arc<str>,
    /// `resources.requests`, in thousandths.
    pub requests: BTreeMap<ResourceName, i64>,
}
