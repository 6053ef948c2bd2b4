//! Runs beside each other, and the setup that they share.

use crate::args::Args;
use jiff::SignedDuration;
use pinisi_planner::model::amounts::{MilliLoad, Replicas};
use pinisi_planner::model::schedule::{Expected, Window};
use pinisi_planner::model::site::{SiteKind, SiteName};
use pinisi_simulator::load::{Load, Scale};
use pinisi_simulator::rows::{REGISTRATION_OPENS, Row, registration};
use pinisi_simulator::setup::{Policy, REQUEST, Service, Setup, SiteSetup, Watermarks};
use pinisi_simulator::time::Millis;
use pinisi_simulator::trace::Trace;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const PER_REPLICA: f64 = 100.0;

/// What each job comes to, in their order.
pub fn all<J: Sync, R: Send>(jobs: &[J], threads: usize, run: impl Fn(&J) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, R)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(i) else { return };
                    let result = run(job);
                    done.lock().unwrap().push((i, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(i, _)| *i);
    done.into_iter().map(|(_, result)| result).collect()
}

/// A row's setup.
pub fn setup(row: &Row, a: &Args, start_up: i64) -> Setup {
    let (trace, peak) = (&trace(row, &a.dir), a.peak);
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
        funds: None,
    }
}

fn trace(row: &Row, dir: &str) -> Trace {
    let Some(file) = row.file else {
        return registration();
    };
    let text = std::fs::read_to_string(format!("{dir}/{file}")).unwrap();
    Trace::parse(&text).unwrap_or_else(|e| panic!("{file}: {e}"))
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
