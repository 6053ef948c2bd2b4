//! `explain`: why a workload has the replicas that it has. Told is what the operator decided, out of
//! the workload's status: a plan made here would lack what the operator remembers of the load, and
//! would say something else. Nothing is planned and nothing is written.

pub mod args;
mod render;
mod tell;
#[cfg(test)]
mod tests;

use crate::args::{Global, Output};
use crate::connect::{Connection, Otherwise, Scope, connect};
use crate::output::{document, print};
use crate::status::{all, spoken, workloads_of};
use anyhow::{Result, bail};
pub use render::words;

use args::ExplainOptions;
use kube::ResourceExt as _;
use pinisi_crds::HybridWorkload;
use std::process::ExitCode;

/// Reads one workload and tells its decision.
///
/// # Errors
/// The server cannot be reached or read, there is no such workload, or nothing was decided for it.
pub async fn run(global: &Global, options: &ExplainOptions) -> Result<ExitCode> {
    let connection = connect(global, Otherwise::ContextNamespace).await?;
    let workload = find(&connection, &options.name()?).await?;
    let told = tell::tell(&workload)?;
    match global.output {
        Output::Json | Output::Yaml | Output::Junit => print(&document(&told, global.output)?)?,
        Output::Text => print(&render::text(&told))?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn find(connection: &Connection, name: &str) -> Result<HybridWorkload> {
    let Connection { client, scope, .. } = connection;
    let mut found = all(
        workloads_of::<HybridWorkload>(client, scope),
        "hybridworkloads",
    )
    .await?;
    found.retain(|workload| workload.name_any() == name);
    if found.len() > 1 {
        let namespaces: Vec<_> = found
            .iter()
            .filter_map(kube::ResourceExt::namespace)
            .collect();
        bail!(
            "HybridWorkload {name} is in several namespaces: choose with -n one of {}",
            namespaces.join(", ")
        );
    }
    let elsewhere = match scope {
        Scope::One(_) => "choose another with -n, or see kubectl pinisi status -A",
        Scope::All => "see kubectl pinisi status -A",
    };
    found.pop().ok_or_else(|| {
        anyhow::anyhow!(
            "there is no HybridWorkload {name} in {}: {elsewhere}",
            spoken(scope)
        )
    })
}
