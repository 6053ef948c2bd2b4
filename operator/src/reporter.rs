//! Decides which statuses and Events to send after a round, and starts sending them. The words are
//! made in `report`; the requests in `report::send`.

use crate::act::ActError;
use crate::checked::{Checked, Connection, WorkloadSubject};
use crate::gather::facts::ObjectKey;
use crate::gather::link::Link;
use crate::report::conditions::GuardState;
use crate::report::events::{self, Concern, Note, Throttle};
use crate::report::ledger::Pen;
use crate::report::outbox::Outbox;
use crate::report::send::Teller;
use crate::report::status::{self, Facts};
use crate::report::{budget, declassification, objects, stable};
use crate::runner::Outcome;
use jiff::{SignedDuration, Timestamp};
use pinisi_crds::{
    CloudBudget, CloudBudgetStatus, Declassification, DeclassificationStatus, HybridWorkload,
    HybridWorkloadStatus, SignalSource, SignalSourceStatus, Site, SiteStatus, SovereigntyPolicy,
    SovereigntyPolicyStatus, SovereigntyViolationSpec,
};
use pinisi_planner::model::budget::BudgetName;
use pinisi_planner::model::site::{Reach, SiteName};
use pinisi_planner::{Plan, WorkloadId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Status writes in flight at most.
pub const REPORT_CONCURRENCY: usize = 32;
/// One status in this time may be written only for newer words while nothing moved.
const WORDS_EVERY: Duration = Duration::from_secs(5);
/// Words of one object are renewed no more often than this while nothing moves.
const WORDS_AGE: Duration = Duration::from_secs(60);
/// A workload's status waits no longer than this for a site that is being looked for.
const CONNECTING_MAX: SignedDuration = SignedDuration::from_secs(30);

/// Which object's status was written.
#[derive(Clone, Debug)]
pub enum Told {
    /// A workload's.
    Workload(WorkloadId),
    /// A Site's.
    Site(SiteName),
    /// A SignalSource's.
    Source(String),
    /// A CloudBudget's.
    Budget(BudgetName),
    /// A SovereigntyPolicy's.
    Policy(String),
    /// A Declassification's.
    Declassification(ObjectKey),
    /// No status: the ledger.
    Ledger,
}

/// Keeps what was sent.
pub struct Reporter {
    teller: Teller,
    outcomes: mpsc::UnboundedSender<Outcome>,
    permits: Arc<Semaphore>,
    workloads: Outbox<WorkloadId, HybridWorkloadStatus>,
    sites: Outbox<SiteName, SiteStatus>,
    sources: Outbox<String, SignalSourceStatus>,
    budgets: Outbox<BudgetName, CloudBudgetStatus>,
    policies: Outbox<String, SovereigntyPolicyStatus>,
    declassifications: Outbox<ObjectKey, DeclassificationStatus>,
    pen: Pen,
    throttle: Throttle,
    words: Option<Instant>,
}

impl Reporter {
    /// Reports through `teller`; ends of writes go to `outcomes`.
    #[must_use]
    pub fn new(teller: Teller, outcomes: mpsc::UnboundedSender<Outcome>) -> Self {
        Self {
            teller,
            outcomes,
            permits: Arc::new(Semaphore::new(REPORT_CONCURRENCY)),
            workloads: Outbox::default(),
            sites: Outbox::default(),
            sources: Outbox::default(),
            budgets: Outbox::default(),
            policies: Outbox::default(),
            declassifications: Outbox::default(),
            pen: Pen::default(),
            throttle: Throttle::default(),
            words: None,
        }
    }

    /// Notes the end of a write.
    pub fn finish(&mut self, told: &Told, accepted: bool, now: Instant) {
        match told {
            Told::Workload(id) => self.workloads.finish(id, accepted, now),
            Told::Site(name) => self.sites.finish(name, accepted, now),
            Told::Source(name) => self.sources.finish(name, accepted, now),
            Told::Budget(name) => self.budgets.finish(name, accepted, now),
            Told::Policy(name) => self.policies.finish(name, accepted, now),
            Told::Declassification(key) => self.declassifications.finish(key, accepted, now),
            Told::Ledger => self.pen.finish(),
        }
    }

    /// Writes under way.
    #[must_use]
    pub fn sending(&self) -> usize {
        REPORT_CONCURRENCY.saturating_sub(self.permits.available_permits())
    }

    /// Starts what is due. True where something had to wait for a free slot.
    pub fn report(
        &mut self,
        checked: &Checked,
        plan: &Plan,
        errors: &BTreeMap<WorkloadId, Vec<ActError>>,
        guard: &GuardState,
        now: Instant,
    ) -> bool {
        self.workloads
            .keep_only(|id| checked.workloads.contains_key(id));
        self.sites
            .keep_only(|name| checked.sites.contains_key(name));
        self.sources
            .keep_only(|name| checked.sources.contains_key(name));
        self.budgets
            .keep_only(|name| checked.budgets.contains_key(name));
        self.policies
            .keep_only(|name| checked.policies.contains_key(name));
        self.declassifications
            .keep_only(|key| checked.declassifications.contains_key(key));
        let waits = [
            self.tell_policies(checked, plan, now),
            self.tell_declassifications(checked, plan, now),
            self.tell_sites(checked, plan, now),
            self.tell_sources(checked, plan, now),
            self.keep_ledger(checked, plan, now),
            self.tell_budgets(checked, plan, now),
        ];
        self.tell_workloads(checked, plan, errors, guard, now) || waits.contains(&true)
    }

    /// Tells of a violation that was written down, on what it is about.
    pub fn violated(&mut self, spec: &SovereigntyViolationSpec, now: Instant) {
        if !self.throttle.pass(Concern::Sovereignty, now) {
            return;
        }
        let (teller, object) = (self.teller.clone(), spec.object.clone());
        let notes = vec![events::violation(spec)];
        tokio::spawn(async move { teller.tell_of_object(&object, notes).await });
    }

    fn tell_workloads(
        &mut self,
        checked: &Checked,
        plan: &Plan,
        errors: &BTreeMap<WorkloadId, Vec<ActError>>,
        guard: &GuardState,
        now: Instant,
    ) -> bool {
        for (id, subject) in &checked.workloads {
            if waits_for_a_site(subject, checked, plan.at) {
                continue;
            }
            let old = self
                .workloads
                .latest(id, &subject.uid, &subject.status, now)
                .clone();
            let planned = match (
                checked.world.workloads.get(id),
                plan.workloads.get(id),
                plan.memory.workloads.get(id),
            ) {
                (Some(world), Some(decision), Some(memory)) => {
                    Some((world, decision, &memory.decisions))
                }
                _ => None,
            };
            let facts = Facts {
                subject,
                old: &old,
                planned,
                sites: &checked.sites,
                errors: errors.get(id).map_or(&[], Vec::as_slice),
                guard,
                refresh: false,
                now: plan.at,
            };
            let mut new = status::workload(&facts);
            let only_words = new == old;
            if only_words && self.may_renew(id, now) {
                new = status::workload(&Facts {
                    refresh: true,
                    ..facts
                });
            }
            let turned = !stable::same_states(&old.conditions, &new.conditions);
            if !self
                .workloads
                .due(id, &subject.uid, &old, &new, turned, now)
            {
                continue;
            }
            let Some(permit) = self.permit() else {
                return true;
            };
            if only_words {
                self.words = Some(now);
            }
            let mut notes = events::turned(&old, &new);
            notes.retain(|_| self.throttle.pass(Concern::Placement, now));
            self.workloads
                .start(id.clone(), subject.uid.clone(), new.clone(), now);
            let (teller, id, uid) = (self.teller.clone(), id.clone(), subject.uid.clone());
            self.spawn(permit, Told::Workload(id.clone()), async move {
                let result = teller.namespaced::<HybridWorkload>(&id, &uid, &new).await;
                if result.is_ok() && !notes.is_empty() {
                    // Apart, so that the object's next status need not wait for a courtesy.
                    tokio::spawn(async move { teller.tell(&id, &uid, notes).await });
                }
                result
            });
        }
        false
    }

    fn may_renew(&self, id: &WorkloadId, now: Instant) -> bool {
        let aged = |at: Option<Instant>, least| {
            at.is_none_or(|at| now.saturating_duration_since(at) >= least)
        };
        aged(self.words, WORDS_EVERY) && aged(self.workloads.sent_at(id), WORDS_AGE)
    }

    fn tell_sites(&mut self, checked: &Checked, plan: &Plan, now: Instant) -> bool {
        for (name, subject) in &checked.sites {
            let old = self
                .sites
                .latest(name, &subject.uid, &subject.status, now)
                .clone();
            let new = objects::site(subject, &old, plan.at);
            let turned = !stable::same_states(&old.conditions, &new.conditions);
            if !self.sites.due(name, &subject.uid, &old, &new, turned, now) {
                continue;
            }
            let Some(permit) = self.permit() else {
                return true;
            };
            let mut notes = events::site_turned(&old, &new);
            notes.retain(|_| self.throttle.pass(Concern::Placement, now));
            self.sites
                .start(name.clone(), subject.uid.clone(), new.clone(), now);
            let (teller, name, uid) = (self.teller.clone(), name.clone(), subject.uid.clone());
            self.spawn(permit, Told::Site(name.clone()), async move {
                let result = teller.cluster::<Site>(name.as_str(), &uid, &new).await;
                if result.is_ok() && !notes.is_empty() {
                    // Apart, so that the object's next status need not wait for a courtesy.
                    tokio::spawn(
                        async move { teller.tell_of_site(name.as_str(), &uid, notes).await },
                    );
                }
                result
            });
        }
        false
    }

    fn tell_sources(&mut self, checked: &Checked, plan: &Plan, now: Instant) -> bool {
        for (name, subject) in &checked.sources {
            let old = self
                .sources
                .latest(name, &subject.uid, &subject.status, now)
                .clone();
            let new = objects::source(subject, &old, plan.at);
            let turned = !stable::same_states(&old.conditions, &new.conditions);
            if !self
                .sources
                .due(name, &subject.uid, &old, &new, turned, now)
            {
                continue;
            }
            let Some(permit) = self.permit() else {
                return true;
            };
            self.sources
                .start(name.clone(), subject.uid.clone(), new.clone(), now);
            let (teller, name, uid) = (self.teller.clone(), name.clone(), subject.uid.clone());
            self.spawn(permit, Told::Source(name.clone()), async move {
                teller.cluster::<SignalSource>(&name, &uid, &new).await
            });
        }
        false
    }

    fn tell_policies(&mut self, checked: &Checked, plan: &Plan, now: Instant) -> bool {
        for (name, subject) in &checked.policies {
            let old = self
                .policies
                .latest(name, &subject.uid, &subject.status, now)
                .clone();
            let new = objects::policy(subject, &old, plan.at);
            let turned = !stable::same_states(&old.conditions, &new.conditions);
            if !self
                .policies
                .due(name, &subject.uid, &old, &new, turned, now)
            {
                continue;
            }
            let Some(permit) = self.permit() else {
                return true;
            };
            let mut notes = events::policy_turned(&old, &new);
            notes.retain(|_| self.throttle.pass(Concern::Sovereignty, now));
            self.policies
                .start(name.clone(), subject.uid.clone(), new.clone(), now);
            let (teller, name, uid) = (self.teller.clone(), name.clone(), subject.uid.clone());
            self.spawn(permit, Told::Policy(name.clone()), async move {
                let result = teller.cluster::<SovereigntyPolicy>(&name, &uid, &new).await;
                if result.is_ok() && !notes.is_empty() {
                    // Apart, so that the object's next status need not wait for a courtesy.
                    tokio::spawn(async move { teller.tell_of_policy(&name, &uid, notes).await });
                }
                result
            });
        }
        false
    }

    fn tell_declassifications(&mut self, checked: &Checked, plan: &Plan, now: Instant) -> bool {
        for (key, subject) in &checked.declassifications {
            if subject.deleting {
                continue;
            }
            let old = self
                .declassifications
                .latest(key, &subject.uid, &subject.status, now)
                .clone();
            let (step, new) = declassification::status(key, subject, &old, plan.at);
            let turned = !stable::same_states(&old.conditions, &new.conditions);
            if !self
                .declassifications
                .due(key, &subject.uid, &old, &new, turned, now)
            {
                continue;
            }
            let Some(permit) = self.permit() else {
                return true;
            };
            let note = declassification::turned(&step, &old, &new);
            if let Some(Note { text, .. }) = &note {
                let ObjectKey { namespace, name } = key;
                tracing::info!(
                    namespace,
                    name,
                    step = step.word(),
                    text,
                    "declassification"
                );
            }
            let note = note.filter(|_| self.throttle.pass(Concern::Sovereignty, now));
            self.declassifications
                .start(key.clone(), subject.uid.clone(), new.clone(), now);
            let (teller, uid) = (self.teller.clone(), subject.uid.clone());
            let id = WorkloadId {
                namespace: key.namespace.as_str().into(),
                name: key.name.as_str().into(),
            };
            self.spawn(permit, Told::Declassification(key.clone()), async move {
                let result = teller.namespaced::<Declassification>(&id, &uid, &new).await;
                if let (Ok(()), Some(note)) = (&result, note) {
                    // Apart, so that the object's next status need not wait for a courtesy.
                    tokio::spawn(
                        async move { teller.tell_of_declassification(&id, &uid, note).await },
                    );
                }
                result
            });
        }
        false
    }

    /// Writes down what was spent, where what stands there does not say it.
    fn keep_ledger(&mut self, checked: &Checked, plan: &Plan, now: Instant) -> bool {
        let new = &plan.memory.ledger;
        let Some(seen) = &checked.ledger_seen else {
            return false;
        };
        if !self.pen.due(seen, new, now) {
            return false;
        }
        let Some(permit) = self.permit() else {
            return true;
        };
        self.pen.start(now);
        let (teller, ledger) = (self.teller.clone(), new.clone());
        self.spawn(
            permit,
            Told::Ledger,
            async move { teller.ledger(&ledger).await },
        );
        false
    }

    fn tell_budgets(&mut self, checked: &Checked, plan: &Plan, now: Instant) -> bool {
        for (name, subject) in &checked.budgets {
            let old = self
                .budgets
                .latest(name, &subject.uid, &subject.status, now)
                .clone();
            let new = budget::status(&budget::Facts {
                name,
                subject,
                budget: checked.world.budgets.get(name),
                plan,
                old: &old,
            });
            let turned = !stable::same_states(&old.conditions, &new.conditions);
            if !self
                .budgets
                .due(name, &subject.uid, &old, &new, turned, now)
            {
                continue;
            }
            let Some(permit) = self.permit() else {
                return true;
            };
            let mut notes = events::budget_turned(&old, &new);
            notes.retain(|_| self.throttle.pass(Concern::Placement, now));
            self.budgets
                .start(name.clone(), subject.uid.clone(), new.clone(), now);
            let (teller, name, uid) = (self.teller.clone(), name.clone(), subject.uid.clone());
            self.spawn(permit, Told::Budget(name.clone()), async move {
                let result = teller
                    .cluster::<CloudBudget>(name.as_str(), &uid, &new)
                    .await;
                if result.is_ok() && !notes.is_empty() {
                    // Apart, so that the object's next status need not wait for a courtesy.
                    tokio::spawn(
                        async move { teller.tell_of_budget(name.as_str(), &uid, notes).await },
                    );
                }
                result
            });
        }
        false
    }

    fn permit(&self) -> Option<OwnedSemaphorePermit> {
        self.permits.clone().try_acquire_owned().ok()
    }

    fn spawn(
        &self,
        permit: OwnedSemaphorePermit,
        told: Told,
        work: impl Future<Output = Result<(), ActError>> + Send + 'static,
    ) {
        let outcomes = self.outcomes.clone();
        tokio::spawn(async move {
            let result = work.await;
            drop(permit);
            // The loop is gone only at the very end.
            let _ = outcomes.send(Outcome::Told { told, result });
        });
    }
}

/// True while a site in another cluster is only being looked for, as just after a start: what would
/// be said of the workload now would be said otherwise in a moment.
fn waits_for_a_site(subject: &WorkloadSubject, checked: &Checked, now: Timestamp) -> bool {
    subject.remotes.keys().any(|name| {
        let connecting = checked.sites.get(name).is_some_and(|site| {
            matches!(&site.connection, Connection::Remote(remote) if remote.link == Link::Connecting)
        });
        let reach = checked.world.sites.get(name).map(|site| site.reach);
        let fresh = match reach {
            Some(Reach::Unreachable { since }) => now.duration_since(since) < CONNECTING_MAX,
            Some(Reach::Reachable) | None => false,
        };
        connecting && fresh
    })
}
