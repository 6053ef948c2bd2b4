//! The answers: `{"ok": …}`, or `{"fault": …, "message": …}` for settings that Knative would refuse.

use crate::case::{Case, Reconcile, Revision, Run, Step, from_milli};
use pinisi_simulator::contenders::knative::{Activity, Found, Kpa, OutOfRange, Scaled, Scaler};
use serde_json::{Value, json};

/// The answer to a case.
pub fn to(case: Case) -> Value {
    let answer = match case {
        Case::Run(run) => play(run),
        Case::Revision(revision) => reconcile(revision),
    };
    answer.map_or_else(refused, |ok| json!({ "ok": ok }))
}

/// One answer a tick.
fn play(run: Run) -> Result<Value, OutOfRange> {
    let Run {
        settings,
        ready,
        now,
        steps,
    } = run;
    let mut kpa = Kpa::new(settings.settings(), ready, now)?;
    let mut said = Vec::new();
    for step in steps {
        match step {
            Step::Record { at, load } => kpa.record(at, from_milli(load)),
            Step::Scale { now, ready } => said.push(kpa.scale(now, ready).map(written)),
        }
    }
    Ok(json!(said))
}

/// One answer a reconcile.
fn reconcile(revision: Revision) -> Result<Value, OutOfRange> {
    let Revision {
        settings,
        min,
        max,
        now,
        steps,
    } = revision;
    let mut scaler = Scaler::new(settings.settings(), min, max, now)?;
    let said = steps.into_iter().map(|step| {
        let Reconcile { now, scaled, ready } = step;
        let written = scaler.reconcile(now, Found { scaled, ready });
        let activity = match scaler.activity() {
            Activity::Activating => "Unknown",
            Activity::Active => "True",
            Activity::Inactive => "False",
        };
        json!({ "written": written, "active": activity })
    });
    Ok(said.collect())
}

fn written(scaled: Scaled) -> Value {
    let Scaled {
        desired,
        excess_burst,
        stable,
        panic,
    } = scaled;
    json!({ "desired": desired, "excess_burst": excess_burst, "stable": stable, "panic": panic })
}

fn refused(why: OutOfRange) -> Value {
    json!({ "fault": why.setting, "message": why.to_string() })
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
        let (_, rest) = readme.split_once("### `kpa-oracle`").unwrap();
        let (_, rest) = rest.split_once("```json\n").unwrap();
        let (example, _) = rest.split_once("```").unwrap();
        let answer = answered(&example.replace('\n', " "));
        let expected =
            json!([{ "desired": 5, "excess_burst": -461, "stable": 350.0, "panic": 350.0 }]);
        assert_eq!(answer["ok"], expected);
    }

    #[test]
    fn settings_that_knative_would_refuse_are_named() {
        let answer = answered(
            r#"{"op":"run","settings":{"stable_window_seconds":5},"ready":0,"now":"2026-01-01T00:00:00Z","steps":[]}"#,
        );
        assert_eq!(answer["fault"], "stable-window");
        let misspelt = answered(
            r#"{"op":"run","settings":{"window":5},"ready":0,"now":"2026-01-01T00:00:00Z","steps":[]}"#,
        );
        assert_eq!(misspelt["error"]["kind"], "not_a_case");
    }
}
