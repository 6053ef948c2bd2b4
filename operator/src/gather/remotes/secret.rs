//! The Secret with a kubeconfig: watched by name in the operator's own namespace, so that RBAC can
//! name it. What it holds goes on by a channel and is never shown.

use super::super::link::LinkFault;
use super::super::meta::lean;
use futures::StreamExt as _;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client, Resource,
    api::ObjectMeta,
    runtime::{WatchStreamExt as _, watcher},
};
use pinisi_crds::site::KubeconfigSecretRef;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, fmt, sync::Arc};
use tokio::sync::watch as channel;
use tokio_util::sync::CancellationToken;

/// Key in the Secret where the Site names none.
pub const KEY_DEFAULT: &str = "kubeconfig";

/// What is known of the Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Held {
    /// Not read yet.
    #[default]
    Unread,
    /// What stands against it.
    Fault(LinkFault),
    /// A kubeconfig, or what should be one.
    Content(Content),
}

/// What stands under the key.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Content {
    /// Digest of it: tells a rotation from a touch.
    pub digest: [u8; 32],
    /// The bytes.
    pub bytes: Arc<[u8]>,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Content(hidden)")
    }
}

/// A Secret, as far as one key of it is asked for.
#[derive(Resource, Deserialize, Clone)]
#[resource(inherit = Secret)]
struct SecretWire {
    #[serde(deserialize_with = "lean")]
    metadata: ObjectMeta,
    #[serde(default)]
    data: Option<BTreeMap<String, ByteString>>,
}

impl fmt::Debug for SecretWire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretWire({:?})", self.metadata.name)
    }
}

/// Which Secret, as `namespace/name` and key.
#[derive(Clone, Debug)]
pub(super) struct Place {
    namespace: String,
    name: String,
    key: String,
}

impl Place {
    pub fn of(namespace: &str, reference: &KubeconfigSecretRef) -> Self {
        let KubeconfigSecretRef { name, key } = reference;
        Self {
            namespace: namespace.to_owned(),
            name: name.clone(),
            key: key.clone().unwrap_or_else(|| KEY_DEFAULT.to_owned()),
        }
    }

    fn secret(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    fn held(&self, data: Option<BTreeMap<String, ByteString>>) -> Held {
        let found = data.and_then(|mut data| data.remove(&self.key));
        match found.filter(|ByteString(bytes)| !bytes.is_empty()) {
            Some(ByteString(bytes)) => Held::Content(Content {
                digest: Sha256::digest(&bytes).into(),
                bytes: bytes.into(),
            }),
            None => Held::Fault(LinkFault::KeyMissing {
                secret: self.secret(),
                key: self.key.clone(),
            }),
        }
    }

    fn missing(&self) -> Held {
        Held::Fault(LinkFault::SecretMissing {
            secret: self.secret(),
        })
    }

    fn unread(&self, error: &watcher::Error) -> Held {
        let secret = self.secret();
        Held::Fault(match code_of(error) {
            Some(403) => LinkFault::SecretForbidden { secret },
            _ => LinkFault::SecretUnread {
                secret,
                error: super::faults::bounded(&error.to_string()),
            },
        })
    }
}

fn code_of(error: &watcher::Error) -> Option<u16> {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status)) => Some(status.code),
        watcher::Error::WatchError(status) => Some(status.code),
        watcher::Error::InitialListFailed(_)
        | watcher::Error::WatchStartFailed(_)
        | watcher::Error::WatchFailed(_)
        | watcher::Error::NoResourceVersion => None,
    }
}

/// Watches the Secret until `stop`. What was read once stays while the hub is out of reach: a
/// rotation is a new content, not a silence.
pub(super) async fn watch(
    client: Client,
    place: Place,
    held: channel::Sender<Held>,
    stop: CancellationToken,
) {
    let config = watcher::Config::default().fields(&format!("metadata.name={}", place.name));
    let api = Api::<SecretWire>::namespaced(client, &place.namespace);
    let mut stream = std::pin::pin!(watcher(api, config).default_backoff());
    let mut listed = None;
    loop {
        let event = tokio::select! {
            event = stream.next() => event,
            () = stop.cancelled() => return,
        };
        match event {
            Some(event) => {
                // In a statement of its own: a borrow that lived on would wait for itself in `set`.
                let before = held.borrow().clone();
                if let Some(new) = take_in(&place, event, &mut listed, &before) {
                    set(&held, new);
                }
            }
            // The watcher never ends by itself.
            None => return,
        }
    }
}

/// What an event makes of it; `None` where it changes nothing.
fn take_in(
    place: &Place,
    event: Result<watcher::Event<SecretWire>, watcher::Error>,
    listed: &mut Option<Held>,
    before: &Held,
) -> Option<Held> {
    match event {
        Ok(watcher::Event::Init) => {
            *listed = None;
            None
        }
        Ok(watcher::Event::InitApply(secret)) => {
            *listed = Some(place.held(secret.data));
            None
        }
        Ok(watcher::Event::InitDone) => Some(listed.take().unwrap_or_else(|| place.missing())),
        Ok(watcher::Event::Apply(secret)) => Some(place.held(secret.data)),
        Ok(watcher::Event::Delete(_)) => Some(place.missing()),
        Err(error) => match before {
            Held::Content(_) => {
                tracing::warn!(secret = place.secret(), %error, "watch of a kubeconfig Secret failed; it is tried again");
                None
            }
            Held::Unread | Held::Fault(_) => Some(place.unread(&error)),
        },
    }
}

fn set(held: &channel::Sender<Held>, new: Held) {
    held.send_if_modified(|old| {
        let changed = *old != new;
        *old = new;
        changed
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use watcher::Event;

    fn place() -> Place {
        let reference = KubeconfigSecretRef {
            name: "cloud".into(),
            key: None,
        };
        Place::of("pinisi-system", &reference)
    }

    #[allow(clippy::needless_pass_by_value)] // so that calls stay short
    fn secret(data: serde_json::Value) -> SecretWire {
        serde_json::from_value(json!({"metadata": {"name": "cloud"}, "data": data})).unwrap()
    }

    fn after(events: Vec<Result<Event<SecretWire>, watcher::Error>>) -> Held {
        let (mut held, mut listed) = (Held::Unread, None);
        for event in events {
            if let Some(new) = take_in(&place(), event, &mut listed, &held) {
                held = new;
            }
        }
        held
    }

    fn refused(code: u16) -> watcher::Error {
        let mut status = kube::core::Status::failure("no", "Forbidden");
        status.code = code;
        watcher::Error::InitialListFailed(kube::Error::Api(Box::new(status)))
    }

    fn reason(held: &Held) -> &'static str {
        match held {
            Held::Fault(fault) => fault.reason(),
            Held::Unread => "unread",
            Held::Content(_) => "content",
        }
    }

    #[test]
    fn an_empty_list_means_that_it_is_missing() {
        let held = after(vec![Ok(Event::Init), Ok(Event::InitDone)]);
        let Held::Fault(fault) = &held else {
            panic!("{held:?}");
        };
        assert_eq!(fault.reason(), "SecretNotFound");
        assert!(fault.to_string().contains("pinisi-system/cloud"));
    }

    #[test]
    fn its_key_may_be_missing_or_empty() {
        for data in [
            json!({}),
            json!({"other": "YQ=="}),
            json!({"kubeconfig": ""}),
            json!(null),
        ] {
            let held = after(vec![Ok(Event::Apply(secret(data)))]);
            assert_eq!(reason(&held), "SecretKeyNotFound");
        }
    }

    #[test]
    fn rotated_touched_and_deleted() {
        let apply = |text: &str| Ok(Event::Apply(secret(json!({"kubeconfig": text}))));
        let first = after(vec![apply("YQ==")]);
        assert_eq!(first, after(vec![apply("YQ=="), apply("YQ==")]));
        assert_ne!(first, after(vec![apply("YQ=="), apply("Yg==")]));
        let gone = after(vec![apply("YQ=="), Ok(Event::Delete(secret(json!({}))))]);
        assert_eq!(reason(&gone), "SecretNotFound");
    }

    #[test]
    fn a_missing_right_has_its_own_word_and_a_silent_hub_takes_nothing_away() {
        assert_eq!(reason(&after(vec![Err(refused(403))])), "SecretForbidden");
        assert_eq!(reason(&after(vec![Err(refused(500))])), "SecretUnread");
        let apply = Ok(Event::Apply(secret(json!({"kubeconfig": "YQ=="}))));
        assert_eq!(reason(&after(vec![apply, Err(refused(500))])), "content");
    }

    #[test]
    fn nothing_of_it_is_ever_shown() {
        let wire = secret(json!({"kubeconfig": "czNjcjN0"}));
        let held = place().held(wire.data.clone());
        for text in [format!("{wire:?}"), format!("{held:?}")] {
            assert!(
                !text.contains("s3cr3t") && !text.contains("czNjcjN0"),
                "{text}"
            );
        }
    }
}
