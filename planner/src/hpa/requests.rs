//! What pods request of a resource, as the percentage of a Utilization target takes it.

use super::fault::Fault;
use super::metric::ResourceName;
use super::number::narrow;
use super::pods::{Container, Pod, PodKey};
use std::collections::BTreeMap;

/// Requests by pod, in thousandths. One pod that requests nothing makes the metric invalid.
///
/// # Errors
/// The first pod without a request.
pub fn requests<'a>(
    pods: &'a [Pod],
    container: Option<&str>,
    resource: &ResourceName,
) -> Result<BTreeMap<&'a PodKey, i64>, Fault> {
    pods.iter()
        .map(|pod| Ok((&pod.key, of_pod(pod, container, resource)?)))
        .collect()
}

/// What one pod requests, in thousandths.
pub(crate) fn of_pod(
    pod: &Pod,
    container: Option<&str>,
    resource: &ResourceName,
) -> Result<i64, Fault> {
    match (container, &pod.requests.pod) {
        (Some(name), _) => of_container(pod, name, resource),
        (None, Some(requests)) => {
            let request = requests.get(resource).copied();
            request.ok_or_else(|| Fault::NoPodRequest {
                resource: resource.clone(),
                pod: pod.key.clone(),
            })
        }
        (None, None) => {
            let mut sum = 0i128;
            for c in &pod.requests.containers {
                sum += i128::from(request(pod, c, resource)?);
            }
            Ok(narrow(sum))
        }
    }
}

fn of_container(pod: &Pod, name: &str, resource: &ResourceName) -> Result<i64, Fault> {
    let container = pod.requests.containers.iter().find(|c| &*c.name == name);
    match container {
        Some(container) => request(pod, container, resource),
        None => Err(Fault::NoContainer {
            container: name.into(),
            pod: pod.key.clone(),
        }),
    }
}

fn request(pod: &Pod, container: &Container, resource: &ResourceName) -> Result<i64, Fault> {
    let request = container.requests.get(resource).copied();
    request.ok_or_else(|| Fault::NoRequest {
        resource: resource.clone(),
        container: container.name.clone(),
        pod: pod.key.clone(),
    })
}
