//! What a plan made here has to take for granted, since only the operator sees it: loads, how they have
//! grown, other clusters; and without a cluster, nodes. Each is said.

use super::args::SaidLoad;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use pinisi_crds::SiteStatus;
use pinisi_crds::names::SITE_LABEL;
use pinisi_crds::quantity::{millis, units};
use pinisi_crds::site::SiteType;
use pinisi_crds::sovereign_nodes::NodeIdentity;
use pinisi_operator::checked::{Checked, Connection};
use pinisi_operator::gather::facts::ObjectKey;
use pinisi_operator::gather::index::Index;
use pinisi_operator::gather::samples::{Figures, QueryAnswer, Sample};
use pinisi_operator::gather::wire::NodeWire;
use pinisi_planner::memory::Memory;
use pinisi_planner::model::amounts::{MilliLoad, Percent, Replicas, Resources};
use pinisi_planner::model::site::{Node, Reach};
use pinisi_planner::model::workload::{Demand, LoadDemand, Workload};
use pinisi_planner::{Reason, WorkloadId, World};
use serde_json::json;
use std::collections::BTreeMap;

/// Since when a load counts as having been as it is: longer than any window that holds replicas.
const LONG: SignedDuration = SignedDuration::from_hours(24);
/// What a Site without a limit holds where no cluster is asked.
const AMPLE: (&str, &str) = ("100000", "512Ti");

/// A load, and the headroom that the operator has kept above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    signal: MilliLoad,
    headroom: Percent,
}

/// The loads of workloads that follow one, as they are known, or said.
#[derive(Debug, Default)]
pub struct Loads(BTreeMap<WorkloadId, Load>);

impl Loads {
    /// Puts the load of every workload into the answers of its source, and remembers it.
    pub fn fill(&mut self, index: &mut Index, said: &[SaidLoad], now: Timestamp) {
        let mut answers: BTreeMap<(String, String), Figures> = BTreeMap::new();
        for (key, facts) in &index.workloads {
            let Some(signal) = facts
                .spec
                .as_ref()
                .ok()
                .and_then(|spec| Some(&spec.autoscaling.as_ref()?.load.as_ref()?.signal))
            else {
                continue;
            };
            let decided = facts
                .status
                .decision
                .iter()
                .flat_map(|decision| &decision.reasons);
            let mut reasons =
                decided.filter_map(|said| serde_json::from_value(said.data.clone()).ok());
            let seen = reasons.find_map(|reason| seen(&reason));
            let said = said
                .iter()
                .find(|said| said.namespace == key.namespace && said.name == key.name);
            let load = match (seen, said) {
                (Some(seen), Some(said)) => Load {
                    signal: said.load,
                    ..seen
                },
                (None, Some(said)) => Load {
                    signal: said.load,
                    headroom: Percent::default(),
                },
                (Some(seen), None) => seen,
                (None, None) => continue,
            };
            self.0.insert(id(key), load);
            let sample = Sample {
                text: load.signal.to_string().into(),
                at: Some(now),
                ambiguous: false,
            };
            let figures = answers
                .entry((signal.source.clone(), signal.query.clone()))
                .or_default();
            figures
                .entry(key.namespace.clone())
                .or_default()
                .insert(key.name.clone(), sample);
        }
        let mut by_source: BTreeMap<String, BTreeMap<String, QueryAnswer>> = BTreeMap::new();
        for ((source, query), figures) in answers {
            let mut answer = QueryAnswer::default();
            answer.good(figures, now);
            by_source.entry(source).or_default().insert(query, answer);
        }
        for (source, answers) in by_source {
            // Without its source a workload has no signal, and the plan says so.
            index.apply_answers(&source, answers);
        }
    }

    /// What is taken for granted of them.
    pub fn assumptions(&self, world: &World) -> Vec<String> {
        let follows = world
            .workloads
            .iter()
            .filter(|(_, workload)| load_of(&workload.demand).is_some());
        let line = |(id, _): (&WorkloadId, &Workload)| match self.0.get(id) {
            Some(Load { signal, headroom }) => {
                let kept = match headroom.get() {
                    0 => String::new(),
                    percent => {
                        format!(", with at least {percent} % above it, as the operator has learnt")
                    }
                };
                format!("{id}: load {signal}, as it has been for a while{kept}.")
            }
            None => format!("{id}: no load is known; say one with --load {id}=LOAD."),
        };
        follows.map(line).collect()
    }

    /// Brings a checked world and what is remembered of it to what is taken for granted.
    pub fn settle(&self, world: &mut World, memory: &mut Memory, now: Timestamp) -> Vec<String> {
        let mut said = Vec::new();
        for (id, workload) in &mut world.workloads {
            let remembered = memory.workloads.entry(id.clone()).or_default();
            let statistics = &mut remembered.statistics;
            statistics.since = Some(now.checked_sub(LONG).unwrap_or(Timestamp::MIN));
            statistics.needs = [(now, Replicas::ZERO)].into();
            if let (Some(load), Some(known)) = (load_of_mut(&mut workload.demand), self.0.get(id)) {
                load.headroom = load.headroom.max(known.headroom);
            }
            if let Demand::Metrics(demand) = &workload.demand {
                let present = workload.legs.values().map(|leg| leg.spec).sum();
                let total = remembered.decisions.total.unwrap_or(present);
                let kept = total.max(demand.min).min(demand.max);
                workload.demand = Demand::Fixed(kept);
                said.push(format!("{id}: its metrics are not asked here; its total is kept as it is, within its bounds: {kept}."));
            }
        }
        said
    }
}

/// The load behind a decision, and the headroom kept above it.
fn seen(reason: &Reason) -> Option<Load> {
    let Reason::Load {
        signal,
        load,
        rising,
        ..
    } = reason
    else {
        return None;
    };
    let above = load.0.saturating_sub(signal.0).saturating_mul(100);
    let percent = above.checked_div(signal.0).filter(|_| !rising).unwrap_or(0);
    let headroom = Percent::new(i32::try_from(percent).unwrap_or(i32::MAX));
    Some(Load {
        signal: *signal,
        headroom,
    })
}

fn load_of(demand: &Demand) -> Option<&LoadDemand> {
    match demand {
        Demand::Load(load) => Some(load),
        Demand::Metrics(metrics) => metrics.load.as_ref(),
        Demand::Untouched | Demand::Fixed(_) => None,
    }
}

fn load_of_mut(demand: &mut Demand) -> Option<&mut LoadDemand> {
    match demand {
        Demand::Load(load) => Some(load),
        Demand::Metrics(metrics) => metrics.load.as_mut(),
        Demand::Untouched | Demand::Fixed(_) => None,
    }
}

fn id(key: &ObjectKey) -> WorkloadId {
    WorkloadId {
        namespace: key.namespace.as_str().into(),
        name: key.name.as_str().into(),
    }
}

/// Sites that are other clusters, as their status saw them last: one node as large as all of theirs, on
/// which there is nothing but what Pinisi placed.
pub fn other_clusters(checked: &mut Checked, offline: bool) -> Vec<String> {
    let mut said = Vec::new();
    for (name, subject) in &checked.sites {
        let Connection::Remote(_) = &subject.connection else {
            continue;
        };
        let Some(site) = checked.world.sites.get_mut(name) else {
            continue;
        };
        if subject
            .problems
            .iter()
            .any(pinisi_operator::check::problem::Problem::blocks)
        {
            continue;
        }
        let failing = |c: &&Condition| c.type_ == "Reachable" && c.status == "False";
        if let Some(condition) = subject.status.conditions.iter().find(failing) {
            said.push(format!(
                "Site {name} does not answer the operator: {}.",
                condition.message
            ));
            continue;
        }
        let Some(allocatable) = allocatable(&subject.status, offline) else {
            said.push(format!(
                "Site {name} is another cluster that nobody has seen yet: nothing is placed there."
            ));
            continue;
        };
        let held = checked.world.workloads.values().filter_map(|workload| {
            let leg = workload.legs.get(name)?;
            Some(workload.request.times(leg.bound.get().into()))
        });
        let used = held.fold(Resources::ZERO, Resources::plus);
        site.reach = Reach::Reachable;
        site.open = true;
        site.nodes = vec![Node {
            name: "all".into(),
            allocatable,
            pod_slots: u32::MAX,
            used,
            used_slots: 0,
            schedulable: true,
            unattested: false,
        }];
        said.push(format!("Site {name} is another cluster, which is not asked: it is taken to hold what its status says, with nothing in it but what Pinisi placed, and to refuse nothing."));
    }
    said
}

fn allocatable(status: &SiteStatus, offline: bool) -> Option<Resources> {
    let (cpu, memory) = match &status.allocatable {
        Some(totals) => (totals.cpu.as_str(), totals.memory.as_str()),
        None if offline => AMPLE,
        None => return None,
    };
    let held = Resources {
        millicores: millis(cpu).ok()?,
        bytes: units(memory).ok()?,
    };
    (held != Resources::ZERO).then_some(held)
}

/// Without a cluster: a node for each Site whose labels no node in the files carries.
pub fn nodes(index: &mut Index) -> Vec<String> {
    let mut said = Vec::new();
    let (mut made, mut vouched) = (Vec::new(), Vec::new());
    for (name, facts) in &index.sites {
        let Some(labels) = facts
            .spec
            .as_ref()
            .ok()
            .and_then(|spec| Some(&spec.nodes.as_ref()?.match_labels))
        else {
            continue;
        };
        let carries = |node: &pinisi_operator::gather::facts::NodeFacts| {
            labels.iter().all(|(k, v)| node.labels.get(k) == Some(v))
        };
        if labels.is_empty() || index.nodes.values().any(carries) {
            continue;
        }
        let spec = facts.spec.as_ref().ok();
        let max = spec.and_then(|spec| spec.capacity.as_ref()?.max.clone());
        let of = |part: Option<k8s_openapi::apimachinery::pkg::api::resource::Quantity>,
                  ample: &str| part.map_or_else(|| ample.to_owned(), |q| q.0);
        let (cpu, memory) = max.map_or((None, None), |max| (max.cpu, max.memory));
        let (cpu, memory) = (of(cpu, AMPLE.0), of(memory, AMPLE.1));
        let away = spec.is_some_and(|spec| spec.type_ != SiteType::OnPrem);
        let planned = format!("planned-{name}");
        let taints = if away {
            json!([{"key": SITE_LABEL, "value": name, "effect": "NoExecute"}])
        } else {
            json!([])
        };
        let attested = if away { "" } else { ", attested" };
        said.push(format!("Site {name} has no node in the files: it is taken to have one of {cpu} CPU and {memory} of memory{attested}, and nothing on it."));
        if !away {
            vouched.push((name.clone(), planned.clone()));
        }
        made.push(json!({
            "metadata": {"name": planned, "uid": planned, "labels": labels},
            "spec": {"taints": taints},
            "status": {
                "allocatable": {"cpu": cpu, "memory": memory, "pods": "100000"}, "nodeInfo": {"machineID": planned},
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        }));
    }
    for node in made {
        // Its words are our own, but for amounts that the Site may have wrong: then it has no node.
        if let Ok(node) = serde_json::from_value::<NodeWire>(node) {
            index.apply_node(node.into());
        }
    }
    for (site, planned) in vouched {
        if let Some(mut facts) = index.sites.get(&site).cloned()
            && let Ok(spec) = &mut facts.spec
        {
            let identity = NodeIdentity {
                uid: planned.clone(),
                provider_id: None,
                machine_id: Some(planned.clone()),
            };
            spec.attested = Some([(planned, identity)].into());
            index.apply_site(facts);
        }
    }
    said
}
