//! Waiting for what must come true, and watching what must stay true.

use std::future::Future;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep};

const POLL: Duration = Duration::from_millis(200);

/// Polls until `check` is true. Its errors count as "not yet" and stand in the failure.
///
/// # Errors
/// `what` did not come true within `seconds`.
pub async fn eventually<F: Future<Output = Result<bool>>>(
    what: &str,
    seconds: u64,
    mut check: impl FnMut() -> F,
) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        let last = match check().await {
            Ok(true) => return Ok(()),
            Ok(false) => "it was false".to_owned(),
            Err(error) => format!("{error:#}"),
        };
        if Instant::now() >= deadline {
            bail!("not within {seconds} s: {what}; at last: {last}");
        }
        sleep(POLL).await;
    }
}

/// Polls for `seconds` and fails as soon as `check` is false.
///
/// # Errors
/// `what` ceased to be true.
pub async fn always<F: Future<Output = Result<bool>>>(
    what: &str,
    seconds: u64,
    mut check: impl FnMut() -> F,
) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < deadline {
        if !check().await? {
            bail!("ceased to be true: {what}");
        }
        sleep(POLL).await;
    }
    Ok(())
}
