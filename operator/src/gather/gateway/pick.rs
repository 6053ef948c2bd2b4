//! Which series of a page the queries take: by name and labels, each known again by a digest of
//! its labels. Not here: what becomes of their values (`endpoint`).

use super::super::prometheus::{NAMESPACE_LABEL, WORKLOAD_LABEL};
use super::answer::GatewayError;
use super::line::{Kind, Sample, unescape};
use super::{RATE_WINDOW_DEFAULT, RATE_WINDOW_MAX, RATE_WINDOW_MIN};
use jiff::{SignedDuration, Timestamp};
use pinisi_crds::signal_source::{Figure, Query};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, btree_map::Entry};

/// Most series of one gateway, over all queries.
pub(super) const SERIES_MAX: usize = 10_000;
/// Longest namespace or workload's name in bytes, as Kubernetes has it.
const NAME_MAX: usize = 253;
/// Metric that tells when the process behind a page started.
const PROCESS_START: &str = "process_start_time_seconds";

/// What one query wants of a page.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// Name of the query.
    pub query: String,
    /// Name of the metric.
    pub metric: String,
    /// How it becomes a load; `None`: as the page says.
    pub figure: Option<Figure>,
    /// Time over which a rate is taken.
    pub window: SignedDuration,
    /// Label that holds the namespace.
    pub namespace: String,
    /// Label that holds the workload's name.
    pub workload: String,
    labels: BTreeMap<String, String>,
}

impl Wanted {
    /// `None` where the query names no metric.
    pub(super) fn of(query: &Query) -> Option<Self> {
        let label = |name: &Option<String>, default: &str| {
            name.clone().unwrap_or_else(|| default.to_owned())
        };
        let window = query
            .rate_window_milliseconds
            .unwrap_or(RATE_WINDOW_DEFAULT)
            .clamp(RATE_WINDOW_MIN, RATE_WINDOW_MAX);
        Some(Self {
            query: query.name.clone(),
            metric: query.metric.clone()?,
            figure: query.figure,
            window: SignedDuration::from_millis(i64::from(window)),
            namespace: label(&query.namespace_label, NAMESPACE_LABEL),
            workload: label(&query.workload_label, WORKLOAD_LABEL),
            labels: query.match_labels.clone().unwrap_or_default(),
        })
    }
}

/// Tells one series of a query from the others.
pub(super) type SeriesKey = [u8; 32];

/// One series of a page.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    /// The workload's namespace.
    pub namespace: Box<str>,
    /// The workload's name.
    pub workload: Box<str>,
    /// Its value.
    pub value: f64,
    /// Its time, where the page has one.
    pub time: Option<Timestamp>,
}

/// What one query takes of a page.
#[derive(Clone, Debug, Default)]
pub(super) struct Taken {
    /// What the page says that the metric is; `None` where it says nothing.
    pub kind: Option<Kind>,
    /// True where the page has the metric with the labels asked for.
    pub there: bool,
    /// Its series that name a workload.
    pub found: BTreeMap<SeriesKey, Found>,
}

/// What all queries take of a page, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Picked {
    /// By query.
    pub taken: Vec<Taken>,
    /// When the process behind the page started, in Unix seconds, where the page says so.
    pub started: Option<f64>,
}

/// Picks while a page is read.
pub(super) struct Picker<'w> {
    wanted: &'w [Wanted],
    picked: Picked,
    count: usize,
}

impl<'w> Picker<'w> {
    /// For one page.
    pub(super) fn new(wanted: &'w [Wanted]) -> Self {
        Self {
            wanted,
            picked: Picked {
                taken: vec![Taken::default(); wanted.len()],
                started: None,
            },
            count: 0,
        }
    }

    /// What was picked.
    pub(super) fn picked(self) -> Picked {
        self.picked
    }

    /// Takes note of what a family is.
    pub(super) fn kind(&mut self, family: &str, kind: Kind) {
        for (wanted, taken) in self.wanted.iter().zip(&mut self.picked.taken) {
            let suffix = wanted.metric.strip_prefix(family);
            match (suffix, kind) {
                (Some(""), kind) => taken.kind = Some(kind),
                // OpenMetrics names the family, not the series.
                (Some("_total"), Kind::Counter) | (Some("_count"), Kind::Distribution) => {
                    taken.kind = Some(Kind::Counter);
                }
                (Some(_) | None, _) => {}
            }
        }
    }

    /// Takes a series where a query wants it.
    ///
    /// # Errors
    /// It is there twice, names a label twice, or is one too many.
    pub(super) fn sample(
        &mut self,
        sample: &Sample<'_>,
        labels: &[(&str, &str)],
        line: usize,
    ) -> Result<(), GatewayError> {
        if sample.name == PROCESS_START && labels.is_empty() {
            self.picked.started = Some(sample.value);
        }
        if self.wanted.iter().all(|w| w.metric != sample.name) {
            return Ok(());
        }
        let mut texts = BTreeMap::new();
        for (name, raw) in labels {
            if texts.insert(unescape(name), unescape(raw)).is_some() {
                let what = "a label twice";
                return Err(GatewayError::Malformed { line, what });
            }
        }
        // An empty label is as none.
        texts.retain(|_, value| !value.is_empty());
        for (wanted, taken) in self.wanted.iter().zip(&mut self.picked.taken) {
            let text = |name: &str| texts.get(name).map_or("", String::as_str);
            if wanted.metric != sample.name
                || wanted
                    .labels
                    .iter()
                    .any(|(name, value)| text(name) != value)
            {
                continue;
            }
            taken.there = true;
            let (namespace, workload) = (text(&wanted.namespace), text(&wanted.workload));
            if !is_name(namespace) || !is_name(workload) {
                continue;
            }
            self.count = self.count.saturating_add(1);
            if self.count > SERIES_MAX {
                return Err(GatewayError::TooManySeries(SERIES_MAX));
            }
            match taken.found.entry(key(&texts)) {
                Entry::Vacant(place) => place.insert(Found {
                    namespace: namespace.into(),
                    workload: workload.into(),
                    value: sample.value,
                    time: sample.time,
                }),
                Entry::Occupied(_) => {
                    return Err(GatewayError::Duplicate {
                        metric: wanted.metric.clone(),
                    });
                }
            };
        }
        Ok(())
    }
}

fn is_name(text: &str) -> bool {
    (1..=NAME_MAX).contains(&text.len())
}

/// Lengths stand before the texts, so that no two lists of labels look alike.
fn key(labels: &BTreeMap<String, String>) -> SeriesKey {
    let mut digest = Sha256::new();
    for text in labels.iter().flat_map(|(name, value)| [name, value]) {
        digest.update(text.len().to_le_bytes());
        digest.update(text);
    }
    digest.finalize().into()
}
