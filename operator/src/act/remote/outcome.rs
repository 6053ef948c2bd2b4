//! What the end of a write in another cluster teaches: a refusal that stands or falls, a recurring
//! write that was done, a receiving guard that is in force or not. Pure; time comes in.

use super::due::Due;
use crate::act::ActError;
use crate::act::write::{Key, Write, WriteKind};
use crate::checked::Checked;
use crate::gather::cluster::GuardFacts;
use crate::refusals::Refusals;
use jiff::Timestamp;
use pinisi_planner::WorkloadId;
use pinisi_planner::model::refusal::{Refusal, RefusalKind};
use pinisi_planner::model::site::SiteName;
use std::collections::BTreeMap;
use std::time::Instant;

/// Where it is remembered.
pub struct Learnt<'a> {
    /// What sites refuse.
    pub refusals: &'a mut Refusals,
    /// Recurring writes.
    pub due: &'a mut Due,
}

impl Learnt<'_> {
    /// Learns from the end of `write`. Gives back, where it was a receiving guard, the Site, the
    /// cluster and how the guard fares there.
    pub fn from(
        self,
        write: &Write,
        result: &Result<(), ActError>,
        now: Timestamp,
        instant: Instant,
    ) -> Option<(String, String, GuardFacts)> {
        let Self { refusals, due } = self;
        match (&write.key, &write.kind) {
            (Key::RemoteGuard(site), WriteKind::RemoteGuard { cluster }) => {
                let facts = match result {
                    Ok(()) => {
                        due.guarded(site.clone(), cluster.clone(), instant);
                        GuardFacts::InForce
                    }
                    Err(error) => {
                        due.guard_lost(site);
                        error.guard_facts()?
                    }
                };
                Some((site.to_string(), cluster.clone(), facts))
            }
            (
                Key::Remote {
                    site,
                    workload,
                    object: _,
                },
                kind,
            ) => {
                let about = match kind {
                    WriteKind::RemoteApply(order) | WriteKind::RemoteProbe(order) => {
                        Some(&order.about)
                    }
                    WriteKind::RemoteCopies(order) => Some(&order.about),
                    _ => None,
                };
                let proves = matches!(kind, WriteKind::RemoteApply(_) | WriteKind::RemoteProbe(_));
                let copies = matches!(kind, WriteKind::RemoteApply(_) | WriteKind::RemoteCopies(_));
                match (result, about) {
                    (Ok(()), _) => {
                        if proves {
                            refusals.passed(workload, site);
                        }
                        if copies {
                            due.copied(workload.clone(), site.clone(), instant);
                        }
                    }
                    (Err(ActError::Refused(refusal)), Some(about)) => refusals.refused(
                        workload.clone(),
                        site.clone(),
                        refusal.clone(),
                        about.clone(),
                        now,
                    ),
                    (Err(_), _) => {}
                }
                None
            }
            _ => None,
        }
    }
}

/// Legs that are left alone are refused for as long as that lasts, and no longer.
pub fn contests(
    checked: &Checked,
    contested: &BTreeMap<(WorkloadId, SiteName), Refusal>,
    refusals: &mut Refusals,
    now: Timestamp,
) {
    for (id, subject) in &checked.workloads {
        for (site, leg) in &subject.remotes {
            let alone = contested.get(&(id.clone(), site.clone()));
            let stands = leg
                .standing
                .as_ref()
                .is_some_and(|standing| standing.refusal.kind == RefusalKind::DeploymentContested);
            if let Some(refusal) = alone {
                refusals.refused(
                    id.clone(),
                    site.clone(),
                    refusal.clone(),
                    leg.about.clone(),
                    now,
                );
            } else if stands {
                refusals.passed(id, site);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::act::remote::orders::{ApplyThere, CopiesThere};
    use crate::act::write::RemoteObject;
    use crate::refusals::Circumstances;
    use crate::testing::{self, at, id};

    fn site() -> SiteName {
        SiteName::new("cloud")
    }

    fn about() -> Circumstances {
        Circumstances {
            digest: "d1".into(),
            ..Circumstances::default()
        }
    }

    fn write(kind: WriteKind) -> Write {
        Write {
            key: Key::Remote {
                site: site(),
                workload: id(),
                object: RemoteObject::Deployment,
            },
            before: String::new(),
            kind,
            sample: None,
        }
    }

    fn order() -> Box<ApplyThere> {
        Box::new(ApplyThere {
            name: "web".into(),
            body: serde_json::Value::Null,
            create: true,
            mend: false,
            finalizer_for: None,
            may_make_namespace: false,
            carry: vec![],
            drop: vec![],
            about: about(),
        })
    }

    fn refused(kind: RefusalKind) -> Refusal {
        Refusal {
            kind,
            object: "x".into(),
            text: "x".into(),
        }
    }

    #[derive(Default)]
    struct Memory {
        refusals: Refusals,
        due: Due,
    }

    impl Memory {
        #[allow(clippy::needless_pass_by_value)] // so that calls stay short
        fn learn(
            &mut self,
            write: &Write,
            result: Result<(), ActError>,
        ) -> Option<(String, String, GuardFacts)> {
            let learnt = Learnt {
                refusals: &mut self.refusals,
                due: &mut self.due,
            };
            learnt.from(write, &result, at(0), Instant::now())
        }

        fn stands(&self) -> bool {
            self.refusals
                .standing(&id(), &site(), &about(), at(1))
                .is_some()
        }
    }

    #[test]
    fn a_refusal_stands_until_a_preflight_passes_and_no_other_write_clears_it() {
        let mut memory = Memory::default();
        let apply = write(WriteKind::RemoteApply(order()));
        memory.learn(
            &apply,
            Err(ActError::Refused(refused(RefusalKind::QuotaExceeded))),
        );
        assert!(memory.stands());
        let copies = write(WriteKind::RemoteCopies(Box::new(CopiesThere {
            carry: vec![],
            about: about(),
        })));
        memory.learn(&copies, Ok(()));
        assert!(memory.stands());
        memory.learn(&write(WriteKind::RemoteProbe(order())), Ok(()));
        assert!(!memory.stands());
    }

    #[test]
    fn what_is_of_the_way_is_no_refusal() {
        let mut memory = Memory::default();
        for error in [
            ActError::Timeout,
            ActError::Throttled("429".into()),
            ActError::Unavailable("503".into()),
            ActError::Conflict("409".into()),
            ActError::NoLink,
        ] {
            memory.learn(&write(WriteKind::RemoteApply(order())), Err(error));
            assert!(!memory.stands());
        }
    }

    #[test]
    fn copies_that_failed_stay_due() {
        let mut memory = Memory::default();
        let copies = write(WriteKind::RemoteCopies(Box::new(CopiesThere {
            carry: vec![],
            about: about(),
        })));
        memory.learn(&copies, Err(ActError::Timeout));
        assert!(memory.due.copies(&id(), &site(), Instant::now()));
        memory.learn(&copies, Ok(()));
        assert!(!memory.due.copies(&id(), &site(), Instant::now()));
    }

    #[test]
    fn a_guard_is_told_as_it_fares_and_a_sick_way_tells_nothing() {
        let mut memory = Memory::default();
        let guard = Write {
            key: Key::RemoteGuard(site()),
            ..write(WriteKind::RemoteGuard {
                cluster: "c1".into(),
            })
        };
        let told = |facts| Some(("cloud".to_owned(), "c1".to_owned(), facts));
        assert_eq!(memory.learn(&guard, Ok(())), told(GuardFacts::InForce));
        assert!(!memory.due.guard(&site(), "c1", Instant::now()));
        assert_eq!(memory.learn(&guard, Err(ActError::Timeout)), None);
        assert!(memory.due.guard(&site(), "c1", Instant::now()));
        let missing = GuardFacts::Missing {
            reason: "GuardNotProven",
            why: "let through".into(),
        };
        let error = ActError::Unguarded {
            reason: "GuardNotProven",
            why: "let through".into(),
        };
        assert_eq!(memory.learn(&guard, Err(error)), told(missing));
    }

    #[test]
    fn a_contest_is_refused_while_it_lasts_and_no_longer() {
        let mut checked = Checked::default();
        let mut subject = testing::subject();
        let leg = crate::checked::RemoteLeg {
            about: about(),
            ..testing::remote_leg(Some(testing::remote(4)))
        };
        subject.remotes.insert(site(), leg);
        checked.workloads.insert(id(), subject);
        let mut memory = Memory::default();
        let alone = [((id(), site()), refused(RefusalKind::DeploymentContested))].into();
        contests(&checked, &alone, &mut memory.refusals, at(0));
        assert!(memory.stands());
        let standing = memory.refusals.standing(&id(), &site(), &about(), at(1));
        if let Some(leg) = checked
            .workloads
            .get_mut(&id())
            .and_then(|subject| subject.remotes.get_mut(&site()))
        {
            leg.standing = standing;
        }
        contests(&checked, &BTreeMap::new(), &mut memory.refusals, at(2));
        assert!(!memory.stands());
    }
}
