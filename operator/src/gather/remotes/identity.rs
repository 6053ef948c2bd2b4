//! Which cluster answers: the uid of its namespace `kube-system`, and its version. By this a wrong
//! kubeconfig is found out before anything is believed or written.

use super::super::link::LinkFault;
use super::super::shared::Shared;
use super::super::wire::NamespaceWire;
use super::{backoff::Backoff, faults};
use kube::{Api, Client, api::ListParams};
use pinisi_crds::site::ClusterIdentity;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Longest that one request about a cluster's identity or health may take.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Namespace that every cluster has, and never another one's.
const SYSTEM_NAMESPACE: &str = "kube-system";
/// First minor version of Kubernetes 1 with the admission policies that the receiving guard needs.
const OLDEST_MINOR: u32 = 30;

/// Asks a cluster who it is.
pub(super) async fn ask(client: &Client) -> Result<ClusterIdentity, LinkFault> {
    let version = bounded("read /version", client.apiserver_version()).await?;
    if too_old(&version.major, &version.minor) {
        return Err(LinkFault::TooOld {
            version: version.git_version,
        });
    }
    Ok(ClusterIdentity {
        uid: uid(client).await?,
        version: version.git_version,
    })
}

/// uid of a cluster's `kube-system`. By a list, as the right to list is needed anyway.
pub(super) async fn uid(client: &Client) -> Result<String, LinkFault> {
    let api = Api::<NamespaceWire>::all(client.clone());
    let params = ListParams::default().fields(&format!("metadata.name={SYSTEM_NAMESPACE}"));
    let list = bounded("list and watch namespaces", api.list(&params)).await?;
    list.items
        .into_iter()
        .find_map(|namespace| namespace.metadata.uid)
        .ok_or_else(|| faults::unreachable("it has no namespace kube-system"))
}

/// True for versions that are known to be too old; what cannot be read is not.
fn too_old(major: &str, minor: &str) -> bool {
    let digits = minor.trim_end_matches(|c: char| !c.is_ascii_digit());
    major == "1"
        && digits
            .parse::<u32>()
            .is_ok_and(|minor| minor < OLDEST_MINOR)
}

async fn bounded<T>(
    what: &'static str,
    request: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, LinkFault> {
    match tokio::time::timeout(REQUEST_TIMEOUT, request).await {
        Ok(result) => result.map_err(|error| faults::of(&error, what)),
        Err(_) => Err(faults::timeout(REQUEST_TIMEOUT.as_secs())),
    }
}

/// Judges a cluster that was found.
pub(super) fn judge(
    found: &ClusterIdentity,
    hub: &ClusterIdentity,
    expected: Option<&str>,
) -> Result<(), LinkFault> {
    if found.uid == hub.uid {
        return Err(LinkFault::HubItself);
    }
    match expected {
        Some(expected) if expected != found.uid => Err(LinkFault::WrongCluster {
            expected: expected.to_owned(),
            found: found.uid.clone(),
        }),
        Some(_) | None => Ok(()),
    }
}

/// Finds out which cluster the hub is, and ends.
pub(in crate::gather) async fn find_hub(
    shared: Arc<Shared>,
    client: Client,
    stop: CancellationToken,
) {
    let mut pauses = Backoff::new("hub");
    loop {
        let found = tokio::select! {
            found = ask(&client) => found,
            () = stop.cancelled() => return,
        };
        match found {
            Ok(identity) => {
                tracing::info!(
                    uid = identity.uid,
                    version = identity.version,
                    "this cluster"
                );
                shared.index.write().hub = Some(identity);
                shared.sites_changed.notify_one();
                shared.touch();
                return;
            }
            Err(fault) => {
                tracing::warn!(reason = fault.reason(), %fault, "cannot tell which cluster this is; Sites in other clusters wait for it");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pauses.next_pause()) => {}
            () = stop.cancelled() => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(uid: &str) -> ClusterIdentity {
        ClusterIdentity {
            uid: uid.into(),
            version: "v1.37.2".into(),
        }
    }

    #[test]
    fn the_hub_is_never_another_cluster_whatever_is_expected() {
        for expected in [None, Some("hub"), Some("x")] {
            assert_eq!(
                judge(&cluster("hub"), &cluster("hub"), expected),
                Err(LinkFault::HubItself)
            );
        }
    }

    #[test]
    fn the_first_cluster_is_believed_and_another_later_is_not() {
        assert_eq!(judge(&cluster("a"), &cluster("hub"), None), Ok(()));
        assert_eq!(judge(&cluster("a"), &cluster("hub"), Some("a")), Ok(()));
        let fault = judge(&cluster("b"), &cluster("hub"), Some("a")).unwrap_err();
        assert_eq!(fault.reason(), "WrongCluster");
        let text = fault.to_string();
        assert!(text.contains(" b,") && text.contains(" a;") && text.contains("spec.clusterUid"));
    }

    #[test]
    fn old_versions_are_told_and_odd_ones_are_let_pass() {
        assert!(too_old("1", "29") && too_old("1", "28+"));
        assert!(!too_old("1", "30") && !too_old("1", "34+") && !too_old("1", "37"));
        assert!(!too_old("2", "0") && !too_old("", "") && !too_old("1", "x"));
    }
}
