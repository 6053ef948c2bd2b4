//! What is asked of a cluster's metrics APIs. Workloads that ask the same are asked for once. Not
//! here: which workloads ask what (`wanted`), and how (`ask`).

use std::fmt;

/// The three metrics APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Api {
    /// `metrics.k8s.io`: use of CPU and memory.
    Resource,
    /// `custom.metrics.k8s.io`: metrics of objects of the cluster.
    Custom,
    /// `external.metrics.k8s.io`: metrics of what is outside the cluster.
    External,
}

impl Api {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Resource, Self::Custom, Self::External];

    /// Its API group.
    #[must_use]
    pub const fn group(self) -> &'static str {
        match self {
            Self::Resource => "metrics.k8s.io",
            Self::Custom => "custom.metrics.k8s.io",
            Self::External => "external.metrics.k8s.io",
        }
    }

    /// What serves it, as people install it.
    #[must_use]
    pub const fn servant(self) -> &'static str {
        match self {
            Self::Resource => "metrics-server",
            Self::Custom => "an adapter for custom metrics",
            Self::External => "an adapter for external metrics",
        }
    }
}

/// A cluster whose metrics APIs are asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The operator's own cluster.
    Hub,
    /// The cluster that a Site is.
    Site(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hub => f.write_str("this cluster"),
            Self::Site(site) => write!(f, "the cluster of Site {site}"),
        }
    }
}

/// A list of values that is asked for. Use of CPU and memory is none of these: it is asked for in
/// one list for all workloads of a cluster. Selectors are texts as `kubectl -l` takes them, empty
/// where nothing is selected.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {
    /// A metric of each of some pods.
    Pods {
        /// Their namespace.
        namespace: String,
        /// The metric.
        metric: String,
        /// Selects the pods.
        pods: String,
        /// Selects by the metric's own labels.
        labels: String,
    },
    /// A metric of one object.
    Object {
        /// Its namespace.
        namespace: String,
        /// Its apiVersion, `v1` where none is said.
        api_version: String,
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
        /// The metric.
        metric: String,
        /// Selects by the metric's own labels.
        labels: String,
    },
    /// A metric of something outside.
    External {
        /// The namespace that it is asked for.
        namespace: String,
        /// The metric.
        metric: String,
        /// Selects by the metric's own labels.
        labels: String,
    },
}

impl Question {
    /// The API that answers it.
    #[must_use]
    pub const fn api(&self) -> Api {
        match self {
            Self::Pods { .. } | Self::Object { .. } => Api::Custom,
            Self::External { .. } => Api::External,
        }
    }
}
