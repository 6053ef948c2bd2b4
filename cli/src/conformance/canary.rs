//! What the suite makes in a cluster, and how it goes again: three namespaces, a pod that nothing can
//! schedule, and rights for identities that nobody is. All of it carries one label, so that whatever
//! a run leaves behind is found and removed by a later one.

use super::attempt::Identity;
use super::grants::Grants;
use super::ground::{Canaries, Facts, POD};
use super::objects::{RUN_LABEL, lawful_pod};
use anyhow::{Context as _, Result};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, Pod, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use pinisi_crds::names::{CLASS_LABEL, CLASS_MASS_TRAFFIC, CLASS_SENSITIVE};
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
    run: String,
    /// Their names.
    pub canaries: Canaries,
}

/// Makes the canaries; on an error what was made by then is removed.
///
/// # Errors
/// The server refused one of them.
pub async fn make(client: &Client, facts: &Facts, image: &str) -> Result<Made> {
    let sensitive = namespace(client, None, Some(CLASS_SENSITIVE)).await?;
    let run = sensitive.name_any();
    let run = run.strip_prefix(PREFIX).unwrap_or(&run).to_owned();
    let made = Made {
        client: client.clone(),
        canaries: Canaries {
            sensitive: sensitive.name_any(),
            mass: format!("{PREFIX}{run}-mass"),
            unclassified: format!("{PREFIX}{run}-unclassified"),
            pod_node: String::new(),
        },
        run,
    };
    let born = sensitive.metadata.creation_timestamp.map(|time| time.0);
    match made.fill(facts, image, born).await {
        Ok(()) => Ok(made),
        Err(error) => {
            made.remove().await;
            Err(error)
        }
    }
}

impl Made {
    async fn fill(&self, facts: &Facts, image: &str, born: Option<Timestamp>) -> Result<()> {
        let Self {
            client,
            run,
            canaries,
        } = self;
        let namespaces = Api::<Namespace>::all(client.clone());
        let label = json!({"metadata": {"labels": {RUN_LABEL: run}}});
        namespaces
            .patch(
                &canaries.sensitive,
                &kube::api::PatchParams::default(),
                &kube::api::Patch::Merge(&label),
            )
            .await
            .context("label the canary namespace")?;
        if let Some(born) = born {
            remove_leftovers(client, born).await;
        }
        for (name, class) in [
            (&canaries.mass, Some(CLASS_MASS_TRAFFIC)),
            (&canaries.unclassified, None),
        ] {
            namespace(client, Some((name, run)), class).await?;
        }
        for name in [&canaries.sensitive, &canaries.mass, &canaries.unclassified] {
            let account = json!({"metadata": {"name": POD, "labels": {RUN_LABEL: run}}});
            create::<ServiceAccount>(Api::namespaced(client.clone(), name), &account).await?;
        }
        let pod = lawful_pod(POD, facts.stamp(), image);
        create::<Pod>(Api::namespaced(client.clone(), &canaries.sensitive), &pod).await?;
        Ok(())
    }

    /// Gives the identities of this run the rights that their requests need, and no others.
    ///
    /// # Errors
    /// The server refused: whoever runs the suite must hold them too.
    pub async fn grant(&self, grants: &Grants) -> Result<()> {
        for (namespace, identity, rules) in grants.namespaced() {
            let name = format!("{PREFIX}{}", identity_word(identity));
            let role = json!({"metadata": {"name": name, "labels": {RUN_LABEL: self.run}}, "rules": rules});
            create::<Role>(Api::namespaced(self.client.clone(), namespace), &role).await?;
            let binding = self.binding("Role", &name, &grants.user(identity));
            create::<RoleBinding>(Api::namespaced(self.client.clone(), namespace), &binding)
                .await?;
        }
        for (identity, rules) in grants.cluster() {
            let name = format!("{PREFIX}{}-{}", self.run, identity_word(identity));
            let role = json!({"metadata": {"name": name, "labels": {RUN_LABEL: self.run}}, "rules": rules});
            create::<ClusterRole>(Api::all(self.client.clone()), &role).await?;
            let binding = self.binding("ClusterRole", &name, &grants.user(identity));
            create::<ClusterRoleBinding>(Api::all(self.client.clone()), &binding).await?;
        }
        Ok(())
    }

    fn binding(&self, kind: &str, name: &str, user: &str) -> Value {
        json!({
            "metadata": {"name": name, "labels": {RUN_LABEL: self.run}},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
        })
    }

    /// The user that nobody is, of this run.
    #[must_use]
    pub fn user(&self) -> String {
        format!("{PREFIX}{}", self.run)
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
        let own = ListParams::default()
            .labels(&format!("{RUN_LABEL}={}", self.run))
            .limit(LEFTOVERS_MAX);
        remove::<ClusterRoleBinding>(&self.client, &own, None).await;
        remove::<ClusterRole>(&self.client, &own, None).await;
        remove::<Namespace>(&self.client, &own, None).await;
    }
}

fn identity_word(identity: Identity) -> &'static str {
    match identity {
        Identity::Me => "me",
        Identity::Operator => "operator",
        Identity::Canary => "canary",
        Identity::CloudNode => "cloud-node",
    }
}

/// Removes what earlier runs left behind.
async fn remove_leftovers(client: &Client, now: Timestamp) {
    let all = ListParams::default().labels(RUN_LABEL).limit(LEFTOVERS_MAX);
    remove::<ClusterRoleBinding>(client, &all, Some(now)).await;
    remove::<ClusterRole>(client, &all, Some(now)).await;
    remove::<Namespace>(client, &all, Some(now)).await;
}

/// Deletes what the list names; where a time is given only what is older than a run lasts. Both
/// times are the server's own.
async fn remove<K>(client: &Client, list: &ListParams, now: Option<Timestamp>)
where
    K: kube::Resource<Scope = kube::core::ClusterResourceScope> + Clone + DeserializeOwned + Debug,
    K::DynamicType: Default,
{
    let api = Api::<K>::all(client.clone());
    let found = match api.list_metadata(list).await {
        Ok(found) => found,
        Err(error) => return left_behind("list what the suite made", &error),
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
        "left behind: {what}: {}; a later run removes it, or: kubectl delete namespaces,clusterroles,clusterrolebindings --selector {RUN_LABEL}",
        crate::connect::cause(error)
    );
}

async fn namespace(
    client: &Client,
    named: Option<(&str, &str)>,
    class: Option<&str>,
) -> Result<Namespace> {
    // The first one's name is the server's choice, and becomes the name of the run.
    let mut body = match named {
        Some((name, run)) => json!({"metadata": {"name": name, "labels": {RUN_LABEL: run}}}),
        None => json!({"metadata": {"generateName": PREFIX, "labels": {RUN_LABEL: "new"}}}),
    };
    if let Some(class) = class {
        body["metadata"]["labels"][CLASS_LABEL] = json!(class);
    }
    create::<Namespace>(Api::all(client.clone()), &body).await
}

async fn create<K>(api: Api<K>, body: &Value) -> Result<K>
where
    K: Clone + DeserializeOwned + Serialize + Debug + kube::Resource,
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
