//! Pods beside their values. The two lists are read at different times: a pod may have no value, and
//! a value no pod. Of two values for one pod the later counts.

use super::metric::PodValue;
use super::pods::{Pod, Pods};
use std::collections::BTreeMap;

/// Shows each pod with its value, in the order of the pods. Lists in the same order, as they come, need
/// one look at each; where they are not it says false, and all has to be begun anew with [`by_name`].
pub(crate) fn in_step<'a>(
    pods: &'a Pods,
    values: &'a [PodValue],
    mut pod: impl FnMut(&'a Pod, Option<&'a PodValue>),
) -> bool {
    let mut rest = values.iter().peekable();
    // No pod comes twice, so no value that has found its pod does.
    for this in pods.iter() {
        pod(this, rest.next_if(|value| value.pod == this.key));
    }
    rest.peek().is_none()
}

/// The two lists as one.
pub(crate) struct Joined<'a> {
    /// Each pod with its value, in the order of the pods.
    pub pods: Vec<(&'a Pod, Option<&'a PodValue>)>,
    /// Values of pods that are not in the list.
    pub strangers: Vec<&'a PodValue>,
}

/// Puts the lists side by side, whatever their order.
pub(crate) fn by_name<'a>(pods: &'a Pods, values: &'a [PodValue]) -> Joined<'a> {
    let mut by_pod: BTreeMap<_, _> = values.iter().map(|v| (&v.pod, v)).collect();
    let with_value = |pod: &'a Pod| (pod, by_pod.remove(&pod.key));
    Joined {
        pods: pods.iter().map(with_value).collect(),
        strangers: by_pod.into_values().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::pods::{Phase, PodKey, PodRequests};
    use super::*;
    use crate::model::site::SiteName;
    use jiff::{SignedDuration, Timestamp};
    use std::sync::Arc;

    fn key(name: &str) -> PodKey {
        PodKey {
            site: SiteName::new("home"),
            name: name.into(),
        }
    }

    fn pods(names: &str) -> Pods {
        let requests = Arc::new(PodRequests::default());
        let pod = |name: char| Pod {
            key: key(&name.to_string()),
            phase: Phase::Running,
            terminating: false,
            started: None,
            ready: None,
            requests: requests.clone(),
        };
        names.chars().map(pod).collect()
    }

    fn values(names: &str) -> Vec<PodValue> {
        let value = |(i, name): (usize, char)| PodValue {
            pod: key(&name.to_string()),
            milli: i64::try_from(i).unwrap(),
            at: Timestamp::UNIX_EPOCH,
            window: SignedDuration::ZERO,
        };
        names.chars().enumerate().map(value).collect()
    }

    /// Pods with their values' places, then the strangers' places: `a0 b- | 2`.
    fn words(joined: &Joined<'_>) -> String {
        let pods = joined.pods.iter().map(|(pod, value)| {
            let value = value.map_or("-".into(), |v| v.milli.to_string());
            format!("{}{value}", pod.key)
        });
        let strangers = joined.strangers.iter().map(|v| v.milli.to_string());
        let parts: Vec<_> = pods.chain(["|".into()]).chain(strangers).collect();
        parts.join(" ")
    }

    #[test]
    fn both_ways_come_to_the_same_and_the_later_of_two_counts() {
        let cases = [
            ("abc", "abc", "a0 b1 c2 |", true),
            ("abc", "ac", "a0 b- c1 |", true),
            ("abc", "", "a- b- c- |", true),
            ("abc", "cb", "a- b1 c0 |", false),
            ("cab", "cab", "c0 a1 b2 |", true),
            ("abc", "abx", "a0 b1 c- | 2", false),
            ("aba", "ba", "b0 a1 |", true),
            ("ab", "aab", "a1 b2 |", false),
        ];
        for (names, values_of, expected, one_look) in cases {
            let (pods, values) = (pods(names), values(values_of));
            let mut quick = Joined {
                pods: Vec::new(),
                strangers: Vec::new(),
            };
            let done = in_step(&pods, &values, |pod, value| quick.pods.push((pod, value)));
            assert_eq!(done, one_look, "{names} {values_of}");
            if done {
                assert_eq!(words(&quick), expected);
            }
            assert_eq!(words(&by_name(&pods, &values)), expected);
        }
    }
}
