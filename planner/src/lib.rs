//! The pure core of Pinisi: [`plan`] takes a [`World`], a [`Memory`] and a time, and returns a
//! [`Plan`]. It is total and deterministic. Deliberately not here: a clock, a client, files,
//! threads, Kubernetes types. Who calls it has parsed and checked everything before.

mod ahead;
mod bottleneck;
pub mod budget;
pub mod contest;
mod decide;
pub mod demand;
pub mod drain;
pub mod explain;
pub mod hpa;
pub mod memory;
pub mod model;
pub mod placement;
mod plan;
pub mod reason;
mod time;

pub use memory::{Decisions, Memory, Statistics};
pub use model::{World, workload::WorkloadId};
pub use plan::{Decision, Plan, Share, Step, plan, plan_from};
pub use reason::Reason;
