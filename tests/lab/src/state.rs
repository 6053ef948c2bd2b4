//! What a lab says about itself on disk (`lab.json`), written by its supervisor
//! and read by everybody else.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::files::write_private;
use crate::paths::StateDir;
use crate::process::ProcessId;
use crate::programs::Programs;
use crate::spec::LabSpec;

/// How far a lab is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Its programs are being started.
    Starting,
    /// It can be used.
    Ready,
    /// It did not start; `problem` says why.
    Failed,
    /// It is being ended.
    Stopping,
    /// It has ended.
    Stopped,
}

/// One process of a lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildState {
    /// Its name within the lab, such as `etcd` or `pinisi-0`.
    pub name: String,
    /// Which process it is.
    pub process: ProcessId,
    /// Where its output goes.
    pub log: PathBuf,
    /// How it ended, once it has.
    pub ended: Option<String>,
}

/// Everything about one lab.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabState {
    /// What was asked for.
    pub spec: LabSpec,
    /// The programs it runs.
    pub programs: Programs,
    /// How far it is.
    pub phase: Phase,
    /// Why it failed.
    pub problem: Option<String>,
    /// Whether it ends with the process that started it.
    pub tethered: bool,
    /// The process that owns all others.
    pub supervisor: ProcessId,
    /// When it was started, milliseconds since 1970.
    pub started_unix_ms: i64,
    /// Seconds from start to ready.
    pub start_seconds: Option<f64>,
    /// The API server.
    pub apiserver_url: Option<String>,
    /// etcd's clients.
    pub etcd_url: Option<String>,
    /// Prometheus.
    pub prometheus_url: Option<String>,
    /// Where the metrics adapter takes its values.
    pub adapter_url: Option<String>,
    /// All processes, in the order in which they were started.
    pub children: Vec<ChildState>,
}

impl LabState {
    /// What the lab in this folder last said; `None` where there is none.
    ///
    /// # Errors
    /// When the file is there but cannot be read.
    pub fn read(dir: &StateDir) -> Result<Option<Self>> {
        let path = dir.state();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let state = serde_json::from_slice(&text).with_context(|| {
            format!(
                "{} is not a state of this lab's version; remove its folder",
                path.display()
            )
        })?;
        Ok(Some(state))
    }

    /// Replaces the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, dir: &StateDir) -> Result<()> {
        write_private(&dir.state(), &serde_json::to_vec_pretty(self)?)
    }
}
