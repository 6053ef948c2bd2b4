//! The load at every instant, and its exact integrals. Steps of a second or less are constant, and
//! change at once. In longer ones the rate runs in straight lines from the middle of a step to the
//! middle of the next, which keeps the sum of all requests and never falls below 0; that hides
//! whatever bursts there were within a step, for every contender alike.

use crate::time::Millis;
use crate::trace::Trace;

/// Longest step within which the rate is taken for constant.
pub const CONSTANT_STEP: Millis = Millis::secs(1);
/// Of a replica's load: what floats may leave over before another replica is needed.
const CRUMB: f64 = 1e-9;

/// A load in requests a second, at every instant. Before the first step and after the last it is what
/// it is at the edge.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    step: i64,
    /// Where the first of `rates` stands: at the beginning of a step, or in its middle.
    first: i64,
    straight: bool,
    rates: Vec<f64>,
    /// Requests from the beginning to where each rate stands.
    sums: Vec<f64>,
    span: Millis,
}

/// A piece of a load that is a straight line.
#[derive(Clone, Copy, Debug)]
struct Piece {
    /// Where it ends; it begins where it was asked for.
    to: i64,
    /// Rate at the beginning.
    rate: f64,
    /// Change of the rate in a second.
    slope: f64,
}

/// How a trace becomes a load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// As it was recorded.
    AsRecorded,
    /// Multiplied, so that its highest rate is this many requests a second. A trace without any
    /// request stays as it is.
    PeakOf(f64),
}

impl Load {
    /// The load that a trace recorded.
    #[must_use]
    pub fn of(trace: &Trace, scale: Scale) -> Self {
        let seconds = trace.step.seconds();
        let peak = trace.requests.iter().fold(0.0, |a: f64, b| a.max(*b)) / seconds;
        let factor = match scale {
            Scale::AsRecorded => 1.0,
            Scale::PeakOf(_) if peak <= 0.0 => 1.0,
            Scale::PeakOf(rate) => rate / peak,
        };
        let rates = trace.requests.iter().map(|n| n / seconds * factor);
        let rates: Vec<f64> = rates.collect();
        let straight = trace.step > CONSTANT_STEP;
        let first = if straight { trace.step.0 / 2 } else { 0 };
        let mut load = Self {
            step: trace.step.0.max(1),
            first,
            straight,
            rates,
            sums: Vec::new(),
            span: trace.span(),
        };
        let mut sum = load
            .rates
            .first()
            .map_or(0.0, |r| r * Millis(first).seconds());
        for (i, rate) in load.rates.iter().enumerate() {
            load.sums.push(sum);
            let next = load.rates.get(i + 1).unwrap_or(rate);
            let mean = if straight { (rate + next) / 2.0 } else { *rate };
            sum += mean * seconds;
        }
        load
    }

    /// How long the trace is.
    #[must_use]
    pub const fn span(&self) -> Millis {
        self.span
    }

    /// The highest rate, in requests a second.
    #[must_use]
    pub fn peak(&self) -> f64 {
        self.rates.iter().fold(0.0, |a, b| a.max(*b))
    }

    /// The rate at a moment, in requests a second.
    #[must_use]
    pub fn rate(&self, at: Millis) -> f64 {
        self.piece(at.0).rate
    }

    /// Requests between two moments.
    #[must_use]
    pub fn requests(&self, from: Millis, to: Millis) -> f64 {
        self.sum(to.0) - self.sum(from.0)
    }

    /// Mean rate between two moments, in requests a second; where they are one, the rate there.
    #[must_use]
    pub fn mean(&self, from: Millis, to: Millis) -> f64 {
        if to <= from {
            return self.rate(to);
        }
        self.requests(from, to) / to.minus(from).seconds()
    }

    /// Requests between two moments that so many requests a second serve. What is not served at once
    /// is lost.
    #[must_use]
    pub fn served(&self, from: Millis, to: Millis, capacity: f64) -> f64 {
        let mut served = 0.0;
        self.walk(from.0, to.0, |seconds, a, b| {
            served += under(seconds, a, b, capacity)
        });
        served
    }

    /// Replica-seconds of exactly the replicas that the load needs at each instant, not fewer than
    /// `min`. `per_replica` is above 0.
    #[must_use]
    pub fn needed(&self, from: Millis, to: Millis, per_replica: f64, min: f64) -> f64 {
        let mut needed = 0.0;
        self.walk(from.0, to.0, |seconds, a, b| {
            needed += seconds * mean_ceil(a / per_replica, b / per_replica, min);
        });
        needed
    }

    /// Hands over each straight piece between two moments: its seconds, and the rates at its ends.
    fn walk(&self, from: i64, to: i64, mut visit: impl FnMut(f64, f64, f64)) {
        let mut at = from;
        while at < to {
            let piece = self.piece(at);
            let end = piece.to.min(to);
            let seconds = Millis(end.saturating_sub(at)).seconds();
            visit(seconds, piece.rate, piece.rate + piece.slope * seconds);
            at = end;
        }
    }

    /// The piece that begins at a moment.
    fn piece(&self, at: i64) -> Piece {
        let past = at.saturating_sub(self.first);
        let Ok(i) = usize::try_from(past.div_euclid(self.step)) else {
            return Piece {
                to: self.first,
                rate: self.rates.first().copied().unwrap_or_default(),
                slope: 0.0,
            };
        };
        let (Some(&rate), Some(&next)) = (self.rates.get(i), self.rates.get(i + 1)) else {
            let last = self.rates.len().saturating_sub(1);
            let end = self.at(last).saturating_add(self.step);
            return Piece {
                to: if at < end { end } else { i64::MAX },
                rate: self.rates.last().copied().unwrap_or_default(),
                slope: 0.0,
            };
        };
        let to = self.at(i + 1);
        if !self.straight {
            return Piece {
                to,
                rate,
                slope: 0.0,
            };
        }
        let slope = (next - rate) / Millis(self.step).seconds();
        let since = Millis(past.rem_euclid(self.step)).seconds();
        Piece {
            to,
            rate: (rate + slope * since).max(0.0),
            slope,
        }
    }

    /// Where a rate stands.
    fn at(&self, i: usize) -> i64 {
        let i = i64::try_from(i).unwrap_or(i64::MAX);
        self.first.saturating_add(i.saturating_mul(self.step))
    }

    /// Requests from the beginning to a moment; negative before it.
    fn sum(&self, at: i64) -> f64 {
        let last = self.rates.len().saturating_sub(1);
        let past = at.saturating_sub(self.first).div_euclid(self.step);
        let i = usize::try_from(past.max(0)).unwrap_or(usize::MAX).min(last);
        let stands = self.at(i);
        let since = Millis(at.saturating_sub(stands)).seconds();
        let rate = self.rates.get(i).copied().unwrap_or_default();
        let sum = self.sums.get(i).copied().unwrap_or_default();
        if !self.straight || i == last || at < stands {
            return sum + rate * since;
        }
        let next = self.rates.get(i + 1).copied().unwrap_or(rate);
        let slope = (next - rate) / Millis(self.step).seconds();
        sum + (rate + slope * since / 2.0) * since
    }
}

/// The area under a straight line from `a` to `b`, and under `top`.
fn under(seconds: f64, a: f64, b: f64, top: f64) -> f64 {
    let (low, high) = (a.min(b), a.max(b));
    if top >= high {
        return seconds * (a + b) / 2.0;
    }
    if top <= low {
        return seconds * top;
    }
    let above = (high - top) / (high - low);
    seconds * ((a + b) / 2.0 - above * (high - top) / 2.0)
}

/// The mean of the next whole number, not below `min`, along a straight line from `a` to `b`.
fn mean_ceil(a: f64, b: f64, min: f64) -> f64 {
    let (a, b) = ((a - CRUMB).max(0.0), (b - CRUMB).max(0.0));
    if (b - a).abs() < CRUMB {
        return a.max(b).ceil().max(min);
    }
    // The integral of the next whole number from 0 to x: 1 + 2 + … + n, and a part of n + 1.
    let steps = |x: f64| {
        let n = x.floor();
        n * (n + 1.0) / 2.0 + (x - n) * (n + 1.0)
    };
    let area = |x: f64| {
        let m = min.floor();
        if x <= m {
            m * x
        } else {
            m * m + steps(x) - steps(m)
        }
    };
    (area(b) - area(a)) / (b - a)
}
