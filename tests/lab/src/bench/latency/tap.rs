//! A tap between Pinisi and Prometheus: hands every answer on as it is and notes
//! when, so that waiting to ask can be told apart from deciding.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use tokio::net::TcpListener;

const TIMEOUT: Duration = Duration::from_secs(10);
const JSON: &str = "application/json";
/// Answers that are remembered; older ones go.
const MOST: usize = 256;

/// The tap. It ends with the runtime.
#[derive(Debug, Clone)]
pub struct Tap {
    address: String,
    inside: Arc<Inside>,
}

#[derive(Debug)]
struct Inside {
    to: String,
    http: reqwest::Client,
    answers: Mutex<Vec<(Timestamp, Bytes)>>,
}

impl Tap {
    /// Listens on loopback, before the server at this URL.
    ///
    /// # Errors
    /// When no port is to be had.
    pub async fn start(to: &str) -> Result<Self> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(TIMEOUT)
            .build()?;
        let inside = Arc::new(Inside {
            to: to.trim_end_matches('/').to_owned(),
            http,
            answers: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let router = Router::new()
            .fallback(hand_on)
            .with_state(Arc::clone(&inside));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, inside })
    }

    /// Where to ask.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// When each workload was first answered with at least this figure, of the
    /// answers since `from`.
    ///
    /// # Errors
    /// When an answer cannot be read.
    pub fn shown(&self, from: Timestamp, least: f64) -> Result<BTreeMap<String, Timestamp>> {
        let answers = self
            .inside
            .answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut shown = BTreeMap::new();
        for (at, body) in answers.into_iter().filter(|(at, _)| *at >= from) {
            let Answer {
                data: Data { result },
            } = serde_json::from_slice(&body).context("not Prometheus' answer")?;
            for Series {
                mut metric,
                value: (_, value),
            } in result
            {
                if value.parse::<f64>().is_ok_and(|value| value >= least) {
                    let name = metric.remove("workload").unwrap_or_default();
                    shown.entry(name).or_insert(at);
                }
            }
        }
        Ok(shown)
    }
}

#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    metric: BTreeMap<String, String>,
    value: (f64, String),
}

async fn hand_on(State(inside): State<Arc<Inside>>, uri: Uri) -> Response {
    let asked = uri.path_and_query().map_or("/", |path| path.as_str());
    match ask(&inside, asked).await {
        Ok((status, body)) => {
            // Figures, not their times.
            if status.is_success() && !asked.contains("timestamp") {
                let mut answers = inside
                    .answers
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                if answers.len() >= MOST {
                    answers.remove(0);
                }
                answers.push((Timestamp::now(), body.clone()));
            }
            (status, [(CONTENT_TYPE, JSON)], body).into_response()
        }
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

async fn ask(inside: &Inside, asked: &str) -> Result<(StatusCode, Bytes)> {
    let answer = inside
        .http
        .get(format!("{}{asked}", inside.to))
        .send()
        .await?;
    Ok((answer.status(), answer.bytes().await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn hands_on_and_notes_who_was_shown_when() {
        crate::install_tls_provider();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = format!("http://{}/", listener.local_addr().unwrap());
        let body = r#"{"data":{"result":[{"metric":{"workload":"a"},"value":[1,"25"]},{"metric":{"workload":"b"},"value":[1,"5"]}]}}"#;
        let router = Router::new().fallback(move || async move { body });
        tokio::spawn(async move { axum::serve(listener, router).await });
        let before = Timestamp::now();
        let tap = Tap::start(&to).await.unwrap();
        for query in ["offered", "timestamp(offered)"] {
            let http = reqwest::Client::builder().no_proxy().build().unwrap();
            let request = http.get(format!("{}/api/v1/query?query={query}", tap.url()));
            assert_eq!(request.send().await.unwrap().text().await.unwrap(), body);
        }
        let shown = tap.shown(before, 20.0).unwrap();
        assert_eq!(shown.keys().collect::<Vec<_>>(), ["a"]);
        assert!(shown["a"] >= before);
        assert!(
            tap.shown(Timestamp::now(), 0.0).unwrap().is_empty(),
            "that was before"
        );
    }
}
