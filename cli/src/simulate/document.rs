//! The figures as data.

use super::args::SimulateOptions;
use super::input::Input;
use super::left::Left;
use super::users::Row;
use jiff::Timestamp;
use pinisi_simulator::algorithm::Algorithm;
use pinisi_simulator::page::cloud_cost;
use pinisi_simulator::study::{Outcome, Study};
use pinisi_simulator::summary::Summary;
use serde::Serialize;
use std::collections::BTreeMap;

/// The document. Fields are only ever added.
#[derive(Debug, Serialize)]
pub struct Document {
    format: &'static str,
    summary: BTreeMap<Algorithm, Summary>,
    equal_lag: Option<BTreeMap<Algorithm, Summary>>,
    oracle: Oracle,
    sites: BTreeMap<Algorithm, BTreeMap<String, Site>>,
    first_unserved: BTreeMap<Algorithm, Option<Timestamp>>,
    trace: TraceFacts,
    settings: Settings,
    #[serde(flatten)]
    told: Told,
}

/// What stands beside the figures.
#[derive(Debug, Serialize)]
pub struct Told {
    /// What becomes of each number of users.
    pub users: Vec<Row>,
    /// What is taken for granted.
    pub assumptions: Vec<String>,
    /// Fields of the manifests that are set and not played.
    pub not_simulated: Vec<Left>,
}

#[derive(Debug, Serialize)]
struct Oracle {
    replica_hours: f64,
    peak_replicas: u32,
}

#[derive(Debug, Serialize)]
struct Site {
    replica_hours: f64,
    peak_replicas: u32,
    core_hours: f64,
}

#[derive(Debug, Serialize)]
struct TraceFacts {
    start: Timestamp,
    end: Timestamp,
    step_seconds: f64,
    steps: usize,
    gaps: usize,
    requests: f64,
    peak_per_second: f64,
}

#[derive(Debug, Serialize)]
struct Settings {
    start_up_seconds: f64,
    cloud_start_up_seconds: f64,
    per_replica: f64,
    min_replicas: u32,
    max_replicas: u32,
    home_replicas: Option<u32>,
    cloud_price: Option<String>,
    cloud_budget: Option<String>,
    currency: Option<String>,
    cloud_cost: BTreeMap<Algorithm, f64>,
}

impl Document {
    /// Everything that was found.
    pub fn of(
        options: &SimulateOptions,
        input: &Input,
        study: &Study,
        equal_lag: Option<&Study>,
        told: Told,
    ) -> Self {
        let setup = &input.setup;
        let oracle = study.oracle.all();
        let services = &setup.services;
        let start_up = |i: usize| setup.sites.get(i).map_or(0.0, |s| s.start_up.seconds());
        let price = options.cloud_price;
        Self {
            format: "pinisi-simulate/v1",
            summary: each(study, |o| o.summary),
            equal_lag: equal_lag.map(|study| each(study, |o| o.summary)),
            oracle: Oracle {
                replica_hours: rounded(oracle.replica_seconds / 3600.0),
                peak_replicas: oracle.peak.get(),
            },
            sites: each(study, |o| sites(input, o)),
            first_unserved: each(study, |o| {
                o.first_unserved.map(|at| at.on_calendar(setup.start))
            }),
            trace: TraceFacts {
                start: setup.start,
                end: setup.span.on_calendar(setup.start),
                step_seconds: input.trace.step.seconds(),
                steps: input.trace.requests.len(),
                gaps: input.trace.gaps,
                requests: rounded(oracle.offered),
                peak_per_second: rounded(services.iter().map(|s| s.load.peak()).sum()),
            },
            settings: Settings {
                start_up_seconds: start_up(0),
                cloud_start_up_seconds: start_up(1),
                per_replica: options.per_replica,
                min_replicas: options.min_replicas,
                max_replicas: services.first().map_or(0, |s| s.max.get()),
                home_replicas: options.home_replicas,
                cloud_price: price.map(|p| p.to_string()),
                cloud_budget: options.cloud_budget.map(|b| b.to_string()),
                currency: price.map(|_| options.currency.clone()),
                cloud_cost: price
                    .map(|p| each(study, |o| cloud_cost(setup, o, p)))
                    .unwrap_or_default(),
            },
            told,
        }
    }
}

fn each<T>(study: &Study, of: impl Fn(&Outcome) -> T) -> BTreeMap<Algorithm, T> {
    study
        .outcomes
        .iter()
        .map(|o| (o.algorithm, of(o)))
        .collect()
}

fn sites(input: &Input, outcome: &Outcome) -> BTreeMap<String, Site> {
    let sites = input.setup.sites.iter().zip(&outcome.tally.sites);
    let site = sites.map(|(site, sums)| {
        let facts = Site {
            replica_hours: rounded(sums.replica_seconds / 3600.0),
            peak_replicas: sums.peak.get(),
            core_hours: rounded(sums.core_seconds / 3600.0),
        };
        (site.name.to_string(), facts)
    });
    site.collect()
}

/// To a millionth.
fn rounded(x: f64) -> f64 {
    (x * 1e6).round() / 1e6
}
