//! Why a metric says nothing: what the asker met, and what the figures themselves lack.

use super::metric::ResourceName;
use super::pods::PodKey;
use crate::model::site::SiteName;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Why a metric is invalid. Whatever the cause, nothing shrinks on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// The metrics API has not been asked yet.
    NotAskedYet,
    /// The metrics API did not answer, or answered with an error: which.
    Unavailable(String),
    /// It answered without a single value.
    Empty,
    /// The newest answer is too old.
    Stale {
        /// Time of the newest answer.
        at: Timestamp,
    },
    /// A value is not a number, or absurd.
    NotANumber(String),
    /// The target is not above 0.
    Target,
    /// No metric is specified.
    NoMetrics,
    /// The selector matches no pod.
    NoPods,
    /// No value belongs to a pod that counts.
    NoneReady,
    /// No value belongs to a pod that is known, or none of those requests anything.
    NoneKnown,
    /// A container requests nothing of the resource, so a percentage of it has no meaning.
    NoRequest {
        /// The resource.
        resource: ResourceName,
        /// The container.
        container: Arc<str>,
        /// Its pod.
        pod: PodKey,
    },
    /// The pod's own requests do not name the resource.
    NoPodRequest {
        /// The resource.
        resource: ResourceName,
        /// The pod.
        pod: PodKey,
    },
    /// A pod has no container of that name.
    NoContainer {
        /// The container.
        container: Arc<str>,
        /// The pod.
        pod: PodKey,
    },
    /// A site's pods and metrics are not known.
    SiteUnknown(SiteName),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAskedYet => f.write_str("not asked yet"),
            Self::Unavailable(why) => write!(f, "unable to fetch metrics: {why}"),
            Self::Empty => f.write_str("no metrics returned from the metrics API"),
            Self::Stale { at } => write!(f, "the newest metrics are from {at}"),
            Self::NotANumber(text) => write!(f, "the metrics say {text}, which is no value"),
            Self::Target => f.write_str("the target must be above 0"),
            Self::NoMetrics => f.write_str("no metrics are specified"),
            Self::NoPods => {
                f.write_str("no pods returned by selector while calculating replica count")
            }
            Self::NoneReady => {
                f.write_str("did not receive metrics for targeted pods (pods might be unready)")
            }
            Self::NoneKnown => f.write_str("no metrics returned matched known pods"),
            Self::NoRequest {
                resource,
                container,
                pod,
            } => write!(
                f,
                "missing request for {resource} in container {container} of Pod {pod}"
            ),
            Self::NoPodRequest { resource, pod } => {
                write!(f, "missing pod-level request for {resource} in Pod {pod}")
            }
            Self::NoContainer { container, pod } => {
                write!(f, "container {container} not found in Pod {pod}")
            }
            Self::SiteUnknown(site) => write!(f, "pods and metrics at {site} are not known"),
        }
    }
}
