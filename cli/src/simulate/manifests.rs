//! Services and sites from manifests: HybridWorkloads with their Deployments, and Sites. What else
//! stands in the files is passed over. Not here: what the API server would refuse of them.

use anyhow::{Context as _, bail};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use pinisi_crds::hybrid_workload::Class;
use pinisi_crds::quantity::{millis, units};
use pinisi_crds::site::SiteType;
use pinisi_crds::{HybridWorkload, Site};
use pinisi_planner::model::amounts::{Percent, Replicas, Resources};
use pinisi_planner::model::site::SiteKind;
use pinisi_simulator::setup::{REQUEST, headroom};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Largest file that is read.
const BYTES_MAX: u64 = 16 << 20;
/// Most files of a folder that are read.
const FILES_MAX: usize = 1000;

/// What the files say.
#[derive(Debug, Default)]
pub struct Manifests {
    /// Services in the order of the files.
    pub services: Vec<ServiceSpec>,
    /// Sites by rank (home first), then in the order of the files.
    pub sites: Vec<(String, SiteKind)>,
    /// What was taken for granted, or passed over though it counts; a sentence each.
    pub notes: Vec<String>,
}

/// A service as its manifests have it.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceSpec {
    /// Namespace and name.
    pub name: String,
    /// True for the class that never leaves home.
    pub sensitive: bool,
    /// Fewest replicas.
    pub min: Replicas,
    /// Most replicas.
    pub max: Replicas,
    /// Requests a second that one replica serves; `None` where the count does not follow load.
    pub per_replica: Option<f64>,
    /// What one replica requests.
    pub request: Resources,
    /// Least room above the load.
    pub headroom: Percent,
}

/// Reads files, and the YAML files of folders.
///
/// # Errors
/// What cannot be read, and manifests of ours that are none.
pub fn read(paths: &[PathBuf]) -> anyhow::Result<Manifests> {
    let mut deployments = BTreeMap::new();
    let mut workloads: Vec<HybridWorkload> = Vec::new();
    let mut sites: Vec<Site> = Vec::new();
    for path in files(paths)? {
        let shown = path.display().to_string();
        for value in documents(&path)? {
            let kind = value["kind"].as_str().unwrap_or_default().to_owned();
            let name = value["metadata"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let what = || format!("{kind} {name} in {shown}");
            match kind.as_str() {
                "HybridWorkload" => {
                    workloads.push(serde_json::from_value(value).with_context(what)?);
                }
                "Site" => {
                    let site: Site = serde_json::from_value(value).with_context(what)?;
                    // The same site may stand in two files, as the two ways to set it up.
                    if !sites.iter().any(|s| s.metadata.name == site.metadata.name) {
                        sites.push(site);
                    }
                }
                "Deployment" => {
                    let deployment: Deployment =
                        serde_json::from_value(value).with_context(what)?;
                    deployments.insert(id(&deployment.metadata), deployment);
                }
                _ => {}
            }
        }
    }
    if workloads.is_empty() {
        bail!("there is no HybridWorkload in what -f names");
    }
    let mut found = Manifests::default();
    for workload in &workloads {
        if let Some(service) = service(workload, &deployments, &mut found.notes)? {
            found.services.push(service);
        }
    }
    let kind = |site: &Site| match site.spec.type_ {
        SiteType::OnPrem => SiteKind::OnPrem,
        SiteType::Edge => SiteKind::Edge,
        SiteType::Cloud => SiteKind::Cloud,
    };
    let named = sites
        .iter()
        .map(|s| (s.metadata.name.clone().unwrap_or_default(), kind(s)));
    found.sites = named.collect();
    found.sites.sort_by_key(|(_, kind)| match kind {
        SiteKind::OnPrem => 0,
        SiteKind::Edge => 1,
        SiteKind::Cloud => 2,
    });
    if !found
        .sites
        .iter()
        .any(|(_, kind)| *kind == SiteKind::OnPrem)
    {
        bail!("there is no Site of type OnPrem in what -f names: home must be one");
    }
    Ok(found)
}

fn service(
    workload: &HybridWorkload,
    deployments: &BTreeMap<String, Deployment>,
    notes: &mut Vec<String>,
) -> anyhow::Result<Option<ServiceSpec>> {
    let name = id(&workload.metadata);
    let spec = &workload.spec;
    let namespace = workload.metadata.namespace.as_deref().unwrap_or("default");
    let target = format!("{namespace}/{}", spec.target_ref.name);
    let deployment = deployments.get(&target);
    let request = match deployment {
        Some(deployment) => {
            request(deployment).with_context(|| format!("requests of Deployment {target}"))?
        }
        None => {
            notes.push(format!("{name}: its {} {target} is not in the files; a replica is taken to ask for 1 core and 1 GiB.", spec.target_ref.kind));
            REQUEST
        }
    };
    let sensitive = spec.class == Class::Sensitive;
    let Some(autoscaling) = &spec.autoscaling else {
        let given = deployment.and_then(|d| d.spec.replicas);
        let replicas = Replicas::from_api(spec.replicas.or(given).unwrap_or(1));
        notes.push(format!("{name} does not follow load: it stays at {replicas} replicas, and what they can serve is not known."));
        return Ok(Some(ServiceSpec {
            name,
            sensitive,
            min: replicas,
            max: replicas,
            per_replica: None,
            request,
            headroom: headroom(),
        }));
    };
    let Some(load) = &autoscaling.load else {
        notes.push(format!("{name} is left out: it follows metrics, and only spec.autoscaling.load says what one replica serves."));
        return Ok(None);
    };
    if autoscaling.schedules.is_some() {
        notes.push(format!(
            "{name}: spec.autoscaling.schedules is left out; here nothing is known beforehand."
        ));
    }
    let milli = millis(&load.per_replica.0).ok().filter(|n| *n > 0);
    let milli = milli.with_context(|| {
        format!(
            "{name}: spec.autoscaling.load.perReplica {:?} is no quantity above 0",
            load.per_replica.0
        )
    })?;
    Ok(Some(ServiceSpec {
        name,
        sensitive,
        min: Replicas::from_api(autoscaling.min_replicas.unwrap_or(1)),
        max: Replicas::from_api(autoscaling.max_replicas),
        per_replica: Some(milli as f64 / 1000.0),
        request,
        headroom: load.headroom_percent.map_or_else(headroom, Percent::new),
    }))
}

/// What the containers of one pod request together.
fn request(deployment: &Deployment) -> anyhow::Result<Resources> {
    let pod = deployment.spec.template.spec.as_ref();
    let mut sum = Resources::ZERO;
    for container in pod.map_or(&[][..], |p| &p.containers) {
        let requests = container
            .resources
            .as_ref()
            .and_then(|r| r.requests.as_ref());
        let get = |name: &str| requests.and_then(|r| r.get(name));
        let read =
            |q: Option<&Quantity>, parse: fn(&str) -> Result<u64, _>| -> anyhow::Result<u64> {
                let Some(Quantity(text)) = q else {
                    return Ok(0);
                };
                parse(text).map_err(|e| anyhow::anyhow!("{text:?} is {e}"))
            };
        sum = sum.plus(Resources {
            millicores: read(get("cpu"), millis)?,
            bytes: read(get("memory"), units)?,
        });
    }
    Ok(sum)
}

fn id(meta: &kube::core::ObjectMeta) -> String {
    let namespace = meta.namespace.as_deref().unwrap_or("default");
    format!("{namespace}/{}", meta.name.as_deref().unwrap_or_default())
}

fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for path in paths {
        let shown = path.display();
        if !path.is_dir() {
            all.push(path.clone());
            continue;
        }
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(path).with_context(|| format!("read {shown}"))? {
            let file = entry.with_context(|| format!("read {shown}"))?.path();
            let yaml = file.extension().is_some_and(|e| e == "yaml" || e == "yml");
            if yaml && file.is_file() {
                inside.push(file);
            }
        }
        inside.sort();
        all.extend(inside);
    }
    if all.len() > FILES_MAX {
        bail!(
            "-f names {} files, more than the {FILES_MAX} that are read",
            all.len()
        );
    }
    Ok(all)
}

fn documents(path: &Path) -> anyhow::Result<Vec<Value>> {
    let shown = path.display();
    let size = std::fs::metadata(path)
        .with_context(|| format!("read {shown}"))?
        .len();
    if size > BYTES_MAX {
        bail!("{shown} has {size} bytes, more than the {BYTES_MAX} that are read");
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("read {shown}"))?;
    serde_saphyr::from_multiple(&text).with_context(|| format!("{shown} is no YAML"))
}
