//! A workload as checked: its class with the sites that the class allows, its demand, and what
//! runs where now.

use super::amounts::{MilliLoad, Percent, Replicas, Resources};
use super::dependency::Dependency;
use super::name::Name;
use super::refusal::Refusal;
use super::schedule::Window;
use super::site::{SiteName, SovereignSite};
use crate::hpa;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Namespace and name of a HybridWorkload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkloadId {
    /// Namespace.
    pub namespace: Name,
    /// Name.
    pub name: Name,
}

impl fmt::Display for WorkloadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl Serialize for WorkloadId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WorkloadId {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        let (namespace, name) = text
            .split_once('/')
            .ok_or_else(|| serde::de::Error::custom("a workload id is namespace/name"))?;
        Ok(Self {
            namespace: namespace.into(),
            name: name.into(),
        })
    }
}

/// A workload whose spec was sound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    /// Class, with the sites that it allows.
    pub placement: Placement,
    /// How much may be done.
    pub mode: Mode,
    /// What the total follows.
    pub demand: Demand,
    /// A person's word in an incident.
    pub override_: Option<Override>,
    /// How replicas come home.
    pub drain: DrainPolicy,
    /// The pods' priority; higher is served first among mass traffic.
    pub priority: i32,
    /// What one replica requests.
    pub request: Resources,
    /// What one replica is held to, as a quota counts it.
    #[serde(default)]
    pub limits: Resources,
    /// What runs at each site now. Sites without an entry have nothing.
    pub legs: BTreeMap<SiteName, Leg>,
    /// Sites that refuse this workload: nothing new goes there, what runs there stays.
    #[serde(default)]
    pub refused: BTreeMap<SiteName, Refusal>,
    /// Announced windows of more load, those that are over long ago left out.
    #[serde(default)]
    pub windows: Vec<Window>,
    /// What its requests need of others.
    #[serde(default)]
    pub depends: Vec<Dependency>,
    /// Another autoscaler on the same count, such as "HorizontalPodAutoscaler web".
    pub competitor: Option<String>,
}

/// Class, with the sites that it allows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Placement {
    /// Sovereign sites in order. The first is where the target itself runs.
    Sensitive {
        /// Lawful sites.
        #[serde(skip_deserializing)]
        sites: Vec<SovereignSite>,
    },
    /// Tiers in order; the first site of the first tier is where the target itself runs.
    MassTraffic {
        /// Tiers.
        tiers: Vec<Tier>,
    },
}

/// Sites of one rank.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tier {
    /// Sites, filled in this order.
    pub sites: Vec<SiteName>,
    /// Fewest replicas in this tier.
    pub min: Replicas,
    /// Most replicas in this tier.
    pub max: Replicas,
}

/// How much may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// Say what would be done.
    Observe,
    /// Act.
    Active,
    /// Hold every count where it is.
    Paused,
}

/// What the total follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Demand {
    /// The count is not ours: whatever the target says (Sensitive without autoscaling).
    Untouched,
    /// A total set by hand or by an HPA through the workload's own /scale.
    Fixed(Replicas),
    /// A load signal.
    Load(LoadDemand),
    /// The metrics of an HPA, and a load signal beside them where there is one.
    Metrics(Box<MetricsDemand>),
}

/// A total that follows load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadDemand {
    /// Fewest replicas.
    pub min: Replicas,
    /// Most replicas.
    pub max: Replicas,
    /// Load that one replica serves; never 0.
    pub per_replica: MilliLoad,
    /// Room above the load that is always kept. More of it is kept where the past has shown a need.
    pub headroom: Percent,
    /// The total shrinks only to the highest need of this window. `None`: of a little more than the
    /// time that it takes to get a replica back, see [`crate::demand::hold`].
    pub scale_down_window: Option<SignedDuration>,
    /// The latest word of the signal.
    pub signal: Signal,
    /// From a write of the scale to a Ready replica at the slowest site that could be next.
    pub start_up: SignedDuration,
    /// True where the load of earlier days may make replicas ahead of time.
    #[serde(default)]
    pub forecast: bool,
}

/// A total that follows metrics as an HPA does, over all sites: one target whose count is the sum
/// of the counts, and whose pods are the pods of all sites.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricsDemand {
    /// Fewest replicas. 0 only with a metric of an object or from outside.
    pub min: Replicas,
    /// Most replicas.
    pub max: Replicas,
    /// `behavior` with its defaults filled in, or `None` where the spec has none.
    pub behavior: Option<hpa::Behavior>,
    /// `metrics` in the spec's order, each with its latest reading.
    pub metrics: Vec<hpa::Metric>,
    /// Pods of all sites, whatever state they are in.
    pub pods: hpa::Pods,
    /// Sum of the counts in the targets' statuses.
    pub status: Replicas,
    /// Sites of the workload that do not answer, so that their pods and metrics are not known.
    pub unknown_sites: BTreeSet<SiteName>,
    /// When the metrics were read last, all of them together. The total is decided anew once for
    /// each such time, as an HPA does once for each of its syncs.
    pub read_at: Timestamp,
    /// The spec's generation: after a change of the spec the total is decided anew at once.
    pub generation: i64,
    /// From a write of the scale to a Ready replica at the slowest site that could be next.
    pub start_up: SignedDuration,
    /// A load signal beside the metrics: the larger of the two needs counts.
    pub load: Option<LoadDemand>,
}

/// The latest word of a signal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Signal {
    /// A usable figure.
    Fresh {
        /// The load.
        load: MilliLoad,
        /// Time of the sample behind it.
        at: Timestamp,
    },
    /// A figure older than the source allows. Never shrinks anything.
    Stale {
        /// Time of the sample behind it.
        at: Timestamp,
    },
    /// No usable figure. Never shrinks anything.
    Missing(SignalFault),
}

/// Why there is no usable figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignalFault {
    /// No SignalSource of that name.
    NoSource(String),
    /// The source has no query of that name.
    NoQuery(String),
    /// The source has not answered yet.
    NotAskedYet,
    /// The source answered with an error, or not at all.
    Unreachable(String),
    /// The answer has no series for this workload.
    NoSeries,
    /// The series is not a number, negative, infinite or absurd.
    NotANumber(String),
}

/// A person's word in an incident. Past `until` it is as if it were not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Total replicas.
    pub total: Option<Replicas>,
    /// Exact counts by site.
    pub sites: BTreeMap<SiteName, Replicas>,
    /// When it ends.
    pub until: Timestamp,
}

/// How replicas come home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainPolicy {
    /// Home must have been under its low watermark for this long.
    pub after: SignedDuration,
    /// Largest step, of the total, rounded up.
    pub step: Percent,
    /// Time between two steps.
    pub interval: SignedDuration,
}

/// What runs of one workload at one site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// The count in the object's spec now.
    pub spec: Replicas,
    /// Pods that are Ready.
    pub ready: Replicas,
    /// Pods bound to a node, not finished and not terminating.
    pub bound: Replicas,
    /// Pods without a node.
    pub pending: Replicas,
    /// Since when the oldest of those waits.
    pub pending_since: Option<Timestamp>,
    /// Generation of the object, to tell one foreign write from the next.
    pub generation: i64,
    /// Field manager that wrote the count last, where it is not ours.
    pub foreign_writer: Option<String>,
    /// True while a roll-out is under way.
    pub rolling: bool,
    /// Of the pending ones, those that could not even be made: no quota counts them.
    #[serde(default)]
    pub unmade: Replicas,
    /// Pods on a node that are on their way out: they hold their room, and are paid for, until they
    /// are gone.
    #[serde(default)]
    pub terminating: Replicas,
}

impl Leg {
    /// Of the count, those that wait for a node: a roll-out's surge is not among them.
    pub(crate) fn without_node(&self) -> Replicas {
        self.pending.min(self.spec.minus(self.bound))
    }
}
