//! Asking a lab's supervisor for something: one JSON line each way over a
//! socket in the lab's state folder, one request a connection.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::children::SpawnSpec;
use crate::paths::StateDir;
use crate::process::ProcessId;

/// The kernel's limit on a socket's path, less its closing zero.
const LONGEST_SOCKET_PATH: usize = 107;
/// Longest wait for an answer; ending a process takes at most its own grace.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(90);

/// What can be asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Start a further process.
    Spawn(SpawnSpec),
    /// Send SIGTERM, wait, and SIGKILL after the grace.
    Stop {
        /// The process's name.
        name: String,
        /// Milliseconds until SIGKILL.
        grace_ms: u64,
    },
    /// Send SIGKILL and wait for the end.
    Kill {
        /// The process's name.
        name: String,
    },
    /// Start a process again that has ended.
    StartAgain {
        /// The process's name.
        name: String,
    },
    /// Halt a process, or let it go on.
    Halt {
        /// The process's name.
        name: String,
        /// `false` lets it go on.
        halted: bool,
    },
}

/// What is answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The process was started.
    Started(ProcessId),
    /// The process has ended; `was_running` says whether it ran until now.
    Ended {
        /// Whether it ran when the request came.
        was_running: bool,
    },
    /// The process was halted or let go on.
    Halted {
        /// Whether it runs at all.
        runs: bool,
    },
    /// The request failed.
    Refused(String),
}

/// Asks the supervisor of the lab in `dir`.
///
/// # Errors
/// When the lab does not run, or refuses.
pub async fn ask(dir: &StateDir, request: &Request) -> Result<Answer> {
    let exchange = async {
        let mut stream = UnixStream::connect(dir.control())
            .await
            .with_context(|| format!("the lab in {} does not run", dir.path().display()))?;
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        stream.write_all(&line).await?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).await?;
        serde_json::from_str(&answer).context("the lab ended while it was asked something")
    };
    match tokio::time::timeout(ANSWER_TIMEOUT, exchange)
        .await
        .context("the lab does not answer")??
    {
        Answer::Refused(why) => bail!(why),
        answer => Ok(answer),
    }
}

/// The supervisor's end.
///
/// # Errors
/// When the socket cannot be made.
pub fn listen(dir: &StateDir) -> Result<UnixListener> {
    let path = dir.control();
    if path.as_os_str().len() > LONGEST_SOCKET_PATH {
        bail!(
            "the state folder's path is too long for a socket ({}); set {} to a shorter one",
            path.display(),
            crate::paths::STATE_VARIABLE
        );
    }
    UnixListener::bind(&path).with_context(|| format!("cannot listen on {}", path.display()))
}

/// Reads the request of one connection.
///
/// # Errors
/// When it is not a request.
pub async fn read(stream: &mut UnixStream) -> Result<Request> {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await?;
    serde_json::from_str(&line).context("not a request")
}

/// Writes the answer.
///
/// # Errors
/// When the asker is gone.
pub async fn answer(stream: &mut UnixStream, answer: &Answer) -> Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    Ok(())
}
