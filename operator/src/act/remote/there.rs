//! One other cluster as act speaks to it: every request fenced by the lease, bounded in time, and
//! told to that cluster's breaker. Decides nothing.

use super::carry;
use super::marks::{Marks, Owner};
use super::preflight::Seen;
use crate::act::ActError;
use crate::act::send::Sender;
use crate::gather::link::LinkFault;
use crate::gather::remotes::RemoteClient;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use kube::{Client, ResourceExt};
use pinisi_crds::hybrid_workload::CarryKind;
use pinisi_planner::WorkloadId;

/// One other cluster.
pub struct There<'a> {
    pub(super) sender: &'a Sender,
    pub(super) remote: RemoteClient,
    pub(super) site: &'a str,
}

impl<'a> There<'a> {
    /// The cluster that `site` is.
    ///
    /// # Errors
    /// There is no way to it now.
    pub fn new(sender: &'a Sender, site: &'a str) -> Result<Self, ActError> {
        let remote = sender.remotes().get(site).ok_or(ActError::NoLink)?;
        Ok(Self {
            sender,
            remote,
            site,
        })
    }

    /// A client for it.
    pub(super) fn client(&self) -> Client {
        self.remote.client.clone()
    }

    /// What an object for `workload` says there.
    pub(super) fn marks<'b>(&'b self, workload: &'b WorkloadId) -> Marks<'b> {
        Marks {
            site: self.site,
            workload: &workload.name,
            hub: &self.remote.hub_uid,
        }
    }

    /// Whose an object there is.
    pub(super) fn owner(&self, workload: &WorkloadId, found: &impl ResourceExt) -> Owner {
        Owner::of(found.labels(), found.annotations(), self.marks(workload))
    }

    /// Asks, and tells the breaker whether the cluster answered.
    pub(super) async fn ask<T>(
        &self,
        request: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, ActError> {
        let result = self.sender.fenced(request).await;
        match &result {
            Err(ActError::NotLeader) => {}
            Err(error) if error.is_of_the_way() => {
                self.remote.breaker.failed(LinkFault::WritesFail {
                    error: error.to_string(),
                });
            }
            Ok(_) | Err(_) => self.remote.breaker.answered(),
        }
        result
    }

    /// Looks for an object: there, missing, or not ours to look at.
    pub(super) async fn see<T>(
        &self,
        request: impl Future<Output = Result<Option<T>, kube::Error>>,
    ) -> Result<Seen<T>, ActError> {
        seen(self.ask(request).await)
    }
}

/// An answer as what it says of the object; what says nothing of it stays an error.
pub(super) fn seen<T>(answer: Result<Option<T>, ActError>) -> Result<Seen<T>, ActError> {
    match answer {
        Ok(Some(found)) => Ok(Seen::There(found)),
        Ok(None) => Ok(Seen::Missing),
        Err(ActError::Forbidden(words)) => Ok(Seen::Forbidden(words)),
        Err(error) => Err(error),
    }
}

/// ConfigMaps or Secrets of a namespace, with their content as it came.
pub(super) fn carriable(client: Client, namespace: &str, kind: CarryKind) -> Api<DynamicObject> {
    let gvk = GroupVersionKind::gvk("", "v1", carry::kind_name(kind));
    let resource = ApiResource::from_gvk_with_plural(&gvk, carry::plural(kind));
    Api::namespaced_with(client, namespace, &resource)
}
