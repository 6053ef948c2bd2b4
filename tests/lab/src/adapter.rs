//! Speaking to a lab's metrics adapter: the series that custom.metrics.k8s.io and
//! external.metrics.k8s.io serve, how old they say they are, and faults. The
//! adapter itself is in `tests/lab/go/metrics`.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::exporter::Exporter;

const TIMEOUT: Duration = Duration::from_secs(10);
/// The metric under which a followed exporter's load is served.
pub const OFFERED: &str = "pinisi_demo_offered_rps";

/// Which of the two APIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricsApi {
    /// custom.metrics.k8s.io: of pods and other objects.
    Custom,
    /// external.metrics.k8s.io.
    External,
}

/// One series. The same series set again replaces its value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    api: MetricsApi,
    namespace: String,
    metric: String,
    group: String,
    resource: String,
    object: String,
    labels: BTreeMap<String, String>,
    value: Option<String>,
    spread: bool,
    age_seconds: f64,
    at_unix_ms: Option<i64>,
    window_seconds: Option<i64>,
}

/// What is wrong with an API, or with one of its metrics.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    /// Every question is answered with 503.
    Unavailable,
    /// Lists are empty, single objects are not found.
    Empty,
    /// Every sample says it is this much older than it is.
    Older(Duration),
    /// Every answer comes this much later.
    Slow(Duration),
}

#[derive(Serialize)]
struct FaultWire<'a> {
    api: MetricsApi,
    metric: &'a str,
    kind: &'static str,
    seconds: f64,
}

/// The adapter of one lab.
#[derive(Debug, Clone)]
pub struct Adapter {
    url: String,
}

impl Series {
    /// A series of external.metrics.k8s.io, such as the length of a queue. The
    /// value is a quantity: `40`, `1500m`.
    #[must_use]
    pub fn external(namespace: &str, metric: &str, value: &str) -> Self {
        Self {
            api: MetricsApi::External,
            namespace: namespace.into(),
            metric: metric.into(),
            group: String::new(),
            resource: String::new(),
            object: String::new(),
            labels: BTreeMap::new(),
            value: Some(value.into()),
            spread: false,
            age_seconds: 0.0,
            at_unix_ms: None,
            window_seconds: None,
        }
    }

    /// A metric of one object, `resource` being its plural: `services`,
    /// `ingresses.networking.k8s.io`, `deployments.apps`.
    #[must_use]
    pub fn object(namespace: &str, resource: &str, name: &str, metric: &str, value: &str) -> Self {
        let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
        Self {
            api: MetricsApi::Custom,
            group: group.into(),
            resource: resource.into(),
            object: name.into(),
            ..Self::external(namespace, metric, value)
        }
    }

    /// A metric of one pod.
    #[must_use]
    pub fn pod(namespace: &str, name: &str, metric: &str, value: &str) -> Self {
        Self::object(namespace, "pods", name, metric, value)
    }

    /// A metric of each pod that is asked for, those to come too, unless the pod
    /// has a series of its own.
    #[must_use]
    pub fn each_pod(namespace: &str, metric: &str, value: &str) -> Self {
        Self::pod(namespace, "*", metric, value)
    }

    /// The same, the value being what all running pods that are asked for share
    /// evenly, as a balancer shares requests out.
    #[must_use]
    pub fn spread_over_pods(namespace: &str, metric: &str, value: &str) -> Self {
        Self {
            spread: true,
            ..Self::each_pod(namespace, metric, value)
        }
    }

    /// The same with a label of the metric; part of what tells series apart.
    #[must_use]
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }

    /// The same, always this old when it is asked for; fresh otherwise.
    #[must_use]
    pub fn aged(mut self, age: Duration) -> Self {
        self.age_seconds = age.as_secs_f64();
        self
    }

    /// The same, measured at this time (milliseconds since 1970) and never again.
    #[must_use]
    pub fn measured_at(mut self, unix_ms: i64) -> Self {
        self.at_unix_ms = Some(unix_ms);
        self
    }

    /// The same, measured over this window; none is told otherwise.
    #[must_use]
    pub fn window(mut self, seconds: i64) -> Self {
        self.window_seconds = Some(seconds);
        self
    }
}

impl Adapter {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
        }
    }

    /// Sets series, from now on.
    ///
    /// # Errors
    /// When the adapter does not answer, or a value is no quantity.
    pub async fn set(&self, series: &[Series]) -> Result<()> {
        self.put("series", series).await
    }

    /// Takes series away; their values play no part.
    ///
    /// # Errors
    /// When the adapter does not answer.
    pub async fn remove(&self, series: &[Series]) -> Result<()> {
        let mut gone = series.to_vec();
        for series in &mut gone {
            series.value = None;
        }
        self.put("series", &gone).await
    }

    /// Sets what is wrong with an API, with all of its metrics or with one of
    /// them; `None` makes it right again.
    ///
    /// # Errors
    /// When the adapter does not answer.
    pub async fn fault(
        &self,
        api: MetricsApi,
        metric: Option<&str>,
        fault: Option<Fault>,
    ) -> Result<()> {
        let (kind, seconds) = match fault {
            None => ("none", 0.0),
            Some(Fault::Unavailable) => ("unavailable", 0.0),
            Some(Fault::Empty) => ("empty", 0.0),
            Some(Fault::Older(by)) => ("older", by.as_secs_f64()),
            Some(Fault::Slow(by)) => ("slow", by.as_secs_f64()),
        };
        let fault = FaultWire {
            api,
            metric: metric.unwrap_or_default(),
            kind,
            seconds,
        };
        self.put("fault", &fault).await
    }

    /// Serves an exporter's load too, asked for at each question, so that whoever
    /// reads the exporter and whoever asks the API see the same at the same time:
    /// as the external metric [`OFFERED`] with the labels `namespace` and
    /// `workload`, and as the same metric of each object called as the workload.
    ///
    /// # Errors
    /// When the adapter does not answer.
    pub async fn follow(&self, exporter: &Exporter) -> Result<()> {
        let url = format!("http://{}/offered", exporter.address());
        self.put("source", &url).await
    }

    async fn put<T: Serialize + ?Sized>(&self, what: &str, body: &T) -> Result<()> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(TIMEOUT)
            .build()?;
        let answer = http
            .put(format!("{}/{what}", self.url))
            .json(body)
            .send()
            .await
            .context("the metrics adapter does not answer")?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(
            status.is_success(),
            "the metrics adapter refused: {}",
            text.trim()
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_say_what_they_are_of() {
        let of = |series: &Series| {
            (
                series.group.clone(),
                series.resource.clone(),
                series.object.clone(),
            )
        };
        let object = Series::object("shop", "ingresses.networking.k8s.io", "web", "rps", "1");
        let owned = |parts: [&str; 3]| parts.map(str::to_owned).into();
        assert_eq!(
            of(&object),
            owned(["networking.k8s.io", "ingresses", "web"])
        );
        let spread = Series::spread_over_pods("shop", "rps", "1").label("a", "b");
        assert_eq!(of(&spread), owned(["", "pods", "*"]));
        let wire = serde_json::to_value(spread).unwrap();
        assert_eq!(
            (&wire["api"], &wire["spread"]),
            (&"custom".into(), &true.into())
        );
        let external = serde_json::to_value(Series::external("shop", "q", "1")).unwrap();
        assert_eq!(
            (&external["api"], &external["resource"]),
            (&"external".into(), &"".into())
        );
    }
}
