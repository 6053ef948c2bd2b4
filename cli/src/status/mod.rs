//! `status`: workloads, sites, signal sources and budgets as the operator last said them.

mod attention;
mod overview;
mod render;
#[cfg(test)]
mod tests;
mod watch;

pub use attention::{Attention, Weight, attention};

use crate::args::{Global, Output, StatusOptions};
use crate::connect::{Connection, NOT_FOUND, Otherwise, Scope, cause, connect};
use crate::output::{Screen, document, print};
use anyhow::{Result, anyhow, bail};
use kube::api::ListParams;
use kube::core::NamespaceResourceScope;
use kube::{Api, Client, Resource};
use overview::{Overview, Source};
use pinisi_crds::{CloudBudget, HybridWorkload, SignalSource, Site};
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::process::ExitCode;

/// Reads, shows, and stays where asked to.
///
/// # Errors
/// The server cannot be reached or read, or standard output is closed.
pub async fn run(global: &Global, options: &StatusOptions) -> Result<ExitCode> {
    let connection = connect(global, Otherwise::ContextNamespace).await?;
    let screen = Screen::of_stdout();
    if options.watch {
        watch::run(&connection, options, global.output, screen).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let overview = read(&connection, options.name.as_deref()).await?;
    if let Some(name) = &options.name
        && overview.workloads.is_empty()
    {
        bail!(
            "there is no HybridWorkload {name} in {}: see kubectl pinisi status -A",
            spoken(&connection.scope)
        );
    }
    match global.output {
        Output::Json | Output::Yaml | Output::Junit => print(&document(&overview, global.output)?)?,
        Output::Text => print(&render::text(&overview, &connection.scope, screen))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A scope in words.
pub fn spoken(scope: &Scope) -> String {
    match scope {
        Scope::One(namespace) => format!("namespace {namespace}"),
        Scope::All => "any namespace".into(),
    }
}

/// HybridWorkloads, or what else is in a namespace, of a scope.
pub fn workloads_of<K>(client: &Client, scope: &Scope) -> Api<K>
where
    K: Resource<Scope = NamespaceResourceScope>,
    K::DynamicType: Default,
{
    match scope {
        Scope::One(namespace) => Api::namespaced(client.clone(), namespace),
        Scope::All => Api::all(client.clone()),
    }
}

async fn read(connection: &Connection, name: Option<&str>) -> Result<Overview> {
    let Connection { client, scope, .. } = connection;
    let (workloads, sites, sources, budgets) = tokio::try_join!(
        all(
            workloads_of::<HybridWorkload>(client, scope),
            "hybridworkloads"
        ),
        all(Api::<Site>::all(client.clone()), "sites"),
        all(Api::<SignalSource>::all(client.clone()), "signalsources"),
        all(Api::<CloudBudget>::all(client.clone()), "cloudbudgets"),
    )?;
    Ok(Overview::of(
        Source {
            workloads: &workloads,
            sites: &sites,
            sources: &sources,
            budgets: &budgets,
        },
        name,
    ))
}

/// Every object of a kind.
///
/// # Errors
/// They cannot be listed, with the way out.
pub async fn all<K>(api: Api<K>, plural: &str) -> Result<Vec<K>>
where
    K: Clone + DeserializeOwned + Debug,
{
    match api.list(&ListParams::default()).await {
        Ok(list) => Ok(list.items),
        Err(kube::Error::Api(status)) if status.code == NOT_FOUND => Err(anyhow!(
            "the server has no {plural}: Pinisi is not installed there; helm install pinisi charts/pinisi, or choose another --context"
        )),
        Err(kube::Error::Api(status)) if status.is_forbidden() => Err(anyhow!(
            "no right to list {plural}: {}. Try -n NAMESPACE, or ask for the right to list them in every namespace",
            status.message
        )),
        Err(error) => Err(anyhow!("cannot list {plural}: {}", cause(&error))),
    }
}
