//! The answers: `{"ok": …}`, or `{"fault": …, "message": …}` where the HPA itself has none.

use super::case::{Case, Sync};
use pinisi_planner::hpa::group::group;
use pinisi_planner::hpa::memory::{changed, store};
use pinisi_planner::hpa::outcome::Limit;
use pinisi_planner::hpa::replicas::{Proposal, Scope, propose};
use pinisi_planner::hpa::requests::requests;
use pinisi_planner::hpa::{Fault, Input, evaluate, limits, stabilize};
use serde_json::{Map, Value, json};

#[allow(clippy::needless_pass_by_value)] // so that calls stay short
fn ok(value: Value) -> Value {
    json!({ "ok": value })
}

fn fault(fault: &Fault) -> Value {
    json!({ "fault": fault, "message": fault.to_string() })
}

fn limited((replicas, limit): (i32, Limit)) -> Value {
    ok(json!({ "replicas": replicas, "limit": limit, "message": limit.to_string() }))
}

/// The answer to a case.
pub fn to(case: Case) -> Value {
    match case {
        Case::Group {
            pods,
            values,
            cpu,
            initialization,
            readiness_delay,
            now,
        } => {
            let values = values.iter().map(|v| (&v.pod, v)).collect();
            let g = group(&pods, &values, cpu, initialization, readiness_delay, now);
            ok(
                json!({ "ready": g.ready, "unready": g.unready, "missing": g.missing, "ignored": g.ignored }),
            )
        }
        Case::Requests {
            pods,
            container,
            resource,
        } => match requests(&pods, container.as_deref(), &resource) {
            Err(f) => fault(&f),
            Ok(by_pod) => {
                let list = by_pod.iter();
                let list = list.map(|(pod, milli)| json!({ "pod": pod, "milli": milli }));
                ok(list.collect())
            }
        },
        Case::Propose {
            metric,
            current,
            status,
            tolerances,
            pods,
            initialization,
            readiness_delay,
            now,
        } => {
            let scope = Scope {
                current,
                status,
                tolerances,
                pods: &pods,
                initialization,
                readiness_delay,
                now,
            };
            match propose(&metric, &scope) {
                Err(f) => fault(&f),
                Ok(Proposal { replicas, value }) => {
                    ok(json!({ "replicas": replicas, "value": value }))
                }
            }
        }
        Case::Highest {
            mut memory,
            desired,
            window,
            now,
        } => {
            let replicas = stabilize::highest(&mut memory, desired, window, now);
            ok(json!({ "replicas": replicas, "memory": memory }))
        }
        Case::Within {
            mut memory,
            current,
            desired,
            up_window,
            down_window,
            now,
        } => {
            let replicas =
                stabilize::within(&mut memory, current, desired, up_window, down_window, now);
            ok(json!({ "replicas": replicas, "memory": memory }))
        }
        Case::ByBounds {
            current,
            desired,
            min,
            max,
            factor,
        } => limited(limits::by_bounds(
            desired,
            min,
            max,
            limits::up_limit(current, factor),
        )),
        Case::UpLimit { current, factor } => ok(json!(limits::up_limit(current, factor))),
        Case::ByRates {
            memory,
            behavior,
            min,
            max,
            current,
            desired,
            now,
        } => limited(limits::by_rates(
            &memory,
            &behavior,
            (min, max),
            current,
            desired,
            now,
        )),
        Case::Most {
            rules,
            current,
            memory,
            now,
        } => ok(json!(limits::most(&rules, current, &memory, now))),
        Case::Least {
            rules,
            current,
            memory,
            now,
        } => ok(json!(limits::least(&rules, current, &memory, now))),
        Case::Changed {
            events,
            period_seconds,
            now,
        } => ok(json!(changed(&events, period_seconds, now))),
        Case::Store {
            mut events,
            rules,
            change,
            at,
        } => {
            store(&mut events, &rules, change, at);
            ok(json!(events))
        }
        Case::Evaluate(sync) => sync_of(*sync),
        Case::Rescaled {
            mut memory,
            behavior,
            from,
            to,
            at,
        } => {
            memory.rescaled(behavior.as_ref(), from, to, at);
            ok(json!(memory))
        }
    }
}

fn sync_of(sync: Sync) -> Value {
    let Sync {
        spec,
        current,
        status,
        scaled_to_zero,
        metrics,
        pods,
        unknown_sites,
        settings,
        mut memory,
        now,
    } = sync;
    let input = Input {
        spec: &spec,
        current,
        status,
        scaled_to_zero,
        metrics: &metrics,
        pods: &pods,
        unknown_sites: &unknown_sites,
        settings,
        now,
    };
    let outcome = evaluate(&input, &mut memory);
    let faults = outcome.faults.iter();
    let faults: Vec<_> = faults.map(|(_, fault)| fault.to_string()).collect();
    let mut fields = Map::new();
    fields.insert("conditions".into(), json!(outcome.conditions()));
    fields.insert("faults".into(), json!(faults));
    let rescale = outcome.rescale.as_ref().map(ToString::to_string);
    fields.insert("rescale".into(), json!(rescale));
    fields.insert("outcome".into(), json!(outcome));
    fields.insert("memory".into(), json!(memory));
    ok(Value::Object(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(line: &str) -> Value {
        crate::to(line, to)
    }

    #[test]
    fn what_is_no_case_gets_an_answer_too() {
        let kind = |line: &str| answered(line)["error"]["kind"].as_str().map(str::to_owned);
        for line in ["{", "\u{0}", "NaN", &"[".repeat(100_000)] {
            assert_eq!(kind(line).as_deref(), Some("not_json"), "{line:.20}");
        }
        for line in [
            "{}",
            "[]",
            "3",
            r#"{"op":"up_limit"}"#,
            r#"{"op":"up_limit","current":2147483648}"#,
            r#"{"op":"sing"}"#,
            r#"{"op":"highest","memory":{"recommendations":[],"ups":[],"downs":[]},"desired":1,"window":"PT5M","now":"yesterday"}"#,
        ] {
            assert_eq!(kind(line).as_deref(), Some("not_a_case"), "{line}");
        }
    }

    #[test]
    fn the_id_comes_back_with_every_answer() {
        let good = answered(r#"{"id":7,"op":"up_limit","current":3}"#);
        assert_eq!(good, json!({ "id": 7, "ok": 6 }));
        let bad = answered(r#"{"id":{"n":8},"op":"up_limit","current":"3"}"#);
        assert_eq!(bad["id"], json!({ "n": 8 }));
        assert!(bad["error"]["message"].is_string());
    }

    #[test]
    fn a_whole_sync() {
        let answer = answered(
            r#"{"op":"evaluate","spec":{"min":1,"max":10,"behavior":null},"current":3,"status":3,
            "metrics":[{"External":{"name":"queue","target":{"AverageValue":1000},"reading":{"Read":[4000,1500]}}}],
            "pods":[],"now":"2026-01-01T00:00:00Z"}"#,
        );
        assert_eq!(answer["ok"]["outcome"]["desired"], 6);
        assert_eq!(answer["ok"]["conditions"][0]["reason"], "SucceededRescale");
        assert_eq!(
            answer["ok"]["rescale"],
            "external metric queue above target"
        );
    }

    #[test]
    fn the_example_of_the_readme_is_one() {
        let readme = include_str!("../../../README.md");
        let (_, rest) = readme.split_once("```json\n").unwrap();
        let (example, _) = rest.split_once("```").unwrap();
        let answer = answered(&example.replace('\n', " "));
        assert_eq!(answer["ok"]["outcome"]["currents"][0]["utilization"], 90);
        // 1.8 times the one pod that is there, which is less than what is specified: it stays.
        assert_eq!(answer["ok"]["outcome"]["recommended"], 2);
        assert_eq!(answer["ok"]["outcome"]["desired"], 3);
    }
}
