//! Workloads that follow metrics, with real metrics APIs and a real HPA controller on two control
//! planes: one short test a feature. Each has a namespace and metrics of its own. Who takes an API
//! away has it alone.

// A test says that it failed by a panic.
#![allow(clippy::expect_used, clippy::panic)]

mod bed;
mod beside;
mod faults;
mod gone;
mod metric;
mod pooled;
mod scale;
mod types;
