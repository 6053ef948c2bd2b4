//! Why a write failed: bounded words for metrics, the server's own words for the condition.

use kube::Error;

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
    /// Anything else from the API server or the way to it.
    #[error("{0}")]
    Api(String),
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
            Self::Api(_) => "api",
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
            Self::Api(_) => "WriteFailed",
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
            | Self::Api(_)
            | Self::NotLeader => true,
            Self::Forbidden(_)
            | Self::Invalid(_)
            | Self::SiblingNameTaken(_)
            | Self::Unsupported(_) => false,
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
                    _ => Self::Api(message),
                }
            }
            other => Self::Api(cut(&other.to_string())),
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MESSAGE_MAX).collect()
}
