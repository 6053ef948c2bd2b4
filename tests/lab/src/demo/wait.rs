//! Waiting with an end: each wait that fails says what was missing.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::Instant;

const POLL: Duration = Duration::from_millis(100);

/// Asks until nothing is missing any more.
///
/// # Errors
/// When something is still missing after `most`: `what`, and the last answer.
/// An error of the probe itself ends the wait at once.
pub async fn until<F>(what: &str, most: Duration, mut missing: impl FnMut() -> F) -> Result<()>
where
    F: Future<Output = Result<Option<String>>>,
{
    let deadline = Instant::now() + most;
    while let Some(still) = missing().await? {
        if Instant::now() >= deadline {
            bail!("not within {} s: {what}: {still}", most.as_secs());
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

/// The same for something that is known here.
///
/// # Errors
/// As [`until`].
pub async fn until_seen(
    what: &str,
    most: Duration,
    mut missing: impl FnMut() -> Option<String>,
) -> Result<()> {
    until(what, most, || std::future::ready(Ok(missing()))).await
}
