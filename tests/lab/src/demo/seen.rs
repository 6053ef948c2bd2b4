//! What the demo has seen: every pod, where it was, when it was ready. The only
//! source of the demo's counts; nothing the operator says is in here.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::ResourceExt as _;
use kube::runtime::watcher::Event;

use super::room::Amount;
use super::steps::Steps;
use crate::nodes::{SITE_LABEL, SITE_TAINT};

/// The site that is lawful for Sensitive pods, by the demo's own knowledge.
pub const HOME: &str = "home";
/// Label by which the example tells its services apart.
const APP_LABEL: &str = "app";

/// Which cluster something was seen in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cluster {
    /// The one that the operator runs in.
    Hub,
    /// The one in the cloud, where it is apart.
    Cloud,
}

/// Where a pod stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// On a node at home.
    Home,
    /// On any other node, known or not.
    Away,
    /// On no node.
    Nowhere,
}

/// Counts over time of one service's pods at one place.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Ready and not being deleted.
    pub ready: Steps,
    /// Existing and not being deleted.
    pub wanted: Steps,
    /// Existing, those being deleted too.
    pub existing: Steps,
}

#[derive(Debug, Clone)]
pub(super) struct PodFact {
    cluster: Cluster,
    pub(super) namespace: String,
    pub(super) name: String,
    app: String,
    pub(super) node: Option<String>,
    pub(super) place: Place,
    pub(super) ready: bool,
    deleting: bool,
    pub(super) finished: bool,
    pub(super) requests: Amount,
}

#[derive(Debug, Clone)]
pub(super) struct NodeFact {
    cluster: Cluster,
    pub(super) site: String,
    pub(super) holds: Amount,
    pub(super) pods: u32,
}

/// Everything seen so far.
#[derive(Debug)]
pub struct Seen {
    pub(super) sensitive_namespace: String,
    pub(super) nodes: BTreeMap<String, NodeFact>,
    nodes_known: BTreeSet<Cluster>,
    pub(super) pods: HashMap<String, PodFact>,
    pods_known: BTreeSet<Cluster>,
    relisted: BTreeMap<Cluster, BTreeSet<String>>,
    pub(super) counts: BTreeMap<(String, String, Place), Counts>,
    pub(super) sensitive: BTreeSet<String>,
    pub(super) off_lawful: BTreeMap<String, String>,
    siblings: BTreeMap<String, (String, String)>,
    pub(super) most_siblings: usize,
    pub(super) gaps: Vec<String>,
}

impl Seen {
    pub(super) fn new(sensitive_namespace: &str) -> Self {
        Self {
            sensitive_namespace: sensitive_namespace.to_owned(),
            nodes: BTreeMap::new(),
            nodes_known: BTreeSet::new(),
            pods: HashMap::new(),
            pods_known: BTreeSet::new(),
            relisted: BTreeMap::new(),
            counts: BTreeMap::new(),
            sensitive: BTreeSet::new(),
            off_lawful: BTreeMap::new(),
            siblings: BTreeMap::new(),
            most_siblings: 0,
            gaps: Vec::new(),
        }
    }

    pub(super) fn nodes_known(&self, cluster: Cluster) -> bool {
        self.nodes_known.contains(&cluster)
    }

    pub(super) fn pods_known(&self, cluster: Cluster) -> bool {
        self.pods_known.contains(&cluster)
    }

    /// The watch had to begin anew: something may have been missed.
    pub(super) fn gap(&mut self, why: &str) {
        self.gaps
            .push(why.lines().next().unwrap_or_default().to_owned());
    }

    pub(super) fn node(&mut self, cluster: Cluster, event: Event<Node>, _now: i64) {
        match event {
            Event::Apply(node) | Event::InitApply(node) => {
                let site = node.labels().get(SITE_LABEL).cloned().unwrap_or_default();
                let room = node
                    .status
                    .and_then(|status| status.allocatable)
                    .unwrap_or_default();
                let pods = room
                    .get("pods")
                    .and_then(|pods| pods.0.parse().ok())
                    .unwrap_or(0);
                let holds = Amount::of(&room).unwrap_or_default();
                let name = node.metadata.name.unwrap_or_default();
                let fact = NodeFact {
                    cluster,
                    site,
                    holds,
                    pods,
                };
                self.nodes.insert(name, fact);
            }
            Event::Delete(node) => {
                self.nodes.remove(&node.name_any());
            }
            Event::Init => {}
            Event::InitDone => {
                self.nodes_known.insert(cluster);
            }
        }
    }

    pub(super) fn pod(&mut self, cluster: Cluster, event: Event<Pod>, now: i64) {
        match event {
            Event::Apply(pod) => self.apply(cluster, &pod, now),
            Event::InitApply(pod) => {
                let uid = pod.uid().unwrap_or_default();
                self.relisted.entry(cluster).or_default().insert(uid);
                self.apply(cluster, &pod, now);
            }
            Event::Delete(pod) => {
                // Its last state may be news: bound and deleted in one moment.
                self.apply(cluster, &pod, now);
                self.forget(&pod.uid().unwrap_or_default(), now);
            }
            Event::Init => {
                if self.pods_known(cluster) {
                    self.gap("the list of pods was read again");
                }
                self.relisted.remove(&cluster);
            }
            Event::InitDone => {
                let listed = self.relisted.remove(&cluster).unwrap_or_default();
                let gone: Vec<String> = self
                    .pods
                    .iter()
                    .filter(|(uid, pod)| pod.cluster == cluster && !listed.contains(*uid))
                    .map(|(uid, _)| uid.clone())
                    .collect();
                for uid in gone {
                    self.forget(&uid, now);
                }
                self.pods_known.insert(cluster);
            }
        }
    }

    /// Notes a sibling Deployment, by the service it selects and its site.
    pub(super) fn sibling(&mut self, _: Cluster, event: Event<Deployment>, _now: i64) {
        match event {
            Event::Apply(deployment) | Event::InitApply(deployment) => {
                let site = deployment
                    .labels()
                    .get(SITE_TAINT)
                    .cloned()
                    .unwrap_or_default();
                let selects = deployment.spec.selector.match_labels.as_ref();
                let app = selects.and_then(|labels| labels.get(APP_LABEL)).cloned();
                let whose = (app.unwrap_or_default(), site);
                self.siblings
                    .insert(deployment.uid().unwrap_or_default(), whose);
            }
            Event::Delete(deployment) => {
                self.siblings.remove(&deployment.uid().unwrap_or_default());
            }
            Event::Init | Event::InitDone => {}
        }
        let mut each: BTreeMap<&(String, String), usize> = BTreeMap::new();
        for whose in self.siblings.values() {
            *each.entry(whose).or_default() += 1;
        }
        let most = each.into_values().max().unwrap_or(0);
        self.most_siblings = self.most_siblings.max(most);
    }

    fn apply(&mut self, cluster: Cluster, pod: &Pod, now: i64) {
        let uid = pod.uid().unwrap_or_default();
        let fact = self.fact(cluster, pod);
        if fact.namespace == self.sensitive_namespace {
            self.sensitive.insert(uid.clone());
            if fact.place == Place::Away {
                let node = fact.node.as_deref().unwrap_or_default();
                let words = format!("{} on {node}", fact.name);
                self.off_lawful.entry(uid.clone()).or_insert(words);
            }
        }
        let before = self.pods.insert(uid, fact.clone());
        let moved = before.filter(|before| before.key() != fact.key());
        let key = fact.key();
        if let Some(before) = moved {
            self.recount(&before.key(), now);
        }
        self.recount(&key, now);
    }

    fn forget(&mut self, uid: &str, now: i64) {
        if let Some(fact) = self.pods.remove(uid) {
            self.recount(&fact.key(), now);
        }
    }

    fn fact(&self, cluster: Cluster, pod: &Pod) -> PodFact {
        let spec = pod.spec.as_ref();
        let status = pod.status.as_ref();
        let node = spec
            .and_then(|spec| spec.node_name.clone())
            .filter(|node| !node.is_empty());
        let place = match &node {
            None => Place::Nowhere,
            Some(node)
                if self
                    .nodes
                    .get(node)
                    .is_some_and(|node| node.cluster == Cluster::Hub && node.site == HOME) =>
            {
                Place::Home
            }
            Some(_) => Place::Away,
        };
        let conditions = status
            .and_then(|status| status.conditions.as_deref())
            .unwrap_or_default();
        let phase = status.and_then(|status| status.phase.as_deref());
        let deleting = pod.metadata.deletion_timestamp.is_some();
        PodFact {
            cluster,
            namespace: pod.namespace().unwrap_or_default(),
            name: pod.name_any(),
            app: pod.labels().get(APP_LABEL).cloned().unwrap_or_default(),
            node,
            place,
            ready: !deleting
                && conditions
                    .iter()
                    .any(|condition| condition.type_ == "Ready" && condition.status == "True"),
            deleting,
            finished: matches!(phase, Some("Succeeded" | "Failed")),
            requests: spec
                .and_then(|spec| Amount::requested(spec).ok())
                .unwrap_or_default(),
        }
    }

    fn recount(&mut self, key: &(String, String, Place), now: i64) {
        let (mut ready, mut wanted, mut existing) = (0, 0, 0);
        for pod in self.pods.values().filter(|pod| pod.is(key)) {
            existing += 1;
            wanted += u32::from(!pod.deleting);
            ready += u32::from(pod.ready);
        }
        let counts = self.counts.entry(key.clone()).or_default();
        counts.ready.set(now, ready);
        counts.wanted.set(now, wanted);
        counts.existing.set(now, existing);
    }
}

impl PodFact {
    fn key(&self) -> (String, String, Place) {
        (self.namespace.clone(), self.app.clone(), self.place)
    }

    fn is(&self, (namespace, app, place): &(String, String, Place)) -> bool {
        self.place == *place && self.app == *app && self.namespace == *namespace
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen() -> Seen {
        let mut seen = Seen::new("records");
        for (name, site) in [("home-0", "home"), ("cloud-0", "cloud")] {
            let node = json!({"metadata": {"name": name, "labels": {SITE_LABEL: site}},
                "status": {"allocatable": {"cpu": "2", "memory": "4Gi", "pods": "10"}}});
            seen.node(
                Cluster::Hub,
                Event::InitApply(serde_json::from_value(node).unwrap()),
                0,
            );
        }
        seen.node(Cluster::Hub, Event::InitDone, 0);
        seen
    }

    fn pod(uid: &str, namespace: &str, node: Option<&str>, ready: bool) -> Pod {
        let status = if ready { "True" } else { "False" };
        serde_json::from_value(json!({
            "metadata": {"name": uid, "uid": uid, "namespace": namespace, "labels": {"app": "web"}},
            "spec": {"nodeName": node, "containers": [{"name": "c", "resources": {"requests": {"cpu": "500m"}}}]},
            "status": {"conditions": [{"type": "Ready", "status": status}]},
        }))
        .unwrap()
    }

    #[test]
    fn a_sensitive_pod_on_a_wrong_node_for_a_moment_is_remembered() {
        let mut seen = seen();
        seen.pod(
            Cluster::Hub,
            Event::Apply(pod("a", "records", Some("home-0"), true)),
            1,
        );
        seen.pod(
            Cluster::Hub,
            Event::Apply(pod("b", "records", None, false)),
            2,
        );
        assert_eq!((seen.sensitive_pods(), seen.off_lawful().len()), (2, 0));
        seen.pod(
            Cluster::Hub,
            Event::Delete(pod("b", "records", Some("cloud-0"), false)),
            3,
        );
        seen.pod(
            Cluster::Hub,
            Event::Apply(pod("c", "records", Some("unknown"), false)),
            4,
        );
        seen.pod(
            Cluster::Hub,
            Event::Apply(pod("d", "mass", Some("cloud-0"), false)),
            4,
        );
        assert_eq!(seen.sensitive_pods(), 3);
        assert_eq!(seen.off_lawful(), ["b on cloud-0", "c on unknown"]);
    }

    #[test]
    fn counts_follow_pods_from_place_to_place() {
        let mut seen = seen();
        seen.pod(
            Cluster::Hub,
            Event::Apply(pod("a", "mass", None, false)),
            1_000,
        );
        seen.pod(
            Cluster::Hub,
            Event::Apply(pod("a", "mass", Some("cloud-0"), false)),
            2_000,
        );
        seen.pod(
            Cluster::Hub,
            Event::Apply(pod("a", "mass", Some("cloud-0"), true)),
            3_000,
        );
        let mut ending = pod("a", "mass", Some("cloud-0"), true);
        ending.metadata.deletion_timestamp =
            serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap();
        seen.pod(Cluster::Hub, Event::Apply(ending.clone()), 4_000);
        assert_eq!(
            seen.now("mass", Place::Away),
            (0, 1),
            "a terminating pod exists and is not ready"
        );
        seen.pod(Cluster::Hub, Event::Delete(ending), 5_000);
        let away = seen.counts("mass", "web", Place::Away);
        assert_eq!([2_000, 3_000, 4_000].map(|at| away.ready.at(at)), [0, 1, 0]);
        assert!((away.existing.integral(0, 9_000) - 3.0).abs() < 1e-9);
        assert_eq!(
            seen.counts("mass", "web", Place::Nowhere)
                .existing
                .at(1_500),
            1
        );
        assert_eq!(seen.now("mass", Place::Nowhere), (0, 0));
    }

    #[test]
    fn pods_that_went_unseen_are_gone_after_a_relist_and_the_gap_is_told() {
        let mut seen = seen();
        seen.pod(Cluster::Hub, Event::Init, 0);
        seen.pod(
            Cluster::Hub,
            Event::InitApply(pod("a", "mass", Some("home-0"), true)),
            0,
        );
        seen.pod(Cluster::Hub, Event::InitDone, 0);
        assert!(seen.gaps().is_empty());
        seen.pod(Cluster::Hub, Event::Init, 1);
        seen.pod(
            Cluster::Hub,
            Event::InitApply(pod("b", "mass", Some("home-0"), true)),
            1,
        );
        seen.pod(Cluster::Hub, Event::InitDone, 1);
        assert_eq!(seen.now("mass", Place::Home), (1, 1));
        assert_eq!(seen.gaps().len(), 1);
    }

    #[test]
    fn room_at_home_is_beside_everything_but_the_mass_traffic() {
        let mut seen = seen();
        seen.pod(
            Cluster::Hub,
            Event::Apply(pod("a", "records", Some("home-0"), true)),
            1,
        );
        seen.pod(
            Cluster::Hub,
            Event::Apply(pod("b", "mass", Some("home-0"), true)),
            1,
        );
        seen.pod(
            Cluster::Hub,
            Event::Apply(pod("c", "records", Some("cloud-0"), true)),
            1,
        );
        let one = Amount {
            cpu_milli: 500,
            memory: 0,
        };
        assert_eq!(super::super::room::fits(&seen.rooms_beside("mass"), one), 3);
    }

    #[test]
    fn a_second_sibling_is_seen() {
        let mut seen = seen();
        let sibling = |uid: &str, app: &str| {
            let text = json!({"metadata": {"name": uid, "uid": uid, "labels": {SITE_TAINT: "cloud"}},
                "spec": {"selector": {"matchLabels": {"app": app}}, "template": {}}});
            serde_json::from_value::<Deployment>(text).unwrap()
        };
        seen.sibling(Cluster::Hub, Event::Apply(sibling("1", "web")), 0);
        seen.sibling(Cluster::Hub, Event::Apply(sibling("2", "api")), 0);
        assert_eq!(seen.most_siblings(), 1);
        seen.sibling(Cluster::Hub, Event::Apply(sibling("3", "web")), 0);
        seen.sibling(Cluster::Hub, Event::Delete(sibling("3", "web")), 0);
        assert_eq!(seen.most_siblings(), 2);
    }
}
