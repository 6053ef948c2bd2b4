//! Somebody changes or deletes what is ours in another cluster. A change is put right once; after
//! the second within a while the object is left alone, and that is said. What is deleted is made
//! again, each time after a longer pause. Plain data of this process; time comes in.

use crate::checked::RemoteDeployment;
use jiff::Timestamp;
use pinisi_planner::WorkloadId;
use pinisi_planner::model::refusal::{Refusal, RefusalKind};
use pinisi_planner::model::site::SiteName;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Foreign writes after which the object is left alone.
pub const DRIFT_WRITES_MAX: u32 = 2;
/// How long it is left alone after the last of them, and how long losses are remembered.
pub const DRIFT_BACK_OFF: Duration = Duration::from_secs(600);
/// Pause before what was deleted is made again the first time; doubles with each further loss.
pub const LOSS_PAUSE_FIRST: Duration = Duration::from_secs(1);
/// Longest such pause.
pub const LOSS_PAUSE_MAX: Duration = Duration::from_secs(60);

/// What may be done with a leg now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Whatever is wanted.
    Free,
    /// Its spec is to be put right.
    Mend,
    /// Nothing: somebody else keeps writing it.
    LeftAlone {
        /// Who.
        by: String,
    },
    /// Nothing yet: it was deleted and is made again later.
    Wait,
}

impl Verdict {
    /// What is said of a leg that is left alone.
    #[must_use]
    pub fn refusal(&self, site: &SiteName, namespace: &str, name: &str) -> Option<Refusal> {
        let Self::LeftAlone { by } = self else {
            return None;
        };
        Some(Refusal {
            kind: RefusalKind::DeploymentContested,
            object: format!("Deployment {namespace}/{name}"),
            text: format!(
                "Deployment {namespace}/{name} in the cluster of Site {site} was changed {DRIFT_WRITES_MAX} times by {by}: it is left alone until {by} has been quiet for {} minutes; stop {by} there, or name another Site in spec.placement.tiers",
                DRIFT_BACK_OFF.as_secs() / 60
            ),
        })
    }
}

/// What was seen of each leg.
#[derive(Debug, Default)]
pub struct Drifts(BTreeMap<(WorkloadId, SiteName), Entry>);

#[derive(Debug)]
struct Entry {
    uid: Option<String>,
    count: Option<(String, i64)>,
    edit: Option<(String, Option<Timestamp>)>,
    by: String,
    writes: u32,
    last: Option<Instant>,
    losses: u32,
    lost: Option<Instant>,
}

impl Drifts {
    /// Looks at a leg: `there` as it is, `wanted` where replicas are decided for it.
    pub fn observe(
        &mut self,
        id: &WorkloadId,
        site: &SiteName,
        there: Option<&RemoteDeployment>,
        wanted: bool,
        now: Instant,
    ) -> Verdict {
        let entry = self
            .0
            .entry((id.clone(), site.clone()))
            .or_insert_with(Entry::new);
        match there {
            Some(there) => entry.seen(there, now),
            None => entry.absent(wanted, now),
        }
    }

    /// Forgets legs that are not there any more.
    pub fn keep_only(&mut self, wanted: impl Fn(&WorkloadId, &SiteName) -> bool) {
        self.0.retain(|(id, site), _| wanted(id, site));
    }
}

impl Entry {
    const fn new() -> Self {
        Self {
            uid: None,
            count: None,
            edit: None,
            by: String::new(),
            writes: 0,
            last: None,
            losses: 0,
            lost: None,
        }
    }

    fn seen(&mut self, there: &RemoteDeployment, now: Instant) -> Verdict {
        // One under deletion is not lost yet; another uid is another object.
        if self.uid.as_ref() != Some(&there.uid) {
            self.uid = Some(there.uid.clone());
            (self.count, self.edit) = (None, None);
        }
        let count = there
            .foreign_writer
            .clone()
            .map(|by| (by, there.generation));
        let edit = there.foreign_edit.clone().map(|edit| (edit.by, edit.at));
        let quiet = |last: Option<Instant>| {
            last.is_none_or(|last| now.saturating_duration_since(last) >= DRIFT_BACK_OFF)
        };
        // A count that only lost its writer to us, or a generation that we made, is no new write.
        let new_count = count.is_some() && count != self.count;
        let new_edit = edit.is_some() && edit != self.edit;
        if new_count || new_edit {
            if quiet(self.last) {
                self.writes = 0;
            }
            self.writes = self.writes.saturating_add(1);
            self.last = Some(now);
            let by = if new_count { &count } else { &None };
            self.by = match (by, &edit) {
                (Some((by, _)), _) => by.clone(),
                (None, Some((by, _))) => by.clone(),
                (None, None) => String::new(),
            };
        }
        let mend = edit.is_some();
        if count.is_some() {
            self.count = count;
        }
        // Once it was put right the next is a new one, though their times, of whole seconds, be equal.
        self.edit = edit;
        if self.writes >= DRIFT_WRITES_MAX && !quiet(self.last) {
            Verdict::LeftAlone {
                by: self.by.clone(),
            }
        } else if mend {
            Verdict::Mend
        } else {
            Verdict::Free
        }
    }

    fn absent(&mut self, wanted: bool, now: Instant) -> Verdict {
        if self.uid.take().is_some() && wanted {
            let quiet = self
                .lost
                .is_none_or(|lost| now.saturating_duration_since(lost) >= DRIFT_BACK_OFF);
            self.losses = if quiet {
                1
            } else {
                self.losses.saturating_add(1)
            };
            self.lost = Some(now);
        }
        (self.count, self.edit) = (None, None);
        let pause = LOSS_PAUSE_FIRST
            .saturating_mul(2_u32.saturating_pow(self.losses.saturating_sub(1)))
            .min(LOSS_PAUSE_MAX);
        match self.lost {
            Some(lost) if now.saturating_duration_since(lost) < pause => Verdict::Wait,
            Some(_) | None => Verdict::Free,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gather::facts::Edit;
    use crate::testing::{at, id, remote};

    struct Leg {
        drifts: Drifts,
        now: Instant,
    }

    impl Leg {
        fn new() -> Self {
            Self {
                drifts: Drifts::default(),
                now: Instant::now(),
            }
        }

        fn after(&mut self, seconds: u64, there: Option<&RemoteDeployment>) -> Verdict {
            self.now += Duration::from_secs(seconds);
            self.drifts
                .observe(&id(), &SiteName::new("cloud"), there, true, self.now)
        }
    }

    fn scaled(by: &str, generation: i64) -> RemoteDeployment {
        RemoteDeployment {
            foreign_writer: Some(by.into()),
            generation,
            ..remote(4)
        }
    }

    fn edited(by: &str, second: i64) -> RemoteDeployment {
        RemoteDeployment {
            foreign_edit: Some(Edit {
                by: by.into(),
                at: Some(at(second)),
            }),
            ..remote(4)
        }
    }

    #[test]
    fn one_foreign_count_is_put_back_and_after_the_second_it_is_left_alone() {
        let mut leg = Leg::new();
        assert_eq!(leg.after(0, Some(&remote(4))), Verdict::Free);
        assert_eq!(leg.after(1, Some(&scaled("kubectl", 2))), Verdict::Free);
        assert_eq!(
            leg.after(1, Some(&scaled("kubectl", 2))),
            Verdict::Free,
            "seen again it is the same write"
        );
        assert_eq!(leg.after(1, Some(&remote(4))), Verdict::Free, "put back");
        let alone = Verdict::LeftAlone { by: "hpa".into() };
        assert_eq!(leg.after(1, Some(&scaled("hpa", 4))), alone);
        assert_eq!(leg.after(599, Some(&scaled("hpa", 4))), alone);
        assert_eq!(leg.after(1, Some(&scaled("hpa", 4))), Verdict::Free);
    }

    #[test]
    fn an_edit_is_mended_once_and_then_left_alone() {
        let mut leg = Leg::new();
        assert_eq!(leg.after(0, Some(&edited("argocd", 1))), Verdict::Mend);
        assert_eq!(
            leg.after(1, Some(&edited("argocd", 1))),
            Verdict::Mend,
            "our write has not arrived yet"
        );
        assert_eq!(leg.after(1, Some(&remote(4))), Verdict::Free);
        let alone = Verdict::LeftAlone {
            by: "argocd".into(),
        };
        assert_eq!(leg.after(5, Some(&edited("argocd", 8))), alone);
        assert_eq!(leg.after(600, Some(&edited("argocd", 8))), Verdict::Mend);
    }

    #[test]
    fn an_edit_again_in_the_same_second_is_another() {
        let mut leg = Leg::new();
        assert_eq!(leg.after(0, Some(&edited("argocd", 1))), Verdict::Mend);
        assert_eq!(leg.after(0, Some(&remote(4))), Verdict::Free);
        let alone = Verdict::LeftAlone {
            by: "argocd".into(),
        };
        assert_eq!(leg.after(0, Some(&edited("argocd", 1))), alone);
    }

    #[test]
    fn writes_far_apart_are_each_put_right() {
        let mut leg = Leg::new();
        for round in 0..5 {
            assert_eq!(
                leg.after(700, Some(&edited("kubectl-edit", round * 700))),
                Verdict::Mend
            );
            assert_eq!(leg.after(1, Some(&remote(4))), Verdict::Free);
        }
    }

    #[test]
    fn a_lost_one_is_made_again_after_doubling_pauses_up_to_a_bound() {
        let mut leg = Leg::new();
        let mut pauses = vec![];
        for uid in 0..8 {
            let there = RemoteDeployment {
                uid: format!("u{uid}"),
                ..remote(4)
            };
            assert_eq!(leg.after(1, Some(&there)), Verdict::Free);
            let mut pause = 0;
            let mut verdict = leg.after(0, None);
            while verdict == Verdict::Wait {
                pause += 1;
                verdict = leg.after(1, None);
            }
            pauses.push(pause);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        leg.after(1, Some(&remote(4)));
        leg.after(DRIFT_BACK_OFF.as_secs(), Some(&remote(4)));
        assert_eq!(leg.after(0, None), Verdict::Wait);
        assert_eq!(leg.after(1, None), Verdict::Free, "long ago is forgotten");
    }

    #[test]
    fn what_nobody_wants_is_not_lost_and_what_never_was_is_not_waited_for() {
        let mut leg = Leg::new();
        assert_eq!(leg.after(0, None), Verdict::Free);
        leg.after(1, Some(&remote(0)));
        let verdict = leg
            .drifts
            .observe(&id(), &SiteName::new("cloud"), None, false, leg.now);
        assert_eq!(verdict, Verdict::Free);
        assert_eq!(leg.after(1, None), Verdict::Free);
    }

    #[test]
    fn what_is_left_alone_says_who_and_the_way_out() {
        let alone = Verdict::LeftAlone {
            by: "argocd".into(),
        };
        let said = alone
            .refusal(&SiteName::new("cloud"), "shop", "web")
            .unwrap();
        for part in [
            "shop/web",
            "Site cloud",
            "argocd",
            "10 minutes",
            "spec.placement.tiers",
        ] {
            assert!(said.text.contains(part), "{part} in {}", said.text);
        }
        assert_eq!(
            Verdict::Free.refusal(&SiteName::new("cloud"), "shop", "web"),
            None
        );
    }
}
