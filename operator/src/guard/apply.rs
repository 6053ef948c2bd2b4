//! Puts the guard into the API server by server-side apply. Never deletes anything.

use super::GuardObject;
use super::keep::{ObjectName, Version};
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client};
use pinisi_crds::names::FIELD_MANAGER;
use std::collections::BTreeMap;

/// Why the guard is not wholly in place.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The API server refused or did not answer.
    #[error("apply {kind} {name}")]
    Apply {
        /// Kind.
        kind: &'static str,
        /// Name.
        name: String,
        /// The server's words.
        #[source]
        source: Box<kube::Error>,
    },
}

impl GuardError {
    /// A bounded word for metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Apply { source, .. } => match source.as_ref() {
                kube::Error::Api(status) if status.is_forbidden() => "guard_forbidden",
                kube::Error::Api(status) if status.is_conflict() => "guard_conflict",
                _ => "guard_apply",
            },
        }
    }
}

impl GuardObject {
    /// The API of its kind.
    #[must_use]
    pub fn api(&self, client: Client) -> Api<DynamicObject> {
        let gvk = GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", self.kind);
        Api::all_with(
            client,
            &ApiResource::from_gvk_with_plural(&gvk, self.plural),
        )
    }
}

/// Applies every object in order, and tells what stands then. An optional kind that the server does not have is passed over:
/// without the stamp a pod that lacks the labels is refused by rule G03 instead.
///
/// # Errors
/// The first object that could not be applied.
pub async fn apply(
    client: &Client,
    objects: &[GuardObject],
) -> Result<BTreeMap<ObjectName, Version>, GuardError> {
    let mut applied = BTreeMap::new();
    let params = PatchParams::apply(FIELD_MANAGER).force();
    for object in objects {
        let api = object.api(client.clone());
        let GuardObject {
            kind,
            plural: _,
            name,
            optional,
            body,
        } = object;
        match api.patch(name, &params, &Patch::Apply(body)).await {
            Ok(there) => {
                let DynamicObject { metadata, .. } = there;
                let version = (
                    metadata.uid.unwrap_or_default(),
                    metadata.generation.unwrap_or_default(),
                );
                applied.insert((*kind, name.clone()), version);
            }
            Err(kube::Error::Api(status)) if *optional && status.is_not_found() => {
                tracing::warn!(
                    kind,
                    "the server lacks this kind; unstamped pods are refused instead"
                );
            }
            Err(source) => {
                return Err(GuardError::Apply {
                    kind,
                    name: name.clone(),
                    source: Box::new(source),
                });
            }
        }
    }
    Ok(applied)
}
