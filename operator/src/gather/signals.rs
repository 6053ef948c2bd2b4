//! Keeps one asker a SignalSource: started when the source appears, started anew when its spec
//! changes, ended when it goes. Sources do not wait for each other.

use super::{
    gateway,
    phase::Phase,
    prometheus,
    samples::{QueryAnswer, SignalError, SourceAnswers},
    shared::Shared,
};
use futures::future::join_all;
use jiff::Timestamp;
use pinisi_crds::{SignalSourceSpec, signal_source::Prometheus};
use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    sync::Arc,
    time::Duration,
};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

/// Seconds between two rounds where the source names none.
const INTERVAL_DEFAULT: i32 = 1;
/// Longest pause after failures.
const BACK_OFF_MAX: Duration = Duration::from_secs(15);

/// A client for each kind of source: their limits differ.
#[derive(Clone, Debug)]
pub(super) struct Clients {
    prometheus: reqwest::Client,
    gateways: reqwest::Client,
}

impl Clients {
    /// # Errors
    /// The TLS set-up is not usable (no process-wide provider).
    pub(super) fn new() -> reqwest::Result<Self> {
        Ok(Self {
            prometheus: prometheus::client()?,
            gateways: gateway::fetch::client()?,
        })
    }
}

/// Runs until `stop`.
pub(super) async fn supervise(shared: Arc<Shared>, clients: Clients, stop: CancellationToken) {
    let mut askers: HashMap<String, (String, SignalSourceSpec, CancellationToken)> = HashMap::new();
    let mut tasks = JoinSet::new();
    loop {
        // Registered before the look, so that no change between the two is missed.
        let changed = shared.sources_changed.notified();
        let wanted: BTreeMap<String, (String, SignalSourceSpec)> = {
            let index = shared.index.read();
            index
                .sources
                .iter()
                .filter_map(|(name, s)| {
                    s.spec
                        .as_ref()
                        .ok()
                        .map(|spec| (name.clone(), (s.uid.clone(), spec.clone())))
                })
                .collect()
        };
        askers.retain(|name, (uid, spec, token)| {
            let keep = wanted.get(name).is_some_and(|(u, s)| u == uid && s == spec);
            if !keep {
                token.cancel();
                // Under the same lock in which askers write: nothing of the old one comes after this.
                let forgot = shared.index.write().forget_answers(name);
                if forgot {
                    shared.touch();
                }
            }
            keep
        });
        for (name, (uid, spec)) in wanted {
            if let Entry::Vacant(place) = askers.entry(name) {
                let token = stop.child_token();
                tasks.spawn(ask_for_ever(
                    shared.clone(),
                    clients.clone(),
                    place.key().clone(),
                    spec.clone(),
                    token.clone(),
                ));
                place.insert((uid, spec, token));
            }
        }
        tokio::select! {
            () = changed => {}
            // Only to drop finished tasks.
            Some(_) = tasks.join_next() => {}
            () = stop.cancelled() => break,
        }
    }
    tasks.shutdown().await;
}

/// Asks one source until its token is cancelled.
async fn ask_for_ever(
    shared: Arc<Shared>,
    clients: Clients,
    source: String,
    spec: SignalSourceSpec,
    token: CancellationToken,
) {
    let Clients {
        prometheus,
        gateways,
    } = clients;
    match (&spec.prometheus, &spec.gateways) {
        (Some(at), None) => ask_prometheus(shared, prometheus, source, &spec, at, token).await,
        (None, Some(list)) => {
            gateway::scrape_for_ever(shared, gateways, source, &spec, list, token).await;
        }
        // Older than the schema's rules: `check` says so.
        (Some(_), Some(_)) | (None, None) => {}
    }
}

async fn ask_prometheus(
    shared: Arc<Shared>,
    client: reqwest::Client,
    source: String,
    spec: &SignalSourceSpec,
    Prometheus { address }: &Prometheus,
    token: CancellationToken,
) {
    let interval = Duration::from_secs(u64::from(
        spec.interval_seconds
            .unwrap_or(INTERVAL_DEFAULT)
            .max(1)
            .unsigned_abs(),
    ));
    let mut pause = interval;
    // Without the samples' own times an answer's time is that of the question.
    let timed = spec.queries.iter().any(|q| q.timestamp_query.is_some());
    let mut phase = Phase::default();
    let mut answers = SourceAnswers::new();
    loop {
        let begun = Instant::now();
        let round = join_all(
            spec.queries
                .iter()
                .map(|q| prometheus::ask(&client, address, q)),
        );
        let results = tokio::select! {
            results = round => results,
            () = token.cancelled() => return,
        };
        let now = Timestamp::now();
        let mut all_failed = !results.is_empty();
        for (query, result) in spec.queries.iter().zip(results) {
            let answer = answers.entry(query.name.clone()).or_default();
            all_failed &= result.is_err();
            take_in(answer, result, now, &source, &query.name);
        }
        {
            let mut index = shared.index.write();
            if token.is_cancelled() {
                return;
            }
            if index.apply_answers(&source, answers.clone()) {
                drop(index);
                shared.touch_figures();
            }
        }
        let next = if all_failed {
            pause = (pause * 2).min(BACK_OFF_MAX.max(interval));
            begun + pause
        } else if timed {
            pause = interval;
            let newest = answers.values().filter_map(|answer| answer.newest).max();
            Instant::now() + phase.wait(newest, Timestamp::now(), interval)
        } else {
            pause = interval;
            begun + interval
        };
        tokio::select! {
            () = tokio::time::sleep_until(next) => {}
            () = token.cancelled() => return,
        }
    }
}

/// Good figures replace the old ones; an error leaves them to age.
fn take_in(
    answer: &mut QueryAnswer,
    result: Result<super::samples::Figures, SignalError>,
    now: Timestamp,
    source: &str,
    query: &str,
) {
    match result {
        Ok(figures) => {
            if answer.error.is_some() {
                tracing::info!(source, query, "signal source answers again");
            }
            answer.good(figures, now);
        }
        Err(error) => {
            if answer.error.as_ref() != Some(&error) {
                tracing::warn!(source, query, reason = error.reason(), %error, "signal source gave no usable answer");
            }
            answer.error = Some(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gather::wire_custom::SourceWire;
    use serde_json::json;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    /// A Prometheus that answers every query with `body`; returns its address and the count of requests.
    async fn prometheus(status: &'static str, body: &'static str) -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let count = Arc::new(AtomicUsize::new(0));
        let seen = count.clone();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let seen = seen.clone();
                tokio::spawn(async move {
                    let mut request = [0u8; 4096];
                    let n = socket.read(&mut request).await.unwrap_or(0);
                    assert!(request[..n].starts_with(b"GET /api/v1/query?query="));
                    seen.fetch_add(1, Relaxed);
                    let head = format!(
                        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                        body.len()
                    );
                    let _ = socket.write_all(format!("{head}{body}").as_bytes()).await;
                });
            }
        });
        (address, count)
    }

    fn source(shared: &Shared, name: &str, address: &str) {
        let wire: SourceWire = serde_json::from_value(
            json!({"metadata": {"name": name, "uid": name}, "spec": {"prometheus": {"address": address}, "queries": [{"name": "rps", "query": "a b", "timestampQuery": "t"}]}}),
        )
        .unwrap();
        shared.index.write().apply_source(wire.into());
        shared.sources_changed.notify_one();
    }

    /// Waits until the source's answer is as wanted.
    async fn until(shared: &Shared, name: &str, wanted: impl Fn(Option<&QueryAnswer>) -> bool) {
        let mut changes = shared.changes.subscribe();
        let look = async {
            while !wanted(
                shared
                    .index
                    .read()
                    .answers
                    .get(name)
                    .and_then(|a| a.get("rps")),
            ) {
                changes.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(10), look)
            .await
            .expect("no such answer in time");
    }

    #[tokio::test]
    async fn sources_live_and_die_apart() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        const GOOD: &str = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"namespace":"a","workload":"b"},"value":[5,"7"]}]}}"#;
        let shared = Arc::new(Shared::new());
        let stop = CancellationToken::new();
        let task = tokio::spawn(supervise(
            shared.clone(),
            Clients::new().unwrap(),
            stop.clone(),
        ));
        let (good, asked) = prometheus("200 OK", GOOD).await;
        let (html, _) = prometheus("200 OK", "<html>").await;
        let (bad, _) = prometheus(
            "400 Bad Request",
            r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#,
        )
        .await;
        let (down, _) = prometheus("502 Bad Gateway", "oops").await;
        source(&shared, "dead", "http://127.0.0.1:9");
        source(&shared, "html", &html);
        source(&shared, "bad", &bad);
        source(&shared, "down", &down);
        source(&shared, "good", &good);
        until(&shared, "good", |a| {
            a.is_some_and(|a| {
                a.usable == 1 && a.newest.is_some_and(|t| t.as_second() == 7) && a.error.is_none()
            })
        })
        .await;
        for (name, reason) in [
            ("dead", "Unreachable"),
            ("html", "NotJson"),
            ("bad", "QueryRefused"),
            ("down", "HttpStatus"),
        ] {
            until(&shared, name, |a| {
                a.and_then(|a| a.error.as_ref())
                    .is_some_and(|e| e.reason() == reason)
            })
            .await;
        }
        assert!(asked.load(Relaxed) >= 2);
        // The good one turns bad: its figures stay beside the error? Not over a change of spec, which asks anew.
        source(&shared, "good", &html);
        until(&shared, "good", |a| {
            a.is_some_and(|a| a.error.is_some() && a.answered.is_none())
        })
        .await;
        shared.index.write().delete_source("good");
        shared.sources_changed.notify_one();
        until(&shared, "good", |a| a.is_none()).await;
        stop.cancel();
        task.await.unwrap();
    }

    #[test]
    fn an_error_leaves_the_last_figures_to_age() {
        let mut answer = QueryAnswer::default();
        let sample = crate::gather::samples::Sample {
            text: "1".into(),
            at: Some(Timestamp::UNIX_EPOCH),
            ambiguous: false,
        };
        take_in(
            &mut answer,
            Ok([("a".into(), [("b".into(), sample)].into())].into()),
            Timestamp::UNIX_EPOCH,
            "s",
            "q",
        );
        take_in(
            &mut answer,
            Err(SignalError::Status(500)),
            Timestamp::UNIX_EPOCH,
            "s",
            "q",
        );
        assert_eq!(
            (answer.usable, answer.figures.len(), answer.error),
            (1, 1, Some(SignalError::Status(500)))
        );
    }
}
