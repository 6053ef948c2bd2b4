//! `attest`: a person vouches for the nodes of an OnPrem Site, each as it is. Gather, a pure plan,
//! one write. Not here: what the operator makes of it (its `check::attested`).

pub mod args;
mod plan;
mod render;
#[cfg(test)]
mod tests;

use crate::args::{Global, Output};
use crate::check::ground::{labels, spoken};
use crate::connect::{NOT_FOUND, Otherwise, cause, connect};
use crate::handover::Ending;
use crate::handover::cluster::CONFLICT;
use crate::handover::progress::agreed;
use crate::output::{Screen, document, print};
use crate::snapshot::{NodeFact, list_labelled};
use anyhow::{Result, anyhow};
use args::AttestOptions;
use k8s_openapi::api::core::v1::Node;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, ResourceExt as _};
use pinisi_crds::Site;
use pinisi_crds::names::CLI_FIELD_MANAGER;
use pinisi_crds::sovereign_nodes::NodeIdentity;
use plan::{Act, Plan, plan};
use render::Shown;
use serde_json::{Map, Value, json};
use std::process::ExitCode;

/// Tries of the write, as long as only the Site's status has moved meanwhile.
const TRIES: usize = 5;

/// Does what is asked.
///
/// # Errors
/// The server cannot be reached or read, or standard output is closed.
pub async fn run(global: &Global, options: &AttestOptions) -> Result<ExitCode> {
    let client = connect(global, Otherwise::All).await?.client;
    let name = &options.site;
    let site = read(&client, name).await?;
    let nodes = nodes(&client, &site).await?;
    let plan = plan(&site, &nodes, options);
    if global.output == Output::Text {
        let shown = Shown::of(name, &plan, Ending::Shown);
        print(&shown.before(Screen::of_stdout()))?;
    }
    let ending = if !plan.refusals.is_empty() {
        Ending::Refused
    } else if !plan.writes() {
        match plan.whole() {
            true => Ending::Shown,
            false => Ending::Refused,
        }
    } else if options.dry_run {
        write(&client, &site, &plan, true).await?
    } else if !agreed(&question(name, &plan), options.yes)? {
        Ending::Refused
    } else {
        write(&client, &site, &plan, false).await?
    };
    let shown = Shown::of(name, &plan, ending);
    print(&match global.output {
        Output::Text => shown.after(&plan),
        Output::Json | Output::Yaml | Output::Junit => document(&shown, global.output)?,
    })?;
    Ok(ending.into())
}

fn question(site: &str, plan: &Plan) -> String {
    match (plan.count(Act::Attest), plan.count(Act::Withdraw)) {
        (new, 0) => {
            format!("Do you vouch for these {new} nodes, that they are yours and stand at {site}?")
        }
        (0, gone) => format!("Withdraw these {gone} nodes from {site}?"),
        (new, gone) => format!(
            "Do you vouch for these {new} nodes, that they are yours and stand at {site}, and withdraw {gone}?"
        ),
    }
}

async fn read(client: &Client, name: &str) -> Result<Site> {
    Api::<Site>::all(client.clone())
        .get(name)
        .await
        .map_err(|error| match &error {
            kube::Error::Api(status) if status.code == NOT_FOUND => {
                anyhow!("there is no Site {name}: see kubectl get sites")
            }
            other => anyhow!("cannot read Site {name}: {}", cause(other)),
        })
}

/// The nodes that carry the Site's labels. A Site without labels has none.
async fn nodes(client: &Client, site: &Site) -> Result<Vec<NodeFact>> {
    let wanted = labels(site);
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let api = Api::<Node>::all(client.clone());
    let found = list_labelled(api, "nodes", &spoken(&wanted), NodeFact::from).await;
    found.map_err(|words| anyhow!("{words}"))
}

/// Writes what was shown, or lets the server only check it. Where the spec has moved since, nothing.
async fn write(client: &Client, shown: &Site, plan: &Plan, dry_run: bool) -> Result<Ending> {
    let api = Api::<Site>::all(client.clone());
    let name = shown.name_any();
    let mut params = PatchParams {
        field_manager: Some(CLI_FIELD_MANAGER.into()),
        ..PatchParams::default()
    };
    params.dry_run = dry_run;
    let mut site = shown.clone();
    for _ in 0..TRIES {
        let body = json!({
            "metadata": {"uid": site.uid(), "resourceVersion": site.resource_version()},
            "spec": {"attested": changes(plan)},
        });
        match api.patch(&name, &params, &Patch::Merge(&body)).await {
            Ok(_) if dry_run => return Ok(Ending::Shown),
            Ok(_) => return Ok(Ending::Done),
            Err(kube::Error::Api(status)) if status.code == CONFLICT => {
                site = read(client, &name).await?;
                if site.uid() != shown.uid() || site.spec != shown.spec {
                    break;
                }
            }
            Err(error) => {
                eprintln!(
                    "the server did not take it: {}; it needs the verbs patch and attest on sites (ClusterRole pinisi-attester)",
                    cause(&error)
                );
                return Ok(Ending::Stopped);
            }
        }
    }
    eprintln!("Site {name} has changed since it was shown: look again");
    Ok(Ending::Stopped)
}

/// What a merge patch of `spec.attested` says: a node whole, or `null` for one that is taken off.
fn changes(plan: &Plan) -> Value {
    let changed = plan.rows.iter().filter_map(|row| {
        let value = match row.act? {
            Act::Attest => {
                let NodeIdentity {
                    uid,
                    provider_id,
                    machine_id,
                } = &row.identity;
                // An id that it has no longer is taken off as well.
                json!({"uid": uid, "providerID": provider_id, "machineID": machine_id})
            }
            Act::Withdraw => Value::Null,
        };
        Some((row.name.clone(), value))
    });
    Value::Object(changed.collect::<Map<_, _>>())
}
