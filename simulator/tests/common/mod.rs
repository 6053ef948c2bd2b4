//! Small setups that the tests share.
#![allow(dead_code)]

use jiff::Timestamp;
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::site::{SiteKind, SiteName};
use pinisi_simulator::load::{Load, Scale};
use pinisi_simulator::setup::{Policy, REQUEST, Service, Setup, SiteSetup, Watermarks};
use pinisi_simulator::time::Millis;
use pinisi_simulator::trace::Trace;

pub fn trace(step_seconds: i64, requests: &[f64]) -> Trace {
    Trace {
        start: Timestamp::constant(1_782_838_800, 0),
        step: Millis::secs(step_seconds),
        requests: requests.to_vec(),
        gaps: 0,
    }
}

pub fn site(name: &str, kind: SiteKind, replicas: u64, start_up: i64) -> SiteSetup {
    SiteSetup {
        name: SiteName::new(name),
        kind,
        capacity: REQUEST.times(replicas),
        start_up: Millis::secs(start_up),
        watermarks: Watermarks::default(),
    }
}

/// One service of 10 requests a second a replica, home for `home` replicas and a cloud for 10,000.
pub fn setup(trace: &Trace, peak: f64, home: u64, start_up: i64) -> Setup {
    Setup {
        start: trace.start,
        span: trace.span(),
        services: vec![Service {
            name: "web".into(),
            load: Load::of(trace, Scale::PeakOf(peak)),
            per_replica: 10.0,
            min: Replicas::new(1),
            max: Replicas::new(10_000),
            request: REQUEST,
            sensitive: false,
            headroom: pinisi_simulator::setup::headroom(),
            windows: Vec::new(),
            policy: Policy::default(),
        }],
        sites: vec![
            site("home", SiteKind::OnPrem, home, start_up),
            site("cloud", SiteKind::Cloud, 10_000, start_up),
        ],
        faults: Vec::new(),
        patience: None,
        funds: None,
    }
}
