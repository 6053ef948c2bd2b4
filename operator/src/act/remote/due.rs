//! Which recurring writes are due: the receiving guard of each cluster, and the copies of each leg.
//! Until one has succeeded it stays due; its pauses after failures are `inflight`'s. Plain data;
//! time comes in.

use pinisi_planner::WorkloadId;
use pinisi_planner::model::site::SiteName;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How often a receiving guard is put in place again.
pub const GUARD_EVERY: Duration = Duration::from_secs(300);
/// How often copies are compared with their sources.
pub const COPIES_EVERY: Duration = Duration::from_secs(60);

/// When each was done last.
#[derive(Debug, Default)]
pub struct Due {
    guards: BTreeMap<SiteName, (String, Instant)>,
    copies: BTreeMap<(WorkloadId, SiteName), Instant>,
}

impl Due {
    /// True where the guard of `site`, which is the cluster `uid`, is to be put in place.
    #[must_use]
    pub fn guard(&self, site: &SiteName, uid: &str, now: Instant) -> bool {
        self.guards
            .get(site)
            .is_none_or(|(then, at)| then != uid || since(*at, now) >= GUARD_EVERY)
    }

    /// It was.
    pub fn guarded(&mut self, site: SiteName, uid: String, now: Instant) {
        self.guards.insert(site, (uid, now));
    }

    /// It is to be put in place again at once.
    pub fn guard_lost(&mut self, site: &SiteName) {
        self.guards.remove(site);
    }

    /// True where copies are to be compared with their sources.
    #[must_use]
    pub fn copies(&self, id: &WorkloadId, site: &SiteName, now: Instant) -> bool {
        self.copies
            .get(&(id.clone(), site.clone()))
            .is_none_or(|at| since(*at, now) >= COPIES_EVERY)
    }

    /// They were.
    pub fn copied(&mut self, id: WorkloadId, site: SiteName, now: Instant) {
        self.copies.insert((id, site), now);
    }

    /// Forgets sites and legs that are not there any more.
    pub fn keep_only(
        &mut self,
        site: impl Fn(&SiteName) -> bool,
        leg: impl Fn(&WorkloadId, &SiteName) -> bool,
    ) {
        self.guards.retain(|name, _| site(name));
        self.copies.retain(|(id, name), _| leg(id, name));
    }
}

fn since(then: Instant, now: Instant) -> Duration {
    now.saturating_duration_since(then)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::id;

    #[test]
    fn a_guard_is_due_first_again_after_a_while_and_for_another_cluster() {
        let (mut due, now, site) = (Due::default(), Instant::now(), SiteName::new("cloud"));
        assert!(due.guard(&site, "c1", now));
        due.guarded(site.clone(), "c1".into(), now);
        assert!(!due.guard(&site, "c1", now + GUARD_EVERY - Duration::from_millis(1)));
        assert!(due.guard(&site, "c1", now + GUARD_EVERY));
        assert!(due.guard(&site, "c2", now));
        due.guard_lost(&site);
        assert!(due.guard(&site, "c1", now));
    }

    #[test]
    fn copies_are_due_first_and_again_after_a_while() {
        let (mut due, now, site) = (Due::default(), Instant::now(), SiteName::new("cloud"));
        assert!(due.copies(&id(), &site, now));
        due.copied(id(), site.clone(), now);
        assert!(!due.copies(&id(), &site, now));
        assert!(due.copies(&id(), &site, now + COPIES_EVERY));
        due.keep_only(|_| false, |_, _| false);
        assert!(due.copies(&id(), &site, now) && due.guard(&site, "c1", now));
    }
}
