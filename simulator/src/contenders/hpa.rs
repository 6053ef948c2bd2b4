//! The HPA of Kubernetes on CPU, by the same function that is compared with upstream's. CPU is what a
//! replica's share of the load takes of it: full at what one replica can serve, so the metric
//! saturates. Pods that are not Ready count as upstream has it.

use super::{Ask, Contender, PINISI_PIPELINE, Pipeline, View};
use crate::fleet::Pod;
use crate::time::Millis;
use jiff::{SignedDuration, Timestamp};
use pinisi_planner::hpa::{self, Phase, PodKey, PodRequests, Reading, ReadyStatus};
use pinisi_planner::hpa::{Metric, PodValue, ResourceName, ResourceTarget};
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::site::SiteName;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Percent of the request to hold.
pub const TARGET: i32 = 70;
/// The controller syncs every 15 s; metrics-server measures over 15 s, and its answer is 15 s old when a
/// sync reads it.
pub const PIPELINE: Pipeline = Pipeline {
    window: Millis::secs(15),
    delay: Millis::secs(15),
    period: Millis::secs(15),
};
/// CPU that a replica requests, and has: one core, in thousandths.
const REQUEST: i64 = 1000;

/// The HPA.
#[derive(Clone, Debug)]
pub struct Hpa {
    pipeline: Pipeline,
    target: i32,
    memory: hpa::Memory,
    requests: Arc<PodRequests>,
    pods: Vec<(u64, hpa::Pod)>,
}

impl Hpa {
    /// With its defaults. At equal lag its metric comes the way that Pinisi's does.
    #[must_use]
    pub fn new(equal_lag: bool) -> Self {
        let container = hpa::Container {
            name: "app".into(),
            requests: BTreeMap::from([(ResourceName::new("cpu"), REQUEST)]),
        };
        Self {
            pipeline: if equal_lag { PINISI_PIPELINE } else { PIPELINE },
            target: TARGET,
            memory: hpa::Memory::default(),
            requests: Arc::new(PodRequests {
                pod: None,
                containers: vec![container],
            }),
            pods: Vec::new(),
        }
    }

    /// The pods as the API shows them. Those that are known already are kept.
    fn look(&mut self, view: &View<'_>) {
        let all = || {
            let stations = view.fleet.stations.iter();
            stations.flat_map(|s| s.pods.iter().map(move |p| (&s.setup.name, p)))
        };
        let known = self.pods.iter().zip(all());
        let known = known
            .take_while(|((id, _), (_, pod))| *id == pod.id)
            .count();
        self.pods.truncate(known);
        for (site, pod) in all().skip(known) {
            let made = self.make(site, pod, view.setup.start);
            self.pods.push((pod.id, made));
        }
        for ((_, seen), (_, pod)) in self.pods.iter_mut().zip(all()) {
            let since = if pod.ready_at <= view.now {
                (ReadyStatus::True, pod.ready_at)
            } else {
                (ReadyStatus::False, pod.started)
            };
            seen.ready = Some(hpa::Ready {
                status: since.0,
                since: since.1.on_calendar(view.setup.start),
            });
        }
    }

    fn make(&self, site: &SiteName, pod: &Pod, start: Timestamp) -> hpa::Pod {
        let waits = pod.ready_at == Millis::NEVER;
        let started = pod.started.on_calendar(start);
        hpa::Pod {
            key: PodKey {
                site: site.clone(),
                name: format!("{:012}", pod.id).into(),
            },
            phase: if waits {
                Phase::Pending
            } else {
                Phase::Running
            },
            terminating: false,
            started: (!waits).then_some(started),
            ready: None,
            requests: Arc::clone(&self.requests),
        }
    }

    /// What the metrics API says: the mean over the window, of pods that were there for all of it.
    fn values(&self, view: &View<'_>) -> Vec<PodValue> {
        let to = view.now.minus(self.pipeline.delay);
        let from = to.minus(self.pipeline.window);
        let at = to.on_calendar(view.setup.start);
        let window: SignedDuration = self.pipeline.window.duration();
        let can = view.setup.per_replica * self.pipeline.window.seconds();
        let mut last = None;
        let stations = view.fleet.stations.iter();
        let pods = stations.flat_map(|s| &s.pods).zip(&self.pods);
        let there = pods.filter(|(pod, _)| pod.started <= from && pod.ready_at != Millis::NEVER);
        let value = |(pod, (_, seen)): (&Pod, &(u64, hpa::Pod))| {
            let since = pod.ready_at.max(from).min(to);
            let milli = match last {
                Some((same, milli)) if same == since => milli,
                Some(_) | None => milli(view.served_by_one(since, to) / can),
            };
            last = Some((since, milli));
            PodValue {
                pod: seen.key.clone(),
                milli,
                at,
                window,
            }
        };
        there.map(value).collect()
    }
}

/// CPU in thousandths of a core, from a share of what a replica can do.
fn milli(share: f64) -> i64 {
    // Between 0 and the request: a share is from 0 to 1.
    #[allow(clippy::cast_possible_truncation)]
    let milli = (share.clamp(0.0, 1.0) * REQUEST as f64).round() as i64;
    milli
}

impl Contender for Hpa {
    fn name(&self) -> &'static str {
        "hpa"
    }

    fn period(&self) -> Millis {
        self.pipeline.period
    }

    fn decide(&mut self, view: &View<'_>) -> Ask {
        self.look(view);
        let metrics = [Metric::Resource {
            name: ResourceName::new("cpu"),
            container: None,
            target: ResourceTarget::Utilization(self.target),
            reading: Reading::Read(self.values(view)),
        }];
        let pods: Vec<hpa::Pod> = self.pods.iter().map(|(_, pod)| pod.clone()).collect();
        sync(view, &metrics, &pods, &mut self.memory)
    }
}

/// One sync without a behavior, as an HPA has it that nobody tuned.
pub(super) fn sync(
    view: &View<'_>,
    metrics: &[Metric],
    pods: &[hpa::Pod],
    memory: &mut hpa::Memory,
) -> Ask {
    let current = view.fleet.count().to_api();
    let spec = hpa::Spec {
        min: view.setup.min.to_api(),
        max: view.setup.max.to_api(),
        behavior: None,
    };
    let input = hpa::Input {
        spec: &spec,
        current,
        status: current,
        scaled_to_zero: false,
        metrics,
        pods,
        unknown_sites: &BTreeSet::new(),
        settings: hpa::Settings::default(),
        now: view.now.on_calendar(view.setup.start),
    };
    match hpa::evaluate(&input, memory).desired {
        Some(desired) if desired != current => Ask::Total(Replicas::from_api(desired)),
        Some(_) | None => Ask::Keep,
    }
}
