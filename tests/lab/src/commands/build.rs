//! `cargo lab build`.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::Args;

use crate::compile::ensure;
use crate::programs::{KUBERNETES_1_34, PROGRAMS, Program};
use crate::progress::{Progress, human};

/// Options of `build`.
#[derive(Debug, Args)]
pub struct Build {
    /// Also the older Kubernetes, which only some labs ask for
    #[arg(long)]
    all: bool,
}

impl Build {
    pub(super) fn run(self) -> Result<ExitCode> {
        let Self { all } = self;
        let started = Instant::now();
        let wanted: Vec<Program> = PROGRAMS
            .into_iter()
            .filter(|program| all || *program != KUBERNETES_1_34)
            .collect();
        let built = ensure(&wanted, &Progress::stderr())?;
        println!("the programs are built ({})", human(started.elapsed()));
        for path in built {
            println!("  {}", path.display());
        }
        Ok(ExitCode::SUCCESS)
    }
}
