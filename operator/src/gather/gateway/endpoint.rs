//! One gateway: what its pages said, series by series. A series that a page lacks, and all of a
//! gateway that does not answer, keep their last figures: they age, and are not left out at once.

use super::answer::{GatewayAnswer, GatewayError};
use super::line::Kind;
use super::pick::{Found, Picked, SERIES_MAX, SeriesKey, Taken, Wanted};
use super::rate::{Counter, Span};
use jiff::{SignedDuration, Timestamp};
use pinisi_crds::signal_source::Figure;
use std::{collections::BTreeMap, sync::Arc};

/// How far a sample's time may be after its scrape.
const CLOCK_AHEAD_MAX: SignedDuration = SignedDuration::from_secs(5);
/// Start times of one process may differ by this many seconds: some compute them anew each time.
const START_JITTER: f64 = 2.0;
/// So many pages in a row from another process each are not restarts.
const PROCESSES_MAX: u32 = 3;

/// Times that a source's spec gives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// Between two scrapes.
    pub interval: SignedDuration,
    /// Age from which a figure is stale.
    pub stale_after: SignedDuration,
}

/// What one series adds to the load of its workload.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Share {
    /// The figure, or what stands there where it is no load.
    pub value: Result<f64, Box<str>>,
    /// Time of the sample behind it.
    pub at: Timestamp,
}

/// One series, as far as it is remembered.
#[derive(Clone, Debug)]
pub(super) struct Series {
    /// The workload's namespace.
    pub namespace: Box<str>,
    /// The workload's name.
    pub workload: Box<str>,
    /// `None` until a counter has its second sample.
    pub share: Option<Share>,
    counter: Counter,
    on_page: bool,
}

/// What one query has of one gateway.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    /// Its series.
    pub series: BTreeMap<SeriesKey, Series>,
    /// True once each series of the first page had a figure. Before that a sum would be too small.
    pub ready: bool,
    /// True where the last good page has the metric.
    pub there: bool,
    /// Why the last good page is no use to this query.
    pub fault: Option<GatewayError>,
}

/// One gateway.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    /// Address of its page.
    pub address: Arc<str>,
    /// By query, in their order.
    pub parts: Vec<Part>,
    /// Failures since the last good page.
    pub failures: u32,
    seen: Option<Timestamp>,
    error: Option<GatewayError>,
    failing_since: Option<Timestamp>,
    started: Option<f64>,
    restarts: u32,
}

impl Endpoint {
    /// One that was not asked yet.
    pub(super) fn new(address: &str, queries: usize) -> Self {
        Self {
            address: address.into(),
            parts: vec![Part::default(); queries],
            failures: 0,
            seen: None,
            error: None,
            failing_since: None,
            started: None,
            restarts: 0,
        }
    }

    /// Takes in a page scraped at `at`, all of it or nothing. True where it is the first good one
    /// after a failure.
    ///
    /// # Errors
    /// The page is not usable.
    pub(super) fn take_in(
        &mut self,
        picked: Picked,
        at: Timestamp,
        wanted: &[Wanted],
        times: Times,
    ) -> Result<bool, GatewayError> {
        let Picked { taken, started } = picked;
        self.sound(&taken, at, times)?;
        if self.another_process(started) {
            // Also where this page is refused: no rate is taken over two lives of a counter.
            let all = self.parts.iter_mut().flat_map(|p| p.series.values_mut());
            all.for_each(|series| series.counter.reset());
            if self.restarts >= PROCESSES_MAX {
                return Err(GatewayError::ManyProcesses);
            }
        }
        for ((part, taken), wanted) in self.parts.iter_mut().zip(taken).zip(wanted) {
            part.take_in(taken, at, wanted, times);
        }
        self.seen = Some(at);
        self.failures = 0;
        self.failing_since = None;
        Ok(self.error.take().is_some())
    }

    /// Takes note of a failure; true where it is news. Of the same kind of error the first stays,
    /// so that status does not move with its line numbers.
    pub(super) fn fail(&mut self, error: GatewayError, now: Timestamp) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.failing_since.get_or_insert(now);
        let news = self.error.as_ref().map(GatewayError::reason) != Some(error.reason());
        if news {
            self.error = Some(error);
        }
        news
    }

    /// Why the last attempt failed.
    pub(super) fn error(&self) -> Option<&GatewayError> {
        self.error.as_ref()
    }

    /// Time of the last good page.
    pub(super) fn seen(&self) -> Option<Timestamp> {
        self.seen
    }

    /// How it fares.
    pub(super) fn answer(&self) -> GatewayAnswer {
        let series = || self.parts.iter().flat_map(|part| part.series.values());
        let newest = series().filter_map(|s| Some(s.share.as_ref()?.at)).max();
        GatewayAnswer {
            address: self.address.clone(),
            series: series().filter(|s| s.on_page).count(),
            newest: newest.or(self.seen),
            seen: self.seen,
            failing_since: self.failing_since,
            error: self.error.clone(),
        }
    }

    /// Clocks and counts of a page, before anything of it is taken in.
    fn sound(&self, taken: &[Taken], at: Timestamp, times: Times) -> Result<(), GatewayError> {
        let latest = at.saturating_add(CLOCK_AHEAD_MAX).unwrap_or(Timestamp::MAX);
        let mut found = taken.iter().flat_map(|taken| taken.found.values());
        if found.any(|found| found.time.is_some_and(|time| time > latest)) {
            return Err(GatewayError::ClockAhead {
                limit: CLOCK_AHEAD_MAX.as_secs(),
            });
        }
        let kept = |(part, taken): (&Part, &Taken)| {
            let gone = |(key, series): &(&SeriesKey, &Series)| {
                !taken.found.contains_key(*key) && series.held(at, times)
            };
            taken.found.len() + part.series.iter().filter(gone).count()
        };
        if self.parts.iter().zip(taken).map(kept).sum::<usize>() > SERIES_MAX {
            return Err(GatewayError::TooManySeries(SERIES_MAX));
        }
        Ok(())
    }

    /// True where the page says that another process serves it than the one before.
    fn another_process(&mut self, started: Option<f64>) -> bool {
        let (Some(before), Some(now)) = (self.started, started) else {
            self.started = started.or(self.started);
            return false;
        };
        let another = (before - now).abs() > START_JITTER;
        self.started = Some(now);
        self.restarts = if another {
            self.restarts.saturating_add(1)
        } else {
            0
        };
        another
    }
}

impl Part {
    fn take_in(&mut self, taken: Taken, at: Timestamp, wanted: &Wanted, times: Times) {
        let Taken { kind, there, found } = taken;
        self.there = there;
        let figure = figure(wanted, kind, there, !found.is_empty());
        for series in self.series.values_mut() {
            series.on_page = false;
        }
        match figure {
            Ok(figure) => {
                self.fault = None;
                let span = Span::new(wanted.window, times.interval);
                for (key, found) in found {
                    self.series
                        .entry(key)
                        .or_insert_with(|| Series::new(&found))
                        .take_in(&found, at, figure, span);
                }
                self.ready |= self
                    .series
                    .values()
                    .all(|series| series.share.is_some() || !series.on_page);
            }
            Err(fault) => self.fault = Some(fault),
        }
        self.series.retain(|_, s| s.on_page || s.held(at, times));
    }
}

impl Series {
    fn new(found: &Found) -> Self {
        Self {
            namespace: found.namespace.clone(),
            workload: found.workload.clone(),
            share: None,
            counter: Counter::default(),
            on_page: true,
        }
    }

    fn take_in(&mut self, found: &Found, scraped: Timestamp, figure: Figure, span: Span) {
        self.on_page = true;
        let sampled = found.time.unwrap_or(scraped);
        // No figure is younger than the scrape that brought it, whatever its clock says.
        let at = sampled.min(scraped);
        let value = found.value;
        if !value.is_finite() || value < 0.0 {
            self.counter.reset();
            let text = value.to_string().into();
            self.share = Some(Share {
                value: Err(text),
                at,
            });
            return;
        }
        let load = match figure {
            Figure::Rate => self.counter.push(sampled, value, span),
            Figure::Value => Some(value),
        };
        if let Some(load) = load {
            self.share = Some(Share {
                value: Ok(load),
                at,
            });
        }
    }

    /// True while it counts although the page lacks it.
    fn held(&self, now: Timestamp, times: Times) -> bool {
        self.share
            .as_ref()
            .is_some_and(|share| now.duration_since(share.at) < times.stale_after)
    }
}

/// How a metric becomes a load, by query and page.
fn figure(
    wanted: &Wanted,
    kind: Option<Kind>,
    there: bool,
    labelled: bool,
) -> Result<Figure, GatewayError> {
    let metric = || wanted.metric.clone();
    if there && !labelled {
        return Err(GatewayError::NoLabels {
            metric: metric(),
            namespace: wanted.namespace.clone(),
            workload: wanted.workload.clone(),
        });
    }
    let wrong = |kind, wanted| {
        Err(GatewayError::WrongKind {
            metric: metric(),
            kind,
            wanted,
        })
    };
    match (wanted.figure, kind) {
        // Nothing is taken where nothing is there.
        (figure, _) if !there => Ok(figure.unwrap_or(Figure::Value)),
        (Some(figure), None | Some(Kind::Unknown)) => Ok(figure),
        (None | Some(Figure::Rate), Some(Kind::Counter)) => Ok(Figure::Rate),
        (None | Some(Figure::Value), Some(Kind::Gauge)) => Ok(Figure::Value),
        (None, None | Some(Kind::Unknown)) => Err(GatewayError::NoKind { metric: metric() }),
        (Some(Figure::Value), Some(Kind::Counter)) => {
            wrong("a counter", "set figure to Rate, or name a gauge")
        }
        (Some(Figure::Rate), Some(Kind::Gauge)) => {
            wrong("a gauge", "set figure to Value, or name a counter")
        }
        (_, Some(Kind::Distribution)) => wrong(
            "a histogram or summary",
            "name its _count, which is a counter",
        ),
        (_, Some(Kind::Other)) => wrong(
            "no number that could be a load",
            "name a counter or a gauge",
        ),
    }
}
