//! From the plan to writes: only the difference, increases first, and no decrease of a workload
//! while an increase of it is still to be made. Pure.

use super::farewell::{self, Farewell, Farewells};
use super::write::{Key, ScaledKind, Write, WriteKind};
use super::{name, sibling};
use crate::checked::{Checked, Sibling, SovereignSubject, Target, WorkloadSubject};
use jiff::Timestamp;
use pinisi_crds::hybrid_workload::{Class, Mode, TargetRef};
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::site::{SiteKind, SiteName};
use pinisi_planner::model::workload::{Placement, Workload};
use pinisi_planner::{Decision, Plan, Reason, Step, WorkloadId};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// Every write that the plan asks for now, increases first. `samples` holds, by workload, the load
/// sample that a change of its total answers.
#[must_use]
pub fn derive(
    checked: &Checked,
    plan: &Plan,
    samples: &BTreeMap<WorkloadId, Timestamp>,
    farewells: &mut Farewells,
    now: Instant,
) -> Vec<Write> {
    let mut writes = Vec::new();
    writes.extend(sovereign(&checked.sovereign));
    let mut decreases = Vec::new();
    let deleting: BTreeSet<_> = checked
        .workloads
        .iter()
        .filter(|(_, s)| s.deleting)
        .map(|(id, _)| id)
        .collect();
    farewells.keep_only(&deleting);
    for (id, subject) in &checked.workloads {
        let world = checked.world.workloads.get(id);
        if subject.deleting {
            if subject.has_finalizer {
                writes.extend(goodbye(id, subject, farewells, now));
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
            sample: samples.get(id).copied(),
        };
        let (up, down) = one.counts();
        if up.is_empty() {
            decreases.extend(down);
        }
        writes.extend(up);
        decreases.extend(one.tidy(plan));
    }
    writes.extend(decreases);
    writes
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

    fn step_away(&self, step: &Step) -> Option<Write> {
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
    fn tidy(&self, plan: &Plan) -> Vec<Write> {
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
            if !draining && self.empty(site, sibling) {
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
        writes.extend(self.workload_itself());
        writes
    }

    fn empty(&self, site: &SiteName, sibling: &Sibling) -> bool {
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
        sibling.spec_replicas == 0
            && decided == Replicas::ZERO
            && ready == Replicas::ZERO
            && bound == Replicas::ZERO
    }

    fn workload_itself(&self) -> Option<Write> {
        let home = home(self.world)?;
        let away = self
            .decision
            .shares
            .iter()
            .any(|(site, share)| site != home && share.desired > Replicas::ZERO);
        let kind = if self.subject.has_finalizer && self.subject.siblings.is_empty() && !away {
            WriteKind::DropFinalizer {
                uid: self.subject.uid.clone(),
                released: vec![],
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

fn goodbye(
    id: &WorkloadId,
    subject: &WorkloadSubject,
    farewells: &mut Farewells,
    now: Instant,
) -> Vec<Write> {
    let name = |site| {
        subject
            .siblings
            .get(site)
            .map(|sibling| sibling.name.clone())
    };
    match farewell::next(subject, farewells.waited(id, now)) {
        Farewell::Wait => vec![],
        Farewell::RaiseHome(total) => subject
            .target
            .as_ref()
            .and_then(|target| scale_target(id, &subject.target_ref, target, total))
            .into_iter()
            .collect(),
        Farewell::Delete(sites) => sites
            .iter()
            .filter_map(|site| subject.siblings.get(site))
            .map(|sibling| Write {
                key: Key::Scaled {
                    workload: id.clone(),
                    name: sibling.name.clone(),
                },
                before: looks(sibling),
                kind: WriteKind::DeleteSibling {
                    uid: sibling.uid.clone(),
                },
                sample: None,
            })
            .collect(),
        Farewell::LetGo { keep } => vec![Write {
            key: Key::Workload(id.clone()),
            before: "deleting".into(),
            kind: WriteKind::DropFinalizer {
                uid: subject.uid.clone(),
                released: keep.iter().filter_map(name).collect(),
            },
            sample: None,
        }],
    }
}

fn sovereign(subject: &SovereignSubject) -> Option<Write> {
    let SovereignSubject { want, have } = subject;
    if have.as_ref() == Some(want) {
        return None;
    }
    Some(Write {
        key: Key::Sovereign,
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
