//! The one write to a namespace: its class from Sensitive to MassTraffic, for a Declassification that
//! two persons agreed on. Before it both objects are read anew: what was cancelled a moment ago, and
//! what somebody else changed since, is left alone.

use super::ActError;
use super::send::{Sender, merge};
use super::write::{Key, Write, WriteKind};
use crate::check::declassification::{Step, next};
use crate::checked::DeclassificationSubject;
use crate::gather::facts::ObjectKey;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, Patch};
use kube::core::PartialObjectMeta;
use pinisi_crds::Declassification;
use pinisi_crds::names::{
    CLASS_LABEL, CLASS_MASS_TRAFFIC, CLASS_SENSITIVE, DECLASSIFIED_ANNOTATION,
};
use serde_json::json;

/// What is to be changed, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declassify {
    /// Name of the Declassification.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// Who approved it.
    pub approved_by: String,
    /// uid of the namespace.
    pub namespace_uid: String,
}

/// The change, where it is due by what the API server has: times that only this process knows do not
/// count.
pub(super) fn derive(
    key: &ObjectKey,
    subject: &DeclassificationSubject,
    now: Timestamp,
) -> Option<Write> {
    if subject.deleting || subject.status.may_change_at.is_none() {
        return None;
    }
    let (Step::Change { approved_by }, _) = next(subject, &subject.status, now) else {
        return None;
    };
    let order = Declassify {
        name: key.name.clone(),
        uid: subject.uid.clone(),
        approved_by,
        namespace_uid: subject.namespace.uid.clone(),
    };
    Some(Write {
        key: Key::Namespace(key.namespace.clone()),
        before: format!("{}/{}", subject.namespace.uid, subject.namespace.class),
        kind: WriteKind::Declassify(Box::new(order)),
        sample: None,
    })
}

impl Sender {
    /// Changes the class.
    pub(super) async fn declassify(
        &self,
        namespace: &str,
        order: &Declassify,
    ) -> Result<(), ActError> {
        let Declassify {
            name,
            uid,
            approved_by,
            namespace_uid,
        } = order;
        let requests = Api::<Declassification>::namespaced(self.client(), namespace);
        let request = self.fenced(requests.get(name)).await?;
        still_agreed(&request, uid, approved_by)?;
        let namespaces = Api::<Namespace>::all(self.client());
        let found = self.fenced(namespaces.get_metadata(namespace)).await?;
        still_sensitive(&found, namespace_uid)?;
        let body = json!({ "metadata": {
            "uid": namespace_uid,
            "resourceVersion": found.metadata.resource_version,
            "labels": { CLASS_LABEL: CLASS_MASS_TRAFFIC },
            "annotations": { DECLASSIFIED_ANNOTATION: uid },
        }});
        self.fenced(namespaces.patch_metadata(namespace, &merge(), &Patch::Merge(&body)))
            .await
            .map(drop)
    }
}

fn still_agreed(request: &Declassification, uid: &str, approved_by: &str) -> Result<(), ActError> {
    let status = request.status.as_ref();
    let approval = status.and_then(|status| status.approval.as_ref());
    let agreed = request.metadata.uid.as_deref() == Some(uid)
        && request.metadata.deletion_timestamp.is_none()
        && status.is_some_and(|status| status.outcome.is_none())
        && approval.is_some_and(|approval| approval.approved_by == approved_by);
    match agreed {
        true => Ok(()),
        false => Err(ActError::Conflict(
            "the Declassification is another one by now".to_owned(),
        )),
    }
}

fn still_sensitive(found: &PartialObjectMeta<Namespace>, uid: &str) -> Result<(), ActError> {
    let labels = found.metadata.labels.as_ref();
    let class = labels.and_then(|labels| labels.get(CLASS_LABEL));
    match found.metadata.uid.as_deref() == Some(uid)
        && class.is_some_and(|class| class == CLASS_SENSITIVE)
    {
        true => Ok(()),
        false => Err(ActError::Conflict(
            "the namespace is another one by now, or not Sensitive any more".to_owned(),
        )),
    }
}
