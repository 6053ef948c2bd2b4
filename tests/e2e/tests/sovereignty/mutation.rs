//! Does the suite bite? With any one thing of the guard switched off, a case must turn red; and red it
//! counts only for the rule, resource and operation that were switched off.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures::future::try_join_all;
use kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client, ResourceExt as _};
use kubectl_pinisi::conformance::case::Case;
use kubectl_pinisi::conformance::cases;
use kubectl_pinisi::conformance::fixtures;
use kubectl_pinisi::conformance::ground::Account;
use kubectl_pinisi::conformance::report::Tried;
use kubectl_pinisi::conformance::suite::{Settings, Suite};
use pinisi_e2e::objects as e2e;
use pinisi_lab::Lab;
use pinisi_lab::conformance::{Stage, spec};
use pinisi_lab::operator::{NAMESPACE, SERVICE_ACCOUNT};
use pinisi_lab::programs::Version;
use pinisi_lab::progress::Progress;
use pinisi_lab::spec::{LabSpec, NodeGroup};
use pinisi_operator::guard::NAME_LABEL;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep};

use crate::mutants::{self, Mutant, Served, What};

/// Mutants that are tried at the same time, each of policies of its own.
const WORKERS: usize = 4;
/// How long the API server may take to take up a changed policy.
const BITE: Duration = Duration::from_secs(8);
const POLL: Duration = Duration::from_millis(150);
/// Whoever writes the guard: the operator's own name, so that its fields are taken over.
const MANAGER: &str = "pinisi";
/// The case that looks at the guard's objects.
const LOOKS: &str = "S14";
/// And the one that does in the cloud's cluster.
const LOOKS_THERE: &str = "P10";

#[test]
#[ignore = "deep: cargo lab test --deep mutation"]
fn nothing_can_be_switched_off_unseen() {
    on(Version::V1_37);
}

#[test]
#[ignore = "deep: cargo lab test --deep mutation"]
fn nothing_can_be_switched_off_unseen_on_an_older_server() {
    on(Version::V1_34);
}

#[test]
#[ignore = "deep: cargo lab test --deep mutation"]
fn nothing_can_be_switched_off_unseen_in_the_cloud() {
    said(Runtime::new().expect("a tokio runtime").block_on(async {
        let name = format!("mutation-{}", std::process::id());
        let stage = stage(&name, Version::V1_37).await?;
        let away = NodeGroup::remote("cloud", 1, "4", "16Gi");
        let away = LabSpec::new(&format!("{name}-cloud"), vec![away]).without_prometheus();
        let cloud = Lab::start(away).await?;
        let there = cloud.admin_client().await?;
        receiving(&there).await?;
        let result = every(&there, &stage.client, Some(&there), "in the cloud").await;
        cloud.stop().await?;
        stage.lab.stop().await?;
        result
    }));
}

fn on(version: Version) {
    said(Runtime::new().expect("a tokio runtime").block_on(async {
        let name = format!("mutation-{}", std::process::id());
        let stage = stage(&name, version).await?;
        let result = every(&stage.client, &stage.client, None, version.git_version()).await;
        stage.lab.stop().await?;
        result
    }));
}

fn said(result: Result<()>) {
    if let Err(error) = result {
        panic!("{error:#}");
    }
}

/// Without an operator, which would put back what is switched off.
async fn stage(name: &str, version: Version) -> Result<Stage> {
    let stage = Stage::start(spec(name, version), Progress::quiet()).await?;
    stage.operator.kill_9(&stage.lab).await?;
    Ok(stage)
}

/// What stands in the cloud from before its guard, and then the guard.
async fn receiving(cloud: &Client) -> Result<()> {
    for (name, class) in [("before", "Sensitive"), ("before-mass", "MassTraffic")] {
        e2e::apply(cloud, e2e::namespace(name, class)).await?;
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "canary", "namespace": name}});
        e2e::apply(cloud, account).await?;
    }
    for mut kind in fixtures::carried() {
        kind.body["metadata"]["namespace"] = json!("before");
        if kind.target.resource == "pods" {
            let mut pod = kind.body.clone();
            pod["metadata"]["namespace"] = json!("before-mass");
            pod["metadata"]["labels"] = json!({"pinisi.dev/class": "Sensitive"});
            e2e::apply(cloud, pod).await?;
        }
        e2e::apply(cloud, kind.body).await?;
    }
    for object in pinisi_operator::guard::receiving::objects() {
        apply(cloud, &object.body).await?;
    }
    Ok(())
}

/// Every mutant of the guard that stands in one cluster, against a suite that is run in the hub.
async fn every(guarded: &Client, hub: &Client, cloud: Option<&Client>, called: &str) -> Result<()> {
    let objects = guard(guarded).await?;
    let stamps = objects
        .iter()
        .any(|object| object["kind"] == "MutatingAdmissionPolicy");
    let mutants: Vec<Mutant> = mutants::of(&objects, &Served::of(guarded).await?)?
        .into_iter()
        .filter(|mutant| reachable(mutant, stamps) && in_force(mutant, &objects))
        .collect();
    ensure!(!mutants.is_empty(), "there is no guard to mutate");
    let began = Instant::now();
    let workers = (0..WORKERS).map(|worker| {
        let own = mutants
            .iter()
            .filter(move |mutant| shard(mutant) % WORKERS == worker);
        work(guarded, hub, cloud, own.cloned().collect())
    });
    let survivors: Vec<String> = try_join_all(workers).await?.concat();
    let killed = mutants.len() - survivors.len();
    println!(
        "{called}: {killed} of {} mutants killed, score {} %, in {} s",
        mutants.len(),
        100 * killed / mutants.len(),
        began.elapsed().as_secs()
    );
    ensure!(survivors.is_empty(), "survived: {survivors:#?}");
    Ok(())
}

/// The stamp stands before G03: what comes without the labels has them by then. So it is switched
/// off where there is no stamp.
fn reachable(mutant: &Mutant, stamps: bool) -> bool {
    let behind_the_stamp = mutant.rule == "G03" && mutant.what != What::Stamp && stamps;
    !behind_the_stamp
}

/// A policy whose every binding speaks for no namespace judges nothing: another one does in its stead.
fn in_force(mutant: &Mutant, objects: &[Value]) -> bool {
    let judges = matches!(mutant.what, What::Validation { .. } | What::Stamp);
    let name = &mutant.original["metadata"]["name"];
    let nowhere = json!([{"key": NAME_LABEL, "operator": "DoesNotExist"}]);
    let mut bindings = objects
        .iter()
        .filter(|object| object["spec"]["policyName"] == *name)
        .map(|binding| &binding["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"]);
    !judges || bindings.any(|expressions| *expressions != nowhere)
}

/// Mutants of one policy must not meet, and neither must the stamp and the rule behind it.
fn shard(mutant: &Mutant) -> usize {
    let name = mutant.original["metadata"]["name"]
        .as_str()
        .unwrap_or_default();
    let policy = mutant.original["spec"]["policyName"]
        .as_str()
        .unwrap_or(name);
    // Those of SovereigntyPolicies are named after the rule's own.
    let policy = policy.split('.').next().unwrap_or(policy);
    let policy = if policy.ends_with("s01-stamp") {
        "pinisi-guard-g02-pod-create"
    } else {
        policy
    };
    policy.bytes().map(usize::from).sum()
}

/// One after the other; those that survive.
async fn work(
    guarded: &Client,
    hub: &Client,
    cloud: Option<&Client>,
    mutants: Vec<Mutant>,
) -> Result<Vec<String>> {
    let all: Vec<&'static Case> = cases::all().collect();
    let settings = Settings {
        operator: Account {
            namespace: NAMESPACE.into(),
            name: SERVICE_ACCOUNT.into(),
        },
        operator_down: false,
        remote: cloud.cloned(),
    };
    let mut suite = Suite::open(hub, settings, &all).await?;
    let result = work_in(guarded, cloud.is_some(), &mut suite, &mutants).await;
    suite.close().await;
    result
}

async fn work_in(
    client: &Client,
    in_the_cloud: bool,
    suite: &mut Suite,
    mutants: &[Mutant],
) -> Result<Vec<String>> {
    let looks = if in_the_cloud { LOOKS_THERE } else { LOOKS };
    let mut survivors = Vec::new();
    for mutant in mutants {
        let name = mutant.name();
        // A case that is red anyway shows nothing.
        if let Err(error) = until(suite, looks, mutant, false).await {
            println!("red already: {name}: {error:#}");
            survivors.push(name);
            continue;
        }
        apply(client, &mutant.changed).await?;
        let killed = until(suite, looks, mutant, true).await?;
        apply(client, &mutant.original).await?;
        match killed {
            Some(by) => println!("killed: {name}, by {by}"),
            None => {
                println!("survived: {name}");
                survivors.push(name);
            }
        }
    }
    Ok(survivors)
}

/// Tries what is switched off until something is red, or nothing is; which, or none in time.
async fn until(
    suite: &mut Suite,
    looks: &str,
    mutant: &Mutant,
    red: bool,
) -> Result<Option<String>> {
    let deadline = Instant::now() + BITE;
    loop {
        let found = seen(suite, looks, mutant)
            .await?
            .into_iter()
            .find(|tried| tried.outcome.is_red());
        match (found, red) {
            (Some(tried), true) => {
                return Ok(Some(format!("{} ({})", tried.name, tried.outcome.word())));
            }
            (None, false) => return Ok(Some(String::new())),
            (Some(tried), false) if Instant::now() >= deadline => {
                bail!(
                    "{}: {} [{}] {}",
                    tried.outcome.word(),
                    tried.name,
                    tried.rule,
                    tried.answer
                )
            }
            (Some(_), false) | (None, true) => {}
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        sleep(POLL).await;
    }
}

/// Whatever the suite tries of it.
async fn seen(suite: &mut Suite, looks: &str, mutant: &Mutant) -> Result<Vec<Tried>> {
    let all: Vec<&'static Case> = cases::all().collect();
    match &mutant.what {
        What::Validation {
            resource,
            operation,
            ..
        } => {
            let request = format!("{operation} {resource}");
            let tried = suite.run_rule(&mutant.rule, &all).await?;
            Ok(tried
                .into_iter()
                .filter(|tried| tried.request == request)
                .collect())
        }
        What::Stamp => suite.run_rule(&mutant.rule, &all).await,
        What::FailClosed | What::ParameterDeny | What::Action => {
            let looks = cases::named(&[looks])
                .next()
                .context("no case that looks at the guard")?;
            let name = mutant.original["spec"]["policyName"].as_str();
            let name = name
                .or(mutant.original["metadata"]["name"].as_str())
                .unwrap_or_default();
            let tried = suite.run(looks).await?.tried;
            Ok(tried
                .into_iter()
                .filter(|tried| tried.name.starts_with(name))
                .collect())
        }
    }
}

const KINDS: [(&str, &str); 4] = [
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
];

fn api(client: &Client, kind: &str) -> Api<DynamicObject> {
    let plural = KINDS
        .iter()
        .find(|(own, _)| *own == kind)
        .map_or("", |(_, plural)| plural);
    let gvk = GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", kind);
    Api::all_with(
        client.clone(),
        &ApiResource::from_gvk_with_plural(&gvk, plural),
    )
}

/// The guard's objects, as they can be applied.
async fn guard(client: &Client) -> Result<Vec<Value>> {
    let mut objects = Vec::new();
    for (kind, _) in KINDS {
        let list = match api(client, kind).list(&ListParams::default()).await {
            Ok(list) => list,
            Err(kube::Error::Api(status)) if status.code == 404 => continue,
            Err(error) => return Err(error.into()),
        };
        for object in list
            .into_iter()
            .filter(|object| object.name_any().starts_with("pinisi-guard-"))
        {
            objects.push(json!({
                "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
                "metadata": {"name": object.name_any(), "labels": object.labels()},
                "spec": object.data["spec"],
            }));
        }
    }
    Ok(objects)
}

async fn apply(client: &Client, object: &Value) -> Result<()> {
    let kind = object["kind"].as_str().unwrap_or_default();
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let params = PatchParams::apply(MANAGER).force();
    api(client, kind)
        .patch(name, &params, &Patch::Apply(object))
        .await
        .map(drop)
        .with_context(|| format!("apply {kind} {name}"))
}
