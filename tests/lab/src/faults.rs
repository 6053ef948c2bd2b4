//! Faults for a whole cluster: its API server gone, or there but silent, and
//! back again; and which version it says it is.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::apiserver;
use crate::cluster::is_ready;
use crate::lab::Lab;

/// Most time for an API server that was told to end.
const STOP_GRACE: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(100);
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

impl Lab {
    /// What the API server says its version is, such as `v1.37.2`.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn version(&self) -> Result<String> {
        Ok(self
            .admin_client()
            .await?
            .apiserver_version()
            .await?
            .git_version)
    }

    /// Ends the API server: connections are refused. `false` when it did not run.
    ///
    /// # Errors
    /// When the lab does not answer.
    pub async fn stop_apiserver(&self) -> Result<bool> {
        self.stop_process(apiserver::NAME, STOP_GRACE).await
    }

    /// Starts the API server again, on its port and with its data, and waits
    /// until it is ready.
    ///
    /// # Errors
    /// When it still runs, or does not become ready.
    pub async fn start_apiserver(&self) -> Result<()> {
        self.start_process(apiserver::NAME).await?;
        self.apiserver_ready().await
    }

    /// Halts the API server: connections are taken and nothing answers, as with a
    /// broken network. `false` when it does not run.
    ///
    /// # Errors
    /// When the lab does not answer.
    pub async fn pause_apiserver(&self) -> Result<bool> {
        self.halt_process(apiserver::NAME).await
    }

    /// Lets the API server go on, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not run, or does not become ready.
    pub async fn resume_apiserver(&self) -> Result<()> {
        if !self.go_on_process(apiserver::NAME).await? {
            bail!("{} does not run", apiserver::NAME);
        }
        self.apiserver_ready().await
    }

    async fn apiserver_ready(&self) -> Result<()> {
        let deadline = Instant::now() + apiserver::START_TIMEOUT;
        // A client of its own: one that was in use may hold dead connections.
        let admin = self.admin_client().await?;
        loop {
            let ready = tokio::time::timeout(PROBE_TIMEOUT, is_ready(&admin)).await;
            if ready.unwrap_or(false) {
                return Ok(());
            }
            let state = self.state()?;
            let child = state
                .children
                .iter()
                .find(|child| child.name == apiserver::NAME);
            let child = child.context("the lab has no API server")?;
            if let Some(ended) = &child.ended {
                let words = crate::files::last_words(&child.log, 12);
                bail!("{} {ended}; its last lines:\n{words}", apiserver::NAME);
            }
            if Instant::now() >= deadline {
                let seconds = apiserver::START_TIMEOUT.as_secs();
                bail!("{} was not ready within {seconds} s", apiserver::NAME);
            }
            tokio::time::sleep(POLL).await;
        }
    }
}
