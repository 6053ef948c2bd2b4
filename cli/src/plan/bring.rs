//! Manifests over what the cluster holds. The API server is asked in a dry run what each would become;
//! where there is none, or where it cannot say, the manifest stands as it is written.

use super::answer::{Change, ObjectRow, Trouble};
use crate::connect::{NOT_FOUND, cause};
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use pinisi_operator::gather::index::Index;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Who asks, in the server's records of a dry run.
const MANAGER: &str = "kubectl-pinisi-plan";

/// What became of the manifests.
#[derive(Debug, Default)]
pub struct Brought {
    /// One for each.
    pub objects: Vec<ObjectRow>,
    /// What was refused.
    pub refusals: Vec<Trouble>,
    /// What was taken for granted.
    pub assumptions: Vec<String>,
}

/// A kind that a plan looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Site,
    HybridWorkload,
    SignalSource,
    CloudBudget,
    SovereigntyPolicy,
    Namespace,
    Deployment,
    StatefulSet,
    Node,
}

impl Kind {
    fn of(api_version: &str, kind: &str) -> Option<Self> {
        Some(match (api_version, kind) {
            ("pinisi.dev/v1alpha1", "Site") => Self::Site,
            ("pinisi.dev/v1alpha1", "HybridWorkload") => Self::HybridWorkload,
            ("pinisi.dev/v1alpha1", "SignalSource") => Self::SignalSource,
            ("pinisi.dev/v1alpha1", "CloudBudget") => Self::CloudBudget,
            ("pinisi.dev/v1alpha1", "SovereigntyPolicy") => Self::SovereigntyPolicy,
            ("v1", "Namespace") => Self::Namespace,
            ("v1", "Node") => Self::Node,
            ("apps/v1", "Deployment") => Self::Deployment,
            ("apps/v1", "StatefulSet") => Self::StatefulSet,
            _ => return None,
        })
    }

    const fn namespaced(self) -> bool {
        match self {
            Self::HybridWorkload | Self::Deployment | Self::StatefulSet => true,
            Self::Site
            | Self::SignalSource
            | Self::CloudBudget
            | Self::SovereigntyPolicy
            | Self::Namespace
            | Self::Node => false,
        }
    }

    /// Ours: a file says all of its spec.
    const fn is_whole(self) -> bool {
        match self {
            Self::Site
            | Self::HybridWorkload
            | Self::SignalSource
            | Self::CloudBudget
            | Self::SovereigntyPolicy => true,
            Self::Namespace | Self::Deployment | Self::StatefulSet | Self::Node => false,
        }
    }
}

/// Puts every manifest into `index`. `namespace` is that of those that name none.
pub async fn bring(
    client: Option<&Client>,
    index: &mut Index,
    manifests: Vec<Value>,
    namespace: &str,
) -> Brought {
    let mut brought = Brought::default();
    for manifest in flat(manifests) {
        one(client, index, manifest, namespace, &mut brought).await;
    }
    brought
}

/// Lists opened, and what is empty left out.
fn flat(manifests: Vec<Value>) -> Vec<Value> {
    let opened = manifests
        .into_iter()
        .flat_map(|mut manifest| match manifest["kind"].as_str() {
            Some("List") => match manifest["items"].take() {
                Value::Array(items) => items,
                _ => Vec::new(),
            },
            _ => vec![manifest],
        });
    opened.filter(|manifest| !manifest.is_null()).collect()
}

async fn one(
    client: Option<&Client>,
    index: &mut Index,
    mut manifest: Value,
    default: &str,
    brought: &mut Brought,
) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (api_version, kind_name) = (text(&manifest["apiVersion"]), text(&manifest["kind"]));
    let name = text(&manifest["metadata"]["name"]);
    let mut row = ObjectRow {
        kind: kind_name.clone(),
        namespace: manifest["metadata"]["namespace"]
            .as_str()
            .map(ToOwned::to_owned),
        name: name.clone(),
        change: Change::Aside,
    };
    let Some(kind) = Kind::of(&api_version, &kind_name) else {
        brought.objects.push(row);
        return;
    };
    let refuse = |brought: &mut Brought, mut row: ObjectRow, reason: &str, message: String| {
        row.change = Change::Refused;
        let object = row.spoken();
        brought.refusals.push(Trouble {
            object,
            reason: reason.into(),
            message,
        });
        brought.objects.push(row);
    };
    if name.is_empty() {
        return refuse(
            brought,
            row,
            "NoName",
            "metadata.name is missing: name it".into(),
        );
    }
    if kind.namespaced() {
        let namespace = row.namespace.get_or_insert_with(|| default.to_owned());
        manifest["metadata"]["namespace"] = json!(namespace);
    }
    let asked = match client {
        Some(client) => ask(client, kind, &api_version, &row, &manifest).await,
        None => Asked::Nobody(None, None),
    };
    let (became, change) = match asked {
        Asked::Became(became, change) => (became, change),
        Asked::Refused(message) => return refuse(brought, row, "ApiServer", message),
        Asked::Nobody(live, why) => {
            brought.assumptions.extend(why);
            written(live, manifest)
        }
    };
    row.change = change;
    if let Err(error) = put(index, kind, became) {
        return refuse(
            brought,
            row,
            "Unreadable",
            format!("it is no {kind_name}: {error}"),
        );
    }
    brought.objects.push(row);
}

/// What the API server says.
enum Asked {
    /// What it would become, and whether that is another than it is.
    Became(Value, Change),
    /// It would be refused, in the server's words.
    Refused(String),
    /// The server cannot say: what it has, as far as that can be read, and why, where that is not
    /// plain.
    Nobody(Option<Value>, Option<String>),
}

async fn ask(
    client: &Client,
    kind: Kind,
    api_version: &str,
    row: &ObjectRow,
    manifest: &Value,
) -> Asked {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &row.kind));
    let api: Api<DynamicObject> = match &row.namespace {
        Some(namespace) if kind.namespaced() => {
            Api::namespaced_with(client.clone(), namespace, &resource)
        }
        Some(_) | None => Api::all_with(client.clone(), &resource),
    };
    let spoken = row.spoken();
    let live = match api.get_opt(&row.name).await {
        Ok(live) => live,
        Err(error) => {
            return Asked::Nobody(
                None,
                Some(format!(
                    "{spoken} cannot be read ({}), and is taken as new.",
                    cause(&error)
                )),
            );
        }
    };
    let answer = match &live {
        // A file says all of ours; of others it says only what it names.
        Some(live) if kind.is_whole() => {
            let whole = whole(kind, live, manifest);
            let params = PostParams {
                dry_run: true,
                field_manager: Some(MANAGER.into()),
            };
            match serde_json::from_value(whole) {
                Ok(whole) => api.replace(&row.name, &params, &whole).await,
                Err(error) => return Asked::Refused(error.to_string()),
            }
        }
        Some(_) | None => {
            let params = PatchParams {
                dry_run: true,
                force: true,
                field_manager: Some(MANAGER.into()),
                field_validation: None,
            };
            api.patch(&row.name, &params, &Patch::Apply(manifest)).await
        }
    };
    match answer {
        Ok(became) => {
            let change = match &live {
                None => Change::Created,
                Some(live) if same(live, &became) => Change::Unchanged,
                Some(_) => Change::Changed,
            };
            match serde_json::to_value(became) {
                Ok(became) => Asked::Became(became, change),
                Err(error) => Asked::Refused(error.to_string()),
            }
        }
        // Its namespace is not there yet: it may stand in the files too.
        Err(kube::Error::Api(status)) if status.code == NOT_FOUND => Asked::Nobody(None, None),
        Err(kube::Error::Api(status))
            if status.is_forbidden() && !status.message.contains("denied request") =>
        {
            let live = live.and_then(|live| serde_json::to_value(live).ok());
            Asked::Nobody(
                live,
                Some(format!(
                    "You have no right to write {spoken}, so the API server was not asked about it: {}",
                    status.message
                )),
            )
        }
        Err(error) => Asked::Refused(cause(&error)),
    }
}

/// A manifest of ours in the place of what is there. What others keep beside it stays.
fn whole(kind: Kind, live: &DynamicObject, manifest: &Value) -> Value {
    let mut whole = manifest.clone();
    let meta = &live.metadata;
    whole["metadata"]["resourceVersion"] = json!(meta.resource_version);
    whole["metadata"]["finalizers"] = json!(meta.finalizers);
    for (key, there) in [("labels", &meta.labels), ("annotations", &meta.annotations)] {
        for (name, value) in there.iter().flatten() {
            let slot = &mut whole["metadata"][key][name];
            if slot.is_null() {
                *slot = json!(value);
            }
        }
    }
    // The operator took the count from the target, where a file says none.
    let counts = &live.data["spec"]["replicas"];
    let free = whole["spec"]["replicas"].is_null() && whole["spec"]["autoscaling"].is_null();
    if kind == Kind::HybridWorkload && free && !counts.is_null() {
        whole["spec"]["replicas"] = counts.clone();
    }
    whole
}

/// True where nothing of it differs that anybody plans by.
fn same(a: &DynamicObject, b: &DynamicObject) -> bool {
    a.data["spec"] == b.data["spec"] && a.metadata.labels == b.metadata.labels
}

/// A manifest as the object that it would become, as far as that can be told without the server.
fn written(live: Option<Value>, mut manifest: Value) -> (Value, Change) {
    let Some(mut became) = live else {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let uid = format!(
            "planned-{}-{}",
            text(&manifest["kind"]),
            text(&manifest["metadata"]["name"])
        );
        manifest["metadata"]["uid"] = json!(uid);
        manifest["metadata"]["generation"] = json!(1);
        return (manifest, Change::Created);
    };
    let same = became["spec"] == manifest["spec"];
    if !same {
        became["spec"] = manifest["spec"].take();
        became["metadata"]["generation"] = json!(
            became["metadata"]["generation"]
                .as_i64()
                .unwrap_or(0)
                .saturating_add(1)
        );
    }
    if let Value::Object(labels) = manifest["metadata"]["labels"].take() {
        for (key, value) in labels {
            became["metadata"]["labels"][key] = value;
        }
    }
    (
        became,
        if same {
            Change::Unchanged
        } else {
            Change::Changed
        },
    )
}

fn put(index: &mut Index, kind: Kind, value: Value) -> Result<(), serde_json::Error> {
    use pinisi_operator::gather::wire::{NamespaceWire, NodeWire};
    use pinisi_operator::gather::wire_custom::{
        BudgetWire, PolicyWire, SiteWire, SourceWire, WorkloadWire,
    };
    use pinisi_operator::gather::wire_scalable::{DeploymentWire, StatefulSetWire};
    match kind {
        Kind::Site => index.apply_site(read::<SiteWire>(value)?.into()),
        Kind::HybridWorkload => index.apply_workload(read::<WorkloadWire>(value)?.into()),
        Kind::SignalSource => index.apply_source(read::<SourceWire>(value)?.into()),
        Kind::CloudBudget => index.apply_budget(read::<BudgetWire>(value)?.into()),
        Kind::SovereigntyPolicy => index.apply_policy(read::<PolicyWire>(value)?.into()),
        Kind::Deployment => index.apply_deployment(read::<DeploymentWire>(value)?.into()),
        Kind::StatefulSet => index.apply_stateful_set(read::<StatefulSetWire>(value)?.into()),
        Kind::Node => index.apply_node(read::<NodeWire>(value)?.into()),
        Kind::Namespace => {
            let wire: NamespaceWire = read(value)?;
            index.apply_namespace(wire.metadata.name.clone().unwrap_or_default(), wire.into())
        }
    };
    Ok(())
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, serde_json::Error> {
    serde_json::from_value(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_opened_and_empty_documents_left_out() {
        let manifests = vec![
            Value::Null,
            json!({"kind": "List", "items": [{"kind": "A"}, {"kind": "B"}]}),
            json!({"kind": "C"}),
        ];
        let kinds: Vec<_> = flat(manifests)
            .iter()
            .map(|m| m["kind"].as_str().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(kinds, ["A", "B", "C"]);
    }

    #[test]
    fn what_the_server_cannot_say_keeps_what_it_has() {
        let live = json!({"metadata": {"uid": "a", "generation": 4, "labels": {"x": "1"}}, "spec": {"n": 1, "old": true}, "status": {"seen": true}});
        let manifest = json!({"metadata": {"name": "w", "labels": {"y": "2"}}, "spec": {"n": 2}});
        let (became, change) = written(Some(live.clone()), manifest);
        let expected = json!({"metadata": {"uid": "a", "generation": 5, "labels": {"x": "1", "y": "2"}}, "spec": {"n": 2}, "status": {"seen": true}});
        assert_eq!((became, change), (expected, Change::Changed));
        let (became, change) = written(Some(live.clone()), json!({"spec": {"n": 1, "old": true}}));
        assert_eq!((became, change), (live, Change::Unchanged));
        let (became, change) = written(None, json!({"kind": "Site", "metadata": {"name": "w"}}));
        assert_eq!(
            (became["metadata"]["uid"].as_str(), change),
            (Some("planned-Site-w"), Change::Created)
        );
    }

    #[test]
    fn a_file_takes_the_place_of_the_spec_and_of_nothing_else() {
        let live: DynamicObject = serde_json::from_value(json!({
            "apiVersion": "pinisi.dev/v1alpha1", "kind": "HybridWorkload",
            "metadata": {"name": "w", "resourceVersion": "7", "finalizers": ["f"], "labels": {"a": "1", "b": "2"}},
            "spec": {"class": "MassTraffic", "replicas": 4, "mode": "Paused"},
        }))
        .expect("an object");
        let manifest = json!({"kind": "HybridWorkload", "metadata": {"name": "w", "labels": {"a": "9"}}, "spec": {"class": "MassTraffic"}});
        let meta = json!({"name": "w", "resourceVersion": "7", "finalizers": ["f"], "labels": {"a": "9", "b": "2"}});
        let expected = json!({"kind": "HybridWorkload", "metadata": meta, "spec": {"class": "MassTraffic", "replicas": 4}});
        assert_eq!(whole(Kind::HybridWorkload, &live, &manifest), expected);
        let scaled = json!({"metadata": {}, "spec": {"autoscaling": {}}});
        assert!(whole(Kind::HybridWorkload, &live, &scaled)["spec"]["replicas"].is_null());
    }
}
