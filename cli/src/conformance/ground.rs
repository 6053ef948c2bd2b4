//! What the cases are built from: names of the canaries, nodes on both sides, the stamp, and the
//! guard's objects as the API server has them. Reading only; making is in `canary.rs`.

use super::judge::Stamp;
use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::core::v1::Node;
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client, ResourceExt as _};
use pinisi_crds::SovereignNodes;
use pinisi_crds::names::{GUARD_PREFIX, SOVEREIGN_NODES};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Stands for a node that is not sovereign in a cluster that has none.
const NO_NODE: &str = "pinisi-conformance-away";
/// Objects asked for at once.
const PAGE: u32 = 500;

/// What the cases are built from.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The canaries.
    pub canaries: Canaries,
    /// A node that is not sovereign.
    pub away: String,
    /// A node that is.
    pub home: Option<String>,
    /// What Sensitive pods are stamped with.
    pub stamp: Stamp,
    /// The operator's account.
    pub operator: Account,
    /// The guard's policies and bindings.
    pub guard: Vec<Value>,
    /// Labels of every node that is not sovereign, by its name.
    pub nodes_away: BTreeMap<String, BTreeMap<String, String>>,
}

/// Names of what the suite makes. Each stands for its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canaries {
    /// Namespace of class Sensitive, with the pod [`POD`] that nothing can schedule.
    pub sensitive: String,
    /// Namespace of class MassTraffic.
    pub mass: String,
    /// Namespace without a class.
    pub unclassified: String,
    /// Where the pod is bound; empty for nowhere.
    pub pod_node: String,
}

/// Name of the canary pod, and of its account.
pub const POD: &str = "canary";

/// A ServiceAccount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Account {
    /// Its user name.
    #[must_use]
    pub fn user(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.name)
    }
}

/// What is read of a cluster before anything is made in it.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Nodes that are sovereign.
    sovereign: Vec<String>,
    stamp: Stamp,
    guard: Vec<Value>,
    nodes_away: BTreeMap<String, BTreeMap<String, String>>,
}

impl Facts {
    /// Reads the inventory, the nodes and the guard.
    ///
    /// # Errors
    /// Something cannot be read, or there is no inventory: what to do about it.
    pub async fn read(client: &Client) -> Result<Self> {
        let inventory = Api::<SovereignNodes>::all(client.clone())
            .get_opt(SOVEREIGN_NODES)
            .await
            .context("read SovereignNodes")?;
        let Some(inventory) = inventory else {
            bail!(
                "there is no SovereignNodes {SOVEREIGN_NODES}: without it the guard refuses everything in Sensitive namespaces, and nothing lawful can be shown. Install Pinisi and make an OnPrem Site; then kubectl pinisi check"
            );
        };
        let (guard, served) = guard(client).await?;
        let sovereign: Vec<String> = inventory.spec.nodes.keys().cloned().collect();
        let mut nodes_away = nodes(client).await?;
        nodes_away.retain(|name, _| !inventory.spec.nodes.contains_key(name));
        Ok(Self {
            sovereign,
            stamp: Stamp {
                labels: inventory.spec.node_selector,
                served,
            },
            guard,
            nodes_away,
        })
    }

    /// With the canaries.
    #[must_use]
    pub fn with(self, canaries: Canaries, operator: Account) -> Ground {
        let Self {
            sovereign,
            stamp,
            guard,
            nodes_away,
        } = self;
        Ground {
            canaries,
            away: nodes_away
                .keys()
                .next()
                .cloned()
                .unwrap_or_else(|| NO_NODE.to_owned()),
            home: sovereign.into_iter().next(),
            stamp,
            operator,
            guard,
            nodes_away,
        }
    }

    /// The labels of sovereign ground.
    #[must_use]
    pub fn stamp(&self) -> &BTreeMap<String, String> {
        &self.stamp.labels
    }
}

/// The guard's objects of all four kinds, and whether the server has the kind that stamps.
async fn guard(client: &Client) -> Result<(Vec<Value>, bool)> {
    let mut objects = Vec::new();
    let mut stamps = true;
    for (kind, plural) in [
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
    ] {
        let gvk = GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", kind);
        let resource = ApiResource::from_gvk_with_plural(&gvk, plural);
        let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
        match api.list(&ListParams::default().limit(PAGE)).await {
            Ok(list) => {
                for object in list {
                    let name = object.name_any();
                    if name.starts_with(GUARD_PREFIX) {
                        objects.push(json!({
                            "kind": kind, "metadata": {"name": name}, "spec": object.data["spec"],
                        }));
                    }
                }
            }
            Err(kube::Error::Api(status)) if status.code == crate::connect::NOT_FOUND => {
                stamps = false;
            }
            Err(error) => return Err(error).with_context(|| format!("list {plural}")),
        }
    }
    Ok((objects, stamps))
}

async fn nodes(client: &Client) -> Result<BTreeMap<String, BTreeMap<String, String>>> {
    let api = Api::<Node>::all(client.clone());
    let mut nodes = BTreeMap::new();
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let page = api.list_metadata(&params).await.context("list nodes")?;
        let next = page.metadata.continue_.clone().unwrap_or_default();
        for node in page {
            nodes.insert(node.name_any(), node.metadata.labels.unwrap_or_default());
        }
        if next.is_empty() {
            return Ok(nodes);
        }
        params = params.continue_token(&next);
    }
}

impl Ground {
    /// Names in the place of those that a run would find: what `conformance list` shows.
    #[must_use]
    pub fn sample() -> Self {
        let label = ("node-restriction.kubernetes.io/pinisi-ground", "sovereign");
        let labels = BTreeMap::from([(label.0.to_owned(), label.1.to_owned())]);
        let facts = Facts {
            sovereign: vec!["home-0".into()],
            stamp: Stamp {
                labels,
                served: true,
            },
            guard: Vec::new(),
            nodes_away: [("cloud-0".to_owned(), BTreeMap::new())].into(),
        };
        let canaries = Canaries {
            sensitive: "sensitive".into(),
            mass: "mass".into(),
            unclassified: "unclassified".into(),
            pod_node: String::new(),
        };
        let operator = Account {
            namespace: "pinisi-system".into(),
            name: "pinisi".into(),
        };
        facts.with(canaries, operator)
    }
}
