//! What is known of pods: as little as the HPA looks at. Pods of all sites stand in one list.

use super::metric::ResourceName;
use crate::model::name::same;
use crate::model::site::SiteName;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

/// A pod's name. Two sites may have the same one.
#[derive(Clone, Debug, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PodKey {
    /// Where it is.
    pub site: SiteName,
    /// Its name there.
    pub name: Arc<str>,
}

// A metric's value mostly names its pod by the same text in memory, which is told sooner.
impl PartialEq for PodKey {
    fn eq(&self, other: &Self) -> bool {
        same(&self.name, &other.name) && self.site == other.site
    }
}

impl Hash for PodKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { site, name } = self;
        site.hash(state);
        name.hash(state);
    }
}

impl fmt::Display for PodKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

/// A pod that the workload's selector matches, whatever state it is in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pod {
    /// Its name.
    pub key: PodKey,
    /// `status.phase`.
    pub phase: Phase,
    /// It has a deletion timestamp.
    pub terminating: bool,
    /// `status.startTime`.
    pub started: Option<Timestamp>,
    /// Its condition Ready, where it has one.
    pub ready: Option<Ready>,
    /// What it requests. Pods of one template can share it.
    pub requests: Arc<PodRequests>,
}

impl Pod {
    /// True for a pod that serves: Running and Ready.
    #[must_use]
    pub fn serves(&self) -> bool {
        let ready = self.ready.is_some_and(|r| r.status == ReadyStatus::True);
        self.phase == Phase::Running && ready
    }
}

/// The pods of a workload, each once. Of two entries for one pod the later is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<Pod>")]
pub struct Pods(Vec<Pod>);

impl From<Vec<Pod>> for Pods {
    fn from(mut pods: Vec<Pod>) -> Self {
        // Rising names, as a watch keeps them, are names that come once.
        if !pods.is_sorted_by(|a, b| a.key < b.key) {
            let mut later = BTreeSet::new();
            pods.reverse();
            pods.retain(|pod| later.insert(pod.key.clone()));
            pods.reverse();
        }
        Self(pods)
    }
}

impl FromIterator<Pod> for Pods {
    fn from_iter<I: IntoIterator<Item = Pod>>(pods: I) -> Self {
        pods.into_iter().collect::<Vec<_>>().into()
    }
}

impl Deref for Pods {
    type Target = [Pod];

    fn deref(&self) -> &[Pod] {
        &self.0
    }
}

/// `status.phase`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Not all containers have started.
    Pending,
    /// Started.
    Running,
    /// All containers ended well.
    Succeeded,
    /// All containers ended, one of them not well.
    Failed,
    /// Its node is lost, or there is no phase yet.
    Unknown,
}

/// The condition Ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// Its status.
    pub status: ReadyStatus,
    /// `lastTransitionTime`.
    pub since: Timestamp,
}

/// Status of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadyStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// Nobody knows; for the HPA not the same as not ready.
    Unknown,
}

/// What a pod requests, in thousandths of each resource's unit (memory: thousandths of a byte).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PodRequests {
    /// Where `spec.resources.requests` is set on the pod: the effective requests of the whole pod,
    /// its overhead included.
    pub pod: Option<BTreeMap<ResourceName, i64>>,
    /// `spec.containers`, then the init containers with restartPolicy Always.
    pub containers: Vec<Container>,
}

/// A container's requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Container {
    /// Its name.
    pub name: Arc<str>,
    /// `resources.requests`, in thousandths.
    pub requests: BTreeMap<ResourceName, i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_stands_once_in_the_list_and_the_later_entry_is_kept() {
        for (names, kept) in [
            ("", ""),
            ("abc", "a0 b1 c2"),
            ("cab", "c0 a1 b2"),
            ("aba", "b1 a2"),
            ("aab", "a1 b2"),
        ] {
            let pod = |(i, name): (usize, char)| Pod {
                key: PodKey {
                    site: SiteName::new("home"),
                    name: name.to_string().into(),
                },
                phase: Phase::Running,
                terminating: false,
                started: Timestamp::from_second(i64::try_from(i).unwrap()).ok(),
                ready: None,
                requests: Arc::default(),
            };
            let pods: Pods = names.chars().enumerate().map(pod).collect();
            let place = |pod: &Pod| pod.started.map_or(-1, Timestamp::as_second);
            let words = pods.iter().map(|p| format!("{}{}", p.key, place(p)));
            assert_eq!(words.collect::<Vec<_>>().join(" "), kept, "{names}");
            let text = serde_json::to_string(&pods).unwrap();
            assert!(text.starts_with('['), "a list as before: {text}");
            assert_eq!(serde_json::from_str::<Pods>(&text).unwrap(), pods);
        }
    }
}
