//! Sites in other clusters: a world with one of them, for the tests that each look at one thing of it.

mod legs;
mod namespace;
mod refused;
mod site;

use super::build::*;
use crate::check::problem::Problem;
use crate::checked::{Connection, Ownership, RemoteNamespace, SiteSubject};
use crate::gather::cluster::{ClusterView, GuardFacts};
use crate::gather::link::{Link, LinkFault};
use crate::gather::wire::{NamespaceWire, NodeWire, PodWire, QuotaWire};
use crate::gather::wire_scalable::DeploymentWire;
use crate::refusals::Circumstances;
use jiff::{SignedDuration, Timestamp};
use pinisi_crds::site::ClusterIdentity;
use pinisi_planner::model::quota::QuotaResource::{self, Cpu, CpuLimits, Memory, Pods};
use pinisi_planner::model::refusal::{Refusal, RefusalKind};
use pinisi_planner::model::site::{Reach, Site, SiteKind, SiteName};
use pinisi_planner::model::workload::Leg;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const HUB: &str = "uid-of-the-hub";
const ABROAD: &str = "uid-of-abroad";

fn wire<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn cluster(uid: &str) -> ClusterIdentity {
    ClusterIdentity {
        uid: uid.into(),
        version: "v1.34.4".into(),
    }
}

pub(super) fn remote_site(name: &str) -> Value {
    json!({"metadata": {"name": name, "uid": format!("u-{name}"), "generation": 1},
        "spec": {"type": "Cloud", "jurisdiction": "SG", "allowedNamespaces": {}, "kubeconfigSecretRef": {"name": name}}})
}

/// As the hub's Deployment is made there by us.
pub(super) fn made(replicas: i32) -> Value {
    let mut d = deployment("shop", "web", replicas);
    d["metadata"]["labels"] =
        json!({"pinisi.dev/site": "abroad", "app.kubernetes.io/managed-by": "pinisi"});
    d["metadata"]["annotations"] = json!({"pinisi.dev/workload": "web", "pinisi.dev/template": "digest",
        "pinisi.dev/hub": HUB, "pinisi.dev/carried": "c1"});
    d
}

/// A home, and a Site `abroad` that is up, guarded, and holds two nodes; `shop/web` may go there.
struct World(Cluster);

impl World {
    fn new() -> Self {
        let mut c = Cluster::new();
        c.0.hub = Some(cluster(HUB));
        c.deployment(deployment("shop", "web", 3));
        let mut web = web();
        web["spec"]["placement"]["tiers"][1]["sites"] = json!(["abroad"]);
        c.workload(web);
        c.site(remote_site("abroad"));
        c.0.clusters.insert("abroad".into(), view(ABROAD));
        Self(c)
    }

    fn view(&mut self) -> &mut ClusterView {
        self.0.0.clusters.get_mut("abroad").unwrap()
    }

    fn deployment(&mut self, value: Value) {
        let facts = wire::<DeploymentWire>(value).into();
        self.view().apply_deployment(facts);
    }

    fn namespace(&mut self, value: Value) {
        let facts = wire::<NamespaceWire>(value).into();
        self.view().apply_namespace("shop".into(), facts);
    }

    fn pod(&mut self, value: Value) {
        let facts = wire::<PodWire>(value).into();
        self.view().apply_pod(facts);
    }

    fn quota(&mut self, name: &str, spec: Value, used: Value) {
        let quota = json!({"metadata": {"name": name, "namespace": "shop"}, "spec": spec, "status": {"used": used}});
        let facts = wire::<QuotaWire>(quota).into();
        self.view().apply_quota(facts);
    }

    fn quota_room(&self) -> Vec<(QuotaResource, u64)> {
        let quotas = self.site().quotas;
        let room = quotas.get("shop").into_iter().flatten();
        room.map(|(resource, left)| (*resource, left.left))
            .collect()
    }

    fn down(&mut self, second: i64, fault: LinkFault) {
        self.view().link = Link::Down {
            since: ago(second),
            fault,
        };
    }

    fn site(&self) -> Site {
        self.0.check().world.sites[&abroad()].clone()
    }

    fn subject(&self) -> SiteSubject {
        self.0.check().sites[&abroad()].clone()
    }

    fn leg(&self) -> Leg {
        self.0
            .web()
            .legs
            .get(&abroad())
            .cloned()
            .unwrap_or_default()
    }

    fn refused(&self) -> Option<RefusalKind> {
        self.0.web().refused.get(&abroad()).map(|r| r.kind)
    }

    fn remote(&self) -> crate::checked::RemoteLeg {
        self.0.check().workloads[&id("shop", "web")].remotes[&abroad()].clone()
    }
}

fn view(uid: &str) -> ClusterView {
    let mut view = ClusterView::new(ago(1000));
    view.identity = Some(cluster(uid));
    view.link = Link::Up;
    view.seen = true;
    view.guard = GuardFacts::InForce;
    for name in ["r1", "r2"] {
        let mut node = node(name, "home");
        set(&mut node, "spec.taints", json!([]));
        view.apply_node(wire::<NodeWire>(node).into());
    }
    let lawful = json!({"metadata": {"name": "shop", "uid": "n"}});
    view.apply_namespace("shop".into(), wire::<NamespaceWire>(lawful).into());
    view
}

/// Adds the Site `abroad` with its cluster, which holds a Deployment of ours.
pub(super) fn add_abroad(c: &mut Cluster) {
    c.0.hub = Some(cluster(HUB));
    c.site(remote_site("abroad"));
    let mut view = view(ABROAD);
    view.apply_deployment(wire::<DeploymentWire>(made(4)).into());
    c.0.clusters.insert("abroad".into(), view);
}

fn abroad() -> SiteName {
    SiteName::new("abroad")
}

fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

fn unreachable() -> LinkFault {
    LinkFault::Unreachable {
        error: "refused".into(),
    }
}
