//! One spike: when it came, when it was seen, when each count was accepted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;
use tokio::time::Instant;

use super::contender::Contender;
use super::fleet::{NAMESPACE, name};
use super::signal::{Changed, SEEN_RPS};
use super::stage::{On, Stage};
use super::times::Times;
use crate::audit::{AuditEvent, AuditTail};
use crate::bench::tally::{Cpu, Requests};

const POLL: Duration = Duration::from_millis(25);
/// After the last write: what follows of it (statuses) is part of its price.
const AFTER: Duration = Duration::from_secs(2);
/// First part of a user agent: Pinisi's as it scrapes.
const PINISI: &str = "pinisi";

/// What came of one spike.
#[derive(Debug, Clone)]
pub struct Round {
    /// Each workload's times.
    pub times: Vec<Times>,
    /// CPU from the change until 2 s after the last write.
    pub cpu: Cpu,
    /// The contender's requests in that time.
    pub requests: Requests,
}

/// Makes these spike and waits until all are written or the contender's time is
/// over.
///
/// # Errors
/// When the audit log cannot be read or the lab does not answer.
pub async fn run(stage: &Stage, contender: Contender, on: &On, who: &[usize]) -> Result<Round> {
    let mut log = Log::begin(stage, contender)?;
    let before = stage.cpu(contender)?;
    let begun = Instant::now();
    let changed = match &on.floor {
        Some(floor) => {
            let targets = who
                .iter()
                .filter_map(|&index| Some((name(index), on.uids.get(index)?.clone())));
            let targets: Vec<_> = targets.collect();
            // The floor knows the answer at the moment of the change; the load need not move.
            let now = Timestamp::now();
            floor.write(targets).await;
            Changed {
                source: now,
                adapter: now,
            }
        }
        None => stage.signal.spike(who).await?,
    };
    let names: BTreeSet<String> = who.iter().map(|&index| name(index)).collect();
    while !log.complete(&names, changed)? && begun.elapsed() < contender.most() {
        tokio::time::sleep(POLL).await;
    }
    tokio::time::sleep(AFTER).await;
    let cpu = stage.cpu(contender)?.since(&before);
    log.read()?;
    let seen = seen(stage, contender, changed, &log)?;
    let times = names.iter().map(|name| Times {
        changed: changed.source,
        seen: seen(name),
        accepted: log.accepted(name, changed).map(|(_, reached)| reached),
    });
    Ok(Round {
        times: times.collect(),
        cpu,
        requests: log.requests,
    })
}

/// When a workload's change could first be seen.
type SeenBy<'a> = Box<dyn Fn(&str) -> Option<Timestamp> + 'a>;

/// When each workload's new load was first answered to whoever looks for the
/// contender.
fn seen<'a>(
    stage: &Stage,
    contender: Contender,
    changed: Changed,
    log: &'a Log,
) -> Result<SeenBy<'a>> {
    Ok(match contender {
        Contender::Floor => Box::new(move |_| Some(changed.source)),
        Contender::PinisiPrometheus => {
            let shown = stage.tap.shown(changed.source, SEEN_RPS)?;
            Box::new(move |name| shown.get(name).copied())
        }
        Contender::PinisiGateway => {
            let readings = stage.signal.readings(changed.source);
            let own = readings
                .iter()
                .find(|reading| reading.agent.starts_with(PINISI));
            let at = own.map(|reading| reading.at);
            Box::new(move |_| at)
        }
        Contender::HpaTuned | Contender::HpaDefault => Box::new(move |name| {
            let written = log.accepted(name, changed).map(|(received, _)| received);
            let first = log.asked(name, changed.adapter);
            match (first, written) {
                // It asked while the adapter was being told, and was told.
                (Some(first), Some(written)) if first > written => Some(changed.source),
                (None, Some(_)) => Some(changed.source),
                (first, _) => first,
            }
        }),
    })
}

/// The audit log since the spike began: the contender's part of it.
struct Log {
    tail: AuditTail,
    user: String,
    requests: Requests,
    /// Accepted writes of each count: received, answered.
    writes: BTreeMap<String, Vec<(Timestamp, Timestamp)>>,
    /// Questions for each workload's metric: received, answered.
    asked: BTreeMap<String, Vec<(Timestamp, Timestamp)>>,
}

impl Log {
    fn begin(stage: &Stage, contender: Contender) -> Result<Self> {
        Ok(Self {
            tail: stage.lab.audit_log().tail()?,
            user: contender.user(),
            requests: Requests::default(),
            writes: BTreeMap::new(),
            asked: BTreeMap::new(),
        })
    }

    fn read(&mut self) -> Result<()> {
        let Self {
            tail,
            user,
            requests,
            writes,
            asked,
        } = self;
        let quoted = format!("{user:?}");
        let only = |line: &str| line.contains(&quoted);
        tail.read(only, |event| {
            if event.user != *user {
                return;
            }
            requests.count(&event);
            let times = (event.received, event.reached);
            if let Some(name) = written(&event) {
                writes.entry(name.to_owned()).or_default().push(times);
            } else if let Some(name) = workload_asked(&event) {
                asked.entry(name.to_owned()).or_default().push(times);
            }
        })
    }

    fn complete(&mut self, names: &BTreeSet<String>, changed: Changed) -> Result<bool> {
        self.read()?;
        Ok(names
            .iter()
            .all(|name| self.accepted(name, changed).is_some()))
    }

    fn accepted(&self, name: &str, changed: Changed) -> Option<(Timestamp, Timestamp)> {
        let writes = self.writes.get(name)?.iter();
        let after = writes.filter(|(received, _)| *received >= changed.source);
        after.min_by_key(|(_, reached)| *reached).copied()
    }

    fn asked(&self, name: &str, from: Timestamp) -> Option<Timestamp> {
        let asked = self.asked.get(name)?.iter();
        let after = asked.filter(|(received, _)| *received >= from);
        after.map(|(_, reached)| *reached).min()
    }
}

fn written(event: &AuditEvent) -> Option<&str> {
    let write = event.verb == "patch" || event.verb == "update";
    let scale = event.resource == "deployments" && event.subresource == "scale";
    (write && scale && event.namespace == NAMESPACE && event.code == 200).then_some(&event.name)
}

/// Out of `labelSelector=workload%3Dw0001`.
fn workload_asked(event: &AuditEvent) -> Option<&str> {
    const SELECTOR: &str = "workload%3D";
    if event.group != "external.metrics.k8s.io" || event.code != 200 {
        return None;
    }
    let (_, rest) = event.uri.split_once(SELECTOR)?;
    rest.split('&').next()
}
