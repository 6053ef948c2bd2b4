//! What the ResourceQuotas of a namespace leave free at a site. All workloads of the namespace draw
//! on the same room.

use super::workload::Workload;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What a quota limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum QuotaResource {
    /// `pods` or `count/pods`.
    Pods,
    /// `cpu` or `requests.cpu`, in thousandths of a core.
    Cpu,
    /// `memory` or `requests.memory`, in bytes.
    Memory,
    /// `limits.cpu`, in thousandths of a core.
    CpuLimits,
    /// `limits.memory`, in bytes.
    MemoryLimits,
}

impl QuotaResource {
    /// How much of it one replica takes.
    #[must_use]
    pub const fn of_one(self, workload: &Workload) -> u64 {
        match self {
            Self::Pods => 1,
            Self::Cpu => workload.request.millicores,
            Self::Memory => workload.request.bytes,
            Self::CpuLimits => workload.limits.millicores,
            Self::MemoryLimits => workload.limits.bytes,
        }
    }
}

impl fmt::Display for QuotaResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pods => "pods",
            Self::Cpu => "requests.cpu",
            Self::Memory => "requests.memory",
            Self::CpuLimits => "limits.cpu",
            Self::MemoryLimits => "limits.memory",
        })
    }
}

/// What is left of one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaLeft {
    /// Name of the ResourceQuota that leaves least of it.
    pub quota: String,
    /// How much, in the resource's own unit. Pods that are there are in the quota's count already.
    pub left: u64,
}

/// What is left in one namespace, by resource. What no quota limits is not named.
pub type QuotaRoom = BTreeMap<QuotaResource, QuotaLeft>;

/// The quota and the resource of it that allow no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Namespace and name of the ResourceQuota.
    pub quota: String,
    /// The resource.
    pub resource: QuotaResource,
}
