//! What the suite makes in a cluster, and how it goes again: four namespaces, pods that nothing can
//! schedule, objects to be changed, and rights for groups that nobody is in. All of it carries one
//! label, so that whatever a run leaves behind is found and removed by a later one.

use super::ask::Asker;
use super::attempt::{Request, Target};
use super::grants::Grants;
use super::ground::{Canaries, Ground, POD};
use super::judge::Answer;
use super::objects::{GROUP_SNAPSHOT, RUN_LABEL, SNAPSHOT, lawful_pod};
use anyhow::{Context as _, Result};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, PersistentVolume, Pod, ServiceAccount};
use k8s_openapi::api::node::v1::RuntimeClass;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client, Resource, ResourceExt as _};
use pinisi_crds::SovereigntyViolation;
use pinisi_crds::names::{
    CLASS_LABEL, CLASS_MASS_TRAFFIC, CLASS_SENSITIVE, INVENTORY_MAX_AGE_ANNOTATION,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Debug;
use std::time::Duration;

/// Names of canary namespaces begin so.
const PREFIX: &str = "pinisi-conformance-";
/// Longest time that a run takes; what is older was left behind.
pub const RUN_MAX: Duration = Duration::from_mins(15);
/// Objects listed to be removed, of each kind.
const LEFTOVERS_MAX: u32 = 100;

/// What was made, and with which client it goes again.
pub struct Made {
    client: Client,
    /// Their names.
    pub canaries: Canaries,
}

impl Made {
    /// Makes the namespaces; those of the Sensitive class are of the other one yet, so that objects from
    /// before can be made in it. On an error what was made by then is removed.
    ///
    /// # Errors
    /// The server refused one of them.
    pub async fn namespaces(client: &Client) -> Result<Self> {
        // The first one's name is the server's choice, and becomes the name of the run.
        let first = json!({"metadata": {
            "generateName": PREFIX, "labels": {RUN_LABEL: "new", CLASS_LABEL: CLASS_MASS_TRAFFIC},
        }});
        let first: Namespace = create(Api::all(client.clone()), &first).await?;
        let name = first.name_any();
        let run = name.strip_prefix(PREFIX).unwrap_or(&name).to_owned();
        let made = Self {
            client: client.clone(),
            canaries: Canaries {
                mass: format!("{PREFIX}{run}-mass"),
                unclassified: format!("{PREFIX}{run}-unclassified"),
                stale: format!("{PREFIX}{run}-stale"),
                sensitive: name,
                run,
                pod_node: String::new(),
            },
        };
        if let Some(born) = &first.metadata.creation_timestamp {
            // The server's own clock, as the others were born by it too.
            remove_all(
                client,
                &ListParams::default().labels(RUN_LABEL),
                Some(born.0),
            )
            .await;
        }
        match made.fill().await {
            Ok(()) => Ok(made),
            Err(error) => {
                made.remove().await;
                Err(error)
            }
        }
    }

    async fn fill(&self) -> Result<()> {
        let Canaries {
            run,
            sensitive,
            mass,
            unclassified,
            stale,
            pod_node: _,
        } = &self.canaries;
        label(&self.client, sensitive, &json!({RUN_LABEL: run})).await?;
        let classed = json!({RUN_LABEL: run, CLASS_LABEL: CLASS_MASS_TRAFFIC});
        let old = json!({INVENTORY_MAX_AGE_ANNOTATION: "0"});
        for (name, labels, annotations) in [
            (mass, classed.clone(), json!({})),
            (unclassified, json!({RUN_LABEL: run}), json!({})),
            (stale, classed, old),
        ] {
            let body =
                json!({"metadata": {"name": name, "labels": labels, "annotations": annotations}});
            create::<Namespace>(Api::all(self.client.clone()), &body).await?;
        }
        for name in [sensitive, mass, unclassified, stale] {
            let account = json!({"metadata": {"name": POD, "labels": {RUN_LABEL: run}}});
            create::<ServiceAccount>(Api::namespaced(self.client.clone(), name), &account).await?;
        }
        Ok(())
    }

    /// Makes the pods, and what the cases change. What the server does not serve, or refuses, is not
    /// there to be changed, and its attempts say so.
    ///
    /// # Errors
    /// The server refused a pod, or cannot be asked.
    pub async fn objects(
        &self,
        ground: &Ground,
        fixtures: &[Request],
        asker: &mut Asker,
    ) -> Result<()> {
        let Canaries {
            run: _,
            sensitive,
            mass,
            unclassified,
            stale,
            pod_node: _,
        } = &self.canaries;
        for name in [sensitive, mass, unclassified, stale] {
            let pod = lawful_pod(POD, &ground.stamp.labels, &ground.image());
            create::<Pod>(Api::namespaced(self.client.clone(), name), &pod).await?;
        }
        for fixture in fixtures {
            if let Some(answer @ (Answer::No { .. } | Answer::None(_))) =
                asker.make(fixture).await?
            {
                eprintln!("not made: {}: {}", fixture.words(), answer.line());
            }
        }
        Ok(())
    }

    /// From here on the guard speaks for them.
    ///
    /// # Errors
    /// The server refused the label.
    pub async fn make_sensitive(&self) -> Result<()> {
        let Canaries {
            sensitive, stale, ..
        } = &self.canaries;
        for name in [sensitive, stale] {
            label(&self.client, name, &json!({CLASS_LABEL: CLASS_SENSITIVE})).await?;
        }
        Ok(())
    }

    /// Gives the identities of this run the rights that their requests need, and no others.
    ///
    /// # Errors
    /// The server refused: whoever runs the suite must hold them too.
    pub async fn grant(&self, grants: &Grants) -> Result<()> {
        let run = &self.canaries.run;
        for (namespace, identity, rules) in grants.namespaced() {
            let name = format!("{PREFIX}{}", identity.word());
            let role =
                json!({"metadata": {"name": name, "labels": {RUN_LABEL: run}}, "rules": rules});
            create::<Role>(Api::namespaced(self.client.clone(), namespace), &role).await?;
            let binding = self.binding("Role", &name, &self.canaries.group(identity));
            create::<RoleBinding>(Api::namespaced(self.client.clone(), namespace), &binding)
                .await?;
        }
        for (identity, rules) in grants.cluster() {
            let name = format!("{PREFIX}{run}-{}", identity.word());
            let role =
                json!({"metadata": {"name": name, "labels": {RUN_LABEL: run}}, "rules": rules});
            create::<ClusterRole>(Api::all(self.client.clone()), &role).await?;
            let binding = self.binding("ClusterRole", &name, &self.canaries.group(identity));
            create::<ClusterRoleBinding>(Api::all(self.client.clone()), &binding).await?;
        }
        Ok(())
    }

    fn binding(&self, kind: &str, name: &str, group: &str) -> Value {
        json!({
            "metadata": {"name": name, "labels": {RUN_LABEL: self.canaries.run}},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}],
        })
    }

    /// Where the canary pod is bound now; empty for nowhere.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn pod_node(&self) -> Result<String> {
        let pods = Api::<Pod>::namespaced(self.client.clone(), &self.canaries.sensitive);
        let pod = pods.get(POD).await.context("read the canary pod")?;
        Ok(pod.spec.and_then(|spec| spec.node_name).unwrap_or_default())
    }

    /// Removes all of it. What cannot be removed is said, and found by a later run.
    pub async fn remove(&self) {
        let own = ListParams::default().labels(&format!("{RUN_LABEL}={}", self.canaries.run));
        remove_all(&self.client, &own, None).await;
        // In the moment before its label says the run.
        let first = Api::<Namespace>::all(self.client.clone());
        let _ = first
            .delete(&self.canaries.sensitive, &DeleteParams::default())
            .await;
    }
}

async fn label(client: &Client, namespace: &str, labels: &Value) -> Result<()> {
    Api::<Namespace>::all(client.clone())
        .patch(
            namespace,
            &PatchParams::default(),
            &Patch::Merge(json!({"metadata": {"labels": labels}})),
        )
        .await
        .map(drop)
        .with_context(|| format!("label the canary namespace {namespace}"))
}

/// Deletes what the list names, of every kind that the suite makes outside a namespace.
pub async fn remove_all(client: &Client, list: &ListParams, older_than_a_run: Option<Timestamp>) {
    let builtin = [
        ApiResource::erase::<ClusterRoleBinding>(&()),
        ApiResource::erase::<ClusterRole>(&()),
        ApiResource::erase::<PersistentVolume>(&()),
        ApiResource::erase::<RuntimeClass>(&()),
        ApiResource::erase::<SovereigntyViolation>(&()),
        ApiResource::erase::<Namespace>(&()),
    ];
    let contents = [SNAPSHOT, GROUP_SNAPSHOT].map(|kind| {
        let Target {
            group,
            version,
            resource,
            ..
        } = kind.target(1);
        let gvk = GroupVersionKind::gvk(group, &version, kind.kinds[1]);
        ApiResource::from_gvk_with_plural(&gvk, resource)
    });
    for resource in contents.iter().chain(&builtin) {
        remove(client, resource, list, older_than_a_run).await;
    }
}

async fn remove(
    client: &Client,
    resource: &ApiResource,
    list: &ListParams,
    now: Option<Timestamp>,
) {
    let api: Api<DynamicObject> = Api::all_with(client.clone(), resource);
    let list = list.clone().limit(LEFTOVERS_MAX);
    let found = match api.list_metadata(&list).await {
        Ok(found) => found,
        Err(kube::Error::Api(status)) if status.code == crate::connect::NOT_FOUND => return,
        Err(error) => return left_behind(&resource.plural, &error),
    };
    for object in found {
        let old = |now: Timestamp| {
            let born = object.metadata.creation_timestamp.as_ref();
            born.is_some_and(|born| {
                let age = now.as_second().saturating_sub(born.0.as_second());
                u64::try_from(age).is_ok_and(|age| age > RUN_MAX.as_secs())
            })
        };
        if now.is_none_or(old) {
            match api
                .delete(&object.name_any(), &DeleteParams::default())
                .await
            {
                Ok(_) => {}
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                Err(error) => left_behind(&object.name_any(), &error),
            }
        }
    }
}

fn left_behind(what: &str, error: &kube::Error) {
    eprintln!(
        "left behind: {what}: {}; a later run removes it, or: kubectl delete namespaces,persistentvolumes,runtimeclasses,clusterroles,clusterrolebindings --selector {RUN_LABEL}",
        crate::connect::cause(error)
    );
}

async fn create<K>(api: Api<K>, body: &Value) -> Result<K>
where
    K: Clone + DeserializeOwned + Serialize + Debug + Resource,
    K::DynamicType: Default,
{
    let kind = K::kind(&K::DynamicType::default()).into_owned();
    let object: K = serde_json::from_value(body.clone()).with_context(|| format!("a {kind}"))?;
    let name = object.meta().name.clone().unwrap_or_else(|| PREFIX.into());
    api.create(&PostParams::default(), &object)
        .await
        .map_err(|error| {
            anyhow::anyhow!(
                "cannot make the canary {kind} {name}: {}",
                crate::connect::cause(&error)
            )
        })
}
