//! Real control planes on one machine, without containers: etcd, Kubernetes,
//! KWOK nodes, Prometheus and Helm, built from Go modules, on loopback only.
//!
//! Start with [`Lab::start`]; each cluster is a lab of its own. The command line is in `commands/`, the demo in
//! `demo/`, the test runner in `test_run/`; the tests themselves are not here.

mod accounts;
pub mod adapter;
mod apiserver;
mod apply;
pub mod audit;
mod base64;
pub mod bench;
pub mod binaries;
pub mod cache;
mod cargo;
mod checkout;
pub mod children;
pub mod client;
mod cluster;
pub mod commands;
pub mod compile;
pub mod conformance;
pub mod control;
mod controllers;
pub mod credentials;
pub mod demo;
pub mod doctor;
mod etcd;
pub mod exporter;
mod faults;
mod files;
mod go;
pub mod helm;
pub mod hpa;
mod kwok;
mod lab;
pub mod load;
pub mod metrics_apis;
pub mod nodes;
pub mod operator;
pub mod paths;
pub mod ports;
pub mod process;
pub mod programs;
pub mod progress;
mod prometheus;
mod prune;
pub mod replay;
pub mod spec;
pub mod state;
pub mod store;
pub mod supervise;
pub mod test_run;
pub mod usage;

pub use client::install_tls_provider;
pub use lab::Lab;
pub use programs::Version;
pub use spec::{LabSpec, NodeGroup};
