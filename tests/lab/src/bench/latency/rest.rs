//! The price of nothing happening: requests and CPU while the load only wobbles.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::contender::Contender;
use super::stage::Stage;
use crate::bench::tally::Requests;

/// A second at rest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rest {
    /// How long it was looked at, in seconds.
    pub seconds: f64,
    /// The contender's requests to the API server, a second.
    pub requests: f64,
    /// Of the whole time: watches that began or began again.
    pub watches: u64,
    /// Of the whole time: renewals of the lease.
    pub leases: u64,
    /// CPU seconds a second, by process.
    pub cpu: BTreeMap<String, f64>,
    /// Requests of the contender in the whole time, by verb and resource.
    pub kinds: BTreeMap<String, u64>,
}

/// Looks on for a while.
///
/// # Errors
/// When the audit log cannot be read or a process has ended.
pub async fn look(stage: &Stage, contender: Contender, time: Duration) -> Result<Rest> {
    let mut tail = stage.lab.audit_log().tail()?;
    let before = stage.cpu(contender)?;
    let begun = Instant::now();
    tokio::time::sleep(time).await;
    let cpu = stage.cpu(contender)?.since(&before);
    let seconds = begun.elapsed().as_secs_f64();
    let user = contender.user();
    let quoted = format!("{user:?}");
    let mut requests = Requests::default();
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    tail.read(
        |line| line.contains(&quoted),
        |event| {
            if event.user == user {
                requests.count(&event);
                let sub = if event.subresource.is_empty() {
                    ""
                } else {
                    "/"
                };
                let kind = format!(
                    "{} {}{sub}{}",
                    event.verb, event.resource, event.subresource
                );
                *kinds.entry(kind).or_default() += 1;
            }
        },
    )?;
    let Requests {
        plain,
        watches,
        leases,
    } = requests;
    Ok(Rest {
        seconds: (seconds * 10.0).round() / 10.0,
        requests: a_second(plain, seconds),
        watches,
        leases,
        cpu: cpu.each(seconds),
        kinds,
    })
}

/// To a thousandth.
#[allow(clippy::cast_precision_loss)] // a number of requests
fn a_second(count: u64, seconds: f64) -> f64 {
    (count as f64 / seconds * 1_000.0).round() / 1_000.0
}
