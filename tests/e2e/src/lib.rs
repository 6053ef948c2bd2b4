//! What the end-to-end tests share: one lab for all tests of a binary, with the chart installed
//! and the operator running under its ServiceAccount, and short ways to say what a test needs.
//! Each test has sites and namespaces of its own, so that tests do not see one another.

// A test says that it failed by a panic.
#![allow(clippy::expect_used, clippy::panic)]

pub mod objects;
pub mod plugin;
pub mod record;
pub mod wait;
pub mod world;

pub use world::{World, run};
