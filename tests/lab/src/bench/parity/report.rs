//! What came of it: each difference with its cause, and all rows as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::compare::{Cause, Record, Row, rows, summary};
use super::scene::Converted;

/// All figures of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Minutes of the trace that were played.
    pub minutes: usize,
    /// How the HPAs became HybridWorkloads.
    pub converted: Converted,
    /// One for each service.
    pub services: Vec<Service>,
}

/// One service's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Syncs of the HPA of which both words are known.
    pub syncs: usize,
    /// Of those: with equal counts.
    pub equal: usize,
    /// Differences by cause.
    pub causes: BTreeMap<Cause, usize>,
    /// The most that the HPA wanted.
    pub most: i64,
    /// All syncs.
    pub rows: Vec<Row>,
}

impl Service {
    /// Out of what was seen since then.
    #[must_use]
    pub fn of(name: &str, record: &Record, from: Timestamp) -> Self {
        let mut rows = rows(record);
        rows.retain(|row| row.at >= from);
        let (syncs, equal, causes) = summary(&rows);
        Self {
            name: name.to_owned(),
            syncs,
            equal,
            causes,
            most: rows.iter().map(|row| row.hpa.desired).max().unwrap_or(0),
            rows,
        }
    }
}

impl Report {
    /// Whether each difference has a cause that lies in the time between the two
    /// looks, and there was something to compare.
    #[must_use]
    pub fn explained(&self) -> bool {
        self.services
            .iter()
            .all(|service| service.syncs > 0 && !service.causes.contains_key(&Cause::Unexplained))
    }

    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let Self {
            minutes,
            converted,
            services,
        } = self;
        let by = match converted {
            Converted::Adopt => "by kubectl pinisi adopt",
            Converted::Here => "by moving the HPA's fields",
        };
        let mut text = format!(
            "\n{minutes} minutes, converted {by}\n\nservice     syncs   equal  differ  most wanted\n"
        );
        for Service {
            name,
            syncs,
            equal,
            causes,
            most,
            rows: _,
        } in services
        {
            let differ: usize = causes.values().sum();
            let _ = writeln!(text, "{name:<10}{syncs:>7}{equal:>8}{differ:>8}{most:>13}");
        }
        let differences = services
            .iter()
            .flat_map(|service| service.rows.iter().map(move |row| (&service.name, row)));
        let mut differences = differences
            .filter(|(_, row)| row.cause.is_some())
            .peekable();
        if differences.peek().is_some() {
            text.push_str("\nservice   sync                       load  runs   HPA  Pinisi  looked before  cause\n");
        }
        for (name, row) in differences {
            let Row {
                at,
                load,
                count,
                hpa,
                pinisi,
                looked_before,
                cause,
            } = row;
            let (hpa_metrics, pinisi_metrics) = (hpa.metrics.join(", "), pinisi.metrics.join(", "));
            let cause = cause.map(|cause| format!("{cause:?}")).unwrap_or_default();
            let _ = writeln!(
                text,
                "{name:<9} {at:.3} {load:>7.1} {count:>5} {:>5} {:>7} {looked_before:>12.2} s  {cause} (HPA saw {hpa_metrics}; Pinisi {pinisi_metrics})",
                hpa.desired, pinisi.desired
            );
        }
        text
    }
}
