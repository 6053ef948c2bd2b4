//! How one gateway fares, for status, and what can be wrong with its page. What its figures are
//! worth is judged in `check`, as those of any source.

use jiff::Timestamp;
use std::{fmt, sync::Arc};

/// How one gateway of a SignalSource fares.
#[derive(Clone, Debug, PartialEq)]
pub struct GatewayAnswer {
    /// Address of its page.
    pub address: Arc<str>,
    /// Series on its last good page that queries take.
    pub series: usize,
    /// Time of its newest figure, or of its last good page where that has none yet.
    pub newest: Option<Timestamp>,
    /// Time of the last good page; `None` before the first.
    pub seen: Option<Timestamp>,
    /// When the first failure after that was.
    pub failing_since: Option<Timestamp>,
    /// Why the last attempt failed; `None` where it was good.
    pub error: Option<GatewayError>,
}

/// Why a gateway's page was not usable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayError {
    /// No connection, or no whole page in time.
    Unreachable(String),
    /// An HTTP status other than success.
    Status(u16),
    /// A redirect, which is not followed.
    Redirect(u16),
    /// Compressed, although the request asks for none.
    Compressed(String),
    /// A content type that is neither of the two text formats.
    WrongFormat(String),
    /// A page for people, such as a login.
    Html,
    /// A line that is not UTF-8.
    NotText {
        /// Its number, from 1.
        line: usize,
    },
    /// A line that the format does not allow.
    Malformed {
        /// Its number, from 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// An OpenMetrics page without its end.
    Truncated,
    /// A larger page than is read.
    TooLarge(usize),
    /// A longer line than is read.
    LineTooLong(usize),
    /// More lines with values than are read.
    TooManyLines(usize),
    /// More series that queries take than are kept.
    TooManySeries(usize),
    /// One series twice.
    Duplicate {
        /// Name of the metric.
        metric: String,
    },
    /// A sample's time is after its scrape.
    ClockAhead {
        /// By more than this, in seconds.
        limit: i64,
    },
    /// Each page is from another process.
    ManyProcesses,
    /// Neither page nor query says what the metric is.
    NoKind {
        /// Name of the metric.
        metric: String,
    },
    /// The page says that the metric is of another kind than the query needs.
    WrongKind {
        /// Name of the metric.
        metric: String,
        /// What the page says.
        kind: &'static str,
        /// What would do.
        wanted: &'static str,
    },
    /// Series of the metric, but none with the two labels that name a workload.
    NoLabels {
        /// Name of the metric.
        metric: String,
        /// The label that should hold the namespace.
        namespace: String,
        /// The label that should hold the workload's name.
        workload: String,
    },
}

impl GatewayError {
    /// A CamelCase word of bounded variety for conditions and metric labels.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "Unreachable",
            Self::Status(_) => "HttpStatus",
            Self::Redirect(_) => "Redirected",
            Self::Compressed(_) => "PageCompressed",
            Self::WrongFormat(_) => "UnknownFormat",
            Self::Html => "PageIsHtml",
            Self::NotText { .. } => "PageNotText",
            Self::Malformed { .. } => "PageMalformed",
            Self::Truncated => "PageTruncated",
            Self::TooLarge(_) => "PageTooLarge",
            Self::LineTooLong(_) => "LineTooLong",
            Self::TooManyLines(_) => "TooManyLines",
            Self::TooManySeries(_) => "TooManySeries",
            Self::Duplicate { .. } => "DuplicateSeries",
            Self::ClockAhead { .. } => "ClockAhead",
            Self::ManyProcesses => "ManyProcesses",
            Self::NoKind { .. } => "MetricWithoutType",
            Self::WrongKind { .. } => "WrongMetricType",
            Self::NoLabels { .. } => "NoWorkloadLabels",
        }
    }
}

impl fmt::Display for GatewayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => write!(
                f,
                "no answer: {why}; check the address and that the operator may reach it, or take a gateway that is gone out of spec.gateways"
            ),
            Self::Status(code) => {
                write!(f, "HTTP status {code}; check the path in its address")
            }
            Self::Redirect(code) => write!(
                f,
                "it redirects (HTTP status {code}), which is not followed; set the address that it leads to"
            ),
            Self::Compressed(how) => write!(
                f,
                "the page is compressed ({how}) although none was asked for; turn that off for its metrics page"
            ),
            Self::WrongFormat(kind) => write!(
                f,
                "the page is {kind}; only OpenMetrics and Prometheus text are read: check the path in its address"
            ),
            Self::Html => f.write_str(
                "the page is HTML; check that the address is that of a metrics page and needs no login",
            ),
            Self::NotText { line } => write!(
                f,
                "line {line} is not UTF-8 text; check that the address is that of a metrics page"
            ),
            Self::Malformed { line, what } => write!(
                f,
                "line {line}: {what}; correct the exporter, or check that the address is that of a metrics page"
            ),
            Self::Truncated => f.write_str("the page ends before # EOF; look for a proxy or an exporter that cuts it"),
            Self::TooLarge(limit) => write!(
                f,
                "the page is larger than {limit} bytes; let the exporter serve fewer metrics"
            ),
            Self::LineTooLong(limit) => write!(
                f,
                "a line is longer than {limit} bytes; let the exporter serve shorter labels"
            ),
            Self::TooManyLines(limit) => write!(
                f,
                "the page has more than {limit} values; let the exporter serve fewer metrics"
            ),
            Self::TooManySeries(limit) => write!(
                f,
                "queries take more than {limit} series, those of the last staleAfterSeconds included; narrow them with matchLabels"
            ),
            Self::Duplicate { metric } => write!(
                f,
                "a series of {metric} is on the page twice; correct the exporter"
            ),
            Self::ClockAhead { limit } => write!(
                f,
                "samples have times more than {limit} s ahead of this clock; set the clocks, or let the exporter leave times out"
            ),
            Self::ManyProcesses => f.write_str(
                "each page is from another process (process_start_time_seconds changes); list the address of each gateway instead of a Service before them",
            ),
            Self::NoKind { metric } => write!(
                f,
                "the page does not say whether {metric} is a counter or a gauge; set figure to Rate or Value"
            ),
            Self::WrongKind {
                metric,
                kind,
                wanted,
            } => write!(f, "the page says that {metric} is {kind}; {wanted}"),
            Self::NoLabels {
                metric,
                namespace,
                workload,
            } => write!(
                f,
                "no series of {metric} carries both labels {namespace} and {workload}; set namespaceLabel and workloadLabel to labels that name the workload"
            ),
        }
    }
}

impl std::error::Error for GatewayError {}
