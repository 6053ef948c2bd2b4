//! PN01x: the operator itself. The guard does not need it; overflow and home-coming do.

use super::finding::{Check, Findings, known};
use crate::snapshot::Snapshot;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use kube::ResourceExt as _;

const DEPLOYMENT: Check = Check {
    id: "PN010",
    title: "the operator's Deployment is ready",
};
const PODS: Check = Check {
    id: "PN011",
    title: "the operator's pods are ready",
};
const LEASE: Check = Check {
    id: "PN012",
    title: "an operator leads",
};
/// In the order in which they run.
pub const CHECKS: &[&Check] = &[&DEPLOYMENT, &PODS, &LEASE];

/// Name of the operator, its Lease and its chart.
const NAME: &str = "pinisi";
const NAME_LABEL: &str = "app.kubernetes.io/name";
/// A lease that was not renewed for this many of its own durations counts as left. Clocks differ.
const LEASE_PATIENCE: i64 = 3;
/// Where a Lease does not say how long it lasts.
const LEASE_SECONDS: i32 = 15;

/// Runs them.
pub fn run(snapshot: &Snapshot, findings: &mut Findings) {
    deployment(snapshot, findings);
    pods(snapshot, findings);
    lease(snapshot, findings);
}

fn own(deployments: &[Deployment]) -> Option<&Deployment> {
    let labelled = |d: &&Deployment| d.labels().get(NAME_LABEL).is_some_and(|name| name == NAME);
    deployments
        .iter()
        .find(labelled)
        .or_else(|| deployments.iter().find(|d| d.name_any() == NAME))
}

fn deployment(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&DEPLOYMENT);
    let deployments = known!(verdict, snapshot.deployments);
    let namespace = &snapshot.operator_namespace;
    let Some(found) = own(deployments) else {
        verdict.fail(
            format!("Namespace {namespace}"),
            format!("holds no Deployment with label {NAME_LABEL}={NAME}"),
            format!("helm install pinisi charts/pinisi --namespace {namespace} --create-namespace, or name the namespace with --operator-namespace"),
        );
        return verdict.or_ok("");
    };
    let object = format!("Deployment {namespace}/{}", found.name_any());
    let wanted = found.spec.replicas.unwrap_or(1);
    let ready = found
        .status
        .as_ref()
        .and_then(|status| status.ready_replicas)
        .unwrap_or(0);
    if wanted == 0 {
        if !held(snapshot) {
            verdict.fail(
                object,
                "asks for 0 replicas, and nobody holds the Lease: counts stay as they are, the guard still stands",
                format!("kubectl scale deployment/{} --namespace {namespace} --replicas 2", found.name_any()),
            );
        }
        return verdict
            .or_ok("0 replicas asked for; an operator outside the cluster holds the Lease");
    }
    if ready == 0 {
        verdict.fail(
            object,
            format!(
                "0 of {wanted} replicas are ready: counts stay as they are, the guard still stands"
            ),
            format!(
                "kubectl logs deployment/{} --namespace {namespace}",
                found.name_any()
            ),
        );
    } else if ready < wanted {
        verdict.warn(
            object,
            format!("{ready} of {wanted} replicas are ready"),
            format!("kubectl get pods --namespace {namespace}"),
        );
    }
    verdict.or_ok(format!("{ready} of {wanted} replicas"));
}

fn pods(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&PODS);
    let (pods, deployments) = known!(verdict, snapshot.operator_pods, snapshot.deployments);
    let Some(deployment) = own(deployments) else {
        return verdict.skip("there is no operator Deployment (PN010)");
    };
    if deployment.spec.replicas == Some(0) {
        return verdict.skip("the Deployment asks for 0 replicas");
    }
    let prefix = format!("{}-", deployment.name_any());
    let own: Vec<_> = pods
        .iter()
        .filter(|pod| pod.name.starts_with(&prefix))
        .collect();
    for pod in own.iter().filter(|pod| !pod.ready) {
        let place = format!("{}/{}", pod.namespace, pod.name);
        let phase = if pod.phase.is_empty() {
            "Unknown"
        } else {
            &pod.phase
        };
        verdict.warn(
            format!("Pod {place}"),
            format!("is {phase} and not ready"),
            format!(
                "kubectl describe pod {} --namespace {}",
                pod.name, pod.namespace
            ),
        );
    }
    if own.is_empty() {
        return verdict.skip("there are none yet (PN010)");
    }
    verdict.or_ok(format!("{} pods", own.len()));
}

fn find(leases: &[Lease]) -> Option<&Lease> {
    leases.iter().find(|lease| lease.name_any() == NAME)
}

/// Seconds since the last renewal and the holder, where somebody holds the Lease.
fn holder(snapshot: &Snapshot, lease: &Lease) -> Option<(String, i64, i32)> {
    let spec = lease.spec.as_ref()?;
    let name = spec
        .holder_identity
        .clone()
        .filter(|name| !name.is_empty())?;
    let renewed = spec.renew_time.as_ref()?;
    let age = snapshot
        .now
        .as_second()
        .saturating_sub(renewed.0.as_second());
    Some((
        name,
        age,
        spec.lease_duration_seconds.unwrap_or(LEASE_SECONDS),
    ))
}

fn recent(age: i64, duration: i32) -> bool {
    age <= i64::from(duration).saturating_mul(LEASE_PATIENCE)
}

fn held(snapshot: &Snapshot) -> bool {
    let lease = snapshot
        .leases
        .as_ref()
        .ok()
        .and_then(|leases| find(leases));
    let holder = lease.and_then(|lease| holder(snapshot, lease));
    holder.is_some_and(|(_, age, duration)| recent(age, duration))
}

fn lease(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&LEASE);
    let leases = known!(verdict, snapshot.leases);
    let namespace = &snapshot.operator_namespace;
    let object = format!("Lease {namespace}/{NAME}");
    let hint = format!("kubectl get pods --namespace {namespace}");
    let Some(lease) = find(leases) else {
        verdict.warn(object, "does not exist: no operator has led yet", hint);
        return verdict.or_ok("");
    };
    match holder(snapshot, lease) {
        None => {
            verdict.warn(object, "is held by nobody: no operator leads", hint);
            verdict.or_ok("");
        }
        Some((name, age, duration)) if !recent(age, duration) => {
            verdict.warn(
                object,
                format!("{name} renewed it {age} s ago by this machine's clock, {duration} s were promised"),
                format!("{hint}; or the clocks differ"),
            );
            verdict.or_ok("");
        }
        Some((name, _, _)) => verdict.or_ok(format!("{name} leads")),
    }
}
