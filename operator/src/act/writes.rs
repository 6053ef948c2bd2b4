//! From the plan to writes: only the difference, increases first, and no decrease of a workload
//! while an increase of it is still to be made. Pure.

use super::farewell::{self, Away, Farewell};
use super::ledgers::Ledgers;
use super::remote::derive::{self as there, Leg, connection};
use super::remote::drift::Verdict;
use super::remote::due::Due;
use super::write::{Key, ScaledKind, Write, WriteKind};
use super::{declassify, name, sibling, violations};
use crate::checked::{Checked, Sibling, SovereignSubject, Target, WorkloadSubject};
use jiff::Timestamp;
use pinisi_crds::hybrid_workload::{Class, Mode, TargetRef};
use pinisi_crds::names::SOVEREIGN_NODES;
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::site::{SiteKind, SiteName};
use pinisi_planner::model::workload::{Placement, Workload};
use pinisi_planner::{Decision, Plan, Reason, Step, WorkloadId};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// Every write that the plan asks for now: guards, then increases, then the rest. `samples` holds,
/// by workload, the load sample that a change of its total answers.
#[must_use]
pub fn derive(
    checked: &Checked,
    plan: &Plan,
    samples: &BTreeMap<WorkloadId, Timestamp>,
    ledgers: &mut Ledgers,
    now: Instant,
) -> Vec<Write> {
    let mut writes = Vec::new();
    let inventories = checked.inventories.iter();
    writes.extend(
        [(SOVEREIGN_NODES, &checked.sovereign)]
            .into_iter()
            .chain(inventories.map(|(name, subject)| (name.as_str(), subject)))
            .filter_map(|(name, subject)| sovereign(name, subject)),
    );
    writes.extend(violations::derive(
        &checked.violations,
        &mut ledgers.evictions,
        plan.at,
        now,
    ));
    let requests = checked.declassifications.iter();
    writes.extend(requests.filter_map(|(key, subject)| declassify::derive(key, subject, plan.at)));
    forget(checked, ledgers);
    writes.extend(there::guards(checked, &ledgers.due, now));
    let mut decreases = Vec::new();
    for (id, subject) in &checked.workloads {
        let world = checked.world.workloads.get(id);
        if subject.deleting {
            if subject.has_finalizer {
                writes.extend(goodbye(checked, id, subject, ledgers, now));
            }
            continue;
        }
        let (Some(world), Some(decision)) = (world, plan.workloads.get(id)) else {
            continue;
        };
        if subject.namespace_terminating || subject.mode != Mode::Active {
            continue;
        }
        let one = One {
            id,
            subject,
            world,
            decision,
            checked,
            verdicts: verdicts(id, subject, decision, ledgers, now),
            sample: samples.get(id).copied(),
        };
        let (up, down) = one.counts();
        if up.is_empty() && !one.holds_back() {
            decreases.extend(down);
        }
        writes.extend(up);
        decreases.extend(one.tidy(plan, &ledgers.due, now));
    }
    writes.extend(decreases);
    writes
}

/// Forgets what is not there any more, and what was said in the last round.
fn forget(checked: &Checked, ledgers: &mut Ledgers) {
    let Ledgers {
        farewells,
        drifts,
        due,
        contested,
        evictions: _,
    } = ledgers;
    let deleting: BTreeSet<_> = checked
        .workloads
        .iter()
        .filter(|(_, s)| s.deleting)
        .map(|(id, _)| id)
        .collect();
    farewells.keep_only(&deleting);
    let leg = |id: &WorkloadId, site: &SiteName| {
        let subject = checked.workloads.get(id);
        subject.is_some_and(|subject| subject.remotes.contains_key(site))
    };
    drifts.keep_only(leg);
    due.keep_only(|site| checked.sites.contains_key(site), leg);
    contested.clear();
}

/// Looks at each leg in another cluster for what others did to it.
fn verdicts(
    id: &WorkloadId,
    subject: &WorkloadSubject,
    decision: &Decision,
    ledgers: &mut Ledgers,
    now: Instant,
) -> BTreeMap<SiteName, Verdict> {
    let mut verdicts = BTreeMap::new();
    for (site, leg) in &subject.remotes {
        let share = decision.shares.get(site);
        let wanted = share.is_some_and(|share| share.desired > Replicas::ZERO);
        let verdict = ledgers
            .drifts
            .observe(id, site, there::own(leg), wanted, now);
        let refusal = verdict.refusal(site, &id.namespace, &subject.target_ref.name);
        if let Some(refusal) = refusal {
            ledgers
                .contested
                .insert((id.clone(), site.clone()), refusal);
        }
        verdicts.insert(site.clone(), verdict);
    }
    verdicts
}

/// Site at which the target itself runs.
#[must_use]
pub fn home(workload: &Workload) -> Option<&SiteName> {
    match &workload.placement {
        Placement::Sensitive { sites } => sites.first().map(|site| site.name()),
        Placement::MassTraffic { tiers } => tiers.first().and_then(|tier| tier.sites.first()),
    }
}

/// The kind of a target that has a `/scale` which this version writes.
#[must_use]
pub fn scaled_kind(target: &TargetRef) -> Option<ScaledKind> {
    match (target.api_version.as_str(), target.kind.as_str()) {
        ("apps/v1", "Deployment") => Some(ScaledKind::Deployment),
        ("apps/v1", "StatefulSet") => Some(ScaledKind::StatefulSet),
        _ => None,
    }
}

struct One<'a> {
    id: &'a WorkloadId,
    subject: &'a WorkloadSubject,
    world: &'a Workload,
    decision: &'a Decision,
    checked: &'a Checked,
    verdicts: BTreeMap<SiteName, Verdict>,
    sample: Option<Timestamp>,
}

impl One<'_> {
    /// Writes of counts: increases, decreases.
    fn counts(&self) -> (Vec<Write>, Vec<Write>) {
        let (mut up, mut down) = (Vec::new(), Vec::new());
        for step in &self.decision.steps {
            let write = if step.home {
                self.scale_home(step)
            } else {
                self.step_away(step)
            };
            let list = if step.to > step.from {
                &mut up
            } else {
                &mut down
            };
            list.extend(write);
        }
        (up, down)
    }

    fn scale_home(&self, step: &Step) -> Option<Write> {
        let target = self.subject.target.as_ref()?;
        let write = scale_target(self.id, &self.subject.target_ref, target, step.to)?;
        Some(Write {
            sample: self.sample,
            ..write
        })
    }

    /// True where an increase waits for nothing but time: decreases wait with it.
    fn holds_back(&self) -> bool {
        self.decision.steps.iter().any(|step| {
            step.to > step.from && self.verdicts.get(&step.site) == Some(&Verdict::Wait)
        })
    }

    /// The leg at a site that is another cluster.
    fn leg<'b>(&'b self, site: &'b SiteName) -> Option<Leg<'b>> {
        Some(Leg {
            checked: self.checked,
            id: self.id,
            subject: self.subject,
            site,
            leg: self.subject.remotes.get(site)?,
            connection: connection(self.checked, site)?,
            home_labels: &self.checked.sites.get(home(self.world)?)?.match_labels,
            verdict: self.verdicts.get(site)?,
            sample: self.sample,
        })
    }

    fn step_away(&self, step: &Step) -> Option<Write> {
        if connection(self.checked, &step.site).is_some() {
            return self.leg(&step.site)?.step(step.to, step.to > step.from);
        }
        match self.subject.siblings.get(&step.site) {
            // Until it is gone nothing can be made in its place.
            Some(sibling) if sibling.deleting => None,
            Some(sibling) if self.outdated(sibling) => {
                self.apply(&step.site, Some(sibling), step.to)
            }
            Some(sibling) => Some(Write {
                key: self.key(&sibling.name),
                before: looks(sibling),
                kind: WriteKind::Scale {
                    of: ScaledKind::Deployment,
                    uid: sibling.uid.clone(),
                    to: step.to,
                },
                sample: self.sample,
            }),
            None if step.to == Replicas::ZERO => None,
            None => self.apply(&step.site, None, step.to),
        }
    }

    fn apply(
        &self,
        site: &SiteName,
        existing: Option<&Sibling>,
        replicas: Replicas,
    ) -> Option<Write> {
        let parts = self.subject.target.as_ref()?.deployment.as_ref()?;
        let home = self.checked.sites.get(home(self.world)?)?;
        let subject = self.checked.sites.get(site)?;
        // The planner's types say so already; a sibling is the last place where it could go wrong.
        if self.subject.class == Class::Sensitive && subject.kind != SiteKind::OnPrem {
            tracing::error!(workload = %self.id, %site, "refused to make a Sensitive sibling off sovereign ground");
            return None;
        }
        let name = existing.map_or_else(
            || name::sibling(&self.subject.target_ref.name, site.as_str()),
            |sibling| sibling.name.clone(),
        );
        let body = sibling::build(&sibling::Recipe {
            namespace: &self.id.namespace,
            workload: &self.id.name,
            name: &name,
            parts,
            home,
            site: (site, subject),
            replicas,
        });
        Some(Write {
            key: self.key(&name),
            before: existing.map_or_else(|| "absent".into(), looks),
            kind: WriteKind::ApplySibling {
                body: Box::new(body),
                create: existing.is_none(),
                finalizer_for: (!self.subject.has_finalizer).then(|| self.subject.uid.clone()),
            },
            sample: self.sample,
        })
    }

    /// True where the target rolled out a template that the sibling does not have yet.
    fn outdated(&self, sibling: &Sibling) -> bool {
        self.subject
            .target
            .as_ref()
            .and_then(|target| target.deployment.as_ref())
            .is_some_and(|parts| parts.rolled_out && parts.digest != sibling.digest)
    }

    /// Template refreshes, empty siblings, the finalizer, the count taken over once.
    fn tidy(&self, plan: &Plan, due: &Due, now: Instant) -> Vec<Write> {
        let mut writes = Vec::new();
        if self
            .decision
            .reasons
            .iter()
            .any(|reason| matches!(reason, Reason::Contested { .. }))
        {
            return writes;
        }
        let stepped: BTreeSet<_> = self.decision.steps.iter().map(|step| &step.site).collect();
        let draining = plan
            .memory
            .workloads
            .get(self.id)
            .is_some_and(|memory| memory.decisions.drain.is_some());
        for (site, sibling) in &self.subject.siblings {
            if sibling.deleting || stepped.contains(site) {
                continue;
            }
            if !draining && sibling.spec_replicas == 0 && self.empty(site) {
                writes.push(Write {
                    key: self.key(&sibling.name),
                    before: looks(sibling),
                    kind: WriteKind::DeleteSibling {
                        uid: sibling.uid.clone(),
                    },
                    sample: None,
                });
            } else if self.outdated(sibling) {
                let refresh = self.apply(
                    site,
                    Some(sibling),
                    Replicas::from_api(sibling.spec_replicas),
                );
                writes.extend(refresh.map(|write| Write {
                    sample: None,
                    ..write
                }));
            }
        }
        for site in self.subject.remotes.keys() {
            if stepped.contains(site) {
                continue;
            }
            let Some(leg) = self.leg(site) else { continue };
            let empty = !draining
                && leg.leg.empty
                && there::own(leg.leg).is_some_and(|there| there.spec_replicas == 0)
                && self.empty(site);
            writes.extend(leg.tidy(empty, due, now));
        }
        writes.extend(self.workload_itself());
        writes
    }

    /// True where nothing is decided for a site and nothing of it runs there.
    fn empty(&self, site: &SiteName) -> bool {
        let decided = self
            .decision
            .shares
            .get(site)
            .map_or(Replicas::ZERO, |share| share.desired);
        let (ready, bound) = self
            .world
            .legs
            .get(site)
            .map_or((Replicas::ZERO, Replicas::ZERO), |leg| {
                (leg.ready, leg.bound)
            });
        decided == Replicas::ZERO && ready == Replicas::ZERO && bound == Replicas::ZERO
    }

    fn workload_itself(&self) -> Option<Write> {
        let home = home(self.world)?;
        let away = self
            .decision
            .shares
            .iter()
            .any(|(site, share)| site != home && share.desired > Replicas::ZERO);
        let none = self.subject.siblings.is_empty()
            && self
                .subject
                .remotes
                .values()
                .all(|leg| there::own(leg).is_none())
            && !unseen(self.checked, self.subject);
        let kind = if self.subject.has_finalizer && none && !away {
            WriteKind::DropFinalizer {
                uid: self.subject.uid.clone(),
                released: vec![],
                released_there: vec![],
                target: self.subject.target_ref.name.clone(),
            }
        } else if self.subject.adopt_replicas {
            let to = self.world.legs.values().map(|leg| leg.spec).sum();
            WriteKind::AdoptReplicas {
                uid: self.subject.uid.clone(),
                generation: self.subject.generation,
                to,
            }
        } else {
            return None;
        };
        let before = format!(
            "{}/{}/{}",
            self.subject.generation, self.subject.has_finalizer, self.subject.adopt_replicas
        );
        Some(Write {
            key: Key::Workload(self.id.clone()),
            before,
            kind,
            sample: None,
        })
    }

    fn key(&self, name: &str) -> Key {
        Key::Scaled {
            workload: self.id.clone(),
            name: name.into(),
        }
    }
}

fn looks(sibling: &Sibling) -> String {
    format!(
        "{}/{}/{}/{}",
        sibling.uid, sibling.spec_replicas, sibling.digest, sibling.deleting
    )
}

fn scale_target(
    id: &WorkloadId,
    reference: &TargetRef,
    target: &Target,
    to: Replicas,
) -> Option<Write> {
    Some(Write {
        key: Key::Scaled {
            workload: id.clone(),
            name: reference.name.clone(),
        },
        before: format!("{}/{}", target.uid, target.spec_replicas),
        kind: WriteKind::Scale {
            of: scaled_kind(reference)?,
            uid: target.uid.clone(),
            to,
        },
        sample: None,
    })
}

/// True where a cluster that may hold a leg was never seen whole.
fn unseen(checked: &Checked, subject: &WorkloadSubject) -> bool {
    subject
        .remotes
        .keys()
        .any(|site| connection(checked, site).is_some_and(|remote| remote.age.is_none()))
}

/// Everything that runs of a workload away from home, here and in other clusters.
fn away(checked: &Checked, subject: &WorkloadSubject) -> BTreeMap<SiteName, Away> {
    let here = subject.siblings.iter().map(|(site, sibling)| {
        let away = Away {
            replicas: Replicas::from_api(sibling.spec_replicas),
            deleting: sibling.deleting,
            reachable: true,
        };
        (site.clone(), away)
    });
    let elsewhere = subject.remotes.iter().filter_map(|(site, leg)| {
        let there = there::own(leg)?;
        let away = Away {
            replicas: Replicas::from_api(there.spec_replicas),
            deleting: there.deleting,
            reachable: connection(checked, site).is_some_and(|remote| remote.link.is_up()),
        };
        Some((site.clone(), away))
    });
    here.chain(elsewhere).collect()
}

fn goodbye(
    checked: &Checked,
    id: &WorkloadId,
    subject: &WorkloadSubject,
    ledgers: &mut Ledgers,
    now: Instant,
) -> Vec<Write> {
    let away = away(checked, subject);
    let waited = ledgers.farewells.waited(id, now);
    match farewell::next(subject, &away, unseen(checked, subject), waited) {
        Farewell::Wait => vec![],
        Farewell::RaiseHome(total) => subject
            .target
            .as_ref()
            .and_then(|target| scale_target(id, &subject.target_ref, target, total))
            .into_iter()
            .collect(),
        Farewell::Delete(sites) => sites
            .iter()
            .filter_map(|site| remove(checked, id, subject, site))
            .collect(),
        Farewell::LetGo { keep } => {
            let sibling = |site| subject.siblings.get(site).map(|found| found.name.clone());
            let elsewhere = |site: &&SiteName| subject.remotes.contains_key(*site);
            vec![Write {
                key: Key::Workload(id.clone()),
                before: "deleting".into(),
                kind: WriteKind::DropFinalizer {
                    uid: subject.uid.clone(),
                    released: keep.iter().filter_map(sibling).collect(),
                    released_there: keep.iter().filter(elsewhere).cloned().collect(),
                    target: subject.target_ref.name.clone(),
                },
                sample: None,
            }]
        }
    }
}

/// Deletes what runs of a workload at a site away from home.
fn remove(
    checked: &Checked,
    id: &WorkloadId,
    subject: &WorkloadSubject,
    site: &SiteName,
) -> Option<Write> {
    if let Some(sibling) = subject.siblings.get(site) {
        return Some(Write {
            key: Key::Scaled {
                workload: id.clone(),
                name: sibling.name.clone(),
            },
            before: looks(sibling),
            kind: WriteKind::DeleteSibling {
                uid: sibling.uid.clone(),
            },
            sample: None,
        });
    }
    let leg = subject.remotes.get(site)?;
    let gone = Leg {
        checked,
        id,
        subject,
        site,
        leg,
        connection: connection(checked, site)?,
        home_labels: &BTreeMap::new(),
        verdict: &Verdict::Free,
        sample: None,
    };
    Some(gone.delete(there::own(leg)?))
}

fn sovereign(name: &str, subject: &SovereignSubject) -> Option<Write> {
    let SovereignSubject { want, have } = subject;
    if have.as_ref() == Some(want) {
        return None;
    }
    Some(Write {
        key: Key::Sovereign(name.to_owned()),
        before: have
            .as_ref()
            .map_or_else(|| "absent".into(), |have| json!(have).to_string()),
        kind: WriteKind::Sovereign {
            spec: Box::new(json!(want)),
        },
        sample: None,
    })
}

#[cfg(test)]
mod tests;
