//! Small builders: a cluster with a home and a cloud site, and one service that may use both.

use crate::check::{check, problem::Problem};
use crate::checked::Checked;
use crate::gather::{
    index::Index,
    samples::{Figures, QueryAnswer, Sample, SignalError},
    services::ServiceWire,
    storage::{ClaimWire, VolumeWire},
    wire::{HpaWire, NamespaceWire, NodeWire, PodWire},
    wire_custom::{
        BudgetWire, DeclassificationWire, PolicyWire, SiteWire, SourceWire, SovereignWire,
        ViolationWire, WorkloadWire,
    },
    wire_scalable::{DeploymentWire, StatefulSetWire},
};
use crate::refusals::Refusals;
use jiff::Timestamp;
use pinisi_planner::{
    WorkloadId,
    model::{site::SiteName, workload::Workload},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub const SITE_LABEL: &str = "node-restriction.kubernetes.io/pinisi-site";

pub fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

pub fn id(namespace: &str, name: &str) -> WorkloadId {
    WorkloadId {
        namespace: namespace.into(),
        name: name.into(),
    }
}

fn wire<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// Sets the value at a dotted path; `null` removes it.
pub fn set(object: &mut Value, path: &str, value: Value) {
    let pointer = format!("/{}", path.replace('.', "/"));
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    let parent = object.pointer_mut(parent).unwrap();
    match (parent, value) {
        (Value::Object(map), Value::Null) => {
            map.remove(last);
        }
        (Value::Array(list), value) => list[last.parse::<usize>().unwrap()] = value,
        (parent, value) => parent[last] = value,
    }
}

/// An index under construction.
pub struct Cluster(pub Index, pub Refusals);

impl Cluster {
    /// Sites `home` (OnPrem, 2 nodes of 4 cores) and `cloud` (Cloud, 2 tainted nodes), namespaces
    /// `shop` (MassTraffic) and `health` (Sensitive), a source `prom` with the query `rps`.
    pub fn new() -> Self {
        let mut c = Self(Index::default(), Refusals::default());
        c.0.claims.replace(vec![]);
        c.0.volumes.replace(vec![]);
        c.0.services.replace(vec![]);
        for n in ["h1", "h2"] {
            c.node(node(n, "home"));
        }
        for n in ["c1", "c2"] {
            c.node(node(n, "cloud"));
        }
        c.site(site("home", "OnPrem"));
        c.site(site("cloud", "Cloud"));
        c.namespace("shop", json!({"pinisi.dev/class": "MassTraffic"}));
        c.namespace("health", json!({"pinisi.dev/class": "Sensitive"}));
        c.source(source());
        c
    }

    /// With the Deployment `shop/web` and the workload on it.
    pub fn with_web() -> Self {
        let mut c = Self::new();
        c.deployment(deployment("shop", "web", 3));
        c.workload(web());
        c
    }

    pub fn site(&mut self, v: Value) {
        self.0.apply_site(wire::<SiteWire>(v).into());
    }
    pub fn workload(&mut self, v: Value) {
        self.0.apply_workload(wire::<WorkloadWire>(v).into());
    }
    pub fn source(&mut self, v: Value) {
        self.0.apply_source(wire::<SourceWire>(v).into());
    }
    pub fn budget(&mut self, v: Value) {
        self.0.apply_budget(wire::<BudgetWire>(v).into());
    }
    pub fn policy(&mut self, v: Value) {
        self.0.apply_policy(wire::<PolicyWire>(v).into());
    }
    pub fn sovereign(&mut self, v: Value) {
        self.0.apply_sovereign(wire::<SovereignWire>(v).into());
    }
    pub fn namespace(&mut self, name: &str, labels: Value) {
        let w: NamespaceWire = wire(json!({"metadata": {"name": name, "labels": labels}}));
        self.0.apply_namespace(name.into(), w.into());
    }
    /// With annotations.
    pub fn namespace_noted(&mut self, name: &str, labels: Value, notes: Value) {
        let metadata = json!({"name": name, "labels": labels, "annotations": notes});
        let w: NamespaceWire = wire(json!({ "metadata": metadata }));
        self.0.apply_namespace(name.into(), w.into());
    }
    pub fn declassification(&mut self, v: Value) {
        self.0
            .apply_declassification(wire::<DeclassificationWire>(v).into());
    }
    pub fn node(&mut self, v: Value) {
        self.0.apply_node(wire::<NodeWire>(v).into());
    }
    pub fn deployment(&mut self, v: Value) {
        self.0.apply_deployment(wire::<DeploymentWire>(v).into());
    }
    pub fn stateful_set(&mut self, v: Value) {
        self.0.apply_stateful_set(wire::<StatefulSetWire>(v).into());
    }
    pub fn hpa(&mut self, v: Value) {
        self.0.apply_hpa(wire::<HpaWire>(v).into());
    }
    pub fn claim(&mut self, v: Value) {
        let (key, facts) = wire::<ClaimWire>(v).into();
        self.0.claims.apply(key, facts);
    }
    pub fn volume(&mut self, v: Value) {
        let (key, facts) = wire::<VolumeWire>(v).into();
        self.0.volumes.apply(key, facts);
    }
    pub fn service(&mut self, v: Value) {
        let (key, facts) = wire::<ServiceWire>(v).into();
        self.0.services.apply(key, facts);
    }
    pub fn violation(&mut self, v: Value) {
        self.0.apply_violation(wire::<ViolationWire>(v).into());
    }
    pub fn pod(&mut self, v: Value) {
        self.0.apply_pod(wire::<PodWire>(v).into());
    }

    /// The source's word on `shop/web`.
    pub fn figure(&mut self, text: &str, at: Option<&str>) {
        let sample = Sample {
            text: text.into(),
            at: at.map(|t| t.parse().unwrap()),
            ambiguous: false,
        };
        self.figures([("shop".to_owned(), [("web".to_owned(), sample)].into())].into());
    }
    pub fn figures(&mut self, figures: Figures) {
        let mut answer = QueryAnswer::default();
        answer.good(figures, now());
        self.0
            .apply_answers("prom", [("rps".to_owned(), answer)].into());
    }
    /// The source fails, after whatever it said before.
    pub fn source_fails(&mut self, error: SignalError) {
        let mut answers = self.0.answers.get("prom").cloned().unwrap_or_default();
        answers.entry("rps".into()).or_default().error = Some(error);
        self.0.apply_answers("prom", answers);
    }

    pub fn check(&self) -> Checked {
        check(&self.0, &self.1, now())
    }
    pub fn web(&self) -> Workload {
        let checked = self.check();
        let id = id("shop", "web");
        checked
            .world
            .workloads
            .get(&id)
            .cloned()
            .unwrap_or_else(|| panic!("not sound: {:?}", checked.workloads[&id].problems))
    }
    /// Reasons of a workload's problems.
    pub fn reasons(&self, namespace: &str, name: &str) -> Vec<&'static str> {
        self.check().workloads[&id(namespace, name)]
            .problems
            .iter()
            .map(Problem::reason)
            .collect()
    }
    /// Reasons of a site's problems.
    pub fn site_reasons(&self, name: &str) -> Vec<&'static str> {
        self.check().sites[&SiteName::new(name)]
            .problems
            .iter()
            .map(Problem::reason)
            .collect()
    }
    /// `shop/web` has exactly this problem, is out of the world, names these words, and nothing else suffers.
    pub fn web_is_refused(&self, reason: &str, words: &[&str]) {
        let checked = self.check();
        let problems = &checked.workloads[&id("shop", "web")].problems;
        let found = problems
            .iter()
            .find(|p| p.reason() == reason)
            .unwrap_or_else(|| panic!("{reason} is not in {problems:?}"));
        let text = found.to_string();
        for word in words {
            assert!(text.contains(word), "{word:?} is not in {text:?}");
        }
        assert!(found.blocks());
        assert!(!checked.world.workloads.contains_key(&id("shop", "web")));
        for (other, subject) in &checked.workloads {
            assert!(
                *other == id("shop", "web")
                    || !subject.problems.iter().any(|p| p.reason() == reason),
                "{other} suffers too"
            );
        }
    }
}

/// A Site whose nodes carry its name; `home`, where it is OnPrem, with its two nodes attested.
pub fn site(name: &str, kind: &str) -> Value {
    let mut site = json!({"metadata": {"name": name, "uid": format!("u-{name}"), "generation": 1},
        "spec": {"type": kind, "jurisdiction": "ID", "allowedNamespaces": {}, "nodes": {"matchLabels": {SITE_LABEL: name}}}});
    if (name, kind) == ("home", "OnPrem") {
        attest(&mut site, &["h1", "h2"]);
    }
    site
}

/// Attests nodes in a Site, as [`node`] makes them.
pub fn attest(site: &mut Value, nodes: &[&str]) {
    for name in nodes {
        site["spec"]["attested"][*name] = attested(name);
    }
}

/// A node as it is attested.
pub fn attested(name: &str) -> Value {
    json!({"uid": format!("u-{name}"), "providerID": format!("kwok://{name}"), "machineID": format!("m-{name}")})
}

pub fn node(name: &str, site: &str) -> Value {
    let taints = if site == "home" {
        json!([])
    } else {
        json!([{"key": "pinisi.dev/site", "value": site, "effect": "NoExecute"}])
    };
    json!({"metadata": {"name": name, "uid": format!("u-{name}"), "labels": {SITE_LABEL: site, "kubernetes.io/hostname": name}},
        "spec": {"taints": taints, "providerID": format!("kwok://{name}")},
        "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}, "nodeInfo": {"machineID": format!("m-{name}")},
            "conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": "True"}]}})
}

pub fn deployment(namespace: &str, name: &str, replicas: i32) -> Value {
    json!({"metadata": {"name": name, "namespace": namespace, "uid": format!("u-{name}"), "generation": 7},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "strategy": {"type": "RollingUpdate"},
            "template": {"metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": "web:1", "resources": {"requests": {"cpu": "500m", "memory": "256Mi"}}}]}}},
        "status": {"observedGeneration": 7, "replicas": replicas, "updatedReplicas": replicas, "readyReplicas": replicas}})
}

pub fn sibling(namespace: &str, workload: &str, site: &str, replicas: i32) -> Value {
    let mut d = deployment(namespace, &format!("{workload}-{site}"), replicas);
    d["metadata"]["labels"] =
        json!({"pinisi.dev/site": site, "app.kubernetes.io/managed-by": "pinisi"});
    d["metadata"]["annotations"] =
        json!({"pinisi.dev/workload": workload, "pinisi.dev/template": "digest"});
    d["spec"]["selector"]["matchLabels"] = json!({"app": workload, "pinisi.dev/site": site});
    d
}

pub fn web() -> Value {
    json!({"metadata": {"name": "web", "namespace": "shop", "uid": "u-hw-web", "generation": 2, "creationTimestamp": "2026-11-01T00:00:00Z"},
        "spec": {"class": "MassTraffic", "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "autoscaling": {"minReplicas": 2, "maxReplicas": 50, "load": {"signal": {"source": "prom", "query": "rps"}, "perReplica": "100"}},
            "placement": {"tiers": [{"sites": ["home"]}, {"sites": ["cloud"]}]}}})
}

pub fn records() -> Value {
    json!({"metadata": {"name": "records", "namespace": "health", "uid": "u-hw-records", "generation": 1, "creationTimestamp": "2026-11-01T00:00:00Z"},
        "spec": {"class": "Sensitive", "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "records"}}})
}

pub fn source() -> Value {
    json!({"metadata": {"name": "prom", "uid": "u-prom", "generation": 1},
        "spec": {"prometheus": {"address": "http://127.0.0.1:9090"}, "queries": [{"name": "rps", "query": "sum by (namespace, workload) (load)"}]}})
}

/// A budget of this month for mass traffic.
pub fn budget() -> Value {
    json!({"metadata": {"name": "shop", "uid": "u-budget", "generation": 1},
        "spec": {"namespaces": {"matchLabels": {"pinisi.dev/class": "MassTraffic"}}, "period": "Month",
            "ceiling": {"currency": "IDR", "amount": "1000.50"}, "mostPerHour": "12"}})
}

pub fn pod(
    namespace: &str,
    name: &str,
    app: &str,
    site: Option<&str>,
    node: Option<&str>,
) -> Value {
    let mut labels = json!({"app": app});
    if let Some(site) = site {
        labels["pinisi.dev/site"] = json!(site);
    }
    let ready = if node.is_some() { "True" } else { "False" };
    json!({"metadata": {"name": name, "namespace": namespace, "uid": format!("u-{name}"), "labels": labels, "creationTimestamp": "2026-11-20T11:59:00Z"},
        "spec": {"nodeName": node, "priority": 10, "containers": [{"name": "main", "resources": {"requests": {"cpu": "500m", "memory": "256Mi"}}}]},
        "status": {"phase": if node.is_some() { "Running" } else { "Pending" }, "conditions": [{"type": "Ready", "status": ready}]}})
}
