//! All pods of the cluster, with the two things that every plan asks for kept as they come:
//! requests bound to each node, and the pods of a namespace by label.

use super::facts::PodFacts;
use super::shapes::Shapes;
use kube::core::{Selector, SelectorExt as _};
use pinisi_planner::model::amounts::Resources;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// All pods.
#[derive(Debug, Default)]
pub struct PodTable {
    namespaces: HashMap<Arc<str>, NamespacePods>,
    nodes: HashMap<Arc<str>, NodeUse>,
    shapes: Shapes,
}

/// Pods of one namespace.
#[derive(Debug, Default)]
struct NamespacePods {
    pods: BTreeMap<Arc<str>, PodFacts>,
    by_label: HashMap<(String, String), BTreeSet<Arc<str>>>,
}

/// What is bound to a node. Wide enough that sums never wrap, so that taking away is exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct NodeUse {
    millicores: u128,
    bytes: u128,
    slots: u32,
}

impl PodTable {
    /// Puts a pod in place of the one of that name. False where nothing changed.
    pub fn apply(&mut self, mut pod: PodFacts) -> bool {
        pod.shape = self.shapes.shared(pod.shape);
        let old = self
            .namespaces
            .get(&pod.namespace)
            .and_then(|n| n.pods.get(&pod.name));
        if old == Some(&pod) {
            return false;
        }
        let same_labels = old.is_some_and(|o| o.labels == pod.labels);
        if !same_labels {
            self.delete(&pod.namespace.clone(), &pod.name.clone());
        } else if let Some(old) = self
            .namespaces
            .get_mut(&pod.namespace)
            .and_then(|n| n.pods.remove(&pod.name))
        {
            self.take_from_node(&old);
        }
        self.add_to_node(&pod);
        let here = self.namespaces.entry(pod.namespace.clone()).or_default();
        if !same_labels {
            for (key, value) in &pod.labels {
                here.by_label
                    .entry((key.clone(), value.clone()))
                    .or_default()
                    .insert(pod.name.clone());
            }
        }
        here.pods.insert(pod.name.clone(), pod);
        true
    }

    /// Removes a pod. False where there was none.
    pub fn delete(&mut self, namespace: &str, name: &str) -> bool {
        let Some(here) = self.namespaces.get_mut(namespace) else {
            return false;
        };
        let Some(old) = here.pods.remove(name) else {
            return false;
        };
        for (key, value) in &old.labels {
            let label = (key.clone(), value.clone());
            if let Some(names) = here.by_label.get_mut(&label) {
                names.remove(name);
                if names.is_empty() {
                    here.by_label.remove(&label);
                }
            }
        }
        if here.pods.is_empty() {
            self.namespaces.remove(namespace);
        }
        self.take_from_node(&old);
        true
    }

    /// Replaces everything.
    pub fn replace(&mut self, pods: Vec<PodFacts>) {
        *self = Self::default();
        for pod in pods {
            self.apply(pod);
        }
    }

    /// Requests and number of the pods bound to a node that have not finished.
    #[must_use]
    pub fn on_node(&self, node: &str) -> (Resources, u32) {
        let NodeUse {
            millicores,
            bytes,
            slots,
        } = self.nodes.get(node).copied().unwrap_or_default();
        let cut = |n: u128| u64::try_from(n).unwrap_or(u64::MAX);
        (
            Resources {
                millicores: cut(millicores),
                bytes: cut(bytes),
            },
            slots,
        )
    }

    /// Pods of a namespace that a selector matches, by name. `match_labels` are those of the
    /// selector: the rarest of them is looked up, the rest is compared.
    pub fn matching<'a>(
        &'a self,
        namespace: &str,
        selector: &'a Selector,
        match_labels: &BTreeMap<String, String>,
    ) -> impl Iterator<Item = &'a PodFacts> + use<'a> {
        let here = self.namespaces.get(namespace);
        let rarest = here.and_then(|here| {
            match_labels
                .iter()
                .map(|(k, v)| here.by_label.get(&(k.clone(), v.clone())))
                .min_by_key(|names| names.map_or(0, BTreeSet::len))
        });
        let (named, all) = match (here, rarest) {
            (Some(here), Some(names)) => (Some((here, names)), None),
            (Some(here), None) => (None, Some(here)),
            (None, _) => (None, None),
        };
        let named = named.into_iter().flat_map(|(here, names)| {
            names
                .into_iter()
                .flatten()
                .filter_map(|name| here.pods.get(name))
        });
        let all = all.into_iter().flat_map(|here| here.pods.values());
        named.chain(all).filter(|pod| selector.matches(&pod.labels))
    }

    /// All pods of a namespace, by name.
    pub fn of_namespace(&self, namespace: &str) -> impl Iterator<Item = &PodFacts> {
        self.namespaces
            .get(namespace)
            .into_iter()
            .flat_map(|n| n.pods.values())
    }

    /// Number of pods.
    #[must_use]
    pub fn len(&self) -> usize {
        self.namespaces.values().map(|n| n.pods.len()).sum()
    }

    /// True where there is no pod.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.namespaces.is_empty()
    }

    fn add_to_node(&mut self, pod: &PodFacts) {
        let Some(node) = pod.node.as_ref().filter(|_| !pod.finished) else {
            return;
        };
        let here = self.nodes.entry(node.clone()).or_default();
        here.millicores += u128::from(pod.requests.millicores);
        here.bytes += u128::from(pod.requests.bytes);
        here.slots = here.slots.saturating_add(1);
    }

    fn take_from_node(&mut self, pod: &PodFacts) {
        let Some(node) = pod.node.as_ref().filter(|_| !pod.finished) else {
            return;
        };
        let Some(here) = self.nodes.get_mut(node) else {
            return;
        };
        here.millicores = here
            .millicores
            .saturating_sub(u128::from(pod.requests.millicores));
        here.bytes = here.bytes.saturating_sub(u128::from(pod.requests.bytes));
        here.slots = here.slots.saturating_sub(1);
        if here.slots == 0 {
            self.nodes.remove(node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pinisi_planner::hpa::Phase;
    use proptest::prelude::*;

    fn pod((name, labels, node, finished, cpu): (u8, u8, Option<u8>, bool, u64)) -> PodFacts {
        PodFacts {
            namespace: if name.is_multiple_of(2) {
                "a".into()
            } else {
                "b".into()
            },
            name: format!("p{name}").into(),
            uid: "".into(),
            labels: [
                ("app".to_owned(), format!("app{labels}")),
                ("tier".to_owned(), format!("t{}", labels % 2)),
            ]
            .into(),
            node: node.map(|n| format!("n{n}").into()),
            finished,
            ready: false,
            terminating: false,
            requests: Resources {
                millicores: cpu,
                bytes: cpu,
            },
            priority: None,
            created: None,
            phase: Phase::Running,
            scheduled: None,
            started: None,
            readiness: None,
            shape: Arc::default(),
        }
    }

    proptest! {
        /// Whatever comes in whatever order, the kept sums are what a count from scratch gives.
        #[test]
        fn kept_sums_are_true(events in prop::collection::vec((any::<bool>(), (0u8..8, 0u8..4, prop::option::of(0u8..3), any::<bool>(), prop::sample::select(vec![0, 1, 500, u64::MAX]))), 0..60)) {
            let mut table = PodTable::default();
            let mut plain: BTreeMap<(Arc<str>, Arc<str>), PodFacts> = BTreeMap::new();
            for (is_delete, facts) in events {
                let p = pod(facts);
                let key = (p.namespace.clone(), p.name.clone());
                if is_delete {
                    prop_assert_eq!(table.delete(&p.namespace, &p.name), plain.remove(&key).is_some());
                } else {
                    prop_assert_eq!(table.apply(p.clone()), plain.get(&key) != Some(&p));
                    plain.insert(key, p);
                }
            }
            prop_assert_eq!(table.len(), plain.len());
            for n in 0..3u8 {
                let node = format!("n{n}");
                let bound: Vec<_> = plain.values().filter(|p| !p.finished && p.node.as_deref() == Some(node.as_str())).collect();
                let want = bound.iter().fold(Resources::ZERO, |sum, p| sum.plus(p.requests));
                prop_assert_eq!(table.on_node(&node), (want, u32::try_from(bound.len()).unwrap()));
            }
            for app in 0..4u8 {
                let labels: BTreeMap<String, String> = [("app".to_owned(), format!("app{app}"))].into();
                let selector: Selector = labels.clone().into_iter().collect();
                for ns in ["a", "b"] {
                    let found: Vec<_> = table.matching(ns, &selector, &labels).cloned().collect();
                    let want: Vec<_> = plain.values().filter(|p| &*p.namespace == ns && selector.matches(&p.labels)).cloned().collect();
                    prop_assert_eq!(&found, &want);
                    let unhelped: Vec<_> = table.matching(ns, &selector, &BTreeMap::new()).cloned().collect();
                    prop_assert_eq!(&unhelped, &want);
                }
            }
            for key in plain.keys() {
                table.delete(&key.0, &key.1);
            }
            prop_assert!(table.is_empty() && table.nodes.is_empty());
        }
    }
}
