//! Running one step: its processes are children of this one, in its process
//! group, and end when it ends.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use super::steps::{How, Step};
use super::{deny, purity, tree};
use crate::process::end_with_parent;

/// From being told to end to being killed.
const GRACE: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(100);

/// Runs cargo and other programs in the checkout.
#[derive(Debug)]
pub struct Runner {
    checkout: PathBuf,
    to_stderr: bool,
}

impl Runner {
    /// In this checkout; what programs print goes to standard error where
    /// standard output is for figures.
    ///
    /// # Errors
    /// When there is no checkout.
    pub fn new(checkout: PathBuf, to_stderr: bool) -> Result<Self> {
        if !checkout.join("Cargo.toml").is_file() {
            bail!(
                "{} is no checkout; this program was built elsewhere",
                checkout.display()
            );
        }
        Ok(Self {
            checkout,
            to_stderr,
        })
    }

    /// Runs one step; `false` when it does not hold.
    ///
    /// # Errors
    /// When it cannot be run, or the run was interrupted.
    pub async fn step(&self, step: &Step) -> Result<bool> {
        match &step.how {
            How::Cargo(args) => self.shown(self.cargo(args)).await,
            How::Deny => deny::run(self).await,
            How::Purity => purity::run(self).await,
        }
    }

    /// cargo with these arguments, in the checkout.
    #[must_use]
    pub fn cargo<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> std::process::Command {
        let mut command = crate::cargo::cargo();
        command.args(args);
        command
    }

    /// Runs a program and shows what it prints; `false` when it fails.
    ///
    /// # Errors
    /// When it cannot be run, or the run was interrupted.
    pub async fn shown(&self, mut command: std::process::Command) -> Result<bool> {
        if self.to_stderr {
            command.stdout(Stdio::from(std::io::stderr()));
        }
        let mut child = self.spawn(command)?;
        self.wait(&mut child).await
    }

    /// Starts a program that ends with this one.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn spawn(&self, mut command: std::process::Command) -> Result<Child> {
        let program = command.get_program().to_string_lossy().into_owned();
        command.current_dir(&self.checkout).stdin(Stdio::null());
        // For an end that this process cannot see coming.
        end_with_parent(&mut command, Signal::TERM);
        Command::from(command)
            .spawn()
            .with_context(|| format!("cannot run {program}"))
    }

    /// Waits for a program; ends it, with everything that it started, when this
    /// one is told to end.
    ///
    /// # Errors
    /// When the run was interrupted.
    pub async fn wait(&self, child: &mut Child) -> Result<bool> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        tokio::select! {
            status = child.wait() => return Ok(status?.success()),
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
        end(child).await?;
        bail!("interrupted; everything that was started has ended");
    }
}

/// Ends a program and all that it started: first as asked, then by force.
async fn end(child: &mut Child) -> Result<()> {
    let Some(pid) = child.id() else { return Ok(()) };
    let family = tree::descendants(pid);
    for process in &family {
        process.signal(Signal::TERM)?;
    }
    let deadline = tokio::time::Instant::now() + GRACE;
    loop {
        // Takes the child's own status away, or it would stay as a zombie.
        child.try_wait()?;
        if family.iter().all(|process| !process.is_alive()) {
            return Ok(());
        }
        if tokio::time::Instant::now() >= deadline {
            break;
        }
        tokio::time::sleep(POLL).await;
    }
    for process in &family {
        process.signal(Signal::KILL)?;
    }
    child.wait().await?;
    Ok(())
}
