//! What becomes of a workload's siblings when the workload is deleted: home takes over first, and
//! what it cannot take over goes on serving where it is. Never touches the target but to raise it.

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

/// The next thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// Raise the target to the whole count.
    RaiseHome(Replicas),
    /// These siblings are covered by ready pods at home.
    Delete(Vec<SiteName>),
    /// Nothing yet.
    Wait,
    /// Let the object go; the named siblings go on serving.
    LetGo {
        /// Sites whose siblings stay.
        keep: Vec<SiteName>,
    },
}

/// Decides. Where nobody knows how many are ready at home no sibling is taken away.
#[must_use]
pub fn next(subject: &WorkloadSubject, waited: Duration) -> Farewell {
    let staying: Vec<_> = subject
        .siblings
        .iter()
        .filter(|(_, sibling)| !sibling.deleting)
        .collect();
    let names = || staying.iter().map(|(site, _)| (*site).clone()).collect();
    // A namespace that goes takes everything with it.
    if subject.namespace_terminating || subject.siblings.is_empty() {
        return Farewell::LetGo { keep: vec![] };
    }
    let Some(target) = &subject.target else {
        return Farewell::LetGo { keep: names() };
    };
    let total = total(subject, target.spec_replicas);
    if Replicas::from_api(target.spec_replicas) < total {
        return Farewell::RaiseHome(total);
    }
    let mut covered = vec![];
    let mut others: Replicas = staying
        .iter()
        .map(|(_, sibling)| Replicas::from_api(sibling.spec_replicas))
        .sum();
    for (site, sibling) in &staying {
        let without = others.minus(Replicas::from_api(sibling.spec_replicas));
        if subject
            .ready_home
            .is_some_and(|ready| ready.plus(without) >= total)
        {
            covered.push((*site).clone());
            others = without;
        }
    }
    if !covered.is_empty() {
        Farewell::Delete(covered)
    } else if staying.is_empty() || waited < DELETE_GRACE {
        Farewell::Wait
    } else {
        Farewell::LetGo { keep: names() }
    }
}

/// The count decided last, as status has it; the sum of what is there where it says nothing. Home
/// alone may have been raised already, so the sum is not taken while status knows.
fn total(subject: &WorkloadSubject, home: i32) -> Replicas {
    let decided = Replicas::from_api(subject.status.replicas);
    if decided > Replicas::ZERO {
        return decided;
    }
    let away: Replicas = subject
        .siblings
        .values()
        .map(|sibling| Replicas::from_api(sibling.spec_replicas))
        .sum();
    Replicas::from_api(home).plus(away)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    const SOON: Duration = Duration::from_secs(1);

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
}
