//! A trace as people bring it: read, made a load, and played by everybody for some minutes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::site::{SiteKind, SiteName};
use pinisi_simulator::algorithm::Algorithm;
use pinisi_simulator::load::{Load, Scale};
use pinisi_simulator::run::run;
use pinisi_simulator::setup::{Policy, REQUEST, Service, Setup, SiteSetup, Watermarks, headroom};
use pinisi_simulator::time::Millis;
use pinisi_simulator::trace::Trace;

/// Of each trace so much is played.
const PLAYED: Millis = Millis::secs(300);
/// A longer text is only another one.
const LONGEST: usize = 4096;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if text.len() > LONGEST {
        return;
    }
    let Ok(trace) = Trace::parse(text) else {
        return;
    };
    for scale in [Scale::AsRecorded, Scale::PeakOf(5000.0)] {
        let load = Load::of(&trace, scale);
        let setup = setup(&trace, load);
        for who in Algorithm::ALL {
            let tally = run(&setup, who.contender(&setup, false).as_mut()).all();
            assert!(
                tally.unserved >= -1e-6 * tally.offered.abs(),
                "{who}: {tally:?}"
            );
        }
    }
});

fn setup(trace: &Trace, load: Load) -> Setup {
    let site = |name: &str, kind| SiteSetup {
        name: SiteName::new(name),
        kind,
        capacity: REQUEST.times(100),
        start_up: Millis::secs(20),
        watermarks: Watermarks::default(),
    };
    Setup {
        start: trace.start,
        span: trace.span().min(PLAYED),
        services: vec![Service {
            name: "service".into(),
            load,
            per_replica: 100.0,
            min: Replicas::new(1),
            max: Replicas::new(200),
            request: REQUEST,
            sensitive: false,
            headroom: headroom(),
            windows: Vec::new(),
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
