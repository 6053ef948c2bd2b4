//! `cargo lab down`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::paths::{StateDir, state_root};
use crate::spec::DEFAULT_NAME;
use crate::state::{LabState, Phase};

/// Options of `down`.
#[derive(Debug, Args)]
pub struct Down {
    /// Which lab; its further clusters end with it
    #[arg(long, default_value = DEFAULT_NAME, conflicts_with = "all")]
    name: String,
    /// All labs of this user
    #[arg(long)]
    all: bool,
}

impl Down {
    pub(super) fn run(self) -> Result<ExitCode> {
        let Self { name, all } = self;
        let names = if all { names()? } else { family(&name)? };
        for name in names {
            println!("{}", end(&name)?);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn end(name: &str) -> Result<String> {
    let dir = StateDir::of(name)?;
    let Some(state) = LabState::read(&dir)? else {
        return Ok(format!("no lab called {name}"));
    };
    if !state.supervisor.is_alive() {
        let how = if state.phase == Phase::Stopped {
            "has ended already"
        } else {
            "had ended by itself"
        };
        std::fs::remove_dir_all(dir.path())?;
        return Ok(format!("the lab {name} {how}; its folder is removed"));
    }
    let processes = state
        .children
        .iter()
        .filter(|child| child.process.is_alive())
        .count()
        + 1;
    crate::lab::end(&state, None)?;
    std::fs::remove_dir_all(dir.path())?;
    Ok(format!(
        "the lab {name} has ended ({processes} processes); its folder is removed"
    ))
}

/// A lab and its further clusters, these first: they have no use without it.
pub(super) fn family(name: &str) -> Result<Vec<String>> {
    let mut family = Vec::new();
    for other in names()? {
        // A folder that cannot be read is none of this lab's.
        if let Ok(Some(state)) = LabState::read(&StateDir::of(&other)?)
            && state.spec.hub.as_deref() == Some(name)
        {
            family.push(other);
        }
    }
    family.push(name.to_owned());
    Ok(family)
}

/// The names of all labs that have a folder.
pub(super) fn names() -> Result<Vec<String>> {
    let Ok(entries) = std::fs::read_dir(state_root()?) else {
        return Ok(Vec::new());
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    Ok(names)
}
