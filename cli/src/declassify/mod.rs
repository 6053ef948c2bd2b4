//! `declassify`: one person asks that a namespace be no longer Sensitive, another one approves. Both
//! writes are their user's own. Not here: whether they may (the guard, RBAC), and the change of the
//! class (the operator).

pub mod args;
mod render;
#[cfg(test)]
mod tests;

use crate::args::{Global, Output};
use crate::connect::{NOT_FOUND, Otherwise, Scope, cause, connect};
use crate::handover::Ending;
use crate::handover::progress::agreed;
use crate::output::{Screen, document, print};
use anyhow::{Context as _, Result, anyhow, bail};
use args::{DeclassifyCommand, DeclassifyOptions};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use pinisi_crds::declassification::{NOT_A_PERSON, REASON_MAX};
use pinisi_crds::names::{CLASS_LABEL, CLASS_SENSITIVE, CLI_FIELD_MANAGER};
use pinisi_crds::{Declassification, DeclassificationSpec};
use render::{Shown, question_of_approval, question_of_request};
use serde_json::json;
use std::process::ExitCode;

/// Requests listed at most.
const LISTED_MAX: u32 = 500;

/// Does what is asked.
///
/// # Errors
/// The server cannot be reached or read, or standard output is closed.
pub async fn run(global: &Global, options: &DeclassifyOptions) -> Result<ExitCode> {
    let connection = connect(global, Otherwise::ContextNamespace).await?;
    let (client, scope) = (&connection.client, &connection.scope);
    let (requests, ending) = match &options.command {
        DeclassifyCommand::List => (list(client, scope).await?, Ending::Shown),
        DeclassifyCommand::Request { reason, yes } => {
            request(client, one(scope)?, reason, *yes).await?
        }
        DeclassifyCommand::Approve { name, yes } => {
            approve(client, one(scope)?, name, *yes).await?
        }
    };
    let shown = Shown::of(&requests, ending);
    print(&match global.output {
        Output::Text => shown.text(Screen::of_stdout()),
        Output::Json | Output::Yaml | Output::Junit => document(&shown, global.output)?,
    })?;
    Ok(ending.into())
}

fn one(scope: &Scope) -> Result<&str> {
    match scope {
        Scope::One(namespace) => Ok(namespace),
        Scope::All => bail!("a request is for one namespace: say which with --namespace"),
    }
}

async fn list(client: &Client, scope: &Scope) -> Result<Vec<Declassification>> {
    let api = match scope {
        Scope::One(namespace) => Api::namespaced(client.clone(), namespace),
        Scope::All => Api::all(client.clone()),
    };
    let found = api.list(&ListParams::default().limit(LISTED_MAX)).await;
    let found =
        found.map_err(|error| anyhow!("cannot list Declassifications: {}", cause(&error)))?;
    if found.metadata.continue_.is_some() {
        eprintln!("only the first {LISTED_MAX} are shown: say which namespace with -n");
    }
    Ok(found.items)
}

type Ended = (Vec<Declassification>, Ending);

async fn request(client: &Client, namespace: &str, reason: &str, yes: bool) -> Result<Ended> {
    if let Some(wrong) = wrong_reason(reason) {
        bail!("{wrong}");
    }
    let user = person(client).await?;
    sensitive(client, namespace).await?;
    if !agreed(&question_of_request(namespace, &user), yes)? {
        return Ok((Vec::new(), Ending::Refused));
    }
    let spec = DeclassificationSpec {
        reason: reason.to_owned(),
        requested_by: user,
    };
    let mut made = Declassification::new("", spec);
    made.metadata.name = None;
    made.metadata.generate_name = Some(format!("{namespace}-"));
    let params = PostParams {
        field_manager: Some(CLI_FIELD_MANAGER.into()),
        ..PostParams::default()
    };
    match api(client, namespace).create(&params, &made).await {
        Ok(made) => Ok((vec![made], Ending::Done)),
        Err(error) => Ok(refused(&error)),
    }
}

/// Writes what was shown: where another object has its name by now, nothing.
async fn approve(client: &Client, namespace: &str, name: &str, yes: bool) -> Result<Ended> {
    let user = person(client).await?;
    let api = api(client, namespace);
    let shown = api.get(name).await.map_err(|error| match &error {
        kube::Error::Api(status) if status.code == NOT_FOUND => anyhow!(
            "there is no Declassification {name} in namespace {namespace}: kubectl pinisi declassify list -A"
        ),
        other => anyhow!("cannot read Declassification {name}: {}", cause(other)),
    })?;
    if let Some(wrong) = not_to_approve(&shown, &user) {
        bail!("{wrong}");
    }
    let question = question_of_approval(&shown, &user);
    if yes {
        // It is not asked, but what is approved is shown all the same.
        eprintln!("{question} yes");
    }
    if !agreed(&question, yes)? {
        return Ok((vec![shown], Ending::Refused));
    }
    let body = json!({
        "metadata": {"uid": shown.uid()},
        "status": {"approval": {"approvedBy": user}},
    });
    let params = PatchParams {
        field_manager: Some(CLI_FIELD_MANAGER.into()),
        ..PatchParams::default()
    };
    match api.patch_status(name, &params, &Patch::Merge(&body)).await {
        Ok(approved) => Ok((vec![approved], Ending::Done)),
        Err(error) => Ok(refused(&error)),
    }
}

fn refused(error: &kube::Error) -> Ended {
    eprintln!("the server did not take it: {}", cause(error));
    (Vec::new(), Ending::Stopped)
}

fn api(client: &Client, namespace: &str) -> Api<Declassification> {
    Api::namespaced(client.clone(), namespace)
}

/// The user that the server takes us for.
async fn person(client: &Client) -> Result<String> {
    let asked = Api::<SelfSubjectReview>::all(client.clone())
        .create(&PostParams::default(), &SelfSubjectReview::default())
        .await;
    let review = asked.map_err(|error| anyhow!("cannot ask who you are: {}", cause(&error)))?;
    let info = review.status.and_then(|status| status.user_info);
    let user = info
        .and_then(|info| info.username)
        .context("the server does not say who you are")?;
    if user.starts_with(NOT_A_PERSON) {
        bail!("{user} is no person: one asks and another one approves, each as himself");
    }
    Ok(user)
}

async fn sensitive(client: &Client, name: &str) -> Result<()> {
    let api = Api::<Namespace>::all(client.clone());
    let found = match api.get_metadata(name).await {
        Ok(found) => found,
        // Whoever asks need not be able to read namespaces: the operator looks again.
        Err(kube::Error::Api(status)) if status.is_forbidden() => return Ok(()),
        Err(error) => bail!("cannot read namespace {name}: {}", cause(&error)),
    };
    match found.labels().get(CLASS_LABEL).map(String::as_str) {
        Some(CLASS_SENSITIVE) => Ok(()),
        Some(class) => bail!("namespace {name} is {class}: there is nothing to declassify"),
        None => bail!("namespace {name} has no class: set label {CLASS_LABEL} instead"),
    }
}

fn wrong_reason(reason: &str) -> Option<String> {
    match reason.trim().chars().count() {
        0 => Some("--reason says nothing: say why what is in the namespace may leave".into()),
        n if n > REASON_MAX => Some(format!(
            "--reason has {n} characters and may have {REASON_MAX}: name a document instead"
        )),
        _ => None,
    }
}

/// Why it would be of no use to approve this, so that nobody has to find out by a refusal.
fn not_to_approve(request: &Declassification, user: &str) -> Option<String> {
    let name = request.name_any();
    let status = request.status.clone().unwrap_or_default();
    if let Some(outcome) = status.outcome {
        return Some(format!("{name} has ended ({outcome:?}): ask anew"));
    }
    if let Some(approval) = status.approval {
        return Some(format!(
            "{name} is approved already, by {}",
            approval.approved_by
        ));
    }
    (request.spec.requested_by == user)
        .then(|| format!("{user} asked for {name}: another person must approve it"))
}
