//! `guard`: the admission guard as documents, and the way to take it away on purpose.

pub mod args;
mod laws;
mod remove;
mod render;

use crate::args::Global;
use anyhow::Result;
use args::{GuardCommand, GuardOptions};
use std::process::ExitCode;

/// Runs it.
///
/// # Errors
/// Files or the cluster cannot be read.
pub async fn run(global: &Global, options: &GuardOptions) -> Result<ExitCode> {
    match &options.command {
        GuardCommand::Render(options) => render::run(global, options).await,
        GuardCommand::Laws(options) => laws::run(global, options),
        GuardCommand::Remove(options) => remove::run(global, options).await,
    }
}
