//! PN00x: the server and the definitions of the API.

use super::finding::{Check, Findings, known};
use crate::snapshot::Snapshot;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::ResourceExt as _;
use serde_json::Value;

const SERVER: Check = Check {
    id: "PN001",
    title: "the server is Kubernetes 1.30 or newer",
};
const SERVED: Check = Check {
    id: "PN002",
    title: "the API's definitions are installed and served",
};
const SCHEMA: Check = Check {
    id: "PN003",
    title: "the definitions are those of this version",
};
/// In the order in which they run.
pub const CHECKS: &[&Check] = &[&SERVER, &SERVED, &SCHEMA];

/// First minor version of Kubernetes 1 with the admission policies that the guard needs.
const OLDEST_MINOR: u32 = 30;
const VERSION: &str = "v1alpha1";
const UPGRADE: &str = "helm upgrade --install pinisi charts/pinisi --namespace pinisi-system";

/// Runs them.
pub fn run(snapshot: &Snapshot, findings: &mut Findings) {
    server(snapshot, findings);
    served(snapshot, findings);
    schema(snapshot, findings);
}

fn server(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&SERVER);
    let (major, minor) = &snapshot.server;
    match minor_of(snapshot) {
        Some(n) if n >= OLDEST_MINOR => {}
        Some(_) => verdict.fail(
            "Server",
            format!("is {major}.{minor}, which has no ValidatingAdmissionPolicy v1: the guard cannot work"),
            format!("upgrade the cluster to 1.{OLDEST_MINOR} or newer"),
        ),
        None => return verdict.skip(format!("the server calls itself {major}.{minor}")),
    }
    verdict.or_ok(format!("{major}.{minor}"));
}

/// The minor version as a number; providers write "30+".
pub fn minor_of(snapshot: &Snapshot) -> Option<u32> {
    let (major, minor) = &snapshot.server;
    let digits = minor.trim_end_matches(|c: char| !c.is_ascii_digit());
    if major == "1" {
        digits.parse().ok()
    } else {
        None
    }
}

fn served(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&SERVED);
    let (kinds, definitions) = known!(verdict, snapshot.served_kinds, snapshot.definitions);
    let expected = pinisi_crds::all();
    for wanted in &expected {
        let name = wanted.name_any();
        let object = format!("CustomResourceDefinition {name}");
        match definitions
            .iter()
            .find(|definition| definition.name_any() == name)
        {
            None => verdict.fail(object, "is not installed", UPGRADE),
            Some(_) if !kinds.contains(&wanted.spec.names.plural) => verdict.fail(
                object,
                format!(
                    "is installed, but the server does not serve it as {VERSION}{}",
                    refused_names(definitions, &name)
                ),
                format!("kubectl describe crd {name}"),
            ),
            Some(_) => {}
        }
    }
    verdict.or_ok(format!("{} kinds at {VERSION}", expected.len()));
}

/// Why a definition is not served, in its own words.
fn refused_names(definitions: &[CustomResourceDefinition], name: &str) -> String {
    let found = definitions
        .iter()
        .find(|definition| definition.name_any() == name);
    let conditions = found
        .and_then(|d| d.status.as_ref())
        .and_then(|status| status.conditions.as_ref());
    let bad = conditions.into_iter().flatten().find(|condition| {
        condition.status != "True"
            && matches!(condition.type_.as_str(), "Established" | "NamesAccepted")
    });
    bad.and_then(|condition| condition.message.clone())
        .map(|words| format!(": {words}"))
        .unwrap_or_default()
}

fn schema(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&SCHEMA);
    let definitions = known!(verdict, snapshot.definitions);
    if definitions.is_empty() {
        return verdict.skip("no definition is installed");
    }
    for wanted in &pinisi_crds::all() {
        let name = wanted.name_any();
        let object = format!("CustomResourceDefinition {name}");
        let Some(found) = definitions
            .iter()
            .find(|definition| definition.name_any() == name)
        else {
            continue;
        };
        let (Some(wanted), Some(found)) = (schema_of(wanted), schema_of(found)) else {
            verdict.fail(object, format!("has no schema for {VERSION}"), UPGRADE);
            continue;
        };
        match difference(&wanted, &found, String::new()) {
            None => {}
            Some(Difference::Missing(path)) => verdict.fail(
                object,
                format!("lacks {path}: it is older than this version, and the server would drop that field"),
                UPGRADE,
            ),
            Some(Difference::Other(path)) => verdict.warn(
                object,
                format!("differs from this version at {path}"),
                format!("bring plugin and chart to one version: kubectl pinisi --version; {UPGRADE}"),
            ),
        }
    }
    verdict.or_ok("schemas are equal");
}

fn schema_of(definition: &CustomResourceDefinition) -> Option<Value> {
    let version = definition
        .spec
        .versions
        .iter()
        .find(|version| version.name == VERSION)?;
    serde_json::to_value(version.schema.as_ref()?.open_api_v3_schema.as_ref()?).ok()
}

/// How two schemas differ.
enum Difference {
    /// The found one has no such field.
    Missing(String),
    /// Anything else: rules, words, or fields that we do not know.
    Other(String),
}

/// The first difference that matters most: a missing field before all others.
fn difference(wanted: &Value, found: &Value, path: String) -> Option<Difference> {
    let (Value::Object(wanted), Value::Object(found)) = (wanted, found) else {
        return (wanted != found).then_some(Difference::Other(path));
    };
    let mut other = None;
    for key in wanted
        .keys()
        .chain(found.keys().filter(|key| !wanted.contains_key(*key)))
    {
        let at = format!("{path}.{key}");
        let here = match (wanted.get(key), found.get(key)) {
            (Some(_), None) if path.ends_with("properties") => {
                return Some(Difference::Missing(spoken(&at)));
            }
            (Some(a), Some(b)) => difference(a, b, at),
            (Some(_), None) | (None, Some(_)) | (None, None) => Some(Difference::Other(at)),
        };
        match here {
            Some(Difference::Missing(path)) => return Some(Difference::Missing(path)),
            Some(Difference::Other(path)) if other.is_none() => other = Some(path),
            Some(Difference::Other(_)) | None => {}
        }
    }
    other.map(|path| Difference::Other(spoken(&path)))
}

/// A schema's path as people write fields: `.properties.spec.properties.class` is `spec.class`.
fn spoken(path: &str) -> String {
    let steps = path
        .split('.')
        .filter(|step| !step.is_empty() && *step != "properties");
    steps.collect::<Vec<_>>().join(".").replace(".items", "[]")
}
