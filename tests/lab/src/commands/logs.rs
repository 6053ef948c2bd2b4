//! `cargo lab logs`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;

use crate::paths::StateDir;
use crate::spec::DEFAULT_NAME;
use crate::state::LabState;

/// Options of `logs`.
#[derive(Debug, Args)]
pub struct Logs {
    /// Which process; `cargo lab status` lists them
    process: String,
    /// Which lab
    #[arg(long, default_value = DEFAULT_NAME)]
    name: String,
    /// How many lines from the end
    #[arg(long, default_value_t = 200)]
    tail: usize,
}

impl Logs {
    pub(super) fn run(self) -> Result<ExitCode> {
        let Self {
            process,
            name,
            tail,
        } = self;
        let dir = StateDir::of(&name)?;
        let Some(state) = LabState::read(&dir)? else {
            bail!("no lab called {name}")
        };
        let Some(child) = state.children.iter().find(|child| child.name == process) else {
            let further = super::down::family(&name)?;
            let hint = match further.first().filter(|first| **first != name) {
                Some(further) => format!("; its further clusters have theirs: --name {further}"),
                None => String::new(),
            };
            let names: Vec<&str> = state
                .children
                .iter()
                .map(|child| child.name.as_str())
                .collect();
            bail!(
                "the lab {name} has no process {process}; it has {}{hint}",
                names.join(", ")
            );
        };
        println!("{}", crate::files::tail(&child.log, tail));
        Ok(ExitCode::SUCCESS)
    }
}
