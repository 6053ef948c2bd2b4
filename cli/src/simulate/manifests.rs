//! Services and sites from manifests: HybridWorkloads with their Deployments, and Sites. What else
//! stands in the files is passed over. Not here: what the API server would refuse of them.

use super::left::{self, Leaves, Left};
use crate::documents::{documents, files};
use anyhow::{Context as _, bail};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use pinisi_crds::autoscaling::Forecast;
use pinisi_crds::hybrid_workload::{Autoscaling, Class, DrainBack};
use pinisi_crds::quantity::{millis, units};
use pinisi_crds::site::SiteType;
use pinisi_crds::{HybridWorkload, HybridWorkloadSpec, Site};
use pinisi_operator::check::schedule::{self, Kept};
use pinisi_operator::gather::facts::ObjectKey;
use pinisi_planner::model::amounts::{Percent, Replicas, Resources};
use pinisi_planner::model::schedule::Window;
use pinisi_planner::model::site::{SiteKind, SiteName};
use pinisi_planner::model::workload::Tier;
use pinisi_simulator::setup::{Policy, REQUEST, Watermarks, headroom};
use pinisi_simulator::trace::Trace;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the files say.
#[derive(Debug, Default)]
pub struct Manifests {
    /// Services in the order of the files.
    pub services: Vec<ServiceSpec>,
    /// Sites by rank (home first), then in the order of the files.
    pub sites: Vec<SiteSpec>,
    /// What is set and not played, each once.
    pub left: Vec<Left>,
    /// What was taken for granted, or passed over though it counts; a sentence each.
    pub notes: Vec<String>,
}

/// A site as its manifest has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteSpec {
    /// Name.
    pub name: String,
    /// Kind of place.
    pub kind: SiteKind,
    /// Where mass traffic goes on elsewhere and comes back.
    pub watermarks: Watermarks,
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
    /// Tiers, the way home and the scale-down window.
    pub policy: Policy,
    /// What its schedules are read from.
    pub autoscaling: Option<Autoscaling>,
    /// What was announced, once the time that is played is known.
    pub windows: Vec<Window>,
}

/// Reads files, and the YAML files of folders.
///
/// # Errors
/// What cannot be read, and manifests of ours that are none.
pub fn read(paths: &[PathBuf]) -> anyhow::Result<Manifests> {
    let mut deployments = BTreeMap::new();
    let mut workloads: Vec<HybridWorkload> = Vec::new();
    let mut sites: Vec<Site> = Vec::new();
    let mut left = Vec::new();
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
                "CloudBudget" => {
                    let why = "--cloud-price and --cloud-budget say what the cloud costs and what may be spent";
                    Leaves::of(format!("CloudBudget {name}"), &mut left).note(true, "spec", why);
                }
                _ => {}
            }
        }
    }
    if workloads.is_empty() {
        bail!("there is no HybridWorkload in what -f names");
    }
    for workload in &workloads {
        let object = format!("HybridWorkload {}", id(&workload.metadata));
        left::of_workload(&workload.spec, &mut Leaves::of(object, &mut left));
    }
    for site in &sites {
        let name = site.metadata.name.clone().unwrap_or_default();
        left::of_site(
            &site.spec,
            &mut Leaves::of(format!("Site {name}"), &mut left),
        );
    }
    left.sort();
    left.dedup();
    let mut found = Manifests {
        left,
        ..Manifests::default()
    };
    for workload in &workloads {
        if let Some(service) = service(workload, &deployments, &mut found.notes)? {
            found.services.push(service);
        }
    }
    found.sites = sites.iter().map(site_of).collect();
    found.sites.sort_by_key(|site| match site.kind {
        SiteKind::OnPrem => 0,
        SiteKind::Edge => 1,
        SiteKind::Cloud => 2,
    });
    if !found.sites.iter().any(|site| site.kind == SiteKind::OnPrem) {
        bail!("there is no Site of type OnPrem in what -f names: home must be one");
    }
    Ok(found)
}

fn site_of(site: &Site) -> SiteSpec {
    SiteSpec {
        name: site.metadata.name.clone().unwrap_or_default(),
        kind: match site.spec.type_ {
            SiteType::OnPrem => SiteKind::OnPrem,
            SiteType::Edge => SiteKind::Edge,
            SiteType::Cloud => SiteKind::Cloud,
        },
        watermarks: site
            .spec
            .watermarks
            .as_ref()
            .map_or_else(Watermarks::default, |levels| Watermarks {
                high: Percent::new(levels.high_percent),
                low: Percent::new(levels.low_percent),
            }),
    }
}

/// What the manifest says beside load and size.
fn policy(spec: &HybridWorkloadSpec) -> Policy {
    let mut policy = Policy::default();
    let replicas = |n: Option<i32>, absent| n.map_or(absent, Replicas::from_api);
    for tier in spec.placement.iter().flat_map(|placement| &placement.tiers) {
        policy.tiers.push(Tier {
            sites: tier.sites.iter().map(|site| SiteName::new(site)).collect(),
            min: replicas(tier.min_replicas, Replicas::ZERO),
            max: replicas(tier.max_replicas, Replicas::MAX),
        });
    }
    let seconds = |n: i32| SignedDuration::from_secs(i64::from(n));
    if let Some(DrainBack {
        after_seconds,
        step_percent,
        interval_seconds,
    }) = &spec.drain_back
    {
        let drain = &mut policy.drain;
        drain.after = after_seconds.map_or(drain.after, seconds);
        drain.step = step_percent.map_or(drain.step, Percent::new);
        drain.interval = interval_seconds.map_or(drain.interval, seconds);
    }
    let down = spec
        .autoscaling
        .as_ref()
        .and_then(|a| a.behavior.as_ref()?.scale_down.as_ref());
    let forecast = spec.autoscaling.as_ref().and_then(|a| a.forecast);
    policy.forecast = forecast == Some(Forecast::On);
    policy.scale_down_window = down
        .and_then(|rules| rules.stabilization_window_seconds)
        .map(seconds);
    policy
}

impl Manifests {
    /// Works out what is announced for the time that is played.
    pub fn announce(&mut self, trace: &Trace) {
        let end = trace.span().on_calendar(trace.start);
        for service in &mut self.services {
            let (namespace, name) = service
                .name
                .split_once('/')
                .unwrap_or(("default", &service.name));
            let key = ObjectKey {
                namespace: namespace.into(),
                name: name.into(),
            };
            let mut problems = Vec::new();
            let mut at = trace.start;
            // The operator tells the windows of a day.
            while at < end {
                let found = schedule::windows(
                    &Kept::default(),
                    &key,
                    service.autoscaling.as_ref(),
                    at,
                    &mut problems,
                );
                service.windows.extend(found);
                at = at
                    .saturating_add(SignedDuration::from_hours(24))
                    .unwrap_or(Timestamp::MAX);
            }
            service
                .windows
                .sort_by_key(|window| (window.start, window.end, window.name.clone()));
            service.windows.dedup();
            let mut said: Vec<_> = problems
                .iter()
                .map(|problem| format!("{}: {problem}.", service.name))
                .collect();
            said.sort();
            said.dedup();
            self.notes.extend(said);
        }
    }
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
            policy: policy(spec),
            autoscaling: None,
            windows: Vec::new(),
        }));
    };
    let Some(load) = &autoscaling.load else {
        notes.push(format!("{name} is left out: it follows metrics, and only spec.autoscaling.load says what one replica serves."));
        return Ok(None);
    };
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
        policy: policy(spec),
        autoscaling: Some(autoscaling.clone()),
        windows: Vec::new(),
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
