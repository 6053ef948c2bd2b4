//! The metrics APIs as real API services, and a real HPA controller that scales
//! by them.

use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::Deployment;
use kube::{Api, Client};
use pinisi_lab::adapter::{Adapter, Fault, MetricsApi, OFFERED, Series};
use pinisi_lab::audit::count_by;
use pinisi_lab::exporter::Exporter;
use pinisi_lab::hpa::{self, HpaSpec};
use pinisi_lab::load::Offered;
use pinisi_lab::{Lab, LabSpec, NodeGroup};
use serde_json::Value;

use crate::until;

const EXTERNAL: &str = "/apis/external.metrics.k8s.io/v1beta1/namespaces/default";
const CUSTOM: &str = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/default";
const POD_METRICS: &str = "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods";

fn deployment(name: &str) -> String {
    format!(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: default}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}, annotations: {{kwok.x-k8s.io/usage-cpu: 100m}}}}
    spec: {{containers: [{{name: c, image: x, resources: {{requests: {{cpu: 200m, memory: 64Mi}}}}}}]}}
---
"
    )
}

fn autoscaler(name: &str, metric: &str) -> String {
    format!(
        "
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{name: {name}, namespace: default}}
spec:
  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: {name}}}
  minReplicas: 1
  maxReplicas: 20
  behavior:
    scaleUp: {{policies: [{{type: Pods, value: 20, periodSeconds: 1}}]}}
    scaleDown: {{stabilizationWindowSeconds: 0}}
  metrics: [{metric}]
---
"
    )
}

async fn raw(client: &Client, path: &str) -> Result<Value, u16> {
    let request = http::Request::get(path).body(Vec::new()).unwrap();
    client.request(request).await.map_err(|error| match error {
        kube::Error::Api(status) => status.code,
        other => panic!("{path}: {other}"),
    })
}

async fn replicas(client: &Client, name: &str) -> i32 {
    let deployment: Deployment = Api::default_namespaced(client.clone())
        .get(name)
        .await
        .unwrap();
    deployment.spec.replicas.unwrap_or(1)
}

fn items(list: &Value) -> Vec<&Value> {
    list["items"]
        .as_array()
        .map(|items| items.iter().collect())
        .unwrap_or_default()
}

#[tokio::test]
#[ignore = "starts a lab; see the top of this file"]
async fn a_real_hpa_scales_by_all_three_metrics_apis() {
    let spec = LabSpec::for_test(
        "live-metrics",
        vec![NodeGroup::home(2, "16", "32Gi").ready_after(0.5)],
    );
    let lab = Lab::start(spec.without_prometheus().with_metrics().hpa_apart())
        .await
        .unwrap();
    let mut config = lab.admin_config().await.unwrap();
    // A 503 is an answer here, not a reason to ask again for minutes.
    config.default_retry = false;
    let client = Client::try_from(config).unwrap();
    let adapter = lab.adapter().unwrap();
    lab.apply(&(deployment("queue") + &deployment("cpu") + &deployment("pods")))
        .await
        .unwrap();

    answers(&client, &adapter).await;
    faults(&client, &adapter).await;
    follows(&client, &adapter).await;

    // One HPA by each API. What is not measured yet does not count as idle: CPU first.
    until("CPU of both pods", 60, || async {
        let list = raw(&client, &format!("{POD_METRICS}?labelSelector=app%3Dcpu")).await;
        list.is_ok_and(|list| items(&list).len() == 2)
    })
    .await;
    let external = "{type: External, external: {metric: {name: queue, selector: {matchLabels: {of: orders}}}, \
                    target: {type: AverageValue, averageValue: '10'}}}";
    let cpu = "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}";
    let pods = "{type: Pods, pods: {metric: {name: rps}, target: {type: AverageValue, averageValue: '25'}}}";
    let all = [("queue", external), ("cpu", cpu), ("pods", pods)];
    let all: String = all
        .iter()
        .map(|(name, metric)| autoscaler(name, metric))
        .collect();
    lab.apply(&all).await.unwrap();
    adapter
        .set(&[
            Series::external("default", "queue", "70").label("of", "orders"),
            Series::external("default", "queue", "900").label("of", "others"),
            Series::spread_over_pods("default", "rps", "100"),
        ])
        .await
        .unwrap();
    let started = jiff::Timestamp::now();
    let flags = HpaSpec::tuned().arg("--horizontal-pod-autoscaler-cpu-initialization-period=1s");
    lab.start_hpa(&flags).await.unwrap();
    assert!(lab.start_hpa(&flags).await.is_err(), "one at a time");
    until("7 replicas for a queue of 70", 20, || async {
        replicas(&client, "queue").await == 7
    })
    .await;
    until("4 replicas for 100 requests a second", 20, || async {
        replicas(&client, "pods").await == 4
    })
    .await;

    // 2 pods of 200m that use 100m each are at 50 % and stay; with 250m they are at
    // 125 %: 5 pods bring that to 50 %.
    assert_eq!(replicas(&client, "cpu").await, 2);
    assert_eq!(
        lab.set_pod_usage("default", "app=cpu", "250m", "32Mi")
            .await
            .unwrap(),
        2
    );
    until("5 replicas for 500m of CPU", 60, || async {
        replicas(&client, "cpu").await >= 5
    })
    .await;
    let list = raw(&client, &format!("{POD_METRICS}?labelSelector=app%3Dcpu"))
        .await
        .unwrap();
    assert!(
        items(&list)
            .iter()
            .any(|pod| pod["containers"][0]["usage"]["memory"] == "32Mi"),
        "{list}"
    );

    // Shrinking, by the API that says so at once.
    adapter
        .set(&[Series::external("default", "queue", "10").label("of", "orders")])
        .await
        .unwrap();
    until("1 replica for a queue of 10", 20, || async {
        replicas(&client, "queue").await == 1
    })
    .await;

    // What it cost is told apart.
    assert!(lab.cpu_time(hpa::NAME).unwrap() > Duration::ZERO);
    let requests = hpa::requests().between(started, jiff::Timestamp::now());
    let events = lab.audit_log().read(&requests).unwrap();
    let groups = count_by(&events, |event| event.group.clone());
    for group in [
        "external.metrics.k8s.io",
        "custom.metrics.k8s.io",
        "metrics.k8s.io",
    ] {
        assert!(
            groups.get(group).is_some_and(|count| *count >= 5),
            "{group}: {groups:?}"
        );
    }
    assert!(
        count_by(&events, |event| event.program())
            .keys()
            .all(|program| program.starts_with("kube-controller-manager"))
    );
    assert!(lab.stop_hpa().await.unwrap());

    // A metrics API whose server is gone.
    assert!(
        lab.stop_process("metrics-server", Duration::from_secs(5))
            .await
            .unwrap()
    );
    until("503 without metrics-server", 30, || async {
        raw(&client, POD_METRICS).await == Err(503)
    })
    .await;
    lab.start_process("metrics-server").await.unwrap();
    until("metrics-server again", 60, || async {
        raw(&client, POD_METRICS)
            .await
            .is_ok_and(|list| !items(&list).is_empty())
    })
    .await;
    lab.stop().await.unwrap();
}

async fn answers(client: &Client, adapter: &Adapter) {
    let at = 1_790_000_000_000_i64;
    adapter
        .set(&[
            Series::external("default", "depth", "1500m")
                .label("of", "a")
                .window(30),
            Series::external("default", "depth", "7")
                .label("of", "b")
                .measured_at(at),
            Series::external("other", "depth", "9"),
            Series::object("default", "services", "web", "rps", "40"),
            Series::each_pod("default", "busy", "3").aged(Duration::from_secs(100)),
        ])
        .await
        .unwrap();
    let both = raw(client, &format!("{EXTERNAL}/depth")).await.unwrap();
    assert_eq!(items(&both).len(), 2, "{both}");
    let one = raw(client, &format!("{EXTERNAL}/depth?labelSelector=of%3Da"))
        .await
        .unwrap();
    assert_eq!(one["items"][0]["value"], "1500m");
    assert_eq!(one["items"][0]["window"], 30);
    let old = raw(client, &format!("{EXTERNAL}/depth?labelSelector=of%3Db"))
        .await
        .unwrap();
    assert_eq!(
        old["items"][0]["timestamp"], "2026-09-21T14:13:20Z",
        "{old}"
    );
    let object = raw(client, &format!("{CUSTOM}/services/web/rps"))
        .await
        .unwrap();
    assert_eq!(object["items"][0]["value"], "40");
    assert_eq!(object["items"][0]["describedObject"]["kind"], "Service");
    until("pods with a metric", 20, || async {
        let pods = raw(
            client,
            &format!("{CUSTOM}/pods/*/busy?labelSelector=app%3Dqueue"),
        )
        .await;
        pods.is_ok_and(|pods| items(&pods).len() == 2)
    })
    .await;
    let pods = raw(
        client,
        &format!("{CUSTOM}/pods/*/busy?labelSelector=app%3Dqueue"),
    )
    .await
    .unwrap();
    let measured: jiff::Timestamp = pods["items"][0]["timestamp"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let age = jiff::Timestamp::now().as_second() - measured.as_second();
    assert!((99..110).contains(&age), "{age}");
    let refused = adapter
        .set(&[Series::external("default", "depth", "many")])
        .await;
    assert!(refused.unwrap_err().to_string().contains("not a quantity"));
    adapter
        .remove(&[Series::external("default", "depth", "0").label("of", "a")])
        .await
        .unwrap();
    assert_eq!(
        items(&raw(client, &format!("{EXTERNAL}/depth")).await.unwrap()).len(),
        1
    );
}

async fn faults(client: &Client, adapter: &Adapter) {
    let (depth, object) = (
        format!("{EXTERNAL}/depth"),
        format!("{CUSTOM}/services/web/rps"),
    );
    let external = MetricsApi::External;
    adapter
        .fault(external, None, Some(Fault::Unavailable))
        .await
        .unwrap();
    assert_eq!(raw(client, &depth).await, Err(503));
    assert!(raw(client, &object).await.is_ok(), "the other API is right");
    adapter
        .fault(external, Some("depth"), Some(Fault::Empty))
        .await
        .unwrap();
    assert_eq!(
        items(&raw(client, &depth).await.unwrap()).len(),
        0,
        "a metric's own fault"
    );
    adapter.fault(external, None, None).await.unwrap();
    adapter
        .fault(
            external,
            Some("depth"),
            Some(Fault::Slow(Duration::from_secs(1))),
        )
        .await
        .unwrap();
    let asked = Instant::now();
    raw(client, &depth).await.unwrap();
    assert!(asked.elapsed() >= Duration::from_secs(1));
    adapter.fault(external, Some("depth"), None).await.unwrap();
    assert_eq!(items(&raw(client, &depth).await.unwrap()).len(), 1);
    adapter
        .fault(MetricsApi::Custom, None, Some(Fault::Empty))
        .await
        .unwrap();
    assert_eq!(raw(client, &object).await, Err(404));
    let hour = Duration::from_secs(3_600);
    adapter
        .fault(MetricsApi::Custom, None, Some(Fault::Older(hour)))
        .await
        .unwrap();
    let old = raw(client, &object).await.unwrap();
    let measured: jiff::Timestamp = old["items"][0]["timestamp"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(
        jiff::Timestamp::now().as_second() - measured.as_second() >= 3_599,
        "{old}"
    );
    adapter.fault(MetricsApi::Custom, None, None).await.unwrap();
}

async fn follows(client: &Client, adapter: &Adapter) {
    let exporter = Exporter::start(None).await.unwrap();
    exporter.set("default", "web", Offered::Rps(12.5));
    exporter.set("default", "nan", Offered::Nan);
    adapter.follow(&exporter).await.unwrap();
    let path = format!("{EXTERNAL}/{OFFERED}?labelSelector=workload%3Dweb");
    assert_eq!(
        raw(client, &path).await.unwrap()["items"][0]["value"],
        "12500m"
    );
    exporter.set("default", "web", Offered::Rps(80.0));
    assert_eq!(
        raw(client, &path).await.unwrap()["items"][0]["value"],
        "80",
        "at once"
    );
    let object = raw(client, &format!("{CUSTOM}/services/web/{OFFERED}"))
        .await
        .unwrap();
    assert_eq!(object["items"][0]["value"], "80");
    let all = raw(client, &format!("{EXTERNAL}/{OFFERED}")).await.unwrap();
    assert_eq!(items(&all).len(), 1, "what is not a number is not served");
}
