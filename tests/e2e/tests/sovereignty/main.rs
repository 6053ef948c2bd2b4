//! The conformance suite in labs of its own: the guard that this version puts in place, on both
//! versions of the API server, with the operator running and stopped; and whether the suite bites.

// A test says that it failed by a panic.
#![allow(clippy::expect_used, clippy::panic)]

mod collateral;
mod conformance;
mod floor;
mod mutants;
mod mutation;
mod stale;
