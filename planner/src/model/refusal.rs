//! Why a site takes no new replicas of one workload, though it is open to others: a preflight in
//! another cluster that failed, or an object there that belongs to somebody else.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A site's word against one workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What kind of fault it is.
    pub kind: RefusalKind,
    /// The object that is missing or in the way, as `Kind name` or `Kind namespace/name`.
    pub object: String,
    /// For people: the object, the field and the way out.
    pub text: String,
}

/// What kind of fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RefusalKind {
    /// The namespace is not there and may not be made.
    NamespaceMissing,
    /// The namespace belongs to somebody else.
    NamespaceForeign,
    /// The namespace says Sensitive.
    NamespaceSensitive,
    /// The namespace is being deleted.
    NamespaceTerminating,
    /// A Deployment of that name belongs to somebody else.
    DeploymentForeign,
    /// Somebody else keeps changing our Deployment there.
    DeploymentContested,
    /// The template's ServiceAccount is not there.
    ServiceAccountMissing,
    /// An image pull secret is neither there nor carried.
    PullSecretMissing,
    /// A ConfigMap that the template names is neither there nor carried.
    ConfigMapMissing,
    /// A Secret that the template names is neither there nor carried.
    SecretMissing,
    /// The template's PriorityClass is not there.
    PriorityClassMissing,
    /// An object to be carried is not at home.
    CarrySourceMissing,
    /// An object to be carried may not be read at home.
    CarryForbidden,
    /// An object of that name there belongs to somebody else.
    CarryForeign,
    /// A quota there has no room for one pod.
    QuotaExceeded,
    /// Pod Security there refuses the pod.
    PodSecurity,
    /// Admission there refuses the Deployment or its pod.
    AdmissionRefused,
    /// The object is not valid there.
    Invalid,
    /// Our credential there lacks a right.
    Forbidden,
    /// The receiving cluster's guard is not in force.
    GuardMissing,
    /// Anything else.
    Other,
}

impl RefusalKind {
    /// A CamelCase word for conditions, Events and metric labels. One word a variant.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NamespaceMissing => "RemoteNamespaceMissing",
            Self::NamespaceForeign => "RemoteNamespaceForeign",
            Self::NamespaceSensitive => "RemoteNamespaceSensitive",
            Self::NamespaceTerminating => "RemoteNamespaceTerminating",
            Self::DeploymentForeign => "RemoteDeploymentForeign",
            Self::DeploymentContested => "RemoteDeploymentContested",
            Self::ServiceAccountMissing => "RemoteServiceAccountMissing",
            Self::PullSecretMissing => "RemotePullSecretMissing",
            Self::ConfigMapMissing => "RemoteConfigMapMissing",
            Self::SecretMissing => "RemoteSecretMissing",
            Self::PriorityClassMissing => "RemotePriorityClassMissing",
            Self::CarrySourceMissing => "CarrySourceMissing",
            Self::CarryForbidden => "CarryForbidden",
            Self::CarryForeign => "CarryForeign",
            Self::QuotaExceeded => "RemoteQuotaExceeded",
            Self::PodSecurity => "RemotePodSecurity",
            Self::AdmissionRefused => "RemoteAdmissionRefused",
            Self::Invalid => "RemoteInvalid",
            Self::Forbidden => "RemoteForbidden",
            Self::GuardMissing => "RemoteGuardMissing",
            Self::Other => "RemoteRefused",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
