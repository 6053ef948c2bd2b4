//! Reads a cluster into a snapshot. What may not be read becomes words in its place, so that the
//! other checks still run.

use super::preview::preview;
use super::{NodeFact, PodFact, Seen, Snapshot};
use crate::connect::{Connection, NOT_FOUND, Scope, cause};
use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicyBinding;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Node, Pod, Secret};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::api::{DeleteParams, ListParams};
use kube::core::NamespaceResourceScope;
use kube::{Api, Client, Resource, ResourceExt as _};
use pinisi_crds::Site;
use pinisi_crds::local_names::{self, LocalName};
use pinisi_crds::names::{CLASS_LABEL, CLASS_SENSITIVE, GROUP, GUARD_PREFIX};
use pinisi_operator::guard::floor;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

/// Objects asked for at once.
const PAGE: u32 = 500;

/// Reads everything that the checks look at.
pub async fn gather(connection: &Connection, operator_namespace: &str) -> Snapshot {
    let client = &connection.client;
    let scope = &connection.scope;
    let (served_kinds, served_admission, api_services, definitions, namespaces) = tokio::join!(
        served(client, "pinisi.dev/v1alpha1"),
        served(client, "admissionregistration.k8s.io/v1"),
        api_services(client),
        definitions(client),
        namespaces(client),
    );
    let (deployments, operator_pods, leases) = tokio::join!(
        list(
            Api::namespaced(client.clone(), operator_namespace),
            "deployments",
            same
        ),
        list(
            Api::<Pod>::namespaced(client.clone(), operator_namespace),
            "pods",
            PodFact::from
        ),
        list(
            Api::namespaced(client.clone(), operator_namespace),
            "leases",
            same
        ),
    );
    let (policies, bindings, stamps, stamp_bindings) = tokio::join!(
        guard(client, "validatingadmissionpolicies"),
        guard(client, "validatingadmissionpolicybindings"),
        guard(client, "mutatingadmissionpolicies"),
        guard(client, "mutatingadmissionpolicybindings"),
    );
    let floor = floor(client).await;
    let (sites, workloads, sources, budgets, inventories, autoscalers, sensitive_pods) = tokio::join!(
        list(Api::all(client.clone()), "sites", same),
        list(scoped(client, scope), "hybridworkloads", same),
        list(Api::all(client.clone()), "signalsources", same),
        list(Api::all(client.clone()), "cloudbudgets", same),
        list(Api::all(client.clone()), "sovereignnodes", same),
        list(scoped(client, scope), "horizontalpodautoscalers", same),
        sensitive_pods(client, scope, &namespaces),
    );
    let (violations, declassifications) = tokio::join!(
        list(Api::all(client.clone()), "sovereigntyviolations", same),
        list(scoped(client, scope), "declassifications", same),
    );
    let secrets = kubeconfig_secrets(client, operator_namespace, &sites).await;
    let local_names = local_names(client, scope, &sites).await;
    let preview = preview(client, scope, &namespaces).await;
    // After the pods: the node of each pod was there before it.
    let nodes = list(Api::<Node>::all(client.clone()), "nodes", NodeFact::from).await;
    Snapshot {
        now: Timestamp::now(),
        operator_namespace: operator_namespace.to_owned(),
        server: (
            connection.version.major.clone(),
            connection.version.minor.clone(),
        ),
        served_kinds,
        served_admission,
        api_services,
        definitions,
        deployments,
        operator_pods,
        leases,
        policies,
        bindings,
        stamps,
        stamp_bindings,
        floor,
        sites,
        secrets,
        workloads,
        local_names,
        sources,
        budgets,
        inventories,
        violations,
        declassifications,
        nodes,
        namespaces,
        sensitive_pods,
        preview,
        autoscalers,
    }
}

fn same<K>(object: K) -> K {
    object
}

fn scoped<K>(client: &Client, scope: &Scope) -> Api<K>
where
    K: Resource<Scope = NamespaceResourceScope>,
    K::DynamicType: Default,
{
    match scope {
        Scope::One(namespace) => Api::namespaced(client.clone(), namespace),
        Scope::All => Api::all(client.clone()),
    }
}

/// Every object of a kind, page by page, each cut down by `keep` before the next page comes.
pub async fn list<K, T>(api: Api<K>, what: &str, keep: impl Fn(K) -> T) -> Seen<Vec<T>>
where
    K: Clone + DeserializeOwned + Debug,
{
    list_labelled(api, what, "", keep).await
}

/// The same, of those only that carry these labels.
pub async fn list_labelled<K, T>(
    api: Api<K>,
    what: &str,
    labels: &str,
    keep: impl Fn(K) -> T,
) -> Seen<Vec<T>>
where
    K: Clone + DeserializeOwned + Debug,
{
    let mut all = Vec::new();
    let mut params = ListParams::default().limit(PAGE);
    if !labels.is_empty() {
        params = params.labels(labels);
    }
    loop {
        let page = api
            .list(&params)
            .await
            .map_err(|error| unreadable(what, &error))?;
        all.extend(page.items.into_iter().map(&keep));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(all),
        }
    }
}

fn unreadable(what: &str, error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if status.code == NOT_FOUND => format!("the server has no {what}"),
        other => format!("cannot read {what}: {}", cause(other)),
    }
}

/// Plurals that the server serves in an API version; none where it lacks that version.
pub async fn served(client: &Client, version: &str) -> Seen<BTreeSet<String>> {
    match client.list_api_group_resources(version).await {
        Ok(found) => Ok(found
            .resources
            .into_iter()
            .map(|resource| resource.name)
            .collect()),
        Err(kube::Error::Api(status)) if status.code == NOT_FOUND => Ok(BTreeSet::new()),
        Err(error) => Err(unreadable(version, &error)),
    }
}

/// Groups that have a server of their own. A group in two versions is there where one of them is.
async fn api_services(client: &Client) -> Seen<BTreeMap<String, Option<String>>> {
    let all: Vec<APIService> = list(Api::all(client.clone()), "apiservices", same).await?;
    let mut groups: BTreeMap<String, Option<String>> = BTreeMap::new();
    for service in all {
        let Some(spec) = service.spec.filter(|spec| spec.service.is_some()) else {
            continue;
        };
        let conditions = service.status.and_then(|status| status.conditions);
        let available = conditions
            .into_iter()
            .flatten()
            .find(|condition| condition.type_ == "Available");
        let trouble = match available {
            Some(condition) if condition.status == "True" => None,
            Some(condition) => Some(condition.message.unwrap_or_default()),
            None => Some("nobody has looked at it yet".to_owned()),
        };
        let group = groups.entry(spec.group.unwrap_or_default());
        group
            .and_modify(|known| {
                if trouble.is_none() {
                    *known = None;
                }
            })
            .or_insert(trouble);
    }
    Ok(groups)
}

async fn definitions(client: &Client) -> Seen<Vec<CustomResourceDefinition>> {
    let api = Api::<CustomResourceDefinition>::all(client.clone());
    let mut own = Vec::new();
    for definition in pinisi_crds::all() {
        let name = definition.name_any();
        if let Some(found) = api
            .get_opt(&name)
            .await
            .map_err(|error| unreadable(&name, &error))?
        {
            own.push(found);
        }
    }
    own.retain(|definition| definition.spec.group == GROUP);
    Ok(own)
}

async fn namespaces(client: &Client) -> Seen<BTreeMap<String, BTreeMap<String, String>>> {
    let keep = |namespace: Namespace| {
        (
            namespace.name_any(),
            namespace.metadata.labels.unwrap_or_default(),
        )
    };
    Ok(list(Api::all(client.clone()), "namespaces", keep)
        .await?
        .into_iter()
        .collect())
}

/// Objects of the guard: those whose name has its prefix.
async fn guard<K>(client: &Client, plural: &str) -> Seen<Vec<K>>
where
    K: Resource<Scope = kube::core::ClusterResourceScope> + Clone + DeserializeOwned + Debug,
    K::DynamicType: Default,
{
    let mut found: Vec<K> = list(Api::all(client.clone()), plural, same).await?;
    found.retain(|object| {
        object
            .meta()
            .name
            .as_deref()
            .unwrap_or_default()
            .starts_with(GUARD_PREFIX)
    });
    Ok(found)
}

/// Asks, by a dry run alone, to delete one of the guard's objects.
async fn floor(client: &Client) -> Seen<bool> {
    let bindings = Api::<ValidatingAdmissionPolicyBinding>::all(client.clone());
    let name = format!("{GUARD_PREFIX}g01-bind");
    let refusal = format!("pinisi {}:", floor::ID);
    let dry_run = DeleteParams {
        dry_run: true,
        ..DeleteParams::default()
    };
    match bindings.delete(&name, &dry_run).await {
        Ok(_) => Ok(false),
        Err(kube::Error::Api(status)) if status.message.contains(&refusal) => Ok(true),
        Err(error) => Err(format!(
            "cannot try, in a dry run, to delete {name}: {}",
            cause(&error)
        )),
    }
}

/// Of the Secrets that Sites name, those that are there. By their metadata alone: a kubeconfig has
/// no business on this machine.
async fn kubeconfig_secrets(
    client: &Client,
    namespace: &str,
    sites: &Seen<Vec<Site>>,
) -> Seen<BTreeSet<String>> {
    let sites = sites.as_ref().map_err(String::clone)?;
    let references = sites
        .iter()
        .filter_map(|site| site.spec.kubeconfig_secret_ref.as_ref());
    let names: BTreeSet<_> = references.map(|reference| reference.name.clone()).collect();
    let api = Api::<Secret>::namespaced(client.clone(), namespace);
    let mut there = BTreeSet::new();
    for name in names {
        let found = api.get_metadata_opt(&name).await;
        if found
            .map_err(|error| unreadable(&format!("Secret {name}"), &error))?
            .is_some()
        {
            there.insert(name);
        }
    }
    Ok(there)
}

async fn local_names(
    client: &Client,
    scope: &Scope,
    sites: &Seen<Vec<Site>>,
) -> Seen<BTreeMap<(String, String), Vec<LocalName>>> {
    let sites = sites.as_ref().map_err(String::clone)?;
    if sites.iter().all(|s| s.spec.kubeconfig_secret_ref.is_none()) {
        return Ok(BTreeMap::new());
    }
    let keep = |deployment: Deployment| {
        let key = (
            deployment.namespace().unwrap_or_default(),
            deployment.name_any(),
        );
        let template = serde_json::to_value(&deployment.spec.template).unwrap_or_default();
        (key, local_names::of_template(&template))
    };
    let all = list(scoped(client, scope), "deployments", keep).await?;
    Ok(all
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .collect())
}

async fn sensitive_pods(
    client: &Client,
    scope: &Scope,
    namespaces: &Namespaces,
) -> Seen<Vec<PodFact>> {
    let mut pods = Vec::new();
    for name in sensitive_namespaces(scope, namespaces)? {
        let api = Api::<Pod>::namespaced(client.clone(), name);
        pods.extend(list(api, "pods", PodFact::from).await?);
    }
    Ok(pods)
}

/// Names to labels.
pub type Namespaces = Seen<BTreeMap<String, BTreeMap<String, String>>>;

/// The Sensitive ones among those asked for.
pub fn sensitive_namespaces<'a>(
    scope: &'a Scope,
    namespaces: &'a Namespaces,
) -> Seen<impl Iterator<Item = &'a str>> {
    let all = namespaces.as_ref().map_err(String::clone)?;
    let wanted = |(name, labels): &(&String, &BTreeMap<String, String>)| {
        let asked_for = match scope {
            Scope::One(one) => one == *name,
            Scope::All => true,
        };
        let class = labels.get(CLASS_LABEL);
        asked_for && class.is_some_and(|class| class == CLASS_SENSITIVE)
    };
    Ok(all.iter().filter(wanted).map(|(name, _)| name.as_str()))
}
