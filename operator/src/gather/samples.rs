//! What a SignalSource answered: figures by namespace and workload, with the time of the sample
//! behind each. Whether a figure is usable is judged in `check`.

use super::gateway::answer::GatewayError;
use jiff::{SignedDuration, Timestamp};
use pinisi_crds::SignalSourceSpec;
use pinisi_planner::model::amounts::MilliLoad;
use std::{collections::BTreeMap, fmt, sync::Arc};

/// Age in seconds from which a figure is stale, where the source names none.
pub const STALE_AFTER_DEFAULT: i32 = 60;
/// Shortest such age.
pub const STALE_AFTER_MIN: i32 = 5;
/// Longest such age.
pub const STALE_AFTER_MAX: i32 = 3600;

/// Age from which a source's figures are stale; a limit out of range is as if absent.
#[must_use]
pub fn stale_after(spec: &SignalSourceSpec) -> SignedDuration {
    SignedDuration::from_secs(i64::from(
        spec.stale_after_seconds
            .filter(|s| (STALE_AFTER_MIN..=STALE_AFTER_MAX).contains(s))
            .unwrap_or(STALE_AFTER_DEFAULT),
    ))
}

/// Answers of one SignalSource, by the query's name.
pub type SourceAnswers = BTreeMap<String, QueryAnswer>;

/// Figures of one answer: namespace, then workload.
pub type Figures = BTreeMap<String, BTreeMap<String, Sample>>;

/// The last answer to one query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryAnswer {
    /// Figures of the last good answer. An error leaves them: they age by their own times.
    pub figures: Arc<Figures>,
    /// Number of usable figures among them.
    pub usable: usize,
    /// Number of figures.
    pub series: usize,
    /// Newest sample behind any of them.
    pub newest: Option<Timestamp>,
    /// When the last good answer came.
    pub answered: Option<Timestamp>,
    /// Why the last attempt failed; `None` where it was good.
    pub error: Option<SignalError>,
}

impl QueryAnswer {
    /// Takes in a good answer.
    pub fn good(&mut self, figures: Figures, now: Timestamp) {
        let all = || figures.values().flat_map(BTreeMap::values);
        self.usable = all()
            .filter(|s| s.load().is_some() && s.at.is_some())
            .count();
        self.series = all().count();
        self.newest = all().filter_map(|s| s.at).max();
        self.answered = Some(now);
        self.error = None;
        self.figures = Arc::new(figures);
    }
}

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The figure as the answer has it.
    pub text: Box<str>,
    /// Time of the newest sample behind it; `None` where the timestamp query has none for it.
    pub at: Option<Timestamp>,
    /// True where the answer had several series for this workload.
    pub ambiguous: bool,
}

impl Sample {
    /// The figure as a load; `None` where it is no number, negative, infinite, absurd or ambiguous.
    #[must_use]
    pub fn load(&self) -> Option<MilliLoad> {
        let number: f64 = self.text.parse().ok()?;
        MilliLoad::from_signal(number).filter(|_| !self.ambiguous)
    }
}

/// Why a source gave no usable answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignalError {
    /// No connection, or no answer in time.
    Unreachable(String),
    /// An HTTP status other than success, without Prometheus' own error.
    Status(u16),
    /// Prometheus said that the query failed.
    Refused {
        /// Its word for the kind of error, such as `bad_data`.
        kind: String,
        /// Its message.
        message: String,
    },
    /// Not JSON: HTML or plain text, such as a login page.
    NotJson(String),
    /// JSON of another shape.
    Shape(String),
    /// A result that is not an instant vector.
    WrongType(String),
    /// Series, but none with the two labels that name a workload.
    NoLabels {
        /// The label that should hold the namespace.
        namespace: String,
        /// The label that should hold the workload's name.
        workload: String,
    },
    /// More series than are taken.
    TooManySeries(usize),
    /// A larger answer than is read.
    TooLarge(usize),
    /// The query says no PromQL.
    NoPromQl,
    /// One of several gateways stands in the way of every figure of the query.
    Gateway {
        /// Address of its page.
        address: Arc<str>,
        /// What is wrong with it.
        error: GatewayError,
    },
    /// No gateway has the metric.
    NoMetric(String),
}

impl SignalError {
    /// A CamelCase word of bounded variety for conditions and metric labels.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "Unreachable",
            Self::Status(_) => "HttpStatus",
            Self::Refused { .. } => "QueryRefused",
            Self::NotJson(_) => "NotJson",
            Self::Shape(_) => "UnknownShape",
            Self::WrongType(_) => "WrongResultType",
            Self::NoLabels { .. } => "NoWorkloadLabels",
            Self::TooManySeries(_) => "TooManySeries",
            Self::TooLarge(_) => "AnswerTooLarge",
            Self::NoPromQl => "NoPromQl",
            Self::Gateway { address: _, error } => error.reason(),
            Self::NoMetric(_) => "MetricNotFound",
        }
    }
}

impl fmt::Display for SignalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => write!(
                f,
                "no answer: {why}; check spec.prometheus.address, and that the operator may reach it"
            ),
            Self::Status(code) => write!(
                f,
                "HTTP status {code}; check the path in spec.prometheus.address"
            ),
            Self::Refused { kind, message } => {
                write!(f, "Prometheus refused the query ({kind}): {message}")
            }
            Self::NotJson(start) => write!(
                f,
                "the answer is not JSON but begins with {start:?}; check that spec.prometheus.address is a Prometheus"
            ),
            Self::Shape(why) => write!(f, "the answer is not of the Prometheus query API: {why}"),
            Self::WrongType(kind) => write!(
                f,
                "the query returns a {kind}, not an instant vector; write it so that each workload is one series"
            ),
            Self::NoLabels {
                namespace,
                workload,
            } => write!(
                f,
                "no series carries both labels {namespace} and {workload}; aggregate by them, or set namespaceLabel and workloadLabel"
            ),
            Self::TooManySeries(limit) => write!(
                f,
                "the answer has more than {limit} series; aggregate by namespace and workload"
            ),
            Self::TooLarge(limit) => write!(
                f,
                "the answer is larger than {limit} bytes; aggregate by namespace and workload"
            ),
            Self::NoPromQl => f.write_str("query is not set; set it to PromQL"),
            Self::Gateway { address, error } => write!(f, "gateway {address}: {error}"),
            Self::NoMetric(metric) => write!(
                f,
                "no gateway has {metric} with the labels in matchLabels; correct metric to a name as it stands on the page, or wait for the first request"
            ),
        }
    }
}

impl std::error::Error for SignalError {}
