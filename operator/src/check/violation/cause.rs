//! Why something may not be where it is, typed, with a word and a way out for each.

use super::super::attested::Change;
use pinisi_planner::model::site::SiteKind;

/// Why something may not be where it is. `policy` is the one that does not allow it; `None` where none
/// speaks, or all that speak do and another one ties the same to another driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// There is no Node of that name, and nobody attested one.
    UnknownNode,
    /// No Site has the node.
    NoSite,
    /// More than one Site has it, so that nobody vouches for it.
    SeveralSites {
        /// How many.
        count: usize,
    },
    /// It is a provider's ground.
    Away {
        /// Cloud or Edge.
        kind: SiteKind,
    },
    /// Nobody attested it.
    NotAttested,
    /// It is not the machine that was attested.
    Changed(Change),
    /// A policy does not let its namespace onto ground under that law.
    Forbidden {
        /// The policy.
        policy: String,
    },
    /// A claim is of a storage class that is not allowed.
    StorageClass {
        /// The class; empty for none.
        class: String,
        /// Whose terms lack it.
        policy: Option<String>,
    },
    /// Its volume is of another driver than its class.
    VolumeDriver {
        /// The volume's driver.
        driver: String,
        /// The class's.
        wanted: String,
    },
    /// Its volume lies on an NFS server that is not allowed.
    NfsServer {
        /// The server.
        server: String,
        /// Whose terms lack it.
        policy: Option<String>,
    },
    /// Its volume is a disk of a node, and its class is not one of such disks.
    LocalVolume {
        /// The class's driver.
        wanted: String,
    },
    /// Its volume is of a kind that nobody can judge.
    VolumeKind {
        /// The class's driver.
        wanted: String,
    },
    /// A Service is behind a load balancer of a class that is not allowed.
    LoadBalancerClass {
        /// The class; empty for none.
        class: String,
        /// Whose terms lack it.
        policy: Option<String>,
    },
    /// A Service is open on every node.
    NodePort,
    /// A Service sends its callers elsewhere.
    ExternalName {
        /// Where.
        host: String,
    },
    /// A Service is reached at addresses that nobody vouches for.
    ExternalIps {
        /// The first.
        first: String,
        /// How many there are beside.
        others: usize,
    },
}

/// What a person does to end a violation.
pub(super) enum Remedy {
    /// Its controller makes it anew where it may be.
    DeletePod,
    /// The data first.
    CopyData,
    /// It leads elsewhere and nowhere else.
    DeleteService,
    /// Its callers inside the cluster need it.
    PatchService(&'static str),
}

impl Cause {
    /// A CamelCase word. One word a variant.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::UnknownNode => "UnknownNode",
            Self::NoSite => "NodeInNoSite",
            Self::SeveralSites { .. } => "NodeInSeveralSites",
            Self::Away { .. } => "NodeAway",
            Self::NotAttested => "NodeNotAttested",
            Self::Changed(_) => "NodeChanged",
            Self::Forbidden { .. } => "PolicyForbidsSite",
            Self::StorageClass { .. } => "StorageClassNotAllowed",
            Self::VolumeDriver { .. } => "VolumeOfOtherDriver",
            Self::NfsServer { .. } => "NfsServerNotAllowed",
            Self::LocalVolume { .. } => "VolumeLocal",
            Self::VolumeKind { .. } => "VolumeOfOtherKind",
            Self::LoadBalancerClass { .. } => "LoadBalancerClassNotAllowed",
            Self::NodePort => "NodePort",
            Self::ExternalName { .. } => "ExternalName",
            Self::ExternalIps { .. } => "ExternalIPs",
        }
    }

    /// What ends it whatever else is true.
    pub(super) const fn remedy(&self) -> Remedy {
        match self {
            Self::UnknownNode
            | Self::NoSite
            | Self::SeveralSites { .. }
            | Self::Away { .. }
            | Self::NotAttested
            | Self::Changed(_)
            | Self::Forbidden { .. } => Remedy::DeletePod,
            Self::StorageClass { .. }
            | Self::VolumeDriver { .. }
            | Self::NfsServer { .. }
            | Self::LocalVolume { .. }
            | Self::VolumeKind { .. } => Remedy::CopyData,
            Self::LoadBalancerClass { .. } | Self::NodePort => {
                Remedy::PatchService(r#"{"spec":{"type":"ClusterIP"}}"#)
            }
            Self::ExternalIps { .. } => Remedy::PatchService(r#"{"spec":{"externalIPs":null}}"#),
            Self::ExternalName { .. } => Remedy::DeleteService,
        }
    }

    /// The way out beside that.
    pub(super) const fn way_out(&self) -> &'static str {
        match self {
            Self::UnknownNode | Self::Away { .. } => "find out who bound it there",
            Self::NoSite => "is the node yours, label it as a Site's spec.nodes says and attest it",
            Self::SeveralSites { .. } => "take the labels of all Sites but one off the node",
            Self::NotAttested => "is the node yours: kubectl pinisi attest SITE",
            Self::Changed(_) => {
                "is it yours all the same: kubectl pinisi attest SITE --node NODE; else take it out of the cluster"
            }
            Self::Forbidden { .. } => {
                "move it to a Site under a law that the policy's spec.jurisdictions names"
            }
            Self::StorageClass { .. } => {
                "is that storage yours, name the class in spec.storage.classes of every policy of the namespace"
            }
            Self::NfsServer { .. } => {
                "is the server yours, name it in spec.storage.nfsServers of every policy of the namespace"
            }
            Self::VolumeDriver { .. } | Self::LocalVolume { .. } | Self::VolumeKind { .. } => {
                "find out who made the volume"
            }
            Self::LoadBalancerClass { .. } => {
                "is the balancer yours, name its class in spec.routes.loadBalancerClasses of every policy of the namespace"
            }
            Self::NodePort | Self::ExternalIps { .. } => {
                "is it to be reached from outside, use a load balancer, an Ingress or a Gateway that spec.routes names"
            }
            Self::ExternalName { .. } => "let its callers name the host that they mean",
        }
    }
}
