//! cargo-deny: built once into the cache folder, in the version named here, and
//! run with what can be checked without the advisory database.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::run::Runner;
use crate::paths::cache_dir;

const VERSION: &str = "0.20.2";

/// Runs it; `false` when it finds something.
///
/// # Errors
/// When it cannot be built or run.
pub async fn run(runner: &Runner) -> Result<bool> {
    let program = program(runner).await?;
    let mut command = Command::new(program);
    command.args(["--locked", "check", "bans", "licenses", "sources"]);
    runner.shown(command).await
}

/// Where it is, built where it was not.
async fn program(runner: &Runner) -> Result<PathBuf> {
    let root = cache_dir()?
        .join("tools")
        .join(format!("cargo-deny-{VERSION}"));
    let program = root.join("bin").join("cargo-deny");
    if program.is_file() {
        return Ok(program);
    }
    eprintln!(
        "building cargo-deny {VERSION}, once; later runs find it in {}",
        root.display()
    );
    fs::create_dir_all(&root).with_context(|| format!("cannot write {}", root.display()))?;
    let mut command = runner.cargo(&[
        "install",
        "--locked",
        "cargo-deny",
        "--version",
        VERSION,
        "--root",
    ]);
    // Quicker to build than the defaults; it checks one workspace.
    command
        .arg(&root)
        .env("CARGO_PROFILE_RELEASE_LTO", "false")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
    // A build of its own, beside the tool and not in the checkout's target.
    let scratch = root.join("build");
    command.env("CARGO_TARGET_DIR", &scratch);
    if !runner.shown(command).await? || !program.is_file() {
        bail!("cargo-deny {VERSION} could not be built; see cargo's message above");
    }
    // Only the tool is kept.
    let _ = fs::remove_dir_all(scratch);
    Ok(program)
}
