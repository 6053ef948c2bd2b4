//! The example that the demo plays: its objects, its trace, and what can be read
//! out of them without the operator.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::core::v1::PodSpec;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client};
use serde_json::{Value, json};

use super::room::Amount;
use crate::checkout::checkout;
use crate::replay::read_trace;

/// Namespace of the Sensitive services.
pub const SENSITIVE: &str = "citizen-records";
/// Namespace of the mass traffic.
pub const MASS: &str = "public-service";
/// Who gets which part of the load.
pub const WEIGHTS: [(&str, f64); 2] = [("checkin-api", 0.6), ("qr-web", 0.4)];
/// The Sensitive service that the demo tries to scale beyond home.
pub const SENSITIVE_TARGET: &str = "vaccine-records";
/// Index of the minute 06:40, in which the spike is highest.
pub const SPIKE_MINUTE: usize = 10;
const MANAGER: &str = "pinisi-demo";

/// The example, read.
#[derive(Debug)]
pub struct Example {
    folder: PathBuf,
    /// Requests in each minute.
    pub trace: Vec<f64>,
    /// The mass services, in the order of [`WEIGHTS`].
    pub mass: Vec<MassService>,
    /// What one replica of any mass service requests.
    pub one: Amount,
    /// Sensitive replicas in all.
    pub sensitive_replicas: u32,
    /// Replicas of [`SENSITIVE_TARGET`].
    pub target_replicas: u32,
}

/// One service of the mass traffic.
#[derive(Debug, Clone, PartialEq)]
pub struct MassService {
    /// Its name.
    pub name: String,
    /// Its part of the load.
    pub weight: f64,
    /// Load that one replica serves.
    pub one_serves: f64,
    /// Fewest replicas.
    pub least: u32,
}

impl Example {
    /// Reads the example of this checkout.
    ///
    /// # Errors
    /// The file that cannot be read, or what the demo needs and does not find.
    pub fn read() -> Result<Self> {
        let folder = checkout().join("examples").join("pedulilindungi");
        let trace = read_trace(&folder.join("trace.csv"), None, None)?;
        ensure!(
            trace.len() > SPIKE_MINUTE,
            "the trace ends before its spike"
        );
        let public = documents(&folder, "public-service.yaml")?;
        let records = documents(&folder, "citizen-records.yaml")?;
        let mut mass = Vec::new();
        let mut sizes = Vec::new();
        for (name, weight) in WEIGHTS {
            mass.push(service(&public, name, weight)?);
            let template = &find(&public, "Deployment", name)?["spec"]["template"]["spec"];
            let pod: PodSpec = serde_json::from_value(template.clone())?;
            sizes.push(Amount::requested(&pod)?);
        }
        let one = sizes.first().copied().context("no mass service")?;
        ensure!(
            sizes.iter().all(|size| *size == one),
            "the demo's arithmetic needs mass services of one size"
        );
        let replicas = |object: &Value| {
            object["spec"]["replicas"]
                .as_u64()
                .and_then(|count| u32::try_from(count).ok())
        };
        Ok(Self {
            trace,
            mass,
            one,
            sensitive_replicas: records
                .iter()
                .filter(|object| object["kind"] == "Deployment")
                .filter_map(replicas)
                .sum(),
            target_replicas: replicas(find(&records, "Deployment", SENSITIVE_TARGET)?)
                .context("no replicas")?,
            folder,
        })
    }

    /// Applies one file, with each SignalSource pointed at this Prometheus.
    ///
    /// # Errors
    /// What the API server said to the first object that it refused.
    pub async fn apply(&self, client: &Client, file: &str, prometheus: &str) -> Result<()> {
        for mut object in documents(&self.folder, file)? {
            if object["kind"] == "SignalSource" {
                object["spec"]["prometheus"]["address"] = json!(prometheus);
            }
            apply(client, &object).await?;
        }
        Ok(())
    }
}

/// Server-side apply of one object.
///
/// # Errors
/// What the API server said.
pub async fn apply(client: &Client, object: &Value) -> Result<()> {
    let text = |field: &Value| field.as_str().unwrap_or_default().to_owned();
    let (kind, name) = (text(&object["kind"]), text(&object["metadata"]["name"]));
    let version = text(&object["apiVersion"]);
    let (group, version) = version.split_once('/').unwrap_or(("", &version));
    let words = || format!("cannot apply {kind} {name}");
    let (resource, _) =
        kube::discovery::pinned_kind(client, &GroupVersionKind::gvk(group, version, &kind))
            .await
            .with_context(words)?;
    let api: Api<DynamicObject> = match object["metadata"]["namespace"].as_str() {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let params = PatchParams::apply(MANAGER).force();
    api.patch(&name, &params, &Patch::Apply(object))
        .await
        .with_context(words)?;
    Ok(())
}

fn documents(folder: &Path, file: &str) -> Result<Vec<Value>> {
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    serde_saphyr::from_multiple(&text).with_context(|| format!("cannot read {}", path.display()))
}

fn find<'a>(objects: &'a [Value], kind: &str, name: &str) -> Result<&'a Value> {
    objects
        .iter()
        .find(|object| object["kind"] == kind && object["metadata"]["name"] == name)
        .with_context(|| format!("the example has no {kind} {name}"))
}

fn service(objects: &[Value], name: &str, weight: f64) -> Result<MassService> {
    let autoscaling = &find(objects, "HybridWorkload", name)?["spec"]["autoscaling"];
    let one_serves = match &autoscaling["load"]["perReplica"] {
        Value::String(text) => text.parse().ok(),
        other => other.as_f64(),
    };
    let Some(one_serves) = one_serves.filter(|load: &f64| *load > 0.0) else {
        bail!("the demo cannot read perReplica of {name}");
    };
    let least = autoscaling["minReplicas"].as_u64().unwrap_or(1);
    Ok(MassService {
        name: name.to_owned(),
        weight,
        one_serves,
        least: u32::try_from(least)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_says_what_the_demo_needs() {
        let example = Example::read().unwrap();
        assert_eq!(example.trace.len(), 27);
        let highest = example.trace.iter().copied().fold(0.0, f64::max);
        assert!(
            (example.trace[SPIKE_MINUTE] - highest).abs() < 1e-9,
            "the spike is at 06:40"
        );
        assert_eq!(example.mass.len(), 2);
        assert!(
            example
                .mass
                .iter()
                .all(|service| service.one_serves > 0.0 && service.least > 0)
        );
        assert!(example.sensitive_replicas > example.target_replicas);
        assert!(example.one.cpu_milli > 0);
    }
}
