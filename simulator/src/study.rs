//! Several autoscalers over the same setup, and what is kept of each: its tally, and a course in equal
//! steps for charts.

use crate::algorithm::Algorithm;
use crate::contenders::{Contender, oracle};
use crate::run::Run;
use crate::setup::Setup;
use crate::summary::Summary;
use crate::tally::Tally;
use crate::time::Millis;

/// Steps of a course.
pub const POINTS: i64 = 480;

/// What became of one autoscaler.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Which.
    pub algorithm: Algorithm,
    /// Its figures.
    pub summary: Summary,
    /// Its sums.
    pub tally: Tally,
    /// Its course.
    pub course: Vec<Point>,
    /// When the first requests were not served.
    pub first_unserved: Option<Millis>,
}

/// A step of a course: means over it.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// When it begins.
    pub from: Millis,
    /// When it ends.
    pub to: Millis,
    /// Requests a second that came.
    pub offered: f64,
    /// Requests a second that were not served.
    pub unserved: f64,
    /// By site: requests a second that could have been served.
    pub capacity: Vec<f64>,
    /// By site: replicas with a node.
    pub replicas: Vec<f64>,
}

/// Everything that was run.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    /// In the order in which they were asked for.
    pub outcomes: Vec<Outcome>,
    /// The one that knows the future.
    pub oracle: Tally,
}

/// Runs each autoscaler over the setup. `progress` hears which one runs and what share of it is done,
/// from 0 to 1.
pub fn run(
    setup: &Setup,
    algorithms: &[Algorithm],
    equal_lag: bool,
    mut progress: impl FnMut(Algorithm, f64),
) -> Study {
    let oracle = oracle::tally(setup);
    let outcomes = algorithms.iter().map(|algorithm| {
        let mut contender = algorithm.contender(setup, equal_lag);
        let (tally, course) = course(setup, contender.as_mut(), |share| {
            progress(*algorithm, share)
        });
        let first = course.iter().find(|p| p.unserved > UNSERVED_LEAST);
        Outcome {
            algorithm: *algorithm,
            summary: Summary::of(&tally, &oracle),
            first_unserved: first.map(|p| p.from),
            tally,
            course,
        }
    });
    Study {
        outcomes: outcomes.collect(),
        oracle,
    }
}

/// Requests a second that are more than what floats leave over.
const UNSERVED_LEAST: f64 = 1e-6;

fn course(
    setup: &Setup,
    contender: &mut dyn Contender,
    mut progress: impl FnMut(f64),
) -> (Tally, Vec<Point>) {
    let mut run = Run::new(setup, contender);
    let steps = POINTS.min(setup.span.0.max(1));
    let mut course = Vec::new();
    let (mut from, mut before) = (Millis::ZERO, run.tally().clone());
    for i in 1..=steps {
        // Wide enough for any span, and exact at the end.
        let to = i128::from(setup.span.0) * i128::from(i) / i128::from(steps);
        let to = Millis(i64::try_from(to).unwrap_or(i64::MAX));
        run.advance(to);
        let after = run.tally().clone();
        course.push(point(from, to, &before, &after));
        (from, before) = (to, after);
        progress(i as f64 / steps as f64);
    }
    (before, course)
}

fn point(from: Millis, to: Millis, before: &Tally, after: &Tally) -> Point {
    let seconds = to.minus(from).seconds().max(f64::MIN_POSITIVE);
    let (a, b) = (before.all(), after.all());
    let sites = || before.sites.iter().zip(&after.sites);
    Point {
        from,
        to,
        offered: (b.offered - a.offered) / seconds,
        unserved: ((b.unserved - a.unserved) / seconds).max(0.0),
        capacity: sites()
            .map(|(a, b)| (b.capacity - a.capacity) / seconds)
            .collect(),
        replicas: sites()
            .map(|(a, b)| (b.replica_seconds - a.replica_seconds) / seconds)
            .collect(),
    }
}
