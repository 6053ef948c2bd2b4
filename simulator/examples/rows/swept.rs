//! The sweep's table: where Pinisi stands on each load, all settings of all others beside it.

use crate::args::Args;
use crate::jobs;
use pinisi_simulator::algorithm::Algorithm;
use pinisi_simulator::contenders::oracle;
use pinisi_simulator::rows::Row;
use pinisi_simulator::run::run;
use pinisi_simulator::summary::Summary;
use pinisi_simulator::sweep::{Setting, Tried, picture, standing};

/// Of a sweep, where none is named.
const START_UP: i64 = 60;

pub fn table(a: &Args, rows: &[&Row]) {
    let start_up = a.start_ups.first().copied().unwrap_or(START_UP);
    let settings: Vec<Setting> = Setting::all()
        .into_iter()
        .filter(|s| a.only.contains(&s.algorithm()))
        .collect();
    let of = |who| settings.iter().filter(|s| s.algorithm() == who).count();
    let counts = Algorithm::ALL.map(|who| format!("{} of {who}", of(who)));
    println!(
        "\nSettings turned ({}), start-up {start_up} s:\n",
        counts.join(", ")
    );
    println!(
        "| load | default on the frontier of all | own frontier | of it undominated | dominated by |"
    );
    println!("|---|---|---|---|---|");
    let mut all = Vec::new();
    for row in rows {
        let setup = jobs::setup(row, a, start_up);
        let oracle = oracle::tally(&setup);
        let tried = jobs::all(&settings, a.threads, |setting| {
            let (setup, mut contender) = setting.enter(setup.clone(), false);
            Tried {
                setting: setting.clone(),
                summary: Summary::of(&run(&setup, contender.as_mut()), &oracle),
            }
        });
        line(row, &tried);
        all.push((row.name, tried));
    }
    let standings = || {
        all.iter()
            .map(|(_, tried)| standing(tried, Algorithm::Pinisi))
    };
    println!(
        "\nPinisi: default on the frontier on {} of {}, whole own frontier on {}, some of it on {}.",
        standings().filter(|s| s.default_holds()).count(),
        all.len(),
        standings().filter(|s| s.held() == s.own.len()).count(),
        standings().filter(|s| s.held() > 0).count(),
    );
    if let Some(file) = &a.svg {
        std::fs::write(file, picture::svg(&all)).unwrap();
    }
    if let Some(file) = &a.json {
        let rows = all.iter().map(|(name, tried)| {
            let points = tried.iter().map(|t| {
                serde_json::json!({ "setting": t.setting.words(), "default": t.setting.is_default(), "summary": t.summary })
            });
            serde_json::json!({ "load": name, "points": points.collect::<Vec<_>>() })
        });
        let text = serde_json::to_string_pretty(&rows.collect::<Vec<_>>()).unwrap();
        std::fs::write(file, text).unwrap();
    }
}

fn line(row: &Row, tried: &[Tried]) {
    let found = standing(tried, Algorithm::Pinisi);
    let told = |t: &Tried| {
        format!(
            "{} {:.3} @ {:.3}",
            t.setting.words(),
            t.summary.unserved_pct,
            t.summary.cost_ratio
        )
    };
    let default = found.default.map_or(String::new(), |(own, by)| {
        let by = by.map_or("yes".to_owned(), |by| format!("no: {}", told(by)));
        format!(
            "{by} ({:.3} @ {:.3})",
            own.summary.unserved_pct, own.summary.cost_ratio
        )
    });
    let lost = found.own.iter().filter_map(|(own, by)| Some((own, (*by)?)));
    let lost: Vec<_> = lost
        .map(|(own, by)| format!("{} by {}", told(own), told(by)))
        .collect();
    println!(
        "| {} | {default} | {} | {} | {} |",
        row.name,
        found.own.len(),
        found.held(),
        lost.join("; ")
    );
}
