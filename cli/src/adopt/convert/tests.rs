//! Manifests as people have them, and what becomes of each: golden files.

use super::{Converted, LoadChoice, convert};
use crate::handover::{Autoscaler, Weight, note};
use serde_json::{Value, json};

fn load(signal: Option<&str>, per_replica: Option<&str>) -> LoadChoice {
    LoadChoice {
        signal: signal.map(|text| text.parse().unwrap()),
        per_replica: per_replica.map(Into::into),
    }
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

/// What it becomes and what is said, in one text.
fn shown(converted: &Converted) -> String {
    let autoscaling = converted.autoscaling.as_ref().unwrap();
    format!(
        "{}---\n{}",
        serde_saphyr::to_string(autoscaling).unwrap(),
        note::text(&converted.notes)
    )
}

fn hpa(spec: &str) -> Autoscaler {
    let mut object = yaml(spec);
    object["kind"] = json!("HorizontalPodAutoscaler");
    object["metadata"] = json!({"name": "web"});
    Autoscaler::Hpa(object)
}

/// Every type of metric, quantities as text and as numbers, and a whole behavior.
const EVERYTHING: &str = "
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 3
  maxReplicas: 60
  metrics:
  - type: Resource
    resource: {name: memory, target: {type: AverageValue, averageValue: 512Mi}}
  - type: ContainerResource
    containerResource: {name: cpu, container: app, target: {type: Utilization, averageUtilization: 60}}
  - type: Pods
    pods: {metric: {name: sessions, selector: {matchLabels: {queue: main}}}, target: {type: AverageValue, averageValue: 250}}
  - type: Object
    object:
      describedObject: {apiVersion: networking.k8s.io/v1, kind: Ingress, name: main}
      metric: {name: requests-per-second}
      target: {type: Value, value: 10k}
  - type: External
    external: {metric: {name: queue_messages_ready, selector: {matchLabels: {queue: orders}}}, target: {type: AverageValue, averageValue: '30'}}
  behavior:
    scaleDown:
      stabilizationWindowSeconds: 600
      selectPolicy: Min
      tolerance: 50m
      policies:
      - {type: Pods, value: 4, periodSeconds: 60}
      - {type: Percent, value: 10, periodSeconds: 60}
    scaleUp: {selectPolicy: Max, policies: [{type: Percent, value: 100, periodSeconds: 15}]}
";

#[test]
fn an_hpa_moves_word_for_word() {
    let from = hpa(EVERYTHING);
    let converted = convert("shop", &from, &LoadChoice::default());
    assert!(converted.notes.is_empty(), "{:?}", converted.notes);
    let to = converted.autoscaling.unwrap();
    for field in ["minReplicas", "maxReplicas", "metrics", "behavior"] {
        assert_eq!(to[field], from.object()["spec"][field], "{field}");
    }
    assert_eq!(to.as_object().unwrap().len(), 4);
}

#[test]
fn an_hpa_in_golden_words() {
    let cpu = hpa("
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 10
");
    insta::assert_snapshot!(
        "hpa_default",
        shown(&convert("shop", &cpu, &LoadChoice::default()))
    );
    let everything = hpa(EVERYTHING);
    insta::assert_snapshot!(
        "hpa_everything",
        shown(&convert("shop", &everything, &LoadChoice::default()))
    );
    let signal = load(Some("prometheus/rps"), Some("100"));
    insta::assert_snapshot!("hpa_load", shown(&convert("shop", &everything, &signal)));
}

#[test]
fn a_signal_without_a_replicas_share_is_refused() {
    let converted = convert(
        "shop",
        &hpa(EVERYTHING),
        &load(Some("prometheus/rps"), None),
    );
    assert_eq!(converted.notes[0].weight, Weight::Obstacle);
    assert!(
        converted.notes[0]
            .way_out
            .as_deref()
            .unwrap()
            .contains("--per-replica")
    );
}

#[test]
fn bounds_that_the_definitions_refuse_are_named() {
    let wide = hpa("
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 5
  maxReplicas: 200000
");
    let converted = convert("shop", &wide, &LoadChoice::default());
    assert!(note::any_obstacle(&converted.notes), "{converted:?}");
}

/// A shop's ScaledObject: a Prometheus query, cpu beside it, a schedule, and everything that KEDA
/// does around 0.
const SHOP: &str = "
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: web-so}
spec:
  scaleTargetRef: {name: web}
  pollingInterval: 15
  cooldownPeriod: 120
  minReplicaCount: 2
  maxReplicaCount: 50
  fallback: {failureThreshold: 3, replicas: 6}
  advanced:
    restoreToOriginalReplicaCount: true
    horizontalPodAutoscalerConfig:
      behavior: {scaleDown: {stabilizationWindowSeconds: 120}}
  triggers:
  - type: prometheus
    metadata:
      serverAddress: http://prometheus.monitoring.svc:9090
      query: sum(rate(http_requests_total{app=\"web\"}[1m]))
      threshold: '100'
      activationThreshold: '5'
  - type: cpu
    metricType: Utilization
    metadata: {value: '70', containerName: app}
  - type: cron
    metadata: {timezone: Asia/Jakarta, start: 0 7 * * *, end: 0 9 * * *, desiredReplicas: '10'}
";

fn kedas_hpa(names: &[&str]) -> Value {
    let external = |name: &&str| {
        json!({"type": "External", "external": {
            "metric": {"name": name, "selector": {"matchLabels": {"scaledobject.keda.sh/name": "web-so"}}},
            "target": {"type": "AverageValue", "averageValue": if name.contains("cron") { "1" } else { "100" }},
        }})
    };
    let metrics: Vec<_> = names.iter().map(external).collect();
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "keda-hpa-web-so"},
           "spec": {"minReplicas": 2, "maxReplicas": 50, "metrics": metrics}})
}

fn scaled(object: Value, hpa: Option<Value>) -> Autoscaler {
    Autoscaler::ScaledObject { object, hpa }
}

#[test]
fn a_scaled_object_in_golden_words() {
    let hpa = kedas_hpa(&["s0-prometheus", "s2-cron-Asia-Jakarta-07xxx-09xxx"]);
    let shop = scaled(yaml(SHOP), Some(hpa));
    insta::assert_snapshot!(
        "keda_shop",
        shown(&convert("shop", &shop, &LoadChoice::default()))
    );
    let one = "
kind: ScaledObject
metadata: {name: web-so}
spec:
  scaleTargetRef: {name: web}
  idleReplicaCount: 0
  triggers:
  - type: prometheus
    metadata: {serverAddress: http://prometheus:9090, query: up, threshold: '40'}
";
    let one = scaled(yaml(one), Some(kedas_hpa(&["s0-prometheus"])));
    // The trigger's own threshold is what one replica serves.
    insta::assert_snapshot!(
        "keda_load",
        shown(&convert("shop", &one, &load(Some("prometheus/rps"), None)))
    );
}

#[test]
fn a_formula_is_asked_of_keda() {
    let object = yaml(
        "
kind: ScaledObject
metadata: {name: web-so}
spec:
  scaleTargetRef: {name: web}
  minReplicaCount: 1
  advanced: {scalingModifiers: {formula: a + b, target: '10'}}
  triggers:
  - {type: prometheus, name: a, metadata: {query: a, threshold: '1'}}
  - {type: kafka, name: b, metadata: {lagThreshold: '5'}}
",
    );
    let with = scaled(object.clone(), Some(kedas_hpa(&["composite-metric"])));
    let converted = convert("shop", &with, &LoadChoice::default());
    assert!(
        !note::any_obstacle(&converted.notes),
        "{:?}",
        converted.notes
    );
    let metrics = converted.autoscaling.unwrap()["metrics"].clone();
    assert_eq!(metrics.as_array().unwrap().len(), 1);
    assert_eq!(metrics[0]["external"]["metric"]["name"], "composite-metric");
    let without = convert("shop", &scaled(object, None), &LoadChoice::default());
    assert!(note::any_obstacle(&without.notes));
}

#[test]
fn without_kedas_hpa_only_what_is_known_moves() {
    let mut object = yaml(SHOP);
    object["status"] = json!({"externalMetricNames": ["s0-prometheus"]});
    let converted = convert("shop", &scaled(object, None), &LoadChoice::default());
    let autoscaling = converted.autoscaling.unwrap();
    let metrics = autoscaling["metrics"].as_array().unwrap();
    let prometheus = metrics
        .iter()
        .find(|metric| metric["type"] == "External")
        .unwrap();
    assert_eq!(prometheus["external"]["target"]["averageValue"], "100");
    let stopped: Vec<_> = converted
        .notes
        .iter()
        .filter(|note| note.weight == Weight::Obstacle)
        .filter_map(|note| note.field.as_deref())
        .collect();
    assert_eq!(stopped, ["spec.triggers[2]"], "the schedule cannot be told");
}

#[test]
fn odd_triggers_never_panic() {
    for triggers in [
        json!([]),
        json!([{}]),
        json!([{"type": "cpu"}]),
        json!([{"type": "cpu", "metadata": {"value": "seventy"}}]),
        json!([{"type": 7, "metadata": "text"}]),
        json!("text"),
        Value::Null,
    ] {
        let object = json!({"kind": "ScaledObject", "metadata": {"name": "so"}, "spec": {"scaleTargetRef": {"name": "web"}, "triggers": triggers, "minReplicaCount": -4, "maxReplicaCount": 9_000_000_000_u64}});
        let converted = convert("shop", &scaled(object, None), &LoadChoice::default());
        assert!(note::any_obstacle(&converted.notes), "{triggers}");
    }
}
