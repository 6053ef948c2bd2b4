//! Looking on: statuses and counts, each quarter of a second, and the audit log
//! for when the HPA and Pinisi looked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;
use kube::Client;
use serde_json::Value;

use super::compare::{Record, Word};
use super::scene::{NAMESPACE, SERVICES, by_pods};
use crate::audit::{AuditEvent, AuditTail};
use crate::bench::api::Call;
use crate::credentials::HPA_USER;
use crate::operator;

const EVERY: Duration = Duration::from_millis(250);
const HPAS: &str = "/apis/autoscaling/v2/namespaces/parity/horizontalpodautoscalers";
const WORKLOADS: &str = "/apis/pinisi.dev/v1alpha1/namespaces/parity/hybridworkloads";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/parity/deployments";
const PODS: &str = "/api/v1/namespaces/parity/pods";

/// What was seen so far, by service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Watched(Arc<Mutex<BTreeMap<&'static str, Record>>>);

impl Default for Watched {
    fn default() -> Self {
        let record = |service| Record {
            by_pods: by_pods(service),
            ..Record::default()
        };
        let all = SERVICES.map(|service| (service, record(service)));
        Self(Arc::new(Mutex::new(all.into())))
    }
}

impl Watched {
    /// Looks on, for ever.
    ///
    /// # Errors
    /// When the audit log cannot be read or the API server does not answer.
    pub async fn look_on(&self, client: &Client, mut log: AuditTail) -> Result<()> {
        let mut tick = tokio::time::interval(EVERY);
        loop {
            tick.tick().await;
            self.read(&mut log)?;
            for (path, note) in [
                (HPAS, hpa as fn(&mut Record, &Value)),
                (WORKLOADS, workload),
                (DEPLOYMENTS, deployment),
            ] {
                self.list(client, path, note).await?;
            }
            self.pods(client).await?;
        }
    }

    /// All records.
    #[must_use]
    pub fn records(&self) -> BTreeMap<&'static str, Record> {
        self.lock().clone()
    }

    /// How many syncs there were.
    #[must_use]
    pub fn syncs(&self, service: &str) -> usize {
        self.lock()
            .get(service)
            .map_or(0, |record| record.syncs.len())
    }

    /// Notes a service's load.
    pub fn offered(&self, service: &str, at: Timestamp, rps: f64) {
        if let Some(record) = self.lock().get_mut(service) {
            record.load.note(at, rps);
        }
    }

    /// Requests a second and running pods now.
    #[must_use]
    pub fn load_and_pods(&self, service: &str) -> (f64, i64) {
        let all = self.lock();
        let record = all.get(service);
        let now = Timestamp::now();
        let load = record.and_then(|record| record.load.at(now).copied());
        let pods = record.and_then(|record| record.pods.at(now).copied());
        (load.unwrap_or_default(), pods.unwrap_or_default())
    }

    /// Whether each service has been spoken of by the HPA and by Pinisi.
    #[must_use]
    pub fn both_spoke(&self) -> bool {
        let now = Timestamp::now();
        let all = self.lock();
        all.values().all(|record| {
            record.hpa.at(now).is_some()
                && record.pinisi.at(now).is_some()
                && !record.looks.is_empty()
        })
    }

    fn read(&self, log: &mut AuditTail) -> Result<()> {
        let pinisi = operator::user();
        let mut all = self.lock();
        log.read(
            |line| line.contains(HPA_USER) || line.contains(&pinisi),
            |event| {
                let service = service_of(&event);
                for (name, record) in all.iter_mut() {
                    if event.user == HPA_USER && is_sync(&event, name) {
                        record.syncs.push(event.received);
                    } else if event.user == pinisi
                        && looks(&event, record.by_pods, service.as_deref(), name)
                    {
                        record.looks.push(event.received);
                    }
                }
            },
        )
    }

    async fn list(&self, client: &Client, path: &str, note: fn(&mut Record, &Value)) -> Result<()> {
        let list = Call::get(path).send(client).await?;
        let items = list["items"].as_array().context("not a list")?;
        let mut all = self.lock();
        for item in items {
            let name = item["metadata"]["name"].as_str().unwrap_or_default();
            if let Some(record) = all.get_mut(name) {
                note(record, item);
            }
        }
        Ok(())
    }

    async fn pods(&self, client: &Client) -> Result<()> {
        let list = Call::get(PODS).send(client).await?;
        let items = list["items"].as_array().context("not a list")?;
        let now = Timestamp::now();
        for (name, record) in self.lock().iter_mut() {
            let runs = |pod: &&Value| {
                pod["metadata"]["labels"]["app"] == *name
                    && pod["status"]["phase"] == "Running"
                    && pod["metadata"]["deletionTimestamp"].is_null()
            };
            let count = items.iter().filter(runs).count();
            record
                .pods
                .note(now, i64::try_from(count).unwrap_or(i64::MAX));
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Record>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An HPA controller's sync begins with a look at the target's scale.
fn is_sync(event: &AuditEvent, service: &str) -> bool {
    event.verb == "get"
        && event.resource == "deployments"
        && event.subresource == "scale"
        && event.namespace == NAMESPACE
        && event.name == service
}

/// The service that a question for an external metric is about.
fn service_of(event: &AuditEvent) -> Option<String> {
    if event.group != "external.metrics.k8s.io" {
        return None;
    }
    let (_, rest) = event.uri.split_once("workload%3D")?;
    rest.split('&').next().map(str::to_owned)
}

fn looks(event: &AuditEvent, by_pods: bool, service: Option<&str>, name: &str) -> bool {
    service == Some(name)
        || (by_pods && event.group == "metrics.k8s.io" && event.resource == "pods")
}

fn hpa(record: &mut Record, object: &Value) {
    let status = &object["status"];
    if let Some(desired) = status["desiredReplicas"].as_i64() {
        let metrics = status["currentMetrics"].as_array().into_iter().flatten();
        let values = metrics.map(|metric| {
            let kind = metric["type"].as_str().unwrap_or_default().to_lowercase();
            value(&metric[kind.as_str()]["current"])
        });
        let word = Word {
            desired,
            metrics: values.collect(),
        };
        record.hpa.note(Timestamp::now(), word);
    }
}

fn workload(record: &mut Record, object: &Value) {
    let status = &object["status"];
    if let (Some(desired), true) = (status["replicas"].as_i64(), status["conditions"].is_array()) {
        let metrics = status["currentMetrics"].as_array().into_iter().flatten();
        let word = Word {
            desired,
            metrics: metrics.map(|metric| value(&metric["current"])).collect(),
        };
        record.pinisi.note(Timestamp::now(), word);
    }
}

fn deployment(record: &mut Record, object: &Value) {
    if let Some(count) = object["spec"]["replicas"].as_i64() {
        record.count.note(Timestamp::now(), count);
    }
}

/// A metric's value as both write it: percent, or an average.
fn value(current: &Value) -> String {
    match (
        &current["averageUtilization"],
        &current["averageValue"],
        &current["value"],
    ) {
        (Value::Number(percent), _, _) => format!("{percent} %"),
        (_, Value::String(average), _) => average.clone(),
        (_, _, Value::String(value)) => value.clone(),
        _ => "-".into(),
    }
}
