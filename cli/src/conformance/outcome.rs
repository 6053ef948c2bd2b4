//! What became of an attempt, of a case, and of a level. Types first, words at the end.

use serde::Serialize;

/// Why something was not tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// The server does not serve this API, so there is nothing to get around.
    NotServed,
    /// No node is sovereign, so nothing lawful can be shown.
    NoSovereignNode,
    /// No node stands at a Site away.
    NoNodeAbroad,
    /// No policy speaks for it.
    NoPolicy,
    /// No policy allows anything of the kind, so there is no lawful twin.
    NothingAllowed,
    /// The server's own definitions refuse it, or drop it: there is no way around.
    Unreachable,
    /// What would be changed is not there.
    Absent,
    /// Nothing Sensitive stands in the cloud's cluster from before its guard.
    NothingThere,
    /// It takes pods that run and talk.
    NeedsDataplane,
    /// It takes a second cluster.
    NeedsRemote,
    /// It takes an operator that is down.
    NeedsOperatorDown,
    /// It takes processes to be killed and started, which only a lab may do.
    NeedsLab,
    /// The server itself cannot protect this without the operator.
    NotGuaranteed,
    /// This version has no rule for it.
    NotBuilt,
}

impl Skip {
    /// As it stands in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NotServed => "not-served",
            Self::NoSovereignNode => "no-sovereign-node",
            Self::NoNodeAbroad => "no-node-abroad",
            Self::NoPolicy => "no-policy",
            Self::NothingAllowed => "nothing-allowed",
            Self::Unreachable => "unreachable",
            Self::Absent => "absent",
            Self::NothingThere => "nothing-there",
            Self::NeedsDataplane => "needs-dataplane",
            Self::NeedsRemote => "needs-remote",
            Self::NeedsOperatorDown => "needs-operator-down",
            Self::NeedsLab => "needs-lab",
            Self::NotGuaranteed => "not-guaranteed",
            Self::NotBuilt => "not-built",
        }
    }

    /// What a person may do about it.
    #[must_use]
    pub fn way_out(self) -> &'static str {
        match self {
            Self::NotServed => "nothing: an API that is not served is no way around",
            Self::NoSovereignNode => "make an OnPrem Site with an attested node: kubectl get sites",
            Self::NoNodeAbroad => {
                "make a Site of type Cloud or Edge with a node: kubectl get sites"
            }
            Self::NoPolicy => {
                "make a SovereigntyPolicy that selects these namespaces: kubectl get sovereigntypolicies"
            }
            Self::NothingAllowed => {
                "nothing: what no policy names is refused, and nothing of the kind is lawful"
            }
            Self::Unreachable => {
                "nothing: the server itself refuses it, or does not know the field"
            }
            Self::Absent => {
                "look why the canary is not there: a real definition or a policy refused it"
            }
            Self::NothingThere => "nothing: what is not there cannot be changed there",
            Self::NeedsDataplane => "try it by hand on a cluster whose pods run",
            Self::NeedsRemote => "give --remote-context, a context of the other cluster",
            Self::NeedsOperatorDown => "scale the operator to 0 and run again with --operator-down",
            Self::NeedsLab => "cargo lab conformance, in the lab",
            Self::NotGuaranteed => {
                "on Kubernetes 1.37 and later put the static pack into the API server; else keep the operator running and its alert wired"
            }
            Self::NotBuilt => "nothing yet: this version does not promise it",
        }
    }

    /// Whether a level that skips it is only partly shown.
    #[must_use]
    pub fn leaves_open(self) -> bool {
        match self {
            Self::NotServed | Self::NothingAllowed | Self::NothingThere | Self::Unreachable => {
                false
            }
            Self::NoSovereignNode
            | Self::NoNodeAbroad
            | Self::NoPolicy
            | Self::Absent
            | Self::NeedsDataplane
            | Self::NeedsRemote
            | Self::NeedsOperatorDown
            | Self::NeedsLab
            | Self::NotGuaranteed
            | Self::NotBuilt => true,
        }
    }
}

/// What became of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Refused by the rule that must refuse it.
    Refused,
    /// Lawful, and let through.
    Passed,
    /// Unlawful, and let through.
    LetThrough,
    /// Unlawful and refused, but not by its rule: that proves nothing.
    RefusedByOther,
    /// Lawful, and refused: a guard that refuses everything proves nothing.
    LawfulRefused,
    /// Let through without the labels that keep it at home.
    Unstamped,
    /// What was looked at is not as it must be.
    Wrong,
    /// The server did not answer, or failed.
    NoAnswer,
    /// Not tried.
    Skipped(Skip),
}

impl Outcome {
    /// As it stands in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Passed => "passed",
            Self::LetThrough => "let-through",
            Self::RefusedByOther => "refused-by-other",
            Self::LawfulRefused => "lawful-refused",
            Self::Unstamped => "unstamped",
            Self::Wrong => "wrong",
            Self::NoAnswer => "no-answer",
            Self::Skipped(_) => "skipped",
        }
    }

    /// Whether its case is red.
    #[must_use]
    pub fn is_red(self) -> bool {
        match self {
            Self::Refused | Self::Passed | Self::Skipped(_) => false,
            Self::LetThrough
            | Self::RefusedByOther
            | Self::LawfulRefused
            | Self::Unstamped
            | Self::Wrong
            | Self::NoAnswer => true,
        }
    }
}

/// How a case or a level stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All that was tried is as it must be.
    Green,
    /// So is what was tried, but something was not.
    Partial,
    /// Nothing was tried.
    Skipped,
    /// Something is not as it must be.
    Red,
}

impl Verdict {
    /// Of a case, by its attempts.
    #[must_use]
    pub fn of_case(outcomes: &[Outcome]) -> Self {
        let skipped = |outcome: &Outcome| matches!(outcome, Outcome::Skipped(_));
        let open =
            |outcome: &Outcome| matches!(outcome, Outcome::Skipped(skip) if skip.leaves_open());
        if outcomes.iter().any(|outcome| outcome.is_red()) {
            Self::Red
        } else if outcomes.iter().all(skipped) {
            Self::Skipped
        } else if outcomes.iter().any(open) {
            Self::Partial
        } else {
            Self::Green
        }
    }

    /// As it stands in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Partial => "partial",
            Self::Skipped => "skipped",
            Self::Red => "red",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_red_attempt_makes_a_case_red_and_one_left_open_keeps_it_from_green() {
        let served = Outcome::Skipped(Skip::NotServed);
        let open = Outcome::Skipped(Skip::NeedsRemote);
        let of = Verdict::of_case;
        assert_eq!(of(&[Outcome::Refused, Outcome::Passed]), Verdict::Green);
        assert_eq!(of(&[Outcome::Refused, served]), Verdict::Green);
        assert_eq!(of(&[Outcome::Refused, open]), Verdict::Partial);
        assert_eq!(of(&[served, open]), Verdict::Skipped);
        assert_eq!(of(&[]), Verdict::Skipped, "nothing tried is never green");
        for red in [
            Outcome::LetThrough,
            Outcome::RefusedByOther,
            Outcome::LawfulRefused,
            Outcome::Unstamped,
            Outcome::Wrong,
            Outcome::NoAnswer,
        ] {
            assert_eq!(of(&[Outcome::Refused, red, open]), Verdict::Red);
        }
    }
}
