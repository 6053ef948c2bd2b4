//! A recorded load: `timestamp,requests` line by line, RFC 3339, at a fixed step; each line counts the
//! requests of the step that begins there. Not here: what the load is between two lines (`load`).

use crate::time::Millis;
use jiff::Timestamp;
use thiserror::Error;

/// The first line of a trace.
pub const HEADER: &str = "timestamp,requests";
/// Steps that a trace may have: three months of seconds.
pub const STEPS_MAX: usize = 8_000_000;
/// Requests that one step may count; more is taken for a mistake.
pub const REQUESTS_MAX: f64 = 1e15;
/// Share of the steps that may be missing. Beyond it the step itself is in doubt.
pub const GAPS_MAX_PERCENT: usize = 10;

/// A recorded load without a gap.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// When the first step begins.
    pub start: Timestamp,
    /// Length of each step, above 0.
    pub step: Millis,
    /// Requests in each step: finite, not negative. At least two.
    pub requests: Vec<f64>,
    /// How many of them were missing and are taken from the line between their neighbours.
    pub gaps: usize,
}

/// Why a text is no trace. Lines count from 1.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum TraceError {
    /// The first line says something else.
    #[error("line 1 is {found:?}: it must be {HEADER:?}")]
    Header {
        /// What it says.
        found: String,
    },
    /// A line without two fields.
    #[error("line {line} is {found:?}: it must have a time, a comma and a number")]
    Fields {
        /// The line.
        line: usize,
        /// What it says.
        found: String,
    },
    /// A time that is none.
    #[error("line {line}: {found:?} is no time as in 2026-07-01T08:00:00Z: {why}")]
    Time {
        /// The line.
        line: usize,
        /// What it says.
        found: String,
        /// Why it is none.
        why: String,
    },
    /// A count that is none.
    #[error(
        "line {line}: {found:?} is no count of requests: it must be a number from 0 to {REQUESTS_MAX:e}"
    )]
    Requests {
        /// The line.
        line: usize,
        /// What it says.
        found: String,
    },
    /// The same time twice.
    #[error("line {line}: {at} was on the line before already: keep one of them")]
    Duplicate {
        /// The line.
        line: usize,
        /// Its time.
        at: Timestamp,
    },
    /// A time before the one above it.
    #[error("line {line}: {at} is before {before}, the line above it: sort the lines by time")]
    Order {
        /// The line.
        line: usize,
        /// Its time.
        at: Timestamp,
        /// The time above it.
        before: Timestamp,
    },
    /// A time off the grid of the first two.
    #[error(
        "line {line}: {at} comes {found_ms} ms after the line before, which is no whole number of steps of \
         {step_ms} ms, the distance of the first two lines: give the trace one fixed step"
    )]
    Step {
        /// The line.
        line: usize,
        /// Its time.
        at: Timestamp,
        /// Distance to the line before it, in milliseconds.
        found_ms: i64,
        /// Distance of the first two lines, in milliseconds.
        step_ms: i64,
    },
    /// So much is missing that the first two lines cannot be right about the step.
    #[error(
        "{gaps} of {steps} steps are missing, more than {GAPS_MAX_PERCENT} %: is the step really {step_ms} ms, \
         the distance of the first two lines?"
    )]
    Gaps {
        /// Steps that are missing.
        gaps: usize,
        /// Steps in all.
        steps: usize,
        /// Distance of the first two lines, in milliseconds.
        step_ms: i64,
    },
    /// Fewer than two lines.
    #[error(
        "the trace has {lines} lines after the first: it needs two at least, or it has no step"
    )]
    Short {
        /// Lines after the header.
        lines: usize,
    },
    /// More steps than are read.
    #[error(
        "line {line}: the trace is longer than {STEPS_MAX} steps: cut it, or take a longer step"
    )]
    Long {
        /// The line.
        line: usize,
    },
}

/// What has been read so far.
struct Reading {
    start: Timestamp,
    last: Timestamp,
    step: Option<Millis>,
    requests: Vec<f64>,
    gaps: usize,
}

impl Trace {
    /// Reads a trace. Empty lines are passed over. Whole steps that are missing are filled with the
    /// straight line between their neighbours, and counted.
    ///
    /// # Errors
    /// The first thing wrong with it.
    pub fn parse(text: &str) -> Result<Self, TraceError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = text.lines().enumerate();
        let header = lines.next().map_or("", |(_, line)| line.trim());
        if header != HEADER {
            let found = excerpt(header);
            return Err(TraceError::Header { found });
        }
        let mut reading: Option<Reading> = None;
        let mut count = 0usize;
        for (i, line) in lines {
            let (line_number, line) = (i + 1, line.trim());
            if line.is_empty() {
                continue;
            }
            count += 1;
            let (at, requests) = fields(line_number, line)?;
            match &mut reading {
                None => {
                    reading = Some(Reading {
                        start: at,
                        last: at,
                        step: None,
                        requests: vec![requests],
                        gaps: 0,
                    });
                }
                Some(reading) => reading.add(line_number, at, requests)?,
            }
        }
        let short = TraceError::Short { lines: count };
        let reading = reading.ok_or_else(|| short.clone())?;
        let step = reading.step.ok_or(short)?;
        let (steps, gaps) = (reading.requests.len(), reading.gaps);
        if gaps * 100 > steps * GAPS_MAX_PERCENT {
            let step_ms = step.0;
            return Err(TraceError::Gaps {
                gaps,
                steps,
                step_ms,
            });
        }
        Ok(Self {
            start: reading.start,
            step,
            requests: reading.requests,
            gaps,
        })
    }

    /// How long it is.
    #[must_use]
    pub fn span(&self) -> Millis {
        let steps = i64::try_from(self.requests.len()).unwrap_or(i64::MAX);
        Millis(self.step.0.saturating_mul(steps))
    }
}

impl Reading {
    fn add(&mut self, line: usize, at: Timestamp, requests: f64) -> Result<(), TraceError> {
        let before = self.last;
        if at == before {
            return Err(TraceError::Duplicate { line, at });
        }
        if at < before {
            return Err(TraceError::Order { line, at, before });
        }
        let apart = at.duration_since(before);
        let found = Millis::of(apart);
        let step = *self.step.get_or_insert(found);
        // A step below a millisecond leaves nothing to divide by; it is off any grid of ours.
        let whole = apart == found.duration() && found.0.checked_rem(step.0) == Some(0);
        if !whole {
            return Err(TraceError::Step {
                line,
                at,
                found_ms: found.0,
                step_ms: step.0,
            });
        }
        let steps = usize::try_from(found.0 / step.0).unwrap_or(usize::MAX);
        if self.requests.len().saturating_add(steps) > STEPS_MAX {
            return Err(TraceError::Long { line });
        }
        let from = self.requests.last().copied().unwrap_or_default();
        for i in 1..steps {
            let share = i as f64 / steps as f64;
            self.requests.push(from + (requests - from) * share);
        }
        self.gaps += steps.saturating_sub(1);
        self.requests.push(requests);
        self.last = at;
        Ok(())
    }
}

fn fields(line: usize, text: &str) -> Result<(Timestamp, f64), TraceError> {
    let Some((time, requests)) = text.split_once(',') else {
        let found = excerpt(text);
        return Err(TraceError::Fields { line, found });
    };
    let (time, requests) = (time.trim(), requests.trim());
    let at = time.parse().map_err(|e: jiff::Error| TraceError::Time {
        line,
        found: excerpt(time),
        why: e.to_string(),
    })?;
    let sound = |n: &f64| (0.0..=REQUESTS_MAX).contains(n);
    let requests = requests.parse().ok().filter(sound);
    let requests = requests.ok_or_else(|| TraceError::Requests {
        line,
        found: excerpt(text),
    })?;
    Ok((at, requests))
}

/// As much of a text as a message should repeat.
fn excerpt(text: &str) -> String {
    const CHARS: usize = 60;
    text.chars().take(CHARS).collect()
}
