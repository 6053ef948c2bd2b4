//! How old an inventory may get. The operator renews the time in it as long as it sees what it is made
//! of; the guard holds that time against the API server's own clock and binds nothing by one that is
//! too old. Not here: what an inventory lists (`sovereign`, `policy`).

use crate::checked::{Checked, SovereignSubject};
use crate::gather::index::Index;
use crate::gather::shared::Kind;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use pinisi_crds::SovereignNodesSpec;
use pinisi_crds::names::SOVEREIGN_NODES;
use std::collections::BTreeMap;

/// Age past which nothing is bound by an inventory, where no policy says less: longer than it takes to
/// see that an operator is gone, over holidays too.
pub const MAX_AGE: SignedDuration = SignedDuration::from_hours(24 * 7);
/// Longest time between two renewals.
pub const EVERY_MAX: SignedDuration = SignedDuration::from_hours(1);
/// What an inventory is made of: it is renewed only while all of it is seen.
pub const MADE_OF: [Kind; 3] = [Kind::Node, Kind::Site, Kind::SovereigntyPolicy];
/// Renewals in the time that an inventory lives: some may be missed.
const IN_A_LIFE: i32 = 4;

/// What is wanted, with the time that it should carry: now where anything else in it changes or its
/// time is due, else the one that it has.
#[must_use]
pub fn renewed(
    mut want: SovereignNodesSpec,
    have: Option<SovereignNodesSpec>,
    now: Timestamp,
) -> SovereignSubject {
    want.renewed_at = have.as_ref().and_then(|have| have.renewed_at.clone());
    if have.as_ref() != Some(&want) || is_due(&want, now) {
        // Whole seconds, and never ahead of now.
        let whole = Timestamp::from_second(now.as_second()).unwrap_or(now);
        want.renewed_at = Some(Time(whole));
    }
    SovereignSubject { want, have }
}

/// A time ahead of ours is due as well: it would outlive what it says.
fn is_due(spec: &SovereignNodesSpec, now: Timestamp) -> bool {
    let age = spec.renewed_at.as_ref().map(|at| now.duration_since(at.0));
    age.is_none_or(|age| age >= every(spec) || age.is_negative())
}

/// Time between two renewals.
#[must_use]
pub fn every(spec: &SovereignNodesSpec) -> SignedDuration {
    (SignedDuration::from_secs(spec.max_age_seconds) / IN_A_LIFE).min(EVERY_MAX)
}

/// Inventories of policies that are gone or cannot be read: their bindings stand and look them up. They
/// say what they said, but for nodes that are no longer what was listed.
pub fn orphans(
    index: &Index,
    known: &BTreeMap<String, SovereignSubject>,
    base: &SovereignNodesSpec,
    now: Timestamp,
) -> BTreeMap<String, SovereignSubject> {
    let orphans = index
        .sovereign
        .iter()
        .filter(|(name, _)| *name != SOVEREIGN_NODES && !known.contains_key(*name));
    let renewed = orphans.filter_map(|(name, found)| {
        let have = found.spec.as_ref().ok()?;
        let mut want = have.clone();
        want.nodes
            .retain(|node, identity| base.nodes.get(node) == Some(identity));
        Some((name.clone(), renewed(want, Some(have.clone()), now)))
    });
    renewed.collect()
}

impl Checked {
    /// What every inventory should say, by name.
    #[must_use]
    pub fn wanted_inventories(&self) -> BTreeMap<&str, &SovereignNodesSpec> {
        let own = self.inventories.iter();
        own.map(|(name, subject)| (name.as_str(), &subject.want))
            .chain([(SOVEREIGN_NODES, &self.sovereign.want)])
            .collect()
    }

    /// Whoever does not see nodes, Sites or policies cannot say that an inventory is still right: what
    /// is known by now is written, but under its old time.
    pub fn unseen(&mut self) {
        for subject in self.inventories.values_mut().chain([&mut self.sovereign]) {
            let SovereignSubject { want, have } = subject;
            if let Some(have) = have {
                want.renewed_at.clone_from(&have.renewed_at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).expect("a time")
    }

    fn spec(max_age_seconds: i64, renewed: Option<i64>) -> SovereignNodesSpec {
        SovereignNodesSpec {
            max_age_seconds,
            renewed_at: renewed.map(|seconds| Time(at(seconds))),
            ..SovereignNodesSpec::default()
        }
    }

    #[test]
    fn a_time_stands_until_it_is_due_and_is_never_ahead() {
        let week = MAX_AGE.as_secs();
        for (max_age, had, now, wanted) in [
            (week, Some(0), 3599, 0),
            (week, Some(0), 3600, 3600),
            (60, Some(0), 14, 0),
            (60, Some(0), 15, 15),
            (week, Some(1), 0, 0),
            (week, None, 7, 7),
        ] {
            let subject = renewed(spec(max_age, None), Some(spec(max_age, had)), at(now));
            assert_eq!(
                subject.want.renewed_at,
                Some(Time(at(wanted))),
                "{max_age} {had:?} {now}"
            );
        }
    }

    #[test]
    fn what_changes_is_renewed_with_it() {
        let mut want = spec(60, None);
        want.node_selector.insert("ground".into(), "own".into());
        let subject = renewed(want, Some(spec(60, Some(0))), at(1));
        assert_eq!(subject.want.renewed_at, Some(Time(at(1))));
        let first = renewed(spec(60, None), None, at(2));
        assert_eq!(first.want.renewed_at, Some(Time(at(2))));
    }
}
