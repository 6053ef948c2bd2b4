//! Finding, and where needed building, this workspace's own binaries (`lab`,
//! `pinisi-operator`) beside the one that runs now.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use crate::cargo::cargo;
use crate::process::end_with_parent;
use crate::progress::Progress;

/// Overrides the path of the `lab` binary.
pub const LAB_VARIABLE: &str = "PINISI_LAB_BIN";
/// Overrides the path of the operator's binary.
pub const OPERATOR_VARIABLE: &str = "PINISI_OPERATOR_BIN";

/// The `lab` binary: this one, or the one of this build.
///
/// # Errors
/// When it cannot be built.
pub fn lab(progress: &Progress) -> Result<PathBuf> {
    if let Some(path) = given(LAB_VARIABLE) {
        return Ok(path);
    }
    let me = env::current_exe().context("cannot tell where this program is")?;
    if me.file_name().is_some_and(|name| name == "lab") {
        return Ok(me);
    }
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    once(&BUILT, || build("lab", progress))
}

/// The operator's binary, brought up to date.
///
/// # Errors
/// When it cannot be built.
pub fn operator(progress: &Progress) -> Result<PathBuf> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    match given(OPERATOR_VARIABLE) {
        Some(path) => Ok(path),
        None => once(&BUILT, || build("pinisi-operator", progress)),
    }
}

/// Builds this program anew for release, runs that with the same arguments, and
/// answers how it ended: for what is to be measured.
///
/// # Errors
/// When it cannot be built or run.
pub fn run_released(progress: &Progress) -> Result<ExitCode> {
    progress.say("building for release; a first time takes minutes");
    let folder = profile_dir()?;
    let target = folder.parent().context("this program has no folder")?;
    let lab = build_in(&target.join("release"), "lab", progress)?;
    let mut command = Command::new(&lab);
    command.args(env::args_os().skip(1));
    // Ctrl-C reaches both; the other ends its lab first.
    end_with_parent(&mut command, Signal::TERM);
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", lab.display()))?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Cargo is asked once a process: a test starts many labs.
fn once(built: &OnceLock<PathBuf>, build: impl FnOnce() -> Result<PathBuf>) -> Result<PathBuf> {
    match built.get() {
        Some(path) => Ok(path.clone()),
        None => build().map(|path| built.get_or_init(|| path).clone()),
    }
}

/// Builds one binary of the workspace in the profile of the running one, and
/// says where it is.
///
/// # Errors
/// When cargo fails; what it said has been shown.
pub fn build(binary: &str, progress: &Progress) -> Result<PathBuf> {
    build_in(&profile_dir()?, binary, progress)
}

fn build_in(folder: &Path, binary: &str, progress: &Progress) -> Result<PathBuf> {
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev".to_owned(),
        Some(name) => name.to_owned(),
    };
    progress.tick(|| format!("building {binary}"));
    let mut command = cargo();
    command
        .args([
            "build",
            "--quiet",
            // All of it: one package alone would be built with other features, and with it every
            // dependency once more.
            "--workspace",
            "--bins",
            "--profile",
            &profile,
        ])
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml"))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    end_with_parent(&mut command, Signal::TERM);
    let status = command.status().context("cannot run cargo")?;
    if !status.success() {
        bail!("building {binary} failed; see cargo's message above");
    }
    let path = folder.join(binary);
    if !path.is_file() {
        bail!(
            "cargo built {binary}, but not as {}; set {LAB_VARIABLE} or {OPERATOR_VARIABLE}",
            path.display()
        );
    }
    Ok(path)
}

fn given(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// `target/PROFILE`: the running binary's folder, or the one above for tests,
/// which live in `deps`.
fn profile_dir() -> Result<PathBuf> {
    let me = env::current_exe().context("cannot tell where this program is")?;
    let folder = me.parent().context("this program has no folder")?;
    let folder = if folder.file_name().is_some_and(|name| name == "deps") {
        folder.parent()
    } else {
        Some(folder)
    };
    Ok(folder.context("this program has no folder")?.to_owned())
}
