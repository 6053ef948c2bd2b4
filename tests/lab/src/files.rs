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

/// What a program said last: where it is a Go program that panicked, from there on, as what follows are
/// addresses; else the last lines.
#[must_use]
pub fn last_words(path: &Path, lines: usize) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    let panicked = |line: &&str| line.starts_with("panic: ") || line.starts_with("fatal error: ");
    match all.iter().rposition(panicked) {
        Some(at) => all[at..]
            .iter()
            .take(lines)
            .copied()
            .collect::<Vec<_>>()
            .join("\n"),
        None => tail(path, lines),
    }
}

/// Free bytes on the disk that holds `path` or its nearest existing parent.
#[must_use]
pub fn free_bytes(path: &Path) -> Option<u64> {
    let existing = path.ancestors().find(|dir| dir.exists())?;
    let stat = rustix::fs::statvfs(existing).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_shown_from_its_cause_on() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let words = |text: &str| {
            fs::write(&log, text).unwrap();
            last_words(&log, 2)
        };
        assert_eq!(words("one\ntwo\nthree\n"), "two\nthree");
        assert_eq!(
            words("one\npanic: failed to create WAL\n\ngoroutine 1\n0x1\n0x2\n"),
            "panic: failed to create WAL\n"
        );
    }
}
