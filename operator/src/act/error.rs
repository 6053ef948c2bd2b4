//! Why a write failed: bounded words for metrics, the server's own words for the condition.

use crate::gather::cluster::GuardFacts;
use kube::Error;
use pinisi_planner::model::refusal::Refusal;

/// Longest text of the server that is kept.
const MESSAGE_MAX: usize = 512;

/// Why a write failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// Somebody wrote in between; tried again with what is there now.
    #[error("{0}")]
    Conflict(String),
    /// RBAC or the guard refused; the text says which.
    #[error("{0}")]
    Forbidden(String),
    /// The object is gone.
    #[error("{0}")]
    NotFound(String),
    /// Admission or validation refused; the text is the server's.
    #[error("{0}")]
    Invalid(String),
    /// No answer in time. The write may have happened; the watch tells.
    #[error("the API server did not answer in time")]
    Timeout,
    /// The API server asked for patience.
    #[error("the API server is throttling: {0}")]
    Throttled(String),
    /// The API server could not be reached, or says that it is not itself (502, 503).
    #[error("{0}")]
    Unavailable(String),
    /// Anything else from the API server or the way to it.
    #[error("{0}")]
    Api(String),
    /// Another cluster does not take this workload. Told as the site's refusal, not as an error.
    #[error("{0}")]
    Refused(Refusal),
    /// The receiving guard of another cluster is not in force. Told as the Site's condition.
    #[error("{why}")]
    Unguarded {
        /// A CamelCase word.
        reason: &'static str,
        /// Why, for people.
        why: String,
    },
    /// There is no way to another cluster now. Its link says why.
    #[error("no way to that cluster now")]
    NoLink,
    /// A Deployment of the sibling's name exists and is not ours. It is left alone.
    #[error(
        "Deployment {0} exists and is not Pinisi's: rename or delete it, and the overflow can start"
    )]
    SiblingNameTaken(String),
    /// The target's kind has no /scale that this version writes.
    #[error("{0} cannot be scaled by this version: use an apps/v1 Deployment or StatefulSet")]
    Unsupported(String),
    /// The lease ended before the write could be sent. Not an error of the object.
    #[error("no longer the leader")]
    NotLeader,
}

impl ActError {
    /// A bounded word for metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Conflict(_) => "conflict",
            Self::Forbidden(_) => "forbidden",
            Self::NotFound(_) => "not_found",
            Self::Invalid(_) => "invalid",
            Self::Timeout => "timeout",
            Self::Throttled(_) => "throttled",
            Self::Unavailable(_) => "unavailable",
            Self::Api(_) => "api",
            Self::Refused(_) => "refused",
            Self::Unguarded { .. } => "unguarded",
            Self::NoLink => "no_link",
            Self::SiblingNameTaken(_) => "sibling_name_taken",
            Self::Unsupported(_) => "unsupported",
            Self::NotLeader => "not_leader",
        }
    }

    /// A CamelCase word for conditions.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Conflict(_) => "WriteConflict",
            Self::Forbidden(_) => "WriteForbidden",
            Self::NotFound(_) => "ObjectNotFound",
            Self::Invalid(_) => "WriteRefused",
            Self::Timeout => "WriteTimedOut",
            Self::Throttled(_) => "WriteThrottled",
            Self::Unavailable(_) => "ServerUnavailable",
            Self::Api(_) => "WriteFailed",
            Self::Refused(refusal) => refusal.kind.word(),
            Self::Unguarded { reason, .. } => reason,
            Self::NoLink => "NoLink",
            Self::SiblingNameTaken(_) => "SiblingNameTaken",
            Self::Unsupported(_) => "TargetNotScalable",
            Self::NotLeader => "NotLeader",
        }
    }

    /// True where waiting may help without anybody changing anything: shown only when it lasts.
    #[must_use]
    pub const fn passing(&self) -> bool {
        match self {
            Self::Conflict(_)
            | Self::NotFound(_)
            | Self::Timeout
            | Self::Throttled(_)
            | Self::Unavailable(_)
            | Self::Api(_)
            | Self::NoLink
            | Self::NotLeader => true,
            Self::Refused(_)
            | Self::Unguarded { .. }
            | Self::Forbidden(_)
            | Self::Invalid(_)
            | Self::SiblingNameTaken(_)
            | Self::Unsupported(_) => false,
        }
    }
}

impl ActError {
    /// True where the API server did not answer, or asked to be left in peace: it says nothing of
    /// the object, and of the way to the server that it is ill.
    #[must_use]
    pub const fn is_of_the_way(&self) -> bool {
        match self {
            Self::Timeout | Self::Throttled(_) | Self::Unavailable(_) => true,
            Self::Conflict(_)
            | Self::Forbidden(_)
            | Self::NotFound(_)
            | Self::Invalid(_)
            | Self::Api(_)
            | Self::Refused(_)
            | Self::Unguarded { .. }
            | Self::NoLink
            | Self::SiblingNameTaken(_)
            | Self::Unsupported(_)
            | Self::NotLeader => false,
        }
    }

    /// Told elsewhere than as an error of the workload: by the site's refusal, the Site's
    /// condition, the link.
    #[must_use]
    pub const fn is_told_elsewhere(&self) -> bool {
        matches!(
            self,
            Self::Refused(_) | Self::Unguarded { .. } | Self::NoLink | Self::NotLeader
        )
    }

    /// What it says of a receiving guard; `None` where it says nothing of it.
    #[must_use]
    pub fn guard_facts(&self) -> Option<GuardFacts> {
        let missing = |reason, why: &str| {
            Some(GuardFacts::Missing {
                reason,
                why: why.to_owned(),
            })
        };
        match self {
            Self::Unguarded { reason, why } => missing(reason, why),
            Self::Conflict(why) | Self::Invalid(why) | Self::Api(why) | Self::NotFound(why) => {
                missing("GuardNotApplied", why)
            }
            Self::Forbidden(why) => missing("GuardForbidden", why),
            Self::Timeout
            | Self::Throttled(_)
            | Self::Unavailable(_)
            | Self::Refused(_)
            | Self::NoLink
            | Self::SiblingNameTaken(_)
            | Self::Unsupported(_)
            | Self::NotLeader => None,
        }
    }
}

impl From<Error> for ActError {
    fn from(error: Error) -> Self {
        match error {
            Error::Api(status) => {
                let message = cut(&status.message);
                match status.code {
                    409 => Self::Conflict(message),
                    401 | 403 => Self::Forbidden(message),
                    404 => Self::NotFound(message),
                    400 | 422 => Self::Invalid(message),
                    504 => Self::Timeout,
                    429 => Self::Throttled(message),
                    502 | 503 => Self::Unavailable(message),
                    _ => Self::Api(message),
                }
            }
            way @ (Error::HyperError(_) | Error::Service(_)) => {
                Self::Unavailable(cut(&way.to_string()))
            }
            other => Self::Api(cut(&other.to_string())),
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MESSAGE_MAX).collect()
}
