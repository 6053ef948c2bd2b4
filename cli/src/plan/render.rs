//! The answer as text.

use super::answer::{Answer, Change, Counts, ObjectRow, Trouble, WorkloadRow};
use crate::explain::words;
use pinisi_planner::model::site::SiteName;
use std::fmt::Write as _;

/// All of it.
pub fn text(answer: &Answer) -> String {
    let Answer {
        format: _,
        objects,
        workloads,
        refusals,
        warnings,
        assumptions,
        summary,
    } = answer;
    let mut text = String::new();
    let width = objects
        .iter()
        .map(|row| row.spoken().chars().count())
        .max()
        .unwrap_or(0);
    for row in objects {
        let _ = writeln!(text, "{:<width$}  {}", row.spoken(), said(row));
    }
    for row in workloads {
        text += &of_workload(row);
    }
    troubles(&mut text, "Refused", refusals);
    troubles(&mut text, "Look at", warnings);
    if !assumptions.is_empty() {
        text += "\nAssumed\n";
        assumptions.iter().for_each(|line| {
            let _ = writeln!(text, "  {line}");
        });
    }
    text += match (summary.refused, summary.changed) {
        (0, 0) => "\nNothing would change.\n",
        (0, _) => "\nNothing was written.\n",
        (_, _) => {
            "\nNothing was written. What is refused is left as it stands until it is mended.\n"
        }
    };
    text
}

const fn said(row: &ObjectRow) -> &'static str {
    match row.change {
        Change::Created => "would be created",
        Change::Changed => "would be changed",
        Change::Unchanged => "is so already",
        Change::Aside => "is left aside: no plan looks at its kind",
        Change::Refused => "would be refused",
    }
}

fn of_workload(row: &WorkloadRow) -> String {
    let WorkloadRow {
        namespace,
        name,
        changed,
        before,
        after,
        reasons,
    } = row;
    let want = |counts: &Option<Counts>| {
        counts
            .as_ref()
            .map_or_else(|| "none".to_owned(), |c| c.want.to_string())
    };
    let mut text = format!("\n{namespace}/{name}: ");
    text += &match (before, after) {
        (_, None) => "nothing is decided for it\n".to_owned(),
        (None, Some(_)) => format!("new, {} replicas\n", want(after)),
        (Some(_), Some(_)) if *changed => format!("{} -> {} replicas\n", want(before), want(after)),
        (Some(_), Some(_)) => format!("{} replicas, as before\n", want(after)),
    };
    let nothing = Counts::default();
    let (before, after) = (
        before.as_ref().unwrap_or(&nothing),
        after.as_ref().unwrap_or(&nothing),
    );
    let mut sites: Vec<&SiteName> = Vec::new();
    for count in after.sites.iter().chain(&before.sites) {
        if !sites.contains(&&count.site) {
            sites.push(&count.site);
        }
    }
    let width = sites
        .iter()
        .map(|site| site.as_str().chars().count())
        .max()
        .unwrap_or(0);
    for site in sites {
        let (was, will) = (before.at(site), after.at(site));
        let mark = if was == will { ' ' } else { '~' };
        let _ = writeln!(text, "{mark} {:<width$}  {was} -> {will}", site.as_str());
    }
    let cost = |counts: &Counts| {
        counts
            .cost_per_hour
            .clone()
            .unwrap_or_else(|| "nothing".into())
    };
    if before.cost_per_hour.is_some() || after.cost_per_hour.is_some() {
        let _ = writeln!(text, "  costs an hour: {} -> {}", cost(before), cost(after));
    }
    if let Some(account) = reasons {
        let indented = words(account);
        indented
            .lines()
            .filter(|line| !line.is_empty())
            .for_each(|line| {
                let _ = writeln!(text, "    {line}");
            });
    }
    text
}

fn troubles(text: &mut String, title: &str, troubles: &[Trouble]) {
    if troubles.is_empty() {
        return;
    }
    let _ = write!(text, "\n{title}\n");
    for Trouble {
        object,
        reason,
        message,
    } in troubles
    {
        let _ = writeln!(text, "  {object} ({reason}): {message}");
    }
}
