//! Benchmarks against the real thing: tables, never timed assertions. Each is one
//! command (`cargo lab bench NAME`), starts labs of its own and ends them.

mod api;
mod chance;
mod spread;
mod tally;

pub mod latency;
pub mod parity;
