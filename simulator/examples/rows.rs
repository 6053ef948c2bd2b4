//! The benchmark's table: unserved percent at cost by the oracle's, for each load, start-up and
//! autoscaler. `cargo run --release -p pinisi-simulator --example rows -- --help`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

use jiff::SignedDuration;
use pinisi_planner::model::amounts::{MilliLoad, Percent, Replicas};
use pinisi_planner::model::schedule::{Expected, Window};
use pinisi_planner::model::site::{SiteKind, SiteName};
use pinisi_simulator::algorithm::Algorithm;
use pinisi_simulator::contenders::oracle;
use pinisi_simulator::load::{Load, Scale};
use pinisi_simulator::rows::{REGISTRATION_OPENS, ROWS, Row, registration};
use pinisi_simulator::run::run;
use pinisi_simulator::setup::{Policy, REQUEST, Service, Setup, SiteSetup, Watermarks, headroom};
use pinisi_simulator::summary::Summary;
use pinisi_simulator::time::Millis;
use pinisi_simulator::trace::Trace;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const HELP: &str =
    "rows [--start-up 20,60,180] [--only pinisi,hpa,keda,knative] [--row TEXT] [--threads 2]
     [--peak 500] [--equal-lag] [--headroom PERCENT] [--dir simulator/traces]
     [--announce LOAD_PERCENT,MINUTES_LATE] (of the registration: 100,0 is as it comes)";
const PER_REPLICA: f64 = 100.0;

struct Args {
    start_ups: Vec<i64>,
    only: Vec<Algorithm>,
    row: String,
    threads: usize,
    peak: u32,
    equal_lag: bool,
    dir: String,
    headroom: Percent,
    announce: Option<(i64, i64)>,
}

fn args() -> Args {
    let mut a = Args {
        start_ups: vec![20, 60, 180],
        only: Algorithm::ALL.to_vec(),
        row: String::new(),
        threads: 2,
        peak: 500,
        equal_lag: false,
        headroom: headroom(),
        announce: None,
        dir: concat!(env!("CARGO_MANIFEST_DIR"), "/traces").into(),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().expect(HELP);
        match word.as_str() {
            "--start-up" => a.start_ups = value().split(',').map(|s| s.parse().unwrap()).collect(),
            "--only" => a.only = value().split(',').map(|s| s.parse().unwrap()).collect(),
            "--row" => a.row = value().to_lowercase(),
            "--threads" => a.threads = value().parse().unwrap(),
            "--peak" => a.peak = value().parse().unwrap(),
            "--equal-lag" => a.equal_lag = true,
            "--headroom" => a.headroom = Percent::new(value().parse().unwrap()),
            "--announce" => {
                let text = value();
                let (load, late) = text.split_once(',').expect(HELP);
                a.announce = Some((load.parse().unwrap(), late.parse().unwrap()));
            }
            "--dir" => a.dir = value(),
            _ => {
                println!("{HELP}");
                std::process::exit(0);
            }
        }
    }
    a
}

fn trace(row: &Row, dir: &str) -> Trace {
    let Some(file) = row.file else {
        return registration();
    };
    let text = std::fs::read_to_string(format!("{dir}/{file}")).unwrap();
    Trace::parse(&text).unwrap_or_else(|e| panic!("{file}: {e}"))
}

fn setup(trace: &Trace, a: &Args, start_up: i64) -> Setup {
    let peak = a.peak;
    let site = |name: &str, kind| SiteSetup {
        name: SiteName::new(name),
        kind,
        capacity: REQUEST.times(u64::from(peak) * 20),
        start_up: Millis::secs(start_up),
        watermarks: Watermarks::default(),
    };
    Setup {
        start: trace.start,
        span: trace.span(),
        services: vec![Service {
            name: "service".into(),
            load: Load::of(trace, Scale::PeakOf(f64::from(peak) * PER_REPLICA)),
            per_replica: PER_REPLICA,
            min: Replicas::new(1),
            max: Replicas::new(peak * 10),
            request: REQUEST,
            sensitive: false,
            headroom: a.headroom,
            windows: announced(trace, a),
            policy: Policy::default(),
        }],
        sites: vec![
            site("home", SiteKind::OnPrem),
            site("cloud", SiteKind::Cloud),
        ],
        faults: Vec::new(),
        patience: None,
    }
}

/// The registration as it was announced: 08:00 to 09:00.
fn announced(trace: &Trace, a: &Args) -> Vec<Window> {
    let Some((percent, late)) = a.announce else {
        return Vec::new();
    };
    let at = |seconds: i64| trace.start + SignedDuration::from_secs(seconds + late * 60);
    let peak = (f64::from(a.peak) * PER_REPLICA) as u64 * 1000;
    vec![Window {
        name: "registration".into(),
        start: at(REGISTRATION_OPENS),
        end: at(REGISTRATION_OPENS + 3600),
        expects: Expected::Load(MilliLoad(peak * percent as u64 / 100)),
    }]
}

fn main() {
    let a = args();
    let rows: Vec<&Row> = ROWS
        .iter()
        .filter(|r| r.name.to_lowercase().contains(&a.row))
        .collect();
    let mut jobs = Vec::new();
    for (r, _) in rows.iter().enumerate() {
        for (s, _) in a.start_ups.iter().enumerate() {
            for (c, _) in a.only.iter().enumerate() {
                jobs.push((r, s, c));
            }
        }
    }
    let next = AtomicUsize::new(0);
    let done = Mutex::new(vec![None; jobs.len()]);
    std::thread::scope(|scope| {
        for _ in 0..a.threads {
            scope.spawn(|| {
                while let Some(&(r, s, c)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let trace = trace(rows[r], &a.dir);
                    let setup = setup(&trace, &a, a.start_ups[s]);
                    let mut contender = a.only[c].contender(&setup, a.equal_lag);
                    let tally = run(&setup, contender.as_mut());
                    let summary = Summary::of(&tally, &oracle::tally(&setup));
                    let i = jobs.iter().position(|j| *j == (r, s, c)).unwrap();
                    done.lock().unwrap()[i] = Some(summary);
                }
            });
        }
    });
    let done = done.into_inner().unwrap();
    let names: Vec<&str> = a.only.iter().map(|o| o.name()).collect();
    println!("| load | start-up | {} |", names.join(" | "));
    println!("|---|---|{}", "---|".repeat(a.only.len()));
    for (r, row) in rows.iter().enumerate() {
        for (s, start_up) in a.start_ups.iter().enumerate() {
            let cells = jobs.iter().zip(&done).filter(|(j, _)| (j.0, j.1) == (r, s));
            let cells: Vec<String> = cells
                .map(|(_, d)| {
                    let d = d.unwrap();
                    format!(
                        "{:.3} @ {:.3} ({:.0})",
                        d.unserved_pct, d.cost_ratio, d.churn
                    )
                })
                .collect();
            println!("| {} | {start_up} s | {} |", row.name, cells.join(" | "));
        }
    }
}
