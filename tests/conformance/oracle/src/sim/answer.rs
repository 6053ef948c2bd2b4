//! The answers: `{"ok": [count after each decision, …]}`.

use crate::case::{Case, Contender as Who};
use jiff::Timestamp;
use pinisi_planner::model::amounts::{Percent, Replicas};
use pinisi_planner::model::site::{SiteKind, SiteName};
use pinisi_simulator::contenders::{Contender, Each, hpa::Hpa, keda::Keda};
use pinisi_simulator::fleet;
use pinisi_simulator::load::{Load, Scale};
use pinisi_simulator::run::Run;
use pinisi_simulator::setup::{Policy, REQUEST, Service, Setup, SiteSetup, Watermarks};
use pinisi_simulator::time::Millis;
use pinisi_simulator::trace::Trace;
use serde_json::{Value, json};

/// Replicas that the one site has room for, whatever is asked.
const ROOM: u64 = 1 << 20;

/// The answer to a case.
pub fn to(case: Case) -> Value {
    let (who, equal_lag) = (case.contender, case.equal_lag);
    if case.loads.is_empty() || case.per_replica == 0 {
        return json!({ "fault": "nothing to run", "message": "loads and per_replica are above 0" });
    }
    let cooldown = Millis::secs(case.cooldown_seconds.into());
    let (setup, tuning) = (setup(&case), case.tuning.tuning());
    let mut contender: Box<dyn Contender> = match who {
        Who::Hpa => Box::new(Each::of(&setup, &Hpa::new(tuning, equal_lag))),
        Who::Keda => Box::new(Each::of(
            &setup,
            &Keda::new(tuning, equal_lag).cooling(cooldown),
        )),
    };
    json!({ "ok": counts(&setup, contender.as_mut()) })
}

/// The count after each decision.
fn counts(setup: &Setup, contender: &mut dyn Contender) -> Vec<u32> {
    let period = contender.period().max(Millis(1));
    let mut run = Run::new(setup, contender);
    let (mut tick, mut said) = (Millis::ZERO, Vec::new());
    while tick < setup.span {
        // A decision is made as time goes on from its moment.
        run.advance(tick.plus(Millis(1)));
        said.push(fleet::counts(run.fleet().of(0)).get());
        tick = tick.plus(period);
    }
    said
}

/// One service at one site that has room for it.
fn setup(case: &Case) -> Setup {
    let trace = Trace {
        start: Timestamp::UNIX_EPOCH,
        step: Millis::secs(1),
        requests: case.loads.iter().copied().map(f64::from).collect(),
        gaps: 0,
    };
    Setup {
        start: trace.start,
        span: trace.span(),
        services: vec![Service {
            name: "service".into(),
            load: Load::of(&trace, Scale::AsRecorded),
            per_replica: f64::from(case.per_replica),
            min: Replicas::new(case.min),
            max: Replicas::new(case.max),
            request: REQUEST,
            sensitive: false,
            headroom: Percent::new(0),
            windows: Vec::new(),
            policy: Policy::default(),
        }],
        sites: vec![SiteSetup {
            name: SiteName::new("home"),
            kind: SiteKind::OnPrem,
            capacity: REQUEST.times(ROOM),
            start_up: Millis::secs(i64::from(case.start_up_seconds)),
            watermarks: Watermarks::default(),
        }],
        faults: Vec::new(),
        patience: None,
        funds: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(line: &str) -> Value {
        pinisi_oracle::to(line, to)
    }

    #[test]
    fn the_example_of_the_readme_is_one() {
        let readme = include_str!("../../../README.md");
        let (_, rest) = readme.split_once("### `sim-oracle`").unwrap();
        let (_, rest) = rest.split_once("```json\n").unwrap();
        let (example, _) = rest.split_once("```").unwrap();
        let answer = answered(&example.replace('\n', " "));
        assert_eq!(answer["ok"], json!([2, 2, 4]));
    }

    #[test]
    fn what_cannot_be_run_is_said() {
        let nothing = r#"{"id":1,"contender":"hpa","min":1,"max":9,"per_replica":0,"start_up_seconds":0,"loads":[1]}"#;
        assert_eq!(answered(nothing)["fault"], "nothing to run");
        let misspelt = nothing.replace("min", "least");
        assert_eq!(answered(&misspelt)["error"]["kind"], "not_a_case");
    }
}
