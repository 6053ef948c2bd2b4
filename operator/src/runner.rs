//! The loop: wait for a change or a tick, then check, plan, act, report. It never waits for the
//! API server: writes run beside it and tell it how they ended.

use crate::act::ledgers::Ledgers;
use crate::act::remote::outcome;
use crate::act::send::Sender;
use crate::act::{ActError, InFlight, Write, WriteKind, writes};
use crate::check::{self, renewal};
use crate::checked::Checked;
use crate::gather::remotes::RemoteClients;
use crate::gather::{Gather, News};
use crate::guard;
use crate::guard::keep::{self, Keeper, ObjectName, Version};
use crate::lease::Leadership;
use crate::memory::{self, Uids};
use crate::metrics::Metrics;
use crate::pace::Pace;
use crate::refusals::Refusals;
use crate::report::send::Teller;
use crate::reporter::{Reporter, Told};
use crate::run::Settings;
use crate::serve::Health;
use jiff::Timestamp;
use kube::Client;
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::site::SiteName;
use pinisi_planner::model::workload::{Demand, Signal};
use pinisi_planner::{Memory, Plan, WorkloadId, plan_from};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

/// Writes in flight at most.
pub const ACT_CONCURRENCY: usize = 64;
/// Statuses wait for counts, but no longer than this.
const COUNTS_FIRST: Duration = Duration::from_secs(1);
/// How long writes in flight may take to end at shutdown.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);
/// How often it is said what is still waited for before the first plan.
const WAITING_EVERY: Duration = Duration::from_secs(10);

/// How something that ran beside the loop ended.
#[derive(Debug)]
pub enum Outcome {
    /// A write.
    Wrote {
        /// Which.
        write: Box<Write>,
        /// Its result.
        result: Result<(), ActError>,
    },
    /// A status write.
    Told {
        /// Whose.
        told: Told,
        /// Its result.
        result: Result<(), ActError>,
    },
    /// The guard.
    Guarded(Result<BTreeMap<ObjectName, Version>, (&'static str, String)>),
}

/// What the loop carries from round to round.
pub struct Runner {
    client: Client,
    leadership: Leadership,
    sender: Sender,
    reporter: Reporter,
    metrics: Arc<Metrics>,
    health: Health,
    outcomes: (
        mpsc::UnboundedSender<Outcome>,
        mpsc::UnboundedReceiver<Outcome>,
    ),
    permits: Arc<Semaphore>,
    memory: Memory,
    uids: Uids,
    led: bool,
    in_flight: InFlight,
    /// Writes of the last plan that found no free slot, in their order.
    waiting: Vec<Write>,
    /// Since when statuses have been waiting for counts.
    held: Option<Instant>,
    pace: Pace,
    ledgers: Ledgers,
    refusals: Refusals,
    /// By workload: the load sample that its last change of total answers, until a write of it was
    /// accepted.
    samples: BTreeMap<WorkloadId, Timestamp>,
    keeper: Keeper,
    logged: BTreeMap<WorkloadId, String>,
    waiting_said: Option<Instant>,
    /// True where statuses wait: for counts, or for a free slot.
    starved: bool,
}

impl Runner {
    /// A loop that has seen nothing yet. `client` must not retry.
    #[must_use]
    pub fn new(
        settings: &Settings,
        client: Client,
        remotes: RemoteClients,
        leadership: Leadership,
        metrics: Arc<Metrics>,
        health: Health,
    ) -> Self {
        let outcomes = mpsc::unbounded_channel();
        let sender = Sender::new(client.clone(), leadership.clone(), remotes);
        let teller = Teller::new(
            client.clone(),
            sender.clone(),
            &settings.identity,
            &settings.lease_namespace,
            metrics.clone(),
        );
        Self {
            client,
            leadership,
            sender,
            reporter: Reporter::new(teller, outcomes.0.clone()),
            metrics,
            health,
            outcomes,
            permits: Arc::new(Semaphore::new(ACT_CONCURRENCY)),
            memory: Memory::default(),
            uids: Uids::new(),
            led: false,
            in_flight: InFlight::default(),
            waiting: Vec::new(),
            held: None,
            pace: Pace::new(Instant::now()),
            ledgers: Ledgers::default(),
            refusals: Refusals::default(),
            samples: BTreeMap::new(),
            keeper: Keeper::new(&settings.operator_user, &settings.lease_namespace),
            logged: BTreeMap::new(),
            waiting_said: None,
            starved: false,
        }
    }

    /// Runs until `stop`, then waits for writes in flight.
    pub async fn until(mut self, mut gather: Gather, stop: &CancellationToken) {
        let mut leadership = self.leadership.clone();
        loop {
            let due = self.pace.due();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(outcome) = self.outcomes.1.recv() => self.settle(outcome),
                () = until(due) => {
                    let begun = Instant::now();
                    gather.seen();
                    self.round(&gather);
                    self.pace.made(begun, Instant::now());
                }
                news = gather.news() => match news {
                    News::Figures => self.pace.figures(Instant::now()),
                    News::Other => self.pace.soon(Instant::now()),
                },
                () = leadership.changed() => {
                    let now = Instant::now();
                    if self.led != leadership.is_leader(now) {
                        self.pace.at_once(now);
                    }
                }
            }
        }
        tracing::info!("stopping: waiting for writes in flight");
        self.finish_writes().await;
        gather.stop().await;
    }

    /// One round; synchronous but for what it spawns.
    fn round(&mut self, gather: &Gather) {
        let (now, instant) = (Timestamp::now(), Instant::now());
        let leader = self.leadership.is_leader(instant);
        self.health.beat(instant);
        self.metrics.leading(leader);
        let synced = gather.synced();
        self.health.set_ready(synced);
        if !synced {
            self.say_waiting(gather, instant);
            return;
        }
        let mut checked = {
            let index = gather.read();
            self.metrics.asked(&index.metrics.asked);
            check::check(&index, &self.refusals, now)
        };
        if !gather.sees(&renewal::MADE_OF) {
            checked.unseen();
        }
        self.metrics.checked(instant.elapsed());
        let there = |id: &WorkloadId, site: &SiteName| {
            let subject = checked.workloads.get(id);
            subject.is_some_and(|subject| subject.remotes.contains_key(site))
        };
        self.refusals.keep_only(there);
        // A follower decides as the leader would, a new leader as the old one.
        memory::prepare(
            &mut self.memory,
            &mut self.uids,
            &checked,
            !leader || !self.led,
        );
        let totals = self.totals(&checked);
        let planning = Instant::now();
        let plan = plan_from(&checked.world, std::mem::take(&mut self.memory), now);
        self.metrics.planned(planning.elapsed());
        self.note_samples(&checked, &plan, &totals);
        if leader {
            self.keep_guard(&checked, gather, instant);
            self.act(&checked, &plan, instant);
            self.report(&checked, &plan, instant);
        } else {
            self.waiting.clear();
            self.keeper.stepped_down();
        }
        self.metrics.show(&checked, &plan, now);
        self.log(&checked, &plan, leader);
        self.led = leader;
        self.memory = plan.memory;
    }

    fn act(&mut self, checked: &Checked, plan: &Plan, now: Instant) {
        let writes = writes::derive(checked, plan, &self.samples, &mut self.ledgers, now);
        outcome::contests(
            checked,
            &self.ledgers.contested,
            &mut self.refusals,
            Timestamp::now(),
        );
        let wanted: BTreeSet<_> = writes.iter().map(|write| write.key.clone()).collect();
        self.in_flight.keep_only(&wanted);
        // Those of the plan before are derived anew from what is true by now.
        self.waiting = writes;
        self.send(now);
    }

    /// Starts what waits, as far as there are free slots: this cluster's, or the other cluster's
    /// own, so that none waits for a sick one. What has no way to its cluster now is dropped; the
    /// next plan has it again.
    fn send(&mut self, now: Instant) {
        let mut waiting = Vec::new();
        for write in std::mem::take(&mut self.waiting) {
            if !self.in_flight.may_start(&write.key, &write.before, now) {
                continue;
            }
            let permits = match write.key.site() {
                None => self.permits.clone(),
                Some(site) => match self.sender.remotes().get(site.as_str()) {
                    Some(remote) => remote.permits,
                    None => continue,
                },
            };
            match permits.try_acquire_owned() {
                Ok(permit) => self.start(write, permit),
                Err(_) => waiting.push(write),
            }
        }
        self.waiting = waiting;
    }

    fn start(&mut self, write: Write, permit: OwnedSemaphorePermit) {
        self.in_flight
            .start(write.key.clone(), write.before.clone());
        let (sender, outcomes) = (self.sender.clone(), self.outcomes.0.clone());
        tokio::spawn(async move {
            let result = sender.send(&write).await;
            drop(permit);
            // The loop is gone only at the very end.
            let _ = outcomes.send(Outcome::Wrote {
                write: Box::new(write),
                result,
            });
        });
    }

    /// Statuses tell what was done; they do not delay it at the API server.
    fn report(&mut self, checked: &Checked, plan: &Plan, now: Instant) {
        if self.counting() {
            let held = *self.held.get_or_insert(now);
            if now.saturating_duration_since(held) < COUNTS_FIRST {
                self.starved = true;
                return;
            }
        } else {
            self.held = None;
        }
        self.starved = self.reporter.report(
            checked,
            plan,
            &self.in_flight.errors(),
            self.keeper.state(),
            now,
        );
    }

    /// True while writes to this cluster are under way or wait for a slot.
    fn counting(&self) -> bool {
        self.permits.available_permits() < ACT_CONCURRENCY
            || self.waiting.iter().any(|write| write.key.site().is_none())
    }

    fn settle(&mut self, outcome: Outcome) {
        let now = Instant::now();
        match outcome {
            Outcome::Wrote { write, result } => self.wrote(&write, result, now),
            Outcome::Told { told, result } => {
                let word = result.as_ref().map_or_else(ActError::reason, |()| "ok");
                self.metrics.wrote("status", word);
                // A conflict means that the object is another one by now.
                if let Err(error) = &result {
                    self.metrics.error("report", error.reason());
                    tracing::debug!(?told, %error, "status not written");
                }
                self.reporter.finish(&told, result.is_ok(), now);
                if std::mem::take(&mut self.starved) {
                    self.pace.soon(now);
                }
            }
            Outcome::Guarded(result) => {
                let result = result.map_err(|(reason, why)| {
                    self.metrics.error("guard", reason);
                    tracing::warn!(reason, why, "guard not in place");
                    why
                });
                self.keeper.finish(result, now);
            }
        }
    }

    fn wrote(&mut self, write: &Write, result: Result<(), ActError>, now: Instant) {
        let kind = write.kind.word();
        match &result {
            Ok(()) => {
                self.metrics.wrote(kind, "ok");
                tracing::debug!(kind, key = ?write.key, "written");
                if let WriteKind::ViolationOpen { spec } = &write.kind {
                    tracing::warn!(rule = spec.rule.id(), violation = spec.message, "violated");
                    self.metrics.violated(spec.rule);
                    self.reporter.violated(spec, now);
                }
                if let (Some(sample), Some(id)) = (write.sample, write.key.workload())
                    && self.samples.get(id) == Some(&sample)
                {
                    self.samples.remove(id);
                    self.metrics.decided(sample, Timestamp::now());
                }
            }
            Err(error) => {
                self.metrics.wrote(kind, error.reason());
                self.metrics.error("act", error.reason());
                tracing::warn!(kind, key = ?write.key, reason = error.reason(), %error, "not written");
            }
        }
        let learnt = outcome::Learnt {
            refusals: &mut self.refusals,
            due: &mut self.ledgers.due,
        };
        if let Some((site, cluster, guard)) = learnt.from(write, &result, Timestamp::now(), now) {
            self.sender.remotes().guarded(&site, &cluster, guard);
        }
        self.in_flight.finish(&write.key, result, now);
        self.send(now);
        if self.starved && !self.counting() {
            self.starved = false;
            self.pace.soon(now);
        }
    }

    /// The totals decided last, in the order of the world's workloads, which is the plan's too.
    fn totals(&self, checked: &Checked) -> Vec<Option<Replicas>> {
        let total = |id: &WorkloadId| self.memory.workloads.get(id)?.decisions.total;
        checked.world.workloads.keys().map(total).collect()
    }

    /// Remembers which sample a new total answers. What load did not cause is not timed.
    fn note_samples(&mut self, checked: &Checked, plan: &Plan, totals: &[Option<Replicas>]) {
        self.samples.retain(|id, _| plan.workloads.contains_key(id));
        for ((id, decision), before) in plan.workloads.iter().zip(totals) {
            if decision.steps.is_empty() {
                self.samples.remove(id);
            } else if before.is_some_and(|before| before != decision.want)
                && let Some(workload) = checked.world.workloads.get(id)
                && let Some(at) = sampled(&workload.demand)
            {
                // An earlier sample that is still unanswered counts from its own time.
                self.samples.entry(id.clone()).or_insert(at);
            }
        }
    }

    /// Puts the guard in place where that is due.
    fn keep_guard(&mut self, checked: &Checked, gather: &Gather, now: Instant) {
        let inventories = checked.wanted_inventories();
        let (due, changed) =
            self.keeper
                .due(&checked.guard, &inventories, &gather.read().guard, now);
        for (kind, name) in changed {
            self.metrics.error("guard", "changed_by_others");
            tracing::warn!(
                kind,
                name,
                "somebody else changed the guard; it is put back"
            );
        }
        let Some(settings) = due else { return };
        let (client, outcomes) = (self.client.clone(), self.outcomes.0.clone());
        let left = self.leadership.left(now).min(keep::TIMEOUT);
        tokio::spawn(async move {
            let objects = guard::objects(&settings);
            let result = match tokio::time::timeout(left, guard::apply(&client, &objects)).await {
                Ok(result) => result.map_err(|error| (error.reason(), describe(&error))),
                Err(_) => Err((
                    "guard_timeout",
                    "the API server did not answer in time".to_owned(),
                )),
            };
            // The loop is gone only at the very end.
            let _ = outcomes.send(Outcome::Guarded(result));
        });
    }

    /// One line for each workload whose decision or trouble is new.
    fn log(&mut self, checked: &Checked, plan: &Plan, leader: bool) {
        self.logged
            .retain(|id, _| checked.workloads.contains_key(id));
        for (id, subject) in &checked.workloads {
            let Some(decision) = plan.workloads.get(id) else {
                if let Some(problem) = subject.problems.first() {
                    self.log_one(id, problem.reason().to_owned(), || {
                        tracing::warn!(namespace = id.namespace.as_str(), workload = id.name.as_str(), reason = problem.reason(), %problem, "problem");
                    });
                }
                continue;
            };
            let shares: BTreeMap<_, _> = decision
                .shares
                .iter()
                .map(|(site, share)| (site.as_str(), share.desired.get()))
                .collect();
            let words: Vec<_> = decision
                .reasons
                .iter()
                .map(pinisi_planner::Reason::word)
                .collect();
            let counts = format!("{} {shares:?}", decision.want);
            self.log_one(id, counts, || {
                tracing::info!(leader, namespace = id.namespace.as_str(), workload = id.name.as_str(), want = decision.want.get(), ?shares, reasons = ?words, "decision");
            });
        }
    }

    fn log_one(&mut self, id: &WorkloadId, what: String, say: impl FnOnce()) {
        if self.logged.get(id) != Some(&what) {
            say();
            self.logged.insert(id.clone(), what);
        }
    }

    fn say_waiting(&mut self, gather: &Gather, now: Instant) {
        if self
            .waiting_said
            .is_none_or(|said| now.saturating_duration_since(said) >= WAITING_EVERY)
        {
            self.waiting_said = Some(now);
            tracing::info!(waiting_for = ?gather.health_view().waiting_for(), "not everything has been read yet");
        }
    }

    /// Waits for what is in flight, for a bounded time.
    async fn finish_writes(&mut self) {
        self.waiting.clear();
        let all = async {
            while self.in_flight.sending() + self.reporter.sending() > 0 {
                match self.outcomes.1.recv().await {
                    Some(outcome) => self.settle(outcome),
                    None => return,
                }
            }
        };
        if tokio::time::timeout(SHUTDOWN_GRACE, all).await.is_err() {
            tracing::warn!("writes in flight were left behind");
        }
    }
}

/// Waits until `due`. A time that has come is not slept for: a timer is a millisecond or two late.
async fn until(due: Instant) {
    if due > Instant::now() {
        tokio::time::sleep_until(due.into()).await;
    }
}

/// Time of the sample that a total follows, where it follows one.
fn sampled(demand: &Demand) -> Option<Timestamp> {
    match demand {
        Demand::Untouched | Demand::Fixed(_) => None,
        Demand::Load(load) => match load.signal {
            Signal::Fresh { at, load: _ } => Some(at),
            Signal::Stale { .. } | Signal::Missing(_) => None,
        },
        Demand::Metrics(metrics) => Some(metrics.read_at),
    }
}

/// An error with its causes, in one line.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
