//! The operator in five steps: gather, check, plan, act, report. Each is a module; `runner` calls
//! them in that order. Planning itself is the crate `pinisi-planner`.

pub mod act;
pub mod check;
pub mod checked;
pub mod gather;
pub mod guard;
pub mod lease;
pub mod memory;
pub mod metrics;
pub mod pace;
pub mod refusals;
pub mod report;
pub mod reporter;
pub mod run;
pub mod runner;
pub mod serve;
pub mod telemetry;

#[cfg(test)]
mod testing;
