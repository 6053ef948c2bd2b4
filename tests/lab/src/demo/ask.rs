//! Questions to what was seen; see `seen.rs`.

use super::room::{Amount, NodeRoom};
use super::seen::{Counts, HOME, Place, Seen};
use super::steps::Steps;

impl Seen {
    /// Sensitive pods ever seen.
    #[must_use]
    pub fn sensitive_pods(&self) -> usize {
        self.sensitive.len()
    }

    /// Sensitive pods that were ever, be it for a moment, on a node that is not
    /// at home: which and where.
    #[must_use]
    pub fn off_lawful(&self) -> Vec<String> {
        self.off_lawful.values().cloned().collect()
    }

    /// Most siblings that one service had at one site at the same time.
    #[must_use]
    pub fn most_siblings(&self) -> usize {
        self.most_siblings
    }

    /// Why the watch had to begin anew, each time.
    #[must_use]
    pub fn gaps(&self) -> &[String] {
        &self.gaps
    }

    /// Counts over time of one service at one place.
    #[must_use]
    pub fn counts(&self, namespace: &str, app: &str, place: Place) -> Counts {
        let key = (namespace.to_owned(), app.to_owned(), place);
        self.counts.get(&key).cloned().unwrap_or_default()
    }

    /// Counts over time of a whole namespace at one place.
    #[must_use]
    pub fn namespace(&self, namespace: &str, place: Place) -> Counts {
        let all: Vec<&Counts> = self
            .counts
            .iter()
            .filter(|((in_namespace, _, at), _)| in_namespace == namespace && *at == place)
            .map(|(_, counts)| counts)
            .collect();
        Counts {
            ready: Steps::sum(all.iter().map(|counts| &counts.ready)),
            wanted: Steps::sum(all.iter().map(|counts| &counts.wanted)),
            existing: Steps::sum(all.iter().map(|counts| &counts.existing)),
        }
    }

    /// Pods of a namespace now: ready at a place, and existing there.
    #[must_use]
    pub fn now(&self, namespace: &str, place: Place) -> (u32, u32) {
        let mut sums = (0, 0);
        for ((_, _, _), counts) in self
            .counts
            .iter()
            .filter(|((in_namespace, _, at), _)| in_namespace == namespace && *at == place)
        {
            sums.0 += counts.ready.last();
            sums.1 += counts.existing.last();
        }
        sums
    }

    /// A node that is not at home.
    #[must_use]
    pub fn a_node_away(&self) -> Option<String> {
        self.nodes
            .iter()
            .find(|(_, node)| node.site != HOME)
            .map(|(name, _)| name.clone())
    }

    /// A Sensitive pod that is ready.
    #[must_use]
    pub fn a_sensitive_pod(&self) -> Option<String> {
        self.pods
            .values()
            .find(|pod| pod.ready && pod.namespace == self.sensitive_namespace)
            .map(|pod| pod.name.clone())
    }

    /// Where a pod is now, if it is.
    #[must_use]
    pub fn place_of(&self, namespace: &str, name: &str) -> Option<Place> {
        self.pods
            .values()
            .find(|pod| pod.name == name && pod.namespace == namespace)
            .map(|pod| pod.place)
    }

    /// CPU that all nodes at home hold, in thousandths of a core.
    #[must_use]
    pub fn home_cpu_milli(&self) -> u64 {
        let home = self.nodes.values().filter(|node| node.site == HOME);
        home.map(|node| node.holds.cpu_milli).sum()
    }

    /// The nodes at home and what runs on each that is not in `mass`.
    #[must_use]
    pub fn rooms_beside(&self, mass: &str) -> Vec<NodeRoom> {
        let home = self.nodes.iter().filter(|(_, node)| node.site == HOME);
        home.map(|(name, node)| {
            let others = self.pods.values().filter(|pod| {
                pod.node.as_ref() == Some(name) && pod.namespace != mass && !pod.finished
            });
            let (taken, taken_pods) = others.fold((Amount::default(), 0), |(sum, count), pod| {
                (sum.plus(pod.requests), count + 1)
            });
            NodeRoom {
                holds: node.holds,
                pods: node.pods,
                taken,
                taken_pods,
            }
        })
        .collect()
    }
}
