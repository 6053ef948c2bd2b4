//! PN07x: where load figures come from. Whether a figure is fresh is the operator's word; here it
//! is only read, as this machine may not reach the source.

use super::finding::{Check, Findings, known};
use super::workloads::object;
use crate::snapshot::Snapshot;
use crate::status::{Weight, attention};
use kube::ResourceExt as _;

const EXIST: Check = Check {
    id: "PN070",
    title: "signals that workloads name exist",
};
const ANSWER: Check = Check {
    id: "PN071",
    title: "signal sources answer with fresh figures",
};
const AGE: Check = Check {
    id: "PN072",
    title: "the age of figures is known",
};
/// In the order in which they run.
pub const CHECKS: &[&Check] = &[&EXIST, &ANSWER, &AGE];

/// Runs them.
pub fn run(snapshot: &Snapshot, findings: &mut Findings) {
    exist(snapshot, findings);
    answer(snapshot, findings);
    age(snapshot, findings);
}

fn exist(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&EXIST);
    let (workloads, sources) = known!(verdict, snapshot.workloads, snapshot.sources);
    let mut count = 0;
    for workload in workloads {
        let load = workload
            .spec
            .autoscaling
            .as_ref()
            .and_then(|scaling| scaling.load.as_ref());
        let Some(signal) = load.map(|load| &load.signal) else {
            continue;
        };
        count += 1;
        match sources.iter().find(|source| source.name_any() == signal.source) {
            None => verdict.fail(
                object(workload),
                format!("spec.autoscaling.load.signal.source names {}, which does not exist: its count never shrinks", signal.source),
                "kubectl get signalsources; create it, or name one of these",
            ),
            Some(source) if !source.spec.queries.iter().any(|query| query.name == signal.query) => {
                let names: Vec<_> = source.spec.queries.iter().map(|query| query.name.as_str()).collect();
                verdict.fail(
                    object(workload),
                    format!("spec.autoscaling.load.signal.query names {}, which SignalSource {} does not have", signal.query, signal.source),
                    format!("name one of: {}", names.join(", ")),
                );
            }
            Some(_) => {}
        }
    }
    verdict.or_ok(format!("{count} workloads follow a signal"));
}

fn answer(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&ANSWER);
    let sources = known!(verdict, snapshot.sources);
    for source in sources {
        let name = source.name_any();
        let object = format!("SignalSource {name}");
        let place = match source.spec.gateways {
            Some(_) => "spec.gateways and status.gateways",
            None => "spec.prometheus.address",
        };
        let hint = format!("kubectl describe signalsource {name}; see {place}");
        let status = source.status.as_ref();
        if status.is_none_or(|status| status.conditions.is_empty()) {
            verdict.warn(
                object.clone(),
                "has no conditions yet: no operator has asked it",
                "see PN012",
            );
        }
        for condition in attention(status.map(|s| s.conditions.as_slice()).unwrap_or_default()) {
            let words = format!(
                "{}={} ({}): {}",
                condition.type_, condition.status, condition.reason, condition.message
            );
            match condition.weight {
                Weight::Stalled => verdict.fail(object.clone(), words, hint.clone()),
                Weight::Look => verdict.warn(object.clone(), words, hint.clone()),
                Weight::Passing => {}
            }
        }
        for query in status.iter().flat_map(|status| &status.queries) {
            if let Some(error) = &query.error {
                verdict.warn(
                    object.clone(),
                    format!("query {}: {error}", query.name),
                    format!("kubectl edit signalsource {name}"),
                );
            }
        }
        for gateway in status.iter().flat_map(|status| &status.gateways) {
            if let Some(error) = &gateway.error {
                verdict.warn(
                    object.clone(),
                    format!("gateway {}: {error}", gateway.address),
                    format!("curl the page; kubectl edit signalsource {name} where the gateway is gone for good"),
                );
            }
        }
    }
    verdict.or_ok(format!("{} sources", sources.len()));
}

fn age(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&AGE);
    let sources = known!(verdict, snapshot.sources);
    for source in sources {
        for query in source
            .spec
            .queries
            .iter()
            // A gateway's figures have the time of their scrape.
            .filter(|query| query.query.is_some() && query.timestamp_query.is_none())
        {
            verdict.warn(
                format!("SignalSource {}", source.name_any()),
                format!("query {} has no timestampQuery: hours-old figures may pass as new", query.name),
                "set spec.queries[].timestampQuery, for example max by (namespace, workload) (timestamp(requests_total))",
            );
        }
    }
    verdict.or_ok("each query has a timestampQuery, or reads a page itself");
}
