//! Watches the guard's own objects, their metadata alone, so that it is put back soon after somebody
//! took it away. A kind that the server does not have is not watched; nothing waits for it.

use super::shared::Shared;
use crate::guard::keep::Version;
use futures::StreamExt as _;
use kube::api::{ApiResource, DynamicObject, PartialObjectMeta};
use kube::core::GroupVersionKind;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client};
use pinisi_crds::names::{MANAGED_BY, MANAGED_BY_LABEL};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Kinds of the guard's objects, with their plurals.
pub(super) const KINDS: [(&str, &str); 4] = [
    ("ValidatingAdmissionPolicy", "validatingadmissionpolicies"),
    (
        "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings",
    ),
    ("MutatingAdmissionPolicy", "mutatingadmissionpolicies"),
    (
        "MutatingAdmissionPolicyBinding",
        "mutatingadmissionpolicybindings",
    ),
];

/// Watches one kind until `stop`.
pub(super) async fn watch(
    shared: Arc<Shared>,
    client: Client,
    (kind, plural): (&'static str, &'static str),
    stop: CancellationToken,
) {
    let gvk = GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", kind);
    let resource = ApiResource::from_gvk_with_plural(&gvk, plural);
    let api = Api::<PartialObjectMeta<DynamicObject>>::all_with(client, &resource);
    let config = watcher::Config::default().labels(&format!("{MANAGED_BY_LABEL}={MANAGED_BY}"));
    let mut events = std::pin::pin!(watcher(api, config).default_backoff());
    let mut listed = BTreeMap::new();
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            () = stop.cancelled() => return,
        };
        match event {
            Some(Ok(event)) => {
                if take_in(&shared, kind, event, &mut listed) {
                    shared.touch();
                }
            }
            Some(Err(error)) => {
                tracing::debug!(kind, %error, "the guard's objects are not watched");
            }
            // The watcher never ends by itself.
            None => return,
        }
    }
}

fn take_in(
    shared: &Shared,
    kind: &'static str,
    event: watcher::Event<PartialObjectMeta<DynamicObject>>,
    listed: &mut BTreeMap<String, Version>,
) -> bool {
    match event {
        watcher::Event::Init => {
            listed.clear();
            false
        }
        watcher::Event::InitApply(object) => {
            let (name, version) = version(object);
            listed.insert(name, version);
            false
        }
        watcher::Event::InitDone => {
            shared
                .index
                .write()
                .guard
                .insert(kind, std::mem::take(listed));
            true
        }
        watcher::Event::Apply(object) => {
            let (name, version) = version(object);
            let mut index = shared.index.write();
            index.guard.entry(kind).or_default().insert(name, version);
            true
        }
        watcher::Event::Delete(object) => {
            let (name, _) = version(object);
            shared
                .index
                .write()
                .guard
                .entry(kind)
                .or_default()
                .remove(&name);
            true
        }
    }
}

fn version(object: PartialObjectMeta<DynamicObject>) -> (String, Version) {
    let meta = object.metadata;
    (
        meta.name.unwrap_or_default(),
        (
            meta.uid.unwrap_or_default(),
            meta.generation.unwrap_or_default(),
        ),
    )
}
