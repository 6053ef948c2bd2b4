//! Plays the trace, a minute a minute. A service's new load begins right after an
//! HPA's sync of it, so that the HPA's next look and Pinisi's look before it are
//! at the same load; what still falls between is told.

use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;
use tokio::time::Instant;

use super::scene::{MILLI_A_REQUEST, NAMESPACE, by_pods};
use super::watch::Watched;
use crate::adapter::{Adapter, OFFERED, Series};
use crate::lab::Lab;

const MINUTE: Duration = Duration::from_secs(60);
const SECONDS_A_MINUTE: f64 = 60.0;
const POLL: Duration = Duration::from_millis(50);
/// A sync comes each 15 s; without one in this time the load begins all the same.
const SYNC_WITHIN: Duration = Duration::from_secs(20);
/// How often the use of pods is spread anew.
const SPREAD_EVERY: Duration = Duration::from_secs(2);
const MEMORY: &str = "16Mi";

/// Plays all minutes for one service.
///
/// # Errors
/// When the adapter or the API server does not answer.
pub async fn play(
    adapter: &Adapter,
    watched: &Watched,
    service: &'static str,
    minutes: &[f64],
) -> Result<()> {
    let begun = Instant::now();
    let mut begin = begun;
    for requests in minutes {
        tokio::time::sleep_until(begin).await;
        let syncs = watched.syncs(service);
        while watched.syncs(service) == syncs && begin.elapsed() < SYNC_WITHIN {
            tokio::time::sleep(POLL).await;
        }
        offer(adapter, watched, service, requests / SECONDS_A_MINUTE).await?;
        begin += MINUTE;
    }
    tokio::time::sleep_until(begin).await;
    Ok(())
}

/// Sets a service's load.
///
/// # Errors
/// When the adapter does not answer.
pub async fn offer(adapter: &Adapter, watched: &Watched, service: &str, rps: f64) -> Result<()> {
    let value = format!("{:.0}m", rps * 1_000.0);
    let series = Series::external(NAMESPACE, OFFERED, &value).label("workload", service);
    adapter.set(&[series]).await?;
    watched.offered(service, Timestamp::now(), rps);
    Ok(())
}

/// Spreads the CPU that a service's load takes over its pods, for ever.
pub async fn spread(lab: &Lab, watched: &Watched, service: &'static str) {
    if !by_pods(service) {
        return;
    }
    let mut tick = tokio::time::interval(SPREAD_EVERY);
    let mut last = None;
    loop {
        tick.tick().await;
        let (rps, pods) = watched.load_and_pods(service);
        if pods < 1 || last == Some((rps, pods)) {
            continue;
        }
        let milli = rps * MILLI_A_REQUEST / f64::from(i32::try_from(pods).unwrap_or(i32::MAX));
        let cpu = format!("{:.0}m", milli.max(1.0));
        let selector = format!("app={service}");
        // Pods that went meanwhile are spread anew in two seconds.
        if lab
            .set_pod_usage(NAMESPACE, &selector, &cpu, MEMORY)
            .await
            .is_ok()
        {
            last = Some((rps, pods));
        }
    }
}
