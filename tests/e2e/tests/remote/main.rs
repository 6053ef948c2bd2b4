//! Sites in other clusters, on three real control planes: one short test a feature. What breaks a
//! cloud (frozen, or another one behind its kubeconfig) breaks the second, which it has for itself.

// A test says that it failed by a panic.
#![allow(clippy::expect_used, clippy::panic)]

mod bad_kubeconfigs;
mod cloud;
mod copies;
mod drift;
mod older;
mod refused;
mod rights;
mod second;
mod theirs;
mod travel;
mod wrong_cluster;
