//! Scrapes the gateways of one SignalSource: each at its own pace, so that a slow one delays no
//! other, and publishes their sums. All of a source runs in one task and within a share of one
//! core, whatever its gateways serve. Not here: what a figure is worth (`check`).

pub mod answer;
mod endpoint;
pub(super) mod fetch;
mod line;
mod page;
mod pick;
mod rate;
mod sum;

use super::samples::{SignalError, SourceAnswers, stale_after};
use super::shared::Shared;
use answer::GatewayError;
use endpoint::{Endpoint, Times};
use futures::{StreamExt as _, stream::FuturesUnordered};
use jiff::{SignedDuration, Timestamp};
use pick::{Picked, Wanted};
use pinisi_crds::{SignalSourceSpec, signal_source::Gateway};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// Most gateways in one source.
pub const GATEWAYS_MAX: usize = 16;
/// Milliseconds between two scrapes where the source names none.
pub const INTERVAL_DEFAULT: i32 = 500;
/// Shortest such time.
pub const INTERVAL_MIN: i32 = 100;
/// Longest such time.
pub const INTERVAL_MAX: i32 = 60_000;
/// Milliseconds over which a counter's rate is taken, where the query names none.
pub const RATE_WINDOW_DEFAULT: i32 = 1_000;
/// Shortest such time.
pub const RATE_WINDOW_MIN: i32 = 200;
/// Longest such time.
pub const RATE_WINDOW_MAX: i32 = 60_000;
/// Longest pause after failures, where the interval is not longer.
const BACK_OFF_MAX: Duration = Duration::from_secs(5);
/// Publishes at least this often: held figures become stale also where nobody answers.
const PUBLISH_EVERY: Duration = Duration::from_secs(1);
/// How long a page waits for those of other gateways, to be published with them.
const TOGETHER: Duration = Duration::from_millis(30);
/// After the time that reading its page took, a gateway rests this many times as long for each
/// gateway of the source, so that reading takes at most a quarter of a core; summing takes at most
/// another one.
const REST: u32 = 3;

/// Doublings after which the pause grows no more.
const DOUBLINGS_MAX: u32 = 10;

/// Scrapes one source's gateways until its token is cancelled.
pub(super) async fn scrape_for_ever(
    shared: Arc<Shared>,
    client: reqwest::Client,
    source: String,
    spec: &SignalSourceSpec,
    gateways: &[Gateway],
    token: CancellationToken,
) {
    // The same address twice would count twice.
    let addresses: BTreeSet<&str> = gateways.iter().map(|g| g.address.as_str()).collect();
    // Outside the limits `check` says so, and nothing is scraped.
    if addresses.is_empty() || addresses.len() > GATEWAYS_MAX {
        return;
    }
    let wanted: Arc<[Wanted]> = spec.queries.iter().filter_map(Wanted::of).collect();
    let millis = spec
        .interval_milliseconds
        .unwrap_or(INTERVAL_DEFAULT)
        .clamp(INTERVAL_MIN, INTERVAL_MAX);
    let begun = Instant::now();
    let scraper = Scraper {
        shared,
        source,
        token,
        begun,
        interval: Duration::from_millis(u64::from(millis.unsigned_abs())),
        times: Times {
            interval: SignedDuration::from_millis(i64::from(millis)),
            stale_after: stale_after(spec),
        },
        due: vec![Some(begun); addresses.len()],
        endpoints: addresses
            .iter()
            .map(|address| Endpoint::new(address, wanted.len()))
            .collect(),
        wanted,
        answers: SourceAnswers::new(),
    };
    scraper.run(&client).await;
}

/// What a scrape gave.
struct Scraped {
    which: usize,
    due: Instant,
    begun: Timestamp,
    busy: Duration,
    result: Result<Picked, GatewayError>,
}

struct Scraper {
    shared: Arc<Shared>,
    source: String,
    token: CancellationToken,
    begun: Instant,
    interval: Duration,
    times: Times,
    wanted: Arc<[Wanted]>,
    endpoints: Vec<Endpoint>,
    /// When each is scraped next; `None` while it is being scraped.
    due: Vec<Option<Instant>>,
    answers: SourceAnswers,
}

impl Scraper {
    async fn run(mut self, client: &reqwest::Client) {
        let mut flights = FuturesUnordered::new();
        let mut publish_at = self.begun + PUBLISH_EVERY;
        // Summing rests as reading does.
        let mut rested = self.begun;
        loop {
            let now = Instant::now();
            for (which, (due, endpoint)) in self.due.iter_mut().zip(&self.endpoints).enumerate() {
                let Some(at) = due.filter(|at| *at <= now) else {
                    continue;
                };
                *due = None;
                let (address, wanted) = (endpoint.address.clone(), self.wanted.clone());
                flights.push(async move {
                    // The figures may be from any moment after this one.
                    let begun = Timestamp::now();
                    let (result, busy) = fetch::scrape(client, &address, &wanted).await;
                    Scraped {
                        which,
                        due: at,
                        begun,
                        busy,
                        result,
                    }
                });
            }
            let next = self.due.iter().flatten().copied().min();
            let publish = publish_at.max(rested);
            tokio::select! {
                biased;
                () = self.token.cancelled() => return,
                Some(scraped) = flights.next() => {
                    self.take_in(scraped);
                    let together = if flights.is_empty() { Duration::ZERO } else { TOGETHER };
                    publish_at = publish_at.min(Instant::now() + together);
                }
                () = sleep_until(next.map_or(publish, |next| next.min(publish))) => {}
            }
            let now = Instant::now();
            if publish_at.max(rested) <= now {
                if !self.publish() {
                    return;
                }
                publish_at = Instant::now() + PUBLISH_EVERY;
                rested = Instant::now() + now.elapsed() * REST;
            }
        }
    }

    fn take_in(&mut self, scraped: Scraped) {
        let Scraped {
            which,
            due,
            begun,
            busy,
            result,
        } = scraped;
        let taking = Instant::now();
        let gateways = u32::try_from(self.endpoints.len()).unwrap_or(u32::MAX);
        let Some(endpoint) = self.endpoints.get_mut(which) else {
            return;
        };
        let (source, gateway) = (&self.source, endpoint.address.clone());
        let taken =
            result.and_then(|picked| endpoint.take_in(picked, begun, &self.wanted, self.times));
        match taken {
            Ok(false) => {}
            Ok(true) => tracing::info!(source, %gateway, "gateway answers again"),
            Err(error) => {
                let (reason, text) = (error.reason(), error.to_string());
                if endpoint.fail(error, Timestamp::now()) {
                    tracing::warn!(source, %gateway, reason, error = text, "gateway gave no usable page");
                }
            }
        }
        let doublings = endpoint.failures.saturating_sub(1).min(DOUBLINGS_MAX);
        let pause = (self.interval * (1 << doublings)).min(BACK_OFF_MAX.max(self.interval));
        let busy = busy + taking.elapsed();
        let rest = busy.saturating_mul(REST).saturating_mul(gateways);
        let after = (due + pause).max(Instant::now() + rest);
        let next = self.tick(after);
        if let Some(due) = self.due.get_mut(which) {
            *due = Some(next);
        }
    }

    /// The first tick not before `at`: gateways keep in step, so that their pages are published
    /// together.
    fn tick(&self, at: Instant) -> Instant {
        let since = at.saturating_duration_since(self.begun);
        let ticks = since.as_nanos().div_ceil(self.interval.as_nanos().max(1));
        self.begun
            + self
                .interval
                .saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX))
    }

    /// False where the source is gone.
    fn publish(&mut self) -> bool {
        let reasons = |answers: &SourceAnswers| -> Vec<Option<&'static str>> {
            answers
                .values()
                .map(|answer| answer.error.as_ref().map(SignalError::reason))
                .collect()
        };
        let before = reasons(&self.answers);
        sum::bring_up_to_date(
            &mut self.answers,
            &self.endpoints,
            &self.wanted,
            self.times.stale_after,
            Timestamp::now(),
        );
        for ((query, answer), before) in self.answers.iter().zip(before) {
            if let Some(error) = &answer.error
                && before != Some(error.reason())
            {
                tracing::warn!(source = self.source, query, reason = error.reason(), %error, "no usable figures");
            }
        }
        let gateways = self.endpoints.iter().map(Endpoint::answer).collect();
        let mut index = self.shared.index.write();
        // Under the lock in which a source is forgotten: nothing comes after that.
        if self.token.is_cancelled() {
            return false;
        }
        let changed = index.apply_gateways(&self.source, gateways)
            | index.apply_answers(&self.source, self.answers.clone());
        drop(index);
        if changed {
            self.shared.touch_figures();
        }
        true
    }
}

#[cfg(test)]
mod tests;
