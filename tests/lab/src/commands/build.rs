//! `cargo lab build`.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::Args;

use crate::compile::ensure_programs;
use crate::progress::{Progress, human};

/// Options of `build`.
#[derive(Debug, Args)]
pub struct Build {}

impl Build {
    pub(super) fn run(self) -> Result<ExitCode> {
        let Self {} = self;
        let started = Instant::now();
        let programs = ensure_programs(&Progress::stderr())?;
        println!("all programs are built ({})", human(started.elapsed()));
        for path in [
            programs.etcd,
            programs.kubernetes,
            programs.kwok,
            programs.helm,
            programs.prometheus,
        ] {
            println!("  {}", path.display());
        }
        Ok(ExitCode::SUCCESS)
    }
}
