//! Sensitive services: stamped, pinned, Pending rather than abroad; the ways around are refused.

use crate::GROUPS;
use anyhow::{Result, bail, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, Client};
use pinisi_e2e::objects::{
    apply, condition, deployment, namespace, pods, replicas, sensitive, site,
};
use pinisi_e2e::wait::{always, eventually};
use serde_json::{Value, json};

#[test]
fn a_sensitive_service_stays_home_whatever_is_tried() {
    pinisi_e2e::run(GROUPS, async |world| {
        let (client, ns) = (&world.client, "pin");
        apply(client, site("home-pin")).await?;
        apply(client, site("cloud-pin")).await?;
        apply(client, namespace(ns, "Sensitive")).await?;
        apply(client, deployment(ns, "records", "home-pin", 2, 500)).await?;
        apply(client, sensitive(ns, "records")).await?;
        eventually("it runs, stamped", 30, async || {
            Ok(replicas(client, ns, "records").await? == Some((2, 2)))
        })
        .await?;
        let stamp = pinisi_lab::nodes::GROUND_LABEL;
        let all = Api::<Pod>::namespaced(client.clone(), ns)
            .list(&ListParams::default())
            .await?;
        for pod in all {
            let selector = pod
                .spec
                .and_then(|spec| spec.node_selector)
                .unwrap_or_default();
            ensure!(
                selector.contains_key(stamp),
                "a pod carries only {selector:?}"
            );
        }

        let api = Api::<Deployment>::namespaced(client.clone(), ns);
        // Home has 4 cores: 8 of 500m.
        api.patch_scale(
            "records",
            &PatchParams::default(),
            &Patch::Merge(json!({"spec": {"replicas": 20}})),
        )
        .await?;
        always("no pod of it is on a cloud node", 6, async || {
            Ok(pods(client, ns)
                .await?
                .iter()
                .all(|(_, node)| !node.starts_with("cloud")))
        })
        .await?;
        eventually("some wait, and CapacityShort says so", 20, async || {
            let waiting = pods(client, ns)
                .await?
                .iter()
                .any(|(_, node)| node.is_empty());
            let short = condition(client, ns, "records", "CapacityShort").await?;
            Ok(waiting && short.is_some_and(|c| c.0 == "True"))
        })
        .await?;
        api.patch_scale(
            "records",
            &PatchParams::default(),
            &Patch::Merge(json!({"spec": {"replicas": 2}})),
        )
        .await?;

        refused(client, ns).await
    });
}

/// Every way around that this version guards. The whole catalogue is in the conformance suite.
async fn refused(client: &Client, ns: &str) -> Result<()> {
    let pod = |name: &str, spec: Value| {
        let mut body = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": ns},
            "spec": {"containers": [{"name": "c", "image": "registry.example/x:1"}]},
        });
        if let (Some(whole), Some(more)) = (body["spec"].as_object_mut(), spec.as_object()) {
            whole.extend(more.clone());
        }
        body
    };
    expect(
        "G02",
        apply(client, pod("by-name", json!({"nodeName": "cloud-pin-0"}))).await,
    )?;
    expect(
        "G04",
        apply(
            client,
            pod(
                "by-key",
                json!({"tolerations": [{"key": "pinisi.dev/site", "operator": "Exists"}]}),
            ),
        )
        .await,
    )?;
    expect(
        "G04",
        apply(
            client,
            pod("by-all", json!({"tolerations": [{"operator": "Exists"}]})),
        )
        .await,
    )?;

    let huge = json!({"containers": [{"name": "c", "image": "registry.example/x:1", "resources": {"requests": {"cpu": "1000"}}}]});
    apply(client, pod("waiting", huge)).await?;
    for path in ["pods/waiting/binding", "bindings"] {
        let body = json!({
            "apiVersion": "v1", "kind": "Binding", "metadata": {"name": "waiting", "namespace": ns},
            "target": {"apiVersion": "v1", "kind": "Node", "name": "cloud-pin-0"},
        });
        let request = http::Request::post(format!("/api/v1/namespaces/{ns}/{path}"))
            .header("content-type", "application/json")
            .body(serde_json::to_vec(&body)?)?;
        expect("G01", client.request::<Value>(request).await)?;
    }
    let tolerate = json!([{"op": "add", "path": "/spec/tolerations/-", "value": {"key": "pinisi.dev/site", "operator": "Exists"}}]);
    let patch = Patch::Json::<()>(serde_json::from_value(tolerate)?);
    let pods = Api::<Pod>::namespaced(client.clone(), ns);
    expect(
        "G04",
        pods.patch("waiting", &PatchParams::default(), &patch).await,
    )?;

    let namespaces = Api::<Namespace>::all(client.clone());
    for label in [json!("MassTraffic"), json!(null)] {
        let patch = Patch::Merge(json!({"metadata": {"labels": {"pinisi.dev/class": label}}}));
        expect(
            "G06",
            namespaces.patch(ns, &PatchParams::default(), &patch).await,
        )?;
        // Labels go through the status endpoint as well.
        expect(
            "G06",
            namespaces
                .patch_status(ns, &PatchParams::default(), &patch)
                .await,
        )?;
    }
    expect(
        "G08",
        apply(client, json!({
            "apiVersion": "pinisi.dev/v1alpha1", "kind": "SovereignNodes", "metadata": {"name": "default"},
            "spec": {"nodes": {"cloud-pin-0": {"uid": "x"}}, "nodeSelector": {}},
        }))
        .await,
    )
}

/// Refused, and by that rule: any other refusal proves nothing.
fn expect<T, E: Into<anyhow::Error>>(rule: &str, result: Result<T, E>) -> Result<()> {
    match result {
        Ok(_) => bail!("{rule} let it through"),
        Err(error) => {
            let text = format!("{:#}", error.into());
            ensure!(
                text.contains(&format!("pinisi {rule}:")),
                "not refused by {rule} but: {text}"
            );
            Ok(())
        }
    }
}
