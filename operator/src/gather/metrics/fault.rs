//! Why a metrics API gave no usable answer, in words of bounded variety and with the way out.

use super::question::Api;
use std::fmt;

/// Longest piece of somebody else's text that goes into a condition, in characters.
const QUOTE_MAX: usize = 160;

/// Why there is no usable answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetricsFault {
    /// The cluster has no such API.
    ApiMissing(Api),
    /// The API is there, and the metric or the object is not.
    NoMetric(String),
    /// The API server has the API, but what serves it does not answer (503).
    Unavailable {
        /// The API.
        api: Api,
        /// What the API server says.
        said: String,
    },
    /// The operator may not ask (401 or 403).
    Forbidden {
        /// The API.
        api: Api,
        /// What the API server says.
        said: String,
    },
    /// No whole answer in time.
    Timeout {
        /// The API.
        api: Api,
        /// Seconds that were waited.
        seconds: u64,
    },
    /// Not asked, as others of the same API had no answer in time just before.
    Sick(Api),
    /// Any other status.
    Status {
        /// Its code.
        code: u16,
        /// What comes with it.
        said: String,
    },
    /// No connection to the API server.
    Unreachable(String),
    /// A larger answer than is read.
    TooLarge(u64),
    /// More values than are taken.
    TooMany(usize),
    /// Not what the API answers with.
    Shape(String),
    /// An answer without a single value.
    Empty(Api),
    /// Several values where one was asked for.
    NotOne(usize),
    /// A kind that the cluster does not know, so that its metrics cannot be asked for.
    NoKind {
        /// apiVersion.
        api_version: String,
        /// Kind.
        kind: String,
    },
}

impl MetricsFault {
    /// A CamelCase word of bounded variety for metric labels.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::ApiMissing(_) => "ApiMissing",
            Self::NoMetric(_) => "NoMetric",
            Self::Unavailable { .. } => "ApiUnavailable",
            Self::Forbidden { .. } => "Forbidden",
            Self::Timeout { .. } | Self::Sick(_) => "Timeout",
            Self::Status { .. } => "HttpStatus",
            Self::Unreachable(_) => "Unreachable",
            Self::TooLarge(_) => "AnswerTooLarge",
            Self::TooMany(_) => "TooManyValues",
            Self::Shape(_) => "UnknownShape",
            Self::Empty(_) => "Empty",
            Self::NotOne(_) => "SeveralValues",
            Self::NoKind { .. } => "UnknownKind",
        }
    }
}

impl fmt::Display for MetricsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ask = |api: &Api| format!("see kubectl get --raw /apis/{}", api.group());
        match self {
            Self::ApiMissing(api) => write!(
                f,
                "the cluster has no API {}; install {}",
                api.group(),
                api.servant()
            ),
            Self::NoMetric(said) => write!(f, "no such metric or object: {said}"),
            Self::Unavailable { api, said } => write!(
                f,
                "{} does not answer: HTTP status 503, {said}; see kubectl get apiservices",
                api.group()
            ),
            Self::Forbidden { api, said } => write!(
                f,
                "the operator may not read {} ({said}); grant it get and list there, as the chart's ClusterRole does",
                api.group()
            ),
            Self::Timeout { api, seconds } => write!(
                f,
                "{} gave no answer within {seconds} s; {}",
                api.group(),
                ask(api)
            ),
            Self::Sick(api) => write!(
                f,
                "{} gave others no answer in time; {}",
                api.group(),
                ask(api)
            ),
            Self::Status { code, said } => write!(f, "HTTP status {code}: {said}"),
            Self::Unreachable(why) => write!(f, "no connection to the API server: {why}"),
            Self::TooLarge(bytes) => write!(f, "the answer is larger than {bytes} bytes"),
            Self::TooMany(values) => write!(
                f,
                "the answer has more than {values} values; narrow the metric with a selector"
            ),
            Self::Shape(why) => write!(f, "the answer is not of the metrics API: {why}"),
            Self::Empty(api) => write!(
                f,
                "{} returned no value; check the metric's name and selector",
                api.group()
            ),
            Self::NotOne(values) => write!(
                f,
                "{values} values where one was asked for; narrow the metric with a selector"
            ),
            Self::NoKind { api_version, kind } => write!(
                f,
                "the cluster knows no kind {kind} in {api_version}; correct describedObject"
            ),
        }
    }
}

/// Somebody else's text, cut to one short line.
#[must_use]
pub fn quote(text: &str) -> String {
    let plain = text
        .trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c });
    plain.take(QUOTE_MAX).collect()
}
