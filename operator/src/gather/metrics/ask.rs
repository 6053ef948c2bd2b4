//! Asks one cluster's metrics APIs. Every request is bounded in time and size. Not here: when to ask
//! (`rounds`), and what an answer is worth (`check`).

use super::answers::{Figure, Usage};
use super::fault::{MetricsFault, quote};
use super::question::{Api, Question};
use super::served::Served;
use super::wire;
use futures::AsyncReadExt as _;
use http::Request;
use kube::Client;
use std::{
    collections::BTreeSet,
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// Longest wait for a whole answer.
pub const TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer that is read, in bytes.
pub const BODY_MAX: u64 = 64 << 20;
/// After so many requests of one round without an answer in time its API is not asked any more in
/// that round.
pub const TIMEOUTS_MAX: u32 = 3;

/// One cluster as it is asked in one round.
pub struct Asker {
    client: Client,
    served: Arc<Served>,
    timeouts: [AtomicU32; Api::ALL.len()],
    timeout: Duration,
    body_max: u64,
}

impl Asker {
    /// For one round. `served` outlives it.
    #[must_use]
    pub fn new(client: Client, served: Arc<Served>) -> Self {
        Self {
            client,
            served,
            timeouts: Default::default(),
            timeout: TIMEOUT,
            body_max: BODY_MAX,
        }
    }

    /// Use of CPU and memory by the pods of some namespaces: one list, of the namespace itself where
    /// there is but one.
    ///
    /// # Errors
    /// No usable answer.
    pub async fn usage(&self, namespaces: &BTreeSet<String>) -> Result<Usage, MetricsFault> {
        let path = match (namespaces.first(), namespaces.len()) {
            (Some(only), 1) => {
                format!(
                    "/apis/metrics.k8s.io/v1beta1/namespaces/{}/pods",
                    part(only)
                )
            }
            _ => "/apis/metrics.k8s.io/v1beta1/pods".to_owned(),
        };
        let body = self.get(Api::Resource, &path).await?;
        wire::usage(&body, namespaces)
    }

    /// The answer to one question; never without a value.
    ///
    /// # Errors
    /// No usable answer.
    pub async fn list(&self, question: &Question) -> Result<Vec<Figure>, MetricsFault> {
        let (path, selectors) = self.path(question).await?;
        let api = question.api();
        let body = match api {
            Api::External | Api::Resource => {
                let version = "/apis/external.metrics.k8s.io/v1beta1";
                self.get(api, &format!("{version}{path}{selectors}"))
                    .await?
            }
            Api::Custom => self.custom(&format!("{path}{selectors}")).await?,
        };
        let figures = wire::figures(&body)?;
        match (question, figures.len()) {
            (_, 0) => Err(MetricsFault::Empty(api)),
            (Question::Object { .. }, 2..) => Err(MetricsFault::NotOne(figures.len())),
            (Question::Pods { .. } | Question::Object { .. } | Question::External { .. }, _) => {
                Ok(figures)
            }
        }
    }

    /// Path behind the API's version, and the query behind that.
    async fn path(&self, question: &Question) -> Result<(String, String), MetricsFault> {
        Ok(match question {
            Question::Pods {
                namespace,
                metric,
                pods,
                labels,
            } => (
                format!("/namespaces/{}/pods/*/{}", part(namespace), part(metric)),
                query(&[("labelSelector", pods), ("metricLabelSelector", labels)]),
            ),
            Question::Object {
                namespace,
                api_version,
                kind,
                name,
                metric,
                labels,
            } => {
                let selectors = query(&[("metricLabelSelector", labels)]);
                let namespace = part(namespace);
                let metric = part(metric);
                // As an HPA: of all namespaces a workload reaches only its own, whatever the name.
                let path = if api_version == "v1" && kind == "Namespace" {
                    format!("/namespaces/{namespace}/metrics/{metric}")
                } else {
                    let resource = self.within(Api::Custom, self.resource(api_version, kind));
                    let resource = resource.await?;
                    let name = part(name);
                    format!("/namespaces/{namespace}/{resource}/{name}/{metric}")
                };
                (path, selectors)
            }
            Question::External {
                namespace,
                metric,
                labels,
            } => (
                format!("/namespaces/{}/{}", part(namespace), part(metric)),
                query(&[("labelSelector", labels)]),
            ),
        })
    }

    async fn resource(&self, api_version: &str, kind: &str) -> Result<String, MetricsFault> {
        self.served.resource(&self.client, api_version, kind).await
    }

    /// Asks custom metrics in the version that the cluster serves: adapters have v1beta1 or v1beta2.
    async fn custom(&self, path: &str) -> Result<Vec<u8>, MetricsFault> {
        let version = self.served.custom();
        let path = |version: &str| format!("/apis/custom.metrics.k8s.io/{version}{path}");
        let first = self.get(Api::Custom, &path(version)).await;
        match &first {
            // Perhaps it was the version that is not there.
            Err(MetricsFault::NoMetric(_)) if self.served.custom() != version => {
                self.get(Api::Custom, &path(self.served.custom())).await
            }
            Ok(_) | Err(_) => first,
        }
    }

    /// One request: the body of a successful answer.
    async fn get(&self, api: Api, path: &str) -> Result<Vec<u8>, MetricsFault> {
        if self.timeouts[api as usize].load(Ordering::Relaxed) >= TIMEOUTS_MAX {
            return Err(MetricsFault::Sick(api));
        }
        if self.served.lacks(api) {
            return Err(MetricsFault::ApiMissing(api));
        }
        self.within(api, self.fetch(api, path)).await
    }

    async fn fetch(&self, api: Api, path: &str) -> Result<Vec<u8>, MetricsFault> {
        let request = Request::get(path)
            .body(Vec::new())
            .map_err(|error| MetricsFault::Shape(quote(&error.to_string())))?;
        match self.client.request_stream(request).await {
            Ok(stream) => {
                let mut body = Vec::new();
                let mut stream = std::pin::pin!(stream);
                let mut limited = (&mut stream).take(self.body_max.saturating_add(1));
                let read = limited.read_to_end(&mut body).await;
                read.map_err(|error| MetricsFault::Unreachable(quote(&error.to_string())))?;
                if body.len() as u64 > self.body_max {
                    return Err(MetricsFault::TooLarge(self.body_max));
                }
                Ok(body)
            }
            Err(kube::Error::Api(status)) if status.code == 404 => {
                self.served.look(&self.client, api).await?;
                Err(if self.served.lacks(api) {
                    MetricsFault::ApiMissing(api)
                } else {
                    MetricsFault::NoMetric(quote(&status.message))
                })
            }
            Err(error) => Err(refused(api, &error)),
        }
    }

    async fn within<T>(
        &self,
        api: Api,
        work: impl Future<Output = Result<T, MetricsFault>>,
    ) -> Result<T, MetricsFault> {
        tokio::time::timeout(self.timeout, work)
            .await
            .unwrap_or_else(|_| {
                self.timeouts[api as usize].fetch_add(1, Ordering::Relaxed);
                Err(MetricsFault::Timeout {
                    api,
                    seconds: self.timeout.as_secs(),
                })
            })
    }
}

/// What an error of the API server or of the way to it means.
pub(super) fn refused(api: Api, error: &kube::Error) -> MetricsFault {
    match error {
        kube::Error::Api(status) => {
            let said = quote(&status.message);
            match status.code {
                401 | 403 => MetricsFault::Forbidden { api, said },
                503 => MetricsFault::Unavailable { api, said },
                code => MetricsFault::Status { code, said },
            }
        }
        other => {
            // The innermost cause: "connection refused" rather than "service error".
            let mut cause: &dyn std::error::Error = other;
            while let Some(inner) = cause.source() {
                cause = inner;
            }
            MetricsFault::Unreachable(quote(&cause.to_string()))
        }
    }
}

/// A text as one part of a path or a value of a query.
fn part(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:@".contains(&byte) {
            out.push(byte.into());
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Selectors as a query; those that are empty are left out.
fn query(selectors: &[(&str, &str)]) -> String {
    let said = selectors.iter().filter(|(_, text)| !text.is_empty());
    let pairs: Vec<_> = said
        .map(|(key, text)| format!("{key}={}", part(text)))
        .collect();
    if pairs.is_empty() {
        String::new()
    } else {
        format!("?{}", pairs.join("&"))
    }
}

#[cfg(test)]
mod tests;
