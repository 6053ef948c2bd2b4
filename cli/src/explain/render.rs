//! A decision as text.

use super::tell::Told;
use pinisi_planner::explain::{Account, Place, Stage};
use pinisi_planner::model::amounts::Replicas;
use std::fmt::Write as _;

/// All of it.
pub fn text(told: &Told) -> String {
    let Told {
        format: _,
        namespace,
        name,
        class,
        mode,
        decided_at,
        up_to_date,
        account,
        cost_per_hour,
        attention,
        reasons: _,
    } = told;
    let mut text = format!("{namespace}/{name} ({class:?}, {mode:?})\n");
    let _ = writeln!(text, "As the operator decided, said at {decided_at}.");
    if !up_to_date {
        text += "The spec has changed since and is not looked at yet: kubectl pinisi check says whether the operator runs.\n";
    }
    text += &words(account);
    if let Some(cost) = cost_per_hour {
        let _ = write!(text, "\nCosts\n  {cost} an hour\n");
    }
    if !attention.is_empty() {
        text += "\nLook at\n";
        for worry in attention {
            let _ = writeln!(
                text,
                "  {}={} {}: {}",
                worry.type_, worry.status, worry.reason, worry.message
            );
        }
    }
    text
}

/// The account alone.
pub fn words(account: &Account) -> String {
    let Account {
        total,
        want,
        places,
        notes,
        waits,
        changes,
    } = account;
    let mut text = String::from("\nHow many\n");
    let lines: Vec<_> = total.iter().map(stage).collect();
    let width = lines.iter().map(|(left, _)| left.chars().count()).max();
    let width = width.unwrap_or(0).clamp("wanted in all".len(), WIDEST);
    for (left, right) in lines {
        let _ = writeln!(text, "{}", format!("  {left:<width$}  {right}").trim_end());
    }
    let _ = writeln!(text, "  {:<width$}  -> {want}", "wanted in all");
    text += "\nWhere\n";
    let width = places.iter().map(|p| p.site.as_str().chars().count()).max();
    for place in places {
        text += &of_place(place, width.unwrap_or(0));
    }
    let mut list = |title: &str, lines: &[String]| {
        if !lines.is_empty() {
            let _ = write!(text, "\n{title}\n");
            lines.iter().for_each(|line| {
                let _ = writeln!(text, "  {line}");
            });
        }
    };
    list("All of it", notes);
    list("Waits for", waits);
    list("What would change it", changes);
    text
}

/// Widest text before a number: a longer one pushes its own number on.
const WIDEST: usize = 72;

fn stage(stage: &Stage) -> (&str, String) {
    let Stage {
        reason: _,
        text,
        replicas,
    } = stage;
    (
        text,
        replicas.map(|n| format!("-> {n}")).unwrap_or_default(),
    )
}

fn of_place(place: &Place, width: usize) -> String {
    let Place { site, share, why } = place;
    let tier = match share.tier {
        0 => "in no tier".to_owned(),
        n => format!("tier {n}"),
    };
    let name = site.as_str();
    let room = share.under_high.zip(share.fits);
    let room = room.map_or(String::new(), |(high, all)| {
        format!("; {}", self::room(high, all))
    });
    let mut text = format!(
        "  {name:<width$}  {tier}: {} of {} Ready{room}\n",
        share.ready, share.desired
    );
    for why in why {
        let _ = writeln!(text, "  {:<width$}    {why}", "");
    }
    text
}

fn room(under_high: Replicas, fits: Replicas) -> String {
    match (under_high, fits) {
        (_, Replicas::ZERO) => "no room".into(),
        (Replicas::MAX, _) => "room without end".into(),
        (high, all) if high == all => format!("room for {all} in all"),
        (high, all) => format!("room for {high} up to its high watermark, for {all} in all"),
    }
}
