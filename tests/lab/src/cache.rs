//! The user's cache of built programs: one folder per program and key, where
//! the key is a digest of everything the build depends on. Outside the
//! checkout, so that a fresh clone finds what another one has built.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};

use crate::programs::Program;
use crate::progress::Progress;

/// Raised when the way of building changes without a change of its inputs.
const RECIPE: &str = "1";
/// Hex digits of the digest that name a folder.
const KEY_DIGITS: usize = 20;

/// Digest of everything that a program's build depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// The key of `program` as this checkout and this Go would build it.
    ///
    /// # Errors
    /// When a file of the Go module cannot be read.
    pub fn of(program: &Program, go_version: &str) -> Result<Self> {
        let dir = program.module_dir();
        let mut files: Vec<PathBuf> = fs::read_dir(&dir)
            .with_context(|| format!("cannot read the Go module {}", dir.display()))?
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.is_file())
            .collect();
        files.sort();
        let mut parts = vec![
            ("recipe".to_owned(), RECIPE.as_bytes().to_vec()),
            ("go".to_owned(), go_version.as_bytes().to_vec()),
            ("package".to_owned(), program.package.as_bytes().to_vec()),
            (
                "flags".to_owned(),
                program.build_flags().join("\n").into_bytes(),
            ),
        ];
        for path in files {
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            let contents =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            parts.push((name, contents));
        }
        Ok(Self::digest(&parts))
    }

    fn digest(parts: &[(String, Vec<u8>)]) -> Self {
        let mut hash = Sha256::new();
        for (name, contents) in parts {
            for bytes in [name.as_bytes(), contents] {
                // Lengths keep ("ab", "c") apart from ("a", "bc").
                hash.update((bytes.len() as u64).to_be_bytes());
                hash.update(bytes);
            }
        }
        let hex: String = hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self(hex[..KEY_DIGITS].to_owned())
    }
}

/// The cache folder.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The cache at `root`; nothing is created yet.
    #[must_use]
    pub fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn entry(&self, program: &Program, key: &Key) -> PathBuf {
        self.root
            .join("programs")
            .join(format!("{}-{}", program.name, key.0))
    }

    /// The built program, when it is there.
    #[must_use]
    pub fn find(&self, program: &Program, key: &Key) -> Option<PathBuf> {
        let path = self.entry(program, key).join(program.name);
        path.is_file().then_some(path)
    }

    /// A fresh folder on the same disk, to build into.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn scratch(&self) -> Result<tempfile::TempDir> {
        tempfile::Builder::new()
            .prefix("building-")
            .tempdir_in(&self.root)
            .with_context(|| format!("cannot write to the cache folder {}", self.root.display()))
    }

    /// Moves a finished build into place in one step, so that a reader sees all
    /// of it or nothing.
    ///
    /// # Errors
    /// When the folder cannot be moved.
    pub fn keep(
        &self,
        program: &Program,
        key: &Key,
        scratch: tempfile::TempDir,
    ) -> Result<PathBuf> {
        let entry = self.entry(program, key);
        let parent = self.root.join("programs");
        fs::create_dir_all(&parent)
            .with_context(|| format!("cannot create {}", parent.display()))?;
        let built = scratch.keep();
        fs::rename(&built, &entry)
            .with_context(|| format!("cannot move {} to {}", built.display(), entry.display()))?;
        Ok(entry.join(program.name))
    }

    /// Waits until no other lab builds, and keeps others waiting until dropped.
    ///
    /// # Errors
    /// When the lock file cannot be used.
    pub fn lock(&self, progress: &Progress) -> Result<File> {
        fs::create_dir_all(&self.root)
            .with_context(|| format!("cannot create the cache folder {}", self.root.display()))?;
        let path = self.root.join("lock");
        let file =
            File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
        progress.say("another lab is building; waiting for it");
        file.lock()
            .with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programs::ETCD;

    fn parts(parts: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
        parts
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
            .collect()
    }

    #[test]
    fn any_changed_input_changes_the_key() {
        let key = Key::digest(&parts(&[("go.mod", "a"), ("go.sum", "b")]));
        assert_eq!(
            key,
            Key::digest(&parts(&[("go.mod", "a"), ("go.sum", "b")]))
        );
        for other in [
            parts(&[("go.mod", "a2"), ("go.sum", "b")]),
            parts(&[("go.mod", "a"), ("go.sum", "b2")]),
            parts(&[("go.mod", "ag"), ("o.sum", "b")]),
            parts(&[("go.mod", "a")]),
        ] {
            assert_ne!(key, Key::digest(&other));
        }
    }

    #[test]
    fn the_go_version_flags_and_package_are_inputs() {
        let etcd = ETCD;
        let key = Key::of(&etcd, "go1.26.8").unwrap();
        assert_eq!(key, Key::of(&etcd, "go1.26.8").unwrap());
        assert_ne!(key, Key::of(&etcd, "go1.26.9").unwrap());
        assert_ne!(
            key,
            Key::of(
                &Program {
                    ldflags: "-s",
                    ..etcd
                },
                "go1.26.8"
            )
            .unwrap()
        );
        assert_ne!(
            key,
            Key::of(&Program { tags: "x", ..etcd }, "go1.26.8").unwrap()
        );
        assert_ne!(
            key,
            Key::of(
                &Program {
                    package: "./x",
                    ..etcd
                },
                "go1.26.8"
            )
            .unwrap()
        );
    }

    #[test]
    fn a_kept_build_is_found_and_a_half_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().to_owned());
        let key = Key::of(&ETCD, "go").unwrap();
        let scratch = cache.scratch().unwrap();
        fs::write(scratch.path().join("etcd"), b"x").unwrap();
        assert_eq!(cache.find(&ETCD, &key), None);
        let path = cache.keep(&ETCD, &key, scratch).unwrap();
        assert_eq!(cache.find(&ETCD, &key), Some(path));
    }
}
