//! The metrics of autoscaling/v2, each with the target that it is held to and its latest reading.
//! Values and targets are in thousandths of the metric's unit.

use super::fault::Fault;
use super::pods::PodKey;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// Name of a resource, such as `cpu` or `memory`. Its order is the text's own.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct ResourceName(Word);

/// The two that nearly all have are told apart without a look at a text.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Word {
    Cpu,
    Memory,
    Other(Arc<str>),
}

impl ResourceName {
    /// A name as the API has it.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(match name {
            "cpu" => Word::Cpu,
            "memory" => Word::Memory,
            other => Word::Other(other.into()),
        })
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Word::Cpu => "cpu",
            Word::Memory => "memory",
            Word::Other(name) => name,
        }
    }

    /// True for CPU, of which starting pods use more than they will.
    #[must_use]
    pub fn is_cpu(&self) -> bool {
        self.0 == Word::Cpu
    }
}

impl Ord for ResourceName {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Word::Cpu, Word::Cpu) | (Word::Memory, Word::Memory) => Ordering::Equal,
            (Word::Cpu | Word::Memory | Word::Other(_), _) => self.as_str().cmp(other.as_str()),
        }
    }
}

impl PartialOrd for ResourceName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<String> for ResourceName {
    fn from(name: String) -> Self {
        Self::new(&name)
    }
}

impl From<ResourceName> for String {
    fn from(name: ResourceName) -> Self {
        name.as_str().to_owned()
    }
}

impl fmt::Debug for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One entry of `spec.metrics` with its latest reading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Metric {
    /// Use of a resource by whole pods (`Resource`) or by one container of each
    /// (`ContainerResource`).
    Resource {
        /// The resource.
        name: ResourceName,
        /// The container, for `ContainerResource`.
        container: Option<Arc<str>>,
        /// Held to.
        target: ResourceTarget,
        /// Use by pod.
        reading: Reading<Vec<PodValue>>,
    },
    /// A metric of each pod.
    Pods {
        /// The metric.
        name: Arc<str>,
        /// Average to hold, above 0.
        average: i64,
        /// Value by pod.
        reading: Reading<Vec<PodValue>>,
    },
    /// A metric of one object of the cluster.
    Object {
        /// The metric.
        name: Arc<str>,
        /// Kind of the object.
        kind: Arc<str>,
        /// Held to.
        target: ValueTarget,
        /// Its value.
        reading: Reading<i64>,
    },
    /// A metric of something outside the cluster.
    External {
        /// The metric.
        name: Arc<str>,
        /// Held to.
        target: ValueTarget,
        /// One value a series; they are summed.
        reading: Reading<Vec<i64>>,
    },
}

/// What the use of a resource is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResourceTarget {
    /// Percent of the request, above 0.
    Utilization(i32),
    /// Average, in thousandths, above 0.
    AverageValue(i64),
}

/// What a single value is held to, in thousandths, above 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ValueTarget {
    /// The value itself.
    Value(i64),
    /// The value divided by the number of pods.
    AverageValue(i64),
}

/// The latest word of a metrics API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reading<T> {
    /// A usable answer.
    Read(T),
    /// None, or one that is too old.
    Lost(Fault),
}

/// One pod's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PodValue {
    /// The pod. It need not be in the list of pods: the two lists are read at different times.
    pub pod: PodKey,
    /// Its value in thousandths: for a pod without a named container the sum over its containers,
    /// and no entry at all where one of them has no value.
    pub milli: i64,
    /// End of the window in which it was measured.
    pub at: Timestamp,
    /// Length of that window.
    pub window: SignedDuration,
}

impl Metric {
    /// The type's word in conditions: `Resource`, `ContainerResource`, `Pods`, `Object`, `External`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Resource {
                container: None, ..
            } => "Resource",
            Self::Resource {
                container: Some(_), ..
            } => "ContainerResource",
            Self::Pods { .. } => "Pods",
            Self::Object { .. } => "Object",
            Self::External { .. } => "External",
        }
    }

    /// True for metrics that can be read while no pod runs: those that wake from 0.
    #[must_use]
    pub const fn works_at_zero(&self) -> bool {
        match self {
            Self::Object { .. } | Self::External { .. } => true,
            Self::Resource { .. } | Self::Pods { .. } => false,
        }
    }
}

impl Metric {
    /// The metric in the HPA's words.
    #[must_use]
    pub fn title(&self) -> String {
        self.words().concat()
    }

    /// True where this is its title.
    pub(crate) fn is_titled(&self, title: &str) -> bool {
        let [first, second, third] = self.words();
        let rest = title.strip_prefix(first);
        rest.and_then(|rest| rest.strip_prefix(second)) == Some(third)
    }

    fn words(&self) -> [&str; 3] {
        match self {
            Self::Resource {
                name,
                container,
                target: ResourceTarget::Utilization(_),
                reading: _,
            } => {
                let of = if container.is_some() {
                    " container"
                } else {
                    ""
                };
                let what = " resource utilization (percentage of request)";
                [name.as_str(), of, what]
            }
            Self::Resource {
                name,
                container: _,
                target: ResourceTarget::AverageValue(_),
                reading: _,
            } => [name.as_str(), " resource", ""],
            Self::Pods { name, .. } => ["pods metric ", name, ""],
            Self::Object { name, kind, .. } => [kind, " metric ", name],
            Self::External { name, .. } => ["external metric ", name, ""],
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title())
    }
}
