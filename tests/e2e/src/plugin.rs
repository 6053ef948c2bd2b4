//! `kubectl pinisi` as a person runs it: a process with a kubeconfig.

use crate::World;
use anyhow::{Context as _, Result};
use pinisi_lab::Lab;
use pinisi_lab::progress::Progress;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::OnceCell;

/// Built once for all tests of a binary.
static BINARY: OnceCell<PathBuf> = OnceCell::const_new();

/// Its exit code and the JSON that it printed; null where it printed none.
///
/// # Errors
/// It could not be built or run.
pub async fn plugin(world: &World, args: &[&str]) -> Result<(i32, Value)> {
    plugin_in(&world.lab, args).await
}

/// The same in any lab.
///
/// # Errors
/// It could not be built or run.
pub async fn plugin_in(lab: &Lab, args: &[&str]) -> Result<(i32, Value)> {
    let output = command(lab, args).await?.output().await?;
    let printed = serde_json::from_slice(&output.stdout).unwrap_or_default();
    Ok((output.status.code().unwrap_or(-1), printed))
}

/// The same, with something on its standard input.
///
/// # Errors
/// It could not be built or run.
pub async fn plugin_told(world: &World, args: &[&str], input: &Value) -> Result<(i32, Value)> {
    let mut command = command(&world.lab, args).await?;
    command.stdin(std::process::Stdio::piped());
    command.stdout(std::process::Stdio::piped());
    let mut running = command.spawn()?;
    let mut stdin = running.stdin.take().context("no pipe to it")?;
    stdin.write_all(input.to_string().as_bytes()).await?;
    drop(stdin);
    let output = running.wait_with_output().await?;
    let printed = serde_json::from_slice(&output.stdout).unwrap_or_default();
    Ok((output.status.code().unwrap_or(-1), printed))
}

/// Runs it for no longer than `time`, then ends it hard. Its exit code, where it ended by itself.
///
/// # Errors
/// It could not be built or run.
pub async fn plugin_killed_after(
    world: &World,
    args: &[&str],
    time: Duration,
) -> Result<Option<i32>> {
    let running = command(&world.lab, args).await?.output();
    match tokio::time::timeout(time, running).await {
        Ok(output) => Ok(output?.status.code()),
        // Dropped, and killed with it.
        Err(_) => Ok(None),
    }
}

async fn command(lab: &Lab, args: &[&str]) -> Result<tokio::process::Command> {
    let build = || async {
        let build = || pinisi_lab::binaries::build("kubectl-pinisi", &Progress::quiet());
        tokio::task::spawn_blocking(build).await?
    };
    let binary = BINARY.get_or_try_init(build).await?;
    let mut command = tokio::process::Command::new(binary);
    command
        .args(args)
        .env("KUBECONFIG", lab.kubeconfig_path())
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true);
    Ok(command)
}
