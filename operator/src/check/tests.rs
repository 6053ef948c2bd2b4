//! Synchronous tests over an index built from JSON as the API server would send it.
// Builders are handed literals; a reference at each call would only be noise.
#![allow(clippy::needless_pass_by_value)]

mod attested;
mod bad_input;
mod budgets;
mod build;
mod declassification;
mod fleet;
mod gateways;
mod metrics;
mod never_panics;
mod policies;
mod remote;
mod sites;
mod sound;
mod things;
mod violations;
