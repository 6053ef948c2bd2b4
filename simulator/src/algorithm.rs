//! The autoscalers that can be compared, by name.

use crate::contenders::{
    Contender, Each,
    hpa::{Hpa, Tuning},
    keda::Keda,
    pinisi::Pinisi,
    revision::Revision,
};
use crate::setup::Setup;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An autoscaler, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// The planner of this project.
    Pinisi,
    /// The HorizontalPodAutoscaler on CPU.
    Hpa,
    /// KEDA on requests a second.
    Keda,
    /// Knative's autoscaler on requests a second.
    Knative,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pinisi, Self::Hpa, Self::Keda, Self::Knative];

    /// Its name in options and in summaries.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pinisi => "pinisi",
            Self::Hpa => "hpa",
            Self::Keda => "keda",
            Self::Knative => "knative",
        }
    }

    /// Its name for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Pinisi => "Pinisi",
            Self::Hpa => "HPA on CPU",
            Self::Keda => "KEDA on requests",
            Self::Knative => "Knative on requests",
        }
    }

    /// It, with its defaults. At equal lag it sees the load the way that Pinisi does.
    #[must_use]
    pub fn contender(self, setup: &Setup, equal_lag: bool) -> Box<dyn Contender> {
        match self {
            Self::Pinisi => Box::new(Pinisi::new(setup)),
            Self::Hpa => Box::new(Each::of(setup, &Hpa::new(Tuning::default(), equal_lag))),
            Self::Keda => Box::new(Each::of(setup, &Keda::new(Tuning::default(), equal_lag))),
            Self::Knative => Box::new(Each::of(setup, &Revision::default())),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no autoscaler's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no autoscaler here: take pinisi, hpa, keda or knative")]
pub struct UnknownAlgorithm(String);

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let all = Self::ALL.into_iter();
        let mut same = all.filter(|a| a.name() == name);
        same.next().ok_or_else(|| UnknownAlgorithm(name.into()))
    }
}
