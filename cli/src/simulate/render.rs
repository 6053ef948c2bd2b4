//! The figures for people.

use super::args::SimulateOptions;
use super::input::Input;
use super::left::Left;
use super::users::{Row, Side, Verdict};
use crate::output::{self, Screen};
use comfy_table::Table;
use pinisi_planner::model::site::SiteKind;
use pinisi_simulator::page::{Sheet, cloud_cost};
use pinisi_simulator::study::Study;
use pinisi_simulator::words::{count, figure, money, span};

/// All of it.
pub fn text(
    options: &SimulateOptions,
    input: &Input,
    sheet: Option<&Sheet>,
    own: &Study,
    equal: Option<&Study>,
    assumptions: &[String],
    left: &[Left],
) -> String {
    let mut text = String::new();
    if let Some(sheet) = sheet {
        let header: Vec<&str> = sheet.header.iter().map(String::as_str).collect();
        let mut table = output::table(Screen::of_stdout(), &header);
        table.add_rows(sheet.rows.clone());
        text += &lines(&table);
        text += &format!("\n{}:\n", sheet.title);
        sheet.notes.iter().for_each(|n| text += &format!("  {n}\n"));
        text.push('\n');
    }
    let oracle = own.oracle.all();
    text += &format!(
        "{}: {} requests in {}, needs {} replicas at the peak\n\n",
        input.title,
        count(oracle.offered),
        span(input.setup.span.seconds()),
        count(oracle.peak.get().into()),
    );
    text += &lines(&study(options, input, own));
    if let Some(equal) = equal {
        text += "\nEverybody's signal as early as Pinisi's:\n\n";
        text += &lines(&study(options, input, equal));
    }
    text += "\nAssumed:\n";
    assumptions.iter().for_each(|a| text += &format!("  {a}\n"));
    if !left.is_empty() {
        text += "\nNot simulated:\n";
        for Left { object, field, why } in left {
            text += &format!("  {field} of {object}: {why}.\n");
        }
    }
    text
}

/// What becomes of each number of users.
pub fn sheet(options: &SimulateOptions, rows: &[Row]) -> Sheet {
    let mut header: Vec<String> = [
        "USERS",
        "PEAK/S",
        "REPLICAS",
        "CORES",
        "HOME ALONE",
        "UNSERVED",
        "WITH CLOUD",
        "UNSERVED",
        "IN CLOUD",
        "CORE-HOURS",
    ]
    .map(String::from)
    .to_vec();
    if options.cloud_price.is_some() {
        header.push(format!("CLOUD {}", options.currency));
    }
    let word = |side: &Side| match side.verdict {
        Verdict::Holds => "holds".to_owned(),
        Verdict::Slows => "slows".into(),
        Verdict::Fails => "fails".into(),
    };
    let cells = |row: &Row| {
        let mut cells = vec![
            row.users.words(),
            count(row.peak_per_second),
            count(row.needs_replicas.into()),
            count(row.needs_cores),
            word(&row.home_alone),
            format!("{} %", figure(row.home_alone.unserved_pct)),
            word(&row.with_cloud),
            format!("{} %", figure(row.with_cloud.unserved_pct)),
            count(row.with_cloud.cloud_replicas.into()),
            count(row.with_cloud.cloud_core_hours),
        ];
        cells.extend(row.with_cloud.cloud_cost.map(money));
        cells
    };
    let notes = rows.iter().flat_map(|row| {
        let of = move |b: &String| format!("{} users: {b}", row.users.words());
        row.breaks.iter().map(of)
    });
    Sheet {
        title: "What breaks, when, and what it costs".into(),
        header,
        rows: rows.iter().map(cells).collect(),
        notes: notes.collect(),
    }
}

fn study(options: &SimulateOptions, input: &Input, study: &Study) -> Table {
    let price = format!("CLOUD {}", options.currency);
    let mut header = vec![
        "AUTOSCALER",
        "UNSERVED",
        "COST",
        "REPLICA-HOURS",
        "CHURN",
        "MOST",
        "CLOUD",
    ];
    if options.cloud_price.is_some() {
        header.push(&price);
    }
    let mut table = output::table(Screen::of_stdout(), &header);
    for outcome in &study.outcomes {
        let s = &outcome.summary;
        let sites = input.setup.sites.iter().zip(&outcome.tally.sites);
        let cloud = sites.filter(|(site, _)| site.kind == SiteKind::Cloud);
        let cloud: f64 = cloud.map(|(_, sums)| sums.replica_seconds / 3600.0).sum();
        let mut row = vec![
            outcome.algorithm.name().to_owned(),
            format!("{} %", figure(s.unserved_pct)),
            format!("{:.3}", s.cost_ratio),
            count(s.replica_hours),
            figure(s.churn),
            count(outcome.tally.all().peak.get().into()),
            count(cloud),
        ];
        if let Some(price) = options.cloud_price {
            row.push(money(cloud_cost(&input.setup, outcome, price)));
        }
        table.add_row(row);
    }
    table
}

/// A table without blanks at the ends of its lines.
fn lines(table: &Table) -> String {
    let text = table.to_string();
    let lines = text.lines().map(|line| line.trim_end().to_owned() + "\n");
    lines.collect()
}
