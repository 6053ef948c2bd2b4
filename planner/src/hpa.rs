//! The HPA v2 of Kubernetes 1.37 as pure functions: how many replicas from which readings, with the
//! same roundings, the same order and the same words. Values are integers in thousandths; floats
//! stand only where upstream has them. Times are arguments, all arithmetic saturates.
//! [`evaluate`] is one sync of one object; what it is made of can be called alone, as the
//! conformance tests do. Not here: when a sync is due, and what else a total follows (`demand`).
//!
//! Where upstream's arithmetic wraps, or leaves a cast to the processor, ours saturates; a target
//! that is not above 0, which the API server refuses, is an invalid metric. `tests/conformance`
//! lists these differences and shows that there are no others.

pub mod behavior;
pub mod evaluate;
pub mod fault;
pub mod group;
mod join;
pub mod limits;
pub mod memory;
pub mod metric;
mod number;
pub mod outcome;
mod per_pod;
pub mod pods;
pub mod replicas;
pub mod requests;
pub mod stabilize;
mod value;

pub use behavior::{Behavior, Policy, PolicyKind, Rules, Select, Tolerance};
pub(crate) use evaluate::evaluate_in;
pub use evaluate::{Input, Spec, evaluate};
pub use fault::Fault;
pub use memory::Memory;
pub use metric::{Metric, PodValue, Reading, ResourceName, ResourceTarget, ValueTarget};
pub use outcome::Outcome;
pub use pods::{Container, Phase, Pod, PodKey, PodRequests, Pods, Ready, ReadyStatus};
pub use replicas::Scope;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// Pods younger than this may use CPU only to start; `--horizontal-pod-autoscaler-cpu-initialization-period`.
pub const CPU_INITIALIZATION_PERIOD: SignedDuration = SignedDuration::from_mins(5);
/// A pod that turned unready within this of its start has never been ready;
/// `--horizontal-pod-autoscaler-initial-readiness-delay`.
pub const INITIAL_READINESS_DELAY: SignedDuration = SignedDuration::from_secs(30);
/// Window of the highest recommendation where `behavior` names none;
/// `--horizontal-pod-autoscaler-downscale-stabilization`.
pub const DOWNSCALE_STABILIZATION: SignedDuration = SignedDuration::from_mins(5);
/// Window of a custom metric that names none.
pub const METRIC_WINDOW: SignedDuration = SignedDuration::from_mins(1);

/// Without a behavior one sync may make this many times what there is. No flag changes it.
pub const UP_FACTOR: i32 = 2;

/// What kube-controller-manager is told by flags, and the one number that upstream's own tests
/// change.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Ratio that counts as on target, above and below 1, where `behavior` names none.
    pub tolerance: Tolerance,
    /// Window of the highest recommendation where `behavior` names none.
    pub downscale_stabilization: SignedDuration,
    /// Pods younger than this may use CPU only to start.
    pub cpu_initialization_period: SignedDuration,
    /// A pod that turned unready within this of its start has never been ready.
    pub initial_readiness_delay: SignedDuration,
    /// Without a behavior one sync may make this many times what there is.
    pub up_factor: i32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tolerance: Tolerance::DEFAULT,
            downscale_stabilization: DOWNSCALE_STABILIZATION,
            cpu_initialization_period: CPU_INITIALIZATION_PERIOD,
            initial_readiness_delay: INITIAL_READINESS_DELAY,
            up_factor: UP_FACTOR,
        }
    }
}
