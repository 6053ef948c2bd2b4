//! Which pods count for a metric: those that are ready, those that are not yet, those without a
//! value, and those that are on their way out.

use super::metric::PodValue;
use super::pods::{Phase, Pod, PodKey, ReadyStatus};
use crate::time::is_later;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// The groups. A pod is in one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups<'a> {
    /// How many count with their value.
    pub ready: usize,
    /// Pending, or with a value that does not count yet.
    pub unready: BTreeSet<&'a PodKey>,
    /// Without a value.
    pub missing: BTreeSet<&'a PodKey>,
    /// Failed, or being deleted.
    pub ignored: BTreeSet<&'a PodKey>,
}

/// A pod's group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// It counts with its value.
    Ready,
    /// Pending, or with a value that does not count yet.
    Unready,
    /// Without a value.
    Missing,
    /// Failed, or being deleted.
    Ignored,
}

/// What values are judged by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// True for the CPU resource, whose values count only from pods that have been ready for a while.
    cpu: bool,
    /// A pod that was started later than this may still use CPU only to start; `None` where all were.
    young: Option<Timestamp>,
    /// A pod that turned unready within this of its start has never been ready.
    readiness_delay: SignedDuration,
}

impl Terms {
    /// As the controller's flags have them.
    pub(crate) fn of(
        cpu: bool,
        initialization: SignedDuration,
        readiness_delay: SignedDuration,
        now: Timestamp,
    ) -> Self {
        // At the end of time nothing ends later.
        let young = match now.checked_sub(initialization) {
            Ok(young) if now < Timestamp::MAX => Some(young),
            Err(_) if now < Timestamp::MAX && initialization.is_positive() => None,
            Ok(_) | Err(_) => Some(Timestamp::MAX),
        };
        Self {
            cpu,
            young,
            readiness_delay,
        }
    }

    /// The group of one pod with its value.
    pub(crate) fn group(&self, pod: &Pod, value: Option<&PodValue>) -> Group {
        match (pod.terminating, pod.phase, value) {
            (true, _, _) | (false, Phase::Failed, _) => Group::Ignored,
            (false, Phase::Pending, _) => Group::Unready,
            (false, Phase::Running | Phase::Succeeded | Phase::Unknown, None) => Group::Missing,
            (false, Phase::Running | Phase::Succeeded | Phase::Unknown, Some(value)) => {
                if !self.cpu || self.settled(pod, value) {
                    Group::Ready
                } else {
                    Group::Unready
                }
            }
        }
    }

    /// True where a pod's use of CPU is that of its work and not of its start.
    fn settled(&self, pod: &Pod, value: &PodValue) -> bool {
        let Self {
            cpu: _,
            young,
            readiness_delay,
        } = *self;
        let (Some(ready), Some(started)) = (pod.ready, pod.started) else {
            return false;
        };
        let not_ready = ready.status == ReadyStatus::False;
        if young.is_none_or(|young| started > young) {
            // While it may still be starting: one whole window since it turned ready must have passed.
            !(not_ready || is_later(ready.since, value.window, value.at))
        } else {
            // Later: only a pod that has never been ready does not count.
            !(not_ready && is_later(started, readiness_delay, ready.since))
        }
    }
}

/// Sorts the pods. `cpu` is true for the CPU resource, whose values count only from pods that
/// have been ready for a while.
#[must_use]
pub fn group<'a>(
    pods: &'a [Pod],
    values: &BTreeMap<&PodKey, &PodValue>,
    cpu: bool,
    initialization: SignedDuration,
    readiness_delay: SignedDuration,
    now: Timestamp,
) -> Groups<'a> {
    let terms = Terms::of(cpu, initialization, readiness_delay, now);
    let mut groups = Groups::default();
    for pod in pods {
        let group = match terms.group(pod, values.get(&pod.key).copied()) {
            Group::Ready => {
                groups.ready += 1;
                continue;
            }
            Group::Unready => &mut groups.unready,
            Group::Missing => &mut groups.missing,
            Group::Ignored => &mut groups.ignored,
        };
        group.insert(&pod.key);
    }
    groups
}
