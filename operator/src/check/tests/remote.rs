//! Sites in other clusters: whether they count as reachable, what of them is room, whose things are
//! there, and what stands against more.

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

#[test]
fn its_nodes_are_room_and_nobody_elses() {
    let mut w = World::new();
    w.pod(pod("other", "x", "x", None, Some("r1")));
    let site = w.site();
    assert_eq!((site.nodes.len(), site.open), (2, true));
    assert_eq!(site.nodes[0].used.millicores, 500);
    assert_eq!(site.kind, SiteKind::Cloud);
    // A node of the hub that has the same name is another node.
    w.0.pod(pod("other", "y", "x", None, Some("r1")));
    assert_eq!(w.site().nodes[0].used.millicores, 500);
    assert_eq!(w.subject().status_now.nodes, 2);
    assert_eq!(w.subject().status_now.cluster, Some(cluster(ABROAD)));
    // Nothing of it is in the guard's inventory, whatever its nodes are called.
    assert!(!w.0.check().sovereign.want.nodes.contains_key("r1"));
}

#[test]
fn tainted_and_unready_nodes_are_no_room_and_cordoned_ones_are_use() {
    let mut w = World::new();
    let mut tainted = node("r2", "home");
    set(
        &mut tainted,
        "spec.taints",
        json!([{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]),
    );
    w.view().apply_node(wire::<NodeWire>(tainted).into());
    assert_eq!(w.site().nodes.len(), 1);
    let mut cordoned = node("r2", "home");
    set(
        &mut cordoned,
        "spec.taints",
        json!([{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]),
    );
    set(&mut cordoned, "spec.unschedulable", json!(true));
    w.view().apply_node(wire::<NodeWire>(cordoned).into());
    assert_eq!(w.site().nodes.iter().filter(|n| n.schedulable).count(), 1);
    w.view().replace_nodes(vec![]);
    assert_eq!(w.0.site_reasons("abroad"), ["NoRemoteNodes"]);
    assert!(!w.site().open);
}

#[test]
fn without_its_guard_nothing_new_goes_there() {
    let mut w = World::new();
    w.view().guard = GuardFacts::Unknown;
    assert!(!w.site().open && w.0.site_reasons("abroad").is_empty());
    w.view().guard = GuardFacts::Missing {
        reason: "GuardForbidden",
        why: "may not".into(),
    };
    assert!(!w.site().open);
    assert_eq!(w.0.site_reasons("abroad"), ["GuardForbidden"]);
    assert_eq!(w.site().reach, Reach::Reachable);
    assert!(w.0.check().world.workloads.contains_key(&id("shop", "web")));
}

#[test]
fn a_site_that_is_down_keeps_what_is_known_and_since_when() {
    let mut w = World::new();
    w.deployment(made(4));
    w.down(100, unreachable());
    let site = w.site();
    assert_eq!(site.reach, Reach::Unreachable { since: ago(100) });
    assert_eq!(site.grace, SignedDuration::from_secs(300));
    assert_eq!((site.nodes.len(), w.leg().spec.get()), (2, 4));
    // A clock that ran backwards: not from the future.
    w.down(-50, unreachable());
    assert_eq!(w.site().reach, Reach::Unreachable { since: now() });
}

#[test]
fn a_restart_does_not_begin_the_grace_anew() {
    let mut w = World::new();
    let mut site = remote_site("abroad");
    site["status"] = json!({"nodes": 2, "allocatable": {"cpu": "8", "memory": "16Gi"}, "cluster": cluster(ABROAD),
        "conditions": [{"type": "Reachable", "status": "False", "reason": "Unreachable", "message": "", "lastTransitionTime": "2026-11-20T11:00:00Z"}]});
    w.0.site(site);
    // Freshly started: it is only being looked for.
    w.0.0
        .clusters
        .insert("abroad".into(), ClusterView::new(ago(2)));
    assert_eq!(w.site().reach, Reach::Unreachable { since: ago(2) });
    // Found to be down still.
    w.down(1, unreachable());
    assert_eq!(w.site().reach, Reach::Unreachable { since: ago(3600) });
    let status = w.subject().status_now;
    assert_eq!((status.nodes, status.cluster), (2, Some(cluster(ABROAD))));
}

#[test]
fn before_it_was_seen_counts_are_those_that_status_remembers() {
    let mut w = World::new();
    w.0.0
        .clusters
        .insert("abroad".into(), ClusterView::new(ago(2)));
    let mut web = web();
    web["spec"]["placement"]["tiers"][1]["sites"] = json!(["abroad"]);
    web["status"] = json!({"replicas": 7, "sites": [{"name": "home", "desired": 3, "ready": 3}, {"name": "abroad", "desired": 4, "ready": 3}]});
    w.0.workload(web);
    let leg = w.leg();
    assert_eq!((leg.spec.get(), leg.ready.get()), (4, 3));
    assert!(!w.remote().empty, "nobody knows yet");
}

#[test]
fn our_deployment_and_its_pods_are_the_leg() {
    let mut w = World::new();
    w.deployment(made(4));
    w.pod(pod("shop", "a", "web", Some("abroad"), Some("r1")));
    w.pod(pod("shop", "b", "web", Some("abroad"), None));
    // Somebody else's pods with the same labels are not ours.
    w.pod(pod("shop", "c", "web", None, Some("r1")));
    let leg = w.leg();
    assert_eq!(
        (
            leg.spec.get(),
            leg.ready.get(),
            leg.bound.get(),
            leg.pending.get()
        ),
        (4, 1, 1, 1)
    );
    let remote = w.remote();
    let found = remote.deployment.unwrap();
    assert_eq!(
        (found.owner, found.digest.as_str(), found.carried.as_str()),
        (Ownership::Ours, "digest", "c1")
    );
    assert!(!remote.empty && w.refused().is_none());
    assert_eq!(w.0.web().legs[&SiteName::new("home")].spec.get(), 3);
}

#[test]
fn what_cannot_be_made_there_counts_as_pending() {
    let mut w = World::new();
    let mut d = made(4);
    d["status"]["conditions"] = json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "lastTransitionTime": "2026-11-20T11:58:00Z"}]);
    w.deployment(d);
    w.pod(pod("shop", "a", "web", Some("abroad"), Some("r1")));
    let leg = w.leg();
    assert_eq!(
        (leg.bound.get(), leg.pending.get(), leg.unmade.get()),
        (1, 3, 3)
    );
    assert_eq!(leg.pending_since, Some(ago(120)));
}

#[test]
fn somebody_elses_deployment_is_never_ours() {
    let strangers = [
        (
            "annotations",
            "pinisi.dev/hub",
            json!("another hub"),
            "another hub",
        ),
        ("annotations", "pinisi.dev/hub", Value::Null, "hub"),
        (
            "annotations",
            "pinisi.dev/workload",
            json!("other"),
            "HybridWorkload other",
        ),
        (
            "labels",
            "pinisi.dev/site",
            json!("elsewhere"),
            "Site elsewhere",
        ),
    ];
    for (part, key, value, who) in strangers {
        let mut w = World::new();
        let mut d = made(9);
        let marks = d["metadata"][part].as_object_mut().unwrap();
        match value {
            Value::Null => drop(marks.remove(key)),
            value => drop(marks.insert(key.into(), value)),
        }
        w.deployment(d);
        w.pod(pod("shop", "a", "web", Some("abroad"), Some("r1")));
        let owner = w.remote().deployment.unwrap().owner;
        assert!(
            matches!(&owner, Ownership::Foreign(name) if name.contains(who)),
            "{owner:?}"
        );
        assert_eq!(w.refused(), Some(RefusalKind::DeploymentForeign));
        assert_eq!(w.leg(), Leg::default(), "nothing of it is counted");
    }
}

#[test]
fn without_the_hubs_own_uid_nothing_is_ours() {
    let mut w = World::new();
    w.0.0.hub = None;
    w.deployment(made(4));
    assert_eq!(w.refused(), Some(RefusalKind::DeploymentForeign));
}

#[test]
fn namespaces_there_are_ours_lawful_or_not() {
    let of = |meta: Value| {
        let mut w = World::new();
        let mut meta = meta;
        meta["name"] = json!("shop");
        w.namespace(json!({"metadata": meta}));
        (w.remote().namespace, w.refused())
    };
    let managed =
        json!({"app.kubernetes.io/managed-by": "pinisi", "pinisi.dev/class": "MassTraffic"});
    let (state, refused) = of(json!({"labels": managed, "annotations": {"pinisi.dev/hub": HUB}}));
    assert_eq!((state, refused), (RemoteNamespace::Ours, None));
    let (state, refused) = of(json!({"labels": {"pinisi.dev/class": "MassTraffic"}}));
    assert_eq!((state, refused), (RemoteNamespace::Lawful, None));
    let (state, refused) = of(json!({"labels": {"pinisi.dev/class": "Sensitive"}}));
    assert_eq!(
        (state, refused),
        (
            RemoteNamespace::Sensitive,
            Some(RefusalKind::NamespaceSensitive)
        )
    );
    let (_, refused) = of(json!({"labels": {"pinisi.dev/class": "Other"}}));
    assert_eq!(refused, Some(RefusalKind::NamespaceForeign));
    let (_, refused) = of(json!({"labels": managed, "annotations": {"pinisi.dev/hub": "another"}}));
    assert_eq!(refused, Some(RefusalKind::NamespaceForeign));
    let (_, refused) = of(json!({"deletionTimestamp": "2026-11-20T11:00:00Z"}));
    assert_eq!(refused, Some(RefusalKind::NamespaceTerminating));
}

#[test]
fn a_namespace_is_made_only_where_the_site_says_so() {
    let mut w = World::new();
    w.view().delete_namespace("shop");
    assert_eq!(w.refused(), Some(RefusalKind::NamespaceMissing));
    let why = w.0.web().refused[&abroad()].text.clone();
    assert!(
        why.contains("shop") && why.contains("spec.createNamespaces: true"),
        "{why}"
    );
    let mut site = remote_site("abroad");
    site["spec"]["createNamespaces"] = json!(true);
    w.0.site(site);
    assert_eq!(
        (w.remote().namespace, w.refused()),
        (RemoteNamespace::Missing, None)
    );
}

#[test]
fn of_each_resource_the_tightest_quota_that_applies_counts() {
    let room = |spec: Value, used: Value| {
        let mut w = World::new();
        w.quota("q", spec, used);
        w.quota_room()
    };
    assert_eq!(
        room(
            json!({"hard": {"requests.cpu": "4", "cpu": "3500m", "pods": "100"}}),
            json!({"requests.cpu": "1", "cpu": "1"})
        ),
        [(Pods, 100), (Cpu, 2500)]
    );
    assert_eq!(
        room(json!({"hard": {"pods": "3"}}), json!({"pods": "5"})),
        [(Pods, 0)]
    );
    assert_eq!(
        room(
            json!({"hard": {"memory": "1Gi", "limits.cpu": "2"}}),
            json!({})
        ),
        [(Memory, 1 << 30), (CpuLimits, 2000)]
    );
    for left_out in [
        json!({"hard": {"secrets": "1"}}),
        json!({"hard": {"pods": "0"}, "scopes": ["BestEffort"]}),
        json!({"hard": {"pods": "0"}, "scopeSelector": {"matchExpressions": []}}),
        json!({"hard": {"pods": "nonsense"}}),
    ] {
        assert_eq!(room(left_out, json!({})), []);
    }
    let scoped = json!({"hard": {"pods": "1"}, "scopes": ["NotTerminating"]});
    assert_eq!(room(scoped, json!({})), [(Pods, 1)]);

    let mut w = World::new();
    w.quota("a", json!({"hard": {"pods": "7"}}), json!({}));
    w.quota("b", json!({"hard": {"pods": "9"}}), json!({"pods": "4"}));
    assert_eq!(w.quota_room(), [(Pods, 5)]);
    assert_eq!(w.site().quotas["shop"][&Pods].quota, "b");
}

#[test]
fn a_preflight_that_failed_stands_until_something_changes() {
    let mut w = World::new();
    let about = w.remote().about;
    assert_eq!(
        (about.cluster.as_str(), about.namespace, about.guarded),
        (ABROAD, "Lawful", true)
    );
    let refusal = Refusal {
        kind: RefusalKind::ServiceAccountMissing,
        object: "ServiceAccount shop/web".into(),
        text: "there is no ServiceAccount web there".into(),
    };
    let refuse = |w: &mut World, about: Circumstances| {
        let (id, refusal) = (id("shop", "web"), refusal.clone());
        w.0.1.refused(id, abroad(), refusal, about, ago(61));
    };
    refuse(&mut w, about);
    assert_eq!(w.refused(), Some(RefusalKind::ServiceAccountMissing));
    assert!(w.remote().standing.is_some_and(|s| s.due));
    // The target rolls out another template.
    let mut d = deployment("shop", "web", 3);
    d["spec"]["template"]["spec"]["serviceAccountName"] = json!("other");
    w.0.deployment(d);
    assert_eq!(w.refused(), None);
    let about = w.remote().about;
    refuse(&mut w, about);
    w.namespace(json!({"metadata": {"name": "shop", "labels": {"app.kubernetes.io/managed-by": "pinisi"}, "annotations": {"pinisi.dev/hub": HUB}}}));
    assert_eq!(w.refused(), None, "the namespace is another one by now");
}

#[test]
fn carry_is_read_once_each_and_never_by_sensitive() {
    let mut w = World::new();
    let mut web = web();
    web["spec"]["placement"]["tiers"][1]["sites"] = json!(["abroad"]);
    web["spec"]["carry"] = json!([{"kind": "Secret", "name": "s"}, {"kind": "ConfigMap", "name": "c"}, {"kind": "Secret", "name": "s"}]);
    w.0.workload(web);
    let carry = w.0.check().workloads[&id("shop", "web")].carry.clone();
    let names: Vec<_> = carry.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["c", "s"]);
    assert_eq!(w.remote().about.carry, carry);
    let mut records = records();
    records["spec"]["carry"] = json!([{"kind": "Secret", "name": "s"}]);
    w.0.deployment(deployment("health", "records", 2));
    w.0.workload(records);
    assert_eq!(w.0.reasons("health", "records"), ["ValueOutOfRange"]);
    let subject = &w.0.check().workloads[&id("health", "records")];
    assert!(subject.carry.is_empty());
}

#[test]
fn another_cluster_is_never_home_and_never_sovereign() {
    let mut w = World::new();
    let mut web = web();
    web["spec"]["placement"]["tiers"] = json!([{"sites": ["abroad"]}, {"sites": ["home"]}]);
    w.0.workload(web);
    w.0.web_is_refused("HomeInAnotherCluster", &["tiers[0].sites[0]", "abroad"]);
    let mut claims = remote_site("abroad");
    claims["spec"]["type"] = json!("OnPrem");
    w.0.site(claims);
    assert_eq!(w.0.site_reasons("abroad"), ["RemoteNotSovereign"]);
    assert_eq!(w.site().kind, SiteKind::Cloud);
    let mut records = records();
    records["spec"]["placement"] = json!({"tiers": [{"sites": ["abroad"]}]});
    w.0.deployment(deployment("health", "records", 2));
    w.0.workload(records);
    assert_eq!(w.0.reasons("health", "records"), ["SiteNotSovereign"]);
    let checked = w.0.check();
    assert!(
        checked.workloads[&id("health", "records")]
            .remotes
            .is_empty()
    );
}

#[test]
fn both_ways_to_say_where_it_is_are_one_too_many() {
    let mut w = World::new();
    let mut both = remote_site("abroad");
    both["spec"]["nodes"] = json!({"matchLabels": {"a": "b"}});
    w.0.site(both);
    assert!(w.0.site_reasons("abroad").contains(&"ConnectionUnclear"));
    let mut none = remote_site("abroad");
    set(&mut none, "spec.kubeconfigSecretRef", Value::Null);
    w.0.site(none);
    assert!(w.0.site_reasons("abroad").contains(&"ConnectionUnclear"));
    assert!(!w.site().open);
}

#[test]
fn one_cluster_in_two_sites_stalls_both() {
    let mut w = World::new();
    w.0.site(remote_site("again"));
    w.0.0.clusters.insert("again".into(), view(ABROAD));
    for (name, other) in [("abroad", "again"), ("again", "abroad")] {
        let checked = w.0.check();
        let subject = &checked.sites[&SiteName::new(name)];
        let problem = subject.problems.iter().find(|p| p.blocks()).unwrap();
        assert!(matches!(problem, Problem::SharedCluster { .. }));
        assert!(problem.to_string().contains(other));
        assert!(!checked.world.sites[&SiteName::new(name)].open);
    }
}

#[test]
fn a_grace_out_of_bounds_is_said_and_the_usual_one_holds() {
    for seconds in [0, 29, -1, 86_401, i32::MAX] {
        let mut w = World::new();
        let mut site = remote_site("abroad");
        site["spec"]["unreachableGraceSeconds"] = json!(seconds);
        w.0.site(site);
        assert_eq!(w.0.site_reasons("abroad"), ["ValueOutOfRange"]);
        assert_eq!(w.site().grace, SignedDuration::from_secs(300));
    }
}

#[test]
fn a_deployment_left_at_a_site_that_is_no_longer_named_is_still_a_leg() {
    let mut w = World::new();
    w.deployment(made(4));
    let mut web = web();
    web["spec"]["placement"]["tiers"] = json!([{"sites": ["home"]}]);
    w.0.workload(web);
    assert_eq!(w.leg().spec.get(), 4);
    assert!(w.remote().deployment.is_some());
    assert_eq!(w.refused(), None);
}

#[test]
fn warnings_are_said_and_do_not_close_it() {
    let mut w = World::new();
    w.view().warnings.push(LinkFault::KindMissing {
        kind: "ResourceQuota",
    });
    assert_eq!(w.0.site_reasons("abroad"), ["KindMissing"]);
    assert!(w.site().open);
    let Connection::Remote(remote) = w.subject().connection else {
        panic!();
    };
    assert_eq!(remote.age, Some(SignedDuration::ZERO));
}
