//! Writing small files: atomically, and secrets with mode 0600.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use anyhow::{Context, Result};

const OWNER_ONLY_FILE: u32 = 0o600;
const OWNER_ONLY_DIR: u32 = 0o700;

/// Writes a file that only its owner can read, replacing it in one step.
///
/// # Errors
/// Names the file when it cannot be written.
pub fn write_private(path: &Path, contents: &[u8]) -> Result<()> {
    let next = path.with_extension("next");
    let attempt = || -> std::io::Result<()> {
        let mut file: File = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(OWNER_ONLY_FILE)
            .open(&next)?;
        file.write_all(contents)?;
        fs::rename(&next, path)
    };
    attempt().with_context(|| format!("cannot write {}", path.display()))
}

/// Creates a folder, and its parents, that only their owner can enter.
///
/// # Errors
/// Names the folder when it cannot be created.
pub fn private_dir(path: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(OWNER_ONLY_DIR)
        .create(path)
        .with_context(|| format!("cannot create the folder {}", path.display()))
}

/// The last `lines` lines of a text file; empty where it cannot be read.
#[must_use]
pub fn tail(path: &Path, lines: usize) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// Free bytes on the disk that holds `path` or its nearest existing parent.
#[must_use]
pub fn free_bytes(path: &Path) -> Option<u64> {
    let existing = path.ancestors().find(|dir| dir.exists())?;
    let stat = rustix::fs::statvfs(existing).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}
