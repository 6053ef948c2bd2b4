//! Where the lab keeps things: built programs in the user's cache folder, and
//! one state folder per lab. Nothing is ever written into the checkout.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Overrides the folder of built programs.
pub const CACHE_VARIABLE: &str = "PINISI_LAB_CACHE";
/// Overrides the folder that holds one state folder per lab.
pub const STATE_VARIABLE: &str = "PINISI_LAB_STATE";

/// The folder that holds the built programs.
///
/// # Errors
/// When none of `PINISI_LAB_CACHE`, `XDG_CACHE_HOME` and `HOME` is set.
pub fn cache_dir() -> Result<PathBuf> {
    if let Some(dir) = non_empty(CACHE_VARIABLE) {
        return absolute(&dir);
    }
    if let Some(dir) = non_empty("XDG_CACHE_HOME") {
        return Ok(absolute(&dir)?.join("pinisi-lab"));
    }
    Ok(home(CACHE_VARIABLE)?.join(".cache").join("pinisi-lab"))
}

/// The folder that holds one state folder per lab.
///
/// # Errors
/// When none of `PINISI_LAB_STATE`, `XDG_STATE_HOME` and `HOME` is set.
pub fn state_root() -> Result<PathBuf> {
    if let Some(dir) = non_empty(STATE_VARIABLE) {
        return absolute(&dir);
    }
    if let Some(dir) = non_empty("XDG_STATE_HOME") {
        return Ok(absolute(&dir)?.join("pinisi-lab"));
    }
    Ok(home(STATE_VARIABLE)?
        .join(".local")
        .join("state")
        .join("pinisi-lab"))
}

fn non_empty(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

fn absolute(dir: &Path) -> Result<PathBuf> {
    std::path::absolute(dir).with_context(|| format!("{} is not a usable path", dir.display()))
}

fn home(variable: &str) -> Result<PathBuf> {
    non_empty("HOME")
        .with_context(|| format!("HOME is not set; set it, or set {variable} to a folder"))
}

/// The state folder of one lab and the names of the files in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDir(PathBuf);

impl StateDir {
    /// The state folder of the lab called `name`.
    ///
    /// # Errors
    /// As [`state_root`].
    pub fn of(name: &str) -> Result<Self> {
        Ok(Self(state_root()?.join(name)))
    }

    /// A state folder at a given path.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Held locked by the supervisor for as long as it lives.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    /// What the supervisor says about itself and its children.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.0.join("lab.json")
    }

    /// The socket on which the supervisor takes requests.
    #[must_use]
    pub fn control(&self) -> PathBuf {
        self.0.join("control.sock")
    }

    /// The admin's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.0.join("kubeconfig")
    }

    /// The API server's audit log, one JSON event a line.
    #[must_use]
    pub fn audit_log(&self) -> PathBuf {
        self.0.join("audit.log")
    }

    /// Keys, tokens and certificates.
    #[must_use]
    pub fn secrets(&self) -> PathBuf {
        self.0.join("secrets")
    }

    /// Files the lab writes for the programs it starts.
    #[must_use]
    pub fn config(&self, file: &str) -> PathBuf {
        self.0.join("config").join(file)
    }

    /// A data folder (etcd, Prometheus, Helm), removed when the lab ends.
    #[must_use]
    pub fn data(&self, of: &str) -> PathBuf {
        self.0.join("data").join(of)
    }

    /// The folder of all logs.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }

    /// The log of one process.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        self.logs().join(format!("{name}.log"))
    }
}
