//! Which pods count for a metric: those that are ready, those that are not yet, those without a
//! value, and those that are on their way out.

use super::metric::PodValue;
use super::pods::{Phase, Pod, PodKey, ReadyStatus};
use crate::time::after;
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

/// Values by pod; of two for one pod the later counts.
pub(crate) fn by_pod(values: &[PodValue]) -> BTreeMap<&PodKey, &PodValue> {
    values.iter().map(|v| (&v.pod, v)).collect()
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
    let mut groups = Groups::default();
    for pod in pods {
        let value = values.get(&pod.key);
        let group = match (pod.terminating, pod.phase, value) {
            (true, _, _) | (false, Phase::Failed, _) => &mut groups.ignored,
            (false, Phase::Pending, _) => &mut groups.unready,
            (false, Phase::Running | Phase::Succeeded | Phase::Unknown, None) => {
                &mut groups.missing
            }
            (false, Phase::Running | Phase::Succeeded | Phase::Unknown, Some(value)) => {
                if !cpu || settled(pod, value, initialization, readiness_delay, now) {
                    groups.ready += 1;
                    continue;
                }
                &mut groups.unready
            }
        };
        group.insert(&pod.key);
    }
    groups
}

/// True where a pod's use of CPU is that of its work and not of its start.
fn settled(
    pod: &Pod,
    value: &PodValue,
    initialization: SignedDuration,
    readiness_delay: SignedDuration,
    now: Timestamp,
) -> bool {
    let (Some(ready), Some(started)) = (pod.ready, pod.started) else {
        return false;
    };
    let not_ready = ready.status == ReadyStatus::False;
    if after(started, initialization) > now {
        // While it may still be starting: one whole window since it turned ready must have passed.
        !(not_ready || value.at < after(ready.since, value.window))
    } else {
        // Later: only a pod that has never been ready does not count.
        !(not_ready && after(started, readiness_delay) > ready.since)
    }
}
