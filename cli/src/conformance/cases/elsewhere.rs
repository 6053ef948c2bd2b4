//! Cases that requests alone cannot try, with the reason, so that a level never looks better than
//! what was seen.

use crate::conformance::case::{Case, Level, Way};
use crate::conformance::outcome::Skip;

const fn not(
    id: &'static str,
    level: Level,
    bypasses: &'static [&'static str],
    title: &'static str,
    skip: Skip,
) -> Case {
    Case {
        id,
        level,
        bypasses,
        title,
        way: Way::Not(skip),
    }
}

use Level::{Gold, Silver};
use Skip::{NeedsDataplane, NeedsLab, NotBuilt};

/// These.
pub const CASES: &[Case] = &[
    not(
        "S23",
        Silver,
        &["B31"],
        "a second sovereign copy, restored",
        NeedsDataplane,
    ),
    not(
        "S27",
        Silver,
        &["B37"],
        "traffic to the internet",
        NeedsDataplane,
    ),
    not(
        "S28",
        Silver,
        &["B37"],
        "traffic to the cloud",
        NeedsDataplane,
    ),
    not(
        "S29",
        Silver,
        &["B38"],
        "traffic from the cloud",
        NeedsDataplane,
    ),
    not(
        "S30",
        Silver,
        &["B37"],
        "names asked for abroad",
        NeedsDataplane,
    ),
    not(
        "S31",
        Silver,
        &["B40"],
        "a log line that leaves",
        NeedsDataplane,
    ),
    not(
        "S32",
        Silver,
        &["B40"],
        "a metric, trace or event that leaves",
        NeedsDataplane,
    ),
    not(
        "S37",
        Gold,
        &["B31"],
        "a backup restored in the cloud's cluster",
        NeedsDataplane,
    ),
    not(
        "S38",
        Gold,
        &["B24"],
        "home lost, and a fail-over abroad",
        NeedsDataplane,
    ),
    not(
        "S43",
        Gold,
        &["B48"],
        "two operators that both lead",
        NeedsLab,
    ),
    not(
        "S45",
        Gold,
        &["B46"],
        "a jurisdiction whose attestation has ended",
        NotBuilt,
    ),
    not(
        "S46",
        Gold,
        &[],
        "the audit log proves what it holds",
        NotBuilt,
    ),
    not(
        "S47",
        Gold,
        &[],
        "an audit log that was tampered with",
        NotBuilt,
    ),
    not(
        "S48",
        Gold,
        &["B14"],
        "the API server restarted in a storm of requests",
        NeedsLab,
    ),
];
