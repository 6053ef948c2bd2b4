//! Sends writes to another cluster. The order inside each is what makes it safe to break off
//! anywhere: all judging first, then the finalizer, then copies, then the Deployment.

use super::carry::{self, Content, Todo};
use super::look::{Copies, CopySeen, Sources, judged};
use super::marks::Owner;
use super::orders::{ApplyThere, CopiesThere, DeleteThere};
use super::preflight::{self, Namespace as Use, Seen, Wanted};
use super::references::{Reference, Referred};
use super::there::{There, carriable};
use super::{body, managers};
use crate::act::ActError;
use crate::act::send::{gone_is_fine, json_patch, merge, scale_patch};
use crate::guard::receiving;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::ResourceExt as _;
use kube::api::{
    Api, DeleteParams, Patch, PatchParams, PostParams, Preconditions, PropagationPolicy,
};
use pinisi_crds::hybrid_workload::CarryRef;
use pinisi_crds::names::{FIELD_MANAGER, FINALIZER, GUARD_PREFIX};
use pinisi_planner::WorkloadId;
use pinisi_planner::model::refusal::RefusalKind;
use serde_json::json;
use std::time::Duration;

/// How often a new namespace is looked at for its default ServiceAccount.
const ACCOUNT_LOOKS: usize = 10;
/// Pause between two of these.
const ACCOUNT_PAUSE: Duration = Duration::from_millis(300);
/// How often it is tried whether the receiving guard refuses.
const GUARD_TRIALS: usize = 20;
/// Pause between two of these: a server takes about a second to take up a policy.
const GUARD_PAUSE: Duration = Duration::from_millis(500);
/// How a server says that an object has another uid than the one that was seen.
const OTHER_UID: &str = "metadata.uid: Invalid value";
/// A rule of the hub's guard: where it is, a hub is.
const HUB_RULE: &str = "g01-bind";

/// What a preflight has seen, for the writes that follow it.
struct Passed {
    sources: Sources,
    copies: Copies,
}

impl There<'_> {
    /// Makes or refreshes a Deployment with what it carries, after a preflight.
    ///
    /// # Errors
    /// What the cluster refuses, and why.
    pub async fn apply(&self, id: &WorkloadId, order: &ApplyThere) -> Result<(), ActError> {
        let Some(passed) = self.preflight(id, order, true).await? else {
            return Ok(());
        };
        if let Some(uid) = &order.finalizer_for {
            self.sender.finalizer(id, uid, &[FINALIZER]).await?;
        }
        self.write_copies(id, &order.carry, &passed).await?;
        let api = Api::<Deployment>::namespaced(self.client(), &id.namespace);
        if order.mend {
            self.take_back(&api, &order.name).await?;
        }
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let applied = self
            .ask(api.patch(&order.name, &params, &Patch::Apply(&order.body)))
            .await;
        self.or_refused(&self.wanted(id, order), "Deployment", applied)?;
        for reference in &order.drop {
            self.drop_copy(id, reference).await?;
        }
        Ok(())
    }

    /// Makes the preflight alone. Makes nothing, not even the namespace.
    ///
    /// # Errors
    /// What the cluster would refuse, and why.
    pub async fn probe(&self, id: &WorkloadId, order: &ApplyThere) -> Result<(), ActError> {
        self.preflight(id, order, false).await.map(drop)
    }

    /// Sets the count.
    ///
    /// # Errors
    /// What the cluster said.
    pub async fn scale(
        &self,
        id: &WorkloadId,
        name: &str,
        uid: &str,
        to: u32,
    ) -> Result<(), ActError> {
        let api = Api::<Deployment>::namespaced(self.client(), &id.namespace);
        let patch = scale_patch(uid, to)?;
        let result = self.ask(api.patch_scale(name, &merge(), &patch)).await;
        self.hinted(&format!("Deployment {name}"), result.map(drop))
    }

    /// Deletes a Deployment and the copies that nobody else carries. Copies go first: as long as
    /// the Deployment is there it says what was carried. That it may be deleted is tried before.
    ///
    /// # Errors
    /// What the cluster said.
    pub async fn delete(&self, id: &WorkloadId, order: &DeleteThere) -> Result<(), ActError> {
        let DeleteThere { name, uid, copies } = order;
        let api = Api::<Deployment>::namespaced(self.client(), &id.namespace);
        let object = format!("Deployment {name}");
        for dry_run in [true, false] {
            let params = DeleteParams {
                dry_run,
                propagation_policy: Some(PropagationPolicy::Foreground),
                preconditions: Some(Preconditions {
                    uid: Some(uid.clone()),
                    resource_version: None,
                }),
                ..DeleteParams::default()
            };
            let result = self.ask(api.delete(name, &params)).await.map(drop);
            gone_is_fine(self.hinted(&object, result))?;
            if dry_run {
                for reference in copies {
                    self.drop_copy(id, reference).await.map_err(plain)?;
                }
            }
        }
        Ok(())
    }

    /// Lets copies follow their sources.
    ///
    /// # Errors
    /// What the cluster, or home, refuses.
    pub async fn follow(&self, id: &WorkloadId, order: &CopiesThere) -> Result<(), ActError> {
        let CopiesThere { carry, about: _ } = order;
        let passed = Passed {
            sources: self.sources(&id.namespace, carry).await?,
            copies: self.copies(id, carry).await?,
        };
        let nothing = json!({});
        let wanted = Wanted {
            site: self.site,
            namespace: &id.namespace,
            name: "",
            hub: &self.remote.hub_uid,
            template: &nothing,
            carry,
            may_make_namespace: false,
        };
        let faults = passed.faults(&wanted);
        if let Some(refusal) = preflight::all_as_one(faults) {
            return Err(ActError::Refused(refusal));
        }
        self.write_copies(id, carry, &passed).await
    }

    /// Marks a Deployment that goes on serving without its workload.
    ///
    /// # Errors
    /// What the cluster said.
    pub async fn release(
        &self,
        id: &WorkloadId,
        name: &str,
        mark: &serde_json::Value,
    ) -> Result<(), ActError> {
        let api = Api::<Deployment>::namespaced(self.client(), &id.namespace);
        let Seen::There(Owner::Us) = self.deployment_owner(id, name).await? else {
            return Ok(());
        };
        self.ask(api.patch_metadata(name, &merge(), &Patch::Merge(mark)))
            .await
            .map(drop)
    }

    /// Puts the receiving guard in place and sees that it refuses.
    ///
    /// # Errors
    /// It is not in force.
    pub async fn guard(&self, cluster: &str) -> Result<(), ActError> {
        if *self.remote.cluster_uid != *cluster {
            return Err(ActError::NoLink);
        }
        let objects = receiving::objects();
        if let Some(first) = objects.first() {
            let hub_rule = format!("{GUARD_PREFIX}{HUB_RULE}");
            let api = first.api(self.client());
            if self.ask(api.get_metadata_opt(&hub_rule)).await?.is_some() {
                return Err(ActError::Unguarded {
                    reason: "AnotherHub",
                    why: format!(
                        "that cluster is a hub itself (ValidatingAdmissionPolicy {hub_rule}): a receiving guard would freeze its own Sensitive services; name a cluster without one, or delete the policies {GUARD_PREFIX}* there if its Pinisi is gone"
                    ),
                });
            }
        }
        let params = PatchParams::apply(FIELD_MANAGER).force();
        for object in &objects {
            let api = object.api(self.client());
            self.ask(api.patch(&object.name, &params, &Patch::Apply(&object.body)))
                .await
                .map_err(unguarded)?;
        }
        self.guard_refuses().await
    }

    async fn guard_refuses(&self) -> Result<(), ActError> {
        let api = Api::<Namespace>::all(self.client());
        let params = PatchParams {
            dry_run: true,
            ..PatchParams::apply(FIELD_MANAGER).force()
        };
        let probe = Patch::Apply(receiving::probe());
        let mut answer = "it was let through".to_owned();
        for _ in 0..GUARD_TRIALS {
            let request = api.patch(receiving::PROBE_NAMESPACE, &params, &probe);
            match self.ask(request).await {
                Err(ActError::Forbidden(words) | ActError::Invalid(words))
                    if words.contains(receiving::PROBE_REFUSAL) =>
                {
                    return Ok(());
                }
                Ok(_) => {}
                Err(ActError::Forbidden(words)) => {
                    answer = words;
                    break;
                }
                Err(error) => return Err(error),
            }
            tokio::time::sleep(GUARD_PAUSE).await;
        }
        Err(ActError::Unguarded {
            reason: "GuardNotProven",
            why: format!(
                "a dry-run of namespace {} that says Sensitive must be refused by rule R01, but: {answer}; let the operator's account there create and patch that namespace, as chart pinisi-site does",
                receiving::PROBE_NAMESPACE
            ),
        })
    }

    fn wanted<'b>(&'b self, id: &'b WorkloadId, order: &'b ApplyThere) -> Wanted<'b> {
        Wanted {
            site: self.site,
            namespace: &id.namespace,
            name: &order.name,
            hub: &self.remote.hub_uid,
            template: &order.body["spec"]["template"],
            carry: &order.carry,
            may_make_namespace: order.may_make_namespace,
        }
    }

    /// Everything that is judged before anything is written. `None` where that ends at a namespace
    /// that may be made and, in a trial, is not.
    async fn preflight(
        &self,
        id: &WorkloadId,
        order: &ApplyThere,
        for_real: bool,
    ) -> Result<Option<Passed>, ActError> {
        let wanted = self.wanted(id, order);
        let namespace = self.namespace(&id.namespace).await?;
        let namespace = preflight::namespace(&wanted, &namespace).map_err(ActError::Refused)?;
        if namespace == Use::Make && !for_real {
            return Ok(None);
        }
        if namespace == Use::Make {
            self.make_namespace(id).await?;
        }
        if order.create {
            let found = self.deployment_owner(id, &order.name).await?;
            preflight::deployment(&wanted, &found).map_err(ActError::Refused)?;
        }
        let needs = preflight::to_look_up(&wanted);
        let (references, sources, copies, rights) = futures::try_join!(
            self.references(&id.namespace, needs.into_keys()),
            self.sources(&id.namespace, &order.carry),
            self.copies(id, &order.carry),
            self.rights(&wanted),
        )?;
        let passed = Passed { sources, copies };
        let mut faults = preflight::template(&wanted, &references);
        faults.extend(passed.faults(&wanted));
        faults.extend(rights);
        if let Some(refusal) = preflight::all_as_one(faults) {
            return Err(ActError::Refused(refusal));
        }
        self.try_out(id, order, &wanted).await?;
        Ok(Some(passed))
    }

    /// Dry-runs of the Deployment and of one pod of it: what admission there says.
    async fn try_out(
        &self,
        id: &WorkloadId,
        order: &ApplyThere,
        wanted: &Wanted<'_>,
    ) -> Result<(), ActError> {
        let deployments = Api::<Deployment>::namespaced(self.client(), &id.namespace);
        let params = PatchParams {
            dry_run: true,
            ..PatchParams::apply(FIELD_MANAGER).force()
        };
        let object = format!("Deployment {}", order.name);
        let tried = self
            .ask(deployments.patch(&order.name, &params, &Patch::Apply(&order.body)))
            .await;
        self.or_refused(wanted, &object, tried)?;
        let pod: Pod = serde_json::from_value(body::pod(&order.body)).map_err(|error| {
            ActError::Refused(preflight::refusal(
                RefusalKind::Invalid,
                object.clone(),
                &format!("spec.template of {object} makes no pod: {error}"),
            ))
        })?;
        let params = PostParams {
            dry_run: true,
            field_manager: Some(FIELD_MANAGER.into()),
        };
        let pods = Api::<Pod>::namespaced(self.client(), &id.namespace);
        let tried = self.ask(pods.create(&params, &pod)).await;
        self.or_refused(wanted, &format!("a pod of {object}"), tried)
    }

    async fn make_namespace(&self, id: &WorkloadId) -> Result<(), ActError> {
        let api = Api::<Namespace>::all(self.client());
        let body = body::namespace(&id.namespace, self.marks(id));
        let made: Namespace = serde_json::from_value(body).map_err(|error| {
            ActError::Api(format!("internal: namespace {}: {error}", id.namespace))
        })?;
        let params = PostParams {
            dry_run: false,
            field_manager: Some(FIELD_MANAGER.into()),
        };
        match self.ask(api.create(&params, &made)).await {
            // Somebody else made it meanwhile: whose it is must be judged first.
            Err(ActError::Conflict(words)) => return Err(ActError::Conflict(words)),
            result => self.allowed(&format!("Namespace {}", id.namespace), result.map(drop))?,
        }
        let account = Reference {
            kind: Referred::ServiceAccount,
            name: "default".into(),
        };
        for _ in 0..ACCOUNT_LOOKS {
            match self.reference(&id.namespace, &account).await? {
                Seen::Missing => tokio::time::sleep(ACCOUNT_PAUSE).await,
                Seen::There(()) | Seen::Forbidden(_) => break,
            }
        }
        Ok(())
    }

    async fn write_copies(
        &self,
        id: &WorkloadId,
        carry: &[CarryRef],
        passed: &Passed,
    ) -> Result<(), ActError> {
        for reference in carry {
            let Some(Seen::There(Ok(content))) = passed.sources.get(reference) else {
                continue;
            };
            let there = match passed.copies.get(reference) {
                Some(Seen::There(copy)) => Some(copy),
                Some(Seen::Missing | Seen::Forbidden(_)) | None => None,
            };
            self.write_copy(id, reference, content, there).await?;
        }
        Ok(())
    }

    async fn write_copy(
        &self,
        id: &WorkloadId,
        reference: &CarryRef,
        content: &Content,
        there: Option<&CopySeen>,
    ) -> Result<(), ActError> {
        let api = carriable(self.client(), &id.namespace, reference.kind);
        let object = carry::name_of(reference);
        let mut copy = content.copy(reference, &id.namespace, self.marks(id));
        if let Some(there) = there {
            match content.needs(&there.content) {
                Todo::Nothing => return Ok(()),
                Todo::Apply => copy["metadata"]["uid"] = json!(there.uid),
                Todo::Replace => {
                    let result = self
                        .ask(api.delete(&reference.name, &exactly(there)))
                        .await
                        .map(drop);
                    gone_is_fine(self.allowed(&object, result))?;
                }
            }
        }
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let result = self
            .ask(api.patch(&reference.name, &params, &Patch::Apply(&copy)))
            .await
            .map(drop);
        self.allowed(&object, result)
    }

    /// Deletes a copy where it is this hub's.
    async fn drop_copy(&self, id: &WorkloadId, reference: &CarryRef) -> Result<(), ActError> {
        let object = carry::name_of(reference);
        let there = match self.copy_seen(id, reference).await? {
            Seen::Missing => return Ok(()),
            Seen::Forbidden(words) => {
                return self.allowed(&object, Err(ActError::Forbidden(words)));
            }
            Seen::There(there) => there,
        };
        if !there.owner.is_this_hub() {
            return Ok(());
        }
        let api = carriable(self.client(), &id.namespace, reference.kind);
        let result = self
            .ask(api.delete(&reference.name, &exactly(&there)))
            .await
            .map(drop);
        gone_is_fine(self.allowed(&object, result))
    }

    /// Makes fields that others wrote into the spec ours, so that the apply takes them away.
    async fn take_back(&self, api: &Api<Deployment>, name: &str) -> Result<(), ActError> {
        let Some(found) = self.ask(api.get_metadata_opt(name)).await? else {
            return Ok(());
        };
        let Some(managed) = managers::take_back(&json!(found.metadata.managed_fields)) else {
            return Ok(());
        };
        let patch = json_patch(json!([
            { "op": "test", "path": "/metadata/resourceVersion", "value": found.resource_version() },
            { "op": "replace", "path": "/metadata/managedFields", "value": managed },
        ]))?;
        self.ask(api.patch(name, &merge(), &patch)).await.map(drop)
    }

    /// A missing right with the way out, where it is no question of new replicas.
    fn hinted<T>(&self, object: &str, result: Result<T, ActError>) -> Result<T, ActError> {
        self.allowed(object, result).map_err(plain)
    }

    /// A missing right as the refusal that it is.
    fn allowed<T>(&self, object: &str, result: Result<T, ActError>) -> Result<T, ActError> {
        result.map_err(|error| match error {
            ActError::Forbidden(words) => {
                ActError::Refused(preflight::right_missing(self.site, object, &words, None))
            }
            other => other,
        })
    }

    /// What admission or validation there said, as the refusal that it is.
    fn or_refused<T>(
        &self,
        wanted: &Wanted<'_>,
        object: &str,
        result: Result<T, ActError>,
    ) -> Result<(), ActError> {
        match result {
            Ok(_) => Ok(()),
            Err(ActError::Forbidden(words)) => Err(ActError::Refused(preflight::refused(
                wanted, object, &words,
            ))),
            // Another object of that name than the one seen: what it is shows the watch.
            Err(ActError::Invalid(words)) if words.contains(OTHER_UID) => {
                Err(ActError::Conflict(words))
            }
            Err(ActError::Invalid(words)) => Err(ActError::Refused(preflight::invalid(
                wanted, object, &words,
            ))),
            Err(other) => Err(other),
        }
    }
}

impl Passed {
    fn faults(&self, wanted: &Wanted<'_>) -> Vec<pinisi_planner::model::refusal::Refusal> {
        let Self { sources, copies } = self;
        preflight::carried(
            wanted,
            &judged(sources, |content| {
                content.as_ref().map(|_| ()).map_err(|u| *u)
            }),
            &judged(copies, |copy| copy.owner.clone()),
        )
    }
}

/// A refusal as an error of the workload: it keeps what is there from being changed.
fn plain(error: ActError) -> ActError {
    match error {
        ActError::Refused(refusal) => ActError::Forbidden(refusal.text),
        other => other,
    }
}

fn exactly(there: &CopySeen) -> DeleteParams {
    DeleteParams {
        preconditions: Some(Preconditions {
            uid: Some(there.uid.clone()),
            resource_version: there.resource_version.clone(),
        }),
        ..DeleteParams::default()
    }
}

fn unguarded(error: ActError) -> ActError {
    match error {
        ActError::Forbidden(words) => ActError::Unguarded {
            reason: "GuardForbidden",
            why: format!(
                "the operator's account there may not write admission policies: install chart pinisi-site there ({words})"
            ),
        },
        ActError::NotFound(words) => ActError::Unguarded {
            reason: "GuardKindMissing",
            why: format!(
                "that cluster has no ValidatingAdmissionPolicy v1, which Kubernetes 1.30 and newer have ({words})"
            ),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests;
