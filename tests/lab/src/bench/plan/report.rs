//! What came of it, as a table and as JSON.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// What the benchmark says of one world, in its own words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// How many workloads, each of about ten pods with one metric.
    pub workloads: u32,
    /// How many sites.
    pub sites: u32,
    /// How many nodes, over all sites.
    pub nodes: u32,
    /// Sites that each workload names.
    pub places: u32,
    /// Plans that were measured.
    pub plans: u32,
    /// The fastest of them, in milliseconds.
    pub fastest_ms: f64,
    /// Half took at most this.
    pub median_ms: f64,
    /// The slowest.
    pub slowest_ms: f64,
    /// What is remembered from one plan to the next, in bytes.
    pub memory_bytes: u64,
    /// Allocations of the last plan.
    pub allocations: u64,
    /// Counts that the last plan changes.
    pub steps: u32,
}

/// One world.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// By the clock.
    #[serde(flatten)]
    pub cost: Cost,
    /// Instructions of one plan by callgrind; `None` where they were not counted.
    pub instructions: Option<u64>,
}

/// All figures of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// One for each world.
    pub rows: Vec<Row>,
}

const HEAD: &str = "\
                                     one plan, ms              one workload
workloads  nodes  places  plans   fastest   median  slowest       µs  bytes  allocations  instructions  counts changed";

const NOTES: &str = "
One thread, a release build; before each plan every signal and every reading has changed. bytes: what is
remembered from plan to plan. instructions: by callgrind, of one plan; - where not asked for or no valgrind.
";

impl Report {
    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!("\n{HEAD}\n");
        for Row { cost, instructions } in &self.rows {
            let Cost {
                workloads,
                sites: _,
                nodes,
                places,
                plans,
                fastest_ms,
                median_ms,
                slowest_ms,
                memory_bytes,
                allocations,
                steps,
            } = cost;
            let one = f64::from((*workloads).max(1));
            let of_one = |n: u64| n / u64::from((*workloads).max(1));
            let instructions = instructions.map_or("-".to_owned(), |n| of_one(n).to_string());
            let _ = writeln!(
                text,
                "{workloads:>9}{nodes:>7}{places:>8}{plans:>7}{fastest_ms:>10.2}{median_ms:>9.2}{slowest_ms:>9.2}{:>9.2}{:>7}{:>13.1}{instructions:>14}{steps:>16}",
                median_ms * 1000.0 / one,
                of_one(*memory_bytes),
                f64::from(u32::try_from(*allocations).unwrap_or(u32::MAX)) / one,
            );
        }
        text.push_str(NOTES);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workload_costs_its_share() {
        let cost = r#"{"workloads":2000,"sites":20,"nodes":400,"places":4,"plans":3,"fastest_ms":1.5,
            "median_ms":2.0,"slowest_ms":9.0,"memory_bytes":4096000,"allocations":3000,"steps":7}"#;
        let row = Row {
            cost: serde_json::from_str(cost).unwrap(),
            instructions: Some(8_000_000),
        };
        let table = Report { rows: vec![row] }.table();
        let line = table.lines().nth(3).unwrap();
        let words: Vec<_> = line.split_whitespace().collect();
        let expected = "2000 400 4 3 1.50 2.00 9.00 1.00 2048 1.5 4000 7";
        assert_eq!(words.join(" "), expected);
    }
}
