//! The benchmark's tables: unserved percent at cost by the oracle's, for each load, start-up and
//! autoscaler, and a sweep of everybody's settings.
//! `cargo run --release -p pinisi-simulator --example rows -- --help`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

mod args;
mod jobs;
mod swept;

use args::{Args, Table};
use pinisi_simulator::contenders::oracle;
use pinisi_simulator::rows::{ROWS, Row};
use pinisi_simulator::run::run;
use pinisi_simulator::summary::Summary;

fn main() {
    let a = args::args();
    let rows = ROWS.iter();
    let rows: Vec<&Row> = rows
        .filter(|r| r.name.to_lowercase().contains(&a.row))
        .collect();
    for table in &a.tables {
        match table {
            Table::Own => {
                println!("\nEverybody's own lag; unserved % @ cost (churn):\n");
                beside(&a, &rows, false);
            }
            Table::Equal => {
                println!("\nEqual lag: all see the load as Pinisi does:\n");
                beside(&a, &rows, true);
            }
            Table::Sweep => swept::table(&a, &rows),
        }
    }
}

/// All with their defaults beside each other.
fn beside(a: &Args, rows: &[&Row], equal_lag: bool) {
    let start_ups = match a.start_ups.as_slice() {
        [] => &[20, 60, 180],
        some => some,
    };
    let names: Vec<&str> = a.only.iter().map(|o| o.name()).collect();
    println!("| load | start-up | {} |", names.join(" | "));
    println!("|---|---|{}", "---|".repeat(a.only.len()));
    for row in rows {
        for start_up in start_ups {
            let setup = jobs::setup(row, a, *start_up);
            let oracle = oracle::tally(&setup);
            let cells = jobs::all(&a.only, a.threads, |who| {
                let mut contender = who.contender(&setup, equal_lag);
                let s = Summary::of(&run(&setup, contender.as_mut()), &oracle);
                format!(
                    "{:.3} @ {:.3} ({:.0})",
                    s.unserved_pct, s.cost_ratio, s.churn
                )
            });
            println!("| {} | {start_up} s | {} |", row.name, cells.join(" | "));
        }
    }
}
