//! Objects in a few words, and questions about them.

use anyhow::{Context as _, Result};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client, ResourceExt as _};
use pinisi_crds::names::{CLASS_LABEL, GUARD_PREFIX, SITE_LABEL};
use pinisi_crds::{HybridWorkload, SovereignNodes};
use serde_json::{Value, json};

/// Server-side apply of any object. A Site of own ground that says nothing about it gets its nodes
/// attested, as they are.
///
/// # Errors
/// What the API server said.
pub async fn apply(client: &Client, mut body: Value) -> Result<DynamicObject> {
    let spec = &body["spec"];
    if spec["type"] == "OnPrem" && spec.get("attested").is_none() {
        body["spec"]["attested"] = as_they_are(client, &spec["nodes"]["matchLabels"]).await?;
    }
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    let gvk = GroupVersionKind::gvk(group, version, &kind);
    // The one kind here whose plural is not what the rules of English make of it.
    let resource = if kind == "SovereignNodes" {
        ApiResource::from_gvk_with_plural(&gvk, "sovereignnodes")
    } else {
        ApiResource::from_gvk(&gvk)
    };
    let name = body["metadata"]["name"]
        .as_str()
        .context("a name")?
        .to_owned();
    let api: Api<DynamicObject> = match body["metadata"]["namespace"].as_str() {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    Ok(api
        .patch(
            &name,
            &PatchParams::apply("e2e").force(),
            &Patch::Apply(&body),
        )
        .await?)
}

/// The nodes that carry these labels, as a Site attests them.
async fn as_they_are(client: &Client, labels: &Value) -> Result<Value> {
    let labels = labels.as_object().context("matchLabels")?;
    let labels: Vec<_> = labels
        .iter()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    let list = ListParams::default().labels(&labels.join(","));
    let nodes = Api::<Node>::all(client.clone()).list(&list).await?;
    let attested = nodes.into_iter().map(|node| {
        let (name, uid) = (node.name_any(), node.uid());
        let provider = node.spec.and_then(|spec| spec.provider_id);
        (name, json!({"uid": uid, "providerID": provider}))
    });
    Ok(Value::Object(attested.collect()))
}

/// A namespace of one class.
#[must_use]
pub fn namespace(name: &str, class: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {CLASS_LABEL: class}}})
}

/// A Site over the lab's nodes of that name. Names that start with `cloud` are Cloud.
#[must_use]
pub fn site(name: &str) -> Value {
    let site_label = pinisi_lab::nodes::SITE_LABEL;
    let mut labels = json!({site_label: name});
    let cloud = name.starts_with("cloud");
    if !cloud {
        labels[pinisi_lab::nodes::GROUND_LABEL] = json!(pinisi_lab::nodes::SOVEREIGN);
    }
    json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "Site", "metadata": {"name": name},
        "spec": {
            "type": if cloud { "Cloud" } else { "OnPrem" }, "jurisdiction": "ID",
            "nodes": {"matchLabels": labels}, "allowedNamespaces": {},
            "watermarks": {"highPercent": 80, "lowPercent": 60},
        },
    })
}

/// The same with a price for CPU in IDR an hour, and none for memory.
#[must_use]
pub fn priced(name: &str, per_cpu_hour: &str) -> Value {
    let mut site = site(name);
    site["spec"]["price"] =
        json!({"currency": "IDR", "perCpuHour": per_cpu_hour, "perGibHour": "0"});
    site
}

/// A CloudBudget of a month for one namespace: a ceiling in IDR, and the most an hour.
#[must_use]
pub fn budget(name: &str, namespace: &str, ceiling: &str, most_per_hour: &str) -> Value {
    json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "CloudBudget", "metadata": {"name": name},
        "spec": {
            "namespaces": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "period": "Month", "timeZone": "Asia/Jakarta",
            "ceiling": {"currency": "IDR", "amount": ceiling}, "mostPerHour": most_per_hour,
        },
    })
}

/// The lab's Prometheus, with the query `rps` that reads the offered load at once, and `old`, whose
/// samples are two hours old.
#[must_use]
pub fn signal_source(name: &str, address: &str) -> Value {
    json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "SignalSource", "metadata": {"name": name},
        "spec": {
            "prometheus": {"address": address}, "intervalSeconds": 1, "staleAfterSeconds": 10,
            "queries": [{
                "name": "rps",
                "query": "max by (namespace, workload) (pinisi_demo_offered_rps)",
                "timestampQuery": "max by (namespace, workload) (timestamp(pinisi_demo_offered_rps))",
            }, {
                "name": "old",
                "query": "max by (namespace, workload) (pinisi_demo_offered_rps)",
                "timestampQuery": "max by (namespace, workload) (timestamp(pinisi_demo_offered_rps)) - 7200",
            }],
        },
    })
}

/// Exporters scraped directly every 200 ms: `rps` is the rate of their counters over a second,
/// `now` their gauges as they stand. Figures are stale after 5 s.
#[must_use]
pub fn gateway_source(name: &str, addresses: &[&str]) -> Value {
    let gateways: Vec<Value> = addresses
        .iter()
        .map(|address| json!({"address": format!("http://{address}/metrics")}))
        .collect();
    json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "SignalSource", "metadata": {"name": name},
        "spec": {
            "gateways": gateways, "intervalMilliseconds": 200, "staleAfterSeconds": 5,
            "queries": [
                {"name": "rps", "metric": "pinisi_demo_requests_total", "rateWindowMilliseconds": 1000},
                {"name": "now", "metric": "pinisi_demo_offered_rps"},
            ],
        },
    })
}

/// A Deployment whose pods start at `site` and ask for `millicores`.
#[must_use]
pub fn deployment(
    namespace: &str,
    name: &str,
    site: &str,
    replicas: u32,
    millicores: u32,
) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "nodeSelector": {pinisi_lab::nodes::SITE_LABEL: site},
                    "containers": [{
                        "name": "web", "image": "registry.example/web:1",
                        "resources": {"requests": {"cpu": format!("{millicores}m"), "memory": "64Mi"}},
                    }],
                },
            },
        },
    })
}

/// A MassTraffic workload that follows the load at 10 a replica over tiers of one site each, with
/// windows of a few seconds.
#[must_use]
pub fn mass(namespace: &str, name: &str, sites: &[&str], min: u32, max: u32) -> Value {
    let tiers: Vec<Value> = sites.iter().map(|site| json!({"sites": [site]})).collect();
    json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "HybridWorkload",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "class": "MassTraffic",
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "autoscaling": {
                "minReplicas": min, "maxReplicas": max,
                "load": {"signal": {"source": "prometheus", "query": "rps"}, "perReplica": "10", "headroomPercent": 10},
                "behavior": {"scaleDown": {"stabilizationWindowSeconds": 5}},
            },
            "placement": {"tiers": tiers},
            "drainBack": {"afterSeconds": 2, "stepPercent": 25, "intervalSeconds": 2},
        },
    })
}

/// A Sensitive workload.
#[must_use]
pub fn sensitive(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "HybridWorkload",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"class": "Sensitive", "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}},
    })
}

/// Replicas in the spec and Ready replicas of a Deployment; `None` where it is not there.
///
/// # Errors
/// What the API server said.
pub async fn replicas(client: &Client, namespace: &str, name: &str) -> Result<Option<(i32, i32)>> {
    let found = Api::<Deployment>::namespaced(client.clone(), namespace)
        .get_opt(name)
        .await?;
    Ok(found.map(|d| {
        (
            d.spec.replicas.unwrap_or(1),
            d.status.and_then(|s| s.ready_replicas).unwrap_or(0),
        )
    }))
}

/// Names of the sibling Deployments at a site.
///
/// # Errors
/// What the API server said.
pub async fn siblings(client: &Client, namespace: &str, site: &str) -> Result<Vec<String>> {
    let list = ListParams::default().labels(&format!("{SITE_LABEL}={site}"));
    let found = Api::<Deployment>::namespaced(client.clone(), namespace)
        .list(&list)
        .await?;
    Ok(found.iter().map(|d| d.name_any()).collect())
}

/// Specified and Ready replicas of all siblings at a site.
///
/// # Errors
/// What the API server said.
pub async fn at_site(client: &Client, namespace: &str, site: &str) -> Result<(i32, i32)> {
    let mut sum = (0, 0);
    for name in siblings(client, namespace, site).await? {
        if let Some((spec, ready)) = replicas(client, namespace, &name).await? {
            sum = (sum.0 + spec, sum.1 + ready);
        }
    }
    Ok(sum)
}

/// Pods of a namespace by the node they are bound to (empty: none).
///
/// # Errors
/// What the API server said.
pub async fn pods(client: &Client, namespace: &str) -> Result<Vec<(String, String)>> {
    let found = Api::<Pod>::namespaced(client.clone(), namespace)
        .list(&ListParams::default())
        .await?;
    Ok(found
        .into_iter()
        .map(|pod| {
            (
                pod.name_any(),
                pod.spec.and_then(|spec| spec.node_name).unwrap_or_default(),
            )
        })
        .collect())
}

/// A workload as it is now.
///
/// # Errors
/// What the API server said.
pub async fn workload(client: &Client, namespace: &str, name: &str) -> Result<HybridWorkload> {
    Ok(Api::<HybridWorkload>::namespaced(client.clone(), namespace)
        .get(name)
        .await?)
}

/// Status and reason and message of one condition of a workload.
///
/// # Errors
/// What the API server said.
pub async fn condition(
    client: &Client,
    namespace: &str,
    name: &str,
    type_: &str,
) -> Result<Option<(String, String, String)>> {
    let status = workload(client, namespace, name)
        .await?
        .status
        .unwrap_or_default();
    Ok(status
        .conditions
        .into_iter()
        .find(|c| c.type_ == type_)
        .map(|c| (c.status, c.reason, c.message)))
}

/// True when every policy of the guard is there.
///
/// # Errors
/// What the API server said.
pub async fn guard_stands(client: &Client) -> Result<bool> {
    use k8s_openapi::api::admissionregistration::v1::{
        MutatingAdmissionPolicyBinding, ValidatingAdmissionPolicyBinding,
    };
    let all = ListParams::default();
    let validating = Api::<ValidatingAdmissionPolicyBinding>::all(client.clone())
        .list(&all)
        .await?;
    let mutating = Api::<MutatingAdmissionPolicyBinding>::all(client.clone())
        .list(&all)
        .await?;
    let ours = |name: String| name.starts_with(GUARD_PREFIX);
    let rules = validating.iter().filter(|b| ours(b.name_any())).count();
    let stamps = mutating.iter().filter(|b| ours(b.name_any())).count();
    Ok(rules >= 7 && stamps >= 1)
}

/// True when the API server enforces the guard. It takes up a policy a moment after it is written;
/// the one tried here, without a trace, is written after all others that refuse.
///
/// # Errors
/// What the API server said, where it is not the guard's refusal.
pub async fn guard_refuses(client: &Client) -> Result<bool> {
    let inventory = json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "SovereignNodes", "metadata": {"name": "default"},
        "spec": {"nodes": {}, "nodeSelector": {}},
    });
    let params = PatchParams::apply("e2e").force().dry_run();
    let tried = Api::<SovereignNodes>::all(client.clone())
        .patch("default", &params, &Patch::Apply(inventory))
        .await;
    match tried {
        Ok(_) => Ok(false),
        Err(kube::Error::Api(status)) if status.message.contains("pinisi G08:") => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// True when the guard's inventory is there.
///
/// # Errors
/// What the API server said.
pub async fn inventory_exists(client: &Client) -> Result<bool> {
    Ok(Api::<SovereignNodes>::all(client.clone())
        .get_opt("default")
        .await?
        .is_some())
}
