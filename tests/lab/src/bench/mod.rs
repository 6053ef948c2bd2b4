//! Benchmarks: tables, never timed assertions. Each is one command (`cargo lab bench
//! NAME`). Those against the real thing start labs of their own and end them.

mod api;
mod chance;
mod spread;
mod tally;

pub mod admission;
pub mod latency;
pub mod parity;
pub mod plan;
pub mod spikes;
