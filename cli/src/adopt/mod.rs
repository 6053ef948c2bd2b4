//! `adopt`: a HybridWorkload from a Deployment and what scales it now, first observing, then
//! holding the count. Each verb is gather, a pure plan, and its steps. Not here: going back, which
//! is `release`.

pub mod args;
mod compare;
mod convert;
mod finish;
mod ground;
mod manifest;
mod phase;
mod plan;
mod render;
mod status;
#[cfg(test)]
mod tests;

use crate::args::{Global, Output};
use crate::connect::{Connection, Otherwise, Scope, connect};
use crate::handover::progress::agreed;
use crate::handover::{Cluster, Ending, Progress, Target};
use crate::output::{document, print};
use crate::snapshot::{NodeFact, list};
use anyhow::{Result, anyhow, bail};
use args::{AdoptNext, AdoptOptions, MakeOptions};
use ground::Ground;
use kube::Api;
use plan::{Step, plan};
use serde_json::Value;
use std::process::ExitCode;
use std::time::Duration;

/// Does what is asked.
///
/// # Errors
/// The server cannot be reached or read, or standard output is closed.
pub async fn run(global: &Global, options: &AdoptOptions) -> Result<ExitCode> {
    let connection = connect(global, Otherwise::ContextNamespace).await?;
    let cluster = cluster(&connection)?;
    let ending = match &options.next {
        None => make(&cluster, &options.make, global.output).await?,
        Some(AdoptNext::Status(options)) => status::run(&cluster, options, global.output).await?,
        Some(AdoptNext::Finish(options)) => finish::run(&cluster, options, global.output).await?,
    };
    Ok(ending.into())
}

/// One namespace is meant.
///
/// # Errors
/// `-A` was given.
pub fn cluster(connection: &Connection) -> Result<Cluster> {
    match &connection.scope {
        Scope::One(namespace) => Ok(Cluster {
            client: connection.client.clone(),
            namespace: namespace.clone(),
        }),
        Scope::All => {
            bail!("-A means every namespace, but one object is meant: say --namespace NAME")
        }
    }
}

async fn make(cluster: &Cluster, options: &MakeOptions, output: Output) -> Result<Ending> {
    let (Some(target), Some(wish)) = (&options.target, options.wish()) else {
        bail!(
            "say what to adopt and as what: kubectl pinisi adopt deployment/NAME --class MassTraffic"
        );
    };
    let name = options.name.as_ref().unwrap_or(&target.name);
    let (facts, ground) = tokio::join!(cluster.facts(target, name), ground(cluster));
    let facts = facts?;
    let plan = plan(&facts, &ground, &wish, &options.load_choice(), name);
    let shown = render::Made::of(&facts, &plan);
    if output == Output::Text {
        print(&shown.text())?;
    }
    let ending = if plan.steps.is_empty() {
        match crate::handover::note::any_obstacle(&plan.notes) {
            true => Ending::Refused,
            false => Ending::Done,
        }
    } else if options.dry_run {
        try_only(cluster, &plan, output).await?
    } else if !agreed(
        &format!("Create it in namespace {}?", cluster.namespace),
        options.yes,
    )? {
        Ending::Refused
    } else {
        carry_out(cluster, &plan).await?
    };
    let told = match ending {
        Ending::Done if !plan.steps.is_empty() => {
            let facts = cluster.facts(target, name).await?;
            phase::Phase::of(&facts).words(&facts)
        }
        Ending::Done | Ending::Shown | Ending::Refused | Ending::Stopped | Ending::Unread => {
            plan.phase.words(&facts)
        }
    };
    match output {
        Output::Text if ending == Ending::Done => print(&format!("{told}\n"))?,
        Output::Text => {}
        Output::Json | Output::Yaml | Output::Junit => {
            print(&document(&shown.ended(ending), output)?)?
        }
    }
    Ok(ending)
}

/// A new label is known to the whole API server by then.
const LABEL_SEEN_WITHIN: Duration = Duration::from_secs(10);
/// How often it is tried.
const LABEL_LOOK: Duration = Duration::from_millis(500);

async fn ground(cluster: &Cluster) -> Ground {
    let (sites, nodes) = tokio::join!(
        list(Api::all(cluster.client.clone()), "sites", |site| site),
        list(
            Api::<k8s_openapi::api::core::v1::Node>::all(cluster.client.clone()),
            "nodes",
            NodeFact::from
        ),
    );
    Ground { sites, nodes }
}

/// Lets the server check the manifest. It refuses a class that the namespace does not say yet.
async fn try_only(cluster: &Cluster, plan: &plan::Plan, output: Output) -> Result<Ending> {
    let label_first = plan
        .steps
        .iter()
        .any(|step| matches!(step, Step::LabelNamespace { .. }));
    let words = if label_first {
        "dry run: nothing was written; the server cannot check the workload before the namespace has its label"
    } else if let Some(manifest) = &plan.manifest {
        cluster.create_workload(manifest, true).await?;
        "dry run: nothing was written; the server accepts it"
    } else {
        "dry run: nothing was written"
    };
    if output == Output::Text {
        print(&format!("{words}\n"))?;
    }
    Ok(Ending::Shown)
}

async fn carry_out(cluster: &Cluster, plan: &plan::Plan) -> Result<Ending> {
    let mut progress = Progress::new();
    let mut written = false;
    for step in &plan.steps {
        progress.say(&step.words(&cluster.namespace));
        let done = match step {
            Step::LabelNamespace { class } => cluster.label_namespace(class).await,
            Step::CreateWorkload { name: _ } => {
                let manifest = plan.manifest.as_ref();
                let manifest = manifest.ok_or_else(|| anyhow!("there is no manifest"))?;
                create(cluster, manifest, written).await
            }
        };
        match done {
            Ok(()) => written = true,
            Err(error) if written => {
                progress.say(&format!("stopped: {error:#}"));
                return Ok(Ending::Stopped);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Ending::Done)
}

/// The guard compares the class with the namespace as the API server has it in its cache: where the
/// label is new, it may take a moment until the workload is let in.
async fn create(cluster: &Cluster, manifest: &Value, labelled: bool) -> Result<()> {
    let until = tokio::time::Instant::now() + LABEL_SEEN_WITHIN;
    loop {
        let made = cluster.create_workload(manifest, false).await;
        if made.is_ok() || !labelled || tokio::time::Instant::now() >= until {
            return made;
        }
        tokio::time::sleep(LABEL_LOOK).await;
    }
}

/// The target in the words of an error.
fn unknown(target: &Target, namespace: &str) -> anyhow::Error {
    anyhow!(
        "{target} in namespace {namespace} is not adopted: begin with kubectl pinisi adopt {}/{} --class MassTraffic --namespace {namespace}",
        target.kind.short(),
        target.name
    )
}
