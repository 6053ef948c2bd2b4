//! The load that all contenders see: one exporter, and the metrics adapter told
//! the same at the same time. At rest it wobbles a little, as loads do.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;

use super::fleet::{NAMESPACE, name};
use crate::adapter::{Adapter, OFFERED, Series};
use crate::exporter::{Exporter, Reading};
use crate::load::Offered;

/// Requests a second at rest: one replica serves twice that.
const CALM_RPS: f64 = 5.0;
/// A 25th of it, up or down.
const WOBBLE_RPS: f64 = 0.2;
/// In a spike: three replicas serve it, with every contender's margin.
const SPIKE_RPS: f64 = 25.0;
/// A figure from which on the spike was seen.
pub const SEEN_RPS: f64 = 20.0;
const WOBBLE_EVERY: Duration = Duration::from_secs(1);

/// The load of the fleet.
#[derive(Debug, Clone)]
pub struct Signal {
    exporter: Exporter,
    adapter: Adapter,
    workloads: usize,
    /// By place: these stay as they are.
    spiking: Arc<Mutex<BTreeSet<usize>>>,
}

/// When a spike was there.
#[derive(Debug, Clone, Copy)]
pub struct Changed {
    /// At the source.
    pub source: Timestamp,
    /// In every answer of the metrics adapter from then on.
    pub adapter: Timestamp,
}

impl Signal {
    /// A load that is nothing yet.
    #[must_use]
    pub fn new(exporter: Exporter, adapter: Adapter, workloads: usize) -> Self {
        Self {
            exporter,
            adapter,
            workloads,
            spiking: Arc::default(),
        }
    }

    /// `HOST:PORT` of the source.
    #[must_use]
    pub fn address(&self) -> &str {
        self.exporter.address()
    }

    /// Nobody spikes any more.
    ///
    /// # Errors
    /// When the adapter does not answer.
    pub async fn calm_all(&self) -> Result<()> {
        self.lock().clear();
        self.set((0..self.workloads).map(|index| (index, CALM_RPS)))
            .await
            .map(drop)
    }

    /// These spike, all at one moment.
    ///
    /// # Errors
    /// When the adapter does not answer.
    pub async fn spike(&self, who: &[usize]) -> Result<Changed> {
        self.lock().extend(who);
        self.set(who.iter().map(|&index| (index, SPIKE_RPS))).await
    }

    /// Lets those that do not spike wobble, for ever.
    pub async fn wobble(&self) {
        let mut tick = tokio::time::interval(WOBBLE_EVERY);
        for round in 0_usize.. {
            tick.tick().await;
            let spiking = self.lock().clone();
            let calm = (0..self.workloads).filter(|index| !spiking.contains(index));
            let up = |index: usize| (index + round).is_multiple_of(2);
            let of = |index| CALM_RPS + if up(index) { WOBBLE_RPS } else { -WOBBLE_RPS };
            // An adapter that does not answer shows in the figures.
            let _ = self.set(calm.map(|index| (index, of(index)))).await;
        }
    }

    /// Readings of the source since then.
    #[must_use]
    pub fn readings(&self, from: Timestamp) -> Vec<Reading> {
        let mut all = self.exporter.readings();
        all.retain(|reading| reading.at >= from);
        all
    }

    async fn set(&self, loads: impl Iterator<Item = (usize, f64)>) -> Result<Changed> {
        let loads: Vec<(String, f64)> = loads.map(|(index, rps)| (name(index), rps)).collect();
        let series = loads.iter().map(|(name, rps)| {
            // In whole thousandths, as quantities are.
            let value = format!("{:.0}m", rps * 1_000.0);
            Series::external(NAMESPACE, OFFERED, &value).label("workload", name)
        });
        let series: Vec<Series> = series.collect();
        let rates = loads
            .iter()
            .map(|(name, rps)| (name.as_str(), Offered::Rps(*rps)));
        let source = self.exporter.set_all(NAMESPACE, rates);
        self.adapter.set(&series).await?;
        Ok(Changed {
            source,
            adapter: Timestamp::now(),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<usize>> {
        self.spiking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
