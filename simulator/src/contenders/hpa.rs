//! The HPA of Kubernetes on CPU, by the same function that is compared with upstream's. CPU is what a
//! replica's share of the load takes of it: full at what one replica can serve, so the metric
//! saturates. Pods that are not Ready count as upstream has it.

use super::{Autoscaler, PINISI_PIPELINE, Pipeline, ServiceView};
use crate::fault::lost_since;
use crate::fleet::{self, Pod};
use crate::time::Millis;
use jiff::SignedDuration;
use pinisi_planner::hpa::{self, Phase, PodKey, PodRequests, Reading, ReadyStatus};
use pinisi_planner::hpa::{Behavior, Tolerance};
use pinisi_planner::hpa::{Metric, PodValue, ResourceName, ResourceTarget};
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::site::SiteName;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Percent of what a replica can do that is the target, where nobody tuned it.
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

/// What people set in an HPA or by its controller's flags.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuning {
    /// Percent of what a replica can do; above 0. Of CPU it is of the request, which is as much.
    pub target: i32,
    /// Ratio that counts as on target, above and below 1; `--horizontal-pod-autoscaler-tolerance`.
    pub tolerance: Tolerance,
    /// `spec.behavior`, its defaults filled in.
    pub behavior: Option<Behavior>,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            target: TARGET,
            tolerance: Tolerance::DEFAULT,
            behavior: None,
        }
    }
}

/// The HPA.
#[derive(Clone, Debug)]
pub struct Hpa {
    pipeline: Pipeline,
    tuning: Tuning,
    memory: hpa::Memory,
    requests: Arc<PodRequests>,
    pods: Vec<(u64, hpa::Pod)>,
}

impl Hpa {
    /// At equal lag its metric comes the way that Pinisi's does.
    #[must_use]
    pub fn new(tuning: Tuning, equal_lag: bool) -> Self {
        let container = hpa::Container {
            name: "app".into(),
            requests: BTreeMap::from([(ResourceName::new("cpu"), REQUEST)]),
        };
        Self {
            pipeline: if equal_lag { PINISI_PIPELINE } else { PIPELINE },
            tuning,
            memory: hpa::Memory::default(),
            requests: Arc::new(PodRequests {
                pod: None,
                containers: vec![container],
            }),
            pods: Vec::new(),
        }
    }

    /// The pods as the API shows them. Those that are known already are kept.
    fn look(&mut self, view: &ServiceView<'_>) {
        let start = view.setup.start;
        let all = || {
            let stations = view.setup.sites.iter().zip(view.stations);
            stations.flat_map(|(site, s)| s.pods.iter().map(move |p| (&site.name, p)))
        };
        let known = self.pods.iter().zip(all());
        let known = known
            .take_while(|((id, _), (_, pod))| *id == pod.id)
            .count();
        self.pods.truncate(known);
        for (site, pod) in all().skip(known) {
            let made = self.make(site, pod);
            self.pods.push((pod.id, made));
        }
        for ((_, seen), (site, pod)) in self.pods.iter_mut().zip(all()) {
            let waits = pod.bound == Millis::NEVER;
            let lost = lost_since(&view.setup.faults, site.as_str(), view.now);
            let (status, since) = if let Some(lost) = lost {
                (ReadyStatus::False, lost.max(pod.bound))
            } else if pod.ready <= view.now {
                (ReadyStatus::True, pod.ready)
            } else {
                (ReadyStatus::False, pod.bound)
            };
            seen.phase = if waits {
                Phase::Pending
            } else {
                Phase::Running
            };
            seen.started = (!waits).then(|| pod.bound.on_calendar(start));
            seen.ready = (!waits).then(|| hpa::Ready {
                status,
                since: since.on_calendar(start),
            });
        }
    }

    fn make(&self, site: &SiteName, pod: &Pod) -> hpa::Pod {
        hpa::Pod {
            key: PodKey {
                site: site.clone(),
                name: format!("{:012}", pod.id).into(),
            },
            phase: Phase::Pending,
            terminating: false,
            started: None,
            ready: None,
            requests: Arc::clone(&self.requests),
        }
    }

    /// What the metrics API says: the mean over the window, of pods that ran for all of it.
    fn values(&self, view: &ServiceView<'_>) -> Vec<PodValue> {
        let (from, to) = self.pipeline.window(view.now);
        let at = to.on_calendar(view.setup.start);
        let window: SignedDuration = self.pipeline.window.duration();
        let can = view.service.per_replica * self.pipeline.window.seconds();
        let mut last = None;
        let stations = view.stations.iter();
        let pods = stations.flat_map(|s| s.pods.iter().map(|p| (p, s.is_lost())));
        let there = pods.zip(&self.pods);
        let there = there.filter(|((pod, lost), _)| !lost && pod.bound <= from);
        let value = |((pod, _), (_, seen)): ((&Pod, bool), &(u64, hpa::Pod))| {
            let since = pod.ready.max(from).min(to);
            let milli = match last {
                Some((same, milli)) if same == since => milli,
                Some(_) | None => milli(view.served_by_one((since, to)) / can),
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

impl Autoscaler for Hpa {
    fn period(&self) -> Millis {
        self.pipeline.period
    }

    fn decide(&mut self, view: &ServiceView<'_>) -> Option<Replicas> {
        self.look(view);
        let metrics = [Metric::Resource {
            name: ResourceName::new("cpu"),
            container: None,
            target: ResourceTarget::Utilization(self.tuning.target),
            reading: match view.silent_since() {
                None => Reading::Read(self.values(view)),
                Some(_) => Reading::Lost(hpa::Fault::Unavailable("no answer".into())),
            },
        }];
        let pods: hpa::Pods = self.pods.iter().map(|(_, pod)| pod.clone()).collect();
        sync(view, &self.tuning, (&metrics, &pods), &mut self.memory)
    }
}

/// One sync, and what it remembers of its own change. The API takes no HPA on CPU with less than one
/// replica, and KEDA makes its own with no less.
pub(super) fn sync(
    view: &ServiceView<'_>,
    tuning: &Tuning,
    (metrics, pods): (&[Metric], &hpa::Pods),
    memory: &mut hpa::Memory,
) -> Option<Replicas> {
    let current = fleet::counts(view.stations).to_api();
    let now = view.now.on_calendar(view.setup.start);
    let spec = hpa::Spec {
        min: view.service.min.to_api().max(1),
        max: view.service.max.to_api(),
        behavior: tuning.behavior.clone(),
    };
    let input = hpa::Input {
        spec: &spec,
        current,
        status: current,
        scaled_to_zero: false,
        metrics,
        pods,
        unknown_sites: &BTreeSet::new(),
        settings: hpa::Settings {
            tolerance: tuning.tolerance,
            ..hpa::Settings::default()
        },
        now,
    };
    let desired = hpa::evaluate(&input, memory).desired?;
    if desired == current {
        return None;
    }
    memory.rescaled(tuning.behavior.as_ref(), current, desired, now);
    Some(Replicas::from_api(desired))
}
