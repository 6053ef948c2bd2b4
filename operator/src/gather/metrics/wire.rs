//! Answers of the metrics APIs as they come over the wire, read thinly: what is not asked later is
//! never kept. One value that is none spoils only itself.

use super::answers::{ContainerUsage, Figure, PodUsage, Usage};
use super::fault::{MetricsFault, quote};
use crate::gather::quantity::signed_millis;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use pinisi_crds::number::Number;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeSet;

/// Most values that one answer may have.
pub const VALUES_MAX: usize = 10_000;
/// Most pods that one answer may have.
pub const PODS_MAX: usize = 200_000;
/// Longest window that is believed, in seconds.
const WINDOW_MAX: i64 = 86_400;

#[derive(Deserialize)]
struct List<T> {
    items: Option<Vec<T>>,
}

#[derive(Deserialize)]
struct PodWire {
    metadata: MetaWire,
    #[serde(default, deserialize_with = "time")]
    timestamp: Option<Timestamp>,
    #[serde(default)]
    window: Option<String>,
    #[serde(default)]
    containers: Option<Vec<ContainerWire>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct MetaWire {
    name: Box<str>,
    namespace: String,
}

#[derive(Deserialize)]
struct ContainerWire {
    #[serde(default)]
    name: Box<str>,
    #[serde(default)]
    usage: Option<UsageWire>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct UsageWire {
    cpu: Option<Number>,
    memory: Option<Number>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ValueWire {
    #[serde(default)]
    described_object: Option<MetaWire>,
    #[serde(default, deserialize_with = "time")]
    timestamp: Option<Timestamp>,
    // v1beta2 of custom metrics says windowSeconds, the others say window.
    #[serde(default, alias = "window")]
    window_seconds: Option<i64>,
    #[serde(default)]
    value: Option<Number>,
}

/// A time that is missing, null or no time at all is as if absent.
fn time<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Timestamp>, D::Error> {
    let value = serde_json::Value::deserialize(d)?;
    Ok(serde_json::from_value::<Time>(value).ok().map(|t| t.0))
}

/// A list of PodMetrics; only pods of `namespaces` are kept.
///
/// # Errors
/// It is no such list, or too long.
pub fn usage(body: &[u8], namespaces: &BTreeSet<String>) -> Result<Usage, MetricsFault> {
    let items = items::<PodWire>(body)?;
    if items.len() > PODS_MAX {
        return Err(MetricsFault::TooMany(PODS_MAX));
    }
    let mut usage = Usage {
        covers: namespaces.clone(),
        ..Usage::default()
    };
    for pod in items {
        let PodWire {
            metadata: MetaWire { name, namespace },
            timestamp,
            window,
            containers,
        } = pod;
        if !namespaces.contains(&namespace) {
            continue;
        }
        let milli = |n: Option<Number>| n.and_then(|n| signed_millis(&n.0).ok());
        let containers = containers.unwrap_or_default().into_iter().map(|c| {
            let UsageWire { cpu, memory } = c.usage.unwrap_or_default();
            ContainerUsage {
                name: c.name,
                cpu: milli(cpu),
                memory: milli(memory),
            }
        });
        let pod = PodUsage {
            at: timestamp,
            window: window.as_deref().map_or(SignedDuration::ZERO, window_of),
            containers: containers.collect(),
        };
        usage.pods.entry(namespace).or_default().insert(name, pod);
    }
    Ok(usage)
}

/// A list of values of custom or external metrics.
///
/// # Errors
/// It is no such list, or too long.
pub fn figures(body: &[u8]) -> Result<Vec<Figure>, MetricsFault> {
    let items = items::<ValueWire>(body)?;
    if items.len() > VALUES_MAX {
        return Err(MetricsFault::TooMany(VALUES_MAX));
    }
    let read = |value: ValueWire| {
        let ValueWire {
            described_object,
            timestamp,
            window_seconds,
            value,
        } = value;
        let text = value.unwrap_or_default().0;
        Figure {
            name: described_object.unwrap_or_default().name,
            milli: signed_millis(&text).map_err(|_| quote(&text).into()),
            at: timestamp,
            window: window_seconds.map(seconds),
        }
    };
    Ok(items.into_iter().map(read).collect())
}

fn items<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<Vec<T>, MetricsFault> {
    serde_json::from_slice::<List<T>>(body)
        .map(|list| list.items.unwrap_or_default())
        .map_err(|error| MetricsFault::Shape(quote(&error.to_string())))
}

fn seconds(n: i64) -> SignedDuration {
    SignedDuration::from_secs(n.clamp(0, WINDOW_MAX))
}

/// A duration as Go writes it, such as `17.35s` or `1m0s`; zero where it is none.
fn window_of(text: &str) -> SignedDuration {
    let mut nanos = 0f64;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(end);
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let scale = match unit {
            "h" => 3600e9,
            "m" => 60e9,
            "s" => 1e9,
            "ms" => 1e6,
            "us" | "µs" => 1e3,
            "ns" => 1.0,
            _ => return SignedDuration::ZERO,
        };
        let Ok(number) = number.parse::<f64>() else {
            return SignedDuration::ZERO;
        };
        nanos += number * scale;
        rest = tail;
    }
    let longest = seconds(WINDOW_MAX);
    SignedDuration::try_from_secs_f64(nanos / 1e9).map_or(longest, |d| d.min(longest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(items: &serde_json::Value) -> Result<Usage, MetricsFault> {
        let body = json!({"kind": "PodMetricsList", "items": items}).to_string();
        usage(body.as_bytes(), &["shop".to_owned()].into())
    }

    #[test]
    fn use_of_pods_is_kept_for_namespaces_that_ask() {
        let pod = |namespace: &str, name: &str| {
            json!({"metadata": {"name": name, "namespace": namespace, "labels": {"app": "web"}}, "timestamp": "2026-11-20T11:59:50Z", "window": "17.35s",
                "containers": [{"name": "main", "usage": {"cpu": "123456789n", "memory": "64Ki"}}, {"name": "side", "usage": {"cpu": 0}}]})
        };
        let usage = read(&json!([pod("shop", "web-1"), pod("other", "x")])).unwrap();
        assert_eq!(usage.pods.len(), 1);
        let web = &usage.pods["shop"]["web-1"];
        assert_eq!(web.at, Some("2026-11-20T11:59:50Z".parse().unwrap()));
        assert_eq!(web.window, SignedDuration::from_millis(17_350));
        assert_eq!(
            (web.containers[0].cpu, web.containers[0].memory),
            (Some(124), Some(65_536_000)),
            "a part of a thousandth counts as one, as in Kubernetes"
        );
        assert_eq!(
            (web.containers[1].cpu, web.containers[1].memory),
            (Some(0), None)
        );
    }

    #[test]
    fn a_list_may_be_empty_but_not_something_else() {
        assert!(read(&json!([])).unwrap().pods.is_empty());
        assert!(read(&json!(null)).unwrap().pods.is_empty());
        for body in ["", "<html>", "[]", "{\"items\": 3}", "{\"items\": [{}]}"] {
            let fault = usage(body.as_bytes(), &BTreeSet::new()).unwrap_err();
            assert_eq!(fault.reason(), "UnknownShape", "{body}");
        }
    }

    #[test]
    fn values_of_both_versions_and_one_that_is_none() {
        let body = json!({"items": [
            {"describedObject": {"kind": "Pod", "name": "web-1"}, "metric": {"name": "rps"}, "timestamp": "2026-11-20T11:59:50Z", "windowSeconds": 30, "value": "1500m"},
            {"describedObject": {"name": "web-2"}, "metricName": "rps", "timestamp": "2026-11-20T11:59:50Z", "window": 60, "value": "-2"},
            {"metricName": "queue", "metricLabels": {"a": "b"}, "timestamp": null, "value": 40},
            {"value": "NaN"}, {},
        ]});
        let figures = figures(body.to_string().as_bytes()).unwrap();
        let milli: Vec<_> = figures.iter().map(|f| f.milli.clone()).collect();
        assert_eq!(
            milli,
            [
                Ok(1500),
                Ok(-2000),
                Ok(40_000),
                Err("NaN".into()),
                Err("".into())
            ]
        );
        assert_eq!(&*figures[0].name, "web-1");
        let windows: Vec<_> = figures.iter().map(|f| f.window).collect();
        assert_eq!(windows[..3], [Some(seconds(30)), Some(seconds(60)), None]);
        assert_eq!((figures[2].at, figures[4].at), (None, None));
    }

    #[test]
    fn windows_as_go_writes_them() {
        for (text, millis) in [
            ("17.35s", 17_350),
            ("1m0s", 60_000),
            ("1h2m3s", 3_723_000),
            ("250ms", 250),
            ("0s", 0),
            ("", 0),
            ("x", 0),
            ("1", 0),
            ("9999999h", WINDOW_MAX * 1000),
            ("..s", 0),
        ] {
            assert_eq!(
                window_of(text),
                SignedDuration::from_millis(millis),
                "{text}"
            );
        }
    }

    #[test]
    fn too_many_values_are_refused() {
        let items = vec![json!({"value": "1"}); VALUES_MAX + 1];
        let body = json!({ "items": items }).to_string();
        assert_eq!(
            figures(body.as_bytes()),
            Err(MetricsFault::TooMany(VALUES_MAX))
        );
    }

    proptest! {
        #[test]
        fn anything_is_read_without_panic(body in "\\PC{0,80}", window in "[-0-9.hmsuµn]{0,12}", value in "[-0-9.eEmKi]{0,12}") {
            let _ = usage(body.as_bytes(), &BTreeSet::new());
            let _ = figures(body.as_bytes());
            prop_assert!(window_of(&window) >= SignedDuration::ZERO);
            let wrapped = json!({"items": [{"value": value, "timestamp": window, "windowSeconds": i64::MIN}]}).to_string();
            prop_assert_eq!(figures(wrapped.as_bytes()).unwrap().len(), 1);
        }
    }
}
