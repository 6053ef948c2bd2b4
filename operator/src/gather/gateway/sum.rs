//! The answer of a source that scrapes gateways: each workload's figures summed over all series
//! and gateways. A sum is as old as its newest part while every part is fresh enough to count, and
//! as its oldest from then on: so the figure of a dead gateway makes the sum stale, never small.

use super::super::samples::{Figures, Sample, SignalError, SourceAnswers};
use super::endpoint::{Endpoint, Part, Share};
use super::pick::Wanted;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Brings the answers of all queries up to date.
pub(super) fn bring_up_to_date(
    answers: &mut SourceAnswers,
    endpoints: &[Endpoint],
    wanted: &[Wanted],
    stale_after: SignedDuration,
    now: Timestamp,
) {
    for (at, wanted) in wanted.iter().enumerate() {
        let answer = answers.entry(wanted.query.clone()).or_default();
        let parts = || {
            endpoints
                .iter()
                .filter_map(|endpoint| Some((endpoint, endpoint.parts.get(at)?)))
        };
        if parts().any(|(_, part)| !part.ready) {
            // Without all of them a sum is too small, and nothing is known that could be held.
            answer.error = parts().find_map(|(endpoint, part)| waiting(endpoint, part));
            continue;
        }
        let newest = parts().filter_map(|(endpoint, _)| endpoint.seen()).max();
        answer.good(figures(parts(), stale_after, now), newest.unwrap_or(now));
        answer.error = parts()
            .find_map(|(endpoint, part)| fault(endpoint, part))
            .or_else(|| {
                let nowhere = parts().all(|(_, part)| !part.there);
                nowhere.then(|| SignalError::NoMetric(wanted.metric.clone()))
            });
    }
}

/// Why a gateway that is not ready is not.
fn waiting(endpoint: &Endpoint, part: &Part) -> Option<SignalError> {
    if part.ready {
        return None;
    }
    fault(endpoint, part).or_else(|| {
        Some(SignalError::Gateway {
            address: endpoint.address.clone(),
            error: endpoint.error()?.clone(),
        })
    })
}

fn fault(endpoint: &Endpoint, part: &Part) -> Option<SignalError> {
    Some(SignalError::Gateway {
        address: endpoint.address.clone(),
        error: part.fault.clone()?,
    })
}

struct Sum {
    load: f64,
    /// A part that is no load, and where it is from.
    bad: Option<String>,
    newest: Timestamp,
    oldest: Timestamp,
}

fn figures<'a>(
    parts: impl Iterator<Item = (&'a Endpoint, &'a Part)>,
    stale_after: SignedDuration,
    now: Timestamp,
) -> Figures {
    let mut sums: BTreeMap<(&str, &str), Sum> = BTreeMap::new();
    for (endpoint, part) in parts {
        for series in part.series.values() {
            let Some(Share { value, at }) = &series.share else {
                continue;
            };
            let sum = sums
                .entry((&series.namespace, &series.workload))
                .or_insert(Sum {
                    load: 0.0,
                    bad: None,
                    newest: *at,
                    oldest: *at,
                });
            sum.newest = sum.newest.max(*at);
            sum.oldest = sum.oldest.min(*at);
            match value {
                Ok(load) => sum.load += load,
                Err(text) => {
                    sum.bad
                        .get_or_insert_with(|| format!("{text} on {}", endpoint.address));
                }
            }
        }
    }
    let mut figures = Figures::new();
    for ((namespace, workload), sum) in sums {
        let Sum {
            load,
            bad,
            newest,
            oldest,
        } = sum;
        let lost = now.duration_since(oldest) >= stale_after;
        let sample = Sample {
            text: bad.unwrap_or_else(|| load.to_string()).into(),
            at: Some(if lost { oldest } else { newest }),
            ambiguous: false,
        };
        figures
            .entry(namespace.to_owned())
            .or_default()
            .insert(workload.to_owned(), sample);
    }
    figures
}

#[cfg(test)]
mod tests;
