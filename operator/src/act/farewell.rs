//! What becomes of a workload's replicas away from home when the workload is deleted: home takes
//! over first, and what it cannot take over goes on serving where it is, in this cluster or in
//! another. Never touches the target but to raise it.

use crate::checked::WorkloadSubject;
use pinisi_planner::WorkloadId;
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::site::SiteName;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How long home may take to become ready in place of the siblings.
pub const DELETE_GRACE: Duration = Duration::from_secs(60);

/// Since when each workload under deletion was seen so.
#[derive(Debug, Default)]
pub struct Farewells {
    since: BTreeMap<WorkloadId, Instant>,
}

impl Farewells {
    /// How long `id` has been seen under deletion.
    pub fn waited(&mut self, id: &WorkloadId, now: Instant) -> Duration {
        now.saturating_duration_since(*self.since.entry(id.clone()).or_insert(now))
    }

    /// Forgets workloads that are not under deletion any more.
    pub fn keep_only(&mut self, deleting: &BTreeSet<&WorkloadId>) {
        self.since.retain(|id, _| deleting.contains(id));
    }
}

/// What runs of a workload at one site away from home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Away {
    /// Replicas in its spec.
    pub replicas: Replicas,
    /// True while it is being deleted.
    pub deleting: bool,
    /// False where the cluster that it is in cannot be reached: it stays as it is.
    pub reachable: bool,
}

/// The next thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// Raise the target to the whole count.
    RaiseHome(Replicas),
    /// What runs at these sites is covered by ready pods at home.
    Delete(Vec<SiteName>),
    /// Nothing yet.
    Wait,
    /// Let the object go; what runs at the named sites goes on serving.
    LetGo {
        /// Sites whose replicas stay.
        keep: Vec<SiteName>,
    },
}

/// Decides. `away` is all that runs away from home; `unseen` says that there may be more, in a
/// cluster that was not seen yet. Where nobody knows how many are ready at home nothing is taken away.
#[must_use]
pub fn next(
    subject: &WorkloadSubject,
    away: &BTreeMap<SiteName, Away>,
    unseen: bool,
    waited: Duration,
) -> Farewell {
    let staying: Vec<_> = away.iter().filter(|(_, leg)| !leg.deleting).collect();
    let names = || staying.iter().map(|(site, _)| (*site).clone()).collect();
    // A namespace that goes takes everything in this cluster with it; what is in another stays.
    if subject.namespace_terminating {
        let elsewhere = |site: &&SiteName| subject.remotes.contains_key(*site);
        let keep = staying.iter().map(|(site, _)| *site).filter(elsewhere);
        return Farewell::LetGo {
            keep: keep.cloned().collect(),
        };
    }
    if away.is_empty() && (!unseen || waited >= DELETE_GRACE) {
        return Farewell::LetGo { keep: vec![] };
    }
    let Some(target) = &subject.target else {
        return Farewell::LetGo { keep: names() };
    };
    let total = total(subject, away, target.spec_replicas);
    if Replicas::from_api(target.spec_replicas) < total {
        return Farewell::RaiseHome(total);
    }
    let mut covered = vec![];
    let mut others: Replicas = staying.iter().map(|(_, leg)| leg.replicas).sum();
    for (site, leg) in &staying {
        let without = others.minus(leg.replicas);
        let ready = subject.ready_home;
        if leg.reachable && ready.is_some_and(|ready| ready.plus(without) >= total) {
            covered.push((*site).clone());
            others = without;
        }
    }
    if !covered.is_empty() {
        Farewell::Delete(covered)
    } else if (staying.is_empty() && !away.is_empty()) || waited < DELETE_GRACE {
        Farewell::Wait
    } else {
        Farewell::LetGo { keep: names() }
    }
}

/// The count decided last, as status has it; the sum of what is there where it says nothing. Home
/// alone may have been raised already, so the sum is not taken while status knows.
fn total(subject: &WorkloadSubject, away: &BTreeMap<SiteName, Away>, home: i32) -> Replicas {
    let decided = Replicas::from_api(subject.status.replicas);
    if decided > Replicas::ZERO {
        return decided;
    }
    let away: Replicas = away.values().map(|leg| leg.replicas).sum();
    Replicas::from_api(home).plus(away)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checked::Sibling;
    use crate::testing;

    const SOON: Duration = Duration::from_secs(1);

    fn cloud() -> SiteName {
        SiteName::new("cloud")
    }

    /// Of siblings alone.
    fn next(subject: &WorkloadSubject, waited: Duration) -> Farewell {
        let leg = |sibling: &Sibling| Away {
            replicas: Replicas::from_api(sibling.spec_replicas),
            deleting: sibling.deleting,
            reachable: true,
        };
        let away = subject
            .siblings
            .iter()
            .map(|(site, sibling)| (site.clone(), leg(sibling)))
            .collect();
        super::next(subject, &away, false, waited)
    }

    /// Of four replicas in another cluster.
    fn next_there(subject: &WorkloadSubject, reachable: bool, waited: Duration) -> Farewell {
        let leg = Away {
            replicas: Replicas::new(4),
            deleting: false,
            reachable,
        };
        super::next(subject, &[(cloud(), leg)].into(), false, waited)
    }

    fn spiking(ready: Option<u32>) -> WorkloadSubject {
        let mut subject = testing::subject();
        subject.ready_home = ready.map(Replicas::new);
        subject.deleting = true;
        subject.status.replicas = 14;
        if let Some(target) = &mut subject.target {
            target.spec_replicas = 10;
        }
        subject
            .siblings
            .insert(SiteName::new("cloud"), testing::sibling(4));
        subject
    }

    fn raised(ready: Option<u32>) -> WorkloadSubject {
        let mut subject = spiking(ready);
        if let Some(target) = &mut subject.target {
            target.spec_replicas = 14;
        }
        subject
    }

    #[test]
    fn home_is_raised_to_the_whole_before_anything_goes() {
        assert_eq!(
            next(&spiking(Some(10)), SOON),
            Farewell::RaiseHome(Replicas::new(14))
        );
    }

    #[test]
    fn a_sibling_goes_only_when_home_is_ready_for_it() {
        assert_eq!(next(&raised(Some(13)), SOON), Farewell::Wait);
        assert_eq!(
            next(&raised(Some(14)), SOON),
            Farewell::Delete(vec![SiteName::new("cloud")])
        );
    }

    #[test]
    fn what_home_cannot_hold_goes_on_serving_after_the_grace() {
        let keep = vec![SiteName::new("cloud")];
        assert_eq!(
            next(&raised(Some(13)), DELETE_GRACE),
            Farewell::LetGo { keep: keep.clone() }
        );
        assert_eq!(next(&raised(None), DELETE_GRACE), Farewell::LetGo { keep });
    }

    #[test]
    fn a_restart_in_between_does_not_double_the_total() {
        // Home is at 14 already, the sibling still at 4: the total stays 14, not 18.
        assert_ne!(
            next(&raised(Some(0)), SOON),
            Farewell::RaiseHome(Replicas::new(18))
        );
    }

    #[test]
    fn a_terminating_namespace_holds_nothing_up() {
        let mut subject = spiking(None);
        subject.namespace_terminating = true;
        assert_eq!(next(&subject, SOON), Farewell::LetGo { keep: vec![] });
    }

    #[test]
    fn a_sibling_on_its_way_out_is_waited_for() {
        let mut subject = raised(Some(14));
        subject
            .siblings
            .values_mut()
            .for_each(|sibling| sibling.deleting = true);
        assert_eq!(next(&subject, DELETE_GRACE), Farewell::Wait);
        subject.siblings.clear();
        assert_eq!(next(&subject, SOON), Farewell::LetGo { keep: vec![] });
    }

    #[test]
    fn what_runs_in_another_cluster_is_taken_over_as_a_sibling_is() {
        let mut subject = spiking(Some(10));
        subject.siblings.clear();
        assert_eq!(
            next_there(&subject, true, SOON),
            Farewell::RaiseHome(Replicas::new(14))
        );
        let mut subject = raised(Some(14));
        subject.siblings.clear();
        assert_eq!(
            next_there(&subject, true, SOON),
            Farewell::Delete(vec![cloud()])
        );
    }

    #[test]
    fn an_unreachable_cluster_holds_the_deletion_for_a_bounded_time_and_serves_on() {
        let mut subject = raised(Some(14));
        subject.siblings.clear();
        assert_eq!(next_there(&subject, false, SOON), Farewell::Wait);
        assert_eq!(
            next_there(&subject, false, DELETE_GRACE),
            Farewell::LetGo {
                keep: vec![cloud()]
            }
        );
    }

    #[test]
    fn a_cluster_that_was_not_seen_yet_is_waited_for_as_long() {
        let mut subject = raised(Some(14));
        subject.siblings.clear();
        let unseen = |waited| super::next(&subject, &BTreeMap::new(), true, waited);
        assert_eq!(unseen(SOON), Farewell::Wait);
        assert_eq!(unseen(DELETE_GRACE), Farewell::LetGo { keep: vec![] });
    }

    #[test]
    fn a_terminating_namespace_leaves_what_serves_elsewhere() {
        let mut subject = raised(Some(14));
        subject.siblings.clear();
        subject.namespace_terminating = true;
        subject
            .remotes
            .insert(cloud(), testing::remote_leg(Some(testing::remote(4))));
        assert_eq!(
            next_there(&subject, true, SOON),
            Farewell::LetGo {
                keep: vec![cloud()]
            }
        );
    }
}
