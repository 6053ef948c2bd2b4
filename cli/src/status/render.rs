//! The overview as tables.

use super::attention::{Attention, Weight};
use super::overview::{
    BudgetRow, ClusterRow, GatewayRow, Overview, SiteRow, SourceRow, WorkloadRow,
};
use super::spoken;
use crate::connect::Scope;
use crate::output::{Screen, table};
use comfy_table::{Cell, Color, Table};
use pinisi_crds::hybrid_workload::{Class, Mode};
use pinisi_crds::site::SiteType;

const NOTHING: &str = "-";

/// A table a kind, or the way on where there is nothing to show.
pub fn text(overview: &Overview, scope: &Scope, screen: Screen) -> String {
    let Overview {
        format: _,
        workloads,
        sites,
        signal_sources,
        budgets,
    } = overview;
    let mut text = String::new();
    if workloads.is_empty() {
        let elsewhere = match scope {
            Scope::One(_) => "-A shows every namespace",
            Scope::All => "mark a service: see examples/",
        };
        text += &format!("No HybridWorkload in {}; {elsewhere}.\n", spoken(scope));
    } else {
        text += &workload_table(workloads, screen);
    }
    text += "\n";
    if sites.is_empty() {
        text += "No Site; nothing can be placed before there is one: see examples/.\n";
    } else {
        text += &site_table(sites, screen);
    }
    if !signal_sources.is_empty() {
        text += "\n";
        text += &source_table(signal_sources, screen);
    }
    if !budgets.is_empty() {
        text += "\n";
        text += &budget_table(budgets, screen);
    }
    text
}

fn workload_table(workloads: &[WorkloadRow], screen: Screen) -> String {
    let header = [
        "NAMESPACE",
        "NAME",
        "CLASS",
        "READY",
        "HOME",
        "CLOUD",
        "COST/H",
        "WHY",
        "ATTENTION",
    ];
    let mut table = table(screen, &header);
    for row in workloads {
        let cells = [
            Cell::new(&row.namespace),
            Cell::new(&row.name),
            class(row, screen),
            ready(row, screen),
            Cell::new(row.home),
            paint(
                Cell::new(row.cloud),
                (row.cloud > 0).then_some(Color::Cyan),
                screen,
            ),
            Cell::new(row.cost_per_hour.as_deref().unwrap_or(NOTHING)),
            Cell::new(row.why.as_deref().unwrap_or(NOTHING)),
            worries(&row.attention, screen),
        ];
        table.add_row(cells);
    }
    lines(&table)
}

fn class(row: &WorkloadRow, screen: Screen) -> Cell {
    let (word, colour) = match row.class {
        Class::Sensitive => ("Sensitive", Some(Color::Magenta)),
        Class::MassTraffic => ("MassTraffic", None),
    };
    let word = match row.mode {
        Mode::Active => word.to_owned(),
        Mode::Observe => format!("{word} (Observe)"),
        Mode::Paused => format!("{word} (Paused)"),
    };
    paint(Cell::new(word), colour, screen)
}

fn ready(row: &WorkloadRow, screen: Screen) -> Cell {
    let Some(text) = &row.ready else {
        return Cell::new(NOTHING);
    };
    let all = text
        .split_once('/')
        .is_some_and(|(ready, wanted)| ready == wanted);
    paint(
        Cell::new(text),
        Some(if all { Color::Green } else { Color::Yellow }),
        screen,
    )
}

fn worries(attention: &[Attention], screen: Screen) -> Cell {
    if attention.is_empty() {
        return Cell::new(NOTHING);
    }
    let colour = match attention.iter().map(|worry| worry.weight).max() {
        Some(Weight::Stalled) => Some(Color::Red),
        Some(Weight::Look) => Some(Color::Yellow),
        Some(Weight::Passing) | None => None,
    };
    paint(Cell::new(short(attention)), colour, screen)
}

/// Conditions in a few words: `Contested(ForeignWriter), Ready=False(Stale)`.
pub fn short(attention: &[Attention]) -> String {
    let word = |worry: &Attention| match worry.status.as_str() {
        "True" => format!("{}({})", worry.type_, worry.reason),
        other => format!("{}={other}({})", worry.type_, worry.reason),
    };
    attention.iter().map(word).collect::<Vec<_>>().join(", ")
}

fn site_table(sites: &[SiteRow], screen: Screen) -> String {
    let header = [
        "SITE",
        "TYPE",
        "JURISDICTION",
        "CLUSTER",
        "NODES",
        "CPU",
        "MEMORY",
        "READY",
    ];
    let mut table = table(screen, &header);
    for row in sites {
        let kind = match row.type_ {
            SiteType::OnPrem => "OnPrem",
            SiteType::Cloud => "Cloud",
            SiteType::Edge => "Edge",
        };
        table.add_row([
            Cell::new(&row.name),
            Cell::new(kind),
            Cell::new(&row.jurisdiction),
            Cell::new(cluster(row)),
            Cell::new(row.nodes),
            Cell::new(row.cpu.as_deref().unwrap_or(NOTHING)),
            Cell::new(row.memory.as_deref().unwrap_or(NOTHING)),
            state(&row.ready, &row.reason, screen),
        ]);
    }
    lines(&table)
}

/// Whether the site is here, and else which version its cluster has.
fn cluster(row: &SiteRow) -> String {
    match &row.cluster {
        None => "this".into(),
        Some(ClusterRow { uid: _, version }) => {
            let version = version.as_deref().unwrap_or("not seen yet");
            format!("another ({version})")
        }
    }
}

fn budget_table(budgets: &[BudgetRow], screen: Screen) -> String {
    let header = [
        "BUDGET",
        "CEILING",
        "SPENT",
        "PER HOUR",
        "EXHAUSTED AT",
        "READY",
        "ATTENTION",
    ];
    let mut table = table(screen, &header);
    for row in budgets {
        let or_nothing = |text: &Option<String>| Cell::new(text.as_deref().unwrap_or(NOTHING));
        table.add_row([
            Cell::new(&row.name),
            Cell::new(format!("{} {}", row.ceiling, row.currency)),
            or_nothing(&row.spent),
            or_nothing(&row.per_hour),
            or_nothing(&row.exhausted_at),
            state(&row.ready, &row.reason, screen),
            worries(&row.attention, screen),
        ]);
    }
    lines(&table)
}

fn source_table(sources: &[SourceRow], screen: Screen) -> String {
    let mut table = table(screen, &["SIGNAL SOURCE", "ADDRESS", "READY", "QUERIES"]);
    for row in sources {
        let queries = row.queries.iter().map(|query| match &query.error {
            Some(error) => format!("{}: {error}", query.name),
            None => format!("{}: {} series", query.name, query.series),
        });
        table.add_row([
            Cell::new(&row.name),
            Cell::new(
                row.address
                    .clone()
                    .unwrap_or_else(|| gateways(&row.gateways)),
            ),
            state(&row.ready, &row.reason, screen),
            Cell::new(queries.collect::<Vec<_>>().join(", ")),
        ]);
    }
    lines(&table)
}

/// Each gateway on a line of its own, with its series and the age of its figures, or what is wrong.
fn gateways(rows: &[GatewayRow]) -> String {
    if rows.is_empty() {
        return NOTHING.to_owned();
    }
    let line = |row: &GatewayRow| {
        let age = match row.age_seconds {
            Some(seconds) if seconds > 3600 => ", over an hour old".to_owned(),
            Some(seconds) => format!(", up to {seconds} s old"),
            None => String::new(),
        };
        match (&row.error, row.series) {
            (Some(error), _) => format!("{}: {error}{age}", row.address),
            (None, Some(series)) => format!("{}: {series} series{age}", row.address),
            (None, None) => format!("{}: not scraped yet", row.address),
        }
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn state(ready: &str, reason: &str, screen: Screen) -> Cell {
    match ready {
        "True" => paint(Cell::new(ready), Some(Color::Green), screen),
        other => paint(
            Cell::new(format!("{other} ({reason})")),
            Some(Color::Yellow),
            screen,
        ),
    }
}

fn paint(cell: Cell, colour: Option<Color>, screen: Screen) -> Cell {
    match colour {
        Some(colour) if screen.colour => cell.fg(colour),
        Some(_) | None => cell,
    }
}

fn lines(table: &Table) -> String {
    table.trim_fmt() + "\n"
}
