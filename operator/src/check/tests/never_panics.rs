//! Whatever stands in a spec, check returns, says the same twice, and keeps Sensitive off unlawful ground.

use super::{build::*, remote};
use crate::gather::metrics::answers::{Ended, Figure};
use crate::gather::metrics::question::Place;
use crate::gather::quantity::signed_millis;
use pinisi_planner::model::{site::SiteKind, workload::Placement};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Anything that JSON can say, with the words that specs use.
fn junk() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop::sample::select(vec![
            i64::MIN,
            -1,
            0,
            1,
            100,
            100_000,
            100_001,
            1 << 31,
            i64::MAX
        ])
        .prop_map(Value::from),
        any::<f64>().prop_map(|f| json!(f)),
        prop::sample::select(vec![
            "",
            "home",
            "cloud",
            "web",
            "Sensitive",
            "MassTraffic",
            "OnPrem",
            "-1",
            "1e999",
            "NaN",
            "9Ei",
            "2026-11-20T13:00:00Z",
            "a.b/c",
            "\u{0}é"
        ])
        .prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(
                prop::sample::select(vec![
                    "sites",
                    "name",
                    "replicas",
                    "minReplicas",
                    "maxReplicas",
                    "load",
                    "cpu",
                    "memory",
                    "matchLabels",
                    "key",
                    "operator",
                    "values"
                ])
                .prop_map(String::from),
                inner,
                0..4
            )
            .prop_map(|m| json!(m)),
        ]
    })
}

/// A path somewhere in an object.
fn place(object: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, out: &mut Vec<String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(k, v)| {
                walk(
                    v,
                    &format!("{at}/{}", k.replace('~', "~0").replace('/', "~1")),
                    out,
                )
            }),
            Value::Array(list) => list
                .iter()
                .enumerate()
                .for_each(|(i, v)| walk(v, &format!("{at}/{i}"), out)),
            _ => {}
        }
        out.push(at.to_owned());
    }
    let mut out = Vec::new();
    for part in ["spec", "status"] {
        if let Some(v) = object.get(part) {
            walk(v, &format!("/{part}"), &mut out);
        }
    }
    out
}

fn full_web() -> Value {
    let mut hw = web();
    set(
        &mut hw,
        "spec.override",
        json!({"total": 9, "sites": [{"name": "cloud", "replicas": 4}], "until": "2026-11-20T13:00:00Z"}),
    );
    set(
        &mut hw,
        "spec.drainBack",
        json!({"afterSeconds": 1, "stepPercent": 1, "intervalSeconds": 1}),
    );
    set(&mut hw, "spec.mode", json!("Active"));
    set(
        &mut hw,
        "spec.autoscaling.metrics",
        json!([
            {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "main", "target": {"type": "Utilization", "averageUtilization": 50}}},
            {"type": "Pods", "pods": {"metric": {"name": "packets"}, "target": {"type": "AverageValue", "averageValue": "1k"}}},
            {"type": "Object", "object": {"metric": {"name": "rps", "selector": {"matchLabels": {"a": "b"}}}, "describedObject": {"kind": "Service", "name": "web"}, "target": {"type": "Value", "value": 2}}},
            {"type": "External", "external": {"metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": 30}}}
        ]),
    );
    set(
        &mut hw,
        "spec.autoscaling.behavior",
        json!({"scaleUp": {"policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}], "tolerance": "0.1"}, "scaleDown": {"stabilizationWindowSeconds": 60}}),
    );
    hw["spec"]["autoscaling"]["schedules"] = json!([
        {"name": "opening", "cron": {"start": "0 19 * * *", "durationSeconds": 3600, "timeZone": "Asia/Jakarta"}, "expect": {"load": "20k"}},
        {"name": "final", "at": {"from": "2026-11-20T13:00:00Z", "until": "2026-11-20T14:00:00Z"}, "expect": {"replicas": 9}}
    ]);
    hw["spec"]["placement"]["tiers"][1]["sites"] = json!(["cloud", "abroad"]);
    hw["spec"]["dependsOn"] = json!([
        {"name": "api", "workloadRef": {"name": "api"}},
        {"name": "records", "workloadRef": {"namespace": "health", "name": "records"}, "callsPerRequest": "2"},
        {"name": "nik", "quota": {"limit": "300k", "per": "Day", "timeZone": "Asia/Jakarta", "spread": "Evenly"}},
        {"name": "sms", "quota": {"limit": "50", "per": "Second"}, "callsPerRequest": "200m"}
    ]);
    hw["spec"]["carry"] = json!([{"kind": "Secret", "name": "s"}]);
    hw["status"] = json!({"sites": [{"name": "home", "desired": 1, "ready": 1}], "memory": {"total": 3, "contest": {"writes": 1, "last": "2026-11-20T13:00:00Z", "writer": "x"}}});
    hw
}

fn gateways() -> Value {
    json!({"metadata": {"name": "prom", "uid": "u-prom", "generation": 1}, "spec": {
        "gateways": [{"address": "http://127.0.0.1:9100/metrics"}], "intervalMilliseconds": 500, "staleAfterSeconds": 60,
        "queries": [{"name": "rps", "metric": "requests_total", "matchLabels": {"code": "200"}, "figure": "Rate", "rateWindowMilliseconds": 1000}],
    }})
}

fn full_site() -> Value {
    let mut s = site("home", "OnPrem");
    set(
        &mut s,
        "spec.capacity",
        json!({
            "max": {"cpu": "6", "memory": "1Gi"}, "reserveForSensitive": {"cpu": "1"},
            "elastic": {"maxNodes": 3, "node": {"cpu": "8", "memory": "32Gi", "pods": 50, "daemonSets": {"cpu": "1"}}, "provisionSeconds": 60},
        }),
    );
    set(
        &mut s,
        "spec.watermarks",
        json!({"highPercent": 90, "lowPercent": 50}),
    );
    set(
        &mut s,
        "spec.allowedNamespaces",
        json!({"matchExpressions": [{"key": "pinisi.dev/class", "operator": "Exists"}]}),
    );
    s
}

fn full_remote_site() -> Value {
    let mut s = remote::remote_site("abroad");
    s["spec"]["price"] = json!({"currency": "IDR", "perCpuHour": "650.5", "perGibHour": "80"});
    let more = json!({"createNamespaces": true, "clusterUid": "uid-of-abroad", "unreachableGraceSeconds": 60});
    for (key, value) in more.as_object().unwrap() {
        s["spec"][key] = value.clone();
    }
    s["status"] = json!({"nodes": 2, "cluster": {"uid": "uid-of-abroad", "version": "v1.34.4"}, "conditions": []});
    s
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]
    #[test]
    fn garbage_in_any_place(which in 0usize..9, at in any::<prop::sample::Index>(), value in junk(), text in "\\PC{0,12}") {
        let mut c = Cluster::new();
        c.deployment(deployment("health", "records", 2));
        c.deployment(deployment("shop", "web", 2));
        c.deployment(sibling("shop", "web", "cloud", 2));
        c.workload(records());
        c.workload(full_web());
        c.pod(pod("shop", "web-1", "web", None, Some("h1")));
        remote::add_abroad(&mut c);
        let mut object = [full_web(), full_site(), source(), records(), deployment("shop", "web", 3), full_remote_site(), remote::made(4), gateways(), budget()][which].clone();
        let places = place(&object);
        if let Some(there) = object.pointer_mut(&places[at.index(places.len())]) {
            *there = value;
        }
        match which {
            0 | 3 => c.workload(object),
            1 | 5 => c.site(object),
            2 | 7 => c.source(object),
            8 => c.budget(object),
            // The API server lets no such Deployment pass: it is enough that reading it does not panic.
            4 => if let Ok(w) = serde_json::from_value::<crate::gather::wire_scalable::DeploymentWire>(object) { c.0.apply_deployment(w.into()); },
            _ => if let Ok(w) = serde_json::from_value::<crate::gather::wire_scalable::DeploymentWire>(object) {
                c.0.clusters.get_mut("abroad").unwrap().apply_deployment(w.into());
            },
        }
        c.figure(&text, Some("2026-11-20T11:59:59Z"));
        let wanted = crate::gather::metrics::wanted::of(&c.0);
        if let Some(hub) = wanted.get(&Place::Hub) {
            for question in &hub.lists {
                let figure = Figure { name: text.as_str().into(), milli: signed_millis(&text).map_err(|_| text.as_str().into()), at: Some(now()), window: None };
                c.0.metrics.take_in(&Place::Hub, Ended::List(question.clone(), Ok(vec![figure])), now(), now());
            }
        }
        let checked = c.check();
        prop_assert_eq!(format!("{checked:?}"), format!("{:?}", c.check()));
        for (id, w) in &checked.world.workloads {
            prop_assert!(!checked.workloads[id].problems.iter().any(crate::check::problem::Problem::blocks));
            if let Placement::Sensitive { sites } = &w.placement {
                prop_assert!(sites.iter().all(|s| checked.world.sites[s.name()].kind == SiteKind::OnPrem));
            }
        }
        for (id, subject) in &checked.workloads {
            prop_assert!(checked.world.workloads.contains_key(id) || subject.problems.iter().any(crate::check::problem::Problem::blocks));
            for p in &subject.problems {
                prop_assert!(p.to_string().len() > 20 && !p.reason().is_empty());
            }
        }
        prop_assert!(checked.sovereign.want.nodes.keys().all(|n| n.starts_with('h')));
        // The neighbour in another namespace is never disturbed by a spec that is not its own or its ground's.
        if matches!(which, 0 | 2 | 4 | 5 | 6 | 7 | 8) {
            prop_assert!(checked.world.workloads.contains_key(&id("health", "records")));
        }
    }
}
