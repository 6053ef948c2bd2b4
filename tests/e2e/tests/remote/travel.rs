//! Mass traffic overflows to the other cluster with what it carries, and comes home with nothing
//! left behind. What is Sensitive is refused there, whoever sends it.

use crate::cloud::{self, Clouds};
use anyhow::Result;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Api;
use pinisi_e2e::objects::{apply, namespace, replicas};
use pinisi_e2e::wait::eventually;
use pinisi_lab::load::Offered;
use serde_json::json;

#[test]
fn a_spike_goes_to_the_other_cluster_with_what_it_carries_and_comes_home() {
    cloud::run(there_and_back);
}

pub async fn there_and_back(clouds: &Clouds) -> Result<()> {
    let (hub, there, ns) = (&clouds.hub, &clouds.there, "travel");
    apply(hub, namespace(ns, "MassTraffic")).await?;
    for (kind, name, field) in [
        ("ConfigMap", "settings", "data"),
        ("Secret", "key", "stringData"),
        ("Secret", "kept", "stringData"),
    ] {
        let object = json!({"apiVersion": "v1", "kind": kind,
                "metadata": {"name": name, "namespace": ns}, field: {"word": "one"}});
        apply(hub, object).await?;
    }
    let rule = |resource: &str, name: &str| json!({"apiGroups": [""], "resources": [resource], "resourceNames": [name], "verbs": ["get"]});
    apply(
        hub,
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": {"name": "carry", "namespace": ns},
            "rules": [rule("configmaps", "settings"), rule("secrets", "key")]}),
    )
    .await?;
    apply(hub, json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": "carry", "namespace": ns},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "carry"},
            "subjects": [{"kind": "ServiceAccount", "name": "pinisi", "namespace": "pinisi-system"}]}))
        .await?;
    clouds
        .service(ns, |deployment, workload| {
            deployment["spec"]["template"]["spec"]["containers"][0]["envFrom"] = json!([
                    {"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "key"}}]);
            workload["spec"]["carry"] = json!([
                    {"kind": "ConfigMap", "name": "settings"}, {"kind": "Secret", "name": "key"}]);
        })
        .await?;
    eventually("two at home, none in the cloud", 30, async || {
        Ok(replicas(hub, ns, "web").await? == Some((2, 2))
            && replicas(there, ns, "web").await?.is_none())
    })
    .await?;

    // 150 at 10 a replica and a tenth is 17; 80 % of 4 cores hold 6.
    clouds.exporter.set(ns, "web", Offered::Rps(150.0));
    eventually(
        "6 at home, at least 11 Ready in the cloud",
        60,
        async || {
            let away = replicas(there, ns, "web").await?.unwrap_or_default();
            Ok(replicas(hub, ns, "web").await? == Some((6, 6)) && away.0 >= 11 && away.1 == away.0)
        },
    )
    .await?;
    let maps = Api::<ConfigMap>::namespaced(there.clone(), ns);
    let secrets = Api::<Secret>::namespaced(there.clone(), ns);
    let word = maps.get("settings").await?.data.unwrap_or_default();
    assert_eq!(word.get("word").map(String::as_str), Some("one"));
    assert!(secrets.get_opt("key").await?.is_some(), "it was to travel");
    assert!(secrets.get_opt("kept").await?.is_none(), "it was not");

    clouds.exporter.set(ns, "web", Offered::Rps(15.0));
    eventually("2 at home, nothing left there", 90, async || {
        Ok(replicas(hub, ns, "web").await? == Some((2, 2))
            && replicas(there, ns, "web").await?.is_none()
            && secrets.get_opt("key").await?.is_none()
            && maps.get_opt("settings").await?.is_none())
    })
    .await
}

#[test]
fn the_sensitive_class_is_refused_there_whoever_sends_it() {
    cloud::run(sensitive_is_refused);
}

pub async fn sensitive_is_refused(clouds: &Clouds) -> Result<()> {
    let there = &clouds.there;
    let labels = json!({"pinisi.dev/class": "Sensitive"});
    let meta = |name: &str| json!({"name": name, "namespace": "default", "labels": labels});
    let pod = json!({"containers": [{"name": "c", "image": "registry.example/x:1"}]});
    for (rule, object) in [
        ("R01", namespace("records", "Sensitive")),
        (
            "R02",
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": meta("a"), "stringData": {"a": "b"}}),
        ),
        (
            "R02",
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("a"), "data": {"a": "b"}}),
        ),
        (
            "R02",
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta("a"), "spec": pod}),
        ),
        (
            "R03",
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta("a"),
                "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": pod}}}),
        ),
    ] {
        let refusal = match apply(there, object.clone()).await {
            Ok(_) => anyhow::bail!("let through: {object}"),
            Err(error) => format!("{error:#}"),
        };
        anyhow::ensure!(
            refusal.contains(&format!("pinisi {rule}:")),
            "{rule}: {refusal}"
        );
    }
    Ok(())
}
