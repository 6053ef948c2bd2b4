//! Looks at another cluster, and at home at what is to be carried, for a preflight. Thin: what it
//! means is judged in `preflight`.

use super::carry::{Content, Unfit};
use super::marks::Owner;
use super::preflight::{NamespaceSeen, Seen, Wanted, right_missing};
use super::references::{Reference, Referred};
use super::there::{There, carriable, seen};
use crate::act::ActError;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret, ServiceAccount};
use k8s_openapi::api::scheduling::v1::PriorityClass;
use kube::ResourceExt as _;
use kube::api::{Api, DynamicObject, PostParams};
use pinisi_crds::hybrid_workload::CarryRef;
use pinisi_planner::WorkloadId;
use pinisi_planner::model::refusal::Refusal;
use std::collections::BTreeMap;

/// Requests of one preflight in flight at most.
const LOOKS_AT_ONCE: usize = 8;
/// What the operator must be able to do with a Deployment there beside applying it, or replicas
/// that went there could never come home.
const RIGHTS: [(&str, &str); 2] = [("patch", "scale"), ("delete", "")];

/// A copy as it is there.
#[derive(Clone, Debug, PartialEq)]
pub struct CopySeen {
    /// Whose it is.
    pub owner: Owner,
    /// Its uid.
    pub uid: String,
    /// Its version.
    pub resource_version: Option<String>,
    /// Its content.
    pub content: Content,
}

/// Objects to be carried, as they are at home.
pub type Sources = BTreeMap<CarryRef, Seen<Result<Content, Unfit>>>;
/// What stands in their places there.
pub type Copies = BTreeMap<CarryRef, Seen<CopySeen>>;

impl There<'_> {
    /// The namespace.
    pub(super) async fn namespace(&self, name: &str) -> Result<Seen<NamespaceSeen>, ActError> {
        let api = Api::<Namespace>::all(self.client());
        let found = self.see(api.get_metadata_opt(name)).await?;
        Ok(match found {
            Seen::Missing => Seen::Missing,
            Seen::Forbidden(words) => Seen::Forbidden(words),
            Seen::There(found) => Seen::There(NamespaceSeen {
                labels: found.labels().clone(),
                annotations: found.annotations().clone(),
                terminating: found.metadata.deletion_timestamp.is_some(),
            }),
        })
    }

    /// Whose a Deployment of the target's name is; `None` where there is none.
    pub(super) async fn deployment_owner(
        &self,
        id: &WorkloadId,
        name: &str,
    ) -> Result<Seen<Owner>, ActError> {
        let api = Api::<Deployment>::namespaced(self.client(), &id.namespace);
        let found = self.see(api.get_metadata_opt(name)).await?;
        Ok(match found {
            Seen::Missing => Seen::Missing,
            Seen::Forbidden(words) => Seen::Forbidden(words),
            Seen::There(found) => Seen::There(self.owner(id, &found)),
        })
    }

    /// What the template refers to.
    pub(super) async fn references(
        &self,
        namespace: &str,
        needs: impl Iterator<Item = Reference>,
    ) -> Result<BTreeMap<Reference, Seen<()>>, ActError> {
        stream::iter(needs)
            .map(|reference| async move {
                let found = self.reference(namespace, &reference).await?;
                Ok((reference, found))
            })
            .buffer_unordered(LOOKS_AT_ONCE)
            .try_collect()
            .await
    }

    pub(super) async fn reference(
        &self,
        namespace: &str,
        reference: &Reference,
    ) -> Result<Seen<()>, ActError> {
        let Reference { kind, name } = reference;
        let client = self.client();
        match kind {
            Referred::ConfigMap => {
                let api = Api::<ConfigMap>::namespaced(client, namespace);
                self.there(&api, name).await
            }
            Referred::Secret => {
                let api = Api::<Secret>::namespaced(client, namespace);
                self.there(&api, name).await
            }
            Referred::ServiceAccount => {
                let api = Api::<ServiceAccount>::namespaced(client, namespace);
                self.there(&api, name).await
            }
            Referred::PriorityClass => self.there(&Api::<PriorityClass>::all(client), name).await,
        }
    }

    /// Whether an object is there; of Secrets too nothing but the metadata is fetched.
    async fn there<K>(&self, api: &Api<K>, name: &str) -> Result<Seen<()>, ActError>
    where
        K: Clone + std::fmt::Debug + serde::de::DeserializeOwned,
    {
        let found = self.see(api.get_metadata_opt(name)).await?;
        Ok(match found {
            Seen::There(_) => Seen::There(()),
            Seen::Missing => Seen::Missing,
            Seen::Forbidden(words) => Seen::Forbidden(words),
        })
    }

    /// What is to be carried, as it is at home.
    pub(super) async fn sources(
        &self,
        namespace: &str,
        carry: &[CarryRef],
    ) -> Result<Sources, ActError> {
        stream::iter(carry.to_vec())
            .map(|reference| async move {
                let api = carriable(self.sender.client(), namespace, reference.kind);
                // The hub's own server answers: this cluster's breaker is not concerned.
                let found = seen(self.sender.fenced(api.get_opt(&reference.name)).await)?;
                let found = match found {
                    Seen::Missing => Seen::Missing,
                    Seen::Forbidden(words) => Seen::Forbidden(words),
                    Seen::There(found) => {
                        Seen::There(Content::to_carry(found.labels(), &found.data))
                    }
                };
                Ok((reference, found))
            })
            .buffer_unordered(LOOKS_AT_ONCE)
            .try_collect()
            .await
    }

    /// What stands in the places of copies.
    pub(super) async fn copies(
        &self,
        id: &WorkloadId,
        carry: &[CarryRef],
    ) -> Result<Copies, ActError> {
        stream::iter(carry.to_vec())
            .map(|reference| async move {
                let found = self.copy_seen(id, &reference).await?;
                Ok((reference, found))
            })
            .buffer_unordered(LOOKS_AT_ONCE)
            .try_collect()
            .await
    }

    pub(super) async fn copy_seen(
        &self,
        id: &WorkloadId,
        reference: &CarryRef,
    ) -> Result<Seen<CopySeen>, ActError> {
        let api = carriable(self.client(), &id.namespace, reference.kind);
        let found = self.see(api.get_opt(&reference.name)).await?;
        Ok(match found {
            Seen::Missing => Seen::Missing,
            Seen::Forbidden(words) => Seen::Forbidden(words),
            Seen::There(found) => Seen::There(self.copy_of(id, &found)),
        })
    }

    fn copy_of(&self, id: &WorkloadId, found: &DynamicObject) -> CopySeen {
        CopySeen {
            owner: self.owner(id, found),
            uid: found.uid().unwrap_or_default(),
            resource_version: found.resource_version(),
            content: Content::of(&found.data),
        }
    }

    /// Rights that are needed later, and that no dry-run proves.
    pub(super) async fn rights(&self, wanted: &Wanted<'_>) -> Result<Vec<Refusal>, ActError> {
        let api = Api::<SelfSubjectAccessReview>::all(self.client());
        let mut missing = vec![];
        for (verb, subresource) in RIGHTS {
            let review = review(wanted, verb, subresource);
            let answer = self.ask(api.create(&PostParams::default(), &review)).await;
            let allowed = match answer {
                Ok(answer) => answer.status.is_some_and(|status| status.allowed),
                // Who may not even ask is told by the requests themselves.
                Err(ActError::Forbidden(_) | ActError::NotFound(_)) => true,
                Err(error) => return Err(error),
            };
            if !allowed {
                let what = if subresource.is_empty() { "" } else { "/scale" };
                missing.push(right_missing(
                    wanted.site,
                    &format!("Deployment {}", wanted.name),
                    &format!(
                        "{verb} deployments{what} is not allowed in namespace {}",
                        wanted.namespace
                    ),
                    None,
                ));
            }
        }
        Ok(missing)
    }
}

fn review(wanted: &Wanted<'_>, verb: &str, subresource: &str) -> SelfSubjectAccessReview {
    SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                group: Some("apps".into()),
                name: Some(wanted.name.into()),
                namespace: Some(wanted.namespace.into()),
                resource: Some("deployments".into()),
                subresource: (!subresource.is_empty()).then(|| subresource.into()),
                verb: Some(verb.into()),
                ..ResourceAttributes::default()
            }),
            non_resource_attributes: None,
        },
        ..SelfSubjectAccessReview::default()
    }
}

/// What was seen, without its content.
pub(super) fn judged<A, B>(
    seen: &BTreeMap<CarryRef, Seen<A>>,
    of: impl Fn(&A) -> B,
) -> BTreeMap<CarryRef, Seen<B>> {
    let one = |found: &Seen<A>| match found {
        Seen::There(found) => Seen::There(of(found)),
        Seen::Missing => Seen::Missing,
        Seen::Forbidden(words) => Seen::Forbidden(words.clone()),
    };
    seen.iter()
        .map(|(reference, found)| (reference.clone(), one(found)))
        .collect()
}
