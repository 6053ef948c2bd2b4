//! Reads what the cases are built from: inventories, policies, nodes, and the guard. Nothing of it is
//! taken from what the operator says of itself.

use super::ground::{Account, Allowed, Canaries, Ground, NodeAway};
use super::judge::Stamp;
use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::core::v1::Node;
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::core::{GroupVersionKind, Selector, SelectorExt as _};
use kube::{Api, Client, ResourceExt as _};
use pinisi_crds::legal;
use pinisi_crds::names::{CLASS_LABEL, CLASS_SENSITIVE, GUARD_PREFIX, SITE_LABEL, SOVEREIGN_NODES};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Stands for a node that is not sovereign in a cluster that has none.
const NO_NODE: &str = "pinisi-conformance-away";
/// Objects asked for at once.
const PAGE: u32 = 500;

/// What is read of a cluster.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Inventories that speak for the Sensitive canary, as they stand: the first for every namespace.
    inventories: Vec<Value>,
    unclassified_kept: bool,
    categories: BTreeSet<&'static str>,
    /// An OnPrem Site.
    site: Option<String>,
    stamps: bool,
    guard: Vec<Value>,
    nodes: BTreeMap<String, NodeAway>,
}

impl Facts {
    /// Reads.
    ///
    /// # Errors
    /// Something cannot be read, or there is no inventory: what to do about it.
    pub async fn read(client: &Client) -> Result<Self> {
        let mut named: BTreeMap<String, Value> = list(client, "SovereignNodes", "sovereignnodes")
            .await?
            .into_iter()
            .collect();
        let Some(everywhere) = named.remove(SOVEREIGN_NODES) else {
            bail!(
                "there is no SovereignNodes {SOVEREIGN_NODES}: without it the guard refuses everything in Sensitive namespaces, and nothing lawful can be shown. Install Pinisi and make an OnPrem Site; then kubectl pinisi check"
            );
        };
        let policies = list(client, "SovereigntyPolicy", "sovereigntypolicies").await?;
        let sensitive = BTreeMap::from([(CLASS_LABEL.to_owned(), CLASS_SENSITIVE.to_owned())]);
        let mut inventories = vec![everywhere];
        let mut unclassified_kept = false;
        let mut categories = BTreeSet::new();
        for (name, spec) in policies {
            let selects = selector(&spec)?;
            if selects(&sensitive) {
                inventories.extend(named.remove(&name));
            }
            categories.extend(forced(&spec));
            unclassified_kept |= spec["unclassified"] != "Anywhere" && selects(&BTreeMap::new());
        }
        let (guard, stamps) = guard(client).await?;
        let sites = list(client, "Site", "sites").await?;
        let site = sites.into_iter().find(|(_, spec)| spec["type"] == "OnPrem");
        Ok(Self {
            inventories,
            unclassified_kept,
            categories,
            site: site.map(|(name, _)| name),
            stamps,
            guard,
            nodes: nodes(client).await?,
        })
    }

    /// With the canaries.
    #[must_use]
    pub fn with(&self, canaries: Canaries, operator: Account) -> Ground {
        let Self {
            inventories,
            unclassified_kept,
            categories,
            site,
            stamps,
            guard,
            nodes,
        } = self;
        let sovereign = self.sovereign();
        let mut nodes_away = nodes.clone();
        nodes_away.retain(|name, _| !sovereign.contains_key(name));
        let sites_away: Vec<String> = inventories
            .first()
            .and_then(|everywhere| everywhere["away"].as_object())
            .into_iter()
            .flat_map(|away| away.keys().cloned())
            .collect();
        let away = sites_away.first().or(nodes_away.keys().next());
        let identified = sovereign.iter().find_map(|(name, node)| {
            let machine = match (node["providerID"].as_str(), node["machineID"].as_str()) {
                (Some(id), _) => json!({"spec": {"providerID": id}}),
                (None, Some(id)) => json!({"status": {"nodeInfo": {"machineID": id}}}),
                (None, None) => return None,
            };
            Some((name.clone(), machine))
        });
        Ground {
            canaries,
            operator,
            away: away.cloned().unwrap_or_else(|| NO_NODE.to_owned()),
            home: sovereign.keys().next().cloned(),
            identified,
            site: site.clone(),
            stamp: Stamp {
                labels: self.stamp(),
                served: *stamps,
            },
            allowed: self.allowed(),
            sites_away,
            unclassified_kept: *unclassified_kept,
            categories: categories.clone(),
            guard: guard.clone(),
            nodes_away,
            remote_guard: None,
            remote_sensitive: None,
            remote_pod: None,
        }
    }

    /// Nodes that every inventory lists.
    fn sovereign(&self) -> BTreeMap<String, Value> {
        let mut all = self.inventories.iter().map(|one| {
            let nodes = one["nodes"].as_object().into_iter().flatten();
            nodes
                .map(|(name, node)| (name.clone(), node.clone()))
                .collect::<BTreeMap<String, Value>>()
        });
        let mut sovereign = all.next().unwrap_or_default();
        for other in all {
            sovereign.retain(|name, _| other.contains_key(name));
        }
        sovereign
    }

    /// The labels of sovereign ground, of all of them.
    #[must_use]
    pub fn stamp(&self) -> BTreeMap<String, String> {
        self.inventories
            .iter()
            .flat_map(|one| strings(&one["nodeSelector"]))
            .collect()
    }

    /// What all of them allow; who acts from a cloud is said by any.
    #[must_use]
    pub fn allowed(&self) -> Allowed {
        let mut all = self.inventories.iter().map(|one| terms(&one["terms"]));
        let mut allowed = all.next().unwrap_or_default();
        for other in all {
            let Allowed {
                storage_classes,
                nfs_servers,
                snapshot_classes,
                backup_locations,
                registries,
                schedulers,
                ingress_classes,
                gateways,
                load_balancer_classes,
                domains,
                cloud_users,
                cloud_groups,
            } = other;
            allowed
                .storage_classes
                .retain(|name, value| storage_classes.get(name) == Some(value));
            allowed
                .snapshot_classes
                .retain(|name, value| snapshot_classes.get(name) == Some(value));
            for (own, other) in [
                (&mut allowed.nfs_servers, nfs_servers),
                (&mut allowed.schedulers, schedulers),
                (&mut allowed.ingress_classes, ingress_classes),
                (&mut allowed.gateways, gateways),
                (&mut allowed.load_balancer_classes, load_balancer_classes),
                (&mut allowed.domains, domains),
            ] {
                own.retain(|name| other.contains(name));
            }
            for (own, other) in [
                (&mut allowed.registries, registries),
                (&mut allowed.backup_locations, backup_locations),
            ] {
                match (own.is_empty(), other.is_empty()) {
                    (_, true) => {}
                    (true, false) => *own = other,
                    (false, false) => own.retain(|name| other.contains(name)),
                }
            }
            allowed.cloud_users.extend(cloud_users);
            allowed.cloud_groups.extend(cloud_groups);
        }
        allowed
    }
}

fn terms(terms: &Value) -> Allowed {
    let words = |field: &str| -> Vec<String> {
        let all = terms[field].as_array().into_iter().flatten();
        all.filter_map(|word| word.as_str().map(str::to_owned))
            .collect()
    };
    Allowed {
        storage_classes: strings(&terms["storageClasses"]).collect(),
        nfs_servers: words("nfsServers"),
        snapshot_classes: strings(&terms["snapshotClasses"]).collect(),
        backup_locations: words("backupLocations"),
        registries: words("registries"),
        schedulers: words("schedulers"),
        ingress_classes: words("ingressClasses"),
        gateways: words("gateways"),
        load_balancer_classes: words("loadBalancerClasses"),
        domains: words("routeDomains"),
        cloud_users: words("cloudUsers"),
        cloud_groups: words("cloudGroups"),
    }
}

fn strings(map: &Value) -> impl Iterator<Item = (String, String)> + '_ {
    map.as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
}

/// Categories of data that a policy's laws make Sensitive.
fn forced(spec: &Value) -> impl Iterator<Item = &'static str> {
    let names: Vec<String> = serde_json::from_value(spec["legal"].clone()).unwrap_or_default();
    let laws: Vec<_> = legal::named(Some(&names)).collect();
    laws.into_iter()
        .flat_map(|law| law.forced().map(|(category, _)| category.word()))
}

/// Which namespaces a policy selects, by their labels. Absent selects none.
fn selector(spec: &Value) -> Result<impl Fn(&BTreeMap<String, String>) -> bool> {
    let namespaces = &spec["namespaces"];
    let selector = match namespaces {
        Value::Null => None,
        some => {
            let labels: k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector =
                serde_json::from_value(some.clone()).context("spec.namespaces of a policy")?;
            Some(Selector::try_from(labels).context("spec.namespaces of a policy")?)
        }
    };
    Ok(move |labels: &BTreeMap<String, String>| {
        selector
            .as_ref()
            .is_some_and(|selector| selector.matches(labels))
    })
}

/// Names and specs of one of Pinisi's own kinds; none where it is not served.
async fn list(client: &Client, kind: &str, plural: &str) -> Result<Vec<(String, Value)>> {
    let gvk = GroupVersionKind::gvk("pinisi.dev", "v1alpha1", kind);
    let api: Api<DynamicObject> = Api::all_with(
        client.clone(),
        &ApiResource::from_gvk_with_plural(&gvk, plural),
    );
    match api.list(&ListParams::default().limit(PAGE)).await {
        Ok(list) => Ok(list
            .into_iter()
            .map(|object| (object.name_any(), object.data["spec"].clone()))
            .collect()),
        Err(kube::Error::Api(status)) if status.code == crate::connect::NOT_FOUND => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("list {plural}")),
    }
}

/// The guard's objects of all four kinds, and whether the server has the kind that stamps.
///
/// # Errors
/// They cannot be read.
pub async fn guard(client: &Client) -> Result<(Vec<Value>, bool)> {
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

async fn nodes(client: &Client) -> Result<BTreeMap<String, NodeAway>> {
    let api = Api::<Node>::all(client.clone());
    let mut nodes = BTreeMap::new();
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let page = api.list(&params).await.context("list nodes")?;
        let next = page.metadata.continue_.clone().unwrap_or_default();
        for node in page {
            let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_ref());
            let tainted = taints.is_some_and(|all| all.iter().any(|taint| taint.key == SITE_LABEL));
            let away = NodeAway {
                labels: node.labels().clone(),
                tainted,
            };
            nodes.insert(node.name_any(), away);
        }
        if next.is_empty() {
            return Ok(nodes);
        }
        params = params.continue_token(&next);
    }
}
