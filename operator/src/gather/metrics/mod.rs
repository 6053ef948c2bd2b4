//! Metrics as an HPA reads them, from metrics.k8s.io, custom.metrics.k8s.io and
//! external.metrics.k8s.io, of this cluster and of each that a Site is. Nothing is asked where no
//! workload has metrics; what several ask is asked once.

pub mod answers;
mod ask;
pub mod fault;
pub mod question;
mod rounds;
mod served;
#[cfg(test)]
mod standin;
pub mod wanted;
mod wire;

pub use rounds::INTERVAL;
pub(super) use rounds::{Clients, supervise};
