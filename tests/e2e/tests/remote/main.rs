//! Sites in another cluster, on two real control planes: one short test a feature. What must not
//! happen while another test runs (a frozen or rotated cloud) takes the cloud for itself.

// A test says that it failed by a panic.
#![allow(clippy::expect_used, clippy::panic)]

mod bad_kubeconfigs;
mod cloud;
mod refused;
mod silence;
mod travel;
