//! What simulated pods use: KWOK serves it as a kubelet would, from annotations
//! that can be changed while the pods run, and metrics-server asks it there.

use anyhow::{Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;

use crate::lab::Lab;

/// Annotation of a pod: CPU that each of its containers uses, as a quantity.
/// In a pod template it holds for the pods to come; 1m where it is absent.
pub const CPU_ANNOTATION: &str = "kwok.x-k8s.io/usage-cpu";
/// The same for memory; 1Mi where it is absent.
pub const MEMORY_ANNOTATION: &str = "kwok.x-k8s.io/usage-memory";
const PATH_ANNOTATION: &str = "metrics.k8s.io/resource-metrics-path";
const AT_ONCE: usize = 16;

/// The annotation of a node that says where its usage is served.
pub(crate) fn scraped_at(node: &str) -> (String, String) {
    let path = format!("/metrics/nodes/{node}/metrics/resource");
    (PATH_ANNOTATION.to_owned(), path)
}

impl Lab {
    /// Sets what each container of the pods behind a label selector uses from
    /// now on. metrics-server sees it at its next scrape, 10 s at most. Answers
    /// how many pods there were.
    ///
    /// # Errors
    /// When no pod is found, or the API server refuses.
    pub async fn set_pod_usage(
        &self,
        namespace: &str,
        selector: &str,
        cpu: &str,
        memory: &str,
    ) -> Result<usize> {
        set(
            &self.admin_client().await?,
            namespace,
            selector,
            cpu,
            memory,
        )
        .await
    }
}

async fn set(
    client: &Client,
    namespace: &str,
    selector: &str,
    cpu: &str,
    memory: &str,
) -> Result<usize> {
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let pods = api
        .list_metadata(&ListParams::default().labels(selector))
        .await?;
    ensure!(
        !pods.items.is_empty(),
        "no pod in {namespace} has the labels {selector}"
    );
    let annotations = json!({CPU_ANNOTATION: cpu, MEMORY_ANNOTATION: memory});
    let patch = json!({"metadata": {"annotations": annotations}});
    let names = pods
        .items
        .iter()
        .filter_map(|pod| pod.metadata.name.clone());
    stream::iter(names)
        .map(|name| {
            let (api, patch) = (api.clone(), &patch);
            async move {
                let patch = Patch::Merge(patch);
                match api
                    .patch_metadata(&name, &PatchParams::default(), &patch)
                    .await
                {
                    // A pod that went meanwhile uses nothing.
                    Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
                    other => other.map(drop),
                }
            }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    Ok(pods.items.len())
}

/// KWOK's part. Counters begin a little above zero, as metrics-server takes zero
/// for "not measured yet"; a node by itself uses 10m and 64Mi.
pub(crate) const CONFIG: &str = r#"apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterResourceUsage
metadata: {name: from-annotations}
spec:
  usages:
  - usage:
      cpu:
        expression: |
          "kwok.x-k8s.io/usage-cpu" in pod.metadata.annotations
          ? Quantity(pod.metadata.annotations["kwok.x-k8s.io/usage-cpu"])
          : Quantity("1m")
      memory:
        expression: |
          "kwok.x-k8s.io/usage-memory" in pod.metadata.annotations
          ? Quantity(pod.metadata.annotations["kwok.x-k8s.io/usage-memory"])
          : Quantity("1Mi")
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Metric
metadata: {name: resource}
spec:
  path: "/metrics/nodes/{nodeName}/metrics/resource"
  metrics:
  - name: container_start_time_seconds
    dimension: container
    help: Start of the container, seconds since 1970.
    kind: gauge
    labels:
    - {name: container, value: container.name}
    - {name: namespace, value: pod.metadata.namespace}
    - {name: pod, value: pod.metadata.name}
    value: UnixSecond(pod.metadata.creationTimestamp)
  - name: container_cpu_usage_seconds_total
    dimension: container
    help: CPU that the container has used, core-seconds.
    kind: counter
    labels:
    - {name: container, value: container.name}
    - {name: namespace, value: pod.metadata.namespace}
    - {name: pod, value: pod.metadata.name}
    value: 'pod.CumulativeUsage("cpu", container.name) + 0.001'
  - name: container_memory_working_set_bytes
    dimension: container
    help: Memory that the container uses, bytes.
    kind: gauge
    labels:
    - {name: container, value: container.name}
    - {name: namespace, value: pod.metadata.namespace}
    - {name: pod, value: pod.metadata.name}
    value: 'pod.Usage("memory", container.name)'
  - name: node_cpu_usage_seconds_total
    dimension: node
    help: CPU that the node has used, core-seconds.
    kind: counter
    value: 'node.CumulativeUsage("cpu") + 0.01 * node.SinceSecond()'
  - name: node_memory_working_set_bytes
    dimension: node
    help: Memory that the node uses, bytes.
    kind: gauge
    value: 'node.Usage("memory") + 67108864.0'
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_annotations_and_the_path_are_those_that_kwok_reads() {
        let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(CONFIG).unwrap();
        let usage = &documents[0]["spec"]["usages"][0]["usage"];
        let reads = |kind: &str| usage[kind]["expression"].as_str().unwrap().to_owned();
        assert_eq!(reads("cpu").matches(CPU_ANNOTATION).count(), 2);
        assert_eq!(reads("memory").matches(MEMORY_ANNOTATION).count(), 2);
        let path = documents[1]["spec"]["path"].as_str().unwrap();
        assert_eq!(scraped_at("home-0").1, path.replace("{nodeName}", "home-0"));
    }
}
