//! What sites in other clusters refuse, by workload: fed by `act`'s preflights, read by `check`.
//! A refusal stands until a preflight passes or what it was about has changed; it is looked at
//! again by itself after a while. Pure; time comes in.

use jiff::{SignedDuration, Timestamp};
use pinisi_crds::hybrid_workload::CarryRef;
use pinisi_planner::WorkloadId;
use pinisi_planner::model::refusal::Refusal;
use pinisi_planner::model::site::SiteName;
use std::collections::BTreeMap;

/// After this the preflight is made again.
pub const REFUSAL_RETRY: SignedDuration = SignedDuration::from_secs(60);

/// What a preflight was about: where any of it has changed, its word is void.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// Digest of the target's spec.
    pub digest: String,
    /// What is to be carried.
    pub carry: Vec<CarryRef>,
    /// uid of the other cluster.
    pub cluster: String,
    /// Generation of the Site's spec.
    pub site_generation: i64,
    /// State of the namespace there, as [`crate::checked::RemoteNamespace::word`] has it.
    pub namespace: &'static str,
    /// True where the receiving guard is in force.
    pub guarded: bool,
}

/// A refusal that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What is refused and why.
    pub refusal: Refusal,
    /// True where the preflight is to be made again now, though nothing changed.
    pub due: bool,
}

/// Every refusal that stands.
#[derive(Clone, Debug, Default)]
pub struct Refusals(BTreeMap<(WorkloadId, SiteName), Entry>);

#[derive(Clone, Debug)]
struct Entry {
    refusal: Refusal,
    about: Circumstances,
    since: Timestamp,
    until: Timestamp,
}

impl Refusals {
    /// A preflight failed.
    pub fn refused(
        &mut self,
        workload: WorkloadId,
        site: SiteName,
        refusal: Refusal,
        about: Circumstances,
        now: Timestamp,
    ) {
        let until = now.saturating_add(REFUSAL_RETRY).unwrap_or(Timestamp::MAX);
        let entry = Entry {
            refusal,
            about,
            since: now,
            until,
        };
        self.0.insert((workload, site), entry);
    }

    /// A preflight passed, or the write itself did.
    pub fn passed(&mut self, workload: &WorkloadId, site: &SiteName) {
        self.0.remove(&(workload.clone(), site.clone()));
    }

    /// What stands against a workload at a site under the circumstances of this moment.
    #[must_use]
    pub fn standing(
        &self,
        workload: &WorkloadId,
        site: &SiteName,
        about: &Circumstances,
        now: Timestamp,
    ) -> Option<Standing> {
        let entry = self.0.get(&(workload.clone(), site.clone()))?;
        let Entry {
            refusal,
            about: then,
            since,
            until,
        } = entry;
        if then != about {
            return None;
        }
        Some(Standing {
            refusal: refusal.clone(),
            // A clock that ran backwards must not put it off for ever.
            due: now >= *until || now < *since,
        })
    }

    /// Forgets workloads and sites that are not there any more.
    pub fn keep_only(&mut self, wanted: impl Fn(&WorkloadId, &SiteName) -> bool) {
        self.0.retain(|(workload, site), _| wanted(workload, site));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, id};
    use pinisi_planner::model::refusal::RefusalKind;

    fn site() -> SiteName {
        SiteName::new("cloud")
    }

    fn about(digest: &str) -> Circumstances {
        Circumstances {
            digest: digest.into(),
            ..Circumstances::default()
        }
    }

    fn refused() -> Refusals {
        let refusal = Refusal {
            kind: RefusalKind::PullSecretMissing,
            object: "Secret shop/pull".into(),
            text: "no pull secret".into(),
        };
        let mut refusals = Refusals::default();
        refusals.refused(id(), site(), refusal, about("d1"), at(0));
        refusals
    }

    fn due(refusals: &Refusals, digest: &str, second: i64) -> Option<bool> {
        let standing = refusals.standing(&id(), &site(), &about(digest), at(second));
        standing.map(|s| s.due)
    }

    #[test]
    fn it_stands_and_is_looked_at_again_after_a_while() {
        let refusals = refused();
        assert_eq!(due(&refusals, "d1", 1), Some(false));
        assert_eq!(due(&refusals, "d1", 59), Some(false));
        assert_eq!(due(&refusals, "d1", 60), Some(true));
        assert_eq!(
            due(&refusals, "d1", -5),
            Some(true),
            "the clock ran backwards"
        );
    }

    #[test]
    fn it_falls_at_once_when_what_it_was_about_changes_or_a_preflight_passes() {
        let mut refusals = refused();
        assert_eq!(due(&refusals, "d2", 1), None);
        refusals.passed(&id(), &site());
        assert_eq!(due(&refusals, "d1", 1), None);
    }

    #[test]
    fn it_goes_with_its_workload() {
        let mut refusals = refused();
        refusals.keep_only(|workload, _| *workload != id());
        assert_eq!(due(&refusals, "d1", 1), None);
    }
}
