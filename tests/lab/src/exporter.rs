//! The small exporter that Prometheus scrapes: serves the load of `load.rs` on
//! loopback, by hand or by a replay.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, USER_AGENT};
use axum::response::IntoResponse;
use axum::routing::get;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::load::{Change, Load, Offered};
use crate::replay::Replay;
use crate::spec::ScrapeTarget;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Readings of the metrics page that are remembered; older ones go.
const MOST_READINGS: usize = 4_096;

/// Somebody has read the metrics page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What was there at this moment is what was answered.
    pub at: Timestamp,
    /// The program that asked, by its own word.
    pub agent: String,
}

#[derive(Debug, Default)]
struct Served {
    load: Load,
    readings: VecDeque<Reading>,
}

/// A running exporter. Cheap to clone; it ends with the runtime, or when it is stopped.
#[derive(Debug, Clone)]
pub struct Exporter {
    served: Arc<Mutex<Served>>,
    address: String,
    stop: Arc<Notify>,
}

impl Exporter {
    /// Serves on this loopback port, or on a free one.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start(port: Option<u16>) -> Result<Self> {
        let held = crate::ports::hold(port, "the exporter", "--port")?;
        let address = held.address();
        held.release();
        let listener = TcpListener::bind(&address)
            .await
            .with_context(|| format!("cannot listen on {address}"))?;
        let served = Arc::new(Mutex::new(Served::default()));
        let router = Router::new()
            .route("/metrics", get(metrics))
            .route("/offered", get(offered))
            .with_state(Arc::clone(&served));
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop);
        tokio::spawn(async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(async move { stopped.notified().await })
                .await
        });
        Ok(Self {
            served,
            address,
            stop,
        })
    }

    /// Ends it, with its connections: whoever asks from now on is refused.
    pub fn stop(&self) {
        self.stop.notify_one();
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// For `LabSpec::scrape` and `Lab::scrape`.
    #[must_use]
    pub fn target(&self, job: &str) -> ScrapeTarget {
        ScrapeTarget {
            job: job.to_owned(),
            address: self.address.clone(),
        }
    }

    /// Changes what a workload is offered from now on; returns the time of the
    /// change in milliseconds since 1970.
    pub fn set(&self, namespace: &str, workload: &str, offered: Offered) -> i64 {
        let mut served = self.lock();
        let now = Timestamp::now();
        served.load.set(namespace, workload, offered, now);
        now.as_millisecond()
    }

    /// Changes what many workloads of a namespace are offered, all at the moment
    /// that is answered; see [`Load::set_all`].
    pub fn set_all<'a>(
        &self,
        namespace: &str,
        loads: impl Iterator<Item = (&'a str, Offered)>,
    ) -> Timestamp {
        let mut served = self.lock();
        let now = Timestamp::now();
        served.load.set_all(namespace, loads, now);
        now
    }

    /// The last readings of the metrics page, oldest first.
    #[must_use]
    pub fn readings(&self) -> Vec<Reading> {
        self.lock().readings.iter().cloned().collect()
    }

    /// What a workload is offered now.
    #[must_use]
    pub fn offered(&self, namespace: &str, workload: &str) -> Option<Offered> {
        self.lock().load.offered(namespace, workload)
    }

    /// All changes so far, oldest first, each with its exact time.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        self.lock().load.changes().to_vec()
    }

    /// Plays a trace in the background; the last minute's rate stays. Calls
    /// `at_minute` after each step.
    ///
    /// # Errors
    /// When the replay is not valid.
    pub fn replay(
        &self,
        replay: Replay,
        mut at_minute: impl FnMut(usize, f64) + Send + 'static,
    ) -> Result<JoinHandle<()>> {
        replay.validate()?;
        let this = self.clone();
        Ok(tokio::spawn(async move {
            // Steps are counted from the start, so that they do not drift.
            let mut next = tokio::time::Instant::from_std(Instant::now());
            for minute in 0..replay.requests_a_minute.len() {
                tokio::time::sleep_until(next).await;
                for (share, rate) in replay.parts(minute) {
                    this.set(&share.namespace, &share.workload, Offered::Rps(rate));
                }
                at_minute(minute, replay.rate(minute).unwrap_or_default());
                next += replay.minute;
            }
            tokio::time::sleep_until(next).await;
        }))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Served> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn metrics(
    State(served): State<Arc<Mutex<Served>>>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let agent = headers
        .get(USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    let agent = agent.unwrap_or_default().to_owned();
    let mut served = served.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Timestamp::now();
    let text = served.load.open_metrics(now);
    if served.readings.len() >= MOST_READINGS {
        served.readings.pop_front();
    }
    served.readings.push_back(Reading { at: now, agent });
    ([(CONTENT_TYPE, OPEN_METRICS)], text)
}

/// The same for the metrics adapter: JSON, the workloads that have a rate.
async fn offered(State(served): State<Arc<Mutex<Served>>>) -> impl IntoResponse {
    let served = served.lock().unwrap_or_else(PoisonError::into_inner);
    let rates = served.load.rates().map(|(namespace, workload, rps)| {
        serde_json::json!({"namespace": namespace, "workload": workload, "rps": rps})
    });
    axum::Json(rates.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::replay::Share;

    #[tokio::test]
    async fn serves_what_is_set_and_replays_in_steps() {
        let exporter = Exporter::start(None).await.unwrap();
        exporter.set("shop", "api", Offered::Rps(7.0));
        let replay = Replay {
            requests_a_minute: vec![60.0, 120.0, 180.0],
            minute: Duration::from_millis(50),
            scale: 1.0,
            shares: vec![Share {
                namespace: "shop".into(),
                workload: "web".into(),
                weight: 1.0,
            }],
        };
        exporter.replay(replay, |_, _| {}).unwrap().await.unwrap();
        assert_eq!(exporter.offered("shop", "web"), Some(Offered::Rps(3.0)));
        let times: Vec<i64> = exporter
            .changes()
            .iter()
            .filter(|change| change.workload == "web")
            .map(|change| change.at_unix_ms)
            .collect();
        assert_eq!(times.len(), 3);
        assert!(times[2] - times[0] >= 95, "{times:?}");
        let http = reqwest_client();
        let text = http
            .get(format!("http://{}/metrics", exporter.address()))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        assert!(
            text.contains("offered_rps{namespace=\"shop\",workload=\"api\"} 7\n"),
            "{text}"
        );
        let changed = exporter.set_all("shop", [("api", Offered::Rps(8.0))].into_iter());
        let [reading] = &exporter.readings()[..] else {
            unreachable!("one reading")
        };
        assert!(reading.at <= changed);
        exporter.stop();
        let refused = async {
            while http
                .get(format!("http://{}/metrics", exporter.address()))
                .send()
                .await
                .is_ok()
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), refused)
            .await
            .unwrap();
    }

    fn reqwest_client() -> reqwest::Client {
        crate::client::install_tls_provider();
        reqwest::Client::builder().no_proxy().build().unwrap()
    }
}
