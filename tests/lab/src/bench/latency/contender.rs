//! Who takes part: by what name, as whom, in which process, and how often it
//! looks.

use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::credentials::HPA_USER;
use crate::{hpa, metrics_apis, operator};

/// Name of the operator's process within the lab.
pub const OPERATOR: &str = "pinisi-0";
/// Name of Prometheus' process within the lab.
const PROMETHEUS: &str = "prometheus";

/// One way to have counts set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contender {
    /// A bare loop that knows the answer and only writes the scales
    Floor,
    /// Pinisi, asking Prometheus, which scrapes each second
    PinisiPrometheus,
    /// Pinisi, scraping the source itself
    PinisiGateway,
    /// A real HPA controller: 1 s sync, 100 workers, 1,000 requests a second
    HpaTuned,
    /// A real HPA controller with Kubernetes' default flags
    HpaDefault,
}

impl Contender {
    /// All of them, in the order in which they take part.
    pub const ALL: [Self; 5] = [
        Self::Floor,
        Self::PinisiPrometheus,
        Self::PinisiGateway,
        Self::HpaTuned,
        Self::HpaDefault,
    ];

    /// Its name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::PinisiPrometheus => "pinisi-prometheus",
            Self::PinisiGateway => "pinisi-gateway",
            Self::HpaTuned => "hpa-tuned",
            Self::HpaDefault => "hpa-default",
        }
    }

    /// Who asks the API server, by the audit log. The floor has the operator's
    /// account, so that its writes take the same way through admission.
    #[must_use]
    pub fn user(self) -> String {
        match self {
            Self::Floor | Self::PinisiPrometheus | Self::PinisiGateway => operator::user(),
            Self::HpaTuned | Self::HpaDefault => HPA_USER.to_owned(),
        }
    }

    /// Its process in the lab; the floor is this program itself.
    #[must_use]
    pub const fn process(self) -> Option<&'static str> {
        match self {
            Self::Floor => None,
            Self::PinisiPrometheus | Self::PinisiGateway => Some(OPERATOR),
            Self::HpaTuned | Self::HpaDefault => Some(hpa::NAME),
        }
    }

    /// The process between the source and it, if there is one.
    #[must_use]
    pub const fn between(self) -> Option<&'static str> {
        match self {
            Self::Floor | Self::PinisiGateway => None,
            Self::PinisiPrometheus => Some(PROMETHEUS),
            Self::HpaTuned | Self::HpaDefault => Some(metrics_apis::ADAPTER),
        }
    }

    /// How often it looks: the moment of a spike falls anywhere in this time.
    #[must_use]
    pub const fn looks_every(self) -> Duration {
        match self {
            Self::Floor | Self::PinisiPrometheus | Self::HpaTuned => Duration::from_secs(1),
            Self::PinisiGateway => Duration::from_millis(super::fleet::GATEWAY_MILLIS),
            Self::HpaDefault => Duration::from_secs(15),
        }
    }

    /// Most time for it to write all of a spike; what is not written by then is
    /// counted as missing.
    #[must_use]
    pub const fn most(self) -> Duration {
        match self {
            Self::Floor | Self::PinisiPrometheus | Self::PinisiGateway => Duration::from_secs(30),
            Self::HpaTuned => Duration::from_secs(60),
            Self::HpaDefault => Duration::from_secs(300),
        }
    }
}
