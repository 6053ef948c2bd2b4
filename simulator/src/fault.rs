//! What goes wrong in a run: a site that is lost with all that runs there, a signal that falls silent.

use crate::time::Millis;
use std::str::FromStr;

/// Something that goes wrong, and is well again later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What it is.
    pub kind: FaultKind,
    /// When it begins.
    pub from: Millis,
    /// When it is over.
    pub to: Millis,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Nothing is heard of the site of this name, and nobody is served there. What runs there runs
    /// again afterwards.
    SiteLost(String),
    /// No autoscaler gets a figure, of requests or of CPU.
    SignalLost,
}

impl Fault {
    /// True while it lasts.
    #[must_use]
    pub fn at(&self, now: Millis) -> bool {
        self.from <= now && now < self.to
    }
}

/// Since when the signal is lost, if it is.
#[must_use]
pub fn silent_since(faults: &[Fault], now: Millis) -> Option<Millis> {
    let lost = faults
        .iter()
        .filter(|f| f.kind == FaultKind::SignalLost && f.at(now));
    lost.map(|f| f.from).min()
}

/// Since when a site is lost, if it is.
#[must_use]
pub fn lost_since(faults: &[Fault], site: &str, now: Millis) -> Option<Millis> {
    let of = |kind: &FaultKind| matches!(kind, FaultKind::SiteLost(name) if name == site);
    let lost = faults.iter().filter(|f| of(&f.kind) && f.at(now));
    lost.map(|f| f.from).min()
}

/// The next moment after `now` at which a fault begins or ends.
#[must_use]
pub fn next_edge(faults: &[Fault], now: Millis) -> Millis {
    let edges = faults.iter().flat_map(|f| [f.from, f.to]);
    edges.filter(|t| *t > now).min().unwrap_or(Millis::NEVER)
}

/// A text that names no fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no fault: it must be WHAT,FROM,LENGTH such as site:cloud,30m,10m or signal,1h,5m, from the trace's beginning on"
)]
pub struct NoFault(String);

impl FromStr for Fault {
    type Err = NoFault;

    fn from_str(text: &str) -> Result<Self, NoFault> {
        let wrong = || NoFault(text.chars().take(60).collect());
        let mut parts = text.split(',');
        let kind = match parts.next() {
            Some("signal") => FaultKind::SignalLost,
            Some(site) => {
                let name = site.strip_prefix("site:").filter(|name| !name.is_empty());
                FaultKind::SiteLost(name.ok_or_else(wrong)?.to_owned())
            }
            None => return Err(wrong()),
        };
        let mut time = || -> Result<Millis, NoFault> {
            let span: jiff::SignedDuration = parts
                .next()
                .and_then(|t| t.parse().ok())
                .ok_or_else(wrong)?;
            Some(Millis::of(span))
                .filter(|t| *t >= Millis::ZERO)
                .ok_or_else(wrong)
        };
        let (from, length) = (time()?, time()?);
        if parts.next().is_some() {
            return Err(wrong());
        }
        Ok(Self {
            kind,
            from,
            to: from.plus(length),
        })
    }
}
