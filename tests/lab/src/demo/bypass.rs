//! The attempts to get a Sensitive pod off home, made in mid-spike with the
//! admin's client. An attempt counts as refused only where the refusal names a
//! policy of the guard; any other error is a failure of the demo.

use std::time::Duration;

use anyhow::{Context, Result};
use kube::Client;
use kube::core::Status;
use serde::Serialize;
use serde_json::{Value, json};

use super::example::{MASS, SENSITIVE, SENSITIVE_TARGET};
use super::seen::{Place, Seen};
use super::setup::{GUARD_PREFIX, JSON, get, send};
use super::wait::until_seen;
use crate::nodes::SITE_TAINT;

const MERGE_PATCH: &str = "application/merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";
const CLASS_LABEL: &str = "pinisi.dev/class";
const PENDING_POD: &str = "attempt-pending";
const PENDING_WAIT: Duration = Duration::from_secs(10);
/// How long the service stays scaled beyond home.
const SCALED_FOR: Duration = Duration::from_secs(6);
/// One core is what each replica of the target requests.
const MILLI: u64 = 1_000;
const BEYOND_HOME: u32 = 16;

/// One attempt and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// What was tried.
    pub name: &'static str,
    /// Whether the guard refused it.
    pub refused: bool,
    /// The first line of the answer.
    pub answer: String,
}

impl Attempt {
    fn judge(name: &'static str, outcome: Result<Value, Box<Status>>) -> Self {
        let (refused, answer) = match outcome {
            Ok(_) => (false, "let through".to_owned()),
            Err(status) => {
                let refused = status.message.contains(&format!("'{GUARD_PREFIX}"));
                (
                    refused,
                    status.message.lines().next().unwrap_or_default().to_owned(),
                )
            }
        };
        Self {
            name,
            refused,
            answer,
        }
    }
}

/// Makes all attempts, one after the other.
///
/// # Errors
/// When something needed for an attempt is not there.
pub async fn attempt_all(
    client: &Client,
    seen: impl Fn() -> SeenNow,
    target_replicas: u32,
) -> Result<Vec<Attempt>> {
    let SeenNow { away, running, .. } = seen();
    let away = away.context("no node in the cloud to attempt with")?;
    let running = running.context("no ready sensitive pod to attempt with")?;
    let pods = format!("/api/v1/namespaces/{SENSITIVE}/pods");
    let namespace = format!("/api/v1/namespaces/{SENSITIVE}");

    // Something to bind: a lawful pod that no node has room for.
    let mut holder = pod(PENDING_POD, &json!({}));
    holder["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "1000"}});
    send(client, "POST", &pods, JSON, &holder)
        .await
        .map_err(|status| anyhow::anyhow!("cannot create a pending pod: {}", status.message))?;
    until_seen("a pending sensitive pod to bind", PENDING_WAIT, || {
        (seen().pending != Some(Place::Nowhere)).then(|| "it is not seen pending".into())
    })
    .await?;

    let mut attempts = Vec::new();
    let mut note = |name, outcome| attempts.push(Attempt::judge(name, outcome));
    let create =
        async |name: &str, more: Value| send(client, "POST", &pods, JSON, &pod(name, &more)).await;
    note(
        "a pod with spec.nodeName of a cloud node",
        create("attempt-node-name", json!({"nodeName": away})).await,
    );

    let bind = json!({"apiVersion": "v1", "kind": "Binding",
        "metadata": {"name": PENDING_POD, "namespace": SENSITIVE},
        "target": {"apiVersion": "v1", "kind": "Node", "name": away}});
    let path = format!("{pods}/{PENDING_POD}/binding");
    note(
        "pods/binding of a pending pod to a cloud node",
        send(client, "POST", &path, JSON, &bind).await,
    );
    let path = format!("{namespace}/bindings");
    note(
        "bindings of a pending pod to a cloud node",
        send(client, "POST", &path, JSON, &bind).await,
    );

    let by_key = json!({"key": SITE_TAINT, "operator": "Exists"});
    let wildcard = json!({"operator": "Exists"});
    note(
        "a pod that tolerates the cloud's taint",
        create("attempt-toleration", json!({"tolerations": [by_key]})).await,
    );
    note(
        "a pod that tolerates every taint",
        create("attempt-wildcard", json!({"tolerations": [wildcard]})).await,
    );
    let add = json!([{"op": "add", "path": "/spec/tolerations/-", "value": by_key}]);
    let path = format!("{pods}/{running}");
    note(
        "the cloud's toleration added to a running pod",
        send(client, "PATCH", &path, JSON_PATCH, &add).await,
    );

    let label = |value: Value| json!({"metadata": {"labels": {CLASS_LABEL: value}}});
    let mass = label(json!("MassTraffic"));
    note(
        "the namespace relabelled MassTraffic",
        send(client, "PATCH", &namespace, MERGE_PATCH, &mass).await,
    );
    let none = label(Value::Null);
    note(
        "the namespace's label removed",
        send(client, "PATCH", &namespace, MERGE_PATCH, &none).await,
    );
    for (name, subresource) in [
        ("the namespace relabelled through its status", "status"),
        ("the namespace relabelled through finalize", "finalize"),
    ] {
        let mut object = get(client, &namespace)
            .await
            .map_err(|status| anyhow::anyhow!("cannot read the namespace: {}", status.message))?;
        object["metadata"]["labels"][CLASS_LABEL] = json!("MassTraffic");
        note(
            name,
            send(
                client,
                "PUT",
                &format!("{namespace}/{subresource}"),
                JSON,
                &object,
            )
            .await,
        );
    }

    let inventory = "/apis/pinisi.dev/v1alpha1/sovereignnodes/default";
    let more = json!({"spec": {"nodes": {away.clone(): {"uid": "attempt"}}}});
    note(
        "a cloud node added to SovereignNodes",
        send(client, "PATCH", inventory, MERGE_PATCH, &more).await,
    );

    let scaled = scale_beyond_home(client, &seen, target_replicas).await?;
    attempts.push(scaled);
    let now = format!("{pods}/{PENDING_POD}?gracePeriodSeconds=0");
    // It stays pending until the lab ends, where this fails.
    let _ = send(client, "DELETE", &now, JSON, &Value::Null).await;
    Ok(attempts)
}

/// The same in the cloud's cluster, as its admin: whatever carries the Sensitive class is refused
/// there, whoever sends it.
pub async fn attempt_cloud(cloud: &Client) -> Vec<Attempt> {
    let labels = json!({CLASS_LABEL: "Sensitive"});
    let meta = |name: &str| json!({"name": name, "namespace": MASS, "labels": labels});
    let spec = pod("x", &json!({}))["spec"].clone();
    let template = json!({"metadata": {"labels": {"app": "attempt"}}, "spec": spec});
    let core = format!("/api/v1/namespaces/{MASS}");
    let apps = format!("/apis/apps/v1/namespaces/{MASS}");
    let workload = json!({"selector": {"matchLabels": {"app": "attempt"}}, "template": template});
    let object = |kind: &str, version: &str, more: Value| {
        let mut object = json!({"apiVersion": version, "kind": kind, "metadata": meta("attempt")});
        for (field, value) in more.as_object().into_iter().flatten() {
            object[field] = value.clone();
        }
        object
    };
    let relabel = json!({"metadata": {"labels": labels}});
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": "attempt-sensitive", "labels": labels}});
    let tries = [
        (
            "cloud: a namespace labelled Sensitive",
            "POST",
            "/api/v1/namespaces".to_owned(),
            JSON,
            namespace,
        ),
        (
            "cloud: a namespace relabelled Sensitive",
            "PATCH",
            core.clone(),
            MERGE_PATCH,
            relabel,
        ),
        (
            "cloud: a pod of the Sensitive class",
            "POST",
            format!("{core}/pods"),
            JSON,
            object("Pod", "v1", json!({"spec": spec})),
        ),
        (
            "cloud: a Secret of the Sensitive class",
            "POST",
            format!("{core}/secrets"),
            JSON,
            object("Secret", "v1", json!({"stringData": {"word": "attempt"}})),
        ),
        (
            "cloud: a ConfigMap of the Sensitive class",
            "POST",
            format!("{core}/configmaps"),
            JSON,
            object("ConfigMap", "v1", json!({"data": {"word": "attempt"}})),
        ),
        (
            "cloud: a Deployment of the Sensitive class",
            "POST",
            format!("{apps}/deployments"),
            JSON,
            object("Deployment", "apps/v1", json!({"spec": workload})),
        ),
    ];
    let mut attempts = Vec::new();
    for (name, method, path, kind, body) in tries {
        attempts.push(Attempt::judge(
            name,
            send(cloud, method, &path, kind, &body).await,
        ));
    }
    attempts
}

/// What the attempts need to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenNow {
    /// A node that is not at home.
    pub away: Option<String>,
    /// A ready Sensitive pod.
    pub running: Option<String>,
    /// Where the pod is that no node has room for.
    pub pending: Option<Place>,
    /// Sensitive pods that were ever off home.
    pub off_lawful: usize,
    /// Pods of the scaled service at home, off home and on no node.
    pub target: [u32; 3],
    /// How many of the service's replicas all of home would hold, were it empty.
    pub home_holds: u32,
}

impl SeenNow {
    /// Out of what was seen.
    #[must_use]
    pub fn of(seen: &Seen) -> Self {
        let places = [Place::Home, Place::Away, Place::Nowhere];
        Self {
            away: seen.a_node_away(),
            running: seen.a_sensitive_pod(),
            pending: seen.place_of(SENSITIVE, PENDING_POD),
            off_lawful: seen.off_lawful().len(),
            target: places.map(|place| {
                seen.counts(SENSITIVE, SENSITIVE_TARGET, place)
                    .existing
                    .last()
            }),
            home_holds: u32::try_from(seen.home_cpu_milli() / MILLI).unwrap_or(u32::MAX),
        }
    }
}

/// The API server takes the count: what has to hold is that not one pod leaves
/// home and that the surplus waits.
async fn scale_beyond_home(
    client: &Client,
    seen: &impl Fn() -> SeenNow,
    back_to: u32,
) -> Result<Attempt> {
    let name = "a direct scale beyond what home holds";
    let path = format!("/apis/apps/v1/namespaces/{SENSITIVE}/deployments/{SENSITIVE_TARGET}/scale");
    let to = |count: u32| json!({"spec": {"replicas": count}});
    let many = seen().home_holds + BEYOND_HOME;
    let before = seen().off_lawful;
    if let Err(status) = send(client, "PATCH", &path, MERGE_PATCH, &to(many)).await {
        return Ok(Attempt::judge(name, Err(status)));
    }
    let (mut waiting, mut placed) = (0, 0);
    let end = tokio::time::Instant::now() + SCALED_FOR;
    while tokio::time::Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let [home, _, nowhere] = seen().target;
        (waiting, placed) = (waiting.max(nowhere), placed.max(home));
    }
    let off = seen().off_lawful - before;
    send(client, "PATCH", &path, MERGE_PATCH, &to(back_to))
        .await
        .map_err(|status| {
            anyhow::anyhow!("cannot scale {SENSITIVE_TARGET} back: {}", status.message)
        })?;
    Ok(Attempt {
        name,
        refused: off == 0 && waiting > 0,
        answer: format!("scaled to {many}: {placed} at home, {off} elsewhere, {waiting} pending"),
    })
}

fn pod(name: &str, more: &Value) -> Value {
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": SENSITIVE},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [{"name": "c", "image": "x"}]}});
    for (field, value) in more.as_object().into_iter().flatten() {
        pod["spec"][field] = value.clone();
    }
    pod
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_guard_s_word_is_a_refusal() {
        let judge = |message: &str| {
            Attempt::judge("x", Err(Box::new(Status::failure(message, "Forbidden"))))
        };
        let words = "pods \"a\" is forbidden: ValidatingAdmissionPolicy 'pinisi-guard-g01-bind' with binding 'b' denied request: pinisi G01\nmore";
        let guard = judge(words);
        assert!(guard.refused);
        assert!(guard.answer.ends_with("G01"), "one line");
        assert!(!judge("pods is forbidden: exceeded quota").refused);
        assert!(!Attempt::judge("x", Ok(json!({}))).refused);
    }
}
