//! `plan`: what manifests would change, with the operator's own check and the real planner. Nothing is
//! written: the API server is asked in dry runs alone. Not here: the counts of an hour later, and what
//! other clusters would refuse.

pub mod answer;
pub mod args;
mod assume;
pub mod bring;
mod compare;
pub mod ground;
mod look;
mod render;
#[cfg(test)]
mod tests;

use crate::args::{Global, Output};
use crate::connect::{Otherwise, Scope, connect};
use crate::documents::{documents, files};
use crate::output::{document, print};
use answer::Answer;
use anyhow::{Result, bail};
use args::PlanOptions;
use jiff::Timestamp;
use kube::Client;
use pinisi_operator::gather::index::Index;
use serde_json::Value;
use std::process::ExitCode;

/// Exit code where something would change.
const EXIT_CHANGES: u8 = 1;
/// Exit code where something is refused.
const EXIT_REFUSED: u8 = 2;

/// Reads, plans twice, and says what differs.
///
/// # Errors
/// Files or the cluster cannot be read.
pub async fn run(global: &Global, options: &PlanOptions) -> Result<ExitCode> {
    let mut manifests = Vec::new();
    for path in files(&options.filename)? {
        manifests.extend(documents(&path)?);
    }
    if manifests.is_empty() {
        bail!("there is no manifest in what -f names");
    }
    let now = Timestamp::now();
    let answer = if options.offline {
        let namespace = global.namespace.as_deref().unwrap_or("default");
        answer(None, Index::default(), manifests, namespace, options, now).await
    } else {
        let connection = connect(global, Otherwise::ContextNamespace).await?;
        let index = ground::read(&connection.client, &options.operator_namespace).await?;
        let namespace = match &connection.scope {
            Scope::One(namespace) => namespace,
            Scope::All => "default",
        };
        answer(
            Some(&connection.client),
            index,
            manifests,
            namespace,
            options,
            now,
        )
        .await
    };
    match global.output {
        Output::Json | Output::Yaml | Output::Junit => print(&document(&answer, global.output)?)?,
        Output::Text => print(&render::text(&answer))?,
    }
    Ok(code(&answer))
}

async fn answer(
    client: Option<&Client>,
    mut index: Index,
    manifests: Vec<Value>,
    namespace: &str,
    options: &PlanOptions,
    now: Timestamp,
) -> Answer {
    let offline = client.is_none();
    let before = look::look(&mut index, &options.load, offline, now);
    let mut brought = bring::bring(client, &mut index, manifests, namespace).await;
    if offline {
        brought.assumptions.extend(assume::nodes(&mut index));
    }
    let after = look::look(&mut index, &options.load, offline, now);
    compare::compare(&before, &after, brought)
}

fn code(answer: &Answer) -> ExitCode {
    match (answer.summary.refused, answer.summary.changed) {
        (0, 0) => ExitCode::SUCCESS,
        (0, _) => ExitCode::from(EXIT_CHANGES),
        (_, _) => ExitCode::from(EXIT_REFUSED),
    }
}
