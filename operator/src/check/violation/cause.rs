//! Why a pod may not be where it is, typed, and how that is said.

use super::super::attested::Change;
use crate::checked::Violation;
use pinisi_crds::sovereignty_violation::ViolationRule;
use pinisi_planner::model::site::SiteKind;
use std::fmt;

/// Why a pod may not be where it is.
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
        }
    }

    /// The way out, beside taking the pod away.
    const fn way_out(&self) -> &'static str {
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
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule,
            cause,
            namespace,
            pod,
            node,
            site,
            jurisdiction,
            ..
        } = self;
        let class = match rule {
            ViolationRule::V01 => "a Sensitive namespace",
            ViolationRule::V02 => "a namespace without a class",
        };
        write!(
            f,
            "Pod {namespace}/{pod}, of {class}, is bound to node {node}"
        )?;
        match (site, jurisdiction) {
            (Some(site), Some(law)) => write!(f, " of Site {site} ({law}), ")?,
            (Some(site), None) => write!(f, " of Site {site}, ")?,
            (None, _) => f.write_str(", ")?,
        }
        match cause {
            Cause::UnknownNode => f.write_str("of which there is no Node"),
            Cause::NoSite => f.write_str("which is in no Site"),
            Cause::SeveralSites { count } => write!(f, "which is in {count} Sites"),
            Cause::Away { kind } => write!(f, "which is of type {kind:?}"),
            Cause::NotAttested => f.write_str("which nobody has attested"),
            Cause::Changed(change) => write!(f, "which {change}"),
            Cause::Forbidden { policy } => {
                write!(
                    f,
                    "whose law SovereigntyPolicy {policy} does not name in spec.jurisdictions"
                )
            }
        }?;
        write!(
            f,
            ": kubectl delete pod {pod} --namespace {namespace}; {}",
            cause.way_out()
        )
    }
}
