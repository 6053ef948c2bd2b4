//! The way to another cluster: whether it is there, and what stands against it. The words of each
//! fault are in `link_words`; deciding what a fault means for replicas is `check`'s.

use jiff::Timestamp;

/// The way to another cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// Nothing is known yet.
    #[default]
    Connecting,
    /// Watched, and written to.
    Up,
    /// It does not answer as it should; tried again by itself.
    Down {
        /// Since when.
        since: Timestamp,
        /// Why.
        fault: LinkFault,
    },
    /// A person must mend something first: no watches, no writes.
    Refused {
        /// Since when.
        since: Timestamp,
        /// Why.
        fault: LinkFault,
    },
}

impl Link {
    /// True while it may be written to.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        match self {
            Self::Up => true,
            Self::Connecting | Self::Down { .. } | Self::Refused { .. } => false,
        }
    }

    /// What stands against it, and since when.
    #[must_use]
    pub const fn fault(&self) -> Option<(Timestamp, &LinkFault)> {
        match self {
            Self::Connecting | Self::Up => None,
            Self::Down { since, fault } | Self::Refused { since, fault } => Some((*since, fault)),
        }
    }
}

/// What stands against a link. Texts never hold anything of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkFault {
    /// The Secret is not there.
    SecretMissing {
        /// `namespace/name`.
        secret: String,
    },
    /// The Secret has no such key, or nothing under it.
    KeyMissing {
        /// `namespace/name`.
        secret: String,
        /// The key.
        key: String,
    },
    /// The operator may not read the Secret.
    SecretForbidden {
        /// `namespace/name`.
        secret: String,
    },
    /// The Secret could not be read for another reason.
    SecretUnread {
        /// `namespace/name`.
        secret: String,
        /// What the hub's API server says.
        error: String,
    },
    /// Not a kubeconfig.
    KubeconfigUnreadable {
        /// Where or what, without a word of its content.
        error: String,
    },
    /// A part of it that is needed is not there.
    KubeconfigIncomplete {
        /// The part, for example `current-context`.
        part: &'static str,
    },
    /// It asks to run a program.
    ExecRefused,
    /// It asks for an auth provider.
    AuthProviderRefused,
    /// It names a file of this process.
    FilePathRefused {
        /// The field.
        field: &'static str,
    },
    /// It asks not to check the server's certificate.
    InsecureRefused,
    /// It asks for a proxy.
    ProxyRefused,
    /// Its server is not an address with a host.
    NoHost,
    /// Its server is not https.
    NotTls,
    /// The credential is not accepted (401): expired or withdrawn.
    Unauthorized,
    /// The credential lacks a right (403).
    Forbidden {
        /// For example `list nodes`.
        what: &'static str,
    },
    /// It leads to another cluster than it should.
    WrongCluster {
        /// uid of `kube-system` that was expected.
        expected: String,
        /// uid found.
        found: String,
    },
    /// It leads to the cluster that the operator itself runs in.
    HubItself,
    /// It does not answer, or not as an API server.
    Unreachable {
        /// Why, bounded in length.
        error: String,
    },
    /// Its API server is older than what the guard there needs.
    TooOld {
        /// What it calls itself.
        version: String,
    },
    /// It has no such kind.
    KindMissing {
        /// The kind.
        kind: &'static str,
    },
    /// Writes to it failed several times in a row.
    WritesFail {
        /// The last error.
        error: String,
    },
}

impl LinkFault {
    /// Every word of [`LinkFault::reason`].
    pub const REASONS: [&'static str; 21] = [
        "SecretNotFound",
        "SecretKeyNotFound",
        "SecretForbidden",
        "SecretUnread",
        "KubeconfigUnreadable",
        "KubeconfigIncomplete",
        "ExecRefused",
        "AuthProviderRefused",
        "FilePathRefused",
        "InsecureRefused",
        "ProxyRefused",
        "NoHost",
        "NotTls",
        "Unauthorized",
        "Forbidden",
        "WrongCluster",
        "HubItself",
        "Unreachable",
        "TooOld",
        "KindMissing",
        "WritesFail",
    ];

    /// A CamelCase word for conditions, Events and metric labels. One word a variant.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::SecretMissing { .. } => "SecretNotFound",
            Self::KeyMissing { .. } => "SecretKeyNotFound",
            Self::SecretForbidden { .. } => "SecretForbidden",
            Self::SecretUnread { .. } => "SecretUnread",
            Self::KubeconfigUnreadable { .. } => "KubeconfigUnreadable",
            Self::KubeconfigIncomplete { .. } => "KubeconfigIncomplete",
            Self::ExecRefused => "ExecRefused",
            Self::AuthProviderRefused => "AuthProviderRefused",
            Self::FilePathRefused { .. } => "FilePathRefused",
            Self::InsecureRefused => "InsecureRefused",
            Self::ProxyRefused => "ProxyRefused",
            Self::NoHost => "NoHost",
            Self::NotTls => "NotTls",
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden { .. } => "Forbidden",
            Self::WrongCluster { .. } => "WrongCluster",
            Self::HubItself => "HubItself",
            Self::Unreachable { .. } => "Unreachable",
            Self::TooOld { .. } => "TooOld",
            Self::KindMissing { .. } => "KindMissing",
            Self::WritesFail { .. } => "WritesFail",
        }
    }

    /// True where trying again cannot help before a person has mended something.
    #[must_use]
    pub const fn refuses(&self) -> bool {
        match self {
            Self::SecretMissing { .. }
            | Self::KeyMissing { .. }
            | Self::SecretForbidden { .. }
            | Self::KubeconfigUnreadable { .. }
            | Self::KubeconfigIncomplete { .. }
            | Self::ExecRefused
            | Self::AuthProviderRefused
            | Self::FilePathRefused { .. }
            | Self::InsecureRefused
            | Self::ProxyRefused
            | Self::NoHost
            | Self::NotTls
            | Self::WrongCluster { .. }
            | Self::HubItself
            | Self::TooOld { .. } => true,
            Self::SecretUnread { .. }
            | Self::Unauthorized
            | Self::Forbidden { .. }
            | Self::Unreachable { .. }
            | Self::KindMissing { .. }
            | Self::WritesFail { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each variant; a new one has to be added here and to [`LinkFault::REASONS`].
    fn one_of_each() -> Vec<LinkFault> {
        let text = || "x".to_owned();
        vec![
            LinkFault::SecretMissing { secret: text() },
            LinkFault::KeyMissing {
                secret: text(),
                key: text(),
            },
            LinkFault::SecretForbidden { secret: text() },
            LinkFault::SecretUnread {
                secret: text(),
                error: text(),
            },
            LinkFault::KubeconfigUnreadable { error: text() },
            LinkFault::KubeconfigIncomplete { part: "x" },
            LinkFault::ExecRefused,
            LinkFault::AuthProviderRefused,
            LinkFault::FilePathRefused { field: "x" },
            LinkFault::InsecureRefused,
            LinkFault::ProxyRefused,
            LinkFault::NoHost,
            LinkFault::NotTls,
            LinkFault::Unauthorized,
            LinkFault::Forbidden { what: "x" },
            LinkFault::WrongCluster {
                expected: text(),
                found: text(),
            },
            LinkFault::HubItself,
            LinkFault::Unreachable { error: text() },
            LinkFault::TooOld { version: text() },
            LinkFault::KindMissing { kind: "x" },
            LinkFault::WritesFail { error: text() },
        ]
    }

    #[test]
    fn each_fault_has_a_word_of_its_own_and_a_way_out() {
        let all = one_of_each();
        let reasons: Vec<_> = all.iter().map(LinkFault::reason).collect();
        assert_eq!(reasons, LinkFault::REASONS);
        for fault in &all {
            let words = fault.to_string();
            let way_out = ["; ", ": make", "it is tried again"];
            assert!(way_out.iter().any(|w| words.contains(w)), "{words}");
        }
    }
}
