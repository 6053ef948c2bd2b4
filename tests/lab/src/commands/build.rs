//! `cargo lab build`.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::Args;

use crate::compile::ensure;
use crate::programs::PROGRAMS;
use crate::progress::{Progress, human};

/// Options of `build`.
#[derive(Debug, Args)]
pub struct Build {}

impl Build {
    pub(super) fn run(self) -> Result<ExitCode> {
        let Self {} = self;
        let started = Instant::now();
        let built = ensure(&PROGRAMS, &Progress::stderr())?;
        println!("all programs are built ({})", human(started.elapsed()));
        for path in built {
            println!("  {}", path.display());
        }
        Ok(ExitCode::SUCCESS)
    }
}
