//! PN073: are the metrics APIs that workloads follow there? Without one its metrics never shrink
//! anything, and may grow nothing.

use super::finding::{Check, Findings, known};
use super::workloads::object;
use crate::snapshot::Snapshot;
use pinisi_crds::autoscaling::metric::MetricType;
use std::collections::BTreeSet;

const SERVED: Check = Check {
    id: "PN073",
    title: "the metrics APIs that workloads follow are served",
};
/// In the order in which they run.
pub const CHECKS: &[&Check] = &[&SERVED];

/// Runs them.
pub fn run(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&SERVED);
    let (workloads, apis) = known!(verdict, snapshot.workloads, snapshot.api_services);
    let mut followed = BTreeSet::new();
    for workload in workloads {
        let metrics = workload.spec.autoscaling.as_ref();
        let metrics = metrics.and_then(|scaling| scaling.metrics.as_ref());
        let groups: BTreeSet<_> = metrics
            .into_iter()
            .flatten()
            .map(|metric| group(metric.type_))
            .collect();
        for group in groups {
            let Some(trouble) = apis.get(group) else {
                verdict.fail(
                    object(workload),
                    format!(
                        "a metric of it is read from {group}, which this cluster does not serve"
                    ),
                    way_out(group),
                );
                continue;
            };
            if let Some(why) = trouble {
                verdict.fail(
                    object(workload),
                    format!("a metric of it is read from {group}, which is not available: {why}"),
                    "see kubectl get apiservices, and the pods behind that service",
                );
            }
            followed.insert(group);
        }
    }
    verdict.or_ok(format!("{} metrics APIs are followed", followed.len()));
}

/// The API that a metric of this type is read from.
const fn group(metric: MetricType) -> &'static str {
    match metric {
        MetricType::Resource | MetricType::ContainerResource => "metrics.k8s.io",
        MetricType::Pods | MetricType::Object => "custom.metrics.k8s.io",
        MetricType::External => "external.metrics.k8s.io",
    }
}

fn way_out(group: &str) -> &'static str {
    if group == "metrics.k8s.io" {
        "install metrics-server, or follow a load signal (spec.autoscaling.load)"
    } else {
        "install an adapter that serves it, for example prometheus-adapter or KEDA, or follow a load signal (spec.autoscaling.load)"
    }
}
